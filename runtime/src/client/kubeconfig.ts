/**
 * Reads the kubeconfig files that everybody has: one file, with a token, a token file or a client
 * certificate. What needs a program to be run or several files to be merged is left to client-node,
 * which costs half a second and 60 MB to load.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import type { Credentials, TlsOptions } from './http-transport.ts';

/** Access to one cluster. */
export interface ClusterAccess {
  readonly server: string;
  readonly namespace: string | undefined;
  /** URL of the proxy that leads there. */
  readonly proxy?: string | undefined;
  readonly credentials: () => Promise<Credentials>;
}

interface NamedEntry {
  readonly name?: string;
}
type KubeconfigFields = Readonly<Record<string, unknown>>;
interface KubeconfigFile {
  readonly 'current-context'?: string;
  readonly contexts?: readonly (NamedEntry & {
    readonly context?: {
      readonly cluster?: string;
      readonly user?: string;
      readonly namespace?: string;
    };
  })[];
  readonly clusters?: readonly (NamedEntry & { readonly cluster?: KubeconfigFields })[];
  readonly users?: readonly (NamedEntry & { readonly user?: KubeconfigFields })[];
}

const CLUSTER_FIELDS = [
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'insecure-skip-tls-verify',
  'tls-server-name',
  'proxy-url',
  'extensions',
];
const USER_FIELDS = [
  'token',
  'tokenFile',
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
];

/**
 * @returns undefined when the file holds more than is understood here. @throws Error when it cannot
 * be read, or names a user who is not there
 */
export async function readSimpleKubeconfig(file: string): Promise<ClusterAccess | undefined> {
  const config = parse(await readFile(file, 'utf8')) as KubeconfigFile | null;
  const context = config?.contexts?.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config?.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const named = config?.users?.find(({ name }) => name === context?.user);
  if (context?.user && named === undefined) {
    throw new Error(
      `${file}: context '${config?.['current-context']}' names the user '${context.user}', and there is no such user`,
    );
  }
  const user = named?.user ?? {};
  if (
    cluster === undefined ||
    !hasOnlyKnownFields(cluster, CLUSTER_FIELDS) ||
    !hasOnlyKnownFields(user, USER_FIELDS)
  ) {
    return undefined;
  }
  const { server } = cluster;
  if (typeof server !== 'string') {
    return undefined;
  }

  const stringField = (fields: KubeconfigFields, name: string): string | undefined =>
    typeof fields[name] === 'string' ? fields[name] : undefined;
  /** The content of a field, or of the file that another field names. */
  const content = async (fields: KubeconfigFields, name: string): Promise<string | undefined> => {
    const data = stringField(fields, `${name}-data`);
    const path = stringField(fields, name);
    if (data !== undefined) {
      return Buffer.from(data, 'base64').toString();
    }
    return path === undefined ? undefined : readFile(resolve(dirname(file), path), 'utf8');
  };
  return {
    server,
    namespace: context?.namespace,
    proxy: stringField(cluster, 'proxy-url') || undefined,
    async credentials() {
      const tokenFile = stringField(user, 'tokenFile');
      const [ca, cert, key] = await Promise.all([
        content(cluster, 'certificate-authority'),
        content(user, 'client-certificate'),
        content(user, 'client-key'),
      ]);
      const token =
        tokenFile === undefined
          ? stringField(user, 'token')
          : (await readFile(resolve(dirname(file), tokenFile), 'utf8')).trim();
      const servername = stringField(cluster, 'tls-server-name');
      const tls: TlsOptions = {
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
        ...(key !== undefined && { key }),
        ...(servername !== undefined && { servername }),
        ...(cluster['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
      };
      return { headers: token === undefined ? {} : { authorization: `Bearer ${token}` }, tls };
    },
  };
}

function hasOnlyKnownFields(fields: KubeconfigFields, names: readonly string[]): boolean {
  return Object.entries(fields).every(
    ([name, value]) =>
      names.includes(name) || value === null || value === undefined || value === '',
  );
}
