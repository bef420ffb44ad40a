/**
 * An operator with spans as docs/operations.md turns them on. They are exported when it stops, and
 * not before.
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
