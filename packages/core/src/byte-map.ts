/**
 * A hash table from byte keys to 32-bit arena references, which grows one small segment at a time.
 *
 * Extendible hashing (Fagin, Nievergelt, Pippenger, Strong 1979): a directory indexed by the
 * leading bits of the hash points at segments; a full segment is split in two by the next bit, and
 * only when a segment uses as many bits as the directory is the directory doubled (a copy of
 * pointers). No operation ever rehashes more than one segment of 4,096 slots.
 *
 *   hash  ┌ directory bits ┬ home slot bits ┬ rest ┐
 *         └───────┬────────┴───────┬────────┴──────┘
 *   directory ─▶ segment: slots of (hash, reference), open addressing, linear probing
 *
 * The home slot uses the bits that follow the segment's own depth, so that walking segments and
 * home slots in order visits hashes in ascending order. A scan cursor is therefore a hash bound:
 * everything below it has been visited, whatever splits, merges or grows meanwhile. That keeps
 * SCAN's guarantee without reversed binary cursors.
 *
 * The key bytes live in the block a reference points at, at `keyOffset`; the key's length is the
 * 32-bit word at `lengthOffset`. Removal shifts later slots back, so there are no tombstones.
 * If many keys share more hash bits than the directory may use, their segment grows instead of
 * splitting: slow for those keys, but correct.
 *
 * Costs: find, insert, remove O(1); 8 bytes per slot at 40 to 85 % load. `find` leaves its place in
 * `foundSegment`/`foundSlot` for `replaceFound` and `removeFound`, valid until the next insertion
 * or removal.
 */
import { type Block, equalBytes } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { invariant } from './invariant.ts';
import { DIRECTORY_BITS_MAX, SEGMENT_BITS_MAX, SEGMENT_BITS_MIN } from './limits.ts';
import type { RandomSource } from './random-source.ts';

/** A segment splits (or grows) when more than 7/8 of its slots are taken. */
const isCrowded = (count: number, bits: number): boolean => count > (7 << bits) >> 3;

class Segment {
  /** (hash, reference) pairs; a reference of 0 is an empty slot. */
  slots: Int32Array;
  count = 0;
  /** Slots are 2^bits. */
  bits: number;
  /** Leading hash bits that all keys of this segment share. */
  depth: number;

  constructor(bits: number, depth: number) {
    this.slots = new Int32Array(2 << bits);
    this.bits = bits;
    this.depth = depth;
  }

  /** Slot where probing for `hash` begins. Needs depth + bits ≤ 32 and bits > 0. */
  home(hash: number): number {
    return (hash << this.depth) >>> (32 - this.bits);
  }
}

/** Stands for the segments of a map that was given up. */
const NO_SEGMENT = new Segment(1, 0);

/** Where a walk over all entries stands; see `ByteMap.advance`. */
export class MapWalk {
  /** The entry that the walk came to last. */
  reference = 0;
  hash = 0;
  /** Place in the directory, and in that segment's slots, where it goes on. */
  segment = 0;
  slot = 0;

  restart(): void {
    this.segment = 0;
    this.slot = 0;
  }
}

/** How many times fuller than the average a segment may be for `random` to be exact. */
const RANDOM_FULLNESS_MAX = 2;

/** Estimated bytes of a segment beside its slots: objects and views, as V8 lays them out. */
const SEGMENT_OVERHEAD_BYTES = 200;

export class ByteMap {
  readonly #arena: Arena;
  readonly #keyOffset: number;
  readonly #lengthOffset: number;
  #directory: Segment[];
  /** The directory has 2^depth entries. */
  #depth = 0;
  /** Number of keys. */
  size = 0;
  /** Bytes of slots and directory. */
  tableBytes = 0;

  /** Place of the key that `find` found last. */
  foundSegment: Segment;
  foundSlot = 0;

  constructor(arena: Arena, keyOffset: number, lengthOffset: number) {
    this.#arena = arena;
    this.#keyOffset = keyOffset;
    this.#lengthOffset = lengthOffset;
    this.foundSegment = new Segment(SEGMENT_BITS_MIN, 0);
    this.#directory = [this.foundSegment];
    this.#countBytes((8 << SEGMENT_BITS_MIN) + SEGMENT_OVERHEAD_BYTES + 8);
  }

  #countBytes(bytes: number): void {
    this.tableBytes += bytes;
    this.#arena.tableBytes += bytes;
  }

  /**
   * The map is given up: its tables no longer count, and who still holds the map holds no tables.
   * The entries are the caller's to free.
   */
  release(): void {
    this.#countBytes(-this.tableBytes);
    this.#directory = [];
    this.foundSegment = NO_SEGMENT;
  }

  /** Reference of the entry with this key, or 0. */
  find(key: Block, offset: number, length: number, hash: number): number {
    const depth = this.#depth;
    const segment = this.#directory[depth === 0 ? 0 : hash >>> (32 - depth)];
    const slots = segment.slots;
    const mask = ((2 << segment.bits) - 1) | 0;
    let at = (segment.home(hash) << 1) | 0;
    for (;;) {
      const reference = slots[(at + 1) | 0];
      if (reference === 0) return 0;
      if (slots[at] === hash && this.#isKey(reference, key, offset, length)) {
        this.foundSegment = segment;
        this.foundSlot = at;
        return reference;
      }
      at = (at + 2) & mask;
    }
  }

  #isKey(reference: number, key: Block, offset: number, length: number): boolean {
    const page = this.#arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    if (page.view.getInt32(entry + this.#lengthOffset, true) !== length) return false;
    return equalBytes(page, entry + this.#keyOffset, key, offset, length);
  }

  /** Finds the slot of a reference that is known to be in the map under `hash`. */
  findReference(hash: number, reference: number): void {
    const segment = this.#segmentOf(hash);
    const mask = (2 << segment.bits) - 1;
    let at = segment.home(hash) << 1;
    while (segment.slots[at + 1] !== reference) {
      invariant(segment.slots[at + 1] !== 0, 'reference is not in the map');
      at = (at + 2) & mask;
    }
    this.foundSegment = segment;
    this.foundSlot = at;
  }

  /** Adds a key that is known to be absent. */
  insert(hash: number, reference: number): void {
    let segment = this.#segmentOf(hash);
    while (isCrowded(segment.count + 1, segment.bits)) {
      this.#makeRoom(segment, hash);
      segment = this.#segmentOf(hash);
    }
    place(segment, hash, reference);
    this.size++;
  }

  /** Hash of the key found last. */
  foundHash(): number {
    return this.foundSegment.slots[this.foundSlot];
  }

  /** Points the found key at another entry with the same key. */
  replaceFound(reference: number): void {
    this.foundSegment.slots[this.foundSlot + 1] = reference;
  }

  /** Removes the found key. The entry itself is the caller's to free. */
  removeFound(): void {
    const segment = this.foundSegment;
    const hash = segment.slots[this.foundSlot];
    closeGap(segment, this.foundSlot);
    segment.count--;
    this.size--;
    if (segment.count < (1 << segment.bits) >> 3) this.#shrink(segment, hash);
  }

  /**
   * Visits entries in hash order from `cursor` (an unsigned 32-bit hash bound) until at least
   * `count` entries were visited, and returns the next cursor, or −1 at the end. Entries of one
   * home slot are visited together. `visit` must not change the map.
   */
  scan(cursor: number, count: number, visit: (reference: number, hash: number) => void): number {
    let bound = cursor;
    let left = count;
    while (left > 0) {
      const segment = this.#segmentOf(bound | 0);
      const shift = 32 - segment.depth - segment.bits;
      const slots = 1 << segment.bits;
      let home = segment.home(bound | 0);
      for (; home < slots && left > 0; home++) left -= visitHome(segment, home, visit);
      const span = 2 ** (32 - segment.depth);
      const first = Math.floor(bound / span) * span;
      bound = first + home * 2 ** shift;
      if (bound >= 2 ** 32) return -1;
    }
    return bound;
  }

  /**
   * A random entry, or 0 in an empty map; all are equally likely. Leaves its place, as `find`.
   *
   * A directory slot drawn at random hits a segment by the share of the hashes that is the
   * segment's, not by its number of keys. Hence rejection: a segment is taken with a probability in
   * proportion to keys per share, the map's average being one half. Exact as long as no segment
   * is twice as full as the average, which takes keys that were chosen by their hash. About two
   * segments and two or three slots are looked at.
   */
  random(source: RandomSource): number {
    if (this.size === 0) return 0;
    for (;;) {
      const segment = this.#directory[source.below(this.#directory.length)];
      if (segment.depth > 0) {
        const fullness = (segment.count * 2 ** segment.depth) / this.size;
        if (source.unit() * RANDOM_FULLNESS_MAX >= fullness) continue;
      }
      const { bits, slots } = segment;
      for (;;) {
        const at = 2 * source.below(1 << bits);
        if (slots[at + 1] === 0) continue;
        this.foundSegment = segment;
        this.foundSlot = at;
        return slots[at + 1];
      }
    }
  }

  /**
   * Takes a walk to the next entry: false at the end. A walk begins with a new or `restart`ed
   * MapWalk, goes in hash order of segments, and visits every entry once if the map does not
   * change meanwhile. Cheaper than `scan` where nobody needs a cursor.
   */
  advance(walk: MapWalk): boolean {
    const directory = this.#directory;
    while (walk.segment < directory.length) {
      const segment = directory[walk.segment];
      const { slots } = segment;
      for (let at = walk.slot; at < slots.length; at = (at + 2) | 0) {
        const reference = slots[(at + 1) | 0];
        if (reference === 0) continue;
        walk.hash = slots[at];
        walk.reference = reference;
        walk.slot = (at + 2) | 0;
        return true;
      }
      walk.segment += 1 << (this.#depth - segment.depth);
      walk.slot = 0;
    }
    return false;
  }

  /** Tells a debugger how full the table is. */
  statistics(): { slots: number; segments: number; directory: number } {
    let slots = 0;
    const segments = new Set(this.#directory);
    for (const segment of segments) slots += 1 << segment.bits;
    return { slots, segments: segments.size, directory: this.#directory.length };
  }

  #segmentOf(hash: number): Segment {
    const depth = this.#depth;
    return this.#directory[depth === 0 ? 0 : hash >>> (32 - depth)];
  }

  /** Grows a small segment to twice its slots, splits a full-grown one. */
  #makeRoom(segment: Segment, hash: number): void {
    const mustGrow =
      segment.bits < SEGMENT_BITS_MAX ||
      (segment.depth >= DIRECTORY_BITS_MAX - SEGMENT_BITS_MAX && isSkewed(segment));
    if (mustGrow && segment.depth + segment.bits < 32) this.#resize(segment, segment.bits + 1);
    else this.#split(segment, hash);
  }

  #resize(segment: Segment, bits: number): void {
    const old = segment.slots;
    this.#countBytes((8 << bits) - (8 << segment.bits));
    segment.bits = bits;
    segment.slots = new Int32Array(2 << bits);
    segment.count = 0;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) place(segment, old[at], old[at + 1]);
    }
  }

  #split(segment: Segment, hash: number): void {
    invariant(segment.depth < 31, 'more keys share one hash than a segment can hold');
    if (segment.depth === this.#depth) this.#doubleDirectory();
    const depth = segment.depth + 1;
    const low = new Segment(segment.bits, depth);
    const high = new Segment(segment.bits, depth);
    const old = segment.slots;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue;
      const isHigh = (old[at] >>> (32 - depth)) & 1;
      place(isHigh === 1 ? high : low, old[at], old[at + 1]);
    }
    this.#countBytes((8 << segment.bits) + SEGMENT_OVERHEAD_BYTES);
    const span = 1 << (this.#depth - depth);
    const first = (hash >>> (32 - this.#depth)) & ~(2 * span - 1);
    this.#directory.fill(low, first, first + span);
    this.#directory.fill(high, first + span, first + 2 * span);
  }

  #doubleDirectory(): void {
    const doubled: Segment[] = new Array(this.#directory.length * 2);
    for (let i = 0; i < this.#directory.length; i++) {
      doubled[2 * i] = this.#directory[i];
      doubled[2 * i + 1] = this.#directory[i];
    }
    this.#countBytes(this.#directory.length * 8);
    this.#directory = doubled;
    this.#depth++;
  }

  /**
   * Called when under 1/8 of the slots are taken: merges with the buddy, and what came of it with
   * its own buddy, and so on; or halves the slots.
   */
  #shrink(crowd: Segment, hash: number): void {
    let segment = crowd;
    while (segment.depth > 0) {
      const width = 1 << (this.#depth - segment.depth);
      const first = (hash >>> (32 - this.#depth)) & ~(width - 1);
      const buddy = this.#directory[first ^ width];
      if (buddy.depth !== segment.depth || buddy.bits !== segment.bits) return;
      if (buddy.count + segment.count > (1 << segment.bits) >> 2) return;
      segment = this.#merge(segment, buddy, first & ~width, width * 2);
    }
    const isEmptyish = segment.count < (1 << segment.bits) >> 3;
    if (segment.depth === 0 && segment.bits > SEGMENT_BITS_MIN && isEmptyish) {
      this.#resize(segment, segment.bits - 1);
    }
  }

  #merge(a: Segment, b: Segment, first: number, width: number): Segment {
    const merged = new Segment(a.bits, a.depth - 1);
    for (const { slots } of [a, b]) {
      for (let at = 0; at < slots.length; at += 2) {
        if (slots[at + 1] !== 0) place(merged, slots[at], slots[at + 1]);
      }
    }
    this.#countBytes(-(8 << a.bits) - SEGMENT_OVERHEAD_BYTES);
    this.#directory.fill(merged, first, first + width);
    if (merged.depth === 0) {
      this.#countBytes(-(this.#directory.length - 1) * 8);
      this.#directory = [merged];
      this.#depth = 0;
    }
    return merged;
  }

  /** Walks the whole table and throws when something is out of place. */
  verify(): void {
    let size = 0;
    for (let i = 0; i < this.#directory.length; i++) {
      const segment = this.#directory[i];
      invariant(segment.depth <= this.#depth, 'segment deeper than the directory');
      const width = 1 << (this.#depth - segment.depth);
      if (i % width !== 0) {
        invariant(this.#directory[i - 1] === segment, 'segment does not span its range');
        continue;
      }
      size += verifySegment(segment, i / width);
    }
    invariant(size === this.size, `size ${this.size}, counted ${size}`);
  }
}

export type { Segment };

/** True when the next hash bit would leave nearly all keys on one side of a split. */
function isSkewed(segment: Segment): boolean {
  let high = 0;
  for (let at = 0; at < segment.slots.length; at += 2) {
    if (segment.slots[at + 1] !== 0) high += (segment.slots[at] >>> (31 - segment.depth)) & 1;
  }
  return high < segment.count >> 4 || high > segment.count - (segment.count >> 4);
}

function place(segment: Segment, hash: number, reference: number): void {
  const { slots } = segment;
  const mask = (2 << segment.bits) - 1;
  let at = segment.home(hash) << 1;
  while (slots[at + 1] !== 0) at = (at + 2) & mask;
  slots[at] = hash;
  slots[at + 1] = reference;
  segment.count++;
}

/** Empties the slot at `gap` and moves back every later slot of the run that may move. */
function closeGap(segment: Segment, gap: number): void {
  const { slots } = segment;
  const mask = (2 << segment.bits) - 1;
  let hole = gap;
  let at = (hole + 2) & mask;
  while (slots[at + 1] !== 0) {
    const home = segment.home(slots[at]) << 1;
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      slots[hole] = slots[at];
      slots[hole + 1] = slots[at + 1];
      hole = at;
    }
    at = (at + 2) & mask;
  }
  slots[hole + 1] = 0;
  slots[hole] = 0;
}

/** Visits the entries whose home is `home`; returns how many. */
function visitHome(
  segment: Segment,
  home: number,
  visit: (reference: number, hash: number) => void,
): number {
  const { slots } = segment;
  const mask = (2 << segment.bits) - 1;
  let visited = 0;
  for (let at = home << 1; slots[at + 1] !== 0; at = (at + 2) & mask) {
    if (segment.home(slots[at]) !== home) continue;
    visit(slots[at + 1], slots[at]);
    visited++;
  }
  return visited;
}

function verifySegment(segment: Segment, prefix: number): number {
  const mask = (2 << segment.bits) - 1;
  let count = 0;
  for (let at = 0; at < segment.slots.length; at += 2) {
    if (segment.slots[at + 1] === 0) continue;
    const hash = segment.slots[at];
    count++;
    if (segment.depth > 0) {
      invariant(hash >>> (32 - segment.depth) === prefix, 'hash in a foreign segment');
    }
    for (let i = segment.home(hash) << 1; i !== at; i = (i + 2) & mask) {
      invariant(segment.slots[i + 1] !== 0, 'a gap between a key and its home');
    }
  }
  invariant(count === segment.count, 'segment miscounts');
  return count;
}
