/**
 * The written list: what the runtime may rely on behind `KubeApi`. Each case runs on the sandbox
 * and on a real API server.
 */
import { applyListCases } from './apply-lists.ts';
import { applyCases } from './apply.ts';
import { builtinCases } from './builtin.ts';
import type { Case } from './case.ts';
import { createCases } from './create.ts';
import { definitionCases } from './definitions.ts';
import { deleteCases } from './delete.ts';
import { dryRunCases } from './dry-run.ts';
import { endingCases } from './ending.ts';
import { givenManagerCases } from './given-managers.ts';
import { limitCases } from './limits.ts';
import { listCases } from './list.ts';
import { managerCases } from './managers.ts';
import { nameCases } from './names.ts';
import { oddValueCases } from './odd-values.ts';
import { ownerCases } from './owners.ts';
import { patchCases } from './patch.ts';
import { ruleCases } from './rules.ts';
import { schemaCases } from './schema.ts';
import { subresourceCases } from './subresource.ts';
import { updateCases } from './update.ts';
import { validationCases } from './validation.ts';
import { watchFromCases } from './watch-from.ts';
import { watchCases } from './watch.ts';

export const CASES: Readonly<Record<string, readonly Case[]>> = {
  'create and get': createCases,
  'names, labels and annotations': nameCases,
  'the schema of a CRD': schemaCases,
  'defaults and validation': validationCases,
  'rules in CEL': ruleCases,
  'definitions of kinds': definitionCases,
  'built-in kinds': builtinCases,
  'dry runs': dryRunCases,
  'values that JSON does not have': oddValueCases,
  'replace and patch': updateCases,
  'kinds of patches': patchCases,
  delete: deleteCases,
  'server-side apply': applyCases,
  'apply: lists and maps': applyListCases,
  'apply: managers': managerCases,
  'managedFields that a client sends': givenManagerCases,
  'limits of size and of JSON': limitCases,
  'status and scale': subresourceCases,
  'the end of objects and namespaces': endingCases,
  owners: ownerCases,
  'list and watch': watchCases,
  lists: listCases,
  watches: watchFromCases,
};
