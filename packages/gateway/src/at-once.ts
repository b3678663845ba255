/**
 * Commands over several shards whose parts are all sent in one turn: MSET, MGET, and the sums (DEL,
 * EXISTS, …). The fast way of the coordinator for them, without promises.
 *
 *   keys ─▶ owners ─▶ one request per shard, arguments picked from where the parser found them
 *   parts of the reply ─▶ added up, or kept until the last one is there ─▶ the connection
 *
 * Unlike other coordinated commands they do not bar their connection: ports are FIFO, so what the
 * client sends next reaches every shard after the parts of this command. Only replies may come in
 * another order (a later command's shards may be faster): a connection's commands wait in a row,
 * and one is answered when it is the first of the row and has all its parts. Towards the other
 * replies of the connection the row is one source, AT_ONCE.
 *
 * What is rare is left to the coordinator's general way: mistakes, locked keys, CLIENT REPLY OFF.
 *
 * Cost: two hashes per key and a copy of the request per shard; objects are reused.
 */
import type { CommandMetadata } from '@hashlane/core/metadata';
import { Block, copyBytes, ReplyWriter, type RequestParser, replyEnd } from '@hashlane/resp';
import {
  hashBytes,
  NO_CLAIM,
  type ReplyReceiver,
  type RequestArguments,
} from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';
import { GATE_LOCKED } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { SPARE_PARTS_BYTES_MAX, SPARE_PARTS_MAX } from './limits.ts';
import { AT_ONCE } from './reply-order.ts';

/** How the parts of the reply become one. */
type Join = 'sum' | 'gather' | 'all-ok';

const MINUS = 45;
const DOLLAR = 36;
const CR = 13;
const NO_ERROR = Buffer.alloc(0);

/** One command on its way, and the parts of its reply that have come. */
export class PartedCommand implements ReplyReceiver {
  readonly readsWriter = false;
  readonly #done: (command: PartedCommand) => void;
  connection!: Connection;
  join: Join = 'sum';
  /** Parts that have not come yet. */
  missing = 0;
  #sum = 0;
  /** An error line that one of the parts is. */
  #error: Buffer = NO_ERROR;
  /** Shard of each key, for `gather`. */
  owners = new Uint8Array(64);
  keys = 0;
  /** Array elements of the parts, one part after the other, and where each shard's next one is. */
  #elements = Block.allocate(256);
  #elementsEnd = 0;
  readonly #nextElement: number[] = [];

  constructor(done: (command: PartedCommand) => void) {
    this.#done = done;
  }

  begin(connection: Connection, join: Join): void {
    this.connection = connection;
    this.join = join;
    this.missing = 0;
    this.#sum = 0;
    this.#error = NO_ERROR;
    this.#elementsEnd = 0;
  }

  get keptBytes(): number {
    return this.#elements.bytes.length;
  }

  receive(source: number, block: Block, start: number, end: number): boolean {
    const { bytes } = block;
    if (bytes[start] === MINUS) this.#error = Buffer.from(bytes.subarray(start, end));
    else if (this.join === 'sum') this.#sum += integerAt(bytes, start + 1);
    else if (this.join === 'gather') this.#keep(source, block, start, end);
    if (--this.missing === 0) this.#done(this);
    return false;
  }

  /** Keeps the elements of an array reply. */
  #keep(source: number, block: Block, start: number, end: number): void {
    const from = block.bytes.indexOf(CR, start) + 2;
    const length = end - from;
    const at = this.#elementsEnd;
    if (at + length > this.#elements.bytes.length) this.#grow(at + length);
    copyBytes(this.#elements, at, block, from, length);
    this.#nextElement[source] = at;
    this.#elementsEnd = at + length;
  }

  #grow(needed: number): void {
    const grown = Block.allocate(2 * needed);
    copyBytes(grown, 0, this.#elements, 0, this.#elementsEnd);
    this.#elements = grown;
  }

  /** Writes the reply; all parts are there. */
  write(reply: ReplyWriter): void {
    if (this.#error.length > 0) reply.raw(this.#error);
    else if (this.join === 'sum') reply.integer(this.#sum);
    else if (this.join === 'all-ok') reply.ok();
    else this.#writeElements(reply);
  }

  #writeElements(reply: ReplyWriter): void {
    const { keys, owners } = this;
    const block = this.#elements;
    const next = this.#nextElement;
    reply.reserve(this.#elementsEnd + 32);
    reply.array(keys);
    for (let i = 0; i < keys; i++) {
      const owner = owners[i]!;
      const from = next[owner]!;
      const end = elementEnd(block.bytes, from);
      copyBytes(reply.block, reply.position, block, from, end - from);
      reply.position += end - from;
      next[owner] = end;
    }
  }

  blocked(): void {
    throw new Error('a part of a command may not block');
  }

  late(): boolean {
    return false;
  }
}

/** The non-negative integer whose digits begin at `at`. */
function integerAt(bytes: Buffer, at: number): number {
  let value = 0;
  for (let i = at; bytes[i] !== CR; i++) value = value * 10 + (bytes[i]! - 48);
  return value;
}

/** End of the array element that begins at `at`. */
function elementEnd(bytes: Buffer, at: number): number {
  if (bytes[at] !== DOLLAR || bytes[at + 1] === MINUS) return replyEnd(bytes, at);
  let length = 0;
  let i = at + 1;
  for (; bytes[i] !== CR; i++) length = length * 10 + (bytes[i]! - 48);
  return i + length + 4;
}

/** Arguments of one part: spans of the client's own request. */
export class PartArguments implements RequestArguments {
  block!: Block;
  origin = 0;
  spans = new Int32Array(256);
  argc = 0;

  begin(parser: RequestParser): void {
    this.block = parser.block;
    this.origin = parser.origin;
    this.argc = 0;
    if (this.spans.length < 2 * parser.argc) this.spans = new Int32Array(4 * parser.argc);
  }

  /** Adds `count` of the request's arguments from number `first` on. */
  add(parser: RequestParser, first: number, count: number): void {
    const { spans } = this;
    let at = 2 * this.argc;
    for (let i = 2 * first; i < 2 * (first + count); i++) spans[at++] = parser.spans[i]!;
    this.argc += count;
  }
}

export class AtOnceCommands {
  readonly #gateway: Gateway;
  readonly #spare: PartedCommand[] = [];
  readonly #arguments = new PartArguments();
  readonly #writer = new ReplyWriter(1024);
  /** Shard and hash of each key of the command that is being sent. */
  #owners = new Uint8Array(64);
  #hashes = new Int32Array(64);
  readonly #done = (command: PartedCommand): void => this.#answer(command);

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Sends a command, if this is the way for it; false when it is not. */
  sends(connection: Connection, entry: CommandEntry, parser: RequestParser): boolean {
    const { spec } = entry;
    const { spread } = spec;
    if (spread !== 'sum' && spread !== 'gather' && spread !== 'all-ok') return false;
    const gateway = this.#gateway;
    if (connection.replyMode !== 'on' || gateway.gate.has(GATE_LOCKED)) return false;
    const step = stepOf(spec);
    const count = gateway.keys.find(spec, parser);
    const first = gateway.keys.positions[0]!;
    if (count === 0 || parser.argc !== first + count * step) return false;
    this.#findOwners(parser, count);
    const command = this.#spare.pop() ?? new PartedCommand(this.#done);
    command.begin(connection, spread);
    if (spread === 'gather') this.#keepOwners(command, count);
    connection.expect(AT_ONCE);
    connection.partedCommands.push(command);
    this.#submit(command, entry, parser, count, step);
    return true;
  }

  #findOwners(parser: RequestParser, count: number): void {
    if (count > this.#owners.length) {
      this.#owners = new Uint8Array(2 * count);
      this.#hashes = new Int32Array(2 * count);
    }
    const { positions } = this.#gateway.keys;
    const { router } = this.#gateway.shards;
    const { block } = parser;
    for (let i = 0; i < count; i++) {
      const offset = parser.offset(positions[i]!);
      const length = parser.length(positions[i]!);
      const hash = hashBytes(block, offset, length);
      this.#hashes[i] = hash;
      this.#owners[i] = router.shardOf(block, offset, length, hash);
    }
  }

  #keepOwners(command: PartedCommand, count: number): void {
    if (command.owners.length < count) command.owners = new Uint8Array(2 * count);
    command.owners.set(this.#owners.subarray(0, count));
    command.keys = count;
  }

  /** Sends each shard its keys, each with the `step` − 1 arguments after it. */
  #submit(
    command: PartedCommand,
    entry: CommandEntry,
    parser: RequestParser,
    count: number,
    step: number,
  ): void {
    const gateway = this.#gateway;
    const { connection } = command;
    const { links } = gateway.shards;
    const { positions } = gateway.keys;
    const first = positions[0]!;
    const args = this.#arguments;
    args.begin(parser);
    // Counted before anything is sent: a link that is down may answer at once.
    command.missing = this.#countOwners(count, links.length);
    for (let shard = 0; shard < links.length; shard++) {
      let hash = 0;
      args.argc = 0;
      for (let i = 0; i < count; i++) {
        if (this.#owners[i] !== shard) continue;
        if (args.argc === 0) {
          // What stands before the keys goes to every shard; the hash is that of argument 1.
          args.add(parser, 0, first);
          if (first === 1) hash = this.#hashes[i]!;
        }
        args.add(parser, positions[i]!, step);
      }
      if (args.argc === 0) continue;
      const link = links[shard]!;
      link.submit(
        command,
        entry.command,
        args,
        hash,
        connection.id,
        connection.database,
        connection.requestFlags,
        NO_CLAIM,
        false,
      );
      if (link.isCongested) connection.pauseReading();
    }
  }

  #countOwners(count: number, shards: number): number {
    let owners = 0;
    for (let shard = 0; shard < shards; shard++) {
      const at = this.#owners.indexOf(shard);
      if (at >= 0 && at < count) owners++;
    }
    return owners;
  }

  /** Answers what is complete at the head of the row of a command's connection. */
  #answer({ connection }: PartedCommand): void {
    const row = connection.partedCommands;
    while (row.length > 0 && row[0]!.missing === 0) {
      const command = row.shift()!;
      const writer = this.#writer;
      command.write(writer);
      if (connection.receiveLocal(writer.block, 0, writer.position, AT_ONCE)) writer.take();
      else writer.reset();
      if (this.#spare.length < SPARE_PARTS_MAX && command.keptBytes <= SPARE_PARTS_BYTES_MAX) {
        this.#spare.push(command);
      }
    }
  }
}

/** Arguments from one key to the next. */
function stepOf({ keys }: CommandMetadata): number {
  return keys?.[0]?.step ?? 1;
}
