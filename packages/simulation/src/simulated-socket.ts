/**
 * A TCP connection between a simulated client and the gateway. The gateway's side is as much of
 * net.Socket as the acceptor and a connection use.
 *
 *   client ── send ──▶ input ──(any part of it, any time later)──▶ 'data'   gateway
 *          ◀─ read ─── wire  ◀──(as long as there is room)─────── write     gateway
 *
 * What the kernel has no room for stays in the writer's memory, by reference and not copied, until
 * the client has read: a block that is reused too early is seen by the client. The client may end
 * its side (FIN: 'end' follows what it sent), or reset the connection (RST: 'error' and 'close',
 * what it had sent may be lost). A paused socket notices neither.
 *
 * Positions in both streams are kept, so that for each request the step is known at which the
 * gateway had it, and for each reply the step at which the gateway had written it: the order of
 * operations in real time is judged by these.
 */
import { EventEmitter } from 'node:events';
import type { Scheduler, Source, Thread } from './scheduler.ts';

interface Unsent {
  readonly bytes: Uint8Array;
  sent: number;
  readonly written: (() => void) | undefined;
}

/** The client's side. */
export interface SocketClient {
  /** The gateway has `bytes` in all of what was sent. */
  delivered(bytes: number): void;
  received(bytes: Buffer): void;
  /** The gateway has ended the connection; everything it wrote was received. */
  ended(): void;
}

export class SimulatedSocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort: number;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 6379;
  destroyed = false;
  writableLength = 0;
  /** It was closed before all that was written was sent. */
  hadUnsent = false;
  /** Steps at which the gateway's bytes went out: (position, step) pairs. */
  readonly written: number[] = [];
  readonly #scheduler: Scheduler;
  readonly #client: SocketClient;
  readonly #capacity: number;
  readonly #sources: Source[];

  #input: Buffer = Buffer.alloc(0);
  #deliveredBytes = 0;
  #isPaused = true;
  #hasClientEnded = false;
  #isEndEmitted = false;
  #isReset = false;
  #isCloseEmitted = false;

  #wire: Buffer[] = [];
  #wireBytes = 0;
  #writtenBytes = 0;
  #unsent: Unsent[] = [];
  readonly #callbacks: (() => void)[] = [];
  #corked = 0;
  #hasEnded = false;

  constructor(scheduler: Scheduler, client: SocketClient, port: number, capacity: number) {
    super();
    this.remotePort = port;
    this.#scheduler = scheduler;
    this.#client = client;
    this.#capacity = capacity;
    const { gateway } = scheduler;
    const source = (
      name: string,
      thread: Thread | undefined,
      isReady: () => boolean,
      run: () => void,
    ): Source => ({ name: `${name} ${port}`, thread, isReady, run });
    this.#sources = [
      source(
        'input of',
        gateway,
        () => this.#hasInput(),
        () => this.#deliver(),
      ),
      source(
        'room for',
        gateway,
        () => this.#canFlush(),
        () => this.#flushOne(),
      ),
      source(
        'close of',
        gateway,
        () => this.destroyed && !this.#isCloseEmitted,
        () => this.#close(),
      ),
      source(
        'replies to',
        undefined,
        () => this.#hasOutput(),
        () => this.#read(),
      ),
    ];
    for (const each of this.#sources) scheduler.add(each);
  }

  // The gateway's side

  resume(): this {
    this.#isPaused = false;
    return this;
  }

  pause(): this {
    this.#isPaused = true;
    return this;
  }

  cork(): void {
    this.#corked++;
  }

  uncork(): void {
    this.#corked--;
    if (this.#corked === 0) this.#flush();
  }

  write(bytes: Uint8Array, written?: () => void): boolean {
    if (this.destroyed) return false;
    if (this.#hasEnded) throw new Error(`write after end on socket ${this.remotePort}`);
    this.#unsent.push({ bytes, sent: 0, written });
    this.writableLength += bytes.length;
    if (this.#corked === 0) this.#flush();
    return this.writableLength === 0;
  }

  #flush(): void {
    while (this.#unsent.length > 0 && (this.#isReset || this.#wireBytes < this.#capacity)) {
      const first = this.#unsent[0] as Unsent;
      const room = this.#isReset ? Infinity : this.#capacity - this.#wireBytes;
      const length = Math.min(room, first.bytes.length - first.sent);
      this.#transmit(Buffer.from(first.bytes.subarray(first.sent, first.sent + length)));
      first.sent += length;
      if (first.sent < first.bytes.length) return;
      this.#unsent.shift();
      this.writableLength -= first.bytes.length;
      if (first.written !== undefined) this.#callbacks.push(first.written);
    }
    this.#closeWhenBothEnded();
  }

  #transmit(bytes: Buffer): void {
    this.#wire.push(bytes);
    this.#wireBytes += bytes.length;
    this.#writtenBytes += bytes.length;
    this.written.push(this.#writtenBytes, this.#scheduler.steps);
  }

  #canFlush(): boolean {
    if (this.destroyed) return false;
    if (this.#callbacks.length > 0) return true;
    return this.#unsent.length > 0 && this.#corked === 0 && this.#wireBytes < this.#capacity;
  }

  #flushOne(): void {
    const callback = this.#callbacks.shift();
    if (callback !== undefined) callback();
    else this.#flush();
  }

  /** Ends our side when everything is written. */
  end(bytes?: string | Uint8Array): void {
    if (bytes !== undefined) this.write(Buffer.from(bytes as Uint8Array));
    this.#hasEnded = true;
    this.#closeWhenBothEnded();
  }

  #isFlushed(): boolean {
    return this.#hasEnded && this.#unsent.length === 0;
  }

  #closeWhenBothEnded(): void {
    if (this.#isEndEmitted && this.#isFlushed()) this.destroyed = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  destroySoon(): void {
    this.#hasEnded = true;
    if (this.#unsent.length === 0) this.destroyed = true;
  }

  #close(): void {
    this.#isCloseEmitted = true;
    this.hadUnsent = this.#unsent.length > 0;
    for (const { bytes, sent } of this.#unsent) this.#transmit(Buffer.from(bytes.subarray(sent)));
    this.#unsent = [];
    for (const source of this.#sources.slice(0, 3)) this.#scheduler.remove(source);
    this.emit('close');
  }

  // The network

  #hasInput(): boolean {
    if (this.destroyed || this.#isPaused) return false;
    return this.#input.length > 0 || this.#isReset || (this.#hasClientEnded && !this.#isEndEmitted);
  }

  #deliver(): void {
    const { random } = this.#scheduler;
    if (this.#isReset && (this.#input.length === 0 || random.oneIn(2))) {
      this.destroyed = true;
      this.emit('error', new Error('read ECONNRESET'));
      return;
    }
    if (this.#input.length === 0) {
      this.#isEndEmitted = true;
      this.emit('end');
      this.#closeWhenBothEnded();
      return;
    }
    const isWhole = random.oneIn(2);
    const length = isWhole ? this.#input.length : 1 + random.below(this.#input.length);
    const chunk = this.#input.subarray(0, length);
    this.#input = this.#input.subarray(length);
    this.#deliveredBytes += length;
    this.#scheduler.fold(length);
    this.#client.delivered(this.#deliveredBytes);
    this.emit('data', chunk);
  }

  #hasOutput(): boolean {
    return this.#wireBytes > 0 || this.#isCloseEmitted || (this.#isFlushed() && !this.#isReset);
  }

  #read(): void {
    if (this.#wireBytes === 0) {
      this.#scheduler.remove(this.#sources[3] as Source);
      this.#client.ended();
      return;
    }
    const chunk = this.#wire.shift() as Buffer;
    this.#wireBytes -= chunk.length;
    this.#client.received(chunk);
  }

  // The client's side

  send(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
  }

  /** FIN. */
  finish(): void {
    this.#hasClientEnded = true;
  }

  /** RST. What the gateway writes until it notices still counts as sent: it cannot know. */
  reset(): void {
    this.#isReset = true;
  }

  /** The client has read all that was written. */
  get isReadOut(): boolean {
    return this.#wireBytes === 0 && this.writableLength === 0 && this.#callbacks.length === 0;
  }

  /** The step at which the gateway had written so many bytes. */
  writtenAt(bytes: number): number {
    while (this.written.length > 2 && (this.written[0] as number) < bytes) {
      this.written.splice(0, 2);
    }
    return this.written[1] as number;
  }
}
