/**
 * Checks of autopilot.yaml beyond its shape: legal and unique names, transitions that lead to
 * existing phases, and phases that a resource can reach.
 */
import { builtInKinds, GATEWAY_API_GATEWAYS, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import { didYouMean } from '../util/naming.ts';
import { formatPath } from '../util/problems.ts';
import type { ProblemPath, ReportProblem } from '../util/problems.ts';
import { KINDS_OF_2019 } from './compat-2019.ts';
import { kindNameOf } from './project-schema.ts';
import type { PhaseDocument, ProjectDocument } from './project-schema.ts';
import { validateQueries } from './validate-queries.ts';

/** Base names of files in src/generated that neither a phase nor the kind can have. */
const RESERVED_FILES = ['scheduler', 'kinds', 'queries', 'machine', 'finalizer'];
const DNS_LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const PASCAL_CASE = /^[A-Z][A-Za-z0-9]*$/;

const MAX_KIND_LENGTH = 58;
const MAX_PLURAL_LENGTH = 63;
const MAX_OPERATOR_NAME_LENGTH = 52;
const MAX_PHASE_NAME_LENGTH = 63;

/** Why a name cannot be the kind of a project. Undefined when it can. Prompts ask this too. */
export function kindProblem(kind: string): string | undefined {
  if (!PASCAL_CASE.test(kind)) {
    return `'${kind}' must be in Pascal case: a capital letter, then letters and digits, such as 'AutoRoute'`;
  }
  if (kind.length > MAX_KIND_LENGTH) {
    return `'${kind}' is longer than ${MAX_KIND_LENGTH} characters`;
  }
  if (RESERVED_FILES.includes(kind.toLowerCase())) {
    return `'${kind}' is the name of a generated file, choose another`;
  }
  return undefined;
}

/** Why a name cannot be the plural of a kind. Undefined when it can. */
function pluralProblem(plural: string): string | undefined {
  if (plural.length > MAX_PLURAL_LENGTH) {
    return `'${plural}' is longer than ${MAX_PLURAL_LENGTH} characters`;
  }
  return DNS_LABEL.test(plural)
    ? undefined
    : `'${plural}' must be lower-case letters, digits and '-', beginning with a letter, such as 'canaries'`;
}

/** Why a string cannot be the apiVersion of a project. Undefined when it can. */
export function apiVersionProblem(apiVersion: string): string | undefined {
  const parts = apiVersion.split('/');
  if (parts.length !== 2) {
    return `'${apiVersion}' must have two parts, a group and a version, such as 'examples.io/v1'`;
  }
  const [group = '', version = ''] = parts;
  if (!DNS_SUBDOMAIN.test(group) || !group.includes('.')) {
    return `'${group}' is not an API group: use a lower-case domain name such as 'examples.io'`;
  }
  return versionProblem(version);
}

/** Why a string cannot be the name of a version. Undefined when it can. */
function versionProblem(version: string): string | undefined {
  return /^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/.test(version)
    ? undefined
    : `'${version}' is not an API version: use a name such as 'v1' or 'v1alpha1'`;
}

/** Why a name cannot be the name of an operator. Undefined when it can. */
export function operatorNameProblem(operatorName: string): string | undefined {
  if (operatorName.length > MAX_OPERATOR_NAME_LENGTH) {
    return `'${operatorName}' is longer than ${MAX_OPERATOR_NAME_LENGTH} characters, which leaves no room for the suffixes of its objects`;
  }
  return DNS_LABEL.test(operatorName)
    ? undefined
    : `'${operatorName}' must be lower-case letters, digits and '-', beginning with a letter, such as 'canary-operator'`;
}

/** Why a name cannot be the name of a phase. Undefined when it can. */
export function phaseNameProblem(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) {
    return `'${name}' must be letters and digits, beginning with a letter, such as 'Processing'`;
  }
  if (name.length > MAX_PHASE_NAME_LENGTH) {
    return `'${name}' is longer than ${MAX_PHASE_NAME_LENGTH} characters`;
  }
  if (RESERVED_FILES.includes(name.toLowerCase())) {
    return `'${name}' is the name of a generated file, choose another`;
  }
  return undefined;
}

/**
 * Names that a phase's inputs or outputs can use, sorted.
 * @param outputs whether the names are for outputs, which cannot be `metrics`. Default: false.
 */
export function kindNames(
  project: Pick<ProjectDocument, 'customParameters'>,
  outputs = false,
): string[] {
  const custom = (project.customParameters ?? []).map(({ lowerName }) => lowerName);
  const names = [...builtInKinds.keys(), ...custom, ...(outputs ? [] : [METRICS_INPUT])];
  return [...new Set(names)].sort();
}

/** Checks the whole file and reports all problems. */
export function validateProject(project: ProjectDocument, report: ReportProblem): void {
  const reportAt = (path: ProblemPath, problem: string | undefined): void => {
    if (problem !== undefined) {
      report(path, `${formatPath(path)} ${problem}`);
    }
  };
  reportAt(['kind'], kindProblem(project.kind));
  if (project.plural !== undefined) {
    reportAt(['plural'], pluralProblem(project.plural));
  }
  reportAt(['apiVersion'], apiVersionProblem(project.apiVersion));
  validateFormerVersions(project, reportAt);
  if (project.operatorName !== undefined) {
    reportAt(['operatorName'], operatorNameProblem(project.operatorName));
  }
  project.phases.forEach(({ name }, index) =>
    reportAt(['phases', index, 'name'], phaseNameProblem(name)),
  );
  validateUniqueNames(project, report);
  validateInitial(project.phases, report);
  project.phases.forEach((phase, index) => {
    const path = ['phases', index];
    validateTargets(project.phases, phase, path, report);
    validateTiming(project.phases, phase, path, report);
    validateWhenUndone(project.phases, phase, path, report);
    validateFinal(phase, path, report);
    validateUses(project, phase, path, report);
  });
  validateReachability(project.phases, report);
  validateCustomParameters(project, report);
  validateQueries(project.queries ?? [], report);
  if (project.finalizer) {
    validateUses(project, project.finalizer, ['finalizer'], report);
    validateWhenUndone([], project.finalizer, ['finalizer'], report);
  }
}

/** Checks that formerVersions are legal, different, and not the version of apiVersion. */
function validateFormerVersions(
  { apiVersion, formerVersions = [] }: ProjectDocument,
  reportAt: (path: ProblemPath, problem: string | undefined) => void,
): void {
  const current = apiVersion.split('/')[1];
  const seen = new Set<string>();
  formerVersions.forEach(({ name }, index) => {
    const path = ['formerVersions', index, 'name'];
    reportAt(path, versionProblem(name));
    if (name === current) {
      reportAt(path, `'${name}' is the version in apiVersion: remove the entry`);
    }
    if (seen.has(name)) {
      reportAt(path, `'${name}' is listed twice: remove one of the entries`);
    }
    seen.add(name);
  });
}

/** Names become file names, and some file systems do not distinguish upper and lower case. */
function validateUniqueNames(project: ProjectDocument, report: ReportProblem): void {
  const owners = new Map<string, string>([[project.kind.toLowerCase(), `kind '${project.kind}'`]]);
  project.phases.forEach(({ name }, index) => {
    const file = name.toLowerCase();
    const owner = owners.get(file);
    if (owner === undefined) {
      owners.set(file, `phases[${index}]`);
      return;
    }
    const path = ['phases', index, 'name'];
    report(
      path,
      `${formatPath(path)} '${name}' is taken by ${owner} (names become file names, so upper and lower case count as the same)`,
    );
  });
}

function validateInitial(phases: readonly PhaseDocument[], report: ReportProblem): void {
  const initial = phases.flatMap((phase, index) => (phase.initial ? [index] : []));
  const [first] = initial;
  if (first === undefined) {
    report(
      ['phases'],
      "no phase is initial: set 'initial: true' on the phase in which new resources start",
    );
    return;
  }
  for (const index of initial.slice(1)) {
    report(
      ['phases', index, 'initial'],
      `phases[${index}] is initial, but phases[${first}] ('${phases[first]?.name}') is already: remove 'initial' from one of them`,
    );
  }
}

/** Checks that next, onTimeout and onSpecChange name phases, and that formerly names none. */
function validateTargets(
  phases: readonly PhaseDocument[],
  phase: PhaseDocument,
  path: ProblemPath,
  report: ReportProblem,
): void {
  const names = phases.map(({ name }) => name);
  const validateTarget = (at: ProblemPath, target: string, allowed: readonly string[]): void => {
    if (!allowed.includes(target)) {
      report(
        at,
        `${formatPath(at.slice(0, 3))} names '${target}', which is not a phase${didYouMean(target, allowed)}`,
      );
    }
  };
  phase.next?.forEach((name, index) => validateTarget([...path, 'next', index], name, names));
  if (phase.onTimeout !== undefined) {
    validateTarget([...path, 'onTimeout'], phase.onTimeout, names);
  }
  if (phase.onSpecChange !== undefined) {
    validateTarget([...path, 'onSpecChange'], phase.onSpecChange, [...names, 'ignore']);
  }
  phase.formerly?.forEach((name, index) => {
    if (names.includes(name)) {
      report(
        [...path, 'formerly', index],
        `${formatPath([...path, 'formerly'])} names '${name}', which is a phase: remove the name or the phase`,
      );
    }
  });
}

/** Checks timeout, onTimeout, onSpecChange and approval against each other. */
function validateTiming(
  phases: readonly PhaseDocument[],
  phase: PhaseDocument,
  path: ProblemPath,
  report: ReportProblem,
): void {
  const place = formatPath(path);
  if (phase.onTimeout === phase.name) {
    report(
      [...path, 'onTimeout'],
      `${place} names itself in onTimeout, so the timeout would expire again immediately: name another phase`,
    );
  }
  const requireApproval = phases.filter(({ approval }) => approval !== undefined);
  for (const key of ['onTimeout', 'onSpecChange'] as const) {
    const target = phase[key];
    if (requireApproval.some(({ name }) => name === target)) {
      report(
        [...path, key],
        `${place} names '${target}' in ${key}, but '${target}' requires an approval and ${key} cannot wait for one: name another phase`,
      );
    }
  }
  if (phase.initial && phase.approval !== undefined) {
    report(
      [...path, 'approval'],
      `${place} is initial and cannot require an approval: new resources start in it without a transition`,
    );
  }
  if ((phase.timeout === undefined) !== (phase.onTimeout === undefined)) {
    const what =
      phase.timeout === undefined ? 'onTimeout without timeout' : 'timeout without onTimeout';
    report(path, `${place} has ${what}: set both or neither`);
  }
}

/** What `whenUndone` says besides the name of a phase. */
const WHEN_UNDONE_WORDS: readonly string[] = ['repair', 'giveUp'];

/** Phases that outputs name in `whenUndone`, with the index of the output. */
export function whenUndonePhases({
  outputs = [],
}: Pick<PhaseDocument, 'outputs'>): readonly { readonly index: number; readonly target: string }[] {
  return outputs.flatMap((output, index) => {
    const { whenUndone: target = 'repair' } = typeof output === 'string' ? {} : output;
    return WHEN_UNDONE_WORDS.includes(target) ? [] : [{ index, target }];
  });
}

/** @param phases the phases that may be named. The finalizer may name none */
function validateWhenUndone(
  phases: readonly PhaseDocument[],
  uses: Pick<PhaseDocument, 'outputs'> & { readonly name?: string },
  path: ProblemPath,
  report: ReportProblem,
): void {
  const others = phases.filter(({ name }) => name !== uses.name);
  const allowed = [...WHEN_UNDONE_WORDS, ...others.map(({ name }) => name)];
  for (const { index, target } of whenUndonePhases(uses)) {
    const at = [...path, 'outputs', index, 'whenUndone'];
    if (!allowed.includes(target)) {
      report(
        at,
        `${formatPath(at)} is '${target}', which is neither repair, giveUp${phases.length > 0 ? ' nor another phase' : ' (the only choices of the finalizer)'}${didYouMean(target, allowed)}`,
      );
    }
    if (others.some(({ name, approval }) => name === target && approval !== undefined)) {
      report(
        at,
        `${formatPath(at)} names '${target}', which requires an approval that whenUndone cannot wait for: name another phase`,
      );
    }
  }
}

function validateFinal(phase: PhaseDocument, path: ProblemPath, report: ReportProblem): void {
  if (!phase.final) {
    return;
  }
  const subject = `${formatPath(path)} ('${phase.name}')`;
  if (phase.resting === true) {
    report(
      [...path, 'resting'],
      `${subject} is final and resting: remove 'final', because a resting phase has a worker`,
    );
  }
  for (const key of ['inputs', 'outputs', 'next'] as const) {
    if (phase[key]?.length) {
      report(
        [...path, key],
        `${subject} is final and has no worker, so it cannot have ${key}: remove ${key} or 'final'`,
      );
    }
  }
  if (phase.whilePaused !== undefined) {
    report(
      [...path, 'whilePaused'],
      `${subject} is final and has no worker, so it cannot have whilePaused: remove whilePaused or 'final'`,
    );
  }
  if (phase.timeout !== undefined) {
    report(
      [...path, 'timeout'],
      `${subject} is final, so it cannot have a timeout: remove timeout or 'final'`,
    );
  }
}

function validateUses(
  project: ProjectDocument,
  uses: Pick<PhaseDocument, 'inputs' | 'outputs'>,
  path: ProblemPath,
  report: ReportProblem,
): void {
  for (const key of ['inputs', 'outputs'] as const) {
    const known = kindNames(project, key === 'outputs');
    const names = (uses[key] ?? []).map(kindNameOf);
    names.forEach((name, index) => {
      const place = [...path, key, index];
      if (key === 'outputs' && name === METRICS_INPUT) {
        report(
          place,
          `${formatPath(place)} is 'metrics', which can be read but not written: make it an input`,
        );
      } else if (!known.includes(name)) {
        report(
          place,
          `${formatPath(place)} names '${name}', which is not a known kind${gatewayHint(name) ?? didYouMean(name, known)}`,
        );
      }
      if (names.indexOf(name) < index) {
        report(place, `${formatPath(place)} names '${name}' a second time: remove one`);
      }
    });
  }
}

/** Two built-in kinds are called Gateway. A misspelt name of one of them gets both as a hint. */
function gatewayHint(name: string): string | undefined {
  if (!/gateway/i.test(name)) {
    return undefined;
  }
  return `: 'gateways' is Istio's Gateway, '${GATEWAY_API_GATEWAYS}' is the Gateway of the Gateway API`;
}

/** Names of the phases that a resource can reach from the initial one. */
export function reachablePhases(phases: readonly PhaseDocument[]): ReadonlySet<string> {
  const names = phases.map(({ name }) => name);
  const byName = new Map(phases.map((phase) => [phase.name, phase]));
  const reached = new Set<string>();
  const pending = phases.filter(({ initial }) => initial).map(({ name }) => name);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const phase = byName.get(name);
    if (phase === undefined || reached.has(name)) {
      continue;
    }
    reached.add(name);
    const next = phase.final ? [] : (phase.next ?? names);
    const undone = whenUndonePhases(phase).map(({ target }) => target);
    const targets = [...next, ...undone, phase.onTimeout, phase.onSpecChange];
    pending.push(...targets.filter((target) => target !== undefined));
  }
  return reached;
}

function validateReachability(phases: readonly PhaseDocument[], report: ReportProblem): void {
  const initial = phases.find((phase) => phase.initial);
  if (initial === undefined) {
    return;
  }
  const reached = reachablePhases(phases);
  phases.forEach(({ name }, index) => {
    if (!reached.has(name)) {
      report(
        ['phases', index, 'name'],
        `phases[${index}] ('${name}') cannot be reached from '${initial.name}': add it to the next of a phase that can`,
      );
    }
  });
}

function validateCustomParameters(project: ProjectDocument, report: ReportProblem): void {
  const seen = new Set<string>([METRICS_INPUT]);
  project.customParameters?.forEach(({ lowerName, singleName }, index) => {
    const path = ['customParameters', index, 'lowerName'];
    const subject = `${formatPath(path)} '${lowerName}'`;
    if (!/^[a-z][a-z0-9]*$/.test(lowerName)) {
      report(path, `${subject} must be lower-case letters and digits, such as 'certificates'`);
    }
    if (KINDS_OF_2019.has(lowerName)) {
      report(path, `${subject} is a built-in kind: remove the entry`);
    }
    if (seen.has(lowerName)) {
      report(path, `${subject} is declared twice`);
    }
    seen.add(lowerName);
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(singleName)) {
      report(
        ['customParameters', index, 'singleName'],
        `customParameters[${index}].singleName '${singleName}' must be a kind: letters and digits, such as 'Certificate'`,
      );
    }
  });
}
