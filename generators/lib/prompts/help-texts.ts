/**
 * What `?` says at each question. Short texts that teach: what it is, what follows from it, an
 * example.
 */

export const helpTexts = {
  finalizer: [
    'What a resource has made is deleted with it, and what it has edited is put back: that needs no work of yours.',
    'A finalizer is for the rest, such as telling a system outside of the cluster: src/finalizer.ts, called until it says done.',
  ],
  start: [
    'A machine of your own: you name the kind and its phases, and get a stub to fill for each of them.',
    'An example: a complete operator with workers and tests, to read, to run and to change.',
  ],
  kind: [
    'The kind of the resource that users of your operator write, as in `kind: Canary`.',
    'Pascal case and singular. Its plural in lower case becomes the name in kubectl: kubectl get canaries.',
  ],
  apiVersion: [
    'Group and version of the kind, as in `apiVersion: examples.io/v1`.',
    'The group is a domain name of yours: it keeps your Canary apart from the Canary of somebody else.',
    'v1alpha1 says that fields may still change, v1 that they will not.',
  ],
  operatorName: [
    'The name of the operator: of its chart, its Deployment, its rights, and of the label on what it writes.',
    'It cannot be changed later without leaving what was written under the old name.',
  ],
  phase: [
    'A phase is a named state of a resource; it stands in status.phase, where kubectl get shows it.',
    'For each phase you write one function, its worker: it looks at the world, says what should be there, and where to go next.',
    'A resource is always in exactly one phase. A canary: Waiting, Evaluating, Promoting, RollBack, Finished.',
  ],
  description: [
    'One line for people: it stands in autopilot.yaml, in the types, in the README and in the condition Ready.',
  ],
  endsWell: [
    'Tools that wait (kubectl wait, Helm, Argo CD) take a resource in a final phase for ready, and stop waiting.',
    'Say no when it ended badly, as in Failed: they report a failure then, instead of success.',
  ],
  final: [
    'A final phase is an end: the resource is done, no worker runs, nothing is watched or repaired any more.',
    'A release that is promoted or rolled back is done. A route that has to be kept right for ever is not: it stays in a phase whose worker goes on.',
  ],
  ready: [
    'Tools that wait (kubectl wait, Helm, Argo CD) look at the condition Ready. It is True in final phases and in those marked ready.',
    'Say yes when everything is as wanted here although the worker goes on, as while a canary waits for the next release.',
  ],
  inputs: [
    'What the worker reads. A change of an object that it has read wakes it at once; metrics lets it ask Prometheus.',
    'The operator gets the right to list and watch these kinds, and no others; reading another one is a compile error.',
    'More can be said in autopilot.yaml: a selector of labels, or `namespace: all`.',
  ],
  outputs: [
    'What the worker writes. It returns objects; they are applied, owned by the resource, repaired when somebody changes them, and go with it.',
    'The operator gets the right to write these kinds, and no others; writing another one is a compile error.',
  ],
  next: [
    'The phases that the worker may send the resource to. Staying where it is is always allowed.',
    'Another phase is a compile error in the worker, so the picture of the machine is true.',
  ],
  before: [
    'The phases whose workers may send a resource here. A phase that nothing leads to cannot be reached, and is an error.',
  ],
  another: [
    'Every phase but the final ones gets a worker. One more can be added at any time: yo autopilot:phase',
  ],
  verb: [
    'add: one more phase, with a stub for its worker.',
    'edit: what it reads and writes and where it may go. Workers that no longer fit fail to compile.',
    'rename: everything that names it follows, also resources that stand in it.',
    'remove: its resources and callers go to a replacement.',
    'move: the order in autopilot.yaml and in pictures; nothing else.',
  ],
  rename: [
    'Whatever names the phase in autopilot.yaml follows; the files of its worker and its test move along.',
    'The old name goes into `formerly`, so that resources standing in it continue.',
  ],
  replacement: [
    'When the new version of the operator starts, resources may stand in the phase that goes. They are taken as standing in its replacement,',
    'and phases that could go there may go to the replacement. What only it led to is led to from there. none: such resources are Stalled until somebody looks after them.',
  ],
  after: [
    'Order changes nothing in the machine: it is the order of the file, of pictures and of tables.',
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;
