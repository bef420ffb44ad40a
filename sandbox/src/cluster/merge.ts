/** Server-side apply's merge: maps member by member, lists by their shape, everything else replaced. */
import { canonical, elementsOf, isMap, itemElement, memberShape, resolved } from './fieldset.ts';
import type { Shape } from './shape.ts';

type Json = Readonly<Record<string, unknown>>;

/** `config` laid over `live`. Order: that of `config`; what only `live` has stays after its predecessor. */
export function merge(live: unknown, config: unknown, shape: Shape | undefined): unknown {
  if (isMap(live) && isMap(config) && shape?.atomic !== true) {
    const merged: Record<string, unknown> = { ...live };
    for (const [name, value] of Object.entries(config)) if (value !== null) merged[name] = merge(live[name], value, memberShape(shape, name));
    return merged;
  }
  if (Array.isArray(live) && Array.isArray(config) && shape?.list !== undefined) return mergeLists(live, config, shape);
  return config;
}

function mergeLists(live: readonly unknown[], config: readonly unknown[], shape: Shape): readonly unknown[] {
  const wanted = config.map((item) => ({ element: itemElement(item, shape), item }));
  const place = new Map(wanted.map(({ element }, index) => [element, index]));
  const known = new Map(live.map((item) => [itemElement(item, shape), item]));
  const merged: unknown[] = [];
  let next = 0;
  const take = (end: number): void => {
    for (; next < end; next++) {
      const { element, item } = wanted[next] as (typeof wanted)[number];
      merged.push(shape.list === 'map' ? merge(known.get(element), item, resolved(shape.items)) : item);
    }
  };
  for (const [element, item] of known) {
    const index = place.get(element);
    if (index === undefined) merged.push(item);
    else take(index + 1);
  }
  take(wanted.length);
  return merged;
}

/** The object without the field at `path`; a map or list that becomes empty by it goes too. */
export function without(object: Json, path: string, shape: Shape): Json {
  const removed = drop(object, elementsOf(path), shape);
  return isMap(removed) ? removed : {};
}

/** Undefined: nothing is left. */
function drop(value: unknown, [element, ...rest]: readonly string[], shape: Shape | undefined): unknown {
  if (element === undefined) return undefined;
  if (Array.isArray(value) && shape?.list !== undefined) {
    const left = (value as readonly unknown[]).flatMap((item) => {
      if (itemElement(item, shape) !== element) return [item];
      const inner = rest.length === 0 ? undefined : drop(item, rest, resolved(shape.items));
      return inner === undefined ? [] : [inner];
    });
    return left.length === 0 ? undefined : left;
  }
  if (!isMap(value)) return value;
  const name = element.slice(2);
  if (!Object.hasOwn(value, name)) return value;
  const { [name]: target, ...others } = value;
  const inner = rest.length === 0 ? undefined : drop(target, rest, memberShape(shape, name));
  if (inner !== undefined) return { ...value, [name]: inner };
  return Object.keys(others).length === 0 ? undefined : others;
}

export function sameValue(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}
