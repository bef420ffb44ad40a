/**
 * An operator with spans, configured as in docs/operations.md. The spans are exported only when the
 * operator stops.
 */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BatchSpanProcessor, ConsoleSpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { run } from '../../../runtime/src/index.ts';
import { defineTestOperator } from '../test-operators.ts';

const processor = new BatchSpanProcessor({
  exporter: new ConsoleSpanExporter(),
  scheduledDelayMillis: 3_600_000,
});
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [processor] }));

await run(defineTestOperator({ Working: { sync: () => ({ next: 'Done' }) }, Done: {} }).scheduler);
