/** Suggestions for misspelt names. */

/**
 * @param wrong the name that was found.
 * @param known the names that are allowed.
 * @returns the known name that is likely meant; undefined when none is close.
 */
export function closestName(wrong: string, known: readonly string[]): string | undefined {
  const [nearest] = known
    .map((name) => ({ name, edits: editDistance(wrong.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.edits - b.edits);
  if (nearest === undefined) {
    return undefined;
  }
  const maxEdits = Math.max(1, Math.floor(nearest.name.length / 3));
  return nearest.edits <= maxEdits ? nearest.name : undefined;
}

/** Levenshtein distance: insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] ?? 0) + (letter === b[j] ? 0 : 1);
      const deleted = (row[j + 1] ?? 0) + 1;
      const inserted = (next[j] ?? 0) + 1;
      next.push(Math.min(replaced, deleted, inserted));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
