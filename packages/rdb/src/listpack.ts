/**
 * Reads listpacks, the packed sequence of Redis 7's small hashes, sets, sorted sets, list nodes
 * and of stream nodes.
 *
 *     ├ total bytes: u32 ┼ elements: u16 ┼ entry ┼ entry ┼ … ┼ 0xff ┤
 *     entry = encoding and data ┼ size of "encoding and data", 7 bits per byte, readable backwards
 *
 *     0xxxxxxx                    integer 0–127
 *     10LLLLLL  bytes             string of 0–63 bytes
 *     110xxxxx xxxxxxxx           13-bit signed integer
 *     1110LLLL LLLLLLLL  bytes    string of 0–4095 bytes
 *     11110000 + u32  bytes       string
 *     11110001 … 11110100         integer of 16, 24, 32, 64 bits, little-endian, signed
 *     11111111                    end
 *
 * The element count is 65535 when there are more than fit; then only a walk tells.
 *
 * Everything is checked while walking: sizes against the blob, the backward sizes against the
 * forward ones, the count, the end mark in the last byte. A corrupt blob throws RdbFormatError
 * with the offset in `buffer`; elements before the fault have been visited by then, so a caller
 * that must not see half a value runs `checkListpack` first.
 *
 * Source: listpack.c and listpack.h of Redis 7.
 */

import { type ElementVisitor, visitInt64 } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';

const HEADER_BYTES = 6;
const COUNT_UNKNOWN = 0xffff;
const END = 0xff;

/** Visits the elements of the listpack in buffer[start, end) and returns their number. */
export function readListpack(
  buffer: Buffer,
  start: number,
  end: number,
  visitor: ElementVisitor,
): number {
  return walkListpack(buffer, start, end, visitor);
}

/**
 * Checks the listpack in buffer[offset, offset + length) throughout and returns the number of its
 * elements. Throws RdbFormatError when it is corrupt.
 */
export function checkListpack(buffer: Buffer, offset: number, length: number): number {
  return walkListpack(buffer, offset, offset + length, undefined);
}

function walkListpack(
  buffer: Buffer,
  start: number,
  end: number,
  visitor: ElementVisitor | undefined,
): number {
  if (end - start < HEADER_BYTES + 1) throw corrupt(start, 'shorter than its header');
  if (buffer.readUInt32LE(start) !== end - start) throw corrupt(start, 'wrong size in header');
  if (buffer[end - 1] !== END) throw corrupt(end - 1, 'no end mark');
  const last = end - 1;
  let count = 0;
  let at = start + HEADER_BYTES;
  while (at < last) {
    const next = at + entryBytes(buffer, at, last);
    const backBytes = checkBackLength(buffer, next, next - at, last);
    if (visitor !== undefined) visitEntry(buffer, at, next, visitor);
    at = next + backBytes;
    count++;
  }
  const announced = buffer.readUInt16LE(start + 4);
  if (announced !== COUNT_UNKNOWN && announced !== count) {
    throw corrupt(start + 4, `${announced} elements announced, ${count} found`);
  }
  return count;
}

/** Size of the entry's encoding and data; it ends at `last` at most. */
function entryBytes(buffer: Buffer, at: number, last: number): number {
  const first = buffer[at];
  let size: number;
  if (first < 0x80) size = 1;
  else if (first < 0xc0) size = 1 + (first & 0x3f);
  else if (first < 0xe0) size = 2;
  else if (first < 0xf0) size = at + 2 > last ? 2 : 2 + (((first & 0x0f) << 8) | buffer[at + 1]);
  else if (first === 0xf0) size = at + 5 > last ? 5 : 5 + buffer.readUInt32LE(at + 1);
  else if (first <= 0xf3) size = first - 0xf1 + 3;
  else if (first === 0xf4) size = 9;
  else throw corrupt(at, `unknown encoding ${first}`);
  if (at + size > last) throw corrupt(at, 'an element leaves the blob');
  return size;
}

/** Compares the backward size at `at` with `expected`; returns how many bytes it takes. */
function checkBackLength(buffer: Buffer, at: number, expected: number, last: number): number {
  const byteCount = backLengthBytes(expected);
  if (at + byteCount > last) throw corrupt(at, 'an element leaves the blob');
  let rest = expected;
  for (let index = byteCount - 1; index >= 0; index--) {
    const more = index === 0 ? 0 : 0x80;
    if (buffer[at + index] !== ((rest & 0x7f) | more)) throw corrupt(at, 'wrong backward size');
    rest = rest >>> 7;
  }
  return byteCount;
}

/** Redis gives 16383, 2097151 and 268435455 a byte more than they need. */
function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16_383) return 2;
  if (size < 2_097_151) return 3;
  return size < 268_435_455 ? 4 : 5;
}

/** The entry lies in buffer[at, next), checked. */
function visitEntry(buffer: Buffer, at: number, next: number, visitor: ElementVisitor): void {
  const first = buffer[at];
  if (first < 0x80) visitor.integer(first);
  else if (first < 0xc0) visitor.bytes(buffer, at + 1, next);
  else if (first < 0xe0) visitor.integer(((((first & 0x1f) << 8) | buffer[at + 1]) << 19) >> 19);
  else if (first < 0xf0) visitor.bytes(buffer, at + 2, next);
  else if (first === 0xf0) visitor.bytes(buffer, at + 5, next);
  else if (first === 0xf4) visitInt64(buffer, at + 1, visitor);
  else visitor.integer(buffer.readIntLE(at + 1, first - 0xf1 + 2));
}

function corrupt(offset: number, detail: string): RdbFormatError {
  return new RdbFormatError('corrupt listpack', offset, detail);
}
