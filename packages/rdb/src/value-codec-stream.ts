/**
 * Streams between keyspace and RDB. Written as type 19, which redis-server 7.0 and later have:
 *
 *     stream    ├ nodes: (ID, listpack)… ┼ length ┼ last, first, greatest deleted ID ┼ added ┼
 *               ┼ groups: group… ┤
 *     group     ├ name ┼ last ID ┼ entries read ┼ pending: (ID, time, deliveries)… ┼
 *               ┼ consumers: (name, seen[, active], pending: ID…)… ┤
 *
 * Read are also type 15 (no first and deleted ID, no counters: they follow from the entries) and
 * type 21 (with the active time of consumers, which type 19 leaves out: it is then taken for the
 * seen time). IDs of nodes and pending entries are 16 bytes, big-endian; all others are two lengths.
 *
 * A node of core is a listpack, so it is a copy of its bytes, and comes back as it was. It is
 * checked throughout before core sees it: the listpack, the layout of a stream's node, ascending
 * IDs within and across nodes, and pending entries that belong to exactly one consumer.
 *
 * Decoding builds a stream outside the keyspace, and the key is added when it has turned out to be
 * sound; if it is not, everything is given back.
 *
 * Source: rdbSaveObject and rdbLoadObject of Redis 7.2.
 */

import {
  type Block,
  compareIds,
  isNodeSound,
  type Keyspace,
  makeGroup,
  NODE_REFERENCE,
  offsetOf,
  pageOf,
  STREAM,
  STREAM_BYTES,
  type StreamGroup,
  StreamId,
  StreamValue,
} from '@hashlane/core';
import type { ByteSink } from './byte-sink.ts';
import { type RdbCursor, writeBigLength, writeLength } from './length-encoding.ts';
import { checkListpack } from './listpack.ts';
import { ValueType } from './opcodes.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import type {
  DecodeTarget,
  EncodeTarget,
  ValueDecoder,
  ValueEncoder,
} from './value-codec-target.ts';

const ID_BYTES = 16;
const LISTPACK_HEAD_BYTES = 6;
const LISTPACK_TAIL_BYTES = 1;

const id = new StreamId();
const idBytes = Buffer.alloc(ID_BYTES);

// Encoding.

export const streamEncoder: ValueEncoder = {
  rdbType: () => ValueType.streamListpacks2,
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void {
    const stream = StreamValue.of(keyspace.arena, reference);
    const { sink } = target;
    writeNodes(target, stream);
    writeLength(sink, stream.length);
    writeId(sink, stream.lastId);
    writeId(sink, stream.firstId);
    writeId(sink, stream.maxDeletedId);
    writeBigLength(sink, BigInt.asUintN(64, stream.entriesAdded.value));
    writeLength(sink, stream.groups.size);
    for (const group of stream.groups.all) writeGroup(target, group);
  },
};

function writeNodes(target: EncodeTarget, { arena, nodes }: StreamValue): void {
  writeLength(target.sink, nodes.size);
  for (let isNode = nodes.seekFirst(); isNode; isNode = nodes.next()) {
    const reference = nodes.word(NODE_REFERENCE);
    const { bytes } = arena.pages[pageOf(reference)];
    const base = offsetOf(reference);
    const end = base + bytes.readUInt32LE(base);
    writeLength(target.sink, ID_BYTES);
    writeRawId(target.sink, nodes.readId(id));
    const entriesAt = base + LISTPACK_HEAD_BYTES;
    target.listpack(bytes, entriesAt, end - LISTPACK_TAIL_BYTES, bytes.readUInt16LE(base + 4));
  }
}

/** An ID as two lengths. */
function writeId(sink: ByteSink, { milliseconds, sequence }: StreamId): void {
  writeBigLength(sink, milliseconds);
  writeBigLength(sink, sequence);
}

/** An ID as 16 bytes. */
function writeRawId(sink: ByteSink, value: StreamId): void {
  value.writeBigEndian(idBytes, 0);
  sink.copyFrom(idBytes);
}

function writeGroup(target: EncodeTarget, group: StreamGroup): void {
  const { sink } = target;
  const { consumers, name, pending } = group;
  target.string(name.bytes, 0, name.size);
  writeId(sink, group.lastId);
  writeBigLength(sink, BigInt.asUintN(64, group.entriesRead.value));
  writeLength(sink, pending.size);
  for (let isRow = pending.seekFirst(); isRow; isRow = pending.next()) {
    writeRawId(sink, pending.readId(id));
    sink.u64le(group.rowTime());
    writeBigLength(sink, group.rowCount());
  }
  writeLength(sink, consumers.size);
  for (const consumer of consumers.all) {
    target.string(consumer.name.bytes, 0, consumer.name.size);
    sink.u64le(consumer.seenTime);
    const own = consumer.pending;
    writeLength(sink, own.size);
    for (let isRow = own.seekFirst(); isRow; isRow = own.next()) {
      writeRawId(sink, own.readId(id));
    }
  }
}

// Decoding.

/** By RDB type: 1, 2 or 3. */
type Generation = 1 | 2 | 3;

export const decodeStream: ValueDecoder = streamDecoder(1);
export const decodeStream2: ValueDecoder = streamDecoder(2);
export const decodeStream3: ValueDecoder = streamDecoder(3);

function streamDecoder(generation: Generation): ValueDecoder {
  return (cursor, target) => {
    const stream = new StreamValue(target.keyspace.arena);
    let isSound = false;
    try {
      new StreamReader(cursor, target, stream, generation).read();
      isSound = cursor.atEnd;
    } finally {
      if (!isSound) stream.release();
    }
    return isSound ? insertStream(target, stream) : 0;
  };
}

/** Adds the key with the stream that was built. */
function insertStream(target: DecodeTarget, stream: StreamValue): number {
  const { keyspace, key, keyOffset, keyLength, hash } = target;
  const reference = keyspace.insert(key, keyOffset, keyLength, hash, STREAM, STREAM_BYTES, false);
  StreamValue.attach(keyspace.arena, reference, stream);
  return reference;
}

/** Fills a stream from a cursor. Throws RdbFormatError where that is unsound. */
class StreamReader {
  readonly #cursor: RdbCursor;
  readonly #target: DecodeTarget;
  readonly #stream: StreamValue;
  readonly #generation: Generation;
  /** The last ID of the node read last. */
  readonly #end = new StreamId();

  constructor(
    cursor: RdbCursor,
    target: DecodeTarget,
    stream: StreamValue,
    generation: Generation,
  ) {
    this.#cursor = cursor;
    this.#target = target;
    this.#stream = stream;
    this.#generation = generation;
  }

  read(): void {
    const cursor = this.#cursor;
    const stream = this.#stream;
    for (let left = cursor.length(); left > 0; left--) this.#readNode();
    // The number of entries is known from the nodes.
    cursor.length();
    this.#readId(stream.lastId);
    if (compareIds(stream.lastId, this.#end) < 0) stream.lastId.copy(this.#end);
    if (this.#generation >= 2) {
      this.#readId(stream.firstId);
      this.#readId(stream.maxDeletedId);
      stream.entriesAdded.setBig(cursor.bigLength());
    } else {
      stream.entriesAdded.set(stream.length);
    }
    stream.updateFirstId();
    for (let left = cursor.length(); left > 0; left--) this.#readGroup();
  }

  #readNode(): void {
    const cursor = this.#cursor;
    const stream = this.#stream;
    const at = cursor.position;
    const first = new StreamId();
    cursor.string();
    if (cursor.spanEnd - cursor.spanStart !== ID_BYTES) {
      throw new RdbFormatError("a stream node's ID has not 16 bytes", at);
    }
    first.readBigEndian(cursor.spanBytes, cursor.spanStart);
    cursor.string();
    const { spanBytes, spanStart, spanEnd } = cursor;
    checkListpack(spanBytes, spanStart, spanEnd - spanStart);
    const page: Block = this.#target.blockOf(spanBytes);
    const base = spanBytes.byteOffset + spanStart;
    const isBehind = stream.nodes.size === 0 || compareIds(this.#end, first) < 0;
    if (!isBehind || !isNodeSound(page, base, first, this.#end)) {
      throw new RdbFormatError('corrupt stream node', at);
    }
    stream.appendNode(first, page, base, spanEnd - spanStart);
  }

  #readId(into: StreamId): void {
    const milliseconds = this.#cursor.bigLength();
    into.setBig(milliseconds, this.#cursor.bigLength());
  }

  /** The name that comes next, in memory of its own. */
  #readName(): Buffer {
    const { spanBytes, spanStart, spanEnd } = this.#readSpan();
    return Buffer.from(spanBytes.subarray(spanStart, spanEnd));
  }

  #readSpan(): RdbCursor {
    this.#cursor.string();
    return this.#cursor;
  }

  #readGroup(): void {
    const cursor = this.#cursor;
    const at = cursor.position;
    const name = this.#readName();
    const stream = this.#stream;
    if (stream.groups.find(this.#target.blockOf(name), name.byteOffset, name.length)) {
      throw new RdbFormatError('a consumer group comes twice', at);
    }
    const group = makeGroup(stream, name);
    this.#readId(group.lastId);
    if (this.#generation >= 2) group.entriesRead.setBig(cursor.bigLength());
    else stream.estimateRead(group.lastId, group.entriesRead);
    const unowned = this.#readPending(group);
    const owned = this.#readConsumers(group);
    if (unowned !== owned) throw new RdbFormatError('a pending entry of no consumer', at);
  }

  /** Reads a group's pending entries, which have no consumer yet. Returns how many. */
  #readPending(group: StreamGroup): number {
    const cursor = this.#cursor;
    const count = cursor.length();
    for (let left = count; left > 0; left--) {
      const at = this.#readRawId();
      const time = cursor.i64le();
      const deliveries = cursor.bigLength();
      if (group.pending.find(id)) throw new RdbFormatError('a pending entry comes twice', at);
      group.addUnownedRow(id);
      group.setRowTime(time);
      group.setRowBigCount(deliveries);
    }
    return count;
  }

  /** Reads an ID of 16 bytes into `id` and returns where it was. */
  #readRawId(): number {
    const at = this.#cursor.skip(ID_BYTES);
    id.readBigEndian(this.#cursor.bytes, at);
    return at;
  }

  /** Reads a group's consumers. Returns how many pending entries they own. */
  #readConsumers(group: StreamGroup): number {
    const cursor = this.#cursor;
    let owned = 0;
    for (let left = cursor.length(); left > 0; left--) {
      const at = cursor.position;
      const name = this.#readName();
      const block = this.#target.blockOf(name);
      const seen = cursor.i64le();
      const active = this.#generation >= 3 ? cursor.i64le() : seen;
      if (group.consumer(block, name.byteOffset, name.length) !== undefined) {
        throw new RdbFormatError('a consumer comes twice', at);
      }
      const consumer = group.addConsumer(block, name.byteOffset, name.length, seen);
      consumer.activeTime = active;
      for (let rows = cursor.length(); rows > 0; rows--) {
        const rowAt = this.#readRawId();
        if (!group.pending.find(id) || !group.ownRow(consumer, id)) {
          throw new RdbFormatError('a consumer has a pending entry that its group lacks', rowAt);
        }
        owned++;
      }
    }
    return owned;
  }
}
