/** A process in which a worker has left a promise behind that nobody waits for. */
import { during } from '../../../../runtime/src/observe/current.ts';
import { run } from '../../../../runtime/src/operator/run.ts';
import { machine } from '../../../flights/machines.ts';

void during({ resource: 'x/one', phase: 'Evaluating', sync: '7' }, async () => {
  void Promise.reject(new Error('nobody waits'));
});
await run(machine({ A: {} }).scheduler);
