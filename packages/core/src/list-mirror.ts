/**
 * The wire form of a list node: its elements as RESP bulk strings, with what finds one of them.
 *
 *   int32 stride │ int32 0 │ index │ $3\r\nfoo\r\n$1\r\na\r\n…
 *
 * When all elements have the same size in wire form, `stride` is that size and there is no index.
 * Otherwise it is 0, and the index has one int32 per element and one for the end: offsets from the
 * mirror's beginning. A span of elements is one copy; making a mirror costs two passes over the
 * node. Kept in `arena.mirrors`, see mirror-table.ts; list-value.ts decides when.
 */
import { Block, copyBytes, type ReplyWriter } from '@hashlane/resp';
import { nextEntry, wireBytes, writeWire } from './listpack.ts';

const MIRROR_HEAD = 8;

/** Encodes a node's entries to wire form, with what finds an element in it. */
export function makeMirror(page: Block, start: number, count: number): Block {
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
export function copyMirrorSpan(
  reply: ReplyWriter,
  mirror: Block,
  skip: number,
  count: number,
): void {
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
