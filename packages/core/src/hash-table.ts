/**
 * The large form of a hash: a ByteMap of fields over blocks in the arena, and a heap of the
 * deadlines that some of the fields have.
 *
 *   byte  0  field length, int32
 *         4  value length, int32; HAS_DEADLINE when there is a slot
 *         8  field
 *            slot in `#deadlines`, int32, when HAS_DEADLINE
 *            value
 *
 * A field is named by the reference of its block. `find` leaves the field's place in the map, and
 * what changes or removes a field works on the one found last.
 *
 * A walk goes in the order of hashes. If that were the order of another table too, filling it in a
 * walk (COPY, RESTORE, a snapshot) would crowd its slots from one end: a million fields took four
 * seconds instead of one. So every table multiplies hashes by an odd number of its own, as
 * member-table.ts does.
 *
 * Costs: everything on one field is O(1), with a deadline O(log deadlines); 8 bytes of header per
 * field, and the map's slot of 8 bytes at 40 to 85 % load. A value that fits is overwritten in
 * place. Only the table itself is an object; it is kept in `arena.structures`.
 */
import { type Block, copyBytes } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { ByteMap } from './byte-map.ts';
import { ExpiryIndex } from './expiry-index.ts';
import { hashBytes } from './hash.ts';
import { elementLength, writeElement } from './listpack.ts';

const FIELD_LENGTH = 0;
const VALUE_WORD = 4;
const FIELD = 8;
const SLOT_BYTES = 4;
/** Set in the word of the value's length, which stays below 2^29. */
const HAS_DEADLINE = 1 << 30;
const LENGTH_MASK = HAS_DEADLINE - 1;
/** A block larger than this is given up when less than half of it is used. */
const SPACIOUS_BYTES_MIN = 64;

/** Behind the field. */
function slotPlace(view: DataView, at: number): number {
  return at + FIELD + view.getInt32(at + FIELD_LENGTH, true);
}

/** Tables made so far in this thread. */
let tables = 0;

export class HashTable {
  readonly #arena: Arena;
  readonly map: ByteMap;
  /** Makes the hashes of this table others than those of other tables. */
  readonly #multiplier: number;
  #deadlines: ExpiryIndex | undefined;
  /** Hash of the field that was looked for last. */
  #hash = 0;
  /** Where `freeSome` goes on, and how many fields it has freed. */
  #freeCursor = 0;
  #freed = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    tables = (tables + 1) | 0;
    this.#multiplier = Math.imul(tables, 0x9e3779b1) | 1;
    this.map = new ByteMap(arena, FIELD, FIELD_LENGTH);
  }

  /** Reference of a field, or 0. */
  find(field: Block, offset: number, length: number): number {
    this.#hash = Math.imul(hashBytes(field, offset, length), this.#multiplier);
    return this.map.find(field, offset, length, this.#hash);
  }

  /** Adds the field for which `find` has just answered 0. */
  insert(
    field: Block,
    fieldOffset: number,
    fieldLength: number,
    value: Block,
    valueOffset: number,
    valueLength: number,
  ): void {
    const reference = this.#allocate(fieldLength, valueLength);
    const page = this.#arena.pages[pageOf(reference)];
    const at = (offsetOf(reference) + FIELD) | 0;
    copyBytes(page, at, field, fieldOffset, fieldLength);
    copyBytes(page, (at + fieldLength) | 0, value, valueOffset, valueLength);
    this.map.insert(this.#hash, reference);
  }

  /** Adds a field that is known to be absent, out of two listpack entries. */
  insertEntries(block: Block, fieldAt: number, valueAt: number, deadline: number): void {
    const fieldLength = elementLength(block, fieldAt);
    const reference = this.#allocate(fieldLength, elementLength(block, valueAt));
    const page = this.#arena.pages[pageOf(reference)];
    const at = offsetOf(reference) + FIELD;
    const end = writeElement(page, at, block, fieldAt);
    writeElement(page, end, block, valueAt);
    this.#hash = Math.imul(hashBytes(page, at, fieldLength), this.#multiplier);
    this.map.insert(this.#hash, reference);
    if (deadline === Infinity) return;
    this.map.findReference(this.#hash, reference);
    this.setDeadline(reference, deadline);
  }

  #allocate(fieldLength: number, valueLength: number): number {
    const reference = this.#arena.allocate(FIELD + fieldLength + valueLength);
    const { view } = this.#arena.pages[pageOf(reference)];
    const at = offsetOf(reference) | 0;
    view.setInt32((at + FIELD_LENGTH) | 0, fieldLength, true);
    view.setInt32((at + VALUE_WORD) | 0, valueLength, true);
    return reference;
  }

  fieldLength(reference: number): number {
    const { view } = this.#arena.pages[pageOf(reference)];
    return view.getInt32(offsetOf(reference) + FIELD_LENGTH, true);
  }

  /** Offset of the field's bytes in the page of the reference. */
  fieldOffset(reference: number): number {
    return offsetOf(reference) + FIELD;
  }

  valueLength(reference: number): number {
    const { view } = this.#arena.pages[pageOf(reference)];
    return view.getInt32(offsetOf(reference) + VALUE_WORD, true) & LENGTH_MASK;
  }

  /** Offset of the value's bytes in the page of the reference. */
  valueOffset(reference: number): number {
    return offsetOf(reference) + this.#headBytes(reference);
  }

  /** Bytes before the value. */
  #headBytes(reference: number): number {
    const { view } = this.#arena.pages[pageOf(reference)];
    const at = offsetOf(reference) | 0;
    const head = (FIELD + view.getInt32((at + FIELD_LENGTH) | 0, true)) | 0;
    const isVolatile = (view.getInt32((at + VALUE_WORD) | 0, true) & HAS_DEADLINE) !== 0;
    return isVolatile ? (head + SLOT_BYTES) | 0 : head;
  }

  /** Gives the found field another value. */
  replaceValue(reference: number, value: Block, offset: number, length: number): void {
    const head = this.#headBytes(reference);
    const bytes = head + length;
    const room = this.#arena.sizeOf(reference);
    let target = reference;
    if (bytes > room || (room > SPACIOUS_BYTES_MIN && 2 * bytes < room)) {
      target = this.#move(reference, bytes, head);
    }
    const page = this.#arena.pages[pageOf(target)];
    const at = offsetOf(target) | 0;
    const word = page.view.getInt32((at + VALUE_WORD) | 0, true);
    page.view.setInt32((at + VALUE_WORD) | 0, (word & HAS_DEADLINE) | length, true);
    copyBytes(page, (at + head) | 0, value, offset, length);
  }

  /** Moves the found field to a block of `bytes` bytes, the first `kept` of them copied. */
  #move(reference: number, bytes: number, kept: number): number {
    const target = this.#arena.allocate(bytes);
    const from = this.#arena.pages[pageOf(reference)];
    const to = this.#arena.pages[pageOf(target)];
    copyBytes(to, offsetOf(target), from, offsetOf(reference), kept);
    this.map.replaceFound(target);
    const slot = this.#slotOf(reference);
    if (slot >= 0) this.#deadlines?.move(slot, target);
    this.#arena.free(reference);
    return target;
  }

  /** Bytes of the table of deadlines. */
  get deadlineBytes(): number {
    return this.#deadlines?.bytes ?? 0;
  }

  /** Removes the found field. */
  remove(reference: number): void {
    const slot = this.#slotOf(reference);
    if (slot >= 0) this.#deadlines?.remove(slot);
    this.map.removeFound();
    this.#arena.free(reference);
  }

  #slotOf(reference: number): number {
    const { view } = this.#arena.pages[pageOf(reference)];
    const at = offsetOf(reference);
    if ((view.getInt32(at + VALUE_WORD, true) & HAS_DEADLINE) === 0) return -1;
    return view.getInt32(slotPlace(view, at), true);
  }

  /** Deadline of a field in ms since the epoch, or Infinity. */
  deadlineOf(reference: number): number {
    const deadlines = this.#deadlines;
    if (deadlines === undefined) return Infinity;
    const slot = this.#slotOf(reference);
    return slot < 0 ? Infinity : deadlines.deadline(slot);
  }

  /** Earliest deadline of a field, or Infinity. */
  get earliest(): number {
    return this.#deadlines?.earliest() ?? Infinity;
  }

  /** Sets the deadline of the found field; Infinity takes it away. */
  setDeadline(reference: number, deadline: number): void {
    const slot = this.#slotOf(reference);
    if (deadline === Infinity) {
      if (slot >= 0) this.#dropDeadline(reference, slot);
      return;
    }
    this.#deadlines ??= new ExpiryIndex(this.#arena, slotPlace);
    if (slot >= 0) this.#deadlines.change(slot, deadline);
    else this.#deadlines.add(this.#addSlot(reference), this.map.foundHash(), deadline);
  }

  /** Makes room for a slot between field and value. */
  #addSlot(reference: number): number {
    const head = this.#headBytes(reference);
    const length = this.valueLength(reference);
    const bytes = head + SLOT_BYTES + length;
    let target = reference;
    if (bytes > this.#arena.sizeOf(reference)) {
      target = this.#arena.allocate(bytes);
      const from = this.#arena.pages[pageOf(reference)];
      const to = this.#arena.pages[pageOf(target)];
      const at = offsetOf(reference);
      copyBytes(to, offsetOf(target), from, at, head);
      copyBytes(to, offsetOf(target) + head + SLOT_BYTES, from, at + head, length);
      this.map.replaceFound(target);
      this.#arena.free(reference);
    } else {
      const value = offsetOf(reference) + head;
      const { bytes: page } = this.#arena.pages[pageOf(reference)];
      page.copyWithin(value + SLOT_BYTES, value, value + length);
    }
    const { view } = this.#arena.pages[pageOf(target)];
    view.setInt32(offsetOf(target) + VALUE_WORD, length | HAS_DEADLINE, true);
    return target;
  }

  #dropDeadline(reference: number, slot: number): void {
    this.#deadlines?.remove(slot);
    const { bytes, view } = this.#arena.pages[pageOf(reference)];
    const at = offsetOf(reference);
    const length = this.valueLength(reference);
    const value = this.valueOffset(reference);
    bytes.copyWithin(value - SLOT_BYTES, value, value + length);
    view.setInt32(at + VALUE_WORD, length, true);
  }

  /** Removes up to `count` fields whose deadline has passed; returns how many. */
  expireDue(now: number, count: number): number {
    const deadlines = this.#deadlines;
    if (deadlines === undefined) return 0;
    let expired = 0;
    for (; expired < count && deadlines.earliest() <= now; expired++) {
      const reference = deadlines.earliestReference();
      this.map.findReference(deadlines.earliestHash(), reference);
      this.remove(reference);
    }
    return expired;
  }

  /** Fields that `freeSome` has still to free. */
  get partsLeft(): number {
    return this.map.size - this.#freed;
  }

  /** Frees up to about `count` fields of a table that nobody will use again; true at the end. */
  freeSome(count: number): boolean {
    this.#freeCursor = this.map.scan(this.#freeCursor, count, (reference) => {
      this.#arena.free(reference);
      this.#freed++;
    });
    if (this.#freeCursor >= 0) return false;
    this.map.release();
    this.#deadlines?.release();
    return true;
  }

  /** Throws when a table is out of order. For tests and fuzzers. */
  verify(): void {
    this.map.verify();
    this.#deadlines?.verify();
  }
}
