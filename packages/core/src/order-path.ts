/**
 * The ways through an order tree: from the root to an item, a rank or a bound, and along the leaves.
 *
 * A way down leaves the *path* behind: the nodes that it went through, from leaf (level 0) to root,
 * and the place that it took in each. Ranks are the sums of what lies left of the path, and changes
 * (order-tree.ts) go up along it. There is one path and one bound for all trees: both are of no use
 * after the next way down, of whatever tree.
 *
 * A bound is a score, a member, or both; the way to it ends behind the last item before it. Scores
 * are kept in the nodes as well, so that a search touches an item only where scores are equal. The
 * first item of an inner node's first child is never looked at and may be out of date.
 *
 * The cursor is a leaf and a place in it. Any change of the tree spoils it: seek again.
 *
 * Invariants: a way changes nothing. The total of a child is the number of items below it, and the
 * first item of each child but the first is what the node says, score included. `verify` checks all
 * of a tree.
 *
 * Cost: O(log n) down, O(1) to the next and previous item. Nothing is allocated. The bytes of nodes
 * are drawn in order-node.ts.
 */
import { Block } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { invariant } from './invariant.ts';
import { compareMembers, INNER, ITEM_LENGTH, ITEM_MEMBER, ITEM_SCORE, LEAF } from './order-node.ts';

const { COUNT, NEXT, PREVIOUS, SCORES, ITEMS } = LEAF;
const { CHILDREN, TOTALS, FIRSTS, FIRST_SCORES } = INNER;

/** Levels of the highest tree there can be, with room to spare. */
const LEVELS_MAX = 16;

/** What a search is for: items before a score, before a member, or before both. */
const BY_SCORE = 0;
const BY_MEMBER = 1;
const BY_BOTH = 2;

/** The way from root to leaf of the operation that runs: nodes and places in them, by level. */
export const path = { nodes: new Int32Array(LEVELS_MAX), places: new Int32Array(LEVELS_MAX) };
const { nodes: pathNodes, places: pathPlaces } = path;

/** The bound that is being searched for; one at a time. */
const bound = {
  mode: BY_SCORE,
  score: 0,
  block: Block.allocate(0),
  offset: 0,
  length: 0,
  /** Items equal to the bound count as before it. */
  includesEqual: false,
};

export abstract class OrderPath {
  protected readonly arena: Arena;
  protected root = 0;
  /** Levels of inner nodes above the leaves. */
  protected height = 0;
  /** Number of items. */
  size = 0;
  /** The cursor: a leaf and a place in it. */
  #leaf = 0;
  #place = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  // Bounds and ranks.

  /** Number of items with a lower score than this; with `includesEqual` a lower or the same. */
  rankOfScore(score: number, includesEqual: boolean): number {
    bound.mode = BY_SCORE;
    bound.score = score;
    bound.includesEqual = includesEqual;
    this.descend();
    return this.#pathRank();
  }

  /** Number of items with a lesser member than this one, where all scores are the same. */
  rankOfMember(block: Block, offset: number, length: number, includesEqual: boolean): number {
    setMember(BY_MEMBER, block, offset, length, includesEqual);
    this.descend();
    return this.#pathRank();
  }

  /** Rank of an item that is in the tree. */
  rankOf(item: number): number {
    this.boundAt(item, this.scoreOfItem(item), false);
    this.descend();
    return this.#pathRank();
  }

  // The cursor.

  /** Puts the cursor on the item of a rank, which must exist. */
  seek(rank: number): void {
    this.descendTo(rank);
    this.#leaf = pathNodes[0];
    this.#place = pathPlaces[0];
  }

  /** The item under the cursor. */
  get item(): number {
    const page = this.arena.pages[pageOf(this.#leaf)];
    return page.view.getInt32((offsetOf(this.#leaf) + ITEMS + (this.#place << 2)) | 0, true);
  }

  /** Its score. */
  get score(): number {
    const page = this.arena.pages[pageOf(this.#leaf)];
    return page.view.getFloat64((offsetOf(this.#leaf) + SCORES + (this.#place << 3)) | 0, true);
  }

  /** Moves the cursor to the next item; false, and the cursor is of no use, after the last. */
  stepForward(): boolean {
    const { view } = this.arena.pages[pageOf(this.#leaf)];
    const base = offsetOf(this.#leaf);
    this.#place = (this.#place + 1) | 0;
    if (this.#place < view.getInt32((base + COUNT) | 0, true)) return true;
    this.#leaf = view.getInt32((base + NEXT) | 0, true);
    this.#place = 0;
    return this.#leaf !== 0;
  }

  /** Moves the cursor to the item before; false, and the cursor is of no use, before the first. */
  stepBackward(): boolean {
    this.#place = (this.#place - 1) | 0;
    if (this.#place >= 0) return true;
    const { view } = this.arena.pages[pageOf(this.#leaf)];
    this.#leaf = view.getInt32((offsetOf(this.#leaf) + PREVIOUS) | 0, true);
    if (this.#leaf === 0) return false;
    this.#place = (this.countOf(this.#leaf) - 1) | 0;
    return true;
  }

  // Ways down.

  /** True when an item with this score is before the bound. */
  protected isBefore(score: number, item: number): boolean {
    if (bound.mode !== BY_MEMBER) {
      if (score < bound.score) return true;
      if (score > bound.score) return false;
      if (bound.mode === BY_SCORE) return bound.includesEqual;
    }
    const page = this.arena.pages[pageOf(item)];
    const at = offsetOf(item);
    const length = page.view.getInt32((at + ITEM_LENGTH) | 0, true);
    const order = compareMembers(
      page,
      (at + ITEM_MEMBER) | 0,
      length,
      bound.block,
      bound.offset,
      bound.length,
    );
    return order < 0 || (order === 0 && bound.includesEqual);
  }

  /** Makes the bound that of an item's member with a score. */
  protected boundAt(item: number, score: number, includesEqual: boolean): void {
    const page = this.arena.pages[pageOf(item)];
    const at = offsetOf(item);
    const length = page.view.getInt32(at + ITEM_LENGTH, true);
    bound.score = score;
    setMember(BY_BOTH, page, at + ITEM_MEMBER, length, includesEqual);
  }

  /** The path to the place behind the last item before the bound. */
  protected descend(): void {
    const { pages } = this.arena;
    let node = this.root;
    for (let level = this.height; level > 0; level = (level - 1) | 0) {
      const { view } = pages[pageOf(node)];
      const base = offsetOf(node);
      let low = 0;
      let high = (view.getInt32((base + COUNT) | 0, true) - 1) | 0;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const score = view.getFloat64((base + FIRST_SCORES + (middle << 3)) | 0, true);
        const item = view.getInt32((base + FIRSTS + (middle << 2)) | 0, true);
        if (this.isBefore(score, item)) low = middle;
        else high = (middle - 1) | 0;
      }
      pathNodes[level] = node;
      pathPlaces[level] = low;
      node = view.getInt32((base + CHILDREN + (low << 2)) | 0, true);
    }
    pathNodes[0] = node;
    pathPlaces[0] = this.#searchLeaf(node);
  }

  /** Number of items of a leaf before the bound. */
  #searchLeaf(leaf: number): number {
    const { view } = this.arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    let low = 0;
    let high = view.getInt32((base + COUNT) | 0, true);
    while (low < high) {
      const middle = (low + high) >> 1;
      const score = view.getFloat64((base + SCORES + (middle << 3)) | 0, true);
      const item = view.getInt32((base + ITEMS + (middle << 2)) | 0, true);
      if (this.isBefore(score, item)) low = (middle + 1) | 0;
      else high = middle;
    }
    return low;
  }

  /** The path to an item that is in the tree. */
  protected find(item: number): void {
    // An equal bound leads to the leaf of the item even when the item is the leaf's first.
    this.boundAt(item, this.scoreOfItem(item), true);
    this.descend();
    pathPlaces[0]--;
    const { view } = this.arena.pages[pageOf(pathNodes[0])];
    const at = offsetOf(pathNodes[0]) + ITEMS + 4 * pathPlaces[0];
    invariant(pathPlaces[0] >= 0 && view.getInt32(at, true) === item, 'item is not in the tree');
  }

  /** The path to the item of a rank. */
  protected descendTo(rank: number): void {
    const { pages } = this.arena;
    let node = this.root;
    let left = rank | 0;
    for (let level = this.height; level > 0; level = (level - 1) | 0) {
      const { view } = pages[pageOf(node)];
      const base = offsetOf(node);
      let place = 0;
      let total = view.getInt32((base + TOTALS) | 0, true);
      while (left >= total) {
        left = (left - total) | 0;
        place = (place + 1) | 0;
        total = view.getInt32((base + TOTALS + (place << 2)) | 0, true);
      }
      pathNodes[level] = node;
      pathPlaces[level] = place;
      node = view.getInt32((base + CHILDREN + (place << 2)) | 0, true);
    }
    pathNodes[0] = node;
    pathPlaces[0] = left;
  }

  /** Number of items before the path. */
  #pathRank(): number {
    let rank = pathPlaces[0];
    for (let level = 1; level <= this.height; level++) {
      const { view } = this.arena.pages[pageOf(pathNodes[level])];
      const base = offsetOf(pathNodes[level]) + TOTALS;
      const place = pathPlaces[level];
      for (let i = 0; i < place; i++) rank = (rank + view.getInt32((base + 4 * i) | 0, true)) | 0;
    }
    return rank;
  }

  /** Adds to the totals on the path, and to the size. */
  protected addToPath(count: number): void {
    for (let level = 1; level <= this.height; level++) {
      const { view } = this.arena.pages[pageOf(pathNodes[level])];
      const at = (offsetOf(pathNodes[level]) + TOTALS + (pathPlaces[level] << 2)) | 0;
      view.setInt32(at, (view.getInt32(at, true) + count) | 0, true);
    }
    this.size += count;
  }

  /** True when the found item keeps its place in its leaf with another score. */
  protected staysWith(item: number, score: number): boolean {
    const leaf = pathNodes[0];
    const place = pathPlaces[0];
    const { view } = this.arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    const last = view.getInt32(base + COUNT, true) - 1;
    // At the border of a leaf the neighbour is elsewhere, unless there is none. Nor may the first
    // item of a leaf change, because the nodes above know its score.
    const isFirstOfAll = view.getInt32(base + PREVIOUS, true) === 0;
    if (place === 0 && !isFirstOfAll) return false;
    if (place === last && view.getInt32(base + NEXT, true) !== 0) return false;
    this.boundAt(item, score, false);
    const isBeforeAt = (i: number): boolean =>
      this.isBefore(
        view.getFloat64(base + SCORES + 8 * i, true),
        view.getInt32(base + ITEMS + 4 * i, true),
      );
    return (place === 0 || isBeforeAt(place - 1)) && (place === last || !isBeforeAt(place + 1));
  }

  // Parts of nodes and of items.

  protected countOf(node: number): number {
    return this.arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + COUNT, true);
  }

  protected scoreOfItem(item: number): number {
    return this.arena.pages[pageOf(item)].view.getFloat64(offsetOf(item) + ITEM_SCORE, true);
  }

  protected childAt(node: number, place: number): number {
    const { view } = this.arena.pages[pageOf(node)];
    return view.getInt32(offsetOf(node) + CHILDREN + 4 * place, true);
  }

  protected children(node: number): number[] {
    return Array.from({ length: this.countOf(node) }, (_, i) => this.childAt(node, i));
  }

  /** Leaf of the first item below a node of a level. */
  protected firstLeaf(node: number, level: number): number {
    let leaf = node;
    for (let i = level; i > 0; i--) leaf = this.childAt(leaf, 0);
    return leaf;
  }

  /** Walks the tree and throws when something is out of order. For tests and fuzzers. */
  verify(): void {
    const leaves: number[] = [];
    const total = this.#verifyNode(this.root, this.height, leaves);
    invariant(total === this.size, `tree counts ${this.size} of ${total} items`);
    leaves.forEach((leaf, i) => {
      const { view } = this.arena.pages[pageOf(leaf)];
      const base = offsetOf(leaf);
      invariant(view.getInt32(base + PREVIOUS, true) === (leaves[i - 1] ?? 0), 'wrong previous');
      invariant(view.getInt32(base + NEXT, true) === (leaves[i + 1] ?? 0), 'wrong next');
      invariant(this.size === 0 || this.countOf(leaf) > 0, 'an empty leaf');
    });
    if (this.size > 0) this.#verifyOrder();
  }

  #verifyNode(node: number, level: number, leaves: number[]): number {
    if (level === 0) {
      leaves.push(node);
      return this.countOf(node);
    }
    const { view } = this.arena.pages[pageOf(node)];
    const base = offsetOf(node);
    let sum = 0;
    this.children(node).forEach((child, i) => {
      const total = this.#verifyNode(child, level - 1, leaves);
      invariant(view.getInt32(base + TOTALS + 4 * i, true) === total, 'a wrong total');
      sum += total;
      if (i === 0) return;
      const leaf = this.firstLeaf(child, level - 1);
      const first = this.arena.pages[pageOf(leaf)].view;
      const item = first.getInt32(offsetOf(leaf) + ITEMS, true);
      invariant(view.getInt32(base + FIRSTS + 4 * i, true) === item, 'a wrong first item');
      const score = view.getFloat64(base + FIRST_SCORES + 8 * i, true);
      invariant(score === this.scoreOfItem(item), 'a wrong first score');
    });
    invariant(level < this.height || this.countOf(node) > 1, 'a root with one child');
    return sum;
  }

  #verifyOrder(): void {
    this.seek(0);
    let count = 1;
    let { item } = this;
    invariant(this.score === this.scoreOfItem(item), 'a wrong score');
    while (this.stepForward()) {
      this.boundAt(this.item, this.score, false);
      invariant(this.isBefore(this.scoreOfItem(item), item), 'items out of order');
      item = this.item;
      invariant(this.score === this.scoreOfItem(item), 'a wrong score');
      count++;
    }
    invariant(count === this.size, 'leaves hold another number of items');
  }
}

function setMember(
  mode: number,
  block: Block,
  offset: number,
  length: number,
  includesEqual: boolean,
): void {
  bound.mode = mode;
  bound.block = block;
  bound.offset = offset;
  bound.length = length;
  bound.includesEqual = includesEqual;
}
