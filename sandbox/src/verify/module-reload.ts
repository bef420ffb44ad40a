/**
 * Reloads the modules of a project for each simulated process. In a cluster, variables of a module
 * do not outlive the process.
 *
 * Each reload has a number, which the URLs of all modules that are loaded by it carry. Node never
 * unloads a module, so a thread is limited to {@link MAX_RELOADS} reloads.
 */
import { realpathSync } from 'node:fs';
import { createRequire, registerHooks, stripTypeScriptTypes } from 'node:module';
import type { LoadHookSync, ResolveHookSync } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Scheduler } from 'autopilot-runtime';

/** Reloads after which a thread is replaced. One reload takes 100 to 200 kB of memory. */
export const MAX_RELOADS = 500;

/** Scheme of the virtual module that starts a reload. It exports the scheduler. */
const RELOAD_SCHEME = 'autopilot-reload:';
const RELOAD_QUERY = /\?reload=\d+$/;

const require = createRequire(import.meta.url);
/** URLs of the folders of projects. */
const projectRoots = new Set<string>();
/** Sources without types, by URL without the number of the reload. */
const strippedSources = new Map<string, ReturnType<LoadHookSync>>();
/** Resolved imports, by URL of the importing module without the reload, and specifier. */
const resolvedImports = new Map<string, ReturnType<ResolveHookSync>>();
let reloads = 0;

/** @returns the number of reloads in this thread. */
export function reloadCount(): number {
  return reloads;
}

/**
 * @param dir folder of the project.
 * @param file path of the scheduler, relative to `dir`.
 * @returns a function that creates the scheduler from reloaded modules. Modules outside of `dir`,
 * packages and CommonJS modules are not reloaded. The function throws an error with the code
 * `ERR_REQUIRE_ASYNC_MODULE` if a module uses top-level await.
 */
export function createModuleReloader(dir: string, file: string): () => Scheduler {
  if (projectRoots.size === 0) {
    registerHooks({ resolve: resolveHook, load: loadHook });
  }
  // Node resolves symbolic links in the URLs of modules.
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

/** Adds the URL of the file as the source URL, so that stack traces name the file. */
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
 * Suppresses the experimental warning of `stripTypeScriptTypes`. Node itself strips types without a
 * warning when it loads such a file.
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
