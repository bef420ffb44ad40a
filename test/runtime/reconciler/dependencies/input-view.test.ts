import { expect } from 'chai';
import { Informer } from '../../../../runtime/src/cache/informer.ts';
import type { KubeObject, ResourceType } from '../../../../runtime/src/client/object.ts';
import {
  createInputView,
  createInputViews,
} from '../../../../runtime/src/reconciler/dependencies/input-view.ts';
import type { InformerReads } from '../../../../runtime/src/reconciler/dependencies/read-tracker.ts';
import {
  affectsReads,
  newReadTracker,
  readsFor,
} from '../../../../runtime/src/reconciler/dependencies/read-tracker.ts';
import type { InputDefinition, WorkerDefinition } from '../../../../runtime/src/api/scheduler.ts';
import type { InputView } from '../../../../runtime/src/api/worker.ts';

const NOOP_INFORMER_OBSERVER = {
  relisted() {},
  watchRestarted() {},
  watchFailed() {},
  watchUnsupported() {},
};

const type: ResourceType = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
const resource: KubeObject = {
  apiVersion: 't.io/v1',
  kind: 'Thing',
  metadata: { name: 'r', namespace: 'mine', uid: 'u' },
};
const deployment = (
  namespace: string,
  name: string,
  labels: Record<string, string> = {},
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace, name, labels, resourceVersion: '1' },
});

function view(
  input: Partial<InputDefinition>,
  ...objects: readonly KubeObject[]
): { deployments: InputView<KubeObject>; reads: InformerReads } {
  const definition: InputDefinition = { name: 'deployments', type, namespace: 'own', ...input };
  const worker: WorkerDefinition = {
    title: 'phase A',
    line: 12,
    inputs: [definition],
    outputs: [],
  };
  const informer = new Informer(
    { type },
    { namespaces: [], indexLabel: 'owner', observer: NOOP_INFORMER_OBSERVER },
  );
  for (const object of objects) {
    informer.put(object, 'test');
  }
  const tracker = newReadTracker();
  return {
    deployments: createInputView(worker, definition, informer, { resource, tracker }),
    reads: readsFor(tracker.dependencies, informer),
  };
}
const changed = (
  old: KubeObject | undefined,
  object: KubeObject | undefined,
): Parameters<typeof affectsReads>[1] => ({ old, object, writer: undefined });

describe('an input view', () => {
  // @promise inputs/declared-inputs
  it("shows the resource's own namespace only", () => {
    const { deployments } = view({}, deployment('mine', 'a'), deployment('other', 'b'));
    expect(deployments.list().map(({ metadata }) => metadata.name)).to.deep.equal(['a']);
    expect(deployments.get('b')).to.equal(undefined);
  });
  // @promise inputs/declared-inputs
  it('names the line of autopilot.yaml when a worker reads outside its declaration', () => {
    const { deployments } = view({});
    expect(() => deployments.get('b', { namespace: 'other' })).to.throw(
      "input deployments of phase A (autopilot.yaml, line 12) sees the resource's own namespace only",
    );
  });
  it('names the declared inputs, and the line, when a worker reads another one', () => {
    const worker: WorkerDefinition = {
      title: 'phase A',
      line: 12,
      inputs: [{ name: 'deployments', type, namespace: 'own' }],
      outputs: [],
    };
    const views = createInputViews(
      worker,
      { resource, tracker: newReadTracker() },
      () =>
        new Informer(
          { type },
          { namespaces: [], indexLabel: 'owner', observer: NOOP_INFORMER_OBSERVER },
        ),
    );
    expect(views['deployments']?.list()).to.deep.equal([]);
    expect(() => views['pods'])
      .to.throw('pods is no input of phase A (autopilot.yaml, line 12); its inputs are deployments')
      .with.property('name', 'PermanentError');
  });
  it('throws for a namespace that the operator does not watch', () => {
    const informer = new Informer(
      { type },
      { namespaces: ['mine'], indexLabel: 'owner', observer: NOOP_INFORMER_OBSERVER },
    );
    const input: InputDefinition = { name: 'deployments', type, namespace: 'all' };
    const deployments = createInputView(
      { title: 'phase A', inputs: [input], outputs: [] },
      input,
      informer,
      { resource, tracker: newReadTracker() },
    );
    expect(deployments.get('a')).to.equal(undefined);
    for (const read of [
      () => deployments.get('a', { namespace: 'other' }),
      () => deployments.list({ namespace: 'other' }),
    ]) {
      expect(read).to.throw(
        'input deployments of phase A cannot read from namespace other: the operator does not watch it',
      );
    }
  });
  it('needs a namespace when the resource is cluster-scoped', () => {
    const input: InputDefinition = { name: 'deployments', type, namespace: 'own' };
    const informer = new Informer(
      { type },
      { namespaces: [], indexLabel: 'owner', observer: NOOP_INFORMER_OBSERVER },
    );
    const { namespace: _, ...metadata } = resource.metadata;
    const deployments = createInputView(
      { title: 'phase A', inputs: [input], outputs: [] },
      input,
      informer,
      { resource: { ...resource, metadata }, tracker: newReadTracker() },
    );
    for (const read of [() => deployments.get('a'), () => deployments.list()]) {
      expect(read).to.throw('the resource has no namespace, so name one');
    }
  });
  it('shows all namespaces when declared so', () => {
    const { deployments } = view(
      { namespace: 'all' },
      deployment('mine', 'a'),
      deployment('other', 'b'),
    );
    expect(deployments.list()).to.have.length(2);
    expect(
      deployments.list({ namespace: 'other' }).map(({ metadata }) => metadata.name),
    ).to.deep.equal(['b']);
    expect(deployments.get('b', { namespace: 'other' })?.metadata.name).to.equal('b');
  });
  // @promise inputs/need
  it('ends the reconcile with RetryLater when a required object does not exist', () => {
    const { deployments } = view({});
    expect(() => deployments.require('web'))
      .to.throw('Deployment web does not exist yet')
      .with.property('name', 'RetryLater');
  });
});

describe('a change enqueues a resource', () => {
  it('that read the object, also when the object did not exist', () => {
    const { deployments, reads } = view({});
    deployments.get('web');
    expect(affectsReads(reads, changed(undefined, deployment('mine', 'web')))).to.equal(true);
    expect(affectsReads(reads, changed(undefined, deployment('mine', 'other')))).to.equal(false);
    expect(affectsReads(reads, changed(undefined, deployment('other', 'web')))).to.equal(false);
  });
  it('that listed, when the object matches now or did before', () => {
    const { deployments, reads } = view({});
    deployments.list({ selector: { matchLabels: { app: 'x' } } });
    const matching = deployment('mine', 'a', { app: 'x' });
    const not = deployment('mine', 'a', { app: 'y' });
    expect(affectsReads(reads, changed(not, matching))).to.equal(true);
    expect(affectsReads(reads, changed(matching, not))).to.equal(true);
    expect(affectsReads(reads, changed(matching, undefined))).to.equal(true);
    expect(affectsReads(reads, changed(not, not))).to.equal(false);
  });
  it('never when it read nothing', () => {
    expect(affectsReads(view({}).reads, changed(undefined, deployment('mine', 'a')))).to.equal(
      false,
    );
  });
});
