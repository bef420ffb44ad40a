/**
 * The merge of server-side apply: maps merge member by member, lists by their shape, and other
 * values are replaced. Fields that the manager gave up are removed afterwards.
 */
import type { FieldSet } from './field-set.ts';
import { pathElements, itemElement, memberShape, resolveReference } from './field-set.ts';
import { getMember, isMap, jsonEqual, setMember } from './frozen-json.ts';
import type { Shape } from './merge-shape.ts';

/** Merges an applied configuration into the live value. Equal parts are shared, not copied. */
export function mergeApplied(live: unknown, config: unknown, shape: Shape | undefined): unknown {
  if (isMap(live) && isMap(config) && shape?.atomic !== true) {
    const merged: Record<string, unknown> = { ...live };
    for (const [name, value] of Object.entries(config)) {
      const before = getMember(live, name);
      setMember(merged, name, mergeApplied(before, value, memberShape(shape, name)));
    }
    return Object.keys(merged).every((name) => merged[name] === getMember(live, name))
      ? live
      : merged;
  }
  if (Array.isArray(live) && Array.isArray(config) && shape?.list !== undefined) {
    const merged = mergeLists(live, config, shape);
    return merged.length === live.length && merged.every((item, index) => item === live[index])
      ? live
      : merged;
  }
  return jsonEqual(live, config) ? live : config;
}

/**
 * Merges two lists. Items of `live` only keep their place. Items of both lists take the order of
 * `config`. The lists are walked together, as the API server does, so that the result has the API
 * server's order also where the two lists disagree.
 */
function mergeLists(
  live: readonly unknown[],
  config: readonly unknown[],
  shape: Shape,
): readonly unknown[] {
  const [old, wanted] = [live, config].map((list) =>
    list.map((item) => itemElement(item, shape)),
  ) as [string[], string[]];
  const known = new Map(old.map((element, index) => [element, live[index]]));
  const sent = new Set(wanted);
  const shared = wanted.filter((element) => known.has(element));
  const taken = new Set<string>();
  const merged: unknown[] = [];
  let [left, right] = [0, 0];
  const take = (): void => {
    const element = wanted[right] ?? '';
    const item = config[right++];
    taken.add(element);
    if (shared[0] === element) {
      shared.shift();
    }
    merged.push(
      shape.list === 'map'
        ? mergeApplied(known.get(element), item, resolveReference(shape.items))
        : item,
    );
  };
  while (left < old.length || right < wanted.length) {
    const element = old[left];
    if (element !== undefined && right < wanted.length) {
      if (element === wanted[right]) {
        left++;
        take();
        continue;
      }
      // Items of both lists are taken when the walk reaches them in config.
      if (sent.has(element) && shared.length > 0 && shared[0] !== element) {
        left++;
        continue;
      }
    }
    if (element !== undefined) {
      if (!sent.has(element)) {
        merged.push(live[left++]);
        continue;
      }
      if (taken.has(element)) {
        left++;
      }
    }
    if (right < wanted.length) {
      take();
    }
  }
  return merged;
}

interface Branch {
  isRemoved: boolean;
  readonly inner: Map<string, Branch>;
}

/**
 * The value without the fields at `paths`. A map or list that loses its last member and is not
 * removed itself becomes null.
 */
export function removeFields<T>(value: T, paths: FieldSet, shape: Shape): T {
  if (paths.size === 0) {
    return value;
  }
  const root: Branch = { isRemoved: false, inner: new Map() };
  for (const path of paths) {
    let branch = root;
    for (const element of pathElements(path)) {
      let next = branch.inner.get(element);
      if (next === undefined) {
        branch.inner.set(element, (next = { isRemoved: false, inner: new Map() }));
      }
      branch = next;
    }
    branch.isRemoved = true;
  }
  return pruneBranch(value, root, shape) as T;
}

function pruneBranch(value: unknown, branch: Branch, shape: Shape | undefined): unknown {
  if (Array.isArray(value) && shape?.list !== undefined) {
    const left = (value as readonly unknown[]).flatMap((item) => {
      const inner = branch.inner.get(itemElement(item, shape));
      if (inner === undefined) {
        return [item];
      }
      return inner.isRemoved ? [] : [pruneBranch(item, inner, resolveReference(shape.items))];
    });
    return left.length === 0 ? null : left;
  }
  if (!isMap(value)) {
    return value;
  }
  const left = Object.entries(value).flatMap(([name, member]) => {
    const inner = branch.inner.get(`f:${name}`);
    if (inner === undefined) {
      return [[name, member] as const];
    }
    return inner.isRemoved
      ? []
      : [[name, pruneBranch(member, inner, memberShape(shape, name))] as const];
  });
  return left.length === 0 ? null : Object.fromEntries(left);
}
