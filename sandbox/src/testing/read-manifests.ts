/** Objects in YAML files of users, read as kubectl reads them. */
import { parseKubernetesYaml } from './kubernetes-yaml.ts';
import type { ObjectManifest } from './sandbox.ts';

/**
 * The objects of a file. A list stands for its items.
 *
 * @param file name of the file for messages
 * @throws Error with file, line and column when the text is not valid YAML, or not of objects
 */
export function readManifests(text: string, file: string): readonly ObjectManifest[] {
  return documentsOf(text, file).flatMap(({ value, line, column }) => {
    const { kind, items } = value as { readonly kind?: unknown; readonly items?: unknown };
    if (typeof kind !== 'string') {
      throw new Error(`${file}:${line}:${column}: this document is not an object with a kind`);
    }
    return Array.isArray(items) ? (items as ObjectManifest[]) : [value as ObjectManifest];
  });
}

function documentsOf(text: string, file: string): ReturnType<typeof parseKubernetesYaml> {
  try {
    return parseKubernetesYaml(text);
  } catch (error) {
    throw new Error(`${file}:${(error as Error).message}`, { cause: error });
  }
}
