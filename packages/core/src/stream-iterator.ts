/**
 * Walks the live entries of a stream between two IDs, forwards or backwards, and replies them.
 *
 * A reused view: `start` points it at a stream, `next` moves to the next entry that is not deleted,
 * whose ID is then in `id`. The stream must not change on the way, and the cursor of its directory
 * belongs to the iterator.
 *
 * Cost: O(log nodes) to start, then O(1) per element of the entries passed over; inside the first
 * node the entries before the range are passed over too, as in Redis.
 */
import type { ReplyWriter } from '@hashlane/resp';
import { integerAt, nextEntry, previousEntry, writeBulk, writeBulks } from './listpack.ts';
import { compareIds, replyId, StreamId } from './stream-id.ts';
import { NodeEntry } from './stream-node.ts';
import type { StreamValue } from './stream-value.ts';

export class StreamIterator {
  readonly entry = new NodeEntry(new StreamId(), new StreamId());
  #stream!: StreamValue;
  readonly #from = new StreamId();
  readonly #to = new StreamId();
  #isReverse = false;
  /** False before the first node and after the last one. */
  #isInNode = false;
  /** Where the next entry begins; backwards, where the one before ends. */
  #at = 0;
  /** The entry was passed over already: `#at` is behind it. */
  #isPast = true;

  /** ID of the entry. */
  get id(): StreamId {
    return this.entry.id;
  }

  /** Begins with the entries from `from` to `to`, both included. */
  start(stream: StreamValue, from: StreamId, to: StreamId, isReverse = false): this {
    this.#stream = stream;
    this.#from.copy(from);
    this.#to.copy(to);
    this.#isReverse = isReverse;
    this.#isPast = true;
    const { nodes } = stream;
    const isFound = nodes.seekFloor(isReverse ? to : from);
    this.#isInNode = isFound || (!isReverse && nodes.seekFirst());
    if (this.#isInNode) this.#openNode();
    return this;
  }

  #openNode(): void {
    this.#stream.openNode(this.entry);
    this.#at = this.#isReverse ? this.entry.endAt : this.entry.firstAt;
  }

  /** Moves to the next entry. False when there is none. */
  next(): boolean {
    return this.#isReverse ? this.#nextBackwards() : this.#nextForwards();
  }

  #nextForwards(): boolean {
    const { entry } = this;
    if (!this.#isPast) this.#at = entry.after();
    this.#isPast = true;
    while (this.#isInNode) {
      if (this.#at >= entry.endAt) {
        this.#isInNode = this.#stream.nodes.next();
        if (this.#isInNode) this.#openNode();
        continue;
      }
      entry.read(this.#at);
      if (compareIds(entry.id, this.#to) > 0) {
        this.#isInNode = false;
      } else if (entry.isDeleted || compareIds(entry.id, this.#from) < 0) {
        this.#at = entry.after();
      } else {
        this.#isPast = false;
        return true;
      }
    }
    return false;
  }

  #nextBackwards(): boolean {
    const { entry } = this;
    while (this.#isInNode) {
      if (this.#at <= entry.firstAt) {
        this.#isInNode = this.#stream.nodes.previous();
        if (this.#isInNode) this.#openNode();
        continue;
      }
      const { page } = entry;
      let at = previousEntry(page, this.#at);
      for (let left = integerAt(page, at); left > 0; left--) at = previousEntry(page, at);
      this.#at = at;
      entry.read(at);
      if (compareIds(entry.id, this.#from) < 0) this.#isInNode = false;
      else if (!entry.isDeleted && compareIds(entry.id, this.#to) <= 0) return true;
    }
    return false;
  }

  /** Replies the entry: its ID and an array of fields and values. */
  reply(reply: ReplyWriter): void {
    const { entry } = this;
    const after = replyEntry(reply, entry);
    if (this.#isReverse) return;
    this.#at = nextEntry(entry.page, after);
    this.#isPast = true;
  }
}

/** Replies an entry and returns the offset behind its fields and values. */
export function replyEntry(reply: ReplyWriter, entry: NodeEntry): number {
  reply.array(2);
  replyId(reply, entry.id);
  reply.array(2 * entry.fields);
  return replyPairs(reply, entry);
}

/** Replies the fields and values of an entry, each a bulk string. Returns the offset behind them. */
export function replyPairs(reply: ReplyWriter, entry: NodeEntry): number {
  const { fields, page } = entry;
  let at = entry.valuesAt;
  if (!entry.hasMasterFields) {
    writeBulks(reply, page, at, 2 * fields);
    for (let left = 2 * fields; left > 0; left--) at = nextEntry(page, at);
    return at;
  }
  let fieldAt = entry.masterFieldsAt;
  for (let left = fields; left > 0; left--) {
    writeBulk(reply, page, fieldAt);
    writeBulk(reply, page, at);
    fieldAt = nextEntry(page, fieldAt);
    at = nextEntry(page, at);
  }
  return at;
}
