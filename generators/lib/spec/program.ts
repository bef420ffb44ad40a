/**
 * src/spec.ts as a TypeScript program in this process. The compiler is TypeScript 6, independent of
 * the compiler of the project, because the API of TypeScript 7 is not stable yet. The package
 * `@ts-morph/common` contains the compiler without a `tsc` command, which would shadow the
 * project's.
 */
import { dirname } from 'node:path';
import { getLibFiles, getLibFolderPath, ts } from '@ts-morph/common';
import { RUNTIME_MODULE, runtimeModule } from './runtime-types.ts';
import type { Problem } from '../util/problems.ts';

const RUNTIME_FILE = '/autopilot-runtime.generated.d.ts';

/** Options of tsconfig.json that decide what an import or a global name of src/spec.ts means. */
const RESOLUTION_OPTIONS = [
  'baseUrl',
  'customConditions',
  'paths',
  'pathsBasePath',
  'rootDirs',
  'typeRoots',
  'types',
] as const;

/** The type checker and the file, as far as the reader needs them. */
export interface SpecProgram {
  readonly checker: ts.TypeChecker;
  readonly source: ts.SourceFile;
  /** Whether a file is from a package or from the compiler's library. */
  isForeign(file: ts.SourceFile): boolean;
  /** Whether a file is from the compiler's library. */
  isLibrary(file: ts.SourceFile): boolean;
  /** Compile errors of src/spec.ts. */
  problems(): readonly Problem[];
  /** The symbol that src/spec.ts exports under a name. */
  exportedSymbol(name: string): ts.Symbol | undefined;
}

/**
 * Loads src/spec.ts with everything that it imports, resolved as the project's tsconfig.json says.
 * The global types of that file are loaded only when src/spec.ts does not compile without them,
 * because those of Node cost most of the time.
 *
 * @param specFile absolute path of the file
 * @throws Error when the file cannot be read
 */
export function createSpecProgram(specFile: string): SpecProgram {
  const { types = [], ...resolution } = readResolution(specFile);
  const program = createProgram(specFile, { ...resolution, types: [] });
  return types.length === 0 || program.problems().length === 0
    ? program
    : createProgram(specFile, { ...resolution, types });
}

/** How the nearest tsconfig.json resolves modules and global types; empty without such a file. */
function readResolution(specFile: string): ts.CompilerOptions {
  const file = ts.findConfigFile(dirname(specFile), (path) => ts.sys.fileExists(path));
  if (file === undefined) {
    return {};
  }
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as {
    config?: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config ?? {}, ts.sys, dirname(file));
  const given = RESOLUTION_OPTIONS.map((name) => [name, options[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function createProgram(specFile: string, resolution: ts.CompilerOptions): SpecProgram {
  const options: ts.CompilerOptions = {
    ...resolution,
    strict: true,
    target: ts.ScriptTarget.ES2024,
    lib: ['lib.es2025.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    paths: { ...resolution.paths, [RUNTIME_MODULE]: [RUNTIME_FILE] },
  };
  const library = getLibFolderPath({});
  const files = new Map([
    [RUNTIME_FILE, runtimeModule],
    ...getLibFiles().map(({ fileName, text }) => [`${library}/${fileName}`, text] as const),
  ]);
  const host = ts.createCompilerHost(options, true);
  const disk = { ...host };
  host.getCurrentDirectory = () => dirname(specFile);
  host.getDefaultLibLocation = () => library;
  host.fileExists = (file) => files.has(file) || disk.fileExists(file);
  host.readFile = (file) => files.get(file) ?? disk.readFile(file);
  host.getSourceFile = (file, version, ...rest) => {
    const text = files.get(file);
    return text === undefined
      ? disk.getSourceFile(file, version, ...rest)
      : ts.createSourceFile(file, text, version, true);
  };
  const program = ts.createProgram({ rootNames: [specFile], options, host });
  const source = program.getSourceFile(specFile);
  if (source === undefined) {
    throw new Error(`${specFile} cannot be read`);
  }
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(source);
  return {
    checker,
    source,
    isForeign: (file) =>
      program.isSourceFileFromExternalLibrary(file) ||
      program.isSourceFileDefaultLibrary(file) ||
      file.fileName === RUNTIME_FILE,
    isLibrary: (file) => program.isSourceFileDefaultLibrary(file),
    problems: () =>
      [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
        .filter(({ category }) => category === ts.DiagnosticCategory.Error)
        .map(({ start, messageText, code }) => ({
          file: specFile,
          ...positionOf(source, start ?? 0),
          message: `${ts.flattenDiagnosticMessageText(messageText, ' ')}${code === 2307 ? ' (is it installed? npm install)' : ''}`,
        })),
    exportedSymbol: (name) =>
      module === undefined
        ? undefined
        : checker.getExportsOfModule(module).find((symbol) => symbol.name === name),
  };
}

/** Line and column of an offset. Both start at 1. */
export function positionOf(
  file: ts.SourceFile,
  offset: number,
): { readonly line: number; readonly column: number } {
  const { line, character } = file.getLineAndCharacterOfPosition(offset);
  return { line: line + 1, column: character + 1 };
}
