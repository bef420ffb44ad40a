import { expect } from 'chai';
import type { ControlPlane } from '../realparts/index.ts';
import { controlPlane, until } from '../realparts/index.ts';
import { chartOfText, render } from './rendering.ts';
import type { Chart } from './rendering.ts';

const PHASES = (approval: string): string => `kind: Example
apiVersion: examples.io/v1
phases:
  - { name: Working, initial: true, next: [Done] }
  - { name: Done, final: true${approval} }
`;
const EXAMPLE = {
  apiVersion: 'examples.io/v1',
  kind: 'Example',
  metadata: { name: 'one', namespace: 'default' },
  spec: {},
};

describe('a chart whose approvals are restricted, on a real API server', () => {
  let plane: ControlPlane;
  let chart: Chart;
  before(async () => {
    chart = await chartOfText(PHASES(', approval: required'));
    plane = await controlPlane();
    await plane.helm([
      'install',
      'r',
      chart.path,
      '-n',
      'ops',
      '--create-namespace',
      '--set',
      'approval.restricted=true',
    ]);
    await plane.kubectl([
      'create',
      'clusterrole',
      'editor',
      '--verb=get,list,create,update,patch,delete',
      '--resource=examples.examples.io',
    ]);
    for (const [user, role] of [
      ['editor', 'editor'],
      ['approver', 'ops:r-example-operator-approver'],
    ] as const) {
      await plane.kubectl([
        'create',
        'rolebinding',
        user,
        `--clusterrole=${role}`,
        `--user=${user}`,
        '-n',
        'default',
      ]);
    }
    await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(EXAMPLE) });
  });
  after(async () => {
    await plane?.stop();
    chart?.remove();
  });

  /** @returns what kubectl says. */
  const annotate = (user: string, annotation: string): Promise<string> =>
    plane
      .kubectl(['annotate', 'example', 'one', annotation, '--overwrite', `--as=${user}`])
      .catch((error: { stderr: string }) => error.stderr);

  // @promise chart/restricted-approvals
  it('lets a user who may edit but not approve change everything but the approval', async () => {
    await until('the policy is in effect', 30_000, async () =>
      expect(await annotate('editor', `examples.io/approve=Done@${Date.now()}`)).to.contain(
        'editor may not approve transitions: the verb approve on examples.examples.io is not granted',
      ),
    );
    expect(await annotate('editor', 'examples.io/retry=1')).to.contain('annotated');
  });

  // @promise chart/restricted-approvals
  it('lets an approver approve, and an editor keep or take back the approval', async () => {
    expect(await annotate('approver', 'examples.io/approve=Done@token')).to.contain('annotated');
    expect(await annotate('editor', 'examples.io/retry=2')).to.contain('annotated');
    expect(await annotate('editor', 'examples.io/approve-')).to.contain('annotated');
  });

  // @promise chart/restricted-approvals
  it('does not let an editor create a resource that is already approved', async () => {
    const annotations = { 'examples.io/approve': 'Done@token' };
    const metadata = { name: 'two', namespace: 'default', annotations };
    const said = await plane
      .kubectl(['create', '-f', '-', '--as=editor'], {
        input: JSON.stringify({ ...EXAMPLE, metadata }),
      })
      .catch((error: { stderr: string }) => error.stderr);
    expect(said).to.contain('editor may not approve transitions');
  });

  it('has the policy only when it is asked for', async () => {
    const kinds = (await render(chart.path)).map(({ kind }) => kind);
    expect(kinds).not.to.include('ValidatingAdmissionPolicy');
  });
});
