/**
 * Claims: one 32-bit word per waiter that is registered in several shards.
 *
 * The words live in one SharedArrayBuffer that all threads map. A word is free (0), open (1), won (2)
 * or guarded (3). A shard that wants to serve the waiter must change open to won; only one can. Who
 * changes open to guarded leaves the waiter to the gateway, for good: then no shard serves it by
 * itself. The number of a claim travels in the request in place of a pointer.
 */
import type { Claim } from '@hashlane/core';

const FREE = 0;
const OPEN = 1;
const WON = 2;
const GUARDED = 3;
const CLAIMS_MAX = 64 * 1024;

export class ClaimTable {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  #next = 0;

  /** Over the words of another thread, or new ones. */
  constructor(memory = new SharedArrayBuffer(CLAIMS_MAX * 4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Opens a claim and returns its number, or −1 when all are taken. */
  open(): number {
    for (let tries = 0; tries < CLAIMS_MAX; tries++) {
      const number = this.#next;
      this.#next = (this.#next + 1) % CLAIMS_MAX;
      if (Atomics.compareExchange(this.#words, number, FREE, OPEN) === FREE) return number;
    }
    return -1;
  }

  /** The claim as a shard sees it. */
  claim(number: number): Claim {
    return {
      win: () => this.win(number),
      guard: () => this.guard(number),
      isGuarded: () => this.isGuarded(number),
    };
  }

  win(number: number): boolean {
    return Atomics.compareExchange(this.#words, number, OPEN, WON) === OPEN;
  }

  /** True when the claim is guarded now: nobody had won it. */
  guard(number: number): boolean {
    const was = Atomics.compareExchange(this.#words, number, OPEN, GUARDED);
    return was === OPEN || was === GUARDED;
  }

  isGuarded(number: number): boolean {
    return Atomics.load(this.#words, number) === GUARDED;
  }

  /** The gateway ends the wait, guarded or not; false when a shard had won. */
  take(number: number): boolean {
    if (this.win(number)) return true;
    return Atomics.compareExchange(this.#words, number, GUARDED, WON) === GUARDED;
  }

  /** Gives the word back, when no shard can refer to it any more. */
  close(number: number): void {
    Atomics.store(this.#words, number, FREE);
  }
}
