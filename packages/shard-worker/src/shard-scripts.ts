/**
 * The scripts of a shard in its host: the script engine, and how others watch over what it runs.
 *
 * In a worker thread a script that takes longer than busy-reply-threshold is reported (`busy`), and
 * ends when it is told to and has not written. In the gateway's own thread nobody could tell it:
 * there a script that has not written ends by itself after that time, and one that has after
 * `OVERTIME` times that time, because otherwise the server would be lost.
 */
import { performance } from 'node:perf_hooks';
import type { Engine, Request } from '@hashlane/core';
import { ScriptInterrupt } from '@hashlane/lua';
import { errors } from '@hashlane/resp';
import { type LogLevel, ScriptEngine, type ScriptWatch } from '@hashlane/scripting';
import { SCRIPT_OVERTIME } from './limits.ts';
import type { ScriptBoard } from './script-board.ts';

/** What a shard starts with and tells of scripts. */
export interface ScriptOptions {
  readonly board: ScriptBoard;
  /** Names of commands that are not the shards'. */
  readonly otherCommands: readonly OtherCommand[];
  readonly known: readonly (readonly [digest: string, source: string])[];
  readonly epoch: number;
  /** True where nobody can end a script from outside. */
  readonly isAlone: boolean;
  learned(digest: string, source: string, epoch: number): void;
  /** A script began to take long, or such a one ended. */
  busy(isBusy: boolean): void;
  log(level: LogLevel, text: string): void;
}

/** A command of the gateway, as scripts must know it. */
export interface OtherCommand {
  readonly name: string;
  readonly arity: number;
  readonly flags: number;
}

export class ShardScripts implements ScriptWatch {
  readonly scripts: ScriptEngine;
  readonly #shard: number;
  readonly #engine: Engine;
  readonly #options: ScriptOptions;
  #epoch: number;
  #startedMs = 0;
  #hasWritten = false;
  #isBusy = false;

  constructor(
    shard: number,
    engine: Engine,
    options: ScriptOptions,
    execute: (command: number, request: Request) => void,
  ) {
    this.#shard = shard;
    this.#engine = engine;
    this.#options = options;
    this.#epoch = options.epoch;
    this.scripts = new ScriptEngine({
      engine,
      watch: this,
      others: options.otherCommands,
      executor: { execute: (command, _spec, request) => execute(command, request) },
      microseconds: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
      log: options.log,
      learned: (digest, source) => options.learned(digest, source, this.#epoch),
    });
    for (const [digest, source] of options.known) this.scripts.add(digest, source);
    engine.scripts = this.scripts;
  }

  flush(epoch: number): void {
    this.#epoch = epoch;
    this.scripts.flush();
  }

  // ScriptWatch

  begin(): void {
    this.#startedMs = performance.now();
    this.#hasWritten = false;
    this.#options.board.begin(this.#shard);
  }

  wrote(): void {
    this.#hasWritten = true;
    this.#options.board.wrote(this.#shard);
  }

  check(): void {
    const { board, isAlone } = this.#options;
    if (!this.#hasWritten && board.isToEnd(this.#shard)) {
      throw new ScriptInterrupt(errors.scriptKilled);
    }
    const { busyReplyMs } = this.#engine.settings;
    const elapsed = performance.now() - this.#startedMs;
    if (busyReplyMs === 0 || elapsed < busyReplyMs) return;
    if (isAlone) {
      if (this.#hasWritten && elapsed < SCRIPT_OVERTIME * busyReplyMs) return;
      throw new ScriptInterrupt(errors.scriptTooLong);
    }
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#options.busy(true);
  }

  end(): void {
    this.#options.board.end(this.#shard);
    if (!this.#isBusy) return;
    this.#isBusy = false;
    this.#options.busy(false);
  }
}
