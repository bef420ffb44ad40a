import { builtInKinds, METRICS_INPUT } from '../kinds/built-in-kinds.ts';
import { phaseNameProblem } from '../model/validate-project.ts';
import type { NewPhase } from '../model/new-project.ts';
import { splitNames } from '../util/text.ts';
import { helpTexts } from './help-texts.ts';
import { askMany, askText, askYesNo } from './ask.ts';
import type { Ask, Choice } from './ask.ts';

/** Kinds that most operators of a service mesh use. The prompts list them first. */
const COMMON_KINDS = [
  METRICS_INPUT,
  'deployments',
  'services',
  'virtualservices',
  'destinationrules',
  'gateways',
  'httproutes',
];

/** Choices of kinds, each with kind, group and version as its description. */
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
      description: value === METRICS_INPUT ? 'Prometheus queries' : 'kind from customParameters',
    };
  });
}

const LOOKS_FINAL =
  /^(finished|done|completed?|succeeded|failed|aborted|cancell?ed|ended|rolledback)$/i;
const ENDS_BADLY = /^(failed|aborted|cancell?ed|rolledback|broken|rejected)$/i;
const LOOKS_READY = /^(ready|running|waiting|serving|steady|idle|active|healthy|synced|watching)$/i;

/** Answer that removes a description, because Enter keeps it. */
const CLEAR_ANSWER = '-';

/**
 * Asks for all fields of a phase except its name and its next phases.
 *
 * @param now present values: the default answers. A new phase has only a name
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
    message: `What happens in ${name}? (one line, ${now.description === undefined ? 'Enter for none' : `${CLEAR_ANSWER} for none`})`,
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
      message: `Is ${name} final? (no worker, the resource is finished)`,
      help: helpTexts.final,
      default: now.final ?? LOOKS_FINAL.test(name),
    }));
  if (final) {
    const wasFinal = now.final === true;
    const message = `Is ${name} a successful end? (Ready=True)`;
    const ready = await askYesNo(ask, {
      name: 'ready',
      message,
      help: helpTexts.endsWell,
      default: wasFinal ? now.ready !== false : !ENDS_BADLY.test(name),
    });
    return { ...phase, final, ...(!ready && { ready }) };
  }
  const resting = await askResting(ask, now);
  const ready = await askYesNo(ask, {
    name: 'ready',
    message: `Is a resource in ${name} ready? (Ready=True)`,
    help: helpTexts.ready,
    default: (now.final ? undefined : now.ready) ?? (resting || LOOKS_READY.test(name)),
  });
  return {
    ...phase,
    ...(resting && { resting }),
    ...(ready !== resting && { ready }),
    ...(await askInputsAndOutputs(ask, name, now, custom)),
  };
}

/** Asks only about a phase that looks like an end, or is one: other phases seldom rest. */
async function askResting(ask: Ask, { name, final, resting }: NewPhase): Promise<boolean> {
  const mayRest = resting === true || final === true || LOOKS_FINAL.test(name);
  return (
    mayRest &&
    (await askYesNo(ask, {
      name: 'resting',
      message: `Does a resource rest in ${name}? (an end with a worker)`,
      help: helpTexts.resting,
      default: resting === true,
    }))
  );
}

/**
 * Asks for the kinds that a worker reads and writes.
 *
 * @param owner name of the phase, or `the finalizer`
 * @param now present values: the default answers
 * @param custom names of the customParameters
 */
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

/** Answer for the phase that the user names next. */
const FOLLOWING_PHASE = 'the next phase I name';

/**
 * Asks for the next phases of a new phase, while not all phases have a name yet.
 *
 * @returns undefined for the phase that the user names next
 */
export async function askNewTargets(
  ask: Ask,
  name: string,
  known: readonly string[],
): Promise<readonly string[] | undefined> {
  const existing =
    known.length > 0
      ? [`Phases so far: ${known.join(', ')}. You can also name a phase that you add later.`]
      : ['You can name a phase that you add later.'];
  const answer = await askText(
    ask,
    {
      name: 'next',
      message: `Which phases may follow ${name}? (separated by commas)`,
      help: [...helpTexts.next, ...existing],
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
