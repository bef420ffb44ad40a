/**
 * What the prose check looks for. A space in `find` matches any white space: a phrase is found
 * across a line break too.
 */

/** The source of the words: a doc comment, another comment, a string, or a whole file. */
export type TextType = 'doc' | 'comment' | 'string' | 'text';

/** One word or phrase that is not used here. */
export interface ProseRule {
  /** What is looked for. */
  readonly find: RegExp;
  /** What to write in its place. */
  readonly write: string;
  /** The types of text that the rule applies to. Default: all. */
  readonly types?: readonly TextType[];
}

/** A place where a rule does not apply. */
export interface ProseException {
  /** Glob of the files, relative to the repository. */
  readonly files: string;
  /** The words that are accepted. */
  readonly found: RegExp;
  /** What the line must match. Default: every line. */
  readonly line?: RegExp;
  /** Why the words are right there. */
  readonly reason: string;
}

/** Longest line of code and comments, in columns. */
export const MAX_COLUMNS = 100;

const WORDS: readonly ProseRule[] = [
  { find: /\banew\b/i, write: '"again", or name what is new' },
  {
    find: /\b(somebody|someone)('s)?\b/i,
    write: 'who it is: a user, another controller, a client',
  },
  { find: /\bnobody('s)?\b/i, write: 'the noun: "no user", "no controller", "no watch"' },
  { find: /\bmend(s|ed|ing)?\b/i, write: 'repair, fix' },
  { find: /\bto and fro\b/i, write: 'back and forth, or name the two states' },
  { find: /\b(go|goes|going|went|gone) well\b/i, write: 'succeed' },
  { find: /\b(end|ends|ended|ending) (well|badly)\b/i, write: 'succeed; fail' },
  { find: /\bbelongs? into\b/i, write: 'belongs in' },
  { find: /\ba text\b/i, write: 'a string' },
  { find: /\bshall\b/i, write: 'must, or the present tense' },
  {
    find: /\bwhos(e|ever) (is|it is|they are) ?(whose)?\b/i,
    write: 'name the owner: "the owner of X"',
  },
  {
    find: /\b(stands?|stood) (still|at|in|there|in for)\b/i,
    write: 'the plain verb: is, stops, is written',
  },
  { find: /\bof whom\b/i, write: 'a sentence with the noun as its subject' },
  { find: /\bfor ever\b/i, write: 'forever, indefinitely, without end' },
  { find: /\bat the soonest\b/i, write: 'at the earliest' },
  { find: /\b(late news|on the books|kindly)\b/i, write: 'the rule in plain words' },
];

const VOCABULARY: readonly ProseRule[] = [
  { find: /\bquiet (flights?|runs?)\b/i, write: 'baseline run' },
  { find: /(?<!quiet )\bflights?\b/i, write: 'run (of a scenario), sandbox' },
  { find: /\b(fly|flies|flew|flown|flying)\b/i, write: 'run' },
  { find: /\bcrews?\b/i, write: 'worker pool' },
  { find: /\bpilots?\b/i, write: 'operator, leader' },
  { find: /\bfleets?\b/i, write: 'replicas' },
  { find: /\bdoors?\b/i, write: 'API server, client' },
  { find: /\b(oracles?|verdicts?)\b/i, write: 'invariants' },
  { find: /\bheirs?\b/i, write: 'replacement' },
  { find: /\b(wakes?|woken|woke|waking|wakings)\b/i, write: 'enqueue' },
  { find: /\b(go|goes|going|gone) round\b/i, write: 'reconcile' },
  { find: /\bsyncs\b/i, write: 'reconciles' },
  {
    find: /\b(an?|the|one|two|each|every|this|next|first|last|no|its|per) sync\b(?! function)/i,
    write: 'a reconcile',
  },
  { find: /\bmaxConcurrentSyncs\b/, write: 'maxConcurrentReconciles' },
  {
    find: /\b(the|a|its|each|every|correct) machines?\b(?!-)/i,
    write: 'the controller, the runtime',
  },
  { find: /\bcampaigns?\b/i, write: 'leader election, leader elector' },
  { find: /\bintents?\b/i, write: 'desired object' },
  { find: /\bheld back\b/i, write: 'deferred' },
  { find: /\b(a|each|the|on|every|no) holds?\b/i, write: 'pending approval, pending write, claim' },
  { find: /\bshared (edits?|fields?)\b|\bsharing\b|\bshared\(\)/i, write: 'field claim' },
  { find: /\brights\b/i, write: 'RBAC rules, permissions' },
  { find: /\bcatalogues?\b/i, write: 'built-in kinds' },
  { find: /\b(ours|yours)\b/i, write: 'generated, user-owned' },
  {
    find: /\b(an|the|its|each|every|no|late|this|that|to|lost) answers?\b/i,
    write: 'response (of a server), result (of a query)',
  },
  { find: /\bkits?\b/i, write: 'sandbox' },
  { find: /\b(at|comes? to|to) rest\b/i, write: 'quiescence, quiescent' },
  { find: /\bspots?\b/i, write: 'fault site' },
  { find: /\bsketch(es)?\b/i, write: 'partial object' },
];

const PREPOSITIONS =
  'Of|As|In|For|With|Without|Until|By|At|On|From|To|Per|Into|Beside|Besides|Under|Within|Through';

const SHAPE: readonly ProseRule[] = [
  {
    find: new RegExp(`^\\s*(${PREPOSITIONS})\\b`),
    write: 'a sentence or a noun phrase that defines, without a preposition at its start',
    types: ['doc'],
  },
];

/** Every rule, in the order of the report. */
export const RULES: readonly ProseRule[] = [...WORDS, ...VOCABULARY, ...SHAPE];

/** The places where a word is right. Each names its reason. */
export const EXCEPTIONS: readonly ProseException[] = [
  {
    files: '**/*.ts',
    found: /^\d+ columns$/,
    line: /^import type \{ [^,]+ \} from '[^']+';$/,
    reason: 'the formatter keeps the import of one name on one line',
  },
  {
    files: '**',
    found: /^\d+ columns$/,
    line: /^(?!\s*(\*|\/\/|\/\*)).{0,75}(['"`/]).{40,}\2.{0,40}$/,
    reason: 'the formatter leaves a string, template or pattern whole, so that it can be searched',
  },
  {
    files: 'test/house/prose.test.ts',
    found: /^(?!\d+ columns)/,
    reason: 'the samples of this check',
  },
  {
    files: '{generators/lib,test/generators}/**',
    found: /answers?$/i,
    reason: 'a user answers a prompt',
  },
  {
    files: 'test/**',
    found: /^pilot$/,
    line: /drones:pilot/,
    reason: 'name of a Role in a test of names with a colon',
  },
];
