/**
 * Replying spans of a list node's elements, through the node's wire form where it has one.
 *
 *   mirror   int32 stride │ int32 0 │ index │ $3\r\nfoo\r\n$1\r\na\r\n…
 *
 * A mirror is the elements of a node as RESP bulk strings, with what finds one of them. When all
 * have the same size in wire form, `stride` is that size and there is no index. Otherwise it is 0,
 * and the index has one int32 per element and one for the end: offsets from the mirror's beginning.
 *
 * Entries are encoded on the fly the first time that a longer span of a node is read; a node that
 * is read again without a change in between gets a mirror, and every span of it is one copy. Any
 * change of the node drops it (`noteChange` in list-node.ts). Making a mirror costs two passes over
 * the node. Kept in `arena.mirrors`, within its bounds: see mirror-table.ts.
 */
import { Block, copyBytes, type ReplyWriter } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { invariant } from './invariant.ts';
import { countOf, isPlain, noteRead, offsetOfEntry, replyPlain, startOf } from './list-node.ts';
import { nextEntry, wireBytes, writeBulks, writeWire } from './listpack.ts';
import { MIRROR_SLOT } from './mirror-table.ts';

const MIRROR_HEAD = 8;
/** A range of fewer entries does not make a mirror. */
const MIRROR_SPAN_MIN = 16;

/** Replies `count` elements of a node from number `skip` on as bulk strings. */
export function replySpan(
  arena: Arena,
  reply: ReplyWriter,
  node: number,
  skip: number,
  count: number,
): void {
  const page = arena.pages[pageOf(node)];
  const base = offsetOf(node);
  if (isPlain(page, base)) {
    replyPlain(reply, page, base);
    return;
  }
  const mirror = mirrorFor(arena, node, page, base, count);
  if (mirror !== undefined) copyMirrorSpan(reply, mirror, skip, count);
  else writeBulks(reply, page, base + offsetOfEntry(page, base, skip), count);
}

/** The node's mirror, if it has one or has been read often enough to get one now. */
function mirrorFor(
  arena: Arena,
  node: number,
  page: Block,
  base: number,
  span: number,
): Block | undefined {
  const slot = page.view.getInt32(base + MIRROR_SLOT, true);
  if (slot !== 0) return arena.mirrors.get(slot);
  if (span < MIRROR_SPAN_MIN || !noteRead(page, base)) return undefined;
  const mirror = makeMirror(page, base + startOf(page, base), countOf(page, base));
  // Adding may evict other mirrors, which changes their nodes' headers, but moves no block.
  page.view.setInt32(base + MIRROR_SLOT, arena.mirrors.add(node, mirror), true);
  return mirror;
}

/** Encodes a node's entries to wire form, with what finds an element in it. */
function makeMirror(page: Block, start: number, count: number): Block {
  const stride = wireBytes(page, start);
  let isUniform = true;
  let bytes = 0;
  for (let i = 0, at = start; i < count; i++) {
    const size = wireBytes(page, at);
    if (size !== stride) isUniform = false;
    bytes += size;
    at = nextEntry(page, at);
  }
  const index = isUniform ? 0 : 4 * (count + 1);
  const mirror = Block.allocate(MIRROR_HEAD + index + bytes);
  mirror.view.setInt32(0, isUniform ? stride : 0, true);
  mirror.view.setInt32(4, 0, true);
  let to = MIRROR_HEAD + index;
  for (let i = 0, at = start; i < count; i++) {
    if (!isUniform) mirror.view.setInt32(MIRROR_HEAD + 4 * i, to, true);
    to = writeWire(mirror, to, page, at);
    at = nextEntry(page, at);
  }
  if (!isUniform) mirror.view.setInt32(MIRROR_HEAD + 4 * count, to, true);
  return mirror;
}

/** Replies `count` elements from number `skip` on: one copy. */
function copyMirrorSpan(reply: ReplyWriter, mirror: Block, skip: number, count: number): void {
  const { view } = mirror;
  const stride = view.getInt32(0, true);
  let from = MIRROR_HEAD + stride * skip;
  let bytes = stride * count;
  if (stride === 0) {
    from = view.getInt32(MIRROR_HEAD + 4 * skip, true);
    bytes = view.getInt32(MIRROR_HEAD + 4 * (skip + count), true) - from;
  }
  reply.reserve(bytes);
  copyBytes(reply.block, reply.position, mirror, from, bytes);
  reply.position += bytes;
}

/** Throws when a node's mirror is gone, or not what would be made of the node now. */
export function verifyMirror(arena: Arena, page: Block, base: number): void {
  const slot = page.view.getInt32(base + MIRROR_SLOT, true);
  if (slot === 0) return;
  const mirror = arena.mirrors.get(slot);
  invariant(mirror !== undefined, 'a node points to a mirror that is gone');
  const fresh = makeMirror(page, base + startOf(page, base), countOf(page, base));
  invariant(mirror.bytes.equals(fresh.bytes), 'a mirror differs from its node');
}
