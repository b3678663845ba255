/**
 * One database of one shard: keys to entries, with expiry, access clocks and memory accounting.
 *
 * Handlers reach values through `lookupRead` and `lookupWrite`, as in Redis: both expire lazily,
 * the second also tells the snapshot (if one runs) to save the old value first. A lookup returns
 * the entry's reference (0 when missing) and leaves its place in the map, so that `resize`,
 * `removeFound` and the expiry methods that follow need no second search. Any other lookup or
 * insertion in between spoils that place.
 *
 * The structures of the types (lists, hashes, …) keep a descriptor in the entry's value; how to
 * free one is registered per type in `VALUE_FREERS`, so that this file knows no structure.
 *
 * All memory is in the shard's arena; deadlines are in the ExpiryIndex. Cost of a lookup: one hash
 * probe, one key comparison, one store to the access clock.
 */
import { Block, copyBytes } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { ByteMap } from './byte-map.ts';
import type { EngineSettings } from './engine-settings.ts';
import {
  CLOCK,
  HAS_EXPIRY,
  HAS_PART_EXPIRY,
  headBytes,
  KEY,
  KEY_LENGTH,
  META,
  PART_EXPIRY_SLOT,
  SNAPSHOT_PARITY,
  STREAM,
  STRING,
  TYPE_MASK,
  VALUE_APART,
  VALUE_LENGTH,
  type ValueType,
  valueOffset,
} from './entry.ts';
import { ExpiryIndex } from './expiry-index.ts';
import { hashBytes } from './hash.ts';
import { invariant } from './invariant.ts';
import { PARTS_FREED_AT_ONCE_MAX } from './limits.ts';
import type { Request } from './request.ts';

/** What a shard's keyspaces share: memory, time, counters, and who wants to know of changes. */
export interface KeyspaceHost {
  readonly arena: Arena;
  readonly settings: EngineSettings;
  /** Milliseconds since the epoch, fixed for the length of a batch. */
  now: number;
  /** What `lookup*` writes into an entry's clock: see eviction.ts. */
  accessClock: number;
  /** True while lookups must not touch the clock (CLIENT NO-TOUCH). */
  noTouch: boolean;
  /** True under an LFU policy: the clock is a counter, not a time. */
  lfu: boolean;
  /** False after DEBUG SET-ACTIVE-EXPIRE 0 or while loading. */
  expiresLazily: boolean;
  keyspaceHits: number;
  keyspaceMisses: number;
  expiredKeys: number;
  /** Parity bit (0 or SNAPSHOT_PARITY) that new and already saved entries carry. */
  snapshotParity: number;
  /** True while a snapshot runs and entries of the other parity are still to be saved. */
  snapshotRuns: boolean;
  /** True while somebody must hear of keys that are about to change: a snapshot or watchers. */
  readonly observesChanges: boolean;
  /** A key is about to change, was added or goes: for watchers. */
  keyChanges(keyspace: Keyspace, hash: number): void;
  /** Saves an entry of the other parity before it changes; sets its parity. */
  saveBeforeChange(keyspace: Keyspace, reference: number): void;
  /** True while somebody must hear of strings too: who waits in several shards. */
  readonly noticesStrings: boolean;
  /** A key with this hash came into being, may have become ready for a waiter, or is about to go. */
  keyAppeared(keyspace: Keyspace, reference: number, hash: number): void;
  /** A key is about to go because its deadline passed. */
  keyExpired(keyspace: Keyspace, reference: number): void;
  /** Parts of a value went because their deadline passed. */
  partsExpired(count: number): void;
  /** Takes over a detached entry whose structure has very many parts, to free it in slices. */
  freeLater(keyspace: Keyspace, reference: number): void;
  /** LFU: increments an entry's counter. */
  countAccess(block: Block, entry: number): void;
  /** LFU: the counter of a clock word, after the decay that time has earned it. */
  decayedCount(clock: number): number;
}

/** Frees what an entry of a type holds outside its own block; absent for plain strings. */
export type ValueFreer = (arena: Arena, block: Block, valueAt: number) => void;
export const VALUE_FREERS: (ValueFreer | undefined)[] = [];

/** How a structure of many blocks is freed a few at a time; types without one are freed at once. */
export interface ValueSlicer {
  /** Blocks that the structure holds, roughly. O(1). */
  parts(arena: Arena, block: Block, valueAt: number): number;
  /** Frees up to `count` of them and leaves a sound, smaller structure in the descriptor. */
  freeParts(arena: Arena, block: Block, valueAt: number, count: number): void;
}
export const VALUE_SLICERS: (ValueSlicer | undefined)[] = [];

/** How parts of a value expire by themselves; of all types only hashes do that. */
export interface PartExpirer {
  /** The earliest deadline of a part, or Infinity. O(1) */
  earliest(arena: Arena, block: Block, valueAt: number): number;
  /**
   * Deletes up to `count` parts that are due from the found entry, and the key when none is left;
   * otherwise the entry's deadline in `partExpiries` is up to date afterwards. Returns how many.
   */
  expireFound(keyspace: Keyspace, reference: number, count: number): number;
}
export const PART_EXPIRERS: (PartExpirer | undefined)[] = [];

/** Where a descriptor that has a slot for `partExpiries` keeps it. */
function partSlotPlace(view: DataView, entry: number): number {
  const isVolatile = (view.getInt32(entry + META, true) & HAS_EXPIRY) !== 0;
  const value = entry + KEY + view.getInt32(entry + KEY_LENGTH, true) + (isVolatile ? 4 : 0);
  return value + PART_EXPIRY_SLOT;
}

export class Keyspace {
  /** Number of the database; changes on SWAPDB. */
  index: number;
  readonly host: KeyspaceHost;
  readonly arena: Arena;
  readonly map: ByteMap;
  readonly expiries: ExpiryIndex;
  /** Values of which parts have deadlines, by the earliest. */
  readonly partExpiries: ExpiryIndex;

  constructor(host: KeyspaceHost, index: number) {
    this.host = host;
    this.index = index;
    this.arena = host.arena;
    this.map = new ByteMap(host.arena, KEY, KEY_LENGTH);
    this.expiries = new ExpiryIndex(host.arena);
    this.partExpiries = new ExpiryIndex(host.arena, partSlotPlace);
  }

  /** The keyspace is given up: its tables no longer count. */
  release(): void {
    this.map.release();
    this.expiries.release();
    this.partExpiries.release();
  }

  get size(): number {
    return this.map.size;
  }

  /** Hash of the key in argument `i`; the router's hash when it is the first key (argument 1). */
  hashOf(request: Request, i: number): number {
    if (i === 1 && request.hash !== 0) return request.hash;
    return hashBytes(request.block, request.offset(i), request.length(i));
  }

  /** Entry of the key in argument `i` for reading, or 0. Counts a hit or a miss. */
  lookupRead(request: Request, i: number): number {
    const reference = this.#lookup(request, i);
    if (reference === 0) this.host.keyspaceMisses++;
    else this.host.keyspaceHits++;
    return reference;
  }

  /** Entry of the key in argument `i` that the caller will change, or 0. */
  lookupWrite(request: Request, i: number): number {
    const reference = this.#lookup(request, i);
    if (reference !== 0 && this.host.observesChanges) this.#observe(reference);
    return reference;
  }

  /** Finds the key in argument `i`, expires it or marks it as used: one look at the entry. */
  #lookup(request: Request, i: number): number {
    const offset = request.offset(i);
    const length = request.length(i);
    let hash = request.hash;
    if (i !== 1 || hash === 0) hash = hashBytes(request.block, offset, length);
    const reference = this.map.find(request.block, offset, length, hash);
    if (reference === 0) return 0;
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference) | 0;
    const meta = page.view.getInt32((entry + META) | 0, true);
    if ((meta & HAS_EXPIRY) !== 0 && this.isExpired(reference)) {
      this.#expireFound(reference);
      return 0;
    }
    const { host } = this;
    if (host.noTouch || host.lfu) this.touch(reference);
    else page.view.setInt32((entry + CLOCK) | 0, host.accessClock, true);
    return reference;
  }

  /** Entry of a key, or 0; expires it when its deadline has passed. Does not touch the clock. */
  find(key: Block, offset: number, length: number, hash: number): number {
    const reference = this.map.find(key, offset, length, hash);
    if (reference === 0) return 0;
    const { view } = this.arena.pages[pageOf(reference)];
    if ((view.getInt32(offsetOf(reference) + META, true) & HAS_EXPIRY) !== 0) {
      if (this.isExpired(reference)) {
        this.#expireFound(reference);
        return 0;
      }
    }
    return reference;
  }

  /** Entry of a key given as a buffer, or 0. Not for the hot path. */
  findKey(key: Buffer): number {
    const block = new Block(key);
    return this.find(block, 0, key.length, hashBytes(block, 0, key.length));
  }

  /** Makes an entry of this keyspace the found one, whether or not its deadline has passed. */
  findEntry(reference: number): void {
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const length = page.view.getInt32(entry + KEY_LENGTH, true);
    this.map.findReference(hashBytes(page, entry + KEY, length), reference);
  }

  /** True when the deadline of an entry has passed and lazy expiry would delete it. */
  isExpired(reference: number): boolean {
    return this.host.expiresLazily && this.deadlineOf(reference) <= this.host.now;
  }

  /** Deletes an entry of this keyspace because its deadline has passed. */
  expireEntry(reference: number): void {
    this.findEntry(reference);
    this.#expireFound(reference);
  }

  /** Must be called before an entry found by `find` is changed in any way. */
  willChange(reference: number): void {
    if (this.host.observesChanges) this.#observe(reference);
  }

  #observe(reference: number): void {
    if (this.host.snapshotRuns) this.#saveIfOld(reference);
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const length = page.view.getInt32(entry + KEY_LENGTH, true);
    this.host.keyChanges(this, hashBytes(page, entry + KEY, length));
  }

  #saveIfOld(reference: number): void {
    const { view } = this.arena.pages[pageOf(reference)];
    const parity = view.getInt32(offsetOf(reference) + META, true) & SNAPSHOT_PARITY;
    if (parity !== this.host.snapshotParity) this.host.saveBeforeChange(this, reference);
  }

  /** Marks an entry as used now. */
  touch(reference: number): void {
    const { host } = this;
    if (host.noTouch) return;
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    if (host.lfu) host.countAccess(page, entry);
    else page.view.setInt32(entry + CLOCK, host.accessClock, true);
  }

  #expireFound(reference: number): void {
    this.host.expiredKeys++;
    this.willChange(reference);
    this.host.keyExpired(this, reference);
    this.removeFound();
  }

  /**
   * Deletes keys whose deadline has passed, the earliest first, at most `keys` of them.
   * Returns how many.
   */
  expireDue(now: number, keys: number): number {
    let expired = 0;
    while (expired < keys && this.expiries.earliest() <= now) {
      const reference = this.expiries.earliestReference();
      this.map.findReference(this.expiries.earliestHash(), reference);
      this.#expireFound(reference);
      expired++;
    }
    return expired;
  }

  /** Deletes parts of values whose deadline has passed, at most `count`. Returns how many. */
  expireDueParts(now: number, count: number): number {
    let expired = 0;
    while (expired < count && this.partExpiries.earliest() <= now) {
      const reference = this.partExpiries.earliestReference();
      this.map.findReference(this.partExpiries.earliestHash(), reference);
      const expirer = PART_EXPIRERS[this.typeOf(reference)];
      invariant(expirer !== undefined, 'a type without expirer has parts with deadlines');
      expired += expirer.expireFound(this, reference, count - expired);
    }
    return expired;
  }

  /**
   * Sets the earliest deadline of a part of the found entry, Infinity for none. The entry may move:
   * returns its reference.
   */
  expirePartsFoundAt(reference: number, deadline: number): number {
    const slot = this.#partSlot(reference);
    if (slot >= 0) {
      if (deadline === Infinity) this.#forgetParts(reference, slot);
      else this.partExpiries.change(slot, deadline);
      return reference;
    }
    if (deadline === Infinity) return reference;
    const hash = this.map.foundHash();
    const withSlot = this.#addPartSlot(reference);
    this.setMeta(withSlot, this.metaOf(withSlot) | HAS_PART_EXPIRY);
    this.partExpiries.add(withSlot, hash, deadline);
    return withSlot;
  }

  #forgetParts(reference: number, slot: number): void {
    this.partExpiries.remove(slot);
    this.setMeta(reference, this.metaOf(reference) & ~HAS_PART_EXPIRY);
  }

  /** Makes the descriptor of the found entry long enough for its slot in `partExpiries`. */
  #addPartSlot(reference: number): number {
    const bytes = PART_EXPIRY_SLOT + 4;
    let target = reference;
    if (this.valueRoom(reference) < bytes) {
      target = this.resizeFound(reference, bytes, PART_EXPIRY_SLOT);
    }
    const { view } = this.arena.pages[pageOf(target)];
    view.setInt32(offsetOf(target) + VALUE_LENGTH, bytes, true);
    return target;
  }

  /** Slot of an entry in `partExpiries`, or −1. */
  #partSlot(reference: number): number {
    const { view } = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    if ((view.getInt32(entry + META, true) & HAS_PART_EXPIRY) === 0) return -1;
    return view.getInt32(partSlotPlace(view, entry), true);
  }

  typeOf(reference: number): ValueType {
    const { view } = this.arena.pages[pageOf(reference)];
    return (view.getInt32(offsetOf(reference) + META, true) & TYPE_MASK) as ValueType;
  }

  /** Meta word of an entry: type, encoding and flags. */
  metaOf(reference: number): number {
    return this.arena.pages[pageOf(reference)].view.getInt32(offsetOf(reference) + META, true);
  }

  setMeta(reference: number, meta: number): void {
    this.arena.pages[pageOf(reference)].view.setInt32(offsetOf(reference) + META, meta, true);
  }

  /** Copy of an entry's key. */
  keyOf(reference: number): Buffer {
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const length = page.view.getInt32(entry + KEY_LENGTH, true);
    return Buffer.from(page.bytes.subarray(entry + KEY, entry + KEY + length));
  }

  /**
   * Adds a key that is known to be absent, with room for a value of `valueBytes`, and returns its
   * reference. The value's bytes are the caller's to write.
   * `expires`: reserve the expiry slot field, because a deadline follows.
   */
  insert(
    key: Block,
    offset: number,
    length: number,
    hash: number,
    type: ValueType,
    valueBytes: number,
    expires: boolean,
  ): number {
    const meta = type | this.host.snapshotParity | (expires ? HAS_EXPIRY : 0);
    const reference = this.arena.allocate(headBytes(length, meta) + valueBytes);
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    page.view.setInt32(entry + KEY_LENGTH, length, true);
    page.view.setInt32(entry + META, meta, true);
    page.view.setInt32(entry + CLOCK, this.host.accessClock, true);
    page.view.setInt32(entry + VALUE_LENGTH, valueBytes, true);
    copyBytes(page, entry + KEY, key, offset, length);
    if (expires) page.view.setInt32(entry + KEY + length, -1, true);
    this.map.insert(hash, reference);
    if (this.host.observesChanges) this.host.keyChanges(this, hash);
    // Strings never wake a waiter; every other type may.
    if (type !== STRING || this.host.noticesStrings) this.host.keyAppeared(this, reference, hash);
    return reference;
  }

  /** Adds the key in argument `i`; see `insert`. */
  insertArgument(request: Request, i: number, type: ValueType, valueBytes: number): number {
    const hash = this.hashOf(request, i);
    return this.insert(
      request.block,
      request.offset(i),
      request.length(i),
      hash,
      type,
      valueBytes,
      false,
    );
  }

  /** Bytes that the value of an entry may take without moving the entry. */
  valueRoom(reference: number): number {
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    return this.arena.sizeOf(reference) - (valueOffset(page, entry) - entry);
  }

  /**
   * Moves the found entry to a block with room for a value of `valueBytes`, copying header, key
   * and the first `keepBytes` of the value. Returns the new reference.
   */
  resizeFound(reference: number, valueBytes: number, keepBytes: number): number {
    const oldPage = this.arena.pages[pageOf(reference)];
    const oldEntry = offsetOf(reference);
    const head = valueOffset(oldPage, oldEntry) - oldEntry;
    const moved = this.arena.allocate(head + valueBytes);
    const page = this.arena.pages[pageOf(moved)];
    copyBytes(page, offsetOf(moved), oldPage, oldEntry, head + keepBytes);
    this.map.replaceFound(moved);
    this.#moveExpiry(moved);
    this.arena.free(reference);
    return moved;
  }

  #moveExpiry(reference: number): void {
    const slot = this.#expirySlot(reference);
    if (slot >= 0) this.expiries.move(slot, reference);
    const partSlot = this.#partSlot(reference);
    if (partSlot >= 0) this.partExpiries.move(partSlot, reference);
  }

  /** Slot of an entry in the expiry index, or −1. */
  #expirySlot(reference: number): number {
    const { view } = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    if ((view.getInt32(entry + META, true) & HAS_EXPIRY) === 0) return -1;
    return view.getInt32(entry + KEY + view.getInt32(entry + KEY_LENGTH, true), true);
  }

  /** Deadline of an entry in ms since the epoch, or Infinity. */
  deadlineOf(reference: number): number {
    const slot = this.#expirySlot(reference);
    return slot < 0 ? Infinity : this.expiries.deadline(slot);
  }

  /** Sets the deadline of the found entry. The entry may move: returns its reference. */
  expireFoundAt(reference: number, deadline: number): number {
    const slot = this.#expirySlot(reference);
    if (slot >= 0) {
      this.expiries.change(slot, deadline);
      return reference;
    }
    const hash = this.map.foundHash();
    const withSlot = this.#addExpiryField(reference);
    this.expiries.add(withSlot, hash, deadline);
    return withSlot;
  }

  /** Removes the deadline of an entry; false when it had none. */
  persist(reference: number): boolean {
    const slot = this.#expirySlot(reference);
    if (slot < 0) return false;
    this.expiries.remove(slot);
    const { view } = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    view.setInt32(entry + KEY + view.getInt32(entry + KEY_LENGTH, true), -1, true);
    return true;
  }

  /** Makes room for the expiry slot between key and value, moving the found entry if needed. */
  #addExpiryField(reference: number): number {
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const meta = page.view.getInt32(entry + META, true);
    if ((meta & HAS_EXPIRY) !== 0) return reference;
    const head = headBytes(page.view.getInt32(entry + KEY_LENGTH, true), meta);
    const valueBytes = this.#inlineBytes(page, entry);
    let target = reference;
    if (this.arena.sizeOf(reference) >= head + 4 + valueBytes) {
      page.bytes.copyWithin(entry + head + 4, entry + head, entry + head + valueBytes);
    } else {
      target = this.arena.allocate(head + 4 + valueBytes);
      const to = this.arena.pages[pageOf(target)];
      copyBytes(to, offsetOf(target), page, entry, head);
      copyBytes(to, offsetOf(target) + head + 4, page, entry + head, valueBytes);
      this.map.replaceFound(target);
      this.arena.free(reference);
    }
    const { view } = this.arena.pages[pageOf(target)];
    view.setInt32(offsetOf(target) + META, meta | HAS_EXPIRY, true);
    view.setInt32(offsetOf(target) + head, -1, true);
    const partSlot = this.#partSlot(target);
    if (partSlot >= 0) this.partExpiries.move(partSlot, target);
    return target;
  }

  /** Bytes of the value that are in the entry's own block. */
  #inlineBytes(page: Block, entry: number): number {
    const meta = page.view.getInt32(entry + META, true);
    return (meta & VALUE_APART) !== 0 ? 4 : page.view.getInt32(entry + VALUE_LENGTH, true);
  }

  /** Removes the found key and frees its value at once. */
  removeFound(): void {
    const reference = this.detachFound();
    this.freeDetached(reference);
  }

  /** Takes the found key out of the map and the expiry index; its memory stays. */
  detachFound(): number {
    const segment = this.map.foundSegment;
    const reference = segment.slots[this.map.foundSlot + 1];
    const slot = this.#expirySlot(reference);
    if (slot >= 0) this.expiries.remove(slot);
    const partSlot = this.#partSlot(reference);
    if (partSlot >= 0) this.partExpiries.remove(partSlot);
    // Who waits for new entries on behalf of a group is told when there will be none.
    if (this.typeOf(reference) === STREAM) {
      this.host.keyAppeared(this, reference, this.map.foundHash());
    }
    if (this.host.observesChanges) this.host.keyChanges(this, this.map.foundHash());
    this.map.removeFound();
    return reference;
  }

  /**
   * Frees an entry that is in no map: its structure and its block. A structure of very many parts
   * is handed to the host, which frees it in slices.
   */
  freeDetached(reference: number): void {
    const page = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const type = page.view.getInt32(entry + META, true) & TYPE_MASK;
    if (type !== STRING && this.#hasManyParts(type, page, valueOffset(page, entry))) {
      this.host.freeLater(this, reference);
      return;
    }
    freeValue(this.arena, page, entry);
    this.arena.free(reference);
  }

  #hasManyParts(type: number, page: Block, valueAt: number): boolean {
    const slicer = VALUE_SLICERS[type];
    return (
      slicer !== undefined && slicer.parts(this.arena, page, valueAt) > PARTS_FREED_AT_ONCE_MAX
    );
  }

  /**
   * Gives the value of a detached entry (its place in map and expiry index gone) to a key that is
   * absent here: nothing of a structure is copied, the descriptor moves. Access clock and deadline
   * (Infinity for none) come along; the old entry's block is freed. Returns the new reference.
   */
  insertDetached(
    detached: number,
    deadline: number,
    key: Block,
    offset: number,
    length: number,
    hash: number,
  ): number {
    const expires = deadline !== Infinity;
    const from = this.arena.pages[pageOf(detached)];
    const old = offsetOf(detached);
    const meta = from.view.getInt32(old + META, true);
    const bytes = this.#inlineBytes(from, old);
    const type = (meta & TYPE_MASK) as ValueType;
    const reference = this.insert(key, offset, length, hash, type, bytes, expires);
    const to = this.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const kept = to.view.getInt32(entry + META, true) & (HAS_EXPIRY | SNAPSHOT_PARITY);
    to.view.setInt32(entry + META, (meta & ~(HAS_EXPIRY | SNAPSHOT_PARITY)) | kept, true);
    to.view.setInt32(entry + CLOCK, from.view.getInt32(old + CLOCK, true), true);
    to.view.setInt32(entry + VALUE_LENGTH, from.view.getInt32(old + VALUE_LENGTH, true), true);
    copyBytes(to, valueOffset(to, entry), from, valueOffset(from, old), bytes);
    if (expires) this.expiries.add(reference, hash, deadline);
    if ((meta & HAS_PART_EXPIRY) !== 0) {
      const earliest = PART_EXPIRERS[type]?.earliest(this.arena, to, valueOffset(to, entry));
      this.partExpiries.add(reference, hash, earliest ?? Infinity);
    }
    this.arena.free(detached);
    return reference;
  }

  /** Throws when a table, a deadline or a block is out of place. For tests and fuzzers. */
  verify(): void {
    this.map.verify();
    this.expiries.verify();
    this.partExpiries.verify();
    invariant(this.expiries.size <= this.map.size, 'more deadlines than keys');
  }
}

/** Frees what the value of an entry holds outside the entry's block. */
export function freeValue(arena: Arena, page: Block, entry: number): void {
  const meta = page.view.getInt32(entry + META, true);
  const type = meta & TYPE_MASK;
  if (type === STRING) {
    if ((meta & VALUE_APART) !== 0) {
      arena.free(page.view.getInt32(valueOffset(page, entry), true));
    }
    return;
  }
  VALUE_FREERS[type]?.(arena, page, valueOffset(page, entry));
}
