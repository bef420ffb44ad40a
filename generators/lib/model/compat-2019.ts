/**
 * Compatibility with Autopilot of 2019, a code generator in Go.
 *
 * Its projects have an autopilot.yaml and an autopilot-operator.yaml. Both files load unchanged, so
 * that such a project can be generated again and its workers ported one by one. This module is the
 * only place that knows about the old files:
 *
 * - fields that were about generated Go code and have no effect now;
 * - values that are written in another way now (numbers for log levels and mesh providers,
 *   `enableFinalizer: true` in place of `finalizer: {}`);
 * - names that the old files could already use, and that a project therefore cannot declare;
 * - kinds that the old files had to declare, and that are built in now;
 * - one changed meaning, about which a warning is printed: inputs are read in the resource's own
 *   namespace. Autopilot of 2019 read all namespaces.
 */
import { z } from 'zod';
import { builtInKinds, METRICS_INPUT } from '../kinds/built-in-kinds.ts';

/** Built-in kinds of 2019. Their names cannot be declared again in `customParameters`. */
export const KINDS_OF_2019: ReadonlySet<string> = new Set([
  'events',
  'configmaps',
  'services',
  'pods',
  'jobs',
  'deployments',
  'replicasets',
  'virtualservices',
  'gateways',
]);

/**
 * Built-in queries of 2019. Their names cannot be declared again in `queries`. Newer built-in
 * queries can: a project of 2019 may already have a query of that name.
 */
export const QUERIES_OF_2019: ReadonlySet<string> = new Set([
  'istio-success-rate',
  'istio-request-duration',
  'envoy-success-rate',
  'envoy-request-duration',
]);

const WITHOUT_EFFECT = 'Field of Autopilot 2019. No effect.';

/** Fields of an entry of `customParameters` that came from Go. */
export const customParameterFieldsOf2019 = {
  pluralName: z.string().min(1).optional().describe(`${WITHOUT_EFFECT} The plural in Pascal case.`),
  importPrefix: z.string().optional().describe(`${WITHOUT_EFFECT} The alias of a Go import.`),
  package: z
    .string()
    .optional()
    .describe(
      'Field of Autopilot 2019: the path of a Go import. The version at its end is the default of `version`.',
    ),
  isCrd: z.boolean().optional().describe(WITHOUT_EFFECT),
};

/** Field of autopilot.yaml that declared a finalizer without inputs and outputs. */
export const enableFinalizerField = z
  .boolean()
  .optional()
  .describe('Field of Autopilot 2019. `true` means `finalizer: {}`.');

/** Values of `meshProvider` in autopilot-operator.yaml: 0 was Istio, 1 was Custom. */
export const meshProviderNumbers = [z.literal(0), z.literal(1)] as const;

/** Values of `logLevel` in autopilot-operator.yaml: names and numbers of the Go library zap. */
export const logLevelNamesOf2019 = ['DPanic', 'Panic', 'Fatal'] as const;

/** Values of `logLevel` as numbers: 0 is Debug, 6 is Fatal. */
export const logLevelNumber = z.number().int().min(0).max(6);

/** Field `version` of autopilot-operator.yaml. */
export const operatorConfigVersion = { type: z.string(), description: WITHOUT_EFFECT };

/** The parts of an entry of `customParameters` that this module looks at. */
interface CustomParameter {
  readonly lowerName: string;
  readonly singleName: string;
  readonly apiGroup?: string | undefined;
  readonly package?: string | undefined;
  readonly crd?: string | undefined;
  readonly version?: string | undefined;
  readonly plural?: string | undefined;
  readonly scope?: string | undefined;
}

/**
 * Whether an entry of `customParameters` describes a built-in kind. Projects of 2019 had to declare
 * kinds that are built in now. Such an entry means the built-in kind, which is typed.
 */
export function isBuiltInKind(custom: CustomParameter): boolean {
  const builtIn = builtInKinds.get(custom.lowerName);
  const saysMore = [custom.crd, custom.version, custom.plural, custom.scope].some(
    (value) => value !== undefined,
  );
  return (
    builtIn !== undefined &&
    builtIn.kind === custom.singleName &&
    builtIn.group === (custom.apiGroup ?? '') &&
    !saysMore
  );
}

/** API version at the end of a Go import path, for example `v1alpha2`. */
export function versionOfGoPackage(path: string | undefined): string | undefined {
  return path?.split('/').findLast((part) => /^v\d/.test(part));
}

/** The parts of a phase that this module looks at. */
interface Phase {
  readonly inputs?: readonly (string | { readonly name: string })[] | undefined;
  readonly next?: readonly string[] | undefined;
}

/**
 * Warnings for a project that looks like one of 2019: all inputs are plain names, and no phase has
 * `next`.
 */
export function warningsOf2019(phases: readonly Phase[]): string[] {
  const inputs = phases.flatMap((phase) => phase.inputs ?? []);
  const is2019 =
    inputs.some((input) => input !== METRICS_INPUT) &&
    inputs.every((input) => typeof input === 'string') &&
    phases.every((phase) => phase.next === undefined);
  if (!is2019) {
    return [];
  }
  return [
    "inputs are read in the resource's own namespace; write '{ name: …, namespace: all }' for an input that is read in all namespaces, as Autopilot of 2019 did",
  ];
}
