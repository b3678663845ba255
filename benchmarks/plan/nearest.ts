// "did you mean …?" for names that nobody knows.

/** ` (did you mean 'x'?)` when a known name is at most two edits away, else nothing. */
export function nearest(name: string, known: readonly string[]): string {
  const scored = known.map((each) => ({ each, edits: editDistance(name, each) }));
  const best = scored.toSorted((a, b) => a.edits - b.edits)[0];
  return best === undefined || best.edits > 2 ? '' : ` (did you mean '${best.each}'?)`;
}

/** Levenshtein's distance, case ignored. */
function editDistance(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let k = 1; k <= right.length; k++) {
      const cost = left[i - 1] === right[k - 1] ? 0 : 1;
      next.push(Math.min(row[k]! + 1, next[k - 1]! + 1, row[k - 1]! + cost));
    }
    row = next;
  }
  return row[right.length]!;
}
