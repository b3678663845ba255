/**
 * HyperLogLog values, byte for byte Redis's: they are strings, and GET, SET, DUMP and RDB files carry
 * them between servers.
 *
 *   byte 0        4          5        8                        16
 *   ┌────────────┬──────────┬────────┬────────────────────────┬──────────────────────┐
 *   │ "HYLL"     │ encoding │ unused │ cached count, uint64   │ 16,384 registers     │
 *   └────────────┴──────────┴────────┴────────────────────────┴──────────────────────┘
 *     encoding    0 dense: 6 bits per register, the lowest bits of a byte first (12,288 bytes)
 *                 1 sparse: runs of registers, see below
 *     count       the highest bit is set when it is out of date
 *
 *   sparse   00llllll            ZERO   l + 1 registers are 0 (up to 64)
 *            01llllll llllllll   XZERO  l + 1 registers are 0 (up to 16,384)
 *            1vvvvvll            VAL    l + 1 registers (up to 4) are v + 1 (up to 32)
 *
 * How a sparse value looks after a change (what is split, what is merged again, when it becomes
 * dense) follows Redis step by step, because the bytes must be the same. A value that is changed is
 * copied to a draft, edited there and stored: two copies of at most a few KB. Dense values are
 * changed in place.
 *
 * The estimate is Ertl's improved raw estimator over the histogram of the registers (O. Ertl, "New
 * cardinality estimation algorithms for HyperLogLog sketches", arXiv:1702.01284, 2017), in the same
 * order of floating-point operations as Redis.
 */
import { Block, copyBytes } from '@hashlane/resp';
import { murmurHash64 } from './murmur-hash.ts';

const HEADER_BYTES = 16;
export const REGISTERS = 16384;
const INDEX_BITS = 14;
const DENSE_BYTES = HEADER_BYTES + (REGISTERS * 6) / 8;
const SEED = 0xadc83b19 | 0;

const DENSE = 0;
const SPARSE = 1;
const ENCODING = 4;
const COUNT = 8;
/** "HYLL" as a little-endian word. */
const MAGIC = 0x4c4c5948;
/** In the last byte of the cached count. */
const OUT_OF_DATE = 0x80;

const ZERO_LENGTH_MAX = 64;
const VAL_LENGTH_MAX = 4;
const VAL_VALUE_MAX = 32;
const XZERO_LENGTH_MAX = 16384;
/** Opcodes, from the one before the changed one on, that are tried to be merged. */
const MERGED_OPCODES_MAX = 5;

/** Values up to this size are drafted in blocks that are kept. */
const DRAFT_BYTES_KEPT = 32 * 1024;

// Elements

/** Register of an element, and the length of the run of zeros in its hash plus one. */
export class Pattern {
  index = 0;
  count = 0;

  of(block: Block, offset: number, length: number): void {
    const { high, low } = murmurHash64(block, offset, length, SEED);
    this.index = low & (REGISTERS - 1);
    const rest = low >>> INDEX_BITS;
    // A bit behind the last one ends the run.
    if (rest !== 0) this.count = trailingZeros(rest) + 1;
    else if (high !== 0) this.count = 32 - INDEX_BITS + trailingZeros(high) + 1;
    else this.count = 64 - INDEX_BITS + 1;
  }
}

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value);
}

// Header

/** True when the bytes look like a HyperLogLog; a sparse one may still turn out to be damaged. */
export function isHyperLogLog(block: Block, offset: number, length: number): boolean {
  if (length < HEADER_BYTES || block.view.getInt32(offset, true) !== MAGIC) return false;
  const encoding = block.bytes[offset + ENCODING];
  return encoding === SPARSE || (encoding === DENSE && length === DENSE_BYTES);
}

export function isDense(block: Block, offset: number): boolean {
  return block.bytes[offset + ENCODING] === DENSE;
}

export function isCountCached(block: Block, offset: number): boolean {
  return (block.bytes[offset + COUNT + 7] & OUT_OF_DATE) === 0;
}

export function invalidateCount(block: Block, offset: number): void {
  block.bytes[offset + COUNT + 7] |= OUT_OF_DATE;
}

/** The cached count, or NaN when it is beyond 2^53, which is not from a count: see `wideCount`. */
export function cachedCount(block: Block, offset: number): number {
  const high = block.view.getUint32(offset + COUNT + 4, true);
  const count = high * 2 ** 32 + block.view.getUint32(offset + COUNT, true);
  return Number.isSafeInteger(count) ? count : Number.NaN;
}

export function wideCount(block: Block, offset: number): bigint {
  return block.view.getBigInt64(offset + COUNT, true);
}

/** `count` is below 2^53. */
export function cacheCount(block: Block, offset: number, count: number): void {
  block.view.setInt32(offset + COUNT, count % 2 ** 32, true);
  block.view.setInt32(offset + COUNT + 4, Math.floor(count / 2 ** 32), true);
}

// Dense registers

/** A register of the dense value at `offset`. */
export function denseRegister(block: Block, offset: number, index: number): number {
  const { bytes } = block;
  const bit = Math.imul(index, 6);
  const at = (offset + HEADER_BYTES + (bit >> 3)) | 0;
  const shift = bit & 7;
  const low = bytes[at] >> shift;
  return (shift > 2 ? low | (bytes[at + 1] << (8 - shift)) : low) & 63;
}

function writeDenseRegister(block: Block, offset: number, index: number, value: number): void {
  const { bytes } = block;
  const bit = Math.imul(index, 6);
  const at = (offset + HEADER_BYTES + (bit >> 3)) | 0;
  const shift = bit & 7;
  bytes[at] = (bytes[at] & ~(63 << shift)) | (value << shift);
  if (shift <= 2) return;
  const taken = 8 - shift;
  bytes[at + 1] = (bytes[at + 1] & ~(63 >> taken)) | (value >> taken);
}

/** Raises a register of the dense value at `offset`; false when it is as high already. */
export function raiseDense(block: Block, offset: number, index: number, count: number): boolean {
  if (denseRegister(block, offset, index) >= count) return false;
  writeDenseRegister(block, offset, index, count);
  return true;
}

// Sparse opcodes

function isZero(opcode: number): boolean {
  return (opcode & 0xc0) === 0;
}

function isXzero(opcode: number): boolean {
  return (opcode & 0xc0) === 0x40;
}

function isVal(opcode: number): boolean {
  return (opcode & 0x80) !== 0;
}

function valValue(opcode: number): number {
  return ((opcode >> 2) & 0x1f) + 1;
}

function valOpcode(value: number, length: number): number {
  return 0x80 | ((value - 1) << 2) | (length - 1);
}

/** Registers that the opcode at `at` covers. Bytes at and behind `end` count as zeros. */
function runLength(bytes: Buffer, at: number, end: number): number {
  const opcode = bytes[at];
  if (isVal(opcode)) return (opcode & 3) + 1;
  if (isZero(opcode)) return (opcode & 0x3f) + 1;
  return (((opcode & 0x3f) << 8) | (at + 1 < end ? bytes[at + 1] : 0)) + 1;
}

/** Text of a sparse value's opcodes, as PFDEBUG DECODE has it. */
export function sparseText(block: Block, offset: number, length: number): string {
  const { bytes } = block;
  const end = offset + length;
  const words: string[] = [];
  for (let at = offset + HEADER_BYTES; at < end; at++) {
    const run = runLength(bytes, at, end);
    if (isVal(bytes[at])) words.push(`v:${valValue(bytes[at])},${run}`);
    else words.push(`${isXzero(bytes[at]) ? 'Z' : 'z'}:${run}`);
    if (isXzero(bytes[at])) at++;
  }
  return words.join(' ');
}

// Registers one by one

/** The registers of several HyperLogLogs, each the highest of all; reused. */
export class RegisterSet {
  readonly registers = new Uint8Array(REGISTERS);
  readonly #histogram = new Int32Array(64);

  clear(): void {
    this.registers.fill(0);
  }

  /** Takes a value in; false when it is damaged. */
  merge(block: Block, offset: number, length: number): boolean {
    if (!isDense(block, offset)) return this.#mergeSparse(block, offset, length);
    const { bytes } = block;
    const { registers } = this;
    let at = offset + HEADER_BYTES;
    for (let i = 0; i < REGISTERS; i += 4, at += 3) {
      const group = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
      registers[i] = Math.max(registers[i], group & 63);
      registers[i + 1] = Math.max(registers[i + 1], (group >> 6) & 63);
      registers[i + 2] = Math.max(registers[i + 2], (group >> 12) & 63);
      registers[i + 3] = Math.max(registers[i + 3], group >> 18);
    }
    return true;
  }

  #mergeSparse(block: Block, offset: number, length: number): boolean {
    const { bytes } = block;
    const { registers } = this;
    const end = offset + length;
    let index = 0;
    for (let at = offset + HEADER_BYTES; at < end; at++) {
      const run = runLength(bytes, at, end);
      if (index + run > REGISTERS) return false;
      if (isVal(bytes[at])) {
        const value = valValue(bytes[at]);
        for (let i = index; i < index + run; i++) registers[i] = Math.max(registers[i], value);
      } else if (isXzero(bytes[at])) {
        at++;
      }
      index += run;
    }
    return index === REGISTERS;
  }

  /** Writes all registers into the dense value at `offset`. */
  writeDense(block: Block, offset: number): void {
    const { bytes } = block;
    const { registers } = this;
    let at = offset + HEADER_BYTES;
    for (let i = 0; i < REGISTERS; i += 4, at += 3) {
      const group =
        registers[i] |
        (registers[i + 1] << 6) |
        (registers[i + 2] << 12) |
        (registers[i + 3] << 18);
      bytes[at] = group;
      bytes[at + 1] = group >> 8;
      bytes[at + 2] = group >> 16;
    }
  }

  /** Estimated number of distinct elements. */
  count(): number {
    const histogram = this.#histogram.fill(0);
    for (let i = 0; i < REGISTERS; i++) histogram[this.registers[i]]++;
    return estimate(histogram);
  }
}

/** 1 / (2 ln 2), the limit of the bias factor for many registers. */
const ALPHA_INFINITE = 0.7213475204444817;
/** Bits of the hash that a run of zeros may take. */
const RUN_BITS = 64 - INDEX_BITS;

/** Ertl's estimator; `histogram` has the number of registers of each value. */
function estimate(histogram: Int32Array): number {
  const m = REGISTERS;
  let z = m * tau((m - histogram[RUN_BITS + 1]) / m);
  for (let value = RUN_BITS; value >= 1; value--) {
    z += histogram[value];
    z *= 0.5;
  }
  z += m * sigma(histogram[0] / m);
  return Math.round((ALPHA_INFINITE * m * m) / z);
}

/** Σ x^(2^k) 2^(k−1): the share of registers that are still 0. */
function sigma(share: number): number {
  if (share === 1) return Infinity;
  let x = share;
  let y = 1;
  let z = x;
  let before = Number.NaN;
  while (before !== z) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

/** The share of registers that are full. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - x;
  let before = Number.NaN;
  while (before !== z) {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

// Changing

/** Outcomes of a change: the value is damaged; nothing to change; a register was raised. */
export const DAMAGED = -1;
export const SAME = 0;
export const RAISED = 1;
type Outcome = typeof DAMAGED | typeof SAME | typeof RAISED;

/** No opcode: the one found is the first. */
const NONE = -1;

/** A value that is being changed, in a block of its own at offset 0. Reused. */
export class HyperLogLogDraft {
  block = Block.allocate(DRAFT_BYTES_KEPT);
  length = 0;
  #other = Block.allocate(DRAFT_BYTES_KEPT);
  /** An opcode, and its first register, from which on a search for a later register may begin. */
  #hintAt = HEADER_BYTES;
  #hintFirst = 0;
  /** The opcode that `#find` found, its first register, and the opcode before it or NONE. */
  #foundAt = 0;
  #foundFirst = 0;
  #previousAt = NONE;
  readonly #inserted = Buffer.alloc(5);

  /** Begins with an empty value. */
  create(): void {
    const { bytes, view } = this.block;
    bytes.fill(0, 0, HEADER_BYTES);
    view.setInt32(0, MAGIC, true);
    bytes[ENCODING] = SPARSE;
    this.length = HEADER_BYTES + this.#writeZeros(bytes, HEADER_BYTES, XZERO_LENGTH_MAX);
    this.#forgetHint();
  }

  /** Begins with an existing value. */
  load(source: Block, offset: number, length: number): void {
    if (length > this.block.size) this.block = Block.allocate(2 * length);
    copyBytes(this.block, 0, source, offset, length);
    this.length = length;
    this.#forgetHint();
  }

  /** The value has been stored: gives up a block that is larger than usual. */
  finish(): void {
    if (this.block.size > DRAFT_BYTES_KEPT) this.block = Block.allocate(DRAFT_BYTES_KEPT);
  }

  get isDense(): boolean {
    return isDense(this.block, 0);
  }

  /**
   * Raises a register to `count` if it is lower. A sparse value that would be larger than
   * `sparseBytesMax` becomes dense.
   */
  raise(index: number, count: number, sparseBytesMax: number): Outcome {
    if (this.isDense) return raiseDense(this.block, 0, index, count) ? RAISED : SAME;
    if (count > VAL_VALUE_MAX) return this.#raisePromoted(index, count);
    if (index < this.#hintFirst) this.#forgetHint();
    return this.#raiseSparse(index, count, sparseBytesMax);
  }

  /** Makes a sparse value dense; false when it is damaged. Count and unused bytes stay. */
  promote(): boolean {
    const dense = this.#other;
    dense.bytes.fill(0, 0, DENSE_BYTES);
    copyBytes(dense, 0, this.block, 0, HEADER_BYTES);
    dense.bytes[ENCODING] = DENSE;
    const { bytes } = this.block;
    let index = 0;
    for (let at = HEADER_BYTES; at < this.length; at++) {
      const run = runLength(bytes, at, this.length);
      if (index + run > REGISTERS) return false;
      if (isXzero(bytes[at])) at++;
      else if (isVal(bytes[at])) {
        const value = valValue(bytes[at]);
        for (let i = index; i < index + run; i++) writeDenseRegister(dense, 0, i, value);
      }
      index += run;
    }
    if (index !== REGISTERS) return false;
    this.#other =
      this.block.size > DRAFT_BYTES_KEPT ? Block.allocate(DRAFT_BYTES_KEPT) : this.block;
    this.block = dense;
    this.length = DENSE_BYTES;
    return true;
  }

  #raisePromoted(index: number, count: number): Outcome {
    if (!this.promote()) return DAMAGED;
    raiseDense(this.block, 0, index, count);
    return RAISED;
  }

  #forgetHint(): void {
    this.#hintAt = HEADER_BYTES;
    this.#hintFirst = 0;
  }

  /** Finds the opcode of a register and changes it. */
  #raiseSparse(index: number, count: number, sparseBytesMax: number): Outcome {
    // The opcode before the one found must be known, too: a hint at the one found is no use.
    if (!this.#find(index) || this.#previousAt === NONE) {
      this.#forgetHint();
      if (!this.#find(index)) return DAMAGED;
    }
    const { bytes } = this.block;
    const at = this.#foundAt;
    const opcode = bytes[at];
    const run = runLength(bytes, at, this.length);
    if (isVal(opcode) && valValue(opcode) >= count) return SAME;
    if (run === 1 && !isXzero(opcode)) {
      bytes[at] = valOpcode(count, 1);
    } else if (!this.#split(at, run, index - this.#foundFirst, count, sparseBytesMax)) {
      return this.#raisePromoted(index, count);
    }
    this.#mergeFrom(this.#previousAt === NONE ? at : this.#previousAt);
    invalidateCount(this.block, 0);
    return RAISED;
  }

  /**
   * Finds the opcode that covers a register, from the hint on; false when the opcodes end before.
   * A later change leaves everything before the previous opcode as it is, so the hint becomes the
   * opcode before that, if the search has seen it.
   */
  #find(index: number): boolean {
    const { bytes } = this.block;
    const end = this.length;
    let at = this.#hintAt;
    let first = this.#hintFirst;
    let previous = NONE;
    let previousFirst = first;
    while (at < end) {
      const run = runLength(bytes, at, end);
      if (index < first + run) break;
      if (previous !== NONE) {
        this.#hintAt = previous;
        this.#hintFirst = previousFirst;
      }
      previous = at;
      previousFirst = first;
      at += isXzero(bytes[at]) ? 2 : 1;
      first += run;
    }
    this.#foundAt = at;
    this.#foundFirst = first;
    this.#previousAt = previous;
    return at < end;
  }

  /**
   * Takes the register `within` a run of several out of it; false when that would take more bytes
   * than a sparse value may have.
   */
  #split(at: number, run: number, within: number, count: number, sparseBytesMax: number): boolean {
    const inserted = this.#inserted;
    const opcode = this.block.bytes[at];
    let size = this.#writeRun(inserted, 0, opcode, within);
    inserted[size++] = valOpcode(count, 1);
    size += this.#writeRun(inserted, size, opcode, run - within - 1);
    const replaced = isXzero(opcode) ? 2 : 1;
    const added = size - replaced;
    if (added > 0 && this.length + added > sparseBytesMax) return false;
    this.#reserve(added);
    const { bytes } = this.block;
    if (added !== 0) bytes.copyWithin(at + size, at + replaced, this.length);
    inserted.copy(bytes, at, 0, size);
    this.length += added;
    return true;
  }

  #reserve(added: number): void {
    const old = this.block;
    if (this.length + added <= old.size) return;
    this.block = Block.allocate(2 * old.size);
    copyBytes(this.block, 0, old, 0, this.length);
  }

  /** Writes a run of `length` registers of the kind of `opcode`; returns its bytes. */
  #writeRun(target: Buffer, at: number, opcode: number, length: number): number {
    if (length === 0) return 0;
    if (!isVal(opcode)) return this.#writeZeros(target, at, length);
    target[at] = valOpcode(valValue(opcode), length);
    return 1;
  }

  #writeZeros(target: Buffer, at: number, length: number): number {
    if (length <= ZERO_LENGTH_MAX) {
      target[at] = length - 1;
      return 1;
    }
    target[at] = 0x40 | ((length - 1) >> 8);
    target[at + 1] = length - 1;
    return 2;
  }

  /** Joins neighbours of the same value, among a few opcodes from the one at `from` on. */
  #mergeFrom(from: number): void {
    const { bytes } = this.block;
    let at = from;
    for (let left = MERGED_OPCODES_MAX; left > 0 && at < this.length; left--) {
      if (isXzero(bytes[at])) at += 2;
      else if (isZero(bytes[at]) || !this.#mergeNext(at)) at++;
    }
  }

  /** Joins the VAL at `at` with the one behind it, if that can be. */
  #mergeNext(at: number): boolean {
    const { bytes } = this.block;
    if (at + 1 >= this.length || !isVal(bytes[at + 1])) return false;
    const value = valValue(bytes[at]);
    const length = (bytes[at] & 3) + (bytes[at + 1] & 3) + 2;
    if (valValue(bytes[at + 1]) !== value || length > VAL_LENGTH_MAX) return false;
    bytes[at + 1] = valOpcode(value, length);
    bytes.copyWithin(at, at + 1, this.length);
    this.length--;
    return true;
  }
}
