/**
 * The small form of hashes, sets and sorted sets: one arena block with a run of listpack entries,
 * byte for byte Redis's (listpack.ts), so that DUMP and snapshots copy it as it is.
 *
 *   descriptor in the key's entry (PACKED_BYTES)      block
 *   ┌ reference, int32 ┬ entries, int32 ┐             ┌ bytes used, int32 ┬ entries ┬ slack ┐
 *   └──────────────────┴────────────────┘             └───────────────────┴─────────┴───────┘
 *
 * What the entries mean (fields and values in turn, members, members and scores) is the type's
 * business: `step` says how many belong together. A PackedValue is a reused view; `open` points it
 * at a key's value. Positions are byte offsets into `block`, valid until the next change: whoever
 * changes goes on from the position that the change returns, because the block may have moved.
 *
 * Costs: everything but `append` and the ends of `seek` is O(bytes), which the thresholds of the
 * types bound.
 */
import { Block, copyBytes } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { valueOffset } from './entry.ts';
import { invariant } from './invariant.ts';
import {
  encodedBytes,
  encodeEntry,
  looksInteger,
  type Needle,
  nextEntry,
  previousEntry,
} from './listpack.ts';

/** Bytes of the descriptor. */
export const PACKED_BYTES = 8;

const REFERENCE = 0;
const COUNT = 4;
/** Offset of the first entry in the block. */
const ENTRIES = 4;
/** A new block has room for this many bytes of entries. */
const FIRST_BYTES = 20;
/** Up to this many bytes a block that must grow has no room to spare: most values are small. */
const SNUG_BYTES_MAX = 256;

/** An entry on its way; what looks like an integer has few digits. */
const integerEntry = Block.allocate(64);

/** Entries on their way to another place. */
let moving = Block.allocate(256);

/** Bytes of entries for which a block that must hold `used` of them is allocated. */
function grownBytes(used: number): number {
  return used <= SNUG_BYTES_MAX ? used : used + (used >> 3);
}

export class PackedValue {
  #arena!: Arena;
  #page!: Block;
  #at = 0;
  #reference = 0;
  #base = 0;
  /** The block that holds the entries. */
  block!: Block;
  /** Number of listpack entries. */
  count = 0;
  /** Position after the last entry. */
  end = 0;

  /** Points at the value of an entry of a keyspace. */
  open(arena: Arena, entryReference: number): this {
    const page = arena.pages[pageOf(entryReference)];
    return this.openAt(arena, page, valueOffset(page, offsetOf(entryReference)));
  }

  /** Points at the descriptor at `at` of `page`. */
  openAt(arena: Arena, page: Block, at: number): this {
    this.#arena = arena;
    this.#page = page;
    this.#at = at;
    this.#reference = page.view.getInt32(at + REFERENCE, true);
    this.count = page.view.getInt32(at + COUNT, true);
    if (this.#reference !== 0) this.#locate();
    return this;
  }

  #locate(): void {
    this.block = this.#arena.pages[pageOf(this.#reference)];
    this.#base = offsetOf(this.#reference);
    this.end = this.start + this.block.view.getInt32(this.#base, true);
  }

  /** Makes the descriptor that of a value without entries, with room for `bytes` of them. */
  initialize(bytes = FIRST_BYTES): this {
    this.#reference = this.#arena.allocate(ENTRIES + bytes);
    this.#page.view.setInt32(this.#at + REFERENCE, this.#reference, true);
    this.#setCount(0);
    this.#arena.pages[pageOf(this.#reference)].view.setInt32(offsetOf(this.#reference), 0, true);
    this.#locate();
    return this;
  }

  /** Makes room for further `bytes` bytes of entries, so that adding them moves nothing. */
  reserve(bytes: number): void {
    const used = this.bytes;
    const size = ENTRIES + used + bytes;
    if (size <= this.#arena.sizeOf(this.#reference)) return;
    this.#move(size, ENTRIES + used, 0, 0, 0);
    this.end = this.start + used;
  }

  /** Position of the first entry; `end` when there is none. */
  get start(): number {
    return this.#base + ENTRIES;
  }

  /** Bytes of all entries. */
  get bytes(): number {
    return this.end - this.start;
  }

  /** Bytes of the arena that the block takes. */
  get blockBytes(): number {
    return this.#arena.sizeOf(this.#reference);
  }

  /** Position of the entry after the one at `at`. */
  next(at: number): number {
    return nextEntry(this.block, at);
  }

  /** Position of the entry before the one at `at`, which must not be the first. */
  previous(at: number): number {
    return previousEntry(this.block, at);
  }

  /** Position of the entry with this index (0 ≤ index ≤ count), from the nearer end. */
  seek(index: number): number {
    if (index > this.count >> 1) {
      let at = this.end;
      for (let i = this.count; i > index; i--) at = previousEntry(this.block, at);
      return at;
    }
    let at = this.start;
    for (let i = 0; i < index; i++) at = nextEntry(this.block, at);
    return at;
  }

  /** Position of the first of every `step` entries that equals the needle, or −1. */
  find(needle: Needle, step: number): number {
    if (needle.shortHead >= 0) return this.#findShort(needle, step);
    const { block, end } = this;
    for (let at = this.start; at < end; ) {
      if (needle.equalsEntry(block, at)) return at;
      for (let i = 0; i < step; i++) at = nextEntry(block, at);
    }
    return -1;
  }

  /** `find` for what most elements are: see `Needle.shortHead`. */
  #findShort(needle: Needle, step: number): number {
    const { block } = this;
    const { view } = block;
    const end = this.end | 0;
    const head = needle.shortHead | 0;
    const tail = needle.shortTail | 0;
    const length = head & 0x3f;
    let left = 1;
    for (let at = this.start | 0; at < end; ) {
      const first = view.getUint8(at);
      left = (left - 1) | 0;
      if (left === 0) {
        // Elements of one length tend to differ in their last bytes.
        const isLike =
          first === head && (length < 3 || view.getInt32((at + length - 3) | 0, true) === tail);
        if (isLike && needle.equalsBytes(block, (at + 1) | 0, length)) return at;
        left = step | 0;
      }
      // All but longer strings carry their length in the first byte.
      if (first < 0x80) at = (at + 2) | 0;
      else if (first < 0xc0) at = (at + (first & 0x3f) + 2) | 0;
      else if (first > 0xf0) at = (at + (first < 0xf4 ? first - 0xed : 10)) | 0;
      else if (first < 0xe0) at = (at + 3) | 0;
      else at = nextEntry(block, at);
    }
    return -1;
  }

  /** Inserts an element before the entry at `at`; returns the position after the new entry. */
  insert(at: number, source: Block, offset: number, length: number): number {
    const end = this.#put(at, 0, source, offset, length);
    this.#setCount(this.count + 1);
    return end;
  }

  /** Adds an element behind the last one. */
  append(source: Block, offset: number, length: number): void {
    this.insert(this.end, source, offset, length);
  }

  /** Puts an element in the place of the entry at `at`; returns the position after it. */
  replace(at: number, source: Block, offset: number, length: number): number {
    return this.#put(at, nextEntry(this.block, at) - at, source, offset, length);
  }

  /** Puts an element in the place of the `removed` bytes at `at`; returns the position after it. */
  #put(at: number, removed: number, source: Block, offset: number, length: number): number {
    if (looksInteger(source, offset, length)) {
      // Its digits are read once, not for its size and for its bytes.
      const size = encodeEntry(integerEntry, 0, source, offset, length);
      const place = this.#splice(at, removed, size);
      copyBytes(this.block, place, integerEntry, 0, size);
      return place + size;
    }
    const size = encodedBytes(source, offset, length);
    const place = this.#splice(at, removed, size);
    encodeEntry(this.block, place, source, offset, length);
    return place + size;
  }

  /** Makes `entries` entries from `at` on the last ones. */
  moveToEnd(at: number, entries: number): void {
    let next = at;
    for (let i = 0; i < entries; i++) next = nextEntry(this.block, next);
    const moved = next - at;
    if (moving.size < moved) moving = Block.allocate(2 * moved);
    copyBytes(moving, 0, this.block, at, moved);
    this.block.bytes.copyWithin(at, next, this.end);
    copyBytes(this.block, this.end - moved, moving, 0, moved);
  }

  /** Removes `entries` entries from `at` on; returns the position of what followed them. */
  remove(at: number, entries: number): number {
    let next = at;
    for (let i = 0; i < entries; i++) next = nextEntry(this.block, next);
    const relative = this.#splice(at, next - at, 0) - this.#base;
    this.#setCount(this.count - entries);
    this.#shrink();
    return this.#base + relative;
  }

  /**
   * Inserts ready-made entries before the one at `at`: `bytes` bytes from `offset` of `source`,
   * which is not this block, `count` entries. Returns the position after them.
   */
  insertPacked(at: number, source: Block, offset: number, bytes: number, count: number): number {
    const place = this.#splice(at, 0, bytes);
    copyBytes(this.block, place, source, offset, bytes);
    this.#setCount(this.count + count);
    return place + bytes;
  }

  /** Appends ready-made entries; see `insertPacked`. */
  appendPacked(source: Block, offset: number, bytes: number, count: number): void {
    this.insertPacked(this.end, source, offset, bytes, count);
  }

  #setCount(count: number): void {
    this.count = count;
    this.#page.view.setInt32(this.#at + COUNT, count, true);
  }

  /** Makes the `removed` bytes at `at` a gap of `added` bytes; returns the gap's position. */
  #splice(at: number, removed: number, added: number): number {
    const relative = at - this.#base;
    const used = this.bytes + added - removed;
    const tail = this.end - at - removed;
    if (ENTRIES + used > this.#arena.sizeOf(this.#reference)) {
      this.#move(ENTRIES + grownBytes(used), relative, removed, added, tail);
    } else if (removed !== added && tail > 0) {
      const { bytes } = this.block;
      bytes.copyWithin(at + added, at + removed, at + removed + tail);
    }
    this.block.view.setInt32(this.#base, used, true);
    this.end = this.start + used;
    return this.#base + relative;
  }

  /** Moves to a block of `size` bytes, with the gap of a splice on the way. */
  #move(size: number, gap: number, removed: number, added: number, tail: number): void {
    const from = this.block;
    const base = this.#base;
    const old = this.#reference;
    this.#reference = this.#arena.allocate(size);
    this.block = this.#arena.pages[pageOf(this.#reference)];
    this.#base = offsetOf(this.#reference);
    copyBytes(this.block, this.#base, from, base, gap);
    copyBytes(this.block, this.#base + gap + added, from, base + gap + removed, tail);
    this.#arena.free(old);
    this.#page.view.setInt32(this.#at + REFERENCE, this.#reference, true);
  }

  /** Moves to a smaller block when less than half of this one is used. */
  #shrink(): void {
    const used = this.bytes;
    const size = this.#arena.sizeOf(this.#reference);
    if (size <= 2 * (ENTRIES + FIRST_BYTES) || 2 * (ENTRIES + used) > size) return;
    this.#move(ENTRIES + used + (used >> 2), ENTRIES + used, 0, 0, 0);
    this.block.view.setInt32(this.#base, used, true);
    this.end = this.start + used;
  }

  /** Frees the block. The descriptor is of no use after that until `initialize`. */
  free(): void {
    this.#arena.free(this.#reference);
    this.#reference = 0;
    this.#page.view.setInt32(this.#at + REFERENCE, 0, true);
    this.#setCount(0);
  }

  /** Throws when the entries are not what the counts say. For tests and fuzzers. */
  verify(): void {
    let entries = 0;
    let at = this.start;
    for (; at < this.end; entries++) at = nextEntry(this.block, at);
    invariant(at === this.end, 'a packed value ends in the middle of an entry');
    invariant(entries === this.count, `packed value counts ${this.count} of ${entries} entries`);
  }
}
