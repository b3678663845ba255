// Random numbers that come back with the same seed (mulberry32): a run can be repeated with --seed.

/** A function that gives numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed of its own for one of many users. */
export function seedOf(seed: number, group: number, user: number): number {
  return (Math.imul(seed ^ (group * 0x9e37_79b1), 0x85eb_ca6b) + user * 0xc2b2_ae35) >>> 0;
}
