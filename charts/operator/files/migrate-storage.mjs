// Runs after an upgrade: makes the API server store each resource in the version that the
// CustomResourceDefinition stores now, and then removes former versions from status.storedVersions.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const PAGE_SIZE = 250;

const {
  KUBERNETES_SERVICE_HOST: host = '',
  KUBERNETES_SERVICE_PORT: port,
  RESOURCES: resources = '',
} = process.env;
const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
const token = await readFile(process.env.TOKEN_FILE ?? TOKEN_FILE, 'utf8');
const [group, version, plural] = resources.split('/');
const definitionUrl = `${server}/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`;
const kindUrl = `${server}/apis/${group}/${version}`;

async function send(method, url, body) {
  const headers = {
    authorization: `Bearer ${token.trim()}`,
    'content-type': 'application/merge-patch+json',
  };
  const options = body === undefined ? {} : { body: JSON.stringify(body) };
  return fetch(url, { method, headers, ...options });
}

async function call(method, url, body) {
  let response = await send(method, url, body);
  // Helm creates the permissions just before the Job. The API server may learn of them later.
  for (let attempt = 1; attempt < 20 && response.status === 403; attempt++) {
    await pause(1000);
    response = await send(method, url, body);
  }
  if (!response.ok && response.status !== 404) {
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  }
  return response.json();
}

async function* listResources() {
  let next = '';
  do {
    const page = await call(
      'GET',
      `${kindUrl}/${plural}?limit=${PAGE_SIZE}&continue=${encodeURIComponent(next)}`,
    );
    yield* page.items;
    next = page.metadata.continue ?? '';
  } while (next !== '');
}

// An empty patch changes no field, but the API server stores the resource in the present version.
async function rewrite({ metadata: { namespace, name } }) {
  const scope = namespace === undefined ? '' : `namespaces/${namespace}/`;
  await call('PATCH', `${kindUrl}/${scope}${plural}/${name}`, {});
}

const { metadata, spec, status } = await call('GET', definitionUrl);
const stored = spec.versions.find(({ storage }) => storage).name;
if (stored !== version) {
  throw new Error(`${plural}.${group} stores ${stored}, not ${version}: upgrade the CustomResourceDefinition first`);
}
if (status.storedVersions.join() === version) {
  console.log(`all ${plural} are stored in ${version}`);
} else {
  let count = 0;
  for await (const resource of listResources()) {
    await rewrite(resource);
    count++;
  }
  // The version of the definition makes the patch fail when another version was stored meanwhile.
  const { resourceVersion } = metadata;
  await call('PATCH', `${definitionUrl}/status`, {
    metadata: { resourceVersion },
    status: { storedVersions: [version] },
  });
  console.log(`stored ${count} ${plural} in ${version}`);
}
