/** The questions about one phase, new or as it is. */
import { builtInKinds, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import { phaseNameProblem } from '../model/validate-project.ts';
import type { NewPhase } from '../model/new-project.ts';
import { splitNames } from '../util/text.ts';
import { helpTexts } from './help-texts.ts';
import { askMany, askText, askYesNo } from './ask.ts';
import type { Ask, Choice } from './ask.ts';

/** What most operators of a mesh read and write, offered first. */
const COMMON_KINDS = [
  METRICS_INPUT,
  'deployments',
  'services',
  'virtualservices',
  'destinationrules',
  'gateways',
  'httproutes',
];

/** Kinds to choose from, each with its full name. */
function kindChoices(custom: readonly string[], outputs: boolean): readonly Choice[] {
  const names = [...builtInKinds.keys(), ...custom, ...(outputs ? [] : [METRICS_INPUT])].sort();
  const frequent = COMMON_KINDS.filter((name) => names.includes(name));
  return [...frequent, ...names.filter((name) => !frequent.includes(name))].map((value) => {
    const type = builtInKinds.get(value);
    if (type !== undefined) {
      return {
        value,
        description: `${type.kind} (${type.group === '' ? '' : `${type.group}/`}${type.version})`,
      };
    }
    return {
      value,
      description:
        value === METRICS_INPUT ? 'queries to Prometheus' : 'one of your customParameters',
    };
  });
}

const LOOKS_FINAL =
  /^(finished|done|completed?|succeeded|failed|aborted|cancell?ed|ended|rolledback)$/i;
const ENDS_BADLY = /^(failed|aborted|cancell?ed|rolledback|broken|rejected)$/i;
const LOOKS_READY = /^(ready|running|waiting|serving|steady|idle|active|healthy|synced|watching)$/i;

/** Takes a text away where Enter alone keeps it. */
const CLEAR_ANSWER = '-';

/**
 * Everything of a phase but its name and where it may go. @param now as it is; for a new one only
 * its name
 */
export async function askPhase(
  ask: Ask,
  now: NewPhase,
  {
    mayBeFinal = true,
    custom = [],
  }: { readonly mayBeFinal?: boolean; readonly custom?: readonly string[] } = {},
): Promise<NewPhase> {
  const { name } = now;
  const description = await askText(ask, {
    name: 'description',
    message: `What happens in ${name}? (one line, ${now.description === undefined ? 'may be empty' : `${CLEAR_ANSWER} for none`})`,
    help: helpTexts.description,
    ...(now.description !== undefined && { default: now.description }),
  });
  const phase = {
    name,
    ...(now.initial && { initial: true }),
    ...(description !== '' && description !== CLEAR_ANSWER && { description }),
  };
  const final =
    mayBeFinal &&
    (await askYesNo(ask, {
      name: 'final',
      message: `Is ${name} final, the end for a resource?`,
      help: helpTexts.final,
      default: now.final ?? LOOKS_FINAL.test(name),
    }));
  if (final) {
    const wasFinal = now.final === true;
    const message = `Has a resource that ends in ${name} ended well, so that it counts as ready?`;
    const ready = await askYesNo(ask, {
      name: 'ready',
      message,
      help: helpTexts.endsWell,
      default: wasFinal ? now.ready !== false : !ENDS_BADLY.test(name),
    });
    return { ...phase, final, ...(!ready && { ready }) };
  }
  const ready = await askYesNo(ask, {
    name: 'ready',
    message: `Does a resource in ${name} count as ready?`,
    help: helpTexts.ready,
    default: (now.final ? undefined : now.ready) ?? LOOKS_READY.test(name),
  });
  return {
    ...phase,
    ...(ready && { ready }),
    ...(await askInputsAndOutputs(ask, name, now, custom)),
  };
}

/** What is read and written. @param who whose worker it is @param now as it is */
export async function askInputsAndOutputs(
  ask: Ask,
  owner: string,
  now: Pick<NewPhase, 'inputs' | 'outputs'> = {},
  custom: readonly string[] = [],
): Promise<{ readonly inputs: readonly string[]; readonly outputs: readonly string[] }> {
  const some = (key: 'inputs' | 'outputs', message: string): Promise<readonly string[]> =>
    askMany(ask, {
      name: key,
      message,
      help: helpTexts[key],
      choices: kindChoices(custom, key === 'outputs'),
      default: now[key] ?? [],
    });
  return {
    inputs: await some('inputs', `What does ${owner} read?`),
    outputs: await some('outputs', `What does ${owner} write?`),
  };
}

/** The answer that stands for whatever phase is named after this one. */
const FOLLOWING_PHASE = 'the next one I name';

/**
 * Where it may go, while other phases are still to come. @returns undefined: to the phase that is
 * named after it
 */
export async function askNewTargets(
  ask: Ask,
  name: string,
  known: readonly string[],
): Promise<readonly string[] | undefined> {
  const so =
    known.length > 0
      ? [`So far there are ${known.join(', ')}; others may come.`]
      : ['Phases that are still to come may be named.'];
  const answer = await askText(
    ask,
    {
      name: 'next',
      message: `Where may it go from ${name}? (separated by commas)`,
      help: [...helpTexts.next, ...so],
      default: FOLLOWING_PHASE,
    },
    (text) =>
      text === FOLLOWING_PHASE
        ? undefined
        : splitNames(text)
            .map(phaseNameProblem)
            .find((problem) => problem !== undefined),
  );
  return answer === FOLLOWING_PHASE ? undefined : splitNames(answer);
}
