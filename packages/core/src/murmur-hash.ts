/**
 * MurmurHash64A, the hash that decides which register of a HyperLogLog an element belongs to. It must
 * be this one, with Redis's seed, so that values can move between servers.
 *
 * A 64-bit product is put together from products of 16-bit halves, because bigint would allocate for
 * every one of them: a hash of 16 bytes takes about 30 ns. The two halves of the result are left in
 * a reused object.
 *
 * Algorithm: Austin Appleby, MurmurHash2, 64-bit version for 64-bit machines (public domain).
 */
import type { Block } from '@hashlane/resp';

/** The multiplier 0xc6a4a7935bd1e995: its words, and the lower one's halves. */
const FACTOR_HIGH = 0xc6a4a793 | 0;
const FACTOR_LOW = 0x5bd1e995;
const FACTOR_LOW_HIGH = 0x5bd1;
const FACTOR_LOW_LOW = 0xe995;

/** A 64-bit number as two signed words. */
class Words {
  low = 0;
  high = 0;

  /** Multiplies by the factor, modulo 2^64. */
  multiply(): void {
    const low = this.low | 0;
    const lowLow = low & 0xffff;
    const lowHigh = low >>> 16;
    const first = Math.imul(lowLow, FACTOR_LOW_LOW);
    const second = Math.imul(lowLow, FACTOR_LOW_HIGH);
    const third = Math.imul(lowHigh, FACTOR_LOW_LOW);
    const middle = ((first >>> 16) + (second & 0xffff) + (third & 0xffff)) | 0;
    const carried = ((middle >>> 16) + (second >>> 16) + (third >>> 16)) | 0;
    const upper = (Math.imul(lowHigh, FACTOR_LOW_HIGH) + carried) | 0;
    this.high = (upper + Math.imul(low, FACTOR_HIGH) + Math.imul(this.high, FACTOR_LOW)) | 0;
    this.low = Math.imul(low, FACTOR_LOW);
  }

  /** x ^ (x >> 47): the shifted number has 17 bits. */
  mix(): void {
    this.low = (this.low ^ (this.high >>> 15)) | 0;
  }
}

const hash = new Words();
const word = new Words();

/** Hash of `length` bytes with a seed of 32 bits. The result holds until the next call. */
export function murmurHash64(
  block: Block,
  offset: number,
  length: number,
  seed: number,
): { readonly low: number; readonly high: number } {
  const { view, bytes } = block;
  hash.low = length;
  hash.high = 0;
  hash.multiply();
  hash.low = (hash.low ^ seed) | 0;
  const whole = (offset + (length & ~7)) | 0;
  for (let at = offset | 0; at < whole; at = (at + 8) | 0) {
    word.low = view.getInt32(at, true);
    word.high = view.getInt32((at + 4) | 0, true);
    word.multiply();
    word.mix();
    word.multiply();
    hash.low = (hash.low ^ word.low) | 0;
    hash.high = (hash.high ^ word.high) | 0;
    hash.multiply();
  }
  const rest = length & 7;
  if (rest !== 0) {
    for (let i = 0; i < rest; i++) {
      const byte = bytes[whole + i];
      if (i < 4) hash.low ^= byte << (8 * i);
      else hash.high ^= byte << (8 * (i - 4));
    }
    hash.multiply();
  }
  hash.mix();
  hash.multiply();
  hash.mix();
  return hash;
}
