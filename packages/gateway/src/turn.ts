/**
 * One turn of the event loop: all input that sockets had is executed in one loop, and all replies
 * leave after it.
 *
 *   read, read, read …        chunks of input are collected in one block, as sockets deliver them
 *   process                   (setImmediate) every chunk: parse, dispatch, reply into one writer
 *   write, write, write …     each connection's replies go to its socket
 *
 * Reading, executing and writing chunk by chunk would give the same replies. Together they are
 * cheaper: between two system calls little is left of the processor's caches and branch predictors,
 * so that the code of a command is cold for every chunk. Price: one copy of small input.
 *
 * Replies of one turn lie in the gateway's writer one after the other; `cut` notes where one
 * connection's end. A reply that comes up in the midst of another connection's commands (a push
 * serves a blocked pop) is appended to the same row, so that each connection's replies stay in
 * order without any being sent before the end of the turn.
 */
import { Block, copyBytes } from '@hashlane/resp';
import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { TURN_CHUNK_BYTES_MAX, TURN_INPUT_BYTES, TURN_REPLIES_BYTES_MAX } from './limits.ts';

export class Turn {
  readonly #gateway: Gateway;
  readonly #input = Block.allocate(TURN_INPUT_BYTES);
  readonly #readers: Connection[] = [];
  readonly #readEnds: number[] = [];
  #reads = 0;
  #readEnd = 0;

  readonly #owners: Connection[] = [];
  readonly #ownedEnds: number[] = [];
  #owned = 0;
  /** Replies before this position of the writer have an owner. */
  #cutAt = 0;
  readonly #closing: Connection[] = [];
  readonly #destroyed: Connection[] = [];
  /** Whose commands are being executed. */
  #current: Connection | undefined;
  /** Commands are being executed; replies are collected. */
  isOpen = false;
  /** Small chunks wait for the end of the event loop's turn. */
  collectsInput = false;
  readonly #process = () => this.takeInput();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** `length` bytes that a socket delivered are in `block`, for the duration of this call. */
  collect(connection: Connection, block: Block, length: number): void {
    if (!this.collectsInput || length > TURN_CHUNK_BYTES_MAX) {
      this.takeInput();
      this.#open();
      this.#execute(connection, block, 0, length);
      this.#close();
      return;
    }
    if (this.#readEnd + length > TURN_INPUT_BYTES) this.takeInput();
    const at = this.#readEnd;
    copyBytes(this.#input, at, block, 0, length);
    const reads = this.#reads;
    this.#readers[reads] = connection;
    this.#readEnds[reads] = at + length;
    this.#readEnd = at + length;
    this.#reads = reads + 1;
    if (reads === 0) setImmediate(this.#process);
  }

  /** Executes what was collected. */
  takeInput(): void {
    const reads = this.#reads;
    if (reads === 0 || this.isOpen) return;
    this.#open();
    let from = 0;
    for (let i = 0; i < reads; i++) {
      const to = this.#readEnds[i]!;
      this.#execute(this.#readers[i]!, this.#input, from, to);
      from = to;
      // Replies that fill the writer's block leave now: a larger block would be a new one each turn.
      if (this.#cutAt > TURN_REPLIES_BYTES_MAX) this.deliver();
    }
    this.#reads = 0;
    this.#readEnd = 0;
    this.#close();
  }

  #execute(connection: Connection, block: Block, from: number, to: number): void {
    this.#current = connection;
    connection.receiveInput(block, from, to);
    this.cut(connection);
  }

  /** Runs `work`, which may execute commands of any connections, as a turn of its own. */
  run(work: () => void): void {
    if (this.isOpen) {
      work();
      return;
    }
    this.#open();
    work();
    this.#close();
  }

  #open(): void {
    this.isOpen = true;
    this.#gateway.beforeCommands();
  }

  #close(): void {
    this.#gateway.afterCommands();
    this.isOpen = false;
    this.#current = undefined;
    this.deliver();
    this.#gateway.pubSub.flush();
  }

  /** Commands of this connection are executed now. */
  enter(connection: Connection): void {
    this.#current = connection;
  }

  /** Replies behind this position of the writer belong to whose commands are being executed. */
  get cutAt(): number {
    return this.#cutAt;
  }

  /** What is in the writer behind the last cut belongs to this connection. */
  cut(owner: Connection): void {
    const end = this.#gateway.reply.position;
    if (end === this.#cutAt) return;
    this.#cutAt = end;
    const last = this.#owned - 1;
    if (last >= 0 && this.#owners[last] === owner) {
      this.#ownedEnds[last] = end;
      return;
    }
    this.#owners[this.#owned] = owner;
    this.#ownedEnds[this.#owned] = end;
    this.#owned++;
  }

  /** Bytes for a connection, in the order of this turn's replies. */
  append(owner: Connection, block: Block, start: number, end: number): void {
    const { reply } = this.#gateway;
    if (this.#current !== undefined) this.cut(this.#current);
    reply.raw(block.bytes.subarray(start, end));
    this.cut(owner);
  }

  /** Ends a connection's socket when its replies of this turn are delivered. */
  closeAfter(connection: Connection): void {
    this.#closing.push(connection);
  }

  /** Destroys its socket then, whether its client has taken them or not. */
  destroyAfter(connection: Connection): void {
    this.#destroyed.push(connection);
  }

  /** Replies of this turn wait to be sent to this connection. */
  owes(connection: Connection): boolean {
    if (!this.isOpen) return false;
    if (this.#current === connection) this.cut(connection);
    for (let i = 0; i < this.#owned; i++) if (this.#owners[i] === connection) return true;
    return false;
  }

  /** Sends what was published, after the replies of its receivers. Between two commands only. */
  publish(): void {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.#gateway.pubSub.flush();
    this.isOpen = wasOpen;
  }

  /** Sends all replies that have an owner. Between two commands only. */
  deliver(): void {
    const count = this.#owned;
    if (count > 0) {
      const wasOpen = this.isOpen;
      this.isOpen = false;
      this.#owned = 0;
      this.#cutAt = 0;
      const { reply } = this.#gateway;
      const { block } = reply;
      let isHeld = false;
      let from = 0;
      for (let i = 0; i < count; i++) {
        const to = this.#ownedEnds[i]!;
        if (this.#owners[i]!.send(block, from, to)) isHeld = true;
        from = to;
      }
      if (isHeld) reply.take();
      else reply.reset();
      this.isOpen = wasOpen;
    }
    for (const connection of this.#closing) connection.endWhenSent();
    this.#closing.length = 0;
    for (const connection of this.#destroyed) connection.socket.destroy();
    this.#destroyed.length = 0;
  }
}
