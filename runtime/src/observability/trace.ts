/**
 * Spans through the OpenTelemetry API package, if the project has it and an SDK is registered
 * (`node --import`); else they cost nothing.
 */
import type { Clock } from '../util/clock.ts';
import type { KubeApi } from '../client/kube-api.ts';
import { messageOf } from '../client/errors.ts';
import type { ResourceType } from '../client/object.ts';

type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Span {
  set(attributes: Attributes): void;
  /** It has gone wrong, although nothing is thrown. */
  fail(message: string): void;
}

/**
 * Runs inside a span that is a child of the one around it, or the `root` of a trace. An error that
 * is thrown is recorded.
 */
export type Trace = <T>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => Promise<T>,
  root?: 'root',
) => Promise<T>;

/** Of the time that a Pod has to end, after the workers have had theirs. */
const FLUSH_TIMEOUT_MS = 3_000;

const NOOP_SPAN: Span = { set() {}, fail() {} };
export const untraced: Trace = (_, __, run) => run(NOOP_SPAN);

/** As much of `@opentelemetry/api` as is used here; the package itself is the user's. */
interface OpenTelemetry {
  readonly trace: {
    getTracer(name: string): Tracer;
    getTracerProvider(): Provider;
  };
  readonly SpanStatusCode: { readonly ERROR: number };
}
/** The global one stands before the SDK's, which alone can flush. */
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

export interface Tracing {
  readonly trace: Trace;
  /**
   * Sends what the SDK still holds, in the moments that the end of a process may take. Never
   * throws.
   */
  flush(clock: Clock): Promise<void>;
}
const NOOP_TRACING: Tracing = { trace: untraced, flush: () => Promise.resolve() };

/** @param load for tests */
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
  // Without an SDK every span is the invalid one: then nothing is to be gained by making more.
  const probe = tracer.startSpan('autopilot.start');
  probe.end();
  if (/^0*$/.test(probe.spanContext().traceId)) {
    return NOOP_TRACING;
  }
  const trace: Trace = (name, attributes, run, root) =>
    tracer.startActiveSpan(name, { attributes, root: root !== undefined }, async (span) => {
      const fail = (message: string): void =>
        span.setStatus({ code: api.SpanStatusCode.ERROR, message });
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
  return {
    trace,
    async flush(clock) {
      const provider = api.trace.getTracerProvider();
      const late = Promise.withResolvers<void>();
      const timer = clock.after(FLUSH_TIMEOUT_MS, late.resolve);
      await Promise.race([
        (provider.getDelegate?.() ?? provider).forceFlush?.(),
        late.promise,
      ]).catch(() => undefined);
      timer.cancel();
    },
  };
}

/** A span for each request that is not a list or a watch. */
export function tracedApi(api: KubeApi, trace: Trace): KubeApi {
  if (trace === untraced) {
    return api;
  }
  const request = <T>(
    verb: string,
    type: ResourceType,
    key: { readonly namespace?: string; readonly name: string },
    send: () => Promise<T>,
  ): Promise<T> =>
    trace(
      `${verb} ${type.plural}`,
      {
        'k8s.resource': type.plural,
        'k8s.namespace.name': key.namespace ?? '',
        'k8s.object.name': key.name,
      },
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
