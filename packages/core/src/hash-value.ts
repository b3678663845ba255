/**
 * A hash: fields with values, some of the fields with deadlines.
 *
 *   PACKED     field, value, field, value …                in one PackedValue
 *   VOLATILE   field, value, deadline, field, …            in one PackedValue, by deadline
 *   WIDE       as PACKED, with elements of any length      in one PackedValue
 *   TABLE      a HashTable in `arena.structures`
 *
 * The form is in the encoding bits of the entry's meta. A hash begins PACKED, becomes VOLATILE with
 * the first deadline of a field, and a TABLE beyond the thresholds of `hash-max-listpack-*`; it
 * never goes back, as in Redis 7.4. What Redis keeps in a table because of one long element, though
 * its fields are few (a job of a queue, a session), is WIDE here, and a table to whoever asks: a
 * table of its own would have four objects on V8's heap. In a VOLATILE hash the fields with
 * deadlines come first, in their order, so that what is due stands at the beginning; deadline 0
 * means none.
 *
 *   descriptor   packed:  PackedValue's          table:  ┌ slot, int32 ┬ −1 ┐
 *   then, once a field has had a deadline, the entry's slot in `Keyspace.partExpiries` (int32)
 *
 * The keyspace's index of deadlines is not this file's business: whoever has changed a hash tells
 * the keyspace its `earliest` (commands/hash-access.ts, hash-registration.ts).
 *
 * A HashValue is a reused view: `open` points it at an entry. `find`, `advance` and `pick` make one
 * field the current one, which the accessors and `setDeadline`, `remove` are about; any change
 * makes it void.
 *
 * Costs: in the packed forms O(bytes), which the thresholds bound; in a table O(1) per field.
 */
import { Block, copyBytes, type ReplyWriter, writeDecimal } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { MapWalk } from './byte-map.ts';
import type { EngineSettings } from './engine-settings.ts';
import { ENCODING_MASK, ENCODING_SHIFT, META, valueOffset } from './entry.ts';
import { HashTable } from './hash-table.ts';
import { invariant } from './invariant.ts';
import { WIDE_BYTES_MAX, WIDE_FIELDS_MAX } from './limits.ts';
import {
  ENTRY_OVERHEAD_BYTES_MAX,
  elementLength,
  integerAt,
  isIntegerEntry,
  Needle,
  stringLength,
  stringOffset,
  writeBulk,
  writeBulks,
  writeElement,
} from './listpack.ts';
import { PACKED_BYTES, PackedValue } from './packed-value.ts';
import type { RandomSource } from './random-source.ts';

/** Bytes of the descriptor without the slot for deadlines. */
export const HASH_BYTES = PACKED_BYTES;

export const HASH_PACKED = 0;
export const HASH_TABLE = 1;
export const HASH_VOLATILE = 2;
export const HASH_WIDE = 3;
export type HashForm = 0 | 1 | 2 | 3;

/** What OBJECT ENCODING answers, by form. */
export const HASH_ENCODINGS = ['listpack', 'hashtable', 'listpackex', 'hashtable'] as const;

const TABLE_SLOT = 0;
const TABLE_MARK = 4;
/** Stands where a packed value has its number of entries. */
const IS_TABLE = -1;

/** Beyond this a packed value becomes a table whatever the thresholds allow. */
const PACKED_BYTES_MAX = 1 << 30;
/** Digits of a 64-bit integer, its sign, and what a copy of whole words may overrun. */
const NUMBER_BYTES = 32;
/** `NO_ENTRY`: the descriptor is in no entry, so that a new form is written nowhere. */
const NO_ENTRY = -1;

/** Where the bytes of a field or value are. Valid until the next change of any entry. */
export class HashSpan {
  block = Block.allocate(NUMBER_BYTES);
  offset = 0;
  length = 0;
  /** Holds the text of a packed integer. */
  readonly #number = this.block;

  /** Points at the element of a listpack entry. */
  ofEntry(block: Block, at: number): this {
    if (isIntegerEntry(block, at)) {
      this.block = this.#number;
      this.offset = 0;
      this.length = writeElement(this.#number, 0, block, at);
    } else {
      this.block = block;
      this.offset = stringOffset(block, at);
      this.length = stringLength(block, at);
    }
    return this;
  }

  of(block: Block, offset: number, length: number): this {
    this.block = block;
    this.offset = offset;
    this.length = length;
    return this;
  }

  text(): string {
    return this.block.bytes.latin1Slice(this.offset, this.offset + this.length);
  }
}

const needle = new Needle();
const rebuilt = new PackedValue();
const rebuiltDescriptor = Block.allocate(PACKED_BYTES);
const number = Block.allocate(NUMBER_BYTES);
/** A pair on its way to another place of its packed value. */
let pair = Block.allocate(512);

export class HashValue {
  #arena!: Arena;
  #page!: Block;
  #at = 0;
  /** Offset of the entry in `#page`, or NO_ENTRY. */
  #entry = NO_ENTRY;
  #table: HashTable | undefined;
  readonly #packed = new PackedValue();
  readonly #walk = new MapWalk();
  readonly #span = new HashSpan();
  form: HashForm = HASH_PACKED;

  /** The current field: its block in a table … */
  #reference = 0;
  /** … or the positions of its entries, where the next triple or pair begins after an advance. */
  #field = 0;
  #value = 0;
  #next = 0;

  /** Points at the value of an entry of a keyspace. */
  open(arena: Arena, entryReference: number): this {
    const page = arena.pages[pageOf(entryReference)];
    const entry = offsetOf(entryReference);
    const meta = page.view.getInt32(entry + META, true);
    const form = ((meta & ENCODING_MASK) >> ENCODING_SHIFT) as HashForm;
    this.openAt(arena, page, valueOffset(page, entry), form);
    this.#entry = entry;
    return this;
  }

  /** Points at the descriptor at `at` of `page`; the form need only be right between the packed ones. */
  openAt(arena: Arena, page: Block, at: number, form: HashForm): this {
    this.#arena = arena;
    this.#page = page;
    this.#at = at;
    this.#entry = NO_ENTRY;
    this.#table = tableOf(arena, page, at);
    this.form = this.#table === undefined ? form : HASH_TABLE;
    if (this.#table === undefined) this.#packed.openAt(arena, page, at);
    return this;
  }

  /** Makes the value of a new entry an empty hash and points at it. */
  create(arena: Arena, entryReference: number): this {
    const page = arena.pages[pageOf(entryReference)];
    const entry = offsetOf(entryReference);
    this.createAt(arena, page, valueOffset(page, entry));
    this.#entry = entry;
    return this;
  }

  /** Makes the descriptor at `at` of `page`, whatever it holds, that of an empty hash. */
  createAt(arena: Arena, page: Block, at: number): this {
    page.view.setInt32(at, 0, true);
    page.view.setInt32(at + TABLE_MARK, 0, true);
    this.openAt(arena, page, at, HASH_PACKED);
    this.#packed.initialize();
    return this;
  }

  #setForm(form: HashForm): void {
    this.form = form;
    if (this.#entry === NO_ENTRY) return;
    const { view } = this.#page;
    const meta = view.getInt32(this.#entry + META, true) & ~ENCODING_MASK;
    view.setInt32(this.#entry + META, meta | (form << ENCODING_SHIFT), true);
  }

  /** Number of fields; those whose deadline has passed count until they are removed. */
  get count(): number {
    if (this.#table !== undefined) return this.#table.map.size;
    return this.form === HASH_VOLATILE ? this.#packed.count / 3 : this.#packed.count >> 1;
  }

  get isTable(): boolean {
    return this.#table !== undefined;
  }

  get #step(): number {
    return this.form === HASH_VOLATILE ? 3 : 2;
  }

  /** Listpack entries of a packed hash, as they are. */
  get packed(): PackedValue {
    return this.#packed;
  }

  // The current field.

  /** Makes a field the current one; false when it is not there. */
  find(source: Block, offset: number, length: number): boolean {
    if (this.#table !== undefined) {
      this.#reference = this.#table.find(source, offset, length);
      return this.#reference !== 0;
    }
    const at = this.#packed.find(needle.set(source, offset, length), this.#step);
    if (at < 0) return false;
    this.#stand(at);
    return true;
  }

  #stand(at: number): void {
    this.#field = at;
    this.#value = this.#packed.next(at);
  }

  /** Begins a walk over all fields: call `advance` for each. The hash must not change meanwhile. */
  rewind(): this {
    if (this.#table !== undefined) this.#walk.restart();
    else this.#next = this.#packed.start;
    return this;
  }

  /** Makes the next field the current one; false at the end. */
  advance(): boolean {
    if (this.#table !== undefined) {
      if (!this.#table.map.advance(this.#walk)) return false;
      this.#reference = this.#walk.reference;
      return true;
    }
    if (this.#next >= this.#packed.end) return false;
    this.#stand(this.#next);
    this.#next = this.#packed.next(this.#value);
    if (this.form === HASH_VOLATILE) this.#next = this.#packed.next(this.#next);
    return true;
  }

  /** Makes a field at random the current one. The hash must not be empty. */
  pick(random: RandomSource): void {
    if (this.#table !== undefined) this.#reference = this.#table.map.random(random);
    else this.#stand(this.#packed.seek(random.below(this.count) * this.#step));
  }

  /** Something that names the current field until the hash changes, for `recall`. */
  get place(): number {
    return this.#table !== undefined ? this.#reference : this.#field;
  }

  /** Makes the field of a `place` the current one again. */
  recall(place: number): void {
    if (this.#table !== undefined) this.#reference = place;
    else this.#stand(place);
  }

  /**
   * Visits the fields of a table from a cursor on, each as the current one: see `ByteMap.scan`.
   * A packed hash is visited as a whole, whatever the cursor. Returns the next cursor, −1 at the end.
   */
  scan(cursor: number, count: number, visit: () => void): number {
    if (this.#table !== undefined) {
      return this.#table.map.scan(cursor, count, (reference) => {
        this.#reference = reference;
        visit();
      });
    }
    this.rewind();
    while (this.advance()) visit();
    return -1;
  }

  /** Bytes of the current field. */
  fieldSpan(): HashSpan {
    if (this.#table === undefined) return this.#span.ofEntry(this.#packed.block, this.#field);
    const reference = this.#reference;
    const page = this.#arena.pages[pageOf(reference)];
    return this.#span.of(
      page,
      this.#table.fieldOffset(reference),
      this.#table.fieldLength(reference),
    );
  }

  /** Bytes of the current field's value. */
  valueSpan(): HashSpan {
    if (this.#table === undefined) return this.#span.ofEntry(this.#packed.block, this.#value);
    const reference = this.#reference;
    const page = this.#arena.pages[pageOf(reference)];
    return this.#span.of(
      page,
      this.#table.valueOffset(reference),
      this.#table.valueLength(reference),
    );
  }

  valueLength(): number {
    if (this.#table !== undefined) return this.#table.valueLength(this.#reference);
    return elementLength(this.#packed.block, this.#value);
  }

  replyField(reply: ReplyWriter): void {
    if (this.#table === undefined) {
      writeBulk(reply, this.#packed.block, this.#field);
      return;
    }
    const { block, offset, length } = this.fieldSpan();
    reply.bulk(block, offset, length);
  }

  replyValue(reply: ReplyWriter): void {
    if (this.#table === undefined) {
      writeBulk(reply, this.#packed.block, this.#value);
      return;
    }
    const { block, offset, length } = this.valueSpan();
    reply.bulk(block, offset, length);
  }

  /** Replies all fields and values in turn, whether due or not. */
  replyAll(reply: ReplyWriter): void {
    if (this.form === HASH_PACKED || this.form === HASH_WIDE) {
      writeBulks(reply, this.#packed.block, this.#packed.start, this.#packed.count);
      return;
    }
    this.rewind();
    while (this.advance()) {
      this.replyField(reply);
      this.replyValue(reply);
    }
  }

  /** Deadline of the current field in ms since the epoch, or Infinity. */
  deadline(): number {
    if (this.#table !== undefined) return this.#table.deadlineOf(this.#reference);
    if (this.form !== HASH_VOLATILE) return Infinity;
    return this.#deadlineAt(this.#packed.next(this.#value));
  }

  #deadlineAt(at: number): number {
    const deadline = integerAt(this.#packed.block, at);
    return deadline === 0 ? Infinity : deadline;
  }

  /** Earliest deadline of any field, or Infinity. O(1) */
  get earliest(): number {
    if (this.#table !== undefined) return this.#table.earliest;
    if (this.form !== HASH_VOLATILE || this.#packed.count === 0) return Infinity;
    const value = this.#packed.next(this.#packed.start);
    return this.#deadlineAt(this.#packed.next(value));
  }

  // Changes.

  /**
   * Before `fields` fields are put whose names and values, the longest of `longest` bytes, take at
   * most `bytes` bytes as entries: a hash that they take beyond the thresholds changes its form now.
   */
  makeRoom(settings: EngineSettings, fields: number, longest: number, bytes: number): void {
    if (this.#table !== undefined || this.form === HASH_WIDE) return;
    const { hashMaxListpackEntries, hashMaxListpackValue } = settings;
    const isTooLarge = this.#packed.bytes + bytes > PACKED_BYTES_MAX;
    if (fields > hashMaxListpackEntries || isTooLarge) this.#toTable();
    else if (longest > hashMaxListpackValue) this.#widen(fields, this.#packed.bytes + bytes);
    if (this.#table === undefined && fields > 1) this.#packed.reserve(bytes);
  }

  /** Before `fields` fields come with an element that is too long for a packed hash. */
  #widen(fields: number, bytes: number): void {
    const isFew = this.count + fields <= WIDE_FIELDS_MAX && bytes <= WIDE_BYTES_MAX;
    if (isFew && this.form !== HASH_VOLATILE) this.#setForm(HASH_WIDE);
    else this.#toTable();
  }

  /**
   * Sets a field, whose deadline goes unless it is kept. True when the field is new. The current
   * field is void afterwards.
   */
  put(
    settings: EngineSettings,
    field: Block,
    fieldOffset: number,
    fieldLength: number,
    value: Block,
    offset: number,
    length: number,
    keepsDeadline: boolean,
  ): boolean {
    const most = settings.hashMaxListpackValue;
    if (this.#table === undefined && (fieldLength > most || length > most)) {
      const bytes = this.#packed.bytes + fieldLength + length + 2 * ENTRY_OVERHEAD_BYTES_MAX;
      if (this.form !== HASH_WIDE || bytes > WIDE_BYTES_MAX) this.#widen(1, bytes);
    }
    const table = this.#table;
    if (this.find(field, fieldOffset, fieldLength)) {
      if (!keepsDeadline && this.deadline() !== Infinity) {
        this.setDeadline(Infinity);
        this.find(field, fieldOffset, fieldLength);
      }
      if (table !== undefined) table.replaceValue(this.#reference, value, offset, length);
      else this.#packed.replace(this.#value, value, offset, length);
      return false;
    }
    if (table !== undefined) {
      table.insert(field, fieldOffset, fieldLength, value, offset, length);
      return true;
    }
    this.#append(field, fieldOffset, fieldLength, value, offset, length);
    this.outgrow(settings);
    return true;
  }

  /** Makes a table of a packed hash of too many fields. */
  outgrow(settings: EngineSettings): void {
    if (this.#table !== undefined) return;
    const most = this.form === HASH_WIDE ? WIDE_FIELDS_MAX : settings.hashMaxListpackEntries;
    if (this.count > most) this.#toTable();
  }

  /**
   * Makes ready-made entries the whole of an empty hash of this form: `count` entries in `bytes`
   * bytes from `offset` of `source`. They must be sound, see hash-check.ts.
   */
  fill(
    form: typeof HASH_PACKED | typeof HASH_VOLATILE,
    source: Block,
    offset: number,
    bytes: number,
    count: number,
  ): this {
    this.#packed.appendPacked(source, offset, bytes, count);
    this.#setForm(form);
    return this;
  }

  /**
   * Gives the found field another value, and the field keeps its deadline. False, and nothing has
   * changed, when the value is too long for the packed forms: `put` makes a table then.
   */
  replaceValue(settings: EngineSettings, value: Block, offset: number, length: number): boolean {
    if (this.#table !== undefined) {
      this.#table.replaceValue(this.#reference, value, offset, length);
      return true;
    }
    if (length > settings.hashMaxListpackValue && this.form !== HASH_WIDE) return false;
    this.#packed.replace(this.#value, value, offset, length);
    return true;
  }

  #append(
    field: Block,
    fieldOffset: number,
    fieldLength: number,
    value: Block,
    offset: number,
    length: number,
  ): void {
    const packed = this.#packed;
    packed.append(field, fieldOffset, fieldLength);
    packed.append(value, offset, length);
    if (this.form === HASH_VOLATILE) appendDeadline(packed, 0);
  }

  /** Sets the deadline of the found field; Infinity takes it away. The field is void afterwards. */
  setDeadline(deadline: number): void {
    if (this.#table !== undefined) {
      this.#table.setDeadline(this.#reference, deadline);
      return;
    }
    if (deadline === this.deadline()) return;
    if (this.form === HASH_WIDE) {
      this.#setFirstDeadlineOfWide(deadline);
      return;
    }
    if (this.form === HASH_PACKED) this.#toVolatile();
    this.#movePair(deadline);
  }

  #setFirstDeadlineOfWide(deadline: number): void {
    const { block, length, offset } = this.fieldSpan();
    const field = Block.allocate(length);
    copyBytes(field, 0, block, offset, length);
    this.#toTable();
    this.find(field, 0, length);
    this.#table?.setDeadline(this.#reference, deadline);
  }

  /** Puts the current field's triple to the place of its new deadline. */
  #movePair(deadline: number): void {
    const packed = this.#packed;
    const from = this.#field;
    const bytes = packed.next(this.#value) - from;
    if (pair.size < bytes) pair = Block.allocate(2 * bytes);
    copyBytes(pair, 0, packed.block, from, bytes);
    packed.remove(from, 3);
    const at = this.#placeOf(deadline);
    const end = packed.insertPacked(at, pair, 0, bytes, 2);
    const length = writeDecimal(number.bytes, 0, deadline === Infinity ? 0 : deadline);
    packed.insert(end, number, 0, length);
  }

  /** Position of the first triple that comes after a deadline. */
  #placeOf(deadline: number): number {
    const packed = this.#packed;
    if (deadline === Infinity) return packed.end;
    let at = packed.start;
    while (at < packed.end) {
      const third = packed.next(packed.next(at));
      if (this.#deadlineAt(third) > deadline) return at;
      at = packed.next(third);
    }
    return at;
  }

  /** Removes the found field. */
  remove(): void {
    if (this.#table !== undefined) this.#table.remove(this.#reference);
    else this.#packed.remove(this.#field, this.#step);
  }

  /** Removes up to `count` fields whose deadline has passed; returns how many. */
  expireDue(now: number, count: number): number {
    if (this.#table !== undefined) return this.#table.expireDue(now, count);
    if (this.form !== HASH_VOLATILE) return 0;
    const packed = this.#packed;
    let expired = 0;
    let at = packed.start;
    while (expired < count && at < packed.end) {
      const third = packed.next(packed.next(at));
      if (this.#deadlineAt(third) > now) break;
      at = packed.next(third);
      expired++;
    }
    if (expired > 0) packed.remove(packed.start, 3 * expired);
    return expired;
  }

  // Forms.

  /** Gives each field a deadline of 0; the current field stays current. */
  #toVolatile(): void {
    const packed = this.#packed;
    const current = this.#field;
    let field = 0;
    rebuiltDescriptor.view.setInt32(0, 0, true);
    rebuilt.openAt(this.#arena, rebuiltDescriptor, 0).initialize(packed.bytes + packed.count);
    for (let at = packed.start; at < packed.end; ) {
      const next = packed.next(packed.next(at));
      if (at === current) field = rebuilt.bytes;
      rebuilt.appendPacked(packed.block, at, next - at, 2);
      appendDeadline(rebuilt, 0);
      at = next;
    }
    packed.free();
    rebuiltDescriptor.bytes.copy(this.#page.bytes, this.#at, 0, PACKED_BYTES);
    packed.openAt(this.#arena, this.#page, this.#at);
    this.#setForm(HASH_VOLATILE);
    this.#stand(packed.start + field);
  }

  #toTable(): void {
    const packed = this.#packed;
    const table = new HashTable(this.#arena);
    this.rewind();
    while (this.advance()) {
      table.insertEntries(packed.block, this.#field, this.#value, this.deadline());
    }
    packed.free();
    const { view } = this.#page;
    view.setInt32(this.#at + TABLE_SLOT, this.#arena.structures.add(table), true);
    view.setInt32(this.#at + TABLE_MARK, IS_TABLE, true);
    this.#table = table;
    this.#setForm(HASH_TABLE);
  }

  /** Frees all that the hash holds. The descriptor is of no use after that until `initialize`. */
  free(): void {
    freeHashParts(this.#arena, this.#page, this.#at, Infinity);
  }

  /** Throws when a count, an order or a table is wrong. For tests and fuzzers. */
  verify(): void {
    if (this.#table !== undefined) {
      this.#table.verify();
      return;
    }
    this.#packed.verify();
    invariant(this.#packed.count % this.#step === 0, 'a packed hash ends within a field');
    let last = 0;
    this.rewind();
    while (this.advance()) {
      const deadline = this.deadline();
      invariant(deadline >= last, 'deadlines of a packed hash are out of order');
      last = deadline;
    }
  }
}

function appendDeadline(packed: PackedValue, deadline: number): void {
  packed.append(number, 0, writeDecimal(number.bytes, 0, deadline));
}

function tableOf(arena: Arena, block: Block, at: number): HashTable | undefined {
  if (block.view.getInt32(at + TABLE_MARK, true) !== IS_TABLE) return undefined;
  return arena.structures.get<HashTable>(block.view.getInt32(at + TABLE_SLOT, true));
}

/** Parts of what the descriptor at `at` holds that `freeHashParts` has still to free. O(1) */
export function hashParts(arena: Arena, block: Block, at: number): number {
  const table = tableOf(arena, block, at);
  if (table !== undefined) return Math.max(1, table.partsLeft);
  return block.view.getInt32(at, true) === 0 ? 0 : 1;
}

/** Frees up to about `count` parts of a hash that nobody will use again. */
export function freeHashParts(arena: Arena, block: Block, at: number, count: number): void {
  const table = tableOf(arena, block, at);
  if (table === undefined) {
    arena.free(block.view.getInt32(at, true));
  } else {
    if (!table.freeSome(count)) return;
    arena.structures.remove(block.view.getInt32(at + TABLE_SLOT, true));
  }
  block.view.setInt32(at, 0, true);
  block.view.setInt32(at + TABLE_MARK, 0, true);
}
