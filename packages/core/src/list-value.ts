/**
 * A list: a doubly linked chain of nodes in the arena, each a packed run of listpack entries.
 *
 *   entry's value: descriptor      head ─▶ node ⇄ node ⇄ node ◀─ tail, length, number of nodes
 *   node                           header ┬ slack ┬ entries ┬ slack
 *
 *   list-value.ts     what can be done with a list: ends, ranges, the cursor, removals
 *   list-packing.ts   how much goes into a node: growing, splitting, merging, shrinking
 *   list-chain.ts    the descriptor, and the links between nodes
 *   list-node.ts      the layout of one node, its slack and its entries
 *   list-mirror.ts    replying spans of a node, and the wire form of nodes that are often read
 *
 * A push or pop touches one node, and does so here as long as the node has room on that side; what
 * needs another block or a neighbour is list-packing.ts. The bytes of descriptor and nodes are drawn
 * in list-chain.ts and list-node.ts. Ranges go from node to node.
 *
 * The cursor is a node and an entry's offset in it. Any change spoils it: seek again.
 *
 * Invariants: those of the chain and its nodes, between any two calls. `verify` checks all of it.
 *
 * Cost: O(1) amortised at the ends, O(nodes + entries of one node) by index, O(n) to search, as in
 * Redis's quicklist. No call allocates on V8's heap, but for mirrors.
 *
 * A ListValue is a reused view: `open` it on an entry, and do not keep it over a command. It knows
 * nothing of keys, waiters or replies' shape.
 */
import { Block, type ReplyWriter } from '@hashlane/resp';
import { offsetOf, pageOf } from './arena.ts';
import { replySpan } from './list-mirror.ts';
import {
  countOf,
  cutBackward,
  cutForward,
  endOf,
  isPlain,
  NODE_BYTES,
  NODE_COUNT_OR_PLAIN,
  NODE_END,
  NODE_START,
  NODE_WORD,
  noteChange,
  offsetOfEntry,
  plainEquals,
  replyPlain,
  SLACK_HEAD,
  SLACK_TAIL,
  setEnd,
  setStart,
  startOf,
} from './list-node.ts';
import { ListPacking } from './list-packing.ts';
import {
  encodedBytes,
  encodeEntry,
  type Needle,
  nextEntry,
  previousEntry,
  writeBulk,
} from './listpack.ts';

export { LIST_BYTES } from './list-chain.ts';

// Parts of a node's header, once more as constants of this file: V8 folds these into the code of
// pushes and pops, and would load those of another module each time. Nor do pushes and pops go
// through accessors: they are as large as V8's budget for inlining allows (920 bytes of bytecode).
const START = NODE_START;
const END = NODE_END;
const WORD = NODE_WORD;
const COUNT_OR_PLAIN = NODE_COUNT_OR_PLAIN;
const HEADER_BYTES = NODE_BYTES;

const NO_BLOCK = Block.allocate(0);

export class ListValue extends ListPacking {
  /** The cursor: a node, its page and base, and an entry's offset from the base. */
  #node = 0;
  #page: Block = NO_BLOCK;
  #base = 0;
  #entry = 0;

  /** `listpack` for one packed node within the limits, else `quicklist`, as redis 7.2. */
  get encoding(): 'listpack' | 'quicklist' {
    const node = this.firstNode();
    if (this.nodes > 1 || node === 0) return this.nodes > 1 ? 'quicklist' : 'listpack';
    const isSmall =
      !this.nodeIsPlain(node) &&
      this.nodeCount(node) <= this.entriesMax &&
      NODE_BYTES + this.nodeUsed(node) <= this.blockBytesMax;
    return isSmall ? 'listpack' : 'quicklist';
  }

  // The ends.

  /** Adds an element at the head. The source must not be a block of this list. */
  pushHead(source: Block, offset: number, length: number): void {
    const size = encodedBytes(source, offset, length);
    const node = this.firstNode();
    if (node !== 0) {
      const page = this.arena.pages[pageOf(node)];
      const base = offsetOf(node);
      const start = (page.view.getInt32((base + START) | 0, true) - size) | 0;
      const count = page.view.getInt32((base + WORD) | 0, true) & COUNT_OR_PLAIN;
      if (start >= HEADER_BYTES && count >= 0 && count < this.entriesMax) {
        encodeEntry(page, (base + start) | 0, source, offset, length);
        page.view.setInt32((base + START) | 0, start, true);
        noteChange(this.arena, page, base, (count + 1) | 0);
        this.addLength(1);
        return;
      }
    }
    this.pushSlowly(node, size, SLACK_HEAD, source, offset, length);
  }

  /** Adds an element at the tail. The source must not be a block of this list. */
  pushTail(source: Block, offset: number, length: number): void {
    const size = encodedBytes(source, offset, length);
    const node = this.lastNode();
    if (node !== 0) {
      const page = this.arena.pages[pageOf(node)];
      const base = offsetOf(node);
      const end = page.view.getInt32((base + END) | 0, true);
      const count = page.view.getInt32((base + WORD) | 0, true) & COUNT_OR_PLAIN;
      const hasRoom = ((end + size) | 0) <= this.arena.sizeOf(node);
      if (hasRoom && count >= 0 && count < this.entriesMax) {
        encodeEntry(page, (base + end) | 0, source, offset, length);
        page.view.setInt32((base + END) | 0, (end + size) | 0, true);
        noteChange(this.arena, page, base, (count + 1) | 0);
        this.addLength(1);
        return;
      }
    }
    this.pushSlowly(node, size, SLACK_TAIL, source, offset, length);
  }

  /** Replies the first element and removes it. The list must not be empty. */
  popHead(reply: ReplyWriter): void {
    const node = this.firstNode();
    const page = this.arena.pages[pageOf(node)];
    const base = offsetOf(node);
    this.addLength(-1);
    const entries = page.view.getInt32((base + WORD) | 0, true) & COUNT_OR_PLAIN;
    if (entries < 0) {
      replyPlain(reply, page, base);
      this.removeNode(node);
      return;
    }
    const first = (base + page.view.getInt32((base + START) | 0, true)) | 0;
    writeBulk(reply, page, first);
    const count = (entries - 1) | 0;
    if (count === 0) {
      this.removeNode(node);
      return;
    }
    const start = (nextEntry(page, first) - base) | 0;
    page.view.setInt32((base + START) | 0, start, true);
    noteChange(this.arena, page, base, count);
    const used = (page.view.getInt32((base + END) | 0, true) - start) | 0;
    if ((used + HEADER_BYTES) << 1 < this.arena.sizeOf(node)) this.shrink(node);
  }

  /** Replies the last element and removes it. The list must not be empty. */
  popTail(reply: ReplyWriter): void {
    const node = this.lastNode();
    const page = this.arena.pages[pageOf(node)];
    const base = offsetOf(node);
    this.addLength(-1);
    const entries = page.view.getInt32((base + WORD) | 0, true) & COUNT_OR_PLAIN;
    if (entries < 0) {
      replyPlain(reply, page, base);
      this.removeNode(node);
      return;
    }
    const last = previousEntry(page, (base + page.view.getInt32((base + END) | 0, true)) | 0);
    writeBulk(reply, page, last);
    const count = (entries - 1) | 0;
    if (count === 0) {
      this.removeNode(node);
      return;
    }
    const end = (last - base) | 0;
    page.view.setInt32((base + END) | 0, end, true);
    noteChange(this.arena, page, base, count);
    const used = (end - page.view.getInt32((base + START) | 0, true)) | 0;
    if ((used + HEADER_BYTES) << 1 < this.arena.sizeOf(node)) this.shrink(node);
  }

  /** Keeps the `keep` elements from index `from` on and removes the others. */
  trim(from: number, keep: number): void {
    const tail = this.length - from - keep;
    this.#drop(from, true);
    this.#drop(tail, false);
  }

  /** Removes elements from one end of the list. */
  #drop(elements: number, atHead: boolean): void {
    this.addLength(-elements);
    let left = elements;
    while (left > 0) {
      const node = atHead ? this.firstNode() : this.lastNode();
      const count = this.nodeCount(node);
      if (count <= left) {
        this.removeNode(node);
        left -= count;
        continue;
      }
      const page = this.nodeBlock(node);
      const base = offsetOf(node);
      if (atHead) setStart(page, base, offsetOfEntry(page, base, left));
      else setEnd(page, base, offsetOfEntry(page, base, count - left));
      noteChange(this.arena, page, base, count - left);
      this.shrink(node);
      return;
    }
  }

  // Reading.

  /** Replies the element at an index, which must exist. */
  replyAt(reply: ReplyWriter, index: number): void {
    const skip = this.#seekNode(index);
    replySpan(this.arena, reply, this.#node, skip, 1);
  }

  /** Replies `count` elements from `from` on as bulk strings, without the array's head. */
  range(reply: ReplyWriter, from: number, count: number): void {
    let skip = this.#seekNode(from);
    let node = this.#node;
    let left = count;
    while (left > 0) {
      const span = Math.min(left, this.nodeCount(node) - skip);
      replySpan(this.arena, reply, node, skip, span);
      left -= span;
      skip = 0;
      node = this.nextNode(node);
    }
  }

  /** Puts the cursor's node on the one that has the element; returns the element's place in it. */
  #seekNode(index: number): number {
    const { length } = this;
    if (index * 2 <= length) {
      let node = this.firstNode();
      let skip = index;
      for (let n = this.nodeCount(node); skip >= n; n = this.nodeCount(node)) {
        skip -= n;
        node = this.nextNode(node);
      }
      this.#node = node;
      return skip;
    }
    let node = this.lastNode();
    let before = length - this.nodeCount(node);
    while (index < before) {
      node = this.previousNode(node);
      before -= this.nodeCount(node);
    }
    this.#node = node;
    return index - before;
  }

  // The cursor: seek, compare, step, then perhaps insert or replace there.

  /** Puts the cursor on the element at an index. False when there is none. */
  seek(index: number): boolean {
    if (index < 0 || index >= this.length) return false;
    const skip = this.#seekNode(index);
    this.#enter(this.#node);
    // A plain node's element is its first, and it has no entries to go by.
    if (skip > 0) this.#entry = offsetOfEntry(this.#page, this.#base, skip);
    return true;
  }

  /** Moves the cursor towards the tail. False at the end. */
  stepForward(): boolean {
    if (!isPlain(this.#page, this.#base)) {
      this.#entry = nextEntry(this.#page, this.#base + this.#entry) - this.#base;
      if (this.#entry < endOf(this.#page, this.#base)) return true;
    }
    const next = this.nextNode(this.#node);
    if (next === 0) return false;
    this.#enter(next);
    return true;
  }

  /** Moves the cursor towards the head. False at the end. */
  stepBackward(): boolean {
    if (this.#entry > startOf(this.#page, this.#base)) {
      this.#entry = previousEntry(this.#page, this.#base + this.#entry) - this.#base;
      return true;
    }
    const previous = this.previousNode(this.#node);
    if (previous === 0) return false;
    this.#enter(previous);
    if (!isPlain(this.#page, this.#base)) {
      const end = this.#base + endOf(this.#page, this.#base);
      this.#entry = previousEntry(this.#page, end) - this.#base;
    }
    return true;
  }

  /** Puts the cursor on the first element of a node. */
  #enter(node: number): void {
    this.#node = node;
    this.#page = this.nodeBlock(node);
    this.#base = offsetOf(node);
    this.#entry = startOf(this.#page, this.#base);
  }

  /** True when the element at the cursor equals the needle. */
  matches(needle: Needle): boolean {
    if (isPlain(this.#page, this.#base)) return plainEquals(this.#page, this.#base, needle);
    return needle.equalsEntry(this.#page, (this.#base + this.#entry) | 0);
  }

  /** Adds an element before the cursor's. The cursor is spoilt. */
  insertBefore(source: Block, offset: number, length: number): void {
    this.insertAt(this.#node, this.#entry, source, offset, length);
    this.addLength(1);
  }

  /** Adds an element after the cursor's. The cursor is spoilt. */
  insertAfter(source: Block, offset: number, length: number): void {
    const at = isPlain(this.#page, this.#base)
      ? endOf(this.#page, this.#base)
      : nextEntry(this.#page, this.#base + this.#entry) - this.#base;
    this.insertAt(this.#node, at, source, offset, length);
    this.addLength(1);
  }

  /** Replaces the cursor's element. The cursor is spoilt. */
  replace(source: Block, offset: number, length: number): void {
    this.replaceAt(this.#node, this.#entry, source, offset, length);
  }

  /**
   * Removes elements that equal the needle: the first `most` of them from the head, or from the
   * tail. Returns how many. One pass; what is kept of a node moves at most once.
   */
  remove(needle: Needle, most: number, fromTail: boolean): number {
    let removed = 0;
    let node = fromTail ? this.lastNode() : this.firstNode();
    while (node !== 0 && removed < most) {
      const next = fromTail ? this.previousNode(node) : this.nextNode(node);
      const page = this.nodeBlock(node);
      const base = offsetOf(node);
      const count = countOf(page, base);
      let found = 0;
      if (isPlain(page, base)) found = plainEquals(page, base, needle) ? 1 : 0;
      else if (fromTail) found = cutBackward(page, base, needle, most - removed);
      else found = cutForward(page, base, needle, most - removed);
      removed += found;
      if (found > 0) this.afterRemoval(node, count - found, fromTail);
      node = next;
    }
    this.addLength(-removed);
    return removed;
  }
}
