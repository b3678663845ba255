// The numbers that all threads of a run share: one array of words, added to with Atomics.
//
//   stop │ samples │ failures │ users │ users of group 0, 1, … │ counters … │ tallies …
//
// The progress bar reads them, the JTL lines need the numbers of active users, `${__counter}` and
// tallies are counted here. Counters are 32 bits wide, as JMeter's are.

import type { Plan } from './plan-model.ts';
import type { SharedNumbers } from './template.ts';

const STOP = 0;
const SAMPLES = 1;
const FAILURES = 2;
const USERS = 3;
const GROUPS = 4;

type Shape = Pick<Plan, 'groups' | 'counters' | 'tallies'>;

export class SharedState implements SharedNumbers {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #counters: number;
  readonly #tallies: number;

  /** Over the buffer of another thread, or a fresh one. */
  constructor({ groups, counters, tallies }: Shape, buffer?: SharedArrayBuffer) {
    this.#counters = GROUPS + groups.length;
    this.#tallies = this.#counters + counters;
    this.buffer = buffer ?? new SharedArrayBuffer(4 * (this.#tallies + tallies.length));
    this.#words = new Int32Array(this.buffer);
  }

  requestStop(): void {
    Atomics.store(this.#words, STOP, 1);
  }

  get isStopping(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  countSample(isSuccess: boolean): void {
    Atomics.add(this.#words, SAMPLES, 1);
    if (!isSuccess) Atomics.add(this.#words, FAILURES, 1);
  }

  get samples(): number {
    return Atomics.load(this.#words, SAMPLES) >>> 0;
  }

  get failures(): number {
    return Atomics.load(this.#words, FAILURES) >>> 0;
  }

  enter(group: number): void {
    Atomics.add(this.#words, USERS, 1);
    Atomics.add(this.#words, GROUPS + group, 1);
  }

  leave(group: number): void {
    Atomics.sub(this.#words, USERS, 1);
    Atomics.sub(this.#words, GROUPS + group, 1);
  }

  get users(): number {
    return Atomics.load(this.#words, USERS);
  }

  usersOf(group: number): number {
    return Atomics.load(this.#words, GROUPS + group);
  }

  count(counter: number): number {
    return Atomics.add(this.#words, this.#counters + counter, 1) + 1;
  }

  countTally(tally: number): void {
    Atomics.add(this.#words, this.#tallies + tally, 1);
  }

  readTally(tally: number): number {
    return Atomics.load(this.#words, this.#tallies + tally);
  }
}
