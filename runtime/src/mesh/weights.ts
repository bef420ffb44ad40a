/** How requests are divided among destinations. */
import { PermanentError } from '../api/worker.ts';

/** Whole percents by destination, 100 together: `{ primary: 90, canary: 10 }`. */
export type Weights = Readonly<Record<string, number>>;

/**
 * Istio's webhook and the Gateway API take weights of any sum and proxies normalise them: 90 and 20
 * would not be what anybody meant.
 *
 * @throws PermanentError when a weight is not a whole number from 0 to 100, or they do not add up
 * to 100
 */
export function checkWeights(weights: Weights, place: string): void {
  const entries = Object.entries(weights);
  for (const [destination, weight] of entries) {
    if (!Number.isInteger(weight) || weight < 0 || weight > 100) {
      throw invalidRoute(
        place,
        `the weight of ${destination} must be a whole number from 0 to 100, found ${weight}`,
      );
    }
  }
  const sum = entries.reduce((total, [, weight]) => total + weight, 0);
  if (sum === 100) {
    return;
  }
  const found = entries.map(([destination, weight]) => `${destination} ${weight}`).join(', ');
  throw invalidRoute(place, `weights must add up to 100, found ${sum} (${found || 'none at all'})`);
}

/**
 * @throws PermanentError when it is not above 0 and at most 100. Proxies take no percentage for
 * none at all, and would do nothing.
 */
export function checkPercent(percent: number, place: string): void {
  if (!(percent > 0 && percent <= 100)) {
    throw invalidRoute(place, `percent must be above 0 and at most 100, found ${percent}`);
  }
}

/** Asking again does not help; another spec, or another route, may. */
export function invalidRoute(place: string, problem: string): PermanentError {
  return new PermanentError(`${place}: ${problem}`, 'InvalidRoute');
}
