// Runs before uninstall: deletes every resource and waits until the operator, which still runs, has
// removed the finalizers.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

const {
  KUBERNETES_SERVICE_HOST: host = '',
  KUBERNETES_SERVICE_PORT: port,
  RESOURCES: resources = '',
} = process.env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const token = await readFile(process.env.TOKEN_FILE ?? TOKEN_FILE, 'utf8');
const [group, version, plural] = resources.split('/');
const watched = JSON.parse(process.env.NAMESPACES);
const namespaces = watched.length > 0 ? watched : [''];

function urlOf(namespace, name) {
  const scope = namespace ? ['namespaces', namespace] : [];
  return [server, 'apis', group, version, ...scope, plural, ...(name ? [name] : [])].join('/');
}

async function call(method, url) {
  const headers = { authorization: `Bearer ${token.trim()}` };
  const response = await fetch(url, { method, headers });
  if (!response.ok && response.status !== 404) {
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

async function listResources() {
  const lists = await Promise.all(namespaces.map((namespace) => call('GET', urlOf(namespace))));
  return lists.flatMap(({ items = [] }) => items.map(({ metadata }) => metadata));
}

let left = await listResources();
while (left.length > 0) {
  console.log(`${left.length} ${plural} left`);
  for (const { namespace, name, deletionTimestamp } of left) {
    if (!deletionTimestamp) {
      await call('DELETE', urlOf(namespace, name));
    }
  }
  await pause(2000);
  left = await listResources();
}
console.log(`no ${plural} left`);
