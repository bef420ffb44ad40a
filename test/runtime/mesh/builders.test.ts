import {
  destinationRule,
  faultField,
  gateway,
  headerMatch,
  httpRoute,
  virtualService,
} from 'autopilot-runtime/mesh';
import { expect } from 'chai';
import { built } from './objects.ts';

describe('builders of mesh objects', () => {
  it('build identity and the given fields in the form of the mesh', () => {
    const [, whole] = built;
    expect(whole.spec?.http?.[0]).to.deep.equal({
      name: 'testers',
      match: [
        { headers: { 'x-canary': { exact: 'always' }, cookie: { regex: '.*tester=1.*' } } },
        { uri: { prefix: '/try' }, port: 8080 },
      ],
      route: [{ destination: { host: 'web', subset: 'canary', port: { number: 80 } } }],
      timeout: '2s',
    });
    expect(whole.spec?.http?.[1]?.fault).to.deep.equal({
      delay: { fixedDelay: '1500ms', percentage: { value: 12.5 } },
      abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 1 } },
    });
    expect(whole.spec?.http?.[3]).to.deep.include({
      mirror: { host: 'web', subset: 'canary' },
      mirrorPercentage: { value: 0.5 },
    });
  });

  it('omit fields that are not given', () => {
    expect(
      virtualService({
        name: 'web',
        hosts: ['web'],
        http: [{ name: 'all', to: [{ host: 'web' }] }],
      }),
    ).to.deep.equal({
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web' },
      spec: { hosts: ['web'], http: [{ name: 'all', route: [{ destination: { host: 'web' } }] }] },
    });
  });

  it('accept hosts that are named like built-in properties of objects', () => {
    const to = [
      { host: 'constructor', weight: 60 },
      { host: 'toString', weight: 40 },
    ];
    const [first] = virtualService({ name: 'web', hosts: ['web'], http: [{ name: 'all', to }] })
      .spec.http;
    expect(first?.route).to.deep.equal(
      to.map(({ host, weight }) => ({ destination: { host }, weight })),
    );
  });

  const route =
    (more: object): (() => unknown) =>
    () =>
      virtualService({
        name: 'web',
        hosts: ['web'],
        http: [{ name: 'all', to: [{ host: 'web' }], ...more }],
      });
  const rule =
    (more: object): (() => unknown) =>
    () =>
      httpRoute({
        name: 'web',
        parents: [{ service: 'web' }],
        rules: [{ name: 'all', to: { web: 100 }, port: 80, ...more }],
      });
  /** What Istio's webhook, or a proxy, takes in silence. */
  const wrongs: readonly (readonly [what: string, act: () => unknown, message: string])[] = [
    [
      'weights that do not make 100',
      route({
        to: [
          { host: 'a', weight: 60 },
          { host: 'b', weight: 50 },
        ],
      }),
      "VirtualService web, http route 'all': weights must add up to 100, found 110 (a 60, b 50)",
    ],
    [
      'two destinations without weights',
      route({ to: [{ host: 'a' }, { host: 'b' }] }),
      "VirtualService web, http route 'all': weights must add up to 100, found 0 (a 0, b 0)",
    ],
    [
      'a route that leads nowhere',
      route({ to: [] }),
      "VirtualService web, http route 'all': to is empty; at least one destination is required",
    ],
    [
      'a mirror of 120 %',
      route({ mirror: { host: 'b', percent: 120 } }),
      "VirtualService web, http route 'all', mirror: percent must be greater than 0 and at most 100, found 120",
    ],
    [
      'a mirror of nothing said',
      route({ mirror: { host: 'b' } }),
      "VirtualService web, http route 'all', mirror: percent must be greater than 0 and at most 100, found undefined",
    ],
    [
      'no host',
      () => virtualService({ name: 'web', hosts: [], http: [] }),
      'VirtualService web: hosts is empty; at least one host is required',
    ],
    [
      'no route',
      () => virtualService({ name: 'web', hosts: ['web'], http: [] }),
      'VirtualService web: http is empty; at least one route is required',
    ],
    [
      'two routes of one name',
      () =>
        virtualService({
          name: 'web',
          hosts: ['web'],
          http: [
            { name: 'a', to: [{ host: 'x' }] },
            { name: 'a', to: [{ host: 'y' }] },
          ],
        }),
      "VirtualService web: two http routes are named 'a'",
    ],
    [
      'an abort of no percentage',
      () => faultField({ abort: { httpStatus: 503 } as never }),
      'fault, abort: percent must be greater than 0 and at most 100, found undefined',
    ],
    [
      'an abort with status 999',
      () => faultField({ abort: { httpStatus: 999, percent: 1 } }),
      'fault, abort: httpStatus must be a status from 200 to 599, found 999',
    ],
    [
      'a gRPC status by number',
      () => faultField({ abort: { grpcStatus: '14', percent: 1 } }),
      "fault, abort: grpcStatus must be a name such as UNAVAILABLE, found '14'",
    ],
    [
      'a delay that is none',
      () => faultField({ delay: { fixed: '0s', percent: 1 } }),
      'fault, delay: fixed must be at least 1ms, found 0s',
    ],
    [
      'a delay that is no duration',
      () => faultField({ delay: { fixed: 'long' as never, percent: 1 } }),
      "fault, delay: 'long' is not a duration; write it like 500ms, 10s, 1m30s or 2h",
    ],
    ['an empty fault', () => faultField({}), 'fault: a fault needs a delay, an abort, or both'],
    [
      'a header in capitals',
      () => headerMatch({ 'X-Canary': 'yes' }),
      "match: header names must be in lower case, as Istio compares them, found 'X-Canary'",
    ],
    [
      'a match of nothing',
      () => headerMatch({}),
      'match: no header is given; the match would apply to every request',
    ],
    [
      'a subset without labels',
      () => destinationRule({ name: 'web', host: 'web', subsets: { all: {} } }),
      "DestinationRule web, subset 'all': the subset has no labels and would contain all Pods of the host",
    ],
    [
      'a Gateway without a host',
      () => gateway({ name: 'front', hosts: [] }),
      'Gateway front: hosts is empty; at least one host is required',
    ],
    [
      'backends that do not make 100',
      rule({ to: { a: 1, b: 1 } }),
      "HTTPRoute web, rule 'all': weights must add up to 100, found 2 (a 1, b 1)",
    ],
    [
      'a mirror of half a percent in the Gateway API',
      rule({ mirror: { service: 'b', port: 80, percent: 0.5 } }),
      "HTTPRoute web, rule 'all', mirror: percent must be an integer, found 0.5",
    ],
    [
      'a route that hangs on nothing',
      () => httpRoute({ name: 'web', parents: [], rules: [] }),
      'HTTPRoute web: parents is empty; name a Service or a Gateway',
    ],
  ];
  for (const [what, act, message] of wrongs) {
    it(`refuse ${what}`, () => expect(act).to.throw(message));
  }
});
