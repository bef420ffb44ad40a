/**
 * Credential plugins of kubeconfig files: a program that prints an ExecCredential
 * (client.authentication.k8s.io), as client-go runs it.
 */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { Clock } from '../util/clock.ts';
import { systemClock } from '../util/clock.ts';
import { isRecord } from '../util/json.ts';
import { ConnectionError } from './errors.ts';
import type { Credentials } from './http-transport.ts';

/** Limit for one run of a plugin, in milliseconds. */
const RUN_TIMEOUT_MS = 60_000;
/** Number of characters of a plugin's error output that a message quotes. */
const MAX_QUOTED_LENGTH = 500;
/** Number of characters of a plugin's output that are read. */
const MAX_OUTPUT_LENGTH = 1_000_000;

/** What a plugin needs beside its own fields. */
export interface ExecPluginOptions {
  /** Folder of the kubeconfig file. A relative command with a slash starts there. */
  readonly folder: string;
  /** Fields of the cluster, for plugins with `provideClusterInfo`. */
  readonly cluster: () => Promise<object>;
  /** Default: the process's own clock. */
  readonly clock?: Clock;
  /** Limit for one run in milliseconds. Default: 60 s. */
  readonly timeoutMs?: number;
}

interface ExecCredentialStatus {
  readonly token?: unknown;
  readonly clientCertificateData?: unknown;
  readonly clientKeyData?: unknown;
  readonly expirationTimestamp?: unknown;
}

type ExecFields = Readonly<Record<string, unknown>>;

/**
 * Creates a function that returns the credentials of a plugin. The plugin runs at the first call,
 * after the expiry of its credentials, and when the API server has refused them.
 *
 * @param exec the field `exec` of a user.
 * @returns a function whose `fresh` is true when the API server has refused the last credentials.
 * @throws Error when the plugin cannot run in an operator.
 */
export function createExecPlugin(
  exec: ExecFields,
  options: ExecPluginOptions,
): (fresh: boolean) => Promise<Credentials> {
  if (typeof exec['command'] !== 'string' || exec['command'] === '') {
    throw new Error('the kubeconfig: the credential plugin (exec) has no command');
  }
  if (exec['interactiveMode'] === 'Always') {
    throw new Error(
      `the kubeconfig: the credential plugin ${exec['command']} needs a terminal (interactiveMode: Always), which an operator does not have`,
    );
  }
  const clock = options.clock ?? systemClock;
  let last: { readonly status: ExecCredentialStatus; readonly expiresAt: number } | undefined;
  return async (fresh) => {
    if (fresh || last === undefined || last.expiresAt <= clock.now()) {
      const status = parseCredential(await runPlugin(exec, options), exec['command'] as string);
      last = { status, expiresAt: expiryOf(status) };
    }
    return credentialsOf(last.status);
  };
}

function expiryOf({ expirationTimestamp }: ExecCredentialStatus): number {
  const time = Date.parse(String(expirationTimestamp));
  return Number.isNaN(time) ? Infinity : time;
}

function credentialsOf({
  token,
  clientCertificateData: cert,
  clientKeyData: key,
}: ExecCredentialStatus): Credentials {
  return {
    headers: typeof token === 'string' && token !== '' ? { authorization: `Bearer ${token}` } : {},
    tls: typeof cert === 'string' && typeof key === 'string' && cert !== '' ? { cert, key } : {},
  };
}

/** The environment of the operator, that of the plugin, and KUBERNETES_EXEC_INFO. */
async function environmentOf(
  exec: ExecFields,
  { cluster }: ExecPluginOptions,
): Promise<NodeJS.ProcessEnv> {
  const own = (Array.isArray(exec['env']) ? exec['env'] : [])
    .filter(isRecord)
    .flatMap(({ name, value }) =>
      typeof name === 'string' && typeof value === 'string' ? [[name, value]] : [],
    );
  const info = {
    apiVersion: exec['apiVersion'] ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec['provideClusterInfo'] === true && { cluster: await cluster() }),
    },
  };
  return {
    ...process.env,
    ...(Object.fromEntries(own) as NodeJS.ProcessEnv),
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  };
}

/** Runs the plugin. @returns its output. */
async function runPlugin(exec: ExecFields, options: ExecPluginOptions): Promise<string> {
  const name = exec['command'] as string;
  const command = name.includes('/') ? resolve(options.folder, name) : name;
  const args = (Array.isArray(exec['args']) ? exec['args'] : []).map(String);
  const env = await environmentOf(exec, options);
  const { clock = systemClock, timeoutMs = RUN_TIMEOUT_MS } = options;
  return new Promise((resolveOutput, reject) => {
    const fail = (problem: string, cause?: unknown): void => {
      const hint = typeof exec['installHint'] === 'string' ? ` ${exec['installHint'].trim()}` : '';
      const message = `the credential plugin ${name} ${problem}`;
      reject(new ConnectionError(cause === undefined ? message : `${message}${hint}`, { cause }));
    };
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = clock.after(timeoutMs, () => {
      fail(`did not end within ${timeoutMs / 1000} s and was stopped`);
      // Its children may keep the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
      child.kill('SIGKILL');
    });
    const output = collect(child.stdout);
    const errors = collect(child.stderr);
    child.on('error', (error) => {
      timer.cancel();
      fail(`cannot be run: ${error.message}.`, error);
    });
    child.on('close', (code, signal) => {
      timer.cancel();
      if (code === 0) {
        resolveOutput(output());
      } else {
        const end = code === null ? `was ended by ${signal}` : `ended with code ${code}`;
        fail(`${end}: ${errors().trim().slice(0, MAX_QUOTED_LENGTH)}`);
      }
    });
  });
}

/** Reads a stream. @returns a function that returns what was read so far. */
function collect(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (text.length < MAX_OUTPUT_LENGTH) {
      text += chunk;
    }
  });
  return () => text;
}

/** @throws ConnectionError for anything but an ExecCredential with a token or a certificate. */
function parseCredential(output: string, command: string): ExecCredentialStatus {
  let credential: unknown;
  try {
    credential = JSON.parse(output);
  } catch {
    // The output may be half a token: it is not shown.
    throw new ConnectionError(`the credential plugin ${command} printed no JSON`);
  }
  const status = isRecord(credential) ? credential['status'] : undefined;
  if (!isRecord(status) || !(status['token'] || status['clientCertificateData'])) {
    throw new ConnectionError(
      `the credential plugin ${command} printed no ExecCredential with a token or a certificate`,
    );
  }
  return status;
}
