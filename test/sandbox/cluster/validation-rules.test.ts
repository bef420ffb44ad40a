import { expect } from 'chai';
import type { KubeObject } from '../../../runtime/src/internal.ts';
import { Cluster, serveApi } from '../../../sandbox/src/index.ts';

describe('a rule in CEL that the sandbox cannot evaluate', () => {
  const rule = 'ip(self).family() == 4';
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'kites.examples.io' },
    spec: {
      group: 'examples.io',
      names: { kind: 'Kite', plural: 'kites' },
      scope: 'Cluster',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                address: {
                  type: 'string',
                  'x-kubernetes-validations': [{ rule: 'self != "none"' }, { rule }],
                },
              },
            },
          },
        },
      ],
    },
  } as unknown as KubeObject;
  const kite = (name: string): KubeObject =>
    ({
      apiVersion: 'examples.io/v1',
      kind: 'Kite',
      metadata: { name },
      address: '1.2.3.4',
    }) as KubeObject;

  // @promise sandbox/cel
  it('is reported once, with its place and why, and lets the object pass', async () => {
    const cluster = new Cluster();
    await cluster.api.create(cluster.typeOf(definition), definition);
    expect(cluster.uncheckedRules).to.deep.equal([]);
    for (const name of ['a', 'b']) {
      await cluster.api.create(cluster.typeOf(kite(name)), kite(name));
    }
    expect(cluster.uncheckedRules).to.have.length(1);
    expect(cluster.uncheckedRules[0]).to.deep.include({ kind: 'Kite', path: 'address', rule });
    expect(cluster.uncheckedRules[0]?.reason).to.contain("'ip(dyn)'");
  });

  it('is a warning to clients of the HTTP API', async () => {
    const cluster = new Cluster();
    await cluster.api.create(cluster.typeOf(definition), definition);
    const apiServer = await serveApi(cluster);
    const response = await fetch(`${apiServer.url}/apis/examples.io/v1/kites`, {
      method: 'POST',
      body: JSON.stringify(kite('a')),
    });
    expect([
      response.status,
      response.headers.get('warning')?.includes(`address: the rule ${rule} is not checked`),
    ]).to.deep.equal([201, true]);
    await apiServer.close();
  });
});
