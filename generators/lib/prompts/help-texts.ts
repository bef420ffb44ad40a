/** Texts that `?` shows at each prompt: what the value is, its effect, and an example. */
export const helpTexts = {
  finalizer: [
    'Kubernetes deletes the outputs of a resource with the resource, and the operator restores claimed fields. Neither needs a finalizer of your own.',
    'Add a finalizer for anything else, such as removing a DNS record outside the cluster. The file src/finalizer.ts is called until it returns done.',
  ],
  start: [
    'A state machine of your own: you name the kind and its phases, and get a worker stub for each phase.',
    'An example: a complete operator with workers and tests, to read, run and change.',
  ],
  kind: [
    'The kind of the resource that users of your operator write, as in `kind: Canary`.',
    'Singular and in Pascal case. kubectl uses its plural in lower case: kubectl get canaries.',
  ],
  apiVersion: [
    'API group and version of the kind, as in `apiVersion: examples.io/v1`.',
    'Use a domain name that you own as the group. The group tells your Canary from a Canary of another vendor.',
    'Use v1alpha1 while fields may still change, and v1 when they no longer do.',
  ],
  operatorName: [
    'The name of the operator, its chart, its Deployment, its RBAC rules and the label on its outputs. Example: canary-operator.',
    'A renamed operator does not find the outputs of the old name, so do not change the name after the first release.',
  ],
  phase: [
    'A phase is a named state of a resource. It is stored in status.phase, and kubectl get shows it.',
    'For each phase you write one function, its worker. The worker reads objects, returns the desired outputs, and names the next phase.',
    'A resource is always in exactly one phase. Example of a canary: Waiting, Evaluating, Promoting, RollBack, Finished.',
  ],
  description: [
    'One line about the phase. It is written to autopilot.yaml, the types, the README and the Ready condition. Example: Shifts traffic to the new version.',
  ],
  endsWell: [
    'Tools that wait for Ready=True (kubectl wait, Helm, Argo CD) report success when a resource reaches this phase.',
    'Answer no for a failed end, such as Failed. Ready is then False, and these tools report a failure.',
  ],
  final: [
    'In a final phase the resource is finished: no worker runs, and nothing is watched or repaired.',
    'Example: a release that is promoted or rolled back is finished. A route that must stay correct is not: keep it in a phase with a worker.',
  ],
  resting: [
    'A resting phase is an end with a worker. It keeps outputs and field claims as they are, and is not called in intervals.',
    'A changed spec leads to the initial phase. Example: a fault injection that must stay removed. The option is --resting.',
  ],
  ready: [
    'Tools that wait (kubectl wait, Helm, Argo CD) use the Ready condition. It is True in final phases and in phases marked ready.',
    'Answer yes if nothing is left to do in this phase although its worker keeps running. Example: a canary that waits for the next release.',
  ],
  inputs: [
    'The kinds that the worker reads. A change of an object that the worker has read triggers a reconcile. metrics gives access to Prometheus.',
    'The operator gets permission to list and watch these kinds only. Reading another kind is a compile error.',
    'autopilot.yaml can narrow or widen an input: a label selector, or `namespace: all`.',
  ],
  outputs: [
    'The kinds that the worker writes. The operator applies the objects that the worker returns, makes the resource their owner, and repairs manual changes.',
    'The operator gets permission to write these kinds only. Writing another kind is a compile error.',
  ],
  next: [
    'The phases that the worker may send the resource to. The resource may always stay in its phase. Example: Promoting,RollBack.',
    'Another phase is a compile error in the worker, so that the drawing always matches the code.',
  ],
  before: [
    'The phases whose workers may send a resource to this phase. A phase that no other phase leads to is an error.',
  ],
  another: [
    'Every phase except final ones gets a worker. You can add phases later: yo autopilot:phase',
  ],
  verb: [
    'add: a new phase with a worker stub.',
    'edit: description, inputs, outputs and next phases. Workers that no longer match fail to compile.',
    'rename: the name in autopilot.yaml, the worker and the test. Resources in the phase continue under the new name.',
    'remove: the phase. Its resources continue in a replacement.',
    'move: the order in autopilot.yaml and in drawings. The behavior does not change.',
  ],
  rename: [
    'All references in autopilot.yaml change, and the files of the worker and its test are moved. Example: Waiting becomes Pausing.',
    'The old name is added to `formerly`, so that resources in the old phase continue in the new one.',
  ],
  replacement: [
    'When the new version of the operator starts, resources may still be in the removed phase. They continue in the replacement.',
    'Phases that could go to the removed phase may go to the replacement. A phase that would become unreachable can be reached from the replacement.',
    'A phase that requires an approval cannot be the replacement: resources would enter it without one.',
    'Answer none to leave such resources Stalled until you set a phase by hand.',
  ],
  after: ['The order changes autopilot.yaml, drawings and tables. The behavior does not change.'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
