/**
 * A process in which a worker, or somebody else, has left something behind: a promise that nobody
 * waits for, or a timer that throws.
 */
import { during } from '../../../../runtime/src/observe/current.ts';
import { run } from '../../../../runtime/src/operator/run.ts';
import { machine } from '../../../flights/machines.ts';

const sync = { resource: 'x/one', phase: 'Evaluating', sync: '7' };
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
  ? during(sync, act)
  : act());
await run(machine({ A: {} }).scheduler);
