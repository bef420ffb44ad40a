/**
 * The baseline of the benchmark: the writes of the operator without watches, caches, queue and
 * conditions. Ten writes run at a time, through the HTTP client of the runtime.
 * With `--watch` the process also reads the two watches of the operator and drops their events.
 * The rest of the difference to the operator is the cost of the runtime.
 * Prints one JSON line: seconds, CPU seconds, transitions.
 */
import type { ResourceType } from 'autopilot-runtime/internal';
import { connect } from 'autopilot-runtime/internal';
import { CONFIG_MAPS, configMap, LAST, NAMESPACE, PHASES, RUNS } from './workload.ts';

const connected = await connect();
const { api } = connected;
const { items } = await api.list(RUNS, { namespace: NAMESPACE });
const waiting = [...items];
const ended = new AbortController();
async function watch(type: ResourceType): Promise<void> {
  const { resourceVersion } = await api.list(type, { namespace: NAMESPACE, limit: 1 });
  for await (const _ of api.watch(type, { resourceVersion }, ended.signal)) {
  }
}
const watches = process.argv.includes('--watch')
  ? [RUNS, CONFIG_MAPS].map((type) => watch(type).catch(() => undefined))
  : [];
const cpu = process.cpuUsage();
const start = performance.now();
await Promise.all(
  Array.from({ length: 10 }, async () => {
    for (let run = waiting.pop(); run !== undefined; run = waiting.pop()) {
      const { name, uid = '' } = run.metadata;
      let { resourceVersion } = run.metadata;
      for (const [index, phase] of PHASES.entries()) {
        const output = configMap(`${name}-0`, phase);
        const owner = { apiVersion: run.apiVersion, kind: run.kind, name, uid, controller: true };
        const labels = {
          'app.kubernetes.io/managed-by': 'bare',
          'bench.autopilot.test/owner-uid': uid,
        };
        const object = {
          ...output,
          metadata: { ...output.metadata, namespace: NAMESPACE, labels, ownerReferences: [owner] },
        };
        await api.apply(CONFIG_MAPS, object, { fieldManager: `bare-${name}`, force: true });
        const next = PHASES[index + 1] ?? LAST;
        const time = new Date().toISOString();
        const condition = {
          type: 'Ready',
          status: 'False',
          reason: next,
          message: '',
          observedGeneration: 1,
          lastTransitionTime: time,
        };
        const status = {
          phase: next,
          observedGeneration: 1,
          conditions: [condition],
          autopilot: { phaseStartedAt: time, history: [] },
        };
        const body = { metadata: { resourceVersion }, status };
        const answer = await api.patch(
          RUNS,
          { namespace: NAMESPACE, name },
          { type: 'merge', body },
          { subresource: 'status', fieldManager: 'bare' },
        );
        ({ resourceVersion } = answer.metadata);
      }
    }
  }),
);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    seconds,
    cpu: (user + system) / 1e6,
    transitions: items.length * PHASES.length,
  }),
);
ended.abort();
await Promise.all(watches);
await connected.close();
