/**
 * Sorted sets between keyspace and RDB. Written, so that redis-server 7.0 can read it, as
 *
 *     type 17   ├ listpack of member, score, …, as a string ┤          small sets: a copy
 *     type 5    ├ members ┼ member ┼ score, 8 bytes ┼ … ┤              large ones
 *
 * The large form goes from the highest score down, as Redis writes it. Read are also type 3 (scores
 * as text) and type 12 (a ziplist). The form of a set that was read follows from its members and
 * the thresholds. Pairs may come in any order.
 *
 * Decoding builds the set with a descriptor outside the arena, and only when the value has turned
 * out to be sound the key is added; if it is not, the set is freed and no trace is left. Empty sets,
 * members that come twice and scores that are no numbers are refused.
 *
 * Cost: O(1) per pair that comes in order into a small set, O(log n) into a large one.
 */

import {
  ALWAYS_LARGE,
  Block,
  type Keyspace,
  offsetOf,
  pageOf,
  parseFloatText,
  valueOffset,
  ZSET,
  ZSET_BYTES,
  ZsetValue,
} from '@hashlane/core';
import { type RdbCursor, writeBinaryDouble, writeLength } from './length-encoding.ts';
import { checkListpack, readListpack } from './listpack.ts';
import { ValueType } from './opcodes.ts';
import type { ElementVisitor } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import type {
  DecodeTarget,
  EncodeTarget,
  ValueDecoder,
  ValueEncoder,
} from './value-codec-target.ts';
import { checkZiplist, readZiplist } from './ziplist.ts';

/** "-9223372036854775808" */
const INTEGER_TEXT_BYTES_MAX = 20;

const zset = new ZsetValue();
/** Descriptor of the set that is being built. */
const descriptor = Block.allocate(ZSET_BYTES);
/** Members so far, while the set that is being built is small. */
const seen = new Set<string>();

export const zsetEncoder: ValueEncoder = {
  rdbType: (keyspace, reference) =>
    open(keyspace, reference).packed === undefined ? ValueType.zset2 : ValueType.zsetListpack,
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void {
    const { length, packed } = open(keyspace, reference);
    if (packed !== undefined) {
      target.listpack(packed.block.bytes, packed.start, packed.end, packed.count);
      return;
    }
    writeLength(target.sink, length);
    for (let isHere = zset.seek(length - 1); isHere; isHere = zset.stepBackward()) {
      zset.locateMember();
      const { memberBlock, memberLength, memberOffset } = zset;
      target.string(memberBlock.bytes, memberOffset, memberOffset + memberLength);
      writeBinaryDouble(target.sink, zset.score);
    }
  },
};

function open(keyspace: Keyspace, reference: number): ZsetValue {
  return zset.open(keyspace.arena, reference, keyspace.host.settings);
}

/** Adds what the cursor holds to `zset`. Throws RdbFormatError where it is unsound. */
type ZsetReader = (cursor: RdbCursor, target: DecodeTarget) => void;

export const decodeZset: ValueDecoder = zsetDecoder((cursor, target) => {
  readPairs(cursor, target, () => cursor.asciiDouble());
});
export const decodeZset2: ValueDecoder = zsetDecoder((cursor, target) => {
  readPairs(cursor, target, () => cursor.binaryDouble());
});
export const decodeZsetListpack: ValueDecoder = zsetDecoder((cursor, target) => {
  readPacked(cursor, target, checkListpack, readListpack);
});
export const decodeZsetZiplist: ValueDecoder = zsetDecoder((cursor, target) => {
  readPacked(cursor, target, checkZiplist, readZiplist);
});

function zsetDecoder(read: ZsetReader): ValueDecoder {
  return (cursor, target) => {
    const { arena, host } = target.keyspace;
    zset.createAt(arena, descriptor, 0, host.settings);
    seen.clear();
    let isSound = false;
    try {
      read(cursor, target);
      isSound = cursor.atEnd && zset.length > 0;
    } finally {
      if (!isSound) zset.free();
    }
    return isSound ? insertZset(target) : 0;
  };
}

/** Adds the key with the set that was built. */
function insertZset(target: DecodeTarget): number {
  const { keyspace, key, keyOffset, keyLength, hash } = target;
  const reference = keyspace.insert(key, keyOffset, keyLength, hash, ZSET, ZSET_BYTES, false);
  const page = keyspace.arena.pages[pageOf(reference)];
  descriptor.bytes.copy(page.bytes, valueOffset(page, offsetOf(reference)));
  return reference;
}

/**
 * Reads pairs of plain strings and scores. They are of a set that was large: it is built large, where
 * scores keep their sign of zero, and made small at the end if it may be.
 */
function readPairs(cursor: RdbCursor, target: DecodeTarget, readScore: () => number): void {
  const { arena, host } = target.keyspace;
  zset.free();
  zset.createAt(arena, descriptor, 0, ALWAYS_LARGE);
  for (let left = cursor.length(); left > 0; left--) {
    const at = cursor.position;
    cursor.string();
    const { spanBytes, spanEnd, spanStart } = cursor;
    const block = target.blockOf(spanBytes);
    add(readScore(), block, spanBytes.byteOffset + spanStart, spanEnd - spanStart, at);
  }
  zset.pack(host.settings);
}

type BlobChecker = (buffer: Buffer, offset: number, length: number) => number;
type BlobReader = (buffer: Buffer, start: number, end: number, visitor: ElementVisitor) => number;

/** Reads a string that holds members and scores in turn. */
function readPacked(
  cursor: RdbCursor,
  target: DecodeTarget,
  check: BlobChecker,
  read: BlobReader,
): void {
  const at = cursor.position;
  cursor.string();
  const { spanBytes, spanEnd, spanStart } = cursor;
  const count = check(spanBytes, spanStart, spanEnd - spanStart);
  if (count % 2 !== 0) throw new RdbFormatError('a member without a score', at);
  read(spanBytes, spanStart, spanEnd, new PairVisitor(target, at));
}

/** Takes elements in turn as members and scores. */
class PairVisitor implements ElementVisitor {
  readonly #target: DecodeTarget;
  readonly #at: number;
  readonly #integer = Block.allocate(INTEGER_TEXT_BYTES_MAX);
  /** The member that waits for its score, if there is one. */
  #block: Block | undefined;
  #offset = 0;
  #length = 0;

  constructor(target: DecodeTarget, at: number) {
    this.#target = target;
    this.#at = at;
  }

  bytes(buffer: Buffer, start: number, end: number): void {
    if (this.#block === undefined) {
      this.#hold(this.#target.blockOf(buffer), buffer.byteOffset + start, end - start);
    } else {
      this.#add(parseFloatText(buffer.latin1Slice(start, end)));
    }
  }

  integer(value: number): void {
    if (this.#block === undefined) this.#holdInteger(value);
    else this.#add(value);
  }

  bigInteger(value: bigint): void {
    if (this.#block === undefined) this.#holdInteger(value);
    else this.#add(Number(value));
  }

  #holdInteger(value: number | bigint): void {
    this.#hold(this.#integer, 0, this.#integer.bytes.latin1Write(value.toString(), 0));
  }

  #hold(block: Block, offset: number, length: number): void {
    this.#block = block;
    this.#offset = offset;
    this.#length = length;
  }

  #add(score: number): void {
    const block = this.#block as Block;
    this.#block = undefined;
    add(score, block, this.#offset, this.#length, this.#at);
  }
}

/** Adds a pair that was read at `at`. */
function add(score: number, block: Block, offset: number, length: number, at: number): void {
  if (Number.isNaN(score)) throw new RdbFormatError('a score is no number', at);
  if (zset.packed === undefined) {
    if (zset.add(score, block, offset, length)) return;
  } else {
    const text = block.bytes.latin1Slice(offset, offset + length);
    const isNew = !seen.has(text);
    seen.add(text);
    if (isNew) {
      zset.addAbsent(score, block, offset, length);
      return;
    }
  }
  throw new RdbFormatError('a member of a sorted set comes twice', at);
}
