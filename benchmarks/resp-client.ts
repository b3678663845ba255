// A small RESP2 client on a raw socket: what the drivers of this folder send load with.
//
// A client library would add its own queueing and its own scheduling to the latencies measured
// here. This one writes a command when asked and calls back, synchronously from the socket's data
// event, for every reply. Replies are matched to requests by order.
//
// Requests: Buffer or string arguments; encodeCommand() gives the bytes, so that a driver may write
// many with one call. Replies: string for status and bulk (latin1), number, null, arrays, and Error
// for an error reply (a value, never thrown by the reader; request() rejects with it).
//
// Cost: a reply in one chunk is parsed once; an incomplete one is parsed again from its start when
// more has come, so this is not for replies of megabytes (big-value.ts reads those itself).

import { connect, type Socket } from 'node:net';

export type Reply = string | number | null | Error | Reply[];

/** The bytes of one command as a RESP array of bulk strings. */
export function encodeCommand(...args: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`, 'latin1')];
  for (const arg of args) {
    const bytes = typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg;
    parts.push(Buffer.from(`$${bytes.length}\r\n`, 'latin1'), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** Incremental reader of replies; feed() calls back once per complete reply, in order. */
export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;
  readonly #onReply: (reply: Reply) => void;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  feed(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#at = 0;
    let done = 0;
    while (done < bytes.length) {
      const reply = this.#read(bytes);
      if (reply === undefined) break;
      done = this.#at;
      this.#onReply(reply);
    }
    this.#rest = bytes.subarray(done);
  }

  /** One reply from #at on, or undefined if it is not complete; #at is then meaningless. */
  #read(bytes: Buffer): Reply | undefined {
    const end = bytes.indexOf('\r\n', this.#at);
    if (end < 0) return undefined;
    const type = bytes[this.#at];
    const line = bytes.toString('latin1', this.#at + 1, end);
    this.#at = end + 2;
    switch (type) {
      case 0x2b: // +
        return line;
      case 0x2d: // -
        return new Error(line);
      case 0x3a: // :
        return Number(line);
      case 0x24: // $
        return this.#readBulk(bytes, Number(line));
      case 0x2a: // *
        return this.#readArray(bytes, Number(line));
      default:
        throw new Error(`not a RESP2 reply: ${JSON.stringify(line.slice(0, 80))}`);
    }
  }

  #readBulk(bytes: Buffer, length: number): Reply | undefined {
    if (length < 0) return null;
    const start = this.#at;
    if (bytes.length < start + length + 2) return undefined;
    this.#at = start + length + 2;
    return bytes.toString('latin1', start, start + length);
  }

  #readArray(bytes: Buffer, length: number): Reply | undefined {
    if (length < 0) return null;
    const items: Reply[] = [];
    for (let i = 0; i < length; i++) {
      const item = this.#read(bytes);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }
}

export class RespClient {
  readonly socket: Socket;
  /** Called for a reply that no request() waits for. */
  onReply: (reply: Reply) => void = () => {};
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  #isClosing = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new ReplyReader((reply) => this.#deliver(reply));
    socket.on('data', (chunk: Buffer) => reader.feed(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /** Sends one command; resolves with its reply, rejects on an error reply or a lost connection. */
  request(...args: readonly (string | Buffer)[]): Promise<Reply> {
    return this.requestBytes(encodeCommand(...args));
  }

  /** As request(), for exactly one command that is already encoded. */
  requestBytes(command: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) return reject(new Error('the connection is closed'));
      this.#waiting.push({ resolve, reject });
      this.socket.write(command);
    });
  }

  /** Sends without waiting; the reply goes to onReply. Not to be mixed with pending request()s. */
  send(command: Buffer): void {
    this.socket.write(command);
  }

  destroy(): void {
    this.#isClosing = true;
    this.socket.destroy();
  }

  #deliver(reply: Reply): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.onReply(reply);
    else if (reply instanceof Error) waiter.reject(reply);
    else waiter.resolve(reply);
  }

  #fail(error: Error): void {
    const orphans = this.#waiting.splice(0);
    for (const waiter of orphans) waiter.reject(error);
    if (orphans.length === 0 && !this.#isClosing) this.onReply(error);
  }
}

export function connectClient(port: number): Promise<RespClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new RespClient(socket));
    });
  });
}

/** Opens, uses and closes one connection. */
export async function withClient<T>(
  port: number,
  work: (client: RespClient) => Promise<T>,
): Promise<T> {
  const client = await connectClient(port);
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

/**
 * Sends `count` commands made by `command(i)` in pipelines of `batch`, waiting for each pipeline's
 * replies. Rejects with the first error reply.
 */
export async function pipeline(
  client: RespClient,
  count: number,
  batch: number,
  command: (index: number) => Buffer,
): Promise<void> {
  for (let first = 0; first < count; first += batch) {
    const size = Math.min(batch, count - first);
    const commands = Array.from({ length: size }, (_, i) => command(first + i));
    await new Promise<void>((resolve, reject) => {
      let left = size;
      client.onReply = (reply) => {
        if (reply instanceof Error) reject(reply);
        else if (--left === 0) resolve();
      };
      client.send(Buffer.concat(commands));
    });
  }
  client.onReply = () => {};
}
