import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { scaffold } from '../../generators/lib/index.ts';
import { packageRoot } from '../../generators/lib/util/package-root.ts';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import type { OperatorProcess } from './operator-process.ts';
import { startProcess } from './operator-process.ts';

describe('the default project on a real API server, without an implemented worker', () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let dir: string;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'autopilot-stub-'));
    await scaffold({ dir, kind: 'Example', apiVersion: 'examples.io/v1' });
    symlinkSync(join(packageRoot, 'node_modules'), join(dir, 'node_modules'));
    plane = await controlPlane();
    await plane.installIstioCrds();
    await plane.kubectl(['create', 'namespace', 'example']);
    await plane.helm([
      'install',
      'example-operator',
      join(dir, 'charts/example-operator'),
      '-n',
      'example',
    ]);
    const kubeconfig = await plane.tokenKubeconfig('example', 'example-operator');
    operator = await startProcess(dir, { kubeconfig, namespace: 'example' });
  });
  after(async () => {
    await operator?.stop();
    await plane?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const sentence = 'Initializing is not implemented yet: edit src/workers/initializing.ts';

  // @promise reconcile/kstatus
  it('shows the initial phase as soon as a resource is created, by the default of the CRD', async () => {
    const created = JSON.parse(
      await plane.kubectl(['create', '-o', 'json', '-f', '-'], {
        input: JSON.stringify({
          apiVersion: 'examples.io/v1',
          kind: 'Example',
          metadata: { name: 'one', namespace: 'default' },
          spec: {},
        }),
      }),
    ) as { status: unknown };
    expect(created.status).to.deep.equal({ observedGeneration: -1, phase: 'Initializing' });
  });

  it('names the file to edit in a condition', async () => {
    const status = await until('the resource is Stalled', 20_000, async () => {
      const { status: found } = JSON.parse(
        await plane.kubectl(['get', 'example', 'one', '-o', 'json']),
      ) as {
        status: { conditions?: { type: string; message: string }[] };
      };
      if (found.conditions === undefined) {
        throw new Error(JSON.stringify(found));
      }
      return found;
    });
    expect(status.conditions?.map(({ type, message }) => [type, message])).to.deep.equal([
      ['Ready', sentence],
      ['Stalled', sentence],
    ]);
  });

  it('names the file to edit in an Event', async () => {
    const events = await until('the Event is there', 20_000, async () => {
      const found = await plane.kubectl([
        'get',
        'events.events.k8s.io',
        '-o',
        'jsonpath={range .items[*]}{.type} {.reason} {.note}{"\\n"}{end}',
      ]);
      if (!found.includes('NotImplemented')) {
        throw new Error(`no such Event: ${found}`);
      }
      return found;
    });
    expect(events).to.contain(`Warning NotImplemented ${sentence}`);
  });

  it('continues to run', async () => {
    expect((await fetch(`${operator.endpoints}/healthz`)).status).to.equal(200);
  });

  it('counts the failed reconcile in the metric of controller-runtime', async () => {
    const metrics = await (await fetch(`${operator.endpoints}/metrics`)).text();
    expect(metrics).to.match(
      /^controller_runtime_reconcile_errors_total\{controller="example"\} 1$/m,
    );
  });

  it('exits with code 0 within seconds on SIGTERM, and releases the lease', async () => {
    expect(await operator.stop()).to.equal(0);
    expect(
      await plane.kubectl([
        'get',
        'lease',
        '-n',
        'example',
        '-o',
        'jsonpath={.items[0].spec.holderIdentity}',
      ]),
    ).to.equal('');
  });
});
