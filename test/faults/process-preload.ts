/**
 * Loaded into an operator's process before it starts: a clock that is wrong, and its memory on
 * SIGUSR2, after garbage collection.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const skew = Number(process.env['AUTOPILOT_SKEW_MS'] ?? 0);
if (skew !== 0) {
  const Right = Date;
  globalThis.Date = new Proxy(Right, {
    construct: (target, args: unknown[]) =>
      args.length === 0 ? new target(target.now() + skew) : new target(args[0] as number),
    get: (target, name) =>
      name === 'now' ? () => target.now() + skew : (Reflect.get(target, name) as unknown),
  });
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
process.on('SIGUSR2', () => {
  collect();
  collect();
  const status = readFileSync('/proc/self/status', 'utf8');
  const mb = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 2 ** 10;
  const memory = {
    heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    ownMb: mb('RssAnon'),
    rssMb: mb('VmRSS'),
    peakMb: mb('VmHWM'),
  };
  process.stdout.write(`${JSON.stringify({ message: 'memory', ...memory })}\n`);
});
