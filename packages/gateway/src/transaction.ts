/**
 * MULTI/EXEC: commands that are queued and then executed as one.
 *
 *   MULTI ─▶ queue (checked as they come: unknown, arity, refused ─▶ EXEC answers EXECABORT)
 *   EXEC  ─┬─▶ all keys on one shard: one request, executed back to back by that shard
 *          └─▶ else: runs of single-shard commands go to their shards as such requests, commands over
 *              several shards and the gateway's own run in their place between them
 *
 * The queue keeps what a shard will get as it will get it: the arguments of each command behind a
 * head of two words (number and argument count), see core's commands/transaction.ts.
 *
 * Isolation: as long as everything can be sent in one turn, EXEC is atomic by the order of the
 * ports. With watched keys or commands of several phases it is a transaction of several phases
 * itself, see isolation.ts.
 */
import { commandNumber, NO_MANDATORY_KEYS, WRITE } from '@hashlane/core/metadata';
import {
  Block,
  elementsOf,
  errors,
  execRefused,
  integerOf,
  isError,
  isNull,
  ReplyWriter,
  type RequestParser,
} from '@hashlane/resp';
import { NO_CLAIM, type RequestArguments } from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import { type Connection, NO_SHARD } from './connection.ts';
import { isSentAtOnce } from './coordinator.ts';
import { mayWrite } from './failed-saves.ts';
import type { Gateway } from './gateway.ts';
import { addUseOf, type KeyUse } from './isolation.ts';
import { TRANSACTION_BYTES_MIN } from './limits.ts';
import { replyNothing } from './local-replies.ts';
import { EVERYTHING, keyNamed } from './lock-table.ts';
import { copyRequest, parseCopy } from './request-copy.ts';
import type { ReplyFunction } from './server-command.ts';
import { argumentsOf, ShardCall } from './shard-call.ts';
import { SilentReceiver } from './silent-receiver.ts';

/** Bytes before the first command: whether keys are watched, and the number of commands. */
const PREFIX_BYTES = 12;
const HEAD_BYTES = 8;
const WATCHING = 87;
const NOT_WATCHING = 78;

const EXEC = commandNumber('HASHLANE.EXEC');
const WATCH = commandNumber('HASHLANE.WATCH');
const UNWATCH = commandNumber('HASHLANE.UNWATCH');
const HOLD = commandNumber('HASHLANE.HOLD');
const LET = commandNumber('HASHLANE.LET');

interface QueuedCommand {
  readonly entry: CommandEntry;
  /** The shard that has all its keys, or NO_SHARD. */
  readonly shard: number;
  /** The whole of it, where it must be read again. */
  readonly copy: Block | undefined;
  /** Where its arguments begin among the packed ones, when a single shard executes it. */
  readonly packedAt: number;
}

/** Commands on their way to one shard, as one request. */
class PackedCommands {
  #block = Block.allocate(TRANSACTION_BYTES_MIN);
  #end = PREFIX_BYTES;
  /** (offset, length) of every argument of the request that this becomes. */
  readonly #spans: number[] = [0, 0, 0, 1, 1, PREFIX_BYTES - 1];
  count = 0;

  /** Adds a command and returns where it is. */
  add(command: number, args: RequestArguments): number {
    const at = this.#spans.length;
    const { argc, block, origin, spans } = args;
    let bytes = HEAD_BYTES;
    for (let i = 1; i < argc; i++) bytes += spans[2 * i + 1]!;
    this.#reserve(bytes);
    const { view } = this.#block;
    view.setInt32(this.#end, command, true);
    view.setInt32(this.#end + 4, argc, true);
    this.#spans.push(this.#end, HEAD_BYTES);
    this.#end += HEAD_BYTES;
    for (let i = 1; i < argc; i++) {
      const from = spans[2 * i]! + origin;
      const length = spans[2 * i + 1]!;
      block.bytes.copy(this.#block.bytes, this.#end, from, from + length);
      this.#spans.push(this.#end, length);
      this.#end += length;
    }
    this.count++;
    return at;
  }

  /** The arguments of the command that `add` put at `at`. */
  argumentsAt(at: number): RequestArguments {
    const argc = this.#block.view.getInt32(this.#spans[at]! + 4, true);
    const spans = Int32Array.from(this.#spans.slice(at, at + 2 * argc));
    return { block: this.#block, origin: 0, spans, argc };
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#block.bytes.length) return;
    const grown = Block.allocate(2 * (this.#end + bytes));
    this.#block.bytes.copy(grown.bytes, 0, 0, this.#end);
    this.#block = grown;
  }

  /** The request; nothing may be added after that. */
  request(watches: boolean): RequestArguments {
    const { bytes } = this.#block;
    bytes[0] = watches ? WATCHING : NOT_WATCHING;
    bytes.latin1Write(String(this.count).padStart(PREFIX_BYTES - 1), 1);
    const spans = Int32Array.from(this.#spans);
    return { block: this.#block, origin: 0, spans, argc: spans.length / 2 };
  }
}

/** The queue of one connection between MULTI and EXEC. */
export class Transaction {
  readonly #commands: QueuedCommand[] = [];
  readonly #packed = new PackedCommands();
  /** The shard of all commands so far, NO_SHARD when there is none. */
  #shard: number | undefined;
  /** A command was refused: EXEC will do nothing. */
  isAborted = false;
  /** Flags of all queued commands together. */
  flags = 0;

  get length(): number {
    return this.#commands.length;
  }

  get commands(): readonly QueuedCommand[] {
    return this.#commands;
  }

  /** The one shard that can execute all of it; undefined when there is none. */
  get shard(): number | undefined {
    return this.#shard === NO_SHARD ? undefined : this.#shard;
  }

  add(entry: CommandEntry, parser: RequestParser, shard: number, keepsCopy: boolean): void {
    const copy = keepsCopy || shard === NO_SHARD ? copyRequest(parser) : undefined;
    const packedAt = shard === NO_SHARD ? -1 : this.#packed.add(entry.command, parser);
    this.#commands.push({ entry, shard, copy, packedAt });
    this.flags |= entry.spec.flags;
    if (this.#shard === undefined || this.#shard === shard) this.#shard = shard;
    else this.#shard = NO_SHARD;
  }

  /** Arguments of a command that a single shard executes. */
  argumentsOf({ packedAt }: QueuedCommand): RequestArguments {
    return this.#packed.argumentsAt(packedAt);
  }

  request(watches: boolean): RequestArguments {
    return this.#packed.request(watches);
  }
}

/** Queues a command of a connection that is in MULTI. */
export function queueCommand(
  gateway: Gateway,
  connection: Connection,
  transaction: Transaction,
  entry: CommandEntry,
  parser: RequestParser,
): void {
  const shard =
    entry.handler === undefined ? gateway.placement.shardOfCommand(entry, parser) : NO_SHARD;
  transaction.add(entry, parser, shard, gateway.shards.links.length > 1);
  if (mayWrite(gateway, connection, entry, parser)) transaction.flags |= WRITE;
  gateway.localReplies.write(connection, (reply) => reply.simple('QUEUED'));
}

/** EXEC. */
export function executeTransaction(
  gateway: Gateway,
  connection: Connection,
  args: RequestParser,
): void {
  const { transaction } = connection;
  if (transaction === undefined) {
    gateway.localReplies.error(connection, errors.execWithoutMulti);
    return;
  }
  const { flags, shard } = transaction;
  const { watchedShards } = connection;
  // What is answered here must not enter the script gate, which who is owed nothing never leaves.
  if (transaction.isAborted) {
    connection.transaction = undefined;
    unwatch(gateway, connection);
    gateway.localReplies.error(connection, errors.execAborted);
    return;
  }
  if (transaction.length === 0 && watchedShards.size === 0) {
    connection.transaction = undefined;
    gateway.localReplies.write(connection, (reply) => reply.array(0));
    return;
  }
  if (!gateway.forwarder.mayGo(connection, args, flags, shard ?? NO_SHARD, false)) return;
  connection.transaction = undefined;
  if (hasScripts(transaction)) gateway.forwarder.beforeScript(connection);
  const isWatchedThere = [...watchedShards].every((watched) => watched === shard);
  if (shard !== undefined && isWatchedThere) {
    executeOnShard(gateway, connection, transaction, shard);
  } else {
    executeOverShards(gateway, connection, transaction);
  }
}

/** Executes a transaction whose keys, also those that are watched, are all on one shard. */
function executeOnShard(
  gateway: Gateway,
  connection: Connection,
  transaction: Transaction,
  shard: number,
): void {
  const isWatching = connection.watchedShards.size > 0;
  connection.watchedShards.clear();
  const send = (): void => {
    const isSilent = connection.replyMode !== 'on';
    const receiver = isSilent ? new SilentReceiver(connection) : connection;
    const packed = transaction.request(isWatching);
    gateway.forwarder.submit(shard, receiver, EXEC, packed, connection);
  };
  const use = (): KeyUse => useOfTransaction(gateway, transaction);
  if (!gateway.lockGate.holds(connection, use, send)) send();
}

/** EXEC itself was refused: the transaction is over. */
export function refuseExec(gateway: Gateway, connection: Connection, reason: string): void {
  connection.transaction = undefined;
  unwatch(gateway, connection);
  gateway.localReplies.error(connection, execRefused(reason));
}

/** What a transaction's commands do with their keys. */
function useOfTransaction(gateway: Gateway, transaction: Transaction): KeyUse {
  const use: KeyUse = new Map();
  for (const { entry, copy } of transaction.commands) {
    if (copy === undefined) continue;
    addUseOf(use, gateway.keys, entry.spec, parseCopy(copy));
    if (entry.spec.spread === 'every') use.set(EVERYTHING, true);
  }
  return use;
}

/** Scripts may use keys of any shard, whether they name them or not. */
function hasScripts({ flags }: Transaction): boolean {
  return (flags & NO_MANDATORY_KEYS) !== 0;
}

/** Has it commands that cannot be sent in one turn with the others? */
function hasPhases(transaction: Transaction): boolean {
  if (hasScripts(transaction)) return true;
  return transaction.commands.some(
    ({ entry, shard }) =>
      shard === NO_SHARD && (entry.handler !== undefined || !isSentAtOnce(entry.spec)),
  );
}

/** May a shard get its commands in several requests, between which it would serve who waits? */
function isSentInParts({ commands, length }: Transaction): boolean {
  return length > 1 && commands.some(({ shard }) => shard === NO_SHARD);
}

function executeOverShards(
  gateway: Gateway,
  connection: Connection,
  transaction: Transaction,
): void {
  const isSilent = connection.replyMode !== 'on';
  const use = useOfTransaction(gateway, transaction);
  const watched = connection.watchedKeys;
  for (const name of watched) if (!use.has(name)) use.set(name, false);
  gateway.localReplies.announce(connection);
  const isWatching = connection.watchedShards.size > 0;
  const isInPhases = isWatching || hasPhases(transaction);
  const isInParts = isSentInParts(transaction);
  const work = (): Promise<ReplyFunction> => {
    gateway.coordinator.guardWaits(
      hasScripts(transaction) ? undefined : use,
      isInPhases || isInParts,
    );
    return new Execution(gateway, connection).run(transaction, isWatching);
  };
  const { isolation } = gateway;
  const waiters = new HeldWaiters(gateway, connection, use);
  const done = isInPhases
    ? isolation.run(use, () => waiters.during(work))
    : isolation.runAtOnce(use, isInParts ? () => waiters.whileSent(work) : work);
  const reply = isSilent ? done.then(() => replyNothing) : done;
  gateway.pubSub.hold(connection);
  gateway.localReplies.settleLater(connection, reply);
  const letGo = (): void => gateway.pubSub.letGo(connection);
  // After the reply, which waits for the same promise.
  reply.then(letGo, letGo);
}

/** Who waits for a key that a transaction writes is served after the last of its commands. */
class HeldWaiters {
  readonly #gateway: Gateway;
  readonly #connection: Connection;
  readonly #use: KeyUse;

  constructor(gateway: Gateway, connection: Connection, use: KeyUse) {
    this.#gateway = gateway;
    this.#connection = connection;
    this.#use = use;
  }

  /** Runs the phases of a transaction. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const groups = this.#groups();
    this.#tell(HOLD, groups);
    try {
      return await work();
    } finally {
      this.#tell(LET, groups);
    }
  }

  /** `work` sends all it has to send at once. */
  whileSent<T>(work: () => Promise<T>): Promise<T> {
    const groups = this.#groups();
    this.#tell(HOLD, groups);
    const done = work();
    this.#tell(LET, groups);
    return done;
  }

  #groups(): Map<number, Buffer[]> {
    const groups = new Map<number, Buffer[]>();
    for (const [name, isWritten] of this.#use) {
      const key = keyNamed(name);
      if (!isWritten || key === undefined) continue;
      const shard = this.#gateway.placement.shardOfKey(key);
      groups.set(shard, [...(groups.get(shard) ?? []), key]);
    }
    return groups;
  }

  #tell(command: number, groups: ReadonlyMap<number, readonly Buffer[]>): void {
    for (const [shard, keys] of groups) {
      void callFor(this.#gateway, this.#connection, shard, command, keys);
    }
  }
}

/** One EXEC over several shards. */
class Execution {
  readonly #gateway: Gateway;
  readonly #connection: Connection;
  /** Commands that gather for each shard, and which replies are theirs. */
  readonly #gathered = new Map<number, { packed: PackedCommands; indexes: number[] }>();
  readonly #replies: (Buffer | undefined)[] = [];
  readonly #pending: Promise<void>[] = [];

  constructor(gateway: Gateway, connection: Connection) {
    this.#gateway = gateway;
    this.#connection = connection;
  }

  async run(transaction: Transaction, isWatching: boolean): Promise<ReplyFunction> {
    // No await before everything is sent that can be sent at once: another connection's command
    // would come between, in this same turn, and lock what is written here.
    if (isWatching && !(await this.#isUnchanged())) return (reply) => reply.nullArray();
    const isOneByOne = hasScripts(transaction);
    for (const [i, command] of transaction.commands.entries()) {
      const { copy, entry, shard } = command;
      if (isOneByOne && !this.#gathered.has(shard)) await this.#settle();
      if (shard !== NO_SHARD) {
        this.#gather(shard, i, entry, transaction.argumentsOf(command));
        continue;
      }
      const running = this.#runApart(i, entry, parseCopy(copy as Block));
      if (running !== undefined) await running;
    }
    await this.#settle();
    const replies = this.#replies as Buffer[];
    return (reply) => {
      reply.array(replies.length);
      for (const each of replies) reply.raw(each);
    };
  }

  async #isUnchanged(): Promise<boolean> {
    const connection = this.#connection;
    const shards = [...connection.watchedShards];
    // Its client went while it waited for locks, and what it watched was forgotten.
    if (shards.length === 0) return false;
    connection.forgetWatched();
    const answers = await Promise.all(
      shards.map((shard) => callFor(this.#gateway, connection, shard, UNWATCH, [])),
    );
    return answers.every((answer) => !isError(answer) && integerOf(answer) === 1);
  }

  #gather(shard: number, index: number, entry: CommandEntry, args: RequestArguments): void {
    let gathered = this.#gathered.get(shard);
    if (gathered === undefined) {
      gathered = { packed: new PackedCommands(), indexes: [] };
      this.#gathered.set(shard, gathered);
    }
    gathered.packed.add(entry.command, args);
    gathered.indexes.push(index);
  }

  /** Sends what has gathered. */
  #send(): void {
    for (const [shard, { packed, indexes }] of this.#gathered) {
      const call = new ShardCall();
      this.#gateway.forwarder.submit(shard, call, EXEC, packed.request(false), this.#connection);
      this.#pending.push(call.reply.then((answer) => this.#distribute(answer, indexes)));
    }
    this.#gathered.clear();
  }

  /** Sends what has gathered, and waits for all that was sent. */
  async #settle(): Promise<void> {
    this.#send();
    await Promise.all(this.#pending);
  }

  #distribute(answer: Buffer, indexes: readonly number[]): void {
    const elements = isError(answer) || isNull(answer) ? undefined : elementsOf(answer);
    indexes.forEach((index, i) => {
      this.#replies[index] = elements?.[i] ?? answer;
    });
  }

  /**
   * A command over several shards, or one of the gateway's own. Undefined when all of it is sent:
   * what follows is sent in the same turn, and need not wait for the answer.
   */
  #runApart(index: number, entry: CommandEntry, parser: RequestParser): Promise<void> | undefined {
    this.#send();
    const writer = new ReplyWriter(256);
    writer.protocol = this.#connection.protocol;
    if (entry.handler !== undefined || !isSentAtOnce(entry.spec)) {
      return this.#runInPhases(index, entry, parser, writer);
    }
    const answer = this.#gateway.coordinator.runWithin(this.#connection, entry, parser);
    this.#pending.push(answer.then((write) => this.#keep(index, write, writer)));
    return undefined;
  }

  async #runInPhases(
    index: number,
    entry: CommandEntry,
    parser: RequestParser,
    writer: ReplyWriter,
  ): Promise<void> {
    const gateway = this.#gateway;
    const connection = this.#connection;
    let write: ReplyFunction | undefined;
    if (entry.handler === undefined) {
      const answer = gateway.coordinator.runWithin(connection, entry, parser);
      await Promise.all(this.#pending);
      write = await answer;
    } else {
      await Promise.all(this.#pending);
      write = await gateway.serverExecutor.executeWithin(connection, entry, parser, writer);
    }
    this.#keep(index, write, writer);
  }

  #keep(index: number, write: ReplyFunction | undefined, writer: ReplyWriter): void {
    write?.(writer);
    this.#replies[index] = Buffer.from(writer.block.bytes.subarray(0, writer.position));
  }
}

/** Sends a command for a connection; resolves with the raw reply. */
function callFor(
  gateway: Gateway,
  connection: Connection,
  shard: number,
  command: number,
  words: readonly Buffer[],
): Promise<Buffer> {
  const call = new ShardCall();
  const args = argumentsOf([Buffer.alloc(0), ...words]);
  gateway.beforeCommands();
  gateway.shards.links[shard]!.submit(
    call,
    command,
    args,
    0,
    connection.id,
    connection.database,
    0,
    NO_CLAIM,
    false,
  );
  return call.reply;
}

/**
 * WATCH: resolves when all shards have taken note. One that is busy with a long script does so after
 * it, and before anything else that can come to it then.
 */
export async function watch(
  gateway: Gateway,
  connection: Connection,
  keys: readonly Buffer[],
): Promise<void> {
  const groups = new Map<number, Buffer[]>();
  for (const key of keys) {
    const shard = gateway.placement.shardOfKey(key);
    const group = groups.get(shard) ?? [];
    group.push(key);
    groups.set(shard, group);
    connection.noteWatched(shard, key);
  }
  const { busyShards } = gateway.shards;
  const asked = [...groups].map(([shard, group]) => {
    const noted = callFor(gateway, connection, shard, WATCH, group);
    return busyShards.has(shard) ? undefined : noted;
  });
  await Promise.all(asked);
}

/** Ends watching; what shards answer does not matter. */
export function unwatch(gateway: Gateway, connection: Connection): void {
  const shards = [...connection.watchedShards];
  connection.forgetWatched();
  for (const shard of shards) void callFor(gateway, connection, shard, UNWATCH, []);
}
