/**
 * A node of a list: one block of the arena with a run of listpack entries and slack on both sides.
 *
 *   byte 0          4      8       12    16       20     24
 *   ┌ previous │ next │ start │ end │ mirror │ word ┬ slack ┬ entries ┬ slack ┐
 *                                                           start     end     size of the block
 *
 *   previous, next   references of the neighbours, 0 for none; list-chain.ts owns them
 *   start, end       where the entries begin and end, from the node's base
 *   mirror           slot of the node's wire form, 0 for none; list-mirror.ts makes it
 *   word             bits 0–15 entries, 16–23 range reads since the last change, 31 plain
 *
 * Slack on both sides makes pushes and pops at both ends O(1): a push writes into the slack, a pop
 * moves `start` or `end`. Entries are laid out anew so that the slack is where the next ones will
 * come. An element too large for a node is a plain node of its own: raw bytes, no entry.
 *
 * Invariants: NODE_BYTES ≤ start < end ≤ size of the block, whenever nobody is changing the node;
 * between `start` and `end` are as many entries as `word` says, readable in both directions; a
 * plain node has one element and never changes; a node with a mirror has not changed since the
 * mirror was made, so whoever changes entries calls `noteChange`.
 *
 * Here is one node alone, as functions of the page it lies in and its base there. Neighbours and
 * the list's counts are list-chain.ts, and how much goes into a node is list-packing.ts. Costs: O(1)
 * at the ends, else O(bytes of the node). Most accessors are so small (30 bytes of bytecode) that V8
 * inlines them everywhere, whatever else it has inlined.
 */
import { type Block, copyBytes, type ReplyWriter } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { invariant } from './invariant.ts';
import { type Needle, nextEntry, previousEntry } from './listpack.ts';
import { MIRROR_SLOT } from './mirror-table.ts';

const PREVIOUS = 0;
const NEXT = 4;
const START = 8;
const END = 12;
const WORD = 20;
/** Bytes of a node's header; entries begin here at the earliest. */
export const NODE_BYTES = 24;

const COUNT_MASK = 0xffff;
/** Entries that a node can count. */
export const NODE_ENTRIES_MAX = COUNT_MASK;
const ONE_READ = 1 << 16;
const READS_MASK = 0xff << 16;
const PLAIN = 1 << 31;

/** For pushes and pops alone (list-value.ts), which read and write headers themselves. */
export const NODE_START = START;
export const NODE_END = END;
export const NODE_WORD = WORD;
/** What is left of a word is a packed node's number of entries, or negative for a plain node. */
export const NODE_COUNT_OR_PLAIN = COUNT_MASK | PLAIN;

/** Where the slack of a node goes when it is laid out anew. */
export const SLACK_HEAD = 0;
export const SLACK_TAIL = 1;
export const SLACK_BOTH = 2;
export type SlackSide = typeof SLACK_HEAD | typeof SLACK_TAIL | typeof SLACK_BOTH;

// The header.

export function previousOf(page: Block, base: number): number {
  return page.view.getInt32(base + PREVIOUS, true);
}

export function setPrevious(page: Block, base: number, node: number): void {
  page.view.setInt32(base + PREVIOUS, node, true);
}

export function nextOf(page: Block, base: number): number {
  return page.view.getInt32(base + NEXT, true);
}

export function setNext(page: Block, base: number, node: number): void {
  page.view.setInt32(base + NEXT, node, true);
}

/** Where the entries begin, from the base. */
export function startOf(page: Block, base: number): number {
  return page.view.getInt32(base + START, true);
}

export function setStart(page: Block, base: number, start: number): void {
  page.view.setInt32(base + START, start, true);
}

/** Where the entries end, from the base. */
export function endOf(page: Block, base: number): number {
  return page.view.getInt32(base + END, true);
}

export function setEnd(page: Block, base: number, end: number): void {
  page.view.setInt32(base + END, end, true);
}

/** Bytes of all entries, or of a plain node's element. */
export function usedBytes(page: Block, base: number): number {
  return (endOf(page, base) - startOf(page, base)) | 0;
}

/** Number of elements. */
export function countOf(page: Block, base: number): number {
  return page.view.getInt32(base + WORD, true) & COUNT_MASK;
}

/** True when the node is one element's raw bytes, not entries. */
export function isPlain(page: Block, base: number): boolean {
  return page.view.getInt32(base + WORD, true) < 0;
}

/**
 * Counts a range read. True when there was one before since the node last changed: it is read
 * again and again. Not for a plain node.
 */
export function noteRead(page: Block, base: number): boolean {
  const word = page.view.getInt32(base + WORD, true);
  if ((word & READS_MASK) !== 0) return true;
  page.view.setInt32(base + WORD, word + ONE_READ, true);
  return false;
}

/** Notes that a packed node's entries changed: sets their number, forgets reads and mirror. */
export function noteChange(arena: Arena, page: Block, base: number, count: number): void {
  page.view.setInt32(base + WORD, count, true);
  if (page.view.getInt32(base + MIRROR_SLOT, true) !== 0) dropMirror(arena, page, base);
}

function dropMirror(arena: Arena, page: Block, base: number): void {
  arena.mirrors.drop(page.view.getInt32(base + MIRROR_SLOT, true));
  page.view.setInt32(base + MIRROR_SLOT, 0, true);
}

// Making and freeing.

/** A packed node without entries and neighbours, of a block of at least `bytes`. */
export function makeNode(arena: Arena, bytes: number, side: SlackSide): number {
  const node = arena.allocate(bytes);
  const { view } = arena.pages[pageOf(node)];
  const base = offsetOf(node);
  const start = side === SLACK_HEAD ? arena.sizeOf(node) : NODE_BYTES;
  view.setInt32(base + START, start, true);
  view.setInt32(base + END, start, true);
  view.setInt32(base + MIRROR_SLOT, 0, true);
  view.setInt32(base + WORD, 0, true);
  return node;
}

/** Puts ready-made entries into a node that has none, and room for these. */
export function fillNode(
  page: Block,
  base: number,
  source: Block,
  offset: number,
  bytes: number,
  count: number,
): void {
  const start = startOf(page, base);
  copyBytes(page, base + start, source, offset, bytes);
  setEnd(page, base, start + bytes);
  page.view.setInt32(base + WORD, count, true);
}

/** Makes a node without entries a plain one that has this element. */
export function fillPlain(
  page: Block,
  base: number,
  source: Block,
  offset: number,
  length: number,
): void {
  fillNode(page, base, source, offset, length, PLAIN | 1);
}

/** Copies a packed node, but for its mirror and its neighbours, to a block of `bytes`. */
export function copyNode(arena: Arena, node: number, bytes: number, side: SlackSide): number {
  const copy = arena.allocate(bytes);
  const from = arena.pages[pageOf(node)];
  const fromBase = offsetOf(node);
  const to = arena.pages[pageOf(copy)];
  const toBase = offsetOf(copy);
  const used = usedBytes(from, fromBase);
  const start = NODE_BYTES + slackBefore(arena.sizeOf(copy) - NODE_BYTES - used, side);
  copyBytes(to, toBase + start, from, fromBase + startOf(from, fromBase), used);
  setStart(to, toBase, start);
  setEnd(to, toBase, start + used);
  to.view.setInt32(toBase + MIRROR_SLOT, 0, true);
  to.view.setInt32(toBase + WORD, countOf(from, fromBase), true);
  return copy;
}

/** Frees a node and its mirror. */
export function freeNode(arena: Arena, node: number): void {
  const page = arena.pages[pageOf(node)];
  const base = offsetOf(node);
  if (page.view.getInt32(base + MIRROR_SLOT, true) !== 0) dropMirror(arena, page, base);
  arena.free(node);
}

// Slack. `size` is that of the node's block.

/** Bytes of slack before the entries, of `slack` in all. */
function slackBefore(slack: number, side: SlackSide): number {
  if (side === SLACK_BOTH) return slack >> 1;
  // The other end gets a little, so that pushes at both ends in turn do not slide every time.
  const other = slack >= 64 ? slack >> 3 : 0;
  return side === SLACK_TAIL ? other : slack - other;
}

export function slackAt(page: Block, base: number, size: number, side: SlackSide): number {
  return side === SLACK_HEAD ? startOf(page, base) - NODE_BYTES : size - endOf(page, base);
}

/** Slides the entries so that `side` has most of the slack, or if need be all for `bytes`. */
export function slide(
  page: Block,
  base: number,
  size: number,
  side: SlackSide,
  bytes: number,
): void {
  const slack = size - NODE_BYTES - usedBytes(page, base);
  moveEntries(page, base, NODE_BYTES + slackBefore(slack, side));
  if (slackAt(page, base, size, side) < bytes) slideFully(page, base, size, side);
}

/** Slides the entries so that `side` has all of the slack. */
export function slideFully(page: Block, base: number, size: number, side: SlackSide): void {
  const slack = size - NODE_BYTES - usedBytes(page, base);
  moveEntries(page, base, side === SLACK_HEAD ? NODE_BYTES + slack : NODE_BYTES);
}

function moveEntries(page: Block, base: number, start: number): void {
  const from = startOf(page, base);
  const end = endOf(page, base);
  if (start === from) return;
  page.bytes.copyWithin(base + start, base + from, base + end);
  setStart(page, base, start);
  setEnd(page, base, start + end - from);
}

/**
 * Makes a gap of `bytes` before the entry that is `place` bytes behind the first, moving the
 * shorter side if there is slack for it, else the other. Returns the gap's offset from the base.
 */
export function openGap(
  page: Block,
  base: number,
  size: number,
  place: number,
  bytes: number,
): number {
  const start = startOf(page, base);
  const end = endOf(page, base);
  const gap = start + place;
  const isTailRoomy = size - end >= bytes;
  if (isTailRoomy && (start - NODE_BYTES < bytes || place * 2 >= end - start)) {
    page.bytes.copyWithin(base + gap + bytes, base + gap, base + end);
    setEnd(page, base, end + bytes);
    return gap;
  }
  page.bytes.copyWithin(base + start - bytes, base + start, base + gap);
  setStart(page, base, start - bytes);
  return gap - bytes;
}

/** Takes the `bytes` at an offset from the base away, moving what follows. */
export function closeGap(page: Block, base: number, at: number, bytes: number): void {
  const end = endOf(page, base);
  page.bytes.copyWithin(base + at, base + at + bytes, base + end);
  setEnd(page, base, end - bytes);
}

// Entries.

/** Offset from the base of a packed node's entry number `index`; of its end for the count. */
export function offsetOfEntry(page: Block, base: number, index: number): number {
  const count = countOf(page, base);
  if (index * 2 <= count) {
    let at = (base + startOf(page, base)) | 0;
    for (let i = index | 0; i > 0; i = (i - 1) | 0) at = nextEntry(page, at);
    return at - base;
  }
  let at = (base + endOf(page, base)) | 0;
  for (let i = (count - index) | 0; i > 0; i = (i - 1) | 0) at = previousEntry(page, at);
  return at - base;
}

/** Number of entries from an offset on. */
export function entriesFrom(page: Block, base: number, at: number): number {
  const end = base + endOf(page, base);
  let count = 0;
  for (let entry = base + at; entry < end; count++) entry = nextEntry(page, entry);
  return count;
}

/** Replies the element of a plain node. */
export function replyPlain(reply: ReplyWriter, page: Block, base: number): void {
  reply.bulk(page, base + startOf(page, base), usedBytes(page, base));
}

/** True when the element of a plain node equals the needle. */
export function plainEquals(page: Block, base: number, needle: Needle): boolean {
  return needle.equalsBytes(page, base + startOf(page, base), usedBytes(page, base));
}

/**
 * Takes the first `most` entries that equal the needle out of a packed node, and returns how many
 * there were. Gaps are closed towards the start and `end` moves; the count is the caller's.
 */
export function cutForward(page: Block, base: number, needle: Needle, most: number): number {
  const end = (base + endOf(page, base)) | 0;
  let at = (base + startOf(page, base)) | 0;
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
  setEnd(page, base, to + end - kept - base);
  return found;
}

/** The same for the last `most` entries: gaps are closed towards the end and `start` moves. */
export function cutBackward(page: Block, base: number, needle: Needle, most: number): number {
  const start = (base + startOf(page, base)) | 0;
  let at = (base + endOf(page, base)) | 0;
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
  setStart(page, base, from - base);
  return found;
}

/** Throws when the header or an entry of a node in a block of `size` bytes is wrong. */
export function verifyNode(page: Block, base: number, size: number): void {
  invariant(startOf(page, base) >= NODE_BYTES, 'entries begin in the header');
  invariant(endOf(page, base) <= size, 'entries leave the node');
  invariant(countOf(page, base) > 0, 'an empty node');
  if (isPlain(page, base)) {
    invariant(countOf(page, base) === 1, 'a plain node of many');
    return;
  }
  const end = base + endOf(page, base);
  let count = 0;
  for (let at = base + startOf(page, base); at < end; count++) {
    const next = nextEntry(page, at);
    invariant(previousEntry(page, next) === at, 'an entry cannot be read backwards');
    invariant(next <= end, 'an entry leaves its node');
    at = next;
  }
  invariant(count === countOf(page, base), 'a node miscounts its entries');
}
