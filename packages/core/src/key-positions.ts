/**
 * Where the keys of a request are, from its row's key ranges. A request whose key count is not a
 * number, or is too large, has no keys as far as routing goes: its shard will reply the error.
 *
 * One finder is reused for all requests: what it found holds until the next `find`. Cost: O(keys),
 * and one pass over the arguments where a range begins at a keyword.
 */
import type { CommandMetadata, KeyRange } from './commands/command-spec.ts';

/** A request as its parser, or as a Request, has it. */
export interface ArgumentSource {
  readonly argc: number;
  length(i: number): number;
  text(i: number): string;
}

const POSITIONS_MIN = 64;
const NO_RANGES: readonly KeyRange[] = [];

export class KeyFinder {
  /** Argument numbers of the keys found, in the order of the row's ranges. */
  positions = new Int32Array(POSITIONS_MIN);
  /** For each key the number of its range in the row. */
  ranges = new Uint8Array(POSITIONS_MIN);
  count = 0;

  /** Finds the keys of a request and returns how many there are. */
  find(spec: CommandMetadata, parser: ArgumentSource): number {
    const ranges = spec.keys ?? NO_RANGES;
    this.count = 0;
    for (let i = 0; i < ranges.length; i++) this.#addRange(ranges[i], i, parser);
    return this.count;
  }

  /** Finds the keys of one range alone. */
  findRange(range: KeyRange, parser: ArgumentSource): number {
    this.count = 0;
    this.#addRange(range, 0, parser);
    return this.count;
  }

  #addRange(range: KeyRange, number: number, parser: ArgumentSource): void {
    const { step, countAt } = range;
    if (range.isUnknown === true && range.keyword === undefined) return;
    if (countAt !== undefined) {
      const count = announcedKeys(parser, countAt);
      this.#add(number, countAt + 1, count, 1);
      return;
    }
    let { first, last } = range;
    if (range.keyword !== undefined) {
      first = keywordPosition(range, parser) + 1;
      if (first === 0 || first >= parser.argc) return;
      if (last >= 0) last += first;
    }
    if (last < 0) last += parser.argc;
    let count = last < first ? 0 : Math.floor((last - first) / step) + 1;
    if (range.limit !== undefined) count = Math.floor(count / range.limit);
    this.#add(number, first, count, step);
  }

  #add(range: number, first: number, count: number, step: number): void {
    const needed = this.count + count;
    if (needed > this.positions.length) this.#grow(needed);
    const { positions, ranges } = this;
    for (let i = 0; i < count; i++) {
      positions[this.count + i] = first + i * step;
      ranges[this.count + i] = range;
    }
    this.count = needed;
  }

  #grow(needed: number): void {
    const positions = new Int32Array(2 * needed);
    positions.set(this.positions);
    const ranges = new Uint8Array(2 * needed);
    ranges.set(this.ranges);
    this.positions = positions;
    this.ranges = ranges;
  }
}

/**
 * Argument number of a range's keyword, or −1. The last one counts when a single key follows it, as
 * a later STORE takes the place of an earlier one; the first when the keys go on to the end.
 */
function keywordPosition(range: KeyRange, parser: ArgumentSource): number {
  const { keyword, first, last, skips } = range;
  let found = -1;
  for (let i = first; i < parser.argc; i++) {
    const word = parser.length(i) > 20 ? '' : parser.text(i).toUpperCase();
    if (word === keyword) {
      if (last < 0) return i;
      if (i + 1 < parser.argc) found = i;
      if (skips !== undefined) i++;
    } else {
      i += skips?.[word] ?? 0;
    }
  }
  return found;
}

function announcedKeys(parser: ArgumentSource, countAt: number): number {
  if (countAt >= parser.argc) return 0;
  const text = parser.text(countAt);
  if (!/^[0-9]{1,9}$/.test(text)) return 0;
  return Math.min(Number(text), Math.max(0, parser.argc - countAt - 1));
}
