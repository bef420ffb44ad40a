/** The operator as a process: configuration, connection, endpoints, signals, watchdog. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { keepAlive, systemClock, systemRandom } from '../util/clock.ts';
import { connect } from '../client/connect.ts';
import type { KubeConnection } from '../client/connect.ts';
import { messageOf } from '../client/errors.ts';
import { currentReconcile } from '../observability/reconcile-context.ts';
import type { JsonLogger } from '../observability/logger.ts';
import { createJsonLogger } from '../observability/logger.ts';
import type { OperatorMetrics, OperatorSnapshot } from '../observability/metrics.ts';
import { loadOpenTelemetry } from '../observability/trace.ts';
import type { Scheduler } from '../api/scheduler.ts';
import type { OperatorSettings } from './config.ts';
import { parseSettings } from './config.ts';
import { readConfigFile, readPauseSwitch } from './config-file.ts';
import type { Endpoints, EndpointsOptions } from './endpoints.ts';
import { serveEndpoints } from './endpoints.ts';
import { createMetricsAccess } from './metrics-access.ts';
import { warnOfPlainSecrets } from './plain-secrets.ts';
import { readinessChecks } from './readiness.ts';
import type { LoadedConfig } from './config-reload.ts';
import { effectiveSettings, reloadConfig } from './config-reload.ts';
import type { DeferredResource } from '../controller/controller.ts';
import type { Operator } from './start.ts';
import { startWithSettings } from './start.ts';
import type { BlockedReport } from './watchdog.ts';
import { blockedReportFile, readBlockedReport, startWatchdog } from './watchdog.ts';

/**
 * Failures that the queue's backoff counts for a resource that blocked the event loop once: about
 * 30 s of delay, doubled for each further time.
 */
const FIRST_DEFERRAL_FAILURES = 7;

/** End of a process whose lease was lost. */
const LEASE_LOST = 'the lease was lost';

/**
 * Runs an operator until the process ends: `src/main.ts` of a generated project is one call of it.
 *
 * Exit codes: 0 after SIGTERM or SIGINT; 1 when the start failed, the lease was lost or an
 * exception was not caught. A second signal ends the process at once, with exit code 1.
 *
 * Environment variables:
 *
 * - `AUTOPILOT_CONFIG`: path of the configuration. Default: `autopilot-operator.yaml`.
 * - `WATCH_NAMESPACE`, `METRICS_SERVER`: override the fields `watchNamespace` and
 *   `metrics.address`.
 * - `POD_NAMESPACE`, `POD_NAME`: namespace of the Lease and name of this replica.
 * - `KUBECONFIG`: path of a kubeconfig. Default: the Pod's service account, or `~/.kube/config`
 *   outside of a Pod.
 * - `AUTOPILOT_STATE`: a folder that outlives the process. Default: the folder for temporary files.
 *
 * With `--check` on the command line, `run` loads the project, checks everything that needs no
 * cluster, and ends with 0. The Dockerfile runs it: an image that cannot start is never built, and
 * Node compiles all modules into its compile cache (NODE_COMPILE_CACHE).
 *
 * @param scheduler the export of `src/generated/scheduler.ts`.
 */
export async function run(scheduler: Scheduler): Promise<void> {
  const log = createJsonLogger(systemClock, 'info', (line) => void process.stdout.write(line));
  logUncaughtErrors(log);
  try {
    process.exitCode = await new OperatorProcess(scheduler, log).run();
  } catch (error) {
    log.error(messageOf(error));
    process.exitCode = 1;
  }
  process.exit();
}

function logUncaughtErrors(log: JsonLogger): void {
  process.on('unhandledRejection', (error) => {
    log.error('unhandled promise rejection (missing await?)', errorFields(error));
    // A missing await in a worker affects its own resource only. Outside of a worker the cause is
    // unknown, and the process may be in an inconsistent state.
    if (currentReconcile() === undefined) {
      process.exit(1);
    }
  });
  process.on('uncaughtException', (error) => {
    // Also for a worker: the interrupted callback may have left inconsistent state.
    log.error('uncaught exception in a timer or an event handler; exiting', errorFields(error));
    process.exit(1);
  });
}

function errorFields(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) {
    return { error: String(error) };
  }
  const { message, stack } = error;
  return { error: message, ...(stack !== undefined && { stack }) };
}

class OperatorProcess {
  readonly #scheduler: Scheduler;
  readonly #log: JsonLogger;
  readonly #configFile = process.env['AUTOPILOT_CONFIG'] ?? 'autopilot-operator.yaml';
  #operator: Operator | undefined;

  constructor(scheduler: Scheduler, log: JsonLogger) {
    this.#scheduler = scheduler;
    this.#log = log;
  }

  /** @returns the exit code. */
  async run(): Promise<number> {
    keepAlive();
    const stopSignal = firstSignal();
    const loaded = await this.#loadConfig();
    const settings = effectiveSettings(loaded);
    this.#log.setLevel(settings.logLevel);
    warnOfPlainSecrets(settings, this.#log);
    const metrics = settings.metricsAddr === '' ? undefined : await this.#createMetrics(settings);
    if (process.argv.includes('--check')) {
      this.#logChecked();
      return 0;
    }
    const connection = await this.#connect(metrics);
    const lastReport = await this.#readLastReport();
    const tracing = await loadOpenTelemetry();
    const operator = startWithSettings(
      {
        scheduler: this.#scheduler,
        api: connection.api,
        clock: systemClock,
        random: systemRandom,
        log: this.#log,
        identity: newIdentity(),
        trace: tracing.trace,
        deferredResources: deferredResourcesOf(lastReport),
        ...(metrics && { observer: metrics.observer }),
      },
      withLeaseNamespace(settings, connection.namespace),
    );
    this.#operator = operator;
    const endpoints =
      metrics && (await this.#serveEndpoints(operator, connection, settings, metrics));
    const watchdog = startWatchdog({
      clock: systemClock,
      reportFile: this.#reportFile,
      lastReport,
    });
    this.#logStarted(settings, connection.server);
    const end = await this.#runUntilEnd(operator, loaded, stopSignal);
    if (end !== LEASE_LOST) {
      this.#log.info('stopping', { signal: end });
      await operator.stop();
      await rm(this.#reportFile, { force: true });
    }
    await endpoints?.close();
    await watchdog?.stop();
    await connection.api.close();
    await tracing.flush(systemClock);
    this.#log.info('stopped');
    return end === LEASE_LOST ? 1 : 0;
  }

  #serveEndpoints(
    operator: Operator,
    connection: KubeConnection,
    { metricsAddr: address, secureMetrics }: OperatorSettings,
    metrics: OperatorMetrics,
  ): Promise<Endpoints> {
    const { api } = connection;
    const access = secureMetrics
      ? createMetricsAccess({ api, clock: systemClock, log: this.#log })
      : undefined;
    return serveOperatorEndpoints(operator, connection, {
      address,
      metrics,
      ...(access && { access }),
    });
  }

  get #reportFile(): string {
    return blockedReportFile(this.#scheduler.operatorName);
  }

  #parse(text: string): OperatorSettings {
    const source = { text, file: this.#configFile };
    return parseSettings(source, process.env, this.#scheduler.config);
  }

  async #loadConfig(): Promise<LoadedConfig> {
    const text = await readConfigFile(this.#configFile);
    const isSwitchedOff = await readPauseSwitch(this.#configFile);
    return { text, settings: this.#parse(text ?? ''), isSwitchedOff };
  }

  async #connect(metrics: OperatorMetrics | undefined): Promise<KubeConnection> {
    const connection = await connect({
      clientName: this.#scheduler.operatorName,
      ...(metrics && {
        onResponse: (method, code) =>
          metrics.responseReceived(new URL(connection.server).host, method, code),
      }),
    });
    return connection;
  }

  async #readLastReport(): Promise<BlockedReport | undefined> {
    const report = await readBlockedReport(this.#reportFile, systemClock.now());
    if (report !== undefined) {
      const { reconciles, stack } = report;
      this.#log.warn('the previous process was killed because its event loop was blocked', {
        reconciles,
        stack,
      });
    }
    return report;
  }

  /** Resolves with the signal's name, or with LEASE_LOST. @throws what the start threw. */
  async #runUntilEnd(
    operator: Operator,
    loaded: LoadedConfig,
    stopSignal: Promise<string>,
  ): Promise<string> {
    const stopReloading = new AbortController();
    void reloadConfig(
      loaded,
      {
        clock: systemClock,
        log: this.#log,
        read: () => readConfigFile(this.#configFile),
        readPauseSwitch: () => readPauseSwitch(this.#configFile),
        parse: (text) => {
          const settings = this.#parse(text);
          warnOfPlainSecrets(settings, this.#log);
          return settings;
        },
        apply: (settings) => {
          this.#log.setLevel(settings.logLevel);
          operator.configure(settings);
        },
        report: (problem) => operator.reportConfig(problem),
      },
      stopReloading.signal,
    );
    const end = await Promise.race([
      stopSignal,
      operator.lost.then(() => LEASE_LOST),
      operator.ready.then(() => new Promise<never>(() => undefined)),
    ]);
    stopReloading.abort(new Error('the operator is stopping'));
    return end;
  }

  async #createMetrics(settings: OperatorSettings): Promise<OperatorMetrics> {
    const { createOperatorMetrics } = await import('../observability/metrics.ts');
    const { operatorName, resource, phases } = this.#scheduler;
    const outputs = phases.flatMap((phase) => phase.outputs.map(({ type }) => type.kind));
    const inputs = phases.flatMap((phase) => phase.inputs.map(({ type }) => type.kind));
    return createOperatorMetrics({
      operator: operatorName,
      controller: resource.kind.toLowerCase(),
      phases: phases.map(({ name }) => name),
      kinds: [...new Set([resource.kind, ...inputs, ...outputs])],
      outputs: [...new Set(outputs)],
      maxConcurrentReconciles: settings.maxConcurrentReconciles,
      snapshot: () => this.#operator && takeSnapshot(this.#operator),
    });
  }

  #logChecked(): void {
    const { operatorName: operator, resource } = this.#scheduler;
    const { group, version, kind } = resource;
    const apiVersion = `${group}/${version}`;
    this.#log.info('check passed: the operator loads and its configuration is valid', {
      operator,
      kind,
      apiVersion,
    });
  }

  #logStarted(settings: OperatorSettings, server: string): void {
    const { watchNamespaces } = settings;
    this.#log.info('started', {
      operator: this.#scheduler.operatorName,
      kind: this.#scheduler.resource.kind,
      server,
      namespaces: watchNamespaces.length === 0 ? 'all' : watchNamespaces,
    });
  }
}

function withLeaseNamespace(
  settings: OperatorSettings,
  contextNamespace: string | undefined,
): OperatorSettings {
  const leaderElectionNamespace =
    settings.leaderElectionNamespace ??
    process.env['POD_NAMESPACE'] ??
    contextNamespace ??
    'default';
  return { ...settings, leaderElectionNamespace };
}

async function serveOperatorEndpoints(
  operator: Operator,
  { api }: KubeConnection,
  options: Omit<EndpointsOptions, 'ready'>,
): Promise<Endpoints> {
  let hasSynced = false;
  void operator.ready.then(() => (hasSynced = true)).catch(() => undefined);
  const ready = readinessChecks(
    operator,
    () => hasSynced,
    () => api.unavailableReason,
  );
  return serveEndpoints({ ...options, ready });
}

/**
 * The random part makes the identity unique. Without it, a process that starts after a crash would
 * take over the lease of a process that may still write.
 */
function newIdentity(): string {
  return `${process.env['POD_NAME'] ?? hostname()}_${randomBytes(4).toString('hex')}`;
}

function deferredResourcesOf(report: BlockedReport | undefined): readonly DeferredResource[] {
  if (report === undefined) {
    return [];
  }
  const { reconciles, consecutiveTimes, at, stack } = report;
  const place = stack[0] ?? 'outside JavaScript';
  return reconciles.map(({ resource, phase }) => ({
    resource,
    failures: FIRST_DEFERRAL_FAILURES - 1 + consecutiveTimes,
    at,
    reason: `the worker of ${phase} blocked the event loop and the operator was restarted: ${place}`,
  }));
}

function takeSnapshot(operator: Operator): OperatorSnapshot {
  const { controller } = operator;
  return {
    leading: operator.isLeading(),
    configRefused: operator.configProblem() !== undefined,
    phases: controller.phaseCounts(),
    quarantined: controller.quarantinedCount,
    contested: controller.contestedCount,
    queue: { ...controller.queue.depth, unfinishedMs: controller.queue.unfinished },
    kinds: [...controller.informers].map(
      ({ scope, size, secondsSinceLastEvent, unavailableReason }) => ({
        kind: scope.type.kind,
        size,
        secondsSinceLastEvent,
        unavailable: unavailableReason !== undefined,
      }),
    ),
  };
}

/** Resolves with the name of the first signal. A second signal ends the process. */
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
