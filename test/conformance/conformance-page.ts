/** docs/reference/conformance.md, made from the cases. */
import type { Case } from './cases/case.ts';

/** What no case can show. */
const BEYOND: readonly (readonly [string, string])[] = [
  [
    'size of an object',
    'measured as JSON without managedFields; etcd stores built-in kinds in a form that is smaller',
  ],
  [
    'fields of built-in kinds',
    'no list of them: unknown fields are kept. Defaults and rules are there for Services, workloads, ConfigMaps, Secrets, Leases and Events only',
  ],
  [
    'kinds of Istio and the Gateway API',
    'served without their schemas; create their CustomResourceDefinition in the sandbox to have defaults and validation',
  ],
  [
    'bodies that are not JSON',
    'the HTTP API refuses protobuf and YAML; `kubectl create configmap` and its like send protobuf',
  ],
  ['admission webhooks, quotas, priority', 'not there'],
  ['conversion between versions', 'none, as with `strategy: None`'],
  [
    'controllers',
    'garbage collector, end of namespaces and of definitions; a Deployment has no pods',
  ],
  [
    'managedFields of built-in kinds',
    'after an update some entries lack the `.` of inner structures',
  ],
];

export function conformancePage(cases: Readonly<Record<string, readonly Case[]>>): string {
  const all = Object.entries(cases);
  const count = all.reduce((sum, [, list]) => sum + list.length, 0);
  const differing = all.flatMap(([subject, list]) =>
    list.flatMap(({ name, differs }) =>
      differs === undefined ? [] : [[`${subject}: ${name}`, differs] as const],
    ),
  );
  const rows = (pairs: readonly (readonly [string, string])[]): string =>
    pairs.map(([what, why]) => `| ${escaped(what)} | ${escaped(why)} |`).join('\n');
  return `<!-- Made by scripts/reference.ts from test/conformance/cases. Do not edit. -->
# Conformance of the sandbox

${count} cases over \`KubeApi\`. Each runs on the sandbox, on the sandbox through its HTTP API,
and on a real kube-apiserver: \`npm test -- conformance\`.
Where they differ, the real one is right.

## Differences

A case that differs must fail on the sandbox; when it no longer does, the test says so.

| case | why the sandbox does otherwise |
|---|---|
${rows(differing)}

Beyond the cases:

| what | the sandbox |
|---|---|
${rows(BEYOND)}

## Cases
${all.map(([subject, list]) => `\n### ${subject}\n\n${list.map(({ name }) => `- ${escaped(name)}`).join('\n')}\n`).join('')}`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
