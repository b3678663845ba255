/**
 * The chain of a list's nodes, and the descriptor that says where it begins and ends.
 *
 *   descriptor, the value in the keyspace entry     head ─▶ node ⇄ node ⇄ node ◀─ tail
 *   ┌ head │ tail │ length │ nodes ┐
 *   0      4      8        12     16
 *
 *   head, tail   references of the first and last node, 0 for none
 *   length       number of elements, unsigned
 *   nodes        number of nodes
 *
 * The lowest of three layers of one object: on this one list-packing.ts decides how much goes into
 * a node, and on that list-value.ts has what can be done with a list. Only ListValue is made. What
 * the upper layers alone may use is protected; public is what walks over the nodes, for who copies,
 * counts or frees them as they are. The layout of one node is list-node.ts.
 *
 * Invariants: each node is the `previous` of its `next`, and the other way around; no node is
 * empty; a list without elements has no nodes (the caller removes the key); `length` is the sum of
 * the nodes' counts. Adding and removing nodes leaves `length` alone: who moves elements from node
 * to node does the same, and only who adds or removes some says so with `addLength`.
 *
 * Cost: O(1). Memory: 16 bytes per list and 24 per node. Layers and not parts, because the fields
 * are then the list's own: a push through a part of its own took 5 % longer. No compression of inner
 * nodes (list-compress-depth).
 */
import { Block } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { LIST, valueOffset } from './entry.ts';
import { invariant } from './invariant.ts';
import { VALUE_FREERS } from './keyspace.ts';
import { ARENA_SLOT_BYTES_MAX } from './limits.ts';
import { verifyMirror } from './list-mirror.ts';
import {
  copyNode,
  countOf,
  endOf,
  fillPlain,
  freeNode,
  isPlain,
  makeNode,
  NODE_BYTES,
  NODE_ENTRIES_MAX,
  nextOf,
  previousOf,
  SLACK_TAIL,
  type SlackSide,
  setNext,
  setPrevious,
  startOf,
  usedBytes,
  verifyNode,
} from './list-node.ts';

/** Bytes of a list's descriptor, the value in its keyspace entry. */
export const LIST_BYTES = 16;
const HEAD = 0;
const TAIL = 4;
const LENGTH = 8;
const NODES = 12;

/** Bytes of a node's block by −list-max-listpack-size. */
const BLOCK_BYTES_MAX = [8192, 4096, 8192, 16384, 32768, 65536] as const;
/** With a limit by entries, a node is still no larger than this (Redis's SIZE_SAFETY_LIMIT). */
const BLOCK_BYTES_SAFE = 8192;

const NO_BLOCK = Block.allocate(0);
const NO_ARENA = new Arena();

export abstract class ListChain {
  protected arena: Arena = NO_ARENA;
  /** Block and offset of the descriptor. */
  protected block: Block = NO_BLOCK;
  protected at = 0;
  /** list-max-listpack-size: positive for entries per node, −1 … −5 for 4 … 64 KB. */
  protected fill = Number.MIN_SAFE_INTEGER;
  /** What follows from it: bytes of a packed node's block, and entries in one, at most. */
  protected blockBytesMax = 0;
  protected entriesMax = 0;

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
    this.arena = arena;
    this.block = block;
    this.at = at | 0;
    if (fill !== this.fill) this.#setFill(fill);
    return this;
  }

  #setFill(fill: number): void {
    this.fill = fill;
    const bytes = fill < 0 ? BLOCK_BYTES_MAX[Math.min(5, -fill)] : BLOCK_BYTES_SAFE;
    this.blockBytesMax = Math.min(bytes, ARENA_SLOT_BYTES_MAX);
    this.entriesMax = fill < 0 ? NODE_ENTRIES_MAX : Math.min(NODE_ENTRIES_MAX, Math.max(1, fill));
  }

  /** Makes the descriptor that of an empty list. */
  initialize(): void {
    const { view } = this.block;
    for (let i = 0; i < LIST_BYTES; i += 4) view.setInt32(this.at + i, 0, true);
  }

  /** Number of elements. */
  get length(): number {
    return this.block.view.getInt32(this.at + LENGTH, true) >>> 0;
  }

  /** Notes that elements were added, or with a negative number removed. */
  protected addLength(elements: number): void {
    const { view } = this.block;
    const at = this.at + LENGTH;
    view.setInt32(at, (view.getInt32(at, true) + elements) | 0, true);
  }

  // The nodes.

  /** Number of nodes. */
  get nodes(): number {
    return this.block.view.getInt32(this.at + NODES, true);
  }

  /** First node of the list, or 0. */
  firstNode(): number {
    return this.block.view.getInt32(this.at + HEAD, true);
  }

  /** Last node of the list, or 0. */
  protected lastNode(): number {
    return this.block.view.getInt32(this.at + TAIL, true);
  }

  /** The node after a node, or 0. */
  nextNode(node: number): number {
    return nextOf(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  /** The node before a node, or 0. */
  protected previousNode(node: number): number {
    return previousOf(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  /** Bytes of the block of a node. */
  protected nodeSize(node: number): number {
    return this.arena.sizeOf(node);
  }

  /** The block that holds a node's entries, from `nodeStart` to `nodeEnd`. */
  nodeBlock(node: number): Block {
    return this.arena.pages[pageOf(node)];
  }

  nodeStart(node: number): number {
    return offsetOf(node) + startOf(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  nodeEnd(node: number): number {
    return offsetOf(node) + endOf(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  /** Number of a node's elements. */
  nodeCount(node: number): number {
    return countOf(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  /** Bytes of a node's entries, or of its one element. */
  protected nodeUsed(node: number): number {
    return usedBytes(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  /** True when the node is one element's raw bytes, not entries. */
  nodeIsPlain(node: number): boolean {
    return isPlain(this.arena.pages[pageOf(node)], offsetOf(node));
  }

  // Changes of the chain.

  /**
   * Adds a packed node of at least `bytes` after `previous` (0: at the head). It has no entries, so
   * the caller puts some in.
   */
  protected addNode(previous: number, bytes: number, side: SlackSide): number {
    const node = makeNode(this.arena, bytes, side);
    const next = previous === 0 ? this.firstNode() : this.nextNode(previous);
    this.#join(previous, node);
    this.#join(node, next);
    this.#addNodes(1);
    return node;
  }

  /** Adds a plain node with this element after `previous` (0: at the head). */
  protected addPlain(previous: number, source: Block, offset: number, length: number): number {
    const node = this.addNode(previous, NODE_BYTES + length, SLACK_TAIL);
    fillPlain(this.nodeBlock(node), offsetOf(node), source, offset, length);
    return node;
  }

  /** Removes a node and frees it. */
  protected removeNode(node: number): void {
    this.#join(this.previousNode(node), this.nextNode(node));
    this.#addNodes(-1);
    freeNode(this.arena, node);
  }

  /** Moves a packed node to a block of `bytes`, without its mirror, and returns the new node. */
  protected resizeNode(node: number, bytes: number, side: SlackSide): number {
    const moved = copyNode(this.arena, node, bytes, side);
    this.#join(this.previousNode(node), moved);
    this.#join(moved, this.nextNode(node));
    freeNode(this.arena, node);
    return moved;
  }

  /** Makes two nodes neighbours; 0 stands for the list's ends. */
  #join(left: number, right: number): void {
    if (left === 0) this.block.view.setInt32(this.at + HEAD, right, true);
    else setNext(this.nodeBlock(left), offsetOf(left), right);
    if (right === 0) this.block.view.setInt32(this.at + TAIL, left, true);
    else setPrevious(this.nodeBlock(right), offsetOf(right), left);
  }

  #addNodes(nodes: number): void {
    this.block.view.setInt32(this.at + NODES, this.nodes + nodes, true);
  }

  /** Walks the whole list and throws when a link, a count, an entry or a mirror is wrong. */
  verify(): void {
    let length = 0;
    let nodes = 0;
    let previous = 0;
    for (let node = this.firstNode(); node !== 0; node = this.nextNode(node)) {
      invariant(this.previousNode(node) === previous, 'a list node points back wrongly');
      verifyNode(this.nodeBlock(node), offsetOf(node), this.nodeSize(node));
      verifyMirror(this.arena, this.nodeBlock(node), offsetOf(node));
      length += this.nodeCount(node);
      nodes++;
      previous = node;
    }
    invariant(this.lastNode() === previous, 'the tail is not the last node');
    invariant(length === this.length, `length ${this.length}, counted ${length}`);
    invariant(nodes === this.nodes, `${this.nodes} nodes, counted ${nodes}`);
  }
}

/** Frees all nodes of the list whose descriptor is at an offset of a block. */
function freeList(arena: Arena, block: Block, at: number): void {
  let node = block.view.getInt32(at + HEAD, true);
  while (node !== 0) {
    const next = nextOf(arena.pages[pageOf(node)], offsetOf(node));
    freeNode(arena, node);
    node = next;
  }
}

VALUE_FREERS[LIST] = freeList;
