/**
 * The image of a generated operator, made as its Dockerfile says but without Docker or a registry: the base is this machine's Node with the
 * libraries that it needs, in the place of `node:…-slim`.
 */
import { cpSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { writeImage } from '../realparts/index.ts';

interface Stage {
  readonly lines: readonly (readonly [word: string, rest: string])[];
}

export interface BuiltImage {
  readonly file: string;
  readonly reference: string;
  /** Of all that the project adds to its base. */
  readonly bytes: number;
}

/**
 * @param project a generated project with a lock file
 * @param work an empty folder
 * @param marks files that tell one image from another, by their path in the image
 */
export async function operatorImage(project: string, work: string, reference: string, marks: Readonly<Record<string, string>> = {}): Promise<BuiltImage> {
  const stages = stagesOf(readFileSync(join(project, 'Dockerfile'), 'utf8'));
  const context = join(work, 'context');
  copyContext(project, context);
  const roots = new Map<string, string>();
  for (const [name, stage] of stages) {
    const root = join(work, `stage-${name}`);
    mkdirSync(root, { recursive: true });
    roots.set(name, root);
    let workdir = '/';
    for (const [word, rest] of stage.lines) {
      if (word === 'WORKDIR') workdir = rest;
      if (word === 'COPY') copy(rest, (from) => (from === undefined ? context : (roots.get(from) ?? '')), join(root, workdir));
      if (word === 'RUN') await execa('sh', ['-c', rest], { cwd: join(root, workdir) });
    }
  }
  const [, last] = [...stages].at(-1) ?? [];
  const root = [...roots.values()].at(-1) ?? '';
  for (const [path, text] of Object.entries(marks)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const settings = (word: string): readonly string[] => (last?.lines ?? []).filter(([one]) => one === word).map(([, rest]) => rest);
  const base = join(work, 'base');
  await nodeBase(base);
  const file = join(work, 'image.tar');
  await writeImage(file, {
    reference,
    layers: [base, root],
    entrypoint: JSON.parse(settings('ENTRYPOINT')[0] ?? '[]') as string[],
    user: settings('USER')[0] ?? 'root',
    workdir: settings('WORKDIR')[0] ?? '/',
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', ...settings('ENV').flatMap((line) => line.split(' '))],
  });
  const { stdout } = await execa('du', ['--summarize', '--bytes', root]);
  return { file, reference, bytes: Number(stdout.split('\t')[0]) };
}

/** Stages by name, each with its instructions; a line that ends in `\` goes on. */
function stagesOf(dockerfile: string): ReadonlyMap<string, Stage> {
  const stages = new Map<string, { lines: [string, string][] }>();
  let current: { lines: [string, string][] } | undefined;
  for (const line of dockerfile.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (word === 'FROM') {
      current = { lines: [] };
      stages.set(/ AS (\w+)$/.exec(rest)?.[1] ?? 'last', current);
    } else if (word !== '') current?.lines.push([word, rest]);
  }
  return stages;
}

/** `.dockerignore` here is `*` and exceptions. */
function copyContext(project: string, context: string): void {
  const [first, ...exceptions] = readFileSync(join(project, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  if (first !== '*' || exceptions.some((line) => !line.startsWith('!')))
    throw new Error('.dockerignore is not of the form that this test reads: *, then exceptions');
  for (const line of exceptions) cpSync(join(project, line.slice(1)), join(context, line.slice(1)), { recursive: true });
}

/** `COPY [--from=stage] source … target`: a target that ends in `.` or `/` is a folder for files; a folder's content goes to the target. */
function copy(rest: string, folderOf: (stage: string | undefined) => string, workdir: string): void {
  const words = rest.split(' ');
  const stage = words[0]?.startsWith('--from=') === true ? words.shift()?.slice('--from='.length) : undefined;
  const target = words.pop() ?? '.';
  for (const word of words) {
    const source = join(folderOf(stage), word);
    const intoFolder = !statSync(source).isDirectory() && /[./]$/.test(target);
    const to = join(workdir, target, intoFolder ? word : '');
    mkdirSync(dirname(to), { recursive: true });
    cpSync(source, to, { recursive: true, verbatimSymlinks: true });
  }
}

/** This process's own Node, and what its loader needs. */
async function nodeBase(root: string): Promise<void> {
  const place = (from: string, to: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    cpSync(realpathSync(from), join(root, to));
  };
  place(process.execPath, '/usr/local/bin/node');
  const { stdout } = await execa('ldd', [process.execPath]);
  for (const [path] of stdout.matchAll(/\/\S+(?= \()/g)) place(path, path);
  mkdirSync(join(root, 'tmp'));
}
