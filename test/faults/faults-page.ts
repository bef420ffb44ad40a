/** docs/reference/faults.md, from the figures of a soak. */
import type { AuditResult } from './audit-checks.ts';
import type { MemoryUse } from './replicas.ts';
import type { ScenarioResult } from './run-scenario.ts';

export interface SoakResult {
  readonly resources: number;
  readonly minutes: number;
  readonly seed: number;
  readonly runs: readonly (ScenarioResult & { readonly minute: number })[];
  /** Memory of replica `a` after the baseline runs. */
  readonly level: MemoryUse | undefined;
  readonly audit: AuditResult;
  readonly reconciles: { readonly reconciles: number; readonly overlapping: readonly string[] };
}

const BAR_MB = 2;

export function faultsPage({
  resources,
  minutes,
  seed,
  runs,
  level,
  audit,
  reconciles,
}: SoakResult): string {
  const names = [...new Set(runs.map(({ name }) => name))];
  const rows = names.map((name) => {
    const mine = runs.filter((run) => run.name === name);
    const times = mine.map(({ recoveredMs }) => recoveredMs / 1000).sort((a, b) => a - b);
    const middle = times[Math.floor((times.length - 1) / 2)] ?? 0;
    const lost = mine.flatMap((run) => run.lost?.split('\n', 1) ?? []);
    return `| ${name} | ${mine.reduce((sum, { injected }) => sum + injected, 0)} | ${mine.length} | ${middle.toFixed(0)} s | ${(times.at(-1) ?? 0).toFixed(0)} s | ${lost.length === 0 ? 'nothing' : lost.join('; ')} |`;
  });
  const levels = [{ minute: 0, memory: level }, ...runs].flatMap(({ minute, memory }) =>
    memory === undefined ? [] : [{ minute, ...memory }],
  );
  const curve = levels.map(
    ({ minute, heapMb, ownMb, rssMb, peakMb }) =>
      `${minute.toFixed(1).padStart(6)}  ${heapMb.toFixed(1).padStart(5)}  ${[ownMb, rssMb, peakMb].map((mb) => mb.toFixed(0).padStart(5)).join('  ')}  ${'█'.repeat(Math.round(heapMb / BAR_MB))}`,
  );
  return [
    '# Real faults',
    '',
    'Written by `node --conditions=autopilot-source bench/soak.ts`. Do not edit.',
    'The layer `faults` of `npm test` is a shorter run.',
    '',
    `${resources} resources of a generated operator with the RBAC rules of its chart.`,
    `${minutes.toFixed(0)} minutes, seed ${seed}, a computer with two cores that does other work too.`,
    'A proxy between the operator and a real API server injects faults. Processes are killed, frozen',
    'and given wrong clocks. In each scenario all resources change their spec under the fault and go',
    'through three phases with timed steps. Some outputs are deleted by hand, and some resources are',
    'deleted and created again. Only watches and timers enqueue resources.',
    '',
    '*Recovered in* is the time from the end of the fault until the cluster has the state of the',
    'baseline run: phases, conditions (without times and messages) and all owned objects (without',
    'server-set fields). The time includes the steps of the resources, which take a few seconds. A',
    'silent watch is given up after 130 s, when two bookmarks are missing.',
    '',
    '| fault | times injected | scenarios | recovered in (median) | (longest) | lost |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '## At every instant',
    '',
    '| invariant | checked | violated |',
    '|---|---|---|',
    `| no write by a process while another one holds the lease (audit log; the lease changed hands ${audit.leaders} times) | ${audit.writes} writes | ${audit.byNonLeaders.length} |`,
    `| phases change along \`next\` only (audit log) | ${audit.transitions} transitions | ${audit.wrongTransitions.length} |`,
    `| no resource in two reconciles at once, over all processes | ${reconciles.reconciles} reconciles | ${reconciles.overlapping.length} |`,
    '',
    '## Memory',
    '',
    'Memory of one replica after each scenario and a garbage collection. The later faults end',
    'processes: a lower value is of a new process or of a standby. Node has the options of the',
    'generated Dockerfile. *own* is RSS without file pages (mostly Node itself). *peak* is the',
    'highest RSS since the process began. The memory limit of the chart is 256 MiB.',
    '',
    '```text',
    'minute   heap    own    RSS   peak  (MB)',
    ...curve,
    '```',
    '',
  ].join('\n');
}
