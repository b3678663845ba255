/**
 * The fast way for blocking pops over several shards (BRPOP a b c 0): the shard of the first key is
 * asked alone, without promises. Where queues are in an order of priority this mostly yields
 * something, and then the command was one of a single shard and needs no isolation.
 *
 * When it yields nothing the command waits in all its shards (`ShardWaits.register`), from a copy of
 * the request, because the parser has moved on.
 */

import type { Block, RequestParser } from '@hashlane/resp';
import { isNullAt } from '@hashlane/resp';
import {
  NO_CLAIM,
  REQUEST_DENY_BLOCKING,
  REQUEST_GIVES_WAY,
  type ReplyReceiver,
} from '@hashlane/shard-worker';
import { PartArguments } from './at-once.ts';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';
import { GATE_LOCKED } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { addUseOf, type KeyUse } from './isolation.ts';
import { copyRequest, parseCopy } from './request-copy.ts';

class FirstTry implements ReplyReceiver {
  readonly readsWriter = false;
  readonly #connection: Connection;
  readonly #missed: () => void;

  constructor(connection: Connection, missed: () => void) {
    this.#connection = connection;
    this.#missed = missed;
  }

  receive(_source: number, block: Block, start: number, end: number): boolean {
    if (isNullAt(block.bytes, start)) {
      // Not within the delivery of a batch of replies.
      queueMicrotask(this.#missed);
      return false;
    }
    const isHeld = this.#connection.receiveLocal(block, start, end);
    this.#connection.release();
    return isHeld;
  }

  blocked(): void {
    throw new Error('a try may not block');
  }

  late(): boolean {
    return false;
  }
}

export class FirstTries {
  readonly #gateway: Gateway;
  readonly #arguments = new PartArguments();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /**
   * Asks the shard of the first key, if this is the way for the command; the connection is barred
   * and its reply announced then. `missed` gets the request, in memory of its own, when nothing was
   * there.
   */
  sends(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    missed: (copy: RequestParser) => void,
  ): boolean {
    const { spec } = entry;
    const isPlain = spec.keys?.length === 1 && spec.keys[0]?.countAt === undefined;
    if (spec.spread !== 'first' || !entry.isBlocking || !isPlain) return false;
    if (connection.replyMode !== 'on') return false;
    const gateway = this.#gateway;
    if (!gateway.gate.has(GATE_LOCKED)) {
      this.#send(connection, entry, parser, missed);
      return true;
    }
    const copy = parseCopy(copyRequest(parser));
    const use: KeyUse = new Map();
    addUseOf(use, gateway.keys, spec, copy);
    const send = (): void => this.#send(connection, entry, copy, missed);
    if (!gateway.lockGate.holds(connection, () => use, send)) send();
    return true;
  }

  #send(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    missed: (copy: RequestParser) => void,
  ): void {
    const gateway = this.#gateway;
    const count = gateway.keys.find(entry.spec, parser);
    const first = gateway.keys.positions[0]!;
    const shard = gateway.placement.shardOfArgument(parser, first);
    let run = 1;
    while (run < count && gateway.placement.shardOfArgument(parser, first + run) === shard) run++;
    const args = this.#arguments;
    args.begin(parser);
    args.add(parser, 0, first + run);
    args.add(parser, first + count, parser.argc - first - count);
    const copy = copyRequest(parser);
    gateway.localReplies.announce(connection);
    gateway.shards.links[shard]!.submit(
      new FirstTry(connection, () => missed(parseCopy(copy))),
      entry.command,
      args,
      0,
      connection.id,
      connection.database,
      connection.requestFlags | REQUEST_DENY_BLOCKING | REQUEST_GIVES_WAY,
      NO_CLAIM,
      false,
    );
  }
}
