/**
 * How values become bytes and come back: implemented by packages/rdb, injected into the engine.
 *
 * One encoder and one decoder serve snapshots, DUMP/RESTORE, COPY and RENAME between shards, and
 * loading. The formats are those of RDB files; core does not know them.
 */
import type { Block } from '@hashlane/resp';
import type { Keyspace } from './keyspace.ts';

export interface ValueCodec {
  /**
   * Appends the RDB record of an entry (expiry, access clock, type, key, value) to the codec's
   * buffer and returns the number of bytes buffered.
   */
  appendRecord(keyspace: Keyspace, reference: number): number;
  /** Hands over the buffered records, in memory of their own, and starts an empty buffer. */
  takeRecords(): Uint8Array<ArrayBuffer>;
  /**
   * A value as RDB type byte and payload. `compresses`: whether strings may be compressed; by
   * default what the settings say.
   */
  encodeValue(keyspace: Keyspace, reference: number, compresses?: boolean): Buffer;
  /** What DUMP replies: an encoded value with a version and a checksum. */
  dumpValue(keyspace: Keyspace, reference: number): Buffer;
  /** The encoded value in a payload of DUMP; undefined when version or checksum are wrong. */
  valueOfDump(payload: Buffer): Buffer | undefined;
  /**
   * Adds a key that is known to be absent. Returns its reference, or 0 when the payload is not a
   * sound value of a known type (nothing was added then). The access clock and deadline are the
   * caller's to set.
   */
  decodeValue(
    keyspace: Keyspace,
    key: Block,
    keyOffset: number,
    keyLength: number,
    hash: number,
    value: Buffer,
  ): number;
}
