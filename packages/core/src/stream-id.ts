/**
 * Stream IDs: two unsigned 64-bit numbers, milliseconds and sequence, exact up to 2^64 − 1.
 *
 * A number of JavaScript holds 53 bits and a bigint is an object of the heap, so an ID is four
 * 32-bit words. They are kept as signed integers, which V8 keeps unboxed, and compared as unsigned.
 * A StreamId is a reused register: handlers have a few of them and allocate none.
 *
 * Text goes two ways. Milliseconds of this age and small sequences are below 2^53 and take the fast
 * one; anything else goes through bigint.
 *
 * What is accepted as an ID is Redis's string2ull: strtoull, with its blanks, plus signs and leading
 * zeros, after an attempt at a strict signed integer.
 */
import { Block, type ReplyWriter, writeDecimal } from '@hashlane/resp';
import type { Request } from './request.ts';

const TWO_32 = 0x1_0000_0000;
const UINT64_MAX = 0xffff_ffff_ffff_ffffn;
/** Redis copies an ID to a buffer of this size before it parses it. */
const TEXT_BYTES_MAX = 127;
/** Below this the high word of a number leaves it a safe integer. */
const SAFE_HIGH = 1 << 21;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): this {
    this.msHigh = msHigh | 0;
    this.msLow = msLow | 0;
    this.seqHigh = seqHigh | 0;
    this.seqLow = seqLow | 0;
    return this;
  }

  copy(other: StreamId): this {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
    return this;
  }

  setLeast(): this {
    return this.set(0, 0, 0, 0);
  }

  setGreatest(): this {
    return this.set(-1, -1, -1, -1);
  }

  /** `ms`-0, for a time that is a safe integer. */
  setTime(ms: number): this {
    return this.set(Math.floor(ms / TWO_32), ms, 0, 0);
  }

  get isLeast(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isGreatest(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  /** The next ID; false when there is none, and the ID is then the least. */
  increment(): boolean {
    this.seqLow = (this.seqLow + 1) | 0;
    if (this.seqLow !== 0) return true;
    this.seqHigh = (this.seqHigh + 1) | 0;
    if (this.seqHigh !== 0) return true;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow !== 0) return true;
    this.msHigh = (this.msHigh + 1) | 0;
    return this.msHigh !== 0;
  }

  /** The ID before; false when there is none, and the ID is then the greatest. */
  decrement(): boolean {
    this.seqLow = (this.seqLow - 1) | 0;
    if (this.seqLow !== -1) return true;
    this.seqHigh = (this.seqHigh - 1) | 0;
    if (this.seqHigh !== -1) return true;
    this.msLow = (this.msLow - 1) | 0;
    if (this.msLow !== -1) return true;
    this.msHigh = (this.msHigh - 1) | 0;
    return this.msHigh !== -1;
  }

  get milliseconds(): bigint {
    return joinWords(this.msHigh, this.msLow);
  }

  get sequence(): bigint {
    return joinWords(this.seqHigh, this.seqLow);
  }

  setBig(milliseconds: bigint, sequence: bigint): this {
    return this.set(
      Number(BigInt.asIntN(32, milliseconds >> 32n)),
      Number(BigInt.asIntN(32, milliseconds)),
      Number(BigInt.asIntN(32, sequence >> 32n)),
      Number(BigInt.asIntN(32, sequence)),
    );
  }

  /** The ID in 16 bytes, big-endian, as RDB has it. */
  readBigEndian(bytes: Buffer, at: number): this {
    return this.set(
      bytes.readInt32BE(at),
      bytes.readInt32BE(at + 4),
      bytes.readInt32BE(at + 8),
      bytes.readInt32BE(at + 12),
    );
  }

  writeBigEndian(bytes: Buffer, at: number): void {
    bytes.writeInt32BE(this.msHigh, at);
    bytes.writeInt32BE(this.msLow, at + 4);
    bytes.writeInt32BE(this.seqHigh, at + 8);
    bytes.writeInt32BE(this.seqLow, at + 12);
  }

  toString(): string {
    return `${this.milliseconds}-${this.sequence}`;
  }
}

/** Negative, 0 or positive, as `a` is before, equal to or after `b`. */
export function compareIds(a: StreamId, b: StreamId): number {
  if (a.msHigh !== b.msHigh) return (a.msHigh >>> 0) - (b.msHigh >>> 0);
  if (a.msLow !== b.msLow) return (a.msLow >>> 0) - (b.msLow >>> 0);
  if (a.seqHigh !== b.seqHigh) return (a.seqHigh >>> 0) - (b.seqHigh >>> 0);
  return (a.seqLow >>> 0) - (b.seqLow >>> 0);
}

/** An unsigned 64-bit number from its words. */
export function joinWords(high: number, low: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

// Text out.

/** An ID's text: two numbers of 20 digits and a dash at most. */
const text = Block.allocate(48);

/** Replies an ID as a bulk string. */
export function replyId(reply: ReplyWriter, id: StreamId): void {
  const { bytes } = text;
  let end = writeWords(bytes, 0, id.msHigh, id.msLow);
  bytes[end] = 45;
  end = (end + 1) | 0;
  if (id.seqHigh === 0 && id.seqLow >= 0) end = writeDecimal(bytes, end, id.seqLow);
  else end = writeWords(bytes, end, id.seqHigh, id.seqLow);
  reply.bulk(text, 0, end);
}

/** Writes an unsigned 64-bit number in decimal and returns the offset after it. */
function writeWords(bytes: Buffer, at: number, high: number, low: number): number {
  if (high < 0 || high >= SAFE_HIGH) {
    return at + bytes.latin1Write(joinWords(high, low).toString(), at);
  }
  return writeDecimal(bytes, at, high * TWO_32 + (low >>> 0));
}

// Text in.

/** What `parseId` found beside the ID. */
export const INVALID = 0;
export const COMPLETE = 1;
/** The sequence was `*`; it is 0 in the ID. */
export const SEQUENCE_OPEN = 2;
export type ParsedId = 0 | 1 | 2;

/**
 * Reads an ID from argument `i`, `skip` bytes into it. A missing sequence is `sequence` in both its
 * words (0 or −1). `isStrict` refuses `-` and `+`; `mayBeOpen` allows `ms-*`.
 */
export function parseId(
  request: Request,
  i: number,
  skip: number,
  id: StreamId,
  sequence: 0 | -1,
  isStrict: boolean,
  mayBeOpen: boolean,
): ParsedId {
  const from = request.offset(i) + skip;
  const length = request.length(i) - skip;
  const { bytes } = request.block;
  const end = from + length;
  const dash = digitsEnd(bytes, from, end);
  const isPlain = dash > from && dash - from <= 15;
  if (isPlain && dash === end) {
    setNumber(bytes, from, end, id, sequence, sequence);
    return COMPLETE;
  }
  if (isPlain && bytes[dash] === 45) {
    const seq = dash + 1;
    if (end > seq && end - seq <= 9 && digitsEnd(bytes, seq, end) === end) {
      setNumber(bytes, from, dash, id, 0, readDigits(bytes, seq, end));
      return COMPLETE;
    }
  }
  return parseText(bytes.latin1Slice(from, end), id, sequence, isStrict, mayBeOpen);
}

function digitsEnd(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] >= 48 && bytes[at] <= 57) at++;
  return at;
}

function readDigits(bytes: Buffer, from: number, end: number): number {
  let value = 0;
  for (let at = from; at < end; at++) value = value * 10 + bytes[at] - 48;
  return value;
}

function setNumber(
  bytes: Buffer,
  from: number,
  end: number,
  id: StreamId,
  seqHigh: number,
  seqLow: number,
): void {
  const ms = readDigits(bytes, from, end);
  id.set(Math.floor(ms / TWO_32), ms, seqHigh, seqLow);
}

function parseText(
  whole: string,
  id: StreamId,
  sequence: 0 | -1,
  isStrict: boolean,
  mayBeOpen: boolean,
): ParsedId {
  if (whole.length > TEXT_BYTES_MAX) return INVALID;
  // Redis reads up to the first NUL.
  const nul = whole.indexOf('\0');
  const given = nul < 0 ? whole : whole.slice(0, nul);
  if (given === '-' || given === '+') {
    if (isStrict) return INVALID;
    if (given === '-') id.setLeast();
    else id.setGreatest();
    return COMPLETE;
  }
  const dash = given.indexOf('-');
  const ms = parseUnsigned(dash < 0 ? given : given.slice(0, dash));
  if (ms === undefined) return INVALID;
  if (dash < 0) {
    id.setBig(ms, sequence === 0 ? 0n : UINT64_MAX);
    return COMPLETE;
  }
  const rest = given.slice(dash + 1);
  if (mayBeOpen && rest === '*') {
    id.setBig(ms, 0n);
    return SEQUENCE_OPEN;
  }
  const seq = parseUnsigned(rest);
  if (seq === undefined) return INVALID;
  id.setBig(ms, seq);
  return COMPLETE;
}

/** What Redis reads as an unsigned 64-bit number, or undefined. */
function parseUnsigned(given: string): bigint | undefined {
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(given);
  if (match === null) return undefined;
  const value = BigInt(match[2]);
  if (value > UINT64_MAX) return undefined;
  if (match[1] !== '-') return value;
  // A strict negative number is refused; what only strtoull reads wraps around.
  const isStrict = /^-[1-9]\d*$/.test(given) && value <= 1n << 63n;
  return isStrict ? undefined : BigInt.asUintN(64, -value);
}
