/**
 * One of each object that the builders make: the type checker holds them to kubernetes-models, e2e
 * to a real API server.
 */
import type { IGateway as WireGateway } from '@kubernetes-models/istio/networking.istio.io/v1/Gateway';
import type { IDestinationRule as WireDestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1/DestinationRule';
import type { IVirtualService as WireVirtualService } from '@kubernetes-models/istio/networking.istio.io/v1/VirtualService';
import type { IGRPCRoute as WireGRPCRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/GRPCRoute';
import type { IHTTPRoute as WireHTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute';
import type { OutputObject } from 'autopilot-runtime/generated';
import {
  destinationRule,
  faultField,
  gateway,
  grpcRoute,
  headerMatch,
  httpRoute,
  virtualService,
} from 'autopilot-runtime/mesh';

/** Like generated projects declare what they write (src/generated/kinds.ts). */
type Write<T> = Fields<Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'>> & {
  readonly metadata: OutputObject['metadata'];
};
type Fields<T> = T extends readonly (infer E)[]
  ? readonly Fields<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Fields<T[K]> }
    : T;
type Output<T, ApiVersion extends string, Kind extends string> = Write<T> & {
  readonly apiVersion: ApiVersion;
  readonly kind: Kind;
};

const simple: Output<WireVirtualService, 'networking.istio.io/v1', 'VirtualService'> =
  virtualService({
    name: 'simple',
    hosts: ['web'],
    http: [
      {
        name: 'split',
        to: [
          { host: 'web-primary', weight: 90 },
          { host: 'web-canary', weight: 10 },
        ],
      },
    ],
  });

const whole: typeof simple = virtualService({
  name: 'whole',
  hosts: ['web.example.org'],
  gateways: ['mesh', 'front'],
  http: [
    {
      name: 'testers',
      match: [
        headerMatch({ 'x-canary': 'always', cookie: { regex: '.*tester=1.*' } }),
        { uri: { prefix: '/try' }, port: 8080 },
      ],
      to: [{ host: 'web', subset: 'canary', port: 80 }],
      timeout: '2s',
    },
    {
      name: 'chaos',
      match: [headerMatch({ 'x-chaos': { prefix: 'y' } })],
      to: [{ host: 'web', subset: 'primary' }],
      fault: faultField({
        delay: { percent: 12.5, fixed: '1500ms' },
        abort: { percent: 1, grpcStatus: 'UNAVAILABLE' },
      }),
    },
    {
      name: 'broken',
      match: [headerMatch({ 'x-broken': 'yes' })],
      to: [{ host: 'web' }],
      fault: faultField({ abort: { percent: 100, httpStatus: 503 } }),
    },
    {
      name: 'split',
      to: [
        { host: 'web', subset: 'primary', weight: 100 },
        { host: 'web', subset: 'canary', weight: 0 },
      ],
      mirror: { host: 'web', subset: 'canary', percent: 0.5 },
    },
  ],
});

const rule: Output<WireDestinationRule, 'networking.istio.io/v1', 'DestinationRule'> =
  destinationRule({
    name: 'web',
    host: 'web',
    subsets: { primary: { canary: 'false' }, canary: { canary: 'true' } },
  });

const front: Output<WireGateway, 'networking.istio.io/v1', 'Gateway'> = gateway({
  name: 'front',
  hosts: ['web.example.org'],
  labels: { team: 'mesh' },
});

const http: Output<WireHTTPRoute, 'gateway.networking.k8s.io/v1', 'HTTPRoute'> = httpRoute({
  name: 'web',
  parents: [
    { service: 'web', port: 80 },
    { gateway: 'front', namespace: 'istio-ingress', listener: 'http' },
  ],
  hostnames: ['web.example.org'],
  rules: [
    { name: 'testers', to: { 'web-canary': 100 }, port: 80, headers: { 'x-canary': 'always' } },
    {
      name: 'split',
      to: { 'web-primary': 95, 'web-canary': 5 },
      port: 80,
      mirror: { service: 'web-shadow', port: 80, percent: 10 },
    },
  ],
});

const grpc: Output<WireGRPCRoute, 'gateway.networking.k8s.io/v1', 'GRPCRoute'> = grpcRoute({
  name: 'web',
  parents: [{ service: 'web' }],
  rules: [
    {
      name: 'split',
      to: { 'web-primary': 50, 'web-canary': 50 },
      port: 9000,
      headers: { tester: '1' },
    },
  ],
});

export const built = [simple, whole, rule, front, http, grpc] as const;
