/** src/generated/kinds.ts: the types of the kinds that phases use as inputs and outputs. */
import { builtInKinds } from '../kinds/built-in-kinds.ts';
import type { KindDefinition } from '../kinds/built-in-kinds.ts';
import { capitalize, GENERATED_HEADER, quoteString } from '../util/typescript-text.ts';

/**
 * Renders two types of each kind: as workers read it, and as they write it (`<Kind>Output`).
 *
 * All other names of the module have an underscore or are behind a namespace. No kind has an
 * underscore, so no kind can collide with them.
 */
export function renderKindTypes(kinds: readonly KindDefinition[]): string {
  const imports = kinds.flatMap((kind) => {
    const { module } = kind;
    return module === undefined
      ? []
      : [
          `import type { ${module.name} as ${wireTypeName(kind)} } from ${quoteString(`${module.package}/${module.path}`)};`,
        ];
  });
  const names = kindTypeNames(kinds);
  return [
    GENERATED_HEADER,
    ...imports,
    "import type * as runtime from 'autopilot-runtime/generated';",
    ...(imports.length > 0 ? ['', MAPPED_TYPES] : []),
    ...kinds.flatMap((kind) => ['', ...typesOfKind(kind, names.get(kind.name) ?? kind.kind)]),
    '',
  ].join('\n');
}

/**
 * Names of the types of kinds, by the name of the kind in autopilot.yaml. The name of a type is the
 * kind with a capital. A kind of which a type would have the name of another type gets its name in
 * autopilot.yaml as a suffix: `Service_ksvc`. Built-in kinds keep their names.
 */
export function kindTypeNames(kinds: readonly KindDefinition[]): ReadonlyMap<string, string> {
  const isCustom = ({ name }: KindDefinition): boolean => !builtInKinds.has(name);
  const order = [...kinds].sort((a, b) => Number(isCustom(a)) - Number(isCustom(b)));
  const taken = new Set<string>();
  return new Map(
    order.map((kind) => {
      const short = shortTypeName(kind);
      const isFree = [short, `${short}Output`].every((name) => !taken.has(name));
      const name = isFree ? short : `${short}_${kind.name}`;
      taken.add(name).add(`${name}Output`);
      return [kind.name, name];
    }),
  );
}

/**
 * The kind. Of two kinds with the same name the one that autopilot.yaml names differently has that
 * prefix: `K8sGateway` for `k8sgateways`.
 */
function shortTypeName({ name, kind, plural }: KindDefinition): string {
  return name.endsWith(plural) && name !== plural
    ? `${capitalize(name.slice(0, -plural.length))}${capitalize(kind)}`
    : capitalize(kind);
}

function wireTypeName({ name }: KindDefinition): string {
  return `wire_${name}`;
}

function typesOfKind(definition: KindDefinition, name: string): readonly string[] {
  const { group, version, kind, module } = definition;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const identity = `readonly apiVersion: ${quoteString(apiVersion)}; readonly kind: ${quoteString(kind)}`;
  if (module === undefined) {
    return [
      `export type ${name} = runtime.KubeObject & { ${identity} };`,
      `export type ${name}Output = runtime.OutputObject & { ${identity}; readonly [field: string]: unknown };`,
    ];
  }
  const wire = wireTypeName(definition);
  return [
    `export type ${name} = read_<${wire}> & { ${identity} };`,
    `export type ${name}Output = write_<${wire}> & { ${identity} };`,
  ];
}

const MAPPED_TYPES = `/** An object that a worker reads: frozen, with the metadata that every stored object has. */
type read_<T> = runtime.DeepReadonly<globalThis.Omit<T, 'apiVersion' | 'kind' | 'metadata'>> & {
  readonly metadata: runtime.ObjectMeta;
};

/**
 * An object that a worker writes: identity, and the fields to set. All other fields stay as they
 * are.
 */
type write_<T> = fields_<globalThis.Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'>> & {
  readonly metadata: runtime.OutputObject['metadata'];
};

type fields_<T> = T extends readonly (infer E)[]
  ? readonly fields_<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: fields_<T[K]> }
    : T;`;
