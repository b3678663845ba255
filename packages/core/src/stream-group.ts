/**
 * A consumer group of a stream: how far it has read, who reads, and what was delivered and not yet
 * acknowledged.
 *
 *   group ─ pending    ID ─▶ consumer's number, time and count of deliveries
 *         └ consumers  by name ─▶ consumer ─ pending    IDs alone
 *
 * A pending entry is a row in the group's table and a row in its consumer's: 52 bytes, no object.
 * What a consumer's row stands for is looked up in the group's table. Both are in the order of IDs.
 *
 * Costs: deliver, acknowledge, transfer O(log n); a row of an ID larger than all is O(1).
 */
import { Block } from '@hashlane/resp';
import type { Arena } from './arena.ts';
import { EntryCounter } from './entry-counter.ts';
import { ID_WORDS, IdIndex } from './id-index.ts';
import { invariant } from './invariant.ts';
import { type Named, NamedList } from './named-list.ts';
import { joinWords, StreamId } from './stream-id.ts';

const TWO_32 = 0x1_0000_0000;

/** Words of a row of a group's pending table. */
const CONSUMER = ID_WORDS;
const TIME_HIGH = ID_WORDS + 1;
const TIME_LOW = ID_WORDS + 2;
const COUNT_HIGH = ID_WORDS + 3;
const COUNT_LOW = ID_WORDS + 4;
const PENDING_WORDS = 5;
/** In place of a consumer's number while a group is being loaded. */
const NOBODY = -1;

/** What the objects cost beside their tables, about; counted with the tables. */
const GROUP_BYTES = 600;
const CONSUMER_BYTES = 400;

/** Time of a consumer that has never taken anything. */
export const NEVER = -1;

export class StreamConsumer implements Named {
  readonly name: Block;
  /** In its group; rows of the pending table name their consumer by it. */
  readonly number: number;
  /** When it last asked for something (ms since the epoch), and when it last got something. */
  seenTime: number;
  activeTime = NEVER;
  readonly pending: IdIndex;

  constructor(arena: Arena, name: Block, number: number, now: number) {
    this.name = name;
    this.number = number;
    this.seenTime = now;
    this.pending = new IdIndex(arena, 0);
  }
}

const scratch = new StreamId();

export class StreamGroup implements Named {
  readonly name: Block;
  readonly #arena: Arena;
  /** The last ID delivered to any consumer. */
  readonly lastId = new StreamId();
  readonly entriesRead = new EntryCounter(EntryCounter.UNKNOWN);
  readonly consumers = new NamedList<StreamConsumer>();
  /** Delivered and not acknowledged. Its cursor is the row that the methods on rows are about. */
  readonly pending: IdIndex;
  readonly #byNumber: (StreamConsumer | undefined)[] = [];
  readonly #freeNumbers: number[] = [];

  constructor(arena: Arena, name: Block) {
    this.#arena = arena;
    this.name = name;
    this.pending = new IdIndex(arena, PENDING_WORDS);
    arena.tableBytes += GROUP_BYTES + name.size;
  }

  // Consumers.

  consumer(block: Block, offset: number, length: number): StreamConsumer | undefined {
    return this.consumers.find(block, offset, length);
  }

  /** Adds a consumer; `consumer` has just not found this name. */
  addConsumer(block: Block, offset: number, length: number, now: number): StreamConsumer {
    const name = Block.allocate(length);
    block.bytes.copy(name.bytes, 0, offset, offset + length);
    const number = this.#freeNumbers.pop() ?? this.#byNumber.length;
    const consumer = new StreamConsumer(this.#arena, name, number, now);
    this.#byNumber[number] = consumer;
    this.consumers.insert(consumer);
    this.#arena.tableBytes += CONSUMER_BYTES + length;
    return consumer;
  }

  /** Removes the consumer that `consumer` has just found, and what is pending for it. */
  removeConsumer(consumer: StreamConsumer): void {
    this.consumers.removeFound();
    const { pending } = consumer;
    for (let isRow = pending.seekFirst(); isRow; isRow = pending.next()) {
      if (this.pending.find(pending.readId(scratch))) this.pending.remove();
    }
    this.#freeConsumer(consumer);
  }

  #freeConsumer(consumer: StreamConsumer): void {
    consumer.pending.clear();
    this.#byNumber[consumer.number] = undefined;
    this.#freeNumbers.push(consumer.number);
    this.#arena.tableBytes -= CONSUMER_BYTES + consumer.name.size;
  }

  // Pending entries. Those with "row" in their names are about the row of the cursor.

  /** Notes that an entry was delivered to a consumer, for the first time. */
  deliver(consumer: StreamConsumer, id: StreamId, now: number): void {
    // After XGROUP SETID an entry may be pending already, for this consumer or another one.
    if (this.pending.find(id)) {
      this.giveRow(consumer, id);
    } else {
      this.addRow(consumer, id);
    }
    this.setRowTime(now);
    this.setRowCount(0, 1);
  }

  /** Adds a row where `pending.find` of this ID has just failed. */
  addRow(consumer: StreamConsumer, id: StreamId): void {
    this.pending.insert(id);
    this.pending.setWord(CONSUMER, consumer.number);
    if (!consumer.pending.find(id)) consumer.pending.insert(id);
  }

  /** Adds a row of no consumer where `pending.find` of this ID has just failed: while loading. */
  addUnownedRow(id: StreamId): void {
    this.pending.insert(id);
    this.pending.setWord(CONSUMER, NOBODY);
  }

  /** Gives a row of no consumer, whose ID is `id`, to one. False when it has one already. */
  ownRow(consumer: StreamConsumer, id: StreamId): boolean {
    if (this.pending.word(CONSUMER) !== NOBODY) return false;
    this.pending.setWord(CONSUMER, consumer.number);
    if (!consumer.pending.find(id)) consumer.pending.insert(id);
    return true;
  }

  /** Makes the row, whose ID is `id`, that of another consumer. */
  giveRow(consumer: StreamConsumer, id: StreamId): void {
    const owner = this.rowConsumer();
    if (owner === consumer) return;
    if (owner.pending.find(id)) owner.pending.remove();
    if (!consumer.pending.find(id)) consumer.pending.insert(id);
    this.pending.setWord(CONSUMER, consumer.number);
  }

  /** Removes the row, whose ID is `id`, also from its consumer. */
  removeRow(id: StreamId): void {
    const owner = this.rowConsumer();
    if (owner.pending.find(id)) owner.pending.remove();
    this.pending.remove();
  }

  rowConsumer(): StreamConsumer {
    const consumer = this.#byNumber[this.pending.word(CONSUMER)];
    invariant(consumer !== undefined, 'a pending entry of no consumer');
    return consumer;
  }

  /** When the row was last delivered, in ms since the epoch. */
  rowTime(): number {
    return this.pending.word(TIME_HIGH) * TWO_32 + (this.pending.word(TIME_LOW) >>> 0);
  }

  setRowTime(time: number): void {
    this.pending.setWord(TIME_HIGH, Math.floor(time / TWO_32));
    this.pending.setWord(TIME_LOW, time | 0);
  }

  rowCount(): bigint {
    return joinWords(this.pending.word(COUNT_HIGH), this.pending.word(COUNT_LOW));
  }

  setRowCount(high: number, low: number): void {
    this.pending.setWord(COUNT_HIGH, high);
    this.pending.setWord(COUNT_LOW, low);
  }

  setRowBigCount(count: bigint): void {
    this.setRowCount(Number(BigInt.asIntN(32, count >> 32n)), Number(BigInt.asIntN(32, count)));
  }

  /** Takes time and count over from the row of another group. */
  copyRow(other: StreamGroup): void {
    for (let i = TIME_HIGH; i <= COUNT_LOW; i++) this.pending.setWord(i, other.pending.word(i));
  }

  /** One delivery more. */
  countRow(): void {
    const low = (this.pending.word(COUNT_LOW) + 1) | 0;
    this.pending.setWord(COUNT_LOW, low);
    if (low === 0) this.pending.setWord(COUNT_HIGH, (this.pending.word(COUNT_HIGH) + 1) | 0);
  }

  /** Bytes of the group in `arena.tableBytes`. */
  get bytes(): number {
    let bytes = GROUP_BYTES + this.name.size + this.pending.bytes;
    for (const { name, pending } of this.consumers.all) {
      bytes += CONSUMER_BYTES + name.size + pending.bytes;
    }
    return bytes;
  }

  /** Gives back all tables. */
  release(): void {
    for (const consumer of this.consumers.all) this.#freeConsumer(consumer);
    this.pending.clear();
    this.#arena.tableBytes -= GROUP_BYTES + this.name.size;
  }

  /** Throws when a pending entry is not its consumer's. For tests and fuzzers. */
  verify(): void {
    this.pending.verify();
    let sum = 0;
    for (const { pending } of this.consumers.all) {
      pending.verify();
      sum += pending.size;
    }
    invariant(sum === this.pending.size, 'pending entries of group and consumers differ');
    for (let isRow = this.pending.seekFirst(); isRow; isRow = this.pending.next()) {
      const isThere = this.rowConsumer().pending.find(this.pending.readId(scratch));
      invariant(isThere, 'a pending entry is not with its consumer');
    }
  }
}
