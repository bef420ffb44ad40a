/** Runs everything that is due at one moment of virtual time. */
import type { Operator } from 'autopilot-runtime/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Cluster } from '../cluster/cluster.ts';

/**
 * Turns without any activity after which the sandbox no longer waits for work of the operator that
 * depends on something else, such as a file or a socket.
 */
const IDLE_TURNS = 50;
/** Turns of one moment after which the operator counts as looping. */
const MAX_TURNS = 100_000;

/**
 * Waits until nothing is due: no reconcile is running, no watch event is undelivered and no timer
 * is due now.
 *
 * @throws Error when the operator does not reach quiescence because each reconcile changes
 * something.
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

/** Runs all promises that can be settled now. The sandbox responds within one turn. */
function nextEventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
