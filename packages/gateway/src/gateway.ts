/**
 * The gateway: everything that the connections of one thread share, and the way of a command from
 * parsed arguments to a shard.
 *
 *   dispatch ─▶ look up ─▶ check ─┬─▶ answer here           (connection and server commands)
 *                                 ├─▶ route to one shard    (nearly all data commands)
 *                                 └─▶ coordinate            (keys on several shards)
 *
 * Nothing here is global to the process: two gateways in two threads would share nothing but the
 * shards. What it does not do: parse (RequestParser), order replies (Connection), execute data
 * commands (shards).
 */
import {
  ALLOW_BUSY,
  COMMAND_METADATA,
  type CommandMetadata,
  DENYOOM,
  isReadOnly,
  KeyFinder,
  type KeyRange,
  LOADING,
  MAY_REPLICATE,
  NO_AUTH,
  NO_MANDATORY_KEYS,
  NO_MULTI,
  NOT_KEY,
  WRITE,
} from '@hashlane/core/metadata';
import {
  Block,
  errors,
  notWhileSubscribed,
  ReplyWriter,
  RequestParser,
  unknownCommand,
  unknownSubcommand,
  wrongArity,
} from '@hashlane/resp';
import {
  type BusyScript,
  hashBytes,
  type InProcessLink,
  NO_CLAIM,
  type ReplyReceiver,
  type RequestArguments,
  type ShardGroup,
  type ShardLink,
} from '@hashlane/shard-worker';
import { busyError } from './busy-scripts.ts';
import { ClientPause } from './client-pause.ts';
import { buildCommandIndex, type CommandEntry, type CommandIndex } from './command-index.ts';
import { followConfiguration } from './commands/config.ts';
import { serverCommands } from './commands/index.ts';
import type { Configuration } from './configuration.ts';
import type { BufferLimits } from './configuration-kinds.ts';
import { type Connection, NO_SHARD } from './connection.ts';
import { Coordinator } from './coordinator.ts';
import {
  GATE_BUSY,
  GATE_LOADING,
  GATE_LOCKED,
  GATE_MISCONFIGURED,
  GATE_PAUSED,
  Gate,
} from './gate.ts';
import { addUse, createIsolation, type Isolation, type KeyUse } from './isolation.ts';
import { REPLY_BLOCK_BYTES, SPARE_PARSERS_MAX } from './limits.ts';
import { LocalReplies } from './local-replies.ts';
import type { Logger } from './log.ts';
import { PubSub } from './pub-sub.ts';
import { copyRequest, parseCopy } from './request-copy.ts';
import { ScriptGate } from './script-gate.ts';
import { ServerExecutor } from './server-executor.ts';
import { SilentReceiver } from './silent-receiver.ts';
import type { SnapshotScheduler } from './snapshot-scheduler.ts';
import { sortsAlone } from './sorting.ts';
import { Statistics } from './statistics.ts';
import { queueCommand, refuseExec, type Transaction, unwatch } from './transaction.ts';
import { Turn } from './turn.ts';
import { poppedSide, returnElements } from './undelivered.ts';

export class Gateway {
  readonly configuration: Configuration;
  readonly logger: Logger;
  readonly commands: CommandIndex;
  readonly connections = new Map<number, Connection>();
  readonly coordinator: Coordinator;
  readonly isolation: Isolation;
  readonly pause: ClientPause;
  readonly scriptGate: ScriptGate;
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
  readonly gate = new Gate();
  /** client-output-buffer-limit. */
  outputLimits: BufferLimits;
  shards!: ShardGroup;
  snapshots!: SnapshotScheduler;
  /** Ends the server: set by server.ts. `save`: undefined follows the save rules. */
  shutdown: (options: { save?: boolean; force?: boolean }) => Promise<void> = async () => {};
  /** Progress of loading, in bytes. */
  loading = { done: 0, total: 0 };
  /** Address and port that the server listens on. */
  listening: { address: string; port: number } = { address: '', port: 0 };

  #links: readonly ShardLink[] = [];
  #inProcess: InProcessLink | undefined;
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
    this.#links = shards.links;
    this.#inProcess = shards.inProcess;
    this.turn.collectsInput = this.#inProcess !== undefined;
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

  giveParser(parser: RequestParser): void {
    parser.reset();
    parser.bulkBytesMax = Number(this.configuration.values.protoMaxBulkLen);
    if (this.#spareParsers.length < SPARE_PARSERS_MAX) this.#spareParsers.push(parser);
  }

  // Connections

  nextConnectionId(): number {
    return this.#nextConnection++;
  }

  /** Before the commands of a turn: sets their time. */
  beforeCommands(): void {
    this.turnMs = Date.now();
    this.#inProcess?.beforeCommands(this.turnMs);
  }

  /** After the commands of a turn. */
  afterCommands(): void {
    this.#inProcess?.afterCommands();
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
    const asked = this.#links.map((link) =>
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
    for (const connection of this.connections.values()) {
      connection.hold();
    }
  }

  /** Takes back `holdAll`. */
  releaseAll(): void {
    for (const connection of this.connections.values()) {
      if (!connection.isBlocked) connection.release();
    }
  }

  /** Closes all connections, giving them `milliseconds` to take their last replies. */
  async closeAll(milliseconds: number): Promise<void> {
    const closing = [...this.connections.values()].map((connection) => {
      const { socket } = connection;
      if (socket.destroyed) return Promise.resolve();
      return new Promise<void>((resolve) => {
        socket.once('close', () => resolve());
        connection.closeAfterReplies();
        // The client may keep its side open; ours ends here.
        if (connection.outstanding === 0 && socket.writableLength === 0) socket.destroySoon();
      });
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([Promise.all(closing), late]);
    clearTimeout(timer);
    for (const connection of this.connections.values()) connection.destroy();
  }

  // Dispatch

  /**
   * Executes or sends one command. `ownsBlock`: the arguments are alone in their block, which may
   * be given away.
   */
  dispatch(connection: Connection, parser: RequestParser, ownsBlock: boolean): void {
    const { spans, argc } = parser;
    let entry = this.commands.find(parser.block, spans[0] + parser.origin, spans[1]);
    if (entry === undefined) {
      this.#replyUnknown(connection, parser);
      return;
    }
    if (entry.subcommands !== undefined && argc > 1) {
      const found = entry.subcommands.find(parser.block, spans[2] + parser.origin, spans[3]);
      const isDebug = entry.lowerName === 'debug';
      if (isDebug && !this.#allowsDebug(connection)) {
        this.#refuse(connection, entry, errors.debugNotAllowed);
        return;
      }
      // DEBUG answers to unknown parts itself.
      if (found === undefined && !isDebug) {
        this.#replyUnknownSubcommand(connection, entry, parser);
        return;
      }
      entry = found ?? entry;
    }
    const { arity } = entry.spec;
    if (arity > 0 ? argc !== arity : argc < -arity) {
      this.#refuse(connection, entry, wrongArity(entry.lowerName));
      return;
    }
    if (!connection.isAuthenticated && (entry.spec.flags & NO_AUTH) === 0) {
      this.#refuse(connection, entry, errors.noAuth);
      return;
    }
    if (connection.subscriptions !== undefined && !this.pubSub.allows(connection, entry)) {
      this.#refuse(connection, entry, notWhileSubscribed(entry.lowerName));
      return;
    }
    connection.lastCommand = entry;
    connection.commandsProcessed++;
    if (this.gate.reasons !== 0 && this.#isHeld(connection, entry, parser)) return;
    if (connection.transaction !== undefined && entry.isQueued) {
      this.#queue(connection, connection.transaction, entry, parser);
      return;
    }
    if (connection.replyMode !== 'on') this.#dispatchSilently(connection, entry, parser);
    else if (entry.handler !== undefined) this.serverExecutor.execute(connection, entry, parser);
    else this.#route(connection, entry, parser, ownsBlock);
  }

  /** Puts a command off until EXEC. */
  #queue(
    connection: Connection,
    transaction: Transaction,
    entry: CommandEntry,
    parser: RequestParser,
  ): void {
    if ((entry.spec.flags & NO_MULTI) !== 0) {
      this.#refuse(connection, entry, errors.notInTransaction);
      return;
    }
    queueCommand(this, connection, transaction, entry, parser);
  }

  #allowsDebug(connection: Connection): boolean {
    const allowed = this.configuration.values.enableDebugCommand;
    // Without a password yet there are stronger reasons to refuse.
    if (!connection.isAuthenticated || allowed === 'yes') return true;
    return allowed === 'local' && connection.isLocal;
  }

  #replyUnknown(connection: Connection, parser: RequestParser): void {
    const args: string[] = [];
    for (let i = 1; i < parser.argc && i < 20; i++) args.push(parser.text(i));
    this.statistics.rejected(undefined);
    if (connection.transaction !== undefined) connection.transaction.isAborted = true;
    this.localReplies.error(connection, unknownCommand(parser.text(0), args));
  }

  #replyUnknownSubcommand(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
  ): void {
    this.#refuse(connection, entry, unknownSubcommand(parser.text(1), entry.spec.name));
  }

  #refuse(connection: Connection, entry: CommandEntry, text: string): void {
    this.statistics.rejected(entry);
    if (entry.spec.name === 'EXEC') {
      refuseExec(this, connection, text);
      return;
    }
    if (connection.transaction !== undefined) connection.transaction.isAborted = true;
    this.localReplies.error(connection, text);
  }

  /** True when the command was refused or put off. */
  #isHeld(connection: Connection, entry: CommandEntry, parser: RequestParser): boolean {
    const { flags } = entry.spec;
    if (this.gate.has(GATE_LOADING) && (flags & LOADING) === 0) {
      this.#refuse(connection, entry, errors.loading);
      return true;
    }
    if (this.gate.has(GATE_MISCONFIGURED) && this.#mayWrite(entry, parser)) {
      this.#refuse(connection, entry, errors.misconfigured);
      return true;
    }
    if (this.gate.has(GATE_BUSY) && this.#isBusyFor(entry, parser)) {
      this.#refuse(connection, entry, busyError(this.shards.busyShards));
      return true;
    }
    return this.gate.has(GATE_PAUSED) && this.pause.holds(connection, entry, parser);
  }

  /** Does the command write, or call a function that may? What a script does, its shard sees. */
  #mayWrite({ spec }: CommandEntry, parser: RequestParser): boolean {
    if ((spec.flags & (WRITE | DENYOOM)) !== 0) return true;
    const isCall = spec.name === 'FCALL' || spec.name === 'FCALL_RO';
    return isCall && this.shards.functions.mayWrite(parser.text(1));
  }

  /** Would a command have to wait for a shard that is busy with a long script? */
  #isBusyFor(entry: CommandEntry, parser: RequestParser): boolean {
    const { flags, group } = entry.spec;
    if ((flags & ALLOW_BUSY) !== 0) return entry.spec.name === 'EXEC';
    if (entry.handler !== undefined) return group !== 'connection';
    const shard = this.shardOfCommand(entry, parser);
    return shard < 0 || this.shards.busyShards.has(shard);
  }

  /** CLIENT REPLY OFF or SKIP: the command runs, nobody hears of it. */
  #dispatchSilently(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    const mode = connection.replyMode;
    if (entry.handler !== undefined) this.serverExecutor.execute(connection, entry, parser);
    else this.#submitSilently(connection, entry, parser);
    if (mode !== 'skip') return;
    // SKIP is for one command, unless that command was SKIP again.
    if (connection.replyMode === 'skip') connection.replyMode = 'on';
    else if (connection.replyMode === 'skip-next') connection.replyMode = 'skip';
  }

  #submitSilently(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    this.#submit(new SilentReceiver(connection), entry, parser, connection, false);
  }

  // Routing

  #route(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    ownsBlock: boolean,
  ): void {
    const inProcess = this.#inProcess;
    if (inProcess !== undefined) {
      const { spans } = parser;
      const hash =
        entry.singleKey === 1 ? hashBytes(parser.block, spans[2] + parser.origin, spans[3]) : 0;
      if (entry.isBlocking) connection.willBlock(entry, poppedSide(entry.spec, parser));
      inProcess.submit(
        connection,
        entry.command,
        parser,
        hash,
        connection.id,
        connection.database,
        connection.requestFlags,
        NO_CLAIM,
        ownsBlock,
      );
      return;
    }
    this.#submit(connection, entry, parser, connection, ownsBlock);
  }

  /** Sends a command to the shard of its keys, or hands it to the coordinator. */
  #submit(
    receiver: Connection | SilentReceiver,
    entry: CommandEntry,
    parser: RequestParser,
    connection: Connection,
    ownsBlock: boolean,
  ): void {
    let hash = 0;
    let shard = 0;
    const shards = this.#links.length;
    if ((entry.spec.flags & NO_MANDATORY_KEYS) !== 0) this.beforeScript(connection);
    if (entry.singleKey === 1) {
      const offset = (parser.spans[2] + parser.origin) | 0;
      const length = parser.spans[3];
      hash = hashBytes(parser.block, offset, length);
      if (shards > 1) shard = this.shards.router.shardOf(parser.block, offset, length, hash);
    } else if (shards > 1) {
      shard = this.#shardOfAll(entry.spec, parser);
      if (shard < 0) {
        if (!this.mayGo(connection, entry, shard, parser)) return;
        this.coordinator.coordinate(connection, entry, parser);
        return;
      }
    }
    if (shards > 1 && !this.mayGo(connection, entry, shard, parser)) return;
    if (this.gate.has(GATE_LOCKED)) {
      if (this.#holds(receiver, entry, parser, connection, shard)) return;
    }
    this.#send(receiver, entry, parser, connection, shard, hash, ownsBlock);
  }

  /**
   * Scripts reach keys of other shards by ways of their own (shard-worker's door.ts), which know no
   * order with what the gateway sends there. So that a client's commands take effect in its order,
   * a script waits until what its client sent to other shards is answered, and what its client sends
   * to other shards waits for the script. `shard`: −1 for several. True when the command must wait.
   */
  mustSettle(connection: Connection, flags: number, shard: number): boolean {
    const isScript = (flags & NO_MANDATORY_KEYS) !== 0;
    if (connection.outstanding === 0) {
      connection.scriptShard = isScript ? shard : NO_SHARD;
      return false;
    }
    if (!isScript) return connection.scriptShard !== NO_SHARD && connection.scriptShard !== shard;
    if (shard >= 0 && this.configuration.values.scriptKeys === 'declared') return false;
    if (!connection.owesOnly(shard)) return true;
    connection.scriptShard = shard;
    return false;
  }

  /** A script, or a transaction with one, is about to be sent to a shard. */
  beforeScript(connection: Connection): void {
    if (this.#inProcess !== undefined) return;
    this.pubSub.tellShards();
    // With several shards it is noted by mustSettle.
    if (this.#links.length === 1) connection.scriptShard = 0;
  }

  /** False when a command was put off, for the sake of scripts or because it is one. */
  mayGo(
    connection: Connection,
    { isBlocking, spec }: CommandEntry,
    shard: number,
    parser: RequestParser,
  ): boolean {
    if (this.mustSettle(connection, spec.flags, shard)) {
      connection.putOff(parser);
      return false;
    }
    if ((spec.flags & NO_MANDATORY_KEYS) !== 0) {
      return this.scriptGate.enters(connection, 'script', parser);
    }
    // Who blocks takes from one shard, and may wait for long.
    return shard >= 0 || isBlocking || this.scriptGate.enters(connection, 'command', parser);
  }

  #send(
    receiver: Connection | SilentReceiver,
    entry: CommandEntry,
    parser: RequestParser,
    connection: Connection,
    shard: number,
    hash: number,
    ownsBlock: boolean,
  ): void {
    const link = this.#links[shard];
    receiver.expect(shard);
    if (entry.isBlocking) {
      connection.bar();
      connection.willBlock(entry, poppedSide(entry.spec, parser));
    }
    link.submit(
      receiver,
      entry.command,
      parser,
      hash,
      connection.id,
      connection.database,
      connection.requestFlags,
      NO_CLAIM,
      ownsBlock,
    );
    if (link.isCongested) connection.pauseReading();
  }

  /** Sends a request of the gateway's own making for a connection. */
  submitTo(
    shard: number,
    receiver: ReplyReceiver & { expect?(source: number): void },
    command: number,
    args: RequestArguments,
    connection: Connection,
  ): void {
    // Of a shard in this thread the reply is in the writer already.
    if (this.#inProcess === undefined) receiver.expect?.(shard);
    this.beforeCommands();
    this.#links[shard].submit(
      receiver,
      command,
      args,
      0,
      connection.id,
      connection.database,
      connection.requestFlags,
      NO_CLAIM,
      false,
    );
  }

  // Locks

  /** True when a key of a command for one shard is locked; it will be sent when that is over. */
  #holds(
    receiver: Connection | SilentReceiver,
    entry: CommandEntry,
    parser: RequestParser,
    connection: Connection,
    shard: number,
  ): boolean {
    const use: KeyUse = new Map();
    this.addUseOf(use, entry.spec, parser);
    let copy: Block | undefined;
    const isHeld = this.holdForLock(
      connection,
      () => use,
      () => this.#send(receiver, entry, parseCopy(copy as Block), connection, shard, 0, false),
    );
    if (isHeld) copy = copyRequest(parser);
    return isHeld;
  }

  /**
   * When one of these keys is locked: bars the connection, lets `work` run when the keys are free,
   * and returns true.
   */
  holdForLock(connection: Connection, use: () => KeyUse, work: () => void): boolean {
    if (!this.gate.has(GATE_LOCKED)) return false;
    const isHeld = this.isolation.holds(use, () => this.#runHeld(connection, work));
    if (!isHeld) return false;
    connection.hold();
    connection.isWaitingForLock = true;
    return true;
  }

  #runHeld(connection: Connection, work: () => void): void {
    connection.isWaitingForLock = false;
    if (connection.state === 'closed') return;
    this.turn.run(() => {
      this.turn.enter(connection);
      // Released first: the command may bar its connection again.
      connection.release();
      work();
      this.turn.cut(connection);
    });
  }

  /** Adds what a command does with its keys. */
  addUseOf(use: KeyUse, spec: CommandMetadata, parser: RequestParser): void {
    const { keys } = this;
    const count = keys.find(spec, parser);
    const isWrite = (spec.flags & (WRITE | MAY_REPLICATE)) !== 0;
    for (let i = 0; i < count; i++) {
      const position = keys.positions[i];
      const from = parser.offset(position);
      const key = parser.block.bytes.subarray(from, from + parser.length(position));
      const range = (spec.keys as readonly KeyRange[])[keys.ranges[i]];
      if (range.access === NOT_KEY) continue;
      addUse(use, key, isWrite && !isReadOnly(range));
    }
  }

  /** The one shard that can execute a command alone, or −1. */
  shardOfCommand(entry: CommandEntry, parser: RequestParser): number {
    return this.#links.length === 1 ? 0 : this.#shardOfAll(entry.spec, parser);
  }

  /** The shard that has all the keys of a command, or −1. */
  #shardOfAll(spec: CommandMetadata, parser: RequestParser): number {
    const { keys } = this;
    // BY and GET of SORT name keys that are not among its arguments.
    if (spec.spread === 'sort' && parser.argc > 2 && !sortsAlone(parser, this.#shardOf)) return -1;
    const count = keys.find(spec, parser);
    if (count === 0) return spec.spread === 'every' ? -1 : 0;
    let shard = -1;
    for (let i = 0; i < count; i++) {
      const owner = this.shardOfArgument(parser, keys.positions[i]);
      if (shard >= 0 && owner !== shard) return -1;
      shard = owner;
    }
    return shard;
  }

  /** The shard of a key. */
  shardOfBytes(key: Buffer): number {
    return this.#shardOf(new Block(key));
  }

  readonly #shardOf = (key: Block): number => {
    const { length } = key.bytes;
    return this.shards.router.shardOf(key, 0, length, hashBytes(key, 0, length));
  };

  /** The shard of the key in an argument. */
  shardOfArgument(parser: RequestParser, i: number): number {
    const offset = parser.offset(i);
    const length = parser.length(i);
    const hash = hashBytes(parser.block, offset, length);
    return this.shards.router.shardOf(parser.block, offset, length, hash);
  }
}
