/** A process in which a worker, or somebody else, has left a promise behind that nobody waits for. */
import { during } from '../../../../runtime/src/observe/current.ts';
import { run } from '../../../../runtime/src/operator/run.ts';
import { machine } from '../../../flights/machines.ts';

const leave = async (): Promise<void> => {
  void Promise.reject(new Error('nobody waits'));
};
void (process.argv[2] === 'worker' ? during({ resource: 'x/one', phase: 'Evaluating', sync: '7' }, leave) : leave());
await run(machine({ A: {} }).scheduler);
