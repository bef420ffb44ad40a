/** docs/reference/faults.md, from the figures of a soak. */
import type { AuditResult } from './audit-checks.ts';
import type { MemoryUse } from './replicas.ts';
import type { ScenarioResult } from './run-scenario.ts';

export interface SoakResult {
  readonly resources: number;
  readonly minutes: number;
  readonly seed: number;
  readonly runs: readonly (ScenarioResult & { readonly minute: number })[];
  /** Of replica `a`, after the quiet runs. */
  readonly level: MemoryUse | undefined;
  readonly audit: AuditResult;
  readonly syncs: { readonly syncs: number; readonly overlapping: readonly string[] };
}

const BAR_MB = 2;

export function faultsPage({
  resources,
  minutes,
  seed,
  runs,
  level,
  audit,
  syncs,
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
    'Written by `node --conditions=autopilot-source bench/soak.ts`; do not edit. A shorter run is the layer `faults` of `npm test`.',
    '',
    `${resources} resources of a generated operator with the rights of its chart, ${minutes.toFixed(0)} minutes, seed ${seed}, a machine of two cores shared with other work.`,
    'Between the operator and a real API server lies a proxy that injects faults; processes are killed, frozen, given wrong clocks.',
    'In each episode all resources change their spec under the fault, and go through three phases with steps at a pace; some outputs are',
    'deleted by hand, some resources deleted and made again. Nothing but watches and their own timers wakes resources.',
    '',
    '*Recovered in* is the time from the end of the fault until the cluster was as a quiet run had left it: phases, conditions',
    '(without times and messages) and all owned objects (without what the server sets). It contains the steps of the resources themselves, a',
    'few seconds, and what the fault had held up. A watch that says nothing any more is given up after 130 s: two bookmarks have not come then.',
    '',
    '| fault | times injected | episodes | recovered in (median) | (longest) | lost |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    '## All the time',
    '',
    '| promise | looked at | broken |',
    '|---|---|---|',
    `| no write by a process while another one holds the lease (audit log; the lease changed hands ${audit.leaders} times) | ${audit.writes} writes | ${audit.byNonLeaders.length} |`,
    `| phases change along \`next\` only (audit log) | ${audit.transitions} transitions | ${audit.wrongTransitions.length} |`,
    `| no resource in two syncs at once, over all processes | ${syncs.syncs} syncs | ${syncs.overlapping.length} |`,
    '',
    '## Memory',
    '',
    'Of one replica, at rest after each episode, after garbage collection. The later faults end processes: a lower value is that of a new one,',
    'or of a standby. Node has the options of the generated Dockerfile. *own* is RSS without the pages of files (Node itself, most of all), *peak*',
    'the highest RSS since the process began; the chart’s limit is 256 MiB.',
    '',
    '```text',
    'minute   heap    own    RSS   peak  (MB)',
    ...curve,
    '```',
    '',
  ].join('\n');
}
