/**
 * The operator as a process: configuration, connection, endpoints, signals, watchdog. `src/main.ts`
 * of a generated project is one call of it.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { keepAlive, systemClock, systemRandom } from '../util/clock.ts';
import { connect } from '../client/connect.ts';
import { messageOf } from '../client/errors.ts';
import { currentReconcile } from '../observability/reconcile-context.ts';
import type { JsonLogger } from '../observability/logger.ts';
import { createJsonLogger } from '../observability/logger.ts';
import type { OperatorMetrics, OperatorSnapshot } from '../observability/metrics.ts';
import { loadOpenTelemetry } from '../observability/trace.ts';
import type { Scheduler } from '../api/scheduler.ts';
import type { LiveConfig, OperatorConfig } from './config.ts';
import { parseConfig, readConfigFile } from './config.ts';
import { serveEndpoints } from './endpoints.ts';
import { readinessChecks } from './readiness.ts';
import { reloadConfig } from './config-reload.ts';
import type { DeferredResource } from '../controller/controller.ts';
import type { Operator } from './start.ts';
import { startOperator } from './start.ts';
import type { BlockedReport } from './watchdog.ts';
import { blockedReportFile, readBlockedReport, startWatchdog } from './watchdog.ts';

/**
 * Half a minute for the first time, twice that for each further one: the queue's backoff after so
 * many failures.
 */
const FIRST_DEFERRAL_FAILURES = 7;

/**
 * Runs until SIGTERM or SIGINT (exit code 0), or until the lease is lost or the start failed (1). A
 * second signal ends it at once.
 * Reads AUTOPILOT_CONFIG (default ./autopilot-operator.yaml), WATCH_NAMESPACE, POD_NAMESPACE,
 * POD_NAME, METRICS_SERVER, KUBECONFIG,
 * AUTOPILOT_STATE (a folder that outlives the process; default: the temporary one).
 *
 * With `--check` on the command line it loads and checks everything that needs no cluster, says so,
 * and ends: the image is built with
 * that, so that one which cannot start is never there, and so that Node finds all of it compiled
 * (NODE_COMPILE_CACHE).
 */
export async function run(scheduler: Scheduler): Promise<void> {
  const log = createJsonLogger(systemClock, 'info', (line) => void process.stdout.write(line));
  const details = (error: unknown): Readonly<Record<string, unknown>> =>
    error instanceof Error
      ? { error: error.message, ...(error.stack !== undefined && { stack: error.stack }) }
      : { error: String(error) };
  process.on('unhandledRejection', (error) => {
    log.error('a promise was rejected that nobody waits for: an await is missing', details(error));
    // A worker that forgets an await hurts its own resource only, like one that throws; of anything
    // else nobody knows what has failed.
    if (currentReconcile() === undefined) {
      process.exit(1);
    }
  });
  process.on('uncaughtException', (error) => {
    // Also of a worker: whatever called back was left in the middle of something.
    log.error(
      'an error was thrown that nobody catches, in a timer or an event: this process ends',
      details(error),
    );
    process.exit(1);
  });
  try {
    process.exitCode = await runOperator(scheduler, log);
  } catch (error) {
    log.error(messageOf(error));
    process.exitCode = 1;
  }
  process.exit();
}

async function runOperator(scheduler: Scheduler, log: JsonLogger): Promise<number> {
  keepAlive();
  const stopped = firstSignal();
  const file = process.env['AUTOPILOT_CONFIG'] ?? 'autopilot-operator.yaml';
  const text = await readConfigFile(file);
  const parse = (content: string): OperatorConfig =>
    parseConfig(content, file, process.env, scheduler.config);
  const config = parse(text ?? '');
  log.setLevel(config.logLevel);
  let operator: Operator | undefined;
  const metrics =
    config.metricsAddr === '' ? undefined : await createMetrics(scheduler, config, () => operator);
  if (process.argv.includes('--check')) {
    const { group, version, kind } = scheduler.resource;
    log.info('checked: it loads, and its configuration can be read', {
      operator: scheduler.operatorName,
      kind,
      apiVersion: `${group}/${version}`,
    });
    return 0;
  }
  const { api, namespace, server } = await connect({
    clientName: scheduler.operatorName,
    ...(metrics && {
      onResponse: (method, code) => metrics.responseReceived(new URL(server).host, method, code),
    }),
  });
  const reportFile = blockedReportFile(scheduler.operatorName);
  const lastReport = await readBlockedReport(reportFile, systemClock.now());
  if (lastReport !== undefined) {
    log.warn('the last process was ended because its event loop was blocked', {
      reconciles: lastReport.reconciles,
      stack: lastReport.stack,
    });
  }
  const tracing = await loadOpenTelemetry();
  operator = startOperator({
    scheduler,
    api,
    clock: systemClock,
    random: systemRandom,
    log,
    identity: newIdentity(),
    config: {
      ...config,
      leaderElectionNamespace:
        config.leaderElectionNamespace ?? process.env['POD_NAMESPACE'] ?? namespace ?? 'default',
    },
    trace: tracing.trace,
    deferredResources: deferredResourcesOf(lastReport),
    ...(metrics && { observer: metrics.observer }),
  });
  const running = operator;
  let hasSynced = false;
  void running.ready.then(() => (hasSynced = true)).catch(() => undefined);
  const ready = readinessChecks(
    running,
    () => hasSynced,
    () => api.unavailableReason,
  );
  const endpoints =
    metrics && (await serveEndpoints({ address: config.metricsAddr, metrics, ready }));
  const watchdog = startWatchdog({ clock: systemClock, reportFile, lastReport });
  log.info('started', {
    operator: scheduler.operatorName,
    kind: scheduler.resource.kind,
    server,
    namespaces: config.watchNamespaces.length === 0 ? 'all' : config.watchNamespaces,
  });
  const stopReloading = new AbortController();
  const apply = (settings: LiveConfig): void => {
    log.setLevel(settings.logLevel);
    running.configure(settings);
  };
  void reloadConfig(
    { text, config },
    { clock: systemClock, log, read: () => readConfigFile(file), parse, apply },
    stopReloading.signal,
  );
  const end = await Promise.race([
    stopped,
    running.lost.then(() => 'the lease was lost'),
    running.ready.then(() => new Promise<never>(() => undefined)),
  ]);
  stopReloading.abort(new Error('the operator is stopping'));
  if (end !== 'the lease was lost') {
    log.info('stopping', { signal: end });
    await running.stop();
    await rm(reportFile, { force: true });
  }
  await endpoints?.close();
  await watchdog?.stop();
  await api.close();
  await tracing.flush(systemClock);
  log.info('stopped');
  return end === 'the lease was lost' ? 1 : 0;
}

/**
 * No other process has ever had it: one that comes after a crash must not take the lease of one
 * that may still write.
 */
function newIdentity(): string {
  return `${process.env['POD_NAME'] ?? hostname()}_${randomBytes(4).toString('hex')}`;
}

function deferredResourcesOf(report: BlockedReport | undefined): readonly DeferredResource[] {
  return (report?.reconciles ?? []).map(({ resource, phase }) => ({
    resource,
    failures: FIRST_DEFERRAL_FAILURES - 1 + (report?.consecutiveTimes ?? 1),
    at: report?.at ?? 0,
    reason: `the worker of ${phase} blocked the event loop and the operator was restarted: ${report?.stack[0] ?? 'outside JavaScript'}`,
  }));
}

async function createMetrics(
  scheduler: Scheduler,
  config: OperatorConfig,
  operator: () => Operator | undefined,
): Promise<OperatorMetrics> {
  const { createOperatorMetrics } = await import('../observability/metrics.ts');
  const outputs = scheduler.phases.flatMap((phase) => phase.outputs.map(({ type }) => type.kind));
  const inputs = scheduler.phases.flatMap((phase) => phase.inputs.map(({ type }) => type.kind));
  return createOperatorMetrics({
    operator: scheduler.operatorName,
    controller: scheduler.resource.kind.toLowerCase(),
    phases: scheduler.phases.map(({ name }) => name),
    kinds: [...new Set([scheduler.resource.kind, ...inputs, ...outputs])],
    outputs: [...new Set(outputs)],
    maxConcurrentReconciles: config.maxConcurrentReconciles,
    snapshot: () => takeSnapshot(operator()),
  });
}

function takeSnapshot(operator: Operator | undefined): OperatorSnapshot | undefined {
  if (operator === undefined) {
    return undefined;
  }
  const { controller } = operator;
  return {
    leading: operator.isLeading(),
    phases: controller.phaseCounts(),
    quarantined: controller.quarantinedCount,
    queue: { ...controller.queue.depth, unfinishedMs: controller.queue.unfinished },
    kinds: [...controller.informers].map(
      ({ scope, size, secondsSinceLastEvent, unavailableReason: unavailable }) => ({
        kind: scope.type.kind,
        size,
        secondsSinceLastEvent,
        unavailable: unavailable !== undefined,
      }),
    ),
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
