// `helm test`: is the operator ready, and does this ServiceAccount have every right that the phases
// need? Runs in the operator's image.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const { READY, KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port, LEASE_NAMESPACE } = process.env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const token = await readFile(process.env.TOKEN_FILE ?? '/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
const problems = [];

if (READY) {
  let answer;
  for (let left = 30; left > 0; left--) {
    answer = await fetch(READY, { signal: AbortSignal.timeout(5000) }).then(
      async (response) => ({ ok: response.ok, text: await response.text() }),
      (error) => ({ ok: false, text: `${READY}: ${error.cause?.message ?? error.message}` }),
    );
    if (answer.ok) { break; }
    await pause(1000);
  }
  console.log(answer.text);
  if (!answer.ok) { problems.push('the operator is not ready'); }
}

async function allowed(attributes) {
  const response = await fetch(`${server}/apis/authorization.k8s.io/v1/selfsubjectaccessreviews`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: attributes } }),
  });
  if (!response.ok) { throw new Error(`the API server answers ${response.status}: ${await response.text()}`); }
  return (await response.json()).status.allowed === true;
}

async function check(rules, namespaces) {
  for (const { apiGroups = [], resources = [], verbs, resourceNames = [''] } of rules)
    { for (const group of apiGroups)
      { for (const whole of resources)
        { for (const verb of verbs)
          { for (const name of resourceNames)
            { for (const namespace of namespaces) {
              const [resource, subresource] = whole.split('/');
              if (await allowed({ group, resource, subresource, verb, name, namespace })) { continue; }
              problems.push(`${verb} ${whole}${group && `.${group}`}${name && ` ${name}`} is not allowed ${namespace === '' ? 'in the whole cluster' : `in ${namespace}`}`);
            } } } } } }
}

const namespaces = JSON.parse(process.env.NAMESPACES);
await check(JSON.parse(process.env.RULES), namespaces.length > 0 ? namespaces : ['']);
await check(JSON.parse(process.env.LEASE_RULES), [LEASE_NAMESPACE]);
console.log(problems.length === 0 ? 'ready, with every right' : problems.join('\n'));
process.exit(problems.length === 0 ? 0 : 1);
