import type { KubeObject } from 'autopilot-runtime';
import { observedTraffic } from 'autopilot-sandbox';
import { expect } from 'chai';

interface Made {
  readonly kind: string;
  readonly name: string;
  readonly spec: object;
  readonly created?: number;
  readonly namespace?: string;
}

const object = ({ kind, name, spec, created = 1, namespace = 'default' }: Made): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace, creationTimestamp: `2026-01-01T00:00:0${created}Z` },
  spec,
  status: { availableReplicas: 1 },
});

/** A Deployment whose Pods have the label `app` and, for a version, `version`. */
const pods = (app: string, { version = '1', ports = [8080] } = {}): KubeObject =>
  object({
    kind: 'Deployment',
    name: `${app}-${version}`,
    spec: {
      template: {
        metadata: { labels: { app, version } },
        spec: { containers: [{ ports: ports.map((containerPort) => ({ containerPort })) }] },
      },
    },
  });

const http = { name: 'http', port: 80, targetPort: 8080 };
const grpc = { name: 'grpc', port: 9090, targetPort: 9090 };
const service = (name: string, more: object = {}): KubeObject =>
  object({ kind: 'Service', name, spec: { selector: { app: name }, ports: [http], ...more } });

const destination = (host: string, more: object = {}): object => ({
  destination: { host, ...more },
});
const routes = (
  rules: readonly object[],
  more: Partial<Made> & { spec?: object } = {},
): KubeObject =>
  object({
    kind: 'VirtualService',
    name: 'web',
    ...more,
    spec: { hosts: ['web'], http: rules, ...more.spec },
  });

/** Percent by Deployment, and why the others are lost. */
function seen(objects: readonly KubeObject[], host = 'web'): object {
  const source = {
    list: (kind: string) => objects.filter((one) => one.kind === kind),
  };
  const { destinations, losses } = observedTraffic(source, host);
  return Object.fromEntries([
    ...destinations.map(({ deployment, percent }) => [deployment.metadata.name, percent]),
    ...losses.map(({ percent, reason }) => [reason, percent]),
  ]) as object;
}

const both = [
  pods('web', { ports: [8080, 9090] }),
  pods('primary', { ports: [8080, 9090] }),
  service('web', { ports: [http, grpc] }),
  service('primary', { ports: [http, grpc] }),
];

describe('simulated traffic to a port', () => {
  it('goes to the port of a destination, whichever port is called', () => {
    const route = routes([{ route: [destination('primary', { port: { number: 80 } })] }]);
    expect(seen([...both, route])).to.deep.equal({ 'primary-1': 100 });
    const onlyHttp = [...both.slice(0, 3), service('primary'), route];
    expect(seen(onlyHttp, 'web:9090')).to.deep.equal({ 'primary-1': 100 });
  });

  it('is lost if the destination does not have the port', () => {
    const route = routes([{ route: [destination('primary', { port: { number: 8081 } })] }]);
    expect(seen([...both, route])).to.deep.equal({ 'Service primary has no port 8081': 100 });
    const withoutPort = routes([{ route: [destination('primary')] }]);
    expect(seen([...both.slice(0, 3), service('primary'), withoutPort], 'web:9090')).to.deep.equal({
      'Service primary has no port 9090': 100,
    });
  });

  it('follows the route whose match names the port', () => {
    const route = routes([
      { match: [{ port: 9090 }], route: [destination('web')] },
      { match: [{ port: 80 }], route: [destination('primary')] },
    ]);
    expect(seen([...both, route])).to.deep.equal({ 'primary-1': 100 });
    expect(seen([...both, route], 'web:9090')).to.deep.equal({ 'web-1': 100 });
  });

  it('is lost if no route matches, instead of going to the Service', () => {
    const route = routes([{ match: [{ port: 9090 }], route: [destination('web')] }]);
    expect(seen([...both, route])).to.deep.equal({
      'VirtualService web has no route for requests to port 80': 100,
    });
  });

  it('is lost if no Pod listens, if the port is UDP, and if the Service selects nothing', () => {
    expect(seen([pods('web'), service('web', { ports: [grpc] })])).to.deep.equal({
      'no Pod of Service web listens on port 9090': 100,
    });
    expect(
      seen([pods('web'), service('web', { ports: [{ ...http, protocol: 'UDP' }] })]),
    ).to.deep.equal({ 'port 80 of Service web is not TCP': 100 });
    expect(seen([pods('web'), service('web', { selector: {} })])).to.deep.equal({
      'Service web selects no Pods': 100,
    });
  });
});

describe('simulated traffic with two VirtualServices for one host', () => {
  const [old, young] = [
    routes([{ route: [destination('primary')] }], { name: 'z', created: 1 }),
    routes([{ route: [destination('web')] }], { name: 'a', created: 2 }),
  ] as const;

  it('follows the older one', () => {
    expect(seen([...both, young, old])).to.deep.equal({ 'primary-1': 100 });
  });

  it('follows the one that names the host rather than a wildcard', () => {
    const wildcard = { ...old, spec: { ...(old.spec as object), hosts: ['*'] } };
    expect(seen([...both, wildcard, young])).to.deep.equal({ 'web-1': 100 });
  });

  it('does not follow one that is only for gateways', () => {
    const ingress = { ...old, spec: { ...(old.spec as object), gateways: ['istio-ingress'] } };
    expect(seen([...both, ingress, young])).to.deep.equal({ 'web-1': 100 });
    const mesh = { ...old, spec: { ...(old.spec as object), gateways: ['istio-ingress', 'mesh'] } };
    expect(seen([...both, mesh, young])).to.deep.equal({ 'primary-1': 100 });
  });

  it('does not follow one for a Service of that name in another namespace', () => {
    const elsewhere = { ...old, metadata: { ...old.metadata, namespace: 'other' } };
    expect(seen([...both, elsewhere, young])).to.deep.equal({ 'web-1': 100 });
  });
});

describe('simulated traffic to a subset', () => {
  const versions = [pods('web', { version: '1' }), pods('web', { version: '2' }), service('web')];
  const toSubset = routes([{ route: [destination('web', { subset: 'next' })] }]);
  const rule = object({
    kind: 'DestinationRule',
    name: 'web',
    spec: { host: 'web', subsets: [{ name: 'next', labels: { version: '2' } }] },
  });

  it('reaches the Pods of the subset only', () => {
    expect(seen([...versions, toSubset, rule])).to.deep.equal({ 'web-2': 100 });
  });

  it('is lost without a DestinationRule that defines the subset', () => {
    expect(seen([...versions, toSubset])).to.deep.equal({
      'no DestinationRule of Service web has the subset next': 100,
    });
  });
});

describe('simulated traffic with a fault', () => {
  const fault = (abort: object, delay: object = {}): KubeObject =>
    routes([
      {
        fault: { abort: { httpStatus: 503, ...abort }, delay: { fixedDelay: '1.5s', ...delay } },
        route: [destination('primary')],
      },
    ]);

  it('loses the aborted part of the requests', () => {
    expect(seen([...both, fault({ percentage: { value: 25 } })])).to.deep.equal({
      'primary-1': 75,
      'a fault of VirtualService web aborts requests': 25,
    });
  });

  it('loses nothing by a fault without a percentage, which does nothing', () => {
    expect(seen([...both, fault({})])).to.deep.equal({ 'primary-1': 100 });
  });

  it('delays requests', () => {
    const delayed = [...both, fault({}, { percentage: { value: 50 } })];
    const source = { list: (kind: string) => delayed.filter((one) => one.kind === kind) };
    expect(observedTraffic(source, 'web').delaySeconds).to.equal(1.5);
  });
});

describe('simulated traffic by an HTTPRoute', () => {
  const route = (rule: object, port?: number): KubeObject =>
    object({
      kind: 'HTTPRoute',
      name: 'web',
      spec: { parentRefs: [{ kind: 'Service', name: 'web', port }], rules: [rule] },
    });

  it('goes to the port of the backend', () => {
    const rule = { backendRefs: [{ name: 'primary', port: 8081 }] };
    expect(seen([...both, route(rule)])).to.deep.equal({ 'Service primary has no port 8081': 100 });
  });

  it('is that of the port which the route is attached to', () => {
    const rule = { backendRefs: [{ name: 'primary', port: 80 }] };
    expect(seen([...both, route(rule, 9090)])).to.deep.equal({ 'web-1': 100 });
    expect(seen([...both, route(rule, 9090)], 'web:9090')).to.deep.equal({ 'primary-1': 100 });
  });

  it('is lost if no rule matches', () => {
    const rule = { matches: [{ headers: [] }], backendRefs: [{ name: 'primary', port: 80 }] };
    expect(seen([...both, route(rule)])).to.deep.equal({
      'no rule of HTTPRoute web matches': 100,
    });
  });
});
