/** The questions about one phase, new or as it is. */
import { catalogue, METRICS } from '../catalogue.ts';
import { phaseNameProblem } from '../check.ts';
import type { NewPhase } from '../new-project.ts';
import { splitNames } from '../phase-option.ts';
import { explain } from './explain.ts';
import { askSome, askText, askYes } from './question.ts';
import type { Ask, Choice } from './question.ts';

/** What most operators of a mesh read and write, offered first. */
const FREQUENT = [METRICS, 'deployments', 'services', 'virtualservices', 'destinationrules', 'gateways', 'httproutes'];

/** Kinds to choose from, each with its full name. */
function kinds(custom: readonly string[], outputs: boolean): readonly Choice[] {
  const names = [...catalogue.keys(), ...custom, ...(outputs ? [] : [METRICS])].sort();
  const frequent = FREQUENT.filter((name) => names.includes(name));
  return [...frequent, ...names.filter((name) => !frequent.includes(name))].map((value) => {
    const type = catalogue.get(value);
    if (type !== undefined) return { value, description: `${type.kind} (${type.group === '' ? '' : `${type.group}/`}${type.version})` };
    return { value, description: value === METRICS ? 'queries to Prometheus' : 'one of your customParameters' };
  });
}

const LOOKS_FINAL = /^(finished|done|completed?|succeeded|failed|aborted|cancell?ed|ended|rolledback)$/i;
const ENDS_BADLY = /^(failed|aborted|cancell?ed|rolledback|broken|rejected)$/i;
const LOOKS_READY = /^(ready|running|waiting|serving|steady|idle|active|healthy|synced|watching)$/i;

/** Takes a text away where Enter alone keeps it. */
const NOTHING = '-';

/** Everything of a phase but its name and where it may go. @param now as it is; for a new one only its name */
export async function askPhase(
  ask: Ask,
  now: NewPhase,
  { mayBeFinal = true, custom = [] }: { readonly mayBeFinal?: boolean; readonly custom?: readonly string[] } = {},
): Promise<NewPhase> {
  const { name } = now;
  const description = await askText(ask, {
    name: 'description',
    message: `What happens in ${name}? (one line, ${now.description === undefined ? 'may be empty' : `${NOTHING} for none`})`,
    help: explain.description,
    ...(now.description !== undefined && { default: now.description }),
  });
  const phase = { name, ...(now.initial && { initial: true }), ...(description !== '' && description !== NOTHING && { description }) };
  const final =
    mayBeFinal &&
    (await askYes(ask, {
      name: 'final',
      message: `Is ${name} final, the end for a resource?`,
      help: explain.final,
      default: now.final ?? LOOKS_FINAL.test(name),
    }));
  if (final) {
    const wasFinal = now.final === true;
    const message = `Has a resource that ends in ${name} ended well, so that it counts as ready?`;
    const ready = await askYes(ask, { name: 'ready', message, help: explain.endsWell, default: wasFinal ? now.ready !== false : !ENDS_BADLY.test(name) });
    return { ...phase, final, ...(!ready && { ready }) };
  }
  const ready = await askYes(ask, {
    name: 'ready',
    message: `Does a resource in ${name} count as ready?`,
    help: explain.ready,
    default: (now.final ? undefined : now.ready) ?? LOOKS_READY.test(name),
  });
  return { ...phase, ...(ready && { ready }), ...(await askUses(ask, name, now, custom)) };
}

/** What is read and written. @param who whose worker it is @param now as it is */
export async function askUses(
  ask: Ask,
  who: string,
  now: Pick<NewPhase, 'inputs' | 'outputs'> = {},
  custom: readonly string[] = [],
): Promise<{ readonly inputs: readonly string[]; readonly outputs: readonly string[] }> {
  const some = (key: 'inputs' | 'outputs', message: string): Promise<readonly string[]> =>
    askSome(ask, { name: key, message, help: explain[key], choices: kinds(custom, key === 'outputs'), default: now[key] ?? [] });
  return { inputs: await some('inputs', `What does ${who} read?`), outputs: await some('outputs', `What does ${who} write?`) };
}

/** The answer that stands for whatever phase is named after this one. */
const FOLLOWING = 'the next one I name';

/** Where it may go, while other phases are still to come. @returns undefined: to the phase that is named after it */
export async function askTargets(ask: Ask, name: string, known: readonly string[]): Promise<readonly string[] | undefined> {
  const so = known.length > 0 ? [`So far there are ${known.join(', ')}; others may come.`] : ['Phases that are still to come may be named.'];
  const answer = await askText(
    ask,
    { name: 'next', message: `Where may it go from ${name}? (separated by commas)`, help: [...explain.next, ...so], default: FOLLOWING },
    (text) =>
      text === FOLLOWING
        ? undefined
        : splitNames(text)
            .map(phaseNameProblem)
            .find((problem) => problem !== undefined),
  );
  return answer === FOLLOWING ? undefined : splitNames(answer);
}
