/**
 * Takes the reply of one command that was sent under CLIENT REPLY OFF or SKIP. It runs and is
 * counted, but is no part of the connection's order of replies.
 *
 * A blocking command bars its connection all the same, until it is done.
 */
import type { ReplyReceiver } from '@hashlane/shard-worker';
import type { Connection } from './connection.ts';

export class SilentReceiver implements ReplyReceiver {
  readonly #connection: Connection;
  readonly readsWriter = false;
  readonly client: number;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.client = connection.id;
  }

  /** Nothing is expected: see Connection.expect. */
  expect(_source: number): void {}

  receive(): boolean {
    this.done();
    return false;
  }

  /** The command is done: a connection that was barred for it goes on. */
  done(): void {
    const connection = this.#connection;
    if (connection.isBlocked || connection.isHeldByGateway) return;
    if (connection.outstanding === 0) connection.release();
  }

  /** It waits; its late reply finds the connection, which drops it. */
  blocked(source: number): void {
    this.#connection.isLateReplyDropped = true;
    this.#connection.blocked(source);
  }

  late(): boolean {
    return false;
  }
}
