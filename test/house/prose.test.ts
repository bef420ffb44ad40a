import { expect } from 'chai';
import { checkProse, findingText, proseFindings } from '../../scripts/prose.ts';
import { proseTexts } from '../../scripts/prose-text.ts';

const SHOWN = 100;

/** What is found in a file, as `line: words`. */
function found(file: string, content: string): readonly string[] {
  return checkProse(file, content).map(({ line, found: words }) => `${line}: ${words}`);
}

describe('the prose check', () => {
  it('finds words in comments, strings, templates and titles, with their lines', () => {
    const code = [
      '/** Reads it anew. */',
      "const a = 'somebody'; // the heir",
      'const b = `${a} shall',
      ' fly`;',
      "it('goes well', () => {});",
    ].join('\n');
    expect(found('scripts/x.ts', code)).to.deep.equal([
      '1: anew',
      '2: somebody',
      '2: heir',
      '3: shall',
      '4: fly',
      '5: goes well',
    ]);
  });

  it('finds a phrase across a line break', () => {
    expect(found('scripts/x.ts', '// it goes\n// well\n')).to.deep.equal(['1: goes well']);
    expect(found('scripts/x.ts', '/**\n * The state goes to\n * and fro.\n */')).to.deep.equal([
      '2: to and fro',
    ]);
  });

  it('finds doc comments that start with a preposition', () => {
    expect(found('scripts/x.ts', '/** Of the resources. */\nlet a;')).to.deep.equal(['1: Of']);
    expect(found('scripts/x.ts', '/**\n * As its Scale.\n */')).to.deep.equal(['2: As']);
    expect(found('scripts/x.ts', '// In milliseconds\nlet a;')).to.deep.equal([]);
    expect(
      found('charts/x/values.yaml', "a: 1\n# In place of the chart's name.\nb: 2"),
    ).to.have.length(1);
  });

  it('reads charts as a whole, and reports a comment of theirs once', () => {
    const text = '# Who has the heir?\nsummary: nobody has it';
    expect(found('charts/x/values.yaml', text)).to.deep.equal(['1: heir', '2: nobody']);
  });

  it('leaves module names, identifiers and regular expressions alone', () => {
    const code = "import x from './door.ts';\nexport * from './heir.ts';\nconst fly = /anew/;\n";
    expect(found('scripts/x.ts', code)).to.deep.equal([]);
  });

  it('takes nothing in a string or a regular expression for a comment', () => {
    const code = "const url = 'http://x/*';\nconst re = /\\/\\/ x/;\nconst t = `// ${url} /* `;\n";
    const comments = proseTexts('x.ts', code).filter(({ type }) => type !== 'string');
    expect(comments).to.deep.equal([]);
  });

  it('finds lines over 100 columns in code only', () => {
    const long = 'x'.repeat(101);
    expect(found('scripts/x.ts', `let ${long};`)).to.deep.equal(['1: 106 columns']);
    expect(found('charts/x/values.yaml', `a: ${long}`)).to.deep.equal([]);
  });

  it('checks nothing in a file that a script has made', () => {
    expect(found('scripts/x.ts', '// Made by scripts/x.ts. Do not edit.\n// anew\n')).to.deep.equal(
      [],
    );
  });
});

describe('the words of this repository', () => {
  it('follow the rules of scripts/prose-rules.ts', function () {
    this.timeout(60_000);
    const findings = proseFindings();
    const lines = findings.slice(0, SHOWN).map(findingText);
    const more = findings.length > SHOWN ? `\n… ${findings.length - SHOWN} more` : '';
    const hint = 'run: node --conditions=autopilot-source scripts/prose.ts [PATH…]';
    expect(findings.length, `${hint}\n${lines.join('\n')}${more}\n`).to.equal(0);
  });
});
