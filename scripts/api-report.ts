/**
 * Writes the public API of every entry point to docs/api, by API Extractor, from the compiled
 * declarations.
 *
 *     node --conditions=autopilot-source scripts/api-report.ts
 *
 * With `--missing [PATH…]` it lists what lacks a TSDoc comment there, and writes nothing.
 */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { apiEntries, type ApiEntry } from './api-entries.ts';
import { missingDocs } from './api-missing.ts';
import { build, root } from './build.ts';

const REPORTS = 'docs/api/*.api.md';

/**
 * Makes the reports of all entry points. The packages must be compiled (`build()`).
 *
 * @returns the text of each report, by its path relative to the repository.
 * @throws Error when the declarations of an entry point cannot be read.
 */
export function apiReports(): Readonly<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-api-'));
  try {
    return Object.fromEntries(
      apiEntries().map((entry) => [`docs/api/${entry.name}.api.md`, reportOf(entry, folder)]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns the paths of the committed reports, relative to the repository. */
export function committedReports(): readonly string[] {
  return globSync(REPORTS, { cwd: root }).sort();
}

function reportOf(entry: ApiEntry, folder: string): string {
  const messages: string[] = [];
  const { errorCount } = Extractor.invoke(configOf(entry, folder), {
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) {
        messages.push(message.formatMessageWithLocation(root));
      }
      message.handled = true;
    },
  });
  if (errorCount > 0) {
    throw new Error(`${entry.types}: API Extractor fails:\n${messages.join('\n')}`);
  }
  return readFileSync(join(folder, `${entry.name}.api.md`), 'utf8');
}

function configOf(entry: ApiEntry, folder: string): ExtractorConfig {
  const none = { default: { logLevel: ExtractorLogLevel.None } };
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, entry.folder, 'package.json'),
    configObject: {
      projectFolder: join(root, entry.folder),
      mainEntryPointFilePath: entry.types,
      compiler: { overrideTsconfig: compilerOf(entry) },
      apiReport: {
        enabled: true,
        includeForgottenExports: true,
        reportFileName: `${entry.name}.api.md`,
        reportFolder: folder,
        reportTempFolder: join(folder, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: none,
        tsdocMessageReporting: none,
      },
    },
  });
}

/** API Extractor brings a TypeScript of its own, which does not know the newest `lib` names. */
function compilerOf(entry: ApiEntry): object {
  return {
    compilerOptions: {
      target: 'es2024',
      lib: ['es2024', 'esnext'],
      module: 'nodenext',
      strict: true,
      skipLibCheck: true,
      types: ['node'],
    },
    files: [entry.types],
  };
}

function write(): void {
  build();
  const reports = apiReports();
  for (const path of committedReports().filter((committed) => !(committed in reports))) {
    rmSync(join(root, path));
  }
  for (const [path, text] of Object.entries(reports)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  console.log(`${Object.keys(reports).length} reports written to docs/api`);
}

function listMissing(): void {
  const paths = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  const isWanted = (file: string): boolean =>
    paths.length === 0 || paths.some((path) => file.startsWith(path));
  const missing = missingDocs().filter(({ file }) => isWanted(file));
  for (const { file, line, name } of missing) {
    console.log(`${file}:${line} ${name}`);
  }
  console.log(`${missing.length} public declarations have no TSDoc comment`);
  process.exitCode = missing.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--missing')) {
    listMissing();
  } else {
    write();
  }
}
