/**
 * Cursors of SCAN over several shards: (bound of key hashes in the shard) × shards + shard, so that a
 * client walks one shard after the other; 0 begins and ends as always.
 */

export interface ScanPlace {
  readonly shard: number;
  /** The cursor within the shard. */
  readonly bound: string;
}

/** Where a cursor points, read as Redis reads it (strtoul); undefined when it is none. */
export function readScanCursor(text: string, shards: number): ScanPlace | undefined {
  const match = /^([+-]?)(\d*)$/.exec(text);
  if (match === null || (match[2] === '' && match[1] !== '')) return undefined;
  const value = BigInt(match[2] === '' ? 0 : match[2]!);
  if (value > 18446744073709551615n) return undefined;
  const cursor = match[1] === '-' ? BigInt.asUintN(64, -value) : value;
  return { shard: Number(cursor % BigInt(shards)), bound: String(cursor / BigInt(shards)) };
}

/** The cursor after a shard answered with a cursor of its own. */
export function nextScanCursor(bound: number, shard: number, shards: number): number {
  return bound === 0 ? (shard + 1) % shards : bound * shards + shard;
}
