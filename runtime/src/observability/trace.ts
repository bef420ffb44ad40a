/**
 * OpenTelemetry spans. Spans are made if the project depends on `@opentelemetry/api` and an SDK is
 * registered (`node --import`). Without them tracing costs nothing.
 */
import type { Clock } from '../util/clock.ts';
import type { KubeApi } from '../client/kube-api.ts';
import { messageOf } from '../client/errors.ts';
import type { ObjectKey, ResourceType } from '../client/object.ts';

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span, as the traced code sees it. */
export interface Span {
  /** Sets attributes. */
  set(attributes: Attributes): void;
  /** Marks the span as failed, for a failure that is not thrown. */
  fail(message: string): void;
}

/**
 * Runs a function inside of a span. The span is a child of the surrounding one, or with `root` the
 * root of a trace. An error that the function throws is recorded.
 */
export type Trace = <T>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => Promise<T>,
  root?: 'root',
) => Promise<T>;

/** Time that the SDK may take to send its spans at the end of the process. */
const FLUSH_TIMEOUT_MS = 3_000;

const NOOP_SPAN: Span = { set() {}, fail() {} };

/** Makes no span. */
export const untraced: Trace = (_, __, run) => run(NOOP_SPAN);

/** The part of `@opentelemetry/api` that is used here. The package is the project's dependency. */
interface OpenTelemetry {
  readonly trace: {
    getTracer(name: string): Tracer;
    getTracerProvider(): Provider;
  };
  readonly SpanStatusCode: { readonly ERROR: number };
}
/** The global provider is a proxy. Only the SDK's provider behind it can flush. */
interface Provider {
  getDelegate?(): Provider;
  forceFlush?(): Promise<void>;
}
interface Tracer {
  startSpan(name: string): OtelSpan;
  startActiveSpan<T>(
    name: string,
    options: { readonly attributes: Attributes; readonly root: boolean },
    run: (span: OtelSpan) => T,
  ): T;
}
interface OtelSpan {
  spanContext(): { readonly traceId: string };
  setAttributes(attributes: Attributes): void;
  setStatus(status: { readonly code: number; readonly message: string }): void;
  recordException(error: unknown): void;
  end(): void;
}

/** Tracing of a process. */
export interface Tracing {
  /** Makes spans. */
  readonly trace: Trace;
  /** Sends the spans that the SDK still has, within 3 s. Never throws. */
  flush(clock: Clock): Promise<void>;
}

const NOOP_TRACING: Tracing = { trace: untraced, flush: () => Promise.resolve() };

/**
 * Loads `@opentelemetry/api`. Without the package or without an SDK nothing is traced.
 *
 * @param load imports the package; tests give their own.
 */
export async function loadOpenTelemetry(
  load: () => Promise<unknown> = () => import('@opentelemetry/api' as string) as Promise<unknown>,
): Promise<Tracing> {
  let api: OpenTelemetry;
  try {
    api = (await load()) as OpenTelemetry;
  } catch {
    return NOOP_TRACING;
  }
  const tracer = api.trace.getTracer('autopilot-runtime');
  if (!hasSdk(tracer)) {
    return NOOP_TRACING;
  }
  return {
    trace: createTrace(tracer, api),
    flush: (clock) => flushProvider(api.trace.getTracerProvider(), clock),
  };
}

/**
 * Whether an SDK is registered. If not, every span has the invalid trace id, which is all zeros.
 */
function hasSdk(tracer: Tracer): boolean {
  const probe = tracer.startSpan('autopilot.start');
  probe.end();
  return !/^0*$/.test(probe.spanContext().traceId);
}

function createTrace(tracer: Tracer, { SpanStatusCode }: OpenTelemetry): Trace {
  return (name, attributes, run, root) =>
    tracer.startActiveSpan(name, { attributes, root: root !== undefined }, async (span) => {
      const fail = (message: string): void =>
        span.setStatus({ code: SpanStatusCode.ERROR, message });
      try {
        return await run({ set: (more) => span.setAttributes(more), fail });
      } catch (error) {
        span.recordException(error);
        fail(messageOf(error));
        throw error;
      } finally {
        span.end();
      }
    });
}

async function flushProvider(provider: Provider, clock: Clock): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = clock.after(FLUSH_TIMEOUT_MS, timeout.resolve);
  const sdkProvider = provider.getDelegate?.() ?? provider;
  await Promise.race([sdkProvider.forceFlush?.(), timeout.promise]).catch(() => undefined);
  timer.cancel();
}

/** @returns an API client that makes a span for each request except lists and watches. */
export function tracedApi(api: KubeApi, trace: Trace): KubeApi {
  if (trace === untraced) {
    return api;
  }
  const request = <T>(
    verb: string,
    { plural }: ResourceType,
    { namespace = '', name }: ObjectKey,
    send: () => Promise<T>,
  ): Promise<T> =>
    trace(
      `${verb} ${plural}`,
      { 'k8s.resource': plural, 'k8s.namespace.name': namespace, 'k8s.object.name': name },
      send,
    );
  return {
    list: (...call) => api.list(...call),
    watch: (...call) => api.watch(...call),
    get: (type, key, ...rest) => request('get', type, key, () => api.get(type, key, ...rest)),
    create: (type, object, ...rest) =>
      request('create', type, object.metadata, () => api.create(type, object, ...rest)),
    replace: (type, object, ...rest) =>
      request('replace', type, object.metadata, () => api.replace(type, object, ...rest)),
    apply: (type, object, ...rest) =>
      request('apply', type, object.metadata, () => api.apply(type, object, ...rest)),
    patch: (type, key, ...rest) => request('patch', type, key, () => api.patch(type, key, ...rest)),
    delete: (type, key, ...rest) =>
      request('delete', type, key, () => api.delete(type, key, ...rest)),
  };
}
