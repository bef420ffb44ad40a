/** Exploration: one operator, one scenario, every fault that can stand in its way. */
export { explore, fly, replay } from './explore.ts';
export type {
  Exploration,
  ExploreOptions,
  Finding,
  FlyOptions,
  Launch,
  Progress,
} from './explore.ts';
export { FAULTS, KINDS, parseToken, slug, tokenText } from './fault.ts';
export type { Fault, FaultKind, Places, Spot, Token } from './fault.ts';
export type { Violation } from './oracle.ts';
export {
  approve,
  create,
  isScenario,
  patch,
  react,
  remove,
  rest,
  scenario,
  wait,
} from './scenario.ts';
export type { Act, Look, Scenario, Step } from './scenario.ts';
export { traceText } from './trace.ts';
export type { Entry } from './trace.ts';
export type { Subject } from './fleet.ts';
export type { Flown } from './trial.ts';
