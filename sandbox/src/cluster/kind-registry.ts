/**
 * Which kinds the cluster serves: those of a real API server with Istio and the Gateway API
 * (`served.ts`), and the CRDs it is given.
 */
import type { KubeObject, ResourceType } from 'autopilot-runtime/ports';
import { apiVersionOf } from 'autopilot-runtime/ports';
import type { Column, Definition } from './definition.ts';
import { remembered } from './frozen.ts';
import type { ScalePaths } from './scale.ts';
import type { StructuralSchema } from './schema.ts';
import { SERVED } from './served.ts';
import type { Shape } from './shape.ts';
import { METADATA, shapeOf } from './shape.ts';

export interface Served extends ResourceType {
  /** Defined by a CustomResourceDefinition. */
  readonly custom?: true;
  /** Has the status subresource. */
  readonly status?: true;
  /** How the fields beside metadata merge. */
  readonly shape?: Shape;
}

export interface Kind extends Served {
  readonly shape: Shape;
  /** The server counts changes of the spec in metadata.generation. */
  readonly generation: boolean;
  /** Of CRDs created here; the kinds of `served.ts` are not validated. */
  readonly schema?: StructuralSchema;
  readonly scale?: ScalePaths;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly columns?: readonly Column[];
}

/** Built-in kinds whose registry strategy sets metadata.generation. */
const GENERATION = new Set([
  'pods',
  'deployments',
  'replicasets',
  'statefulsets',
  'daemonsets',
  'replicationcontrollers',
  'jobs',
  'cronjobs',
  'ingresses',
  'networkpolicies',
  'poddisruptionbudgets',
  'customresourcedefinitions',
]);

const SCALED = new Set(['deployments', 'replicasets', 'statefulsets', 'replicationcontrollers']);

/** Made once for all clusters: kinds do not change. */
let builtin: readonly (readonly [string, Kind])[] | undefined;

function builtinKinds(): readonly (readonly [string, Kind])[] {
  builtin ??= SERVED.map((served): readonly [string, Kind] => [
    pathOf(served),
    {
      ...served,
      shape: withMetadata(served.shape),
      generation: served.custom === true || GENERATION.has(served.plural),
      ...(SCALED.has(served.plural) && {
        scale: { spec: '.spec.replicas', status: '.status.replicas' },
      }),
    },
  ]);
  return builtin;
}

export class Kinds {
  readonly #kinds = new Map<string, Kind>(builtinKinds());

  all(): Iterable<Kind> {
    return this.#kinds.values();
  }

  find(type: Pick<ResourceType, 'group' | 'version' | 'plural'>): Kind | undefined {
    return this.#kinds.get(pathOf(type));
  }

  /** The kind of an object; undefined when it is not served. */
  ofObject({ apiVersion, kind }: Pick<KubeObject, 'apiVersion' | 'kind'>): Kind | undefined {
    for (const one of this.#kinds.values()) {
      if (one.kind === kind && apiVersionOf(one) === apiVersion) {
        return one;
      }
    }
    return undefined;
  }

  /** The first kind of this name: the core group and stable versions come first. */
  named(kind: string): Kind | undefined {
    const found = [...this.#kinds.values()].filter((one) => one.kind === kind);
    return found.find(({ version }) => /^v\d+$/.test(version)) ?? found[0];
  }

  /** Serves what a CustomResourceDefinition says. Returns the kinds that it is served as. */
  define(definition: KubeObject): readonly Kind[] {
    for (const { kind, served } of kindsOf(definition.spec as Definition)) {
      if (served) {
        this.#kinds.set(pathOf(kind), kind);
      } else {
        this.#kinds.delete(pathOf(kind));
      }
    }
    return this.of(definition);
  }

  /** The kinds that a definition is served as, one for each version. */
  of({ spec }: KubeObject): readonly Kind[] {
    const { group, names } = spec as Definition;
    return [...this.#kinds.values()].filter(
      (kind) => kind.group === group && kind.plural === names.plural,
    );
  }

  /** Serves it no longer. Returns the kinds that are gone. */
  undefine(definition: KubeObject): readonly Kind[] {
    const gone = this.of(definition);
    for (const kind of gone) {
      this.#kinds.delete(pathOf(kind));
    }
    return gone;
  }
}

/** What the versions of a definition are served as, and whether they are. */
const kindsOf = remembered(
  ({
    group,
    scope,
    names,
    versions,
  }: Definition): readonly { readonly kind: Kind; readonly served: boolean }[] =>
    versions.map(
      ({ name: version, served, schema, subresources, additionalPrinterColumns: columns }) => {
        const { metadata: _, ...properties } = schema?.openAPIV3Schema?.properties ?? {};
        const whole: StructuralSchema = { ...schema?.openAPIV3Schema, properties };
        const scale = subresources?.scale;
        const kind: Kind = {
          group,
          version,
          kind: names.kind,
          plural: names.plural,
          namespaced: scope === 'Namespaced',
          custom: true,
          generation: true,
          ...(subresources?.status !== undefined && { status: true }),
          ...(scale !== undefined && {
            scale: {
              spec: scale.specReplicasPath,
              status: scale.statusReplicasPath,
              ...(scale.labelSelectorPath !== undefined && { selector: scale.labelSelectorPath }),
            },
          }),
          ...(names.shortNames !== undefined && { shortNames: names.shortNames }),
          ...(names.categories !== undefined && { categories: names.categories }),
          ...(columns !== undefined && { columns }),
          shape: withMetadata(shapeOf(whole)),
          schema: whole,
        };
        return { kind, served };
      },
    ),
);

function pathOf({
  group,
  version,
  plural,
}: Pick<ResourceType, 'group' | 'version' | 'plural'>): string {
  return `${group}/${version}/${plural}`;
}

function withMetadata(shape: Shape | undefined): Shape {
  return { ...shape, fields: { ...shape?.fields, metadata: METADATA } };
}
