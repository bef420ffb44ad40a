/** The contender `autopilot`: the operator, started as in a generated project. */
import { run } from 'autopilot-runtime';
import { scheduler } from './workload.ts';

await run(scheduler);
