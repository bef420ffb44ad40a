/**
 * The JSONPath of printer columns: members, indices, `[*]`, and filters like
 * `[?(@.type=="Ready")]`.
 */
import { isMap, jsonEqual } from '../cluster/frozen-json.ts';

const STEP_PATTERN =
  /^(?:\.?([\w-]+(?:\\\.[\w-]+)*)|\[(\d+)\]|\[\*\]|\['([^']*)'\]|\["([^"]*)"\]|\[\?\(@((?:\.[\w-]+)+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|(\S+?))\)\])/;

/** All values at the path. Empty for a path that cannot be parsed. */
export function evaluateJsonPath(object: unknown, path: string): readonly unknown[] {
  let values: readonly unknown[] = [object];
  let rest = path
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\$/, '');
  while (rest !== '' && rest !== '.') {
    const step = STEP_PATTERN.exec(rest);
    if (step === null) {
      return [];
    }
    rest = rest.slice(step[0].length);
    values = values.flatMap((value) => evaluateStep(value, step));
  }
  return values;
}

function evaluateStep(value: unknown, step: RegExpExecArray): readonly unknown[] {
  const [all, member, index, quoted, doubled, inner, operator, single, double, bare] = step;
  const name = member?.replaceAll('\\.', '.') ?? quoted ?? doubled;
  if (name !== undefined) {
    return isMap(value) && value[name] !== undefined ? [value[name]] : [];
  }
  if (!Array.isArray(value)) {
    return [];
  }
  if (index !== undefined) {
    return value.slice(Number(index), Number(index) + 1) as readonly unknown[];
  }
  if (all === '[*]') {
    return value as readonly unknown[];
  }
  const wanted =
    single ?? double ?? (bare === undefined ? undefined : (JSON.parse(bare) as unknown));
  return (value as readonly unknown[]).filter(
    (item) => jsonEqual(evaluateJsonPath(item, inner ?? '')[0], wanted) === (operator === '=='),
  );
}
