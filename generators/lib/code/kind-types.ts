/** src/generated/kinds.ts: the types of the kinds that phases use as inputs and outputs. */
import type { KindDefinition } from '../kinds/built-in-kinds.ts';
import { capitalize, GENERATED_HEADER, quoteString } from '../util/typescript-text.ts';

/** Renders two types of each kind: as workers read it, and as they write it (`<Kind>Output`). */
export function renderKindTypes(kinds: readonly KindDefinition[]): string {
  const imports = kinds.flatMap((kind) => {
    const { module } = kind;
    return module === undefined
      ? []
      : [
          `import type { ${module.name} as ${wireTypeName(kind)} } from ${quoteString(`${module.package}/${module.path}`)};`,
        ];
  });
  return [
    GENERATED_HEADER,
    ...imports,
    "import type * as runtime from 'autopilot-runtime/generated';",
    ...(imports.length > 0 ? ['', MAPPED_TYPES] : []),
    ...kinds.flatMap((kind) => ['', ...typesOfKind(kind)]),
    '',
  ].join('\n');
}

/**
 * Name of a kind's type: the kind. Of two kinds with the same name the one that autopilot.yaml
 * names differently has that prefix: `K8sGateway` for `k8sgateways`.
 */
export function kindTypeName({ name, kind, plural }: KindDefinition): string {
  return name.endsWith(plural) && name !== plural
    ? `${capitalize(name.slice(0, -plural.length))}${kind}`
    : kind;
}

function wireTypeName(kind: KindDefinition): string {
  return `Wire${kindTypeName(kind)}`;
}

function typesOfKind(definition: KindDefinition): readonly string[] {
  const { group, version, kind, module } = definition;
  const name = kindTypeName(definition);
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
    `export type ${name} = Read<${wire}> & { ${identity} };`,
    `export type ${name}Output = Write<${wire}> & { ${identity} };`,
  ];
}

const MAPPED_TYPES = `/** An object that a worker reads: frozen, with the metadata that every stored object has. */
type Read<T> = runtime.DeepReadonly<Omit<T, 'apiVersion' | 'kind' | 'metadata'>> & {
  readonly metadata: runtime.ObjectMeta;
};

/**
 * An object that a worker writes: identity, and the fields to set. All other fields stay as they
 * are.
 */
type Write<T> = Fields<Omit<T, 'apiVersion' | 'kind' | 'metadata' | 'status'>> & {
  readonly metadata: runtime.OutputObject['metadata'];
};

type Fields<T> = T extends readonly (infer E)[]
  ? readonly Fields<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Fields<T[K]> }
    : T;`;
