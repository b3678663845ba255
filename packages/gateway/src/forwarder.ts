/**
 * Forwards data commands of connections to the shard that has their keys; those with keys on several
 * shards go to the coordinator.
 *
 *   forward ─┬─▶ the shard of this thread
 *            └─▶ shard of the keys ─▶ may it go now? ─▶ are its keys locked? ─▶ link
 *
 * *Invariant*: the commands of a connection take effect in its order. Links are FIFO, so commands for
 * one shard need nothing for it; a blocking command bars its connection; and around scripts, which
 * reach other shards by a way that is not the links, commands are put off (`mayGo`). Whoever is
 * sent something is expected to reply from that moment on.
 *
 * This is on the way of every data command: no closures and no objects while nothing is locked.
 */
import { NO_MANDATORY_KEYS } from '@hashlane/core/metadata';
import type { Block, RequestParser } from '@hashlane/resp';
import {
  hashBytes,
  type InProcessLink,
  NO_CLAIM,
  type ReplyReceiver,
  type RequestArguments,
  type ShardGroup,
  type ShardLink,
} from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import { type Connection, NO_SHARD } from './connection.ts';
import { GATE_LOCKED, type Gate } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { addUseOf, type KeyUse } from './isolation.ts';
import { copyRequest, parseCopy } from './request-copy.ts';
import { SilentReceiver } from './silent-receiver.ts';
import { poppedSide } from './undelivered.ts';

export class Forwarder {
  readonly #gateway: Gateway;
  readonly #gate: Gate;
  readonly #links: readonly ShardLink[];
  readonly #inProcess: InProcessLink | undefined;
  readonly #router: ShardGroup['router'];

  constructor(gateway: Gateway, shards: ShardGroup) {
    this.#gateway = gateway;
    this.#gate = gateway.gate;
    this.#links = shards.links;
    this.#inProcess = shards.inProcess;
    this.#router = shards.router;
  }

  /** Forwards a command. `ownsBlock`: its arguments are alone in their block, which may be kept. */
  forward(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    ownsBlock: boolean,
  ): void {
    const inProcess = this.#inProcess;
    if (inProcess === undefined) {
      this.#route(connection, entry, parser, connection, ownsBlock);
      return;
    }
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
  }

  /** Forwards a command whose reply its client does not want. */
  forwardSilently(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    this.#route(new SilentReceiver(connection), entry, parser, connection, false);
  }

  /** Sends a command to the shard of its keys, or hands it to the coordinator. */
  #route(
    receiver: Connection | SilentReceiver,
    entry: CommandEntry,
    parser: RequestParser,
    connection: Connection,
    ownsBlock: boolean,
  ): void {
    const { flags } = entry.spec;
    if ((flags & NO_MANDATORY_KEYS) !== 0) this.beforeScript(connection);
    let hash = 0;
    let shard = 0;
    const shards = this.#links.length;
    if (entry.singleKey === 1) {
      const offset = (parser.spans[2] + parser.origin) | 0;
      const length = parser.spans[3];
      hash = hashBytes(parser.block, offset, length);
      if (shards > 1) shard = this.#router.shardOf(parser.block, offset, length, hash);
    } else if (shards > 1) {
      shard = this.#gateway.placement.shardOfCommand(entry, parser);
    }
    if (!this.mayGo(connection, parser, flags, shard, entry.isBlocking)) return;
    if (shard < 0) {
      this.#gateway.coordinator.coordinate(connection, entry, parser);
      return;
    }
    if (this.#gate.has(GATE_LOCKED)) {
      if (this.#isLocked(receiver, entry, parser, connection, shard)) return;
    }
    this.#send(receiver, entry, parser, connection, shard, hash, ownsBlock);
  }

  /** True when a key of a command for one shard is locked; it will be sent when that is over. */
  #isLocked(
    receiver: Connection | SilentReceiver,
    entry: CommandEntry,
    parser: RequestParser,
    connection: Connection,
    shard: number,
  ): boolean {
    const { keys, lockGate } = this.#gateway;
    const use: KeyUse = new Map();
    addUseOf(use, keys, entry.spec, parser);
    let copy: Block | undefined;
    const isHeld = lockGate.holds(
      connection,
      () => use,
      () => this.#send(receiver, entry, parseCopy(copy as Block), connection, shard, 0, false),
    );
    if (isHeld) copy = copyRequest(parser);
    return isHeld;
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
  submit(
    shard: number,
    receiver: ReplyReceiver & { expect?(source: number): void },
    command: number,
    args: RequestArguments,
    connection: Connection,
  ): void {
    // Of a shard in this thread the reply is in the writer already.
    if (this.#inProcess === undefined) receiver.expect?.(shard);
    this.#gateway.beforeCommands();
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

  // Scripts

  /** A script, or a transaction with one, is about to be sent to a shard. */
  beforeScript(connection: Connection): void {
    if (this.#inProcess !== undefined) return;
    this.#gateway.pubSub.tellShards();
    // With several shards it is noted by #mustSettle.
    if (this.#links.length === 1) connection.scriptShard = 0;
  }

  /**
   * False when a command was put off, for the sake of scripts or because it is one. `flags` are those
   * of its row, or of all rows of a transaction; `shard`: −1 for several.
   */
  mayGo(
    connection: Connection,
    parser: RequestParser,
    flags: number,
    shard: number,
    isBlocking: boolean,
  ): boolean {
    if (this.#links.length === 1) return true;
    if (this.#mustSettle(connection, flags, shard)) {
      connection.putOff(parser);
      return false;
    }
    const isScript = (flags & NO_MANDATORY_KEYS) !== 0;
    // Who blocks takes from one shard, and may wait for long.
    if (!isScript && (shard >= 0 || isBlocking)) return true;
    return this.#gateway.scriptGate.enters(connection, isScript ? 'script' : 'command', parser);
  }

  /**
   * Scripts reach keys of other shards by ways of their own (shard-worker's door.ts), which know no
   * order with what the gateway sends there. So that a client's commands take effect in its order,
   * a script waits until what its client sent to other shards is answered, and what its client sends
   * to other shards waits for the script. True when the command must wait.
   */
  #mustSettle(connection: Connection, flags: number, shard: number): boolean {
    const isScript = (flags & NO_MANDATORY_KEYS) !== 0;
    if (connection.outstanding === 0) {
      connection.scriptShard = isScript ? shard : NO_SHARD;
      return false;
    }
    if (!isScript) return connection.scriptShard !== NO_SHARD && connection.scriptShard !== shard;
    const { scriptKeys } = this.#gateway.configuration.values;
    if (shard >= 0 && scriptKeys === 'declared') return false;
    if (!connection.owesOnly(shard)) return true;
    connection.scriptShard = shard;
    return false;
  }
}
