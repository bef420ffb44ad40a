import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { at, chartOf, renderError, renderText } from './rendering.ts';
import type { Chart, Json } from './rendering.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}

/** Everything that renders everything, so that a change of any value can be seen. */
const BASE: Json = parse(`
commonLabels: { base: label }
watchNamespaces: []
podDisruptionBudget: { enabled: true }
networkPolicy: { enabled: true }
replicas: 2
metrics:
  serviceMonitor: { enabled: true, renderMode: alwaysRender }
  prometheusRule: { enabled: true, renderMode: alwaysRender }
  dashboard: { enabled: true }
`) as Json;

/** What to set where a value of the right shape is not enough to be seen, or needs another one. */
const CHANGES: Readonly<Record<string, Json>> = {
  'image.digest': { image: { digest: `sha256:${'b'.repeat(64)}` } },
  'serviceAccount.create': { serviceAccount: { create: false, name: 'mine' } },
  'podDisruptionBudget.minAvailable': {
    podDisruptionBudget: { maxUnavailable: '', minAvailable: 1 },
  },
  'podDisruptionBudget.maxUnavailable': { podDisruptionBudget: { maxUnavailable: '50%' } },
  'metrics.service.enabled': {
    metrics: { service: { enabled: false }, serviceMonitor: { enabled: false } },
  },
  'metrics.serviceMonitor.renderMode': {
    metrics: { serviceMonitor: { renderMode: 'skipIfMissing' } },
  },
  'metrics.prometheusRule.renderMode': {
    metrics: { prometheusRule: { renderMode: 'skipIfMissing' } },
  },
  'metrics.prometheusRule.disabled': {
    metrics: { prometheusRule: { disabled: ['ExampleNoLeader'] } },
  },
  'deployment.strategy': { deployment: { strategy: { type: 'Recreate' } } },
  config: { config: { maxConcurrentReconciles: 3 } },
};

/** Values that only templates of users or other charts read. */
const UNUSED = ['custom'];

describe('the values of the chart', () => {
  let chart: Chart;
  let schema: Schema;
  let values: Json;
  before(async () => {
    chart = await chartOf({ kind: 'Example' });
    schema = JSON.parse(readFileSync(join(chart.path, 'values.schema.json'), 'utf8')) as Schema;
    values = parse(readFileSync(join(chart.path, 'values.yaml'), 'utf8')) as Json;
  });
  after(() => chart?.remove());

  /** Paths of the schema that have no declared properties, each with its schema. */
  function leaves(of: Schema = schema, path = ''): readonly (readonly [string, Schema])[] {
    return Object.entries(of.properties ?? {}).flatMap(([name, inner]) => {
      const place = path === '' ? name : `${path}.${name}`;
      return inner.properties === undefined || place === 'config' || place === 'deployment.strategy'
        ? [[place, inner] as const]
        : leaves(inner, place);
    });
  }

  for (const major of [3, 4] as const) {
    it(`are each refused with their path when wrong, by Helm ${major}`, async () => {
      const paths = leaves().filter(
        ([path, { type, enum: choices }]) => path !== 'enabled' && (type ?? choices) !== undefined,
      );
      expect(paths.length).to.be.greaterThan(90);
      const said = await renderError(chart.path, {
        major,
        values: merged(paths.map(([path, leaf]) => placed(path, wrong(leaf)))),
      });
      expect(
        paths
          .map(([path]) => path)
          .filter((path) => !said.includes(`'/${path.replaceAll('.', '/')}`)),
      ).to.deep.equal([]);
    });
  }

  it('are refused when they are unknown, except below global', async () => {
    expect(await renderError(chart.path, { values: { imgae: {} } })).to.contain('imgae');
    expect(
      await renderError(chart.path, { values: { metrics: { servicemonitor: {} } } }),
    ).to.contain('servicemonitor');
    expect(await renderError(chart.path, { values: { global: { whatever: 1 } } })).to.equal(
      'no failure',
    );
  });

  it('each change what is rendered', async () => {
    const before = await renderText(chart.path, { values: BASE });
    const idle: string[] = [];
    for (const [path, leaf] of leaves()) {
      if (
        UNUSED.includes(path) ||
        path === 'enabled' ||
        path === 'priorityClassName' ||
        path.startsWith('metrics.podMonitor')
      ) {
        continue;
      }
      const change = CHANGES[path] ?? placed(path, other(leaf, at(merged([values, BASE]), path)));
      if ((await renderText(chart.path, { values: merged([BASE, change]) })) === before) {
        idle.push(path);
      }
    }
    expect(idle).to.deep.equal([]);
  });

  it('that a template reads are all declared', () => {
    const declared = leaves().map(([path]) => path);
    const used = globSync('templates/**/*.{yaml,tpl,txt}', { cwd: chart.path }).flatMap((file) =>
      [...readFileSync(join(chart.path, file), 'utf8').matchAll(/\.Values\.([\w.]+)/g)].map(
        ([, path = '']) => path.replace(/\.$/, ''),
      ),
    );
    expect(used).to.have.length.greaterThan(60);
    const known = (path: string): boolean =>
      declared.some(
        (leaf) => leaf === path || leaf.startsWith(`${path}.`) || path.startsWith(`${leaf}.`),
      );
    expect([...new Set(used)].filter((path) => !known(path))).to.deep.equal([]);
  });

  it('are all that decides: nothing is looked up, random, or of the hour', () => {
    const actions = globSync('templates/**/*.{yaml,tpl,txt}', { cwd: chart.path }).flatMap(
      (file) =>
        readFileSync(join(chart.path, file), 'utf8')
          .replaceAll(/"[^"]*"/g, '')
          .match(/{{[^}]*}}/g) ?? [],
    );
    expect(actions.length).to.be.greaterThan(200);
    expect(
      actions.filter((action) =>
        /\b(lookup|now|date\w*|rand\w+|uuidv4|gen\w+(Key|CA|Cert\w*)|htpasswd|getHostByName|env|expandenv)\b/.test(
          action,
        ),
      ),
    ).to.deep.equal([]);
  });

  it('are all in the table of the README', () => {
    const readme = readFileSync(join(chart.path, 'README.md'), 'utf8');
    const missing = leaves().filter(
      ([path]) =>
        path !== 'enabled' && path !== 'priorityClassName' && !readme.includes(`| \`${path}\` |`),
    );
    expect(missing.map(([path]) => path)).to.deep.equal([]);
  });
});

function typeOf({ type, enum: choices }: Schema): string {
  return (
    (typeof type === 'string' ? type : type?.[0]) ?? (choices === undefined ? 'any' : 'string')
  );
}

function wrong(schema: Schema): unknown {
  switch (typeOf(schema)) {
    case 'string':
      return schema.enum !== undefined || schema.pattern !== undefined ? '!' : 7;
    case 'integer':
    case 'number':
      return 'many';
    default:
      return 7;
  }
}

/** Another value that the schema allows. */
function other(schema: Schema, now: unknown): unknown {
  switch (typeOf(schema)) {
    case 'boolean':
      return now !== true;
    case 'integer':
      return Number(now ?? 8000) + 1;
    case 'number':
      return Number(now) / 2;
    case 'array':
      return schema.items === undefined || typeOf(schema.items) === 'object'
        ? [example(schema.items?.required ?? [])]
        : [typeOf(schema.items) === 'integer' ? 99 : 'other'];
    case 'object':
      return { other: 'x' };
    default:
      return (
        schema.enum?.find((choice) => choice !== now) ??
        (schema.pattern?.includes('ms|s') ? '7m' : 'other')
      );
  }
}

function example(required: readonly string[]): Json {
  return {
    ...Object.fromEntries(required.map((name) => [name, name === 'verbs' ? ['get'] : 'other'])),
    ...(required.length === 0 && { other: 'x' }),
  };
}

function placed(path: string, value: unknown): Json {
  return path.split('.').reduceRight<unknown>((inside, key) => ({ [key]: inside }), value) as Json;
}

function merged(all: readonly Json[]): Json {
  const both = (a: unknown, b: unknown): unknown => {
    if (!isMap(a) || !isMap(b)) {
      return b;
    }
    const shared = Object.keys(b).filter((key) => key in a);
    return { ...a, ...b, ...Object.fromEntries(shared.map((key) => [key, both(a[key], b[key])])) };
  };
  return all.reduce<unknown>(both, {}) as Json;
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
