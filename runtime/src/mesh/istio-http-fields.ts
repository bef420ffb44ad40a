/** Builders of two fields of an Istio HTTP route: `fault` and `match`. */
import { parseDuration } from '../api/duration.ts';
import type { Duration } from '../api/spec-types.ts';
import { checkPercent, invalidRoute } from './weights.ts';

/**
 * Faults that proxies inject into the requests of a route. Percentages are greater than 0 and at
 * most 100, and may have decimals.
 */
export interface HttpFault {
  /** Delays `percent` of the requests by the duration `fixed`, at least 1 ms. */
  readonly delay?: { readonly percent: number; readonly fixed: Duration };
  /**
   * Answers `percent` of the requests without a server: with an HTTP status from 200 to 599, or
   * with a gRPC status such as `UNAVAILABLE`.
   */
  readonly abort?: { readonly percent: number } & (
    | { readonly httpStatus: number }
    | { readonly grpcStatus: string }
  );
}

/** `fault` of an HTTP route, in Istio's form. Made by `faultField`. */
export interface HttpFaultField {
  /** Delay of requests. */
  readonly delay?: { readonly fixedDelay: string; readonly percentage: { readonly value: number } };
  /** Abortion of requests. */
  readonly abort?: {
    readonly httpStatus?: number;
    readonly grpcStatus?: string;
    readonly percentage: { readonly value: number };
  };
}

/**
 * Builds `fault` of an HTTP route. Istio accepts a fault without a percentage and injects nothing;
 * this function refuses it.
 *
 * @param place the route, for error messages. Default: `fault`.
 * @throws PermanentError when a value is one that Istio would ignore or refuse.
 * @example
 * ```ts
 * faultField({ delay: { percent: 10, fixed: '2s' }, abort: { percent: 1, httpStatus: 503 } });
 * ```
 */
export function faultField({ delay, abort }: HttpFault, place = 'fault'): HttpFaultField {
  if (delay === undefined && abort === undefined) {
    throw invalidRoute(place, 'a fault needs a delay, an abort, or both');
  }
  if (delay !== undefined) {
    checkPercent(delay.percent, `${place}, delay`);
    if (milliseconds(delay.fixed, `${place}, delay`) < 1) {
      throw invalidRoute(`${place}, delay`, `fixed must be at least 1ms, found ${delay.fixed}`);
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

/**
 * What users of `headerMatch` write: a string for the exact value, or a prefix, or a regular
 * expression in RE2 syntax that matches the whole value. `StringMatch` is the same in Istio's form.
 */
export type HeaderValueMatch =
  | string
  | {
      /** Beginning of the value. */
      readonly prefix: string;
    }
  | {
      /** Regular expression (RE2) for the whole value. */
      readonly regex: string;
    };

/** A condition on a string in Istio's form, as VirtualServices store it. One field is given. */
export interface StringMatch {
  /** The whole string. */
  readonly exact?: string;
  /** Beginning of the string. */
  readonly prefix?: string;
  /** Regular expression (RE2) for the whole string. */
  readonly regex?: string;
}

/**
 * Builds an entry of `match` of an HTTP route: requests that have all of these headers.
 *
 * @param headers conditions by header name. Names are in lower case, as Istio compares them.
 * @param place the route, for error messages. Default: `match`.
 * @throws PermanentError when no header is given, or a name is not a header name in lower case.
 * @example
 * ```ts
 * headerMatch({ 'x-canary': 'always', cookie: { regex: '.*tester=1.*' } });
 * ```
 */
export function headerMatch(
  headers: Readonly<Record<string, HeaderValueMatch>>,
  place = 'match',
): { readonly headers: Readonly<Record<string, StringMatch>> } {
  const entries = Object.entries(headers);
  if (entries.length === 0) {
    throw invalidRoute(place, 'no header is given; the match would apply to every request');
  }
  for (const [name] of entries) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) {
      throw invalidRoute(
        place,
        `header names must be in lower case, as Istio compares them, found '${name}'`,
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
