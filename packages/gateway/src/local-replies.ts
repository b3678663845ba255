/**
 * Replies that are made in this thread, for connections that are owed others by shards.
 *
 *   write, error       at once, into the gateway's writer, for the command that is being dispatched
 *   announce, settle   later: the connection is held from the one to the other
 *   errorApart         answers no command, and is sent as it is
 *
 * *Invariant*: a reply made here leaves in its place in the order of its connection's requests
 * (among replies of shards it is of the source LOCAL, see reply-order.ts), and every error is
 * counted, also one that the client does not want to hear of.
 */
import { Block, ReplyWriter } from '@hashlane/resp';
import type { Connection } from './connection.ts';
import { messageOf } from './error-message.ts';
import type { Gateway } from './gateway.ts';
import { LOCAL } from './reply-order.ts';
import type { ReplyFunction } from './server-command.ts';

/** What a client hears that switched replies off. */
export function replyNothing(): void {}

export class LocalReplies {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Writes the reply to the command that is being dispatched. */
  write(connection: Connection, write: ReplyFunction): void {
    const { reply } = this.#gateway;
    const start = reply.position;
    reply.protocol = connection.protocol;
    write(reply);
    this.putInOrder(connection, start);
  }

  /**
   * What the gateway's writer has from `start` on is the reply to the command that is being
   * dispatched: while shards owe earlier ones it is taken out, and takes its place among them.
   */
  putInOrder(connection: Connection, start: number): void {
    const { reply } = this.#gateway;
    if (connection.outstanding === 0 || reply.position <= start) return;
    const copy = Buffer.from(reply.block.bytes.subarray(start, reply.position));
    reply.position = start;
    connection.expect(LOCAL);
    connection.receiveLocal(new Block(copy), 0, copy.length);
  }

  /** Replies an error and counts it, also when the client does not want to hear of it. */
  error(connection: Connection, text: string): void {
    if (connection.replyMode === 'on') {
      this.write(connection, (reply) => reply.error(text));
      return;
    }
    this.#gateway.statistics.error(text);
    if (connection.replyMode === 'skip') connection.replyMode = 'on';
  }

  /** Sends an error that answers no command of the chunk being processed. */
  errorApart(connection: Connection, text: string): void {
    const writer = new ReplyWriter(256);
    writer.error(text);
    this.#gateway.statistics.countErrors(writer);
    connection.send(writer.block, 0, writer.position);
  }

  /** The reply to this command will come later, by `settle`; the connection is held until then. */
  announce(connection: Connection): void {
    connection.expect(LOCAL);
    connection.hold();
  }

  /** Writes the reply that was announced, and lets the connection go on. */
  settle(connection: Connection, write: ReplyFunction): void {
    const writer = new ReplyWriter(256);
    writer.protocol = connection.protocol;
    write(writer);
    this.#gateway.statistics.countErrors(writer);
    connection.receiveLocal(writer.block, 0, writer.position);
    connection.release();
  }

  /**
   * Settles an announced reply when it is there. A promise that is rejected is a mistake of ours: it
   * goes to the log as `failure`, and the client gets an error.
   */
  settleLater(
    connection: Connection,
    later: Promise<ReplyFunction>,
    failure = 'a server command failed',
  ): void {
    later.then(
      (write) => this.settle(connection, write),
      (error: unknown) => {
        this.#gateway.logger.error({ err: error }, failure);
        this.settle(connection, (reply) => reply.error(`ERR internal error: ${messageOf(error)}`));
      },
    );
  }
}
