/**
 * Longest common subsequence of two byte strings, for LCS: the classic table of dynamic programming
 * (Wagner and Fischer 1974), and the walk back through it.
 *
 * Where several subsequences are as long, the walk takes the one Redis takes: from the end, it
 * steps back in `b` unless `a` is strictly better. Cost: O(n × m) time, and 4 bytes per cell of the
 * table; the length alone needs two rows. The caller bounds n × m.
 */

/** A run of equal bytes: first places, and how many. */
export interface CommonRun {
  inA: number;
  inB: number;
  length: number;
}

/** Length of the longest common subsequence, in two rows. */
export function commonLength(a: Buffer, b: Buffer): number {
  let row = new Uint32Array(b.length + 1);
  let next = new Uint32Array(b.length + 1);
  for (let i = 0; i < a.length; i++) {
    const byte = a[i];
    for (let j = 0; j < b.length; j++) {
      next[j + 1] = byte === b[j] ? row[j] + 1 : Math.max(row[j + 1], next[j]);
    }
    [row, next] = [next, row];
  }
  return row[b.length];
}

/** Lengths for all prefixes: cell i × (length of b + 1) + j is that of a[0, i) and b[0, j). */
export function commonTable(a: Buffer, b: Buffer): Uint32Array {
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  for (let i = 0; i < a.length; i++) {
    const byte = a[i];
    const above = i * width;
    const here = above + width;
    for (let j = 0; j < b.length; j++) {
      table[here + j + 1] =
        byte === b[j] ? table[above + j] + 1 : Math.max(table[above + j + 1], table[here + j]);
    }
  }
  return table;
}

/**
 * Walks one longest common subsequence from its end and tells each of its bytes as places in `a`
 * and `b`. Where several are as long, it is the one Redis finds.
 */
function walkCommon(
  a: Buffer,
  b: Buffer,
  table: Uint32Array,
  visit: (i: number, j: number) => void,
): void {
  const width = b.length + 1;
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    if (a[i - 1] === b[j - 1]) visit(--i, --j);
    else if (table[(i - 1) * width + j] > table[i * width + j - 1]) i--;
    else j--;
  }
}

/** The bytes of the subsequence. */
export function commonBytes(a: Buffer, b: Buffer, table: Uint32Array): Buffer {
  const common = Buffer.allocUnsafe(table[table.length - 1]);
  let at = common.length;
  walkCommon(a, b, table, (i) => {
    common[--at] = a[i];
  });
  return common;
}

/** Runs of bytes that are neighbours in both strings, the last one first. */
export function commonRuns(a: Buffer, b: Buffer, table: Uint32Array): CommonRun[] {
  const runs: CommonRun[] = [];
  walkCommon(a, b, table, (inA, inB) => {
    const last = runs.at(-1);
    if (last !== undefined && last.inA === inA + 1 && last.inB === inB + 1) {
      last.inA = inA;
      last.inB = inB;
      last.length++;
    } else {
      runs.push({ inA, inB, length: 1 });
    }
  });
  return runs;
}
