/**
 * Commands whose keys are on several shards, put together from single-shard commands.
 *
 * A coordinated command is a barrier on its connection: what came before was posted before it (and
 * ports are FIFO), what comes after waits until it is done. So for the client it behaves as one
 * command. What keeps it apart from other clients' commands is in isolation.ts.
 *
 * How a command is put together is its row's `spread`; the cases are in `#strategies` below and in
 * moves.ts (two keys), borrowing.ts (values lent from shard to shard), sorting.ts and shard-waits.ts
 * (blocking commands over several shards).
 */
import {
  type CommandMetadata,
  commandNumber,
  isReadOnly,
  type KeyRange,
  MAY_REPLICATE,
  type Spread,
  WRITE,
} from '@hashlane/core/metadata';
import type { ReplyWriter, RequestParser } from '@hashlane/resp';
import { elementsOf, integerOf, isError, wrongArity } from '@hashlane/resp';
import { REQUEST_DENY_BLOCKING } from '@hashlane/shard-worker';
import { AtOnceCommands } from './at-once.ts';
import { runWithBorrowed } from './borrowing.ts';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';
import { FirstTries } from './first-try.ts';
import type { Gateway } from './gateway.ts';
import { type KeyUse, useOf } from './isolation.ts';
import { replyNothing } from './local-replies.ts';
import { runMove } from './moves.ts';
import type { ReplyFunction } from './server-command.ts';
import { callShard } from './shard-call.ts';
import { ShardWaits } from './shard-waits.ts';
import { sortOverShards } from './sorting.ts';
import { readStreams } from './stream-reads.ts';
import { everyShard } from './whole-keyspace.ts';

/** A coordinated command with copies of its arguments. */
export interface Coordinated {
  readonly gateway: Gateway;
  readonly connection: Connection;
  readonly entry: CommandEntry;
  /** Arguments, the name first. */
  readonly words: readonly Buffer[];
  /** Argument numbers of the keys. */
  readonly keys: readonly number[];
  /** Shard of each key. */
  readonly owners: readonly number[];
  /** For each key, whether the command may change it. */
  readonly isWritten: readonly boolean[];
  readonly database: number;
  readonly flags: number;
  /** Part of a transaction that has its keys already, and in which nothing may wait. */
  readonly isWithin: boolean;
  /** Runs phases of the command with its keys to itself. */
  isolated<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Runs phases of a command that may wait while no script is on its way, which might see half of
   * them. It was not asked to wait at the script gate when it came (Forwarder.mayGo). No keys may be
   * locked yet: a script that has passed the gate may wait for them.
   */
  apart<T>(work: () => Promise<T>): Promise<T>;
  /** Sends words as the command of this name to a shard. */
  call(shard: number, name: string, words: readonly (string | Buffer)[]): Promise<Buffer>;
  /** The same, in another database. */
  callIn(
    database: number,
    shard: number,
    name: string,
    words: readonly (string | Buffer)[],
  ): Promise<Buffer>;
  /** The same, with other flags than the command's, and on behalf of a wait if there is one. */
  callAs(
    flags: number,
    shard: number,
    name: string,
    words: readonly (string | Buffer)[],
    wait?: number,
  ): Promise<Buffer>;
}

/** How commands are spread whose parts are all sent in one turn: atomic by the order of the ports. */
const SENT_AT_ONCE: readonly Spread[] = ['sum', 'gather', 'all-ok', 'every'];
/** Those that wait in between, and may hold no lock meanwhile. */
const LOCKS_ITSELF: readonly Spread[] = ['first', 'move', 'streams'];

/** Are the parts of a command over several shards sent in one turn? */
export function isSentAtOnce({ spread = 'every' }: CommandMetadata): boolean {
  return SENT_AT_ONCE.includes(spread);
}

type Strategy = (command: Coordinated) => Promise<ReplyFunction>;

export class Coordinator {
  readonly #gateway: Gateway;
  readonly #waits: ShardWaits;
  readonly #atOnce: AtOnceCommands;
  readonly #firstTries: FirstTries;
  readonly #strategies: { readonly [spread in Spread]: Strategy };

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#waits = new ShardWaits(gateway);
    this.#atOnce = new AtOnceCommands(gateway);
    this.#firstTries = new FirstTries(gateway);
    this.#strategies = {
      sum: sumOfShards,
      gather: gatherArrays,
      'all-ok': setAll,
      'absent-all': setAllIfAbsent,
      move: (command) => runMove(command, this.#waits),
      first: (command) => this.#waits.popFirst(command),
      borrow: runWithBorrowed,
      sort: sortOverShards,
      script: runScript,
      streams: (command) => readStreams(command, this.#waits),
      every: everyShard,
    };
  }

  /**
   * Executes a command over several shards for a connection, which is barred until it is done,
   * unless all its parts can be sent at once.
   */
  coordinate(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    if (this.#atOnce.sends(connection, entry, parser)) return;
    if (
      this.#firstTries.sends(connection, entry, parser, (copy) =>
        this.#wait(connection, entry, copy),
      )
    ) {
      return;
    }
    this.#gateway.localReplies.announce(connection);
    this.#execute(connection, entry, parser);
  }

  /** A first try found nothing. */
  #wait(connection: Connection, entry: CommandEntry, copy: RequestParser): void {
    const settle = (answer: Buffer | undefined): void =>
      this.#gateway.localReplies.settle(connection, (reply) => {
        if (answer === undefined) reply.nullArray();
        else reply.raw(answer);
      });
    const prepare = (): Coordinated => this.#prepare(connection, entry, copy, false);
    const again = (mayWait: boolean): void => {
      const command = prepare();
      this.#settleLater(command, this.#waits.popFirst(command, mayWait));
    };
    if (connection.state === 'closed') settle(undefined);
    else this.#waits.register(connection, entry, copy, { settle, again, prepare });
  }

  /** Executes a command for a connection that is barred and expects its reply from here. */
  #execute(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    if (connection.state === 'closed') {
      // Its client has gone since the first try: nothing is popped for it.
      this.#gateway.localReplies.settle(connection, replyNothing);
      return;
    }
    const command = this.#prepare(connection, entry, parser, false);
    this.#settleLater(command, this.#run(command));
  }

  #settleLater({ connection, entry }: Coordinated, later: Promise<ReplyFunction>): void {
    const isSilent = connection.replyMode !== 'on';
    this.#gateway.localReplies.settleLater(
      connection,
      isSilent ? later.then(() => replyNothing) : later,
      `${entry.spec.name} over several shards failed`,
    );
  }

  #run(command: Coordinated): Promise<ReplyFunction> {
    const { spec } = command.entry;
    const spread = spec.spread ?? 'every';
    const strategy = this.#strategies[spread];
    if (LOCKS_ITSELF.includes(spread)) return strategy(command);
    if (!isSentAtOnce(spec)) return command.isolated(() => strategy(command));
    const use = spread === 'every' ? undefined : useOf(command);
    return this.#gateway.isolation.runAtOnce(use, () => strategy(command));
  }

  /** Runs a command within a transaction that has its keys to itself. */
  runWithin(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
  ): Promise<ReplyFunction> {
    const command = this.#prepare(connection, entry, parser, true);
    return this.#strategies[entry.spec.spread ?? 'every'](command);
  }

  #prepare(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    isWithin: boolean,
  ): Coordinated {
    const gateway = this.#gateway;
    const { spec } = entry;
    const words: Buffer[] = [];
    for (let i = 0; i < parser.argc; i++) {
      const from = parser.offset(i);
      words.push(Buffer.from(parser.block.bytes.subarray(from, from + parser.length(i))));
    }
    const count = gateway.keys.find(spec, parser);
    const keys = Array.from(gateway.keys.positions.subarray(0, count));
    const owners = keys.map((position) => gateway.placement.shardOfArgument(parser, position));
    const isWrite = (spec.flags & (WRITE | MAY_REPLICATE)) !== 0;
    const isWritten = Array.from(
      gateway.keys.ranges.subarray(0, count),
      (range) => isWrite && !isReadOnly((spec.keys as readonly KeyRange[])[range]),
    );
    const database = connection.database;
    const flags = connection.requestFlags | REQUEST_DENY_BLOCKING;
    const command: Coordinated = {
      gateway,
      connection,
      entry,
      words,
      keys,
      owners,
      isWritten,
      database,
      flags,
      isWithin,
      isolated: (work) => (isWithin ? work() : gateway.isolation.run(useOf(command), work)),
      apart: (work) => (isWithin ? work() : gateway.scriptGate.run(work)),
      call: (shard, name, args) => callOn(gateway, shard, name, args, database, flags),
      callIn: (other, shard, name, args) => callOn(gateway, shard, name, args, other, flags),
      callAs: (others, shard, name, args, wait) =>
        callOn(gateway, shard, name, args, database, others, wait),
    };
    return command;
  }

  /** CLIENT UNBLOCK for a connection that waits in several shards; false when it does not. */
  unblock(connection: Connection, answer: 'timeout' | 'error'): boolean {
    return this.#waits.unblock(connection, answer);
  }

  /** Something is about to be sent that may make several keys of one wait appear; see ShardWaits. */
  guardWaits(use: KeyUse | undefined, isHeld = false): void {
    this.#waits.guard(use, isHeld);
  }

  /** A shard failed: answers the waits that it was part of. */
  shardFailed(shard: number): void {
    this.#waits.shardFailed(shard);
  }

  /** Ends all waits over several shards, at shutdown. */
  unblockAll(): void {
    this.#waits.unblockAll();
  }
}

/** Sends a command to a shard by its name. */
export function callOn(
  gateway: Gateway,
  shard: number,
  name: string,
  words: readonly (string | Buffer)[],
  database: number,
  flags: number,
  wait?: number,
): Promise<Buffer> {
  gateway.beforeCommands();
  const bytes = words.map((word) =>
    typeof word === 'string' ? Buffer.from(word, 'latin1') : word,
  );
  return callShard(gateway.shards.links[shard], commandNumber(name), bytes, database, flags, wait);
}

/** Groups the keys of a command, each with the `step` − 1 arguments after it, by shard. */
function groupByShard(command: Coordinated, step: number): Map<number, Buffer[]> {
  const groups = new Map<number, Buffer[]>();
  command.keys.forEach((position, i) => {
    const owner = command.owners[i];
    const group = groups.get(owner) ?? [];
    group.push(...command.words.slice(position, position + step));
    groups.set(owner, group);
  });
  return groups;
}

/** The first error among replies, as a reply; undefined when there is none. */
export function firstError(replies: readonly Buffer[]): ReplyFunction | undefined {
  const error = replies.find(isError);
  return error === undefined ? undefined : (reply) => reply.raw(error);
}

/** DEL, UNLINK, EXISTS, TOUCH: the sum of the shards' integers. */
async function sumOfShards(command: Coordinated): Promise<ReplyFunction> {
  const { name } = command.entry.spec;
  const groups = [...groupByShard(command, 1)];
  const replies = await Promise.all(
    groups.map(([shard, keys]) => command.call(shard, name, [name, ...keys])),
  );
  const sum = (): number => replies.reduce((total, reply) => total + integerOf(reply), 0);
  return firstError(replies) ?? ((reply) => reply.integer(sum()));
}

/** MGET: the shards' array elements in the order of the keys. */
async function gatherArrays(command: Coordinated): Promise<ReplyFunction> {
  const { spec } = command.entry;
  const head = command.words.slice(0, command.keys[0]);
  const groups = groupByShard(command, 1);
  const elements = new Map<number, Buffer[]>();
  const replies = await Promise.all(
    [...groups].map(async ([shard, keys]) => {
      const reply = await command.call(shard, spec.name, [...head, ...keys]);
      if (!isError(reply)) elements.set(shard, elementsOf(reply) ?? []);
      return reply;
    }),
  );
  const failure = firstError(replies);
  if (failure !== undefined) return failure;
  return (reply) => {
    const next = new Map<number, number>();
    reply.array(command.owners.length);
    for (const owner of command.owners) {
      const i = next.get(owner) ?? 0;
      next.set(owner, i + 1);
      reply.raw((elements.get(owner) as Buffer[])[i]);
    }
  };
}

function hasOddPairs({ entry, words }: Coordinated): ReplyFunction | undefined {
  if (words.length % 2 === 1) return undefined;
  return (reply: ReplyWriter) => reply.error(wrongArity(entry.lowerName));
}

/** MSET. */
async function setAll(command: Coordinated): Promise<ReplyFunction> {
  const odd = hasOddPairs(command);
  if (odd !== undefined) return odd;
  const replies = await Promise.all(
    [...groupByShard(command, 2)].map(([shard, pairs]) =>
      command.call(shard, 'MSET', ['MSET', ...pairs]),
    ),
  );
  return firstError(replies) ?? ((reply) => reply.ok());
}

/** EVAL and its like: on the shard of the first key, which reaches the others itself. */
async function runScript(command: Coordinated): Promise<ReplyFunction> {
  const { entry, owners, words } = command;
  const answer = await command.call(owners[0]!, entry.spec.name, words);
  return (reply) => reply.raw(answer);
}

/** MSETNX: sets all when none of the keys exists. */
async function setAllIfAbsent(command: Coordinated): Promise<ReplyFunction> {
  const odd = hasOddPairs(command);
  if (odd !== undefined) return odd;
  const found = await Promise.all(
    [...groupByShard(command, 1)].map(([shard, keys]) =>
      command.call(shard, 'EXISTS', ['EXISTS', ...keys]),
    ),
  );
  const failure = firstError(found);
  if (failure !== undefined) return failure;
  if (found.some((reply) => integerOf(reply) > 0)) return (reply) => reply.integer(0);
  const replies = await Promise.all(
    [...groupByShard(command, 2)].map(([shard, pairs]) =>
      command.call(shard, 'MSET', ['MSET', ...pairs]),
    ),
  );
  return firstError(replies) ?? ((reply) => reply.integer(1));
}
