/**
 * src/spec.ts as a library sees it: the compiler that reads it is only loaded when it is asked for.
 */
import type { Model } from '../model/model.ts';

/**
 * @param specFile absolute path of a file with the interfaces `<Kind>Spec` and `<Kind>StatusInfo`,
 * and perhaps `<Kind>Config`
 * @returns what `render` wants of it
 * @throws Error with all that is wrong in the file, each with its line and column
 */
export async function loadSpec(
  model: Model,
  specFile: string,
): Promise<{ readonly crd: object; readonly config?: object }> {
  const { compileSpec } = await import('./build-crd.ts');
  return compileSpec(model, specFile);
}
