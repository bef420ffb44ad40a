import { expect } from 'chai';
import { builtInKinds } from '../../../generators/lib/kinds/built-in-kinds.ts';
import { loadModel } from '../../../generators/lib/model/load.ts';
import { SERVED_KINDS } from '../../../sandbox/src/cluster/served-kinds.ts';

const project = (inputs: string, outputs = '[]'): string => `kind: Canary
apiVersion: examples.io/v1
phases: [{ name: Working, initial: true, next: [], inputs: ${inputs}, outputs: ${outputs} }]
`;

describe('the built-in kinds', () => {
  it('include the nine kinds of 2019 under their names', () => {
    expect([...builtInKinds.keys()]).to.include.members([
      'deployments',
      'services',
      'pods',
      'replicasets',
      'jobs',
      'configmaps',
      'events',
      'virtualservices',
      'gateways',
    ]);
  });

  for (const { name, group, version, kind, plural, namespaced } of builtInKinds.values()) {
    it(`${name} is served as ${plural} of ${group === '' ? version : `${group}/${version}`} by a real API server`, () => {
      const found = SERVED_KINDS.find(
        (served) =>
          served.group === group && served.version === version && served.plural === plural,
      );
      expect(found).to.include({ kind, namespaced });
    });
  }

  it('keep the name gateways for Istio’s Gateway, and a misspelt name gets both names as a hint', () => {
    expect([
      builtInKinds.get('gateways')?.group,
      builtInKinds.get('k8sgateways')?.group,
    ]).to.deep.equal(['networking.istio.io', 'gateway.networking.k8s.io']);
    const loaded = loadModel(project('[kubegateways]'), 'autopilot.yaml');
    expect('problems' in loaded && loaded.problems[0]?.message).to.equal(
      "phases[0].inputs[0] names 'kubegateways', which is not a known kind: 'gateways' is Istio's Gateway, 'k8sgateways' is the Gateway of the Gateway API",
    );
  });

  it('warn about the Gateway of one API beside the routes of the other', () => {
    const warnings = (inputs: string): readonly string[] => {
      const loaded = loadModel(project(inputs), 'autopilot.yaml');
      return 'model' in loaded ? loaded.model.warnings : ['did not load'];
    };
    expect(warnings('[gateways, httproutes]')).to.have.length(1);
    expect(warnings('[k8sgateways, virtualservices]')).to.have.length(1);
    expect(warnings('[gateways, virtualservices]')).to.deep.equal([]);
    expect(warnings('[k8sgateways, httproutes]')).to.deep.equal([]);
  });
});
