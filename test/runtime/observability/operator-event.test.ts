import { expect } from 'chai';
import type { Logger } from '../../../runtime/src/api/worker.ts';
import { logEvents } from '../../../runtime/src/observability/operator-event.ts';

describe('logEvents', () => {
  const said: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void =>
      void said.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
  const resource = { namespace: 'apps', name: 'example' };
  beforeEach(() => void said.splice(0));

  it('logs each transition at info', () => {
    logEvents(log)({ type: 'transition', resource, from: 'Syncing', to: 'Ready' });
    expect(said).to.deep.equal([
      'info transition {"resource":"apps/example","from":"Syncing","to":"Ready"}',
    ]);
  });

  it('logs each written object at debug, and a loop as a warning', () => {
    logEvents(log)({
      type: 'output',
      resource,
      action: 'created',
      kind: 'Service',
      object: { namespace: 'apps', name: 'one' },
    });
    logEvents(log)({ type: 'looping', resource, phase: 'Syncing' });
    expect(said).to.deep.equal([
      'debug created {"resource":"apps/example","kind":"Service","object":"apps/one"}',
      'warn looping {"resource":"apps/example","phase":"Syncing"}',
    ]);
  });
});
