/**
 * Blocking commands whose keys are on several shards: LMPOP's and BLPOP's first key that yields
 * something, and waiting in several shards at once.
 *
 *   try     the shard of the first key is asked alone (first-try.ts), then all shards are asked at
 *           once which keys there are, and the first of these is popped from, without blocking
 *   wait    one waiter in each shard, all with one claim word; a shard that wants to serve the
 *           waiter must win the claim, so at most one pops. The winner's reply comes late to the
 *           wait; the others are told to forget it
 *
 * Between the failed tries and the registration an element may arrive, so the registration is
 * tentative: a shard that has one of the keys says so, and all keys are tried again in their order.
 * Nobody writes them until all shards have answered. Whoever ends the wait otherwise (time-out in a
 * shard, a client that is gone) must win the claim too.
 *
 * BLMOVE between two shards (moves.ts) has a waiter that is not served but *announced*: its shard
 * says that the element is there, holds back everybody else who waits for it, and the wait's
 * `attempt` takes it with the keys of both shards locked. When another client was faster the waiter
 * goes on at its old place (shard-wait.ts).
 *
 * The winner of a claim serves the wait from its own keys, as if they were the only ones. That is as
 * on one shard as long as keys appear one after the other, which is nearly always. Where several may
 * be there at once the claim is *guarded*, which costs an exchange of a word and no message:
 *
 *   SWAPDB, or EXEC that writes keys    the gateway guards, before it sends them (`guard`)
 *   of the wait on several shards, or
 *   whose shards serve nobody meanwhile
 *   what a BLMOVE that was announced    the shard guards those behind it (Engine)
 *   may leave in one of the keys
 *   a key of another type               its shard guards who waits for it (Engine)
 *
 * A guarded wait is announced, like BLMOVE, and its attempt pops from the first key that is there. So
 * this costs its two round trips only who waited when such a thing happened.
 */

import { commandNumber, parseSeconds } from '@hashlane/core/metadata';
import { elementsOf, errors, isError, isNull, type RequestParser } from '@hashlane/resp';
import {
  NO_CLAIM,
  REQUEST_DENY_BLOCKING,
  REQUEST_GIVES_WAY,
  REQUEST_WAITS_ONLY,
  type RequestArguments,
} from '@hashlane/shard-worker';
import { PartArguments } from './at-once.ts';
import type { CommandEntry } from './command-index.ts';
import { type Connection, NO_SHARD } from './connection.ts';
import type { Coordinated } from './coordinator.ts';
import type { Gateway } from './gateway.ts';
import { addUse, type KeyUse } from './isolation.ts';
import { FIRST_KEY_TRIES_MAX } from './limits.ts';
import { EVERYTHING, keyNamed } from './lock-table.ts';
import type { ReplyFunction } from './server-command.ts';
import { argumentsOf } from './shard-call.ts';
import {
  type Attempt,
  type Ended,
  Forgetting,
  type Found,
  Wait,
  type WaitOwner,
} from './shard-wait.ts';
import { poppedSide, returnElements } from './undelivered.ts';

/** The keys of a command that one shard has, in the command's order. */
export interface ShardKeys {
  readonly shard: number;
  readonly keys: readonly Buffer[];
  /** The command for this shard, where it is not made by putting the keys in place of all. */
  readonly words?: readonly Buffer[];
}

/** What is to become of a pop that waits. */
export interface PopOutcome {
  /** Gets the reply when there is one, undefined for nothing, or nobody to answer. */
  settle: Ended;
  /**
   * A key was there after all: begins anew in the general way, which goes by the order of the keys,
   * and may wait unless the time is up.
   */
  again(mayWait: boolean): void;
  /** The command, for an attempt. */
  prepare(): Coordinated;
}

interface TentativePop extends PopOutcome {
  /** Shards of the keys. */
  readonly owners: Iterable<number>;
  /** Sends each shard its part. */
  submit(wait: Wait): void;
}

interface Arguments {
  readonly argc: number;
  text(i: number): string;
}

/** An attempt that has been told its reply otherwise. */
export const NO_ANSWER: Found = { answer: undefined };

const replyNull: ReplyFunction = (reply) => reply.nullArray();

/** Deadlines are 64-bit milliseconds in Redis. */
const TIMEOUT_MAX_MS = 2 ** 63;
const UNBLOCKED = Buffer.from(`-${errors.unblocked}\r\n`);
const FORCED = Buffer.from(`-${errors.unblockedByForce}\r\n`);
const TOO_MANY = Buffer.from('-ERR too many clients wait in several shards\r\n');

const RESUME = commandNumber('HASHLANE.RESUME');
const LEAVE = commandNumber('HASHLANE.LEAVE');
const NO_ARGUMENTS = argumentsOf([Buffer.alloc(0)]);

export class ShardWaits implements WaitOwner {
  readonly #gateway: Gateway;
  readonly #waits = new Map<Connection, Wait>();
  readonly #arguments = new PartArguments();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** LMPOP, BLPOP, BRPOP, BLMPOP over several shards. */
  async popFirst(command: Coordinated, mayWait = !command.isWithin): Promise<ReplyFunction> {
    const waits = command.entry.isBlocking && mayWait;
    const found = await this.#tryKeys(command, waits);
    if (found !== undefined) return (reply) => reply.raw(found);
    return waits ? this.#waitForFirst(command) : replyNull;
  }

  #waitForFirst(command: Coordinated): Promise<ReplyFunction> {
    const { connection, entry, keys, owners, words } = command;
    const { promise, resolve } = Promise.withResolvers<ReplyFunction>();
    const use: KeyUse = new Map();
    for (const position of keys) addUse(use, words[position]!, false);
    const args = { argc: words.length, text: (i: number) => words[i]!.latin1Slice() };
    this.#enter(connection, entry, args, use, {
      owners,
      submit: (wait) => {
        const flags = connection.requestFlags | REQUEST_WAITS_ONLY;
        for (const { shard, keys } of groupsOf(command)) {
          const part = argumentsOf(wordsFor(command, keys));
          this.#submit(wait, shard, entry.command, part, command.database, flags);
        }
      },
      settle: (answer) => resolve(answer === undefined ? replyNull : (reply) => reply.raw(answer)),
      again: (mayWait) => resolve(this.popFirst(command, mayWait)),
      prepare: () => command,
    });
    return promise;
  }

  /**
   * The reply of the first key that yields something, or undefined. Where somebody who waits for that
   * key is just being served, or was faster, all keys are looked at again: those behind it must not
   * be taken from while it has elements.
   */
  async #tryKeys(command: Coordinated, waits: boolean, wait?: Wait): Promise<Buffer | undefined> {
    for (let i = 0; i < FIRST_KEY_TRIES_MAX; i++) {
      const found = await command.isolated(async () =>
        wait?.isOver ? undefined : tryKeys(command, waits, wait?.id),
      );
      if (found === undefined || !isNull(found)) return found;
    }
    return undefined;
  }

  /** The attempt of a pop that is guarded. */
  async #attemptPop(command: Coordinated, wait: Wait): Promise<Found | undefined> {
    const answer = await this.#tryKeys(command, true, wait);
    // Whose time is up is not told what would be wrong.
    if (answer === undefined || (wait.isEnding && isError(answer))) return undefined;
    return { answer };
  }

  /** The error text for a time-out that is none, or undefined. */
  checkTimeout(timeout: Buffer): string | undefined {
    const milliseconds = Math.ceil(parseSeconds(timeout.latin1Slice()) * 1000);
    if (Number.isNaN(milliseconds)) return errors.timeoutNotFloat;
    if (milliseconds < 0) return errors.timeoutNegative;
    const isTooFar = milliseconds + this.#gateway.nowMs() >= TIMEOUT_MAX_MS;
    return isTooFar ? errors.timeoutOutOfRange : undefined;
  }

  /**
   * Waits in all the shards of `groups` for the first that serves `name`. Resolves with the raw
   * reply; undefined when the client is gone.
   */
  wait(
    command: Coordinated,
    name: string,
    groups: readonly ShardKeys[],
    timeout: Buffer,
  ): Promise<Buffer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const { connection, entry, words } = command;
    const args = { argc: words.length, text: (i: number) => words[i]!.latin1Slice() };
    const wait = this.#open(connection, (answer) => {
      resolve(this.#delivered(connection, entry, args, answer));
    });
    if (wait !== undefined) this.#register(wait, command, name, groups, timeout);
    return promise;
  }

  /**
   * BLMOVE's wait for its source: `attempt` is called whenever the source is a list, and once more at
   * the end. Resolves with undefined when it has moved something, or with the reply of a wait that
   * ended otherwise.
   */
  waitAnnounced(
    command: Coordinated,
    group: ShardKeys,
    timeout: Buffer,
    attempt: Attempt,
  ): Promise<Buffer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    const wait = this.#open(command.connection, resolve);
    if (wait === undefined) return promise;
    wait.attempt = attempt;
    this.#register(wait, command, 'HASHLANE.AWAIT', [group], timeout);
    return promise;
  }

  /** A new wait of a connection; undefined when it has ended already. */
  #open(connection: Connection, ended: Ended): Wait | undefined {
    const gateway = this.#gateway;
    if (connection.hasHungUp) {
      ended(undefined);
      return undefined;
    }
    const claim = gateway.shards.claims.open();
    if (claim === NO_CLAIM) {
      ended(TOO_MANY);
      return undefined;
    }
    const wait = new Wait(this, connection, claim, ended);
    wait.id = gateway.registerWait(wait);
    this.#waits.set(connection, wait);
    connection.onGone = () => this.#abandon(wait);
    return wait;
  }

  #block({ connection }: Wait): void {
    connection.isBlocked = true;
    // A shard that fails is none of its business: `shardFailed` below answers.
    connection.blockedIn = NO_SHARD;
  }

  #register(
    wait: Wait,
    command: Coordinated,
    name: string,
    groups: readonly ShardKeys[],
    timeout: Buffer,
  ): void {
    const number = commandNumber(name);
    this.#block(wait);
    for (const { shard } of groups) wait.shards.push(shard);
    this.#gateway.beforeCommands();
    for (const { shard, keys, words: own } of groups) {
      const words =
        name === command.entry.spec.name
          ? (own ?? wordsFor(command, keys))
          : [Buffer.from(name), ...keys, timeout];
      const flags = command.flags & ~REQUEST_DENY_BLOCKING;
      this.#submit(wait, shard, number, argumentsOf(words), command.database, flags);
    }
  }

  /**
   * Registers a command without promises, for a connection that is barred and expects its reply:
   * after a first try (first-try.ts).
   */
  register(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    outcome: PopOutcome,
  ): void {
    const gateway = this.#gateway;
    const { keys } = gateway;
    const count = keys.find(entry.spec, parser);
    const first = keys.positions[0]!;
    const use: KeyUse = new Map();
    const owners = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const from = parser.offset(first + i);
      addUse(use, parser.block.bytes.subarray(from, from + parser.length(first + i)), false);
      owners[i] = gateway.placement.shardOfArgument(parser, first + i);
    }
    this.#enter(connection, entry, parser, use, {
      ...outcome,
      owners,
      submit: (wait) => this.#submitParts(wait, entry, parser, first, owners),
    });
  }

  /**
   * Registers a pop in all its shards at once, and tentatively: where one of the keys is there nothing
   * is registered. Nobody writes the keys until all have answered.
   */
  #enter(
    connection: Connection,
    entry: CommandEntry,
    args: Arguments,
    use: KeyUse,
    pop: TentativePop,
  ): void {
    const gateway = this.#gateway;
    gateway.isolation.enter(use, (leave) => {
      const wait = connection.hasHungUp
        ? undefined
        : this.#open(connection, (answer) => {
            pop.settle(this.#delivered(connection, entry, args, answer));
          });
      if (wait === undefined) {
        queueMicrotask(leave);
        // Nothing is waited for on behalf of one who has hung up, but what is there is there.
        if (connection.hasHungUp) pop.again(false);
        return;
      }
      for (const owner of pop.owners) if (!wait.shards.includes(owner)) wait.shards.push(owner);
      wait.use = use;
      wait.missing = wait.shards.length;
      wait.registered = () => this.#registered(wait, leave);
      wait.again = pop.again;
      wait.attempt = () => this.#attemptPop(pop.prepare(), wait);
      gateway.beforeCommands();
      pop.submit(wait);
    });
  }

  /** Sends each shard the command with its own keys; `owners` are those from argument `first` on. */
  #submitParts(
    wait: Wait,
    entry: CommandEntry,
    parser: RequestParser,
    first: number,
    owners: Uint8Array,
  ): void {
    const { connection } = wait;
    const flags = connection.requestFlags | REQUEST_WAITS_ONLY;
    for (const shard of wait.shards) {
      const args = this.#arguments;
      args.begin(parser);
      args.add(parser, 0, first);
      for (let i = 0; i < owners.length; i++) {
        if (owners[i] === shard) args.add(parser, first + i, 1);
      }
      const after = first + owners.length;
      args.add(parser, after, parser.argc - after);
      this.#submit(wait, shard, entry.command, args, connection.database, flags);
    }
  }

  /** All shards have answered a tentative registration. */
  #registered(wait: Wait, leave: () => void): void {
    const { claim, hasTimedOut, isReadySomewhere } = wait;
    wait.registered = undefined;
    leave();
    if (wait.isOver) return;
    const { hasHungUp } = wait.connection;
    const { claims } = this.#gateway.shards;
    if (hasTimedOut) {
      if (isReadySomewhere) wait.beginAgain(false);
      else if (claims.isGuarded(claim)) wait.endSoon(undefined);
      else wait.end(undefined);
    } else if (isReadySomewhere || hasHungUp) {
      // Whoever wins the claim goes on: here, or by a reply that is on its way.
      if (claims.take(claim)) wait.beginAgain(!hasHungUp);
    } else {
      this.#block(wait);
      wait.begin();
    }
  }

  /** The answer if its client is there; elements of one that cannot be delivered go back. */
  #delivered(
    connection: Connection,
    { spec }: CommandEntry,
    args: Arguments,
    answer: Buffer | undefined,
  ): Buffer | undefined {
    // A socket that was destroyed says so only after this turn.
    const isGone = connection.state === 'closed' || connection.socket.destroyed;
    if (answer === undefined || !isGone) return answer;
    if (!isError(answer) && !isNull(answer)) {
      const side = poppedSide(spec, args);
      returnElements(this.#gateway, connection.database, spec, side, answer);
    }
    return undefined;
  }

  #submit(
    wait: Wait,
    shard: number,
    command: number,
    args: RequestArguments,
    database: number,
    flags: number,
  ): void {
    const { links } = this.#gateway.shards;
    links[shard]!.submit(wait, command, args, 0, wait.id, database, flags, wait.claim, false);
  }

  /** All shards forget the wait; then its claim word and number are free again. */
  finish(wait: Wait, forgotten: () => void = () => {}): void {
    const gateway = this.#gateway;
    const { claims } = gateway.shards;
    const { connection } = wait;
    this.#waits.delete(connection);
    connection.onGone = undefined;
    connection.isBlocked = false;
    claims.take(wait.claim);
    const shards = wait.shards.filter((shard) => shard !== wait.servedBy);
    const done = (): void => {
      gateway.forgetWait(wait.id);
      claims.close(wait.claim);
      forgotten();
    };
    if (shards.length === 0) done();
    else this.#tell(wait, shards, LEAVE, new Forgetting(shards.length, done));
  }

  /** An announced wait found nothing. */
  resume(wait: Wait, shards: readonly number[]): void {
    this.#tell(wait, shards, RESUME, new Forgetting(shards.length, () => {}));
  }

  isGuarded({ claim }: Wait): boolean {
    return this.#gateway.shards.claims.isGuarded(claim);
  }

  /**
   * Something is about to be sent that writes these keys in one step, or any keys. Waits for which
   * several of them may appear, on several shards, are not served by one of these alone. `isHeld`: one
   * key is enough, because its shard serves nobody for a while, and others do.
   */
  guard(use: KeyUse | undefined, isHeld: boolean): void {
    const { claims } = this.#gateway.shards;
    const written = use?.has(EVERYTHING) ? undefined : use;
    for (const wait of this.#waits.values()) {
      if (wait.use === undefined || wait.shards.length === 1) continue;
      const isAtRisk =
        written === undefined || this.#shardsWritten(wait.use, written) > (isHeld ? 0 : 1);
      if (isAtRisk) claims.guard(wait.claim);
    }
  }

  /** How many shards have keys that are written. */
  #shardsWritten(keys: KeyUse, written: KeyUse): number {
    const shards = new Set<number>();
    for (const name of keys.keys()) {
      const key = written.get(name) === true ? keyNamed(name) : undefined;
      if (key !== undefined) shards.add(this.#gateway.placement.shardOfKey(key));
    }
    return shards.size;
  }

  #tell(wait: Wait, shards: readonly number[], command: number, receiver: Forgetting): void {
    const gateway = this.#gateway;
    gateway.beforeCommands();
    for (const shard of shards) {
      const link = gateway.shards.links[shard]!;
      link.submit(receiver, command, NO_ARGUMENTS, 0, wait.id, 0, 0, NO_CLAIM, false);
    }
  }

  /** The client is gone: if no shard has served the wait yet, none will. */
  #abandon(wait: Wait): void {
    wait.isClientGone = true;
    if (this.#gateway.shards.claims.take(wait.claim)) wait.end(undefined);
  }

  /**
   * Ends the wait of a connection, if it has one that no shard has served. Those before it are served
   * first, so it may still get something.
   */
  unblock(connection: Connection, answer: 'timeout' | 'error'): boolean {
    const wait = this.#waits.get(connection);
    if (wait === undefined || wait.isEnding || wait.registered !== undefined) return false;
    const { claims } = this.#gateway.shards;
    const reply = answer === 'error' ? UNBLOCKED : undefined;
    // Of what there is for a BLMOVE only its shard knows; a pop would be guarded.
    const isMove = wait.attempt !== undefined && wait.use === undefined;
    if (!isMove && claims.win(wait.claim)) {
      wait.end(reply);
      return true;
    }
    if (wait.attempt === undefined || !claims.guard(wait.claim)) return false;
    wait.endSoon(reply);
    return true;
  }

  unblockAll(): void {
    for (const wait of this.#waits.values()) {
      if (this.#gateway.shards.claims.take(wait.claim)) wait.end(FORCED);
    }
  }

  /** A shard failed: waits that it might have served are answered with an error. */
  shardFailed(shard: number): void {
    for (const wait of this.#waits.values()) {
      if (!wait.shards.includes(shard)) continue;
      this.#gateway.shards.claims.take(wait.claim);
      wait.end(Buffer.from(`-${errors.shardFailed}\r\n`));
    }
  }
}

/**
 * All shards are asked at once which of their keys there are; then the first of these is popped from,
 * whatever its type: what is wrong with it its shard says. Undefined when there is none, null when
 * there was nothing to pop. `waits`: the command will wait if nothing is found, and that finds
 * mistakes in its arguments too; otherwise a try on the first key does. `wait`: the number of the one
 * that it does already.
 */
async function tryKeys(
  command: Coordinated,
  waits: boolean,
  wait?: number,
): Promise<Buffer | undefined> {
  const { entry, keys, owners, words } = command;
  const first = await firstKeyThere(command);
  if (first < 0 && waits) return undefined;
  const at = Math.max(0, first);
  const flags = waits ? command.flags | REQUEST_GIVES_WAY : command.flags;
  const popping = wordsFor(command, [words[keys[at]!]!]);
  const answer = await command.callAs(flags, owners[at]!, entry.spec.name, popping, wait);
  return first < 0 && isNull(answer) ? undefined : answer;
}

/** Number of the first key that exists, −1 when there is none. */
async function firstKeyThere(command: Coordinated): Promise<number> {
  const { owners } = command;
  const groups = groupsOf(command);
  const replies = await Promise.all(
    groups.map(({ shard, keys }) => command.call(shard, 'HASHLANE.TYPES', ['', ...keys])),
  );
  const types = new Map(groups.map(({ shard }, i) => [shard, typeNames(replies[i]!)]));
  // A shard that failed has no types: trying its key tells why.
  return owners.findIndex((owner) => types.get(owner)?.shift() !== 'none');
}

/** The names in a reply of HASHLANE.TYPES; none in an error. */
function typeNames(reply: Buffer): string[] {
  if (isError(reply)) return [];
  return (elementsOf(reply) ?? []).map((raw) => raw.latin1Slice(1, raw.length - 2));
}

/** The keys of each shard, each shard once. */
function groupsOf(command: Coordinated): ShardKeys[] {
  const groups = new Map<number, Buffer[]>();
  command.owners.forEach((shard, i) => {
    const keys = groups.get(shard) ?? [];
    keys.push(command.words[command.keys[i]]);
    groups.set(shard, keys);
  });
  return [...groups].map(([shard, keys]) => ({ shard, keys }));
}

/** The command's words with these keys in place of its own. */
function wordsFor({ entry, keys, words }: Coordinated, own: readonly Buffer[]): Buffer[] {
  const first = keys[0];
  const after = words.slice((keys.at(-1) as number) + 1);
  const before = words.slice(0, first);
  const countAt = entry.spec.keys?.[0]?.countAt;
  if (countAt !== undefined) before[countAt] = Buffer.from(String(own.length));
  return [...before, ...own, ...after];
}
