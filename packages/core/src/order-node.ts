/**
 * What an order tree is made of: items, leaves and inner nodes, all blocks of the arena.
 *
 *   item   ┌ score, float64 ┬ member length, int32 ┬ member ┐
 *          0                8                      12
 *
 *   leaf   ┌ count ┬ next ┬ previous ┬ pad ┬ 62 scores, float64 ┬ 62 items ┐ ⇄ leaf ⇄ leaf
 *          0       4      8          12    16                   512        768
 *
 *   inner  ┌ count ┬ pad ┬ 50 children ┬ items below each ┬ first item of each ┬ its score ┐
 *          0       4     16            216                416                  616         1024
 *
 * All but scores are int32; items, leaves and children are references. A node's cells are columns,
 * filled from the left up to its count, in order.
 *
 * Invariants: between the items of a node, and between the leaves of the chain, is the order of
 * (score, member). What lies in cells past the count means nothing.
 *
 * The offsets are in objects, for each file to take out what it uses: V8 folds a file's own
 * constants into its code, and would load those of another module each time. How nodes hang
 * together is order-path.ts and order-tree.ts.
 */
import type { Block } from '@hashlane/resp';

/** Layout of an item. */
export const ITEM_SCORE = 0;
export const ITEM_LENGTH = 8;
export const ITEM_MEMBER = 12;

/** Offsets in a leaf. All nodes begin with their number of items or children. */
export const LEAF = { COUNT: 0, NEXT: 4, PREVIOUS: 8, SCORES: 16, ITEMS: 512 } as const;
export const LEAF_BYTES = 768;
export const LEAF_MAX = 62;

/** Offsets in an inner node. */
export const INNER = { CHILDREN: 16, TOTALS: 216, FIRSTS: 416, FIRST_SCORES: 616 } as const;
export const INNER_BYTES = 1024;
export const INNER_MAX = 50;

const { CHILDREN, TOTALS, FIRSTS, FIRST_SCORES } = INNER;

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

/** Moves `count` cells of `size` bytes from one place of a column to another. */
export function shift(
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

/** Moves `count` children, with all that is known of them, from one place of a node to another. */
export function shiftChildren(
  page: Block,
  base: number,
  from: number,
  to: number,
  count: number,
): void {
  if (count <= 0) return;
  shift(page, base + CHILDREN, 4, from, to, count);
  shift(page, base + TOTALS, 4, from, to, count);
  shift(page, base + FIRSTS, 4, from, to, count);
  shift(page, base + FIRST_SCORES, 8, from, to, count);
}
