// How far a run is: one line that is written over on a terminal, a line now and then elsewhere.
//
//   collisions ████████████░░░░░░░░ 60%  6.0 s  50 users  412,345 samples  68,700/s  0 failed

import type { SharedState } from './shared-state.ts';

const BAR_CELLS = 24;
const TERMINAL_EVERY_MS = 100;
const LOG_EVERY_MS = 5_000;

export interface Progress {
  readonly name: string;
  readonly elapsedMs: number;
  /** Null while loops decide on the end. */
  readonly lengthMs: number | null;
  readonly users: number;
  readonly samples: number;
  readonly failures: number;
  readonly perSecond: number;
}

export function renderProgress(progress: Progress): string {
  const { name, elapsedMs, lengthMs, users, samples, failures, perSecond } = progress;
  const share = lengthMs === null || lengthMs === 0 ? 0 : Math.min(1, elapsedMs / lengthMs);
  const filled = Math.round(share * BAR_CELLS);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
  const percent = lengthMs === null ? '' : ` ${String(Math.floor(share * 100)).padStart(3)}%`;
  const counted = (value: number) => Math.round(value).toLocaleString('en-US');
  return (
    `${name} ${bar}${percent}  ${(elapsedMs / 1e3).toFixed(1)} s  ${counted(users)} users  ` +
    `${counted(samples)} samples  ${counted(perSecond)}/s  ${counted(failures)} failed`
  );
}

/** Writes to standard error until it is disposed of. */
export class ProgressBar implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #isTerminal = process.stderr.isTTY === true;
  readonly #name: string;
  readonly #lengthMs: number | null;
  readonly #shared: SharedState;
  readonly #startedAt = performance.now();
  #before = { at: this.#startedAt, samples: 0 };

  constructor(name: string, lengthMs: number | null, shared: SharedState) {
    this.#name = name;
    this.#lengthMs = lengthMs;
    this.#shared = shared;
    const every = this.#isTerminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS;
    this.#timer = setInterval(() => this.#draw(), every);
  }

  #draw(): void {
    const at = performance.now();
    const { samples, failures, users } = this.#shared;
    const seconds = (at - this.#before.at) / 1e3;
    const line = renderProgress({
      name: this.#name,
      elapsedMs: at - this.#startedAt,
      lengthMs: this.#lengthMs,
      users,
      samples,
      failures,
      perSecond: (samples - this.#before.samples) / seconds,
    });
    if (seconds >= 1) this.#before = { at, samples };
    if (!this.#isTerminal) process.stderr.write(`${line}\n`);
    else process.stderr.write(`\r\x1b[K${line.slice(0, Math.max(20, process.stderr.columns - 1))}`);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#isTerminal) process.stderr.write('\r\x1b[K');
  }
}
