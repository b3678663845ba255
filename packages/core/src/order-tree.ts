/**
 * An order-statistic tree: items in the order of (score, member), with ranks.
 *
 * A counted B+ tree whose nodes are blocks of the arena, so that the garbage collector sees one
 * object per tree. An item is a block of the arena too, which the tree refers to and never frees:
 *
 *   inner  ┌ count ┬ children ┬ items below each ┬ first item of each ┬ its score ┐
 *                       │
 *   leaf   ┌ count ┬ next ┬ previous ┬ scores ┬ items ┐ ⇄ leaf ⇄ leaf
 *                                                 │
 *   item   ┌ score ┬ member length ┬ member ┐
 *
 *   order-tree.ts   what changes a tree: inserting, removing, splitting and merging nodes
 *   order-path.ts   what finds something in one: searches, ranks, the cursor
 *   order-node.ts   the bytes of nodes and items
 *
 * Changes go up along the path that a search left behind. The first item of an inner node's first
 * child may be out of date: so taking items off the front, as queues do, changes one leaf and a few
 * counts.
 *
 * A full leaf splits in halves, except at the ends of the tree, where it stays full: what arrives
 * in order (time stamps) fills leaves to the brim. A node of less than a quarter merges with a
 * neighbour when both together leave a quarter free; an empty one goes.
 *
 * Invariants: those of order-path.ts; no node is empty but the only leaf of an empty tree, and the
 * root has more than one child, unless it is a leaf.
 *
 * Costs: insert, remove, rank, seek and the bounds O(log n); next and previous O(1); a run of m
 * items is removed in O(m + log n · m / 62). Memory: 12.4 bytes per item in full leaves, 25 in
 * halves.
 *
 * Source: Bayer, McCreight, "Organization and Maintenance of Large Ordered Indices" (1972); counts
 * for ranks as in Knuth, volume 3, 6.2.3. Not here: members to items (a ByteMap's business).
 */
import { copyBytes } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import {
  INNER,
  INNER_BYTES,
  INNER_MAX,
  ITEM_SCORE,
  LEAF,
  LEAF_BYTES,
  LEAF_MAX,
  shift,
  shiftChildren,
} from './order-node.ts';
import { OrderPath, path } from './order-path.ts';

export { compareMembers, ITEM_LENGTH, ITEM_MEMBER, ITEM_SCORE } from './order-node.ts';

const { COUNT, NEXT, PREVIOUS, SCORES, ITEMS } = LEAF;
const { CHILDREN, TOTALS, FIRSTS, FIRST_SCORES } = INNER;
const { nodes: pathNodes, places: pathPlaces } = path;

const LEAF_MIN = LEAF_MAX >> 2;
const LEAF_MERGED_MAX = LEAF_MAX - LEAF_MIN;
const INNER_MIN = INNER_MAX >> 2;
const INNER_MERGED_MAX = INNER_MAX - INNER_MIN;

export class OrderTree extends OrderPath {
  constructor(arena: Arena) {
    super(arena);
    this.root = this.#newLeaf();
  }

  // Changes.

  /** Adds an item, whose score and member are in its block. */
  insert(item: number): void {
    const score = this.scoreOfItem(item);
    this.boundAt(item, score, false);
    this.descend();
    this.addToPath(1);
    const leaf = pathNodes[0];
    if (this.countOf(leaf) < LEAF_MAX) this.#put(leaf, pathPlaces[0], item, score);
    else this.#splitLeaf(leaf, pathPlaces[0], item, score);
  }

  /** Removes an item. Its block must be as it was when it was inserted. */
  remove(item: number): void {
    this.find(item);
    this.#cut(1);
  }

  /** Gives an item another score, in the tree and in its block. */
  changeScore(item: number, score: number): void {
    this.find(item);
    const page = this.arena.pages[pageOf(item)];
    const isHere = this.staysWith(item, score);
    page.view.setFloat64(offsetOf(item) + ITEM_SCORE, score, true);
    if (isHere) {
      const { view } = this.arena.pages[pageOf(pathNodes[0])];
      view.setFloat64(offsetOf(pathNodes[0]) + SCORES + 8 * pathPlaces[0], score, true);
      return;
    }
    this.#cut(1);
    this.insert(item);
  }

  /** Removes `count` items from a rank on; `visit` gets each and may free it. */
  removeRange(rank: number, count: number, visit: (item: number) => void): void {
    for (let left = count; left > 0; ) {
      this.descendTo(rank);
      const leaf = pathNodes[0];
      const run = Math.min(left, this.countOf(leaf) - pathPlaces[0]);
      const { view } = this.arena.pages[pageOf(leaf)];
      const at = offsetOf(leaf) + ITEMS + 4 * pathPlaces[0];
      // Freeing an item writes to its own block only: the leaf and the path stay as they are.
      for (let i = 0; i < run; i++) visit(view.getInt32(at + 4 * i, true));
      this.#cut(run);
      left -= run;
    }
  }

  /** Bytes of the nodes in the arena. O(inner nodes) */
  get bytes(): number {
    let bytes = 0;
    let level = [this.root];
    for (let height = this.height; height > 0; height--) {
      bytes += level.length * Arena.roundUp(INNER_BYTES);
      if (height > 1) level = level.flatMap((node) => this.children(node));
    }
    const isLeaf = this.height === 0;
    const leaves = isLeaf ? 1 : level.reduce((sum, node) => sum + this.countOf(node), 0);
    return bytes + leaves * Arena.roundUp(LEAF_BYTES);
  }

  /** Frees all nodes: the tree is of no use any more. The items are the caller's to free. */
  free(): void {
    let level = [this.root];
    for (let height = this.height; height >= 0; height--) {
      const below: number[] = [];
      for (const node of level) {
        if (height > 0) below.push(...this.children(node));
        this.arena.free(node);
      }
      level = below;
    }
    this.root = 0;
    this.size = 0;
  }

  // Leaves.

  #setCount(node: number, count: number): void {
    this.arena.pages[pageOf(node)].view.setInt32(offsetOf(node) + COUNT, count, true);
  }

  #newLeaf(): number {
    const leaf = this.arena.allocate(LEAF_BYTES);
    const { view } = this.arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    view.setInt32(base + COUNT, 0, true);
    view.setInt32(base + NEXT, 0, true);
    view.setInt32(base + PREVIOUS, 0, true);
    return leaf;
  }

  /** Puts an item at a place of a leaf that has room. */
  #put(leaf: number, place: number, item: number, score: number): void {
    const page = this.arena.pages[pageOf(leaf)];
    const { view } = page;
    const base = offsetOf(leaf);
    const count = view.getInt32((base + COUNT) | 0, true);
    if (place < count) {
      shift(page, base + SCORES, 8, place, place + 1, count - place);
      shift(page, base + ITEMS, 4, place, place + 1, count - place);
    }
    view.setFloat64((base + SCORES + (place << 3)) | 0, score, true);
    view.setInt32((base + ITEMS + (place << 2)) | 0, item, true);
    view.setInt32((base + COUNT) | 0, (count + 1) | 0, true);
  }

  /** Puts an item at a place of a full leaf on the path. */
  #splitLeaf(leaf: number, place: number, item: number, score: number): void {
    const page = this.arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    const next = page.view.getInt32(base + NEXT, true);
    const isAppended = place === LEAF_MAX && next === 0;
    const isPrepended = place === 0 && page.view.getInt32(base + PREVIOUS, true) === 0;
    const keep = isAppended ? LEAF_MAX : isPrepended ? 0 : LEAF_MAX >> 1;
    const right = this.#newLeaf();
    const rightPage = this.arena.pages[pageOf(right)];
    const rightBase = offsetOf(right);
    const moved = LEAF_MAX - keep;
    copyBytes(rightPage, rightBase + SCORES, page, base + SCORES + 8 * keep, 8 * moved);
    copyBytes(rightPage, rightBase + ITEMS, page, base + ITEMS + 4 * keep, 4 * moved);
    this.#setCount(right, moved);
    this.#setCount(leaf, keep);
    this.#link(leaf, right);
    this.#link(right, next);
    if (place > keep || isAppended) this.#put(right, place - keep, item, score);
    else this.#put(leaf, place, item, score);
    this.#addChild(1, leaf, right, isAppended);
  }

  /** Makes two leaves neighbours; either may be 0. */
  #link(left: number, right: number): void {
    const { pages } = this.arena;
    if (left !== 0) pages[pageOf(left)].view.setInt32(offsetOf(left) + NEXT, right, true);
    if (right !== 0) pages[pageOf(right)].view.setInt32(offsetOf(right) + PREVIOUS, left, true);
  }

  /** Takes a leaf out of the chain and frees it. */
  #freeLeaf(leaf: number): void {
    const { view } = this.arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    this.#link(view.getInt32(base + PREVIOUS, true), view.getInt32(base + NEXT, true));
    this.arena.free(leaf);
  }

  /** Removes `count` items at the end of the path, all in its leaf. */
  #cut(count: number): void {
    this.addToPath(-count);
    const leaf = pathNodes[0];
    const place = pathPlaces[0];
    const page = this.arena.pages[pageOf(leaf)];
    const { view } = page;
    const base = offsetOf(leaf);
    const after = (view.getInt32((base + COUNT) | 0, true) - count) | 0;
    view.setInt32((base + COUNT) | 0, after, true);
    if (place < after) {
      shift(page, base + SCORES, 8, place + count, place, after - place);
      shift(page, base + ITEMS, 4, place + count, place, after - place);
    }
    if (this.height === 0) return;
    if (after === 0) {
      this.#freeLeaf(leaf);
      this.#dropChild(1, pathPlaces[1]);
      return;
    }
    if (place === 0) {
      this.#setFirst(1, view.getFloat64(base + SCORES, true), view.getInt32(base + ITEMS, true));
    }
    if (after < LEAF_MIN) this.#mergeLeaf();
  }

  /** Tells the nodes above, from `level` on, that the path leads to another first item. */
  #setFirst(level: number, score: number, item: number): void {
    for (let i = level; i <= this.height; i++) {
      const place = pathPlaces[i];
      if (place === 0) continue;
      const { view } = this.arena.pages[pageOf(pathNodes[i])];
      const base = offsetOf(pathNodes[i]);
      view.setFloat64(base + FIRST_SCORES + 8 * place, score, true);
      view.setInt32(base + FIRSTS + 4 * place, item, true);
      return;
    }
  }

  /** Merges the path's leaf with a neighbour under the same parent, if both are small enough. */
  #mergeLeaf(): void {
    const place = this.#mergePlace(1, LEAF_MERGED_MAX);
    if (place < 0) return;
    const left = this.childAt(pathNodes[1], place);
    const right = this.childAt(pathNodes[1], place + 1);
    const page = this.arena.pages[pageOf(left)];
    const base = offsetOf(left);
    const count = this.countOf(left);
    const from = this.arena.pages[pageOf(right)];
    const fromBase = offsetOf(right);
    const moved = this.countOf(right);
    copyBytes(page, base + SCORES + 8 * count, from, fromBase + SCORES, 8 * moved);
    copyBytes(page, base + ITEMS + 4 * count, from, fromBase + ITEMS, 4 * moved);
    this.#setCount(left, count + moved);
    this.#freeLeaf(right);
    this.#joinTotals(pathNodes[1], place);
    this.#dropChild(1, place + 1);
  }

  // Inner nodes.

  #newInner(): number {
    const node = this.arena.allocate(INNER_BYTES);
    this.#setCount(node, 0);
    return node;
  }

  /** Items below a node of a level. */
  #totalOf(node: number, level: number): number {
    const count = this.countOf(node);
    if (level === 0) return count;
    const { view } = this.arena.pages[pageOf(node)];
    const base = offsetOf(node) + TOTALS;
    let total = 0;
    for (let i = 0; i < count; i++) total += view.getInt32(base + 4 * i, true);
    return total;
  }

  /**
   * Adds `right`, which was split off `left`, the child on the path, to the path's node of `level`.
   * `isAppended`: at the right end of the tree, where full nodes stay full.
   */
  #addChild(level: number, left: number, right: number, isAppended: boolean): void {
    if (level > this.height) {
      const root = this.#newInner();
      this.#insertChild(root, 0, left, level - 1);
      this.#insertChild(root, 1, right, level - 1);
      this.root = root;
      this.height = level;
      return;
    }
    const node = pathNodes[level];
    const place = pathPlaces[level];
    this.#setTotal(node, place, this.#totalOf(left, level - 1));
    if (this.countOf(node) < INNER_MAX) {
      this.#insertChild(node, place + 1, right, level - 1);
      return;
    }
    const keep = isAppended ? INNER_MAX : INNER_MAX >> 1;
    const sibling = this.#newInner();
    this.#moveChildren(node, keep, sibling);
    if (place + 1 > keep || isAppended) {
      this.#insertChild(sibling, place + 1 - keep, right, level - 1);
    } else {
      this.#insertChild(node, place + 1, right, level - 1);
    }
    this.#addChild(level + 1, node, sibling, isAppended);
  }

  #setTotal(node: number, place: number, total: number): void {
    const { view } = this.arena.pages[pageOf(node)];
    view.setInt32(offsetOf(node) + TOTALS + 4 * place, total, true);
  }

  /** Puts a child of a level at a place of a node that has room. */
  #insertChild(node: number, place: number, child: number, level: number): void {
    const page = this.arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const count = this.countOf(node);
    shiftChildren(page, base, place, place + 1, count - place);
    const leaf = this.firstLeaf(child, level);
    const first = this.arena.pages[pageOf(leaf)].view;
    const { view } = page;
    view.setInt32(base + CHILDREN + 4 * place, child, true);
    view.setInt32(base + TOTALS + 4 * place, this.#totalOf(child, level), true);
    view.setInt32(base + FIRSTS + 4 * place, first.getInt32(offsetOf(leaf) + ITEMS, true), true);
    const score = first.getFloat64(offsetOf(leaf) + SCORES, true);
    view.setFloat64(base + FIRST_SCORES + 8 * place, score, true);
    this.#setCount(node, count + 1);
  }

  /** Moves the children from `place` on behind those of another node. */
  #moveChildren(node: number, place: number, target: number): void {
    const from = this.arena.pages[pageOf(node)];
    const fromBase = offsetOf(node);
    const to = this.arena.pages[pageOf(target)];
    const toBase = offsetOf(target);
    const count = this.countOf(target);
    const moved = this.countOf(node) - place;
    for (const column of [CHILDREN, TOTALS, FIRSTS]) {
      const at = fromBase + column + 4 * place;
      copyBytes(to, toBase + column + 4 * count, from, at, 4 * moved);
    }
    const at = fromBase + FIRST_SCORES + 8 * place;
    copyBytes(to, toBase + FIRST_SCORES + 8 * count, from, at, 8 * moved);
    this.#setCount(target, count + moved);
    this.#setCount(node, place);
  }

  /** Removes a child, already freed, from the path's node of `level`. */
  #dropChild(level: number, place: number): void {
    const node = pathNodes[level];
    const page = this.arena.pages[pageOf(node)];
    const { view } = page;
    const base = offsetOf(node);
    const after = this.countOf(node) - 1;
    shiftChildren(page, base, place + 1, place, after - place);
    this.#setCount(node, after);
    if (after === 0) {
      this.arena.free(node);
      this.#dropChild(level + 1, pathPlaces[level + 1]);
      return;
    }
    if (place === 0) {
      const score = view.getFloat64(base + FIRST_SCORES, true);
      this.#setFirst(level + 1, score, view.getInt32(base + FIRSTS, true));
    }
    if (level === this.height) this.#lowerRoot();
    else if (after < INNER_MIN) this.#mergeInner(level);
  }

  /** A root with one child gives way to it. */
  #lowerRoot(): void {
    while (this.height > 0 && this.countOf(this.root) === 1) {
      const child = this.childAt(this.root, 0);
      this.arena.free(this.root);
      this.root = child;
      this.height--;
    }
  }

  /** Merges the path's node of `level` with a neighbour under the same parent. */
  #mergeInner(level: number): void {
    const place = this.#mergePlace(level + 1, INNER_MERGED_MAX);
    if (place < 0) return;
    const parent = pathNodes[level + 1];
    const left = this.childAt(parent, place);
    const right = this.childAt(parent, place + 1);
    const count = this.countOf(left);
    this.#moveChildren(right, 0, left);
    // What was the right node's first child is not any more, so its first item must be right.
    const { view } = this.arena.pages[pageOf(parent)];
    const base = offsetOf(parent);
    const score = view.getFloat64(base + FIRST_SCORES + 8 * (place + 1), true);
    const item = view.getInt32(base + FIRSTS + 4 * (place + 1), true);
    const target = this.arena.pages[pageOf(left)].view;
    target.setFloat64(offsetOf(left) + FIRST_SCORES + 8 * count, score, true);
    target.setInt32(offsetOf(left) + FIRSTS + 4 * count, item, true);
    this.arena.free(right);
    this.#joinTotals(parent, place);
    this.#dropChild(level + 1, place + 1);
  }

  /** Adds the total of the child behind `place` to that at `place`. */
  #joinTotals(node: number, place: number): void {
    const { view } = this.arena.pages[pageOf(node)];
    const at = offsetOf(node) + TOTALS + 4 * place;
    view.setInt32(at, view.getInt32(at, true) + view.getInt32(at + 4, true), true);
  }

  /**
   * Place of the left of two children to be merged in the path's node of `level`, one of them on
   * the path; −1 when they would be more than `most` together, or there is but one.
   */
  #mergePlace(level: number, most: number): number {
    const node = pathNodes[level];
    const count = this.countOf(node);
    if (count < 2) return -1;
    const place = Math.min(pathPlaces[level], count - 2);
    const together =
      this.countOf(this.childAt(node, place)) + this.countOf(this.childAt(node, place + 1));
    return together > most ? -1 : place;
  }
}
