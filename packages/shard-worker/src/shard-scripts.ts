/**
 * The scripts of a shard in its host: the script engine, and how others watch over what it runs.
 *
 * In a worker thread a script that takes longer than busy-reply-threshold is reported (`busy`), and
 * ends when it is told to and has not written. In the gateway's own thread nobody could tell it:
 * there a script that has not written ends by itself after that time, and one that has after
 * `OVERTIME` times that time, because otherwise the server would be lost.
 */
import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { COMMANDS, DENYOOM, type Engine, type Request } from '@hashlane/core';
import { ScriptInterrupt } from '@hashlane/lua';
import { errors } from '@hashlane/resp';
import { type LogLevel, ScriptEngine, type ScriptWatch } from '@hashlane/scripting';
import { Door, type DoorBoard, type DoorCall } from './door.ts';
import { SCRIPT_OVERTIME } from './limits.ts';
import type { BusyScript, ControlAnswers } from './messages.ts';
import type { RequestCount } from './request-count.ts';
import type { Router } from './routing.ts';
import type { ScriptBoard } from './script-board.ts';
import { requestOfCall, ScriptExecutor } from './script-executor.ts';
import type { LearnedScript } from './script-store.ts';
import type { ShardHost } from './shard-host.ts';
import { type PublishedMessage, SubscriberCounts } from './subscriber-counts.ts';

/** What a shard starts with and tells of scripts. */
export interface ScriptOptions {
  readonly board: ScriptBoard;
  /** The requests of the shard, as the board counts them. */
  readonly requests: RequestCount;
  readonly router: Router;
  /** Names of commands that are not the shards'. */
  readonly otherCommands: readonly OtherCommand[];
  readonly known: readonly (readonly [digest: string, source: string])[];
  readonly epoch: number;
  readonly libraries: readonly (readonly [name: string, source: string])[];
  /** True where nobody can end a script from outside. */
  readonly isAlone: boolean;
  /** Ways to the other shards, with more than one. */
  readonly doors: { readonly board: DoorBoard; readonly ports: DoorPorts } | undefined;
  learned(script: LearnedScript): void;
  /** A script runs that was not reported for some time. */
  used(digest: string): void;
  /** A script began to take long, or holds one more shard since then; or such a one ended. */
  busy(script: BusyScript | undefined): void;
  /** A script that has ended has published these. */
  publish(messages: readonly PublishedMessage[]): void;
  /** How many would get a message now; undefined where that is known from the gateway's word. */
  readonly receivers: ((channel: string, isSharded: boolean) => number) | undefined;
  log(level: LogLevel, text: string): void;
}

/** Our ends of the ports to other shards, by their numbers, and to the group. */
export type DoorPorts = readonly (readonly [
  shard: number,
  port: MessagePort,
  generation: number,
])[];

/** A command of the gateway, as scripts must know it. */
export interface OtherCommand {
  readonly name: string;
  readonly arity: number;
  readonly flags: number;
}

export class ShardScripts implements ScriptWatch {
  readonly scripts: ScriptEngine;
  readonly subscribers = new SubscriberCounts();
  readonly #host: ShardHost;
  readonly #shard: number;
  readonly #door: Door | undefined;
  readonly #executor: ScriptExecutor;
  readonly #engine: Engine;
  readonly #options: ScriptOptions;
  #epoch: number;
  #startedMs = 0;
  #hasWritten = false;
  #isBusy = false;
  #isRunning = false;
  /** What the script that runs has published. */
  #published: PublishedMessage[] = [];

  constructor(host: ShardHost, options: ScriptOptions) {
    const { engine, index } = host;
    this.#host = host;
    this.#shard = index;
    this.#engine = engine;
    this.#options = options;
    this.#door = this.#makeDoor();
    this.#executor = new ScriptExecutor({
      engine,
      index,
      router: options.router,
      door: this.#door,
      execute: (command, request) => host.executeNested(command, request),
    });
    this.#epoch = options.epoch;
    this.scripts = new ScriptEngine({
      engine,
      watch: this,
      others: options.otherCommands,
      executor: this.#executor,
      microseconds: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
      publish: (channel, text, isSharded) => this.#publish(channel, text, isSharded),
      log: options.log,
      learned: (digest, source, isLoaded) =>
        options.learned({ digest, source, isLoaded, epoch: this.#epoch }),
      used: options.used,
    });
    for (const [digest, source] of options.known) this.scripts.add(digest, source);
    engine.scripts = this.scripts;
    this.changeFunctions([], options.libraries);
  }

  /** Loads libraries to see what is in them, and forgets them. */
  tryFunctions(sources: readonly string[], needsRoom: boolean): ControlAnswers['functions-try'] {
    if (needsRoom && !this.#engine.hasRoom()) return { isShortOfMemory: true, results: [] };
    const results = sources.map((source) => this.scripts.functions.try(source));
    return { isShortOfMemory: false, results };
  }

  /** Libraries that have been tried. */
  changeFunctions(
    removed: readonly string[],
    added: readonly (readonly [name: string, source: string])[],
  ): void {
    const { functions } = this.scripts;
    for (const name of removed) functions.delete(name);
    for (const [name, source] of added) {
      const problem = functions.add(name, source);
      if (problem !== undefined) {
        this.#options.log('warning', `shard ${this.#shard} is without library ${name}: ${problem}`);
      }
    }
  }

  flush(epoch: number): void {
    this.#epoch = epoch;
    this.scripts.flush();
  }

  /** Commands of scripts on keys of other shards. */
  get foreignKeys(): number {
    return this.#executor.foreignKeys;
  }

  set foreignKeys(count: number) {
    this.#executor.foreignKeys = count;
  }

  stop(): void {
    this.#door?.close();
  }

  #makeDoor(): Door | undefined {
    const { doors } = this.#options;
    if (doors === undefined) return undefined;
    const host = this.#host;
    const door = new Door({
      index: this.#shard,
      board: doors.board,
      execute: (call) => this.#executeCall(call),
      check: () => this.check(),
      isClean: () => !this.#hasWritten,
      holds: () => {
        if (this.#isBusy) this.#reportBusy();
      },
      isHeld: () => this.#stand(),
      released: () => {
        this.#goOn();
        host.afterCalls();
      },
      failed: (error) => host.onFailure(error),
    });
    for (const [shard, port, generation] of doors.ports) door.connect(shard, port, generation);
    return door;
  }

  /** Executes a command of another shard's script, perhaps in the midst of one here. */
  #executeCall(call: DoorCall): Uint8Array {
    const { context, reply } = this.#engine;
    const { keyspace, request } = context;
    const { protocol, position } = reply;
    if (!this.#isRunning) this.#host.beforeBatch();
    const { flags } = COMMANDS[call.command]!;
    if ((flags & DENYOOM) !== 0 && !this.#engine.hasRoom()) reply.error(errors.outOfMemory);
    else this.#host.executeNested(call.command, requestOfCall(call));
    this.#engine.guardReady();
    const answer = Uint8Array.from(reply.block.bytes.subarray(position, reply.position));
    reply.position = position;
    reply.protocol = protocol;
    context.request = request;
    context.keyspace = this.#engine.keyspace(keyspace.index);
    return answer;
  }

  // ScriptWatch

  begin(name: string, request: Request, keys: readonly string[]): void {
    this.#isRunning = true;
    this.#startedMs = performance.now();
    this.#hasWritten = false;
    this.#options.board.begin(this.#shard);
    this.#stand();
    // Last: it may wait, and then looks whether the script shall end.
    this.#executor.begin(name, request, keys);
  }

  get stopsWrites(): boolean {
    return this.#options.board.stopsWrites;
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
    this.#reportBusy();
  }

  #reportBusy(): void {
    this.#options.busy({
      function: this.scripts.runningFunction(),
      startedAtMs: performance.timeOrigin + this.#startedMs,
      holds: this.#door?.held ?? [],
    });
  }

  /** From now on requests wait for a script, here or on another shard. */
  #stand(): void {
    this.#options.requests.stand(this.#options.board, this.#shard);
  }

  #goOn(): void {
    this.#options.requests.goOn(this.#options.board, this.#shard);
  }

  #publish(channel: string, text: string, isSharded: boolean): number {
    this.#published.push({ channel, text, isSharded });
    const { receivers } = this.#options;
    return receivers === undefined
      ? this.subscribers.receivers(channel, isSharded)
      : receivers(channel, isSharded);
  }

  /** Sends what was published; a script that begins again has published nothing. */
  #sendPublished(isRestarting: boolean): void {
    if (this.#published.length === 0) return;
    const messages = this.#published;
    this.#published = [];
    if (!isRestarting) this.#options.publish(messages);
  }

  end(isRestarting: boolean): void {
    this.#isRunning = false;
    this.#sendPublished(isRestarting);
    // It is over, also when this shard must stand still for a script of another one.
    this.#options.board.end(this.#shard);
    if (this.#isBusy) {
      this.#isBusy = false;
      this.#options.busy(undefined);
    }
    this.#executor.end();
    this.#goOn();
    this.#host.effects?.scriptEnded();
  }
}
