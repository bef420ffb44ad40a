/**
 * What autopilot.yaml must satisfy beyond its shape: names that are legal and unique, targets that
 * exist, a machine that can be flown.
 */
import {
  builtInKinds,
  GATEWAY_API_GATEWAYS,
  METRICS_INPUT,
  ORIGINAL_KINDS,
} from '../kinds/built-in-kinds.ts';
import { camelCase, lowerFirst, didYouMean } from '../util/naming.ts';
import { formatPath } from '../util/problems.ts';
import type { ProblemPath } from '../util/problems.ts';
import { builtInQueries, ORIGINAL_QUERIES, placeholdersOf } from '../kinds/prometheus-queries.ts';
import type { PhaseDocument, ProjectDocument } from './project-schema.ts';

type ReportProblem = (path: ProblemPath, message: string) => void;

/** Files of src/generated that no phase and no kind may claim. */
const RESERVED_FILES = ['scheduler', 'kinds', 'queries', 'machine', 'finalizer'];
const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SCRIPT_GLOBALS = new Set(Object.getOwnPropertyNames(globalThis));

/**
 * One sentence when `kind` cannot be the kind of a project, else undefined. Also asked by the
 * dialogue.
 */
export function kindProblem(kind: string): string | undefined {
  if (!/^[A-Z][A-Za-z0-9]*$/.test(kind)) {
    return `'${kind}' must be in Pascal case: a capital letter, then letters and digits, such as 'AutoRoute'`;
  }
  if (kind.length > 58) {
    return `'${kind}' is longer than 58 characters`;
  }
  if (SCRIPT_GLOBALS.has(kind)) {
    return `'${kind}' is the name of a JavaScript global, choose another`;
  }
  if (RESERVED_FILES.includes(kind.toLowerCase())) {
    return `'${kind}' is the name of a generated file, choose another`;
  }
  return undefined;
}

export function apiVersionProblem(apiVersion: string): string | undefined {
  const parts = apiVersion.split('/');
  if (parts.length !== 2) {
    return `'${apiVersion}' must have two parts, a group and a version, such as 'examples.io/v1'`;
  }
  const [group = '', version = ''] = parts;
  if (!DNS_SUBDOMAIN.test(group) || !group.includes('.')) {
    return `'${group}' is no API group: a lower-case domain name such as 'examples.io'`;
  }
  if (!/^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/.test(version)) {
    return `'${version}' is no API version: 'v1', 'v1alpha1' and so on`;
  }
  return undefined;
}

export function operatorNameProblem(operatorName: string): string | undefined {
  if (operatorName.length > 52) {
    return `'${operatorName}' is longer than 52 characters, which leaves no room for the suffixes of its objects`;
  }
  return DNS_LABEL.test(operatorName)
    ? undefined
    : `'${operatorName}' must be lower-case letters, digits and '-', beginning with a letter, such as 'canary-operator'`;
}

export function phaseNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) {
    return `'${name}' must be letters and digits, beginning with a letter, such as 'Processing'`;
  }
  if (name.length > 63) {
    return `'${name}' is longer than 63 characters`;
  }
  if (RESERVED_FILES.includes(name.toLowerCase())) {
    return `'${name}' is the name of a generated file, choose another`;
  }
  return undefined;
}

/** Names a phase's inputs or outputs may take. */
export function kindNames(
  project: Pick<ProjectDocument, 'customParameters'>,
  outputs = false,
): string[] {
  const own = (project.customParameters ?? []).map((custom) => custom.lowerName);
  return [...new Set([...builtInKinds.keys(), ...own, ...(outputs ? [] : [METRICS_INPUT])])].sort();
}

/** Reports everything at once. */
export function validateProject(project: ProjectDocument, report: ReportProblem): void {
  const reportAt = (path: ProblemPath, problem: string | undefined): void => {
    if (problem !== undefined) {
      report(path, `${formatPath(path)} ${problem}`);
    }
  };
  reportAt(['kind'], kindProblem(project.kind));
  reportAt(['apiVersion'], apiVersionProblem(project.apiVersion));
  if (project.operatorName !== undefined) {
    reportAt(['operatorName'], operatorNameProblem(project.operatorName));
  }
  validateNames(project, report);
  validateInitial(project.phases, report);
  project.phases.forEach((phase, index) =>
    validatePhase(project, phase, ['phases', index], report),
  );
  validateReachability(project.phases, report);
  validateCustomParameters(project, report);
  validateQueries(project, report);
  if (project.finalizer) {
    validateUses(project, project.finalizer, ['finalizer'], report);
  }
}

function validateNames(project: ProjectDocument, report: ReportProblem): void {
  const files = new Map<string, string>([[project.kind.toLowerCase(), `kind '${project.kind}'`]]);
  project.phases.forEach(({ name }, index) => {
    const path = ['phases', index, 'name'] as const;
    const problem = phaseNameProblem(name);
    if (problem) {
      report(path, `${formatPath(path)} ${problem}`);
    }
    const taken = files.get(name.toLowerCase());
    if (taken !== undefined) {
      report(
        path,
        `${formatPath(path)} '${name}' is taken by ${taken} (names become file names, so capitals do not tell them apart)`,
      );
    } else {
      files.set(name.toLowerCase(), `phases[${index}]`);
    }
  });
}

function validateInitial(phases: readonly PhaseDocument[], report: ReportProblem): void {
  const initial = phases.flatMap((phase, index) => (phase.initial ? [index] : []));
  if (initial.length === 0) {
    report(
      ['phases'],
      "no phase is initial: set 'initial: true' on the one a new resource starts in",
    );
  }
  for (const index of initial.slice(1)) {
    report(
      ['phases', index, 'initial'],
      `phases[${index}] is initial, but phases[${initial[0]}] ('${phases[initial[0] ?? 0]?.name}') is already; there can be only one`,
    );
  }
}

function validatePhase(
  project: ProjectDocument,
  phase: PhaseDocument,
  path: ProblemPath,
  report: ReportProblem,
): void {
  const names = project.phases.map(({ name }) => name);
  const target = (where: ProblemPath, name: string, extra: readonly string[] = []): void => {
    if (!names.includes(name) && !extra.includes(name)) {
      report(
        where,
        `${formatPath(where.slice(0, 3))} names '${name}', which is not a phase${didYouMean(name, [...names, ...extra])}`,
      );
    }
  };
  phase.next?.forEach((name, index) => target([...path, 'next', index], name));
  if (phase.onTimeout !== undefined) {
    target([...path, 'onTimeout'], phase.onTimeout);
  }
  if (phase.onTimeout === phase.name) {
    report(
      [...path, 'onTimeout'],
      `${formatPath(path)} names itself in onTimeout: its time would be up again at once; name the phase that comes after it`,
    );
  }
  if (phase.onSpecChange !== undefined) {
    target([...path, 'onSpecChange'], phase.onSpecChange, ['ignore']);
  }
  const waiting = project.phases
    .filter(({ approval }) => approval !== undefined)
    .map(({ name }) => name);
  for (const key of ['onTimeout', 'onSpecChange'] as const) {
    if (waiting.includes(phase[key] ?? '')) {
      report(
        [...path, key],
        `${formatPath(path)} names '${phase[key]}' in ${key}, which goes there at once, but '${phase[key]}' waits for an approval`,
      );
    }
  }
  if (phase.initial && phase.approval !== undefined) {
    report(
      [...path, 'approval'],
      `${formatPath(path)} is initial, so nobody can approve of going there`,
    );
  }
  if ((phase.timeout === undefined) !== (phase.onTimeout === undefined)) {
    report(
      path,
      `${formatPath(path)} has ${phase.timeout === undefined ? 'onTimeout without timeout' : 'timeout without onTimeout'}: they belong together`,
    );
  }
  phase.formerly?.forEach((name, index) => {
    if (names.includes(name)) {
      report(
        [...path, 'formerly', index],
        `${formatPath([...path, 'formerly'])} names '${name}', which still is a phase`,
      );
    }
  });
  if (phase.final) {
    for (const key of ['inputs', 'outputs', 'next'] as const) {
      if (phase[key]?.length) {
        report(
          [...path, key],
          `${formatPath(path)} ('${phase.name}') is final and has no worker, so it cannot have ${key}`,
        );
      }
    }
    if (phase.timeout !== undefined) {
      report(
        [...path, 'timeout'],
        `${formatPath(path)} ('${phase.name}') is final, so it cannot time out`,
      );
    }
  }
  validateUses(project, phase, path, report);
}

function validateUses(
  project: ProjectDocument,
  uses: Pick<PhaseDocument, 'inputs' | 'outputs'>,
  path: ProblemPath,
  report: ReportProblem,
): void {
  for (const key of ['inputs', 'outputs'] as const) {
    const known = kindNames(project, key === 'outputs');
    const seen = new Set<string>();
    uses[key]?.forEach((use, index) => {
      const name = typeof use === 'string' ? use : use.name;
      const where = [...path, key, index];
      if (key === 'outputs' && name === METRICS_INPUT) {
        report(
          where,
          `${formatPath(where)} is 'metrics', which can be read but not written: make it an input`,
        );
      } else if (!known.includes(name)) {
        report(
          where,
          `${formatPath(where)} names '${name}', which is no parameter${gatewayHint(name) ?? didYouMean(name, known)}`,
        );
      }
      if (seen.has(name)) {
        report(where, `${formatPath(where)} names '${name}' a second time`);
      }
      seen.add(name);
    });
  }
}

/** Two kinds are called Gateway: whoever looks for one of them under another name is told both. */
function gatewayHint(name: string): string | undefined {
  if (!/gateway/i.test(name)) {
    return undefined;
  }
  return `: 'gateways' is Istio's Gateway, '${GATEWAY_API_GATEWAYS}' is that of the Gateway API`;
}

/** Names of the phases that a resource can come to. */
export function reachablePhases(phases: readonly PhaseDocument[]): ReadonlySet<string> {
  const names = phases.map(({ name }) => name);
  const reached = new Set<string>();
  const visit = (name: string): void => {
    const phase = phases.find((candidate) => candidate.name === name);
    if (!phase || reached.has(name)) {
      return;
    }
    reached.add(name);
    const targets = phase.final ? [] : (phase.next ?? names);
    for (const target of [...targets, phase.onTimeout, phase.onSpecChange]) {
      if (target !== undefined) {
        visit(target);
      }
    }
  };
  for (const { name, initial } of phases) {
    if (initial) {
      visit(name);
    }
  }
  return reached;
}

function validateReachability(phases: readonly PhaseDocument[], report: ReportProblem): void {
  const initial = phases.find((phase) => phase.initial);
  if (!initial) {
    return;
  }
  const reached = reachablePhases(phases);
  phases.forEach(({ name }, index) => {
    if (!reached.has(name)) {
      report(
        ['phases', index, 'name'],
        `phases[${index}] ('${name}') cannot be reached from '${initial.name}': no phase on the way names it in next`,
      );
    }
  });
}

function validateCustomParameters(project: ProjectDocument, report: ReportProblem): void {
  const seen = new Set<string>([METRICS_INPUT]);
  project.customParameters?.forEach((custom, index) => {
    const path = ['customParameters', index, 'lowerName'];
    const { lowerName } = custom;
    if (!/^[a-z][a-z0-9]*$/.test(lowerName)) {
      report(
        path,
        `${formatPath(path)} '${lowerName}' must be lower-case letters and digits, such as 'certificates'`,
      );
    }
    if (ORIGINAL_KINDS.has(lowerName)) {
      report(path, `${formatPath(path)} '${lowerName}' is built in already`);
    }
    if (seen.has(lowerName)) {
      report(path, `${formatPath(path)} '${lowerName}' is declared twice`);
    }
    seen.add(lowerName);
    if (!/^[A-Z][A-Za-z0-9]*$/.test(custom.singleName)) {
      report(
        ['customParameters', index, 'singleName'],
        `customParameters[${index}].singleName '${custom.singleName}' must be the kind in Pascal case, such as 'Certificate'`,
      );
    }
  });
}

function validateQueries(project: ProjectDocument, report: ReportProblem): void {
  const originals = builtInQueries.filter(({ name }) => ORIGINAL_QUERIES.has(name));
  const methods = new Map(
    originals.map(({ method, name }) => [method, `built-in query '${name}'`]),
  );
  project.queries?.forEach((query, index) => {
    const path = ['queries', index];
    const method = camelCase(query.name);
    const taken = methods.get(method);
    if (!/^[A-Za-z_$][\w$]*$/.test(method)) {
      report(
        [...path, 'name'],
        `queries[${index}].name '${query.name}' gives no method name: it needs letters`,
      );
    } else if (taken !== undefined) {
      report(
        [...path, 'name'],
        `queries[${index}].name '${query.name}' becomes the method ${method}, as the ${taken} does`,
      );
    }
    methods.set(method, `queries[${index}]`);
    const declared = (query.parameters ?? []).map(lowerFirst);
    for (const placeholder of placeholdersOf(query.queryTemplate)) {
      if (!declared.includes(lowerFirst(placeholder)) && lowerFirst(placeholder) !== 'namespace') {
        report(
          [...path, 'queryTemplate'],
          `queries[${index}].queryTemplate uses {{ .${placeholder} }}, which parameters does not declare${didYouMean(placeholder, query.parameters ?? [])}`,
        );
      }
    }
  });
}
