/**
 * One client: its socket, its half-read request, its place in the order of replies.
 *
 * Reading. All connections read into one shared block. Complete requests are dispatched from where
 * they lie; only the rest of an incomplete one is copied into a buffer of the connection's own. A
 * connection that must wait (a blocking command, a command over several shards, an asynchronous
 * server command, CLIENT PAUSE) is *barred*: it keeps its unparsed bytes and goes on when released.
 *
 * Replying. Replies go out in request order. `outstanding` counts requests that shards still owe a
 * reply. While all of them went to one source, replies go straight from the shard's buffer to the
 * socket; when sources mix, a ReplyOrder sorts them. Replies made in this thread while nothing is
 * outstanding gather in the gateway's writer and leave with one write per chunk of input.
 *
 * Writing. A write that the kernel takes at once leaves nothing behind. When it does not, later
 * replies are copied into a backlog that is written when the socket drains, and above
 * OUTPUT_BYTES_MAX the connection is not read from any more.
 *
 *   open ──(QUIT, protocol error)──▶ closing: nothing more is read, output is sent, then
 *     └──(socket error, CLIENT KILL)─▶ closed
 */
import type { Socket } from 'node:net';
import { Block, ParseError, type RequestParser } from '@hashlane/resp';
import { REQUEST_NO_TOUCH, REQUEST_RESP3, type ReplyReceiver } from '@hashlane/shard-worker';
import type { PartedCommand } from './at-once.ts';
import type { CommandEntry } from './command-index.ts';
import type { BufferLimit } from './configuration-kinds.ts';
import type { Gateway } from './gateway.ts';
import {
  BACKLOG_BLOCK_BYTES,
  HANDOVER_BYTES_MIN,
  INPUT_BYTES_MIN,
  INPUT_EAGER_BYTES_MAX,
  INPUT_WAITING_BYTES_MAX,
  MESSAGES_GATHERED_BYTES_MAX,
  OUTPUT_BYTES_MAX,
  OUTSTANDING_MAX,
  REPLIES_GATHERED_BYTES_MAX,
} from './limits.ts';
import { lockName } from './lock-table.ts';
import type { HeldMessage, Subscriptions } from './pub-sub.ts';
import { LOCAL, ReplyOrder } from './reply-order.ts';
import { copyRequest } from './request-copy.ts';
import type { GateKind } from './script-gate.ts';
import type { Transaction } from './transaction.ts';
import type { Side } from './undelivered.ts';

/** In place of a shard's number. */
export const NO_SHARD = -1;

export type ReplyMode = 'on' | 'off' | 'skip-next' | 'skip';
export type ConnectionState = 'open' | 'closing' | 'closed';

/** What of a connection CLIENT RESET and HELLO change; also what CLIENT LIST shows. */
export class Connection implements ReplyReceiver {
  readonly id: number;
  readonly client: number;
  readonly readsWriter = true;
  readonly socket: Socket;
  readonly gateway: Gateway;
  readonly address: string;
  readonly localAddress: string;
  readonly createdAtMs: number;
  state: ConnectionState = 'open';
  database = 0;
  /** RESP version. */
  protocol: 2 | 3 = 2;
  isAuthenticated: boolean;
  user = 'default';
  name = '';
  libraryName = '';
  libraryVersion = '';
  isNoEvict = false;
  isNoTouch = false;
  replyMode: ReplyMode = 'on';
  lastActiveMs: number;
  /** Entry of the last command, for CLIENT LIST. */
  lastCommand: CommandEntry | undefined;
  commandsProcessed = 0;
  /** A blocking command is waiting in a shard. */
  isBlocked = false;
  /** The shard it waits in; NO_SHARD when a coordinator waits for it. */
  blockedIn = 0;
  /** Waits for something; input is kept unparsed. */
  isBarred = false;
  /** Barred by something of the gateway's, which releases it itself: see `hold`. */
  isHeldByGateway = false;
  /** The command that is waiting was sent under CLIENT REPLY OFF or SKIP. */
  isLateReplyDropped = false;
  /** The blocking command that this connection was barred for. */
  blockedEntry: CommandEntry | undefined;
  /** The end of the list that it pops from. */
  blockedSide: Side | undefined;
  /** What must be undone when the connection goes while a coordinator works for it. */
  onGone: (() => void) | undefined;

  /** Set while it is subscribed to a channel or pattern. */
  subscriptions: Subscriptions | undefined;
  /** Messages that follow the reply of the EXEC that is being executed for it. */
  heldMessages: HeldMessage[] | undefined;

  /** Commands since MULTI. */
  transaction: Transaction | undefined;
  /** Shards that have keys which this connection watches, and the names of these keys. */
  readonly watchedShards = new Set<number>();
  readonly watchedKeys = new Set<string>();
  /** Held back because a key of its command is locked. */
  isWaitingForLock = false;
  /** Held back by the script gate. */
  isWaitingAtGate = false;

  /** The shard that a script was sent to which is not answered yet; NO_SHARD for none. */
  scriptShard = NO_SHARD;
  #putOffCommand: Block | undefined;
  /** What counts as on its way at the script gate. */
  gateKind: GateKind | undefined;

  /** Commands on their way in parts to several shards, in the order of their replies. */
  readonly partedCommands: PartedCommand[] = [];

  /** Requests whose replies shards owe. */
  outstanding = 0;
  #source = LOCAL;
  #isMixed = false;
  #order: ReplyOrder | undefined;

  #parser: RequestParser | undefined;
  #input: Block | undefined;
  #inputStart = 0;
  #inputEnd = 0;
  #isReadingPaused = false;
  /** The client has sent its last byte, but not all it sent has been executed. */
  #hasInputEnded = false;
  /** Its client does not take the replies: nothing more is executed until it did. */
  #hasOutputLeft = false;

  #backlog: Block[] = [];
  #backlogEnd = 0;
  #backlogBytes = 0;
  #isDraining = false;
  #softTimer: NodeJS.Timeout | undefined;

  constructor(gateway: Gateway, socket: Socket, id: number) {
    this.gateway = gateway;
    this.socket = socket;
    this.id = id;
    this.client = id;
    this.address = formatAddress(socket.remoteAddress, socket.remotePort);
    this.localAddress = formatAddress(socket.localAddress, socket.localPort);
    this.createdAtMs = Date.now();
    this.lastActiveMs = this.createdAtMs;
    this.isAuthenticated = gateway.configuration.values.requirepass === '';
  }

  // Reading

  /** Input is in `block` (shared with other connections) from `start` to `end`. */
  receiveInput(block: Block, start: number, end: number): void {
    if (this.state !== 'open') return;
    // A command that was put off goes first, also when it has been released but not dispatched yet.
    const mustWait = this.isBarred || this.#putOffCommand !== undefined || this.#isOverfull();
    if (this.#input === undefined && !mustWait) {
      this.#process(block, start, end, false);
      return;
    }
    this.#keep(block, start, end);
    if (mustWait) {
      if (this.#inputEnd - this.#inputStart > INPUT_WAITING_BYTES_MAX) this.pauseReading();
      return;
    }
    this.#processKept();
  }

  #processKept(): void {
    const input = this.#input;
    if (input === undefined) return;
    const start = this.#inputStart;
    const end = this.#inputEnd;
    this.#input = undefined;
    this.#process(input, start, end, true);
  }

  /** Dispatches the complete requests between `start` and `end` and keeps the rest. */
  #process(block: Block, start: number, end: number, isOwn: boolean): void {
    const { gateway } = this;
    this.lastActiveMs = gateway.turnMs;
    let at = start;
    while (at < end) {
      const parser = this.#parser ?? gateway.parser;
      parser.isAuthenticated = this.isAuthenticated;
      const next = parser.parse(block, at, end);
      if (next < 0) {
        if (next === ParseError.FAILED) this.#failProtocol(parser);
        else this.#keepIncomplete(parser, block, at, end, isOwn);
        break;
      }
      const handsOver = isOwn && at === 0 && next === end && end >= HANDOVER_BYTES_MIN;
      at = next;
      if (parser.argc > 0) gateway.dispatcher.dispatch(this, parser, handsOver);
      if (this.#parser !== undefined) {
        this.#parser = undefined;
        gateway.giveParser(parser);
      }
      if (
        gateway.reply.position > REPLIES_GATHERED_BYTES_MAX ||
        gateway.pubSub.pendingBytes > MESSAGES_GATHERED_BYTES_MAX
      ) {
        gateway.turn.cut(this);
        gateway.turn.deliver();
        gateway.turn.publish();
      }
      if (this.isBarred || this.#isOverfull() || this.state !== 'open') {
        if (at < end && this.state === 'open') this.#keepRest(block, at, end, isOwn);
        if (this.#isOverfull()) this.pauseReading();
        break;
      }
    }
    gateway.turn.cut(this);
  }

  /** Keeps an incomplete request, together with the parser that has read part of it. */
  #keepIncomplete(
    parser: RequestParser,
    block: Block,
    at: number,
    end: number,
    isOwn: boolean,
  ): void {
    if (this.#parser === undefined) {
      this.#parser = parser;
      this.gateway.takeParser();
    }
    this.#keepRest(block, at, end, isOwn);
    if (end - at > this.gateway.configuration.values.clientQueryBufferLimit) {
      this.gateway.logger.warn(
        `closing client that reached max query buffer length: ${this.address}`,
      );
      this.destroy();
    }
  }

  #keepRest(block: Block, at: number, end: number, isOwn: boolean): void {
    if (isOwn) {
      this.#input = block;
      this.#inputStart = at;
      this.#inputEnd = end;
    } else {
      this.#keep(block, at, end);
    }
  }

  /** Appends input to the connection's own buffer. */
  #keep(block: Block, from: number, to: number): void {
    const length = to - from;
    const used = this.#input === undefined ? 0 : this.#inputEnd - this.#inputStart;
    const input = this.#roomFor(used, length);
    block.bytes.copy(input.bytes, this.#inputEnd, from, to);
    this.#inputEnd += length;
  }

  /** The own buffer with room for `length` more bytes behind the `used` ones. */
  #roomFor(used: number, length: number): Block {
    const input = this.#input;
    if (input !== undefined && this.#inputEnd + length <= input.bytes.length) return input;
    const wanted = Math.min(this.#parser?.bytesWanted ?? 0, INPUT_EAGER_BYTES_MAX);
    const needed = Math.max(used + length, wanted);
    const size = Math.max(INPUT_BYTES_MIN, wanted >= used + length ? wanted : needed * 2);
    const grown = Block.allocate(size);
    if (input !== undefined) {
      input.bytes.copy(grown.bytes, 0, this.#inputStart, this.#inputEnd);
    }
    this.#input = grown;
    this.#inputStart = 0;
    this.#inputEnd = used;
    return grown;
  }

  #failProtocol(parser: RequestParser): void {
    this.gateway.localReplies.write(this, (reply) => reply.error(parser.error));
    parser.reset();
    if (this.#parser === parser) this.#parser = undefined;
    this.closeAfterReplies();
  }

  /** REQUEST_* flags of its commands. */
  get requestFlags(): number {
    return (this.protocol === 3 ? REQUEST_RESP3 : 0) | (this.isNoTouch ? REQUEST_NO_TOUCH : 0);
  }

  /** Connected from this machine. */
  get isLocal(): boolean {
    return /^(127\.|\[::1\]|\[::ffff:127\.|\?|\/)/.test(this.address);
  }

  /** Bytes of input that wait to be parsed (CLIENT LIST's qbuf). */
  get inputBytes(): number {
    return this.#input === undefined ? 0 : this.#inputEnd - this.#inputStart;
  }

  /** Size of the input buffer less what is used. */
  get inputFreeBytes(): number {
    return this.#input === undefined ? 0 : this.#input.bytes.length - this.inputBytes;
  }

  /** A command goes to a shard that may make the connection wait. */
  willBlock(entry: CommandEntry, side: Side | undefined): void {
    this.blockedEntry = entry;
    this.blockedSide = side;
  }

  /** Stops parsing until `release`. */
  bar(): void {
    this.isBarred = true;
  }

  /** Stops parsing until `release` by the gateway, whatever shards answer meanwhile. */
  hold(): void {
    this.bar();
    this.isHeldByGateway = true;
  }

  /** Keeps a command, and all that follows, until nothing is outstanding: it is dispatched again. */
  putOff(parser: RequestParser): void {
    this.commandsProcessed--;
    this.#putOffCommand = copyRequest(parser);
    this.bar();
  }

  /** True when all that is outstanding will come from one shard. */
  owesOnly(shard: number): boolean {
    return !this.#isMixed && this.#source === shard;
  }

  /** Goes on with the input that was kept while barred; never from within another dispatch. */
  release(): void {
    if (!this.isBarred) return;
    this.isBarred = false;
    this.isHeldByGateway = false;
    this.isBlocked = false;
    this.blockedEntry = undefined;
    const isWaiting =
      this.#putOffCommand !== undefined ||
      this.#input !== undefined ||
      this.#isReadingPaused ||
      this.#hasInputEnded;
    if (isWaiting) this.gateway.resumeSoon(this);
  }

  /** Called by the gateway some time after `release`, or when what reading waited for is over. */
  resume(): void {
    if (this.state !== 'open' || this.#isOverfull()) return;
    if (!this.isBarred && this.#putOffCommand !== undefined) {
      const command = this.#putOffCommand;
      this.#putOffCommand = undefined;
      this.gateway.dispatcher.dispatchAgain(this, command);
    }
    if (!this.isBarred && this.#input !== undefined) this.#processKept();
    if (this.#isOverfull()) return;
    if (this.#hasInputEnded && !this.isBarred) {
      this.closeAfterReplies();
      return;
    }
    // A barred connection is read from too: only so is it noticed that its client has hung up.
    if (this.#isReadingPaused && this.inputBytes <= INPUT_WAITING_BYTES_MAX) {
      this.#isReadingPaused = false;
      this.socket.resume();
    }
  }

  pauseReading(): void {
    if (this.#isReadingPaused) return;
    this.#isReadingPaused = true;
    this.socket.pause();
  }

  get isReadingPaused(): boolean {
    return this.#isReadingPaused;
  }

  noteWatched(shard: number, key: Buffer): void {
    this.watchedShards.add(shard);
    this.watchedKeys.add(lockName(key));
  }

  forgetWatched(): void {
    this.watchedShards.clear();
    this.watchedKeys.clear();
  }

  // The order of replies

  /** A request is about to go to `source`. */
  expect(source: number): void {
    if (this.outstanding === 0) {
      this.#source = source;
    } else if (this.#isMixed || source !== this.#source) {
      this.#mix();
      this.#order?.push(source);
    }
    this.outstanding++;
  }

  #mix(): void {
    if (this.#isMixed) return;
    this.#isMixed = true;
    this.#order ??= new ReplyOrder();
    for (let i = 0; i < this.outstanding; i++) this.#order.push(this.#source);
  }

  receive(
    source: number,
    block: Block,
    start: number,
    end: number,
    count: number,
    firstSpan: number,
  ): boolean {
    let isHeld = false;
    if (!this.#isMixed) {
      isHeld = this.send(block, start, end);
      this.#settle(count);
      return isHeld;
    }
    const order = this.#order as ReplyOrder;
    const { staging } = this.gateway;
    for (let i = 0; i < count; i++) {
      const span = firstSpan + 8 * i;
      const from = block.view.getInt32(span, true);
      order.receive(source, block, from, block.view.getInt32(span + 4, true) - from, staging);
    }
    this.#sendStaging();
    this.#settle(count);
    return false;
  }

  /** Sends the replies that are in order now. */
  #sendStaging(): void {
    const { staging } = this.gateway;
    if (staging.position === 0) return;
    if (this.send(staging.block, 0, staging.position)) staging.take();
    else staging.reset();
  }

  #settle(count: number): void {
    this.outstanding -= count;
    if (this.outstanding > 0) return;
    this.#isMixed = false;
    this.scriptShard = NO_SHARD;
    if (this.gateKind !== undefined) this.gateway.scriptGate.settled(this);
    if (this.state === 'closed') this.gateway.forget(this);
    else if (this.state === 'closing') this.endWhenSent();
    else if (this.isBarred && !this.isHeldByGateway) this.release();
    else if (this.#isReadingPaused) this.gateway.resumeSoon(this);
  }

  /** One packet may ask for any amount of replies; what is not executed yet waits. */
  #isOverfull(): boolean {
    return this.#hasOutputLeft || this.outstanding >= OUTSTANDING_MAX;
  }

  /** The reply of a slot that was announced with `expect(LOCAL)`, or another source of our own. */
  receiveLocal(block: Block, start: number, end: number, source: number = LOCAL): boolean {
    return this.#receiveOne(source, block, start, end);
  }

  #receiveOne(source: number, block: Block, start: number, end: number): boolean {
    let isHeld = false;
    if (this.#isMixed) {
      const order = this.#order as ReplyOrder;
      order.receive(source, block, start, end - start, this.gateway.staging);
      this.#sendStaging();
    } else {
      isHeld = this.send(block, start, end);
    }
    this.#settle(1);
    return isHeld;
  }

  blocked(source: number): void {
    this.isBlocked = true;
    this.blockedIn = source;
    this.isBarred = true;
    if (this.state === 'closed') this.gateway.cancelWait(this);
    else if (this.hasHungUp) this.destroy();
  }

  late(source: number, block: Block, start: number, end: number): boolean {
    this.isBlocked = false;
    // A socket that was destroyed says so only after this turn.
    if (this.state === 'closed' || this.socket.destroyed) {
      this.gateway.returnUndelivered(this, block.bytes.subarray(start, end));
      return false;
    }
    if (this.isLateReplyDropped) {
      this.isLateReplyDropped = false;
      this.release();
      return false;
    }
    if (this.outstanding > 0) {
      // In a worker the request is still outstanding; in process it never was.
      return this.#receiveOne(source, block, start, end);
    }
    const isHeld = this.send(block, start, end);
    this.release();
    return isHeld;
  }

  // Writing

  /** Writes bytes to the socket. True when the block must not be reused yet. */
  send(block: Block, start: number, end: number): boolean {
    if (this.state === 'closed' || start === end) return false;
    const { socket } = this;
    if (this.gateway.turn.isOpen) {
      // Its replies of this turn, if there are any, go first.
      this.gateway.turn.append(this, block, start, end);
      return false;
    }
    if (this.#isDraining || socket.writableLength > 0) {
      this.#addToBacklog(block, start, end);
      return false;
    }
    socket.write(block.bytes.subarray(start, end));
    if (socket.writableLength === 0) return false;
    this.#limitOutput();
    return true;
  }

  #addToBacklog(block: Block, start: number, end: number): void {
    this.#backlogBytes += end - start;
    let from = start;
    while (from < end) {
      const last = this.#backlog.at(-1);
      if (last === undefined || this.#backlogEnd === last.bytes.length) {
        this.#backlog.push(Block.allocate(BACKLOG_BLOCK_BYTES));
        this.#backlogEnd = 0;
        continue;
      }
      const length = Math.min(end - from, last.bytes.length - this.#backlogEnd);
      block.bytes.copy(last.bytes, this.#backlogEnd, from, from + length);
      this.#backlogEnd += length;
      from += length;
    }
    if (!this.#isDraining) this.#writeBacklog();
    this.#limitOutput();
  }

  #writeBacklog(): void {
    const blocks = this.#backlog;
    if (blocks.length === 0 || this.state === 'closed') {
      this.#isDraining = false;
      return;
    }
    this.#isDraining = true;
    this.#backlog = [];
    this.#backlogBytes = 0;
    const last = blocks.length - 1;
    const lastEnd = this.#backlogEnd;
    this.socket.cork();
    blocks.forEach((block, i) => {
      const bytes = i === last ? block.bytes.subarray(0, lastEnd) : block.bytes;
      this.socket.write(bytes, i === last ? () => this.#drained() : undefined);
    });
    this.socket.uncork();
  }

  #drained(): void {
    this.#isDraining = false;
    this.#writeBacklog();
    if (!this.#isDraining) this.#hasOutputLeft = false;
    if (this.#softTimer !== undefined) this.#limitSoftly();
    if (this.state === 'closing') this.endWhenSent();
    else if (!this.#isDraining && this.#isReadingPaused) this.gateway.resumeSoon(this);
  }

  /** Bytes of replies that were not sent yet. */
  get outputBytes(): number {
    return this.socket.writableLength + this.#backlogBytes;
  }

  /** What clients of its kind may have unsent. */
  get #bounds(): BufferLimit {
    const { normal, pubsub } = this.gateway.outputLimits;
    return this.subscriptions === undefined ? normal : pubsub;
  }

  /** More output was left unsent. */
  #limitOutput(): void {
    const { hardBytes, softBytes } = this.#bounds;
    const bytes = this.outputBytes;
    if (hardBytes > 0 && bytes >= hardBytes) {
      this.#closeOverLimit();
      return;
    }
    if (softBytes > 0 || this.#softTimer !== undefined) this.#limitSoftly();
    if (bytes <= OUTPUT_BYTES_MAX) return;
    this.#hasOutputLeft = true;
    this.pauseReading();
  }

  /** Above the soft limit it has some seconds to take what it was sent. */
  #limitSoftly(): void {
    const { softBytes, softSeconds } = this.#bounds;
    const isOver = softBytes > 0 && this.outputBytes >= softBytes;
    if (!isOver) {
      clearTimeout(this.#softTimer);
      this.#softTimer = undefined;
    } else if (this.#softTimer === undefined) {
      this.#softTimer = setTimeout(() => {
        this.#softTimer = undefined;
        const limit = this.#bounds.softBytes;
        if (limit > 0 && this.outputBytes >= limit) this.#closeOverLimit();
      }, softSeconds * 1000);
      this.#softTimer.unref();
    }
  }

  #closeOverLimit(): void {
    this.gateway.logger.warn(`closing client over its output buffer limit: ${this.address}`);
    this.destroy();
  }

  // The end

  /** Reads nothing more; closes when all replies were sent. */
  closeAfterReplies(): void {
    if (this.state !== 'open') return;
    this.state = 'closing';
    this.gateway.pubSub.forget(this);
    const { turn } = this.gateway;
    if (turn.isOpen) turn.closeAfter(this);
    else this.endWhenSent();
  }

  /**
   * The client will send nothing more. Replies it is owed still go out, but, as in Redis, nothing
   * is waited for on behalf of a client that has hung up.
   */
  inputEnded(): void {
    if (this.isBlocked) this.destroy();
    else if (this.#keepsCommand) this.#hasInputEnded = true;
    else if (this.#input !== undefined && (this.isBarred || this.#isOverfull())) {
      this.#hasInputEnded = true;
    } else this.closeAfterReplies();
  }

  /** A command that it has read is yet to be sent. */
  get #keepsCommand(): boolean {
    return this.isWaitingForLock || this.isWaitingAtGate || this.#putOffCommand !== undefined;
  }

  /** Nobody waits any more for what a blocking command of this client might get. */
  get hasHungUp(): boolean {
    return this.state !== 'open' || this.#hasInputEnded;
  }

  /** Ends the socket once shards owe nothing and the backlog is written. */
  endWhenSent(): void {
    if (this.state === 'closing' && this.outstanding === 0 && !this.#isDraining) this.socket.end();
  }

  /** Closes at once, but for the replies of this turn: what was popped for it is in them. */
  destroy(): void {
    // The socket closes after this turn; no element may be popped for this client until then.
    if (this.isBlocked) this.gateway.cancelWait(this);
    this.gateway.pubSub.forget(this);
    this.onGone?.();
    this.onGone = undefined;
    const { turn } = this.gateway;
    if (this.state !== 'closed' && turn.owes(this)) {
      this.state = 'closing';
      turn.destroyAfter(this);
    } else {
      this.socket.destroy();
    }
  }

  /** The socket is closed: called once, by the acceptor. */
  closed(): void {
    this.state = 'closed';
    clearTimeout(this.#softTimer);
    this.#input = undefined;
    this.#backlog = [];
    if (this.#parser !== undefined) {
      this.#parser.reset();
      this.gateway.giveParser(this.#parser);
      this.#parser = undefined;
    }
    this.onGone?.();
    this.onGone = undefined;
  }
}

function formatAddress(address: string | undefined, port: number | undefined): string {
  if (address === undefined) return '?:0';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
