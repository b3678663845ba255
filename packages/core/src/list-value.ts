/**
 * A list: a doubly linked chain of nodes in the arena, each a packed run of listpack entries.
 *
 *   entry's value: descriptor      head ─▶ node ⇄ node ⇄ node ◀─ tail, length, number of nodes
 *
 *   node ┌ previous │ next │ start │ end │ mirror │ word ┬ slack ┬ entries ┬ slack ┐
 *        └ 24 bytes ─────────────────────────────────────┴───────┴ start   ┴ end   ┘
 *          word: bits 0–15 entries, 16–23 range reads since the last change, 31 plain
 *
 * Slack on both sides makes pushes and pops at both ends O(1): a push writes into the slack, a pop
 * moves `start` or `end`. Without slack on its side a node slides its entries, grows to the next
 * size class, or (at list-max-listpack-size, which bounds the whole block) leaves the push to a new
 * node. An element too large for a node is a plain node of its own: raw bytes, no entry. Nodes that
 * lose half of their bytes shrink or merge with a neighbour, so that used_memory follows.
 *
 * Ranges: entries are RESP-encoded on the fly the first time; a node that is read again without a
 * change in between gets a mirror, its wire form with an offset index, and every span of it is one
 * copy. Any change of a node drops its mirror.
 *
 * Invariants: no node is empty; a list without elements has no nodes (the caller removes the key);
 * a node with a mirror has not changed since the mirror was made. `verify` checks all of it.
 *
 * Cost: O(1) amortised at the ends, O(nodes + entries of one node) by index, O(n) to search, as in
 * Redis's quicklist. Memory: 24 bytes per node and at most a sixteenth of slack while growing.
 *
 * A ListValue is a reused view: `open` it on an entry, and do not keep it over a command. It knows
 * nothing of keys, waiters or replies' shape. No compression of inner nodes (list-compress-depth).
 */
import { Block, copyBytes, type ReplyWriter } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { LIST, valueOffset } from './entry.ts';
import { invariant } from './invariant.ts';
import { VALUE_FREERS } from './keyspace.ts';
import { ARENA_SLOT_BYTES_MAX } from './limits.ts';
import { copyMirrorSpan, makeMirror } from './list-mirror.ts';
import {
  encodedBytes,
  encodeEntry,
  type Needle,
  nextEntry,
  previousEntry,
  writeBulk,
  writeBulks,
} from './listpack.ts';
import { MIRROR_SLOT } from './mirror-table.ts';

/** Bytes of a list's descriptor, the value in its keyspace entry. */
export const LIST_BYTES = 16;
const HEAD = 0;
const TAIL = 4;
const LENGTH = 8;
/** Where the descriptor has the number of nodes, int32. */
export const LIST_NODES = 12;

const PREVIOUS = 0;
const NEXT = 4;
const START = 8;
const END = 12;
/** int32: entries, reads and the plain flag in the sign bit. */
const WORD = 20;
/** Bytes of a node's header; data begins here at the earliest. */
const NODE = 24;
const COUNT_MASK = 0xffff;
const COUNT_MAX = 0xffff;
const ONE_READ = 1 << 16;
const READS_MASK = 0xff << 16;
const PLAIN = 1 << 31;

/** Bytes of a node's block by −list-max-listpack-size. */
const NODE_BYTES_MAX = [8192, 4096, 8192, 16384, 32768, 65536] as const;
/** With a limit by entries, a node is still no larger than this (Redis's SIZE_SAFETY_LIMIT). */
const NODE_BYTES_SAFE = 8192;
/** Blocks up to this size are not worth shrinking. */
const SHRINK_BYTES_MIN = 64;
/** A list of this many nodes gets its next ones full-grown: less copying, little slack. */
const LONG_LIST_NODES_MIN = 8;
/** A range of fewer entries does not make a mirror. */
const MIRROR_SPAN_MIN = 16;
/** Where the slack of a node goes when it is laid out anew. */
const SLACK_HEAD = 0;
const SLACK_TAIL = 1;
const SLACK_BOTH = 2;
type SlackSide = 0 | 1 | 2;

/** Bytes of slack before the entries, of `slack` in all. */
function slackBefore(slack: number, side: SlackSide): number {
  if (side === SLACK_BOTH) return slack >> 1;
  // The other end gets a little, so that pushes at both ends in turn do not slide every time.
  const other = slack >= 64 ? slack >> 3 : 0;
  return side === SLACK_TAIL ? other : slack - other;
}

/** Size to ask of the arena for a node that must hold `bytes`. */
function roomyBytes(bytes: number): number {
  return bytes <= 128 ? (bytes + 15) & ~15 : Arena.roundUp(bytes);
}

export class ListValue {
  #arena: Arena = NO_ARENA;
  /** Block and offset of the descriptor. */
  #block: Block = NO_BLOCK;
  #at = 0;
  /** list-max-listpack-size, and what follows from it. */
  #fill = Number.MIN_SAFE_INTEGER;
  #nodeBytesMax = 0;
  #countMax = 0;
  /** The cursor: a node, its block and base, and an entry's offset from the base. */
  #node = 0;
  #page: Block = NO_BLOCK;
  #base = 0;
  #entry = 0;

  /**
   * Looks at the list of a keyspace entry. `fill` is list-max-listpack-size: positive for entries
   * per node, −1 … −5 for 4 … 64 KB.
   */
  open(arena: Arena, reference: number, fill: number): this {
    const block = arena.pages[pageOf(reference)];
    return this.openAt(arena, block, valueOffset(block, offsetOf(reference)), fill);
  }

  /** Looks at the descriptor at an offset of a block. */
  openAt(arena: Arena, block: Block, at: number, fill: number): this {
    this.#arena = arena;
    this.#block = block;
    this.#at = at | 0;
    if (fill !== this.#fill) this.#setFill(fill);
    return this;
  }

  /** Makes the descriptor that of an empty list. */
  initialize(): void {
    const { view } = this.#block;
    for (let i = 0; i < LIST_BYTES; i += 4) view.setInt32(this.#at + i, 0, true);
  }

  #setFill(fill: number): void {
    this.#fill = fill;
    const bytes = fill < 0 ? NODE_BYTES_MAX[Math.min(5, -fill)] : NODE_BYTES_SAFE;
    this.#nodeBytesMax = Math.min(bytes, ARENA_SLOT_BYTES_MAX);
    this.#countMax = fill < 0 ? COUNT_MAX : Math.min(COUNT_MAX, Math.max(1, fill));
  }

  get length(): number {
    return this.#block.view.getInt32(this.#at + LENGTH, true) >>> 0;
  }

  get nodes(): number {
    return this.#block.view.getInt32(this.#at + LIST_NODES, true);
  }

  /** `listpack` for one packed node within the limits, else `quicklist`, as redis 7.2. */
  get encoding(): 'listpack' | 'quicklist' {
    const node = this.firstNode();
    if (this.nodes > 1 || node === 0) return this.nodes > 1 ? 'quicklist' : 'listpack';
    const isSmall =
      !this.nodeIsPlain(node) &&
      this.nodeCount(node) <= this.#countMax &&
      NODE + this.nodeEnd(node) - this.nodeStart(node) <= this.#nodeBytesMax;
    return isSmall ? 'listpack' : 'quicklist';
  }

  // The ends.

  /** Adds an element at the head. The source must not be a block of this list. */
  pushHead(source: Block, offset: number, length: number): void {
    const size = encodedBytes(source, offset, length);
    const node = this.#block.view.getInt32((this.#at + HEAD) | 0, true);
    if (node !== 0) {
      const page = this.#arena.pages[pageOf(node)];
      const base = offsetOf(node);
      const { view } = page;
      const word = view.getInt32((base + WORD) | 0, true);
      const start = (view.getInt32((base + START) | 0, true) - size) | 0;
      if (word >= 0 && start >= NODE && (word & COUNT_MASK) < this.#countMax) {
        encodeEntry(page, (base + start) | 0, source, offset, length);
        view.setInt32((base + START) | 0, start, true);
        this.#changed(page, base, ((word & COUNT_MASK) + 1) | 0);
        this.#addLength(1);
        return;
      }
    }
    this.#pushSlowly(node, size, SLACK_HEAD, source, offset, length);
  }

  /** Adds an element at the tail. The source must not be a block of this list. */
  pushTail(source: Block, offset: number, length: number): void {
    const size = encodedBytes(source, offset, length);
    const node = this.#block.view.getInt32((this.#at + TAIL) | 0, true);
    if (node !== 0) {
      const page = this.#arena.pages[pageOf(node)];
      const base = offsetOf(node);
      const { view } = page;
      const word = view.getInt32((base + WORD) | 0, true);
      const end = view.getInt32((base + END) | 0, true);
      const hasRoom = ((end + size) | 0) <= this.#arena.sizeOf(node);
      if (word >= 0 && hasRoom && (word & COUNT_MASK) < this.#countMax) {
        encodeEntry(page, (base + end) | 0, source, offset, length);
        view.setInt32((base + END) | 0, (end + size) | 0, true);
        this.#changed(page, base, ((word & COUNT_MASK) + 1) | 0);
        this.#addLength(1);
        return;
      }
    }
    this.#pushSlowly(node, size, SLACK_TAIL, source, offset, length);
  }

  /** Pushes where the end's node has no room on that side. */
  #pushSlowly(
    node: number,
    size: number,
    side: SlackSide,
    source: Block,
    offset: number,
    length: number,
  ): void {
    const atHead = side === SLACK_HEAD;
    if (NODE + size > this.#nodeBytesMax) {
      this.#addPlain(atHead ? 0 : node, source, offset, length);
      this.#addLength(1);
      return;
    }
    let target = node === 0 ? 0 : this.#makeRoom(node, size, side);
    if (target === 0) target = this.#addNode(atHead ? 0 : node, this.#newNodeBytes(size), side);
    const page = this.#arena.pages[pageOf(target)];
    const base = offsetOf(target);
    const edge = atHead ? START : END;
    const at = page.view.getInt32(base + edge, true) - (atHead ? size : 0);
    encodeEntry(page, base + at, source, offset, length);
    page.view.setInt32(base + edge, atHead ? at : at + size, true);
    this.#changed(page, base, (page.view.getInt32(base + WORD, true) & COUNT_MASK) + 1);
    this.#addLength(1);
  }

  /** A list that has filled nodes will fill this one too: it need not start small. */
  #newNodeBytes(size: number): number {
    const { nodes } = this;
    if (nodes === 0 || this.#fill >= 0) return NODE + size;
    if (nodes >= LONG_LIST_NODES_MIN) return this.#nodeBytesMax;
    return Math.max(NODE + size, this.#nodeBytesMax >> 3);
  }

  /** Makes room for `size` bytes at one side. Returns the node (it may have moved), or 0. */
  #makeRoom(node: number, size: number, side: SlackSide): number {
    if (!this.#allows(node, size)) return 0;
    const used = this.#usedBytes(node);
    const capacity = this.#arena.sizeOf(node);
    const slack = capacity - NODE - used;
    // Sliding costs `used` bytes of copying; it must yield slack in proportion.
    const isWorthSliding = slack >= size && slack * 16 >= used;
    if (isWorthSliding) {
      this.#slide(node, side);
      if (this.#slackAt(node, side) < size) this.#slideFully(node, side);
      return node;
    }
    const bytes = roomyBytes(Math.max(NODE + used + size, capacity + 1));
    if (bytes > this.#nodeBytesMax) return 0;
    const moved = this.#resize(node, bytes, side);
    if (this.#slackAt(moved, side) < size) this.#slideFully(moved, side);
    return moved;
  }

  #slackAt(node: number, side: SlackSide): number {
    const { view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    if (side === SLACK_HEAD) return view.getInt32(base + START, true) - NODE;
    return this.#arena.sizeOf(node) - view.getInt32(base + END, true);
  }

  /** Replies the first element and removes it. The list must not be empty. */
  popHead(reply: ReplyWriter): void {
    const node = this.#block.view.getInt32((this.#at + HEAD) | 0, true);
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const { view } = page;
    const start = view.getInt32((base + START) | 0, true);
    const word = view.getInt32((base + WORD) | 0, true);
    this.#addLength(-1);
    if (word < 0) {
      this.#replyPlain(reply, page, base);
      this.#removeNode(node);
      return;
    }
    writeBulk(reply, page, (base + start) | 0);
    const count = ((word & COUNT_MASK) - 1) | 0;
    if (count === 0) {
      this.#removeNode(node);
      return;
    }
    const next = (nextEntry(page, (base + start) | 0) - base) | 0;
    view.setInt32((base + START) | 0, next, true);
    this.#changed(page, base, count);
    const used = (view.getInt32((base + END) | 0, true) - next) | 0;
    if ((used + NODE) << 1 < this.#arena.sizeOf(node)) this.#shrink(node);
  }

  /** Replies the last element and removes it. The list must not be empty. */
  popTail(reply: ReplyWriter): void {
    const node = this.#block.view.getInt32((this.#at + TAIL) | 0, true);
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const { view } = page;
    const word = view.getInt32((base + WORD) | 0, true);
    this.#addLength(-1);
    if (word < 0) {
      this.#replyPlain(reply, page, base);
      this.#removeNode(node);
      return;
    }
    const last = previousEntry(page, (base + view.getInt32((base + END) | 0, true)) | 0);
    writeBulk(reply, page, last);
    const count = ((word & COUNT_MASK) - 1) | 0;
    if (count === 0) {
      this.#removeNode(node);
      return;
    }
    view.setInt32((base + END) | 0, (last - base) | 0, true);
    this.#changed(page, base, count);
    const used = (last - base - view.getInt32((base + START) | 0, true)) | 0;
    if ((used + NODE) << 1 < this.#arena.sizeOf(node)) this.#shrink(node);
  }

  /** Keeps the `keep` elements from index `from` on and removes the others. */
  trim(from: number, keep: number): void {
    const tail = this.length - from - keep;
    this.#drop(from, START);
    this.#drop(tail, END);
  }

  /** Removes elements from the end of the list where nodes have `border`: START or END. */
  #drop(elements: number, border: typeof START | typeof END): void {
    this.#addLength(-elements);
    const atHead = border === START;
    let left = elements;
    while (left > 0) {
      const node = atHead ? this.firstNode() : this.lastNode();
      const count = this.nodeCount(node);
      if (count <= left) {
        this.#removeNode(node);
        left -= count;
        continue;
      }
      const page = this.#arena.pages[pageOf(node)];
      const base = offsetOf(node);
      const index = atHead ? left : count - left;
      page.view.setInt32(base + border, this.#offsetOfEntry(page, base, index), true);
      this.#changed(page, base, count - left);
      this.#shrink(node);
      return;
    }
  }

  // Reading.

  /** Replies the element at an index, which must exist. */
  replyAt(reply: ReplyWriter, index: number): void {
    const skip = this.#seekNode(index);
    this.#replySpan(reply, this.#node, skip, 1);
  }

  /** Replies `count` elements from `from` on as bulk strings, without the array's head. */
  range(reply: ReplyWriter, from: number, count: number): void {
    let skip = this.#seekNode(from);
    let node = this.#node;
    let left = count;
    while (left > 0) {
      const span = Math.min(left, this.nodeCount(node) - skip);
      this.#replySpan(reply, node, skip, span);
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

  #replySpan(reply: ReplyWriter, node: number, skip: number, count: number): void {
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const word = page.view.getInt32(base + WORD, true);
    if (word < 0) {
      this.#replyPlain(reply, page, base);
      return;
    }
    const mirror = this.#mirrorFor(node, page, base, word, count);
    if (mirror !== undefined) {
      copyMirrorSpan(reply, mirror, skip, count);
      return;
    }
    writeBulks(reply, page, base + this.#offsetOfEntry(page, base, skip), count);
  }

  #replyPlain(reply: ReplyWriter, page: Block, base: number): void {
    const start = page.view.getInt32(base + START, true);
    reply.bulk(page, base + start, page.view.getInt32(base + END, true) - start);
  }

  /** The node's mirror, if it has one or has been read often enough to get one now. */
  #mirrorFor(
    node: number,
    page: Block,
    base: number,
    word: number,
    span: number,
  ): Block | undefined {
    const slot = page.view.getInt32(base + MIRROR_SLOT, true);
    if (slot !== 0) return this.#arena.mirrors.get(slot);
    if (span < MIRROR_SPAN_MIN) return undefined;
    if ((word & READS_MASK) === 0) {
      page.view.setInt32(base + WORD, word + ONE_READ, true);
      return undefined;
    }
    const start = base + page.view.getInt32(base + START, true);
    const mirror = makeMirror(page, start, word & COUNT_MASK);
    // Adding may evict other mirrors, which changes their nodes' headers, but moves no block.
    page.view.setInt32(base + MIRROR_SLOT, this.#arena.mirrors.add(node, mirror), true);
    return mirror;
  }

  /** Offset from the base of a packed node's entry number `index`; of its end for the count. */
  #offsetOfEntry(page: Block, base: number, index: number): number {
    const { view } = page;
    const count = view.getInt32(base + WORD, true) & COUNT_MASK;
    if (index * 2 <= count) {
      let at = (base + view.getInt32(base + START, true)) | 0;
      for (let i = index | 0; i > 0; i = (i - 1) | 0) at = nextEntry(page, at);
      return at - base;
    }
    let at = (base + view.getInt32(base + END, true)) | 0;
    for (let i = (count - index) | 0; i > 0; i = (i - 1) | 0) at = previousEntry(page, at);
    return at - base;
  }

  // The cursor: seek, compare, step, then perhaps insert or replace there.

  /** Puts the cursor on the element at an index. False when there is none. */
  seek(index: number): boolean {
    if (index < 0 || index >= this.length) return false;
    const skip = this.#seekNode(index);
    this.#setNode(this.#node);
    const isPlain = this.nodeIsPlain(this.#node);
    this.#entry = isPlain ? this.#start() : this.#offsetOfEntry(this.#page, this.#base, skip);
    return true;
  }

  /** Moves the cursor towards the tail. False at the end. */
  stepForward(): boolean {
    if (!this.nodeIsPlain(this.#node)) {
      this.#entry = nextEntry(this.#page, this.#base + this.#entry) - this.#base;
      if (this.#entry < this.#end()) return true;
    }
    const next = this.nextNode(this.#node);
    if (next === 0) return false;
    this.#setNode(next);
    this.#entry = this.#start();
    return true;
  }

  /** Moves the cursor towards the head. False at the end. */
  stepBackward(): boolean {
    if (this.#entry > this.#start()) {
      this.#entry = previousEntry(this.#page, this.#base + this.#entry) - this.#base;
      return true;
    }
    const previous = this.previousNode(this.#node);
    if (previous === 0) return false;
    this.#setNode(previous);
    const isPlain = this.nodeIsPlain(previous);
    this.#entry = isPlain
      ? this.#start()
      : previousEntry(this.#page, this.#base + this.#end()) - this.#base;
    return true;
  }

  /** True when the element at the cursor equals the needle. */
  matches(needle: Needle): boolean {
    if (this.#page.view.getInt32(this.#base + WORD, true) >= 0) {
      return needle.equalsEntry(this.#page, (this.#base + this.#entry) | 0);
    }
    const start = this.#start();
    return needle.equalsBytes(this.#page, this.#base + start, this.#end() - start);
  }

  /** Adds an element before the cursor's. The cursor is spoilt. */
  insertBefore(source: Block, offset: number, length: number): void {
    this.#insertAt(this.#node, this.#entry, source, offset, length);
    this.#addLength(1);
  }

  /** Adds an element after the cursor's. The cursor is spoilt. */
  insertAfter(source: Block, offset: number, length: number): void {
    const isPlain = this.nodeIsPlain(this.#node);
    const at = isPlain ? this.#end() : nextEntry(this.#page, this.#base + this.#entry) - this.#base;
    this.#insertAt(this.#node, at, source, offset, length);
    this.#addLength(1);
  }

  /** Replaces the cursor's element. The cursor is spoilt. */
  replace(source: Block, offset: number, length: number): void {
    const node = this.#node;
    const page = this.#page;
    const base = this.#base;
    if (this.nodeIsPlain(node)) {
      this.#insertAt(node, this.#start(), source, offset, length);
      this.#removeNode(node);
      return;
    }
    const at = this.#entry;
    const size = encodedBytes(source, offset, length);
    const oldSize = nextEntry(page, base + at) - base - at;
    const count = this.nodeCount(node);
    if (size === oldSize) {
      encodeEntry(page, base + at, source, offset, length);
      this.#changed(page, base, count);
      return;
    }
    page.bytes.copyWithin(base + at, base + at + oldSize, base + this.#end());
    page.view.setInt32(base + END, this.#end() - oldSize, true);
    this.#changed(page, base, count - 1);
    const where = this.#insertAt(node, at, source, offset, length);
    // The node lost its only entry and the new one went elsewhere.
    if (where !== node && count === 1 && this.#isEmptyNode(node, where)) this.#removeNode(node);
    this.#shrink(where);
  }

  /** True when `node` still stands beside `where`, empty. */
  #isEmptyNode(node: number, where: number): boolean {
    const stands = this.previousNode(where) === node || this.nextNode(where) === node;
    return stands && this.nodeCount(node) === 0;
  }

  #setNode(node: number): void {
    this.#node = node;
    this.#page = this.#arena.pages[pageOf(node)];
    this.#base = offsetOf(node);
  }

  #start(): number {
    return this.#page.view.getInt32(this.#base + START, true);
  }

  #end(): number {
    return this.#page.view.getInt32(this.#base + END, true);
  }

  // Changes in the middle.

  /**
   * Inserts before the entry that is at `at` (an offset from the node's base; the node's end to
   * insert after its last entry). Returns the node that has the new element.
   */
  #insertAt(node: number, at: number, source: Block, offset: number, length: number): number {
    const size = encodedBytes(source, offset, length);
    const { view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const isFirst = at === view.getInt32(base + START, true);
    const isLast = at === view.getInt32(base + END, true);
    const previous = this.previousNode(node);
    if (NODE + size > this.#nodeBytesMax) {
      if (isFirst || isLast) {
        return this.#addPlain(isFirst ? previous : node, source, offset, length);
      }
      const right = this.#split(node, at);
      const plain = this.#addPlain(node, source, offset, length);
      this.#settle(right);
      this.#settle(node);
      return plain;
    }
    if (this.#allows(node, size)) return this.#insertInto(node, at, size, source, offset, length);
    const next = this.nextNode(node);
    if (isLast && next !== 0 && this.#allows(next, size)) {
      return this.#insertInto(next, this.#startOf(next), size, source, offset, length);
    }
    if (isFirst && previous !== 0 && this.#allows(previous, size)) {
      return this.#insertInto(previous, this.#endOf(previous), size, source, offset, length);
    }
    if (isFirst || isLast) {
      const made = this.#addNode(isFirst ? previous : node, NODE + size, SLACK_TAIL);
      return this.#insertInto(made, this.#startOf(made), size, source, offset, length);
    }
    this.#split(node, at);
    return this.#settle(this.#insertAt(node, this.#endOf(node), source, offset, length));
  }

  #startOf(node: number): number {
    return this.#arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + START, true);
  }

  #endOf(node: number): number {
    return this.#arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + END, true);
  }

  /** True when a node may take `size` more bytes within list-max-listpack-size. */
  #allows(node: number, size: number): boolean {
    const { view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const word = view.getInt32(base + WORD, true);
    if (word < 0 || (word & COUNT_MASK) >= this.#countMax) return false;
    const used = view.getInt32(base + END, true) - view.getInt32(base + START, true);
    return NODE + used + size <= this.#nodeBytesMax;
  }

  /** Inserts into a packed node that allows it, moving the shorter side. Returns the node. */
  #insertInto(
    node: number,
    at: number,
    size: number,
    source: Block,
    offset: number,
    length: number,
  ): number {
    const place = at - this.#startOf(node);
    const target = this.#ensureSlack(node, size);
    const page = this.#arena.pages[pageOf(target)];
    const { bytes, view } = page;
    const base = offsetOf(target);
    const start = view.getInt32(base + START, true);
    const end = view.getInt32(base + END, true);
    const isRightRoomy = this.#arena.sizeOf(target) - end >= size;
    let gap = start + place;
    if (isRightRoomy && (start - NODE < size || place * 2 >= end - start)) {
      bytes.copyWithin(base + gap + size, base + gap, base + end);
      view.setInt32(base + END, end + size, true);
    } else {
      bytes.copyWithin(base + start - size, base + start, base + gap);
      view.setInt32(base + START, start - size, true);
      gap -= size;
    }
    encodeEntry(page, base + gap, source, offset, length);
    this.#changed(page, base, (view.getInt32(base + WORD, true) & COUNT_MASK) + 1);
    return target;
  }

  /** Makes `size` bytes of slack on at least one side. Returns the node (it may have moved). */
  #ensureSlack(node: number, size: number): number {
    if (this.#slackAt(node, SLACK_HEAD) >= size) return node;
    if (this.#slackAt(node, SLACK_TAIL) >= size) return node;
    const needed = NODE + this.#usedBytes(node) + size;
    let target = node;
    if (needed > this.#arena.sizeOf(node)) {
      const bytes = Math.min(roomyBytes(needed), this.#nodeBytesMax);
      target = this.#resize(node, bytes, SLACK_TAIL);
    }
    this.#slideFully(target, SLACK_TAIL);
    return target;
  }

  /** Moves the entries from `at` on to a new node after this one, and returns that. */
  #split(node: number, at: number): number {
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const end = page.view.getInt32(base + END, true);
    const count = page.view.getInt32(base + WORD, true) & COUNT_MASK;
    let moved = 0;
    for (let entry = base + at; entry < base + end; moved++) entry = nextEntry(page, entry);
    const right = this.#addNode(node, NODE + end - at, SLACK_TAIL);
    const rightPage = this.#arena.pages[pageOf(right)];
    const rightBase = offsetOf(right);
    const start = rightPage.view.getInt32(rightBase + START, true);
    copyBytes(rightPage, rightBase + start, page, base + at, end - at);
    rightPage.view.setInt32(rightBase + END, start + end - at, true);
    rightPage.view.setInt32(rightBase + WORD, moved, true);
    page.view.setInt32(base + END, at, true);
    this.#changed(page, base, count - moved);
    return right;
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
      const page = this.#arena.pages[pageOf(node)];
      const base = offsetOf(node);
      const word = page.view.getInt32(base + WORD, true);
      const found =
        word < 0
          ? this.#plainMatches(page, base, needle)
          : fromTail
            ? this.#removeBackward(page, base, needle, most - removed)
            : this.#removeForward(page, base, needle, most - removed);
      removed += found;
      if (found > 0) this.#afterRemoval(node, (word & COUNT_MASK) - found, fromTail);
      node = next;
    }
    this.#addLength(-removed);
    return removed;
  }

  #plainMatches(page: Block, base: number, needle: Needle): number {
    const start = page.view.getInt32(base + START, true);
    const length = page.view.getInt32(base + END, true) - start;
    return needle.equalsBytes(page, base + start, length) ? 1 : 0;
  }

  /** Removes, fits or merges a node that lost entries; never touches the next one to look at. */
  #afterRemoval(node: number, left: number, fromTail: boolean): void {
    if (left === 0) {
      this.#removeNode(node);
      return;
    }
    this.#changed(this.nodeBlock(node), offsetOf(node), left);
    const done = fromTail ? this.nextNode(node) : this.previousNode(node);
    const first = fromTail ? node : done;
    const second = fromTail ? done : node;
    if (done !== 0 && this.#canMerge(first, second)) this.#merge(first, second);
    else this.#fit(node);
  }

  /** Closes gaps towards the start and moves END. Returns the number of entries removed. */
  #removeForward(page: Block, base: number, needle: Needle, most: number): number {
    const end = (base + page.view.getInt32(base + END, true)) | 0;
    let at = (base + page.view.getInt32(base + START, true)) | 0;
    let kept = at;
    let to = at;
    let found = 0;
    while (at < end && found < most) {
      const next = nextEntry(page, at);
      if (needle.equalsEntry(page, at)) {
        if (to !== kept) page.bytes.copyWithin(to, kept, at);
        to = (to + at - kept) | 0;
        kept = next;
        found = (found + 1) | 0;
      }
      at = next;
    }
    if (found === 0) return 0;
    page.bytes.copyWithin(to, kept, end);
    page.view.setInt32(base + END, to + end - kept - base, true);
    return found;
  }

  /** Closes gaps towards the end and moves START. Returns the number of entries removed. */
  #removeBackward(page: Block, base: number, needle: Needle, most: number): number {
    const start = (base + page.view.getInt32(base + START, true)) | 0;
    let at = (base + page.view.getInt32(base + END, true)) | 0;
    let keptEnd = at;
    let to = at;
    let found = 0;
    while (at > start && found < most) {
      const entry = previousEntry(page, at);
      if (needle.equalsEntry(page, entry)) {
        to = (to - (keptEnd - at)) | 0;
        if (to !== at) page.bytes.copyWithin(to, at, keptEnd);
        keptEnd = entry;
        found = (found + 1) | 0;
      }
      at = entry;
    }
    if (found === 0) return 0;
    const from = to - (keptEnd - start);
    page.bytes.copyWithin(from, start, keptEnd);
    page.view.setInt32(base + START, from - base, true);
    return found;
  }

  // Nodes.

  /** First node of the list, or 0. */
  firstNode(): number {
    return this.#block.view.getInt32(this.#at + HEAD, true);
  }

  /** Last node of the list, or 0. */
  lastNode(): number {
    return this.#block.view.getInt32(this.#at + TAIL, true);
  }

  /** The node after a node, or 0. */
  nextNode(node: number): number {
    return this.#arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + NEXT, true);
  }

  /** The node before a node, or 0. */
  previousNode(node: number): number {
    return this.#arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + PREVIOUS, true);
  }

  /** The block that holds a node's entries, from `nodeStart` to `nodeEnd`. */
  nodeBlock(node: number): Block {
    return this.#arena.pages[pageOf(node)];
  }

  nodeStart(node: number): number {
    return offsetOf(node) + this.#startOf(node);
  }

  nodeEnd(node: number): number {
    return offsetOf(node) + this.#endOf(node);
  }

  /** Number of a node's elements. */
  nodeCount(node: number): number {
    const { view } = this.#arena.pages[pageOf(node)];
    return view.getInt32(offsetOf(node) + WORD, true) & COUNT_MASK;
  }

  /** True when the node is one element's raw bytes, not entries. */
  nodeIsPlain(node: number): boolean {
    return this.#arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + WORD, true) < 0;
  }

  /**
   * Adds `count` (1 and up) packed entries at the tail, as one node when they fit into one. The
   * entries must be sound; they come from an RDB file whose reader has checked them.
   */
  appendPacked(source: Block, offset: number, bytes: number, count: number): void {
    const isOneNode = NODE + bytes <= this.#nodeBytesMax && count <= this.#countMax;
    if (isOneNode) {
      this.#appendRun(source, offset, bytes, count);
      return;
    }
    const end = offset + bytes;
    let from = offset;
    let entries = 0;
    for (let at = offset; at < end; ) {
      const next = nextEntry(source, at);
      const isFull = NODE + next - from > this.#nodeBytesMax || entries === this.#countMax;
      if (isFull && entries > 0) {
        this.#appendRun(source, from, at - from, entries);
        from = at;
        entries = 0;
      }
      entries++;
      at = next;
    }
    this.#appendRun(source, from, end - from, entries);
  }

  #appendRun(source: Block, offset: number, bytes: number, count: number): void {
    const node = this.#addNode(this.lastNode(), NODE + bytes, SLACK_TAIL);
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const start = page.view.getInt32(base + START, true);
    copyBytes(page, base + start, source, offset, bytes);
    page.view.setInt32(base + END, start + bytes, true);
    page.view.setInt32(base + WORD, count, true);
    this.#addLength(count);
  }

  /** Adds an empty packed node of at least `bytes` after `previous` (0: at the head). */
  #addNode(previous: number, bytes: number, side: SlackSide): number {
    const node = this.#arena.allocate(bytes);
    const { view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const start = side === SLACK_HEAD ? this.#arena.sizeOf(node) : NODE;
    view.setInt32(base + START, start, true);
    view.setInt32(base + END, start, true);
    view.setInt32(base + MIRROR_SLOT, 0, true);
    view.setInt32(base + WORD, 0, true);
    this.#link(node, previous);
    return node;
  }

  #addPlain(previous: number, source: Block, offset: number, length: number): number {
    const node = this.#addNode(previous, NODE + length, SLACK_TAIL);
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    copyBytes(page, base + NODE, source, offset, length);
    page.view.setInt32(base + END, NODE + length, true);
    page.view.setInt32(base + WORD, PLAIN | 1, true);
    return node;
  }

  #link(node: number, previous: number): void {
    const next = previous === 0 ? this.firstNode() : this.nextNode(previous);
    this.#join(previous, node);
    this.#join(node, next);
    this.#block.view.setInt32(this.#at + LIST_NODES, this.nodes + 1, true);
  }

  /** Makes two nodes neighbours; 0 stands for the list's ends. */
  #join(left: number, right: number): void {
    if (left === 0) this.#block.view.setInt32(this.#at + HEAD, right, true);
    else this.#arena.pages[pageOf(left)].view.setInt32(offsetOf(left) + NEXT, right, true);
    if (right === 0) this.#block.view.setInt32(this.#at + TAIL, left, true);
    else this.#arena.pages[pageOf(right)].view.setInt32(offsetOf(right) + PREVIOUS, left, true);
  }

  #removeNode(node: number): void {
    this.#join(this.previousNode(node), this.nextNode(node));
    this.#block.view.setInt32(this.#at + LIST_NODES, this.nodes - 1, true);
    freeNode(this.#arena, node);
  }

  #usedBytes(node: number): number {
    return this.#endOf(node) - this.#startOf(node);
  }

  /** Notes that a packed node's entries changed: sets the count, drops reads and mirror. */
  #changed(page: Block, base: number, count: number): void {
    page.view.setInt32((base + WORD) | 0, count, true);
    if (page.view.getInt32((base + MIRROR_SLOT) | 0, true) !== 0) {
      dropMirror(this.#arena, page, base);
    }
  }

  #addLength(elements: number): void {
    const { view } = this.#block;
    const at = (this.#at + LENGTH) | 0;
    view.setInt32(at, (view.getInt32(at, true) + elements) | 0, true);
  }

  /** Lays the entries out so that the slack is (mostly) on one side. The node has just changed. */
  #slide(node: number, side: SlackSide): void {
    const slack = this.#arena.sizeOf(node) - NODE - this.#usedBytes(node);
    this.#moveEntries(node, NODE + slackBefore(slack, side));
  }

  #slideFully(node: number, side: SlackSide): void {
    const slack = this.#arena.sizeOf(node) - NODE - this.#usedBytes(node);
    this.#moveEntries(node, side === SLACK_HEAD ? NODE + slack : NODE);
  }

  #moveEntries(node: number, start: number): void {
    const { bytes, view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const from = view.getInt32(base + START, true);
    const end = view.getInt32(base + END, true);
    if (start === from) return;
    bytes.copyWithin(base + start, base + from, base + end);
    view.setInt32(base + START, start, true);
    view.setInt32(base + END, start + end - from, true);
  }

  /** Moves a packed node to a block of `bytes`, without its mirror, and returns the new node. */
  #resize(node: number, bytes: number, side: SlackSide): number {
    const moved = this.#arena.allocate(bytes);
    const from = this.#arena.pages[pageOf(node)];
    const fromBase = offsetOf(node);
    const to = this.#arena.pages[pageOf(moved)];
    const toBase = offsetOf(moved);
    const start = from.view.getInt32(fromBase + START, true);
    const used = from.view.getInt32(fromBase + END, true) - start;
    const newStart = NODE + slackBefore(this.#arena.sizeOf(moved) - NODE - used, side);
    copyBytes(to, toBase + newStart, from, fromBase + start, used);
    to.view.setInt32(toBase + START, newStart, true);
    to.view.setInt32(toBase + END, newStart + used, true);
    to.view.setInt32(toBase + MIRROR_SLOT, 0, true);
    const count = from.view.getInt32(fromBase + WORD, true) & COUNT_MASK;
    to.view.setInt32(toBase + WORD, count, true);
    this.#join(this.previousNode(node), moved);
    this.#join(moved, this.nextNode(node));
    freeNode(this.#arena, node);
    return moved;
  }

  /** Gives memory back when a node uses less than half of its block. */
  #shrink(node: number): void {
    const capacity = this.#arena.sizeOf(node);
    if (capacity > SHRINK_BYTES_MIN && (this.#usedBytes(node) + NODE) << 1 < capacity) {
      this.#settle(node);
    }
  }

  /** Merges a small node with a neighbour, or fits its block. Returns where its entries are. */
  #settle(node: number): number {
    if (this.nodeIsPlain(node)) return node;
    const next = this.nextNode(node);
    if (next !== 0 && this.#canMerge(node, next)) return this.#merge(node, next);
    const previous = this.previousNode(node);
    if (previous !== 0 && this.#canMerge(previous, node)) return this.#merge(previous, node);
    return this.#fit(node);
  }

  /** Moves a packed node to a smaller block when it uses less than half. Returns the node. */
  #fit(node: number): number {
    const bytes = NODE + this.#usedBytes(node);
    const capacity = this.#arena.sizeOf(node);
    if (capacity <= SHRINK_BYTES_MIN || bytes * 2 >= capacity) return node;
    return this.#resize(node, roomyBytes(bytes + (bytes >> 3)), SLACK_BOTH);
  }

  /** Half of the limit, so that a merged node is not split again at once. */
  #canMerge(left: number, right: number): boolean {
    if (this.nodeIsPlain(left) || this.nodeIsPlain(right)) return false;
    if (this.nodeCount(left) + this.nodeCount(right) > this.#countMax) return false;
    return NODE + this.#usedBytes(left) + this.#usedBytes(right) <= this.#nodeBytesMax >> 1;
  }

  #merge(left: number, right: number): number {
    const rightBytes = this.#usedBytes(right);
    const bytes = roomyBytes(NODE + this.#usedBytes(left) + rightBytes);
    const target = this.#resize(left, bytes, SLACK_TAIL);
    this.#slideFully(target, SLACK_TAIL);
    const page = this.#arena.pages[pageOf(target)];
    const base = offsetOf(target);
    const end = page.view.getInt32(base + END, true);
    copyBytes(page, base + end, this.nodeBlock(right), this.nodeStart(right), rightBytes);
    page.view.setInt32(base + END, end + rightBytes, true);
    this.#changed(page, base, this.nodeCount(target) + this.nodeCount(right));
    this.#removeNode(right);
    return target;
  }

  /** Walks the whole list and throws when a link, a count, an entry or a mirror is wrong. */
  verify(): void {
    let length = 0;
    let nodes = 0;
    let previous = 0;
    for (let node = this.firstNode(); node !== 0; node = this.nextNode(node)) {
      invariant(this.previousNode(node) === previous, 'a list node points back wrongly');
      invariant(this.#startOf(node) >= NODE, 'entries begin in the header');
      invariant(this.#endOf(node) <= this.#arena.sizeOf(node), 'entries leave the node');
      invariant(this.nodeCount(node) > 0, 'an empty node');
      if (this.nodeIsPlain(node)) invariant(this.nodeCount(node) === 1, 'a plain node of many');
      else this.#verifyEntries(node);
      length += this.nodeCount(node);
      nodes++;
      previous = node;
    }
    invariant(this.lastNode() === previous, 'the tail is not the last node');
    invariant(length === this.length, `length ${this.length}, counted ${length}`);
    invariant(nodes === this.nodes, `${this.nodes} nodes, counted ${nodes}`);
  }

  #verifyEntries(node: number): void {
    const page = this.nodeBlock(node);
    const end = this.nodeEnd(node);
    let count = 0;
    for (let at = this.nodeStart(node); at < end; count++) {
      const next = nextEntry(page, at);
      invariant(previousEntry(page, next) === at, 'an entry cannot be read backwards');
      invariant(next <= end, 'an entry leaves its node');
      at = next;
    }
    invariant(count === this.nodeCount(node), 'a node miscounts its entries');
    const slot = page.view.getInt32(offsetOf(node) + MIRROR_SLOT, true);
    if (slot === 0) return;
    const mirror = this.#arena.mirrors.get(slot);
    invariant(mirror !== undefined, 'a node points to a mirror that is gone');
    const fresh = makeMirror(page, this.nodeStart(node), count);
    invariant(mirror.bytes.equals(fresh.bytes), 'a mirror differs from its node');
  }
}

const NO_BLOCK = Block.allocate(0);
const NO_ARENA = new Arena();

function dropMirror(arena: Arena, page: Block, base: number): void {
  arena.mirrors.drop(page.view.getInt32(base + MIRROR_SLOT, true));
  page.view.setInt32(base + MIRROR_SLOT, 0, true);
}

function freeNode(arena: Arena, node: number): void {
  const page = arena.pages[pageOf(node)];
  if (page.view.getInt32(offsetOf(node) + MIRROR_SLOT, true) !== 0) {
    dropMirror(arena, page, offsetOf(node));
  }
  arena.free(node);
}

/** Frees all nodes of the list whose descriptor is at an offset of a block. */
function freeList(arena: Arena, block: Block, at: number): void {
  let node = block.view.getInt32(at + HEAD, true);
  while (node !== 0) {
    const next = arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + NEXT, true);
    freeNode(arena, node);
    node = next;
  }
}

VALUE_FREERS[LIST] = freeList;
