import { expect } from 'chai';
import type { KubeObject, ResourceType } from '../../../../runtime/src/client/object.ts';
import type { DesiredObject } from '../../../../runtime/src/reconciler/outputs/desired-object.ts';
import { desiredObjectsOf } from '../../../../runtime/src/reconciler/outputs/desired-object.ts';
import { validateResult } from '../../../../runtime/src/reconciler/outputs/validate-result.ts';
import { containsFields } from '../../../../runtime/src/util/json.ts';
import type {
  OutputDefinition,
  PhaseDefinition,
  Scheduler,
} from '../../../../runtime/src/api/scheduler.ts';
import { workerDefinitionOf } from '../../../../runtime/src/api/scheduler.ts';

const services: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};
const output: OutputDefinition = { name: 'services', type: services, namespace: 'own' };
const phase: PhaseDefinition = {
  name: 'A',
  initial: true,
  next: ['B'],
  inputs: [],
  outputs: [output],
  worker: () => ({ next: 'A' }),
};
const scheduler: Scheduler = {
  operatorName: 'thing-operator',
  resource: { group: 't.io', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true },
  queries: [],
  phases: [
    phase,
    { name: 'B', final: true, inputs: [], outputs: [] },
    { name: 'C', final: true, inputs: [], outputs: [] },
  ],
};
const resource: KubeObject = {
  apiVersion: 't.io/v1',
  kind: 'Thing',
  metadata: { name: 'r', namespace: 'ns', uid: 'u-1' },
};

function desired(...objects: readonly object[]): readonly DesiredObject[] {
  const worker = workerDefinitionOf(phase);
  return desiredObjectsOf({ scheduler, resource }, worker, output, objects as never);
}
function desiredObjects(...objects: readonly object[]): readonly KubeObject[] {
  return desired(...objects).map(({ object }) => object);
}

describe('a worker result', () => {
  // @promise reconcile/frozen-context
  it('may go only to the phases that are declared', () => {
    expect(() => validateResult(scheduler, phase, { next: 'C' })).to.throw(
      "returned next: 'C'; allowed are A, B",
    );
    validateResult(scheduler, phase, { next: 'B' });
  });
  // @promise reconcile/frozen-context
  it('may have only outputs that are declared', () => {
    expect(() => validateResult(scheduler, phase, { next: 'A', outputs: { pods: [] } })).to.throw(
      'outputs.pods, which autopilot.yaml does not declare (declared: services)',
    );
  });
  it('may have only lists of objects', () => {
    expect(() =>
      validateResult(scheduler, phase, { next: 'A', outputs: { services: {} as never } }),
    ).to.throw('outputs.services, which is not a list of objects');
  });
  it('that is not a result is named', () => {
    expect(() => validateResult(scheduler, phase, undefined as never)).to.throw(
      "must return { next: '<phase>' }",
    );
  });
});

describe('an output', () => {
  it('gets the namespace, the labels and the owner', () => {
    const [made] = desiredObjects({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } });
    expect(made?.metadata.namespace).to.equal('ns');
    expect(made?.metadata.labels).to.deep.equal({
      'app.kubernetes.io/managed-by': 'thing-operator',
      't.io/owner-uid': 'u-1',
    });
    expect(made?.metadata.ownerReferences).to.deep.equal([
      { apiVersion: 't.io/v1', kind: 'Thing', name: 'r', uid: 'u-1', controller: true },
    ]);
    expect(made?.metadata.annotations).to.equal(undefined);
  });
  it('has the same hash whatever the order of its fields', () => {
    const hash = (spec: object): string | undefined =>
      desired({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec })[0]?.hash;
    expect(hash({ a: 1, b: 2 })).to.equal(hash({ b: 2, a: 1 }));
    expect(hash({ a: 1, b: 2 })).not.to.equal(hash({ a: 1, b: 3 }));
  });
  const wrong: readonly [string, object, string][] = [
    [
      'of another kind',
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 's' } },
      'has a Pod of v1; the declared kind is Service of v1',
    ],
    [
      'with an invalid name',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'S_1' } },
      'named "S_1"',
    ],
    ['without a name', { apiVersion: 'v1', kind: 'Service', metadata: {} }, 'named undefined'],
    [
      'in another namespace',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'other' } },
      'is in namespace other',
    ],
    [
      'with a namespace that can never exist',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace: 'Team_A' } },
      'outputs.services of phase A: Service s is in the namespace "Team_A"; names are lower-case letters, digits and inner \'-\', at most 63',
    ],
    [
      'with a label value that is too long',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 's', labels: { app: 'a'.repeat(64) } },
      },
      'has the label app with the value "aaaa',
    ],
    [
      'with a label value that is a number',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', labels: { app: 1 } } },
      'Service s has the label app with the value 1',
    ],
    [
      'with an illegal label key',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', labels: { 'a b': '' } } },
      'Service s has the label key "a b"',
    ],
    [
      'with an annotation that is no string',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', annotations: { a: true } } },
      'Service s has the annotation a with the value true; values are strings',
    ],
    [
      'returned as it was read',
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 's', uid: 'x', resourceVersion: '1' },
      },
      'returns Service s as it was read',
    ],
  ];
  for (const [what, object, message] of wrong) {
    // @promise reconcile/refused-results
    it(`${what} is refused before anything is written`, () =>
      expect(() => desiredObjects(object)).to.throw(message));
  }
  it('returned twice is refused', () => {
    const one = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } };
    expect(() => desiredObjects(one, one)).to.throw('has ns/s twice');
  });
});

describe('the comparison with the live object', () => {
  it('ignores fields that only the live object has, also in list items', () => {
    expect(
      containsFields(
        { spec: { ports: [{ port: 80, protocol: 'TCP' }], clusterIP: '10.0.0.1' } },
        { spec: { ports: [{ port: 80 }] } },
      ),
    ).to.equal(true);
  });
  it('sees a changed value, a missing field and another number of items', () => {
    expect(containsFields({ a: 1 }, { a: 2 })).to.equal(false);
    expect(containsFields({}, { a: 1 })).to.equal(false);
    expect(containsFields({ a: [1, 2] }, { a: [1] })).to.equal(false);
  });
});
