/**
 * Hashes between keyspace and RDB.
 *
 *     16  listpack        ├ listpack of field, value, … ┤                 small hashes
 *      4  hash            ├ fields ┼ field ┼ value ┼ … ┤                  large ones
 *     25  listpack ex     ├ earliest deadline ┼ listpack of field, value, deadline, … ┤
 *     24  metadata        ├ earliest deadline ┼ fields ┼ deadline ┼ field ┼ value ┼ … ┤
 *
 * The first two are what redis-server 7.0 loads; the others, which need 7.4, are written only when
 * a field has a deadline. In type 24 a deadline counts from the earliest, plus 1, and 0 means none;
 * in type 25 it is absolute, and fields with deadlines come first in their order. That is how core
 * keeps them, so packed hashes are copied as they are.
 *
 * Read are also type 13 (ziplist), 9 (zipmap), and 22 and 23, which pre-releases of 7.4 wrote:
 * without the earliest deadline, and with absolute ones.
 *
 * A hash is built outside the keyspace and added when it has turned out to be sound; otherwise it
 * is freed. Not sound: no fields, a field twice, a deadline that is none.
 *
 * Source: rdbSaveObject and rdbLoadObject of Redis 7.4.
 */

import {
  Block,
  ENCODING_SHIFT,
  HASH,
  HASH_BYTES,
  HASH_PACKED,
  HASH_VOLATILE,
  HASH_WIDE,
  HashValue,
  isSoundPackedHash,
  type Keyspace,
  offsetOf,
  pageOf,
  valueOffset,
} from '@hashlane/core';
import { ByteSink } from './byte-sink.ts';
import { type RdbCursor, writeLength } from './length-encoding.ts';
import { checkListpack, readListpack } from './listpack.ts';
import { ValueType } from './opcodes.ts';
import { asBytes, type ElementVisitor } from './packed-element.ts';
import type {
  DecodeTarget,
  EncodeTarget,
  ValueDecoder,
  ValueEncoder,
} from './value-codec-target.ts';
import { readZiplist } from './ziplist.ts';
import { readZipmap } from './zipmap.ts';

const LISTPACK_HEAD_BYTES = 6;
const LISTPACK_TAIL_BYTES = 1;
/** Redis refuses deadlines of more than 48 bits. */
const DEADLINE_MAX = 2 ** 48 - 1;

const hash = new HashValue();
/** Descriptor of the hash that is being built. */
const descriptor = Block.allocate(HASH_BYTES);
/** Pairs of a hash that has room for deadlines and none. */
const pairs = new ByteSink();

export const hashEncoder: ValueEncoder = {
  rdbType(keyspace: Keyspace, reference: number): ValueType {
    hash.open(keyspace.arena, reference);
    const isVolatile = hash.earliest !== Infinity;
    if (isTableInRedis()) return isVolatile ? ValueType.hashMetadata : ValueType.hash;
    return isVolatile ? ValueType.hashListpackEx : ValueType.hashListpack;
  },
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void {
    hash.open(keyspace.arena, reference);
    const { earliest } = hash;
    if (earliest !== Infinity) target.sink.u64le(earliest);
    if (isTableInRedis()) writeFields(target, earliest);
    else if (hash.form === HASH_VOLATILE && earliest === Infinity) writePairs(target);
    else {
      const { block, count, end, start } = hash.packed;
      target.listpack(block.bytes, start, end, count);
    }
  },
};

function isTableInRedis(): boolean {
  return hash.isTable || hash.form === HASH_WIDE;
}

function writeFields(target: EncodeTarget, earliest: number): void {
  writeLength(target.sink, hash.count);
  for (hash.rewind(); hash.advance(); ) {
    if (earliest !== Infinity) {
      const deadline = hash.deadline();
      writeLength(target.sink, deadline === Infinity ? 0 : deadline - earliest + 1);
    }
    const field = hash.fieldSpan();
    target.string(field.block.bytes, field.offset, field.offset + field.length);
    const value = hash.valueSpan();
    target.string(value.block.bytes, value.offset, value.offset + value.length);
  }
}

/** Every third entry is a deadline of 0 and left out. */
function writePairs(target: EncodeTarget): void {
  const { packed } = hash;
  pairs.reset();
  for (let at = packed.start; at < packed.end; ) {
    const third = packed.next(packed.next(at));
    pairs.copyFrom(packed.block.bytes, at, third);
    at = packed.next(third);
  }
  target.listpack(pairs.bytes, 0, pairs.length, 2 * hash.count);
}

/** Puts what the cursor holds into `hash`; false when it is unsound. May throw RdbFormatError. */
type HashReader = (cursor: RdbCursor, target: DecodeTarget) => boolean;

export const decodeHash: ValueDecoder = hashDecoder(readPairs);
export const decodeHashZipmap: ValueDecoder = hashDecoder(readZipmapPairs);
export const decodeHashZiplist: ValueDecoder = hashDecoder(readZiplistPairs);
export const decodeHashListpack: ValueDecoder = hashDecoder(readListpackPairs);
export const decodeHashMetadata: ValueDecoder = hashDecoder((cursor, target) =>
  readFields(cursor, target, cursor.i64le()),
);
export const decodeHashMetadataPreGa: ValueDecoder = hashDecoder((cursor, target) =>
  // Absolute deadlines are relative to 1, less the 1 that tells them from none.
  readFields(cursor, target, 1),
);
export const decodeHashListpackEx: ValueDecoder = hashDecoder((cursor, target) => {
  cursor.skip(8);
  return readListpackEx(cursor, target);
});
export const decodeHashListpackExPreGa: ValueDecoder = hashDecoder(readListpackEx);

function hashDecoder(read: HashReader): ValueDecoder {
  return (cursor, target) => {
    const { arena } = target.keyspace;
    hash.createAt(arena, descriptor, 0);
    let isSound = false;
    try {
      isSound = read(cursor, target) && cursor.atEnd && hash.count > 0;
    } finally {
      if (!isSound) hash.free();
    }
    return isSound ? insertHash(target) : 0;
  };
}

/** Adds the key with the hash that was built. */
function insertHash(target: DecodeTarget): number {
  const { keyspace, key, keyOffset, keyLength } = target;
  const { earliest, form } = hash;
  const reference = keyspace.insert(
    key,
    keyOffset,
    keyLength,
    target.hash,
    HASH,
    HASH_BYTES,
    false,
  );
  const page = keyspace.arena.pages[pageOf(reference)];
  descriptor.bytes.copy(page.bytes, valueOffset(page, offsetOf(reference)));
  keyspace.setMeta(reference, keyspace.metaOf(reference) | (form << ENCODING_SHIFT));
  if (earliest === Infinity) return reference;
  keyspace.findEntry(reference);
  return keyspace.expirePartsFoundAt(reference, earliest);
}

/** Adds a pair of spans; false when the field is there already. */
function put(
  target: DecodeTarget,
  field: Buffer,
  fieldStart: number,
  fieldEnd: number,
  value: Buffer,
  start: number,
  end: number,
): boolean {
  return hash.put(
    target.keyspace.host.settings,
    target.blockOf(field),
    field.byteOffset + fieldStart,
    fieldEnd - fieldStart,
    target.blockOf(value),
    value.byteOffset + start,
    end - start,
    false,
  );
}

/** Reads a field and its value into `hash`; false when the field is there already. */
function readPair(cursor: RdbCursor, target: DecodeTarget): boolean {
  cursor.string();
  const { spanBytes, spanEnd, spanStart } = cursor;
  cursor.string();
  return put(
    target,
    spanBytes,
    spanStart,
    spanEnd,
    cursor.spanBytes,
    cursor.spanStart,
    cursor.spanEnd,
  );
}

function readPairs(cursor: RdbCursor, target: DecodeTarget): boolean {
  for (let left = cursor.length(); left > 0; left--) if (!readPair(cursor, target)) return false;
  return true;
}

/** Pairs with a deadline before each: 0 for none, else relative to `base`, plus 1. */
function readFields(cursor: RdbCursor, target: DecodeTarget, base: number): boolean {
  for (let left = cursor.length(); left > 0; left--) {
    const relative = cursor.length();
    const at = cursor.position;
    if (!readPair(cursor, target)) return false;
    if (relative === 0) continue;
    const deadline = relative + base - 1;
    if (deadline < 1 || deadline > DEADLINE_MAX) return false;
    // The field is read once more, because `put` may have moved it.
    const end = cursor.position;
    cursor.position = at;
    const field = cursor.stringBuffer();
    cursor.position = end;
    hash.find(target.blockOf(field), field.byteOffset, field.length);
    hash.setDeadline(deadline);
  }
  return true;
}

/** Puts elements that come in turn: a field, its value. `isSound` is false after a field came twice. */
class PairVisitor {
  readonly visitor: ElementVisitor;
  isSound = true;
  #field: Buffer | undefined;

  constructor(target: DecodeTarget) {
    this.visitor = asBytes((bytes, start, end) => {
      const field = this.#field;
      if (field === undefined) {
        this.#field = Buffer.from(bytes.subarray(start, end));
        return;
      }
      this.#field = undefined;
      const isNew = put(target, field, 0, field.length, bytes, start, end);
      this.isSound = this.isSound && isNew;
    });
  }

  /** True when every field came once and has its value. */
  get isWhole(): boolean {
    return this.isSound && this.#field === undefined;
  }
}

function readZipmapPairs(cursor: RdbCursor, target: DecodeTarget): boolean {
  cursor.string();
  const pair = new PairVisitor(target);
  readZipmap(cursor.spanBytes, cursor.spanStart, cursor.spanEnd, pair.visitor);
  return pair.isWhole;
}

function readZiplistPairs(cursor: RdbCursor, target: DecodeTarget): boolean {
  cursor.string();
  const pair = new PairVisitor(target);
  readZiplist(cursor.spanBytes, cursor.spanStart, cursor.spanEnd, pair.visitor);
  return pair.isWhole;
}

function readListpackPairs(cursor: RdbCursor, target: DecodeTarget): boolean {
  fillFromListpack(cursor, target, HASH_PACKED);
  if (isSoundPackedHash(hash)) {
    hash.outgrow(target.keyspace.host.settings);
    return true;
  }
  // Perhaps its elements are only not in their shortest form.
  hash.free();
  hash.createAt(target.keyspace.arena, descriptor, 0);
  const pair = new PairVisitor(target);
  readListpack(cursor.spanBytes, cursor.spanStart, cursor.spanEnd, pair.visitor);
  return pair.isWhole;
}

function readListpackEx(cursor: RdbCursor, target: DecodeTarget): boolean {
  fillFromListpack(cursor, target, HASH_VOLATILE);
  if (!isSoundPackedHash(hash)) return false;
  hash.outgrow(target.keyspace.host.settings);
  return true;
}

/** Copies the entries of the listpack that comes next. */
function fillFromListpack(
  cursor: RdbCursor,
  target: DecodeTarget,
  form: typeof HASH_PACKED | typeof HASH_VOLATILE,
): void {
  cursor.string();
  const { spanBytes, spanEnd, spanStart } = cursor;
  const count = checkListpack(spanBytes, spanStart, spanEnd - spanStart);
  const bytes = spanEnd - spanStart - LISTPACK_HEAD_BYTES - LISTPACK_TAIL_BYTES;
  const offset = spanBytes.byteOffset + spanStart + LISTPACK_HEAD_BYTES;
  hash.fill(form, target.blockOf(spanBytes), offset, bytes, count);
}
