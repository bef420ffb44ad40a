import { expect } from 'chai';
import * as fc from 'fast-check';
import type { KubeObject } from '../../../runtime/src/kube/object.ts';
import { holdsOf, pathText, planHolds } from '../../../runtime/src/machine/held.ts';
import type { FieldStep } from '../../../runtime/src/shared.ts';
import { applyJsonPatch } from '../../../sandbox/src/cluster/patch.ts';

const GROUP = 't.io';
const ROUTES = ['a', 'b', 'c'] as const;
const object: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'v', namespace: 'n', uid: 'u', resourceVersion: '1' },
  spec: {
    hosts: ['h'],
    http: [
      { name: 'a', route: [1] },
      { route: ['nameless'] },
      { name: 'b', route: [2], timeout: '1s' },
      { name: 'c', route: [3] },
    ],
  },
};
const holder = (uid: string) => ({ resource: `Drone n/${uid}`, uid });

const paths: readonly (readonly FieldStep[])[] = [
  ...ROUTES.map((name) => ['spec', 'http', { name }, 'route'] as const),
  ...ROUTES.map((name) => ['spec', 'http', { name }, 'timeout'] as const),
  ['spec', 'gateways'],
  ['metadata', 'labels', 'l'],
];
/** One holder takes one field and sets it, or gives everything back. */
const action = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      uid: fc.constantFrom('one', 'two'),
      path: fc.constantFrom(...paths),
      value: fc.option(fc.nat(3), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ uid: fc.constantFrom('one', 'two') }) },
);

describe('fields that are held', () => {
  // @promise outputs/one-claim-per-field
  it('are as they were once everybody has given them back, whoever held what, in whatever order; and what is sent does what was planned', () =>
    fc.assert(
      fc.property(fc.array(action, { maxLength: 12 }), (actions) => {
        let live = object;
        const act = (
          uid: string,
          fields: Parameters<typeof planHolds>[1],
          complete: boolean,
        ): void => {
          const { draft, patch, left } = planHolds(
            live,
            fields,
            holder(uid),
            GROUP,
            complete,
            'test',
          );
          expect(left).to.deep.equal([]);
          const next = applyJsonPatch(live, patch) as KubeObject;
          expect(next.spec).to.deep.equal(draft.spec);
          live = next;
        };
        for (const one of actions) {
          if (!('path' in one)) {
            act(one.uid, [], true);
            continue;
          }
          const taken = holdsOf(live, GROUP).some(
            ({ uid, path }) => uid !== one.uid && pathText(path) === pathText(one.path),
          );
          const hold = (): void =>
            act(
              one.uid,
              [{ path: one.path, value: one.value === undefined ? undefined : String(one.value) }],
              false,
            );
          if (taken) {
            expect(hold).to.throw('is held by').with.property('name', 'OutputConflict');
          } else {
            hold();
          }
          expect(new Set(holdsOf(live, GROUP).map(({ path }) => pathText(path))).size).to.equal(
            holdsOf(live, GROUP).length,
          );
        }
        for (const uid of ['one', 'two']) {
          act(uid, [], true);
        }
        const { labels = {}, annotations = {}, ...metadata } = live.metadata;
        expect({ ...live, metadata }).to.deep.equal(object);
        expect([labels, annotations]).to.deep.equal([{}, {}]);
      }),
    ));

  it('cost nothing the second time', () => {
    const fields = [{ path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] }];
    const next = applyJsonPatch(
      object,
      planHolds(object, fields, holder('one'), GROUP, false, 'test').patch,
    ) as KubeObject;
    expect(planHolds(next, fields, holder('one'), GROUP, false, 'test').patch).to.deep.equal([]);
  });

  it('cannot overlap in one result', () => {
    const fields = [
      { path: ['spec', 'http'], value: [] },
      { path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] },
    ];
    expect(() =>
      planHolds(object, fields, holder('one'), GROUP, false, 'outputs.x of phase A'),
    ).to.throw(
      'outputs.x of phase A: VirtualService n/v has both spec.http and spec.http[a].route, which overlap',
    );
  });

  it('of one holder may grow and shrink: what overlaps is put back first', () => {
    const inner = [{ path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] }];
    const outer = [{ path: ['spec', 'http'], value: [{ name: 'a', route: [8] }] }];
    let live = object;
    for (const fields of [inner, outer, inner]) {
      live = applyJsonPatch(
        live,
        planHolds(live, fields, holder('one'), GROUP, false, 'test').patch,
      ) as KubeObject;
    }
    expect(holdsOf(live, GROUP).map(({ path }) => pathText(path))).to.deep.equal([
      'spec.http[a].route',
    ]);
    live = applyJsonPatch(
      live,
      planHolds(live, [], holder('one'), GROUP, true, 'test').patch,
    ) as KubeObject;
    expect(live.spec).to.deep.equal(object.spec);
  });

  it('are not guessed when their notes are damaged', () => {
    for (const text of ['', '{', '{}', '[{}]', '[1]']) {
      const damaged = {
        ...object,
        metadata: { ...object.metadata, annotations: { 't.io/held': text } },
      };
      expect(() => planHolds(damaged, [], holder('one'), GROUP, true, 'test')).to.throw(
        'the annotation t.io/held of VirtualService n/v cannot be read; mend or remove it',
      );
    }
  });
});
