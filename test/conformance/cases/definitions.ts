import { expect } from 'chai';
import type { KubeObject, ResourceType } from '../../../runtime/src/internal.ts';
import type { TestCluster } from '../test-cluster.ts';
import { CRDS, eventually, failure } from '../test-cluster.ts';
import type { Case } from './case.ts';

const text = { type: 'string' };
const colour = { type: 'object', properties: { colour: text } };
const columns = [{ name: 'Colour', type: 'string', jsonPath: '.spec.colour' }];

interface Definition extends KubeObject {
  readonly spec: {
    readonly names: { readonly listKind: string; readonly singular: string };
    readonly versions: readonly { readonly schema: object }[];
  };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly storedVersions: readonly string[];
  };
}

function nameOf({ plural, group }: ResourceType): string {
  return `${plural}.${group}`;
}

/** Merges into the definition of a kind. */
async function change(world: TestCluster, type: ResourceType, body: object): Promise<KubeObject> {
  return world.api.patch(CRDS, { name: nameOf(type) }, { type: 'merge', body });
}

/** A definition that is refused, with the words of the server. */
function refuses(what: string, made: (world: TestCluster) => KubeObject, words: string): Case {
  return {
    name: `refuses ${what}: 422`,
    async run(world) {
      const { code, message } = await failure(world.api.create(CRDS, made(world)));
      expect([code, message.includes(words) ? words : message]).to.deep.equal([422, words]);
    },
  };
}

export const definitionCases: readonly Case[] = [
  {
    name: 'is established, with its stored versions and the names that were left out',
    async run(world) {
      const type = await world.define('Kite', colour);
      const found = (await world.api.get(CRDS, { name: nameOf(type) })) as Definition;
      expect(found.status.conditions?.map((one) => `${one.type} ${one.status}`)).to.have.members([
        'NamesAccepted True',
        'Established True',
      ]);
      expect(found.status.storedVersions).to.deep.equal(['v1']);
      expect([found.spec.names.listKind, found.spec.names.singular]).to.deep.equal([
        'KiteList',
        'kite',
      ]);
    },
  },
  {
    name: 'is told what is established by a watch',
    async run(world) {
      const { resourceVersion } = await world.api.list(CRDS);
      const type = await world.define('Kite', colour);
      const fieldSelector = `metadata.name=${nameOf(type)}`;
      for await (const event of world.api.watch(CRDS, { resourceVersion, fieldSelector })) {
        if (event.type === 'BOOKMARK') {
          continue;
        }
        const { status } = event.object as Definition;
        if (status.conditions?.some((one) => one.type === 'Established' && one.status === 'True')) {
          break;
        }
      }
    },
  },
  {
    name: 'serves a field from the moment that the schema has it, and keeps what is stored',
    async run(world) {
      const type = await world.define('Kite', colour);
      await world.create(type, world.object(type, 'a', { spec: { colour: 'red' } }));
      expect((await failure(world.merge(type, 'a', { spec: { size: 's' } }))).message).to.contain(
        'unknown field "spec.size"',
      );
      const spec = { type: 'object', properties: { colour: text, size: text } };
      await change(world, type, {
        spec: (world.definition('Kite', spec) as unknown as { spec: object }).spec,
      });
      await eventually(() => world.merge(type, 'a', { spec: { size: 's' } }));
      expect((await world.get(type, 'a')).spec).to.deep.equal({ colour: 'red', size: 's' });
    },
  },
  {
    name: 'hides a field that the schema no longer has: it is pruned when it is read',
    async run(world) {
      const type = await world.define('Kite', {
        type: 'object',
        properties: { colour: text, size: text },
      });
      await world.create(type, world.object(type, 'a', { spec: { colour: 'red', size: 's' } }));
      await change(world, type, {
        spec: (world.definition('Kite', colour) as unknown as { spec: object }).spec,
      });
      await eventually(async () =>
        expect((await world.get(type, 'a')).spec).to.deep.equal({ colour: 'red' }),
      );
    },
  },
  {
    name: 'fills a new default in when an object is read that was stored before',
    async run(world) {
      const type = await world.define('Kite', colour);
      await world.create(type, world.object(type, 'a', { spec: {} }));
      const spec = { type: 'object', properties: { colour: { ...text, default: 'blue' } } };
      await change(world, type, {
        spec: (world.definition('Kite', spec) as unknown as { spec: object }).spec,
      });
      await eventually(async () =>
        expect((await world.get(type, 'a')).spec).to.deep.equal({ colour: 'blue' }),
      );
    },
  },
  {
    name: 'keeps objects that a stricter schema would refuse; a change of what is wrong is refused, of other things not',
    async run(world) {
      const type = await world.define('Kite', {
        type: 'object',
        properties: { colour: text, size: text },
      });
      await world.create(type, world.object(type, 'a', { spec: { colour: 'red' } }));
      const spec = {
        type: 'object',
        properties: { colour: { ...text, enum: ['blue', 'green'] }, size: text },
      };
      await change(world, type, {
        spec: (world.definition('Kite', spec) as unknown as { spec: object }).spec,
      });
      await eventually(async () =>
        expect(
          (
            await failure(
              world.create(type, world.object(type, 'b', { spec: { colour: 'red' } }), 'x'),
            )
          ).code,
        ).to.equal(422),
      );
      expect((await world.get(type, 'a')).spec).to.deep.equal({ colour: 'red' });
      expect((await world.merge(type, 'a', { spec: { size: 's' } })).spec).to.deep.equal({
        colour: 'red',
        size: 's',
      });
      expect((await failure(world.merge(type, 'a', { spec: { colour: 'pink' } }))).code).to.equal(
        422,
      );
    },
  },
  {
    name: 'takes its objects with it when it is deleted; made again it begins empty',
    async run(world) {
      const type = await world.define('Kite', colour);
      await world.create(type, world.object(type, 'a', { spec: { colour: 'red' } }));
      await world.api.delete(CRDS, { name: nameOf(type) });
      await eventually(async () =>
        expect((await failure(world.get(type, 'a'))).message).to.contain('404 page not found'),
      );
      await eventually(async () =>
        expect((await failure(world.api.get(CRDS, { name: nameOf(type) }))).code).to.equal(404),
      );
      await world.define('Kite', colour);
      expect((await world.api.list(type)).items).to.deep.equal([]);
    },
  },
  {
    name: 'waits for objects with finalizers when it is deleted',
    async run(world) {
      const type = await world.define('Kite', colour);
      await world.create(
        type,
        world.object(type, 'a', { spec: {} }, { finalizers: ['autopilot.test/hold'] }),
      );
      await world.api.delete(CRDS, { name: nameOf(type) });
      await eventually(async () =>
        expect((await world.get(type, 'a')).metadata.deletionTimestamp).not.to.equal(undefined),
      );
      expect((await world.api.get(CRDS, { name: nameOf(type) })).metadata.finalizers).to.deep.equal(
        ['customresourcecleanup.apiextensions.k8s.io'],
      );
      await world.merge(type, 'a', { metadata: { finalizers: null } });
      await eventually(async () =>
        expect((await failure(world.api.get(CRDS, { name: nameOf(type) }))).code).to.equal(404),
      );
    },
  },
  {
    name: 'serves several versions of one kind: an object has the version that was asked for',
    async run(world) {
      const { definition } = {
        definition: world.definition('Kite', colour) as unknown as { spec: { versions: object[] } },
      };
      const [first] = definition.spec.versions;
      const versions = [first, { ...first, name: 'v2', storage: false }];
      const type = world.typeOf('Kite');
      await world.api.create(CRDS, {
        ...(definition as unknown as KubeObject),
        spec: { ...definition.spec, versions },
      } as KubeObject);
      const second = { ...type, version: 'v2' };
      await world.served(second);
      await world.create(type, world.object(type, 'a', { spec: { colour: 'red' } }));
      const seen = await world.get(second, 'a');
      expect([seen.apiVersion, seen.spec]).to.deep.equal([`${type.group}/v2`, { colour: 'red' }]);
    },
  },
  {
    name: 'remembers each version that was stored, and refuses to lose one until it is taken off',
    async run(world) {
      const type = await world.define('Kite', colour);
      const { spec } = (await world.api.get(CRDS, { name: nameOf(type) })) as Definition;
      const [first] = spec.versions;
      const second = { ...first, name: 'v2', storage: true };
      await change(world, type, {
        spec: { versions: [second, { ...first, storage: false }] },
      });
      const storedVersions = async (): Promise<readonly string[]> =>
        ((await world.api.get(CRDS, { name: nameOf(type) })) as Definition).status.storedVersions;
      expect(await storedVersions()).to.deep.equal(['v1', 'v2']);
      const { code, message } = await failure(
        change(world, type, { spec: { versions: [second] } }),
      );
      expect(code).to.equal(422);
      expect(message).to.contain(
        'status.storedVersions[0]: Invalid value: "v1": missing from spec.versions',
      );
      await world.api.patch(
        CRDS,
        { name: nameOf(type) },
        { type: 'merge', body: { status: { storedVersions: ['v2'] } } },
        { subresource: 'status' },
      );
      await change(world, type, { spec: { versions: [second] } });
      expect(await storedVersions()).to.deep.equal(['v2']);
    },
  },
  {
    name: 'has kinds without namespaces',
    async run(world) {
      const type = await world.define('Sky', colour, { scope: 'Cluster' });
      const made = await world.api.create(type, {
        apiVersion: `${type.group}/v1`,
        kind: 'Sky',
        metadata: { name: 'a' },
        spec: { colour: 'blue' },
      } as KubeObject);
      expect(made.metadata.namespace).to.equal(undefined);
      expect((await world.api.list(type)).items).to.have.length(1);
    },
  },
  {
    name: 'counts generation when its spec changes',
    async run(world) {
      const type = await world.define('Kite', colour);
      const [version] = ((await world.api.get(CRDS, { name: nameOf(type) })) as Definition).spec
        .versions;
      const changed = await change(world, type, {
        spec: { versions: [{ ...version, additionalPrinterColumns: columns }] },
      });
      expect(changed.metadata.generation).to.equal(2);
    },
  },
  refuses(
    'a name that is not plural.group',
    (world) => {
      const made = world.definition('Kite', colour);
      return { ...made, metadata: { name: 'kite.example' } };
    },
    'metadata.name: Invalid value: "kite.example": must be spec.names.plural+"."+spec.group',
  ),
  refuses(
    'a version without a schema',
    (world) => world.definition('Kite', colour, { version: { schema: undefined } }),
    'spec.versions[0].schema.openAPIV3Schema: Required value',
  ),
  refuses(
    'no stored version',
    (world) => world.definition('Kite', colour, { version: { storage: false } }),
    'spec.versions: Invalid value:',
  ),
  refuses(
    'a field without a type',
    (world) => world.definition('Kite', { type: 'object', properties: { colour: {} } }),
    'properties[colour].type: Required value: must not be empty for specified object fields',
  ),
  refuses(
    'a default that its own schema refuses',
    (world) =>
      world.definition('Kite', { type: 'object', properties: { colour: { ...text, default: 3 } } }),
    'properties[colour].default: Invalid value: "integer"',
  ),
  refuses(
    'a list by keys that its items do not require',
    (world) =>
      world.definition('Kite', {
        type: 'object',
        properties: {
          l: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: { type: 'object', properties: { name: text } },
          },
        },
      }),
    'items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
  ),
];
