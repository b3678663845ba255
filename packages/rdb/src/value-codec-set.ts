/**
 * Sets between keyspace and RDB. Written, so that redis-server 7.0 can read it, as
 *
 *     type 11   ├ intset, as a string ┤                  sets that are intsets: a copy of their block
 *     type 2    ├ members ┼ string ┼ string ┼ … ┤        all others
 *
 * Read is also type 20, a listpack as a string, which redis-server 7.2 writes. The form of a set
 * that was read follows from its members and the thresholds, as in Redis 7.2.
 *
 * Decoding builds the set with a descriptor outside the arena, and only when the value has turned
 * out to be sound the key is added; if it is not, the set is freed and no trace is left. Empty sets
 * and members that come twice are refused, as in Redis.
 *
 * Cost: O(1) per member. A listpack is built without a search for each member: their hashes tell
 * that there are no duplicates, and only equal hashes make a search necessary.
 */

import {
  Block,
  type Keyspace,
  Member,
  offsetOf,
  pageOf,
  SET,
  SET_BYTES,
  SetValue,
  valueOffset,
} from '@hashlane/core';
import { readIntset } from './intset.ts';
import { type RdbCursor, writeLength } from './length-encoding.ts';
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

const TWO_32 = 0x1_0000_0000;

const set = new SetValue();
const member = new Member();
/** Descriptor of the set that is being built. */
const descriptor = Block.allocate(SET_BYTES);

export const setEncoder: ValueEncoder = {
  rdbType: (keyspace, reference) =>
    open(keyspace, reference).encoding === 'intset' ? ValueType.setIntset : ValueType.set,
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void {
    open(keyspace, reference);
    if (set.encoding === 'intset') {
      const { base, block, bytes } = set.integers;
      target.string(block.bytes, base, base + bytes);
      return;
    }
    writeLength(target.sink, set.size);
    for (set.restart(); set.next(member); ) {
      const { block, length, offset } = member.needText();
      target.string(block.bytes, offset, offset + length);
    }
  },
};

function open(keyspace: Keyspace, reference: number): SetValue {
  return set.open(keyspace.arena, reference, keyspace.host.settings);
}

/**
 * Reads a set into `set`. It is called with an empty intset and may replace it. Throws
 * RdbFormatError where the bytes are unsound.
 */
type SetReader = (cursor: RdbCursor, target: DecodeTarget) => void;

export const decodeSet: ValueDecoder = setDecoder(readMembers);
export const decodeSetIntset: ValueDecoder = setDecoder(readIntegers);
export const decodeSetListpack: ValueDecoder = setDecoder(readPacked);

function setDecoder(read: SetReader): ValueDecoder {
  return (cursor, target) => {
    const { arena, host } = target.keyspace;
    set.initializeAt(arena, descriptor, 0, host.settings, 'intset');
    seen.clear();
    let isSound = false;
    try {
      read(cursor, target);
      isSound = cursor.atEnd && set.size > 0;
    } finally {
      if (!isSound) set.free();
    }
    return isSound ? insertSet(target) : 0;
  };
}

/** Adds the key with the set that was built. */
function insertSet(target: DecodeTarget): number {
  const { keyspace, key, keyOffset, keyLength, hash } = target;
  const reference = keyspace.insert(key, keyOffset, keyLength, hash, SET, SET_BYTES, false);
  const page = keyspace.arena.pages[pageOf(reference)];
  descriptor.bytes.copy(page.bytes, valueOffset(page, offsetOf(reference)));
  return reference;
}

function readMembers(cursor: RdbCursor, target: DecodeTarget): void {
  const count = cursor.length();
  set.expect(count);
  for (let left = count; left > 0; left--) {
    const at = cursor.position;
    cursor.string();
    const { spanBytes, spanEnd, spanStart } = cursor;
    const block = target.blockOf(spanBytes);
    add(member.set(block, spanBytes.byteOffset + spanStart, spanEnd - spanStart), at);
  }
}

function readIntegers(cursor: RdbCursor, target: DecodeTarget): void {
  cursor.string();
  const { spanBytes, spanEnd, spanStart } = cursor;
  const count = readIntset(spanBytes, spanStart, spanEnd, NOBODY);
  if (count === 0) return;
  const block = target.blockOf(spanBytes);
  set.integers.fill(block, spanBytes.byteOffset + spanStart, spanEnd - spanStart);
  set.expect(count);
}

const NOBODY: ElementVisitor = {
  bytes() {},
  integer() {},
  bigInteger() {},
};

function readPacked(cursor: RdbCursor, target: DecodeTarget): void {
  const at = cursor.position;
  cursor.string();
  const { spanBytes, spanEnd, spanStart } = cursor;
  const count = checkListpack(spanBytes, spanStart, spanEnd - spanStart);
  const { arena, host } = target.keyspace;
  const isSmall = count <= host.settings.setMaxListpackEntries;
  set.free();
  set.initializeAt(arena, descriptor, 0, host.settings, isSmall ? 'listpack' : 'hashtable');
  readListpack(spanBytes, spanStart, spanEnd, {
    bytes(buffer, start, end) {
      add(member.set(target.blockOf(buffer), buffer.byteOffset + start, end - start), at);
    },
    integer(value) {
      add(member.setInteger(Math.floor(value / TWO_32), value | 0), at);
    },
    bigInteger(value) {
      const low = Number(BigInt.asIntN(32, value));
      add(member.setInteger(Number(value >> 32n), low), at);
    },
  });
}

/** Hashes that a listpack's members may have before a search for each is cheaper. */
const HASHES_MAX = 512;
const HASH_SLOTS = 2048;

/** The hashes of the members so far of a set that is a listpack. */
class SeenHashes {
  readonly #slots = new Int32Array(HASH_SLOTS);
  /** Round in which a slot was written: a new round makes all slots free. */
  readonly #rounds = new Int32Array(HASH_SLOTS);
  #round = 0;
  #count = 0;

  clear(): void {
    this.#round = (this.#round + 1) | 0;
    this.#count = 0;
  }

  /** Notes a hash; true when it is certain that it had not been noted before. */
  isNew(hash: number): boolean {
    if (this.#count >= HASHES_MAX) return false;
    let slot = hash & (HASH_SLOTS - 1);
    while (this.#rounds[slot] === this.#round) {
      if (this.#slots[slot] === hash) return false;
      slot = (slot + 1) & (HASH_SLOTS - 1);
    }
    this.#rounds[slot] = this.#round;
    this.#slots[slot] = hash;
    this.#count++;
    return true;
  }
}

const seen = new SeenHashes();

/** Adds `member`, which was read at `offset`. */
function add(each: Member, offset: number): void {
  const isPacked = set.encoding !== 'hashtable';
  if (isPacked && seen.isNew(each.hash)) set.addAbsent(each);
  else if (!set.add(each)) throw new RdbFormatError('a member of a set comes twice', offset);
}
