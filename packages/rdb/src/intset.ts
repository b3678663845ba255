/**
 * Reads intsets, the packed form of small sets of integers.
 *
 *     ├ bytes per integer: u32, 2, 4 or 8 ┼ integers: u32 ┼ integer ┼ … ┤
 *
 * All little-endian; the integers are signed and ascend strictly, which is checked, so that a
 * reader need not look for duplicates.
 *
 * Source: intset.c of Redis (intsetValidateIntegrity).
 */

import { type ElementVisitor, visitInt64 } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';

const HEADER_BYTES = 8;

/**
 * Visits the integers of the intset in buffer[start, end) and returns their number. Throws
 * RdbFormatError, with the offset in `buffer`, when it is corrupt: before the first visit when
 * the sizes are wrong, in between when the order is.
 */
export function readIntset(
  buffer: Buffer,
  start: number,
  end: number,
  visitor: ElementVisitor,
): number {
  if (end - start < HEADER_BYTES) throw corrupt(start, 'shorter than its header');
  const width = buffer.readUInt32LE(start);
  const count = buffer.readUInt32LE(start + 4);
  if (width !== 2 && width !== 4 && width !== 8) throw corrupt(start, `width ${width}`);
  if (HEADER_BYTES + count * width !== end - start) throw corrupt(start + 4, 'wrong size');
  if (width === 8) return readWide(buffer, start + HEADER_BYTES, end, visitor);
  let previous = Number.NEGATIVE_INFINITY;
  for (let at = start + HEADER_BYTES; at < end; at += width) {
    const value = buffer.readIntLE(at, width);
    if (value <= previous) throw corrupt(at, 'not in order');
    visitor.integer(value);
    previous = value;
  }
  return count;
}

function readWide(buffer: Buffer, start: number, end: number, visitor: ElementVisitor): number {
  for (let at = start; at < end; at += 8) {
    if (at > start && buffer.readBigInt64LE(at) <= buffer.readBigInt64LE(at - 8)) {
      throw corrupt(at, 'not in order');
    }
    visitInt64(buffer, at, visitor);
  }
  return (end - start) / 8;
}

function corrupt(offset: number, detail: string): RdbFormatError {
  return new RdbFormatError('corrupt intset', offset, detail);
}
