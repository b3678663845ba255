/**
 * All shards of a server: starts them, watches over them, snapshots and loads them together.
 *
 * Each shard in a thread is one Piscina task that runs as long as the shard lives; its promise
 * settling is how we learn of a stop or a crash. A crashed shard's outstanding requests are
 * answered with an error, a fresh shard takes its place on a new port and loads its keys from the
 * last snapshot; meanwhile its requests are answered with the same error. Other shards go on.
 *
 * A snapshot is marked on all shards in one turn, and ports are FIFO: whatever was posted before
 * the mark is in it, whatever comes after is not.
 */
import type { MessagePort } from 'node:worker_threads';
import {
  applySetting,
  COMMANDS,
  commandNumber,
  type EngineSettings,
  type SettingValue,
  seedHash,
} from '@hashlane/core';
import { execRefused, type ReplyWriter } from '@hashlane/resp';
import type { LogLevel } from '@hashlane/scripting';
import type {
  LoadSnapshotResult,
  LoadSnapshotTask,
  WriteSnapshotResult,
} from './background-task.ts';
import { busyError } from './busy-error.ts';
import { ClaimTable } from './claim.ts';
import { DoorBoard, type DoorMessage, GROUP } from './door.ts';
import { FunctionStore } from './function-store.ts';
import { warmUpWhenIdle } from './idle-warm-up.ts';
import { InProcessLink } from './in-process-link.ts';
import type {
  BusyScript,
  ControlAnswers,
  ControlRequest,
  ScriptNews,
  ShardTask,
} from './messages.ts';
import { PortLink } from './port-link.ts';
import { RequestCount } from './request-count.ts';
import { Router } from './routing.ts';
import { ScriptBoard } from './script-board.ts';
import { ScriptStore } from './script-store.ts';
import type { ReplyReceiver, ShardLink } from './shard-link.ts';
import type { DoorPorts, OtherCommand, ScriptOptions } from './shard-scripts.ts';
import type { PublishedMessage } from './subscriber-counts.ts';
import { type Threads, WorkerThreads } from './threads.ts';

const EXEC = commandNumber('HASHLANE.EXEC');

export interface ShardGroupOptions {
  /** Number of shards in threads; 0 for one shard in this thread. */
  readonly shards: number;
  readonly seed: number;
  readonly settings: EngineSettings;
  /** The gateway's writer, shared with an in-process shard. */
  readonly reply: ReplyWriter;
  /** Where shards and background tasks run: worker threads by default. */
  readonly threads?: Threads | undefined;
  receiverOf(connection: number): ReplyReceiver | undefined;
  drained(): void;
  /** First words of keys that are routed by their first two words; see routing.ts. */
  readonly routes: readonly string[];
  /** Commands that shards do not execute. */
  readonly otherCommands: readonly OtherCommand[];
  /** A script has published these. */
  publish(messages: readonly PublishedMessage[]): void;
  /** How many would get a message now. */
  receivers(channel: string, isSharded: boolean): number;
  /** A script logs. */
  scriptLog(level: LogLevel, text: string): void;
  /** A client's command was answered with this error because its shard is busy. */
  refused(name: string, text: string): void;
  /** A script takes long, or one that did has ended. */
  scriptBusy(shard: number, script: BusyScript | undefined): void;
  /** A shard failed and is being restarted. */
  failed(shard: number, reason: string): void;
  /** A failed shard is back with so many keys, or could not be loaded. */
  restarted(shard: number, keys: number, error: string | undefined): void;
  /** Where a restarted shard loads from; undefined when there is no snapshot. */
  snapshotPath(): string | undefined;
}

export interface SaveOptions {
  readonly directory: string;
  readonly fileName: string;
  readonly serverVersion: string;
  readonly createdAtSeconds: number;
  readonly checksum: boolean;
  /** All shards have answered the mark: what comes now is not in the snapshot. */
  marked?(): void;
}

export interface LoadOptions {
  readonly path: string;
  readonly checksum: boolean;
  progress?(doneBytes: number, totalBytes: number): void;
}

export class ShardGroup {
  readonly links: readonly ShardLink[];
  /** The link of the in-process shard, when there is one. */
  readonly inProcess: InProcessLink | undefined;
  readonly claims = new ClaimTable();
  /** Which shard has a key. */
  readonly router: Router;
  readonly board: ScriptBoard;
  readonly scripts = new ScriptStore((request, except) => this.#tell(request, except));
  readonly functions = new FunctionStore({
    tell: (request) => this.#tell(request, -1),
    try: (sources, needsRoom) =>
      this.links[0]!.control({ type: 'functions-try', sources, needsRoom }),
    compresses: () => this.#options.settings.rdbCompression,
  });
  readonly #options: ShardGroupOptions;
  readonly #ports: PortLink[] = [];
  readonly #threads: Threads;
  readonly #tasks = new Map<number, Promise<void>>();
  readonly #doorBoard: DoorBoard;
  /** Ports by which shards get ports to others that start. */
  readonly #groupDoors = new Map<number, MessagePort>();
  #isStopping = false;
  /** Scripts that take longer than busy-reply-threshold, by the shard that runs them. */
  readonly busyScripts = new Map<number, BusyScript>();
  /** Shards that stand still for such a script, their own or another shard's. */
  readonly busyShards = new Map<number, BusyScript>();
  readonly #busyListeners: (() => void)[] = [];

  constructor(options: ShardGroupOptions) {
    this.#options = options;
    this.#threads = options.threads ?? new WorkerThreads(options.shards);
    this.board = new ScriptBoard(options.shards);
    this.#doorBoard = new DoorBoard(options.shards);
    this.router = new Router(Math.max(1, options.shards), options.routes);
    seedHash(options.seed);
    if (options.shards === 0) {
      this.inProcess = this.#makeInProcess();
      this.links = [this.inProcess];
      if (options.threads === undefined) warmUpWhenIdle();
      return;
    }
    for (let i = 0; i < options.shards; i++) this.#ports.push(this.#startShard(i));
    this.links = this.#ports;
  }

  #makeInProcess(): InProcessLink {
    const { reply, seed, settings } = this.#options;
    return new InProcessLink({
      reply,
      seed,
      settings,
      receiverOf: (connection) => this.#options.receiverOf(connection),
      failed: (reason) => this.#restartInProcess(reason),
      commandName: (command) => COMMANDS[command].name,
      scripts: () => this.#scriptsInProcess(),
    });
  }

  #startShard(index: number): PortLink {
    const link = new PortLink(index, this.#runShard(index), {
      receiverOf: (connection) => this.#options.receiverOf(connection),
      drained: () => this.#options.drained(),
      busyReply: (command) => {
        const reason = busyError(this.busyScripts.values());
        const isExec = command === EXEC;
        const text = isExec ? execRefused(reason) : reason;
        this.#options.refused(isExec ? 'EXEC' : COMMANDS[command].name, text);
        return text;
      },
      news: (shard, news) => this.#receiveNews(shard, news),
    });
    return link;
  }

  /** Connects a shard that starts with all others; its ends of the ports. */
  #openDoors(index: number): DoorPorts {
    const { shards } = this.#options;
    if (!this.#threads.canWait || shards < 2) return [];
    const group = this.#threads.channel();
    this.#groupDoors.get(index)?.close();
    this.#groupDoors.set(index, group.port1);
    const doors: DoorPorts[number][] = [[GROUP, group.port2, 0]];
    for (const peer of this.#groupDoors.keys()) {
      if (peer === index) continue;
      const { port1, port2 } = this.#threads.channel();
      doors.push([peer, port1, this.#doorBoard.generation(peer)]);
      this.#giveDoor(peer, index, port2);
    }
    return doors;
  }

  /** Gives a shard its end of a port to one that starts. */
  #giveDoor(to: number, shard: number, port: MessagePort): void {
    const generation = this.#doorBoard.generation(shard);
    const message: DoorMessage = { type: 'connect', shard, port, generation };
    this.#groupDoors.get(to)?.postMessage(message, [port]);
    this.#doorBoard.wake(to);
  }

  #scriptsInProcess(): ScriptOptions {
    return {
      board: this.board,
      requests: new RequestCount(),
      router: this.router,
      otherCommands: this.#options.otherCommands,
      known: this.scripts.all(),
      epoch: this.scripts.epoch,
      libraries: this.functions.all(),
      isAlone: true,
      doors: undefined,
      learned: (script) => this.scripts.learned(0, script),
      used: (digest) => this.scripts.used(digest),
      busy: (script) => this.#options.scriptBusy(0, script),
      publish: (messages) => this.#options.publish(messages),
      receivers: (channel, isSharded) => this.#options.receivers(channel, isSharded),
      log: (level, text) => this.#options.scriptLog(level, text),
    };
  }

  #receiveNews(shard: number, news: ScriptNews): void {
    if (news.type === 'script') {
      this.scripts.learned(shard, news.script);
    } else if (news.type === 'script-used') {
      this.scripts.used(news.digest);
    } else if (news.type === 'script-busy') {
      this.#busy(shard, news.script);
    } else if (news.type === 'publish') {
      this.#options.publish(news.messages);
    } else {
      this.#options.scriptLog(news.level, news.text);
    }
  }

  #busy(shard: number, script: BusyScript | undefined): void {
    const isKnown = this.busyScripts.has(shard);
    if (script === undefined) this.busyScripts.delete(shard);
    else this.busyScripts.set(shard, script);
    this.#findBusyShards();
    // That it holds one more shard is no news to others.
    if (script === undefined || !isKnown) this.#options.scriptBusy(shard, script);
    for (const busy of this.busyShards.keys()) this.#ports[busy]?.refuseWaiting(this.board);
    if (script !== undefined) for (const tell of this.#busyListeners.splice(0)) tell();
  }

  /** Resolves when a shard is busy: others wait for it in vain. */
  untilBusy(): Promise<void> {
    if (this.busyShards.size > 0) return Promise.resolve();
    return new Promise((resolve) => this.#busyListeners.push(resolve));
  }

  #findBusyShards(): void {
    const { busyScripts, busyShards } = this;
    busyShards.clear();
    for (const script of busyScripts.values()) {
      for (const held of script.holds) busyShards.set(held, script);
    }
    for (const [shard, script] of busyScripts) busyShards.set(shard, script);
  }

  /** A shard has failed: it runs no script, and nobody holds it. */
  #forgetBusy(shard: number): void {
    for (const [other, script] of this.busyScripts) {
      const holds = script.holds.filter((held) => held !== shard);
      this.busyScripts.set(other, { ...script, holds });
    }
    if (this.busyScripts.has(shard)) this.#busy(shard, undefined);
    else this.#findBusyShards();
  }

  /** Sends a control message to all shards but one; one that is down gets it when it starts. */
  #tell(request: ControlRequest, except: number): void {
    for (const link of this.links) {
      if (link.index !== except) link.control(request as never).catch(() => {});
    }
  }

  /** Starts the task of a shard and returns our end of its port. */
  #runShard(index: number): MessagePort {
    const { seed, settings, shards } = this.#options;
    const { port1, port2 } = this.#threads.channel();
    const doors = this.#openDoors(index);
    const task: ShardTask = {
      index,
      shards,
      seed,
      port: port2,
      claims: this.claims.memory,
      scriptBoard: this.board.memory,
      scripts: this.scripts.all(),
      scriptEpoch: this.scripts.epoch,
      libraries: this.functions.all(),
      doorBoard: this.#doorBoard.memory,
      doors,
      routes: this.#options.routes,
      otherCommands: this.#options.otherCommands,
      settings: { ...settings, maxMemory: this.#shareOf(settings.maxMemory) },
    };
    const running = this.#threads
      .runShard(task)
      .catch((error: unknown) => this.#shardEnded(index, error));
    this.#tasks.set(index, running);
    return port1;
  }

  /** A shard's part of maxmemory, in bytes: 0, which is no limit, or at least 1. */
  #shareOf(maxMemory: number): number {
    return Math.ceil(maxMemory / Math.max(1, this.#options.shards));
  }

  #shardEnded(index: number, error: unknown): void {
    if (this.#isStopping) return;
    const link = this.#ports[index];
    this.board.reset(index);
    this.#doorBoard.fail(index);
    this.#forgetBusy(index);
    this.#options.failed(index, error instanceof Error ? error.message : String(error));
    link.fail();
    link.replacePort(this.#runShard(index));
    void this.#reload(index, () => link.resume());
  }

  /** Loads the keys of one shard from the last snapshot, then lets requests reach it again. */
  async #reload(index: number, resume: () => void): Promise<void> {
    const path = this.#options.snapshotPath();
    let keys = 0;
    let problem: string | undefined;
    try {
      if (path !== undefined) {
        const loaded = await this.load({ path, checksum: true }, index);
        keys = loaded.keys;
        problem = loaded.error;
      }
    } catch (error) {
      problem = String(error);
    }
    resume();
    this.#options.restarted(index, keys, problem);
  }

  #restartInProcess(reason: string): void {
    this.#options.failed(0, reason);
    const link = this.inProcess as InProcessLink;
    link.replaceHost();
    void this.#reload(0, () => link.resume());
  }

  /** Asks every shard in the same turn. Rejects when a shard is down. */
  all<T extends ControlRequest['type']>(
    request: Extract<ControlRequest, { type: T }>,
  ): Promise<ControlAnswers[T][]> {
    return Promise.all(this.links.map((link) => link.control<T>(request)));
  }

  /** Changes settings on all shards. */
  applySettings(values: readonly (readonly [string, SettingValue])[]): Promise<unknown> {
    // A shard that is restarted later starts from these.
    for (const [name, value] of values) applySetting(this.#options.settings, name, value);
    const shared = values.map(([name, value]): readonly [string, SettingValue] =>
      name === 'maxmemory' ? [name, this.#shareOf(Number(value))] : [name, value],
    );
    return this.all({ type: 'settings', values: shared });
  }

  /**
   * Marks a snapshot on all shards now and writes it to a file; resolves with its size in bytes.
   * Rejects when a shard is down or the file cannot be written; the old file is untouched then.
   */
  async save(options: SaveOptions): Promise<number> {
    const { marked, ...file } = options;
    const channels = this.links.map(() => this.#threads.channel());
    // One turn: no request can come between the marks of two shards.
    const marks = this.links.map((link, i) =>
      link.control({ type: 'snapshot-begin', port: channels[i].port1 }, [channels[i].port1]),
    );
    const libraries = this.functions.libraries.map(({ source }) => source);
    const ports = channels.map(({ port2 }) => port2);
    try {
      const sizes = await Promise.all(marks);
      marked?.();
      const result = (await this.#threads.runBackground(
        {
          kind: 'write-snapshot',
          ...file,
          databases: mergeSizes(sizes),
          libraries,
          ports,
          usedMemoryBytes: process.memoryUsage.rss(),
        },
        ports,
      )) as WriteSnapshotResult;
      if (result.bytes === undefined) throw new Error('a shard failed during the snapshot');
      return result.bytes;
    } catch (error) {
      for (const port of ports) port.close();
      await Promise.allSettled(
        this.links.map((link) => link.control({ type: 'snapshot-abandon' })),
      );
      throw error;
    }
  }

  /** Loads a snapshot into all shards, or into one. Resolves with the number of keys loaded. */
  async load(options: LoadOptions, only?: number): Promise<{ keys: number; error?: string }> {
    const links = only === undefined ? this.links : [this.links[only]];
    const channels = links.map(() => this.#threads.channel());
    const progress = this.#threads.channel();
    progress.port1.on('message', ([done, total]: [number, number]) => {
      options.progress?.(done, total);
    });
    const loads = links.map((link, i) =>
      link.control({ type: 'load', port: channels[i].port1 }, [channels[i].port1]),
    );
    const ports = channels.map(({ port2 }) => port2);
    const task: LoadSnapshotTask = {
      kind: 'load-snapshot',
      path: options.path,
      checksum: options.checksum,
      seed: this.#options.seed,
      routes: this.#options.routes,
      shards: this.links.length,
      ports,
      only,
      progress: progress.port2,
    };
    const scanning = this.#threads.runBackground(task, [...ports, progress.port2]);
    const [file, ...shards] = await Promise.all([
      scanning as Promise<LoadSnapshotResult>,
      ...loads,
    ]);
    progress.port1.close();
    let error = file.error ?? shards.find((shard) => shard.error !== undefined)?.error;
    // A shard that is loaded alone has been started with them.
    if (only === undefined) error ??= await this.functions.replaceAll(file.libraries);
    return { keys: shards.reduce((sum, shard) => sum + shard.keys, 0), error };
  }

  /** Ends all shards and pools. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    // A script that does not end hears nothing, nor do the shards that it holds (door.ts): the
    // threads are ended from outside then.
    const stopping = this.links.map((link) => link.control({ type: 'stop' }));
    const stopped = Promise.allSettled([...stopping, ...this.#tasks.values()]);
    await Promise.race([stopped, this.untilBusy()]);
    for (const port of this.#groupDoors.values()) port.close();
    await this.#threads.end();
  }
}

function mergeSizes(
  shards: readonly (readonly (readonly [number, number, number])[])[],
): { db: number; keys: number; expires: number }[] {
  const sizes = new Map<number, { db: number; keys: number; expires: number }>();
  for (const [db, keys, expires] of shards.flat()) {
    const sum = sizes.get(db) ?? { db, keys: 0, expires: 0 };
    sum.keys += keys;
    sum.expires += expires;
    sizes.set(db, sum);
  }
  return [...sizes.values()].sort((a, b) => a.db - b.db);
}
