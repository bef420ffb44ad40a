/** Deployments for the tests. */
export function deployment(
  name: string,
  { ports = [80], group = 'httpbin' }: { ports?: readonly number[]; group?: string } = {},
) {
  const labels = { app: name };
  const containers = [
    {
      name,
      image: `registry.example/${name}:1`,
      ports: ports.map((containerPort) => ({ containerPort })),
    },
  ];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { ...labels, 'app-group': group } },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  } as const;
}
