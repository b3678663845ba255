/**
 * What every thread may know of the scripts that shards run: some words per shard in memory that
 * all threads map. A shard that runs a script does nothing else, so messages cannot reach it.
 *
 *   state    0 no script, 1 one runs, 2 it has written
 *   kill     1: it shall end (only looked at while it has not written)
 *   stands   requests the shard has begun, while a script makes it stand still; see below
 *   refused  a bit for each request behind these
 *
 * Refusing. Requests that were sent to a shard before it was known to be busy are answered with BUSY
 * by the gateway, and must not be executed then. The gateway writes their bits and changes `stands`
 * from the count that it has read to a negative number; the shard takes the word when it goes on.
 * Only one of them can find it as it was, so both know what was refused and what was not:
 *
 *   shard    stands = begun … the script … exchange(stands, MOVES) ─▶ negative: skips what has a bit
 *   gateway           compareExchange(stands, begun, ~count) ─▶ as it was: answers what has a bit
 */
import { REFUSALS_MAX } from './limits.ts';

const COMMON_WORDS = 1;
const STOPS_WRITES = 0;

const STATE = 0;
const KILL = 1;
const STANDS = 2;
const REFUSED = 3;
const WORDS_PER_SHARD = REFUSED + REFUSALS_MAX / 32;

const IDLE = 0;
const RUNNING = 1;
const DIRTY = 2;

/** In place of a count: the shard does not stand still. */
const MOVES = 0x7fffffff;
/** Counts of requests as they are in a word. */
const COUNT_MASK = 0x3fffffff;

export class ScriptBoard {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** For so many shards, or over the words of another thread. */
  constructor(shards: number | SharedArrayBuffer) {
    if (typeof shards !== 'number') {
      this.memory = shards;
      this.#words = new Int32Array(this.memory);
      return;
    }
    const count = Math.max(1, shards);
    this.memory = new SharedArrayBuffer((COMMON_WORDS + count * WORDS_PER_SHARD) * 4);
    this.#words = new Int32Array(this.memory);
    for (let shard = 0; shard < count; shard++) this.#words[wordOf(shard, STANDS)] = MOVES;
  }

  // The shard's side

  begin(shard: number): void {
    Atomics.store(this.#words, wordOf(shard, KILL), 0);
    Atomics.store(this.#words, wordOf(shard, STATE), RUNNING);
  }

  /** The script is about to write. */
  wrote(shard: number): void {
    Atomics.store(this.#words, wordOf(shard, STATE), DIRTY);
  }

  end(shard: number): void {
    Atomics.store(this.#words, wordOf(shard, STATE), IDLE);
    Atomics.store(this.#words, wordOf(shard, KILL), 0);
  }

  isToEnd(shard: number): boolean {
    return Atomics.load(this.#words, wordOf(shard, KILL)) !== 0;
  }

  /** Are writes of scripts to be refused, because snapshots fail? */
  get stopsWrites(): boolean {
    return Atomics.load(this.#words, STOPS_WRITES) !== 0;
  }

  /** A script makes the shard stand still, if it does not yet, when it has begun so many requests. */
  stand(shard: number, begun: number): void {
    Atomics.compareExchange(this.#words, wordOf(shard, STANDS), MOVES, begun & COUNT_MASK);
  }

  /** The shard goes on. What of the requests that it has not begun was refused, by their places. */
  goOn(shard: number): readonly number[] {
    const word = Atomics.exchange(this.#words, wordOf(shard, STANDS), MOVES);
    return word < 0 ? this.#readRefused(shard, ~word) : NONE;
  }

  #readRefused(shard: number, count: number): number[] {
    const places: number[] = [];
    for (let place = 0; place < count; place++) {
      const bits = this.#words[wordOf(shard, REFUSED) + (place >>> 5)]!;
      if ((bits & (1 << (place & 31))) !== 0) places.push(place);
    }
    return places;
  }

  // The gateway's side

  hasWritten(shard: number): boolean {
    return Atomics.load(this.#words, wordOf(shard, STATE)) === DIRTY;
  }

  kill(shard: number): void {
    Atomics.store(this.#words, wordOf(shard, KILL), 1);
  }

  stopWrites(isStopped: boolean): void {
    Atomics.store(this.#words, STOPS_WRITES, isStopped ? 1 : 0);
  }

  /**
   * At how many begun requests a shard stands still, of which `answered` are known; undefined when it
   * does not, or when requests have been refused already.
   */
  standsAt(shard: number, answered: number): number | undefined {
    const word = Atomics.load(this.#words, wordOf(shard, STANDS));
    return word < 0 || word === MOVES ? undefined : answered + ((word - answered) & COUNT_MASK);
  }

  /**
   * Refuses of the requests behind the first `begun` those at these places; false when the shard does
   * not stand there any more, and will execute them.
   */
  refuse(shard: number, begun: number, places: readonly number[]): boolean {
    const first = wordOf(shard, REFUSED);
    const count = places.length === 0 ? 0 : places.at(-1)! + 1;
    this.#words.fill(0, first, first + Math.ceil(count / 32));
    for (const place of places) this.#words[first + (place >>> 5)]! |= 1 << (place & 31);
    const word = begun & COUNT_MASK;
    return Atomics.compareExchange(this.#words, wordOf(shard, STANDS), word, ~count) === word;
  }

  /** A shard has failed. */
  reset(shard: number): void {
    this.end(shard);
    Atomics.store(this.#words, wordOf(shard, STANDS), MOVES);
  }
}

const NONE: readonly number[] = [];

function wordOf(shard: number, word: number): number {
  return COMMON_WORDS + shard * WORDS_PER_SHARD + word;
}
