/**
 * Reads ziplists, the packed sequence of dumps before Redis 7.
 *
 *     ├ total bytes: u32 ┼ offset of last entry: u32 ┼ entries: u16 ┼ entry ┼ … ┼ 0xff ┤
 *     entry = size of the entry before ┼ encoding ┼ data
 *
 * The size before is one byte, or 254 and four bytes, little-endian. The encodings:
 *
 *     00LLLLLL  bytes                     string of 0–63 bytes
 *     01LLLLLL LLLLLLLL  bytes            string of 0–16383 bytes
 *     10000000 + u32 big-endian  bytes    string
 *     11000000, 11010000, 11100000        integer of 16, 32, 64 bits, little-endian, signed
 *     11110000, 11111110                  integer of 24, 8 bits
 *     1111xxxx, x in 1–13                 integer x - 1
 *
 * Checked while walking: sizes, the chain of backward sizes, the offset of the last entry, the
 * count (65535 means unknown) and the end mark. Corruption throws RdbFormatError with the offset
 * in `buffer`; `checkZiplist` finds it without visiting anything.
 *
 * Source: ziplist.c of Redis (ziplistValidateIntegrity).
 */

import { type ElementVisitor, visitInt64 } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';

const HEADER_BYTES = 10;
const COUNT_UNKNOWN = 0xffff;
const END = 0xff;
const BIG_PREVIOUS = 254;

/** Visits the elements of the ziplist in buffer[start, end) and returns their number. */
export function readZiplist(
  buffer: Buffer,
  start: number,
  end: number,
  visitor: ElementVisitor,
): number {
  return walkZiplist(buffer, start, end, visitor);
}

/** Checks the ziplist in buffer[offset, offset + length); returns the number of its elements. */
export function checkZiplist(buffer: Buffer, offset: number, length: number): number {
  return walkZiplist(buffer, offset, offset + length, undefined);
}

function walkZiplist(
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
  let previousBytes = 0;
  let at = start + HEADER_BYTES;
  let lastEntry = at;
  while (at < last) {
    const encoding = at + checkPrevious(buffer, at, previousBytes, last);
    const next = encoding + entryBytes(buffer, encoding, last);
    if (visitor !== undefined) visitEntry(buffer, encoding, next, visitor);
    previousBytes = next - at;
    lastEntry = at;
    at = next;
    count++;
  }
  checkHeader(buffer, start, lastEntry, count);
  return count;
}

function checkHeader(buffer: Buffer, start: number, lastEntry: number, count: number): void {
  const announced = buffer.readUInt16LE(start + 8);
  if (announced !== COUNT_UNKNOWN && announced !== count) {
    throw corrupt(start + 8, `${announced} elements announced, ${count} found`);
  }
  if (buffer.readUInt32LE(start + 4) !== lastEntry - start) {
    throw corrupt(start + 4, 'wrong offset of the last element');
  }
}

/** Compares the backward size at `at` with `expected`; returns how many bytes it takes. */
function checkPrevious(buffer: Buffer, at: number, expected: number, last: number): number {
  const byteCount = buffer[at] < BIG_PREVIOUS ? 1 : 5;
  if (at + byteCount >= last) throw corrupt(at, 'an element leaves the blob');
  // The long form is allowed for small sizes too: Redis leaves it when an entry shrinks.
  const found = byteCount === 1 ? buffer[at] : buffer.readUInt32LE(at + 1);
  if (buffer[at] === END || found !== expected) throw corrupt(at, 'wrong backward size');
  return byteCount;
}

/** Size of encoding and data; they end at `last` at most. */
function entryBytes(buffer: Buffer, at: number, last: number): number {
  const first = buffer[at];
  let size: number;
  if (first < 0x40) size = 1 + first;
  else if (first < 0x80) size = at + 2 > last ? 2 : 2 + (((first & 0x3f) << 8) | buffer[at + 1]);
  else if (first === 0x80) size = at + 5 > last ? 5 : 5 + buffer.readUInt32BE(at + 1);
  else size = 1 + integerBytes(first, at);
  if (at + size > last) throw corrupt(at, 'an element leaves the blob');
  return size;
}

function integerBytes(first: number, at: number): number {
  if (first === 0xc0) return 2;
  if (first === 0xd0) return 4;
  if (first === 0xe0) return 8;
  if (first === 0xf0) return 3;
  if (first === 0xfe) return 1;
  if (first > 0xf0 && first < 0xfe) return 0;
  throw corrupt(at, `unknown encoding ${first}`);
}

/** The entry lies in buffer[at, next), checked. */
function visitEntry(buffer: Buffer, at: number, next: number, visitor: ElementVisitor): void {
  const first = buffer[at];
  if (first < 0x40) visitor.bytes(buffer, at + 1, next);
  else if (first < 0x80) visitor.bytes(buffer, at + 2, next);
  else if (first === 0x80) visitor.bytes(buffer, at + 5, next);
  else if (first === 0xe0) visitInt64(buffer, at + 1, visitor);
  else if (first > 0xf0 && first < 0xfe) visitor.integer((first & 0x0f) - 1);
  else visitor.integer(buffer.readIntLE(at + 1, next - at - 1));
}

function corrupt(offset: number, detail: string): RdbFormatError {
  return new RdbFormatError('corrupt ziplist', offset, detail);
}
