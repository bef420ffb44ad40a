import { expect } from 'chai';
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { LOCK_FILE, readLock } from '../../generators/lib/generate/lock.ts';
import { formatYaml } from '../../generators/lib/util/yaml-text.ts';
import { connect } from '../../runtime/src/internal.ts';
import { nastyValue } from '../generators/util/nasty-yaml.ts';
import { holds, TIMEOUT_MS } from './property.ts';

/** Errors of the language, which say nothing to a user. */
const INTERNAL_ERROR =
  /is not a function|is not iterable|Cannot read prop|Cannot convert|undefined/;

describe('files that people edit', function () {
  this.timeout(TIMEOUT_MS);
  let dir: string;
  before(() => (dir = mkdtempSync(join(tmpdir(), 'autopilot-fuzz-'))));
  after(() => rmSync(dir, { recursive: true }));

  async function failureOf(read: () => unknown): Promise<string> {
    try {
      await read();
      return '';
    } catch (error) {
      expect(error).to.be.instanceOf(Error);
      return (error as Error).message;
    }
  }

  it('are a lock that is read, or an error in words that names the file', async () => {
    mkdirSync(join(dir, '.autopilot'), { recursive: true });
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ files: fc.jsonValue(), generator: fc.jsonValue() })
        .map((lock) => JSON.stringify(lock)),
    );
    await holds(
      fc.asyncProperty(text, async (content) => {
        writeFileSync(join(dir, LOCK_FILE), content);
        const message = await failureOf(() => readLock(dir));
        expect(message).not.to.match(INTERNAL_ERROR);
        expect(message === '' || message.includes(LOCK_FILE), message).to.equal(true);
      }),
    );
  });

  it('are a kubeconfig that is read, or an error in words that names the file', async () => {
    const file = join(dir, 'kubeconfig');
    const name = fc.constantFrom('one', 'two', '', 1, null);
    const entries = (member: string, fields: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof(
        fc.array(
          fc.oneof(fc.record({ name, [member]: fields }, { requiredKeys: [] }), fc.jsonValue()),
          { maxLength: 3 },
        ),
        fc.jsonValue(),
      );
    const config = fc.record(
      {
        'current-context': name,
        contexts: entries(
          'context',
          fc.oneof(fc.record({ cluster: name, user: name }), fc.jsonValue()),
        ),
        clusters: entries(
          'cluster',
          fc.oneof(
            fc.record({ server: fc.constantFrom('https://127.0.0.1:1', 'x', '', 1) }),
            fc.jsonValue(),
          ),
        ),
        users: entries('user', fc.oneof(fc.record({ token: name }), fc.jsonValue())),
      },
      { requiredKeys: [] },
    );
    await holds(
      fc.asyncProperty(config, async (content) => {
        writeFileSync(file, JSON.stringify(content));
        const message = await failureOf(async () => (await connect({ kubeconfig: file })).close());
        expect(message).not.to.match(INTERNAL_ERROR);
      }),
    );
  });

  it('are YAML that each version of YAML reads as the value that was written', async () => {
    await holds(
      fc.property(nastyValue, (value) => {
        const text = formatYaml(value);
        for (const version of ['1.1', '1.2'] as const) {
          expect(parse(text, { version }), text).to.deep.equal(value);
        }
      }),
    );
  });
});
