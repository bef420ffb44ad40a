import { expect } from 'chai';
import type { Log } from '../../../runtime/src/worker.ts';
import { logged } from '../../../runtime/src/observe/event.ts';

describe('the log of what happens to resources', () => {
  const said: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void =>
      void said.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const resource = { namespace: 'apps', name: 'example' };
  beforeEach(() => void said.splice(0));

  it('says each transition at info, so that a machine can be followed', () => {
    logged(log)({ type: 'transition', resource, from: 'Syncing', to: 'Ready' });
    expect(said).to.deep.equal([
      'info transition {"resource":"apps/example","from":"Syncing","to":"Ready"}',
    ]);
  });

  it('says each object that was written at debug, and a loop as a warning', () => {
    logged(log)({
      type: 'output',
      resource,
      action: 'created',
      kind: 'Service',
      object: { namespace: 'apps', name: 'one' },
    });
    logged(log)({ type: 'looping', resource, phase: 'Syncing' });
    expect(said).to.deep.equal([
      'debug created {"resource":"apps/example","kind":"Service","object":"apps/one"}',
      'warn looping {"resource":"apps/example","phase":"Syncing"}',
    ]);
  });
});
