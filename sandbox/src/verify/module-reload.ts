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
export const MAX_RELOADS = 500;

/** What begins a life: a module that is nowhere, and hands on the scheduler. */
const RELOAD_SCHEME = 'autopilot-reload:';
const RELOAD_QUERY = /\?reload=\d+$/;

const require = createRequire(import.meta.url);
/** Of projects, as URLs. */
const projectRoots = new Set<string>();
/** What was read and stripped of its types, by URL without the life: the same for all of them. */
const strippedSources = new Map<string, ReturnType<LoadHookSync>>();
/** What an import leads to, by the URL of its module without the life and what it asks for. */
const resolvedImports = new Map<string, ReturnType<ResolveHookSync>>();
let reloads = 0;

/** Lives that this thread has had. */
export function reloadCount(): number {
  return reloads;
}

/**
 * @param file of the scheduler, below `dir`
 * @returns makes the scheduler from modules of its own. What is not below `dir`, packages, and
 * CommonJS are the same in all lives.
 */
export function createModuleReloader(dir: string, file: string): () => Scheduler {
  if (projectRoots.size === 0) {
    registerHooks({ resolve: resolveHook, load: loadHook });
  }
  // Node follows symbolic links before it names a module.
  const root = realpathSync(dir);
  projectRoots.add(`${pathToFileURL(root).href}/`);
  const scheduler = pathToFileURL(join(root, file)).href;
  return () =>
    (require(`${RELOAD_SCHEME}${++reloads}?${scheduler}`) as { readonly scheduler: Scheduler })
      .scheduler;
}

const resolveHook: ResolveHookSync = (specifier, context, next) => {
  if (specifier.startsWith(RELOAD_SCHEME)) {
    return { url: specifier, format: 'module', shortCircuit: true };
  }
  const { parentURL = '' } = context;
  const [reload] = RELOAD_QUERY.exec(parentURL) ?? [];
  if (reload === undefined) {
    return next(specifier, context);
  }
  const key = `${parentURL.replace(RELOAD_QUERY, '')} ${specifier}`;
  const known = resolvedImports.get(key) ?? next(specifier, context);
  resolvedImports.set(key, known);
  return {
    ...known,
    ...(isProjectModule(known.url) && { url: `${known.url}${reload}` }),
    shortCircuit: true,
  };
};

const loadHook: LoadHookSync = (url, context, next) => {
  if (url.startsWith(RELOAD_SCHEME)) {
    const [number = '', scheduler = ''] = url.slice(RELOAD_SCHEME.length).split(/\?(.*)/s);
    return {
      format: 'module',
      shortCircuit: true,
      source: `export { scheduler } from ${JSON.stringify(`${scheduler}?reload=${number}`)};`,
    };
  }
  if (!RELOAD_QUERY.test(url)) {
    return next(url, context);
  }
  const source = url.replace(RELOAD_QUERY, '');
  const known = strippedSources.get(source) ?? stripTypes(source, next(url, context));
  strippedSources.set(source, known);
  return known;
};

function isProjectModule(url: string): boolean {
  return [...projectRoots].some(
    (root) => url.startsWith(root) && !/\bnode_modules\/|\.c[jt]s$|\?/.test(url.slice(root.length)),
  );
}

/** Named as its file is, so that stack traces lead there in any life. */
function stripTypes(url: string, loaded: ReturnType<LoadHookSync>): ReturnType<LoadHookSync> {
  if (loaded.format !== 'module-typescript' && loaded.format !== 'module') {
    return { ...loaded, shortCircuit: true };
  }
  const code = Buffer.from(loaded.source as string | Uint8Array).toString();
  const source =
    loaded.format === 'module'
      ? `${code}\n//# sourceURL=${url}`
      : withoutWarning(() => stripTypeScriptTypes(code, { sourceUrl: url }));
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
