/** The brackets and quotes of PromQL: enough to find a query that Prometheus cannot parse. */

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** A string in any of the three quotes, a comment, or a single character. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|#.*|[^]/g;

/**
 * What is open or closed too often in a query.
 *
 * @returns a part of a sentence, such as "the '(' at character 4 is never closed". Undefined when
 * everything is balanced.
 */
export function findOpenBracket(query: string): string | undefined {
  const open: { readonly bracket: string; readonly at: number }[] = [];
  for (const { 0: token, index } of query.matchAll(TOKEN)) {
    const at = index + 1;
    if (token.length === 1 && '"\'`'.includes(token)) {
      return `the string that begins with ${token} at character ${at} is never closed`;
    }
    if (token in CLOSING) {
      open.push({ bracket: token, at });
    } else if (Object.values(CLOSING).includes(token)) {
      const last = open.pop();
      if (last === undefined || CLOSING[last.bracket] !== token) {
        return `the '${token}' at character ${at} closes nothing`;
      }
    }
  }
  const last = open.pop();
  return last && `the '${last.bracket}' at character ${last.at} is never closed`;
}
