/**
 * Strategic merge patch, as kubectl apply and edit send it for built-in kinds: lists merge by the
 * first key of their shape.
 */
import { memberShape, resolveReference } from '../cluster/field-set.ts';
import { getMember, isMap, jsonEqual, setMember } from '../cluster/frozen-json.ts';
import type { Shape } from '../cluster/merge-shape.ts';

/**
 * Applies a strategic merge patch, as the document strategic-merge-patch.md of Kubernetes'
 * sig-api-machinery describes.
 */
export function strategicMerge(live: unknown, patch: unknown, shape: Shape | undefined): unknown {
  if (Array.isArray(patch) && shape?.list !== undefined) {
    return mergeItems(Array.isArray(live) ? (live as readonly unknown[]) : [], patch, shape);
  }
  if (!isMap(patch)) {
    return patch;
  }
  if (patch['$patch'] === 'replace') {
    return withoutMember(patch, '$patch');
  }
  const kept = patch['$retainKeys'];
  const merged: Record<string, unknown> = isMap(live) ? { ...live } : {};
  if (Array.isArray(kept)) {
    for (const name of Object.keys(merged)) {
      if (!kept.includes(name)) {
        delete merged[name];
      }
    }
  }
  for (const [name, value] of Object.entries(patch)) {
    const [directive, target] = name.split('/');
    if (
      directive === '$deleteFromPrimitiveList' &&
      target !== undefined &&
      Array.isArray(merged[target]) &&
      Array.isArray(value)
    ) {
      merged[target] = (merged[target] as readonly unknown[]).filter(
        (item) => !value.some((one) => jsonEqual(one, item)),
      );
    } else if (name.startsWith('$')) {
      continue;
    } else if (value === null) {
      delete merged[name];
    } else {
      const before = getMember(merged, name);
      setMember(merged, name, strategicMerge(before, value, memberShape(shape, name)));
    }
  }
  for (const [name, order] of Object.entries(patch)) {
    const [directive, target] = name.split('/');
    if (
      directive === '$setElementOrder' &&
      target !== undefined &&
      Array.isArray(merged[target]) &&
      Array.isArray(order)
    ) {
      merged[target] = orderItems(
        merged[target] as readonly unknown[],
        order,
        memberShape(shape, target),
      );
    }
  }
  return merged;
}

function itemKey(item: unknown, shape: Shape | undefined): unknown {
  const [key] = shape?.list === 'map' ? (shape.keys ?? []) : [];
  return key !== undefined && isMap(item) ? item[key] : item;
}

function mergeItems(
  live: readonly unknown[],
  patch: readonly unknown[],
  shape: Shape,
): readonly unknown[] {
  if (patch.some((item) => isMap(item) && item['$patch'] === 'replace')) {
    return patch.filter((item) => !(isMap(item) && item['$patch'] === 'replace'));
  }
  let merged = [...live];
  for (const item of patch) {
    const index = merged.findIndex((one) => jsonEqual(itemKey(one, shape), itemKey(item, shape)));
    if (isMap(item) && item['$patch'] === 'delete') {
      merged = merged.filter((_, at) => at !== index);
    } else if (index < 0) {
      merged.push(item);
    } else {
      merged[index] = strategicMerge(merged[index], item, resolveReference(shape.items));
    }
  }
  return merged;
}

function orderItems(
  items: readonly unknown[],
  order: readonly unknown[],
  shape: Shape | undefined,
): readonly unknown[] {
  const position = (item: unknown): number =>
    order.findIndex((one) => jsonEqual(itemKey(one, shape), itemKey(item, shape)));
  return items.toSorted((a, b) => position(a) - position(b));
}

function withoutMember(value: Readonly<Record<string, unknown>>, name: string): object {
  const { [name]: _, ...rest } = value;
  return rest;
}
