/** The questions about one phase, new or as it is. */
import { catalogue, METRICS } from '../catalogue.ts';
import { phaseNameProblem } from '../check.ts';
import type { NewPhase } from '../project-text.ts';
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
const LOOKS_READY = /^(ready|running|waiting|serving|steady|idle|active|healthy|synced|watching)$/i;

/** Everything of a phase but its name and where it may go. @param now as it is; for a new one only its name */
export async function askPhase(
  ask: Ask,
  now: NewPhase,
  { mayBeFinal = true, custom = [] }: { readonly mayBeFinal?: boolean; readonly custom?: readonly string[] } = {},
): Promise<NewPhase> {
  const { name } = now;
  const description = await askText(ask, {
    name: 'description',
    message: `What happens in ${name}? (one line, may be empty)`,
    help: explain.description,
    ...(now.description !== undefined && { default: now.description }),
  });
  const phase = { name, ...(now.initial && { initial: true }), ...(description !== '' && { description }) };
  const final =
    mayBeFinal &&
    (await askYes(ask, {
      name: 'final',
      message: `Is ${name} final, the end for a resource?`,
      help: explain.final,
      default: now.final ?? LOOKS_FINAL.test(name),
    }));
  if (final) return { ...phase, final: true };
  const ready = await askYes(ask, {
    name: 'ready',
    message: `Does a resource in ${name} count as ready?`,
    help: explain.ready,
    default: now.ready ?? LOOKS_READY.test(name),
  });
  const some = (key: 'inputs' | 'outputs', message: string): Promise<readonly string[]> =>
    askSome(ask, { name: key, message, help: explain[key], choices: kinds(custom, key === 'outputs'), default: now[key] ?? [] });
  const inputs = await some('inputs', `What does ${name} read?`);
  const outputs = await some('outputs', `What does ${name} write?`);
  return { ...phase, ...(ready && { ready }), inputs, outputs };
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
