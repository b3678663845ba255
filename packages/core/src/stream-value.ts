/**
 * A stream: nodes of entries in the arena, found by ID, and consumer groups.
 *
 *   key's entry: slot ─▶ StreamValue ┬ nodes    IdIndex: first ID ─▶ node's block, live entries
 *                                    ├ groups   by name, stream-group.ts
 *                                    └ last ID, first ID, counters
 *
 * A node is a block in Redis's own layout (stream-node.ts). Entries are appended to the last node
 * until it has stream-node-max-bytes or -entries; then it is cut to its size and a new one begins,
 * so nodes are those that Redis would have made. The last node grows by doubling until it is the
 * second one: after that nodes begin at their full size.
 *
 * A StreamValue is an object of the shard's StructureTable, one per stream. Handlers read entries
 * with a StreamIterator (stream-iterator.ts).
 *
 * Costs: append O(1); find O(log nodes + entries of a node); delete the same; trimming frees nodes
 * from the head, and hands whole segments of the directory over to be freed in slices when there
 * are many. Memory: 24 bytes per node in the directory and the rest of a size class.
 *
 * Source of the rules (what goes into a node, what trimming leaves, which IDs and counters follow):
 * t_stream.c of Redis 7.2.
 */
import { Block, copyBytes } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { valueOffset } from './entry.ts';
import { EntryCounter } from './entry-counter.ts';
import { ID_WORDS, IdIndex } from './id-index.ts';
import { invariant } from './invariant.ts';
import { NamedList } from './named-list.ts';
import type { Request } from './request.ts';
import { StreamGroup } from './stream-group.ts';
import { compareIds, StreamId } from './stream-id.ts';
import {
  countsGrowth,
  deletedEntries,
  entryBytesMax,
  isNodeSound,
  liveEntries,
  NODE_HEAD_BYTES,
  NodeEntry,
  nodeBytes,
  writeCounts,
  writeEntry,
  writeMaster,
} from './stream-node.ts';

/** Bytes of a stream's descriptor, the value in its keyspace entry: the slot of its object. */
export const STREAM_BYTES = 4;
/** What the objects of a stream cost beside their tables, about; counted with the tables. */
const OBJECT_BYTES = 700;
/** More than this in one entry is refused, and in one node never collected. */
export const ENTRY_BYTES_MAX = 1 << 30;
/** A node that will not be the first begins with at most this much. */
const FRESH_NODE_BYTES = 4096;

/** Words of a row of the directory. */
export const NODE_REFERENCE = ID_WORDS;
const NODE_LIVE = ID_WORDS + 1;
const NODE_WORDS = 2;

/** How long nodes get: stream-node-max-bytes and -entries; 0 is no limit. */
export interface NodeLimits {
  readonly streamNodeMaxBytes: number;
  readonly streamNodeMaxEntries: number;
}

/** What is left after trimming: so many entries, or those from an ID on. */
export interface TrimRule {
  /** Entries to keep, or −1 to trim by ID. */
  readonly length: number;
  readonly least: StreamId;
  /** Only whole nodes go. */
  readonly isApproximate: boolean;
  /** Entries that may go at most; 0 for any number. */
  readonly limit: number;
}

const scratch = new StreamId();
const node = new NodeEntry(new StreamId(), new StreamId());

export class StreamValue {
  readonly arena: Arena;
  /** Live entries. */
  length = 0;
  /** The greatest ID there ever was; new ones are greater. */
  readonly lastId = new StreamId();
  /** The first live entry's ID; 0-0 when there is none. */
  readonly firstId = new StreamId();
  /** The greatest ID that XDEL removed. */
  readonly maxDeletedId = new StreamId();
  readonly entriesAdded = new EntryCounter();
  readonly groups = new NamedList<StreamGroup>();
  /** The directory. Its cursor belongs to whoever has moved it last. */
  readonly nodes: IdIndex;
  /** The last node and its first ID. */
  #tail = 0;
  readonly #tailId = new StreamId();

  constructor(arena: Arena) {
    this.arena = arena;
    this.nodes = new IdIndex(arena, NODE_WORDS);
    arena.tableBytes += OBJECT_BYTES;
  }

  /** The stream of a keyspace entry. */
  static of(arena: Arena, reference: number): StreamValue {
    const page = arena.pages[pageOf(reference)];
    return StreamValue.at(arena, page, valueOffset(page, offsetOf(reference)));
  }

  /** The stream of the descriptor at an offset of a block. */
  static at(arena: Arena, block: Block, at: number): StreamValue {
    return arena.structures.get<StreamValue>(block.view.getInt32(at, true));
  }

  /** Puts a stream into a fresh keyspace entry. */
  static attach(arena: Arena, reference: number, stream: StreamValue): void {
    const page = arena.pages[pageOf(reference)];
    const slot = arena.structures.add(stream);
    page.view.setInt32(valueOffset(page, offsetOf(reference)), slot, true);
  }

  // Appending.

  /**
   * Appends an entry with the fields and values in arguments `first`, …, all of them `rawBytes`
   * long. `id` must be greater than the last ID.
   */
  append(
    id: StreamId,
    request: Request,
    first: number,
    fields: number,
    rawBytes: number,
    limits: NodeLimits,
  ): void {
    if (this.#tail !== 0 && this.#isTailFull(rawBytes, limits)) this.#closeTail();
    const needed = entryBytesMax(rawBytes, fields);
    if (this.#tail === 0) this.#addTail(id, request, first, fields, needed, limits);
    else this.#reserveTail(needed, limits);
    const page = this.arena.pages[pageOf(this.#tail)];
    const base = offsetOf(this.#tail);
    const live = liveEntries(page, base) + 1;
    if (live < 128) page.bytes[base + NODE_HEAD_BYTES] = live;
    else writeCounts(page, base, live, deletedEntries(page, base));
    writeEntry(page, base, this.#tailId, id, request, first, fields);
    this.nodes.seekLast();
    this.nodes.setWord(NODE_LIVE, live);
    this.length++;
    this.entriesAdded.add(1);
    this.lastId.copy(id);
    if (this.length === 1) this.firstId.copy(id);
  }

  #isTailFull(rawBytes: number, limits: NodeLimits): boolean {
    const page = this.arena.pages[pageOf(this.#tail)];
    const base = offsetOf(this.#tail);
    if (nodeBytes(page, base) + rawBytes >= nodeBytesMax(limits)) return true;
    const { streamNodeMaxEntries } = limits;
    if (streamNodeMaxEntries === 0) return false;
    return liveEntries(page, base) + deletedEntries(page, base) >= streamNodeMaxEntries;
  }

  #addTail(
    id: StreamId,
    request: Request,
    first: number,
    fields: number,
    needed: number,
    limits: NodeLimits,
  ): void {
    const isFirst = this.nodes.size === 0;
    const fresh = isFirst ? 0 : Math.min(nodeBytesMax(limits), FRESH_NODE_BYTES);
    this.#tail = this.arena.allocate(Math.max(needed, fresh));
    this.#tailId.copy(id);
    writeMaster(this.arena.pages[pageOf(this.#tail)], offsetOf(this.#tail), request, first, fields);
    this.nodes.append(id);
    this.nodes.setWord(NODE_REFERENCE, this.#tail);
  }

  /** Makes room for `needed` more bytes in the last node. */
  #reserveTail(needed: number, limits: NodeLimits): void {
    const capacity = this.arena.sizeOf(this.#tail);
    const used = nodeBytes(this.arena.pages[pageOf(this.#tail)], offsetOf(this.#tail));
    if (used + needed <= capacity) return;
    const most = limits.streamNodeMaxBytes === 0 ? ENTRY_BYTES_MAX : limits.streamNodeMaxBytes;
    this.nodes.seekLast();
    this.#resizeNode(Math.max(used + needed, Math.min(2 * capacity, most)));
  }

  /** Cuts the last node to its size. The next entry begins another one. */
  #closeTail(): void {
    const used = nodeBytes(this.arena.pages[pageOf(this.#tail)], offsetOf(this.#tail));
    if (Arena.roundUp(used) < this.arena.sizeOf(this.#tail)) {
      this.nodes.seekLast();
      this.#resizeNode(used);
    }
    this.#tail = 0;
  }

  /** Moves the node at the directory's cursor to a block of `bytes`. Returns its reference. */
  #resizeNode(bytes: number): number {
    const { arena, nodes } = this;
    const old = nodes.word(NODE_REFERENCE);
    const from = arena.pages[pageOf(old)];
    const moved = arena.allocate(bytes);
    const used = nodeBytes(from, offsetOf(old));
    copyBytes(arena.pages[pageOf(moved)], offsetOf(moved), from, offsetOf(old), used);
    arena.free(old);
    nodes.setWord(NODE_REFERENCE, moved);
    if (old === this.#tail) this.#tail = moved;
    return moved;
  }

  // Finding and deleting.

  /** Opens the node at the directory's cursor, and its first ID. */
  openNode(into: NodeEntry): void {
    const reference = this.nodes.word(NODE_REFERENCE);
    this.nodes.readId(into.master);
    into.open(this.arena.pages[pageOf(reference)], offsetOf(reference));
  }

  /** Finds a live entry: `into` shows it, and the directory's cursor is on its node. */
  find(id: StreamId, into: NodeEntry): boolean {
    if (!this.nodes.seekFloor(id)) return false;
    this.openNode(into);
    for (let at = into.firstAt; at < into.endAt; at = into.after()) {
      into.read(at);
      const order = compareIds(into.id, id);
      if (order === 0) return !into.isDeleted;
      if (order > 0) return false;
    }
    return false;
  }

  has(id: StreamId): boolean {
    return this.find(id, node);
  }

  /** Deletes one entry; false when it is not there. `firstId` is not brought up to date. */
  delete(id: StreamId): boolean {
    if (!this.find(id, node)) return false;
    this.length--;
    const live = this.nodes.word(NODE_LIVE);
    if (live === 1) {
      this.#removeNode();
      return true;
    }
    node.markDeleted();
    this.#markCounts(live, 1);
    return true;
  }

  /** Turns `count` of the `live` entries of the node at the cursor into deleted ones. */
  #markCounts(live: number, count: number): void {
    const { arena, nodes } = this;
    let reference = nodes.word(NODE_REFERENCE);
    let page = arena.pages[pageOf(reference)];
    const deleted = deletedEntries(page, offsetOf(reference)) + count;
    const growth = countsGrowth(page, offsetOf(reference), live - count, deleted);
    const bytes = nodeBytes(page, offsetOf(reference)) + growth;
    if (bytes > arena.sizeOf(reference)) {
      reference = this.#resizeNode(bytes);
      page = arena.pages[pageOf(reference)];
    }
    writeCounts(page, offsetOf(reference), live - count, deleted);
    nodes.setWord(NODE_LIVE, live - count);
  }

  /** Frees the node at the directory's cursor, which moves to the next one. */
  #removeNode(): void {
    const reference = this.nodes.word(NODE_REFERENCE);
    this.arena.free(reference);
    this.nodes.remove();
    if (reference === this.#tail) this.#findTail();
  }

  /** After the last node has gone, the one before it gets the next entry. */
  #findTail(): void {
    if (this.nodes.seekLast()) {
      this.#tail = this.nodes.word(NODE_REFERENCE);
      this.nodes.readId(this.#tailId);
      this.nodes.next();
    } else {
      this.#tail = 0;
    }
  }

  /** Brings `firstId` up to date after entries at the head may have gone. */
  updateFirstId(): void {
    if (this.length === 0) {
      this.firstId.setLeast();
      return;
    }
    for (let isNode = this.nodes.seekFirst(); isNode; isNode = this.nodes.next()) {
      if (this.nodes.word(NODE_LIVE) === 0) continue;
      this.openNode(node);
      for (let at = node.firstAt; at < node.endAt; at = node.after()) {
        node.read(at);
        if (node.isDeleted) continue;
        this.firstId.copy(node.id);
        return;
      }
    }
  }

  /** XDEL's other half: notes the greatest ID that was deleted. */
  noteDeleted(id: StreamId): void {
    if (compareIds(id, this.maxDeletedId) > 0) this.maxDeletedId.copy(id);
  }

  // Trimming.

  /**
   * Removes entries from the head by a rule and returns how many. Whole segments of the directory
   * are moved to `graveyard` instead of being freed; it has a stream's shape and is the caller's to
   * free.
   */
  trim(rule: TrimRule, graveyard: () => StreamValue): number {
    let removed = 0;
    while (this.nodes.seekFirst()) {
      if (rule.length >= 0 && this.length <= rule.length) break;
      const segment = this.#segmentEntries(rule, removed);
      if (segment > 0) {
        this.nodes.moveFirstSegmentTo(graveyard().nodes);
        this.length -= segment;
        removed += segment;
        continue;
      }
      const live = this.nodes.word(NODE_LIVE);
      if (rule.limit > 0 && removed + live > rule.limit) break;
      if (this.#isBefore(rule, live)) {
        this.length -= live;
        removed += live;
        this.#removeNode();
        continue;
      }
      if (!rule.isApproximate) removed += this.#trimNode(rule, live);
      break;
    }
    if (removed > 0 || this.length === 0) this.updateFirstId();
    return removed;
  }

  /** Entries of the first segment when all of it goes and it is not the last one, else 0. */
  #segmentEntries(rule: TrimRule, removed: number): number {
    if (!this.nodes.readSecondSegmentId(scratch)) return 0;
    if (rule.length < 0 && compareIds(scratch, rule.least) > 0) return 0;
    const { sum } = this.nodes.sumOfFirstSegment(NODE_LIVE);
    if (rule.limit > 0 && removed + sum > rule.limit) return 0;
    if (rule.length >= 0 && this.length - sum < rule.length) return 0;
    return sum;
  }

  /** Does the first node, with `live` entries, go as a whole? */
  #isBefore(rule: TrimRule, live: number): boolean {
    if (rule.length >= 0) return this.length - live >= rule.length;
    const isBeforeNext =
      this.nodes.next() && compareIds(this.nodes.readId(scratch), rule.least) <= 0;
    this.nodes.seekFirst();
    if (isBeforeNext) return true;
    this.openNode(node);
    for (let at = node.firstAt; at < node.endAt; at = node.after()) node.read(at);
    return compareIds(node.id, rule.least) < 0;
  }

  /** Marks entries of the first node as deleted. */
  #trimNode(rule: TrimRule, live: number): number {
    this.openNode(node);
    let count = 0;
    for (let at = node.firstAt; at < node.endAt; at = node.after()) {
      const isEnough = rule.length >= 0 && this.length <= rule.length;
      node.read(at);
      if (isEnough || (rule.length < 0 && compareIds(node.id, rule.least) >= 0)) break;
      if (node.isDeleted) continue;
      node.markDeleted();
      this.length--;
      count++;
    }
    if (count > 0) this.#markCounts(live, count);
    return count;
  }

  // Counters of groups.

  /** True when XDEL may have left a hole at or behind an ID. */
  hasHolesFrom(id: StreamId): boolean {
    if (this.length === 0 || this.maxDeletedId.isLeast) return false;
    // What was deleted before the first entry leaves no hole.
    if (compareIds(this.firstId, this.maxDeletedId) > 0) return false;
    return compareIds(id, this.maxDeletedId) <= 0;
  }

  /** How many entries were ever added up to an ID, as far as that can be told. */
  estimateRead(id: StreamId, into: EntryCounter): void {
    into.copy(this.entriesAdded);
    if (this.entriesAdded.isZero) return;
    const fromLast = compareIds(id, this.lastId);
    if (fromLast === 0 || (this.length === 0 && fromLast < 0)) return;
    const hasHoles = !this.maxDeletedId.isLeast && compareIds(this.maxDeletedId, this.firstId) >= 0;
    const fromFirst = compareIds(id, this.firstId);
    if (fromLast > 0 || hasHoles || fromFirst > 0) into.set(EntryCounter.UNKNOWN);
    else into.add((fromFirst === 0 ? 1 : 0) - this.length);
  }

  /**
   * Moves a group on to an entry that is about to be delivered: last ID and read counter. Nothing
   * happens when the group has been there before.
   */
  advanceGroup(group: StreamGroup, id: StreamId): void {
    if (compareIds(id, group.lastId) <= 0) return;
    if (group.entriesRead.isKnown && !this.hasHolesFrom(id)) group.entriesRead.add(1);
    else if (!this.entriesAdded.isZero) this.estimateRead(id, group.entriesRead);
    group.lastId.copy(id);
  }

  // As a whole.

  /** Adds a node of another block behind all others: what a snapshot holds. */
  appendNode(first: StreamId, source: Block, offset: number, bytes: number): void {
    const reference = this.arena.allocate(bytes);
    const page = this.arena.pages[pageOf(reference)];
    copyBytes(page, offsetOf(reference), source, offset, bytes);
    const live = liveEntries(page, offsetOf(reference));
    this.nodes.append(first);
    this.nodes.setWord(NODE_REFERENCE, reference);
    this.nodes.setWord(NODE_LIVE, live);
    this.length += live;
    this.#tail = reference;
    this.#tailId.copy(first);
  }

  /** Bytes of the stream in `arena.tableBytes`: all but its nodes. */
  get tableBytes(): number {
    const { all } = this.groups;
    return all.reduce((sum, group) => sum + group.bytes, OBJECT_BYTES + this.nodes.bytes);
  }

  /** Frees up to `count` nodes from the head. */
  freeNodes(count: number): void {
    let left = count;
    for (let isNode = this.nodes.seekFirst(); isNode && left > 0; isNode = this.nodes.isOnRow) {
      this.arena.free(this.nodes.word(NODE_REFERENCE));
      this.nodes.remove();
      left--;
    }
  }

  /** Gives back everything. */
  release(): void {
    this.freeNodes(this.nodes.size);
    for (const group of this.groups.all) group.release();
    this.arena.tableBytes -= OBJECT_BYTES;
  }

  /** Throws when anything is out of order or miscounted. For tests and fuzzers. */
  verify(): void {
    this.nodes.verify();
    let length = 0;
    const end = new StreamId();
    for (let isNode = this.nodes.seekFirst(); isNode; isNode = this.nodes.next()) {
      const reference = this.nodes.word(NODE_REFERENCE);
      const page = this.arena.pages[pageOf(reference)];
      const base = offsetOf(reference);
      const first = this.nodes.readId(new StreamId());
      invariant(length === 0 || compareIds(end, first) < 0, 'nodes overlap');
      invariant(isNodeSound(page, base, first, end), 'a node is unsound');
      invariant(nodeBytes(page, base) <= this.arena.sizeOf(reference), 'a node leaves its block');
      const live = liveEntries(page, base);
      invariant(this.nodes.word(NODE_LIVE) === live, 'the directory miscounts a node');
      length += live;
    }
    invariant(length === this.length, `length ${this.length}, counted ${length}`);
    invariant(compareIds(end, this.lastId) <= 0, 'an entry behind the last ID');
    this.#verifyTail();
    for (const group of this.groups.all) group.verify();
  }

  #verifyTail(): void {
    if (this.#tail === 0) return;
    invariant(this.nodes.seekLast(), 'a last node, but no nodes');
    invariant(this.nodes.word(NODE_REFERENCE) === this.#tail, 'the last node is not the last');
    invariant(compareIds(this.nodes.readId(scratch), this.#tailId) === 0, 'a wrong last node');
  }
}

/** Adds a group; `groups.find` has just not found this name. */
export function makeGroup(stream: StreamValue, name: Buffer): StreamGroup {
  const group = new StreamGroup(stream.arena, new Block(name));
  stream.groups.insert(group);
  return group;
}

/** The listpack's bytes at which Redis begins another node. */
function nodeBytesMax({ streamNodeMaxBytes }: NodeLimits): number {
  const isBounded = streamNodeMaxBytes > 0 && streamNodeMaxBytes <= ENTRY_BYTES_MAX;
  return isBounded ? streamNodeMaxBytes : ENTRY_BYTES_MAX;
}

/** Number of nodes that Redis's radix tree has for a stream's directory; XINFO shows it. */
export function radixTreeNodes(nodes: IdIndex): number {
  const keys = readKeys(nodes);
  if (keys.length <= 1) return 1 + keys.length;
  // Depths of the open branches on the way to the last key.
  const branches: number[] = [];
  let count = 0;
  /** A branch or leaf at `depth`, and what is between it and its parent: one node, if anything. */
  const close = (depth: number, parent: number): void => {
    count += depth - parent - 1 > 0 ? 2 : 1;
  };
  for (let i = 1; i < keys.length; i++) {
    const shared = sharedBytes(keys[i - 1], keys[i]);
    let depth = ID_BYTES;
    while (branches.length > 0 && branches[branches.length - 1] > shared) {
      close(depth, branches[branches.length - 1]);
      depth = branches.pop() as number;
    }
    close(depth, shared);
    const top = branches[branches.length - 1];
    if (top === undefined || top < shared) branches.push(shared);
  }
  let depth = ID_BYTES;
  while (branches.length > 0) {
    close(depth, branches[branches.length - 1]);
    depth = branches.pop() as number;
  }
  // The root is a branch itself, or the beginning of what all keys share.
  return count + (depth > 0 ? 2 : 1);
}

const ID_BYTES = 16;

function readKeys(nodes: IdIndex): Int32Array[] {
  const keys: Int32Array[] = [];
  for (let isNode = nodes.seekFirst(); isNode; isNode = nodes.next()) {
    keys.push(Int32Array.of(nodes.word(0), nodes.word(1), nodes.word(2), nodes.word(3)));
  }
  return keys;
}

/** Leading bytes that two different IDs share. */
function sharedBytes(a: Int32Array, b: Int32Array): number {
  let i = 0;
  while (a[i] === b[i]) i++;
  return 4 * i + (Math.clz32(a[i] ^ b[i]) >> 3);
}
