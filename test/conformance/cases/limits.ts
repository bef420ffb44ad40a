/** What the API server refuses or drops because of its size or because JSON cannot say it. */
import { expect } from 'chai';
import type { ResourceType } from '../../../runtime/src/internal.ts';
import { CONFIG_MAPS, DEPLOYMENTS, failure, SERVICES, VOYAGES } from '../test-cluster.ts';
import type { Case } from './case.ts';

const LONG = 'a'.repeat(64);
const MEBIBYTE = 1024 * 1024;
const TOO_LONG = 'must be no more than 63 bytes';
const NETWORK_POLICIES: ResourceType = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
const CRON_JOBS: ResourceType = {
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  namespaced: true,
};
const containers = [{ name: 'web', image: 'a:1' }];

interface Refusal {
  readonly type: ResourceType;
  readonly body: object;
  /** The fields that the message names. */
  readonly fields: readonly string[];
}

/** Labels and selectors inside of a spec, which name Pods. */
const LABELS_IN_SPECS: Readonly<Record<string, Refusal>> = {
  'the Pod template of a Deployment': {
    type: DEPLOYMENTS,
    body: {
      spec: {
        selector: { matchLabels: { app: 'a' } },
        template: { metadata: { labels: { app: 'a', other: LONG } }, spec: { containers } },
      },
    },
    fields: ['spec.template.labels'],
  },
  'the selector of a Deployment': {
    type: DEPLOYMENTS,
    body: {
      spec: {
        selector: { matchLabels: { app: LONG } },
        template: { metadata: { labels: { app: LONG } }, spec: { containers } },
      },
    },
    fields: ['spec.selector.matchLabels'],
  },
  'the Pod template of a CronJob': {
    type: CRON_JOBS,
    body: {
      spec: {
        schedule: '@daily',
        jobTemplate: {
          spec: {
            template: {
              metadata: { labels: { app: LONG } },
              spec: { containers, restartPolicy: 'Never' },
            },
          },
        },
      },
    },
    fields: ['spec.jobTemplate.spec.template.labels'],
  },
  'the selector of a NetworkPolicy': {
    type: NETWORK_POLICIES,
    body: { spec: { podSelector: { matchLabels: { app: LONG } } } },
    fields: ['spec.podSelector.matchLabels'],
  },
  'the selector of a Service': {
    type: SERVICES,
    body: { spec: { selector: { app: LONG }, ports: [{ port: 80 }] } },
    fields: ['spec.selector'],
  },
};

export const limitCases: readonly Case[] = [
  ...Object.entries(LABELS_IN_SPECS).map(([place, { type, body, fields }]): Case => ({
    name: `a label of 64 letters in ${place} is refused: 422`,
    async run(world) {
      const { code, message } = await failure(world.create(type, world.object(type, 'a', body)));
      expect(code).to.equal(422);
      for (const field of fields) {
        expect(message).to.contain(`${field}: Invalid value: "${LONG}": ${TOO_LONG}`);
      }
    },
  })),
  {
    name: 'a status of more than 1.5 MiB is refused, because etcd does not store it: 500',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a'));
      const write = (size: number): Promise<unknown> =>
        world.merge(
          VOYAGES,
          'a',
          { status: { phase: 'a'.repeat(size) } },
          { subresource: 'status' },
        );
      await write(1.4 * MEBIBYTE);
      expect(await failure(write(1.7 * MEBIBYTE))).to.deep.equal({
        code: 500,
        reason: '',
        message: 'etcdserver: request is too large',
      });
      const { code, message } = await failure(write(2 * MEBIBYTE));
      expect([code, message.replace(/\d+ vs/, 'N vs')]).to.deep.equal([
        500,
        'rpc error: code = ResourceExhausted desc = trying to send message larger than max (N vs. 2097152)',
      ]);
    },
  },
  {
    name: 'a request of more than 3 MiB is refused: 413',
    async run(world) {
      const large = world.voyage('a', { route: 'a'.repeat(3 * MEBIBYTE) });
      const refusal = {
        code: 413,
        reason: 'RequestEntityTooLarge',
        message: 'Request entity too large: limit is 3145728',
      };
      expect(await failure(world.create(VOYAGES, large))).to.deep.equal(refusal);
      expect(await failure(world.apply(VOYAGES, large, 'suite'))).to.deep.equal(refusal);
      await world.create(VOYAGES, world.voyage('a'));
      expect(
        await failure(world.merge(VOYAGES, 'a', { spec: large.spec as object })),
      ).to.deep.equal(refusal);
    },
  },
  {
    name: 'numbers that JSON cannot say are null: a merge patch with one removes the field',
    async run(world) {
      await world.create(VOYAGES, world.voyage('a', { seats: 3 }));
      const changed = await world.merge(VOYAGES, 'a', { spec: { seats: Infinity } });
      expect(changed.spec).not.to.have.property('seats');
      const created = await world.create(VOYAGES, world.voyage('b', { seats: NaN }));
      expect(created.spec).not.to.have.property('seats');
      const { code, message } = await failure(
        world.apply(VOYAGES, world.voyage('b', { seats: -Infinity }), 'suite'),
      );
      expect([code, message]).to.satisfy(
        ([found, said]: [number, string]) =>
          found === 422 && said.includes('spec.seats in body must be of type integer: "null"'),
        message,
      );
    },
  },
  {
    name: 'a member with the name __proto__ is kept',
    async run(world) {
      const data = JSON.parse('{"__proto__":"a"}') as object;
      await world.create(CONFIG_MAPS, world.object(CONFIG_MAPS, 'a', { data }));
      await world.merge(CONFIG_MAPS, 'a', { data: { b: 'b' } });
      const kept = (await world.get(CONFIG_MAPS, 'a')).data ?? {};
      expect(Object.entries(kept)).to.have.deep.members([
        ['__proto__', 'a'],
        ['b', 'b'],
      ]);
    },
  },
];
