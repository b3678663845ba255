/**
 * Sets, in one of three forms, which are Redis 7.2's, with Redis's rules for going from one to the
 * other. A set never goes back.
 *
 *   intset      intset.ts         only integers, up to set-max-intset-entries
 *   listpack    packed-value.ts   up to set-max-listpack-entries members of up to
 *                                 set-max-listpack-value bytes
 *   hashtable   member-table.ts   everything else
 *
 * The descriptor has eight bytes. The second word tells the form: the number of entries of a
 * listpack, or one of two negative numbers. It is told there and not in the entry's meta, because
 * whoever frees a value sees the descriptor only, and because results on their way to a key have a
 * descriptor and no entry.
 *
 * SetValue is a reused view: `open` points it at a key's value. Members come and go as a Member
 * (set-member.ts). A walk (`restart`, `next`) visits every member once if the set does not change.
 *
 * Costs: O(1) in a hashtable, O(log n) to find and O(n) bytes moved to change in an intset, O(n) in
 * a listpack, whose n the thresholds bound. A change of form costs in proportion to the threshold.
 *
 * Source of the rules: t_set.c of Redis 7.2 (setTypeCreate, setTypeAddAux, setTypeMaybeConvert).
 */
import { Block, type ReplyWriter } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { MapWalk } from './byte-map.ts';
import type { EngineSettings } from './engine-settings.ts';
import { SET, valueOffset } from './entry.ts';
import { INTSET_FORM, IntegerSet } from './intset.ts';
import { invariant } from './invariant.ts';
import { VALUE_FREERS, VALUE_SLICERS } from './keyspace.ts';
import { writeBulk, writeBulks } from './listpack.ts';
import { HASHTABLE_FORM, MEMBER_BYTES, MemberTable, memberLength } from './member-table.ts';
import { PACKED_BYTES, PackedValue } from './packed-value.ts';
import type { RandomSource } from './random-source.ts';
import { Member } from './set-member.ts';

/** Bytes of the descriptor. */
export const SET_BYTES = PACKED_BYTES;

/** Words of the descriptor. */
const REFERENCE = 0;
const FORM = 4;

/** An intset of more entries converts, whatever the setting says. As in Redis. */
const INTSET_ENTRIES_MAX = 1 << 30;

/** Members per member of a sample from which on drawing is cheaper than a walk over all. */
const DENSE_SAMPLE = 3;
/** Members of a sample so far. */
const drawn = new Set<number>();

export type SetEncoding = 'intset' | 'listpack' | 'hashtable';

/** Member on its way from one form to another, and views and descriptor of the old form. */
const moved = new Member();
const oldPacked = new PackedValue();
const oldIntegers = new IntegerSet();
const oldDescriptor = Block.allocate(SET_BYTES);

/** The thresholds, which are part of EngineSettings. */
export type SetLimits = Pick<
  EngineSettings,
  'setMaxIntsetEntries' | 'setMaxListpackEntries' | 'setMaxListpackValue'
>;

export class SetValue {
  #arena!: Arena;
  #page!: Block;
  #at = 0;
  #limits!: SetLimits;
  #form = 0;
  readonly #integers = new IntegerSet();
  readonly #packed = new PackedValue();
  #table: MemberTable | undefined;
  /** Where the walk stands: an index, a position, or a place in the map. */
  #next = 0;
  readonly #walk = new MapWalk();

  /** Points at the value of an entry of a keyspace. */
  open(arena: Arena, entryReference: number, limits: SetLimits): this {
    const page = arena.pages[pageOf(entryReference)];
    return this.openAt(arena, page, valueOffset(page, offsetOf(entryReference)), limits);
  }

  /** Points at the descriptor at `at` of `page`. */
  openAt(arena: Arena, page: Block, at: number, limits: SetLimits): this {
    this.#point(arena, page, at, limits);
    this.#form = page.view.getInt32(at + FORM, true);
    if (this.#form >= 0) this.#packed.openAt(arena, page, at);
    else if (this.#form === INTSET_FORM) this.#integers.openAt(arena, page, at);
    else this.#table = arena.structures.get(page.view.getInt32(at + REFERENCE, true));
    return this;
  }

  #point(arena: Arena, page: Block, at: number, limits: SetLimits): void {
    this.#arena = arena;
    this.#page = page;
    this.#at = at;
    this.#limits = limits;
  }

  /** Points at a descriptor whose bytes mean nothing yet and makes it that of an empty set. */
  initializeAt(
    arena: Arena,
    page: Block,
    at: number,
    limits: SetLimits,
    encoding: SetEncoding,
  ): this {
    this.#point(arena, page, at, limits);
    if (encoding === 'intset') this.#becomeIntset();
    else if (encoding === 'listpack') this.#becomeListpack();
    else this.#becomeHashtable();
    return this;
  }

  /** Makes the value of a new entry an empty set. */
  initialize(arena: Arena, entryReference: number, limits: SetLimits, encoding: SetEncoding): this {
    const page = arena.pages[pageOf(entryReference)];
    const at = valueOffset(page, offsetOf(entryReference));
    return this.initializeAt(arena, page, at, limits, encoding);
  }

  #becomeIntset(): void {
    this.#integers.initializeAt(this.#arena, this.#page, this.#at);
    this.#form = INTSET_FORM;
  }

  #becomeListpack(): void {
    this.#page.view.setInt32(this.#at + REFERENCE, 0, true);
    this.#page.view.setInt32(this.#at + FORM, 0, true);
    this.#packed.openAt(this.#arena, this.#page, this.#at).initialize();
    this.#form = 0;
  }

  #becomeHashtable(): void {
    this.#table = new MemberTable(this.#arena);
    const slot = this.#arena.structures.add(this.#table);
    this.#page.view.setInt32(this.#at + REFERENCE, slot, true);
    this.#page.view.setInt32(this.#at + FORM, HASHTABLE_FORM, true);
    this.#form = HASHTABLE_FORM;
  }

  get encoding(): SetEncoding {
    if (this.#form >= 0) return 'listpack';
    return this.#form === INTSET_FORM ? 'intset' : 'hashtable';
  }

  /** Number of members. */
  get size(): number {
    if (this.#form >= 0) return this.#packed.count;
    return this.#form === INTSET_FORM ? this.#integers.count : this.#members.size;
  }

  get #members(): MemberTable {
    return this.#table as MemberTable;
  }

  /** The integers, for who copies them as they are. The encoding must be intset. */
  get integers(): IntegerSet {
    return this.#integers;
  }

  /** The entries, for who copies them as they are. The encoding must be listpack. */
  get packed(): PackedValue {
    return this.#packed;
  }

  has(member: Member): boolean {
    if (this.#form === HASHTABLE_FORM) return this.#members.find(member) !== 0;
    if (this.#form >= 0) return this.#packed.find(member.needle, 1) >= 0;
    return member.isInteger && this.#integers.search(member.high, member.low) >= 0;
  }

  /** Adds a member; false when it is there already. */
  add(member: Member): boolean {
    if (this.#form === HASHTABLE_FORM) {
      if (this.#members.find(member) !== 0) return false;
      this.#members.insert(member);
      return true;
    }
    return this.#form >= 0 ? this.#addPacked(member) : this.#addToIntset(member);
  }

  #addPacked(member: Member): boolean {
    if (this.#packed.find(member.needle, 1) >= 0) return false;
    this.#insertPacked(member);
    return true;
  }

  #insertPacked(member: Member): void {
    const { block, length, offset } = member.needText();
    const limits = this.#limits;
    const isSmall = length <= limits.setMaxListpackValue;
    if (isSmall && this.#packed.count < limits.setMaxListpackEntries) {
      this.#packed.append(block, offset, length);
      return;
    }
    this.#listpackToHashtable();
    this.#members.insert(member);
  }

  #addToIntset(member: Member): boolean {
    if (!member.isInteger) {
      this.#leaveIntset(member);
      return true;
    }
    const index = this.#integers.search(member.high, member.low);
    if (index >= 0) return false;
    this.#integers.insert(-1 - index, member.high, member.low);
    const most = Math.min(this.#limits.setMaxIntsetEntries, INTSET_ENTRIES_MAX);
    if (this.#integers.count > most) this.#intsetToHashtable();
    return true;
  }

  /** Adds a member that is no integer to an intset. */
  #leaveIntset(member: Member): void {
    const limits = this.#limits;
    const { length } = member.needText();
    const fits =
      this.#integers.count < limits.setMaxListpackEntries &&
      Math.max(length, this.#longestInteger()) <= limits.setMaxListpackValue;
    if (fits) {
      this.#intsetToListpack();
      this.#packed.append(member.block, member.offset, member.length);
    } else {
      this.#intsetToHashtable();
      this.#members.insert(member);
    }
  }

  /** Digits of the longer of the least and the greatest integer, which bound all others. */
  #longestInteger(): number {
    const { count } = this.#integers;
    if (count === 0) return 0;
    const integers = this.#integers;
    const least = integers.readMember(0, moved).needText().length;
    return Math.max(least, integers.readMember(count - 1, moved).needText().length);
  }

  /**
   * Adds a member that is known to be absent; faster than `add` where that asks for a search. To be
   * used by who fills a set from another one.
   */
  addAbsent(member: Member): void {
    if (this.#form >= 0) this.#insertPacked(member);
    else if (this.#form === HASHTABLE_FORM) this.#members.insert(member);
    else this.#addToIntset(member);
  }

  /** Removes a member; false when it is not there. The set may be empty after it. */
  remove(member: Member): boolean {
    if (this.#form === HASHTABLE_FORM) {
      const reference = this.#members.find(member);
      if (reference === 0) return false;
      this.#members.removeFound(reference);
      return true;
    }
    if (this.#form >= 0) {
      const at = this.#packed.find(member.needle, 1);
      if (at < 0) return false;
      this.#packed.remove(at, 1);
      return true;
    }
    if (!member.isInteger) return false;
    const index = this.#integers.search(member.high, member.low);
    if (index < 0) return false;
    this.#integers.remove(index);
    return true;
  }

  // Changes of form.

  /** `count` members will be added: goes to a hashtable at once when these alone are too many. */
  expect(count: number): void {
    if (this.#form >= 0) {
      if (count > this.#limits.setMaxListpackEntries) this.#listpackToHashtable();
    } else if (this.#form === INTSET_FORM) {
      if (count > this.#limits.setMaxIntsetEntries) this.#intsetToHashtable();
    }
  }

  /** Makes the set an intset, if one may have so many members. All must be integers. */
  packIntegers(): void {
    if (this.#form === INTSET_FORM || this.size > this.#limits.setMaxIntsetEntries) return;
    const old = oldSet.openAt(this.#arena, this.#setAside(), 0, this.#limits);
    this.#becomeIntset();
    for (old.restart(); old.next(moved); ) {
      invariant(moved.isInteger, 'an intset of something else than integers');
      this.#addToIntset(moved);
    }
    old.free();
  }

  #listpackToHashtable(): void {
    const old = oldPacked.openAt(this.#arena, this.#setAside(), 0);
    this.#becomeHashtable();
    for (let at = old.start; at < old.end; at = old.next(at)) {
      this.#members.insert(moved.setEntry(old.block, at));
    }
    old.free();
  }

  #intsetToHashtable(): void {
    const old = oldIntegers.openAt(this.#arena, this.#setAside(), 0);
    this.#becomeHashtable();
    for (let i = 0; i < old.count; i++) this.#members.insert(old.readMember(i, moved));
    old.free();
  }

  #intsetToListpack(): void {
    const old = oldIntegers.openAt(this.#arena, this.#setAside(), 0);
    this.#becomeListpack();
    for (let i = 0; i < old.count; i++) {
      const { block, length, offset } = old.readMember(i, moved).needText();
      this.#packed.append(block, offset, length);
    }
    old.free();
  }

  /** Copies the descriptor to where a conversion reads the old form from. */
  #setAside(): Block {
    const { view } = this.#page;
    oldDescriptor.view.setInt32(REFERENCE, view.getInt32(this.#at + REFERENCE, true), true);
    oldDescriptor.view.setInt32(FORM, view.getInt32(this.#at + FORM, true), true);
    return oldDescriptor;
  }

  // Walking.

  /** Begins a walk over all members. */
  restart(): void {
    if (this.#form === HASHTABLE_FORM) this.#walk.restart();
    else this.#next = this.#form >= 0 ? this.#packed.start : 0;
  }

  /** Points `member` at the walk's next member; false at the end. */
  next(member: Member): boolean {
    if (this.#form === HASHTABLE_FORM) {
      if (!this.#members.map.advance(this.#walk)) return false;
      this.#members.read(this.#walk.reference, member);
      return true;
    }
    const at = this.#next;
    if (this.#form >= 0) {
      if (at >= this.#packed.end) return false;
      member.setEntry(this.#packed.block, at);
      this.#next = this.#packed.next(at);
      return true;
    }
    if (at >= this.#integers.count) return false;
    this.#integers.readMember(at, member);
    this.#next = at + 1;
    return true;
  }

  /** Replies all members as bulk strings. */
  writeAll(reply: ReplyWriter): void {
    if (this.#form >= 0) {
      writeBulks(reply, this.#packed.block, this.#packed.start, this.#packed.count);
    } else if (this.#form === INTSET_FORM) {
      this.#integers.writeBulks(reply);
    } else {
      const { map } = this.#members;
      this.#walk.restart();
      while (map.advance(this.#walk)) this.#writeMember(reply, this.#walk.reference);
    }
  }

  #writeMember(reply: ReplyWriter, reference: number): void {
    const page = this.#members.pageOf(reference);
    const at = offsetOf(reference);
    reply.bulk(page, at + MEMBER_BYTES, memberLength(page, at));
  }

  /**
   * Visits members for SSCAN: of a hashtable in hash order from the bound `cursor` on, at least
   * `count` of them if there are so many; of the other forms all. Returns the next bound or −1.
   */
  scan(cursor: number, count: number, visit: (member: Member) => void): number {
    if (this.#form === HASHTABLE_FORM) {
      const members = this.#members;
      return members.map.scan(cursor, count, (reference) => {
        members.read(reference, moved);
        visit(moved);
      });
    }
    for (this.restart(); this.next(moved); ) visit(moved);
    return -1;
  }

  // Random members.

  /** Replies a random member as a bulk string; all are equally likely. The set is not empty. */
  writeRandom(reply: ReplyWriter, random: RandomSource): void {
    if (this.#form === HASHTABLE_FORM) {
      this.#writeMember(reply, this.#members.map.random(random));
    } else if (this.#form >= 0) {
      const at = this.#packed.seek(random.below(this.#packed.count));
      writeBulk(reply, this.#packed.block, at);
    } else {
      this.#integers.writeBulk(reply, random.below(this.#integers.count));
    }
  }

  /** Replies a random member and removes it. */
  popRandom(reply: ReplyWriter, random: RandomSource): void {
    if (this.#form === HASHTABLE_FORM) {
      const reference = this.#members.map.random(random);
      this.#writeMember(reply, reference);
      this.#members.removeFound(reference);
    } else if (this.#form >= 0) {
      const at = this.#packed.seek(random.below(this.#packed.count));
      writeBulk(reply, this.#packed.block, at);
      this.#packed.remove(at, 1);
    } else {
      const index = random.below(this.#integers.count);
      this.#integers.writeBulk(reply, index);
      this.#integers.remove(index);
    }
  }

  /** Replies `count` different random members, fewer than there are. */
  writeSample(reply: ReplyWriter, random: RandomSource, count: number): void {
    const { size } = this;
    if (this.#form === HASHTABLE_FORM && count < size / DENSE_SAMPLE) {
      this.#writeSparseSample(reply, random, count);
      return;
    }
    // Selection sampling: each member is taken with the chance of those still missing among those
    // still to come (Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm S).
    let missing = count;
    this.restart();
    for (let left = size; missing > 0; left--) {
      this.next(moved);
      if (random.below(left) >= missing) continue;
      const { block, length, offset } = moved.needText();
      reply.bulk(block, offset, length);
      missing--;
    }
  }

  /** Draws until enough different members have come. */
  #writeSparseSample(reply: ReplyWriter, random: RandomSource, count: number): void {
    const { map } = this.#members;
    while (drawn.size < count) {
      const reference = map.random(random);
      if (drawn.has(reference)) continue;
      drawn.add(reference);
      this.#writeMember(reply, reference);
    }
    drawn.clear();
  }

  /** Replies `count` random members, fewer than there are, and removes them. */
  popSample(reply: ReplyWriter, random: RandomSource, count: number): void {
    if (this.#form < 0) {
      for (let i = 0; i < count; i++) this.popRandom(reply, random);
      return;
    }
    // Selection sampling, as above.
    const packed = this.#packed;
    let missing = count;
    let at = packed.start;
    for (let left = packed.count; missing > 0; left--) {
      if (random.below(left) >= missing) {
        at = packed.next(at);
      } else {
        writeBulk(reply, packed.block, at);
        at = packed.remove(at, 1);
        missing--;
      }
    }
  }

  // Ends.

  /** Frees everything but the descriptor, which is of no use after it. */
  free(): void {
    freeSet(this.#arena, this.#page, this.#at);
  }

  /** Throws when the form is out of order. For tests and fuzzers. */
  verify(): void {
    if (this.#form >= 0) this.#packed.verify();
    else if (this.#form === INTSET_FORM) this.#integers.verify();
    else this.#members.verify();
  }
}

/** View of a set of any form that is being converted. */
const oldSet = new SetValue();

/** The form of a new set, by its first member and the number of members to come. */
export function setEncodingFor(limits: SetLimits, first: Member, count: number): SetEncoding {
  if (count <= limits.setMaxIntsetEntries && first.isInteger) return 'intset';
  return count <= limits.setMaxListpackEntries ? 'listpack' : 'hashtable';
}

function isHashtable(block: Block, valueAt: number): boolean {
  return block.view.getInt32(valueAt + FORM, true) === HASHTABLE_FORM;
}

function freeSet(arena: Arena, block: Block, valueAt: number): void {
  if (isHashtable(block, valueAt)) freeMembers(arena, block, valueAt, Infinity);
  else arena.free(block.view.getInt32(valueAt + REFERENCE, true));
}

/** The table goes with its last member. */
function freeMembers(arena: Arena, block: Block, valueAt: number, count: number): void {
  const slot = block.view.getInt32(valueAt + REFERENCE, true);
  const table = arena.structures.get<MemberTable>(slot);
  table.freeSome(count);
  if (table.size > 0) return;
  arena.structures.remove(slot);
  block.view.setInt32(valueAt + REFERENCE, 0, true);
}

function parts(arena: Arena, block: Block, valueAt: number): number {
  const reference = block.view.getInt32(valueAt + REFERENCE, true);
  if (reference === 0) return 0;
  return isHashtable(block, valueAt) ? arena.structures.get<MemberTable>(reference).size : 1;
}

VALUE_FREERS[SET] = freeSet;
VALUE_SLICERS[SET] = { parts, freeParts: freeMembers };
