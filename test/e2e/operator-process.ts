/** Runs an operator as a process. Its only credential is the token of its ServiceAccount. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import { freePorts, until } from '../realparts/index.ts';

export interface OperatorProcess {
  /** Base address of /metrics, /healthz and /readyz. */
  readonly endpoints: string;
  readonly logs: () => string;
  /** Sends SIGTERM. @returns the exit code; undefined when a signal ended the process. */
  stop(): Promise<number | undefined>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Exit code; undefined when a signal ended the process. */
  readonly ended: Promise<number | undefined>;
}

/** Starts an operator of a project and waits until it is ready. */
export async function startProcess(
  dir: string,
  options: {
    readonly kubeconfig: string;
    readonly namespace: string;
    /** Port of the endpoints. Default: a free port. */
    readonly port?: number;
    readonly watchNamespaces?: string;
    /** Name of the Pod, used as identity. Default: operator-0. */
    readonly pod?: string;
    /** Settings that replace those of the project's autopilot-operator.yaml. */
    readonly settings?: object;
    /** Additional arguments of node. */
    readonly node?: readonly string[];
    /** Environment variables to set. Undefined removes an inherited variable. */
    readonly env?: Readonly<Record<string, string | undefined>>;
    /** Script and its arguments. Default: src/main.ts. */
    readonly script?: readonly string[];
    /** Longest time in milliseconds until the operator is ready. Default: 20,000. 0: no wait. */
    readonly readyWithinMs?: number;
  },
): Promise<OperatorProcess> {
  const [port = 0] = options.port === undefined ? await freePorts(1) : [options.port];
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-operator-'));
  const config = join(folder, 'autopilot-operator.yaml');
  const fields = parse(readFileSync(join(dir, 'autopilot-operator.yaml'), 'utf8')) as Record<
    string,
    unknown
  >;
  writeFileSync(
    config,
    stringify({
      ...fields,
      metricsAddr: `127.0.0.1:${port}`,
      workInterval: '1h',
      ...options.settings,
    }),
  );
  let logs = '';
  const child = execa(
    process.execPath,
    [
      '--conditions=autopilot-source',
      ...(options.node ?? []),
      ...(options.script ?? ['src/main.ts']),
    ],
    {
      cwd: dir,
      reject: false,
      all: true,
      maxBuffer: 1_000_000_000,
      env: {
        KUBECONFIG: options.kubeconfig,
        AUTOPILOT_CONFIG: config,
        WATCH_NAMESPACE: options.watchNamespaces ?? '',
        POD_NAMESPACE: options.namespace,
        POD_NAME: options.pod ?? 'operator-0',
        AUTOPILOT_STATE: folder,
        NODE_OPTIONS: '',
        ...options.env,
      },
    },
  );
  child.all?.on('data', (chunk: Buffer) => (logs += chunk.toString()));
  const ended = child.then(({ exitCode }) => {
    rmSync(folder, { recursive: true, force: true });
    return exitCode;
  });
  const endpoints = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<number | undefined> => {
    child.kill('SIGTERM');
    return ended;
  };
  try {
    const within = options.readyWithinMs ?? 20_000;
    const ready = async (): Promise<void> => {
      const response = await fetch(`${endpoints}/readyz?verbose`);
      if (!response.ok) {
        throw new Error(await response.text());
      }
    };
    if (within > 0) {
      await until('the operator is ready', within, ready);
    }
  } catch (error) {
    await stop();
    throw new Error(`${(error as Error).message}\n${logs}`, { cause: error });
  }
  return { endpoints, logs: () => logs, stop, kill: (signal) => void child.kill(signal), ended };
}
