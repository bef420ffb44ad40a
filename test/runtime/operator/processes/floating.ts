/**
 * A process in which a worker, or somebody else, has left something behind: a promise that nobody
 * waits for, or a timer that throws.
 */
import { runInReconcile } from '../../../../runtime/src/observability/reconcile-context.ts';
import { run } from '../../../../runtime/src/operator/run.ts';
import { defineTestOperator } from '../../../integration/test-operators.ts';

const sync = { resource: 'x/one', phase: 'Evaluating', reconcileId: '7' };
const leave = async (): Promise<void> => {
  void Promise.reject(new Error('nobody waits'));
};
const arm = async (): Promise<void> => {
  setTimeout(() => {
    throw new Error('nobody catches');
  }, 0);
};
const [what, elsewhere] = (process.argv[2] ?? '').split(' ');
const act = what === 'timer' ? arm : leave;
void (what === 'worker' || (what === 'timer' && elsewhere === undefined)
  ? runInReconcile(sync, act)
  : act());
await run(defineTestOperator({ A: {} }).scheduler);
