/**
 * The small pieces that everything in an RDB file is made of: lengths, strings and doubles.
 *
 *     00LLLLLL                     length 0–63
 *     01LLLLLL LLLLLLLL            length 0–16383
 *     10000000 + 4 bytes           length, big-endian
 *     10000001 + 8 bytes           length, big-endian
 *     11000000 + 1 byte            a string that is the decimal form of an int8
 *     11000001 + 2 bytes           … of an int16, little-endian
 *     11000010 + 4 bytes           … of an int32, little-endian
 *     11000011 + length + length   an LZF string: compressed size, plain size, compressed bytes
 *
 * Doubles: 8 bytes little-endian in new types; in zset (type 3) one length byte and that many
 * ASCII characters, where 253, 254 and 255 stand for NaN, +inf and -inf.
 *
 * The writers append to a ByteSink. The reader, RdbCursor, walks a buffer that holds the whole
 * value; every read checks the end and throws RdbFormatError with the offset in that buffer, so a
 * decoder on top of it needs no checks of its own. (The scanner, which may run out of bytes in
 * mid-value, has its own skip functions in value-layout.ts.)
 *
 * Cost: a plain string is returned as a span of the input, without allocation or copy.
 *
 * Source: rdb.h and rdb.c of Redis (rdbSaveLen, rdbSaveRawString, rdbSaveLzfStringObject).
 */

import type { ByteSink } from './byte-sink.ts';
import { lzfCompress, lzfDecompress } from './lzf.ts';
import { RdbFormatError } from './rdb-format-error.ts';

export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;
export const STRING_INT8 = 0xc0;
export const STRING_INT16 = 0xc1;
export const STRING_INT32 = 0xc2;
export const STRING_LZF = 0xc3;

/** The longest decimal form that is tried as an integer: "-2147483648". */
const INTEGER_TEXT_MAX = 11;
/** Redis does not try to compress strings of this length or shorter. */
const UNCOMPRESSED_MAX = 20;
/** No LZF run makes more than 264 bytes out of 3: a plain size beyond that is a lie. */
const LZF_RATIO_MAX = 88;
const TWO_32 = 0x1_0000_0000;

/** `value`: a non-negative safe integer. */
export function writeLength(sink: ByteSink, value: number): void {
  if (value < 1 << 6) {
    sink.u8(value);
  } else if (value < 1 << 14) {
    sink.u8(0x40 | (value >>> 8));
    sink.u8(value & 0xff);
  } else if (value < TWO_32) {
    sink.u8(LENGTH_32);
    sink.u32be(value);
  } else {
    sink.u8(LENGTH_64);
    sink.u64be(value);
  }
}

/** A length up to 2^64 - 1 (stream IDs and counters). */
export function writeBigLength(sink: ByteSink, value: bigint): void {
  if (value < BigInt(TWO_32)) {
    writeLength(sink, Number(value));
  } else {
    sink.u8(LENGTH_64);
    sink.bigU64be(value);
  }
}

/**
 * The string source[start, end) in the form Redis would choose: integer when it is the decimal
 * form of an int32, LZF when `compress` is set, it is longer than 20 bytes and gets smaller, plain
 * otherwise.
 */
export function writeString(
  sink: ByteSink,
  source: Uint8Array,
  start: number,
  end: number,
  compress: boolean,
): void {
  const byteCount = end - start;
  if (byteCount <= INTEGER_TEXT_MAX) {
    const value = parseInt32(source, start, end);
    if (value !== undefined) {
      writeInt32String(sink, value);
      return;
    }
  } else if (compress && byteCount > UNCOMPRESSED_MAX) {
    if (writeLzfString(sink, source, start, end)) return;
  }
  writeLength(sink, byteCount);
  sink.copyFrom(source, start, end);
}

/** The decimal form of `value`, an integer that may lie beyond 32 bits, as a string. */
export function writeIntegerString(sink: ByteSink, value: number | bigint): void {
  if (typeof value === 'number' && (value | 0) === value) {
    writeInt32String(sink, value);
    return;
  }
  const text = value.toString();
  writeLength(sink, text.length);
  sink.latin1(text);
}

/** A double in eight bytes, as in zset2 (type 5). */
export function writeBinaryDouble(sink: ByteSink, value: number): void {
  sink.f64le(value);
}

/** A double as text, as in zset (type 3). Round-trips: JavaScript prints the shortest such form. */
export function writeAsciiDouble(sink: ByteSink, value: number): void {
  if (Number.isNaN(value)) sink.u8(253);
  else if (value === Number.POSITIVE_INFINITY) sink.u8(254);
  else if (value === Number.NEGATIVE_INFINITY) sink.u8(255);
  else {
    const text = Object.is(value, -0) ? '-0' : String(value);
    sink.u8(text.length);
    sink.latin1(text);
  }
}

function writeInt32String(sink: ByteSink, value: number): void {
  if ((value << 24) >> 24 === value) {
    sink.u8(STRING_INT8);
    sink.u8(value & 0xff);
  } else if ((value << 16) >> 16 === value) {
    sink.u8(STRING_INT16);
    sink.u16le(value);
  } else {
    sink.u8(STRING_INT32);
    sink.u32le(value);
  }
}

/** Returns false, and leaves the sink as it was, when compression does not pay. */
function writeLzfString(sink: ByteSink, source: Uint8Array, start: number, end: number): boolean {
  const byteCount = end - start;
  // The compressed size comes before the bytes, so they are written behind the largest possible
  // header (1 + 9 + 9) and moved back; a short move costs less than a second buffer.
  const headerMax = 19;
  const mark = sink.length;
  sink.reserve(headerMax + byteCount);
  const at = mark + headerMax;
  const { bytes } = sink;
  const compressed = lzfCompress(source, start, end, bytes, at, at + byteCount - 4);
  if (compressed === 0) return false;
  sink.u8(STRING_LZF);
  writeLength(sink, compressed);
  writeLength(sink, byteCount);
  bytes.copyWithin(sink.length, at, at + compressed);
  sink.length += compressed;
  return true;
}

/** The value of a canonical decimal int32 ("0", "-7", no "+1", "-0" or "007"), else undefined. */
export function parseInt32(source: Uint8Array, start: number, end: number): number | undefined {
  const negative = source[start] === 0x2d;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits < 1 || digits > 10) return undefined;
  if (source[first] === 0x30 && (negative || digits > 1)) return undefined;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = source[at] - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  if (negative) value = -value;
  return (value | 0) === value ? value : undefined;
}

/**
 * Reads the pieces one after another from bytes[position, end).
 *
 * A string is delivered in three fields, `spanBytes[spanStart, spanEnd)`, which point into the
 * input for a plain string and into a fresh buffer for an integer or an LZF string. They stay
 * valid as long as the input does, and are overwritten by the next read.
 */
export class RdbCursor {
  readonly bytes: Buffer;
  position: number;
  readonly end: number;
  spanBytes: Buffer;
  spanStart = 0;
  spanEnd = 0;

  constructor(bytes: Buffer, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
    this.spanBytes = bytes;
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.position++];
  }

  u32le(): number {
    const at = this.skip(4);
    return this.bytes.readUInt32LE(at);
  }

  i32le(): number {
    const at = this.skip(4);
    return this.bytes.readInt32LE(at);
  }

  bigU64le(): bigint {
    const at = this.skip(8);
    return this.bytes.readBigUInt64LE(at);
  }

  /** A signed 64-bit integer; beyond 2^53 it is rounded. */
  i64le(): number {
    const at = this.skip(8);
    return this.bytes.readInt32LE(at + 4) * TWO_32 + this.bytes.readUInt32LE(at);
  }

  /** Passes over `byteCount` bytes and returns where they begin. */
  skip(byteCount: number): number {
    this.#need(byteCount);
    const at = this.position;
    this.position = at + byteCount;
    return at;
  }

  /** A length; refused above 2^53 - 1, which no count and no size can reach. */
  length(): number {
    const at = this.position;
    const first = this.u8();
    if (first < 0x40) return first;
    if (first < 0x80) return ((first & 0x3f) << 8) | this.u8();
    if (first === LENGTH_32) return this.bytes.readUInt32BE(this.skip(4));
    if (first !== LENGTH_64) throw new RdbFormatError(`unknown length encoding ${first}`, at);
    const body = this.skip(8);
    const value = this.bytes.readUInt32BE(body) * TWO_32 + this.bytes.readUInt32BE(body + 4);
    if (value > Number.MAX_SAFE_INTEGER) throw new RdbFormatError('length out of range', at);
    return value;
  }

  /** A length of up to 64 bits (stream IDs and counters). */
  bigLength(): bigint {
    if (this.position < this.end && this.bytes[this.position] === LENGTH_64) {
      return this.bytes.readBigUInt64BE(this.skip(9) + 1);
    }
    return BigInt(this.length());
  }

  /** Reads a string into the span fields. */
  string(): void {
    const at = this.position;
    this.#need(1);
    const first = this.bytes[at];
    if (first < 0xc0) {
      const byteCount = this.length();
      const start = this.skip(byteCount);
      this.#span(this.bytes, start, start + byteCount);
    } else if (first === STRING_LZF) {
      this.#lzfString();
    } else {
      this.#integerString();
    }
  }

  /** Reads a string; the result shares memory with the input where it can. */
  stringBuffer(): Buffer {
    this.string();
    return this.spanBytes.subarray(this.spanStart, this.spanEnd);
  }

  binaryDouble(): number {
    return this.bytes.readDoubleLE(this.skip(8));
  }

  asciiDouble(): number {
    const at = this.position;
    const byteCount = this.u8();
    if (byteCount === 253) return Number.NaN;
    if (byteCount === 254) return Number.POSITIVE_INFINITY;
    if (byteCount === 255) return Number.NEGATIVE_INFINITY;
    const start = this.skip(byteCount);
    const text = this.bytes.toString('latin1', start, start + byteCount);
    // What Redis printed with %.17g or %lld; Number() alone would also take '', ' 1' and '0x1'.
    if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) {
      throw new RdbFormatError('not a number', at, JSON.stringify(text));
    }
    return Number(text);
  }

  #integerString(): void {
    const at = this.position;
    const kind = this.u8();
    let value: number;
    if (kind === STRING_INT8) value = this.bytes.readInt8(this.skip(1));
    else if (kind === STRING_INT16) value = this.bytes.readInt16LE(this.skip(2));
    else if (kind === STRING_INT32) value = this.bytes.readInt32LE(this.skip(4));
    else throw new RdbFormatError(`unknown string encoding ${kind}`, at);
    const text = Buffer.from(value.toString(), 'latin1');
    this.#span(text, 0, text.length);
  }

  #lzfString(): void {
    const at = this.position;
    this.position = at + 1;
    const compressed = this.length();
    const plain = this.length();
    const start = this.skip(compressed);
    if (plain > compressed * LZF_RATIO_MAX) {
      throw new RdbFormatError('corrupt LZF data', at, `${compressed} bytes cannot hold ${plain}`);
    }
    const text = Buffer.allocUnsafe(plain);
    lzfDecompress(this.bytes, start, this.position, text, 0, plain);
    this.#span(text, 0, plain);
  }

  #span(bytes: Buffer, start: number, end: number): void {
    this.spanBytes = bytes;
    this.spanStart = start;
    this.spanEnd = end;
  }

  #need(byteCount: number): void {
    if (this.position + byteCount > this.end) throw new RdbFormatError('truncated', this.end);
  }
}
