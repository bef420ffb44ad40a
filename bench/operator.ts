/** Our contender: the operator as every generated project starts it. */
import { run } from 'autopilot-runtime';
import { scheduler } from './workload.ts';

await run(scheduler);
