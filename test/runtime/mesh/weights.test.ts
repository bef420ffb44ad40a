import { expect } from 'chai';
import * as fc from 'fast-check';
import type { KubeObject } from '../../../runtime/src/client/object.ts';
import { findWeightProblems } from '../../../runtime/src/mesh/weights.ts';

const virtualService = (spec: object): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'v' },
  spec,
});
const httpRoute = (...rules: readonly object[]): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'h' },
  spec: { rules },
});
const to = (weight?: unknown, host: unknown = 'h'): object => ({
  destination: { host },
  ...(weight !== undefined && { weight }),
});
const backend = (weight?: unknown, name: unknown = 'b'): object => ({
  name,
  ...(weight !== undefined && { weight }),
});

describe('the weights of a VirtualService', () => {
  const protocol = fc.constantFrom('http', 'tcp', 'tls');
  const weights = fc.array(fc.integer({ min: -20, max: 120 }), { minLength: 2, maxLength: 5 });

  it('are valid if and only if no weight of a route is negative and their sum is 100', () => {
    fc.assert(
      fc.property(protocol, fc.array(weights, { maxLength: 4 }), (name, routes) => {
        const right = routes.every(
          (list) => list.every((weight) => weight >= 0) && list.reduce((a, b) => a + b, 0) === 100,
        );
        const found = findWeightProblems(
          virtualService({
            [name]: routes.map((list) => ({ route: list.map((weight) => to(weight)) })),
          }),
        );
        expect(found.length === 0).to.equal(right);
      }),
    );
  });
  it('that divide 100 at random points are valid, and invalid when one of them changes', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        protocol,
        cuts,
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        (name, points, by, which) => {
          const edges = [0, ...points.toSorted((a, b) => a - b), 100];
          const parts = edges.slice(1).map((edge, index) => edge - (edges[index] ?? 0));
          const problems = (list: readonly number[]): readonly string[] =>
            findWeightProblems(
              virtualService({ [name]: [{ route: list.map((weight) => to(weight)) }] }),
            );
          expect(problems(parts)).to.deep.equal([]);
          expect(
            problems(
              parts.map((part, index) => (index === which % parts.length ? part + by : part)),
            ),
          ).to.have.length(1);
        },
      ),
    );
  });
  it('of a single destination are ignored, because it receives all requests', () => {
    for (const weight of [undefined, 0, 50, 100]) {
      expect(findWeightProblems(virtualService({ http: [{ route: [to(weight)] }] }))).to.deep.equal(
        [],
      );
    }
  });
  const wrong: readonly [string, object, readonly string[]][] = [
    [
      'a sum that is not 100',
      { http: [{ name: 'split', route: [to(90), to(20)] }] },
      ['http[split] has weights that sum to 110, not to 100'],
    ],
    [
      'weights left out',
      { tcp: [{ route: [to(100)] }, { route: [to(), to()] }] },
      ['tcp[1] has weights that sum to 0, not to 100'],
    ],
    [
      'a negative weight',
      { http: [{ route: [to(-10), to(110)] }] },
      ['http[0] has the weight -10'],
    ],
    [
      'a broken weight',
      { http: [{ route: [to(33.5), to(66.5)] }] },
      ['http[0] has the weight 33.5', 'http[0] has the weight 66.5'],
    ],
    [
      'no host',
      { http: [{ route: [to(50), to(50, '')] }] },
      ['http[0] has no host in destination 2'],
    ],
    [
      'no destination at all',
      { http: [{ route: [{ weight: 100 }] }] },
      ['http[0] has no host in destination 1'],
    ],
    [
      'an empty route',
      { http: [{ name: 'a', route: [] }, { name: 'b' }] },
      ['http[a] has no destination', 'http[b] has no destination'],
    ],
  ];
  for (const [title, spec, problems] of wrong) {
    it(`are invalid with ${title}`, () =>
      expect(findWeightProblems(virtualService(spec))).to.deep.equal(problems));
  }
  it('are not checked for a redirect, a direct response or a delegate', () => {
    expect(
      findWeightProblems(
        virtualService({ http: [{ redirect: {} }, { directResponse: {} }, { delegate: {} }] }),
      ),
    ).to.deep.equal([]);
  });
});

describe('the weights of a route of the Gateway API', () => {
  it('are valid if and only if none is negative and not all are zero', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: -3, max: 5 }), { nil: undefined }), {
          minLength: 1,
          maxLength: 4,
        }),
        (weights) => {
          const right =
            weights.every((weight) => (weight ?? 1) >= 0) &&
            weights.some((weight) => (weight ?? 1) > 0);
          const none = weights.every((weight) => (weight ?? 1) === 0);
          const found = findWeightProblems(
            httpRoute({ backendRefs: weights.map((weight) => backend(weight)) }),
          );
          expect(found.length === 0).to.equal(right);
          expect(found.includes('rules[0] has no backend with a weight above 0')).to.equal(none);
        },
      ),
    );
  });
  it('are invalid for a backend without a name, and valid without backends', () => {
    expect(
      findWeightProblems(
        httpRoute(
          { name: 'a', backendRefs: [backend(1, '')] },
          { filters: [{ type: 'RequestRedirect' }] },
        ),
      ),
    ).to.deep.equal(['rules[a] has no name in backend 1']);
  });
});

it('findWeightProblems ignores objects that are not routes', () => {
  expect(
    findWeightProblems({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { rules: [{ backendRefs: [{}] }] },
    }),
  ).to.deep.equal([]);
  expect(
    findWeightProblems({ apiVersion: 'example.io/v1', kind: 'HTTPRoute', metadata: { name: 's' } }),
  ).to.deep.equal([]);
});
