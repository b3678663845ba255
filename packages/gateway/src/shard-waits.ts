/**
 * Blocking commands whose keys are on several shards: LMPOP's and BLPOP's first key that yields
 * something, and waiting in several shards at once.
 *
 *   try     all shards are asked at once which keys there are, then the first of these is popped
 *           from, without blocking (the first key's shard alone was tried before, first-try.ts)
 *   wait    one waiter in each shard, all with one claim word; a shard that wants to serve the
 *           waiter must win the claim, so at most one pops. The winner's reply comes late to the
 *           wait; the others are told to forget it
 *
 * Between the failed tries and the registration an element may arrive: registering runs the
 * command again in each shard, which serves at once if it wins the claim. Whoever ends the wait
 * otherwise (time-out in a shard, CLIENT UNBLOCK, a client that is gone) must win the claim too.
 */

import { COMMAND_METADATA, parseFloatText } from '@hashlane/core/metadata';
import type { Block } from '@hashlane/resp';
import { errors } from '@hashlane/resp';
import { NO_CLAIM, type ReplyReceiver } from '@hashlane/shard-worker';
import { type Connection, NO_SHARD } from './connection.ts';
import type { Coordinated } from './coordinator.ts';
import type { Gateway } from './gateway.ts';
import { elementsOf, isError, isNull } from './reply-reader.ts';
import type { ReplyFunction } from './server-command.ts';
import { argumentsOf } from './shard-call.ts';
import { poppedSide, returnElements } from './undelivered.ts';

/** The keys of a command that one shard has, in the command's order. */
export interface ShardKeys {
  readonly shard: number;
  readonly keys: readonly Buffer[];
  /** The command for this shard, where it is not made by putting the keys in place of all. */
  readonly words?: readonly Buffer[];
}

/** Deadlines are 64-bit milliseconds in Redis. */
const TIMEOUT_MAX_MS = 2 ** 63;
const UNBLOCKED = Buffer.from(`-${errors.unblocked}\r\n`);
const FORCED = Buffer.from(`-${errors.unblockedByForce}\r\n`);

/** One wait in several shards. */
class Wait implements ReplyReceiver {
  readonly connection: Connection;
  readonly readsWriter = false;
  readonly shards: readonly number[];
  readonly claim: number;
  readonly answer: Promise<Buffer | undefined>;
  /** Number under which shards know it. */
  id = 0;
  #resolve!: (answer: Buffer | undefined) => void;
  isOver = false;

  constructor(connection: Connection, shards: readonly number[], claim: number) {
    this.connection = connection;
    this.shards = shards;
    this.claim = claim;
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  end(answer: Buffer | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#resolve(answer);
  }

  /** A shard answered at once: it won the claim, or found an error, or had lost (null). */
  receive(_source: number, block: Block, start: number, end: number): boolean {
    const reply = Buffer.from(block.bytes.subarray(start, end));
    // A shard that lost the claim answers null: that says nothing.
    if (!isNull(reply)) this.end(reply);
    return false;
  }

  blocked(): void {}

  late(_source: number, block: Block, start: number, end: number): boolean {
    this.end(Buffer.from(block.bytes.subarray(start, end)));
    return false;
  }
}

export class ShardWaits {
  readonly #gateway: Gateway;
  readonly #waits = new Map<Connection, Wait>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** LMPOP, BLPOP, BRPOP, BLMPOP over several shards. */
  async popFirst(command: Coordinated): Promise<ReplyFunction> {
    const { entry } = command;
    const timeout = this.#timeoutOf(command);
    const waits = timeout !== undefined && !command.isWithin;
    const found = await command.isolated(() => tryKeys(command, waits));
    if (found !== undefined) return (reply) => reply.raw(found);
    if (!waits) return (reply) => reply.nullArray();
    const answer = await this.wait(command, entry.spec.name, groupsOf(command), timeout);
    if (answer === undefined) return (reply) => reply.nullArray();
    return (reply) => reply.raw(answer);
  }

  /** The time-out argument of a blocking command, or undefined. */
  #timeoutOf({ entry, words }: Coordinated): Buffer | undefined {
    if (!entry.isBlocking) return undefined;
    return entry.spec.name === 'BLMPOP' ? words[1] : words[words.length - 1];
  }

  /** The error text for a time-out that is none, or undefined. */
  checkTimeout(timeout: Buffer): string | undefined {
    const milliseconds = Math.ceil(parseFloatText(timeout.latin1Slice()) * 1000);
    if (Number.isNaN(milliseconds)) return errors.timeoutNotFloat;
    if (milliseconds < 0) return errors.timeoutNegative;
    const isTooFar = milliseconds + this.#gateway.nowMs() >= TIMEOUT_MAX_MS;
    return isTooFar ? errors.timeoutOutOfRange : undefined;
  }

  /**
   * Waits in all the shards of `groups` for the first that serves `name`. Resolves with the raw
   * reply; undefined when the time is up or the client is gone.
   */
  async wait(
    command: Coordinated,
    name: string,
    groups: readonly ShardKeys[],
    timeout: Buffer,
  ): Promise<Buffer | undefined> {
    const gateway = this.#gateway;
    const { connection } = command;
    if (connection.hasHungUp) return undefined;
    const claim = gateway.shards.claims.open();
    if (claim === NO_CLAIM) return Buffer.from('-ERR too many clients wait in several shards\r\n');
    const wait = new Wait(
      connection,
      groups.map(({ shard }) => shard),
      claim,
    );
    wait.id = gateway.registerWait(wait);
    this.#waits.set(connection, wait);
    connection.isBlocked = true;
    // A shard that fails is none of its business: `shardFailed` below answers.
    connection.blockedIn = NO_SHARD;
    connection.onGone = () => this.#abandon(wait);
    const number = COMMAND_METADATA.findIndex((spec) => spec.name === name);
    for (const { shard, keys, words: own } of groups) {
      const words =
        name === command.entry.spec.name
          ? (own ?? wordsFor(command, keys))
          : [Buffer.from(name), ...keys, timeout];
      gateway.links[shard].submit(
        wait,
        number,
        argumentsOf(words),
        0,
        wait.id,
        command.database,
        command.flags & ~2,
        claim,
        false,
      );
    }
    const answer = await wait.answer;
    await this.#finish(wait);
    const isGone = (connection.state as string) === 'closed';
    if (!isGone || answer === undefined) return answer;
    if (!isError(answer) && !isNull(answer)) {
      const spec = COMMAND_METADATA[number];
      const { words } = command;
      const text = (i: number): string => words[i].latin1Slice();
      const side = poppedSide(spec, { argc: words.length, text });
      returnElements(gateway, command.database, spec, side, answer);
    }
    return undefined;
  }

  /** All shards forget the wait; then its claim word and number are free again. */
  async #finish(wait: Wait): Promise<void> {
    const gateway = this.#gateway;
    this.#waits.delete(wait.connection);
    wait.connection.onGone = undefined;
    wait.connection.isBlocked = false;
    gateway.shards.claims.win(wait.claim);
    await Promise.allSettled(
      wait.shards.map((shard) =>
        gateway.links[shard].control({ type: 'unblock', connection: wait.id, answer: 'none' }),
      ),
    );
    gateway.forgetWait(wait.id);
    gateway.shards.claims.close(wait.claim);
  }

  /** The client is gone: if no shard has served the wait yet, none will. */
  #abandon(wait: Wait): void {
    if (this.#gateway.shards.claims.win(wait.claim)) wait.end(undefined);
  }

  unblock(connection: Connection, answer: 'timeout' | 'error'): boolean {
    const wait = this.#waits.get(connection);
    if (wait === undefined || !this.#gateway.shards.claims.win(wait.claim)) return false;
    wait.end(answer === 'error' ? UNBLOCKED : undefined);
    return true;
  }

  unblockAll(): void {
    for (const wait of this.#waits.values()) {
      if (this.#gateway.shards.claims.win(wait.claim)) wait.end(FORCED);
    }
  }

  /** A shard failed: waits that it might have served are answered with an error. */
  shardFailed(shard: number): void {
    for (const wait of this.#waits.values()) {
      if (!wait.shards.includes(shard)) continue;
      this.#gateway.shards.claims.win(wait.claim);
      wait.end(Buffer.from(`-${errors.shardFailed}\r\n`));
    }
  }
}

/**
 * The reply of the first key that yields something, or undefined. All shards are asked at once which
 * of their keys there are; then the first of these is tried, whatever its type: what is wrong with
 * it its shard says. `waits`: the command will wait if nothing is found, and that finds mistakes in
 * its arguments too; otherwise a try on the first key does.
 */
async function tryKeys(command: Coordinated, waits: boolean): Promise<Buffer | undefined> {
  const { entry, keys, owners, words } = command;
  for (;;) {
    const first = await firstKeyThere(command);
    if (first < 0 && waits) return undefined;
    const at = Math.max(0, first);
    const key = words[keys[at]!]!;
    const answer = await command.call(owners[at]!, entry.spec.name, wordsFor(command, [key]));
    if (!isNull(answer)) return answer;
    // Another client was faster: a wait serves what there is, without one the others have a turn.
    if (waits || first < 0) return undefined;
  }
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
