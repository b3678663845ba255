/**
 * A set of 32-bit hashes that is filled and emptied often: the keys that a script has touched.
 *
 * Open addressing; a slot counts when its stamp is the current one, so that `clear` costs nothing.
 * Two keys with the same hash are one: for locks that is on the safe side.
 */
const SLOTS_MIN = 256;

export class HashSet {
  #hashes = new Int32Array(SLOTS_MIN);
  #stamps = new Uint32Array(SLOTS_MIN);
  #stamp = 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(hash: number): void {
    const mask = this.#hashes.length - 1;
    let at = (hash ^ (hash >>> 15)) & mask;
    while (this.#stamps[at] === this.#stamp) {
      if (this.#hashes[at] === hash) return;
      at = (at + 1) & mask;
    }
    this.#hashes[at] = hash;
    this.#stamps[at] = this.#stamp;
    if (++this.#size * 2 > this.#hashes.length) this.#grow();
  }

  has(hash: number): boolean {
    if (this.#size === 0) return false;
    const mask = this.#hashes.length - 1;
    let at = (hash ^ (hash >>> 15)) & mask;
    while (this.#stamps[at] === this.#stamp) {
      if (this.#hashes[at] === hash) return true;
      at = (at + 1) & mask;
    }
    return false;
  }

  clear(): void {
    if (this.#size === 0) return;
    this.#size = 0;
    // What grew for one script is not kept for all.
    if (this.#hashes.length > SLOTS_MIN || this.#stamp === 0xffffffff) this.#reset(SLOTS_MIN);
    else this.#stamp++;
  }

  #reset(slots: number): void {
    this.#hashes = new Int32Array(slots);
    this.#stamps = new Uint32Array(slots);
    this.#stamp = 1;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const stamps = this.#stamps;
    const stamp = this.#stamp;
    this.#reset(2 * hashes.length);
    this.#size = 0;
    for (let i = 0; i < hashes.length; i++) if (stamps[i] === stamp) this.add(hashes[i]!);
  }
}
