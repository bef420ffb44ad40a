import { PermanentError } from 'autopilot-runtime';
import { weightsOf, withDestinations, withFault, withWeights } from 'autopilot-runtime/mesh';
import { expect } from 'chai';
import type { VirtualService } from '../../../examples/autoroute/src/generated/kinds.ts';

const backend = (name: string, weight: number): object => ({
  destination: { host: name, port: { number: 80 } },
  weight,
  headers: { request: { set: { to: name } } },
});

/** A VirtualService with the type that a generated project has, and with two unrelated routes. */
function virtualService(...routes: readonly object[]): VirtualService {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      hosts: ['web'],
      http: [
        { name: 'admin', route: [backend('admin', 100)] },
        { route: [backend('old', 100)] },
        ...routes,
      ],
    },
  } as VirtualService;
}
const split = virtualService({
  name: 'split',
  route: [backend('web-primary', 100), backend('web-canary.shop.svc.cluster.local', 0)],
});
const subsets = virtualService({
  name: 'split',
  route: [
    { destination: { host: 'web', subset: 'primary' }, weight: 100 },
    { destination: { host: 'web', subset: 'canary' }, weight: 0 },
  ],
});
const httpRoute = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute' as const,
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    rules: [
      {
        name: 'split',
        backendRefs: [
          { name: 'web-primary', port: 80 },
          { name: 'web-canary', port: 80, weight: 0 },
        ],
      },
    ],
  },
};

function message(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).to.be.instanceOf(PermanentError).with.property('reason', 'InvalidRoute');
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('a field claim of one route', () => {
  it('sets the weights of the destinations and keeps their other fields', () => {
    expect(withWeights(split, 'split', { 'web-primary': 90, 'web-canary': 10 })).to.deep.equal({
      fieldClaim: true,
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: 'shop' },
      fields: [
        {
          path: ['spec', 'http', { name: 'split' }, 'route'],
          value: [
            backend('web-primary', 90),
            { ...backend('web-canary.shop.svc.cluster.local', 10) },
          ],
        },
      ],
    });
  });

  it('identifies a destination by its subset', () => {
    const { fields } = withWeights(subsets, 'split', { primary: 1, canary: 99 });
    expect(fields[0]?.value).to.deep.equal([
      { destination: { host: 'web', subset: 'primary' }, weight: 1 },
      { destination: { host: 'web', subset: 'canary' }, weight: 99 },
    ]);
  });

  it('identifies the backends of an HTTPRoute rule by name', () => {
    expect(
      withWeights(httpRoute, 'split', { 'web-primary': 50, 'web-canary': 50 }),
    ).to.deep.include({
      kind: 'HTTPRoute',
      fields: [
        {
          path: ['spec', 'rules', { name: 'split' }, 'backendRefs'],
          value: [
            { name: 'web-primary', port: 80, weight: 50 },
            { name: 'web-canary', port: 80, weight: 50 },
          ],
        },
      ],
    });
  });

  it('replaces the destinations', () => {
    const { fields } = withDestinations(split, 'admin', [
      { host: 'a', weight: 30 },
      { host: 'b', subset: 'v2', port: 8080, weight: 70 },
    ]);
    expect(fields).to.deep.equal([
      {
        path: ['spec', 'http', { name: 'admin' }, 'route'],
        value: [
          { destination: { host: 'a' }, weight: 30 },
          { destination: { host: 'b', subset: 'v2', port: { number: 8080 } }, weight: 70 },
        ],
      },
    ]);
  });

  it('sets the fault and keeps the destinations', () => {
    expect(
      withFault(split, 'split', { abort: { httpStatus: 503, percent: 0.5 } }).fields,
    ).to.deep.equal([
      {
        path: ['spec', 'http', { name: 'split' }, 'fault'],
        value: { abort: { httpStatus: 503, percentage: { value: 0.5 } } },
      },
    ]);
  });

  const place = "VirtualService shop/web, http route 'split'";
  const wrongs: readonly (readonly [what: string, act: () => unknown, message: string])[] = [
    [
      'weights that make 110',
      () => withWeights(split, 'split', { 'web-primary': 90, 'web-canary': 20 }),
      `${place}: weights must add up to 100, found 110 (web-primary 90, web-canary 20)`,
    ],
    [
      'weights that make 90',
      () => withWeights(split, 'split', { 'web-primary': 90, 'web-canary': 0 }),
      `${place}: weights must add up to 100, found 90 (web-primary 90, web-canary 0)`,
    ],
    [
      'a negative weight',
      () => withWeights(split, 'split', { 'web-primary': 110, 'web-canary': -10 }),
      `${place}: the weight of web-primary must be an integer from 0 to 100, found 110`,
    ],
    [
      'half a percent',
      () => withWeights(split, 'split', { 'web-primary': 99.5, 'web-canary': 0.5 }),
      `${place}: the weight of web-primary must be an integer from 0 to 100, found 99.5`,
    ],
    [
      'no number at all',
      () => withWeights(split, 'split', { 'web-primary': NaN, 'web-canary': 10 }),
      `${place}: the weight of web-primary must be an integer from 0 to 100, found NaN`,
    ],
    [
      'an unknown destination',
      () => withWeights(split, 'split', { 'web-primary': 90, 'web-canary': 0, 'web-canry': 10 }),
      `${place}: the weights name 'web-canry', which is not a destination; destinations are 'web-primary', 'web-canary.shop.svc.cluster.local'`,
    ],
    [
      'a destination left out',
      () => withWeights(split, 'split', { 'web-primary': 100 }),
      `${place}: the weights lack destination 'web-canary.shop.svc.cluster.local'; they name 'web-primary'`,
    ],
    [
      'an unknown route',
      () => withWeights(split, 'splitt', { a: 100 }),
      "VirtualService shop/web: no http route is named 'splitt'; its http routes are 'admin', 'split' and 1 without a name",
    ],
    [
      'a name that two routes have',
      () => withWeights(virtualService({ name: 'split' }, { name: 'split' }), 'split', { a: 100 }),
      "VirtualService shop/web: 2 http routes are named 'split'",
    ],
    [
      'an unknown rule',
      () => withWeights(httpRoute, 'other', { a: 100 }),
      "HTTPRoute shop/web: no rule is named 'other'; its rules are 'split'",
    ],
    [
      'one destination twice',
      () =>
        withDestinations(split, 'split', [
          { host: 'a', weight: 50 },
          { host: 'a', weight: 50 },
        ]),
      `${place}: destination a is given twice`,
    ],
    [
      'no destination',
      () => withDestinations(split, 'split', []),
      `${place}: to is empty; at least one destination is required`,
    ],
    [
      'a fault of 0 %',
      () => withFault(split, 'split', { delay: { fixed: '2s', percent: 0 } }),
      `${place}, delay: percent must be greater than 0 and at most 100, found 0`,
    ],
  ];
  for (const [what, act, expected] of wrongs) {
    it(`refuses ${what}`, () => expect(message(act)).to.equal(expected));
  }
});

describe('weightsOf', () => {
  it('returns the stored weights', () => {
    expect(weightsOf(split, 'split')).to.deep.equal({
      'web-primary': 100,
      'web-canary.shop.svc.cluster.local': 0,
    });
    expect(weightsOf(subsets, 'split')).to.deep.equal({ primary: 100, canary: 0 });
  });
  it('normalizes the weights to 100, as proxies do', () => {
    const odd = virtualService({
      name: 'split',
      route: [
        { destination: { host: 'a' }, weight: 60 },
        { destination: { host: 'b' }, weight: 20 },
      ],
    });
    expect(weightsOf(odd, 'split')).to.deep.equal({ a: 75, b: 25 });
  });
  it('uses the default weights of Istio and of the Gateway API', () => {
    const bare = (...hosts: readonly string[]): VirtualService =>
      virtualService({ name: 'split', route: hosts.map((host) => ({ destination: { host } })) });
    expect(weightsOf(bare('a'), 'split')).to.deep.equal({ a: 100 });
    expect(weightsOf(bare('a', 'b'), 'split')).to.deep.equal({ a: 0, b: 0 });
    expect(weightsOf(httpRoute, 'split')).to.deep.equal({ 'web-primary': 100, 'web-canary': 0 });
    const even = {
      ...httpRoute,
      spec: { rules: [{ name: 'split', backendRefs: [{ name: 'a' }, { name: 'b' }] }] },
    };
    expect(weightsOf(even, 'split')).to.deep.equal({ a: 50, b: 50 });
  });
});
