import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/client/object.ts';
import { ConnectionError } from '../../../runtime/src/client/errors.ts';
import { serveEndpoints } from '../../../runtime/src/operator/endpoints.ts';
import { createMetricsAccess } from '../../../runtime/src/operator/metrics-access.ts';
import type { CheckAccess } from '../../../runtime/src/operator/metrics-access.ts';
import { VirtualClock } from '../../../sandbox/src/index.ts';

interface Review {
  readonly kind: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

describe('the access to /metrics', () => {
  let clock: VirtualClock;
  let reviews: Review[];
  let warnings: string[];
  let failure: Error | undefined;
  let check: CheckAccess;
  /** Tokens and what the API server knows of them. */
  const users: Readonly<Record<string, { readonly name: string; readonly allowed: boolean }>> = {
    right: { name: 'prometheus', allowed: true },
    other: { name: 'stranger', allowed: false },
  };

  beforeEach(() => {
    clock = new VirtualClock();
    reviews = [];
    warnings = [];
    failure = undefined;
    const warn = (message: string, fields: object = {}): void =>
      void warnings.push(`${message} ${JSON.stringify(fields)}`);
    check = createMetricsAccess({
      clock,
      log: { debug() {}, info() {}, warn, error() {} },
      api: {
        create: async (_type, object) => {
          const review = object as KubeObject & Review;
          reviews.push(review);
          if (failure !== undefined) {
            throw failure;
          }
          return { ...review, status: statusOf(review) };
        },
      },
    });
  });
  function statusOf({ kind, spec }: Review): object {
    if (kind === 'TokenReview') {
      const user = users[String(spec['token'])];
      return user === undefined
        ? { authenticated: false }
        : { authenticated: true, user: { username: user.name, groups: ['g'], uid: 'u' } };
    }
    return {
      allowed: Object.values(users).some((user) => user.name === spec['user'] && user.allowed),
    };
  }
  const statusFor = async (authorization?: string): Promise<number> => {
    const decision = await check(authorization);
    return decision.allowed ? 200 : decision.status;
  };
  const advance = (ms: number): void => clock.moveTo(clock.monotonic() + ms);

  it('needs a bearer token, and asks nothing without one', async () => {
    for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic right', 'Bearer a b']) {
      expect(await statusFor(header), header).to.equal(401);
    }
    expect(reviews).to.deep.equal([]);
  });

  it('is decided by the whole identity of the token, for the path /metrics', async () => {
    expect(await statusFor('bearer right')).to.equal(200);
    expect(reviews.map(({ kind, spec }) => [kind, spec])).to.deep.equal([
      ['TokenReview', { token: 'right' }],
      [
        'SubjectAccessReview',
        {
          user: 'prometheus',
          groups: ['g'],
          uid: 'u',
          nonResourceAttributes: { path: '/metrics', verb: 'get' },
        },
      ],
    ]);
  });

  it('is remembered for a minute when it is allowed, and for ten seconds when it is not', async () => {
    const asked = async (token: string, status: number): Promise<number> => {
      const before = reviews.length;
      expect(await statusFor(`Bearer ${token}`), token).to.equal(status);
      return reviews.length - before;
    };
    expect(await asked('right', 200)).to.equal(2);
    expect(await asked('other', 403)).to.equal(2);
    expect(await asked('wrong', 401)).to.equal(1);
    advance(9_999);
    expect(await asked('right', 200)).to.equal(0);
    expect(await asked('other', 403)).to.equal(0);
    expect(await asked('wrong', 401)).to.equal(0);
    advance(1);
    expect(await asked('other', 403)).to.equal(2);
    expect(await asked('wrong', 401)).to.equal(1);
    advance(49_999);
    expect(await asked('right', 200)).to.equal(0);
    advance(1);
    expect(await asked('right', 200)).to.equal(2);
  });

  it('is asked for once by requests that come together', async () => {
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => statusFor('Bearer right')),
    );
    expect(new Set(statuses)).to.deep.equal(new Set([200]));
    expect(reviews).to.have.length(2);
  });

  it('keeps an allowed token when strangers send thousands, and forgets the oldest of these', async () => {
    await statusFor('Bearer right');
    for (let index = 0; index < 2_000; index++) {
      await statusFor(`Bearer wrong-${index}`);
    }
    reviews = [];
    await statusFor('Bearer right');
    await statusFor('Bearer wrong-1999');
    expect(reviews).to.deep.equal([]);
    await statusFor('Bearer wrong-0');
    expect(reviews).to.have.length(1);
  });

  it('is refused while the API server cannot be asked, which the log says once a minute', async () => {
    failure = new ConnectionError('connect ECONNREFUSED', { cause: undefined });
    expect(await statusFor('Bearer right')).to.equal(503);
    expect(await statusFor('Bearer right')).to.equal(503);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.contain('ECONNREFUSED').and.to.not.contain('right');
    advance(60_000);
    await statusFor('Bearer right');
    expect(warnings).to.have.length(2);
    failure = undefined;
    expect(await statusFor('Bearer right')).to.equal(200);
  });

  it('never concerns the paths of the kubelet', async () => {
    const server = await serveEndpoints({
      address: '127.0.0.1:0',
      metrics: { contentType: 'text/plain', render: async () => 'a_metric 1\n' },
      ready: [],
      access: check,
    });
    const ask = async (path: string, token?: string): Promise<number> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return (await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })).status;
    };
    try {
      expect([
        await ask('/healthz'),
        await ask('/readyz'),
        await ask('/metrics'),
        await ask('/metrics', 'wrong'),
        await ask('/metrics?x=1', 'other'),
        await ask('/metrics', 'right'),
      ]).to.deep.equal([200, 200, 401, 401, 403, 200]);
    } finally {
      await server.close();
    }
  });
});
