/**
 * Reads zipmaps, the packed hashes of Redis before 2.6.
 *
 *     ├ pairs: u8, 254 = unknown ┼ field ┼ value ┼ field ┼ value ┼ … ┼ 0xff ┤
 *     field = length ┼ bytes
 *     value = length ┼ unused bytes: u8 ┼ bytes ┼ that many bytes of nothing
 *
 * A length is one byte, or 254 and four bytes, little-endian.
 *
 * Source: zipmap.c of Redis (zipmapValidateIntegrity).
 */

import type { ElementVisitor } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';

const END = 0xff;
const BIG = 254;

/**
 * Visits field, value, field, value … of the zipmap in buffer[start, end) and returns the number
 * of pairs. Throws RdbFormatError, with the offset in `buffer`, when it is corrupt; pairs before
 * the fault have been visited by then.
 */
export function readZipmap(
  buffer: Buffer,
  start: number,
  end: number,
  visitor: ElementVisitor,
): number {
  if (end - start < 2) throw corrupt(start, 'shorter than its header');
  if (buffer[end - 1] !== END) throw corrupt(end - 1, 'no end mark');
  const last = end - 1;
  let pairs = 0;
  let at = start + 1;
  while (at < last) {
    const field = lengthEnd(buffer, at, last);
    const fieldEnd = within(field + lengthAt(buffer, at), at, last);
    const value = lengthEnd(buffer, fieldEnd, last) + 1;
    const valueEnd = within(value + lengthAt(buffer, fieldEnd), fieldEnd, last);
    const next = within(valueEnd + buffer[value - 1], fieldEnd, last);
    visitor.bytes(buffer, field, fieldEnd);
    visitor.bytes(buffer, value, valueEnd);
    at = next;
    pairs++;
  }
  if (buffer[start] < BIG && buffer[start] !== pairs) {
    throw corrupt(start, `${buffer[start]} pairs announced, ${pairs} found`);
  }
  return pairs;
}

/** Where the length at `at` ends, with at least one byte behind it before the end mark. */
function lengthEnd(buffer: Buffer, at: number, last: number): number {
  if (at >= last || buffer[at] === END) throw corrupt(at, 'a length is missing');
  const end = at + (buffer[at] < BIG ? 1 : 5);
  if (end > last) throw corrupt(at, 'an element leaves the blob');
  return end;
}

function lengthAt(buffer: Buffer, at: number): number {
  return buffer[at] < BIG ? buffer[at] : buffer.readUInt32LE(at + 1);
}

function within(position: number, offset: number, last: number): number {
  if (position > last) throw corrupt(offset, 'an element leaves the blob');
  return position;
}

function corrupt(offset: number, detail: string): RdbFormatError {
  return new RdbFormatError('corrupt zipmap', offset, detail);
}
