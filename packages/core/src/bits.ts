/**
 * Bits of strings: counting, searching, combining, and integers of any width at any bit offset.
 *
 * Bit 0 is the highest bit of the first byte, as in Redis. Positions are numbers beyond 32 bits (a
 * string of 512 MB has 2^32 bits), so they are divided, not shifted. Everything else goes word by
 * word: counting takes three words at a time to the sums of their nibbles, searching compares
 * words, combining works on eight bytes' worth of a word pair per round.
 *
 * Nothing here knows entries or keys: the caller says where bytes are and that they are there.
 * Population count: H. S. Warren, Hacker's Delight, chapter 5.
 */
import { Block, copyBytes } from '@hashlane/resp';

/** Fields up to this width, with the bits around them in their bytes, are exact in a number. */
export const NARROW_WIDTH_MAX = 46;

/** Counts of each nibble of a word, in place. */
function nibbleCounts(word: number): number {
  const pairs = (word - ((word >>> 1) & 0x55555555)) | 0;
  return ((pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)) | 0;
}

/** Sum of nibbles, each of at most 12. */
function sumOfNibbles(nibbles: number): number {
  const bytes = ((nibbles & 0x0f0f0f0f) + ((nibbles >>> 4) & 0x0f0f0f0f)) | 0;
  return Math.imul(bytes, 0x01010101) >>> 24;
}

/** Bits that are set in `length` bytes. */
function countBits(block: Block, offset: number, length: number): number {
  const { bytes, view } = block;
  const end = (offset + length) | 0;
  let at = offset | 0;
  let count = 0;
  for (; ((at + 12) | 0) <= end; at = (at + 12) | 0) {
    const first = nibbleCounts(view.getInt32(at, true));
    const second = nibbleCounts(view.getInt32((at + 4) | 0, true));
    const third = nibbleCounts(view.getInt32((at + 8) | 0, true));
    count += sumOfNibbles((first + second + third) | 0);
  }
  for (; at < end; at = (at + 1) | 0) count += sumOfNibbles(nibbleCounts(bytes[at]));
  return count;
}

/** Bits that are set from bit `first` to bit `last` (both counted) of the bytes at `offset`. */
export function countBitRange(block: Block, offset: number, first: number, last: number): number {
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor(last / 8);
  const { bytes } = block;
  const before = bytes[offset + firstByte] & ~(0xff >> (first % 8));
  const after = bytes[offset + lastByte] & (0x7f >> (last % 8));
  const all = countBits(block, offset + firstByte, lastByte - firstByte + 1);
  return all - sumOfNibbles(nibbleCounts(before)) - sumOfNibbles(nibbleCounts(after));
}

/** Place of the first byte from `from` on, before `end`, that is not `filler` (0 or 0xff). */
function findOtherByte(block: Block, from: number, end: number, filler: number): number {
  const { bytes, view } = block;
  const word = filler === 0 ? 0 : -1;
  let at = from | 0;
  while (((at + 4) | 0) <= end && view.getInt32(at, true) === word) at = (at + 4) | 0;
  while (at < end && bytes[at] === filler) at = (at + 1) | 0;
  return at;
}

/** Position of the first bit equal to `bit` from `first` to `last` (both counted), or −1. */
export function findBit(
  block: Block,
  offset: number,
  first: number,
  last: number,
  bit: number,
): number {
  const { bytes } = block;
  const flip = bit === 1 ? 0 : 0xff;
  const firstByte = Math.floor(first / 8);
  const head = (bytes[offset + firstByte] ^ flip) & (0xff >> (first % 8));
  let position = -1;
  if (head !== 0) {
    position = firstByte * 8 + Math.clz32(head) - 24;
  } else {
    const end = offset + Math.floor(last / 8) + 1;
    const at = findOtherByte(block, offset + firstByte + 1, end, flip);
    if (at < end) position = (at - offset) * 8 + Math.clz32((bytes[at] ^ flip) & 0xff) - 24;
  }
  return position > last ? -1 : position;
}

export const AND = 0;
export const OR = 1;
export const XOR = 2;
export type BitOperation = 0 | 1 | 2;

/** Up to this many bytes the accumulator keeps its block. */
const ACCUMULATOR_BYTES_KEPT = 64 * 1024;

/**
 * What BITOP builds up: strings of any lengths combined one after the other, the shorter ones as if
 * zero bytes followed. Reused; `finish` gives up a block that has become large.
 */
export class BitAccumulator {
  block = Block.allocate(ACCUMULATOR_BYTES_KEPT);
  length = 0;

  start(source: Block, offset: number, length: number): void {
    this.length = 0;
    this.#extend(length);
    copyBytes(this.block, 0, source, offset, length);
  }

  combine(operation: BitOperation, source: Block, offset: number, length: number): void {
    if (length > this.length) this.#extend(length);
    combineBytes(operation, this.block, source, offset, length);
    if (operation === AND) this.block.bytes.fill(0, length, this.length);
  }

  invert(): void {
    const { bytes, view } = this.block;
    const end = this.length;
    let at = 0;
    for (; ((at + 4) | 0) <= end; at = (at + 4) | 0) view.setInt32(at, ~view.getInt32(at));
    for (; at < end; at = (at + 1) | 0) bytes[at] = ~bytes[at];
  }

  finish(): void {
    if (this.block.size <= ACCUMULATOR_BYTES_KEPT) return;
    this.block = Block.allocate(ACCUMULATOR_BYTES_KEPT);
    this.length = 0;
  }

  /** Makes the string longer, with zero bytes. */
  #extend(length: number): void {
    const old = this.block;
    if (length > old.size) {
      this.block = Block.allocate(length);
      copyBytes(this.block, 0, old, 0, this.length);
    }
    this.block.bytes.fill(0, this.length, length);
    this.length = length;
  }
}

/** One loop per operation: the compiler keeps each free of branches. */
function combineBytes(
  operation: BitOperation,
  target: Block,
  source: Block,
  offset: number,
  length: number,
): void {
  const to = target.view;
  const from = source.view;
  const whole = (length & ~3) | 0;
  const base = offset | 0;
  if (operation === AND) {
    for (let i = 0; i < whole; i = (i + 4) | 0) {
      to.setInt32(i, to.getInt32(i) & from.getInt32((base + i) | 0));
    }
  } else if (operation === OR) {
    for (let i = 0; i < whole; i = (i + 4) | 0) {
      to.setInt32(i, to.getInt32(i) | from.getInt32((base + i) | 0));
    }
  } else {
    for (let i = 0; i < whole; i = (i + 4) | 0) {
      to.setInt32(i, to.getInt32(i) ^ from.getInt32((base + i) | 0));
    }
  }
  for (let i = whole; i < length; i++) {
    target.bytes[i] = combineByte(operation, target.bytes[i], source.bytes[base + i]);
  }
}

function combineByte(operation: BitOperation, a: number, b: number): number {
  if (operation === AND) return a & b;
  return operation === OR ? a | b : a ^ b;
}

/**
 * Unsigned integer of `width` bits (at most NARROW_WIDTH_MAX) that begins at bit `position` of the
 * `length` bytes at `offset`; what lies behind them counts as zeros.
 */
export function readField(
  block: Block,
  offset: number,
  length: number,
  position: number,
  width: number,
): number {
  const { bytes } = block;
  const firstByte = Math.floor(position / 8);
  const skipped = position % 8;
  const used = (skipped + width + 7) >> 3;
  let value = 0;
  for (let i = 0; i < used; i++) {
    const byte = firstByte + i < length ? bytes[offset + firstByte + i] : 0;
    value = value * 256 + (i === 0 ? byte & (0xff >> skipped) : byte);
  }
  return Math.floor(value / (1 << (used * 8 - skipped - width)));
}

/** Writes what `readField` reads: `value` is below 2^width, and all bytes are there. */
export function writeField(
  block: Block,
  offset: number,
  position: number,
  width: number,
  value: number,
): void {
  const { bytes } = block;
  let end = position + width;
  let rest = value;
  for (let left = width; left > 0; ) {
    const at = offset + Math.floor((end - 1) / 8);
    const below = 7 - ((end - 1) % 8);
    const taken = Math.min(left, 8 - below);
    const unit = 1 << taken;
    bytes[at] = (bytes[at] & ~((unit - 1) << below)) | ((rest % unit) << below);
    rest = Math.floor(rest / unit);
    end -= taken;
    left -= taken;
  }
}
