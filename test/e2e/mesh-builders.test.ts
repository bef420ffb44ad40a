import { expect } from 'chai';
import { withDestinations, withFault, withWeights } from '../../runtime/src/mesh/index.ts';
import type {
  GatewayRouteLike,
  RouteLike,
  VirtualServiceLike,
} from '../../runtime/src/mesh/index.ts';
import type { FieldClaim } from '../../runtime/src/api/field-claim.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane } from '../realparts/index.ts';
import { built } from '../runtime/mesh/objects.ts';

describe('objects of the mesh builders on a real API server with the CRDs of Istio and the Gateway API', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await controlPlane();
    await plane.installIstioCrds();
    await plane.installGatewayApiCrds();
  });
  after(() => plane?.stop());

  /** Applies with strict validation: an unknown field is an error instead of being dropped. */
  async function accepted(object: object): Promise<object> {
    const args = [
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '-n',
      'default',
      '-o',
      'json',
      '-f',
      '-',
    ];
    return JSON.parse(await plane.kubectl(args, { input: JSON.stringify(object) })) as object;
  }

  for (const object of built) {
    it(`${object.kind} ${object.metadata.name} is accepted, and none of its fields is dropped`, async () => {
      const { spec } = (await accepted(object)) as { spec: object };
      expect(within(spec, object.spec)).to.deep.equal(object.spec);
    });
  }

  const virtualService = built[1] as VirtualServiceLike;
  const httpRoute = built[4] as GatewayRouteLike;
  const edits: readonly (readonly [what: string, route: RouteLike, edit: FieldClaim])[] = [
    [
      'weights of subsets',
      virtualService,
      withWeights(virtualService, 'split', { primary: 75, canary: 25 }),
    ],
    [
      'destinations',
      virtualService,
      withDestinations(virtualService, 'testers', [
        { host: 'web-primary', weight: 75, port: 80 },
        { host: 'web-canary', weight: 25 },
      ]),
    ],
    [
      'a fault',
      virtualService,
      withFault(virtualService, 'split', { abort: { httpStatus: 503, percent: 5 } }),
    ],
    [
      'weights of backends',
      httpRoute,
      withWeights(httpRoute, 'split', { 'web-primary': 75, 'web-canary': 25 }),
    ],
  ];
  for (const [what, route, { fields }] of edits) {
    it(`${route.kind} is accepted with ${what} edited`, async () => {
      const copy = structuredClone(route) as unknown as Node;
      for (const { path, value } of fields) {
        let at = copy;
        for (const step of path.slice(0, -1)) {
          at = (
            typeof step === 'string'
              ? at[step]
              : (at as unknown as readonly Node[]).find(
                  ({ name }) => (name as unknown) === step.name,
                )
          ) as Node;
        }
        at[path.at(-1) as string] = value as Node;
      }
      await accepted(copy);
    });
  }
});

/** The part of the response that was requested, without the defaults that the server adds. */
function within(actual: unknown, asked: unknown): unknown {
  if (Array.isArray(asked) && Array.isArray(actual)) {
    return actual.map((item, index) => within(item, asked[index]));
  }
  if (typeof asked !== 'object' || asked === null) {
    return actual;
  }
  return Object.fromEntries(
    Object.entries(asked).map(([name, value]) => [
      name,
      within((actual as Record<string, unknown> | undefined)?.[name], value),
    ]),
  );
}

interface Node {
  [field: string]: Node;
}
