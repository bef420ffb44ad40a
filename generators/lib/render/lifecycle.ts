/** The operator's life outside of a cluster: image, CI, and the commands behind npm run dev, build, deploy, undeploy and logs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Model, ProjectFile } from '../model.ts';
import { packageRoot } from '../package-root.ts';

export function renderLifecycle(model: Model, runtime: 'vendor' | 'registry'): ProjectFile[] {
  const yours = (path: string, content: string): ProjectFile => ({ path, content, ownership: 'yours' });
  return [
    { path: 'scripts/operator.ts', content: commands(model), ownership: 'ours' },
    yours('Dockerfile', dockerfile(model, runtime)),
    yours('.dockerignore', dockerignore(runtime)),
    yours('.github/workflows/operator.yaml', workflow(model)),
  ];
}

function commands(model: Model): string {
  const text = readFileSync(join(packageRoot, 'generators/generate/templates/operator.ts'), 'utf8');
  return text.replaceAll(/<(operatorName|plural|group)>/g, (_, name: 'operatorName' | 'plural' | 'group') => model[name]);
}

function dockerfile(model: Model, runtime: 'vendor' | 'registry'): string {
  return `# npm run build -- IMAGE   (needs package-lock.json: npm install writes it)
# For builds that repeat to the byte give the base image by its digest: --build-arg NODE_IMAGE=node:24-slim@sha256:…
ARG NODE_IMAGE=node:24-slim

FROM \${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
${runtime === 'vendor' ? 'COPY vendor ./vendor\n' : ''}RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM \${NODE_IMAGE}
LABEL org.opencontainers.image.title="${model.operatorName}" \\
      org.opencontainers.image.description="Operator for ${model.kind} (${model.group}/${model.version})"
# Node runs TypeScript as it is and keeps every position; source maps are for the packages, which are compiled.
ENV NODE_ENV=production NODE_OPTIONS=--enable-source-maps
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
# A number, so that Kubernetes can see that it is not root; OpenShift puts its own in the place.
USER 65532:65532
ENTRYPOINT ["node", "src/main.ts"]
`;
}

/** Nothing but what the Dockerfile copies: no secret that lies about gets into an image. */
function dockerignore(runtime: 'vendor' | 'registry'): string {
  return ['*', '!package.json', '!package-lock.json', ...(runtime === 'vendor' ? ['!vendor'] : []), '!src', ''].join('\n');
}

function workflow(model: Model): string {
  const { operatorName } = model;
  const chart = `charts/${operatorName}`;
  return `# Tests every change. A tag v1.2.3 is built for two platforms, signed, and pushed with its chart; SBOM and provenance go along.
# Actions are given by version; for stronger guarantees put their commits in the place (a tool such as pinact does it).
name: operator
on:
  push:
    branches: [main]
    tags: ['v*']
  pull_request:
permissions:
  contents: read
env:
  IMAGE: ghcr.io/\${{ github.repository }}
  CHARTS: oci://ghcr.io/\${{ github.repository_owner }}/charts
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
        with: { persist-credentials: false }
      - uses: actions/setup-node@v6
        with: { node-version: 24, cache: npm }
      - run: npm ci
      - run: npm run typecheck
      - run: npm test
      - run: npm run verify
      - uses: azure/setup-helm@v4
      - run: helm lint --strict ${chart}
      - run: helm template ${operatorName} ${chart} --namespace ${operatorName} > /dev/null
  release:
    if: startsWith(github.ref, 'refs/tags/v')
    needs: test
    runs-on: ubuntu-latest
    permissions:
      contents: read
      packages: write
      # For signing without keys, and for provenance.
      id-token: write
      attestations: write
    steps:
      - uses: actions/checkout@v6
        with: { persist-credentials: false }
      - uses: actions/setup-node@v6
        with: { node-version: 24, cache: npm }
      # A project whose packages are vendored needs its lock file, no registry of its own.
      - run: echo "VERSION=\${GITHUB_REF_NAME#v}" >> "$GITHUB_ENV"
      - run: echo "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)" >> "$GITHUB_ENV"
      - uses: docker/setup-qemu-action@v3
      - uses: docker/setup-buildx-action@v3
      - uses: docker/login-action@v3
        with: { registry: ghcr.io, username: '\${{ github.actor }}', password: '\${{ secrets.GITHUB_TOKEN }}' }
      - id: image
        uses: docker/build-push-action@v6
        with:
          context: .
          push: true
          tags: \${{ env.IMAGE }}:\${{ env.VERSION }}
          platforms: linux/amd64,linux/arm64
          sbom: true
          provenance: mode=max
      - uses: actions/attest-build-provenance@v3
        with: { subject-name: '\${{ env.IMAGE }}', subject-digest: '\${{ steps.image.outputs.digest }}', push-to-registry: true }
      - uses: sigstore/cosign-installer@v4
      - run: cosign sign --yes "$IMAGE@$DIGEST"
        env: { DIGEST: '\${{ steps.image.outputs.digest }}' }
      - uses: azure/setup-helm@v4
      # With SOURCE_DATE_EPOCH Helm 4 packs the same bytes from the same commit.
      - run: helm package ${chart} --version "$VERSION" --app-version "$VERSION"
      - run: echo "$TOKEN" | helm registry login ghcr.io --username "$GITHUB_ACTOR" --password-stdin
        env: { TOKEN: '\${{ secrets.GITHUB_TOKEN }}' }
      - id: chart
        run: echo "digest=$(helm push "${operatorName}-$VERSION.tgz" "$CHARTS" 2>&1 | sed -n 's/^Digest: //p')" >> "$GITHUB_OUTPUT"
      - run: cosign login ghcr.io --username "$GITHUB_ACTOR" --password "$TOKEN" && cosign sign --yes "\${CHARTS#oci://}/${operatorName}@$DIGEST"
        env: { TOKEN: '\${{ secrets.GITHUB_TOKEN }}', DIGEST: '\${{ steps.chart.outputs.digest }}' }
`;
}
