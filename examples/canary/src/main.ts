/** The operator: `node src/main.ts`, against KUBECONFIG or inside a cluster. */
import { run } from 'autopilot-runtime';
import { scheduler } from './generated/scheduler.ts';

await run(scheduler);
