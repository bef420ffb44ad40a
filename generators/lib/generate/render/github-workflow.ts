/**
 * The workflow that tests and releases an operator on GitHub. `actionlint` reads it in
 * test/charts/checks.test.ts.
 */
import type { Model } from '../../model/model.ts';

export function renderWorkflow({ operatorName }: Model): string {
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
defaults:
  run:
    # With pipefail.
    shell: bash
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
        with: { persist-credentials: false }
      - uses: actions/setup-node@v6
        with: { node-version: 24, cache: npm }
      # From package-lock.json: npm install writes it; commit it.
      - run: npm ci
      - run: npm run typecheck
      - run: npm test
      - run: npm run verify
      # With generator-autopilot among the devDependencies: is what is committed what would be generated?
      # - run: npx autopilot check
      - uses: azure/setup-helm@v4
      - run: |
          for values in ${chart}/ci/*-values.yaml; do
            helm lint --strict ${chart} --values "$values"
            helm template ${operatorName} ${chart} --namespace ${operatorName} --values "$values" > /dev/null
          done
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
      # Registries want lower case.
      - run: |
          {
            echo "VERSION=\${GITHUB_REF_NAME#v}"
            echo "IMAGE=ghcr.io/\${GITHUB_REPOSITORY,,}"
            echo "CHARTS=ghcr.io/\${GITHUB_REPOSITORY_OWNER,,}/charts"
            echo "SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)"
          } >> "$GITHUB_ENV"
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
      # Both are signed as this workflow; cosign finds the login of docker.
      - uses: sigstore/cosign-installer@v4
      - run: cosign sign --yes "$IMAGE@$DIGEST"
        env: { DIGEST: '\${{ steps.image.outputs.digest }}' }
      - uses: azure/setup-helm@v4
      # The chart names the image that was pushed, unless its values name another. Of the same commit Helm 4 packs the same bytes.
      - run: |
          sed -i "s|^  repository: ${operatorName}$|  repository: $IMAGE|" ${chart}/values.yaml
          helm package ${chart} --version "$VERSION" --app-version "$VERSION"
      - run: echo "$TOKEN" | helm registry login ghcr.io --username "$GITHUB_ACTOR" --password-stdin
        env: { TOKEN: '\${{ secrets.GITHUB_TOKEN }}' }
      - run: |
          helm push "${operatorName}-$VERSION.tgz" "oci://$CHARTS" 2>&1 | tee push.txt
          cosign sign --yes "$CHARTS/${operatorName}@$(sed -n 's/^Digest: *//p' push.txt)"
`;
}
