import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { expect } from 'chai';
import { loadOpenTelemetry, untraced } from '../../../runtime/src/observability/trace.ts';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import { refusal } from '../../integration/fault-injector.ts';
import type { TestOperator } from '../../integration/test-operators.ts';
import {
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  service,
} from '../../integration/test-operators.ts';
import { OperatorHarness } from '../operator-harness.ts';

describe('spans, with the OpenTelemetry SDK', () => {
  const exporter = new InMemorySpanExporter();
  let harness: OperatorHarness;

  before(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
    );
  });
  after(() => {
    trace.disable();
    context.disable();
  });
  beforeEach(async () => void (harness = await OperatorHarness.create()));
  afterEach(async () => {
    await harness.stop();
    exporter.reset();
  });

  /** Reconciles these resources and returns the spans that have ended. */
  async function spans(
    { scheduler }: TestOperator,
    ...names: readonly string[]
  ): Promise<readonly ReadableSpan[]> {
    const tracing = await loadOpenTelemetry();
    expect(tracing.trace).to.not.equal(untraced);
    exporter.reset();
    await harness.createObjects(...names.map((name) => drone(name)));
    await harness.start(scheduler, { trace: tracing.trace });
    return exporter.getFinishedSpans();
  }
  const working = (sync: (name: string) => Promise<void> | void): TestOperator =>
    defineTestOperator({
      A: {
        outputs: [output.services],
        sync: async ({ resource: { metadata } }) => {
          await sync(metadata.name);
          return { next: 'B', outputs: { services: [service(metadata.name)] } };
        },
      },
      B: {},
    });
  const parentOf = (span: ReadableSpan, all: readonly ReadableSpan[]): ReadableSpan | undefined =>
    all.find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId);
  const syncOf = (all: readonly ReadableSpan[], resource: string): ReadableSpan =>
    all.find(
      ({ name, attributes }) =>
        name === 'reconcile' &&
        attributes['autopilot.resource'] === `default/${resource}` &&
        attributes['autopilot.phase'] === 'A',
    )!;

  // @promise endpoints/logs-and-traces
  it('are made for each reconcile, with a child for each of its requests and with attributes', async () => {
    const all = await spans(
      working(() => undefined),
      'one',
    );
    const told = all.map((span) => [
      span.name,
      parentOf(span, all)?.name,
      span.attributes,
      span.status.code,
    ]);
    const object = (plural: string): object => ({
      'k8s.resource': plural,
      'k8s.namespace.name': 'default',
      'k8s.object.name': 'one',
    });
    const about = (phase: string, outcome: string): object => ({
      'autopilot.resource': 'default/one',
      'autopilot.phase': phase,
      'autopilot.outcome': outcome,
    });
    expect(told).to.deep.equal([
      ['apply services', 'reconcile', object('services'), SpanStatusCode.UNSET],
      ['patch drones', 'reconcile', object('drones'), SpanStatusCode.UNSET],
      ['reconcile', undefined, about('A', 'again'), SpanStatusCode.UNSET],
      ['reconcile', undefined, about('B', 'done'), SpanStatusCode.UNSET],
    ]);
    expect(all[0]?.instrumentationScope.name).to.equal('autopilot-runtime');
  });

  // @promise endpoints/logs-and-traces
  it('hold across awaits: the span of a worker is a child of its own reconcile, while another reconcile runs', async () => {
    let arrived = 0;
    const both = Promise.withResolvers<void>();
    const all = await spans(
      working(async (name) => {
        if (++arrived === 2) {
          both.resolve();
        }
        await both.promise;
        await trace.getTracer('mine').startActiveSpan(`of ${name}`, async (span) => {
          await Promise.resolve();
          span.end();
        });
      }),
      'one',
      'two',
    );
    for (const name of ['one', 'two']) {
      const own = all.filter((span) => parentOf(span, all) === syncOf(all, name));
      expect(own.map((span) => span.name)).to.deep.equal([
        `of ${name}`,
        'apply services',
        'patch drones',
      ]);
      expect(own.slice(1).map(({ attributes }) => attributes['k8s.object.name'])).to.deep.equal([
        name,
        name,
      ]);
    }
  });

  // @promise endpoints/logs-and-traces
  it('of a reconcile are roots, also when the write of another reconcile has enqueued the resource', async () => {
    await spans(
      defineTestOperator({
        A: {
          inputs: [input.configmaps],
          outputs: [output.configmaps],
          sync: ({ resource: { metadata }, inputs }) => {
            const found = inputs['configmaps']?.list().length;
            return {
              next: 'A',
              ...(metadata.name === 'writer' &&
                found === 0 && {
                  outputs: { configmaps: [configMap('a', { x: 'y' }) as KubeObject] },
                }),
            };
          },
        },
      }),
      'reader',
    );
    await harness.createObjects(drone('writer'));
    await harness.advance(0);
    const syncs = exporter.getFinishedSpans().filter(({ name }) => name === 'reconcile');
    expect(syncs.map(({ attributes }) => attributes['autopilot.resource'])).to.have.members([
      'default/reader',
      'default/writer',
      'default/reader',
    ]);
    expect(syncs.map(({ parentSpanContext }) => parentSpanContext)).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    expect(new Set(syncs.map((span) => span.spanContext().traceId))).to.have.property('size', 3);
  });

  it('record why a worker failed; the reconcile is an error even if the next one succeeds', async () => {
    const all = await spans(
      working((name) => {
        if (name === 'bad') {
          throw new Error('no such luck');
        }
      }),
      'bad',
      'good',
    );
    expect(syncOf(all, 'bad').status).to.deep.equal({
      code: SpanStatusCode.ERROR,
      message: 'no such luck',
    });
    expect(syncOf(all, 'bad').attributes['autopilot.outcome']).to.equal('failed');
    expect(syncOf(all, 'good').status.code).to.equal(SpanStatusCode.UNSET);
  });

  it('of a refused request are errors with the exception, and so is the reconcile around it', async () => {
    harness.faults.fault = ({ verb, kind }) =>
      verb === 'apply' && kind === 'Service'
        ? { when: 'before', error: refusal(403, 'Forbidden') }
        : undefined;
    const all = await spans(
      working(() => undefined),
      'one',
    );
    const [apply] = all.filter(({ name }) => name === 'apply services');
    expect(apply?.status).to.deep.equal({
      code: SpanStatusCode.ERROR,
      message: 'refused with 403',
    });
    expect(
      apply?.events.map(({ name, attributes }) => [name, attributes?.['exception.message']]),
    ).to.deep.equal([['exception', 'refused with 403']]);
    expect(syncOf(all, 'one').status.code).to.equal(SpanStatusCode.ERROR);
    expect(syncOf(all, 'one').status.message).to.contain('refused with 403');
  });
});
