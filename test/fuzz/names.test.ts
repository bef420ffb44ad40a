import { expect } from 'chai';
import fc from 'fast-check';
import { violatedLabelRule, violatedNameRule } from '../../runtime/src/client/object-names.ts';
import { hasCode } from '../../runtime/src/internal.ts';
import { Cluster } from '../../sandbox/src/index.ts';
import { objectName } from './arbitraries.ts';
import { holds, TIMEOUT_MS } from './property.ts';

const KINDS = [
  { apiVersion: 'v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'Service', spec: { ports: [{ port: 80 }] } },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
] as const;

describe('names and labels', function () {
  this.timeout(TIMEOUT_MS);

  async function isCreated(object: (typeof KINDS)[number], metadata: object): Promise<boolean> {
    const { api, typeOf } = bound(new Cluster());
    try {
      await api.create(typeOf(object), {
        ...object,
        metadata: { namespace: 'default', ...metadata },
      } as never);
      return true;
    } catch (error) {
      if (hasCode(error, 422)) {
        return false;
      }
      throw error;
    }
  }

  function bound(cluster: Cluster): Pick<Cluster, 'api' | 'typeOf'> {
    return { api: cluster.api, typeOf: (object) => cluster.typeOf(object) };
  }

  it('are refused by the runtime if and only if the API server refuses them', async () => {
    await holds(
      fc.asyncProperty(fc.constantFrom(...KINDS), objectName, async (object, name) => {
        const type = new Cluster().typeOf(object);
        expect(violatedNameRule(type, name) === undefined, name).to.equal(
          name !== '' && (await isCreated(object, { name })),
        );
      }),
    );
  });

  it('of labels are refused by the runtime if and only if the API server refuses them', async () => {
    const key = fc.oneof(
      objectName,
      fc.tuple(objectName, objectName).map((parts) => parts.join('/')),
    );
    await holds(
      fc.asyncProperty(key, objectName, async (label, value) => {
        expect(violatedLabelRule(label, value) === undefined, `${label}=${value}`).to.equal(
          await isCreated(KINDS[0], { name: 'a', labels: { [label]: value } }),
        );
      }),
    );
  });
});
