import { expect } from 'chai';
import * as fc from 'fast-check';
import type { KubeObject } from '../../../../runtime/src/client/object.ts';
import { readClaims } from '../../../../runtime/src/reconciler/field-claims/claims-annotation.ts';
import { formatPath } from '../../../../runtime/src/reconciler/field-claims/field-path.ts';
import type { ClaimPlan } from '../../../../runtime/src/reconciler/field-claims/plan-claims.ts';
import { planFinish } from '../../../../runtime/src/reconciler/field-claims/finish-claims.ts';
import { planClaims } from '../../../../runtime/src/reconciler/field-claims/plan-claims.ts';
import type { ClaimedField, FieldPathElement } from '../../../../runtime/src/api/field-claim.ts';
import { applyJsonPatch } from '../../../../sandbox/src/cluster/patch.ts';

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
/** Plans the claims of the resource `uid`; `isComplete` releases its other claims. */
const plan = (
  live: KubeObject,
  fields: readonly ClaimedField[],
  { uid = 'one', isComplete = false, place = 'test' } = {},
): ClaimPlan => {
  const claimant = { resource: `Drone n/${uid}`, uid };
  const request = { fields, claimant, group: GROUP, manager: 'op', isComplete, isFinal: false };
  return planClaims(live, { ...request, place });
};

/** The object after the patch, and after the request that finishes the change. */
const done = (live: KubeObject, { patch }: Pick<ClaimPlan, 'patch'>): KubeObject => {
  const changed = applyJsonPatch(live, patch) as KubeObject;
  return applyJsonPatch(changed, planFinish(changed, GROUP, 'op') ?? []) as KubeObject;
};

const paths: readonly (readonly FieldPathElement[])[] = [
  ...ROUTES.map((name) => ['spec', 'http', { name }, 'route'] as const),
  ...ROUTES.map((name) => ['spec', 'http', { name }, 'timeout'] as const),
  ['spec', 'gateways'],
  ['metadata', 'labels', 'l'],
];
/** One resource claims one field and sets it, or releases all of its claims. */
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

describe('claimed fields', () => {
  // @promise outputs/one-claim-per-field
  it('have their original values after all releases, in any order; the patch does what was planned', () =>
    fc.assert(
      fc.property(fc.array(action, { maxLength: 12 }), (actions) => {
        let live = object;
        const act = (uid: string, fields: readonly ClaimedField[], isComplete: boolean): void => {
          const { draft, patch, notRestored } = plan(live, fields, { uid, isComplete });
          expect(notRestored).to.deep.equal([]);
          const next = done(live, { patch });
          expect(next.spec).to.deep.equal(draft.spec);
          live = next;
        };
        for (const one of actions) {
          if (!('path' in one)) {
            act(one.uid, [], true);
            continue;
          }
          const isClaimed = readClaims(live, GROUP).some(
            ({ uid, path }) => uid !== one.uid && formatPath(path) === formatPath(one.path),
          );
          const claim = (): void =>
            act(
              one.uid,
              [{ path: one.path, value: one.value === undefined ? undefined : String(one.value) }],
              false,
            );
          if (isClaimed) {
            expect(claim).to.throw('is claimed by').with.property('name', 'OutputConflict');
          } else {
            claim();
          }
          expect(
            new Set(readClaims(live, GROUP).map(({ path }) => formatPath(path))).size,
          ).to.equal(readClaims(live, GROUP).length);
        }
        for (const uid of ['one', 'two']) {
          act(uid, [], true);
        }
        const { labels = {}, annotations = {}, ...metadata } = live.metadata;
        expect({ ...live, metadata }).to.deep.equal(object);
        expect([labels, annotations]).to.deep.equal([{}, {}]);
      }),
    ));

  it('cost no request the second time', () => {
    const fields = [{ path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] }];
    const next = done(object, plan(object, fields));
    expect(plan(next, fields).patch).to.deep.equal([]);
  });

  it('cannot overlap in one result', () => {
    const fields = [
      { path: ['spec', 'http'], value: [] },
      { path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] },
    ];
    expect(() => plan(object, fields, { place: 'outputs.x of phase A' })).to.throw(
      'outputs.x of phase A: VirtualService n/v has both spec.http and spec.http[a].route, which overlap',
    );
  });

  it('of one resource may grow and shrink: overlapping claims are released first', () => {
    const inner = [{ path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] }];
    const outer = [{ path: ['spec', 'http'], value: [{ name: 'a', route: [8] }] }];
    let live = object;
    for (const fields of [inner, outer, inner]) {
      live = done(live, plan(live, fields));
    }
    expect(readClaims(live, GROUP).map(({ path }) => formatPath(path))).to.deep.equal([
      'spec.http[a].route',
    ]);
    live = done(live, plan(live, [], { isComplete: true }));
    expect(live.spec).to.deep.equal(object.spec);
  });

  it('are unknown, with an error, when the annotation is not valid', () => {
    for (const text of ['', '{', '{}', '[{}]', '[1]']) {
      const damaged = {
        ...object,
        metadata: { ...object.metadata, annotations: { 't.io/field-claims': text } },
      };
      expect(() => plan(damaged, [], { isComplete: true })).to.throw(
        'the annotation t.io/field-claims of VirtualService n/v is not a JSON list of claims; repair or remove it',
      );
    }
  });
});
