/**
 * Which shard owns a key: by the hash of the key's routing part (not always the whole key).
 *
 * The routing part is, in this order: the text between the first `{` and the next `}` when it is
 * not empty (Redis Cluster's hash tag); `bull:<queue>` of `bull:<queue>:…`, so that all keys of a
 * BullMQ queue are neighbours; the whole key. The lookup of the rule costs one pass over the key
 * and is not made at all on a server with one shard.
 */
import { hashBytes, shardOfHash } from '@hashlane/core';
import type { Block } from '@hashlane/resp';

const OPEN = 123;
const CLOSE = 125;
const COLON = 58;
const BULL_LENGTH = 5;

/** Shard of a key, given the hash of the whole key. */
export function shardOfKey(
  block: Block,
  offset: number,
  length: number,
  keyHash: number,
  shards: number,
): number {
  if (shards <= 1) return 0;
  const { bytes } = block;
  const end = (offset + length) | 0;
  for (let at = offset | 0; at < end; at = (at + 1) | 0) {
    if (bytes[at] !== OPEN) continue;
    const close = bytes.indexOf(CLOSE, at + 1);
    if (close > at + 1 && close < end) {
      return shardOfHash(hashBytes(block, at + 1, close - at - 1), shards);
    }
    break;
  }
  if (isBull(bytes, offset, length)) {
    const colon = bytes.indexOf(COLON, offset + BULL_LENGTH);
    if (colon >= 0 && colon < end) {
      return shardOfHash(hashBytes(block, offset, colon - offset), shards);
    }
  }
  return shardOfHash(keyHash, shards);
}

function isBull(bytes: Buffer, at: number, length: number): boolean {
  return (
    length > BULL_LENGTH &&
    bytes[at] === 98 &&
    bytes[at + 1] === 117 &&
    bytes[at + 2] === 108 &&
    bytes[at + 3] === 108 &&
    bytes[at + 4] === COLON
  );
}
