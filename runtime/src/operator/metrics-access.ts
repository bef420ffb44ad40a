/**
 * Decides who may read `/metrics` (`secureMetrics` in autopilot-operator.yaml). The API server says
 * whose token a request carries (TokenReview), and whether that user may get the path
 * (SubjectAccessReview).
 *
 * Guarantees:
 * - An allowed token is asked about once a minute, a refused one once in ten seconds.
 * - Refused tokens never displace the decisions for allowed ones.
 * - Tokens are kept as hashes, and no message shows one.
 */
import { createHash } from 'node:crypto';
import type { Logger } from '../api/worker.ts';
import { messageOf } from '../client/errors.ts';
import type { KubeApi } from '../client/kube-api.ts';
import type { KubeObject, ResourceType } from '../client/object.ts';
import type { Clock } from '../util/clock.ts';

/** Time for which the decision for an allowed token is kept, in milliseconds. */
const ALLOWED_MS = 60_000;
/** Time for which the decision for a refused token is kept, in milliseconds. */
const REFUSED_MS = 10_000;
/** Number of decisions of each sort that are kept. */
const MAX_ANSWERS = 500;
/** Time that the API server may take for both reviews, in milliseconds. */
const REVIEW_MS = 5_000;
/** Shortest time between two log lines about an API server that does not respond. */
const LOG_INTERVAL_MS = 60_000;

const TOKEN_REVIEW: ResourceType = {
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  namespaced: false,
};
const SUBJECT_ACCESS_REVIEW: ResourceType = {
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
};

/** Whether a request may read the metrics. A refusal is an HTTP status and its reason. */
export type AccessDecision =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: 401 | 403 | 503; readonly reason: string };

/** Decides about a request by its header `Authorization`. Never rejects. */
export type CheckAccess = (authorization: string | undefined) => Promise<AccessDecision>;

/** What the check needs. */
export interface MetricsAccessOptions {
  readonly api: Pick<KubeApi, 'create'>;
  readonly clock: Clock;
  readonly log: Logger;
}

const NO_TOKEN: AccessDecision = {
  allowed: false,
  status: 401,
  reason: 'the metrics need a bearer token',
};
const UNKNOWN_TOKEN: AccessDecision = {
  allowed: false,
  status: 401,
  reason: 'the API server does not accept the bearer token',
};
const NO_ANSWER: AccessDecision = {
  allowed: false,
  status: 503,
  reason: 'the API server cannot be asked who may read the metrics',
};

/** Creates the check of one process, with its own kept answers. */
export function createMetricsAccess(options: MetricsAccessOptions): CheckAccess {
  const access = new MetricsAccess(options);
  return (authorization) => access.check(authorization);
}

interface Answer {
  readonly decision: AccessDecision;
  /** Monotonic time at which the API server is asked again. */
  readonly until: number;
}

class MetricsAccess {
  readonly #options: MetricsAccessOptions;
  readonly #allowed = new Map<string, Answer>();
  readonly #refused = new Map<string, Answer>();
  /** Reviews that are under way, so that a token is asked about once at a time. */
  readonly #reviews = new Map<string, Promise<AccessDecision>>();
  #lastLoggedAt = -Infinity;

  constructor(options: MetricsAccessOptions) {
    this.#options = options;
  }

  async check(authorization: string | undefined): Promise<AccessDecision> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) {
      return NO_TOKEN;
    }
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#allowed.get(hash) ?? this.#refused.get(hash);
    if (known !== undefined && this.#options.clock.monotonic() < known.until) {
      return known.decision;
    }
    let review = this.#reviews.get(hash);
    if (review === undefined) {
      review = this.#review(token, hash).finally(() => this.#reviews.delete(hash));
      this.#reviews.set(hash, review);
    }
    return review;
  }

  async #review(token: string, hash: string): Promise<AccessDecision> {
    const { api, clock } = this.#options;
    const limit = new AbortController();
    const timer = clock.after(REVIEW_MS, () =>
      limit.abort(new Error(`no response within ${REVIEW_MS} ms`)),
    );
    try {
      const decision = await askApiServer(api, token, limit.signal);
      this.#keep(hash, decision);
      return decision;
    } catch (error) {
      this.#logFailure(error);
      return NO_ANSWER;
    } finally {
      timer.cancel();
    }
  }

  #keep(hash: string, decision: AccessDecision): void {
    this.#allowed.delete(hash);
    this.#refused.delete(hash);
    const answers = decision.allowed ? this.#allowed : this.#refused;
    const keptMs = decision.allowed ? ALLOWED_MS : REFUSED_MS;
    answers.set(hash, { decision, until: this.#options.clock.monotonic() + keptMs });
    const [oldest] = answers.keys();
    if (answers.size > MAX_ANSWERS && oldest !== undefined) {
      answers.delete(oldest);
    }
  }

  #logFailure(error: unknown): void {
    const { clock, log } = this.#options;
    if (clock.monotonic() - this.#lastLoggedAt < LOG_INTERVAL_MS) {
      return;
    }
    this.#lastLoggedAt = clock.monotonic();
    log.warn('metrics are refused, because the API server cannot be asked who may read them', {
      error: messageOf(error),
    });
  }
}

interface TokenStatus {
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

async function askApiServer(
  api: Pick<KubeApi, 'create'>,
  token: string,
  signal: AbortSignal,
): Promise<AccessDecision> {
  const tokenReview = await api.create(
    TOKEN_REVIEW,
    reviewOf(TOKEN_REVIEW, { token }),
    undefined,
    signal,
  );
  const { authenticated, user = {} } = (tokenReview.status ?? {}) as TokenStatus;
  if (authenticated !== true) {
    return UNKNOWN_TOKEN;
  }
  const { username: name, ...identity } = user;
  const spec = {
    user: name,
    ...identity,
    nonResourceAttributes: { path: '/metrics', verb: 'get' },
  };
  const accessReview = await api.create(
    SUBJECT_ACCESS_REVIEW,
    reviewOf(SUBJECT_ACCESS_REVIEW, spec),
    undefined,
    signal,
  );
  const { allowed } = (accessReview.status ?? {}) as { readonly allowed?: boolean };
  return allowed === true
    ? { allowed: true }
    : { allowed: false, status: 403, reason: `${name} may not get the path /metrics` };
}

function reviewOf({ group, version, kind }: ResourceType, spec: object): KubeObject {
  // A review is not stored and has no name.
  return { apiVersion: `${group}/${version}`, kind, metadata: { name: '' }, spec };
}
