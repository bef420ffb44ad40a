/**
 * The operator as a process: configuration, connection, endpoints, signals. `src/main.ts` of a generated project is one call of it.
 */
import { hostname } from 'node:os';
import { keepAlive, systemClock, systemRandom } from '../clock.ts';
import { connect } from '../kube/connect.ts';
import { jsonLogger } from '../observe/log.ts';
import { operatorMetrics } from '../observe/metrics.ts';
import type { Observer } from '../observe/observer.ts';
import type { Scheduler } from '../scheduler.ts';
import type { LiveConfig, OperatorConfig } from './config.ts';
import { configOf, readConfig } from './config.ts';
import { serveEndpoints } from './endpoints.ts';
import { reloading } from './reload.ts';
import { startOperator } from './start.ts';

/**
 * Runs until SIGTERM or SIGINT (exit code 0), or until the lease is lost or the start failed (1). A second signal ends it at once.
 * Reads AUTOPILOT_CONFIG (default ./autopilot-operator.yaml), WATCH_NAMESPACE, POD_NAMESPACE, POD_NAME, METRICS_SERVER, KUBECONFIG.
 */
export async function run(scheduler: Scheduler): Promise<void> {
  const log = jsonLogger(systemClock, 'info', (line) => void process.stdout.write(line));
  try {
    process.exitCode = await operate(scheduler, log);
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
  process.exit();
}

async function operate(scheduler: Scheduler, log: ReturnType<typeof jsonLogger>): Promise<number> {
  keepAlive();
  const stopped = firstSignal();
  const file = process.env['AUTOPILOT_CONFIG'] ?? 'autopilot-operator.yaml';
  const text = await readConfig(file);
  const parse = (content: string): OperatorConfig => configOf(content, file, process.env);
  const config = parse(text ?? '');
  log.setLevel(config.logLevel);
  const { api, namespace, server } = await connect();
  const leaderElectionNamespace = config.leaderElectionNamespace ?? process.env['POD_NAMESPACE'] ?? namespace ?? 'default';
  const forward = forwarding();
  const operator = startOperator({
    scheduler,
    api,
    clock: systemClock,
    random: systemRandom,
    log,
    identity: process.env['POD_NAME'] ?? `${hostname()}-${process.pid}`,
    config: { ...config, leaderElectionNamespace },
    observer: forward,
  });
  const metrics = operatorMetrics({
    controller: scheduler.resource.kind.toLowerCase(),
    phases: scheduler.phases.map(({ name }) => name),
    maxConcurrentSyncs: config.maxConcurrentSyncs,
    leading: () => operator.leading(),
    resourcesByPhase: () => operator.machine.phases(),
    queueDepth: () => operator.machine.depth(),
  });
  forward.to = metrics.observer;
  let filled = false;
  void operator.ready.then(() => (filled = true)).catch(() => undefined);
  const endpoints =
    config.metricsAddr === ''
      ? undefined
      : await serveEndpoints({
          address: config.metricsAddr,
          metrics,
          ready: [
            { name: 'caches', run: () => (filled ? undefined : 'not filled yet') },
            {
              name: 'kinds',
              run: () =>
                operator.machine
                  .unavailable()
                  .map(({ kind, reason }) => `${kind}: ${reason}`)
                  .join('; ') || undefined,
            },
          ],
        });
  log.info('started', {
    operator: scheduler.operatorName,
    kind: scheduler.resource.kind,
    server,
    namespaces: config.watchNamespaces.length === 0 ? 'all' : config.watchNamespaces,
  });
  const stopReloading = new AbortController();
  const apply = (settings: LiveConfig): void => {
    log.setLevel(settings.logLevel);
    operator.configure(settings);
  };
  void reloading({ text, config }, { clock: systemClock, log, read: () => readConfig(file), parse, apply }, stopReloading.signal);
  const end = await Promise.race([stopped, operator.lost.then(() => 'the lease was lost'), operator.ready.then(() => new Promise<never>(() => undefined))]);
  stopReloading.abort(new Error('the operator is stopping'));
  if (end !== 'the lease was lost') {
    log.info('stopping', { signal: end });
    await operator.stop();
  }
  await endpoints?.close();
  await api.close();
  log.info('stopped');
  return end === 'the lease was lost' ? 1 : 0;
}

/** Metrics need the operator, and the operator tells the metrics: this stands between. */
function forwarding(): Observer & { to: Observer | undefined } {
  return {
    to: undefined,
    syncStarted() {
      this.to?.syncStarted();
    },
    syncEnded(...told) {
      this.to?.syncEnded(...told);
    },
    event(told) {
      this.to?.event(told);
    },
    relisted(...told) {
      this.to?.relisted(...told);
    },
    watchRestarted(...told) {
      this.to?.watchRestarted(...told);
    },
    watchFailed(...told) {
      this.to?.watchFailed(...told);
    },
  };
}

function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    const handle = (signal: string): void => {
      process.once('SIGTERM', () => process.exit(1));
      process.once('SIGINT', () => process.exit(1));
      resolve(signal);
    };
    process.once('SIGTERM', handle);
    process.once('SIGINT', handle);
  });
}
