/**
 * The countdown of a running script: one for the thread, since a thread runs one script at a time.
 *
 * Generated code takes 1 from `steps` at every turn of a loop and every call and, below zero, calls
 * `check`, which looks at the heap and calls the `interrupt` of whoever runs the script (it may
 * throw ScriptInterrupt). Library functions `charge` what they do in proportion to their input, so
 * that a script cannot hide in them; strings are charged by their bytes. `depth` counts nested Lua
 * calls, `pcall` restores it.
 *
 * Cost: a decrement and a comparison; a check every STEPS_PER_CHECK, about 10 µs.
 */
import { getHeapStatistics } from 'node:v8';
import { LuaError, luaError } from './errors.ts';
import {
  BYTES_PER_STEP,
  CALL_DEPTH_MAX,
  HEAP_SHARE_LEAST,
  HEAP_SHARE_MAX,
  STEPS_PER_CHECK,
  STRING_BYTES_MAX,
  YOUNG_BYTES,
} from './limits.ts';

const { heap_size_limit: heapBytesLimit } = getHeapStatistics();
// The limit counts the young generation, and V8 ends the process when the old one alone is full.
const heapBytesMax = Math.max(
  HEAP_SHARE_MAX * heapBytesLimit - YOUNG_BYTES,
  HEAP_SHARE_LEAST * heapBytesLimit,
);
/**
 * So many levels leave more than half of JavaScript's stack, with functions as large as Redis accepts
 * (250 registers). The probe takes some 4 µs, and scripts of queues call commands a few levels deep.
 */
const DEPTH_WITH_ROOM = 32;
const STACK_ROOM: readonly number[] = new Array(8192).fill(0);
const noInterrupt = (): void => {};

function probe(..._values: readonly number[]): void {}

class Meter {
  steps = STEPS_PER_CHECK;
  depth = 0;
  interrupt: () => void = noInterrupt;

  /** Before a script: a fresh countdown. Gives back what `leave` needs. */
  enter(interrupt: (() => void) | undefined): Meter['interrupt'] {
    const before = this.interrupt;
    this.interrupt = interrupt ?? noInterrupt;
    this.steps = STEPS_PER_CHECK;
    return before;
  }

  leave(before: Meter['interrupt']): void {
    this.interrupt = before;
  }

  check(): void {
    // What looks at the script must not be cut off in the middle by an overflow of the stack. If
    // there is no room the script sees the overflow, and looks again at its next step.
    this.steps = 0;
    this.ensureStack();
    this.steps = STEPS_PER_CHECK;
    if (getHeapStatistics().used_heap_size > heapBytesMax) throw new LuaError('not enough memory');
    this.interrupt();
  }

  /**
   * Throws "stack overflow" unless JavaScript's stack has room for some 60 KB of calls. Costs nothing
   * while a script is not nested.
   */
  ensureStack(): void {
    if (this.depth > DEPTH_WITH_ROOM) probe(...STACK_ROOM);
  }

  /** Work of a library function, in steps of about a loop's turn. */
  charge(steps: number): void {
    this.steps -= steps;
    if (this.steps < 0) this.check();
  }

  /** Before or after a string of so many bytes is made: an error when it is too long. */
  chargeString(bytes: number): void {
    if (bytes > STRING_BYTES_MAX) throw new LuaError('not enough memory');
    this.charge((bytes / BYTES_PER_STEP) | 0);
  }

  overflow(): never {
    throw luaError('stack overflow');
  }
}

export const meter: Meter = new Meter();

/** Called with `meter.depth` too high. */
export const DEPTH_MAX: number = CALL_DEPTH_MAX;
