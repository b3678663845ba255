/**
 * Bytes that one key occupies in its shard, for MEMORY USAGE: its entry, its place in the tables of
 * keys and of deadlines, and everything its value holds in the arena and beside it.
 *
 * Sums of blocks as the arena hands them out, so that the sum over all keys is the shard's
 * used_memory but for the empty slots of tables. A large value is sampled: the blocks of its first
 * elements stand for all of them; its tables are counted exactly in any case.
 *
 * Cost: O(samples), for a sorted set and a stream also O(nodes of the tree or directory / 50).
 */
import type { Block } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { type ByteMap, MapWalk } from './byte-map.ts';
import { LIST, META, STREAM, STRING, TYPE_MASK, VALUE_APART, valueOffset } from './entry.ts';
import { HashTable } from './hash-table.ts';
import type { Keyspace } from './keyspace.ts';
import { ListValue } from './list-value.ts';
import { NODE_REFERENCE, StreamValue } from './stream-value.ts';
import { ScoredMembers } from './zset-value.ts';

/** A slot of the table of keys, and a deadline's in the heap. */
const KEY_SLOT_BYTES = 8;
const DEADLINE_SLOT_BYTES = 16;
/** A value's nodes do not depend on list-max-listpack-size. */
const ANY_FILL = -2;
/** The second word of a set's, hash's or sorted set's descriptor: the first one is a slot. */
const FORM = 4;
const IS_STRUCTURE = -1;

const list = new ListValue();
const walk = new MapWalk();

/** Bytes of an entry and all it holds. `samples`: elements to look at, Infinity for all. */
export function keyBytes(keyspace: Keyspace, reference: number, samples: number): number {
  const { arena } = keyspace;
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const meta = page.view.getInt32(entry + META, true);
  const deadline = keyspace.deadlineOf(reference) === Infinity ? 0 : DEADLINE_SLOT_BYTES;
  const own = arena.sizeOf(reference) + KEY_SLOT_BYTES + deadline;
  return own + valueBytes(arena, meta, page, valueOffset(page, entry), samples);
}

/** Bytes of a value outside its entry. */
function valueBytes(
  arena: Arena,
  meta: number,
  page: Block,
  valueAt: number,
  samples: number,
): number {
  switch (meta & TYPE_MASK) {
    case STRING:
      return (meta & VALUE_APART) === 0 ? 0 : blockBytes(arena, page, valueAt);
    case LIST:
      return listBytes(arena, page, valueAt, samples);
    case STREAM:
      return streamBytes(arena, StreamValue.at(arena, page, valueAt), samples);
    default:
      return page.view.getInt32(valueAt + FORM, true) === IS_STRUCTURE
        ? structureBytes(arena, page.view.getInt32(valueAt, true), samples)
        : blockBytes(arena, page, valueAt);
  }
}

/** Bytes of the block whose reference is at `at`, if there is one. */
function blockBytes(arena: Arena, page: Block, at: number): number {
  const reference = page.view.getInt32(at, true);
  return reference === 0 ? 0 : arena.sizeOf(reference);
}

function listBytes(arena: Arena, page: Block, valueAt: number, samples: number): number {
  list.openAt(arena, page, valueAt, ANY_FILL);
  let bytes = 0;
  let seen = 0;
  for (let node = list.firstNode(); node !== 0 && seen < samples; node = list.nextNode(node)) {
    bytes += arena.sizeOf(node);
    seen++;
  }
  return scaled(bytes, seen, list.nodes);
}

/** Bytes of a stream's nodes, directory and groups. */
function streamBytes(arena: Arena, stream: StreamValue, samples: number): number {
  const { nodes } = stream;
  let bytes = 0;
  let seen = 0;
  for (let isRow = nodes.seekFirst(); isRow && seen < samples; isRow = nodes.next()) {
    bytes += arena.sizeOf(nodes.word(NODE_REFERENCE));
    seen++;
  }
  return stream.tableBytes + scaled(bytes, seen, nodes.size);
}

/** Bytes of a large hash, set or sorted set: its elements' blocks, their table, and what orders them. */
function structureBytes(arena: Arena, slot: number, samples: number): number {
  const structure = arena.structures.get<{ readonly map: ByteMap }>(slot);
  const { map } = structure;
  let bytes = 0;
  let seen = 0;
  walk.restart();
  while (seen < samples && map.advance(walk)) {
    bytes += arena.sizeOf(walk.reference);
    seen++;
  }
  const tables = map.tableBytes + scaled(bytes, seen, map.size);
  if (structure instanceof ScoredMembers) return tables + structure.tree.bytes;
  return structure instanceof HashTable ? tables + structure.deadlineBytes : tables;
}

/** Bytes of `count` parts when `seen` of them have `bytes`. */
function scaled(bytes: number, seen: number, count: number): number {
  return seen === 0 ? 0 : Math.round((bytes / seen) * count);
}
