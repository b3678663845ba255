/**
 * Lists between keyspace and RDB. Written as type 18, which redis-server 7.0 and later have:
 *
 *     ├ nodes ┼ container ┼ string ┼ container ┼ string ┼ … ┤      containers: 1 plain, 2 packed
 *
 * A node of core holds listpack entries, so a packed node is a copy of its bytes between a
 * listpack's header and end mark, and comes back as it was. Read are also type 14 (a ziplist per
 * node), type 10 (one ziplist) and type 1 (one string per element); their elements are packed anew
 * under list-max-listpack-size.
 *
 * Decoding builds the chain of nodes from a descriptor outside the arena. Only when the value has
 * turned out to be sound is the key added, so whoever waits for it never sees half a list; if it
 * is not, the nodes are freed and no trace is left. Every packed blob is checked throughout before
 * core sees it, whatever redis-server's sanitize-dump-payload would do.
 *
 * Empty nodes are left out and empty lists refused, as in Redis.
 */

import {
  Block,
  type Keyspace,
  LIST,
  LIST_BYTES,
  ListValue,
  offsetOf,
  pageOf,
  valueOffset,
} from '@hashlane/core';
import { type RdbCursor, writeLength } from './length-encoding.ts';
import { checkListpack } from './listpack.ts';
import { ValueType } from './opcodes.ts';
import { asBytes } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import type {
  DecodeTarget,
  EncodeTarget,
  ValueDecoder,
  ValueEncoder,
} from './value-codec-target.ts';
import { readZiplist } from './ziplist.ts';

const PLAIN = 1;
const PACKED = 2;
/** Header and end mark of a listpack. */
const LISTPACK_HEAD_BYTES = 6;
const LISTPACK_TAIL_BYTES = 1;

const list = new ListValue();
/** Descriptor of the list that is being built. */
const descriptor = Block.allocate(LIST_BYTES);

export const listEncoder: ValueEncoder = {
  rdbType: () => ValueType.listQuicklist2,
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void {
    list.open(keyspace.arena, reference, keyspace.host.settings.listMaxListpackSize);
    writeLength(target.sink, list.nodes);
    for (let node = list.firstNode(); node !== 0; node = list.nextNode(node)) {
      const { bytes } = list.nodeBlock(node);
      const start = list.nodeStart(node);
      const end = list.nodeEnd(node);
      if (list.nodeIsPlain(node)) {
        target.sink.u8(PLAIN);
        target.string(bytes, start, end);
      } else {
        target.sink.u8(PACKED);
        target.listpack(bytes, start, end, list.nodeCount(node));
      }
    }
  },
};

/** Appends what the cursor holds to `list`. Throws RdbFormatError where it is unsound. */
type ListReader = (cursor: RdbCursor, target: DecodeTarget) => void;

export const decodeList: ValueDecoder = listDecoder(readElements);
export const decodeListZiplist: ValueDecoder = listDecoder(readZiplistNode);
export const decodeListQuicklist: ValueDecoder = listDecoder(readZiplistNodes);
export const decodeListQuicklist2: ValueDecoder = listDecoder(readNodes);

function listDecoder(read: ListReader): ValueDecoder {
  return (cursor, target) => {
    const { arena, host } = target.keyspace;
    list.openAt(arena, descriptor, 0, host.settings.listMaxListpackSize);
    list.initialize();
    let isSound = false;
    try {
      read(cursor, target);
      isSound = cursor.atEnd && list.length > 0;
    } finally {
      if (!isSound) list.trim(0, 0);
    }
    return isSound ? insertList(target) : 0;
  };
}

/** Adds the key with the list that was built. */
function insertList(target: DecodeTarget): number {
  const { keyspace, key, keyOffset, keyLength, hash } = target;
  const reference = keyspace.insert(key, keyOffset, keyLength, hash, LIST, LIST_BYTES, false);
  const page = keyspace.arena.pages[pageOf(reference)];
  descriptor.bytes.copy(page.bytes, valueOffset(page, offsetOf(reference)));
  return reference;
}

function readElements(cursor: RdbCursor, target: DecodeTarget): void {
  for (let left = cursor.length(); left > 0; left--) {
    cursor.string();
    pushSpan(cursor, target);
  }
}

function pushSpan(cursor: RdbCursor, target: DecodeTarget): void {
  const { spanBytes, spanStart, spanEnd } = cursor;
  const source = target.blockOf(spanBytes);
  list.pushTail(source, spanBytes.byteOffset + spanStart, spanEnd - spanStart);
}

function readZiplistNodes(cursor: RdbCursor, target: DecodeTarget): void {
  for (let left = cursor.length(); left > 0; left--) readZiplistNode(cursor, target);
}

function readZiplistNode(cursor: RdbCursor, target: DecodeTarget): void {
  cursor.string();
  const visitor = asBytes((bytes, start, end) => {
    list.pushTail(target.blockOf(bytes), bytes.byteOffset + start, end - start);
  });
  readZiplist(cursor.spanBytes, cursor.spanStart, cursor.spanEnd, visitor);
}

function readNodes(cursor: RdbCursor, target: DecodeTarget): void {
  for (let left = cursor.length(); left > 0; left--) {
    const at = cursor.position;
    const container = cursor.length();
    cursor.string();
    if (container === PACKED) appendListpack(cursor, target);
    else if (container === PLAIN) pushSpan(cursor, target);
    else throw new RdbFormatError(`unknown container ${container} of a list node`, at);
  }
}

function appendListpack(cursor: RdbCursor, target: DecodeTarget): void {
  const { spanBytes, spanStart, spanEnd } = cursor;
  const count = checkListpack(spanBytes, spanStart, spanEnd - spanStart);
  if (count === 0) return;
  const bytes = spanEnd - spanStart - LISTPACK_HEAD_BYTES - LISTPACK_TAIL_BYTES;
  const offset = spanBytes.byteOffset + spanStart + LISTPACK_HEAD_BYTES;
  list.appendPacked(target.blockOf(spanBytes), offset, bytes, count);
}
