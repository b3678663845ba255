/**
 * Arithmetic of BITFIELD: an integer of 1 to 64 bits, signed or not, is set or incremented, and
 * what does not fit wraps, sticks to the nearest bound, or fails.
 *
 * Fields up to NARROW_WIDTH_MAX bits and arguments up to 15 digits are numbers and exact as such;
 * the rest goes through bigint. Both ways end in the same fields of a result that is reused.
 *
 * Two oddities are Redis's: a negative value that is SET into an unsigned field is a huge one
 * (so it sticks to the upper bound), and one that is more than 2^63 below the upper bound of a
 * signed field overflows upwards, because Redis computes that distance in 64 bits.
 */
import type { Block } from '@hashlane/resp';
import { NARROW_WIDTH_MAX, readField, writeField } from './bits.ts';

export const WRAP = 0;
export const SATURATE = 1;
export const FAIL = 2;
export type Overflow = 0 | 1 | 2;

export const GET = 0;
export const SET = 1;
export const INCREMENT = 2;
export type FieldCommand = 0 | 1 | 2;

/** One operation of a BITFIELD command; the object is reused. */
export class FieldOperation {
  command: FieldCommand = GET;
  overflow: Overflow = WRAP;
  isSigned = false;
  width = 0;
  /** First bit of the field. */
  position = 0;
  /** Value to set, or increment. NaN: it has more digits, and is in `wideArgument`. */
  argument = 0;
  wideArgument = 0n;

  /** What the operation replies: NaN for a value in `wideReply`. */
  reply = 0;
  wideReply = 0n;
  /** SET and INCREMENT: the field has another value now. */
  hasChanged = false;

  /** Reads a field of the `length` bytes at `offset` into the reply. */
  get(block: Block, offset: number, length: number): void {
    if (this.width <= NARROW_WIDTH_MAX) {
      this.reply = this.#toSigned(readField(block, offset, length, this.position, this.width));
      return;
    }
    this.reply = Number.NaN;
    this.wideReply = this.#readWide(block, offset, length);
  }

  /** Executes SET or INCREMENT where all bytes are there. False when it does not fit: FAIL. */
  change(block: Block, offset: number): boolean {
    if (this.width <= NARROW_WIDTH_MAX && !Number.isNaN(this.argument)) {
      return this.#changeNarrow(block, offset);
    }
    return this.#changeWide(block, offset);
  }

  #toSigned(value: number): number {
    return this.isSigned && value >= 2 ** (this.width - 1) ? value - 2 ** this.width : value;
  }

  #changeNarrow(block: Block, offset: number): boolean {
    const { position, width } = this;
    const length = Math.floor((position + width + 7) / 8);
    const old = this.#toSigned(readField(block, offset, length, position, width));
    const wanted = this.command === SET ? this.argument : old + this.argument;
    const size = 2 ** width;
    const max = this.isSigned ? size / 2 - 1 : size - 1;
    const min = this.isSigned ? -size / 2 : 0;
    const isLow = wanted < min;
    let value = wanted;
    if (isLow || wanted > max) {
      if (this.overflow === FAIL) return false;
      const isUpwards = !isLow || (this.command === SET && !this.isSigned);
      if (this.overflow === SATURATE) value = isUpwards ? max : min;
      else value = this.#toSigned(((wanted % size) + size) % size);
    }
    writeField(block, offset, position, width, value < 0 ? value + size : value);
    this.hasChanged = value !== old;
    this.reply = this.command === SET ? old : value;
    return true;
  }

  #readWide(block: Block, offset: number, length: number): bigint {
    const { position, width } = this;
    const highWidth = Math.max(0, width - 32);
    const high = highWidth === 0 ? 0 : readField(block, offset, length, position, highWidth);
    const low = readField(block, offset, length, position + highWidth, width - highWidth);
    const value = (BigInt(high) << 32n) | BigInt(low);
    return this.isSigned ? BigInt.asIntN(width, value) : value;
  }

  #changeWide(block: Block, offset: number): boolean {
    const { isSigned, position, width } = this;
    const length = Math.floor((position + width + 7) / 8);
    const old = this.#readWide(block, offset, length);
    const argument = Number.isNaN(this.argument) ? this.wideArgument : BigInt(this.argument);
    let wanted = this.command === SET ? argument : old + argument;
    if (this.command === SET && !isSigned) wanted = BigInt.asUintN(64, wanted);
    const size = 1n << BigInt(width);
    const max = isSigned ? size / 2n - 1n : size - 1n;
    const min = isSigned ? -size / 2n : 0n;
    let value = wanted;
    if (wanted > max || wanted < min) {
      if (this.overflow === FAIL) return false;
      const isUpwards =
        wanted > max || (this.command === SET && BigInt.asIntN(64, max - wanted) < 0n);
      if (this.overflow === SATURATE) value = isUpwards ? max : min;
      else value = isSigned ? BigInt.asIntN(width, wanted) : BigInt.asUintN(width, wanted);
    }
    const highWidth = Math.max(0, width - 32);
    const stored = BigInt.asUintN(width, value);
    if (highWidth > 0) writeField(block, offset, position, highWidth, Number(stored >> 32n));
    const low = Number(stored & 0xffffffffn);
    writeField(block, offset, position + highWidth, width - highWidth, low);
    this.hasChanged = value !== old;
    this.reply = Number.NaN;
    this.wideReply = this.command === SET ? old : value;
    return true;
  }
}
