/**
 * Which names the API server takes for a kind: told before anything is sent, because a wrong one
 * never becomes right.
 */
import type { ResourceType } from './object.ts';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const MOST = 253;
/** Kinds of the core group whose names are one label of a domain name. */
const LABELS = ['services', 'namespaces'];
const MOST_OF_LABEL = 63;

/**
 * What names of this kind are, when this is none (`names are …`); undefined: it is one. The rules
 * are those of k8s.io/apimachinery
 * (api/validation); a version of the API server may be stricter.
 */
export function nameRule({ group, plural }: ResourceType, name: unknown): string | undefined {
  const text = typeof name === 'string' ? name : '';
  if (group === 'rbac.authorization.k8s.io') {
    return isPathSegment(text)
      ? undefined
      : "names are anything without '/' and '%', but not '.' and '..'";
  }
  if (group === '' && LABELS.includes(plural)) {
    return SUBDOMAIN.test(text) && !text.includes('.') && text.length <= MOST_OF_LABEL
      ? undefined
      : `names are lower-case letters, digits and inner '-', at most ${MOST_OF_LABEL}`;
  }
  return SUBDOMAIN.test(text) && text.length <= MOST
    ? undefined
    : `names are lower-case letters, digits, inner '-' and single inner '.', at most ${MOST}`;
}

/** Of roles and their bindings: `system:discovery`. */
function isPathSegment(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !/[/%]/.test(text);
}
