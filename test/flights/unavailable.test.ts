import { expect } from 'chai';
import type { Flight } from '../../sandbox/src/index.ts';
import { fly } from '../../sandbox/src/index.ts';
import { Faults, refusal } from './faults.ts';
import type { TestMachine } from './machines.ts';
import { conditions, configMap, drone, input, machine, readyMessage } from './machines.ts';

let flight: Flight;
let faults: Faults;

const said = async (name = 'one'): Promise<readonly string[]> =>
  conditions(await flight.get('Drone', name));
const phase = async (name = 'one'): Promise<string> =>
  (await flight.get('Drone', name))?.status?.phase as string;

describe('an input that cannot be read', () => {
  afterEach(() => flight.stop());
  // @promise inputs/unknown-is-not-absent
  it('is a condition that names it, and nobody is called; an absent kind does not matter where it is optional', async () => {
    const reader = (optional: boolean): TestMachine =>
      machine({
        A: {
          inputs: [{ ...input.configmaps, optional }],
          sync: ({ inputs }) => ({
            next: inputs['configmaps']?.available === false ? 'None' : 'Some',
          }),
        },
        None: {},
        Some: {},
      });
    for (const [optional, code, end] of [
      [false, 404, 'A'],
      [false, 403, 'A'],
      [true, 404, 'None'],
      [true, 403, 'A'],
    ] as const) {
      const flown = reader(optional);
      faults = new Faults();
      faults.fault = ({ verb, kind }) =>
        verb === 'list' && kind === 'ConfigMap'
          ? { when: 'before', error: refusal(code, 'X') }
          : undefined;
      flight = await fly(flown.scheduler, { through: faults.through });
      await flight.create(configMap('a'));
      await flight.create(drone('one'));
      expect(await phase(), `${optional} ${code}`).to.equal(end);
      if (end === 'A') {
        expect([flown.calls.length, await said()]).to.deep.equal([
          0,
          [
            'Ready=False InputUnavailable',
            'Reconciling=True InputUnavailable',
            'InputUnavailable=True InputUnavailable',
          ],
        ]);
        expect(readyMessage(await flight.get('Drone', 'one'))).to.equal(
          `input configmaps cannot be read: refused with ${code}`,
        );
      }
      if (!(optional && code === 403)) {
        await flight.stop();
      }
    }
  });
});
