/**
 * The form of small sets of integers: ascending integers of 2, 4 or 8 bytes in one arena block, byte
 * for byte Redis's intset, so that DUMP and snapshots copy it as it is.
 *
 *   descriptor (8 bytes)                        block
 *   ┌ reference, int32 ┬ INTSET_FORM, int32 ┐   ┌ width, u32 ┬ count, u32 ┬ integers ┬ slack ┐
 *   └──────────────────┴────────────────────┘   └────────────┴────────────┴──────────┴───────┘
 *
 * All integers have the width that the widest ever added needed. One that needs more is less or
 * greater than all others, so it goes to an end while the others are widened. A value is a pair of
 * 32-bit halves (set-member.ts), so that 64 bits are compared exactly without bigint.
 *
 * IntegerSet is a reused view. Costs: search O(log n), change O(n) bytes moved, which
 * set-max-intset-entries bounds.
 *
 * Source: intset.c of Redis.
 */
import { type Block, copyBytes, decimalLength, type ReplyWriter } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { invariant } from './invariant.ts';
import { type Member, writeInteger } from './set-member.ts';

/** What the second word of a set's descriptor says of this form. */
export const INTSET_FORM = -2;

const REFERENCE = 0;
const FORM = 4;

const WIDTH = 0;
const COUNT = 4;
/** Offset of the first integer in the block: Redis's header. */
export const INTSET_HEAD_BYTES = 8;
/** A new block has room for this many bytes of integers. */
const FIRST_BYTES = 8;
/** A block of at most so many bytes is not exchanged for a smaller one. */
const KEPT_BYTES_MAX = 48;
/** `$20\r\n`, twenty characters, `\r\n`. */
const BULK_BYTES_MAX = 32;

/** Bytes that an integer needs: 2, 4 or 8. */
function widthOf(high: number, low: number): number {
  if (high !== low >> 31) return 8;
  return (low << 16) >> 16 === low ? 2 : 4;
}

/** −1, 0 or 1 as the first integer is less than, equal to or greater than the second. */
function compare(high: number, low: number, otherHigh: number, otherLow: number): number {
  if (high !== otherHigh) return high < otherHigh ? -1 : 1;
  // As unsigned numbers.
  const a = low ^ 0x80000000;
  const b = otherLow ^ 0x80000000;
  return a === b ? 0 : a < b ? -1 : 1;
}

export class IntegerSet {
  #arena!: Arena;
  #page!: Block;
  #at = 0;
  #reference = 0;
  /** The block that holds the integers, and where it begins there: Redis's header. */
  block!: Block;
  base = 0;
  /** Number of integers. */
  count = 0;
  /** Bytes of each. */
  width = 2;
  /** Halves of the integer that `read` has read. */
  high = 0;
  low = 0;

  /** Points at the descriptor at `at` of `page`, which is one of this form. */
  openAt(arena: Arena, page: Block, at: number): this {
    this.#point(arena, page, at);
    this.#reference = page.view.getInt32(at + REFERENCE, true);
    this.#locate();
    this.width = this.block.view.getInt32(this.base + WIDTH, true);
    this.count = this.block.view.getInt32(this.base + COUNT, true);
    return this;
  }

  #point(arena: Arena, page: Block, at: number): void {
    this.#arena = arena;
    this.#page = page;
    this.#at = at;
  }

  #locate(): void {
    this.block = this.#arena.pages[pageOf(this.#reference)];
    this.base = offsetOf(this.#reference);
  }

  /** Makes the descriptor at `at` of `page` that of an empty intset. */
  initializeAt(arena: Arena, page: Block, at: number): this {
    this.#point(arena, page, at);
    page.view.setInt32(at + FORM, INTSET_FORM, true);
    this.#adopt(arena.allocate(INTSET_HEAD_BYTES + FIRST_BYTES));
    this.#setHead(0, 2);
    return this;
  }

  /** Makes another block that of the descriptor. */
  #adopt(reference: number): void {
    this.#reference = reference;
    this.#page.view.setInt32(this.#at + REFERENCE, reference, true);
    this.#locate();
  }

  #setHead(count: number, width: number): void {
    this.count = count;
    this.width = width;
    this.block.view.setInt32(this.base + WIDTH, width, true);
    this.block.view.setInt32(this.base + COUNT, count, true);
  }

  /** Bytes of header and integers. */
  get bytes(): number {
    return INTSET_HEAD_BYTES + this.count * this.width;
  }

  #positionOf(index: number): number {
    return (this.base + INTSET_HEAD_BYTES + Math.imul(index, this.width)) | 0;
  }

  /** Reads the integer at an index into `high` and `low`. */
  read(index: number): void {
    const at = this.#positionOf(index);
    const { view } = this.block;
    const { width } = this;
    this.low = width === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
    this.high = width === 8 ? view.getInt32((at + 4) | 0, true) : this.low >> 31;
  }

  /** Points a member at the integer at an index. */
  readMember(index: number, member: Member): Member {
    this.read(index);
    return member.setInteger(this.high, this.low);
  }

  /** Index of an integer; when it is not there, −1 minus the index where it would be inserted. */
  search(high: number, low: number): number {
    const { count } = this;
    if (widthOf(high, low) > this.width) return high < 0 ? -1 : -1 - count;
    let from = 0;
    let to = count;
    // Integers often come in ascending order.
    if (count > 0) {
      this.read(count - 1);
      if (compare(high, low, this.high, this.low) > 0) return -1 - count;
    }
    while (from < to) {
      const middle = (from + to) >>> 1;
      this.read(middle);
      const order = compare(high, low, this.high, this.low);
      if (order === 0) return middle;
      if (order < 0) to = middle;
      else from = middle + 1;
    }
    return -1 - from;
  }

  /** Adds an integer where `search` said that it belongs. */
  insert(index: number, high: number, low: number): void {
    const width = Math.max(this.width, widthOf(high, low));
    const size = INTSET_HEAD_BYTES + (this.count + 1) * width;
    if (width > this.width || size > this.#arena.sizeOf(this.#reference)) {
      this.#rebuild(size, width, index);
    } else {
      const at = this.#positionOf(index);
      this.block.bytes.copyWithin(at + width, at, this.#positionOf(this.count));
    }
    this.#setHead(this.count + 1, width);
    this.#write(index, high, low);
  }

  /** Moves the integers to a larger block, with a gap at an index. */
  #rebuild(size: number, width: number, gap: number): void {
    const from = this.block;
    const fromBase = this.base;
    const old = this.#reference;
    const { count } = this;
    const oldWidth = this.width;
    this.#adopt(this.#arena.allocate(size + (size >> 2)));
    if (width === oldWidth) {
      const data = INTSET_HEAD_BYTES + gap * width;
      copyBytes(this.block, this.base, from, fromBase, data);
      const tail = (count - gap) * width;
      copyBytes(this.block, this.base + data + width, from, fromBase + data, tail);
    } else {
      this.#widen(from, fromBase + INTSET_HEAD_BYTES, oldWidth, width, gap);
    }
    this.#arena.free(old);
  }

  #widen(from: Block, start: number, oldWidth: number, width: number, gap: number): void {
    this.width = width;
    for (let i = 0; i < this.count; i++) {
      const at = start + i * oldWidth;
      const value = oldWidth === 2 ? from.view.getInt16(at, true) : from.view.getInt32(at, true);
      this.#write(i < gap ? i : i + 1, value >> 31, value);
    }
  }

  #write(index: number, high: number, low: number): void {
    const at = this.#positionOf(index);
    const { view } = this.block;
    if (this.width === 2) {
      view.setInt16(at, low, true);
      return;
    }
    view.setInt32(at, low, true);
    if (this.width === 8) view.setInt32(at + 4, high, true);
  }

  /** Removes the integer at an index. */
  remove(index: number): void {
    const at = this.#positionOf(index);
    const { width } = this;
    this.block.bytes.copyWithin(at, at + width, this.#positionOf(this.count));
    this.#setHead(this.count - 1, width);
    const used = this.bytes;
    const held = this.#arena.sizeOf(this.#reference);
    if (held > KEPT_BYTES_MAX && 2 * used <= held) this.#shrink(used);
  }

  #shrink(used: number): void {
    const from = this.block;
    const fromBase = this.base;
    const old = this.#reference;
    this.#adopt(this.#arena.allocate(used + (used >> 2)));
    copyBytes(this.block, this.base, from, fromBase, used);
    this.#arena.free(old);
  }

  /** Takes over ready-made integers with their header, which must be sound, into an empty set. */
  fill(source: Block, offset: number, bytes: number): void {
    this.#arena.free(this.#reference);
    this.#adopt(this.#arena.allocate(bytes));
    copyBytes(this.block, this.base, source, offset, bytes);
    this.width = this.block.view.getInt32(this.base + WIDTH, true);
    this.count = this.block.view.getInt32(this.base + COUNT, true);
  }

  /** Replies the integer at an index as a bulk string. */
  writeBulk(reply: ReplyWriter, index: number): void {
    this.read(index);
    const { high, low } = this;
    reply.reserve(BULK_BYTES_MAX);
    const { block } = reply;
    const { bytes } = block;
    const at = reply.position | 0;
    // The text is written behind a head of two digits, and moved when one is enough.
    const isShort = high === 0 && low >= 0 && low < 1_000_000_000;
    const data = isShort ? (at + 4) | 0 : (at + 5) | 0;
    if (isShort) block.view.setInt32(at, (0x0a0d3024 + (decimalLength(low) << 8)) | 0, true);
    let end = writeInteger(block, data, high, low) | 0;
    if (!isShort) end = finishHead(block, at, end);
    bytes[end] = 13;
    bytes[(end + 1) | 0] = 10;
    reply.position = (end + 2) | 0;
  }

  /** Replies all integers as bulk strings. */
  writeBulks(reply: ReplyWriter): void {
    for (let i = 0; i < this.count; i++) this.writeBulk(reply, i);
  }

  /** Frees the block. */
  free(): void {
    this.#arena.free(this.#reference);
  }

  /** Throws when the integers do not ascend or do not fit. For tests and fuzzers. */
  verify(): void {
    invariant(this.bytes <= this.#arena.sizeOf(this.#reference), 'intset larger than its block');
    for (let i = 1; i < this.count; i++) {
      this.read(i - 1);
      const { high, low } = this;
      this.read(i);
      invariant(compare(high, low, this.high, this.low) < 0, 'intset out of order');
    }
  }
}

/**
 * Writes `$length\r\n` at `at` before a text that begins 5 bytes further on, moving the text when
 * the length has one digit only. Returns the text's end.
 */
function finishHead(block: Block, at: number, end: number): number {
  const { bytes } = block;
  const length = end - at - 5;
  bytes[at] = 36;
  if (length >= 10) {
    const tens = (length / 10) | 0;
    bytes[at + 1] = 48 + tens;
    bytes[at + 2] = 48 + length - tens * 10;
    bytes[at + 3] = 13;
    bytes[at + 4] = 10;
    return end;
  }
  bytes[at + 1] = 48 + length;
  bytes[at + 2] = 13;
  bytes[at + 3] = 10;
  bytes.copyWithin(at + 4, at + 5, end);
  return end - 1;
}
