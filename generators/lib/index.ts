/** The package as a library: what the generators and the bin do, as functions. */
export { loadModel } from './load.ts';
export type { Loaded } from './load.ts';
export type { Problem } from './problems.ts';
export { problemText } from './problems.ts';
export type * from './model.ts';
export { findProject } from './project-file.ts';
export { generateProject, upToDate } from './project.ts';
export type { Generated, GenerateOptions } from './project.ts';
export { specOf } from './spec-of.ts';
export { render } from './render/render.ts';
export type { RenderInput } from './render/render.ts';
export { scaffold } from './scaffold.ts';
export type { ScaffoldOptions } from './scaffold.ts';
export type { Change, Plan } from './plan.ts';
