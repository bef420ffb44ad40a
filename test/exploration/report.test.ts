import { expect } from 'chai';
import { formatExploration } from '../../sandbox/src/verify/exploration-report.ts';
import type { Exploration, Scenario } from '../../sandbox/src/exploration/index.ts';
import {
  approve,
  create,
  explore,
  formatTrace,
  patch,
  quiesce,
  runScenario,
  scenario,
  wait,
} from '../../sandbox/src/exploration/index.ts';
import type { TestOperator } from '../integration/test-operators.ts';
import {
  configMap,
  defineTestOperator,
  drone,
  input,
  output,
  service,
} from '../integration/test-operators.ts';

const FEW_RUNS = { hasBudget: (runs: number): boolean => runs < 20 };

const life = (more: Partial<Scenario> = {}): Scenario =>
  scenario({ name: 'life', steps: [create(drone('one')), quiesce()], ...more });

const explored = (
  { scheduler }: TestOperator,
  scenarioUnderTest: Scenario,
  options: Parameters<typeof explore>[2] = FEW_RUNS,
): Promise<Exploration> => explore(scheduler, scenarioUnderTest, options);

/** Notes the time of its last measurement in each minute. */
const measuring = (): TestOperator =>
  defineTestOperator({
    Measuring: {
      ready: true,
      sync: ({ now }) => ({
        next: 'Measuring',
        requeueAfter: '1m',
        statusInfo: { measured: { at: now.toISOString() } },
      }),
    },
  });

/** Asks every 5 s whether the ConfigMap `go` exists. */
const polling = (): TestOperator =>
  defineTestOperator({
    Waiting: {
      inputs: [input.configmaps],
      sync: ({ inputs }) => ({
        next: inputs['configmaps']?.get('go') === undefined ? 'Waiting' : 'Gone',
        requeueAfter: '5s',
      }),
    },
    Gone: {},
  });

/** Goes live after an approval, and makes a Service. */
const releasing = (): TestOperator =>
  defineTestOperator({
    Staged: { sync: () => ({ next: 'Live' }) },
    Live: {
      ready: true,
      approval: 'required',
      outputs: [output.services],
      sync: () => ({ next: 'Live', outputs: { services: [service('live')] } }),
    },
  });

describe('a run that never rests', () => {
  it('is a finding that names the field which changes, and how to ignore it', async () => {
    const { findings } = await explored(measuring(), life());
    expect(findings.map(({ violation }) => violation.invariant)).to.deep.equal([
      'the operator reaches quiescence',
    ]);
    expect(findings[0]?.violation.detail)
      .to.match(/Drone one status\.measured\.at \(\d+ times, at last ".*" → ".*"\)/)
      .and.contain("ignoredFields: ['Drone.status.measured.at']");
  });

  it('rests if only fields change that the scenario ignores', async () => {
    const ignoring = life({ ignoredFields: ['Drone.status.measured.at'] });
    const { findings, singles } = await explored(measuring(), ignoring);
    expect(findings.map(({ violation }) => violation)).to.deep.equal([]);
    expect(singles[1]).to.be.within(10, 300);
  });
});

describe('equal polls', () => {
  it('are one situation: an hour of polling has few fault sites', async () => {
    const steps = [create(drone('one')), wait('1h'), create(configMap('go')), quiesce()];
    const { baseline, findings } = await explored(polling(), life({ steps }));
    expect(findings.map(({ violation }) => violation)).to.deep.equal([]);
    expect(
      baseline.trace.filter(({ what }) => what.startsWith('calls Waiting')).length,
    ).to.be.greaterThan(700);
    expect(baseline.faultSites.length).to.be.lessThan(60);
    expect(baseline.faultSites.map(({ situation }) => situation)).to.include(
      '1 Waiting calls Waiting',
    );
  });

  it('keep the last of them, which sees what comes next', async () => {
    const steps = [create(drone('one')), wait('1h'), create(configMap('go')), quiesce()];
    const { baseline } = await explored(polling(), life({ steps }));
    const calls = baseline.faultSites.filter(({ type }) => type === 'call');
    expect(calls.at(-1)?.nth).to.equal(
      baseline.trace.filter(({ what }) => what.startsWith('calls ')).length,
    );
  });
});

describe('approve', () => {
  const failureOf = (steps: Scenario['steps']): Promise<string> =>
    explored(releasing(), life({ steps })).then(
      () => 'none',
      (error: Error) => error.message,
    );

  it('approves the phase that it names and no other one', async () => {
    expect(
      await failureOf([create(drone('one')), approve('Drone', 'one', { phase: 'Live' })]),
    ).to.equal('none');
    expect(
      await failureOf([create(drone('one')), approve('Drone', 'one', { phase: 'Gone' })]),
    ).to.contain("'approves Gone of Drone one' finds nothing to do");
  });

  it('is not satisfied twice by one request', async () => {
    const once = approve('Drone', 'one', { phase: 'Live' });
    expect(await failureOf([create(drone('one')), once, once])).to.contain(
      "'approves Live of Drone one' finds nothing to do",
    );
  });
});

describe('a trace', () => {
  it('shows what a write of status has changed', async () => {
    const { trace } = await runScenario({ scheduler: polling().scheduler }, life(), {});
    const text = formatTrace(trace);
    expect(text).to.match(/Drone one: status\.phase \(absent\) → "Waiting"/);
  });
});

describe('the report of an exploration', () => {
  it('marks a scenario whose resource never leaves its first phase, and says what is missing', async () => {
    const report = formatExploration(await explored(polling(), life()));
    expect(report)
      .to.match(/^○ life: .*; nothing after the first phase was checked$/m)
      .and.contain('entered: Waiting; never entered: Gone')
      .and.contain('no Drone leaves the first phase Waiting')
      .and.match(/Ready=False, \w+: /)
      .and.contain('there is no ConfigMap');
  });

  it('takes a resting phase for an end: a first phase that rests holds nothing back', async () => {
    const resting = defineTestOperator({
      Kept: { resting: true, sync: () => ({ next: 'Kept' }) },
      Gone: {},
    });
    expect(formatExploration(await explored(resting, life())))
      .to.match(/^✔ life: /m)
      .and.not.contain('leaves the first phase');
  });

  it('takes a resting phase for an end: a changed spec leads from it to the first phase', async () => {
    const resting = defineTestOperator({
      Waiting: { sync: () => ({ next: 'Kept' }) },
      Kept: { resting: true, next: ['Kept'], sync: () => ({ next: 'Kept' }) },
    });
    const changed = life({
      steps: [
        create(drone('one')),
        quiesce(),
        patch('Drone', 'one', { spec: { wish: 2 } }),
        quiesce(),
      ],
    });
    expect((await explored(resting, changed)).findings).to.deep.equal([]);
  });

  it('names the phases that no run has entered', async () => {
    const report = formatExploration(await explored(releasing(), life()));
    expect(report).to.contain('never entered: Live');
    const whole = life({
      steps: [create(drone('one')), approve('Drone', 'one', { phase: 'Live' }), quiesce()],
    });
    expect(formatExploration(await explored(releasing(), whole)))
      .to.match(/^✔ life: /)
      .and.not.contain('never entered');
  });

  it('says what a fault does, and how a scenario accepts another end', async () => {
    let calls = 0;
    const counting = defineTestOperator({
      Waiting: {
        outputs: [output.services],
        sync: () => ({ next: 'Gone', outputs: { services: [service(`live-${++calls}`)] } }),
      },
      Gone: {},
    });
    const report = formatExploration(await explored(counting, life()));
    expect(report)
      .to.match(/^✘ life: .*; one invariant was violated$/m)
      .and.contain('Violated: the final state is that of the baseline run')
      .and.contain("return true for it from the scenario's `accepts`")
      .and.contain('`ignoredFields`');
  });

  it('says how a scenario leaves out an act that no user would do', async () => {
    const found = await explored(releasing(), life());
    const finding = {
      violation: { invariant: 'the Service is there', detail: 'it is not', at: 0 },
      faults: [{ kind: 'output-deleted', nth: 1 }],
      foundInRun: 1,
      occurrences: 1,
      trace: [],
      token: 'life~1~output-deleted@1',
    } as const;
    const act = formatExploration({ ...found, findings: [finding] });
    expect(act).to.contain("`ignoredFaults`: ['output-deleted']");
    const crash = { ...finding, faults: [{ kind: 'crash', nth: 1 }] } as const;
    expect(formatExploration({ ...found, findings: [crash] })).not.to.contain('ignoredFaults');
  });
});
