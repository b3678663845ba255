/** How streams are freed: at once, or many nodes a few at a time; see lazy-free.ts. */
import type { Block } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { KEY, KEY_LENGTH, META, STREAM, VALUE_LENGTH } from './entry.ts';
import { type Keyspace, VALUE_FREERS, VALUE_SLICERS } from './keyspace.ts';
import { STREAM_BYTES, StreamValue } from './stream-value.ts';

/** The slot of a stream that is freed already. */
const NO_SLOT = 0;

function free(arena: Arena, block: Block, valueAt: number): void {
  const slot = block.view.getInt32(valueAt, true);
  if (slot === NO_SLOT) return;
  StreamValue.at(arena, block, valueAt).release();
  arena.structures.remove(slot);
  block.view.setInt32(valueAt, NO_SLOT, true);
}

/** Nodes, and one for all the rest. */
function parts(arena: Arena, block: Block, valueAt: number): number {
  if (block.view.getInt32(valueAt, true) === NO_SLOT) return 0;
  return StreamValue.at(arena, block, valueAt).nodes.size + 1;
}

function freeParts(arena: Arena, block: Block, valueAt: number, count: number): void {
  const stream = StreamValue.at(arena, block, valueAt);
  stream.freeNodes(count);
  if (stream.nodes.size === 0) free(arena, block, valueAt);
}

VALUE_FREERS[STREAM] = free;
VALUE_SLICERS[STREAM] = { parts, freeParts };

/**
 * Frees a stream that no key has, in slices when it is large: what trimming has cut off. It gets an
 * entry in no map, which is what is freed in slices.
 */
export function freeStream(keyspace: Keyspace, stream: StreamValue): void {
  const { arena } = keyspace;
  const reference = arena.allocate(KEY + STREAM_BYTES);
  const { view } = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  view.setInt32(entry + KEY_LENGTH, 0, true);
  view.setInt32(entry + META, STREAM, true);
  view.setInt32(entry + VALUE_LENGTH, STREAM_BYTES, true);
  view.setInt32(entry + KEY, arena.structures.add(stream), true);
  keyspace.freeDetached(reference);
}
