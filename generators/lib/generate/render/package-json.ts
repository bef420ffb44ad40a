/**
 * package.json, tsconfig.json and the test configuration of a project: merged, the user's keys
 * stay.
 */
import { TYPE_PACKAGES } from '../../kinds/built-in-kinds.ts';
import type { Model, ProjectFile } from '../../model/model.ts';

export interface RuntimeDependencies {
  /** What stands in package.json for autopilot-runtime: `^0.1.0` or `file:vendor/…`. */
  readonly runtime: string;
  readonly sandbox: string;
}

export function renderPackageJson(model: Model, dependency: RuntimeDependencies): ProjectFile[] {
  const merged = (path: string, value: object): ProjectFile => ({
    path,
    content: `${JSON.stringify(value, null, 2)}\n`,
    ownership: 'merged',
  });
  const types = new Set(
    model.kinds.flatMap((kind) => (kind.module && !kind.schema ? [kind.module.package] : [])),
  );
  return [
    merged('package.json', {
      name: model.operatorName,
      version: '0.0.1',
      private: true,
      type: 'module',
      engines: { node: '>=24.12' },
      // An older Node dies of the first type it reads; npm refuses it with a sentence before that.
      devEngines: { runtime: { name: 'node', version: '>=24.12' } },
      scripts: {
        start: 'node src/main.ts',
        dev: 'node scripts/operator.ts dev',
        test: 'mocha',
        verify: 'autopilot-sandbox verify',
        typecheck: 'tsc --noEmit',
        build: 'node scripts/operator.ts build',
        deploy: 'node scripts/operator.ts deploy',
        undeploy: 'node scripts/operator.ts undeploy',
        logs: 'node scripts/operator.ts logs',
      },
      dependencies: { 'autopilot-runtime': dependency.runtime },
      devDependencies: sortKeys({
        ...Object.fromEntries([...types].map((name) => [name, TYPE_PACKAGES[name] ?? '*'])),
        '@kubernetes/client-node': '2.0.1',
        '@types/chai': '^5.2.2',
        '@types/mocha': '^10.0.10',
        '@types/node': '^24.0.0',
        'autopilot-sandbox': dependency.sandbox,
        chai: '^6.3.0',
        execa: '^10.2.1',
        mocha: '^12.0.3',
        typescript: '^7.0.2',
      }),
    }),
    merged('tsconfig.json', {
      compilerOptions: {
        target: 'es2024',
        lib: ['es2025', 'esnext.disposable'],
        module: 'nodenext',
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noImplicitOverride: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        allowImportingTsExtensions: true,
        noEmit: true,
        skipLibCheck: true,
        types: ['node', 'mocha'],
      },
      include: ['src', 'test', 'scripts'],
    }),
    merged('.mocharc.json', { spec: ['test/**/*.test.ts'] }),
  ];
}

function sortKeys(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
