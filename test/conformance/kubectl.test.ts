import { expect } from 'chai';
import { execa } from 'execa';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../runtime/src/util/clock.ts';
import type { KubeObject } from '../../runtime/src/internal.ts';
import type { ApiServer } from '../../sandbox/src/index.ts';
import { Cluster, serveApi } from '../../sandbox/src/index.ts';
import { tool } from '../realparts/index.ts';
import { EVENTS, VOYAGE_CRD, VOYAGES } from './test-cluster.ts';

/** The real kubectl on the HTTP API of the sandbox. */
describe('kubectl on the sandbox', () => {
  let folder: string;
  let cluster: Cluster;
  let apiServer: ApiServer;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'autopilot-kubectl-'));
    await tool('kubectl');
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    cluster = new Cluster({ clock: systemClock });
    apiServer = await serveApi(cluster);
    writeFileSync(join(folder, 'kubeconfig'), apiServer.kubeconfig);
    await kubectl(['apply', '-f', '-'], crd);
  });
  afterEach(() => apiServer.close());

  const kubectl = async (args: readonly string[], input?: string | object): Promise<string> => {
    const text = typeof input === 'object' ? JSON.stringify(input) : input;
    const env = { KUBECONFIG: join(folder, 'kubeconfig'), HOME: folder };
    const { stdout, stderr } = await execa(await tool('kubectl'), args, {
      env,
      ...(text !== undefined && { input: text }),
    });
    expect(stderr.replaceAll(/^WARNING: version difference.*$/gm, '').trim()).to.equal('');
    return stdout;
  };
  const refused = async (args: readonly string[], input?: object): Promise<string> =>
    kubectl(args, input).then(
      () => 'it was expected to fail',
      (error: unknown) => (error as { stderr?: string }).stderr ?? String(error),
    );

  const columns = [
    { name: 'Route', type: 'string', jsonPath: '.spec.route' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: 'Seats', type: 'integer', jsonPath: '.spec.seats', priority: 1 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ];
  const [version] = VOYAGE_CRD.spec.versions;
  const names = { ...VOYAGE_CRD.spec.names, shortNames: ['vy'] };
  const crd = {
    ...VOYAGE_CRD,
    spec: {
      ...VOYAGE_CRD.spec,
      names,
      versions: [{ ...version, additionalPrinterColumns: columns }],
    },
  };
  const voyage = (name: string, spec: object = {}): object => ({
    apiVersion: 'conformance.autopilot.test/v1',
    kind: 'Voyage',
    metadata: { name },
    spec: { route: 'FRA-MUC', ...spec },
  });
  const deployment = (image: string, port = 80): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image, ports: [{ containerPort: port }] }] },
      },
    },
  });
  const cells = (table: string): readonly (readonly string[])[] =>
    table.split('\n').map((line) => line.trim().split(/ {2,}/));

  // @promise sandbox/kubectl
  it('finds the kinds, with their short names', async () => {
    const lines = (await kubectl(['api-resources', '--no-headers']))
      .split('\n')
      .map((line) => line.split(/ +/).join(' '));
    expect(lines).to.include.members([
      'voyages vy conformance.autopilot.test/v1 true Voyage',
      'services svc v1 true Service',
      'deployments deploy apps/v1 true Deployment',
    ]);
    expect(await kubectl(['api-versions'])).to.contain('conformance.autopilot.test/v1');
    expect(await kubectl(['version'])).to.contain('+sandbox');
  });

  it('gets tables with the columns of the kind, wide ones and YAML', async () => {
    await kubectl(['apply', '-f', '-'], voyage('a', { seats: 7 }));
    expect(cells(await kubectl(['get', 'vy']))).to.satisfy(
      (rows: string[][]) =>
        rows[0]?.join() === 'NAME,ROUTE,READY,AGE' && rows[1]?.slice(0, 2).join() === 'a,FRA-MUC',
    );
    expect(cells(await kubectl(['get', 'voyages', '-o', 'wide']))[1]).to.include('7');
    expect(await kubectl(['get', 'voyage', 'a', '-o', 'yaml'])).to.contain('route: FRA-MUC');
    expect(await kubectl(['get', 'voyage', 'a', '-o', 'jsonpath={.spec.altitude}'])).to.equal(
      '100',
    );
    expect(await kubectl(['get', 'voyages', '-A', '-l', 'a=b', '--ignore-not-found'])).to.equal('');
  });

  it('applies from the client: changes fields and takes them away, of custom and of built-in kinds', async () => {
    expect(
      await kubectl(['apply', '-f', '-'], voyage('a', { seats: 7, company: { cook: 'Bo' } })),
    ).to.contain('voyage.conformance.autopilot.test/a created');
    expect(
      await kubectl(['apply', '-f', '-'], voyage('a', { company: { captain: 'Ada' } })),
    ).to.contain('configured');
    expect(
      await kubectl(['apply', '-f', '-'], voyage('a', { company: { captain: 'Ada' } })),
    ).to.contain('unchanged');
    expect(await kubectl(['get', 'vy', 'a', '-o', 'jsonpath={.spec}'])).to.equal(
      '{"altitude":100,"company":{"captain":"Ada"},"route":"FRA-MUC"}',
    );
    await kubectl(['apply', '-f', '-'], deployment('a:1'));
    expect(await kubectl(['apply', '-f', '-'], deployment('a:2', 81))).to.contain('configured');
    const path =
      'jsonpath={.spec.template.spec.containers[*].image} {.spec.template.spec.containers[*].ports[*].containerPort} {.spec.replicas}';
    expect(await kubectl(['get', 'deploy', 'web', '-o', path])).to.equal('a:2 81 1');
  });

  it('applies on the server, tells conflicts, and takes over by force', async () => {
    await kubectl(['apply', '--server-side', '-f', '-'], voyage('a', { seats: 7 }));
    const other = ['apply', '--server-side', '--field-manager=other', '-f', '-'];
    expect(await refused(other, voyage('a', { seats: 8 }))).to.contain(
      'conflict with "kubectl": .spec.seats',
    );
    expect(await kubectl([...other, '--force-conflicts'], voyage('a', { seats: 8 }))).to.contain(
      'serverside-applied',
    );
    expect(await kubectl(['get', 'vy', 'a', '-o', 'jsonpath={.spec.seats}'])).to.equal('8');
  });

  it('is told what is wrong with a manifest', async () => {
    expect(await refused(['apply', '-f', '-'], voyage('a', { colour: 'red' }))).to.contain(
      'strict decoding error: unknown field "spec.colour"',
    );
    expect(await refused(['apply', '-f', '-'], voyage('a', { altitude: 900 }))).to.contain(
      'spec.altitude in body should be less than or equal to 500',
    );
  });

  it('creates, patches, labels, scales, edits status and deletes', async () => {
    await kubectl(['create', '-f', '-'], voyage('a'));
    expect(await refused(['create', '-f', '-'], voyage('a'))).to.contain('already exists');
    await kubectl(['patch', 'vy', 'a', '--type=merge', '-p', '{"spec":{"mode":"visual"}}']);
    await kubectl([
      'patch',
      'vy',
      'a',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/spec/stops","value":["NUE"]}]',
    ]);
    await kubectl(['label', 'vy', 'a', 'colour=red']);
    await kubectl(['annotate', 'vy', 'a', 'note=red']);
    await kubectl(['scale', 'vy', 'a', '--replicas=3']);
    await kubectl([
      'patch',
      'vy',
      'a',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"phase":"Up"}}',
    ]);
    const path =
      'jsonpath={.spec.mode} {.spec.stops[0]} {.metadata.labels.colour} {.metadata.annotations.note} {.spec.seats} {.status.phase}';
    expect(await kubectl(['get', 'vy', 'a', '-o', path])).to.equal('visual NUE red red 3 Up');
    expect(await kubectl(['delete', 'vy', 'a'])).to.contain('deleted');
    expect(await refused(['get', 'vy', 'a'])).to.contain('(NotFound)');
  });

  // @promise sandbox/kubectl
  it('waits: for a condition, for a value, for the end of an object with finalizers', async () => {
    await kubectl(['apply', '-f', '-'], voyage('a'));
    const later = async (): Promise<void> => {
      const conditions = [{ type: 'Ready', status: 'True' }];
      const patch = { type: 'merge', body: { status: { phase: 'Up', conditions } } } as const;
      await cluster.api.patch(VOYAGES, { namespace: 'default', name: 'a' }, patch, {
        subresource: 'status',
      });
    };
    const waiting = kubectl(['wait', '--for=condition=Ready', 'voyage/a', '--timeout=20s']);
    await later();
    expect(await waiting).to.contain('condition met');
    expect(
      await kubectl(['wait', '--for=jsonpath={.status.phase}=Up', 'voyage/a', '--timeout=20s']),
    ).to.contain('condition met');
    await kubectl([
      'patch',
      'vy',
      'a',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["autopilot.test/hold"]}}',
    ]);
    await kubectl(['delete', 'vy', 'a', '--wait=false']);
    const ended = kubectl(['wait', '--for=delete', 'voyage/a', '--timeout=20s']);
    await cluster.api.patch(
      VOYAGES,
      { namespace: 'default', name: 'a' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await ended;
  });

  it('watches: a line for each change', async () => {
    const env = { KUBECONFIG: join(folder, 'kubeconfig'), HOME: folder };
    await kubectl(['apply', '-f', '-'], voyage('a'));
    const watching = execa(await tool('kubectl'), ['get', 'vy', '-w', '-o', 'wide'], {
      env,
      reject: false,
    });
    const seen: string[] = [];
    for await (const line of watching) {
      if (line.startsWith('NAME')) {
        continue;
      }
      seen.push(line.trim().split(/ +/)[0] ?? '');
      if (seen.length === 1) {
        await kubectl(['apply', '-f', '-'], voyage('b'));
      }
      if (seen.length === 2) {
        watching.kill();
      }
    }
    await watching;
    expect(seen).to.deep.equal(['a', 'b']);
  });

  it('explains and describes', async () => {
    expect(await kubectl(['explain', 'voyage.spec.gates'])).to.match(/desks\s+<\[\]Object>/);
    expect(await kubectl(['explain', 'voyage.spec'])).to.match(/route\s+<string> -required-/);
    await kubectl(['apply', '-f', '-'], voyage('a'));
    expect(await kubectl(['describe', 'voyage', 'a'])).to.match(/Route:\s+FRA-MUC/);
  });

  it('shows what an operator has said about a resource: in get events, and where it is described', async () => {
    await kubectl(['apply', '-f', '-'], voyage('a'));
    const { apiVersion, kind, metadata } = await cluster.api.get(VOYAGES, {
      namespace: 'default',
      name: 'a',
    });
    const regarding = { apiVersion, kind, name: 'a', namespace: 'default', uid: metadata.uid };
    const said = {
      type: 'Normal',
      reason: 'Transition',
      action: 'Reconcile',
      note: 'Boarding -> Sailing',
      reportingController: 'x',
      reportingInstance: 'x-1',
    };
    await cluster.api.create(EVENTS, {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'a.1', namespace: 'default' },
      ...said,
      regarding,
      eventTime: `${new Date(cluster.clock.now() - 60_000).toISOString().slice(0, -1)}000Z`,
    } as KubeObject);
    for (const command of [
      ['get', 'events'],
      ['get', 'events.events.k8s.io'],
    ]) {
      const [head = [], row = []] = cells(await kubectl(command));
      expect(head).to.deep.equal(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
      expect(row.slice(1)).to.deep.equal([
        'Normal',
        'Transition',
        'voyage/a',
        'Boarding -> Sailing',
      ]);
      expect(row[0]).to.match(/^\d+s$/);
    }
    expect(await kubectl(['describe', 'voyage', 'a'])).to.match(
      /Normal\s+Transition\s+\S+\s+x.*Boarding -> Sailing/,
    );
    expect(await kubectl(['events', '--for', 'voyage/a'])).to.contain('Boarding -> Sailing');
  });

  it('shows what a change would be, and writes nothing', async () => {
    await kubectl(['apply', '-f', '-'], voyage('a'));
    expect(
      await kubectl(['apply', '--dry-run=server', '-f', '-'], voyage('a', { seats: 3 })),
    ).to.contain('(server dry run)');
    expect(await kubectl(['get', 'vy', 'a', '-o', 'jsonpath={.spec.seats}'])).to.equal('');
  });

  it('deletes a namespace with what is in it, and a definition with its objects', async () => {
    await kubectl(['apply', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'n' },
    });
    await kubectl(['apply', '-n', 'n', '-f', '-'], voyage('a'));
    await kubectl(['delete', 'namespace', 'n', '--timeout=20s']);
    expect((await cluster.api.list(VOYAGES)).items).to.deep.equal([]);
    await kubectl(['apply', '-f', '-'], voyage('b'));
    await kubectl(['delete', 'crd', 'voyages.conformance.autopilot.test', '--timeout=20s']);
    expect(await refused(['get', 'voyages.conformance.autopilot.test'])).to.contain(
      "the server doesn't have a resource type",
    );
  });

  it('answers under the names of this machine only', async () => {
    const { port } = new URL(apiServer.url);
    const code = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        { host: '127.0.0.1', port, path: '/api', headers: { host: 'elsewhere.example' } },
        ({ statusCode }) => resolve(statusCode),
      );
      asked.on('error', reject).end();
    });
    expect(code).to.equal(400);
  });
});
