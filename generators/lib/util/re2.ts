/**
 * Regular expressions of the API server, whose syntax is RE2 as Go has it: checked, and translated
 * to JavaScript, which has another syntax.
 */

/** Largest count of a repetition in RE2. */
const MAX_REPEAT = 1000;

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** Classes by a letter. RE2 knows ASCII only. */
const LETTER_CLASSES: Readonly<Record<string, string>> = {
  d: '0-9',
  s: '\\t\\n\\f\\r ',
  w: '0-9A-Za-z_',
};

const ESCAPES: Readonly<Record<string, string>> = {
  r: '\\r',
  v: '\\v',
  a: '\\x07',
  f: '\\f',
  t: '\\t',
  n: '\\n',
};

/** Thrown for what is no regular expression of RE2. The message continues a sentence. */
export class InvalidRe2Error extends Error {
  override name = 'InvalidRe2Error';
}

/**
 * Translates a regular expression of RE2 to JavaScript.
 *
 * @throws InvalidRe2Error when RE2 does not take the expression
 */
export function compileRe2(pattern: string): RegExp {
  const source = new Re2Parser(pattern).parse();
  try {
    return new RegExp(source, 'u');
  } catch (error) {
    throw new InvalidRe2Error(`is not a regular expression: ${(error as Error).message}`);
  }
}

class Re2Parser {
  readonly #pattern: string;
  #at = 0;
  #dotAll = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  parse(): string {
    const source = this.#alternatives();
    if (this.#at < this.#pattern.length) {
      this.#fail("has a ')' that closes nothing");
    }
    return source;
  }

  #fail(problem: string): never {
    throw new InvalidRe2Error(`${problem} (its syntax is RE2)`);
  }

  #rest(): string {
    return this.#pattern.slice(this.#at);
  }

  /** Consumes what the expression finds at this place. */
  #take(expected: RegExp): RegExpExecArray | undefined {
    const found = expected.exec(this.#rest());
    if (found === null || found.index !== 0) {
      return undefined;
    }
    this.#at += found[0].length;
    return found;
  }

  /** Everything up to the end or the end of the group, whose flags end there too. */
  #alternatives(): string {
    const dotAll = this.#dotAll;
    let source = '';
    let open = 0;
    while (this.#at < this.#pattern.length && !this.#rest().startsWith(')')) {
      const flags = this.#take(/^\(\?([imsU]*)(?:-([imsU]+))?\)/);
      if (flags !== undefined) {
        source += this.#openFlags(flags[1] ?? '', flags[2] ?? '');
        open += 1;
      } else if (this.#take(/^\|/) !== undefined) {
        // A flag in the middle holds for the alternatives that follow, too.
        source += '|';
      } else {
        source += this.#repeated();
      }
    }
    this.#dotAll = dotAll;
    return source + ')'.repeat(open);
  }

  #openFlags(on: string, off: string): string {
    if (on === '' && off === '') {
      this.#fail("has a '(?' that is no group");
    }
    this.#dotAll = on.includes('s') || (this.#dotAll && !off.includes('s'));
    const known = (flags: string): string =>
      [...new Set(flags)].filter((flag) => /[im]/.test(flag)).join('');
    const less = known(off) === '' ? '' : `-${known(off)}`;
    return `(?${known(on)}${less}:`;
  }

  #repeated(): string {
    const atom = this.#atom();
    const operator = this.#take(/^(?:[*+?]|\{(\d+)(?:,(\d*))?\})\??/);
    if (operator === undefined) {
      return atom;
    }
    const counts = [operator[1], operator[2]].map((count) => Number(count ?? 0));
    if (counts.some((count) => count > MAX_REPEAT)) {
      this.#fail(`repeats more than ${MAX_REPEAT} times in ${operator[0]}`);
    }
    if (operator[2] !== undefined && operator[2] !== '' && (counts[1] ?? 0) < (counts[0] ?? 0)) {
      this.#fail(`has the repetition ${operator[0]}, whose end is below its start`);
    }
    if (/^(?:[*+?]|\{\d+(?:,\d*)?\})/.test(this.#rest())) {
      this.#fail(`repeats the repetition ${operator[0]}`);
    }
    return /^\(\?<?[!]/.test(atom) || /^(?:\\[bB]|[$^])$/.test(atom)
      ? `(?:${atom})${operator[0]}`
      : `${atom}${operator[0]}`;
  }

  #atom(): string {
    if (/^\{\d+(?:,\d*)?\}/.test(this.#rest())) {
      this.#fail('has a repetition that repeats nothing');
    }
    const [character = ''] = this.#rest();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        return this.#fail(`has a '${character}' that repeats nothing`);
      default:
        this.#at += character.length;
        return this.#character(character);
    }
  }

  #character(character: string): string {
    if (character === '.') {
      return this.#dotAll ? '[^]' : '[^\\n]';
    }
    return '{}]/'.includes(character) ? `\\${character}` : character;
  }

  #group(): string {
    const named = this.#take(/^\(\?P?<([A-Za-z_]\w*)>/);
    const flagged = named === undefined ? this.#take(/^\(\?([imsU]*)(?:-([imsU]+))?:/) : undefined;
    if (named === undefined && flagged === undefined && this.#take(/^\((?!\?)/) === undefined) {
      this.#fail(
        'has a look-around or another group that the API server does not support; use a @rule',
      );
    }
    const dotAll = this.#dotAll;
    const on = flagged?.[1] ?? '';
    const off = flagged?.[2] ?? '';
    const open = on === '' && off === '' ? '(?:' : this.#openFlags(on, off);
    const inner = this.#alternatives();
    this.#dotAll = dotAll;
    if (this.#take(/^\)/) === undefined) {
      this.#fail("has a '(' that is never closed");
    }
    return `${open}${inner})`;
  }

  #escape(): string {
    const literal = this.#take(/^\\Q([^]*?)(?:\\E|$)/);
    if (literal !== undefined) {
      return (literal[1] ?? '').replace(/[$()*+./?[\\\]^{|}-]/g, (one) => `\\x${hex(one)}`);
    }
    const anchor = this.#take(/^\\([AzbB])/);
    if (anchor !== undefined) {
      const anchors: Readonly<Record<string, string>> = { A: '(?<![^])', z: '(?![^])' };
      return anchors[anchor[1] ?? ''] ?? anchor[0];
    }
    const { inside, isNegated } = this.#classEscape();
    return `[${isNegated ? '^' : ''}${inside}]`;
  }

  /** An escape that may also be in a class. */
  #classEscape(): {
    readonly inside: string;
    readonly isNegated: boolean;
    readonly isSet: boolean;
  } {
    const letter = this.#take(/^\\([dswDSW])/)?.[1];
    if (letter !== undefined) {
      const inside = LETTER_CLASSES[letter.toLowerCase()] ?? '';
      return { inside, isNegated: letter !== letter.toLowerCase(), isSet: true };
    }
    const property = this.#take(/^\\([pP])(?:([A-Z])|\{(\^?)([A-Za-z_]+)\})/);
    if (property !== undefined) {
      return { inside: this.#property(property), isNegated: false, isSet: true };
    }
    return { inside: this.#singleEscape(), isNegated: false, isSet: false };
  }

  #property([, kind, letter, negation, long]: RegExpExecArray): string {
    const name = letter ?? long ?? '';
    const key = name.length <= 2 ? 'gc' : 'sc';
    const isKnown = name === 'Any' || isUnicodeProperty(`${key}=${name}`);
    if (!isKnown) {
      this.#fail(`names '${name}', which is no class of Unicode`);
    }
    const isNegated = (kind === 'P') !== (negation === '^');
    return `\\${isNegated ? 'P' : 'p'}{${name === 'Any' ? 'Any' : `${key}=${name}`}}`;
  }

  #singleEscape(): string {
    const known = this.#take(/^\\([aftnrv])/)?.[1];
    if (known !== undefined) {
      return ESCAPES[known] ?? '';
    }
    const code = this.#take(/^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/);
    if (code !== undefined) {
      return `\\u{${code[1] ?? code[2]}}`;
    }
    const octal = this.#take(/^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/)?.[1];
    if (octal !== undefined) {
      return `\\u{${Number.parseInt(octal, 8).toString(16)}}`;
    }
    const punctuation = this.#take(/^\\([!-/:-@[-`{-~])/)?.[1];
    if (punctuation !== undefined) {
      return `\\x${hex(punctuation)}`;
    }
    const [escape = '\\'] = /^\\.?/su.exec(this.#rest()) ?? [];
    return this.#fail(
      /^\\[1-9]/.test(escape)
        ? 'has a back reference, which the API server does not support; use a @rule'
        : `has the escape ${escape}, which the API server does not know`,
    );
  }

  #class(): string {
    const [open = ''] = this.#take(/^\[\^?/) ?? [];
    const sets: string[] = [];
    const negatedSets: string[] = [];
    for (let first = true; first || !this.#rest().startsWith(']'); first = false) {
      if (this.#at >= this.#pattern.length) {
        this.#fail("has a '[' that is never closed");
      }
      const item = this.#classItem();
      (item.isNegated ? negatedSets : sets).push(item.inside);
    }
    this.#at += 1;
    if (negatedSets.length === 0) {
      return `${open}${sets.join('')}]`;
    }
    const all = [`[${sets.join('')}]`, ...negatedSets.map((inside) => `[^${inside}]`)].join('|');
    return open === '[' ? `(?:${all})` : `(?:(?!${all})[^])`;
  }

  #classItem(): { readonly inside: string; readonly isNegated: boolean } {
    const named = this.#take(/^\[:(\^?)(\w+):\]/);
    if (named !== undefined) {
      const inside =
        CLASSES[named[2] ?? ''] ?? this.#fail(`names the class ${named[0]}, which is unknown`);
      return { inside, isNegated: named[1] === '^' };
    }
    const from = this.#classCharacter();
    const isRange = /^-[^\]]/.test(this.#rest());
    if (from.isSet || !isRange) {
      return from;
    }
    this.#at += 1;
    const to = this.#classCharacter();
    if (to.isSet) {
      this.#fail('has a range that ends in a class');
    }
    return { inside: `${from.inside}-${to.inside}`, isNegated: false };
  }

  #classCharacter(): {
    readonly inside: string;
    readonly isNegated: boolean;
    readonly isSet: boolean;
  } {
    if (this.#rest().startsWith('\\')) {
      return this.#classEscape();
    }
    const [character = ''] = this.#rest();
    this.#at += character.length;
    const inside = /[[\]^\-\\&~]/.test(character) ? `\\x${hex(character)}` : character;
    return { inside, isNegated: false, isSet: false };
  }
}

function isUnicodeProperty(property: string): boolean {
  try {
    return new RegExp(`\\p{${property}}`, 'u').source !== '';
  } catch {
    return false;
  }
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0');
}
