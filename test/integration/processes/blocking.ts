/** An operator whose worker never ends for the resource `stuck`, and blocks the event loop. */
import { run } from '../../../runtime/src/index.ts';
import { defineTestOperator } from '../test-operators.ts';

const { scheduler } = defineTestOperator({
  Evaluating: {
    sync: ({ resource }) => {
      while (resource.metadata.name === 'stuck') {}
      return { next: 'Done' };
    },
  },
  Done: {},
});
await run(scheduler);
