/**
 * A process with a floating promise that is rejected, or with a timer that throws, inside or
 * outside of a reconcile.
 */
import { runInReconcile } from '../../../../runtime/src/observability/reconcile-context.ts';
import { run } from '../../../../runtime/src/operator/run.ts';
import { defineTestOperator } from '../../../integration/test-operators.ts';

const sync = { resource: 'x/one', phase: 'Evaluating', reconcileId: '7' };
const leave = async (): Promise<void> => {
  void Promise.reject(new Error('unhandled error'));
};
const arm = async (): Promise<void> => {
  setTimeout(() => {
    throw new Error('uncaught error');
  }, 0);
};
const [what, elsewhere] = (process.argv[2] ?? '').split(' ');
const act = what === 'timer' ? arm : leave;
void (what === 'worker' || (what === 'timer' && elsewhere === undefined)
  ? runInReconcile(sync, act)
  : act());
await run(defineTestOperator({ A: {} }).scheduler);
