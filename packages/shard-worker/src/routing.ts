/**
 * Which shard owns a key: by the hash of the key's routing part (not always the whole key).
 *
 * The routing part is, in this order: the text between the first `{` and the next `}` when it is
 * not empty (Redis Cluster's hash tag); for the first words that rules name (`bull` unless --route
 * says otherwise) the first two words of `bull:<queue>:…`, so that all keys of a BullMQ queue are
 * neighbours; the whole key. The lookup of the rules costs one pass over the key and is not made at
 * all on a server with one shard.
 */
import { hashBytes, shardOfHash } from '@hashlane/core';
import type { Block } from '@hashlane/resp';

const OPEN = 123;
const CLOSE = 125;
const COLON = 58;

/** The routing part's hash decides; all threads of a server have a router with the same rules. */
export class Router {
  readonly shards: number;
  /** First words, with their colon. */
  readonly #prefixes: readonly Buffer[];

  /** `routes`: first words of keys that are routed by their first two words. */
  constructor(shards: number, routes: readonly string[]) {
    this.shards = shards;
    this.#prefixes = routes.map((word) => Buffer.from(`${word}:`, 'utf8'));
  }

  /** Shard of a key, given the hash of the whole key. */
  shardOf(block: Block, offset: number, length: number, keyHash: number): number {
    if (this.shards <= 1) return 0;
    return shardOfHash(this.routeOf(block, offset, length, keyHash), this.shards);
  }

  /** Hash of a key's routing part, given the hash of the whole key. */
  routeOf(block: Block, offset: number, length: number, keyHash: number): number {
    const { bytes } = block;
    const end = (offset + length) | 0;
    for (let at = offset | 0; at < end; at = (at + 1) | 0) {
      if (bytes[at] !== OPEN) continue;
      const close = bytes.indexOf(CLOSE, at + 1);
      if (close > at + 1 && close < end) return hashBytes(block, at + 1, close - at - 1);
      break;
    }
    const prefixBytes = prefixLength(this.#prefixes, bytes, offset, length);
    if (prefixBytes > 0) {
      const colon = bytes.indexOf(COLON, offset + prefixBytes);
      if (colon >= 0 && colon < end) return hashBytes(block, offset, colon - offset);
    }
    return keyHash;
  }
}

/** Length of the rule's prefix that a key begins with, or 0. */
function prefixLength(
  prefixes: readonly Buffer[],
  bytes: Buffer,
  at: number,
  length: number,
): number {
  for (let i = 0; i < prefixes.length; i++) {
    const prefix = prefixes[i]!;
    if (length > prefix.length && beginsWith(bytes, at, prefix)) return prefix.length;
  }
  return 0;
}

function beginsWith(bytes: Buffer, at: number, prefix: Buffer): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}
