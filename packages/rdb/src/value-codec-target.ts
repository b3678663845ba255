/**
 * What the families of the value codec share: where they write to, what they read from, and what a
 * family has to provide.
 *
 * EncodeTarget is a ByteSink with a policy for LZF. Redis compresses in a forked child; here the
 * shard pays in its own thread, between commands. So, beyond Redis's rule (strings of more than 20
 * bytes, if it makes them smaller):
 *
 * - a string of more than 4 KB is compressed only when 512 bytes from its middle get smaller;
 * - after LZF_BYTES_PER_RECORD_MAX bytes of input the rest of a record is written plain;
 * - while the strings of a snapshot do not get smaller by an eighth, most are not tried: after each
 *   failure in a row twice as many are passed over, 64 at most, and one success ends that. Values
 *   encoded for DUMP are always tried, so that equal values give equal payloads.
 *
 * Every form is valid for every reader; the policy only decides between them.
 *
 * DecodeTarget names the key to add, and gives bytes of buffers as blocks, which is what core
 * copies from. The records of a chunk lie in one ArrayBuffer, so its block is made once.
 */

import { Block, type Keyspace } from '@hashlane/core';
import { ByteSink } from './byte-sink.ts';
import { type RdbCursor, writeLength, writeString } from './length-encoding.ts';
import { lzfCompress } from './lzf.ts';
import type { ValueType } from './opcodes.ts';

/** How the values of one of core's types are written. */
export interface ValueEncoder {
  /** The RDB type that `write` will produce. */
  rdbType(keyspace: Keyspace, reference: number): ValueType;
  write(target: EncodeTarget, keyspace: Keyspace, reference: number): void;
}

/**
 * Reads a value of one RDB type up to the cursor's end and adds it under the target's key. Returns
 * the reference, or 0 when the value is unsound in itself; throws RdbFormatError where the bytes
 * are. In both cases nothing was added and nothing is left in the arena.
 */
export type ValueDecoder = (cursor: RdbCursor, target: DecodeTarget) => number;

/** Shorter strings are not compressed, as in Redis. */
const LZF_BYTES_MIN = 21;
/** Input of LZF per record: at about 100 MB/s a stall of less than 3 ms. */
const LZF_BYTES_PER_RECORD_MAX = 256 * 1024;
/** From this size on a probe goes before. */
const PROBED_BYTES_MIN = 4096;
const PROBE_BYTES = 512;
/** What counts as success is an eighth. */
const GAIN_SHIFT = 3;
const PROBE_OUTPUT_BYTES_MAX = PROBE_BYTES - (PROBE_BYTES >> GAIN_SHIFT);
const PASSED_OVER_MAX = 64;

const LISTPACK_HEADER_BYTES = 6;
const LISTPACK_COUNT_MAX = 0xffff;
const LISTPACK_END = 0xff;

const probeOutput = Buffer.allocUnsafeSlow(PROBE_BYTES);

export class EncodeTarget {
  sink: ByteSink;
  #compresses = true;
  readonly #passesOver: boolean;
  /** Bytes of this record that may still go through LZF. */
  #lzfBytesLeft = 0;
  /** Strings to pass over after the next failure, and before the next try. */
  #passOver = 1;
  #passOverLeft = 0;
  /** A listpack on its way into an LZF string. */
  readonly #packed = new ByteSink(0);

  /** `passesOver`: whether strings are left plain without a try when the last ones did not pay. */
  constructor(passesOver: boolean) {
    this.sink = new ByteSink();
    this.#passesOver = passesOver;
  }

  /** To be called before a record or value. `compresses`: strings may be written as LZF. */
  begin(compresses: boolean): void {
    this.#compresses = compresses;
    this.#lzfBytesLeft = LZF_BYTES_PER_RECORD_MAX;
  }

  /** A string, in the form Redis would choose but for the above. */
  string(bytes: Buffer, start: number, end: number): void {
    const { sink } = this;
    if (!this.#tries(bytes, start, end)) {
      writeString(sink, bytes, start, end, false);
      return;
    }
    const mark = sink.length;
    writeString(sink, bytes, start, end, true);
    this.#learn(sink.length - mark, end - start);
  }

  /** bytes[start, end), `count` listpack entries, as a string that is a listpack. */
  listpack(bytes: Buffer, start: number, end: number, count: number): void {
    const { sink } = this;
    if (!this.#tries(bytes, start, end)) {
      writeLength(sink, LISTPACK_HEADER_BYTES + end - start + 1);
      putListpack(sink, bytes, start, end, count);
      return;
    }
    const packed = this.#packed;
    packed.reset();
    putListpack(packed, bytes, start, end, count);
    const mark = sink.length;
    writeString(sink, packed.bytes, 0, packed.length, true);
    this.#learn(sink.length - mark, packed.length);
  }

  /** Whether LZF is worth a try for bytes[start, end). */
  #tries(bytes: Buffer, start: number, end: number): boolean {
    const byteCount = end - start;
    if (!this.#compresses || byteCount < LZF_BYTES_MIN) return false;
    if (byteCount > this.#lzfBytesLeft) return false;
    if (byteCount > PROBED_BYTES_MIN && !paysInTheMiddle(bytes, start, end)) return false;
    if (this.#passOverLeft > 0) {
      this.#passOverLeft--;
      return false;
    }
    this.#lzfBytesLeft -= byteCount;
    return true;
  }

  #learn(written: number, byteCount: number): void {
    if (!this.#passesOver) return;
    if (written <= byteCount - (byteCount >> GAIN_SHIFT)) {
      this.#passOver = 1;
    } else {
      this.#passOverLeft = this.#passOver;
      this.#passOver = Math.min(PASSED_OVER_MAX, 2 * this.#passOver);
    }
  }
}

function paysInTheMiddle(bytes: Buffer, start: number, end: number): boolean {
  const from = start + ((end - start - PROBE_BYTES) >> 1);
  return lzfCompress(bytes, from, from + PROBE_BYTES, probeOutput, 0, PROBE_OUTPUT_BYTES_MAX) > 0;
}

function putListpack(
  sink: ByteSink,
  bytes: Buffer,
  start: number,
  end: number,
  count: number,
): void {
  sink.u32le(LISTPACK_HEADER_BYTES + end - start + 1);
  sink.u16le(Math.min(count, LISTPACK_COUNT_MAX));
  sink.copyFrom(bytes, start, end);
  sink.u8(LISTPACK_END);
}

/** Larger memory is not held on to for the next value. */
const BLOCK_KEPT_BYTES_MAX = 4 << 20;
const NO_BLOCK = Block.allocate(0);

/** The key that is being added, known to be absent. */
export class DecodeTarget {
  readonly keyspace: Keyspace;
  readonly key: Block;
  readonly keyOffset: number;
  readonly keyLength: number;
  readonly hash: number;
  readonly #blocks: BlockSource;

  constructor(
    keyspace: Keyspace,
    key: Block,
    keyOffset: number,
    keyLength: number,
    hash: number,
    blocks: BlockSource,
  ) {
    this.keyspace = keyspace;
    this.key = key;
    this.keyOffset = keyOffset;
    this.keyLength = keyLength;
    this.hash = hash;
    this.#blocks = blocks;
  }

  /** A block in which bytes[i] stands at `bytes.byteOffset + i`. */
  blockOf(bytes: Buffer): Block {
    return this.#blocks.over(bytes);
  }
}

/** Blocks over whole ArrayBuffers. The last one is kept, a large one until `settle`. */
export class BlockSource {
  #last = NO_BLOCK;

  over(bytes: Buffer): Block {
    const memory = bytes.buffer;
    if (this.#last.bytes.buffer !== memory) this.#last = Block.over(memory as ArrayBuffer);
    return this.#last;
  }

  /** A value was decoded: a large payload is not held any longer. */
  settle(): void {
    if (this.#last.bytes.length > BLOCK_KEPT_BYTES_MAX) this.#last = NO_BLOCK;
  }
}
