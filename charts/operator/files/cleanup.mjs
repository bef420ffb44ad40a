// Runs before uninstall: deletes every resource and waits until the operator, which still runs, has
// removed the finalizers. Deletes nothing unless Helm is uninstalling the release.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

const {
  KUBERNETES_SERVICE_HOST: host = '',
  KUBERNETES_SERVICE_PORT: port,
  RESOURCES: resources = '',
  RELEASE: release,
  RELEASE_NAMESPACE: releaseNamespace,
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

async function send(method, url) {
  return fetch(url, { method, headers: { authorization: `Bearer ${token.trim()}` } });
}

async function call(method, url) {
  let response = await send(method, url);
  // Helm creates the permissions just before the Job. The API server may learn of them later.
  for (let attempt = 1; attempt < 20 && response.status === 403; attempt++) {
    await pause(1000);
    response = await send(method, url);
  }
  if (!response.ok && response.status !== 404) {
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

async function listResources() {
  const lists = await Promise.all(namespaces.map((namespace) => call('GET', urlOf(namespace))));
  return lists.flatMap(({ items = [] }) => items.map(({ metadata }) => metadata));
}

/**
 * Whether the newest record of the release has the status that Helm writes before it runs the hooks
 * of an uninstall.
 */
async function isUninstalling() {
  const selector = encodeURIComponent(`owner=helm,name=${release}`);
  const lists = await Promise.all(
    ['secrets', 'configmaps'].map((kind) =>
      call(
        'GET',
        `${server}/api/v1/namespaces/${releaseNamespace}/${kind}?labelSelector=${selector}`,
      ),
    ),
  );
  const records = lists.flatMap(({ items = [] }) => items.map(({ metadata }) => metadata.labels));
  const [newest] = records.toSorted((a, b) => Number(b.version) - Number(a.version));
  return newest?.status === 'uninstalling';
}

if (!(await isUninstalling())) {
  console.log(
    `Helm is not uninstalling the release ${release} of ${releaseNamespace}: no ${plural} are deleted. ` +
      `In rendered manifests leave this Job out with hooks.enabled=false, and run before you remove ` +
      `the operator: kubectl delete ${plural}.${group} --all`,
  );
  process.exit(1);
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
