/**
 * The modules of a project, made anew for each process of a flight: in a cluster nothing that a
 * worker keeps in a variable of its module
 * outlives the process. Each life of the modules has a number, which all that is imported from
 * there on carries in its URL. Node never
 * gives a module back, so a thread may have only so many lives.
 */
import { realpathSync } from 'node:fs';
import { createRequire, registerHooks, stripTypeScriptTypes } from 'node:module';
import type { LoadHookSync, ResolveHookSync } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Scheduler } from 'autopilot-runtime';

/** After so many a thread is to end: a life takes 100 to 200 kB. */
export const MOST_LIVES = 500;

/** What begins a life: a module that is nowhere, and hands on the scheduler. */
const BEGIN = 'autopilot-life:';
const LIFE = /\?life=\d+$/;

const require = createRequire(import.meta.url);
/** Of projects, as URLs. */
const roots = new Set<string>();
/** What was read and stripped of its types, by URL without the life: the same for all of them. */
const read = new Map<string, ReturnType<LoadHookSync>>();
/** What an import leads to, by the URL of its module without the life and what it asks for. */
const resolved = new Map<string, ReturnType<ResolveHookSync>>();
let begun = 0;

/** Lives that this thread has had. */
export function livesBegun(): number {
  return begun;
}

/**
 * @param file of the scheduler, below `dir`
 * @returns makes the scheduler from modules of its own. What is not below `dir`, packages, and
 * CommonJS are the same in all lives.
 */
export function lives(dir: string, file: string): () => Scheduler {
  if (roots.size === 0) {
    registerHooks({ resolve, load });
  }
  // Node follows symbolic links before it names a module.
  const root = realpathSync(dir);
  roots.add(`${pathToFileURL(root).href}/`);
  const scheduler = pathToFileURL(join(root, file)).href;
  return () =>
    (require(`${BEGIN}${++begun}?${scheduler}`) as { readonly scheduler: Scheduler }).scheduler;
}

const resolve: ResolveHookSync = (specifier, context, next) => {
  if (specifier.startsWith(BEGIN)) {
    return { url: specifier, format: 'module', shortCircuit: true };
  }
  const { parentURL = '' } = context;
  const [life] = LIFE.exec(parentURL) ?? [];
  if (life === undefined) {
    return next(specifier, context);
  }
  const key = `${parentURL.replace(LIFE, '')} ${specifier}`;
  const known = resolved.get(key) ?? next(specifier, context);
  resolved.set(key, known);
  return {
    ...known,
    ...(ofProject(known.url) && { url: `${known.url}${life}` }),
    shortCircuit: true,
  };
};

const load: LoadHookSync = (url, context, next) => {
  if (url.startsWith(BEGIN)) {
    const [number = '', scheduler = ''] = url.slice(BEGIN.length).split(/\?(.*)/s);
    return {
      format: 'module',
      shortCircuit: true,
      source: `export { scheduler } from ${JSON.stringify(`${scheduler}?life=${number}`)};`,
    };
  }
  if (!LIFE.test(url)) {
    return next(url, context);
  }
  const source = url.replace(LIFE, '');
  const known = read.get(source) ?? stripped(source, next(url, context));
  read.set(source, known);
  return known;
};

function ofProject(url: string): boolean {
  return [...roots].some(
    (root) => url.startsWith(root) && !/\bnode_modules\/|\.c[jt]s$|\?/.test(url.slice(root.length)),
  );
}

/** Named as its file is, so that stack traces lead there in any life. */
function stripped(url: string, loaded: ReturnType<LoadHookSync>): ReturnType<LoadHookSync> {
  if (loaded.format !== 'module-typescript' && loaded.format !== 'module') {
    return { ...loaded, shortCircuit: true };
  }
  const text = Buffer.from(loaded.source as string | Uint8Array).toString();
  const source =
    loaded.format === 'module'
      ? `${text}\n//# sourceURL=${url}`
      : withoutWarning(() => stripTypeScriptTypes(text, { sourceUrl: url }));
  return { format: 'module', source, shortCircuit: true };
}

/**
 * Node warns of its function for this, and not of what it does by itself when it loads such a file.
 */
function withoutWarning<T>(run: () => T): T {
  const warn: unknown = Reflect.get(process, 'emitWarning');
  process.emitWarning = () => undefined;
  try {
    return run();
  } finally {
    Reflect.set(process, 'emitWarning', warn);
  }
}
