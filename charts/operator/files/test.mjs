// Script of `helm test`, run in the operator's image. Checks that the operator is ready and that
// its ServiceAccount has every permission that the phases need.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const READY_ATTEMPTS = 30;

const {
  READY,
  KUBERNETES_SERVICE_HOST: host = '',
  KUBERNETES_SERVICE_PORT: port,
  LEASE_NAMESPACE,
} = process.env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const token = await readFile(process.env.TOKEN_FILE ?? TOKEN_FILE, 'utf8');
const problems = [];

async function fetchReadiness() {
  try {
    const response = await fetch(READY, { signal: AbortSignal.timeout(5000) });
    return { ok: response.ok, text: await response.text() };
  } catch (error) {
    return { ok: false, text: `${READY}: ${error.cause?.message ?? error.message}` };
  }
}

async function checkReadiness() {
  let readiness = await fetchReadiness();
  for (let attempt = 1; attempt < READY_ATTEMPTS && !readiness.ok; attempt++) {
    await pause(1000);
    readiness = await fetchReadiness();
  }
  console.log(readiness.text);
  if (!readiness.ok) {
    problems.push('the operator is not ready');
  }
}

async function isAllowed(resourceAttributes) {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const url = `${server}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' },
    body: JSON.stringify(review),
  });
  if (!response.ok) {
    throw new Error(`POST ${url}: ${response.status} ${await response.text()}`);
  }
  return (await response.json()).status.allowed === true;
}

/** Every single permission of a PolicyRule: one group, resource, verb and name. */
function permissionsOf({ apiGroups = [], resources = [], verbs, resourceNames = [''] }) {
  return apiGroups.flatMap((group) =>
    resources.flatMap((whole) =>
      verbs.flatMap((verb) => resourceNames.map((name) => ({ group, whole, verb, name }))),
    ),
  );
}

async function checkPermissions(rules, namespaces) {
  for (const { group, whole, verb, name } of rules.flatMap(permissionsOf)) {
    const [resource, subresource] = whole.split('/');
    for (const namespace of namespaces) {
      if (await isAllowed({ group, resource, subresource, verb, name, namespace })) {
        continue;
      }
      const kind = `${whole}${group && `.${group}`}${name && ` ${name}`}`;
      const place = namespace === '' ? 'in the whole cluster' : `in ${namespace}`;
      problems.push(`${verb} ${kind} is not allowed ${place}`);
    }
  }
}

if (READY) {
  await checkReadiness();
}
const watched = JSON.parse(process.env.NAMESPACES);
await checkPermissions(JSON.parse(process.env.RULES), watched.length > 0 ? watched : ['']);
await checkPermissions(JSON.parse(process.env.LEASE_RULES), [LEASE_NAMESPACE]);
console.log(problems.length === 0 ? 'ready, with all permissions' : problems.join('\n'));
process.exit(problems.length === 0 ? 0 : 1);
