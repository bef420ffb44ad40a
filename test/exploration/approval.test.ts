import { expect } from 'chai';
import type { Operator, OperatorOptions } from '../../runtime/src/internal.ts';
import { startOperator } from '../../runtime/src/internal.ts';
import type { ClusterSnapshot, Scenario } from '../../sandbox/src/exploration/index.ts';
import {
  approve,
  create,
  explore,
  patch,
  actWhen,
  remove,
  quiesce,
  scenario,
} from '../../sandbox/src/exploration/index.ts';
import type { TestOperator } from '../integration/test-operators.ts';
import {
  configMap,
  drone,
  input,
  defineTestOperator,
  output,
  service,
} from '../integration/test-operators.ts';

/**
 * Goes live, with the version that its spec names, when a person lets it; a ConfigMap can hold it
 * back.
 */
const releasing = (): TestOperator =>
  defineTestOperator({
    Staged: {
      inputs: [input.configmaps],
      outputs: [output.services],
      interval: '1m',
      sync: ({ inputs }) => ({
        next: inputs['configmaps']?.get('freeze') === undefined ? 'Live' : 'Staged',
        outputs: { services: [service('staged')] },
      }),
    },
    Live: {
      ready: true,
      approval: 'required',
      onSpecChange: 'Staged',
      outputs: [output.services],
      sync: ({ resource }) => ({
        next: 'Live',
        statusInfo: { live: (resource.spec as { version: number }).version },
        outputs: { services: [service('live')] },
      }),
    },
  });

interface DroneStatus {
  readonly phase?: string;
  readonly live?: number;
  readonly autopilot?: { readonly approved?: string };
}
const statusOf = (snapshot: ClusterSnapshot): DroneStatus =>
  (snapshot.get('Drone', 'one')?.status ?? {}) as DroneStatus;

const common: Pick<Scenario, 'config' | 'ignoredFields'> = {
  config: { workInterval: '10m' },
  ignoredFields: ['Service.spec.clusterIP', 'Service.spec.clusterIPs'],
};
const SCENARIOS: readonly Scenario[] = [
  scenario({
    ...common,
    name: 'two versions are approved',
    steps: [
      create(drone('one', { version: 1 })),
      approve('Drone', 'one'),
      quiesce(),
      patch('Drone', 'one', { spec: { version: 2 } }),
      approve('Drone', 'one'),
      quiesce(),
    ],
  }),
  scenario({
    ...common,
    name: 'a version changes while somebody is asked',
    steps: [
      create(drone('one', { version: 1 })),
      actWhen('somebody puts another version there when the first one is asked about', (snapshot) =>
        conditionsOf(snapshot).includes('AwaitingApproval')
          ? patch('Drone', 'one', { spec: { version: 2 } })
          : undefined,
      ),
      quiesce(),
      approve('Drone', 'one'),
      quiesce(),
    ],
  }),
  scenario({
    ...common,
    name: 'the worker chooses otherwise in between',
    steps: [
      create(drone('one', { version: 1 })),
      quiesce(),
      create(configMap('freeze')),
      quiesce(),
      remove('ConfigMap', 'freeze'),
      approve('Drone', 'one'),
      quiesce(),
    ],
  }),
];

function conditionsOf(snapshot: ClusterSnapshot): readonly string[] {
  const { conditions = [] } = (snapshot.get('Drone', 'one')?.status ?? {}) as {
    readonly conditions?: readonly { readonly type: string }[];
  };
  return conditions.map(({ type }) => type);
}

describe('approvals, explored', function () {
  this.timeout(300_000);
  for (const scenarioUnderTest of SCENARIOS) {
    it(`are asked for, given and used once under every single fault: ${scenarioUnderTest.name}`, async () => {
      const { findings, singles, baseline } = await explore(
        { scheduler: () => releasing().scheduler },
        {
          ...scenarioUnderTest,
          invariants: {
            'nobody is in Live without an approval': (snapshot) =>
              statusOf(snapshot).phase !== 'Live' ||
              (statusOf(snapshot).autopilot?.approved ?? '') !== '',
          },
        },
      );
      expect(
        findings.map(
          ({ violation, token }) => `${violation.invariant}: ${violation.detail} (${token})`,
        ),
      ).to.deep.equal([]);
      expect(singles[0]).to.equal(singles[1]).and.to.be.greaterThan(100);
      expect(baseline.resources.map(({ status }) => (status as DroneStatus).phase)).to.deep.equal([
        'Live',
      ]);
    });
  }

  it('finds an operator that asks nobody once it was started again: what a person waits for does not come', async () => {
    const [scenarioUnderTest] = SCENARIOS as readonly [Scenario];
    const careless = ({ scheduler, ...options }: OperatorOptions): Operator =>
      startOperator({
        ...options,
        scheduler: {
          ...scheduler,
          phases: scheduler.phases.map(({ approval: _, ...phase }) => phase),
        },
      });
    const start = (options: OperatorOptions, nth: number): Operator =>
      (nth === 1 ? startOperator : careless)(options);
    const { findings } = await explore(
      { scheduler: () => releasing().scheduler, start },
      scenarioUnderTest,
      {
        maxFindings: 1,
      },
    );
    expect(
      findings.map(({ violation: { invariant, detail } }) => `${invariant}: ${detail}`),
    ).to.deep.equal(["what somebody waits for comes: 'approves Drone one' finds nothing to do"]);
  });

  it('says when a scenario waits for something that never comes', async () => {
    const never = scenario({
      ...common,
      name: 'never',
      steps: [create(drone('one', {})), actWhen('somebody waits for rain', () => undefined)],
    });
    const error = await explore(releasing().scheduler, never).catch((caught: Error) => caught);
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.contains("'never' cannot be run: 'somebody waits for rain' finds nothing to do");
  });
});
