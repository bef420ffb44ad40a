/** JSON schema of autopilot.yaml for editors. */
import { z } from 'zod';
import { builtInKinds, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import { projectSchema } from './project-schema.ts';

/** The parts of a JSON schema that editors and the reference pages show. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly [keyword: string]: unknown;
}

/**
 * JSON schema (draft-07, which most editors support) of autopilot.yaml.
 *
 * @param customKinds names of the project's own kinds, offered beside the built-in ones
 */
export function projectJsonSchema(customKinds: readonly string[] = []): object {
  const schema = z.toJSONSchema(projectSchema, { target: 'draft-7', io: 'input' }) as JsonSchema;
  const names = [...builtInKinds.keys(), ...customKinds].sort();
  return { ...addKindExamples(schema, names), title: 'autopilot.yaml' };
}

/**
 * Names of kinds as `examples`, which editors offer for completion. Not as `enum`: `autopilot
 * generate` refuses an unknown name with a better message.
 */
function addKindExamples(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const visit = (node: JsonSchema, key: string): JsonSchema => {
    const isUse = key === 'inputs' || key === 'outputs';
    const list = key === 'inputs' ? [...names, METRICS_INPUT] : names;
    const properties = Object.fromEntries(
      Object.entries(node.properties ?? {}).map(([field, inner]) => [
        field,
        isUse && field === 'name' ? { ...inner, examples: list } : visit(inner, field),
      ]),
    );
    return {
      ...node,
      ...(node.properties && { properties }),
      ...(node.items && { items: visit(node.items, key) }),
      ...(node.anyOf && {
        anyOf: node.anyOf.map((branch) =>
          isUse && branch.type === 'string' ? { ...branch, examples: list } : visit(branch, key),
        ),
      }),
    };
  };
  return visit(schema, '');
}
