/** Label selectors, and their wire form (`a=b,c!=d,e in (f,g),h,!i`). */

/** Labels that objects must have, as in Kubernetes' LabelSelector. All requirements must hold. */
export interface LabelSelector {
  /** Labels with exactly these values. */
  readonly matchLabels?: Readonly<Record<string, string>>;
  /** Set-based requirements. */
  readonly matchExpressions?: readonly {
    /** The label's key. */
    readonly key: string;
    /** How the label's value relates to `values`. */
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
    /** The values of `In` and `NotIn`; absent for `Exists` and `DoesNotExist`. */
    readonly values?: readonly string[];
  }[];
}

/** One requirement of a label selector. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/**
 * Parses a label selector in its wire form. An empty selector matches every object.
 *
 * @throws Error when a part is not a requirement.
 */
export function parseSelector(text: string): readonly LabelRequirement[] {
  if (text.trim() === '') {
    return [];
  }
  return text.split(/,(?![^(]*\))/).map((part) => parseRequirement(part.trim(), text));
}

function parseRequirement(part: string, whole: string): LabelRequirement {
  const set = /^([\w./-]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part);
  if (set) {
    return {
      key: set[1] ?? '',
      operator: set[2] === 'in' ? 'In' : 'NotIn',
      values: (set[3] ?? '').split(',').map((v) => v.trim()),
    };
  }
  const equality = /^([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)$/.exec(part);
  if (equality) {
    return {
      key: equality[1] ?? '',
      operator: equality[2] === '!=' ? 'NotIn' : 'In',
      values: [equality[3] ?? ''],
    };
  }
  const presence = /^(!?)\s*([\w./-]+)$/.exec(part);
  if (presence) {
    return {
      key: presence[2] ?? '',
      operator: presence[1] === '!' ? 'DoesNotExist' : 'Exists',
      values: [],
    };
  }
  throw new Error(
    `'${part}' in the label selector '${whole}' is not a requirement; write key=value, key in (a,b), key or !key`,
  );
}

/** Whether labels match. `NotIn` also matches objects without the key, as in the API server. */
export function matchesSelector(
  requirements: readonly LabelRequirement[],
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  return requirements.every(({ key, operator, values }) => {
    const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        throw unknownOperator('a requirement', key, operator satisfies never);
    }
  });
}

/**
 * The requirements of a LabelSelector.
 *
 * @throws Error for an operator that does not exist, and for values where Kubernetes refuses them.
 */
export function requirementsOf(selector: LabelSelector): readonly LabelRequirement[] {
  const labels = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): LabelRequirement => ({
      key,
      operator: 'In',
      values: [value],
    }),
  );
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }, index): LabelRequirement => {
      checkExpression(`matchExpressions[${index}]`, { key, operator, values });
      return { key, operator, values };
    },
  );
  return [...labels, ...expressions];
}

/** @param place where the expression is, for messages. */
function checkExpression(place: string, { key, operator, values }: LabelRequirement): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) {
        throw new Error(`${place} of key '${key}' has ${operator} without values`);
      }
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) {
        throw new Error(`${place} of key '${key}' has ${operator} with values`);
      }
      return;
    default:
      throw unknownOperator(place, key, operator satisfies never);
  }
}

function unknownOperator(place: string, key: string, operator: unknown): Error {
  return new Error(
    `${place} of key '${key}' has the operator '${String(operator)}'; write In, NotIn, Exists or DoesNotExist`,
  );
}

/**
 * The wire form of a LabelSelector.
 *
 * @throws Error as `requirementsOf` does.
 */
export function formatSelector(selector: LabelSelector): string {
  return requirementsOf(selector)
    .map(({ key, operator, values }) => {
      switch (operator) {
        case 'In':
          return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(',')})`;
        case 'NotIn':
          return `${key} notin (${values.join(',')})`;
        case 'Exists':
          return key;
        case 'DoesNotExist':
          return `!${key}`;
        default:
          throw unknownOperator('a requirement', key, operator satisfies never);
      }
    })
    .join(',');
}
