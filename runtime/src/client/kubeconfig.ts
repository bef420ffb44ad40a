/**
 * Reads kubeconfig files as kubectl does: one file or a list, with tokens, client certificates,
 * credential plugins and impersonation. client-node, which costs half a second and 60 MB to load,
 * is needed only for the `auth-provider` of old files.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { isRecord } from '../util/json.ts';
import { messageOf } from './errors.ts';
import { createExecPlugin } from './exec-plugin.ts';
import type { Credentials, TlsOptions } from './http-transport.ts';
import { proxyFor } from './proxy.ts';

/** Access to one cluster. */
export interface ClusterAccess {
  readonly server: string;
  readonly namespace: string | undefined;
  /** URL of the proxy that leads there. */
  readonly proxy?: string | undefined;
  /** @param fresh true: the API server has refused the last credentials. */
  readonly credentials: (fresh: boolean) => Promise<Credentials>;
}

/** What the current context of kubeconfig files names. */
export interface KubeconfigContext {
  /** Name of the context. */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly cluster: KubeconfigEntry;
  readonly user: KubeconfigEntry;
}

/** A cluster or a user. */
export interface KubeconfigEntry {
  readonly fields: KubeconfigFields;
  /** Folder of the file that has the entry. Relative paths start there. */
  readonly folder: string;
}

type KubeconfigFields = Readonly<Record<string, unknown>>;

interface KubeconfigFile {
  readonly path: string;
  readonly content: KubeconfigFields;
}

const NO_FIELDS: KubeconfigFields = {};

/**
 * Reads kubeconfig files, and finds what the current context names. The first file that has an
 * entry of a name decides. A file that does not exist is skipped.
 *
 * @returns undefined when none of the files exists.
 * @throws Error when a file cannot be read, or a name leads nowhere.
 */
export async function readKubeconfig(
  paths: readonly string[],
): Promise<KubeconfigContext | undefined> {
  const read = await Promise.all(paths.map(readFileIfPresent));
  const files = read.filter((file) => file !== undefined);
  if (files.length === 0) {
    return undefined;
  }
  const where = files.map(({ path }) => path).join(', ');
  const name = files.map(({ content }) => stringField(content, 'current-context')).find(Boolean);
  if (name === undefined) {
    throw new Error(
      `the kubeconfig ${where} has no current context; choose one with kubectl config use-context`,
    );
  }
  const entry = (section: string, member: string, wanted: string | undefined): KubeconfigEntry => {
    const found = wanted === undefined ? undefined : findEntry(files, section, member, wanted);
    if (found === undefined) {
      throw new Error(
        `the kubeconfig ${where}: context '${name}' names the ${member} '${wanted ?? ''}', and there is no such ${member}`,
      );
    }
    return found;
  };
  const context = findEntry(files, 'contexts', 'context', name)?.fields;
  if (context === undefined) {
    throw new Error(
      `the kubeconfig ${where}: the current context '${name}' does not exist; choose one with kubectl config use-context`,
    );
  }
  const user = stringField(context, 'user');
  return {
    name,
    namespace: stringField(context, 'namespace'),
    cluster: entry('clusters', 'cluster', stringField(context, 'cluster')),
    user: user === undefined ? { fields: NO_FIELDS, folder: '.' } : entry('users', 'user', user),
  };
}

async function readFileIfPresent(path: string): Promise<KubeconfigFile | undefined> {
  try {
    const content: unknown = parse(await readFile(path, 'utf8'));
    if (content !== null && !isRecord(content)) {
      throw new Error('it is no mapping');
    }
    return { path, content: content ?? NO_FIELDS };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined;
    }
    throw new Error(`cannot read the kubeconfig ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function findEntry(
  files: readonly KubeconfigFile[],
  section: string,
  member: string,
  name: string,
): KubeconfigEntry | undefined {
  for (const { path, content } of files) {
    const entries: unknown = content[section];
    const found = Array.isArray(entries)
      ? entries.find((one) => isRecord(one) && stringField(one, 'name') === name)
      : undefined;
    if (isRecord(found)) {
      const fields = found[member];
      return { fields: isRecord(fields) ? fields : NO_FIELDS, folder: dirname(path) };
    }
  }
  return undefined;
}

/**
 * Server, proxy and credentials of a context.
 *
 * @param authenticate credentials by other means than those of this file. Default: the fields of
 * the user.
 * @throws Error for a cluster without a server, and for fields that would be dropped in silence.
 */
export function accessOf(
  { name, namespace, cluster, user }: KubeconfigContext,
  authenticate?: () => Promise<Credentials>,
): ClusterAccess {
  const server = stringField(cluster.fields, 'server');
  if (server === undefined) {
    throw new Error(`the kubeconfig: the cluster of context '${name}' has no server`);
  }
  if (!/^https?:\/\//.test(server) || !URL.canParse(server)) {
    throw new Error(
      `the kubeconfig: the server '${server}' of context '${name}' is no URL; write https://HOST:PORT`,
    );
  }
  const impersonation = impersonationHeaders(user.fields);
  const plugin = execPluginOf(user, cluster);
  return {
    server,
    namespace,
    proxy: proxyFor(server, stringField(cluster.fields, 'proxy-url')),
    async credentials(fresh) {
      const own =
        authenticate === undefined
          ? await readUserCredentials(user, plugin && (() => plugin(fresh)))
          : await authenticate();
      const tls = { ...(await readServerTls(cluster)), ...own.tls };
      return { headers: { ...own.headers, ...impersonation }, tls };
    },
  };
}

function execPluginOf(
  user: KubeconfigEntry,
  { fields, folder }: KubeconfigEntry,
): ReturnType<typeof createExecPlugin> | undefined {
  const exec = user.fields['exec'];
  if (!isRecord(exec)) {
    return undefined;
  }
  const cluster = async (): Promise<object> => {
    const ca = await contentOf(fields, 'certificate-authority', folder);
    return {
      ...pick(fields, ['server', 'tls-server-name', 'insecure-skip-tls-verify', 'proxy-url']),
      ...(ca !== undefined && {
        'certificate-authority-data': Buffer.from(ca).toString('base64'),
      }),
      ...execExtensionOf(fields),
    };
  };
  return createExecPlugin(exec, { folder: user.folder, cluster });
}

function pick(fields: KubeconfigFields, names: readonly string[]): KubeconfigFields {
  return Object.fromEntries(
    names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
  );
}

/** The configuration of the cluster that is meant for credential plugins. */
function execExtensionOf({ extensions }: KubeconfigFields): { readonly config?: unknown } {
  const found: unknown = Array.isArray(extensions)
    ? extensions.find((one) => isRecord(one) && one['name'] === 'client.authentication.k8s.io/exec')
    : undefined;
  return isRecord(found) ? { config: found['extension'] } : {};
}

/** Credentials of the user's fields. A token of the user comes before that of a plugin. */
async function readUserCredentials(
  { fields, folder }: KubeconfigEntry,
  runPlugin: (() => Promise<Credentials>) | undefined,
): Promise<Credentials> {
  const [cert, key, token] = await Promise.all([
    contentOf(fields, 'client-certificate', folder),
    contentOf(fields, 'client-key', folder),
    readToken(fields, folder),
  ]);
  const fromPlugin = await runPlugin?.();
  return {
    headers: { ...fromPlugin?.headers, ...authorization(fields, token) },
    tls: {
      ...fromPlugin?.tls,
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    },
  };
}

async function readServerTls({ fields, folder }: KubeconfigEntry): Promise<TlsOptions> {
  const ca = await contentOf(fields, 'certificate-authority', folder);
  const servername = stringField(fields, 'tls-server-name');
  return {
    ...(ca !== undefined && { ca }),
    ...(servername !== undefined && { servername }),
    ...(fields['insecure-skip-tls-verify'] === true && { rejectUnauthorized: false }),
  };
}

/** The token file comes before the token, because the file is renewed. */
async function readToken(fields: KubeconfigFields, folder: string): Promise<string | undefined> {
  const tokenFile = stringField(fields, 'tokenFile');
  return tokenFile === undefined
    ? stringField(fields, 'token')
    : (await readFile(resolve(folder, tokenFile), 'utf8')).trim();
}

function authorization(
  fields: KubeconfigFields,
  token: string | undefined,
): { readonly authorization?: string } {
  if (token !== undefined) {
    return { authorization: `Bearer ${token}` };
  }
  const username = stringField(fields, 'username');
  if (username === undefined) {
    return {};
  }
  const pair = `${username}:${stringField(fields, 'password') ?? ''}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/**
 * The headers of `as`, `as-uid`, `as-groups` and `as-user-extra`.
 *
 * @throws Error for groups, a uid or extra fields without a user, which the API server refuses.
 */
function impersonationHeaders(fields: KubeconfigFields): Credentials['headers'] {
  const user = stringField(fields, 'as');
  const uid = stringField(fields, 'as-uid');
  const groups = stringList(fields['as-groups'], 'as-groups');
  const extra = isRecord(fields['as-user-extra']) ? Object.entries(fields['as-user-extra']) : [];
  if (user === undefined) {
    if (uid !== undefined || groups.length > 0 || extra.length > 0) {
      throw new Error('the kubeconfig: as-groups, as-uid and as-user-extra need as, the user');
    }
    return {};
  }
  const extraHeaders = extra.map(([key, values]): [string, readonly string[]] => [
    `impersonate-extra-${escapeHeaderName(key)}`,
    stringList(values, `as-user-extra.${key}`),
  ]);
  return {
    'impersonate-user': user,
    ...(uid !== undefined && { 'impersonate-uid': uid }),
    ...(groups.length > 0 && { 'impersonate-group': groups }),
    ...Object.fromEntries(extraHeaders),
  };
}

/** Percent-encodes the characters that a header's name must not have. */
function escapeHeaderName(name: string): string {
  const encode = (found: string): string => `%${found.charCodeAt(0).toString(16)}`;
  return encodeURIComponent(name.toLowerCase()).replace(/[()]/g, encode);
}

function stringList(value: unknown, field: string): readonly string[] {
  if (value === undefined || value === null) {
    return [];
  }
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw new Error(`the kubeconfig: ${field} is no list of strings`);
  }
  return value;
}

/** A field that is a string and not empty: an empty field counts as absent, as for kubectl. */
function stringField(fields: KubeconfigFields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The content of a field, or of the file that another field names. */
async function contentOf(
  fields: KubeconfigFields,
  name: string,
  folder: string,
): Promise<string | undefined> {
  const data = stringField(fields, `${name}-data`);
  if (data !== undefined) {
    return Buffer.from(data, 'base64').toString();
  }
  const path = stringField(fields, name);
  return path === undefined ? undefined : readFile(resolve(folder, path), 'utf8');
}
