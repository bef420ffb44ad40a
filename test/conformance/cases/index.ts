/** The written list: what the runtime may rely on behind `KubeApi`. Each case runs on the sandbox and on a real API server. */
import { applyCases } from './apply.ts';
import { createCases } from './create.ts';
import { deleteCases } from './delete.ts';
import { schemaCases } from './schema.ts';
import { updateCases } from './update.ts';
import { watchCases } from './watch.ts';
import type { Case } from './case.ts';

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  'create and get': createCases,
  'the schema of a CRD': schemaCases,
  'replace and patch': updateCases,
  delete: deleteCases,
  'server-side apply': applyCases,
  'list and watch': watchCases,
};
