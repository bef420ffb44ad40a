import { expect } from 'chai';
import type { Operator, OperatorOptions } from '../../runtime/src/ports.ts';
import { startOperator } from '../../runtime/src/ports.ts';
import type { Look, Scenario } from '../../sandbox/src/explore/index.ts';
import {
  approve,
  create,
  explore,
  patch,
  react,
  remove,
  rest,
  scenario,
} from '../../sandbox/src/explore/index.ts';
import type { TestMachine } from '../flights/machines.ts';
import { configMap, drone, input, machine, output, service } from '../flights/machines.ts';

/**
 * Goes live, with the version that its spec names, when a person lets it; a ConfigMap can hold it
 * back.
 */
const releasing = (): TestMachine =>
  machine({
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

interface Flown {
  readonly phase?: string;
  readonly live?: number;
  readonly autopilot?: { readonly approved?: string };
}
const statusOf = (look: Look): Flown => (look.get('Drone', 'one')?.status ?? {}) as Flown;

const common: Pick<Scenario, 'config' | 'ignore'> = {
  config: { workIntervalMs: 600_000 },
  ignore: ['Service.spec.clusterIP', 'Service.spec.clusterIPs'],
};
const SCENARIOS: readonly Scenario[] = [
  scenario({
    ...common,
    name: 'two versions are approved',
    steps: [
      create(drone('one', { version: 1 })),
      approve('Drone', 'one'),
      rest(),
      patch('Drone', 'one', { spec: { version: 2 } }),
      approve('Drone', 'one'),
      rest(),
    ],
  }),
  scenario({
    ...common,
    name: 'a version changes while somebody is asked',
    steps: [
      create(drone('one', { version: 1 })),
      react('somebody puts another version there when the first one is asked about', (look) =>
        conditionsOf(look).includes('AwaitingApproval')
          ? patch('Drone', 'one', { spec: { version: 2 } })
          : undefined,
      ),
      rest(),
      approve('Drone', 'one'),
      rest(),
    ],
  }),
  scenario({
    ...common,
    name: 'the worker chooses otherwise in between',
    steps: [
      create(drone('one', { version: 1 })),
      rest(),
      create(configMap('freeze')),
      rest(),
      remove('ConfigMap', 'freeze'),
      approve('Drone', 'one'),
      rest(),
    ],
  }),
];

function conditionsOf(look: Look): readonly string[] {
  const { conditions = [] } = (look.get('Drone', 'one')?.status ?? {}) as {
    readonly conditions?: readonly { readonly type: string }[];
  };
  return conditions.map(({ type }) => type);
}

describe('approvals, explored', function () {
  this.timeout(300_000);
  for (const flight of SCENARIOS) {
    it(`are asked for, given and used once under every single fault: ${flight.name}`, async () => {
      const { findings, singles, quiet } = await explore(
        { scheduler: () => releasing().scheduler },
        {
          ...flight,
          invariants: {
            'nobody is in Live without an approval': (look) =>
              statusOf(look).phase !== 'Live' || (statusOf(look).autopilot?.approved ?? '') !== '',
          },
        },
      );
      expect(
        findings.map(
          ({ violation, token }) => `${violation.promise}: ${violation.detail} (${token})`,
        ),
      ).to.deep.equal([]);
      expect(singles[0]).to.equal(singles[1]).and.to.be.greaterThan(100);
      expect(quiet.resources.map(({ status }) => (status as Flown).phase)).to.deep.equal(['Live']);
    });
  }

  it('finds an operator that asks nobody once it was started again: what a person waits for does not come', async () => {
    const [flight] = SCENARIOS as readonly [Scenario];
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
    const { findings } = await explore({ scheduler: () => releasing().scheduler, start }, flight, {
      findings: 1,
    });
    expect(
      findings.map(({ violation: { promise, detail } }) => `${promise}: ${detail}`),
    ).to.deep.equal(["what somebody waits for comes: 'approves Drone one' finds nothing to do"]);
  });

  it('says when a scenario waits for something that never comes', async () => {
    const never = scenario({
      ...common,
      name: 'never',
      steps: [create(drone('one', {})), react('somebody waits for rain', () => undefined)],
    });
    const error = await explore(releasing().scheduler, never).catch((caught: Error) => caught);
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.contains("'never' cannot be flown: 'somebody waits for rain' finds nothing to do");
  });
});
