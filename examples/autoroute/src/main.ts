/** Runs the operator: `node src/main.ts`. It uses KUBECONFIG, or the service account of its Pod. */
import { run } from 'autopilot-runtime';
import { scheduler } from './generated/scheduler.ts';

await run(scheduler);
