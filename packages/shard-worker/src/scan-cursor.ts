/**
 * Cursors of SCAN over several shards: (bound of key hashes in the shard) × shards + shard, so that a
 * client walks one shard after the other; 0 begins and ends as always.
 */
import { parseCursor } from '@hashlane/core';

export interface ScanPlace {
  readonly shard: number;
  /** The cursor within the shard. */
  readonly bound: string;
}

/** Where a cursor points; undefined when it is none. */
export function readScanCursor(text: string, shards: number): ScanPlace | undefined {
  const cursor = parseCursor(text);
  if (cursor === undefined) return undefined;
  return { shard: Number(cursor % BigInt(shards)), bound: String(cursor / BigInt(shards)) };
}

/** The cursor after a shard answered with a cursor of its own. */
export function nextScanCursor(bound: number, shard: number, shards: number): number {
  return bound === 0 ? (shard + 1) % shards : bound * shards + shard;
}
