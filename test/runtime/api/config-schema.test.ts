import { expect } from 'chai';
import { parseSettings } from '../../../runtime/src/operator/config.ts';
import { validateUserConfig } from '../../../runtime/src/api/config-schema.ts';

const schema = {
  type: 'object',
  required: ['threshold', 'mode'],
  properties: {
    threshold: { type: 'number', minimum: 0, maximum: 1, exclusiveMinimum: true },
    mode: { type: 'string', enum: ['fast', 'slow'], default: 'slow' },
    hosts: {
      type: 'array',
      items: { type: 'string', minLength: 1, pattern: '^[a-z.]+$' },
      maxItems: 2,
    },
    port: { 'x-kubernetes-int-or-string': true },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    count: { type: 'integer', nullable: true },
  },
};

describe('validateUserConfig', () => {
  it('accepts every value without a schema', () => {
    expect(validateUserConfig(undefined, { a: [null] })).to.deep.equal({ a: [null] });
  });

  it('fills in defaults', () => {
    expect(validateUserConfig(schema, { threshold: 0.5 })).to.deep.equal({
      threshold: 0.5,
      mode: 'slow',
    });
    const all = {
      threshold: 1,
      mode: 'fast',
      hosts: ['a.b'],
      port: 'http',
      labels: { a: 'b' },
      anything: { x: { y: 1 } },
      count: null,
    };
    expect(validateUserConfig(schema, all)).to.deep.equal(all);
  });

  const wrong: readonly (readonly [value: object, problem: string])[] = [
    [{}, 'config.threshold is missing'],
    [{ threshold: 'high' }, 'config.threshold must be a number'],
    [{ threshold: 0 }, 'config.threshold must be greater than 0'],
    [{ threshold: 2 }, 'config.threshold must be at most 1'],
    [{ threshold: null }, 'config.threshold must be a number'],
    [{ threshold: 1, mode: 'fats' }, 'config.mode must be one of "fast", "slow"'],
    [{ threshold: 1, hosts: 'a' }, 'config.hosts must be a list'],
    [{ threshold: 1, hosts: ['a', 'B'] }, 'config.hosts[1] must match ^[a-z.]+$'],
    [{ threshold: 1, hosts: [''] }, 'config.hosts[0] must have a length of at least 1, found 0'],
    [
      { threshold: 1, hosts: ['a', 'b', 'c'] },
      'config.hosts must have a length of at most 2, found 3',
    ],
    [{ threshold: 1, port: 1.5 }, 'config.port must be an integer or a string'],
    [{ threshold: 1, labels: { a: 1 } }, 'config.labels.a must be a string'],
    [{ threshold: 1, count: 1.5 }, 'config.count must be an integer'],
    [
      { threshold: 1, treshold: 1 },
      'config.treshold is not a known field; known: threshold, mode, hosts, port, labels, anything, count',
    ],
  ];
  for (const [value, problem] of wrong) {
    it(`reports: ${problem}`, () => {
      const error = ((): string => {
        try {
          validateUserConfig(schema, value);
          return 'no problem';
        } catch (reason) {
          return (reason as Error).message;
        }
      })();
      expect(error.split('\n')).to.include(problem);
    });
  }

  it('runs when the file is read, and reports every problem with the file name', () => {
    const read = (text: string): unknown =>
      parseSettings({ text, file: 'autopilot-operator.yaml' }, {}, schema).config;
    expect(read('config: { threshold: 0.9 }')).to.deep.equal({ threshold: 0.9, mode: 'slow' });
    expect(() => read('config: { threshold: high, mode: fats }')).to.throw(
      'autopilot-operator.yaml: config.threshold must be a number\nautopilot-operator.yaml: config.mode must be one of "fast", "slow"',
    );
    expect(() => read('')).to.throw('autopilot-operator.yaml: config.threshold is missing');
  });
});
