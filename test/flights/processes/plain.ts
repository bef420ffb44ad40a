/** An operator whose workers do nothing wrong. */
import { run } from '../../../runtime/src/index.ts';
import { input, machine } from '../machines.ts';

const { scheduler } = machine({ Working: { inputs: [input.configmaps], sync: () => ({ next: 'Done' }) }, Done: {} });
await run(scheduler);
