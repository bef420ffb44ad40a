/** `npm start [-- --keep]`: runs the demo and prints a summary. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepAlive } from '../runtime/src/util/clock.ts';
import { serveApi } from '../sandbox/src/index.ts';
import { runDemo } from './demo.ts';

const [unknown] = process.argv.slice(2).filter((argument) => argument !== '--keep');
if (unknown !== undefined) {
  console.error(
    `error: unknown option '${unknown}' of npm start; the only option is --keep (run until Ctrl-C)`,
  );
  process.exit(2);
}
const keep = process.argv.includes('--keep');
const keepAliveTimer = keepAlive();
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => resolve());
  }
});

try {
  const demo = await runDemo((line) => console.log(line));
  const { dir, counts } = demo;
  console.log(`
${counts.created} objects created, ${counts.updated} updated, ${counts.pruned} pruned.
The scaffolded project: ${dir}
  autopilot.yaml      the state machine
  src/workers/        one function for each phase
  charts/             the Helm chart of the operator`);
  if (keep) {
    const apiServer = await serveApi(demo.cluster);
    const kubeconfig = join(dir, 'sandbox.kubeconfig');
    writeFileSync(kubeconfig, apiServer.kubeconfig);
    console.log(`\nThe operator keeps running. Look at its cluster with kubectl:
  export KUBECONFIG=${kubeconfig}
  kubectl get autoroutes,services,virtualservices
  kubectl delete deployment shop
  kubectl describe autoroute example
Press Ctrl-C to stop.`);
    await interrupted;
    await apiServer.close();
    console.log('\nstopped');
  }
  await demo.stop();
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  keepAliveTimer.cancel();
}
