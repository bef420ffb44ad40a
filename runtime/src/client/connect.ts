/**
 * Finds the API server: KUBECONFIG or a given file, else the ServiceAccount of the Pod, else
 * ~/.kube/config. client-node is loaded only for kubeconfig files with an `auth-provider`, which
 * kubectl has dropped. It costs half a second and 60 MB, so generated projects have it for
 * development only. (Not an optional peer: npm would then install it in images, too.)
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Clock } from '../util/clock.ts';
import { systemClock } from '../util/clock.ts';
import type { Connection, Credentials, HttpKubeApi, TlsOptions } from './http-kube-api.ts';
import { createHttpKubeApi } from './http-kube-api.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import { accessOf, readKubeconfig } from './kubeconfig.ts';
import { proxyFor } from './proxy.ts';
import { isRecord } from '../util/json.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/**
 * Time after which credentials are read again, in milliseconds. Tokens live an hour, and the
 * kubelet renews them long before.
 */
const REFRESH_MS = 60_000;
/** Shortest time between two reads of refused credentials, in milliseconds. */
const MIN_REFRESH_MS = 1_000;

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * A kubeconfig file; default: KUBECONFIG, the Pod's ServiceAccount, ~/.kube/config, in this
   * order.
   */
  readonly kubeconfig?: string;
  /** Clock that measures the age of credentials. Default: the process's own clock. */
  readonly clock?: Clock;
  /** The operator's name, for the user agent and the API server's audit log. */
  readonly clientName?: string;
  /** Called for each request with its HTTP method and status, or `<error>` without a response. */
  readonly onResponse?: Connection['onResponse'];
}

/** A client, and what is known about its API server. */
export interface KubeConnection {
  /** The client. */
  readonly api: HttpKubeApi;
  /** The Pod's own namespace, or that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** URL of the API server, for messages. */
  readonly server: string;
  /** Closes all connections. */
  close(): Promise<void>;
}

/**
 * Finds the API server and returns a client. Sends no request.
 *
 * @throws Error when no cluster is configured or the kubeconfig cannot be read.
 */
export async function connect(options: ConnectOptions = {}): Promise<KubeConnection> {
  // An empty variable is none, as for kubectl.
  const file = options.kubeconfig ?? (process.env['KUBECONFIG'] || undefined);
  const inCluster =
    process.env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`);
  const access =
    file === undefined && inCluster
      ? await accessFromServiceAccount()
      : await accessFromKubeconfig(file);
  const clock = options.clock ?? systemClock;
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const api = createHttpKubeApi({
    server: access.server,
    ...(access.proxy !== undefined && { proxy: access.proxy }),
    credentials: cacheCredentials(access.credentials, clock),
    userAgent: `${options.clientName ?? 'autopilot'} autopilot-runtime/${version}`,
    ...(options.onResponse && { onResponse: options.onResponse }),
  } satisfies Connection);
  return { api, namespace: access.namespace, server: access.server, close: () => api.close() };
}

/**
 * Caches credentials for one minute. Refused credentials are read again at once, but after that at
 * most once a second, so that a permanent 401 does not cause a loop. While credentials cannot be
 * read, the last ones are used until the API server refuses them.
 */
function cacheCredentials(
  read: ClusterAccess['credentials'],
  clock: Clock,
): Connection['credentials'] {
  let last: { readonly at: number; readonly value: Promise<Credentials> } | undefined;
  let lastGood: Credentials | undefined;
  let lastRefusalAt = -Infinity;
  return (fresh) => {
    const now = clock.monotonic();
    const isRefusal = fresh && now - lastRefusalAt > MIN_REFRESH_MS;
    if (last === undefined || isRefusal || now - last.at > REFRESH_MS) {
      lastRefusalAt = isRefusal ? now : lastRefusalAt;
      const value = read(fresh).then(
        (found) => (lastGood = found),
        (error: unknown) => {
          if (fresh || lastGood === undefined) {
            throw error;
          }
          return lastGood;
        },
      );
      last = { at: now, value };
      value.catch(() => (last = undefined));
    }
    return last.value;
  };
}

async function accessFromServiceAccount(): Promise<ClusterAccess> {
  const host = process.env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = process.env['KUBERNETES_SERVICE_PORT'] ?? '443';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    server,
    proxy: proxyFor(server),
    namespace: (await readFile(`${SERVICE_ACCOUNT}/namespace`, 'utf8')).trim(),
    credentials: async () => {
      const [token, ca] = await Promise.all([
        readFile(`${SERVICE_ACCOUNT}/token`, 'utf8'),
        readFile(`${SERVICE_ACCOUNT}/ca.crt`, 'utf8'),
      ]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

/** @param file a path, or the list of paths of KUBECONFIG. */
async function accessFromKubeconfig(file: string | undefined): Promise<ClusterAccess> {
  const paths = (file ?? join(homedir(), '.kube/config')).split(delimiter).filter(Boolean);
  const context = await readKubeconfig(paths);
  if (context === undefined) {
    const problem =
      file === undefined ? 'KUBECONFIG is not set, this is no Pod, and there is no' : 'there is no';
    throw new Error(
      `no cluster is configured: ${problem} ${paths.join(', ')} (npm run dev -- --sandbox needs no cluster)`,
    );
  }
  return isRecord(context.user.fields['auth-provider'])
    ? accessOf(context, await authProviderOf(paths, context.name))
    : accessOf(context);
}

/** Credentials of an `auth-provider`, which client-node knows. */
async function authProviderOf(
  paths: readonly string[],
  context: string,
): Promise<() => Promise<Credentials>> {
  const clientNode = await import('@kubernetes/client-node').catch((error: unknown) => {
    throw new Error(
      'the auth-provider of this kubeconfig is run by @kubernetes/client-node, which is not installed: use a credential plugin (exec), or run npm install --save-dev @kubernetes/client-node',
      { cause: error },
    );
  });
  const config = new clientNode.KubeConfig();
  const [first = '', ...others] = paths.filter((path) => existsSync(path));
  config.loadFromFile(first);
  for (const path of others) {
    const other = new clientNode.KubeConfig();
    other.loadFromFile(path);
    config.mergeConfig(other, true);
  }
  config.setCurrentContext(context);
  return async () => {
    const https: { headers?: Record<string, unknown> } = {};
    await config.applyToHTTPSOptions(https as Parameters<typeof config.applyToHTTPSOptions>[0]);
    const headers = Object.fromEntries(
      Object.entries(https.headers ?? {}).map(([name, value]) => [
        name.toLowerCase(),
        String(value),
      ]),
    );
    return { headers, tls: tlsOptionsOf(https) };
  };
}

function tlsOptionsOf(options: object): TlsOptions {
  const from = options as Readonly<Record<string, unknown>>;
  const tls: Record<string, unknown> = {};
  for (const name of ['ca', 'cert', 'key', 'servername']) {
    const value = from[name];
    if (typeof value === 'string' || Buffer.isBuffer(value)) {
      tls[name] = value.toString();
    }
  }
  if (from['rejectUnauthorized'] === false) {
    tls['rejectUnauthorized'] = false;
  }
  return tls;
}
