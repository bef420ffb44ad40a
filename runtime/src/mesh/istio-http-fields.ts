/** What a route of Istio may do with requests beside sending them somewhere. */
import { parseDuration } from '../api/duration.ts';
import type { Duration } from '../api/spec-types.ts';
import { checkPercent, invalidRoute } from './weights.ts';

/**
 * Of the requests, `percent` wait, or end with a status without reaching a server. Percents may
 * have decimals.
 */
export interface HttpFault {
  readonly delay?: { readonly percent: number; readonly fixed: Duration };
  readonly abort?: { readonly percent: number } & (
    | { readonly httpStatus: number }
    | { readonly grpcStatus: string }
  );
}

export interface HttpFaultField {
  readonly delay?: { readonly fixedDelay: string; readonly percentage: { readonly value: number } };
  readonly abort?: {
    readonly httpStatus?: number;
    readonly grpcStatus?: string;
    readonly percentage: { readonly value: number };
  };
}

/**
 * `fault` of an HTTP route. Istio takes a fault without percentage and injects nothing, and drops
 * the kinds that are not here.
 *
 * @throws PermanentError when it would not be injected
 */
export function faultField({ delay, abort }: HttpFault, place = 'fault'): HttpFaultField {
  if (delay === undefined && abort === undefined) {
    throw invalidRoute(place, 'a fault needs a delay, an abort, or both');
  }
  if (delay !== undefined) {
    checkPercent(delay.percent, `${place}, delay`);
    if (milliseconds(delay.fixed, `${place}, delay`) < 1) {
      throw invalidRoute(`${place}, delay`, `it must be 1ms or longer, found ${delay.fixed}`);
    }
  }
  if (abort !== undefined) {
    checkPercent(abort.percent, `${place}, abort`);
    if (
      'httpStatus' in abort &&
      !(Number.isInteger(abort.httpStatus) && abort.httpStatus >= 200 && abort.httpStatus <= 599)
    ) {
      throw invalidRoute(
        `${place}, abort`,
        `httpStatus must be a status from 200 to 599, found ${abort.httpStatus}`,
      );
    }
    if ('grpcStatus' in abort && !/^[A-Z_]+$/.test(abort.grpcStatus)) {
      throw invalidRoute(
        `${place}, abort`,
        `grpcStatus must be a name such as UNAVAILABLE, found '${abort.grpcStatus}'`,
      );
    }
  }
  return {
    ...(delay && { delay: { fixedDelay: delay.fixed, percentage: { value: delay.percent } } }),
    ...(abort && {
      abort: {
        ...('httpStatus' in abort
          ? { httpStatus: abort.httpStatus }
          : { grpcStatus: abort.grpcStatus }),
        percentage: { value: abort.percent },
      },
    }),
  };
}

/** A text to be found as it is, at the beginning, or a regular expression (RE2) for the whole. */
export type HeaderValueMatch = string | { readonly prefix: string } | { readonly regex: string };

export interface StringMatch {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/**
 * `match` of an HTTP route: requests that carry all of these headers.
 *
 * @param headers by name in small letters, as Istio compares them.
 * @throws PermanentError when a name is none, or there is none
 */
export function headerMatch(
  headers: Readonly<Record<string, HeaderValueMatch>>,
  place = 'match',
): { readonly headers: Readonly<Record<string, StringMatch>> } {
  const entries = Object.entries(headers);
  if (entries.length === 0) {
    throw invalidRoute(place, 'it names no header, and would match every request');
  }
  for (const [name] of entries) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
      throw invalidRoute(
        place,
        `a header's name is written in small letters, as Istio compares it, found '${name}'`,
      );
    }
  }
  return {
    headers: Object.fromEntries(
      entries.map(([name, match]) => [name, typeof match === 'string' ? { exact: match } : match]),
    ),
  };
}

function milliseconds(duration: string, place: string): number {
  try {
    return parseDuration(duration);
  } catch (error) {
    throw invalidRoute(place, (error as Error).message);
  }
}
