/**
 * An engine with a life: timers, slices of background work, and control messages. The same in a
 * worker thread and in the gateway's own thread.
 *
 * Background work (expiry, freeing, the snapshot walk) runs in bounded slices from the event loop,
 * between batches of commands, and only while there is some; an idle shard sleeps until the
 * earliest deadline. The two kinds of host (shard-thread.ts, in-process-link.ts) own the transport
 * and call `beforeBatch` and `afterBatch` around commands.
 */

import { performance } from 'node:perf_hooks';
import v8 from 'node:v8';
import type { MessagePort } from 'node:worker_threads';
import {
  applySetting,
  COMMANDS,
  type CommandSpec,
  Engine,
  type EngineSettings,
  type EngineSink,
  FAST,
  MAY_REPLICATE,
  type Request,
  WRITE,
} from '@hashlane/core';
import { RdbValueCodec } from '@hashlane/rdb';
import type { ReplyWriter } from '@hashlane/resp';
import { SNAPSHOT_BYTES_IN_FLIGHT_MAX, SNAPSHOT_KEYS_PER_SLICE, TIMER_MS_MAX } from './limits.ts';
import { LoadStream } from './load-stream.ts';
import type { ControlRequest, ShardStatistics, SnapshotChunk, SnapshotCredit } from './messages.ts';
import { type ScriptOptions, ShardScripts } from './shard-scripts.ts';

/** Of the commands of constant time, one call in so many is timed (a power of two). */
const SAMPLE = 64;
/** 1 for commands whose time depends on their data: each call is timed. */
const IS_ALWAYS_TIMED = Uint8Array.from(COMMANDS, ({ complexity, flags }) =>
  (flags & FAST) !== 0 || complexity.startsWith('O(1)') ? 0 : 1,
);

/**
 * In scripts, where reading the clock twice would be a fifth of a short command, one call in so many is
 * timed while calls of the command are shorter than this.
 */
const NESTED_SAMPLE = 8;
const NESTED_SHORT_US = 20;

/**
 * Learns what scripts change in this shard, whether they run here or on another shard: for a journal,
 * which keeps the commands that a script ran and not the script.
 */
export interface EffectReceiver {
  /** A command of a script has changed something. The request is valid during this call. */
  scriptChanged(command: number, request: Request): void;
  /** The script is over: what it changed belongs together. */
  scriptEnded(): void;
}

export interface ShardHostOptions {
  readonly index: number;
  readonly shards: number;
  readonly seed: number;
  readonly settings: EngineSettings;
  readonly sink: EngineSink;
  /** Where replies go; a writer of the engine's own by default. */
  readonly reply?: ReplyWriter;
  readonly scripts: ScriptOptions;
}

export class ShardHost {
  readonly engine: Engine;
  readonly #scripts: ShardScripts;
  readonly index: number;
  readonly #calls = new Float64Array(COMMANDS.length);
  readonly #failures = new Float64Array(COMMANDS.length);
  readonly #microseconds = new Float64Array(COMMANDS.length);
  /** Of nested calls of commands that are always timed, one in (mask + 1) is timed. */
  readonly #nestedMasks = new Uint8Array(COMMANDS.length);
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #isSliceScheduled = false;
  #snapshotPort: MessagePort | undefined;
  #snapshotBytes = 0;
  #isStopped = false;
  /** Whoever must know what scripts change. */
  effects: EffectReceiver | undefined;
  /** Called when late replies may have been written outside a batch. */
  onBackgroundReplies: () => void = () => {};
  /** A throw in background work: there is no command to blame. */
  onFailure: (error: unknown) => void = (error) => {
    throw error;
  };

  constructor(options: ShardHostOptions) {
    this.index = options.index;
    this.engine = new Engine({
      sink: options.sink,
      codec: new RdbValueCodec(),
      seed: options.seed + options.index,
      settings: { ...options.settings },
      reply: options.reply,
    });
    this.engine.runNested = (command) => void this.execute(command);
    this.#scripts = new ShardScripts(this, options.scripts);
    this.#applyPolicy();
    this.engine.setNow(Date.now());
  }

  /** Sets the time for the commands that follow. */
  beforeBatch(): void {
    this.engine.setNow(Date.now());
  }

  /**
   * Executes the request in `engine.request` and serves waiters. True when it replied; its reply
   * ends at `replyEnd`, what follows are late replies.
   */
  execute(command: number): boolean {
    const spec = COMMANDS[command];
    const { engine } = this;
    const { reply } = engine;
    const errorsBefore = reply.errors;
    const calls = this.#calls[command]++;
    const isTimed =
      IS_ALWAYS_TIMED[command] === 1 || calls < SAMPLE || (calls & (SAMPLE - 1)) === 0;
    const replied = isTimed ? this.#executeTimed(command, spec, calls) : engine.execute(spec);
    if (reply.errors !== errorsBefore) this.#failures[command]++;
    return replied;
  }

  /** Executes a command that a script calls; its reply is written on return. */
  executeNested(command: number, request: Request): void {
    const { dirty } = this.engine;
    this.#executeNested(command, request);
    if (this.effects === undefined || this.engine.dirty === dirty) return;
    // A command that only reads may have found a key whose time was up.
    const isWrite = (COMMANDS[command]!.flags & (WRITE | MAY_REPLICATE)) !== 0;
    if (isWrite) this.effects.scriptChanged(command, request);
  }

  #executeNested(command: number, request: Request): void {
    const { engine } = this;
    const { reply } = engine;
    const errorsBefore = reply.errors;
    const calls = this.#calls[command]++;
    const mask = IS_ALWAYS_TIMED[command] === 1 ? this.#nestedMasks[command]! : SAMPLE - 1;
    if (calls < SAMPLE || (calls & mask) === 0) {
      const start = performance.now();
      engine.executeNested(COMMANDS[command], request);
      const took = (performance.now() - start) * 1000;
      this.#microseconds[command] += calls < SAMPLE ? took : took * (mask + 1);
      this.#nestedMasks[command] = took < NESTED_SHORT_US ? NESTED_SAMPLE - 1 : 0;
    } else {
      engine.executeNested(COMMANDS[command], request);
    }
    if (reply.errors !== errorsBefore) this.#failures[command]++;
  }

  /** A command of constant time is timed once in a while, for all its calls in between. */
  #executeTimed(command: number, spec: CommandSpec, calls: number): boolean {
    const start = performance.now();
    const replied = this.engine.execute(spec);
    const weight = IS_ALWAYS_TIMED[command] === 1 || calls < SAMPLE ? 1 : SAMPLE;
    this.#microseconds[command] += (performance.now() - start) * 1000 * weight;
    return replied;
  }

  /** After commands of other shards' scripts. */
  afterCalls(): void {
    this.effects?.scriptEnded();
    this.engine.serveWaiters();
    this.onBackgroundReplies();
    this.afterBatch();
  }

  /** Arms the timer for the next deadline and asks for a slice when work is pending. */
  afterBatch(): void {
    if (this.#isStopped) return;
    this.#armTimer();
    if (this.#hasSlices()) this.#scheduleSlice();
  }

  #hasSlices(): boolean {
    const { engine } = this;
    return engine.lazyFree.isPending || (this.#canWalk() && engine.snapshot.isRunning);
  }

  #canWalk(): boolean {
    return this.#snapshotBytes < SNAPSHOT_BYTES_IN_FLIGHT_MAX;
  }

  #armTimer(): void {
    const deadline = this.engine.nextDeadline();
    if (deadline >= this.#timerAt) return;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timerAt = deadline;
    const wait = Math.min(Math.max(deadline - Date.now(), 0) + 1, TIMER_MS_MAX);
    this.#timer = setTimeout(() => this.#onTimer(), wait);
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    this.#guard(() => {
      this.beforeBatch();
      const isMoreDue = this.engine.tick();
      this.engine.serveWaiters();
      this.onBackgroundReplies();
      if (isMoreDue) this.#scheduleSlice();
    });
    this.afterBatch();
  }

  #scheduleSlice(): void {
    if (this.#isSliceScheduled || this.#isStopped) return;
    this.#isSliceScheduled = true;
    setImmediate(() => this.#slice());
  }

  #slice(): void {
    this.#isSliceScheduled = false;
    if (this.#isStopped) return;
    this.#guard(() => {
      this.beforeBatch();
      const { engine } = this;
      if (engine.snapshot.isRunning && this.#canWalk()) this.#walk();
      if (engine.lazyFree.isPending) engine.lazyFree.step();
      if (engine.nextDeadline() <= engine.now) engine.tick();
      engine.serveWaiters();
      this.onBackgroundReplies();
    });
    this.afterBatch();
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.onFailure(error);
    }
  }

  #walk(): void {
    if (this.engine.snapshot.step(SNAPSHOT_KEYS_PER_SLICE)) return;
    this.#endSnapshot();
  }

  #endSnapshot(): void {
    const port = this.#snapshotPort;
    if (port === undefined) return;
    this.#snapshotPort = undefined;
    const end: SnapshotChunk = { shard: this.index, database: 0, records: undefined };
    port.postMessage(end);
    port.close();
  }

  /** Answers a control message; may be asynchronous. */
  control(request: ControlRequest): unknown {
    switch (request.type) {
      case 'statistics':
        return this.#statistics();
      case 'reset-statistics':
        return this.#resetStatistics();
      case 'settings':
        for (const [name, value] of request.values) applySetting(this.engine.settings, name, value);
        this.#applyPolicy();
        return true;
      case 'unblock':
        return this.engine.unblock(request.connection, request.answer);
      case 'unblock-all':
        return this.#unblockAll();
      case 'snapshot-begin':
        return this.#beginSnapshot(request.port);
      case 'snapshot-abandon':
        return this.#abandonSnapshot();
      case 'load':
        return new LoadStream(this.engine, request.port).done;
      case 'script-add':
        this.#scripts.scripts.add(request.digest, request.source);
        return true;
      case 'script-drop':
        this.#scripts.scripts.drop(request.digest);
        return true;
      case 'script-flush':
        this.#scripts.flush(request.epoch);
        return true;
      case 'functions-try':
        return this.#scripts.tryFunctions(request.sources, request.needsRoom);
      case 'functions-change':
        this.#scripts.changeFunctions(request.removed, request.added);
        return true;
      case 'subscribers':
        this.#scripts.subscribers.update(request.counts, request.isAll);
        return true;
      case 'active-expire':
        this.engine.expiresActively = request.enabled;
        return true;
      case 'sleep':
        sleepBlocking(request.milliseconds);
        return true;
      case 'crash':
        throw new Error(request.reason);
      case 'stop':
        this.stop();
        return true;
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#scripts.stop();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  #applyPolicy(): void {
    this.engine.lfu = this.engine.settings.maxMemoryPolicy.endsWith('lfu');
  }

  #unblockAll(): number {
    const waiters = this.engine.waiters.all();
    let unblocked = 0;
    for (const waiter of waiters) {
      if (this.engine.unblock(waiter.request.connection, 'force')) unblocked++;
    }
    return unblocked;
  }

  #beginSnapshot(port: MessagePort): readonly (readonly [number, number, number])[] {
    this.#snapshotPort = port;
    this.#snapshotBytes = 0;
    port.on('message', (credit: SnapshotCredit) => {
      this.#snapshotBytes -= credit.taken;
      this.#scheduleSlice();
    });
    const sizes = this.engine.snapshot.begin((database, records) => {
      this.#snapshotBytes += records.length;
      const chunk: SnapshotChunk = { shard: this.index, database, records };
      port.postMessage(chunk, [records.buffer]);
    });
    if (this.engine.snapshot.isRunning) this.#scheduleSlice();
    else this.#endSnapshot();
    return sizes;
  }

  #abandonSnapshot(): true {
    this.engine.snapshot.abandon();
    this.#snapshotBytes = 0;
    this.#snapshotPort?.close();
    this.#snapshotPort = undefined;
    this.#scheduleSlice();
    return true;
  }

  #statistics(): ShardStatistics {
    const { engine } = this;
    const now = Date.now();
    const commands: [number, number, number, number][] = [];
    this.#calls.forEach((calls, i) => {
      if (calls > 0) commands.push([i, calls, this.#microseconds[i], this.#failures[i]]);
    });
    return {
      databases: [...engine.keyspaces()].map((keyspace) => ({
        index: keyspace.index,
        keys: keyspace.size,
        expires: keyspace.expiries.size,
        averageTtl: Math.max(0, Math.round(keyspace.expiries.averageDeadline() - now)),
        keyTableBytes: keyspace.map.tableBytes,
        expiryTableBytes: keyspace.expiries.bytes,
      })),
      usedMemory: engine.usedMemory,
      heldMemory: engine.arena.heldBytes,
      dirty: engine.dirty,
      commandsProcessed: engine.commandsProcessed,
      keyspaceHits: engine.keyspaceHits,
      keyspaceMisses: engine.keyspaceMisses,
      expiredKeys: engine.expiredKeys,
      expiredParts: engine.expiredParts,
      evictedKeys: engine.eviction.evicted,
      blockedClients: engine.waiters.size,
      lazyFreePending: engine.lazyFree.pendingKeys,
      lazyFreed: engine.lazyFree.freed,
      snapshotKeysSaved: engine.snapshot.keysSaved,
      commands,
      scriptForeignKeys: this.#scripts.foreignKeys,
      errors: [...engine.reply.errorCodes],
      scriptCodeLength: this.#scripts.scripts.codeLength,
      functionCodeLength: this.#scripts.scripts.functions.codeLength,
      heapBytes: v8.getHeapStatistics().used_heap_size,
    };
  }

  #resetStatistics(): true {
    const { engine } = this;
    engine.keyspaceHits = 0;
    engine.keyspaceMisses = 0;
    engine.expiredKeys = 0;
    engine.expiredParts = 0;
    engine.eviction.evicted = 0;
    engine.lazyFree.freed = 0;
    engine.commandsProcessed = 0;
    this.#scripts.foreignKeys = 0;
    engine.reply.errorCodes.clear();
    this.#calls.fill(0);
    this.#failures.fill(0);
    this.#microseconds.fill(0);
    return true;
  }
}

/** Blocks the thread, as DEBUG SLEEP must. */
export function sleepBlocking(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
