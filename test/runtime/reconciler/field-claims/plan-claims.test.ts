import { expect } from 'chai';
import * as fc from 'fast-check';
import type { KubeObject } from '../../../../runtime/src/client/object.ts';
import {
  readClaims,
  formatPath,
  planClaims,
} from '../../../../runtime/src/reconciler/field-claims/plan-claims.ts';
import type { FieldPathElement } from '../../../../runtime/src/api/field-claim.ts';
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
const claimant = (uid: string) => ({ resource: `Drone n/${uid}`, uid });

const paths: readonly (readonly FieldPathElement[])[] = [
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
          fields: Parameters<typeof planClaims>[1],
          complete: boolean,
        ): void => {
          const {
            draft,
            patch,
            notRestored: left,
          } = planClaims(live, fields, claimant(uid), GROUP, complete, 'test');
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
          const taken = readClaims(live, GROUP).some(
            ({ uid, path }) => uid !== one.uid && formatPath(path) === formatPath(one.path),
          );
          const claim = (): void =>
            act(
              one.uid,
              [{ path: one.path, value: one.value === undefined ? undefined : String(one.value) }],
              false,
            );
          if (taken) {
            expect(claim).to.throw('is held by').with.property('name', 'OutputConflict');
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

  it('cost nothing the second time', () => {
    const fields = [{ path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] }];
    const next = applyJsonPatch(
      object,
      planClaims(object, fields, claimant('one'), GROUP, false, 'test').patch,
    ) as KubeObject;
    expect(planClaims(next, fields, claimant('one'), GROUP, false, 'test').patch).to.deep.equal([]);
  });

  it('cannot overlap in one result', () => {
    const fields = [
      { path: ['spec', 'http'], value: [] },
      { path: ['spec', 'http', { name: 'a' }, 'route'], value: [9] },
    ];
    expect(() =>
      planClaims(object, fields, claimant('one'), GROUP, false, 'outputs.x of phase A'),
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
        planClaims(live, fields, claimant('one'), GROUP, false, 'test').patch,
      ) as KubeObject;
    }
    expect(readClaims(live, GROUP).map(({ path }) => formatPath(path))).to.deep.equal([
      'spec.http[a].route',
    ]);
    live = applyJsonPatch(
      live,
      planClaims(live, [], claimant('one'), GROUP, true, 'test').patch,
    ) as KubeObject;
    expect(live.spec).to.deep.equal(object.spec);
  });

  it('are not guessed when their notes are damaged', () => {
    for (const text of ['', '{', '{}', '[{}]', '[1]']) {
      const damaged = {
        ...object,
        metadata: { ...object.metadata, annotations: { 't.io/field-claims': text } },
      };
      expect(() => planClaims(damaged, [], claimant('one'), GROUP, true, 'test')).to.throw(
        'the annotation t.io/field-claims of VirtualService n/v cannot be read; mend or remove it',
      );
    }
  });
});
