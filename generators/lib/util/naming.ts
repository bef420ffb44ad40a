/** Names derived from other names: plurals, method names, and suggestions for misspelt names. */

/**
 * Lower-case English plural of a kind, formed as Kubernetes forms its own: `AutoRoute` gives
 * `autoroutes`, `Policy` gives `policies`.
 */
export function pluralize(kind: string): string {
  const word = kind.toLowerCase();
  if (/(s|x|z|ch|sh)$/.test(word)) {
    return `${word}es`;
  }
  if (/[^aeiou]y$/.test(word)) {
    return `${word.slice(0, -1)}ies`;
  }
  return `${word}s`;
}

/** Name of a method: `istio-success_rate` gives `istioSuccessRate`. */
export function camelCase(name: string): string {
  const [first = '', ...rest] = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return (
    lowerFirst(first) + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  );
}

/** The name with a small first letter. */
export function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/**
 * The most similar of some names.
 * @returns undefined when none is similar: more than a third of its letters would have to change
 */
export function nearestName(wrong: string, names: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase());
    if (
      distance <= Math.max(1, Math.floor(name.length / 3)) &&
      (best === undefined || distance < best.distance)
    ) {
      best = { name, distance };
    }
  }
  return best?.name;
}

/**
 * End of a message about a misspelt name: `, did you mean 'x'?`. If no name is similar, the list of
 * all names. Empty when there are none.
 */
export function didYouMean(wrong: string, names: readonly string[]): string {
  const near = nearestName(wrong, names);
  if (near !== undefined) {
    return `, did you mean '${near}'?`;
  }
  return names.length === 0 ? '' : `; known: ${names.join(', ')}`;
}

/** Levenshtein distance: insertions, deletions and replacements from one word to the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
