// One user's connection: writes requests as bytes, gives their replies back, and counts.
//
// A user has one exchange in flight at a time: some requests in one write, then as many replies.
// Times are taken where the bytes are, in the socket's events, not where an awaiting function gets
// to run; with thousands of users in one thread that makes a difference.

import { connect, type Socket } from 'node:net';
import { type Reply, ReplyReader } from '../resp-client.ts';
import { monotonicMs } from './clock.ts';

/** A lost connection, with the code of the system's error where there is one. */
export class ConnectionError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

export class UserConnection {
  startedAtMs = 0;
  firstByteAtMs = 0;
  endedAtMs = 0;
  receivedBytes = 0;
  readonly connectMs: number;
  readonly #socket: Socket;
  #wanted = 0;
  #replies: Reply[] = [];
  #settle: { resolve: (replies: Reply[]) => void; reject: (error: Error) => void } | undefined;
  #failure: Error | undefined;

  private constructor(socket: Socket, connectMs: number) {
    this.#socket = socket;
    this.connectMs = connectMs;
    const reader = new ReplyReader((reply) => this.#takeReply(reply));
    socket.on('data', (chunk: Buffer) => {
      if (this.firstByteAtMs === 0) this.firstByteAtMs = monotonicMs();
      this.receivedBytes += chunk.length;
      try {
        reader.feed(chunk);
      } catch (error) {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.destroy(describe(error)));
    socket.on('close', () => {
      this.destroy(new ConnectionError('the server closed the connection', 'CLOSED'));
    });
  }

  static open(host: string, port: number): Promise<UserConnection> {
    return new Promise((resolve, reject) => {
      const from = monotonicMs();
      const socket = connect({ port, host, noDelay: true });
      const refuse = (error: NodeJS.ErrnoException) => reject(describe(error));
      socket.once('error', refuse);
      socket.once('connect', () => {
        socket.off('error', refuse);
        resolve(new UserConnection(socket, monotonicMs() - from));
      });
    });
  }

  get isBusy(): boolean {
    return this.#settle !== undefined;
  }

  get isLost(): boolean {
    return this.#failure !== undefined;
  }

  /** Writes bytes (latin1) and resolves with `count` replies. One at a time. */
  exchange(bytes: string, count: number): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure);
      this.#settle = { resolve, reject };
      this.#wanted = count;
      this.#replies = [];
      this.firstByteAtMs = 0;
      this.startedAtMs = monotonicMs();
      this.#socket.write(bytes, 'latin1');
    });
  }

  #takeReply(reply: Reply): void {
    this.#replies.push(reply);
    if (this.#replies.length < this.#wanted) return;
    this.endedAtMs = monotonicMs();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve(this.#replies);
  }

  /** Closes; what is in flight is rejected with the reason. */
  destroy(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.endedAtMs = monotonicMs();
    this.#socket.destroy();
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.reject(reason);
  }
}

function describe(error: NodeJS.ErrnoException): ConnectionError {
  return new ConnectionError(error.message, error.code ?? 'ERROR');
}
