/**
 * Checks the words of comments, strings, templates and generated texts (`prose-rules.ts`).
 *
 *     node --conditions=autopilot-source scripts/prose.ts [--count] [PATH…]
 *
 * Without a PATH it checks all files. `--count` prints the number of findings per rule.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join, matchesGlob, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './build.ts';
import { EXCEPTIONS, MAX_COLUMNS, RULES, type ProseRule } from './prose-rules.ts';
import { proseTexts, type ProseText } from './prose-text.ts';

/** Files whose text people read. */
const READ: readonly string[] = [
  '**/*.{ts,mjs,js,cjs}',
  'charts/**/*.{yaml,tpl,txt,md}',
  'generators/**/{USAGE,templates/**}',
  'examples/*/*.{md,yaml}',
];

/** Files that are left out: made from others, or data. Documents come later. */
const SKIPPED: readonly string[] = [
  'docs/**',
  '**/.autopilot/**',
  '**/dist/**',
  '**/fixtures/**',
  '**/golden/**',
  'examples/*/src/generated/**',
  'examples/*/charts/**',
];

const CODE = /\.(ts|mjs|js)$/;
const GENERATED = /^[^\n]*\b(Made by scripts\/|Do not edit\b)/;

/** One place that breaks a rule. */
export interface ProseFinding {
  /** Path relative to the repository. */
  readonly file: string;
  /** Line number, from 1. */
  readonly line: number;
  /** The words as they are written there. */
  readonly found: string;
  /** What to write in their place. */
  readonly write: string;
}

/**
 * Checks tracked files.
 *
 * @param paths files or folders, relative to the repository. Default: everything.
 * @returns all findings, by file and line.
 */
export function proseFindings(paths: readonly string[] = ['.']): readonly ProseFinding[] {
  const files = execFileSync('git', ['ls-files', '--', ...paths], { cwd: root, encoding: 'utf8' });
  return files
    .split('\n')
    .filter((file) => isChecked(file) && isFile(file))
    .flatMap((file) => checkProse(file, readFileSync(join(root, file), 'utf8')));
}

/**
 * Checks one file.
 *
 * @param file path relative to the repository; decides how the content is read.
 * @param content the content of the file.
 * @returns its findings, by line.
 */
export function checkProse(file: string, content: string): readonly ProseFinding[] {
  if (GENERATED.test(content)) {
    return [];
  }
  const lines = content.split('\n');
  const words = proseTexts(file, content).flatMap((text) => wordFindings(file, text));
  const findings = [...words, ...(CODE.test(file) ? longLines(file, lines) : [])];
  // A comment in a file without code is read twice: with the whole file, and by itself.
  const unique = new Map(findings.map((finding) => [findingText(finding), finding]));
  return [...unique.values()]
    .filter((finding) => !isAccepted(finding, lines[finding.line - 1] ?? ''))
    .sort((a, b) => a.line - b.line);
}

function isChecked(file: string): boolean {
  const matches = (glob: string): boolean => matchesGlob(file, glob);
  return READ.some(matches) && !SKIPPED.some(matches);
}

function isFile(file: string): boolean {
  const path = join(root, file);
  return existsSync(path) && lstatSync(path).isFile();
}

function wordFindings(file: string, text: ProseText): readonly ProseFinding[] {
  const rules = RULES.filter(({ types }) => types?.includes(text.type) ?? true);
  return rules.flatMap((rule) =>
    [...text.text.matchAll(pattern(rule))].map((match) => {
      const offset = match.index + match[0].length - match[0].trimStart().length;
      const line = text.line + text.text.slice(0, offset).split('\n').length - 1;
      return { file, line, found: match[0].trim().replaceAll(/\s+/g, ' '), write: rule.write };
    }),
  );
}

const patterns = new Map<ProseRule, RegExp>();

function pattern(rule: ProseRule): RegExp {
  const { source, flags } = rule.find;
  const known = patterns.get(rule) ?? new RegExp(source.replaceAll(' ', '\\s+'), `${flags}g`);
  patterns.set(rule, known);
  return known;
}

function longLines(file: string, lines: readonly string[]): readonly ProseFinding[] {
  return lines.flatMap((text, index) => {
    const columns = text.length;
    const write = `at most ${MAX_COLUMNS} columns`;
    return columns > MAX_COLUMNS
      ? [{ file, line: index + 1, found: `${columns} columns`, write }]
      : [];
  });
}

function isAccepted(finding: ProseFinding, line: string): boolean {
  return EXCEPTIONS.some((exception) => {
    const isThere = exception.found.test(finding.found) && (exception.line?.test(line) ?? true);
    return isThere && matchesGlob(finding.file, exception.files);
  });
}

/** @returns the finding as one line of a report. */
export function findingText({ file, line, found, write }: ProseFinding): string {
  return `${file}:${line}: ${found} -> ${write}`;
}

function main(args: readonly string[]): void {
  const paths = args
    .filter((argument) => !argument.startsWith('--'))
    .map((path) => relative(root, resolve(path)) || '.');
  const findings = proseFindings(paths.length > 0 ? paths : ['.']);
  if (args.includes('--count')) {
    const counts = Map.groupBy(findings, ({ write }) => write);
    for (const [write, { length }] of [...counts].sort(([, a], [, b]) => b.length - a.length)) {
      console.log(`${String(length).padStart(6)}  ${write}`);
    }
  } else {
    findings.forEach((finding) => console.log(findingText(finding)));
  }
  console.log(`${findings.length} findings`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2));
}
