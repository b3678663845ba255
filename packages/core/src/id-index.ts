/**
 * A sorted table of stream IDs with some words for each: the directory of a stream's nodes, the
 * pending entries of a group, and those of one consumer.
 *
 *   segments ─▶ ┌ start … end ┐ ┌ start … end ┐ ┌ … ┐      rows in order, within and across
 *               └─────────────┘ └─────────────┘ └───┘
 *   row         ms high │ ms low │ seq high │ seq low │ words of the owner …        (int32 each)
 *
 * A segment is one Int32Array of up to 128 rows, so the garbage collector sees one object for many
 * rows. Rows come and go at both ends without moving others; inside a segment the shorter side
 * moves. A full last segment is left full when a row is appended, so tables that only grow at the
 * end (nearly all) have no slack.
 *
 * Costs: find, insert, remove O(log n) and a move of at most 64 rows; append, first, last O(1);
 * a segment that comes or goes moves the pointers of those behind it. Neighbours that are together
 * less than half full are merged. The arrays are
 * counted in `arena.tableBytes`.
 *
 * There is one cursor. It is set by `find`, `seek*`, `insert` and `append`, moved by `next` and
 * `previous`, and stands on the row after a removed one.
 */
import type { Arena } from './arena.ts';
import { invariant } from './invariant.ts';
import type { StreamId } from './stream-id.ts';

/** Words of the ID at the beginning of a row. */
export const ID_WORDS = 4;
const ROWS_MAX = 128;
const ROWS_MIN = 2;
/** Bytes that a segment costs beside its rows: the array and its object. */
const SEGMENT_BYTES = 128;

class Segment {
  rows: Int32Array;
  /** Words before the first row and after the last one. */
  start = 0;
  end = 0;

  constructor(words: number) {
    this.rows = new Int32Array(words);
  }
}

/** Stands for no segment, so that the cursor always has one. */
const NOWHERE = new Segment(0);

export class IdIndex {
  readonly #arena: Arena;
  readonly #stride: number;
  #segments: Segment[] = [];
  #size = 0;
  /** The cursor: a segment's number, the segment, and the word where the row begins. */
  #at = 0;
  #segment = NOWHERE;
  #row = 0;

  /** `words`: how many the owner wants with each ID. */
  constructor(arena: Arena, words: number) {
    this.#arena = arena;
    this.#stride = ID_WORDS + words;
  }

  /** Rows in the table. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the arrays. O(rows / 128) */
  get bytes(): number {
    return this.#segments.reduce((sum, { rows }) => sum + SEGMENT_BYTES + 4 * rows.length, 0);
  }

  /** True when the cursor stands on a row. */
  get isOnRow(): boolean {
    return this.#row < this.#segment.end;
  }

  /** Word number `i` of the cursor's row, the ID's words included. */
  word(i: number): number {
    return this.#segment.rows[this.#row + i];
  }

  setWord(i: number, value: number): void {
    this.#segment.rows[this.#row + i] = value;
  }

  /** The ID of the cursor's row. */
  readId(id: StreamId): StreamId {
    const { rows } = this.#segment;
    const at = this.#row;
    id.msHigh = rows[at];
    id.msLow = rows[at + 1];
    id.seqHigh = rows[at + 2];
    id.seqLow = rows[at + 3];
    return id;
  }

  // Places.

  #place(at: number, row: number): boolean {
    this.#at = at;
    this.#segment = this.#segments[at] ?? NOWHERE;
    this.#row = row;
    return row < this.#segment.end;
  }

  /** Moves to the first row. False when there is none. */
  seekFirst(): boolean {
    return this.#place(0, this.#segments[0]?.start ?? 0);
  }

  /** Moves to the last row. False when there is none. */
  seekLast(): boolean {
    const at = this.#segments.length - 1;
    return at < 0 ? this.#place(0, 0) : this.#place(at, this.#segments[at].end - this.#stride);
  }

  /** Moves to the first row whose ID is at least `id`; false when there is none. */
  seek(id: StreamId): boolean {
    const last = this.#segments.length - 1;
    if (last < 0) return this.#place(0, 0);
    // What was never seen before is nearly always behind the last row.
    const { rows, end } = this.#segments[last];
    if (this.#compareRow(rows, end - this.#stride, id) < 0) return this.#place(last, end);
    const at = this.#segmentOf(id);
    const row = this.#rowAt(this.#segments[at], id);
    if (row < this.#segments[at].end || at + 1 === this.#segments.length) {
      return this.#place(at, row);
    }
    return this.#place(at + 1, this.#segments[at + 1].start);
  }

  /** Moves to the last row whose ID is at most `id`; false when there is none. */
  seekFloor(id: StreamId): boolean {
    if (this.seek(id) && this.#compareRow(this.#segment.rows, this.#row, id) === 0) return true;
    return this.previous();
  }

  /** Moves to the row with this ID. False when there is none; then `insert` puts one there. */
  find(id: StreamId): boolean {
    return this.seek(id) && this.#compareRow(this.#segment.rows, this.#row, id) === 0;
  }

  /** Moves to the next row. False behind the last one. */
  next(): boolean {
    this.#row += this.#stride;
    if (this.#row < this.#segment.end) return true;
    if (this.#at + 1 >= this.#segments.length) return false;
    return this.#place(this.#at + 1, this.#segments[this.#at + 1].start);
  }

  /** Moves to the row before, also from behind the last one. False, without a move, at the first. */
  previous(): boolean {
    if (this.#row > this.#segment.start) {
      this.#row -= this.#stride;
      return true;
    }
    if (this.#at === 0) return false;
    const before = this.#segments[this.#at - 1];
    return this.#place(this.#at - 1, before.end - this.#stride);
  }

  /** Negative, 0 or positive, as the row's ID is before, equal to or after `id`. */
  #compareRow(rows: Int32Array, at: number, id: StreamId): number {
    let a = rows[at];
    let b = id.msHigh;
    if (a !== b) return (a >>> 0) - (b >>> 0);
    a = rows[at + 1];
    b = id.msLow;
    if (a !== b) return (a >>> 0) - (b >>> 0);
    a = rows[at + 2];
    b = id.seqHigh;
    if (a !== b) return (a >>> 0) - (b >>> 0);
    return (rows[at + 3] >>> 0) - (id.seqLow >>> 0);
  }

  /** Number of the last segment that begins at or before `id`, or 0. */
  #segmentOf(id: StreamId): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      const segment = this.#segments[middle];
      if (this.#compareRow(segment.rows, segment.start, id) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Word of the first row of a segment that is at least `id`, or its end. */
  #rowAt(segment: Segment, id: StreamId): number {
    const stride = this.#stride;
    let low = 0;
    let high = (segment.end - segment.start) / stride;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compareRow(segment.rows, segment.start + middle * stride, id) < 0) low = middle + 1;
      else high = middle;
    }
    return segment.start + low * stride;
  }

  // Changes.

  /** Adds a row behind the last one, whose ID must be smaller, and moves to it. Words are 0. */
  append(id: StreamId): void {
    const last = this.#segments.length - 1;
    let segment = last < 0 ? this.#addSegment(0) : this.#segments[last];
    if (segment.end === segment.rows.length) {
      if (this.#hasRoom(segment)) this.#makeRoom(segment);
      else segment = this.#addSegment(last + 1);
    }
    this.#size++;
    this.#at = this.#segments.length - 1;
    this.#segment = segment;
    this.#row = segment.end;
    segment.end += this.#stride;
    this.#writeRow(id);
  }

  /**
   * Adds a row where `find` of this ID has just failed, and moves to it. Words are 0.
   */
  insert(id: StreamId): void {
    if (!this.isOnRow) {
      this.append(id);
      return;
    }
    let segment = this.#segment;
    if (segment.end - segment.start === ROWS_MAX * this.#stride) {
      this.#split();
      this.find(id);
      segment = this.#segment;
    }
    this.#size++;
    this.#shiftIn(segment);
    this.#writeRow(id);
  }

  /** Frees the place of one row before the cursor's row, and moves to it. */
  #shiftIn(segment: Segment): void {
    const stride = this.#stride;
    const rowOffset = this.#row - segment.start;
    if (segment.start === 0 && segment.end === segment.rows.length) this.#makeRoom(segment);
    const { rows, start, end } = segment;
    const row = start + rowOffset;
    const headIsShorter = rowOffset * 2 < end - start;
    if (start > 0 && (headIsShorter || end === rows.length)) {
      rows.copyWithin(start - stride, start, row);
      segment.start -= stride;
      this.#row = row - stride;
    } else {
      rows.copyWithin(row + stride, row, end);
      segment.end += stride;
      this.#row = row;
    }
  }

  #writeRow(id: StreamId): void {
    const { rows } = this.#segment;
    const at = this.#row;
    rows[at] = id.msHigh;
    rows[at + 1] = id.msLow;
    rows[at + 2] = id.seqHigh;
    rows[at + 3] = id.seqLow;
    for (let i = ID_WORDS; i < this.#stride; i++) rows[at + i] = 0;
  }

  /** Can a segment that is full at its end be given room there? */
  #hasRoom({ start, end }: Segment): boolean {
    return (end - start) * 8 <= 7 * ROWS_MAX * this.#stride;
  }

  /** Moves the rows of a segment that is full at its end to its beginning, in a larger array. */
  #makeRoom(segment: Segment): void {
    const { end, start } = segment;
    let { rows } = segment;
    const used = end - start;
    const needed = Math.min(ROWS_MAX * this.#stride, Math.max(used * 2, ROWS_MIN * this.#stride));
    if (needed > rows.length) {
      this.#arena.tableBytes += 4 * (needed - rows.length);
      const grown = new Int32Array(needed);
      grown.set(rows.subarray(start, end));
      rows = grown;
    } else {
      rows.copyWithin(0, start, end);
    }
    segment.rows = rows;
    segment.start = 0;
    segment.end = used;
  }

  #addSegment(at: number): Segment {
    const rows = at === 0 ? ROWS_MIN : ROWS_MAX;
    const segment = new Segment(rows * this.#stride);
    this.#arena.tableBytes += SEGMENT_BYTES + 4 * segment.rows.length;
    if (at === this.#segments.length) this.#segments.push(segment);
    else this.#segments.splice(at, 0, segment);
    return segment;
  }

  /** Moves the second half of the cursor's segment, which is full, to a new one. */
  #split(): void {
    const segment = this.#segment;
    const half = segment.start + (ROWS_MAX >> 1) * this.#stride;
    const added = this.#addSegment(this.#at + 1);
    added.rows.set(segment.rows.subarray(half, segment.end));
    added.end = segment.end - half;
    segment.end = half;
  }

  /** Removes the cursor's row and moves to the one after it. */
  remove(): void {
    const segment = this.#segment;
    const stride = this.#stride;
    const { rows, start, end } = segment;
    const row = this.#row;
    this.#size--;
    if ((row - start) * 2 < end - start - stride) {
      rows.copyWithin(start + stride, start, row);
      segment.start = start + stride;
      this.#row = row + stride;
    } else {
      rows.copyWithin(row, row + stride, end);
      segment.end = end - stride;
    }
    if (segment.start === segment.end) {
      this.#dropSegment(this.#at);
      return;
    }
    this.#mergeNext();
    if (this.#row === segment.end && this.#at + 1 < this.#segments.length) {
      this.#place(this.#at + 1, this.#segments[this.#at + 1].start);
    }
  }

  /** Takes the rows of the next segment into the cursor's, when both together are half of one. */
  #mergeNext(): void {
    const segment = this.#segment;
    const used = segment.end - segment.start;
    const full = ROWS_MAX * this.#stride;
    if (used * 4 > full || segment.rows.length < full) return;
    const next = this.#segments[this.#at + 1];
    if (next === undefined || (used + next.end - next.start) * 2 > full) return;
    const { rows } = segment;
    rows.copyWithin(0, segment.start, segment.end);
    rows.set(next.rows.subarray(next.start, next.end), used);
    this.#row -= segment.start;
    segment.start = 0;
    segment.end = used + next.end - next.start;
    this.#arena.tableBytes -= SEGMENT_BYTES + 4 * next.rows.length;
    this.#segments.splice(this.#at + 1, 1);
  }

  #dropSegment(at: number): void {
    this.#arena.tableBytes -= SEGMENT_BYTES + 4 * this.#segments[at].rows.length;
    if (at === 0) this.#segments.shift();
    else this.#segments.splice(at, 1);
    if (at < this.#segments.length) this.#place(at, this.#segments[at].start);
    else if (at > 0) this.#place(at - 1, this.#segments[at - 1].end);
    else this.#place(0, 0);
  }

  /**
   * Gives the first segment, with all its rows, to a table of the same shape whose rows all come
   * before it. Rows of that table stay in place. O(1).
   */
  moveFirstSegmentTo(other: IdIndex): void {
    const segment = this.#segments.shift();
    if (segment === undefined) return;
    const rows = (segment.end - segment.start) / this.#stride;
    other.#segments.push(segment);
    this.#size -= rows;
    other.#size += rows;
    this.seekFirst();
  }

  /** Sum of one of the words over the rows of the first segment, and their number in `rows`. */
  sumOfFirstSegment(word: number): { readonly rows: number; readonly sum: number } {
    const segment = this.#segments[0] ?? NOWHERE;
    let sum = 0;
    for (let at = segment.start; at < segment.end; at += this.#stride)
      sum += segment.rows[at + word];
    return { rows: (segment.end - segment.start) / this.#stride, sum };
  }

  /** The first ID of the second segment: everything in the first one is smaller. */
  readSecondSegmentId(id: StreamId): boolean {
    const segment = this.#segments[1];
    if (segment === undefined) return false;
    const { rows, start } = segment;
    id.set(rows[start], rows[start + 1], rows[start + 2], rows[start + 3]);
    return true;
  }

  /** Forgets all rows. */
  clear(): void {
    for (const { rows } of this.#segments) {
      this.#arena.tableBytes -= SEGMENT_BYTES + 4 * rows.length;
    }
    this.#segments = [];
    this.#size = 0;
    this.#place(0, 0);
  }

  /** Throws when rows are out of order or miscounted. For tests and fuzzers. */
  verify(): void {
    const stride = this.#stride;
    let size = 0;
    let before: Int32Array | undefined;
    for (const { rows, start, end } of this.#segments) {
      invariant(end > start && (end - start) % stride === 0, 'a segment is empty or cut');
      invariant(end <= rows.length && start >= 0, 'a segment leaves its array');
      for (let at = start; at < end; at += stride) {
        const id = rows.subarray(at, at + ID_WORDS);
        invariant(before === undefined || compareWords(before, id) < 0, 'IDs are out of order');
        before = id;
        size++;
      }
    }
    invariant(size === this.#size, `size ${this.#size}, counted ${size}`);
  }
}

function compareWords(a: Int32Array, b: Int32Array): number {
  for (let i = 0; i < ID_WORDS; i++) if (a[i] !== b[i]) return (a[i] >>> 0) - (b[i] >>> 0);
  return 0;
}
