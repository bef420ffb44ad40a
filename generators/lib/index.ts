/** The package as a library: what the generators and the bin do, as functions. */
export { loadModel } from './model/load.ts';
export type { LoadResult } from './model/load.ts';
export type { Problem } from './util/problems.ts';
export { formatProblem } from './util/problems.ts';
export type * from './model/model.ts';
export { findProject } from './generate/find-project.ts';
export { generateProject, upToDate } from './generate/generate-project.ts';
export type { GenerateResult, GenerateOptions } from './generate/generate-project.ts';
export { loadSpec } from './crd/load-spec.ts';
export { renderProject } from './generate/render-project.ts';
export type { RenderInput } from './generate/render-project.ts';
export { scaffold } from './generate/scaffold.ts';
export type { ScaffoldOptions } from './generate/scaffold.ts';
export type { FileChange, Plan } from './generate/plan.ts';
