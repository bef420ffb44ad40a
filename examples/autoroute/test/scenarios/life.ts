import { create, patch, remove, rest, scenario } from 'autopilot-sandbox/explore';
import { deployment } from '../deployments.ts';

/** A VirtualService never leads to a Service that is not there. */
const whole = 'every route leads to a Service';

export const life = scenario({
  name: 'life',
  objects: [deployment('one'), deployment('two'), { apiVersion: 'v1', kind: 'Service', metadata: { name: 'somebody-elses' }, spec: { ports: [{ port: 1 }] } }],
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
    patch('AutoRoute', 'example', { spec: { deploymentSelector: { matchLabels: { 'app-group': 'other' } } } }),
    create(deployment('four', { group: 'other' })),
    rest(),
    remove('AutoRoute', 'example'),
  ],
  invariants: {
    [whole]: (look) =>
      look
        .list('AutoRoute')
        .every(({ status }) => status?.phase !== 'Ready' || look.list('VirtualService').every((route) => serves(route.spec, look.list('Service')))),
  },
});

function serves(
  route: { readonly http: readonly { readonly route: readonly { readonly destination: { readonly host: string } }[] }[] },
  services: readonly { readonly metadata: { readonly name: string } }[],
): boolean {
  return route.http.every(({ route: to }) => to.every(({ destination }) => services.some(({ metadata }) => metadata.name === destination.host)));
}
