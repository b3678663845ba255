/**
 * The hash of keys: seeded, 32 bits, eight bytes at a step in two lanes.
 *
 * It decides three things that use different bits: the directory and home slot in a ByteMap (the
 * high bits, in order, which is what SCAN's cursor walks) and the shard (the low 15 bits, see
 * `shardOfHash`). The multiplier and start value come from a seed drawn at start-up, so that a
 * stranger cannot prepare keys that collide. All threads of a server share the seed.
 *
 * The mixing steps are those of MurmurHash3's 32-bit finalizer (public domain, Austin Appleby).
 */
import type { Block } from '@hashlane/resp';

let start = 0x3c6ef372;
let multiplier = 0x9e3779b1 | 0;

/** Sets the seed of this thread. Must be called before any key is hashed, or never. */
export function seedHash(seed: number): void {
  start = Math.imul(seed ^ 0x3c6ef372, 0x85ebca6b);
  multiplier = (Math.imul(seed, 0x9e3779b1) ^ 0x9e3779b1) | 1;
}

/** Hash of `length` bytes, as a signed 32-bit integer. */
export function hashBytes(block: Block, offset: number, length: number): number {
  const n = length | 0;
  const from = offset | 0;
  const m = multiplier;
  const view = block.view;
  let h = start ^ n;
  let i = 0;
  if (n >= 8) {
    // Two lanes, so that the processor works on both multiplications at once.
    let g = start;
    for (; ((i + 8) | 0) <= n; i = (i + 8) | 0) {
      h = Math.imul(h ^ view.getInt32((from + i) | 0, true), m);
      g = Math.imul(g ^ view.getInt32((from + i + 4) | 0, true), m);
      h = h ^ (h >>> 15);
      g = g ^ (g >>> 13);
    }
    h = Math.imul(h, 0x27d4eb2f) ^ g;
  }
  if (((i + 4) | 0) <= n) {
    h = Math.imul(h ^ view.getInt32((from + i) | 0, true), m);
    h = h ^ (h >>> 15);
    i = (i + 4) | 0;
  }
  for (; i < n; i = (i + 1) | 0) {
    h = Math.imul(h ^ view.getUint8((from + i) | 0), m);
    h = h ^ (h >>> 13);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The shard, 0 … `shards` − 1, of a key whose routing part has this hash. */
export function shardOfHash(hash: number, shards: number): number {
  return (hash & 0x7fff) % shards;
}
