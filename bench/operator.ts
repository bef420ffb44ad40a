/** Our contender: the operator as every generated project starts it. */
import { run } from '../runtime/src/index.ts';
import { scheduler } from './workload.ts';

await run(scheduler);
