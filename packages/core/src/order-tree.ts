/**
 * An order-statistic tree: items in the order of (score, member), with ranks.
 *
 * A counted B+ tree whose nodes are blocks of the arena, so that the garbage collector sees one
 * object per tree. An item is a block of the arena too, which the tree refers to and never frees:
 *
 *   item   ┌ score, float64 ┬ member length, int32 ┬ member ┐
 *
 *   inner  ┌ count ┬ pad ┬ children ┬ items below each ┬ first item of each ┬ its score ┐
 *                            │
 *   leaf   ┌ count ┬ next ┬ previous ┬ pad ┬ scores ┬ items ┐ ⇄ leaf ⇄ leaf
 *
 * Scores are kept in the nodes as well, so that a search touches an item only where scores are
 * equal. The first item of an inner node's first child is never looked at and may be out of date:
 * so taking items off the front, as queues do, changes one leaf and a few counts.
 *
 * A full leaf splits in halves, except at the ends of the tree, where it stays full: what arrives
 * in order (time stamps) fills leaves to the brim. A node of less than a quarter merges with a
 * neighbour when both together leave a quarter free; an empty one goes.
 *
 * Costs: insert, remove, rank, seek and the bounds O(log n); next and previous O(1); a run of m
 * items is removed in O(m + log n · m / 62). Memory: 12.4 bytes per item in full leaves, 25 in
 * halves.
 *
 * Source: Bayer, McCreight, "Organization and Maintenance of Large Ordered Indices" (1972); counts
 * for ranks as in Knuth, volume 3, 6.2.3. Not here: members to items (a ByteMap's business).
 */
import { Block, copyBytes } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { invariant } from './invariant.ts';

/** Layout of an item. */
export const ITEM_SCORE = 0;
export const ITEM_LENGTH = 8;
export const ITEM_MEMBER = 12;

/** All nodes begin with their number of items or children. */
const COUNT = 0;

const LEAF_BYTES = 768;
const LEAF_MAX = 62;
const LEAF_MIN = LEAF_MAX >> 2;
const LEAF_MERGED_MAX = LEAF_MAX - LEAF_MIN;
const NEXT = 4;
const PREVIOUS = 8;
const SCORES = 16;
const ITEMS = 512;

const INNER_BYTES = 1024;
const INNER_MAX = 50;
const INNER_MIN = INNER_MAX >> 2;
const INNER_MERGED_MAX = INNER_MAX - INNER_MIN;
const CHILDREN = 16;
const TOTALS = 216;
const FIRSTS = 416;
const FIRST_SCORES = 616;

/** Levels of the highest tree there can be, with room to spare. */
const LEVELS_MAX = 16;

/** What a search is for: items before a score, before a member, or before both. */
const BY_SCORE = 0;
const BY_MEMBER = 1;
const BY_BOTH = 2;

/** The way from root to leaf of the operation that runs: nodes and places in them, by level. */
const pathNodes = new Int32Array(LEVELS_MAX);
const pathPlaces = new Int32Array(LEVELS_MAX);

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

/** Order of two members as bytes: negative, 0 or positive. */
export function compareMembers(
  a: Block,
  aOffset: number,
  aLength: number,
  b: Block,
  bOffset: number,
  bLength: number,
): number {
  const shorter = Math.min(aLength, bLength) | 0;
  const x = aOffset | 0;
  const y = bOffset | 0;
  const aView = a.view;
  const bView = b.view;
  let i = 0;
  for (; ((i + 4) | 0) <= shorter; i = (i + 4) | 0) {
    // Big-endian words compare as their bytes do.
    const left = aView.getUint32((x + i) | 0);
    const right = bView.getUint32((y + i) | 0);
    if (left !== right) return left < right ? -1 : 1;
  }
  for (; i < shorter; i = (i + 1) | 0) {
    const difference = (aView.getUint8((x + i) | 0) - bView.getUint8((y + i) | 0)) | 0;
    if (difference !== 0) return difference;
  }
  return (aLength - bLength) | 0;
}

export class OrderTree {
  readonly #arena: Arena;
  #root: number;
  /** Levels of inner nodes above the leaves. */
  #height = 0;
  /** Number of items. */
  size = 0;
  /** The cursor: a leaf and a place in it. */
  #leaf = 0;
  #place = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#root = this.#newLeaf();
  }

  // Bounds and ranks.

  /** Number of items with a lower score than this; with `includesEqual` a lower or the same. */
  rankOfScore(score: number, includesEqual: boolean): number {
    bound.mode = BY_SCORE;
    bound.score = score;
    bound.includesEqual = includesEqual;
    this.#descend();
    return this.#pathRank();
  }

  /** Number of items with a lesser member than this one, where all scores are the same. */
  rankOfMember(block: Block, offset: number, length: number, includesEqual: boolean): number {
    setMember(BY_MEMBER, block, offset, length, includesEqual);
    this.#descend();
    return this.#pathRank();
  }

  /** Rank of an item that is in the tree. */
  rankOf(item: number): number {
    this.#boundAt(item, this.#scoreOfItem(item), false);
    this.#descend();
    return this.#pathRank();
  }

  // The cursor.

  /** Puts the cursor on the item of a rank, which must exist. */
  seek(rank: number): void {
    this.#descendTo(rank);
    this.#leaf = pathNodes[0];
    this.#place = pathPlaces[0];
  }

  /** The item under the cursor. */
  get item(): number {
    const page = this.#arena.pages[pageOf(this.#leaf)];
    return page.view.getInt32((offsetOf(this.#leaf) + ITEMS + (this.#place << 2)) | 0, true);
  }

  /** Its score. */
  get score(): number {
    const page = this.#arena.pages[pageOf(this.#leaf)];
    return page.view.getFloat64((offsetOf(this.#leaf) + SCORES + (this.#place << 3)) | 0, true);
  }

  /** Moves the cursor to the next item; false, and the cursor is of no use, after the last. */
  stepForward(): boolean {
    const { view } = this.#arena.pages[pageOf(this.#leaf)];
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
    const { view } = this.#arena.pages[pageOf(this.#leaf)];
    this.#leaf = view.getInt32((offsetOf(this.#leaf) + PREVIOUS) | 0, true);
    if (this.#leaf === 0) return false;
    this.#place = (this.#countOf(this.#leaf) - 1) | 0;
    return true;
  }

  // Changes.

  /** Adds an item, whose score and member are in its block. */
  insert(item: number): void {
    const score = this.#scoreOfItem(item);
    this.#boundAt(item, score, false);
    this.#descend();
    this.#addToPath(1);
    const leaf = pathNodes[0];
    if (this.#countOf(leaf) < LEAF_MAX) this.#put(leaf, pathPlaces[0], item, score);
    else this.#splitLeaf(leaf, pathPlaces[0], item, score);
  }

  /** Removes an item. Its block must be as it was when it was inserted. */
  remove(item: number): void {
    this.#find(item);
    this.#cut(1);
  }

  /** Gives an item another score, in the tree and in its block. */
  changeScore(item: number, score: number): void {
    this.#find(item);
    const page = this.#arena.pages[pageOf(item)];
    const isHere = this.#staysWith(item, score);
    page.view.setFloat64(offsetOf(item) + ITEM_SCORE, score, true);
    if (isHere) {
      const { view } = this.#arena.pages[pageOf(pathNodes[0])];
      view.setFloat64(offsetOf(pathNodes[0]) + SCORES + 8 * pathPlaces[0], score, true);
      return;
    }
    this.#cut(1);
    this.insert(item);
  }

  /** Removes `count` items from a rank on; `visit` gets each and may free it. */
  removeRange(rank: number, count: number, visit: (item: number) => void): void {
    for (let left = count; left > 0; ) {
      this.#descendTo(rank);
      const leaf = pathNodes[0];
      const run = Math.min(left, this.#countOf(leaf) - pathPlaces[0]);
      const { view } = this.#arena.pages[pageOf(leaf)];
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
    let level = [this.#root];
    for (let height = this.#height; height > 0; height--) {
      bytes += level.length * Arena.roundUp(INNER_BYTES);
      if (height > 1) level = level.flatMap((node) => this.#children(node));
    }
    const isLeaf = this.#height === 0;
    const leaves = isLeaf ? 1 : level.reduce((sum, node) => sum + this.#countOf(node), 0);
    return bytes + leaves * Arena.roundUp(LEAF_BYTES);
  }

  /** Frees all nodes: the tree is of no use any more. The items are the caller's to free. */
  free(): void {
    let level = [this.#root];
    for (let height = this.#height; height >= 0; height--) {
      const below: number[] = [];
      for (const node of level) {
        if (height > 0) below.push(...this.#children(node));
        this.#arena.free(node);
      }
      level = below;
    }
    this.#root = 0;
    this.size = 0;
  }

  // Ways down.

  /** True when an item with this score is before the bound. */
  #isBefore(score: number, item: number): boolean {
    if (bound.mode !== BY_MEMBER) {
      if (score < bound.score) return true;
      if (score > bound.score) return false;
      if (bound.mode === BY_SCORE) return bound.includesEqual;
    }
    const page = this.#arena.pages[pageOf(item)];
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
  #boundAt(item: number, score: number, includesEqual: boolean): void {
    const page = this.#arena.pages[pageOf(item)];
    const at = offsetOf(item);
    const length = page.view.getInt32(at + ITEM_LENGTH, true);
    bound.score = score;
    setMember(BY_BOTH, page, at + ITEM_MEMBER, length, includesEqual);
  }

  /** The path to the place behind the last item before the bound. */
  #descend(): void {
    const { pages } = this.#arena;
    let node = this.#root;
    for (let level = this.#height; level > 0; level = (level - 1) | 0) {
      const { view } = pages[pageOf(node)];
      const base = offsetOf(node);
      let low = 0;
      let high = (view.getInt32((base + COUNT) | 0, true) - 1) | 0;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        const score = view.getFloat64((base + FIRST_SCORES + (middle << 3)) | 0, true);
        const item = view.getInt32((base + FIRSTS + (middle << 2)) | 0, true);
        if (this.#isBefore(score, item)) low = middle;
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
    const { view } = this.#arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    let low = 0;
    let high = view.getInt32((base + COUNT) | 0, true);
    while (low < high) {
      const middle = (low + high) >> 1;
      const score = view.getFloat64((base + SCORES + (middle << 3)) | 0, true);
      const item = view.getInt32((base + ITEMS + (middle << 2)) | 0, true);
      if (this.#isBefore(score, item)) low = (middle + 1) | 0;
      else high = middle;
    }
    return low;
  }

  /** The path to an item that is in the tree. */
  #find(item: number): void {
    // An equal bound leads to the leaf of the item even when the item is the leaf's first.
    this.#boundAt(item, this.#scoreOfItem(item), true);
    this.#descend();
    pathPlaces[0]--;
    const { view } = this.#arena.pages[pageOf(pathNodes[0])];
    const at = offsetOf(pathNodes[0]) + ITEMS + 4 * pathPlaces[0];
    invariant(pathPlaces[0] >= 0 && view.getInt32(at, true) === item, 'item is not in the tree');
  }

  /** The path to the item of a rank. */
  #descendTo(rank: number): void {
    const { pages } = this.#arena;
    let node = this.#root;
    let left = rank | 0;
    for (let level = this.#height; level > 0; level = (level - 1) | 0) {
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
    for (let level = 1; level <= this.#height; level++) {
      const { view } = this.#arena.pages[pageOf(pathNodes[level])];
      const base = offsetOf(pathNodes[level]) + TOTALS;
      const place = pathPlaces[level];
      for (let i = 0; i < place; i++) rank = (rank + view.getInt32((base + 4 * i) | 0, true)) | 0;
    }
    return rank;
  }

  /** Adds to the totals on the path, and to the size. */
  #addToPath(count: number): void {
    for (let level = 1; level <= this.#height; level++) {
      const { view } = this.#arena.pages[pageOf(pathNodes[level])];
      const at = (offsetOf(pathNodes[level]) + TOTALS + (pathPlaces[level] << 2)) | 0;
      view.setInt32(at, (view.getInt32(at, true) + count) | 0, true);
    }
    this.size += count;
  }

  /** True when the found item keeps its place in its leaf with another score. */
  #staysWith(item: number, score: number): boolean {
    const leaf = pathNodes[0];
    const place = pathPlaces[0];
    const { view } = this.#arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    const last = view.getInt32(base + COUNT, true) - 1;
    // At the border of a leaf the neighbour is elsewhere, unless there is none. Nor may the first
    // item of a leaf change, because the nodes above know its score.
    const isFirstOfAll = view.getInt32(base + PREVIOUS, true) === 0;
    if (place === 0 && !isFirstOfAll) return false;
    if (place === last && view.getInt32(base + NEXT, true) !== 0) return false;
    this.#boundAt(item, score, false);
    const isBeforeAt = (i: number): boolean =>
      this.#isBefore(
        view.getFloat64(base + SCORES + 8 * i, true),
        view.getInt32(base + ITEMS + 4 * i, true),
      );
    return (place === 0 || isBeforeAt(place - 1)) && (place === last || !isBeforeAt(place + 1));
  }

  // Leaves.

  #countOf(node: number): number {
    return this.#arena.pages[pageOf(node)].view.getInt32(offsetOf(node) + COUNT, true);
  }

  #setCount(node: number, count: number): void {
    this.#arena.pages[pageOf(node)].view.setInt32(offsetOf(node) + COUNT, count, true);
  }

  #scoreOfItem(item: number): number {
    return this.#arena.pages[pageOf(item)].view.getFloat64(offsetOf(item) + ITEM_SCORE, true);
  }

  #newLeaf(): number {
    const leaf = this.#arena.allocate(LEAF_BYTES);
    const { view } = this.#arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    view.setInt32(base + COUNT, 0, true);
    view.setInt32(base + NEXT, 0, true);
    view.setInt32(base + PREVIOUS, 0, true);
    return leaf;
  }

  /** Puts an item at a place of a leaf that has room. */
  #put(leaf: number, place: number, item: number, score: number): void {
    const page = this.#arena.pages[pageOf(leaf)];
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
    const page = this.#arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    const next = page.view.getInt32(base + NEXT, true);
    const isAppended = place === LEAF_MAX && next === 0;
    const isPrepended = place === 0 && page.view.getInt32(base + PREVIOUS, true) === 0;
    const keep = isAppended ? LEAF_MAX : isPrepended ? 0 : LEAF_MAX >> 1;
    const right = this.#newLeaf();
    const rightPage = this.#arena.pages[pageOf(right)];
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
    const { pages } = this.#arena;
    if (left !== 0) pages[pageOf(left)].view.setInt32(offsetOf(left) + NEXT, right, true);
    if (right !== 0) pages[pageOf(right)].view.setInt32(offsetOf(right) + PREVIOUS, left, true);
  }

  /** Takes a leaf out of the chain and frees it. */
  #freeLeaf(leaf: number): void {
    const { view } = this.#arena.pages[pageOf(leaf)];
    const base = offsetOf(leaf);
    this.#link(view.getInt32(base + PREVIOUS, true), view.getInt32(base + NEXT, true));
    this.#arena.free(leaf);
  }

  /** Removes `count` items at the end of the path, all in its leaf. */
  #cut(count: number): void {
    this.#addToPath(-count);
    const leaf = pathNodes[0];
    const place = pathPlaces[0];
    const page = this.#arena.pages[pageOf(leaf)];
    const { view } = page;
    const base = offsetOf(leaf);
    const after = (view.getInt32((base + COUNT) | 0, true) - count) | 0;
    view.setInt32((base + COUNT) | 0, after, true);
    if (place < after) {
      shift(page, base + SCORES, 8, place + count, place, after - place);
      shift(page, base + ITEMS, 4, place + count, place, after - place);
    }
    if (this.#height === 0) return;
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
    for (let i = level; i <= this.#height; i++) {
      const place = pathPlaces[i];
      if (place === 0) continue;
      const { view } = this.#arena.pages[pageOf(pathNodes[i])];
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
    const left = this.#childAt(pathNodes[1], place);
    const right = this.#childAt(pathNodes[1], place + 1);
    const page = this.#arena.pages[pageOf(left)];
    const base = offsetOf(left);
    const count = this.#countOf(left);
    const from = this.#arena.pages[pageOf(right)];
    const fromBase = offsetOf(right);
    const moved = this.#countOf(right);
    copyBytes(page, base + SCORES + 8 * count, from, fromBase + SCORES, 8 * moved);
    copyBytes(page, base + ITEMS + 4 * count, from, fromBase + ITEMS, 4 * moved);
    this.#setCount(left, count + moved);
    this.#freeLeaf(right);
    this.#joinTotals(pathNodes[1], place);
    this.#dropChild(1, place + 1);
  }

  // Inner nodes.

  #newInner(): number {
    const node = this.#arena.allocate(INNER_BYTES);
    this.#setCount(node, 0);
    return node;
  }

  #childAt(node: number, place: number): number {
    const { view } = this.#arena.pages[pageOf(node)];
    return view.getInt32(offsetOf(node) + CHILDREN + 4 * place, true);
  }

  #children(node: number): number[] {
    return Array.from({ length: this.#countOf(node) }, (_, i) => this.#childAt(node, i));
  }

  /** Items below a node of a level. */
  #totalOf(node: number, level: number): number {
    const count = this.#countOf(node);
    if (level === 0) return count;
    const { view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node) + TOTALS;
    let total = 0;
    for (let i = 0; i < count; i++) total += view.getInt32(base + 4 * i, true);
    return total;
  }

  /** Leaf of the first item below a node of a level. */
  #firstLeaf(node: number, level: number): number {
    let leaf = node;
    for (let i = level; i > 0; i--) leaf = this.#childAt(leaf, 0);
    return leaf;
  }

  /**
   * Adds `right`, which was split off `left`, the child on the path, to the path's node of `level`.
   * `isAppended`: at the right end of the tree, where full nodes stay full.
   */
  #addChild(level: number, left: number, right: number, isAppended: boolean): void {
    if (level > this.#height) {
      const root = this.#newInner();
      this.#insertChild(root, 0, left, level - 1);
      this.#insertChild(root, 1, right, level - 1);
      this.#root = root;
      this.#height = level;
      return;
    }
    const node = pathNodes[level];
    const place = pathPlaces[level];
    this.#setTotal(node, place, this.#totalOf(left, level - 1));
    if (this.#countOf(node) < INNER_MAX) {
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
    const { view } = this.#arena.pages[pageOf(node)];
    view.setInt32(offsetOf(node) + TOTALS + 4 * place, total, true);
  }

  /** Puts a child of a level at a place of a node that has room. */
  #insertChild(node: number, place: number, child: number, level: number): void {
    const page = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    const count = this.#countOf(node);
    shiftChildren(page, base, place, place + 1, count - place);
    const leaf = this.#firstLeaf(child, level);
    const first = this.#arena.pages[pageOf(leaf)].view;
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
    const from = this.#arena.pages[pageOf(node)];
    const fromBase = offsetOf(node);
    const to = this.#arena.pages[pageOf(target)];
    const toBase = offsetOf(target);
    const count = this.#countOf(target);
    const moved = this.#countOf(node) - place;
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
    const page = this.#arena.pages[pageOf(node)];
    const { view } = page;
    const base = offsetOf(node);
    const after = this.#countOf(node) - 1;
    shiftChildren(page, base, place + 1, place, after - place);
    this.#setCount(node, after);
    if (after === 0) {
      this.#arena.free(node);
      this.#dropChild(level + 1, pathPlaces[level + 1]);
      return;
    }
    if (place === 0) {
      const score = view.getFloat64(base + FIRST_SCORES, true);
      this.#setFirst(level + 1, score, view.getInt32(base + FIRSTS, true));
    }
    if (level === this.#height) this.#lowerRoot();
    else if (after < INNER_MIN) this.#mergeInner(level);
  }

  /** A root with one child gives way to it. */
  #lowerRoot(): void {
    while (this.#height > 0 && this.#countOf(this.#root) === 1) {
      const child = this.#childAt(this.#root, 0);
      this.#arena.free(this.#root);
      this.#root = child;
      this.#height--;
    }
  }

  /** Merges the path's node of `level` with a neighbour under the same parent. */
  #mergeInner(level: number): void {
    const place = this.#mergePlace(level + 1, INNER_MERGED_MAX);
    if (place < 0) return;
    const parent = pathNodes[level + 1];
    const left = this.#childAt(parent, place);
    const right = this.#childAt(parent, place + 1);
    const count = this.#countOf(left);
    this.#moveChildren(right, 0, left);
    // What was the right node's first child is not any more, so its first item must be right.
    const { view } = this.#arena.pages[pageOf(parent)];
    const base = offsetOf(parent);
    const score = view.getFloat64(base + FIRST_SCORES + 8 * (place + 1), true);
    const item = view.getInt32(base + FIRSTS + 4 * (place + 1), true);
    const target = this.#arena.pages[pageOf(left)].view;
    target.setFloat64(offsetOf(left) + FIRST_SCORES + 8 * count, score, true);
    target.setInt32(offsetOf(left) + FIRSTS + 4 * count, item, true);
    this.#arena.free(right);
    this.#joinTotals(parent, place);
    this.#dropChild(level + 1, place + 1);
  }

  /** Adds the total of the child behind `place` to that at `place`. */
  #joinTotals(node: number, place: number): void {
    const { view } = this.#arena.pages[pageOf(node)];
    const at = offsetOf(node) + TOTALS + 4 * place;
    view.setInt32(at, view.getInt32(at, true) + view.getInt32(at + 4, true), true);
  }

  /**
   * Place of the left of two children to be merged in the path's node of `level`, one of them on
   * the path; −1 when they would be more than `most` together, or there is but one.
   */
  #mergePlace(level: number, most: number): number {
    const node = pathNodes[level];
    const count = this.#countOf(node);
    if (count < 2) return -1;
    const place = Math.min(pathPlaces[level], count - 2);
    const together =
      this.#countOf(this.#childAt(node, place)) + this.#countOf(this.#childAt(node, place + 1));
    return together > most ? -1 : place;
  }

  /** Walks the tree and throws when something is out of order. For tests and fuzzers. */
  verify(): void {
    const leaves: number[] = [];
    const total = this.#verifyNode(this.#root, this.#height, leaves);
    invariant(total === this.size, `tree counts ${this.size} of ${total} items`);
    leaves.forEach((leaf, i) => {
      const { view } = this.#arena.pages[pageOf(leaf)];
      const base = offsetOf(leaf);
      invariant(view.getInt32(base + PREVIOUS, true) === (leaves[i - 1] ?? 0), 'wrong previous');
      invariant(view.getInt32(base + NEXT, true) === (leaves[i + 1] ?? 0), 'wrong next');
      invariant(this.size === 0 || this.#countOf(leaf) > 0, 'an empty leaf');
    });
    if (this.size > 0) this.#verifyOrder();
  }

  #verifyNode(node: number, level: number, leaves: number[]): number {
    if (level === 0) {
      leaves.push(node);
      return this.#countOf(node);
    }
    const { view } = this.#arena.pages[pageOf(node)];
    const base = offsetOf(node);
    let sum = 0;
    this.#children(node).forEach((child, i) => {
      const total = this.#verifyNode(child, level - 1, leaves);
      invariant(view.getInt32(base + TOTALS + 4 * i, true) === total, 'a wrong total');
      sum += total;
      if (i === 0) return;
      const leaf = this.#firstLeaf(child, level - 1);
      const first = this.#arena.pages[pageOf(leaf)].view;
      const item = first.getInt32(offsetOf(leaf) + ITEMS, true);
      invariant(view.getInt32(base + FIRSTS + 4 * i, true) === item, 'a wrong first item');
      const score = view.getFloat64(base + FIRST_SCORES + 8 * i, true);
      invariant(score === this.#scoreOfItem(item), 'a wrong first score');
    });
    invariant(level < this.#height || this.#countOf(node) > 1, 'a root with one child');
    return sum;
  }

  #verifyOrder(): void {
    this.seek(0);
    let count = 1;
    let { item } = this;
    invariant(this.score === this.#scoreOfItem(item), 'a wrong score');
    while (this.stepForward()) {
      this.#boundAt(this.item, this.score, false);
      invariant(this.#isBefore(this.#scoreOfItem(item), item), 'items out of order');
      item = this.item;
      invariant(this.score === this.#scoreOfItem(item), 'a wrong score');
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

/** Moves `count` cells of `size` bytes from one place of a column to another. */
function shift(
  page: Block,
  column: number,
  size: number,
  from: number,
  to: number,
  count: number,
): void {
  const start = column + size * from;
  page.bytes.copyWithin(column + size * to, start, start + size * count);
}

function shiftChildren(page: Block, base: number, from: number, to: number, count: number): void {
  if (count <= 0) return;
  shift(page, base + CHILDREN, 4, from, to, count);
  shift(page, base + TOTALS, 4, from, to, count);
  shift(page, base + FIRSTS, 4, from, to, count);
  shift(page, base + FIRST_SCORES, 8, from, to, count);
}
