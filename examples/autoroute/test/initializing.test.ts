import { expect } from 'chai';
import type { Context } from '../src/generated/initializing.ts';
import { sync } from '../src/workers/initializing.ts';

describe('Initializing', () => {
  it('goes on to Syncing', async () => {
    expect(await sync({} as Context)).to.deep.equal({ next: 'Syncing' });
  });
});
