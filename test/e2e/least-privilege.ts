/**
 * Check of least privilege with the audit log of the API server: no request was forbidden, and
 * every granted verb was used.
 */
import { expect } from 'chai';
import type { ControlPlane } from '../realparts/index.ts';

interface PolicyRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Binding {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string;
  }[];
}

/** A granted permission that a test run does not use for certain. */
export interface Exemption {
  /** Verb and resource, for example `get autoroutes.examples.io`. */
  readonly permission: string;
  readonly reason: string;
}

const AFTER_CONFLICT =
  'used only after a conflict with another writer; no e2e test can force one (test/integration does)';

/** Exempts `get` of the resources, for example `autoroutes.examples.io`. */
export const afterConflict = (...resources: readonly string[]): readonly Exemption[] =>
  resources.map((resource) => ({ permission: `get ${resource}`, reason: AFTER_CONFLICT }));
export const EVENT_SERIES: Exemption = {
  permission: 'patch events.events.k8s.io',
  reason: 'a repeated Event is counted once per minute; the test run is shorter',
};
export const EVENTS: Exemption = {
  permission: 'create events.events.k8s.io',
  reason: 'one phase has no transitions, and nothing fails; test/e2e/canary.test.ts sends Events',
};
export const STANDBY: Exemption = {
  permission: 'watch leases.coordination.k8s.io',
  reason: 'only a standby watches the lease; test/e2e/autoroute.test.ts starts one',
};

/** @throws AssertionError that lists forbidden requests and unused permissions. */
export async function expectLeastPrivilege(
  plane: ControlPlane,
  namespace: string,
  serviceAccount: string,
  exempt: readonly Exemption[] = [],
): Promise<void> {
  const asked = plane.audit(namespace, serviceAccount);
  const refused = asked
    .filter(({ code }) => code === 403 || code === 401)
    .map((event) => `${event.verb} ${event.resource}.${event.group} ${event.name ?? ''}`);
  expect(refused, 'refused').to.deep.equal([]);
  // A server-side apply that creates needs `create` too, but the audit log has only the patch.
  const used = new Set(
    asked.flatMap(({ verb, code, resource, group }) =>
      [verb, ...(verb === 'patch' && code === 201 ? ['create'] : [])].map((one) =>
        permissionOf(one, resource, group),
      ),
    ),
  );
  const granted = (await policyRulesOf(plane, namespace, serviceAccount)).flatMap(
    ({ apiGroups = [], resources = [], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => permissionOf(verb, resource, group))),
      ),
  );
  expect(granted.length, 'permissions granted').to.be.greaterThan(0);
  const unused = [...new Set(granted)].filter((permission) => !used.has(permission)).sort();
  expect(
    unused.filter((permission) => !exempt.some((one) => one.permission === permission)),
    'granted and never used',
  ).to.deep.equal([]);
  expect(
    exempt.filter(({ permission }) => !granted.includes(permission)),
    'exempt and not granted',
  ).to.deep.equal([]);
}

function permissionOf(verb: string, resource: string, group: string): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
}

async function policyRulesOf(
  plane: ControlPlane,
  namespace: string,
  serviceAccount: string,
): Promise<readonly PolicyRule[]> {
  const { items } = JSON.parse(
    await plane.kubectl(['get', 'rolebindings,clusterrolebindings', '-A', '-o', 'json']),
  ) as { items: readonly Binding[] };
  const mine = items.filter(({ subjects = [] }) =>
    subjects.some(
      (subject) =>
        subject.kind === 'ServiceAccount' &&
        subject.name === serviceAccount &&
        subject.namespace === namespace,
    ),
  );
  const roles = await Promise.all(
    mine.map(async ({ roleRef, metadata }) => {
      const place = roleRef.kind === 'Role' ? ['-n', metadata.namespace ?? ''] : [];
      return JSON.parse(
        await plane.kubectl(['get', roleRef.kind, roleRef.name, ...place, '-o', 'json']),
      ) as { rules: readonly PolicyRule[] };
    }),
  );
  return roles.flatMap(({ rules }) => rules);
}
