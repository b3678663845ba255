/**
 * Strings between keyspace and RDB: type 0, one string item (plain, integer or LZF).
 *
 * Encoding copies the bytes once, from the arena to the sink. Decoding copies a plain string once,
 * from the chunk to the arena; a large LZF string is decompressed into the memory that becomes the
 * value, and not copied at all.
 *
 * Core keeps integers as digits, so integers have no special form here beyond the item's own.
 */

import {
  Block,
  insertString,
  type Keyspace,
  META,
  NO_DEADLINE,
  offsetOf,
  pageOf,
  STRING,
  StringSpan,
  VALUE_APART,
  VALUE_LENGTH,
  valueOffset,
} from '@hashlane/core';
import type { RdbCursor } from './length-encoding.ts';
import { ValueType } from './opcodes.ts';
import type { DecodeTarget, EncodeTarget, ValueEncoder } from './value-codec-target.ts';

/** Decompressed strings from this size on become the value without a copy. */
const ADOPTED_BYTES_MIN = 128 * 1024;

const span = new StringSpan();

export const stringEncoder: ValueEncoder = {
  rdbType: () => ValueType.string,
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void {
    span.locate(keyspace.arena, reference);
    target.string(span.block.bytes, span.offset, span.offset + span.length);
  },
};

export function decodeString(cursor: RdbCursor, target: DecodeTarget): number {
  cursor.string();
  if (!cursor.atEnd) return 0;
  const { spanBytes, spanStart, spanEnd } = cursor;
  const length = spanEnd - spanStart;
  const isOwned = spanBytes.buffer !== cursor.bytes.buffer;
  if (isOwned && length >= ADOPTED_BYTES_MIN && spanBytes.buffer.byteLength === length) {
    return adoptString(spanBytes, target);
  }
  const { keyspace, key, keyOffset, keyLength, hash } = target;
  const source = target.blockOf(spanBytes);
  const offset = spanBytes.byteOffset + spanStart;
  return insertString(
    keyspace,
    key,
    keyOffset,
    keyLength,
    hash,
    source,
    offset,
    length,
    NO_DEADLINE,
  );
}

/** Adds a string whose bytes are the whole of a buffer that nobody else will use. */
function adoptString(bytes: Buffer, target: DecodeTarget): number {
  const { keyspace, key, keyOffset, keyLength, hash } = target;
  const { arena } = keyspace;
  const apart = arena.adopt(new Block(bytes));
  const reference = keyspace.insert(key, keyOffset, keyLength, hash, STRING, 4, false);
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  page.view.setInt32(entry + META, page.view.getInt32(entry + META, true) | VALUE_APART, true);
  page.view.setInt32(entry + VALUE_LENGTH, bytes.length, true);
  page.view.setInt32(valueOffset(page, entry), apart, true);
  return reference;
}
