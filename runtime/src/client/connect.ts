/**
 * Finds the API server: KUBECONFIG or a given file, else the ServiceAccount of the Pod, else
 * ~/.kube/config.
 * client-node is loaded only for kubeconfig files that need more than `kubeconfig.ts` knows, such
 * as credential plugins. It costs half a
 * second and 60 MB, so generated projects have it for development only. (Not an optional peer: npm
 * would then install it in images, too.)
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { messageOf } from './errors.ts';
import type { Connection, Credentials, HttpKubeApi, TlsOptions } from './http.ts';
import { httpKubeApi } from './http.ts';
import type { Found } from './kubeconfig.ts';
import { plainKubeconfig } from './kubeconfig.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/**
 * Tokens live an hour and are renewed by the kubelet well before; credential plugins cache on their
 * own.
 */
const REFRESH_MS = 60_000;
const REFUSED_MS = 1_000;

export interface ConnectOptions {
  /**
   * A kubeconfig file; default: KUBECONFIG, the Pod's ServiceAccount, ~/.kube/config, in this
   * order.
   */
  readonly kubeconfig?: string;
  readonly clock?: Clock;
  /** Who asks, for the API server's audit log: the operator's name. */
  readonly agent?: string;
  readonly onAnswer?: Connection['onAnswer'];
}

export interface Connected {
  readonly api: HttpKubeApi;
  /** The Pod's own namespace, or that of the kubeconfig's context. */
  readonly namespace: string | undefined;
  /** For messages. */
  readonly server: string;
  close(): Promise<void>;
}

/** @throws Error with a sentence when no cluster is configured. Does not talk to the API server. */
export async function connect(options: ConnectOptions = {}): Promise<Connected> {
  // An empty variable is none, as for kubectl.
  const file = options.kubeconfig ?? (process.env['KUBECONFIG'] || undefined);
  const inCluster =
    process.env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`);
  const found =
    file === undefined && inCluster ? await fromServiceAccount() : await fromKubeconfig(file);
  const clock = options.clock ?? systemClock;
  const { version } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const api = httpKubeApi({
    server: found.server,
    ...(found.proxy !== undefined && { proxy: found.proxy }),
    credentials: cached(found.credentials, clock),
    userAgent: `${options.agent ?? 'autopilot'} autopilot-runtime/${version}`,
    ...(options.onAnswer && { onAnswer: options.onAnswer }),
  } satisfies Connection);
  return { api, namespace: found.namespace, server: found.server, close: () => api.close() };
}

/**
 * Refused credentials are read anew at once, but not more than once a second: a right that is
 * really gone must not be asked for in a loop.
 * While they cannot be read, the last ones do as long as nobody refuses them.
 */
function cached(read: () => Promise<Credentials>, clock: Clock): Connection['credentials'] {
  let last: { readonly at: number; readonly value: Promise<Credentials> } | undefined;
  let good: Credentials | undefined;
  return (fresh) => {
    if (last === undefined || clock.monotonic() - last.at > (fresh ? REFUSED_MS : REFRESH_MS)) {
      const value = read().then(
        (found) => (good = found),
        (error: unknown) => {
          if (fresh || good === undefined) {
            throw error;
          }
          return good;
        },
      );
      last = { at: clock.monotonic(), value };
      value.catch(() => (last = undefined));
    }
    return last.value;
  };
}

async function fromServiceAccount(): Promise<Found> {
  const host = process.env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = process.env['KUBERNETES_SERVICE_PORT'] ?? '443';
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
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

async function fromKubeconfig(file: string | undefined): Promise<Found> {
  const one = file ?? join(homedir(), '.kube/config');
  // What is wrong with it, client-node says.
  const plain =
    one.includes(delimiter) || !existsSync(one)
      ? undefined
      : await plainKubeconfig(one).catch(() => undefined);
  if (plain !== undefined) {
    return plain;
  }
  const { KubeConfig } = await import('@kubernetes/client-node').catch((error: unknown) => {
    throw new Error(
      `this kubeconfig is read with @kubernetes/client-node, which an image for a cluster does not carry: ${file === undefined ? 'there is no ServiceAccount token here' : 'unset KUBECONFIG'}, or run npm install --save-dev @kubernetes/client-node`,
      { cause: error },
    );
  });
  const config = new KubeConfig();
  try {
    if (file === undefined || file.includes(delimiter)) {
      config.loadFromDefault();
    } else {
      config.loadFromFile(file);
    }
  } catch (error) {
    throw new Error(
      `cannot read the kubeconfig${file === undefined ? '' : ` ${file}`}: ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
  // What client-node takes when there is nothing: nobody's API server is there.
  if (
    config.currentContext === 'loaded-context' &&
    config.clusters[0]?.server === 'http://localhost:8080'
  ) {
    throw new Error(
      `no cluster is configured: KUBECONFIG is not set, this is no Pod, and there is no ${one} (npm run dev -- --sandbox needs no cluster)`,
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(
      `the kubeconfig ${file ?? '(default)'} has no current context; choose one with kubectl config use-context`,
    );
  }
  return {
    server: cluster.server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    proxy: cluster.proxyUrl,
    credentials: async () => {
      const https: { headers?: Record<string, unknown>; auth?: string | null } = {};
      await config.applyToHTTPSOptions(https as Parameters<typeof config.applyToHTTPSOptions>[0]);
      const headers = Object.fromEntries(
        Object.entries(https.headers ?? {}).map(([name, value]) => [
          name.toLowerCase(),
          String(value),
        ]),
      );
      const basic = https.auth
        ? { authorization: `Basic ${Buffer.from(https.auth).toString('base64')}` }
        : {};
      return { headers: { ...headers, ...basic }, tls: tlsOf(https) };
    },
  };
}

function tlsOf(options: object): TlsOptions {
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
