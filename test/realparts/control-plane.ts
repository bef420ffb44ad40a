/**
 * A real control plane in a temporary folder: etcd and kube-apiserver (with
 * OwnerReferencesPermissionEnforcement, as OpenShift has it), optionally kube-controller-manager.
 * Everything ends with the process that started it.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import type { AuditEvent, AuditRule } from './audit.ts';
import { auditFlags, readAudit } from './audit.ts';
import { gatewayApiCrds, istioCrds, monitoringCrds, tool } from './parts.ts';
import { freePorts } from './free-ports.ts';

export interface ControlPlane {
  /** The administrator's kubeconfig: a file. */
  readonly kubeconfig: string;
  readonly server: string;
  kubectl(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** Helm 4, as the administrator. */
  helm(args: readonly string[], options?: HelmOptions): Promise<string>;
  installIstioCrds(): Promise<void>;
  installGatewayApiCrds(): Promise<void>;
  /** ServiceMonitor, PodMonitor and PrometheusRule. */
  installMonitoringCrds(): Promise<void>;
  /** A kubeconfig file that holds nothing but a fresh token of this ServiceAccount. */
  tokenKubeconfig(namespace: string, serviceAccount: string): Promise<string>;
  /** What this ServiceAccount has asked of the API server so far. Only with `audit: true`. */
  audit(namespace: string, serviceAccount: string): readonly AuditEvent[];
  /**
   * Makes etcd forget everything that is not current, as the API server does every five minutes.
   */
  compact(): Promise<void>;
  /** The file of the audit log, a JSON object in each line. */
  readonly auditLog: string;
  /**
   * Kills the API server and starts it again, without its watch cache. Resolves when the new one is
   * ready.
   */
  restartApiServer(): Promise<void>;
  /** Kills etcd and starts it again on its files. Resolves when the API server is ready again. */
  restartEtcd(): Promise<void>;
  stop(): Promise<void>;
}

export interface HelmOptions {
  readonly major?: 3 | 4;
  readonly kubeconfig?: string;
}

export interface ControlPlaneOptions {
  readonly controllerManager?: boolean;
  /** Keep a log of every request; rules say of which more than who, what and when. */
  readonly audit?: boolean | readonly AuditRule[];
}

/** @throws Unavailable when a part cannot be had, Error when it does not start. */
export async function controlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-cp-'));
  const running: (() => Promise<unknown>)[] = [];
  const [client, peer, secure, manager] = await freePorts(4);
  const server = `https://127.0.0.1:${secure}`;
  const token = randomBytes(16).toString('hex');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const keyFile = file('sa.key', privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  const publicFile = file('sa.pub', publicKey.export({ type: 'spki', format: 'pem' }) as string);
  const tokens = file('tokens.csv', `${token},admin,admin-uid,system:masters\n`);
  const kubeconfig = file('admin.kubeconfig', kubeconfigText(server, token));

  const start = async (
    name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager',
    args: readonly string[],
  ): Promise<() => Promise<void>> => {
    const child = execa(await tool(name), args, {
      cwd: folder,
      all: true,
      buffer: false,
      cleanup: true,
      reject: false,
      forceKillAfterDelay: 2000,
    });
    child.all?.pipe(createWriteStream(join(folder, `${name}.log`)));
    running.push(() => (child.kill('SIGTERM'), child));
    return async () => {
      child.kill('SIGKILL');
      await child;
    };
  };

  const etcdArgs = [
    `--data-dir=${folder}/etcd`,
    `--listen-client-urls=http://127.0.0.1:${client}`,
    `--advertise-client-urls=http://127.0.0.1:${client}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-cluster=default=http://127.0.0.1:${peer}`,
    '--unsafe-no-fsync',
  ];
  let killEtcd = await start('etcd', etcdArgs);
  const apiServer = [
    `--etcd-servers=http://127.0.0.1:${client}`,
    `--secure-port=${secure}`,
    '--bind-address=127.0.0.1',
    '--endpoint-reconciler-type=none',
    `--cert-dir=${folder}/certs`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${publicFile}`,
    `--service-account-signing-key-file=${keyFile}`,
    `--token-auth-file=${tokens}`,
    '--authorization-mode=RBAC,Node',
    '--enable-admission-plugins=OwnerReferencesPermissionEnforcement',
    '--disable-admission-plugins=ServiceAccount',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--allow-privileged=true',
    ...(options.audit === undefined || options.audit === false
      ? []
      : auditFlags(folder, options.audit === true ? [] : options.audit)),
  ];
  let killApiServer = await start('kube-apiserver', apiServer);

  const kubectlPath = await tool('kubectl');
  const kubectl: ControlPlane['kubectl'] = async (args, { input } = {}) => {
    const { stdout } = await execa(kubectlPath, ['--kubeconfig', kubeconfig, ...args], {
      ...(input === undefined ? {} : { input }),
      env: { HOME: folder },
    });
    return stdout;
  };
  const ready = (): Promise<unknown> =>
    until(`kube-apiserver is ready (log: ${folder}/kube-apiserver.log)`, 60_000, () =>
      kubectl(['get', '--raw', '/readyz']),
    );
  const stop = async (): Promise<void> => {
    for (const end of running.toReversed()) {
      await end();
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await ready();
    await until('the default namespace exists', 30_000, () =>
      kubectl(['get', 'namespace', 'default']),
    );
    if (options.controllerManager === true) {
      await start('kube-controller-manager', [
        `--kubeconfig=${kubeconfig}`,
        `--service-account-private-key-file=${keyFile}`,
        `--root-ca-file=${folder}/certs/apiserver.crt`,
        '--leader-elect=false',
        `--secure-port=${manager}`,
        '--bind-address=127.0.0.1',
        '--controllers=*,-nodelifecycle,-nodeipam',
      ]);
    }
  } catch (error) {
    await stop();
    throw error;
  }

  const applyFiles = async (files: readonly string[]): Promise<void> => {
    await kubectl(['apply', '--server-side', ...files.flatMap((path) => ['-f', path])]);
    await kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      ...files.flatMap((path) => ['-f', path]),
    ]);
  };
  return {
    kubeconfig,
    server,
    kubectl,
    async helm(args, { major = 4, kubeconfig: config = kubeconfig } = {}) {
      const { stdout } = await execa(await tool(major === 3 ? 'helm3' : 'helm'), [...args], {
        env: { KUBECONFIG: config, HOME: folder, XDG_CACHE_HOME: join(folder, 'helm-cache') },
      });
      return stdout;
    },
    installIstioCrds: async () => applyFiles(await istioCrds()),
    installMonitoringCrds: async () => applyFiles(await monitoringCrds()),
    installGatewayApiCrds: async () => applyFiles(await gatewayApiCrds()),
    async tokenKubeconfig(namespace, serviceAccount) {
      const fresh = await kubectl(['create', 'token', serviceAccount, '-n', namespace]);
      return file(
        `${namespace}-${serviceAccount}.kubeconfig`,
        kubeconfigText(server, fresh.trim()),
      );
    },
    audit: (namespace, serviceAccount) =>
      readAudit(folder, `system:serviceaccount:${namespace}:${serviceAccount}`),
    auditLog: join(folder, 'audit.log'),
    async compact() {
      const etcd = async (
        path: string,
        body: object,
      ): Promise<{ readonly header: { readonly revision: string } }> => {
        const response = await fetch(`http://127.0.0.1:${client}/v3/${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
        });
        if (!response.ok) {
          throw new Error(
            `etcd answered ${path} with ${response.status}: ${await response.text()}`,
          );
        }
        return (await response.json()) as { header: { revision: string } };
      };
      const { header } = await etcd('maintenance/status', {});
      await etcd('kv/compaction', { revision: header.revision, physical: true });
    },
    async restartApiServer() {
      await killApiServer();
      killApiServer = await start('kube-apiserver', apiServer);
      await ready();
    },
    async restartEtcd() {
      await killEtcd();
      killEtcd = await start('etcd', etcdArgs);
      await ready();
    },
    stop,
  };
}

/** Waits for a condition: `attempt` is made again until it does not reject. */
export async function until<T>(what: string, ms: number, attempt: () => Promise<T>): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > end) {
        throw new Error(
          `waited ${ms / 1000} s in vain until ${what}: ${(error as Error).message}`,
          { cause: error },
        );
      }
      await pause(100);
    }
  }
}

export function kubeconfigText(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
