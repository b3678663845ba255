/**
 * One connection of a simulated client: sends requests, takes replies apart and joins them with
 * what was asked, in order.
 */
import { parseReply, type ReplyValue, replyEnd } from '@hashlane/harness/tools';
import type { Operation } from './operation.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedServer } from './simulated-server.ts';
import { SimulatedSocket, type SocketClient } from './simulated-socket.ts';

/** What a session tells its client. */
export interface SessionEvents {
  finished(operation: Operation): void;
  /** The connection is gone; these were not answered. */
  closed(session: Session, lost: readonly Operation[]): void;
}

function encode(requests: readonly (readonly string[])[]): Buffer {
  const parts = requests.map(
    (words) =>
      `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`,
  );
  return Buffer.from(parts.join(''), 'latin1');
}

export class Session implements SocketClient {
  readonly socket: SimulatedSocket;
  /** The gateway's number of this connection. */
  readonly connection: number;
  readonly outstanding: Operation[] = [];
  /** The client has ended it, or the gateway has. */
  isOver = false;
  database = 0;
  readonly #scheduler: Scheduler;
  readonly #events: SessionEvents;
  #sentBytes = 0;
  #receivedBytes = 0;
  #input: Buffer = Buffer.alloc(0);

  constructor(
    scheduler: Scheduler,
    server: SimulatedServer,
    events: SessionEvents,
    port: number,
    socketBytes: number,
  ) {
    this.#scheduler = scheduler;
    this.#events = events;
    this.socket = new SimulatedSocket(scheduler, this, port, socketBytes);
    scheduler.current = scheduler.gateway;
    this.connection = server.accept(this.socket);
  }

  send(operation: Operation): void {
    const bytes = encode(operation.requests);
    this.#sentBytes += bytes.length;
    operation.requestEnd = this.#sentBytes;
    this.outstanding.push(operation);
    this.socket.send(bytes);
  }

  delivered(bytes: number): void {
    for (const operation of this.outstanding) {
      if (operation.invokedAt !== Infinity) continue;
      if (operation.requestEnd > bytes) return;
      operation.invokedAt = this.#scheduler.steps;
    }
  }

  received(bytes: Buffer): void {
    this.#scheduler.foldBytes(bytes);
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    let at = 0;
    for (;;) {
      if (at === this.#input.length) break;
      const end = replyEnd(this.#input, at, this.#input.length);
      if (end < 0) break;
      this.#take(parseReply(this.#input.latin1Slice(at, end)), end - at);
      at = end;
    }
    this.#input = this.#input.subarray(at);
  }

  #take(reply: ReplyValue, length: number): void {
    this.#receivedBytes += length;
    const operation = this.outstanding[0];
    if (operation === undefined) {
      throw new Error(
        `connection ${this.connection}: a reply to nothing: ${JSON.stringify(reply)}`,
      );
    }
    if (operation.earlierReplies.length < operation.requests.length - 1) {
      operation.earlierReplies.push(reply);
      return;
    }
    if (operation.invokedAt === Infinity) {
      throw new Error(`a reply to what the gateway does not have yet: ${operation}`);
    }
    this.outstanding.shift();
    operation.reply = reply;
    operation.repliedAt = this.socket.writtenAt(this.#receivedBytes);
    this.#events.finished(operation);
  }

  ended(): void {
    this.isOver = true;
    this.socket.finish();
    const lost = this.outstanding.splice(0);
    for (const operation of lost) {
      operation.isLost = true;
      operation.wasCutOff = this.socket.hadUnsent;
    }
    this.#events.closed(this, lost);
  }
}
