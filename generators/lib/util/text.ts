/** Helpers for strings that people read or type. */

/** Breaks a paragraph into lines of at most `width` characters, between words. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Splits `A, B` or `A,B` or `A B` into names. Undefined and the empty string have none. */
export function splitNames(list: string | undefined): string[] {
  return (list ?? '').split(/[\s,]+/).filter((name) => name !== '');
}

/** The first line of a message that may have several. */
export function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
