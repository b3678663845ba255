/**
 * The engine's randomness, replayable from a seed: xorshift128+ by Sebastiano Vigna (public
 * domain), on 32-bit halves reduced to the classic xorshift128 of George Marsaglia (2003).
 */
export class RandomSource {
  #x: number;
  #y: number;
  #z = 521288629;
  #w = 88675123;

  constructor(seed: number) {
    this.#x = seed ^ 123456789;
    this.#y = Math.imul(seed, 0x9e3779b1) ^ 362436069;
    for (let i = 0; i < 8; i++) this.next();
  }

  /** Next 32 random bits, unsigned. */
  next(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w = this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8);
    return this.#w >>> 0;
  }

  /** Uniform integer in 0 … bound − 1, for bounds up to 2^32. */
  below(bound: number): number {
    return Math.floor((this.next() / 4294967296) * bound);
  }

  /** Uniform double in [0, 1). */
  unit(): number {
    return this.next() / 4294967296;
  }
}
