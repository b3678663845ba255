/**
 * A small RESP client on a raw socket: sends any bytes, reads replies as raw text.
 *
 * It knows nothing of what it sends, so it can send what no client library would, split anywhere.
 * Replies come back one by one as latin1 text, in the order of the wire; the comparison of two
 * servers is a comparison of such texts. A reply that does not come in time rejects and shows what
 * has come.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { REPLY_BUFFER_BYTES, REPLY_MS_MAX } from './limits.ts';
import { parseReply, ReplyError, type ReplyValue, replyEnd } from './raw-reply.ts';

export type Argument = string | Buffer | number;

/** A request as clients send it; text is taken as latin1, one byte per character. */
export function request(...args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg), 'latin1');
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

export class RawClient implements Disposable {
  readonly socket: Socket;
  /** Settles when the connection is closed, by whichever side and for whatever reason. */
  readonly closed: Promise<void>;
  #buffer = Buffer.allocUnsafe(REPLY_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #isClosed = false;
  #awake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#take(chunk as Buffer));
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  #take(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#buffer.length) this.#makeRoom(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
    this.#wake();
  }

  #makeRoom(length: number): void {
    const used = this.#end - this.#start;
    const isRoomy = used + length <= this.#buffer.length / 2;
    const target = isRoomy ? this.#buffer : Buffer.allocUnsafe(2 * (used + length));
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#start = 0;
    this.#end = used;
  }

  #wake(): void {
    const awake = this.#awake;
    this.#awake = undefined;
    awake?.();
  }

  /** Resolves when something came, or the connection was closed. */
  async #news(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#awake = resolve;
    const timer = setTimeout(
      () => reject(new Error(`no reply; received so far: ${JSON.stringify(this.peek(200))}`)),
      REPLY_MS_MAX,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Beginning of what was received and not read yet. */
  peek(bytesMax: number): string {
    return this.#buffer.latin1Slice(this.#start, Math.min(this.#end, this.#start + bytesMax));
  }

  get receivedBytes(): number {
    return this.#end - this.#start;
  }

  /** The next bytes of what was received, which must be there; valid until the next reply. */
  takeBytes(length: number): Buffer {
    this.#start += length;
    return this.#buffer.subarray(this.#start - length, this.#start);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Sends bytes as they are; false when the socket takes them later. */
  send(bytes: Buffer | string): boolean {
    return this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next reply, raw. Rejects when the connection ends before. */
  async reply(): Promise<string> {
    for (;;) {
      const end = replyEnd(this.#buffer, this.#start, this.#end);
      if (end >= 0) {
        const raw = this.#buffer.latin1Slice(this.#start, end);
        this.#start = end;
        return raw;
      }
      if (this.#isClosed) throw new Error(`connection closed after ${this.peek(200)}`);
      await this.#news();
    }
  }

  async replies(count: number): Promise<string[]> {
    const replies: string[] = [];
    while (replies.length < count) replies.push(await this.reply());
    return replies;
  }

  /** Reads over `count` replies, and counts the errors among them. */
  async skipReplies(count: number): Promise<number> {
    let errors = 0;
    for (let left = count; left > 0; ) {
      const end = replyEnd(this.#buffer, this.#start, this.#end);
      if (end < 0) {
        if (this.#isClosed) throw new Error(`connection closed, ${left} replies missing`);
        await this.#news();
        continue;
      }
      if (this.#buffer[this.#start] === 0x2d) errors++;
      this.#start = end;
      left--;
    }
    return errors;
  }

  /** Everything up to the end of the connection, raw. */
  async rest(): Promise<string> {
    while (!this.#isClosed) await this.#news();
    const raw = this.#buffer.latin1Slice(this.#start, this.#end);
    this.#start = this.#end;
    return raw;
  }

  /** One command and its raw reply. */
  call(...args: readonly Argument[]): Promise<string> {
    this.send(request(...args));
    return this.reply();
  }

  /** One command and the value of its reply. */
  async value(...args: readonly Argument[]): Promise<ReplyValue> {
    return parseReply(await this.call(...args));
  }

  /** One command whose reply must be no error. */
  async text(...args: readonly Argument[]): Promise<string> {
    const value = await this.value(...args);
    if (value instanceof ReplyError) throw new Error(`${args.join(' ')}: ${value.message}`);
    return String(value);
  }

  /** A field of INFO. */
  async info(field: string): Promise<string> {
    const text = await this.text('INFO', 'everything');
    const line = text.split('\r\n').find((each) => each.startsWith(`${field}:`));
    if (line === undefined) throw new Error(`INFO has no field ${field}`);
    return line.slice(field.length + 1);
  }

  /** Ends the connection at once with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
