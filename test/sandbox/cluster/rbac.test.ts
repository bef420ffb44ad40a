import { expect } from 'chai';
import crd from '../../../examples/autoroute/src/generated/crd.json' with { type: 'json' };
import { scheduler } from '../../../examples/autoroute/src/generated/scheduler.ts';
import { deployment } from '../../../examples/autoroute/test/deployments.ts';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import { isApiError } from '../../../runtime/src/internal.ts';
import type { PolicyRule } from '../../../sandbox/src/index.ts';
import {
  Cluster,
  startSandbox,
  policyRulesFrom,
  withPolicyRules,
} from '../../../sandbox/src/index.ts';

const MAPS = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const key = { namespace: 'default', name: 'a' };
const object = (more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { ...key, ...more },
});

async function messageOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'it was allowed',
    (error: unknown) =>
      isApiError(error)
        ? `${error.status.code} ${error.status.message}`
        : Promise.reject(error as Error),
  );
}

describe('policy rules', () => {
  const rule = (verbs: readonly string[], more: Partial<PolicyRule> = {}): PolicyRule => ({
    apiGroups: [''],
    resources: ['configmaps'],
    verbs,
    ...more,
  });

  // @promise sandbox/cluster-parts
  it('refuse what no rule grants, in the words of the API server', async () => {
    const api = withPolicyRules(new Cluster(), { cluster: [rule(['get'])] }, { user: 'jane' });
    expect(await messageOf(api.get(MAPS, key))).to.equal('404 configmaps "a" not found');
    expect(await messageOf(api.delete(MAPS, key))).to.equal(
      '403 configmaps "a" is forbidden: User "jane" cannot delete resource "configmaps" in API group "" in the namespace "default"',
    );
    expect(await messageOf(api.list(MAPS))).to.equal(
      '403 configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" at the cluster scope',
    );
  });

  it('hold in the namespace they are given in', async () => {
    const api = withPolicyRules(new Cluster(), { namespaces: { default: [rule(['list'])] } });
    expect((await api.list(MAPS, { namespace: 'default' })).items).to.deep.equal([]);
    expect(await messageOf(api.list(MAPS, { namespace: 'kube-system' }))).to.contain('403');
    expect(await messageOf(api.list(MAPS))).to.contain('403');
  });

  it('can be for names and for subresources only', async () => {
    const api = withPolicyRules(new Cluster(), {
      cluster: [
        rule(['get'], { resourceNames: ['a'] }),
        rule(['patch'], { apiGroups: ['apps'], resources: ['deployments/status'] }),
      ],
    });
    expect(await messageOf(api.get(MAPS, key))).to.contain('404');
    expect(await messageOf(api.get(MAPS, { ...key, name: 'b' }))).to.contain('403');
    const type = {
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      plural: 'deployments',
      namespaced: true,
    };
    const patch = { type: 'merge', body: {} } as const;
    expect(await messageOf(api.patch(type, key, patch, { subresource: 'status' }))).to.contain(
      '404',
    );
    expect(await messageOf(api.patch(type, key, patch))).to.contain('403');
  });

  it('of apply are patch, and create as well where nothing is yet', async () => {
    const cluster = new Cluster();
    const api = withPolicyRules(cluster, { cluster: [rule(['patch'])] });
    expect(await messageOf(api.apply(MAPS, object(), { fieldManager: 'x' }))).to.contain(
      'cannot create resource',
    );
    await cluster.api.create(MAPS, object());
    expect(
      await messageOf(api.apply(MAPS, object({ labels: { a: 'b' } }), { fieldManager: 'x' })),
    ).to.equal('it was allowed');
  });

  it('to block the deletion of an owner are update of its finalizers', async () => {
    const cluster = new Cluster();
    const owner = await cluster.api.create(MAPS, object());
    const ownerReferences = [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'a',
        uid: owner.metadata.uid,
        blockOwnerDeletion: true,
      },
    ];
    const create = rule(['create']);
    const owned = object({ name: 'b', ownerReferences });
    expect(
      await messageOf(withPolicyRules(cluster, { cluster: [create] }).create(MAPS, owned)),
    ).to.contain("you can't set finalizers on: ConfigMap a");
    const finalizers = rule(['update'], { resources: ['configmaps/finalizers'] });
    expect(
      await messageOf(
        withPolicyRules(cluster, { cluster: [create, finalizers] }).create(MAPS, owned),
      ),
    ).to.equal('it was allowed');
  });

  it('are read from Roles, ClusterRoles and their bindings', () => {
    const role = (kind: string, name: string, verbs: readonly string[]): object => ({
      kind,
      metadata: { name },
      rules: [rule(verbs)],
    });
    const binding = (kind: string, roleKind: string, name: string): object => ({
      kind,
      metadata: { name },
      roleRef: { kind: roleKind, name },
    });
    const manifests = [
      role('ClusterRole', 'everywhere', ['list']),
      role('Role', 'here', ['create']),
      role('ClusterRole', 'unbound', ['delete']),
      binding('ClusterRoleBinding', 'ClusterRole', 'everywhere'),
      binding('RoleBinding', 'Role', 'here'),
    ];
    expect(policyRulesFrom(manifests, 'ops')).to.deep.equal({
      cluster: [rule(['list'])],
      namespaces: { ops: [rule(['create'])] },
    });
  });

  it('restrict the operator of a sandbox: without them no resource moves', async () => {
    const ar = {
      apiVersion: 'examples.io/v1',
      kind: 'AutoRoute',
      metadata: { name: 'example' },
      spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
    };
    const everything: PolicyRule = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
    const ready = async (rules: readonly PolicyRule[]): Promise<string | undefined> => {
      const sandbox = await startSandbox(scheduler, {
        crd,
        objects: [deployment('web')],
        policyRules: { cluster: rules },
      });
      await sandbox.create(ar);
      await sandbox.advance('1m');
      const { status } = (await sandbox.get('AutoRoute', 'example')) ?? {};
      await sandbox.stop();
      const conditions = status.conditions as readonly { type: string; status: string }[];
      return conditions.find(({ type }) => type === 'Ready')?.status;
    };
    expect(await ready([everything])).to.equal('True');
    const blind = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
    expect(
      await ready([{ ...everything, verbs: blind.filter((verb) => verb !== 'create') }]),
    ).to.equal('False');
  });
});
