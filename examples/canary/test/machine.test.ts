import type { SandboxOptions } from 'autopilot-sandbox';
import { expect } from 'chai';
import { scheduler } from '../src/generated/scheduler.ts';
import type { Shop } from './shop.ts';
import { shop } from './shop.ts';

describe('the phases of CanaryDeployment', () => {
  let web: Shop;
  const ready = async (...spec: Parameters<typeof shop>): Promise<Shop> => {
    web = await shop(...spec);
    await web.sandbox.advance('1m');
    return web;
  };
  const evaluating = async (image: string, weight: number): Promise<void> => {
    await web.release(image);
    await web.sandbox.until(
      async () => (await web.phase()) === 'Evaluating' && (await web.status()).weight === weight,
    );
  };
  const phases = (): readonly string[] =>
    web.sandbox.events.flatMap((event) => (event.type === 'transition' ? [event.to] : []));
  const decided = (): Promise<void> =>
    web.sandbox.until(async () => ((await web.status()).history ?? []).length > 0, '1h');
  afterEach(async () => {
    await web.sandbox.stop();
    expect(web.lost).to.deep.equal([]);
  });

  it('replaces the Deployment with the primary and loses no request', async () => {
    web = await shop();
    expect(await web.phase()).to.equal('Waiting');
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
    expect(await web.replicas('web')).to.equal(3);
    await web.sandbox.advance('1m');
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
    expect([
      await web.replicas('web'),
      await web.replicas('web-primary'),
      await web.replicas('web-canary'),
    ]).to.deep.equal([0, 3, 0]);
  });

  it('does not own the user’s Deployment and Service', async () => {
    await ready();
    for (const kind of ['Deployment', 'Service']) {
      expect((await web.sandbox.get(kind, 'web'))?.metadata.ownerReferences).to.equal(undefined);
    }
  });

  it('promotes a version whose requests succeed, step by step', async () => {
    await ready();
    await web.release('web:2');
    const weights: number[] = [];
    await web.sandbox.until(async () => {
      const { weight } = await web.status();
      if (weight > 0 && weights.at(-1) !== weight) {
        weights.push(weight);
      }
      return (await web.status()).history?.[0]?.promoted === true;
    });
    expect(weights).to.deep.equal([10, 15, 20, 25, 30]);
    await web.sandbox.advance('1m');
    expect(await web.image('web-primary')).to.equal('web:2');
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
    expect(await web.replicas('web-canary')).to.equal(0);
    expect(phases()).to.deep.equal(['Waiting', 'Evaluating', 'Promoting', 'Waiting']);
  });

  it('makes no step before the end of an interval, whatever objects change meanwhile', async () => {
    await ready();
    await evaluating('web:2', 10);
    for (let second = 0; second < 5; second++) {
      await web.sandbox.advance('10s');
      await web.sandbox.patch('Deployment', 'web-canary', {
        metadata: { labels: { touched: `${second}` } },
      });
      await web.sandbox.patch('VirtualService', 'web', {
        metadata: { labels: { touched: `${second}` } },
      });
    }
    expect((await web.status()).weight).to.equal(10);
    await web.sandbox.advance('11s');
    expect((await web.status()).weight).to.equal(15);
  });

  it('rolls back a version that fails its requests, and does not try it again', async () => {
    await ready();
    await web.release('web:bad');
    await decided();
    expect((await web.status()).history[0]).to.deep.include({
      promoted: false,
      reason: 'success rate 50 % is less than spec.successThreshold 99 %',
    });
    await web.sandbox.advance('2h');
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
    expect([await web.image('web-primary'), await web.replicas('web-canary')]).to.deep.equal([
      'web:1',
      0,
    ]);
    expect(phases()).to.deep.equal(['Waiting', 'Evaluating', 'RollBack', 'Waiting']);
  });

  it('tries a failed version again after another version', async () => {
    await ready();
    await web.release('web:bad');
    await decided();
    await web.sandbox.advance('1m');
    await web.release('web:1');
    await web.sandbox.advance('1m');
    expect(await web.phase()).to.equal('Waiting');
    await web.release('web:bad');
    expect(await web.phase()).to.equal('Evaluating');
  });

  it('never promotes a canary without requests', async () => {
    await ready();
    web.clients.web = 0;
    await web.release('web:2');
    await web.sandbox.advance('23h');
    expect([await web.phase(), await web.image('web-primary')]).to.deep.equal([
      'Evaluating',
      'web:1',
    ]);
    await web.sandbox.advance('2h');
    expect((await web.status()).history[0]).to.deep.include({
      promoted: false,
      reason: 'the evaluation timed out',
    });
    expect(await web.image('web-primary')).to.equal('web:1');
  });

  it('does not count intervals without enough requests', async () => {
    await ready({ minRequests: 100 });
    web.clients.web = 1;
    await evaluating('web:2', 10);
    await web.sandbox.advance('30m');
    expect(await web.status()).to.deep.include({ weight: 10, passed: 0 });
    web.clients.web = 20;
    await web.sandbox.advance('1m');
    expect(await web.status()).to.deep.include({ weight: 15, passed: 1 });
  });

  it('sends no request to Pods that never become ready', async () => {
    await ready();
    await web.release('web:never');
    await decided();
    expect((await web.status()).history[0]?.reason).to.equal(
      'the rollout of the canary failed: its Pods did not become ready',
    );
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
  });

  it('starts again without requests when a new version comes during the evaluation', async () => {
    await ready();
    await evaluating('web:2', 20);
    await web.release('web:3');
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
    await web.sandbox.until(
      async () => (await web.phase()) === 'Evaluating' && (await web.status()).weight === 10,
    );
    expect([await web.image('web-canary'), await web.image('web-primary')]).to.deep.equal([
      'web:3',
      'web:1',
    ]);
    expect((await web.status()).history.map(({ reason }) => reason)).to.deep.equal([
      'the Deployment changed during the evaluation',
    ]);
    await web.sandbox.until(async () => (await web.image('web-primary')) === 'web:3');
  });

  it('promotes the evaluated version, not a later one', async () => {
    await ready();
    await evaluating('web:2', 30);
    await web.sandbox.until(
      async () => (await web.phase()) === 'Evaluating' && (await web.status()).passed === 4,
    );
    await web.sandbox.until(() => phases().includes('Promoting'));
    await web.release('web:bad');
    await web.sandbox.advance('10s');
    expect(await web.image('web-primary')).to.equal('web:2');
  });

  it('continues the evaluation after a restart of the operator', async () => {
    await ready();
    await evaluating('web:2', 20);
    const { passed } = await web.status();
    for (let restarts = 0; restarts < 3; restarts++) {
      await web.sandbox.restart(scheduler);
    }
    expect(await web.status()).to.deep.include({ weight: 20, passed });
    await web.sandbox.until(async () => (await web.status()).history?.[0]?.promoted === true);
    expect(await web.image('web-primary')).to.equal('web:2');
  });

  it('restores a route that a user edits', async () => {
    await ready();
    await evaluating('web:2', 10);
    const route = [{ destination: { host: 'web-canary' }, weight: 100 }];
    await web.sandbox.patch('VirtualService', 'web', { spec: { http: [{ name: 'mine', route }] } });
    expect(await web.requests()).to.deep.equal({ 'web-primary': 90, 'web-canary': 10 });
  });

  it('restores a canary Deployment that a user edits', async () => {
    await ready();
    await evaluating('web:2', 10);
    await web.sandbox.patch('Deployment', 'web-canary', {
      spec: {
        replicas: 1,
        template: { spec: { containers: [{ name: 'web', image: 'web:mine' }] } },
      },
    });
    expect([await web.image('web-canary'), await web.replicas('web-canary')]).to.deep.equal([
      'web:2',
      3,
    ]);
  });

  it('creates the primary again when a user deletes it', async () => {
    await ready();
    await web.sandbox.delete('Deployment', 'web-primary');
    expect(await web.requests()).to.deep.equal({ 'web-primary': 100 });
    expect(await web.replicas('web-primary')).to.equal(3);
    expect(web.lost.splice(0)).to.not.deep.equal([]);
  });

  it('routes all requests to the primary when the Deployment or the canary is deleted', async () => {
    for (const gone of ['web', 'web-canary']) {
      await ready();
      await evaluating('web:2', 10);
      await web.sandbox.delete('Deployment', gone);
      expect(await web.requests(), gone).to.deep.equal({ 'web-primary': 100 });
      expect(web.lost.splice(0)[0]).to.equal(
        gone === 'web' ? undefined : '10 % after Deployment web-canary was deleted',
      );
      await web.sandbox.stop();
    }
  });

  it('restores everything when the resource is deleted during the evaluation, and loses no request', async () => {
    await ready();
    await evaluating('web:2', 20);
    await web.sandbox.delete('CanaryDeployment', 'web');
    expect(await web.sandbox.get('CanaryDeployment', 'web')).to.not.equal(undefined);
    expect(await web.requests()).to.deep.equal({ web: 50, 'web-primary': 50 });
    expect(await web.replicas('web')).to.equal(3);
    await web.sandbox.advance('1m');
    expect(await web.sandbox.get('CanaryDeployment', 'web')).to.equal(undefined);
    expect(await web.requests()).to.deep.equal({ web: 100 });
    expect(
      (await web.sandbox.list('Deployment')).map(({ metadata }) => metadata.name),
    ).to.deep.equal(['web']);
    expect(
      (await web.sandbox.list('VirtualService')).map(({ metadata }) => metadata.name),
    ).to.deep.equal([]);
    expect((await web.sandbox.list('Service')).map(({ metadata }) => metadata.name)).to.deep.equal([
      'web',
    ]);
  });

  it('waits for the drain time after the route is deleted, however late that is', async () => {
    await ready();
    await evaluating('web:2', 20);
    let broken = true;
    const refuse = (): Promise<never> => Promise.reject(new Error('no network'));
    const through: SandboxOptions['wrapApi'] = (api) => ({
      ...api,
      delete: (...request) => (broken ? refuse() : api.delete(...request)),
    });
    await web.sandbox.restart(scheduler, { wrapApi: through });
    await web.sandbox.delete('CanaryDeployment', 'web');
    await web.sandbox.advance('10m');
    expect(await web.sandbox.get('VirtualService', 'web')).to.not.equal(undefined);
    broken = false;
    await web.sandbox.until(
      async () => (await web.sandbox.get('VirtualService', 'web')) === undefined,
    );
    await web.sandbox.advance('29s');
    expect(await web.sandbox.get('Deployment', 'web-canary')).to.not.equal(undefined);
    await web.sandbox.advance('1s');
    expect(
      (await web.sandbox.list('Deployment')).map(({ metadata }) => metadata.name),
    ).to.deep.equal(['web']);
  });

  describe('with a route of a VirtualService of the mesh team', () => {
    const before = {
      spec: {
        hosts: ['web'],
        http: [
          { name: 'web', route: [{ destination: { host: 'web' } }], timeout: '2s' },
          { match: [{ uri: { prefix: '/x' } }], route: [{ destination: { host: 'x' } }] },
        ],
      },
    };
    const theirs = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'front' },
      ...before,
    };
    const theirSpec = async (): Promise<unknown> =>
      (await web.sandbox.get('VirtualService', 'front'))?.spec;
    beforeEach(() => ready({ virtualService: { name: 'front', route: 'web' } }, [theirs]));

    it('changes that route’s destinations and nothing else', async () => {
      await evaluating('web:2', 10);
      const route = [
        { destination: { host: 'web-primary' }, weight: 90 },
        { destination: { host: 'web-canary' }, weight: 10 },
      ];
      expect(await theirSpec()).to.deep.equal({
        ...before.spec,
        http: [{ ...before.spec.http[0], route }, before.spec.http[1]],
      });
      expect(await web.sandbox.get('VirtualService', 'web')).to.equal(undefined);
    });

    it('restores the route when a user edits it', async () => {
      await evaluating('web:2', 10);
      await web.sandbox.patch('VirtualService', 'front', before);
      expect(await web.requests()).to.deep.equal({ 'web-primary': 90, 'web-canary': 10 });
    });

    it('restores the route when the resource is deleted during the evaluation', async () => {
      await evaluating('web:2', 20);
      await web.sandbox.delete('CanaryDeployment', 'web');
      expect(await theirSpec()).to.deep.equal(before.spec);
      expect(await web.requests()).to.deep.equal({ web: 50, 'web-primary': 50 });
      await web.sandbox.advance('1m');
      expect(await web.requests()).to.deep.equal({ web: 100 });
    });
  });
});
