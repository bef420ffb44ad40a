import { expect } from 'chai';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
  formatYaml,
  formatYamlString,
  portableYaml,
} from '../../../generators/lib/util/yaml-text.ts';
import { NASTY_STRINGS, nastyText, nastyValue } from './nasty-yaml.ts';

const versions = ['1.1', '1.2'] as const;
const readings = (text: string): unknown[] =>
  versions.map((version) => parse(text, { version, merge: true, stringKeys: true }) as unknown);
/** Line breaks of YAML 1.1 that YAML 1.2 takes for letters, and what no reader takes raw. */
// oxlint-disable-next-line no-control-regex -- these characters are what is looked for
const ODD = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/;

describe('YAML that generate writes', () => {
  it('is read as the same value by each version of YAML', () => {
    const check = (value: unknown): void => {
      const text = formatYaml(value);
      expect(text).not.to.match(ODD);
      for (const reading of readings(text)) {
        expect(reading, text).to.deep.equal(value);
      }
    };
    for (const text of NASTY_STRINGS) {
      check({ [text]: text, list: [text], nested: { deep: [{ [text]: { [text]: [text] } }] } });
    }
    fc.assert(fc.property(nastyValue, check), { numRuns: 2000 });
  });

  it('has a string on one line in a template', () => {
    fc.assert(
      fc.property(nastyText, (text) => {
        const line = `a: [${formatYamlString(text)}]`;
        expect(line.split('\n')).to.have.length(1);
      }),
    );
    expect(['no', 'Y', '1.5', 'shop', 'a: b'].map(formatYamlString)).to.deep.equal([
      '"no"',
      '"Y"',
      '"1.5"',
      'shop',
      '"a: b"',
    ]);
  });
});

describe("the user's own YAML in the chart", () => {
  it('is read by YAML 1.1 as YAML 1.2 reads it', () => {
    const cases = [
      'mode: on # why\n',
      'yes: no\n"y": y\n',
      'size: 1_000\nbits: 0b11\nmask: 0o17\nhex: 0x1F\n',
      'at: 1:20\nday: 2026-01-01\n',
      'list: [on, off, "on", null, ~, true, 1e3, .5, 1.50]\n',
      '<<: x\n',
      'text: |\n  on\n  off\n',
      'text: |\n  a\u2028b\nnext: y\n',
      'text: >-\n  a\u0085b\n',
      'plain: a\u2028b\n',
      '# a comment \u2028 of two lines\na: 1\n',
      'a: on\r\nb: 2\r\n',
      'a:\n',
    ];
    for (const text of cases) {
      const portable = portableYaml(text);
      expect(portable).not.to.match(ODD);
      const wanted = parse(text) as unknown;
      for (const reading of readings(portable)) {
        expect(reading, portable).to.deep.equal(wanted);
      }
    }
  });

  it('stays byte by byte where both read it alike', () => {
    const text = '# comment\na:   1.50\nb: [ x,\n  "y" ]  # why\nc: |\n  on\nd: ~\ne: 007x\n';
    expect(portableYaml(text)).to.equal(text.replace('007x', '"007x"'));
    expect(portableYaml('')).to.equal('');
  });
});
