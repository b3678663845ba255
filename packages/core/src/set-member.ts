/**
 * One member of a set, in each of the forms that the encodings of sets ask for: as bytes with their
 * hash (hashtable), as an integer (intset), as a needle (listpack). It begins as one of them, and
 * the others are made when they are first asked for and kept until the next `set…`.
 *
 * So the operations on several sets (SINTER and its like) hand one Member from a set of one
 * encoding to sets of others, and a member is parsed, printed and hashed at most once, whatever the
 * number of sets.
 *
 * An integer is two 32-bit halves, because doubles end at 2^53. Costs: no allocation, but for
 * integers of 16 and more digits, which go through bigint. A Member is a reused object; its bytes
 * are valid as long as the block that they came from.
 */
import { Block, writeDecimal } from '@hashlane/resp';
import { hashBytes } from './hash.ts';
import {
  bigIntegerAt,
  integerAt,
  isIntegerEntry,
  Needle,
  stringLength,
  stringOffset,
} from './listpack.ts';
import { isIntegerText, parseInteger } from './number-text.ts';
import type { Request } from './request.ts';

const TWO_32 = 0x1_0000_0000;
/** "-9223372036854775808" */
const INTEGER_TEXT_MAX = 20;
/** Numbers whose high half is within this are exact as doubles. */
const SAFE_HIGH = 1 << 21;

const UNKNOWN = 0;
const INTEGER = 1;
const TEXT = 2;

export class Member {
  /** The bytes, after `needText` or a `set…` of bytes. */
  block: Block;
  offset = 0;
  length = 0;
  /** The integer, after `isInteger` has answered true: signed high half, low half as int32. */
  high = 0;
  low = 0;
  #kind = UNKNOWN;
  #hasText = false;
  #hasHash = false;
  #hasNeedle = false;
  #hash = 0;
  readonly #needle = new Needle();
  /** Text of integers. */
  readonly #scratch = Block.allocate(INTEGER_TEXT_MAX + 4);

  constructor() {
    this.block = this.#scratch;
  }

  /** The member with these bytes. */
  set(block: Block, offset: number, length: number): this {
    this.block = block;
    this.offset = offset;
    this.length = length;
    this.#kind = UNKNOWN;
    this.#hasText = true;
    this.#hasHash = false;
    this.#hasNeedle = false;
    return this;
  }

  /** The member in argument `i`. */
  setArgument(request: Request, i: number): this {
    return this.set(request.block, request.offset(i), request.length(i));
  }

  /** The member that is this integer. */
  setInteger(high: number, low: number): this {
    this.high = high;
    this.low = low;
    this.#kind = INTEGER;
    this.#hasText = false;
    this.#hasHash = false;
    this.#hasNeedle = false;
    return this;
  }

  /** The member in a listpack entry. */
  setEntry(block: Block, at: number): this {
    if (!isIntegerEntry(block, at)) {
      this.set(block, stringOffset(block, at), stringLength(block, at));
      this.#kind = TEXT;
      return this;
    }
    const value = integerAt(block, at);
    if (!Number.isNaN(value)) return this.setInteger(Math.floor(value / TWO_32), value | 0);
    const big = bigIntegerAt(block, at);
    return this.setInteger(Number(big >> 32n), Number(BigInt.asIntN(32, big)));
  }

  /** True when the member is the canonical text of a 64-bit integer. */
  get isInteger(): boolean {
    if (this.#kind === UNKNOWN) this.#kind = this.#parse();
    return this.#kind === INTEGER;
  }

  #parse(): typeof INTEGER | typeof TEXT {
    const { block, length, offset } = this;
    if (length === 0 || length > INTEGER_TEXT_MAX) return TEXT;
    const first = block.view.getUint8(offset);
    if (first > 57 || (first < 48 && first !== 45)) return TEXT;
    const value = parseInteger(block, offset, length);
    if (!Number.isNaN(value)) {
      this.high = Math.floor(value / TWO_32);
      this.low = value | 0;
      return INTEGER;
    }
    if (length < 16 || !isIntegerText(block, offset, length)) return TEXT;
    const big = BigInt(block.bytes.latin1Slice(offset, offset + length));
    this.high = Number(big >> 32n);
    this.low = Number(BigInt.asIntN(32, big));
    return INTEGER;
  }

  /** Makes `block`, `offset` and `length` those of the member's bytes. */
  needText(): this {
    if (this.#hasText) return this;
    this.#hasText = true;
    this.block = this.#scratch;
    this.offset = 0;
    this.length = writeInteger(this.#scratch, 0, this.high, this.low);
    return this;
  }

  /** Hash of the bytes. */
  get hash(): number {
    if (!this.#hasHash) {
      this.needText();
      this.#hash = hashBytes(this.block, this.offset, this.length);
      this.#hasHash = true;
    }
    return this.#hash;
  }

  get needle(): Needle {
    if (!this.#hasNeedle) {
      this.needText();
      this.#needle.set(this.block, this.offset, this.length);
      this.#hasNeedle = true;
    }
    return this.#needle;
  }
}

/** Writes a 64-bit integer in decimal at `at`, where there is room for it; returns the end. */
export function writeInteger(target: Block, at: number, high: number, low: number): number {
  if (high >= -SAFE_HIGH && high < SAFE_HIGH) {
    return writeDecimal(target.bytes, at, high * TWO_32 + (low >>> 0));
  }
  const big = (BigInt(high) << 32n) | BigInt(low >>> 0);
  return at + target.bytes.latin1Write(big.toString(), at);
}
