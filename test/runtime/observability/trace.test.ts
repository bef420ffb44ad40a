import { expect } from 'chai';
import {
  loadOpenTelemetry,
  tracedApi,
  untraced,
} from '../../../runtime/src/observability/trace.ts';
import { Cluster } from '../../../sandbox/src/index.ts';

/** The part of `@opentelemetry/api` that the runtime uses, with or without an SDK. */
function fake(traceId: string): { api: object; spans: string[] } {
  const spans: string[] = [];
  const span = (name: string, attributes: object = {}) => ({
    spanContext: () => ({ traceId }),
    setAttributes: (more: object) => Object.assign(attributes, more),
    setStatus: ({ message }: { message: string }) => void spans.push(`${name} failed: ${message}`),
    recordException: () => undefined,
    end: () => void spans.push(`${name} ${JSON.stringify(attributes)}`),
  });
  const tracer = {
    startSpan: (name: string) => span(name),
    startActiveSpan: (
      name: string,
      options: { attributes: object },
      run: (made: ReturnType<typeof span>) => unknown,
    ) => run(span(name, { ...options.attributes })),
  };
  return { api: { trace: { getTracer: () => tracer }, SpanStatusCode: { ERROR: 2 } }, spans };
}

describe('spans', () => {
  it('are not made without the OpenTelemetry package or without an SDK', async () => {
    expect(
      (await loadOpenTelemetry(() => Promise.reject(new Error('Cannot find package')))).trace,
    ).to.equal(untraced);
    expect(
      (await loadOpenTelemetry(() => Promise.resolve(fake('0'.repeat(32)).api))).trace,
    ).to.equal(untraced);
  });

  // @promise endpoints/logs-and-traces
  it('wrap a function, record its end, and pass on its result or error', async () => {
    const { api, spans } = fake('a1');
    const { trace } = await loadOpenTelemetry(() => Promise.resolve(api));
    expect(
      await trace('reconcile', { phase: 'A' }, async (span) => (span.set({ outcome: 'done' }), 7)),
    ).to.equal(7);
    const error = await trace('reconcile', {}, () => Promise.reject(new Error('broken'))).catch(
      (failure: Error) => failure.message,
    );
    expect(error).to.equal('broken');
    expect(spans).to.deep.equal([
      'autopilot.start {}',
      'reconcile {"phase":"A","outcome":"done"}',
      'reconcile failed: broken',
      'reconcile {}',
    ]);
  });

  it('are made for each request, and for none without tracing', async () => {
    const cluster = new Cluster();
    expect(tracedApi(cluster.api, untraced)).to.equal(cluster.api);
    const { api, spans } = fake('a1');
    const door = tracedApi(
      cluster.api,
      (await loadOpenTelemetry(() => Promise.resolve(api))).trace,
    );
    const object = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
    };
    await door.create(cluster.typeOf(object), object);
    await door.list(cluster.typeOf(object));
    expect(spans.slice(1)).to.deep.equal([
      'create configmaps {"k8s.resource":"configmaps","k8s.namespace.name":"default","k8s.object.name":"a"}',
    ]);
  });
});
