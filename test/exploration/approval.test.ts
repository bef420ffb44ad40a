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
 * Goes live, with the version that its spec names, after an approval. The ConfigMap `freeze` keeps
 * it in Staged.
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

const common: Pick<Scenario, 'config' | 'ignoredFields' | 'ignoredFaults'> = {
  config: { workInterval: '10m' },
  // Live does not look after the Service of Staged.
  ignoredFaults: ['output-deleted', 'output-edited', 'output-contested'],
  ignoredFields: ['Service.spec.clusterIP', 'Service.spec.clusterIPs'],
};
const SCENARIOS: readonly Scenario[] = [
  scenario({
    ...common,
    name: 'two versions are approved',
    steps: [
      create(drone('one', { version: 1 })),
      approve('Drone', 'one', { phase: 'Live' }),
      quiesce(),
      patch('Drone', 'one', { spec: { version: 2 } }),
      approve('Drone', 'one', { phase: 'Live' }),
      quiesce(),
    ],
  }),
  scenario({
    ...common,
    name: 'a version changes while an approval is pending',
    steps: [
      create(drone('one', { version: 1 })),
      actWhen('a user sets another version while the first one awaits approval', (snapshot) =>
        conditionsOf(snapshot).includes('AwaitingApproval')
          ? patch('Drone', 'one', { spec: { version: 2 } })
          : undefined,
      ),
      quiesce(),
      approve('Drone', 'one', { phase: 'Live' }),
      quiesce(),
    ],
  }),
  scenario({
    ...common,
    name: 'the worker chooses another phase in between',
    steps: [
      create(drone('one', { version: 1 })),
      quiesce(),
      create(configMap('freeze')),
      quiesce(),
      remove('ConfigMap', 'freeze'),
      approve('Drone', 'one', { phase: 'Live' }),
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
            'no resource is in Live without an approval': (snapshot) =>
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

  it('finds an operator that asks for no approval after a restart: the approving user waits in vain', async () => {
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
    ).to.deep.equal([
      "each step of the scenario finds what it waits for: 'approves Live of Drone one' finds nothing to do",
    ]);
  });

  it('reports a scenario that waits for something that never happens', async () => {
    const never = scenario({
      ...common,
      name: 'never',
      steps: [create(drone('one', {})), actWhen('a user waits for rain', () => undefined)],
    });
    const error = await explore(releasing().scheduler, never).catch((caught: Error) => caught);
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.contains("'never' cannot be run: 'a user waits for rain' finds nothing to do");
  });
});
