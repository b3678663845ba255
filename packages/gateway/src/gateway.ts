/**
 * The gateway: everything that the connections of one thread share, who they are, and their lives.
 *
 *   connections   by number, together with the waits of coordinators, to which late replies are
 *                 addressed in the same way
 *   parsers       one for all chunks of input, and one for each connection in the midst of a request
 *   its parts     dispatcher.ts and forwarder.ts have the way of a command; coordinator.ts, turn.ts,
 *                 pub-sub.ts and the others say what they are for themselves
 *
 * *Invariant*: a connection is known here from its first byte until it is gone and no shard owes it
 * anything, so a late reply finds whom it is for, or somebody who puts back what is in it. Nothing
 * here is global to the process: two gateways in two threads would share nothing but the shards.
 *
 * What it does not do: parse (RequestParser), order replies (Connection), execute data commands
 * (shards).
 */
import { COMMAND_METADATA, KeyFinder } from '@hashlane/core/metadata';
import { errors, ReplyWriter, RequestParser } from '@hashlane/resp';
import type { BusyScript, ReplyReceiver, ShardGroup } from '@hashlane/shard-worker';
import { ClientPause } from './client-pause.ts';
import { buildCommandIndex, type CommandIndex } from './command-index.ts';
import { followConfiguration } from './commands/config.ts';
import { serverCommands } from './commands/index.ts';
import type { Configuration } from './configuration.ts';
import type { BufferLimits } from './configuration-kinds.ts';
import type { Connection } from './connection.ts';
import { Coordinator } from './coordinator.ts';
import { Dispatcher } from './dispatcher.ts';
import { Forwarder } from './forwarder.ts';
import { GATE_BUSY, Gate } from './gate.ts';
import { createIsolation, type Isolation } from './isolation.ts';
import { REPLY_BLOCK_BYTES, SPARE_PARSERS_MAX } from './limits.ts';
import { LocalReplies } from './local-replies.ts';
import { LockGate } from './lock-gate.ts';
import type { Logger } from './log.ts';
import { Placement } from './placement.ts';
import { PubSub } from './pub-sub.ts';
import { ScriptGate } from './script-gate.ts';
import { ServerExecutor } from './server-executor.ts';
import type { SnapshotScheduler } from './snapshot-scheduler.ts';
import { Statistics } from './statistics.ts';
import { unwatch } from './transaction.ts';
import { Turn } from './turn.ts';
import { returnElements } from './undelivered.ts';

export class Gateway {
  readonly configuration: Configuration;
  readonly logger: Logger;
  /** Rows of all commands, by name. */
  readonly commands: CommandIndex;
  /** By number, also those that are gone but owed something. */
  readonly connections = new Map<number, Connection>();
  readonly coordinator: Coordinator;
  readonly isolation: Isolation;
  readonly pause: ClientPause;
  readonly scriptGate: ScriptGate;
  readonly lockGate = new LockGate(this);
  readonly localReplies = new LocalReplies(this);
  readonly serverExecutor = new ServerExecutor(this);
  readonly pubSub = new PubSub(this);
  readonly statistics = new Statistics();
  /** Where the keys of the request are that was looked at last. */
  readonly keys = new KeyFinder();
  /** Replies made in this thread for the connection whose input is being processed. */
  readonly reply = new ReplyWriter(REPLY_BLOCK_BYTES);
  /** Replies being put back in order; empty between calls. */
  readonly staging = new ReplyWriter(REPLY_BLOCK_BYTES);
  readonly turn = new Turn(this);
  /** Parser of the chunk being processed; replaced when a connection keeps it. */
  parser: RequestParser;
  /** Milliseconds since the epoch, as of the last turn that had input. */
  turnMs = Date.now();
  /** Why commands may have to be refused or held. */
  readonly gate = new Gate();
  /** client-output-buffer-limit. */
  outputLimits: BufferLimits;
  /** This one and the next three are there from `attach` on, which comes before any connection. */
  shards!: ShardGroup;
  placement!: Placement;
  forwarder!: Forwarder;
  dispatcher!: Dispatcher;
  /** Set by who starts the server. */
  snapshots!: SnapshotScheduler;
  /** Ends the server: set by server.ts. `save`: undefined follows the save rules. */
  shutdown: (options: { save?: boolean; force?: boolean }) => Promise<void> = async () => {};
  /** Progress of loading, in bytes. */
  loading = { done: 0, total: 0 };
  /** Address and port that the server listens on. */
  listening: { address: string; port: number } = { address: '', port: 0 };

  #spareParsers: RequestParser[] = [];
  #resumable: Connection[] = [];
  #nextConnection = 1;
  /** Receivers of late replies that are not connections: coordinators' waits. */
  readonly #waits = new Map<number, ReplyReceiver>();

  constructor(configuration: Configuration, logger: Logger) {
    this.configuration = configuration;
    this.logger = logger;
    this.outputLimits = configuration.values.clientOutputBufferLimit;
    this.commands = buildCommandIndex(COMMAND_METADATA, serverCommands);
    this.parser = this.#makeParser();
    this.coordinator = new Coordinator(this);
    this.isolation = createIsolation(configuration.values.isolation, this);
    this.pause = new ClientPause(this);
    this.scriptGate = new ScriptGate(this);
  }

  /** Connects the gateway to the shards; called once. */
  attach(shards: ShardGroup): void {
    this.shards = shards;
    this.placement = new Placement(shards.router, this.keys);
    this.forwarder = new Forwarder(this, shards);
    this.dispatcher = new Dispatcher(this);
    this.turn.collectsInput = shards.inProcess !== undefined;
    const { isolation, scriptKeys } = this.configuration.values;
    this.scriptGate.isNeeded =
      shards.links.length > 1 && isolation === 'locked' && scriptKeys === 'any';
  }

  /** Milliseconds since the epoch, now. */
  nowMs(): number {
    return Date.now();
  }

  // Parsers

  #makeParser(): RequestParser {
    const parser = new RequestParser();
    parser.bulkBytesMax = Number(this.configuration.values.protoMaxBulkLen);
    return parser;
  }

  /** The current parser stays with a connection; another takes its place. */
  takeParser(): void {
    this.parser = this.#spareParsers.pop() ?? this.#makeParser();
  }

  /** A connection needs the parser no more that it had kept. */
  giveParser(parser: RequestParser): void {
    parser.reset();
    parser.bulkBytesMax = Number(this.configuration.values.protoMaxBulkLen);
    if (this.#spareParsers.length < SPARE_PARSERS_MAX) this.#spareParsers.push(parser);
  }

  // Connections

  /** A number that no connection and no wait has had. */
  nextConnectionId(): number {
    return this.#nextConnection++;
  }

  /** Before the commands of a turn: sets their time. */
  beforeCommands(): void {
    this.turnMs = Date.now();
    this.shards.inProcess?.beforeCommands(this.turnMs);
  }

  /** After the commands of a turn. */
  afterCommands(): void {
    this.shards.inProcess?.afterCommands();
  }

  /** Lets a connection go on with input it kept, after the current event. */
  resumeSoon(connection: Connection): void {
    if (this.#resumable.push(connection) === 1) setImmediate(() => this.#resumeAll());
  }

  #resumeAll(): void {
    const connections = this.#resumable;
    this.#resumable = [];
    this.turn.run(() => {
      for (const connection of connections) {
        this.turn.enter(connection);
        connection.resume();
      }
    });
  }

  /** A shard has room again: connections that were held back may read on. */
  drained(): void {
    for (const connection of this.connections.values()) {
      if (connection.isReadingPaused) this.resumeSoon(connection);
    }
  }

  /** Who gets the late reply that is addressed to this number. */
  receiverOf(id: number): ReplyReceiver | undefined {
    return this.connections.get(id) ?? this.#waits.get(id);
  }

  /** A number under which a coordinator's wait receives late replies. */
  registerWait(receiver: ReplyReceiver): number {
    const id = this.nextConnectionId();
    this.#waits.set(id, receiver);
    return id;
  }

  /** A wait is over, and nothing more will come for it. */
  forgetWait(id: number): void {
    this.#waits.delete(id);
  }

  /**
   * A connection is gone. One that shards still owe replies, or that waits in one, stays known
   * until they let go of it: a late reply may carry an element that must go back.
   */
  connectionClosed(connection: Connection): void {
    this.statistics.connectionClosed(connection);
    this.pause.forget(connection);
    this.scriptGate.forget(connection);
    this.pubSub.forget(connection);
    if (connection.watchedShards.size > 0) unwatch(this, connection);
    if (connection.isBlocked) this.cancelWait(connection);
    else if (connection.outstanding === 0) this.forget(connection);
    connection.closed();
  }

  /** Nothing is outstanding for a connection that is gone. */
  forget(connection: Connection): void {
    this.connections.delete(connection.id);
  }

  /** Ends the wait of a connection that is gone. */
  cancelWait(connection: Connection): void {
    const asked = this.shards.links.map((link) =>
      link.control({ type: 'unblock', connection: connection.id, answer: 'none' }),
    );
    void Promise.allSettled(asked).then(() => this.forget(connection));
  }

  /** A popped element could not be delivered because its client is gone: it goes back. */
  returnUndelivered(connection: Connection, reply: Buffer): void {
    this.forget(connection);
    const entry = connection.blockedEntry;
    if (entry === undefined) return;
    returnElements(this, connection.database, entry.spec, connection.blockedSide, reply);
  }

  /** A shard failed: whoever waits in it is answered with an error. */
  shardFailed(shard: number): void {
    this.coordinator.shardFailed(shard);
    this.pubSub.shardStarts();
    for (const connection of this.connections.values()) {
      if (!connection.isBlocked || connection.blockedIn !== shard) continue;
      if (connection.outstanding > 0) {
        const writer = new ReplyWriter(256);
        writer.error(errors.shardFailed);
        connection.late(shard, writer.block, 0, writer.position);
      } else {
        this.localReplies.errorApart(connection, errors.shardFailed);
        connection.release();
      }
    }
  }

  /** A shard's script began to take long, or has ended. */
  scriptBusy(shard: number, script: BusyScript | undefined): void {
    if (script !== undefined) {
      this.logger.warn(
        `Slow script detected on shard ${shard}: still in execution after ` +
          `${this.configuration.values.busyReplyThreshold} milliseconds.`,
      );
      this.scriptGate.retryCommands();
    }
    this.gate.set(GATE_BUSY, this.shards.busyShards.size > 0);
  }

  /** Called once shards and snapshots are there: what must follow the configuration. */
  configurationAttached(): void {
    const { configuration } = this;
    const limit = (): undefined => {
      this.outputLimits = configuration.values.clientOutputBufferLimit;
    };
    limit();
    configuration.onChange(['client-output-buffer-limit'], limit);
    followConfiguration(this);
  }

  /** Looks at nobody's input any more; replies still go out. */
  holdAll(): void {
    for (const connection of this.connections.values()) connection.hold();
  }

  /** Takes back `holdAll`. */
  releaseAll(): void {
    for (const connection of this.connections.values()) {
      if (!connection.isBlocked) connection.release();
    }
  }

  /** Closes all connections, giving them `milliseconds` to take their last replies. */
  async closeAll(milliseconds: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    await Promise.race([Promise.all([...this.connections.values()].map(close)), late]);
    clearTimeout(timer);
    for (const connection of this.connections.values()) connection.destroy();
  }
}

/** Closes a connection when its replies are out; resolves when its socket is closed. */
function close(connection: Connection): Promise<void> {
  const { socket } = connection;
  if (socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    connection.closeAfterReplies();
    // The client may keep its side open; ours ends here.
    if (connection.outstanding === 0 && socket.writableLength === 0) socket.destroySoon();
  });
}
