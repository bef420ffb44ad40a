/**
 * An operator whose workers succeed, except for the resource `endless`: its worker ignores the
 * signal.
 */
import { run } from '../../../runtime/src/index.ts';
import { input, defineTestOperator } from '../test-operators.ts';

const { scheduler } = defineTestOperator({
  Working: {
    inputs: [input.configmaps],
    sync: ({ resource }) =>
      resource.metadata.name === 'endless' ? new Promise(() => undefined) : { next: 'Done' },
  },
  Done: {},
});
await run(scheduler);
