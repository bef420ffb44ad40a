/**
 * An operator whose workers do nothing wrong, but for the resource `endless`: its worker hears no
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
