/**
 * Loading a snapshot into a shard: chunks of records arrive on a port and are decoded one chunk per
 * event-loop turn, so that the shard answers control messages meanwhile.
 *
 * A record in a chunk (little endian):
 *   int32 database, float64 deadline (ms, −1 for none), int32 idle seconds (−1 for none),
 *   int32 key length, int32 value length, int32 LFU counter (−1 for none),
 *   key, value (RDB type byte and payload)
 *
 * Keys whose deadline has passed are left out, as in Redis. A record that cannot be decoded ends
 * the load with its key in the error text.
 */
import type { MessagePort } from 'node:worker_threads';
import { CLOCK, type Engine, hashBytes, type Keyspace, offsetOf, pageOf } from '@hashlane/core';
import type { RawRecord } from '@hashlane/rdb';
import { Block } from '@hashlane/resp';
import type { LoadChunk } from './messages.ts';

const RECORD_HEAD_BYTES = 28;

export interface LoadResult {
  readonly keys: number;
  readonly error: string | undefined;
}

/** Collects records for one shard and cuts them into chunks. */
export class LoadChunkWriter {
  #block: Block;
  #position = 0;
  count = 0;

  constructor(bytes: number) {
    this.#block = Block.allocate(bytes);
  }

  get bytes(): number {
    return this.#position;
  }

  add(record: RawRecord): void {
    const keyLength = record.keyEnd - record.keyStart;
    const valueLength = record.valueEnd - record.valueStart;
    this.#reserve(RECORD_HEAD_BYTES + keyLength + 1 + valueLength);
    const { bytes, view } = this.#block;
    let at = this.#position;
    view.setInt32(at, record.db, true);
    view.setFloat64(at + 4, record.expireAtMs, true);
    view.setInt32(at + 12, record.idleSeconds, true);
    view.setInt32(at + 16, keyLength, true);
    view.setInt32(at + 20, valueLength + 1, true);
    view.setInt32(at + 24, record.frequency, true);
    at += RECORD_HEAD_BYTES;
    at += record.keyBytes.copy(bytes, at, record.keyStart, record.keyEnd);
    bytes[at++] = record.type;
    at += record.valueBytes.copy(bytes, at, record.valueStart, record.valueEnd);
    this.#position = at;
    this.count++;
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes <= this.#block.bytes.length) return;
    const old = this.#block;
    this.#block = Block.allocate(Math.max(old.bytes.length * 2, this.#position + bytes));
    old.bytes.copy(this.#block.bytes, 0, 0, this.#position);
  }

  /** The collected records; the writer starts over. */
  take(): LoadChunk {
    const records = this.#block.bytes.buffer.slice(0, this.#position) as ArrayBuffer;
    const chunk = { records, count: this.count };
    this.#position = 0;
    this.count = 0;
    return chunk;
  }
}

export class LoadStream {
  readonly done: Promise<LoadResult>;
  readonly #engine: Engine;
  #keys = 0;

  constructor(engine: Engine, port: MessagePort) {
    this.#engine = engine;
    this.done = new Promise((resolve) => {
      port.on('message', (chunk: LoadChunk | null) => {
        const error = chunk === null ? undefined : this.#load(chunk);
        if (chunk !== null && error === undefined) {
          port.postMessage({ taken: chunk.records.byteLength });
          return;
        }
        port.close();
        resolve({ keys: this.#keys, error });
      });
    });
  }

  /** Decodes one chunk; the error's text, or undefined. */
  #load(chunk: LoadChunk): string | undefined {
    const block = Block.over(chunk.records);
    let at = 0;
    for (let i = 0; i < chunk.count; i++) {
      const keyLength = block.view.getInt32(at + 16, true);
      const valueLength = block.view.getInt32(at + 20, true);
      const error = this.#loadRecord(block, at, keyLength, valueLength);
      if (error !== undefined) return error;
      at += RECORD_HEAD_BYTES + keyLength + valueLength;
    }
    return undefined;
  }

  #loadRecord(
    block: Block,
    at: number,
    keyLength: number,
    valueLength: number,
  ): string | undefined {
    const engine = this.#engine;
    const keyspace = engine.keyspace(block.view.getInt32(at, true));
    const deadline = block.view.getFloat64(at + 4, true);
    const idleSeconds = block.view.getInt32(at + 12, true);
    const frequency = block.view.getInt32(at + 24, true);
    const keyAt = at + RECORD_HEAD_BYTES;
    if (deadline >= 0 && deadline <= Date.now()) return undefined;
    const hash = hashBytes(block, keyAt, keyLength);
    const value = block.bytes.subarray(keyAt + keyLength, keyAt + keyLength + valueLength);
    if (keyspace.find(block, keyAt, keyLength, hash) !== 0) keyspace.removeFound();
    let reference = engine.codec.decodeValue(keyspace, block, keyAt, keyLength, hash, value);
    if (reference === 0) {
      const key = block.bytes.latin1Slice(keyAt, keyAt + Math.min(keyLength, 64));
      return `the value of key "${key}" is corrupt (type ${value[0]})`;
    }
    if (deadline >= 0) {
      keyspace.map.findReference(hash, reference);
      reference = keyspace.expireFoundAt(reference, deadline);
    }
    this.#setClock(keyspace, reference, idleSeconds, frequency);
    this.#keys++;
    return undefined;
  }

  #setClock(keyspace: Keyspace, reference: number, idleSeconds: number, frequency: number): void {
    const { view } = keyspace.arena.pages[pageOf(reference)];
    const at = offsetOf(reference) + CLOCK;
    const fresh = view.getInt32(at, true);
    if (this.#engine.lfu && frequency >= 0) view.setInt32(at, (fresh & ~0xff) | frequency, true);
    else if (!this.#engine.lfu && idleSeconds >= 0) view.setInt32(at, fresh - idleSeconds, true);
  }
}
