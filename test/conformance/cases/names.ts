import { expect } from 'chai';
import type { KubeObject, ResourceType } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  failure,
  VOYAGES,
  NAMESPACES,
  SERVICES,
} from '../test-cluster.ts';
import type { Case } from './case.ts';

const ROLES: ResourceType = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
};
const long = 'x'.repeat(254);

/** What is wrong with an object of a kind, in the words of the server. */
function refuses(
  what: string,
  type: ResourceType,
  object: (world: TestCluster) => KubeObject,
  words: string,
): Case {
  return {
    name: `refuses ${what}: 422`,
    async run(world) {
      const { code, message } = await failure(world.create(type, object(world)));
      expect([code, message.includes(words) ? words : message]).to.deep.equal([422, words]);
    },
  };
}

export const nameCases: readonly Case[] = [
  refuses(
    'a name with capitals',
    VOYAGES,
    (world) => world.voyage('Voyage'),
    'metadata.name: Invalid value: "Voyage": a lowercase RFC 1123 subdomain',
  ),
  refuses(
    'a name with an underscore',
    CONFIG_MAPS,
    (world) => world.object(CONFIG_MAPS, 'a_b', {}),
    'metadata.name: Invalid value: "a_b": a lowercase RFC 1123 subdomain',
  ),
  refuses(
    'a name of more than 253 characters',
    VOYAGES,
    (world) => world.voyage(long),
    'metadata.name: Invalid value: "xxx',
  ),
  refuses(
    'a name of a Service with a dot',
    SERVICES,
    (world) => world.object(SERVICES, 'a.b', { spec: { ports: [{ port: 80 }] } }),
    'metadata.name: Invalid value: "a.b": must not contain dots',
  ),
  refuses(
    'a name of a namespace with a dot',
    NAMESPACES,
    () => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a.b' } }),
    'metadata.name: Invalid value: "a.b": must not contain dots',
  ),
  refuses(
    'a label with a bad key',
    VOYAGES,
    (world) => world.voyage('a', {}, { labels: { 'a b': 'c' } }),
    'metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters',
  ),
  refuses(
    'a label with a bad value',
    VOYAGES,
    (world) => world.voyage('a', {}, { labels: { a: 'b c' } }),
    'metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters',
  ),
  refuses(
    'a label value of more than 63 characters',
    CONFIG_MAPS,
    (world) => world.object(CONFIG_MAPS, 'a', {}, { labels: { a: 'b'.repeat(64) } }),
    'must be no more than 63 bytes',
  ),
  refuses(
    'a bad key of an annotation',
    VOYAGES,
    (world) => world.voyage('a', {}, { annotations: { 'a/b/c': 'd' } }),
    'metadata.annotations: Invalid value: "a/b/c": a valid label key must consist of',
  ),
  refuses(
    'annotations of more than 256 KiB',
    VOYAGES,
    (world) => world.voyage('a', {}, { annotations: { a: 'x'.repeat(262_145) } }),
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ),
  refuses(
    'a finalizer without a domain',
    VOYAGES,
    (world) => world.voyage('a', {}, { finalizers: ['not a name'] }),
    'metadata.finalizers: Invalid value: "not a name"',
  ),
  {
    name: 'takes any text in annotations, and dots in names',
    async run(world) {
      const annotations = { 'autopilot.test/note': 'grüße → 🛫\n"quoted"', '': undefined };
      const { metadata } = await world.create(
        VOYAGES,
        world.voyage('a.b', {}, { annotations: JSON.parse(JSON.stringify(annotations)) as object }),
      );
      expect(metadata.annotations?.['autopilot.test/note']).to.equal('grüße → 🛫\n"quoted"');
    },
  },
  {
    name: 'refuses to create a resource whose namespace is another than that of the request: 400',
    async run(world) {
      const object = world.object(CONFIG_MAPS, 'a', {});
      const call = world.api.create(
        { ...CONFIG_MAPS, namespaced: true },
        { ...object, kind: 'Secret' },
      );
      expect((await failure(call)).code).to.equal(400);
    },
  },
  {
    name: 'refuses an object of another version than that of the request: 400',
    async run(world) {
      const call = world.api.create(
        DEPLOYMENTS,
        world.object({ ...DEPLOYMENTS, version: 'v2' }, 'a', { spec: {} }),
      );
      expect((await failure(call)).code).to.equal(400);
    },
  },
  {
    name: 'makes names of generateName that differ, and keeps the stem',
    async run(world) {
      const make = async (): Promise<string> => {
        const { name: _, ...metadata } = world.voyage('x').metadata;
        return (
          await world.create(VOYAGES, {
            ...world.voyage('x'),
            metadata: { ...metadata, generateName: 'run-' } as never,
          })
        ).metadata.name;
      };
      const [one, two] = [await make(), await make()];
      expect(one).not.to.equal(two);
      expect(
        ((await world.get(VOYAGES, one)).metadata as { generateName?: string }).generateName,
      ).to.equal('run-');
    },
  },
  {
    name: 'refuses an object without name and generateName: 422',
    async run(world) {
      const { name: _, ...metadata } = world.voyage('x').metadata;
      const { code, message } = await failure(
        world.create(VOYAGES, { ...world.voyage('x'), metadata: metadata as never }),
      );
      expect(code).to.equal(422);
      expect(message).to.contain('metadata.name: Required value: name or generateName is required');
    },
  },
  {
    name: 'takes the name when both name and generateName are there',
    async run(world) {
      const { metadata } = await world.create(
        VOYAGES,
        world.voyage('a', {}, { generateName: 'run-' }),
      );
      expect(metadata.name).to.equal('a');
    },
  },
  {
    name: 'drops the namespace of an object of a kind without namespaces, however it is written',
    async run(world) {
      const made = (stem: string, labels: object = {}): KubeObject =>
        world.object(NAMESPACES, `${world.namespace}-${stem}`, {}, {
          namespace: 'default',
          labels,
        } as never);
      const key = { name: made('a').metadata.name };
      await world.create(NAMESPACES, made('a'));
      await world.apply(NAMESPACES, made('b'), 'one');
      expect(
        (await world.apply(NAMESPACES, made('a', { by: 'apply' }), 'one')).metadata.namespace,
      ).to.equal(undefined);
      await world.api.patch(
        NAMESPACES,
        key,
        { type: 'merge', body: made('a', { by: 'merge' }) },
        {},
      );
      await world.api.patch(
        NAMESPACES,
        key,
        { type: 'json', body: [{ op: 'add', path: '/metadata/namespace', value: 'default' }] },
        {},
      );
      const { metadata, ...rest } = await world.api.get(NAMESPACES, key);
      await world.api.replace(NAMESPACES, {
        ...rest,
        metadata: { ...metadata, namespace: 'default', labels: { by: 'replace' } },
      });
      const found = await world.api.get(NAMESPACES, { ...key, namespace: 'default' });
      expect(found.metadata)
        .to.include({ uid: metadata.uid, name: key.name })
        .and.to.not.have.property('namespace');
      expect(found.metadata.labels).to.include({ by: 'replace' });
      expect(
        (await world.api.get(NAMESPACES, { name: made('b').metadata.name })).metadata,
      ).to.not.have.property('namespace');
    },
  },
  refuses(
    'a label key whose domain has more than 253 characters',
    CONFIG_MAPS,
    (world) => world.object(CONFIG_MAPS, 'a', {}, { labels: { [`${long}/a`]: 'b' } }),
    'prefix part must be no more than 253 bytes',
  ),
  {
    name: 'takes a Role whose name has more than 253 characters',
    async run(world) {
      const role = world.object(ROLES, 'x'.repeat(254), { rules: [] });
      expect((await world.create(ROLES, role)).metadata.name).to.have.length(254);
    },
  },
];
