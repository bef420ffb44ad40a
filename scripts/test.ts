/**
 * npm test [LAYER …]: all layers in order, real parts included. The very last line is `N passed, N
 * failed, N skipped` over all of them.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { build, root } from './build.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

type RealParts = 'control plane' | 'prometheus' | 'pods';

/**
 * A layer is a list of mocha globs; `real` names the parts it needs, which test/realparts finds,
 * builds or downloads. `apart`: only when it is named.
 */
const LAYERS: readonly {
  readonly name: string;
  readonly files: readonly string[];
  readonly timeout: number;
  readonly real?: RealParts;
  readonly apart?: true;
}[] = [
  {
    name: 'unit',
    files: ['test/house/**/*.test.ts', 'test/runtime/**/*.test.ts', 'test/sandbox/**/*.test.ts'],
    timeout: 60_000,
  },
  { name: 'generators', files: ['test/generators/**/*.test.ts'], timeout: 300_000 },
  {
    name: 'integration',
    files: ['test/integration/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    timeout: 120_000,
  },
  { name: 'fuzz', files: ['test/fuzz/**/*.test.ts'], timeout: 120_000 },
  { name: 'exploration', files: ['test/exploration/**/*.test.ts'], timeout: 300_000 },
  { name: 'queries', files: ['test/queries/**/*.test.ts'], timeout: 60_000, real: 'prometheus' },
  {
    name: 'conformance',
    files: ['test/conformance/**/*.test.ts'],
    timeout: 120_000,
    real: 'control plane',
  },
  { name: 'crd', files: ['test/crd/**/*.test.ts'], timeout: 120_000, real: 'control plane' },
  { name: 'charts', files: ['test/charts/**/*.test.ts'], timeout: 300_000, real: 'control plane' },
  { name: 'e2e', files: ['test/e2e/**/*.test.ts'], timeout: 300_000, real: 'control plane' },
  { name: 'faults', files: ['test/faults/**/*.test.ts'], timeout: 900_000, real: 'control plane' },
  { name: 'pods', files: ['test/pods/**/*.test.ts'], timeout: 300_000, real: 'pods', apart: true },
];

const wanted = process.argv.slice(2);
for (const name of wanted) {
  if (name !== 'house' && !LAYERS.some((layer) => layer.name === name)) {
    console.error(
      `error: there is no layer '${name}'; layers are house, ${LAYERS.map((layer) => layer.name).join(', ')}`,
    );
    process.exit(2);
  }
}
const isChosen = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

const total = { passed: 0, failed: 0, skipped: 0 };
function addCounts(counts: Counts): void {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

await runCheck('build', () => build());
if (isChosen('house')) {
  await runCheck('typecheck', () => runCommand('tsc', ['-p', 'tsconfig.json']));
  await runCheck('format', () => runCommand('oxfmt', ['--check']));
  await runCheck('lint', () => runCommand('oxlint', ['--type-aware', '--deny-warnings']));
}
for (const layer of LAYERS) {
  if (layer.apart === true ? wanted.includes(layer.name) : isChosen(layer.name)) {
    addCounts(await runLayer(layer));
  }
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

async function runCommand(name: string, args: readonly string[]): Promise<void> {
  const { exitCode, all } = await execa(name, args, {
    cwd: root,
    preferLocal: true,
    all: true,
    reject: false,
  });
  if (exitCode !== 0) {
    throw new Error(all);
  }
}

async function runCheck(name: string, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
    console.log(`✔ ${name}`);
    addCounts({ passed: 1, failed: 0, skipped: 0 });
  } catch (error) {
    console.log(`✘ ${name}\n${(error as Error).message}`);
    addCounts({ passed: 0, failed: 1, skipped: 0 });
  }
}

async function runLayer(layer: (typeof LAYERS)[number]): Promise<Counts> {
  const files = globSync([...layer.files], {
    cwd: root,
    exclude: ['**/node_modules/**', '**/fixtures/**'],
  }).sort();
  if (files.length === 0) {
    return { passed: 0, failed: 0, skipped: 0 };
  }
  console.log(`\n── ${layer.name}`);
  if (layer.real !== undefined) {
    const missing = await missingRealParts(layer.real);
    if (missing !== undefined) {
      const failed = process.env['CI'] === 'true' ? 1 : 0;
      console.log(`${layer.name} skipped: ${missing}`);
      return { passed: 0, failed, skipped: files.length };
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'autopilot-test-'));
  const counts = join(folder, 'counts.json');
  try {
    const args = [
      '--node-option',
      'conditions=autopilot-source',
      '--reporter',
      'scripts/reporter.cjs',
      '--timeout',
      String(layer.timeout),
      '--no-config',
      ...files,
    ];
    const { exitCode } = await execa('mocha', args, {
      cwd: root,
      preferLocal: true,
      stdio: 'inherit',
      reject: false,
      env: { AUTOPILOT_COUNTS: counts },
    });
    if (!existsSync(counts)) {
      return crashedCounts(layer.name, exitCode);
    }
    const result = JSON.parse(readFileSync(counts, 'utf8')) as Counts;
    return exitCode !== 0 && result.failed === 0 ? crashedCounts(layer.name, exitCode) : result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function crashedCounts(layer: string, exitCode: number | undefined): Counts {
  console.log(`✘ ${layer}: mocha ended with exit code ${exitCode ?? 'none'} and no failed test`);
  return { passed: 0, failed: 1, skipped: 0 };
}

/** Why the real parts cannot be had, or undefined when they are there. */
async function missingRealParts(parts: RealParts): Promise<string | undefined> {
  const { prepare, preparePods, prometheusPath, Unavailable } =
    await import('../test/realparts/index.ts');
  try {
    if (parts === 'prometheus') {
      await prometheusPath();
    } else {
      await prepare();
    }
    if (parts === 'pods') {
      await preparePods();
    }
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) {
      return error.message;
    }
    throw error;
  }
}
