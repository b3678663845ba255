/**
 * Entries of Redis's listpack, byte for byte, read and written in place in any block.
 *
 *     entry = encoding and data ┼ size of "encoding and data", 7 bits per byte, readable backwards
 *
 *     0xxxxxxx                    integer 0–127
 *     10LLLLLL  bytes             string of 0–63 bytes
 *     110xxxxx xxxxxxxx           13-bit signed integer
 *     1110LLLL LLLLLLLL  bytes    string of 0–4095 bytes
 *     11110000 + u32  bytes       string
 *     11110001 … 11110100         integer of 16, 24, 32, 64 bits, little-endian, signed
 *
 * List nodes hold a run of such entries, without listpack's header and end mark. Elements in RESP
 * wire form would make ranges one copy, but cost 1.3–1.8 times Redis's memory where elements are
 * short. So nodes are packed as Redis's are (equal memory, and RDB and DUMP copy a node as it is),
 * and the wire form is a mirror that is kept only while a node is being range-read, see
 * list-mirror.ts and mirror-table.ts.
 *
 * Invariants: elements that are canonical 64-bit decimal integers are stored as integers, in the
 * smallest form; everything else is a string. An entry never takes more bytes than its text would
 * as a string.
 *
 * Cost: a few ns per entry, no allocation; integers of 16 and more digits take a slow way through
 * bigint. Nothing here checks its input: foreign bytes are checked by packages/rdb before.
 *
 * Source: listpack.c and listpack.h of Redis 7.
 */
import {
  type Block,
  copyBytes,
  decimalLength,
  equalBytes,
  type ReplyWriter,
  writeDecimal,
} from '@hashlane/resp';
import { isIntegerText, parseInteger } from './number-text.ts';

const TWO_32 = 0x1_0000_0000;
const STRING_6 = 0x80;
const INTEGER_13 = 0xc0;
const STRING_12 = 0xe0;
const STRING_32 = 0xf0;
const INTEGER_16 = 0xf1;
const INTEGER_24 = 0xf2;
const INTEGER_32 = 0xf3;
const INTEGER_64 = 0xf4;

/** Room for everything of a bulk string but its data, or for a bulk string of an integer. */
const WIRE_HEAD_BYTES_MAX = 32;

/** Bytes that the backward size of an entry takes whose encoding and data take `size`. */
function backBytes(size: number): number {
  // Redis counts 16383, 2097151 and 268435455 one byte longer than needed.
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  return size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

function writeBack(block: Block, at: number, size: number): number {
  const { bytes } = block;
  if (size <= 127) {
    bytes[at] = size;
    return (at + 1) | 0;
  }
  const end = at + backBytes(size);
  let rest = size;
  for (let i = end - 1; i > at; i--) {
    bytes[i] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at] = rest;
  return end;
}

/** Bytes that an entry takes beside its element, at most. */
export const ENTRY_OVERHEAD_BYTES_MAX = 10;

/** Could the element be an integer, by its first byte and length? */
export function looksInteger(source: Block, offset: number, length: number): boolean {
  if (length > 20 || length === 0) return false;
  const first = source.bytes[offset];
  return first <= 57 && (first >= 48 || first === 45);
}

/** A string of fewer than 64 bytes that begins like no number: the common case, kept small. */
function isShortText(source: Block, offset: number, length: number): boolean {
  return length < 64 && (length === 0 || source.view.getUint8(offset) > 57);
}

/** Encoding and data of an integer, in bytes. */
export function integerBytes(value: number): number {
  if (value >= 0 && value <= 127) return 1;
  if (value >= -4096 && value <= 4095) return 2;
  if (value >= -32768 && value <= 32767) return 3;
  if (value >= -8388608 && value <= 8388607) return 4;
  return value >= -2147483648 && value <= 2147483647 ? 5 : 9;
}

function stringHeadBytes(length: number): number {
  return length < 64 ? 1 : length < 4096 ? 2 : 5;
}

/** Bytes of the whole entry that `encodeEntry` would write for an element. */
export function encodedBytes(source: Block, offset: number, length: number): number {
  if (isShortText(source, offset, length)) return (length + 2) | 0;
  if (looksInteger(source, offset, length)) {
    const value = parseInteger(source, offset, length);
    if (!Number.isNaN(value)) return (integerBytes(value) + 1) | 0;
    if (length > 15 && isIntegerText(source, offset, length)) return 10;
  }
  const size = (stringHeadBytes(length) + length) | 0;
  return (size + backBytes(size)) | 0;
}

/** Writes an element as an entry at `at` of `target` and returns the offset after it. */
export function encodeEntry(
  target: Block,
  at: number,
  source: Block,
  offset: number,
  length: number,
): number {
  if (isShortText(source, offset, length)) {
    target.view.setUint8(at, STRING_6 | length);
    copyBytes(target, (at + 1) | 0, source, offset, length);
    const end = (at + length + 1) | 0;
    target.view.setUint8(end, (length + 1) | 0);
    return (end + 1) | 0;
  }
  return encodeOther(target, at, source, offset, length);
}

function encodeOther(
  target: Block,
  at: number,
  source: Block,
  offset: number,
  length: number,
): number {
  if (looksInteger(source, offset, length)) {
    const value = parseInteger(source, offset, length);
    if (!Number.isNaN(value)) return encodeInteger(target, at, value);
    if (length > 15 && isIntegerText(source, offset, length)) {
      const text = source.bytes.latin1Slice(offset, offset + length);
      target.bytes[at] = INTEGER_64;
      target.view.setBigInt64(at + 1, BigInt(text), true);
      return writeBack(target, at + 9, 9);
    }
  }
  const { bytes } = target;
  const head = stringHeadBytes(length);
  if (head === 1) bytes[at] = STRING_6 | length;
  else if (head === 2) {
    bytes[at] = STRING_12 | (length >> 8);
    bytes[at + 1] = length & 0xff;
  } else {
    bytes[at] = STRING_32;
    target.view.setUint32(at + 1, length, true);
  }
  copyBytes(target, (at + head) | 0, source, offset, length);
  return writeBack(target, (at + head + length) | 0, (head + length) | 0);
}

/** Writes a safe integer as an entry at `at` of `target` and returns the offset after it. */
export function encodeInteger(target: Block, at: number, value: number): number {
  const { bytes, view } = target;
  const size = integerBytes(value);
  if (size === 1) bytes[at] = value;
  else if (size === 2) {
    bytes[at] = INTEGER_13 | ((value >> 8) & 0x1f);
    bytes[at + 1] = value & 0xff;
  } else if (size === 3) {
    bytes[at] = INTEGER_16;
    view.setInt16(at + 1, value, true);
  } else if (size === 4) {
    bytes[at] = INTEGER_24;
    view.setInt16(at + 1, value & 0xffff, true);
    bytes[at + 3] = (value >> 16) & 0xff;
  } else if (size === 5) {
    bytes[at] = INTEGER_32;
    view.setInt32(at + 1, value, true);
  } else {
    bytes[at] = INTEGER_64;
    view.setUint32(at + 1, value >>> 0, true);
    view.setInt32(at + 5, Math.floor(value / TWO_32), true);
  }
  bytes[at + size] = size;
  return (at + size + 1) | 0;
}

/** Encoding and data of the entry at `at`, in bytes: the entry without its backward size. */
function bodyBytes(block: Block, at: number): number {
  const first = block.view.getUint8(at);
  if (first < 0x80) return 1;
  if (first < 0xc0) return (1 + (first & 0x3f)) | 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return (2 + (((first & 0x0f) << 8) | block.bytes[at + 1])) | 0;
  if (first === STRING_32) return (5 + block.view.getUint32(at + 1, true)) | 0;
  return first === INTEGER_64 ? 9 : (first - INTEGER_16 + 3) | 0;
}

/** Offset after the entry at `at`. */
export function nextEntry(block: Block, at: number): number {
  const size = bodyBytes(block, at);
  return (at + size + backBytes(size)) | 0;
}

/** Offset of the entry that ends at `end`. */
export function previousEntry(block: Block, end: number): number {
  const last = block.view.getUint8((end - 1) | 0);
  if (last < 128) return (end - 1 - last) | 0;
  const { bytes } = block;
  let at = end - 1;
  let size = last & 127;
  for (let shift = 7; (bytes[at] & 128) !== 0; shift += 7) {
    at--;
    size |= (bytes[at] & 127) << shift;
  }
  return (at - size) | 0;
}

/** True when the entry holds an integer, false when it holds a string. */
export function isIntegerEntry(block: Block, at: number): boolean {
  const first = block.bytes[at];
  return first < 0x80 || first > STRING_32 || (first >= INTEGER_13 && first < STRING_12);
}

/** Offset of the bytes of a string entry. */
export function stringOffset(block: Block, at: number): number {
  const first = block.bytes[at];
  return (at + (first < 0xc0 ? 1 : first === STRING_32 ? 5 : 2)) | 0;
}

/** Number of bytes of a string entry's string. */
export function stringLength(block: Block, at: number): number {
  return (bodyBytes(block, at) - (stringOffset(block, at) - at)) | 0;
}

/** Value of an integer entry; NaN when it is beyond ±2^53, see `bigIntegerAt`. */
export function integerAt(block: Block, at: number): number {
  const { bytes, view } = block;
  const first = bytes[at];
  if (first < 0x80) return first;
  if (first < STRING_12) return ((((first & 0x1f) << 8) | bytes[at + 1]) << 19) >> 19;
  if (first === INTEGER_16) return view.getInt16(at + 1, true);
  if (first === INTEGER_24) {
    return view.getUint16(at + 1, true) | (view.getInt8(at + 3) << 16);
  }
  if (first === INTEGER_32) return view.getInt32(at + 1, true);
  const value = view.getInt32(at + 5, true) * TWO_32 + view.getUint32(at + 1, true);
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** Value of a 64-bit integer entry. */
export function bigIntegerAt(block: Block, at: number): bigint {
  return block.view.getBigInt64(at + 1, true);
}

/** Characters of an integer's decimal text. */
function decimalBytes(value: number): number {
  if (value >= 0 && value <= 0x3fffffff) return decimalLength(value);
  if (value < 0 && value >= -0x3fffffff) return (decimalLength(-value) + 1) | 0;
  return String(value).length;
}

/** Length in bytes of the element (an integer's text, or the string) of the entry at `at`. */
export function elementLength(block: Block, at: number): number {
  if (!isIntegerEntry(block, at)) return stringLength(block, at);
  const value = integerAt(block, at);
  return Number.isNaN(value) ? bigIntegerAt(block, at).toString().length : decimalBytes(value);
}

/**
 * Writes the entry's element (an integer's text, or the string) at `to` of `target` and returns the
 * offset after it. The caller has made sure of the room: `elementLength`.
 */
export function writeElement(target: Block, to: number, block: Block, at: number): number {
  if (isIntegerEntry(block, at)) return writeIntegerText(target, to, block, at);
  const length = stringLength(block, at);
  copyBytes(target, to, block, stringOffset(block, at), length);
  return (to + length) | 0;
}

function writeIntegerText(target: Block, to: number, block: Block, at: number): number {
  const value = integerAt(block, at);
  if (Number.isNaN(value)) {
    return to + target.bytes.latin1Write(bigIntegerAt(block, at).toString(), to);
  }
  return writeDecimal(target.bytes, to, value);
}

/** True when the entry has the form and size that `encodeEntry` would give its element. */
export function isCanonicalEntry(block: Block, at: number): boolean {
  const bytes = nextEntry(block, at) - at;
  if (!isIntegerEntry(block, at)) {
    return bytes === encodedBytes(block, stringOffset(block, at), stringLength(block, at));
  }
  const value = integerAt(block, at);
  return bytes === (Number.isNaN(value) ? 9 : integerBytes(value)) + 1;
}

/** Bytes of the entry's element as a RESP bulk string. */
export function wireBytes(block: Block, at: number): number {
  const length = elementLength(block, at);
  return (length + decimalLength(length) + 5) | 0;
}

/**
 * Writes the entry's element as a RESP bulk string at `to` of `target` and returns the offset after
 * it. The caller has made sure of the room: `wireBytes`.
 */
export function writeWire(target: Block, to: number, block: Block, at: number): number {
  if (isIntegerEntry(block, at)) return writeIntegerWire(target, to, block, at);
  const length = stringLength(block, at);
  const data = writeWireHead(target, to, length);
  copyBytes(target, data, block, stringOffset(block, at), length);
  return writeLineEnd(target, (data + length) | 0);
}

function writeWireHead(target: Block, to: number, length: number): number {
  const { bytes, view } = target;
  if (length < 10) {
    view.setInt32(to, 0x0a0d3024 + (length << 8), true);
    return (to + 4) | 0;
  }
  bytes[to] = 36;
  return writeLineEnd(target, writeDecimal(bytes, (to + 1) | 0, length));
}

function writeLineEnd(target: Block, to: number): number {
  target.bytes[to] = 13;
  target.bytes[(to + 1) | 0] = 10;
  return (to + 2) | 0;
}

function writeIntegerWire(target: Block, to: number, block: Block, at: number): number {
  const value = integerAt(block, at);
  if (Number.isNaN(value)) {
    const text = bigIntegerAt(block, at).toString();
    return to + target.bytes.latin1Write(`$${text.length}\r\n${text}\r\n`, to);
  }
  const data = writeWireHead(target, to, decimalBytes(value));
  return writeLineEnd(target, writeDecimal(target.bytes, data, value));
}

/** Replies the entry's element as a bulk string. */
export function writeBulk(reply: ReplyWriter, block: Block, at: number): void {
  const head = block.view.getUint8(at) ^ STRING_6;
  if (head < 64 && at + SHORT_READ_BYTES <= block.bytes.length) {
    reply.reserve(SHORT_WIRE_BYTES);
    reply.position = writeShort(reply.block, reply.position, block, (at + 1) | 0, head);
    return;
  }
  reply.reserve(bodyBytes(block, at) + WIRE_HEAD_BYTES_MAX);
  reply.position = writeWire(reply.block, reply.position, block, at);
}

/** Room that `writeShort` needs at its target, and bytes that it may read from an entry. */
const SHORT_WIRE_BYTES = 80;
const SHORT_READ_BYTES = 72;

/**
 * Writes a bulk string of fewer than 64 bytes. Copies whole words, so it reads and writes up to
 * 7 bytes too many: what it wrote too much is overwritten by what follows.
 */
function writeShort(
  target: Block,
  to: number,
  source: Block,
  offset: number,
  length: number,
): number {
  const { view } = target;
  let data = (to + 4) | 0;
  if (length < 10) {
    view.setInt32(to, (0x0a0d3024 + (length << 8)) | 0, true);
  } else {
    const tens = (length / 10) | 0;
    view.setInt32(to, (0x0d303024 + (tens << 8) + ((length - tens * 10) << 16)) | 0, true);
    view.setUint8(data, 10);
    data = (data + 1) | 0;
  }
  const from = source.view;
  for (let i = 0; i < length; i = (i + 8) | 0) {
    view.setBigInt64((data + i) | 0, from.getBigInt64((offset + i) | 0, true), true);
  }
  const end = (data + length) | 0;
  view.setInt16(end, 0x0a0d, true);
  return (end + 2) | 0;
}

/** Replies `count` entries from `at` on as bulk strings. */
export function writeBulks(reply: ReplyWriter, block: Block, at: number, count: number): void {
  const { view } = block;
  const readable = (view.byteLength - SHORT_READ_BYTES) | 0;
  let target = reply.block;
  let writable = (target.bytes.length - SHORT_WIRE_BYTES) | 0;
  let to = reply.position | 0;
  let entry = at | 0;
  for (let left = count | 0; left > 0; left = (left - 1) | 0) {
    const first = view.getUint8(entry);
    if (to > writable || entry > readable || first >= INTEGER_13) {
      reply.position = to;
      writeBulk(reply, block, entry);
      target = reply.block;
      writable = (target.bytes.length - SHORT_WIRE_BYTES) | 0;
      to = reply.position | 0;
      entry = nextEntry(block, entry);
    } else if (first >= STRING_6) {
      const length = first ^ STRING_6;
      to = writeShort(target, to, block, (entry + 1) | 0, length);
      entry = (entry + length + 2) | 0;
    } else {
      to = writeWireHead(target, to, decimalLength(first));
      to = writeLineEnd(target, writeDecimal(target.bytes, to, first));
      entry = (entry + 2) | 0;
    }
  }
  reply.position = to;
}

/** An element to look for, parsed once. A reused object: `set` before each search. */
export class Needle {
  #block: Block | undefined;
  #offset = 0;
  #length = 0;
  /** Value when the element is an integer of up to 15 digits, else NaN. */
  #value = Number.NaN;
  /** Value when it is an integer of more digits. */
  #bigValue: bigint | undefined;
  /**
   * First byte that an entry with this element has, for a string of fewer than 64 bytes that is no
   * integer: what most elements are, and found the fastest. −1 for others.
   */
  shortHead = -1;
  /** The last four bytes of its entry before the size, as a word; not for fewer than three of its own. */
  shortTail = 0;

  set(block: Block, offset: number, length: number): this {
    this.#block = block;
    this.#offset = offset;
    this.#length = length;
    this.#value = parseInteger(block, offset, length);
    this.#bigValue = undefined;
    this.shortHead = length < 64 && Number.isNaN(this.#value) ? STRING_6 | length : -1;
    if (this.shortHead >= 0) {
      const { view } = block;
      if (length > 3) this.shortTail = view.getInt32((offset + length - 4) | 0, true);
      else if (length === 3) {
        const last = view.getUint16((offset + 1) | 0, true);
        this.shortTail = this.shortHead | (view.getUint8(offset) << 8) | (last << 16);
      }
    }
    if (length > 15 && Number.isNaN(this.#value) && isIntegerText(block, offset, length)) {
      this.#bigValue = BigInt(block.bytes.latin1Slice(offset, offset + length));
      this.shortHead = -1;
    }
    return this;
  }

  /** True when the entry at `at` holds this element. */
  equalsEntry(block: Block, at: number): boolean {
    if (isIntegerEntry(block, at)) {
      if (this.#bigValue === undefined) return integerAt(block, at) === this.#value;
      return block.bytes[at] === INTEGER_64 && bigIntegerAt(block, at) === this.#bigValue;
    }
    const length = stringLength(block, at);
    return this.equalsBytes(block, stringOffset(block, at), length);
  }

  /** True when the span holds this element, as bytes. */
  equalsBytes(block: Block, offset: number, length: number): boolean {
    if (length !== this.#length || this.#block === undefined) return false;
    return equalBytes(block, offset, this.#block, this.#offset, length);
  }
}
