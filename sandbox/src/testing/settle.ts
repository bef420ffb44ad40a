/** Lets everything happen that is due at one moment of virtual time. */
import type { Operator } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Cluster } from '../cluster/cluster.ts';

/**
 * Turns without any activity after which a flight that still waits for something else (a file, a
 * socket) is left alone.
 */
const IDLE_TURNS = 50;
/** Turns of one moment: a machine that never comes to rest is told so. */
const MAX_TURNS = 100_000;

/**
 * Resolves when nothing is due: no sync under way, no event undelivered, no timer due now.
 * @throws Error when the machine does not come to rest: it changes something in every sync.
 */
export async function settle(
  cluster: Cluster,
  clock: VirtualClock,
  operator: Pick<Operator, 'pendingCount'> | undefined,
): Promise<void> {
  let idle = 0;
  for (let turns = 0; turns < MAX_TURNS; turns++) {
    const before = cluster.version;
    await nextEventLoopTurn();
    let fired = false;
    while (clock.fire()) {
      fired = true;
    }
    const isQuiet = cluster.undeliveredEvents === 0 && (operator?.pendingCount() ?? 0) === 0;
    idle = fired || cluster.version !== before ? 0 : idle + 1;
    if (idle >= (isQuiet ? 2 : IDLE_TURNS)) {
      return;
    }
  }
  throw new Error(
    `the operator does not reach quiescence: it was still at work after ${MAX_TURNS} turns of one moment`,
  );
}

/**
 * After all promises that can be settled now: everything in the sandbox answers within one turn.
 */
function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
