/**
 * How much goes into a node of a list, and where an element goes that its node has no room for.
 *
 * list-max-listpack-size bounds the whole block of a node (`blockBytesMax`) and its entries
 * (`entriesMax`). Within these bounds a node
 *
 *   grows      to the next size class when it is full; full-grown from the start in a long list
 *   slides     its entries instead, when the slack is on the other side and worth it
 *   splits     when an element comes into the middle of one that may not grow
 *   shrinks    to what it needs when it has lost half of its bytes, or
 *   merges     with a neighbour when both take half of the bound together: so used_memory follows
 *
 * An element that is too large for any node becomes a plain node of its own.
 *
 * The middle one of a list's layers, see list-chain.ts. What the bytes of a node are is known to
 * list-node.ts alone.
 *
 * Invariants: those of list-chain.ts and list-node.ts. Each method that is not private leaves a
 * sound chain, but for the list's `length`, which is the caller's unless the method says otherwise.
 * A node that moved to another block has another reference: what a method returns is where the
 * entries are now, and the old reference is of no use any more.
 *
 * Cost: a push is O(1) amortised, because a node that is moved or slid has slack in proportion to
 * what was copied; the rest is O(bytes of one or two nodes). At most a sixteenth of a growing list
 * is slack. Pushes and pops come here only when a node has no room or too much (list-value.ts).
 */
import { type Block, copyBytes } from '@hashlane/resp';
import { Arena, offsetOf } from './arena.ts';
import { ListChain } from './list-chain.ts';
import {
  closeGap,
  countOf,
  endOf,
  entriesFrom,
  fillNode,
  isPlain,
  NODE_BYTES,
  noteChange,
  openGap,
  SLACK_BOTH,
  SLACK_HEAD,
  SLACK_TAIL,
  type SlackSide,
  setEnd,
  setStart,
  slackAt,
  slide,
  slideFully,
  startOf,
  usedBytes,
} from './list-node.ts';
import { encodedBytes, encodeEntry, nextEntry } from './listpack.ts';

/** Blocks up to this size are not worth shrinking. */
const SHRINK_BYTES_MIN = 64;
/** A list of this many nodes gets its next ones full-grown: less copying, little slack. */
const LONG_LIST_NODES_MIN = 8;

/** Size to ask of the arena for a node that must hold `bytes`. */
function roomyBytes(bytes: number): number {
  return bytes <= 128 ? (bytes + 15) & ~15 : Arena.roundUp(bytes);
}

export abstract class ListPacking extends ListChain {
  /** True when a node may take `size` more bytes within list-max-listpack-size. */
  #allows(node: number, size: number): boolean {
    const page = this.nodeBlock(node);
    const base = offsetOf(node);
    if (isPlain(page, base) || countOf(page, base) >= this.entriesMax) return false;
    return NODE_BYTES + usedBytes(page, base) + size <= this.blockBytesMax;
  }

  // At the ends.

  /**
   * Pushes where the end's node has no room on that side: an element whose entry takes `size` bytes
   * beside `node`, 0 in an empty list. Adds to the list's length.
   */
  protected pushSlowly(
    node: number,
    size: number,
    side: SlackSide,
    source: Block,
    offset: number,
    length: number,
  ): void {
    const atHead = side === SLACK_HEAD;
    this.addLength(1);
    if (NODE_BYTES + size > this.blockBytesMax) {
      this.addPlain(atHead ? 0 : node, source, offset, length);
      return;
    }
    let target = node === 0 ? 0 : this.#makeRoom(node, size, side);
    if (target === 0) target = this.addNode(atHead ? 0 : node, this.#newNodeBytes(size), side);
    const page = this.nodeBlock(target);
    const base = offsetOf(target);
    const at = atHead ? startOf(page, base) - size : endOf(page, base);
    encodeEntry(page, base + at, source, offset, length);
    if (atHead) setStart(page, base, at);
    else setEnd(page, base, at + size);
    noteChange(this.arena, page, base, countOf(page, base) + 1);
  }

  /** A list that has filled nodes will fill this one too: it need not start small. */
  #newNodeBytes(size: number): number {
    const { nodes } = this;
    if (nodes === 0 || this.fill >= 0) return NODE_BYTES + size;
    if (nodes >= LONG_LIST_NODES_MIN) return this.blockBytesMax;
    return Math.max(NODE_BYTES + size, this.blockBytesMax >> 3);
  }

  /** Makes room for `size` bytes at one side. Returns the node (it may have moved), or 0. */
  #makeRoom(node: number, size: number, side: SlackSide): number {
    if (!this.#allows(node, size)) return 0;
    const used = this.nodeUsed(node);
    const capacity = this.nodeSize(node);
    const slack = capacity - NODE_BYTES - used;
    // Sliding costs `used` bytes of copying; it must yield slack in proportion.
    const isWorthSliding = slack >= size && slack * 16 >= used;
    let target = node;
    if (!isWorthSliding) {
      const bytes = roomyBytes(Math.max(NODE_BYTES + used + size, capacity + 1));
      if (bytes > this.blockBytesMax) return 0;
      target = this.resizeNode(node, bytes, side);
    }
    slide(this.nodeBlock(target), offsetOf(target), this.nodeSize(target), side, size);
    return target;
  }

  /**
   * Adds `count` (1 and up) packed entries at the tail, as one node when they fit into one. Adds to
   * the list's length. The entries must be sound; they come from an RDB file whose reader has
   * checked them.
   */
  appendPacked(source: Block, offset: number, bytes: number, count: number): void {
    if (NODE_BYTES + bytes <= this.blockBytesMax && count <= this.entriesMax) {
      this.#appendRun(source, offset, bytes, count);
      return;
    }
    const end = offset + bytes;
    let from = offset;
    let entries = 0;
    for (let at = offset; at < end; ) {
      const next = nextEntry(source, at);
      const isFull = NODE_BYTES + next - from > this.blockBytesMax || entries === this.entriesMax;
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

  /** Adds entries at the tail as a node of their own. */
  #appendRun(source: Block, offset: number, bytes: number, count: number): void {
    const node = this.addNode(this.lastNode(), NODE_BYTES + bytes, SLACK_TAIL);
    fillNode(this.nodeBlock(node), offsetOf(node), source, offset, bytes, count);
    this.addLength(count);
  }

  // In the middle.

  /**
   * Inserts before the entry that is at `at` (an offset from the node's base; the node's end to
   * insert after its last entry). Returns the node that has the new element.
   */
  protected insertAt(
    node: number,
    at: number,
    source: Block,
    offset: number,
    length: number,
  ): number {
    const size = encodedBytes(source, offset, length);
    const page = this.nodeBlock(node);
    const base = offsetOf(node);
    const isFirst = at === startOf(page, base);
    const isLast = at === endOf(page, base);
    const previous = this.previousNode(node);
    if (NODE_BYTES + size > this.blockBytesMax) {
      if (isFirst || isLast) {
        return this.addPlain(isFirst ? previous : node, source, offset, length);
      }
      const right = this.#split(node, at);
      const plain = this.addPlain(node, source, offset, length);
      this.#settle(right);
      this.#settle(node);
      return plain;
    }
    if (this.#allows(node, size)) {
      return this.#insertInto(node, at - startOf(page, base), size, source, offset, length);
    }
    const next = this.nextNode(node);
    if (isLast && next !== 0 && this.#allows(next, size)) {
      return this.#insertInto(next, 0, size, source, offset, length);
    }
    if (isFirst && previous !== 0 && this.#allows(previous, size)) {
      return this.#insertInto(previous, this.nodeUsed(previous), size, source, offset, length);
    }
    if (isFirst || isLast) {
      const made = this.addNode(isFirst ? previous : node, NODE_BYTES + size, SLACK_TAIL);
      return this.#insertInto(made, 0, size, source, offset, length);
    }
    this.#split(node, at);
    return this.#settle(this.insertAt(node, endOf(page, base), source, offset, length));
  }

  /**
   * Inserts an entry of `size` bytes into a packed node that allows it, `place` bytes behind the
   * first. Returns the node (it may have moved).
   */
  #insertInto(
    node: number,
    place: number,
    size: number,
    source: Block,
    offset: number,
    length: number,
  ): number {
    const target = this.#ensureSlack(node, size);
    const page = this.nodeBlock(target);
    const base = offsetOf(target);
    const gap = openGap(page, base, this.nodeSize(target), place, size);
    encodeEntry(page, base + gap, source, offset, length);
    noteChange(this.arena, page, base, countOf(page, base) + 1);
    return target;
  }

  /** Makes `size` bytes of slack on at least one side. Returns the node (it may have moved). */
  #ensureSlack(node: number, size: number): number {
    const page = this.nodeBlock(node);
    const base = offsetOf(node);
    const capacity = this.nodeSize(node);
    if (slackAt(page, base, capacity, SLACK_HEAD) >= size) return node;
    if (slackAt(page, base, capacity, SLACK_TAIL) >= size) return node;
    const needed = NODE_BYTES + usedBytes(page, base) + size;
    let target = node;
    if (needed > capacity) {
      const bytes = Math.min(roomyBytes(needed), this.blockBytesMax);
      target = this.resizeNode(node, bytes, SLACK_TAIL);
    }
    slideFully(this.nodeBlock(target), offsetOf(target), this.nodeSize(target), SLACK_TAIL);
    return target;
  }

  /** Puts an element in the place of the one at `at`: the node's start, where the node is plain. */
  protected replaceAt(
    node: number,
    at: number,
    source: Block,
    offset: number,
    length: number,
  ): void {
    const page = this.nodeBlock(node);
    const base = offsetOf(node);
    if (isPlain(page, base)) {
      this.insertAt(node, at, source, offset, length);
      this.removeNode(node);
      return;
    }
    const oldSize = nextEntry(page, base + at) - base - at;
    const count = countOf(page, base);
    if (encodedBytes(source, offset, length) === oldSize) {
      encodeEntry(page, base + at, source, offset, length);
      noteChange(this.arena, page, base, count);
      return;
    }
    closeGap(page, base, at, oldSize);
    noteChange(this.arena, page, base, count - 1);
    const where = this.insertAt(node, at, source, offset, length);
    // The node lost its only entry and the new one went elsewhere.
    if (where !== node && count === 1 && this.#isEmptyBeside(node, where)) this.removeNode(node);
    this.shrink(where);
  }

  /** True when `node` still stands beside `where`, empty. */
  #isEmptyBeside(node: number, where: number): boolean {
    const stands = this.previousNode(where) === node || this.nextNode(where) === node;
    return stands && this.nodeCount(node) === 0;
  }

  /** Moves the entries from `at` on to a new node after this one, and returns that. */
  #split(node: number, at: number): number {
    const page = this.nodeBlock(node);
    const base = offsetOf(node);
    const bytes = endOf(page, base) - at;
    const moved = entriesFrom(page, base, at);
    const right = this.addNode(node, NODE_BYTES + bytes, SLACK_TAIL);
    fillNode(this.nodeBlock(right), offsetOf(right), page, base + at, bytes, moved);
    setEnd(page, base, at);
    noteChange(this.arena, page, base, countOf(page, base) - moved);
    return right;
  }

  // After removals.

  /**
   * Removes, fits or merges a node that lost entries and has `left`. May merge it with the node that
   * was looked at before, but never touches the one to look at next.
   */
  protected afterRemoval(node: number, left: number, fromTail: boolean): void {
    if (left === 0) {
      this.removeNode(node);
      return;
    }
    noteChange(this.arena, this.nodeBlock(node), offsetOf(node), left);
    const done = fromTail ? this.nextNode(node) : this.previousNode(node);
    const first = fromTail ? node : done;
    const second = fromTail ? done : node;
    if (done !== 0 && this.#canMerge(first, second)) this.#merge(first, second);
    else this.#fit(node);
  }

  /** Gives memory back when a node uses less than half of its block. */
  protected shrink(node: number): void {
    const capacity = this.nodeSize(node);
    if (capacity > SHRINK_BYTES_MIN && (this.nodeUsed(node) + NODE_BYTES) << 1 < capacity) {
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
    const bytes = NODE_BYTES + this.nodeUsed(node);
    const capacity = this.nodeSize(node);
    if (capacity <= SHRINK_BYTES_MIN || bytes * 2 >= capacity) return node;
    return this.resizeNode(node, roomyBytes(bytes + (bytes >> 3)), SLACK_BOTH);
  }

  /** Half of the limit, so that a merged node is not split again at once. */
  #canMerge(left: number, right: number): boolean {
    if (this.nodeIsPlain(left) || this.nodeIsPlain(right)) return false;
    if (this.nodeCount(left) + this.nodeCount(right) > this.entriesMax) return false;
    return NODE_BYTES + this.nodeUsed(left) + this.nodeUsed(right) <= this.blockBytesMax >> 1;
  }

  /** Moves the entries of two neighbours to one node, and returns that. */
  #merge(left: number, right: number): number {
    const added = this.nodeUsed(right);
    const bytes = roomyBytes(NODE_BYTES + this.nodeUsed(left) + added);
    const target = this.resizeNode(left, bytes, SLACK_TAIL);
    const page = this.nodeBlock(target);
    const base = offsetOf(target);
    slideFully(page, base, this.nodeSize(target), SLACK_TAIL);
    const from = this.nodeBlock(right);
    const fromBase = offsetOf(right);
    const end = endOf(page, base);
    copyBytes(page, base + end, from, fromBase + startOf(from, fromBase), added);
    setEnd(page, base, end + added);
    noteChange(this.arena, page, base, countOf(page, base) + countOf(from, fromBase));
    this.removeNode(right);
    return target;
  }
}
