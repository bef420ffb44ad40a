/**
 * Substitutes for the nodes and proxies that the control plane of a test lacks: Pods become ready,
 * and requests are counted. Both follow the objects in the real API server. The controllers and
 * Prometheus are real.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KubeConnection } from '../../runtime/src/client/connect.ts';
import { hasCode } from '../../runtime/src/client/errors.ts';
import type { KubeObject, ResourceType } from '../../runtime/src/client/object.ts';

const type = (group: string, kind: string, plural: string): ResourceType => ({
  group,
  version: 'v1',
  kind,
  plural,
  namespaced: true,
});
const PODS = type('', 'Pod', 'pods');
const DEPLOYMENTS = type('apps', 'Deployment', 'deployments');
const VIRTUAL_SERVICES = type('networking.istio.io', 'VirtualService', 'virtualservices');

/** Replaces the kubelet: sets Pods to Ready as soon as they exist. */
export function readyPods({ api }: KubeConnection, namespace: string): { stop(): void } {
  const ended = new AbortController();
  const { signal } = ended;
  void (async () => {
    for (let resourceVersion = '0'; !signal.aborted;) {
      try {
        for await (const event of api.watch(PODS, { namespace, resourceVersion }, signal)) {
          if (event.type === 'BOOKMARK') {
            continue;
          }
          const { object } = event;
          if (event.type === 'DELETED' || isReady(object)) {
            continue;
          }
          const lastTransitionTime = new Date().toISOString();
          const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map(
            (name) => ({ type: name, status: 'True', lastTransitionTime }),
          );
          const body = { status: { phase: 'Running', conditions } };
          const key = { namespace, name: object.metadata.name };
          await api
            .patch(PODS, key, { type: 'merge', body }, { subresource: 'status' })
            .catch((error: unknown) => {
              if (!hasCode(error, 404, 409)) {
                throw error;
              }
            });
        }
      } catch (error) {
        if (!signal.aborted && !hasCode(error, 410)) {
          throw error;
        }
        resourceVersion = '0';
      }
    }
  })();
  return { stop: () => ended.abort() };
}

function isReady({ status }: KubeObject): boolean {
  const { conditions = [] } = (status ?? {}) as {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
  return conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

export interface RequestCounts {
  /** `host:port` for Prometheus. */
  readonly target: string;
  stop(): Promise<void>;
}

/** Requests from clients between two scrapes. */
const REQUESTS = 100;

/**
 * Replaces the sidecars of the servers. Each scrape adds 100 requests to the host, divided by the
 * weights of its VirtualService. The image of a Deployment decides how many requests succeed.
 *
 * @param options.succeeds percent of the requests that succeed, by image.
 */
export async function requestCounts(
  { api }: KubeConnection,
  options: {
    readonly namespace: string;
    readonly virtualService: string;
    readonly succeeds: (image: string) => number;
  },
): Promise<RequestCounts> {
  const { namespace, virtualService, succeeds } = options;
  const totals = new Map<string, number>();
  const count = (workload: string, code: number, more: number): void => {
    const labels = `reporter="destination",destination_workload_namespace="${namespace}",destination_workload="${workload}",response_code="${code}",grpc_response_status=""`;
    const series = `istio_requests_total{${labels}}`;
    totals.set(series, (totals.get(series) ?? 0) + more);
  };
  const scraped = async (): Promise<string> => {
    const route = await api
      .get(VIRTUAL_SERVICES, { namespace, name: virtualService })
      .catch(() => undefined);
    const [first] =
      (
        (route?.spec ?? {}) as {
          http?: readonly {
            route: readonly { destination: { host: string }; weight?: number }[];
          }[];
        }
      ).http ?? [];
    for (const { destination, weight = 0 } of first?.route ?? []) {
      if (weight === 0) {
        continue;
      }
      const { spec } = await api.get(DEPLOYMENTS, { namespace, name: destination.host });
      const { image = '' } =
        (spec as { template: { spec: { containers: readonly { image?: string }[] } } }).template
          .spec.containers[0] ?? {};
      const well = (weight / 100) * (succeeds(image) / 100) * REQUESTS;
      count(destination.host, 200, well);
      count(destination.host, 503, (weight / 100) * REQUESTS - well);
    }
    return [...totals].map(([series, total]) => `${series} ${total}\n`).join('');
  };
  const server = createServer((_, response) => {
    scraped().then(
      (text) => response.end(text),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };
}
