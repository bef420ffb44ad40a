import { create, patch, remove, rest, scenario } from 'autopilot-sandbox/explore';
import { deployment } from '../deployments.ts';

export const life = scenario({
  name: 'life',
  objects: [
    deployment('one'),
    deployment('two'),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'somebody-elses' },
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
    rest(),
    // Deployments come and go faster than the machine looks.
    create(deployment('three')),
    remove('Deployment', 'one'),
    rest(),
    remove('VirtualService', 'two.example'),
    patch('AutoRoute', 'example', {
      spec: { deploymentSelector: { matchLabels: { 'app-group': 'other' } } },
    }),
    create(deployment('four', { group: 'other' })),
    rest(),
    remove('AutoRoute', 'example'),
  ],
  invariants: {
    'what is not ours is left alone': (look) =>
      look.get('Service', 'somebody-elses')?.spec.ports[0].port === 1,
  },
});
