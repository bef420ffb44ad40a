/**
 * Names derived from names: plurals, file names, method names, and the nearest of some names to a
 * misspelt one.
 */

/**
 * Lower-case English plural of a kind, as Kubernetes' own names form it: `AutoRoute` ->
 * `autoroutes`, `Policy` -> `policies`.
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

/** `istio-success_rate` -> `istioSuccessRate`. */
export function camelCase(name: string): string {
  const [first = '', ...rest] = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return (
    lowerFirst(first) + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  );
}

export function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** The name most like `wrong`, when one is near enough to be a slip of the finger. */
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

/** ", did you mean 'x'?" or, with nothing near, what there is to choose from. */
export function didYouMean(wrong: string, names: readonly string[]): string {
  const near = nearestName(wrong, names);
  if (near !== undefined) {
    return `, did you mean '${near}'?`;
  }
  return names.length === 0 ? '' : `; known: ${names.join(', ')}`;
}

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
