/**
 * Executes connection and server commands, the ones that the gateway answers itself.
 *
 * *Invariant*: every call is counted in the statistics, and its reply is the only thing in the
 * writer behind where it was, less what the command gave to other connections. A handler that
 * answers later holds its connection meanwhile.
 */
import { FAST, PUBSUB } from '@hashlane/core/metadata';
import { isError, type ReplyWriter, type RequestParser } from '@hashlane/resp';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { replyNothing } from './local-replies.ts';
import { isSubscription } from './pub-sub.ts';
import type { ReplyFunction, ServerCall } from './server-command.ts';

/** One call in so many of a fast command is timed; a power of two. */
const SERVED_SAMPLE = 16;

export class ServerExecutor {
  readonly #gateway: Gateway;
  #fastCalls = 0;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Executes a command of a connection; what it replies goes to the client in its order. */
  execute(connection: Connection, entry: CommandEntry, parser: RequestParser): void {
    const gateway = this.#gateway;
    const { localReplies, pubSub, reply } = gateway;
    const { flags } = entry.spec;
    if ((flags & PUBSUB) !== 0 && pubSub.mustWait(connection, flags)) {
      connection.putOff(parser);
      return;
    }
    const start = reply.position;
    // Confirmations of subscriptions are messages, which clients always get.
    const isSilent = connection.replyMode !== 'on' && !isSubscription(flags);
    reply.protocol = connection.protocol;
    const later = this.#call(entry, { gateway, connection, args: parser, reply });
    if (later !== undefined) {
      localReplies.announce(connection);
      localReplies.settleLater(connection, isSilent ? later.then(() => replyNothing) : later);
      return;
    }
    // What it gave others (CLIENT UNBLOCK) came before its own reply.
    const own = Math.max(start, gateway.turn.cutAt);
    // CLIENT REPLY ON and RESET answer themselves.
    if (isSilent && connection.replyMode !== 'on') reply.position = own;
    localReplies.putInOrder(connection, own);
  }

  /** Calls the handler and counts the call; a promise when it answers later. */
  #call(entry: CommandEntry, call: ServerCall): Promise<ReplyFunction> | undefined {
    const { reply } = call;
    // Of the fast commands (PING, ECHO) one call in so many is timed, for all of them.
    const isFast = (entry.spec.flags & FAST) !== 0;
    const isTimed = !isFast || (this.#fastCalls++ & (SERVED_SAMPLE - 1)) === 0;
    const started = isTimed ? performance.now() : 0;
    const start = reply.position;
    const errorsBefore = reply.errors;
    const later = entry.handler?.(call);
    const failed = reply.errors !== errorsBefore && this.#hasFailed(reply, start);
    const elapsed = isTimed ? (performance.now() - started) * 1000 : 0;
    this.#gateway.statistics.served(entry, isFast ? elapsed * SERVED_SAMPLE : elapsed, failed);
    return later instanceof Promise ? later : undefined;
  }

  /** Is the command's own reply an error? Those within a reply (EXEC) count for others. */
  #hasFailed({ block, position }: ReplyWriter, start: number): boolean {
    const own = Math.max(start, this.#gateway.turn.cutAt);
    return position > own && isError(block.bytes.subarray(own, position));
  }

  /**
   * Executes a command within a transaction; its reply goes to `writer`, or is what the promise
   * resolves with.
   */
  executeWithin(
    connection: Connection,
    entry: CommandEntry,
    parser: RequestParser,
    writer: ReplyWriter,
  ): Promise<ReplyFunction> | undefined {
    const call: ServerCall = { gateway: this.#gateway, connection, args: parser, reply: writer };
    const { statistics } = this.#gateway;
    const started = performance.now();
    const later = entry.handler?.(call);
    statistics.served(entry, (performance.now() - started) * 1000, writer.errors > 0);
    statistics.countErrors(writer);
    return later instanceof Promise ? later : undefined;
  }
}
