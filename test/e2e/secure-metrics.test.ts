import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane } from '../realparts/index.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';

const NAMESPACE = 'operators';
const RELEASE = 'autoroute-operator';

describe('an operator with secure metrics on a real API server, with the RBAC rules of its chart', () => {
  let plane: ControlPlane;
  let dir: string;
  let operator: OperatorProcess | undefined;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-secure-'));
    await scaffold({ dir, example: 'autoroute', runtime: 'registry' });
    symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
    plane = await controlPlane({ audit: true });
    await plane.installIstioCrds();
    await plane.kubectl(['create', 'namespace', NAMESPACE]);
    const chart = join(dir, 'charts', RELEASE);
    await plane.helm(['install', RELEASE, chart, '-n', NAMESPACE, '--set', 'metrics.secure=true']);
    for (const name of ['prometheus', 'stranger']) {
      await plane.kubectl(['create', 'serviceaccount', name, '-n', NAMESPACE]);
    }
    await plane.kubectl([
      'create',
      'clusterrolebinding',
      'prometheus-reads',
      `--clusterrole=${NAMESPACE}:${RELEASE}-metrics-reader`,
      `--serviceaccount=${NAMESPACE}:prometheus`,
    ]);
    operator = await startProcess(dir, {
      kubeconfig: await plane.tokenKubeconfig(NAMESPACE, RELEASE),
      namespace: NAMESPACE,
      settings: { secureMetrics: true },
    });
  });
  after(async () => {
    await operator?.stop();
    await plane?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function scrape(token?: string): Promise<readonly [number, string]> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${operator?.endpoints}/metrics`, { headers });
    return [response.status, await response.text()];
  }
  const tokenOf = async (serviceAccount: string): Promise<string> =>
    (await plane.kubectl(['create', 'token', serviceAccount, '-n', NAMESPACE])).trim();

  // @promise endpoints/secure-metrics
  it('gives the metrics to who may get the path /metrics, and to no other user', async () => {
    expect(await scrape()).to.deep.equal([401, 'the metrics need a bearer token\n']);
    expect(await scrape('made-up')).to.deep.equal([
      401,
      'the API server does not accept the bearer token\n',
    ]);
    expect(await scrape(await tokenOf('stranger'))).to.deep.equal([
      403,
      `system:serviceaccount:${NAMESPACE}:stranger may not get the path /metrics\n`,
    ]);
    const [status, text] = await scrape(await tokenOf('prometheus'));
    expect(status).to.equal(200);
    expect(text).to.contain('# TYPE');
    expect((await fetch(`${operator?.endpoints}/healthz`)).status).to.equal(200);
  });

  it('needs exactly the rules that the chart adds, and is refused nothing', () => {
    const asked = plane.audit(NAMESPACE, RELEASE);
    expect(asked.filter(({ code }) => code === 401 || code === 403)).to.deep.equal([]);
    for (const resource of ['tokenreviews', 'subjectaccessreviews']) {
      expect(
        asked.filter((event) => event.resource === resource).map(({ verb, code }) => [verb, code]),
      ).to.deep.include(['create', 201]);
    }
  });
});
