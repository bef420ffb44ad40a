import { expect } from 'chai';
import { runInReconcile } from '../../../runtime/src/observability/reconcile-context.ts';
import { createJsonLogger } from '../../../runtime/src/observability/logger.ts';
import { VirtualClock } from '../../../sandbox/src/index.ts';

describe('log lines', () => {
  function logger(): {
    log: ReturnType<typeof createJsonLogger>;
    lines: Record<string, unknown>[];
  } {
    const lines: Record<string, unknown>[] = [];
    return {
      log: createJsonLogger(
        new VirtualClock(),
        'info',
        (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
      ),
      lines,
    };
  }

  it('are JSON with time, level and message', () => {
    const { log, lines } = logger();
    log.child({ operator: 'x' }).warn('careful', { n: 1 });
    log.debug('unheard');
    expect(lines).to.deep.equal([
      { time: '2026-01-01T00:00:00.000Z', level: 'warn', message: 'careful', operator: 'x', n: 1 },
    ]);
  });

  it('contain the message of an error, and never throw', () => {
    const { log, lines } = logger();
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    log.error('one', { error: new TypeError('it broke'), big: 2n ** 64n });
    log.error('two', { circle });
    expect(lines[0]).to.deep.include({
      message: 'one',
      error: 'it broke',
      big: '18446744073709551616',
    });
    expect(lines[1]).to.deep.include({ level: 'error', message: 'two' });
  });

  // @promise endpoints/logs-and-traces
  it('carry the resource, phase and number of their reconcile, across awaits and beside other reconciles', async () => {
    const { log, lines } = logger();
    const work = (resource: string, sync: string): Promise<void> =>
      runInReconcile({ resource, phase: 'A', reconcileId: sync }, async () => {
        await new Promise((resolve) => void setImmediate(resolve));
        log.info('at work');
      });
    await Promise.all([work('x/one', '1'), work('x/two', '2')]);
    log.info('outside');
    expect(lines.map(({ time: _, level: __, message: ___, ...rest }) => rest)).to.deep.equal([
      { resource: 'x/one', phase: 'A', reconcileId: '1' },
      { resource: 'x/two', phase: 'A', reconcileId: '2' },
      {},
    ]);
  });
});
