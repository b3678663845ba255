/**
 * The value codec: entries of a keyspace to RDB records and back. It serves snapshots, loading,
 * DUMP, RESTORE and moves between shards; core calls it through its ValueCodec interface.
 *
 *     record  ├ deadline? ┼ idle time or counter? ┼ type ┼ key ┼ value ┤
 *     value   ├ type ┼ value ┤
 *
 * Two tables say who does the work: ENCODERS by core's type, DECODERS by RDB type byte. A new type
 * is a file value-codec-<type>.ts with its encoder and decoders, and its rows here.
 *
 * The idle time (LRU) or the counter (LFU) of a key is written when maxmemory-policy uses it, as in
 * Redis. Keys are never compressed, which Redis would try above 20 bytes: too little is won.
 *
 * Cost: a record is written straight from the arena into one buffer that lives as long as the
 * codec; no allocation per record but the buffer's growth. Compression: value-codec-target.ts.
 * Decoding allocates a cursor; bytes are copied once.
 *
 * Errors: decodeValue never throws for what the bytes say; it returns 0 and has added nothing.
 *
 * Not here: files, expired keys, and the clock and deadline of a decoded key, which are the
 * caller's.
 *
 * Source: rdbSaveKeyValuePair and rdbLoadObject of Redis 7.0.
 */

import {
  type Block,
  CLOCK,
  HASH,
  KEY,
  KEY_LENGTH,
  type Keyspace,
  LIST,
  offsetOf,
  pageOf,
  SET,
  STREAM,
  STRING,
  type ValueCodec,
  ZSET,
} from '@hashlane/core';
import type { ByteSink } from './byte-sink.ts';
import { DUMP_FOOTER_BYTES, verifyDumpFooter, writeDumpFooter } from './dump-payload.ts';
import { RdbCursor, writeLength, writeString } from './length-encoding.ts';
import { Opcode, ValueType } from './opcodes.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import {
  decodeHash,
  decodeHashListpack,
  decodeHashListpackEx,
  decodeHashListpackExPreGa,
  decodeHashMetadata,
  decodeHashMetadataPreGa,
  decodeHashZiplist,
  decodeHashZipmap,
  hashEncoder,
} from './value-codec-hash.ts';
import {
  decodeList,
  decodeListQuicklist,
  decodeListQuicklist2,
  decodeListZiplist,
  listEncoder,
} from './value-codec-list.ts';
import { decodeSet, decodeSetIntset, decodeSetListpack, setEncoder } from './value-codec-set.ts';
import { decodeStream, decodeStream2, decodeStream3, streamEncoder } from './value-codec-stream.ts';
import { decodeString, stringEncoder } from './value-codec-string.ts';
import {
  BlockSource,
  DecodeTarget,
  EncodeTarget,
  type ValueDecoder,
  type ValueEncoder,
} from './value-codec-target.ts';
import {
  decodeZset,
  decodeZset2,
  decodeZsetListpack,
  decodeZsetZiplist,
  zsetEncoder,
} from './value-codec-zset.ts';

const ENCODERS: (ValueEncoder | undefined)[] = [];
ENCODERS[STRING] = stringEncoder;
ENCODERS[LIST] = listEncoder;
ENCODERS[STREAM] = streamEncoder;
ENCODERS[HASH] = hashEncoder;
ENCODERS[SET] = setEncoder;
ENCODERS[ZSET] = zsetEncoder;

const DECODERS: (ValueDecoder | undefined)[] = [];
DECODERS[ValueType.string] = decodeString;
DECODERS[ValueType.list] = decodeList;
DECODERS[ValueType.listZiplist] = decodeListZiplist;
DECODERS[ValueType.listQuicklist] = decodeListQuicklist;
DECODERS[ValueType.listQuicklist2] = decodeListQuicklist2;
DECODERS[ValueType.streamListpacks] = decodeStream;
DECODERS[ValueType.streamListpacks2] = decodeStream2;
DECODERS[ValueType.streamListpacks3] = decodeStream3;
DECODERS[ValueType.hash] = decodeHash;
DECODERS[ValueType.hashZipmap] = decodeHashZipmap;
DECODERS[ValueType.hashZiplist] = decodeHashZiplist;
DECODERS[ValueType.hashListpack] = decodeHashListpack;
DECODERS[ValueType.hashMetadataPreGa] = decodeHashMetadataPreGa;
DECODERS[ValueType.hashListpackExPreGa] = decodeHashListpackExPreGa;
DECODERS[ValueType.hashMetadata] = decodeHashMetadata;
DECODERS[ValueType.hashListpackEx] = decodeHashListpackEx;
DECODERS[ValueType.set] = decodeSet;
DECODERS[ValueType.setIntset] = decodeSetIntset;
DECODERS[ValueType.setListpack] = decodeSetListpack;
DECODERS[ValueType.zset] = decodeZset;
DECODERS[ValueType.zset2] = decodeZset2;
DECODERS[ValueType.zsetListpack] = decodeZsetListpack;
DECODERS[ValueType.zsetZiplist] = decodeZsetZiplist;

/** A buffer that one large value has blown up beyond this is not kept. */
const SINK_KEPT_BYTES_MAX = 1 << 20;

export class RdbValueCodec implements ValueCodec {
  /** Records of the snapshot that runs. */
  readonly #records = new EncodeTarget(true);
  /** A single value: DUMP may come in the midst of a snapshot. */
  readonly #value = new EncodeTarget(false);
  readonly #blocks = new BlockSource();

  appendRecord(keyspace: Keyspace, reference: number): number {
    const target = this.#records;
    const { sink } = target;
    const encoder = encoderOf(keyspace, reference);
    target.begin(keyspace.host.settings.rdbCompression);
    const deadline = keyspace.deadlineOf(reference);
    if (deadline !== Infinity) {
      sink.u8(Opcode.expireTimeMs);
      sink.u64le(deadline);
    }
    writeAccess(sink, keyspace, reference);
    sink.u8(encoder.rdbType(keyspace, reference));
    const page = keyspace.arena.pages[pageOf(reference)];
    const keyAt = offsetOf(reference) + KEY;
    const keyLength = page.view.getInt32(offsetOf(reference) + KEY_LENGTH, true);
    writeString(sink, page.bytes, keyAt, keyAt + keyLength, false);
    encoder.write(target, keyspace, reference);
    return sink.length;
  }

  takeRecords(): Uint8Array<ArrayBuffer> {
    return copyOut(this.#records.sink);
  }

  encodeValue(keyspace: Keyspace, reference: number, compresses?: boolean): Buffer {
    this.#writeValue(keyspace, reference, compresses ?? keyspace.host.settings.rdbCompression);
    return copyOut(this.#value.sink);
  }

  #writeValue(keyspace: Keyspace, reference: number, compresses: boolean): void {
    const target = this.#value;
    const encoder = encoderOf(keyspace, reference);
    target.begin(compresses);
    target.sink.u8(encoder.rdbType(keyspace, reference));
    encoder.write(target, keyspace, reference);
  }

  dumpValue(keyspace: Keyspace, reference: number): Buffer {
    this.#writeValue(keyspace, reference, keyspace.host.settings.rdbCompression);
    const { sink } = this.#value;
    writeDumpFooter(sink, 0);
    return copyOut(sink);
  }

  valueOfDump(payload: Buffer): Buffer | undefined {
    if (!verifyDumpFooter(payload, 0, payload.length)) return undefined;
    return payload.subarray(0, payload.length - DUMP_FOOTER_BYTES);
  }

  decodeValue(
    keyspace: Keyspace,
    key: Block,
    keyOffset: number,
    keyLength: number,
    hash: number,
    value: Buffer,
  ): number {
    if (value.length === 0) return 0;
    const decode = DECODERS[value[0]];
    if (decode === undefined) return 0;
    const cursor = new RdbCursor(value, 1);
    try {
      return decode(
        cursor,
        new DecodeTarget(keyspace, key, keyOffset, keyLength, hash, this.#blocks),
      );
    } catch (error) {
      if (error instanceof RdbFormatError) return 0;
      throw error;
    } finally {
      this.#blocks.settle();
    }
  }
}

function encoderOf(keyspace: Keyspace, reference: number): ValueEncoder {
  const type = keyspace.typeOf(reference);
  const encoder = ENCODERS[type];
  if (encoder === undefined) throw new Error(`no RDB encoder for type ${type}`);
  return encoder;
}

/** The opcode with the access clock, if the policy lives by it. */
function writeAccess(sink: ByteSink, keyspace: Keyspace, reference: number): void {
  const { host } = keyspace;
  const policy = host.settings.maxMemoryPolicy;
  const isLru = policy.endsWith('lru');
  if (!isLru && !policy.endsWith('lfu')) return;
  const { view } = keyspace.arena.pages[pageOf(reference)];
  const clock = view.getInt32(offsetOf(reference) + CLOCK, true);
  if (isLru) {
    sink.u8(Opcode.idle);
    writeLength(sink, Math.max(0, host.accessClock - clock));
  } else {
    sink.u8(Opcode.freq);
    sink.u8(host.decayedCount(clock));
  }
}

/** What was written, in an ArrayBuffer of exactly its size; the sink starts over. */
function copyOut(sink: ByteSink): Buffer<ArrayBuffer> {
  const copy = Buffer.allocUnsafeSlow(sink.length);
  sink.bytes.copy(copy, 0, 0, sink.length);
  if (sink.bytes.length > SINK_KEPT_BYTES_MAX) sink.take();
  else sink.reset();
  return copy;
}
