/**
 * src/spec.ts for users of this package as a library. The TypeScript compiler is loaded only when
 * the function is called.
 */
import type { Model } from '../model/model.ts';

/**
 * Compiles src/spec.ts.
 * @param model the model of autopilot.yaml
 * @param specFile absolute path of a file that exports the interfaces `<Kind>Spec` and
 * `<Kind>StatusInfo`, and optionally `<Kind>Config`
 * @returns the CustomResourceDefinition, and the schema of the section `config:` if there is one,
 * as `renderProject` takes them
 * @throws Error whose message lists all problems of the file, with line and column
 */
export async function loadSpec(
  model: Model,
  specFile: string,
): Promise<{ readonly crd: object; readonly config?: object }> {
  const { compileSpec } = await import('./build-crd.ts');
  return compileSpec(model, specFile);
}
