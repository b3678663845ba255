/**
 * The gateway's end of a shard in a worker thread.
 *
 * Requests of one event-loop turn are appended to one batch and posted together: many clients, one
 * message. While a batch is on its way the next one gathers (as Nagle's algorithm does for packets):
 * an idle shard gets a request at once, a busy one gets fewer and larger messages, because a message
 * costs several times what a command does. Measured at 50 clients without pipelining: see bench. The words of a batch and the owners of its requests (who gets which reply) stay in step;
 * owners wait here, in a FIFO of lists, until the batch's replies come back.
 *
 *   submit ─▶ batch being filled ─(end of turn, or full)─▶ port ─▶ shard
 *   owners ─▶ list of the batch ─────────▶ FIFO in flight ─▶ joined with the replies
 *
 * A run of replies to one owner is one call of `receive`. When nobody still refers to the reply
 * buffer it becomes the next batch of requests.
 *
 * A shard that is busy with a long script answers nothing more. What came before the script in its
 * batch is answered early then; what waits behind it is refused (`refuseWaiting`): its owners are
 * answered here, and the shard skips it.
 *
 * When the shard fails every outstanding request is answered with an error; the link is then dead
 * and the supervisor replaces it (`replacePort`).
 */
import type { MessagePort } from 'node:worker_threads';
import { Block, copyBytes, errors, ReplyWriter } from '@hashlane/resp';
import {
  BATCH_BYTES,
  BATCH_BYTES_MAX,
  BATCH_DATA_AT,
  BATCH_WORDS,
  BATCHED_REQUEST_ARGUMENTS_MAX,
  BATCHED_REQUEST_BYTES_MAX,
  IN_FLIGHT_BYTES_MAX,
  REFUSALS_MAX,
  SPARE_BATCHES_MAX,
} from './limits.ts';
import {
  BATCH_COUNT,
  BATCH_FIRST_WORD,
  BATCH_LATE_COUNT,
  type ControlAnswers,
  type ControlRequest,
  type LargeRequest,
  type MessageFromShard,
  type MessageToShard,
  REQUEST_HEADER_WORDS,
  type ScriptNews,
} from './messages.ts';
import type { ScriptBoard } from './script-board.ts';
import type { ReplyReceiver, RequestArguments, ShardLink } from './shard-link.ts';

/** Requests that were posted together and whose replies are awaited. */
interface InFlight {
  /** May be longer than `count`: what lies behind is from earlier use. */
  readonly owners: ReplyReceiver[];
  readonly commands: number[];
  readonly count: number;
  readonly bytes: number;
  /** How many at its beginning the shard has replied to before the rest. */
  early: number;
  /** Requests that are answered already, and which the shard skips. */
  refused: Set<number> | undefined;
}

export interface PortLinkEvents {
  /** Who gets the late reply of a connection, or undefined when nobody waits any more. */
  receiverOf(connection: number): ReplyReceiver | undefined;
  /** The link is no longer congested. */
  drained(): void;
  /** The error reply to a command that the shard will not execute because it is busy. */
  busyReply(command: number): string;
  /** Something about the shard's scripts. */
  news(shard: number, news: ScriptNews): void;
}

interface PendingControl {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

export class PortLink implements ShardLink {
  readonly index: number;
  readonly #events: PortLinkEvents;
  #port: MessagePort | undefined;
  /** False from a failure until the new shard has its keys back: requests are answered here. */
  #isUp = true;
  #block: Block;
  #words: Int32Array;
  #wordAt = BATCH_FIRST_WORD;
  #byteAt = BATCH_DATA_AT;
  /** Owners of the requests in the batch; only the first `#count` are. */
  #owners: ReplyReceiver[] = [];
  /** Numbers of their commands. */
  #commands: number[] = [];
  #count = 0;
  readonly #inFlight: InFlight[] = [];
  #inFlightBytes = 0;
  isCongested = false;
  #wasCongested = false;
  #isFlushScheduled = false;
  readonly #spares: Block[] = [];
  readonly #spareOwners: ReplyReceiver[][] = [];
  readonly #spareCommands: number[][] = [];
  /** Requests that the shard was sent and has replied to. */
  #answered = 0;
  readonly #controls = new Map<number, PendingControl>();
  #nextControl = 1;
  /** The turn is over: posts the batch, unless one is on its way already. */
  readonly #endTurn = () => {
    this.#isFlushScheduled = false;
    if (this.#inFlight.length === 0) this.flush();
  };

  constructor(index: number, port: MessagePort, events: PortLinkEvents) {
    this.index = index;
    this.#events = events;
    this.#block = Block.allocate(BATCH_BYTES);
    this.#words = new Int32Array(this.#block.bytes.buffer, 0, BATCH_WORDS);
    this.#listen(port);
  }

  #listen(port: MessagePort): void {
    this.#port = port;
    port.on('message', (message: MessageFromShard) => this.#receive(message));
  }

  /** Bytes posted and not yet answered. */
  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  submit(
    receiver: ReplyReceiver,
    command: number,
    args: RequestArguments,
    hash: number,
    connection: number,
    database: number,
    flags: number,
    claim: number,
    ownsBlock: boolean,
  ): void {
    const { argc, spans } = args;
    let start = 0;
    let bytes = 0;
    if (argc > 1) {
      const last = (argc << 1) - 2;
      start = spans[2];
      bytes = (spans[last] + spans[last + 1] - start) | 0;
    }
    if (bytes > BATCHED_REQUEST_BYTES_MAX || argc > BATCHED_REQUEST_ARGUMENTS_MAX) {
      this.#submitLarge(
        receiver,
        command,
        args,
        hash,
        connection,
        database,
        flags,
        claim,
        ownsBlock,
      );
      return;
    }
    const wordsNeeded = REQUEST_HEADER_WORDS + 2 * (argc - 1);
    if (this.#wordAt + wordsNeeded > BATCH_WORDS || this.#byteAt + bytes > this.#block.size) {
      this.flush();
    }
    const words = this.#words;
    let at = this.#wordAt | 0;
    words[at] = command | (flags << 16);
    words[(at + 1) | 0] = argc;
    words[(at + 2) | 0] = hash;
    words[(at + 3) | 0] = connection;
    words[(at + 4) | 0] = database;
    words[(at + 5) | 0] = claim;
    at = (at + REQUEST_HEADER_WORDS) | 0;
    const byteAt = this.#byteAt;
    copyBytes(this.#block, byteAt, args.block, (args.origin + start) | 0, bytes);
    const shift = (byteAt - start) | 0;
    const end = (argc << 1) | 0;
    for (let i = 2; i < end; i = (i + 2) | 0) {
      words[at] = (spans[i] + shift) | 0;
      words[(at + 1) | 0] = spans[(i + 1) | 0];
      at = (at + 2) | 0;
    }
    this.#wordAt = at;
    this.#byteAt = (byteAt + bytes) | 0;
    this.#owners[this.#count] = receiver;
    this.#commands[this.#count] = command;
    this.#count = (this.#count + 1) | 0;
    if (!this.#isFlushScheduled) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    this.#isFlushScheduled = true;
    setImmediate(this.#endTurn);
  }

  /** Sends a command in a message of its own, after the batch that was being filled. */
  #submitLarge(
    receiver: ReplyReceiver,
    command: number,
    args: RequestArguments,
    hash: number,
    connection: number,
    database: number,
    flags: number,
    claim: number,
    ownsBlock: boolean,
  ): void {
    this.flush();
    const { argc, spans, origin, block } = args;
    const words = new Int32Array(BATCH_FIRST_WORD + REQUEST_HEADER_WORDS + 2 * argc);
    words.set([1, 0, command | (flags << 16), argc, hash, connection, database, claim]);
    const first = spans[2];
    const end = spans[2 * argc - 2] + spans[2 * argc - 1];
    const shift = ownsBlock ? origin : -first;
    for (let i = 1; i < argc; i++) {
      const at = BATCH_FIRST_WORD + REQUEST_HEADER_WORDS + 2 * (i - 1);
      words[at] = spans[2 * i] + shift;
      words[at + 1] = spans[2 * i + 1];
    }
    const bytes = ownsBlock
      ? (block.bytes.buffer as ArrayBuffer)
      : (block.bytes.buffer.slice(
          block.bytes.byteOffset + origin + first,
          block.bytes.byteOffset + origin + end,
        ) as ArrayBuffer);
    const message: LargeRequest = { type: 'large', words: words.buffer, bytes };
    this.#track([receiver], [command], 1, end - first);
    this.#post(message, [message.words, message.bytes]);
  }

  flush(): void {
    const owners = this.#owners;
    if (this.#count === 0) return;
    const words = this.#words;
    words[BATCH_COUNT] = this.#count;
    const memory = this.#block.bytes.buffer as ArrayBuffer;
    this.#track(owners, this.#commands, this.#count, this.#byteAt);
    this.#count = 0;
    this.#owners = this.#spareOwners.pop() ?? [];
    this.#commands = this.#spareCommands.pop() ?? [];
    this.#block = this.#spares.pop() ?? Block.allocate(BATCH_BYTES);
    this.#words = new Int32Array(this.#block.bytes.buffer, 0, BATCH_WORDS);
    this.#wordAt = BATCH_FIRST_WORD;
    this.#byteAt = BATCH_DATA_AT;
    this.#post(memory, [memory]);
  }

  #track(owners: ReplyReceiver[], commands: number[], count: number, bytes: number): void {
    this.#inFlight.push({ owners, commands, count, bytes, early: 0, refused: undefined });
    this.#inFlightBytes += bytes;
    this.isCongested = this.#inFlightBytes > IN_FLIGHT_BYTES_MAX;
    if (this.isCongested) this.#wasCongested = true;
  }

  #post(message: MessageToShard, transfer: readonly unknown[]): void {
    const isControl = !(message instanceof ArrayBuffer) && message.type === 'control';
    if (this.#port === undefined || !(this.#isUp || isControl)) {
      // The shard failed and is not back yet: answer what was just tracked.
      queueMicrotask(() => this.#failOutstanding());
      return;
    }
    this.#port.postMessage(message, transfer as ArrayBuffer[]);
  }

  #receive(message: MessageFromShard): void {
    if (message instanceof ArrayBuffer) {
      this.#receiveReplies(message);
      return;
    }
    switch (message.type) {
      case 'answer': {
        const pending = this.#controls.get(message.id);
        this.#controls.delete(message.id);
        pending?.resolve(message.answer as never);
        return;
      }
      case 'early':
        this.#receiveEarly(message.replies);
        return;
      case 'script':
      case 'script-used':
      case 'script-busy':
      case 'publish':
      case 'script-log':
        this.#events.news(this.index, message);
        return;
      case 'late':
        for (const { connection, reply } of message.entries) {
          const block = new Block(Buffer.from(reply.buffer));
          this.#events.receiverOf(connection)?.late(this.index, block, 0, reply.length);
        }
    }
  }

  #receiveReplies(memory: ArrayBuffer): void {
    const block = Block.over(memory);
    const { view } = block;
    const count = view.getInt32(BATCH_COUNT << 2, true);
    let isHeld = false;
    if (count > 0) {
      const flight = this.#inFlight.shift() as InFlight;
      this.#answered += count;
      const isWhole = flight.refused === undefined && flight.early === 0;
      isHeld = isWhole
        ? this.#deliver(block, flight.owners, count)
        : this.#deliverUpTo(block, flight, count);
      this.#settle(flight);
      // What gathered while that batch was on its way goes now, as one message.
      if (!this.#isFlushScheduled) this.flush();
    }
    if (this.#deliverLate(block, count)) isHeld = true;
    if (!isHeld && this.#isWorthKeeping(memory.byteLength)) this.#spares.push(block);
  }

  /** Hands out the late replies that are behind those to `count` requests. */
  #deliverLate(block: Block, count: number): boolean {
    const { view } = block;
    const late = view.getInt32(BATCH_LATE_COUNT << 2, true);
    let isHeld = false;
    let at = (BATCH_FIRST_WORD + 2 * count) << 2;
    for (let i = 0; i < late; i++, at += 12) {
      const receiver = this.#events.receiverOf(view.getInt32(at, true));
      if (receiver === undefined) continue;
      const start = view.getInt32(at + 4, true);
      if (receiver.late(this.index, block, start, view.getInt32(at + 8, true))) isHeld = true;
    }
    return isHeld;
  }

  /** Replies to the first requests of a batch, in which a script takes long. */
  #receiveEarly(memory: ArrayBuffer): void {
    const block = Block.over(memory);
    const count = block.view.getInt32(BATCH_COUNT << 2, true);
    this.#deliverUpTo(block, this.#inFlight[0]!, count);
    this.#deliverLate(block, count);
  }

  /** A buffer that replies made larger than usual is kept too, up to a bound. */
  #isWorthKeeping(bytes: number): boolean {
    return (
      bytes >= BATCH_BYTES && bytes <= BATCH_BYTES_MAX && this.#spares.length < SPARE_BATCHES_MAX
    );
  }

  #settle(flight: InFlight): void {
    this.#inFlightBytes -= flight.bytes;
    this.isCongested = this.#inFlightBytes > IN_FLIGHT_BYTES_MAX;
    if (this.#spareOwners.length < SPARE_BATCHES_MAX) {
      this.#spareOwners.push(flight.owners);
      this.#spareCommands.push(flight.commands);
    }
    if (this.#wasCongested && this.#inFlightBytes < IN_FLIGHT_BYTES_MAX / 2) {
      this.#wasCongested = false;
      this.#events.drained();
    }
  }

  /** Hands the replies to their owners, run by run. True when the block is still referred to. */
  #deliver(block: Block, owners: readonly ReplyReceiver[], count: number): boolean {
    const { view } = block;
    let isHeld = false;
    let i = 0;
    while (i < count) {
      const owner = owners[i];
      const firstSpan = (BATCH_FIRST_WORD + 2 * i) << 2;
      const start = view.getInt32(firstSpan, true);
      if (start < 0) {
        owner.blocked(this.index);
        i++;
        continue;
      }
      let end = view.getInt32(firstSpan + 4, true);
      let next = i + 1;
      // Late replies may lie between two replies, so a run must also be contiguous.
      while (next < count && owners[next] === owner) {
        const span = (BATCH_FIRST_WORD + 2 * next) << 2;
        if (view.getInt32(span, true) !== end) break;
        end = view.getInt32(span + 4, true);
        next++;
      }
      if (owner.receive(this.index, block, start, end, next - i, firstSpan)) isHeld = true;
      i = next;
    }
    return isHeld;
  }

  /** The same for those of the first `count` that were not answered before. */
  #deliverUpTo(block: Block, flight: InFlight, count: number): boolean {
    const { view } = block;
    const { early, owners, refused } = flight;
    flight.early = count;
    let isHeld = false;
    for (let i = early; i < count; i++) {
      if (refused?.has(i) === true) continue;
      const firstSpan = (BATCH_FIRST_WORD + 2 * i) << 2;
      const start = view.getInt32(firstSpan, true);
      const end = view.getInt32(firstSpan + 4, true);
      if (start < 0) owners[i]!.blocked(this.index);
      else if (owners[i]!.receive(this.index, block, start, end, 1, firstSpan)) isHeld = true;
    }
    return isHeld;
  }

  /**
   * The shard is busy: answers requests of clients that wait behind the script, which the shard will
   * skip then. Those of a client that is owed an earlier reply wait, as do parts of commands.
   */
  refuseWaiting(board: ScriptBoard): void {
    // Nothing reaches one that is being loaded: what it is to skip must have been sent.
    if (!this.#isUp) return;
    this.flush();
    const answered = this.#answered;
    const begun = board.standsAt(this.index, answered);
    if (begun === undefined) return;
    const refusals: { readonly flight: InFlight; readonly at: number }[] = [];
    const places: number[] = [];
    const owed = new Set<number>();
    let number = answered;
    for (const flight of this.#inFlight) {
      for (let at = 0; at < flight.count; at++, number++) {
        const { client } = flight.owners[at]!;
        const place = number - begun;
        if (client === undefined || isAnswered(flight, at)) continue;
        if (place < 0 || place >= REFUSALS_MAX || owed.has(client)) {
          owed.add(client);
          continue;
        }
        places.push(place);
        refusals.push({ flight, at });
      }
    }
    if (!board.refuse(this.index, begun, places)) return;
    for (const { flight, at } of refusals) {
      flight.refused ??= new Set();
      flight.refused.add(at);
    }
    // When all is noted: an answer may make its owner send something.
    for (const { flight, at } of refusals) {
      this.#answerHere(flight.owners[at]!, this.#events.busyReply(flight.commands[at]!));
    }
  }

  control<T extends ControlRequest['type']>(
    request: Extract<ControlRequest, { type: T }>,
    transfer: readonly unknown[] = [],
  ): Promise<ControlAnswers[T]> {
    this.flush();
    const id = this.#nextControl++;
    return new Promise((resolve, reject) => {
      if (this.#port === undefined) {
        reject(new Error('the shard failed'));
        return;
      }
      this.#controls.set(id, { resolve, reject });
      this.#post({ type: 'control', id, request }, transfer);
    });
  }

  /** The shard is gone: answers everything outstanding with an error. */
  fail(): void {
    this.#port?.close();
    this.#port = undefined;
    this.#isUp = false;
    this.flush();
    this.#failOutstanding();
    for (const { reject } of this.#controls.values()) reject(new Error('the shard failed'));
    this.#controls.clear();
  }

  #failOutstanding(): void {
    for (
      let flight = this.#inFlight.shift();
      flight !== undefined;
      flight = this.#inFlight.shift()
    ) {
      for (let i = 0; i < flight.count; i++) {
        if (isAnswered(flight, i)) continue;
        this.#answerHere(flight.owners[i]!, errors.shardFailed);
      }
      this.#settle(flight);
    }
  }

  /** Replies an error in the shard's place. */
  #answerHere(owner: ReplyReceiver, text: string): void {
    const writer = new ReplyWriter(512);
    writer.position = 8;
    writer.error(text);
    const end = writer.position;
    writer.block.view.setInt32(0, 8, true);
    writer.block.view.setInt32(4, end, true);
    owner.receive(this.index, writer.block, 8, end, 1, 0);
  }

  /** A new shard takes the failed one's place. Until `resume` only control messages reach it. */
  replacePort(port: MessagePort): void {
    this.#answered = 0;
    this.#listen(port);
  }

  /** The new shard has its keys: requests go to it again. */
  resume(): void {
    this.#isUp = true;
  }
}

function isAnswered({ early, refused }: InFlight, at: number): boolean {
  return at < early || refused?.has(at) === true;
}
