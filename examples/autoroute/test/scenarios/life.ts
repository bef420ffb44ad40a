import { create, patch, remove, quiesce, scenario } from 'autopilot-sandbox/explore';
import { deployment } from '../deployments.ts';

export const life = scenario({
  name: 'life',
  objects: [
    deployment('one'),
    deployment('two'),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'unrelated' },
      spec: { ports: [{ port: 1 }] },
    },
  ],
  steps: [
    create({
      apiVersion: 'examples.io/v1',
      kind: 'AutoRoute',
      metadata: { name: 'example' },
      spec: { deploymentSelector: { matchLabels: { 'app-group': 'httpbin' } } },
    }),
    quiesce(),
    // Deployments are created and deleted faster than the controller reconciles.
    create(deployment('three')),
    remove('Deployment', 'one'),
    quiesce(),
    remove('VirtualService', 'two.example'),
    patch('AutoRoute', 'example', {
      spec: { deploymentSelector: { matchLabels: { 'app-group': 'other' } } },
    }),
    create(deployment('four', { group: 'other' })),
    quiesce(),
    remove('AutoRoute', 'example'),
  ],
  invariants: {
    'an unrelated Service is left alone': (snapshot) =>
      snapshot.get('Service', 'unrelated')?.spec.ports[0].port === 1,
  },
});
