/**
 * A node of a stream: a run of entries in Redis's listpack layout, byte for byte, so that RDB and
 * DUMP copy a node as it is.
 *
 *   node     ├ bytes: u32 ┼ elements: u16 ┼ master entry ┼ entry ┼ entry ┼ … ┼ 0xff ┤
 *   master   ├ entries ┼ deleted entries ┼ n ┼ field 1 ┼ … ┼ field n ┼ 0 ┤
 *   entry    ├ flags ┼ ms delta ┼ seq delta ┼ value 1 ┼ … ┼ value n ┼ elements of this entry ┤
 *     or     ├ flags ┼ ms delta ┼ seq delta ┼ m ┼ field 1 ┼ value 1 ┼ … ┼ elements ┤
 *
 * IDs are differences to the node's first ID, modulo 2^64, which is the key of the node in its
 * stream's directory. An entry with the fields of the master entry has the flag SAME_FIELDS and no
 * fields of its own. A deleted entry keeps its bytes and gets a flag: nodes are never compacted, as
 * in Redis; a node without live entries goes as a whole. The last element of an entry, the number of
 * elements before it, is for reading backwards.
 *
 * Here is the layout alone: reading an entry's head, writing an entry, changing the two counts. Who
 * owns nodes, and makes room in their blocks, is stream-value.ts.
 *
 * Source: t_stream.c of Redis 7.
 */
import { type Block, equalBytes } from '@hashlane/resp';
import {
  encodeEntry,
  encodeInteger,
  integerAt,
  integerBytes,
  isIntegerEntry,
  Needle,
  nextEntry,
} from './listpack.ts';
import type { Request } from './request.ts';
import type { StreamId } from './stream-id.ts';

export const ENTRY_DELETED = 1;
export const ENTRY_SAME_FIELDS = 2;

/** Bytes of a listpack's header and of its end mark. */
export const NODE_HEAD_BYTES = 6;
export const NODE_TAIL_BYTES = 1;
const END_MARK = 0xff;
const ELEMENTS = 4;
const ELEMENTS_UNKNOWN = 0xffff;
const INTEGER_64 = 0xf4;

/** An argument takes at most so many bytes more in a node than it has itself. */
const ELEMENT_EXTRA_BYTES = 11;
/** All else that an entry, or an entry and the master entry, writes. */
const ENTRY_EXTRA_BYTES = 96;

/** Bytes in use of the node at `base`, header and end mark included. */
export function nodeBytes(page: Block, base: number): number {
  return page.view.getInt32(base | 0, true);
}

/** Live entries of a node. */
export function liveEntries(page: Block, base: number): number {
  return integerAt(page, (base + NODE_HEAD_BYTES) | 0);
}

/** Entries of a node that are marked as deleted. */
export function deletedEntries(page: Block, base: number): number {
  return integerAt(page, nextEntry(page, (base + NODE_HEAD_BYTES) | 0));
}

/** Room that an entry may need at most, whose fields and values have `rawBytes` in all. */
export function entryBytesMax(rawBytes: number, fields: number): number {
  return rawBytes + 3 * fields * ELEMENT_EXTRA_BYTES + ENTRY_EXTRA_BYTES;
}

/**
 * Adds an element count to a node's header. Like Redis, a count that does not fit is given up for
 * good.
 */
function countElements(page: Block, base: number, added: number): void {
  const { view } = page;
  const count = view.getUint16(base + ELEMENTS, true);
  if (count === ELEMENTS_UNKNOWN) return;
  view.setUint16(base + ELEMENTS, Math.min(ELEMENTS_UNKNOWN, count + added), true);
}

/** Makes a node with the fields of arguments `first`, `first` + 2, … and without entries. */
export function writeMaster(
  page: Block,
  base: number,
  request: Request,
  first: number,
  fields: number,
): void {
  const { block } = request;
  let at = encodeInteger(page, base + NODE_HEAD_BYTES, 0);
  at = encodeInteger(page, at, 0);
  at = encodeInteger(page, at, fields);
  for (let i = 0; i < fields; i++) {
    const argument = first + 2 * i;
    at = encodeEntry(page, at, block, request.offset(argument), request.length(argument));
  }
  at = encodeInteger(page, at, 0);
  page.bytes[at] = END_MARK;
  page.view.setInt32(base, at + 1 - base, true);
  page.view.setUint16(base + ELEMENTS, Math.min(ELEMENTS_UNKNOWN, fields + 4), true);
}

const needle = new Needle();

/** Do the arguments name the fields of a node's master entry, in its order? */
function hasMasterFields(
  page: Block,
  base: number,
  request: Request,
  first: number,
  fields: number,
): boolean {
  const { block } = request;
  let at = nextEntry(page, nextEntry(page, (base + NODE_HEAD_BYTES) | 0));
  if (integerAt(page, at) !== fields) return false;
  for (let i = 0; i < fields; i++) {
    at = nextEntry(page, at);
    const argument = first + 2 * i;
    const offset = request.offset(argument);
    const length = request.length(argument);
    const short = page.view.getUint8(at) ^ 0x80;
    if (short < 64) {
      if (short !== length || !equalBytes(page, at + 1, block, offset, length)) return false;
    } else if (!needle.set(block, offset, length).equalsEntry(page, at)) {
      return false;
    }
  }
  return true;
}

/** Writes a difference of two 64-bit numbers as an entry and returns the offset after it. */
function writeDelta(
  page: Block,
  at: number,
  high: number,
  low: number,
  masterHigh: number,
  masterLow: number,
): number {
  const deltaLow = (low - masterLow) | 0;
  const borrow = low >>> 0 < masterLow >>> 0 ? 1 : 0;
  const deltaHigh = (high - masterHigh - borrow) | 0;
  if (deltaHigh === deltaLow >> 31) return encodeInteger(page, at, deltaLow);
  const { bytes, view } = page;
  bytes[at] = INTEGER_64;
  view.setInt32(at + 1, deltaLow, true);
  view.setInt32(at + 5, deltaHigh, true);
  bytes[at + 9] = 9;
  return at + 10;
}

/**
 * Appends an entry with the fields and values in arguments `first` … to the node at `base`, whose
 * block has room for `entryBytesMax`. The count of entries is not changed.
 */
export function writeEntry(
  page: Block,
  base: number,
  master: StreamId,
  id: StreamId,
  request: Request,
  first: number,
  fields: number,
): void {
  const { block } = request;
  const { bytes } = page;
  const isSame = hasMasterFields(page, base, request, first, fields);
  let at = (base + nodeBytes(page, base) - NODE_TAIL_BYTES) | 0;
  bytes[at] = isSame ? ENTRY_SAME_FIELDS : 0;
  bytes[at + 1] = 1;
  at = writeDelta(page, (at + 2) | 0, id.msHigh, id.msLow, master.msHigh, master.msLow);
  at = writeDelta(page, at, id.seqHigh, id.seqLow, master.seqHigh, master.seqLow);
  if (!isSame) at = encodeInteger(page, at, fields);
  const step = isSame ? 2 : 1;
  const end = first + 2 * fields;
  for (let i = isSame ? first + 1 : first; i < end; i += step) {
    at = encodeEntry(page, at, block, request.offset(i), request.length(i));
  }
  const elements = isSame ? fields + 3 : 2 * fields + 4;
  at = encodeInteger(page, at, elements);
  bytes[at] = END_MARK;
  page.view.setInt32(base, (at + 1 - base) | 0, true);
  countElements(page, base, elements + 1);
}

/** Bytes by which a node grows (or shrinks) when its counts become these. */
export function countsGrowth(page: Block, base: number, live: number, deleted: number): number {
  const first = base + NODE_HEAD_BYTES;
  const second = nextEntry(page, first);
  const end = nextEntry(page, second);
  return integerBytes(live) + integerBytes(deleted) + 2 - (end - first);
}

/** Sets the counts of a node, whose block has room for `countsGrowth`. */
export function writeCounts(page: Block, base: number, live: number, deleted: number): void {
  const first = base + NODE_HEAD_BYTES;
  const end = nextEntry(page, nextEntry(page, first));
  const growth = countsGrowth(page, base, live, deleted);
  if (growth !== 0) {
    const bytes = nodeBytes(page, base);
    page.bytes.copyWithin(end + growth, end, base + bytes);
    page.view.setInt32(base, bytes + growth, true);
  }
  encodeInteger(page, encodeInteger(page, first, live), deleted);
}

/** One entry of a node, as a reused view. The fields are offsets in `page`. */
export class NodeEntry {
  page!: Block;
  readonly master: StreamId;
  /** Fields of the master entry, and where the first one is. */
  masterFields = 0;
  masterFieldsAt = 0;
  /** First entry of the node, and its end mark. */
  firstAt = 0;
  endAt = 0;
  /** Where the entry begins: its flags. */
  at = 0;
  flags = 0;
  readonly id: StreamId;
  fields = 0;
  /** Values of an entry with the master's fields, else fields and values in turn. */
  valuesAt = 0;

  constructor(master: StreamId, id: StreamId) {
    this.master = master;
    this.id = id;
  }

  /** Looks at the node at `base`, whose first ID is in `master`. */
  open(page: Block, base: number): void {
    this.page = page;
    let at = nextEntry(page, nextEntry(page, (base + NODE_HEAD_BYTES) | 0));
    this.masterFields = integerAt(page, at);
    at = nextEntry(page, at);
    this.masterFieldsAt = at;
    for (let left = this.masterFields; left > 0; left--) at = nextEntry(page, at);
    this.firstAt = nextEntry(page, at);
    this.endAt = (base + nodeBytes(page, base) - NODE_TAIL_BYTES) | 0;
  }

  get isDeleted(): boolean {
    return (this.flags & ENTRY_DELETED) !== 0;
  }

  get hasMasterFields(): boolean {
    return (this.flags & ENTRY_SAME_FIELDS) !== 0;
  }

  /** Listpack elements from `valuesAt` to the end of the entry, its own count left out. */
  get elements(): number {
    return this.hasMasterFields ? this.fields : 2 * this.fields;
  }

  /** Reads the head of the entry at `at`. */
  read(at: number): void {
    const { page, id, master } = this;
    this.at = at;
    this.flags = integerAt(page, at);
    const msAt = nextEntry(page, at);
    this.#addDelta(msAt, master.msHigh, master.msLow);
    id.msHigh = this.#sumHigh;
    id.msLow = this.#sumLow;
    const seqAt = nextEntry(page, msAt);
    this.#addDelta(seqAt, master.seqHigh, master.seqLow);
    id.seqHigh = this.#sumHigh;
    id.seqLow = this.#sumLow;
    this.valuesAt = nextEntry(page, seqAt);
    if (this.hasMasterFields) {
      this.fields = this.masterFields;
      return;
    }
    this.fields = integerAt(page, this.valuesAt);
    this.valuesAt = nextEntry(page, this.valuesAt);
  }

  #sumHigh = 0;
  #sumLow = 0;

  /** Adds the integer of an element to a 64-bit number, modulo 2^64. */
  #addDelta(at: number, high: number, low: number): void {
    const { page } = this;
    let deltaLow: number;
    let deltaHigh: number;
    if (page.bytes[at] === INTEGER_64) {
      deltaLow = page.view.getInt32(at + 1, true);
      deltaHigh = page.view.getInt32(at + 5, true);
    } else {
      deltaLow = integerAt(page, at) | 0;
      deltaHigh = deltaLow >> 31;
    }
    const sum = (low + deltaLow) | 0;
    const carry = sum >>> 0 < low >>> 0 ? 1 : 0;
    this.#sumLow = sum;
    this.#sumHigh = (high + deltaHigh + carry) | 0;
  }

  /** Offset after the entry that was read. */
  after(): number {
    const { page } = this;
    let at = this.valuesAt;
    for (let left = this.elements; left >= 0; left--) at = nextEntry(page, at);
    return at;
  }

  /** Marks the entry as deleted, in place. */
  markDeleted(): void {
    this.flags |= ENTRY_DELETED;
    this.page.bytes[this.at] = this.flags;
  }
}

/**
 * True when a listpack, whose elements are sound, has the layout of a stream's node: the counts
 * right, flags known, IDs ascending from `master` on. Leaves the last ID in `last`.
 */
export function isNodeSound(page: Block, base: number, master: StreamId, last: StreamId): boolean {
  const end = base + nodeBytes(page, base) - NODE_TAIL_BYTES;
  const reader = new ElementReader(page, base + NODE_HEAD_BYTES, end);
  const live = reader.count();
  const deleted = reader.count();
  const fields = reader.count();
  reader.skip(fields);
  if (reader.count() !== 0 || fields === 0) return false;
  const entry = new NodeEntry(master, last);
  entry.page = page;
  entry.masterFields = fields;
  const before = { isFirst: true, id: '' };
  let liveSeen = 0;
  let deletedSeen = 0;
  while (reader.isSound && reader.at < end) {
    if (!reader.isEntry(fields)) return false;
    entry.read(reader.entryAt);
    const id = sortable(last);
    if (before.isFirst ? id < sortable(master) : id <= before.id) return false;
    before.isFirst = false;
    before.id = id;
    if (entry.isDeleted) deletedSeen++;
    else liveSeen++;
  }
  return reader.isSound && liveSeen === live && deletedSeen === deleted;
}

function sortable(id: StreamId): string {
  const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
  return hex(id.milliseconds) + hex(id.sequence);
}

/** Reads a node element by element and notes when it is not what it should be. */
class ElementReader {
  readonly #page: Block;
  readonly #end: number;
  at: number;
  isSound = true;
  entryAt = 0;

  constructor(page: Block, at: number, end: number) {
    this.#page = page;
    this.at = at;
    this.#end = end;
  }

  /** The next element as a count; 0, and unsound, when it is none. */
  count(): number {
    const { at } = this;
    if (at >= this.#end || !isIntegerEntry(this.#page, at)) return this.#fail();
    const value = integerAt(this.#page, at);
    // A count cannot be larger than the node.
    if (!(value >= 0 && value <= this.#end)) return this.#fail();
    this.at = nextEntry(this.#page, at);
    return value;
  }

  skip(elements: number): void {
    for (let left = elements; left > 0 && this.isSound; left--) {
      if (this.at >= this.#end) this.#fail();
      else this.at = nextEntry(this.#page, this.at);
    }
  }

  #delta(): void {
    if (this.at >= this.#end || !isIntegerEntry(this.#page, this.at)) this.#fail();
    else this.at = nextEntry(this.#page, this.at);
  }

  #fail(): 0 {
    this.isSound = false;
    return 0;
  }

  /** Passes over an entry; it begins at `entryAt`. */
  isEntry(masterFields: number): boolean {
    this.entryAt = this.at;
    // Flags are set in place, so they must be in one byte.
    if (this.#page.bytes[this.at] > (ENTRY_DELETED | ENTRY_SAME_FIELDS)) return false;
    const flags = this.count();
    this.#delta();
    this.#delta();
    const isSame = (flags & ENTRY_SAME_FIELDS) !== 0;
    const fields = isSame ? masterFields : this.count();
    this.skip(isSame ? fields : 2 * fields);
    const elements = this.count();
    return this.isSound && elements === (isSame ? fields + 3 : 2 * fields + 4);
  }
}
