/**
 * Deadlines in exact order: a 4-ary heap over typed arrays.
 *
 * A block with a deadline stores its slot in the heap, and the heap stores the block's reference
 * and hash; moving a slot writes the new index into the block. So the earliest deadline is known at
 * once (an idle server sleeps until then), and changing or dropping any deadline is O(log n)
 * without a search. Deadlines are milliseconds since the epoch.
 *
 * A keyspace has two of them, for its keys and for its hashes by the earliest deadline of a field;
 * a large hash has one for its fields. They differ in where a block keeps its slot (`SlotPlace`).
 *
 * Cost: 16 bytes per slot here, counted in the arena's `tableBytes`, and 4 in the block; the arrays
 * double when full and halve when 7/8 are empty. Without any deadline it holds nothing.
 */
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { KEY, KEY_LENGTH } from './entry.ts';
import { invariant } from './invariant.ts';

const CHILDREN = 4;
const SLOTS_MIN = 16;
const SLOT_BYTES = 16;

/** Offset of the int32 in which the block at `at` keeps its slot. */
export type SlotPlace = (view: DataView, at: number) => number;

/** Behind the key of a keyspace's entry. */
function behindKey(view: DataView, entry: number): number {
  return entry + KEY + view.getInt32(entry + KEY_LENGTH, true);
}

export class ExpiryIndex {
  readonly #arena: Arena;
  readonly #slotPlace: SlotPlace;
  #deadlines = new Float64Array(0);
  #references = new Int32Array(0);
  #hashes = new Int32Array(0);
  size = 0;

  constructor(arena: Arena, slotPlace: SlotPlace = behindKey) {
    this.#arena = arena;
    this.#slotPlace = slotPlace;
  }

  /** Bytes of the heap's arrays. */
  get bytes(): number {
    return this.#deadlines.length * SLOT_BYTES;
  }

  /** The index is given up: its arrays no longer count. */
  release(): void {
    this.#resize(0);
    this.size = 0;
  }

  /** Earliest deadline, or Infinity. */
  earliest(): number {
    return this.size === 0 ? Infinity : this.#deadlines[0];
  }

  earliestReference(): number {
    return this.#references[0];
  }

  earliestHash(): number {
    return this.#hashes[0];
  }

  deadline(slot: number): number {
    return this.#deadlines[slot];
  }

  reference(slot: number): number {
    return this.#references[slot];
  }

  hash(slot: number): number {
    return this.#hashes[slot];
  }

  /** Mean of up to 1,000 deadlines (ms since the epoch; 0 without any), for INFO's avg_ttl. */
  averageDeadline(): number {
    let sum = 0;
    const sampled = Math.min(this.size, 1000);
    for (let i = 0; i < sampled; i++) sum += this.#deadlines[i];
    return sampled === 0 ? 0 : sum / sampled;
  }

  /** Adds a block that has a slot field, and writes the field. */
  add(reference: number, hash: number, deadline: number): void {
    if (this.size === this.#deadlines.length) this.#grow();
    this.size++;
    this.#rise(this.size - 1, reference, hash, deadline);
  }

  /** Changes a deadline. */
  change(slot: number, deadline: number): void {
    const earlier = deadline < this.#deadlines[slot];
    const reference = this.#references[slot];
    const hash = this.#hashes[slot];
    if (earlier) this.#rise(slot, reference, hash, deadline);
    else this.#sink(slot, reference, hash, deadline);
  }

  /** The block moved; its slot field came along. */
  move(slot: number, reference: number): void {
    this.#references[slot] = reference;
  }

  /** Drops a deadline. The block's field is the caller's to clear, if the block lives on. */
  remove(slot: number): void {
    const last = --this.size;
    if (slot !== last) this.#fill(slot, last);
    const slots = this.#deadlines.length;
    if (last < slots >> 3 && slots > SLOTS_MIN) this.#resize(slots >> 1);
  }

  /** Puts the last element into a slot that became free. */
  #fill(slot: number, last: number): void {
    const deadline = this.#deadlines[last];
    const reference = this.#references[last];
    const hash = this.#hashes[last];
    if (slot > 0 && deadline < this.#deadlines[(slot - 1) >> 2]) {
      this.#rise(slot, reference, hash, deadline);
    } else {
      this.#sink(slot, reference, hash, deadline);
    }
  }

  #grow(): void {
    this.#resize(Math.max(SLOTS_MIN, this.#deadlines.length * 2));
  }

  #resize(length: number): void {
    this.#arena.tableBytes += (length - this.#deadlines.length) * SLOT_BYTES;
    const kept = Math.min(length, this.#deadlines.length);
    const deadlines = new Float64Array(length);
    deadlines.set(this.#deadlines.subarray(0, kept));
    const references = new Int32Array(length);
    references.set(this.#references.subarray(0, kept));
    const hashes = new Int32Array(length);
    hashes.set(this.#hashes.subarray(0, kept));
    this.#deadlines = deadlines;
    this.#references = references;
    this.#hashes = hashes;
  }

  #put(slot: number, reference: number, hash: number, deadline: number): void {
    this.#deadlines[slot] = deadline;
    this.#references[slot] = reference;
    this.#hashes[slot] = hash;
    const { view } = this.#arena.pages[pageOf(reference)];
    view.setInt32(this.#slotPlace(view, offsetOf(reference)), slot, true);
  }

  #rise(from: number, reference: number, hash: number, deadline: number): void {
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 2;
      if (this.#deadlines[parent] <= deadline) break;
      this.#put(slot, this.#references[parent], this.#hashes[parent], this.#deadlines[parent]);
      slot = parent;
    }
    this.#put(slot, reference, hash, deadline);
  }

  #sink(from: number, reference: number, hash: number, deadline: number): void {
    let slot = from;
    for (;;) {
      const first = slot * CHILDREN + 1;
      if (first >= this.size) break;
      const end = Math.min(first + CHILDREN, this.size);
      let least = first;
      for (let child = first + 1; child < end; child++) {
        if (this.#deadlines[child] < this.#deadlines[least]) least = child;
      }
      if (this.#deadlines[least] >= deadline) break;
      this.#put(slot, this.#references[least], this.#hashes[least], this.#deadlines[least]);
      slot = least;
    }
    this.#put(slot, reference, hash, deadline);
  }

  /** Throws when the heap order or a block's slot field is wrong. */
  verify(): void {
    for (let slot = 0; slot < this.size; slot++) {
      if (slot > 0) {
        invariant(this.#deadlines[(slot - 1) >> 2] <= this.#deadlines[slot], 'heap order');
      }
      const reference = this.#references[slot];
      const { view } = this.#arena.pages[pageOf(reference)];
      const field = view.getInt32(this.#slotPlace(view, offsetOf(reference)), true);
      invariant(field === slot, 'expiry slot of a block is stale');
    }
  }
}
