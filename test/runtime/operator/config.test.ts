import { expect } from 'chai';
import {
  parseOperatorConfig,
  operatorConfigJsonSchema,
  initialOperatorConfig,
} from '../../../generators/lib/model/operator-config.ts';
import type { Environment, OperatorSettings } from '../../../runtime/src/operator/config.ts';
import {
  DEFAULT_SETTINGS,
  loadConfig,
  parseSettings,
  settingsOf,
} from '../../../runtime/src/operator/config.ts';

const read = (text: string, environment: Environment = {}): OperatorSettings =>
  parseSettings({ text, file: 'autopilot-operator.yaml' }, environment);

describe('autopilot-operator.yaml', () => {
  it('is merged field by field over the defaults', () => {
    expect(read('workInterval: 30s\nmetrics: { timeout: 3s }')).to.deep.equal({
      ...DEFAULT_SETTINGS,
      workIntervalMs: 30_000,
      metrics: { ...DEFAULT_SETTINGS.metrics, timeoutMs: 3_000 },
    });
  });

  it('may be absent, or empty', async () => {
    expect(settingsOf(await loadConfig('/does/not/exist.yaml'))).to.deep.equal(DEFAULT_SETTINGS);
    expect(read('')).to.deep.equal(DEFAULT_SETTINGS);
  });

  it('has the defaults when it is generated', () => {
    expect(read(initialOperatorConfig())).to.deep.equal(DEFAULT_SETTINGS);
  });

  it('is overridden by the environment; an empty WATCH_NAMESPACE means the whole cluster', () => {
    expect(read('watchNamespace: a', { WATCH_NAMESPACE: 'b, c' }).watchNamespaces).to.deep.equal([
      'b',
      'c',
    ]);
    expect(read('watchNamespace: a', { WATCH_NAMESPACE: '' }).watchNamespaces).to.deep.equal([]);
    expect(
      read('metrics: { address: "http://q:1" }', { METRICS_SERVER: 'http://p:1' }).metrics.address,
    ).to.equal('http://p:1');
    expect(() => read('', { METRICS_SERVER: 'prometheus' })).to.throw(
      'the environment variable METRICS_SERVER must be a URL',
    );
  });

  it('has the same fields and checks when a test gives it as an object', () => {
    expect(settingsOf({ workInterval: '30s', metrics: { timeout: '3s' } })).to.deep.equal({
      ...DEFAULT_SETTINGS,
      workIntervalMs: 30_000,
      metrics: { ...DEFAULT_SETTINGS.metrics, timeoutMs: 3_000 },
    });
    expect(() => settingsOf({ workInterval: 'soon' })).to.throw(
      'workInterval must be a duration longer than 0, such as 500ms, 10s, 1m30s or 2h, found "soon"',
    );
    expect(() => settingsOf({ metrics: { timeout: '0s' } })).to.throw('metrics.timeout must be');
    const unknown = { workIntervalMs: 30_000 } as object;
    expect(() => settingsOf(unknown)).to.throw('workIntervalMs is not a known field');
  });

  it('derives the address of Prometheus from the control plane namespace, unless the mesh is custom', () => {
    expect(read('controlPlaneNs: mesh').metrics.address).to.equal('http://prometheus.mesh:9090');
    expect(read('meshProvider: Custom').metrics.address).to.equal(undefined);
  });

  it("accepts the original's log levels, by name and by number", () => {
    expect([
      read('logLevel: 0').logLevel,
      read('logLevel: Warn').logLevel,
      read('logLevel: Fatal').logLevel,
    ]).to.deep.equal(['debug', 'warn', 'error']);
  });

  it('reports every problem with its place, in the order of the file', () => {
    const text =
      'workIntervall: 5s\nmaxConcurrentReconciles: 0\nworkInterval: soon\nmetrics:\n  adress: x\n  headers: { "a b": c }\n';
    expect(() => read(text)).to.throw(
      [
        "autopilot-operator.yaml:1:1: workIntervall is not a known field, did you mean 'workInterval'?",
        'autopilot-operator.yaml:2:26: maxConcurrentReconciles must be an integer of at least 1, found 0',
        'autopilot-operator.yaml:3:15: workInterval must be a duration longer than 0, such as 500ms, 10s, 1m30s or 2h, found "soon"',
        "autopilot-operator.yaml:5:3: metrics.adress is not a known field, did you mean 'address'?",
        "autopilot-operator.yaml:6:12: metrics.headers has 'a b', which is not a valid HTTP header name",
      ].join('\n'),
    );
  });

  it('never repeats a secret in an error', () => {
    for (const text of [
      'metrics: { headers: "Bearer s3cret" }',
      'metrics: { headers: [s3cret] }',
      'metrics: { address: "me:s3cret@prometheus:9090" }',
      'metrics: { address: "ftp://me:s3cret@p" }',
    ]) {
      expect(() => read(text), text)
        .to.throw(/metrics\.(headers|address) must be/)
        .with.property('message')
        .that.does.not.contain('s3cret');
    }
  });

  it('has the same fields and defaults for generate and for the operator', () => {
    const known = (check: (text: string) => unknown, text: string): readonly string[] => {
      try {
        check(text);
        return [];
      } catch (error) {
        return (/known: (.*)$/m.exec((error as Error).message)?.[1] ?? '').split(', ').sort();
      }
    };
    const generate = (text: string): unknown =>
      parseOperatorConfig(text, 'autopilot-operator.yaml');
    for (const text of ['zzzzzzzzzzzz: 1', 'metrics: { zzzzzzzzzzzz: 1 }']) {
      expect(known(read, text), text).to.have.length.above(4);
      expect(known(generate, text), text).to.deep.equal(known(read, text));
    }
    type Node = {
      readonly default?: unknown;
      readonly properties?: Readonly<Record<string, Node>>;
    };
    const defaults = ({ properties = {} }: Node): object =>
      Object.fromEntries(
        Object.entries(properties).flatMap(([name, field]) => {
          const value = field.default ?? (field.properties && defaults(field));
          return value === undefined ? [] : [[name, value]];
        }),
      );
    const said = defaults(operatorConfigJsonSchema());
    expect(said)
      .to.include({ workInterval: '5s', maxConcurrentReconciles: 10 })
      .and.to.have.nested.property('metrics.timeout', '10s');
    expect(read(JSON.stringify(said))).to.deep.equal(DEFAULT_SETTINGS);
  });

  const cases: readonly (readonly [text: string, right: boolean])[] = [
    ['workInterval: 1m30s', true],
    ['workInterval: soon', false],
    ['colour: red', false],
    ['paused: true', true],
    ['paused: "yes"', false],
    ['enableLeaderElection: 1', false],
    ['logLevel: Loud', false],
    ['maxConcurrentReconciles: 3', true],
    ['config: { threshold: 99 }', true],
    ['config: 5', false],
    ['metrics: { address: "http://p:9090", headers: { x: y }, timeout: 5s }', true],
    ['metrics: { adress: "http://p:9090" }', false],
    ['metrics: { headerFiles: { Authorization: /secrets/authorization } }', true],
    ['metrics: { headerFiles: { Authorization: "" } }', false],
    ['metrics: { headerFiles: { Authorization: 5 } }', false],
    ['metrics: { headerFiles: [/secrets/authorization] }', false],
    ['metrics: { headerFiles: { "a b": /secrets/authorization } }', false],
    ['metrics: { headers: { "a b": c } }', false],
    ['- a', false],
    ['workInterval:\nmetrics:\n  timeout:\n', true],
    ['workInterval: 0s', false],
    ['workInterval: 1.5s', true],
    ['version: 1', false],
    ['meshProvider: 1', true],
    ['meshProvider: Linkerd', false],
    ['controlPlaneNs: ""', false],
    ['metricsAddr: ""', true],
    ['metricsAddr: nowhere', false],
    ['secureMetrics: true', true],
    ['secureMetrics: "yes"', false],
    ['metricsAddr: 9091', false],
    ['watchNamespace: ""', true],
    ['watchNamespace: "a, b-c,"', true],
    ['watchNamespace: "A"', false],
    ['watchNamespace: "a b"', false],
    ['logLevel: 6', true],
    ['logLevel: 7', false],
    ['logLevel: debug', true],
    ['metrics: { address: "prometheus:9090" }', false],
    ['metrics: { bearerTokenFile: "" }', false],
    ['metrics: { timeout: 0s }', false],
    ['config: { a: null }', true],
    ['config:', true],
  ];
  for (const [text, right] of cases) {
    it(`${right ? 'accepts' : 'rejects'} ${JSON.stringify(text)}, in generate and in the operator`, () => {
      const verdict = (check: () => unknown): boolean => {
        try {
          check();
          return true;
        } catch {
          return false;
        }
      };
      expect([
        verdict(() => read(text)),
        verdict(() => parseOperatorConfig(text, 'autopilot-operator.yaml')),
      ]).to.deep.equal([right, right]);
    });
  }
});
