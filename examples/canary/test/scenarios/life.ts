import type { Simulator } from 'autopilot-sandbox';
import { deployments, observedTraffic, traffic } from 'autopilot-sandbox';
import type {
  ClusterSnapshot,
  FaultKind,
  IgnoredFault,
  Scenario,
  ScenarioStep,
} from 'autopilot-sandbox/explore';
import { create, patch, remove, quiesce, scenario, wait } from 'autopilot-sandbox/explore';
import { canary, deployment, service } from '../shop.ts';

interface Running {
  readonly spec?: {
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly image?: string }[] };
    };
  };
}
const imageOf = ({ spec }: Running): string | undefined =>
  spec?.template?.spec?.containers?.[0]?.image;
const simulators: readonly Simulator[] = [
  deployments(),
  traffic({
    hosts: { web: 20 },
    successRate: (object) => (imageOf(object) === 'web:bad' ? 50 : 100),
  }),
];

/** The only copy of the old version, and Services that only Initializing looks after. */
const notLookedAfter: readonly IgnoredFault[] = [
  'output-deleted Deployment',
  'output-deleted Service',
  'output-contested Deployment',
  'output-contested Service',
  'output-edited Service',
  'output-edited Deployment',
];

/** Faults after which another version may be the right one, or the same one for another reason. */
const disturbances: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'claim-recreated',
  'kind-broken',
  'output-deleted',
  'rollout-failed',
]);

/** Nothing is evaluated, and all requests arrive, none of them at a version that failed. */
function isSafe(snapshot: ClusterSnapshot): boolean {
  const { destinations, lostPercent } = observedTraffic(snapshot, 'web');
  const isAtRest = snapshot
    .list<{ readonly status?: { readonly phase?: string } }>('CanaryDeployment')
    .every(({ status }) => status?.phase === 'Waiting');
  return (
    isAtRest &&
    lostPercent === 0 &&
    destinations.every(({ deployment: one }) => imageOf(one) !== 'web:bad')
  );
}

/** A user changes the image of the Deployment. */
const release = (image: string): ScenarioStep =>
  patch('Deployment', 'web', { spec: { template: deployment(image).spec.template } });

function of(name: string, ...steps: readonly ScenarioStep[]): Scenario {
  return scenario({
    name,
    objects: [deployment('web:1'), service],
    simulators,
    steps: [create(canary({ analysisPeriod: '3m' })), quiesce(), ...steps],
    minStepInterval: { Evaluating: '1m' },
    ignoredFaults: notLookedAfter,
    accepts: (snapshot, faults) =>
      faults.some((fault) => disturbances.has(fault)) && isSafe(snapshot),
  });
}

export const promotion = of('a good version is promoted', release('web:2'));
export const rollback = of('a bad version is rolled back', release('web:bad'));
export const revision = of(
  'a new version comes in the middle',
  release('web:2'),
  wait('90s'),
  release('web:3'),
);
export const goodbye = of(
  'the resource goes in the middle',
  release('web:2'),
  wait('90s'),
  remove('CanaryDeployment', 'web'),
);
