/**
 * What every thread may know of the scripts that shards run: a few words per shard in memory that
 * all threads map. A shard that runs a script does nothing else, so messages cannot reach it.
 *
 *   state   0 no script, 1 one runs, 2 it has written
 *   kill    1: it shall end (only looked at while it has not written)
 */
const WORDS_PER_SHARD = 2;
const STATE = 0;
const KILL = 1;

const IDLE = 0;
const RUNNING = 1;
const DIRTY = 2;

export class ScriptBoard {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** For so many shards, or over the words of another thread. */
  constructor(shards: number | SharedArrayBuffer) {
    this.memory =
      typeof shards === 'number'
        ? new SharedArrayBuffer(Math.max(1, shards) * WORDS_PER_SHARD * 4)
        : shards;
    this.#words = new Int32Array(this.memory);
  }

  // The shard's side

  begin(shard: number): void {
    Atomics.store(this.#words, shard * WORDS_PER_SHARD + KILL, 0);
    Atomics.store(this.#words, shard * WORDS_PER_SHARD + STATE, RUNNING);
  }

  /** The script is about to write; false when it shall end instead. */
  wrote(shard: number): void {
    Atomics.store(this.#words, shard * WORDS_PER_SHARD + STATE, DIRTY);
  }

  end(shard: number): void {
    Atomics.store(this.#words, shard * WORDS_PER_SHARD + STATE, IDLE);
    Atomics.store(this.#words, shard * WORDS_PER_SHARD + KILL, 0);
  }

  isToEnd(shard: number): boolean {
    return Atomics.load(this.#words, shard * WORDS_PER_SHARD + KILL) !== 0;
  }

  // The gateway's side

  hasWritten(shard: number): boolean {
    return Atomics.load(this.#words, shard * WORDS_PER_SHARD + STATE) === DIRTY;
  }

  kill(shard: number): void {
    Atomics.store(this.#words, shard * WORDS_PER_SHARD + KILL, 1);
  }
}
