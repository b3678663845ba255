/**
 * A second stream like a first one: what COPY needs. Nodes are copied as bytes, the tables of
 * groups row by row. Cost: O(bytes + pending entries).
 */
import { type Arena, offsetOf, pageOf } from './arena.ts';
import type { StreamConsumer, StreamGroup } from './stream-group.ts';
import { StreamId } from './stream-id.ts';
import { nodeBytes } from './stream-node.ts';
import { makeGroup, NODE_REFERENCE, StreamValue } from './stream-value.ts';

const id = new StreamId();

/** A copy of a stream in another (or the same) arena, which no entry has yet. */
export function copyStream(source: StreamValue, arena: Arena): StreamValue {
  const copy = new StreamValue(arena);
  const { nodes } = source;
  for (let isNode = nodes.seekFirst(); isNode; isNode = nodes.next()) {
    const reference = nodes.word(NODE_REFERENCE);
    const page = source.arena.pages[pageOf(reference)];
    const base = offsetOf(reference);
    copy.appendNode(nodes.readId(id), page, base, nodeBytes(page, base));
  }
  copy.lastId.copy(source.lastId);
  copy.firstId.copy(source.firstId);
  copy.maxDeletedId.copy(source.maxDeletedId);
  copy.entriesAdded.copy(source.entriesAdded);
  for (const group of source.groups.all) copyGroup(group, copy);
  return copy;
}

function copyGroup(source: StreamGroup, stream: StreamValue): void {
  const { name } = source;
  stream.groups.find(name, 0, name.size);
  const group = makeGroup(stream, Buffer.from(name.bytes));
  group.lastId.copy(source.lastId);
  group.entriesRead.copy(source.entriesRead);
  const copies = new Map<StreamConsumer, StreamConsumer>();
  for (const consumer of source.consumers.all) {
    const { activeTime, name: known, seenTime } = consumer;
    group.consumer(known, 0, known.size);
    const copy = group.addConsumer(known, 0, known.size, seenTime);
    copy.activeTime = activeTime;
    copies.set(consumer, copy);
  }
  const { pending } = source;
  for (let isRow = pending.seekFirst(); isRow; isRow = pending.next()) {
    group.pending.find(pending.readId(id));
    group.addRow(copies.get(source.rowConsumer()) as StreamConsumer, id);
    group.copyRow(source);
  }
}
