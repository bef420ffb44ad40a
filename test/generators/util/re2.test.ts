import { expect } from 'chai';
import { compileRe2 } from '../../../generators/lib/util/re2.ts';
import { specSchema } from '../../crd/compile-crd.ts';

describe('regular expressions of the API server', () => {
  const matching: readonly [pattern: string, yes: readonly string[], no: readonly string[]][] = [
    ['(?i)^abc$', ['ABC', 'abc'], ['abd']],
    ['^[[:alpha:]]+$', ['aZ'], ['a1']],
    ['^[[:^alpha:]]+$', ['12'], ['1a']],
    ['\\A[a-z]+\\z', ['a'], ['a\n', 'A']],
    ['^\\d+$', ['12'], ['\u0661']],
    ['^[^\\W\\d]+$', ['ab'], ['a1', '-']],
    ['^\\p{Greek}+$', ['\u03b1'], ['a']],
    ['^\\pL\\P{Nd}$', ['ab'], ['a1']],
    ['^a.c$', ['abc', 'a\rc'], ['a\nc']],
    ['^(?s)a.c$', ['a\nc'], ['ac']],
    ['^(?s:a.)b.$', ['a\nbc'], ['a\nb\n']],
    ['^[]a]+$', [']a'], ['b']],
    ['^[a\\-z&&b]$', ['-', '&', 'b'], ['m']],
    ['^\\Qa.b\\E$', ['a.b'], ['axb']],
    ['^\\x41\\x{42}\\103$', ['ABC'], ['abc']],
    ['^a{,2}$', ['a{,2}'], ['a']],
    ['^(?P<x>a)(?<y>b)$', ['ab'], ['a']],
    ['^a{2,3}?$', ['aa'], ['a']],
    ['^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$', ['1.5h3m'], ['1']],
  ];
  for (const [pattern, yes, no] of matching) {
    it(`match as in Go: ${pattern}`, () => {
      const regexp = compileRe2(pattern);
      expect(yes.filter((text) => !regexp.test(text))).to.deep.equal([]);
      expect(no.filter((text) => regexp.test(text))).to.deep.equal([]);
    });
  }

  const refused: readonly [pattern: string, problem: RegExp][] = [
    ['^\\u0041+$', /has the escape \\u, which the API server does not know/],
    ['^.{0,2000}$', /repeats more than 1000 times in \{0,2000\}/],
    ['^[^]$', /has a '\[' that is never closed/],
    ['^\\cA$', /has the escape \\c/],
    ['^\\p{Script=Greek}+$', /has the escape \\p/],
    ['^a**$', /repeats the repetition \*/],
    ['*a', /has a '\*' that repeats nothing/],
    ['(?=a)', /has a look-around/],
    ['(a)\\1', /has a back reference/],
    ['(a', /has a '\(' that is never closed/],
    ['a)', /has a '\)' that closes nothing/],
    ['[z-a]', /is not a regular expression/],
    ['[a-\\d]', /range that ends in a class/],
    ['a\\', /has the escape \\/],
    ['\\p{Nonsense}', /which is no class of Unicode/],
    ['a{3,2}', /whose end is below its start/],
  ];
  for (const [pattern, problem] of refused) {
    it(`are refused when Go refuses them: ${pattern}`, () => {
      expect(() => compileRe2(pattern)).to.throw(problem);
    });
  }

  it('are what @pattern takes, and judge its default', () => {
    const spec = (tags: string): unknown =>
      specSchema(`export interface FeatureSpec { /** ${tags} */ readonly a?: string }`).properties;
    expect(spec('@pattern (?i)^abc$\n@default ABC')).to.have.nested.property(
      'a.pattern',
      '(?i)^abc$',
    );
    expect(() => spec('@pattern (?i)^abc$\n@default x')).to.throw('does not match the pattern');
    expect(() => spec('@pattern ^\\u0041$')).to.throw('spec.a: @pattern has the escape \\u');
  });
});
