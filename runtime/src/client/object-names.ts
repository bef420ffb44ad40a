/**
 * Validation of names and labels before a request. An invalid one is a permanent error, because the
 * API server refuses it every time.
 */
import type { ResourceType } from './object.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MAX_NAME_LENGTH = 253;
/** Kinds of the core group whose names are one label of a domain name. */
const KINDS_NAMED_BY_LABEL = ['services', 'namespaces'];
const MAX_LABEL_LENGTH = 63;

/**
 * The rule that a name breaks, as `names are …`; undefined when the name is valid. The rules are
 * those of k8s.io/apimachinery (api/validation). A version of the API server may be stricter.
 */
export function violatedNameRule(
  { group, plural }: Pick<ResourceType, 'group' | 'plural'>,
  name: unknown,
): string | undefined {
  const text = typeof name === 'string' ? name : '';
  if (group === 'rbac.authorization.k8s.io') {
    return isPathSegment(text)
      ? undefined
      : "names are anything without '/' and '%', but not '.' and '..'";
  }
  if (group === '' && KINDS_NAMED_BY_LABEL.includes(plural)) {
    return SUBDOMAIN.test(text) && !text.includes('.') && text.length <= MAX_LABEL_LENGTH
      ? undefined
      : `names are lower-case letters, digits and inner '-', at most ${MAX_LABEL_LENGTH}`;
  }
  return SUBDOMAIN.test(text) && text.length <= MAX_NAME_LENGTH
    ? undefined
    : `names are lower-case letters, digits, inner '-' and single inner '.', at most ${MAX_NAME_LENGTH}`;
}

/** The rule that a namespace breaks; undefined when a namespace of this name can exist. */
export function violatedNamespaceRule(namespace: unknown): string | undefined {
  return violatedNameRule({ group: '', plural: 'namespaces' }, namespace);
}

const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/**
 * What is wrong with a label, and the rule that it breaks; undefined when the label is valid. The
 * rules are those of k8s.io/apimachinery (util/validation).
 */
export function violatedLabelRule(key: string, value: unknown): string | undefined {
  const slash = key.indexOf('/');
  const prefix = key.slice(0, Math.max(0, slash));
  const isPrefixValid = slash < 0 || (SUBDOMAIN.test(prefix) && prefix.length <= MAX_NAME_LENGTH);
  if (!isPrefixValid || !isLabelName(key.slice(slash + 1))) {
    return `the label key ${JSON.stringify(key)}; keys are letters, digits and inner '-', '_' and '.', at most ${MAX_LABEL_LENGTH}, after an optional domain and '/'`;
  }
  return value === '' || isLabelName(value)
    ? undefined
    : `the label ${key} with the value ${JSON.stringify(value)}; values are letters, digits and inner '-', '_' and '.', at most ${MAX_LABEL_LENGTH}`;
}

function isLabelName(text: unknown): boolean {
  return typeof text === 'string' && LABEL_NAME.test(text) && text.length <= MAX_LABEL_LENGTH;
}

/** Whether a string is a valid name of a role or binding, such as `system:discovery`. */
function isPathSegment(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/%]/.test(text);
}
