// Before an uninstall: deletes every resource and waits until the operator, which still runs, has
// let it go.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port, RESOURCES: resources = '' } = process.env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const token = await readFile(process.env.TOKEN_FILE ?? '/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
const [group, version, plural] = resources.split('/');
const namespaces = JSON.parse(process.env.NAMESPACES);
const path = (namespace, name) =>
  [server, 'apis', group, version, ...(namespace ? ['namespaces', namespace] : []), plural, ...(name ? [name] : [])].join('/');

async function call(method, url) {
  const response = await fetch(url, { method, headers: { authorization: `Bearer ${token.trim()}` } });
  if (!response.ok && response.status !== 404) { throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`); }
  return response.json();
}

for (;;) {
  const lists = await Promise.all((namespaces.length > 0 ? namespaces : ['']).map((namespace) => call('GET', path(namespace))));
  const left = lists.flatMap(({ items = [] }) => items.map(({ metadata }) => metadata));
  if (left.length === 0) { break; }
  console.log(`${left.length} ${plural} left`);
  for (const { namespace, name, deletionTimestamp } of left) { if (!deletionTimestamp) { await call('DELETE', path(namespace, name)); } }
  await pause(2000);
}
console.log(`no ${plural} left`);
