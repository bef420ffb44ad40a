/** A process whose worker blocks the event loop, after an await; its watchdog is impatient. */
import inspector from 'node:inspector';
import { systemClock } from '../../../../runtime/src/util/clock.ts';
import { runInReconcile } from '../../../../runtime/src/observability/reconcile-context.ts';
import { readBlockedReport, startWatchdog } from '../../../../runtime/src/operator/watchdog.ts';

const note = process.argv[2] ?? '';
startWatchdog({
  clock: systemClock,
  reportFile: note,
  lastReport: await readBlockedReport(note, Date.now()),
  blockedMs: 1_500,
});

async function idle(): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, 60_000));
}
async function evaluating(): Promise<void> {
  await new Promise((resolve) => void setTimeout(resolve, 100));
  /^(a+)+$/.test(`${'a'.repeat(60)}b`);
}
if (process.argv[3] === 'debugged') {
  inspector.open(0);
  setTimeout(() => {
    const end = Date.now() + 4_000;
    while (Date.now() < end) {}
    process.exit(0);
  }, 1_000);
  await new Promise(() => undefined);
}
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
/** Works in parts of 0.3 s of CPU time, with a heartbeat between two of them. */
if (process.argv[3] === 'slow') {
  for (let part = 0; part < 2; part++) {
    const end = cpuMs() + 300;
    while (cpuMs() < end) {}
    // Longer than the time between two heartbeats.
    await new Promise((resolve) => void setTimeout(resolve, 600));
  }
  process.exit(0);
}
/** Fills the pipe. */
if (process.argv[3] === 'full') {
  while (process.stdout.write(`${'x'.repeat(200)}\n`)) {}
}
void runInReconcile({ resource: 'x/idle', phase: 'Waiting', reconcileId: '1' }, idle);
void runInReconcile({ resource: 'x/one', phase: 'Evaluating', reconcileId: '2' }, evaluating);
