/**
 * The scheduler of a simulation: virtual time, virtual threads, and the choice of what happens next.
 *
 * Whatever may happen is a *source*: a port that has a message, a socket that has bytes, a thread
 * whose immediates or timers are due, a client that may send. One step chooses one ready source by
 * seeded chance and runs it; promises that it settles run to their end before the next step. So one
 * seed is one interleaving. Each source is FIFO in itself, and nothing orders two sources.
 *
 *   sources   port → shard 0   port → gateway   socket of client 3   immediates of shard 1   …
 *                └───────────────┴──── one is chosen ────┴──────────────┘
 *
 * Chance alone would keep all sources about equally quick. So each has a weight, drawn anew every
 * few hundred steps over several powers of two: a shard that gets its messages late is the rule.
 *
 * As in Node, the immediates of a thread that are due run one after the other, with nothing else of
 * that thread in between. Timers run late by any amount, never early.
 *
 * Every step is folded into `hash`: two runs of one seed that differ anywhere differ there.
 */
import { SeededRandom } from '@hashlane/harness/tools';
import {
  EVENT_US_MAX,
  EVENTS_PER_TURN,
  JUMP_EVENTS,
  JUMP_MS_MAX,
  REGIME_EVENTS,
  SLOWNESS_MAX,
  START_MS,
} from './limits.ts';

/** Something that may happen. */
export interface Source {
  readonly name: string;
  /** Whose event loop it belongs to; undefined for the network and the clients. */
  readonly thread: Thread | undefined;
  isReady(): boolean;
  run(): void;
}

export class VirtualTimer {
  readonly thread: Thread;
  readonly dueMs: number;
  readonly work: () => void;
  readonly everyMs: number | undefined;

  constructor(thread: Thread, dueMs: number, work: () => void, everyMs: number | undefined) {
    this.thread = thread;
    this.dueMs = dueMs;
    this.work = work;
    this.everyMs = everyMs;
    thread.timers.push(this);
  }

  cancel(): void {
    this.thread.drop(this);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

export class VirtualImmediate {
  readonly work: () => void;
  isCancelled = false;

  constructor(work: () => void) {
    this.work = work;
  }
}

/** One event loop: the gateway's, or a shard's. */
export class Thread {
  readonly name: string;
  readonly timers: VirtualTimer[] = [];
  immediates: VirtualImmediate[] = [];
  /** Immediates of the check phase that is under way. */
  checking: VirtualImmediate[] = [];

  constructor(name: string) {
    this.name = name;
  }

  /** The timer that is due first; of equal ones the oldest. */
  earliest(): VirtualTimer | undefined {
    let first: VirtualTimer | undefined;
    for (const timer of this.timers) {
      if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    }
    return first;
  }

  drop(timer: VirtualTimer): void {
    const at = this.timers.indexOf(timer);
    if (at >= 0) this.timers.splice(at, 1);
  }
}

interface Entry {
  readonly source: Source;
  readonly number: number;
  weight: number;
}

export class Scheduler {
  readonly random: SeededRandom;
  /** Milliseconds since the epoch; `Date.now` of the simulation. */
  nowMs = START_MS;
  steps = 0;
  /** Of all that happened. */
  hash = 0x811c9dc5;
  /** The thread whose work is being done, to whom timers and ports are attributed. */
  current: Thread;
  readonly gateway = new Thread('gateway');
  /** Called after each step, when the promises it settled are done. */
  afterStep: (thread: Thread | undefined) => void = () => {};
  /** Gets a line per step, to look at a failed run. */
  trace: ((line: string) => void) | undefined;
  #entries: Entry[] = [];
  #threads: Thread[] = [];
  #nextNumber = 0;
  #ready: Entry[] = [];
  #lastThread: Thread | undefined;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.current = this.gateway;
    this.addThread(this.gateway);
  }

  addThread(thread: Thread): void {
    this.#threads.push(thread);
    this.add({
      name: `immediates of ${thread.name}`,
      thread,
      isReady: () => thread.checking.length > 0 || thread.immediates.length > 0,
      run: () => this.#check(thread),
    });
    this.add({
      name: `timers of ${thread.name}`,
      thread,
      isReady: () => (thread.earliest()?.dueMs ?? Infinity) <= this.nowMs,
      run: () => this.#runTimer(thread),
    });
  }

  add(source: Source): void {
    this.#entries.push({ source, number: this.#nextNumber++, weight: this.#drawWeight() });
  }

  /** Takes a thread's timers and immediates away, as when its event loop ends. */
  removeThread(thread: Thread): void {
    this.#threads = this.#threads.filter((each) => each !== thread);
    this.#entries = this.#entries.filter(({ source }) => source.thread !== thread);
  }

  remove(source: Source): void {
    this.#entries = this.#entries.filter((entry) => entry.source !== source);
  }

  /** Folds a number into the hash of the run. */
  fold(value: number): void {
    this.hash = Math.imul(this.hash ^ (value & 0xffff), 0x01000193) >>> 0;
    this.hash = Math.imul(this.hash ^ (value >>> 16), 0x01000193) >>> 0;
  }

  foldBytes(bytes: Uint8Array): void {
    let { hash } = this;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    this.hash = hash;
  }

  #drawWeight(): number {
    return 2 ** -this.random.below(SLOWNESS_MAX + 1);
  }

  #check(thread: Thread): void {
    if (thread.checking.length === 0) {
      thread.checking = thread.immediates;
      thread.immediates = [];
    }
    const immediate = thread.checking.shift() as VirtualImmediate;
    if (!immediate.isCancelled) immediate.work();
  }

  #runTimer(thread: Thread): void {
    const timer = thread.earliest() as VirtualTimer;
    const { everyMs, work } = timer;
    thread.drop(timer);
    if (everyMs !== undefined) new VirtualTimer(thread, this.nowMs + everyMs, work, everyMs);
    work();
  }

  /** Lets one thing happen. False when nothing can, now or later. */
  step(): boolean {
    if (this.steps % REGIME_EVENTS === 0) {
      for (const entry of this.#entries) entry.weight = this.#drawWeight();
    }
    this.steps++;
    const chosen = this.#choose();
    if (chosen === undefined) return this.#sleep();
    const { thread, name } = chosen.source;
    this.fold(chosen.number);
    this.trace?.(`${this.steps} ${(this.nowMs - START_MS).toFixed(2)} ms ${name}`);
    if (thread !== undefined) this.current = thread;
    this.#lastThread = thread;
    chosen.source.run();
    this.nowMs += this.random.below(EVENT_US_MAX) / 1000;
    if (this.random.oneIn(JUMP_EVENTS)) this.nowMs += this.random.below(JUMP_MS_MAX);
    return true;
  }

  #choose(): Entry | undefined {
    const ready = this.#ready;
    ready.length = 0;
    let total = 0;
    for (const entry of this.#entries) {
      const { thread } = entry.source;
      const isOther = thread !== undefined && thread.checking.length > 0;
      if (isOther && !entry.source.name.startsWith('immediates')) continue;
      if (!entry.source.isReady()) continue;
      ready.push(entry);
      total += entry.weight;
    }
    if (ready.length === 0) return undefined;
    let at = (this.random.below(1 << 24) / (1 << 24)) * total;
    for (const entry of ready) {
      at -= entry.weight;
      if (at < 0) return entry;
    }
    return ready.at(-1);
  }

  /** Nothing but timers can happen. */
  isQuiet(): boolean {
    return !this.#entries.some(
      ({ source }) => !source.name.startsWith('timers') && source.isReady(),
    );
  }

  /** Nothing is ready: time goes on to the next timer. */
  #sleep(): boolean {
    let next = Infinity;
    for (const thread of this.#threads) {
      next = Math.min(next, thread.earliest()?.dueMs ?? Infinity);
    }
    this.#lastThread = undefined;
    if (next === Infinity) return false;
    this.nowMs = Math.max(this.nowMs, next);
    return true;
  }

  /**
   * Steps until `isDone`, which is asked before each step; `isDone` may throw. Resolves with false
   * when nothing more can happen.
   */
  run(isDone: () => boolean, pause: (work: () => void) => void): Promise<boolean> {
    return new Promise((resolve, reject) => {
      let left = EVENTS_PER_TURN;
      // All promises are done when a tick runs that was asked for by a microtask.
      const next = (): void => {
        if (left-- > 0) {
          queueMicrotask(() => process.nextTick(step));
          return;
        }
        left = EVENTS_PER_TURN;
        pause(step);
      };
      const step = (): void => {
        try {
          if (this.steps > 0) this.afterStep(this.#lastThread);
          if (isDone()) resolve(true);
          else if (this.step()) next();
          else resolve(false);
        } catch (error) {
          reject(error);
        }
      };
      step();
    });
  }
}
