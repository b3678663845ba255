/**
 * The form of large sets: a ByteMap over one arena block per member.
 *
 *   descriptor (8 bytes)                       block of a member
 *   ┌ slot, int32 ┬ HASHTABLE_FORM, int32 ┐    ┌ length, int32 ┬ bytes ┐
 *   └─────────────┴───────────────────────┘    └───────────────┴───────┘
 *
 * The slot is that of this object in `arena.structures`. Integers are members as bytes like others.
 *
 * A walk visits members in the order of their hashes. If that were the order of another table too,
 * filling it in a walk (SUNIONSTORE, COPY) would crowd its slots from one end, and each insertion
 * would have to pass a long run: three times slower in all. So every table multiplies hashes by an
 * odd number of its own, which makes the order of one table a random one to all others.
 *
 * Costs: O(1) per member, at most one segment rehashed (byte-map.ts), so a set of millions grows and
 * shrinks without a stall. Freeing all at once is O(n); `freeSome` frees it in slices.
 */
import { type Block, copyBytes } from '@hashlane/resp';
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { ByteMap, MapWalk } from './byte-map.ts';
import { invariant } from './invariant.ts';
import type { Member } from './set-member.ts';

/** What the second word of a set's descriptor says of this form. */
export const HASHTABLE_FORM = -1;

const LENGTH = 0;
/** Offset of the bytes in a member's block. */
export const MEMBER_BYTES = 4;

/** Tables made so far in this thread. */
let tables = 0;

export class MemberTable {
  readonly map: ByteMap;
  /** Makes the hashes of this table others than those of other tables. */
  readonly #multiplier: number;
  readonly #arena: Arena;
  /** Where `freeSome` goes on, and how many members it has freed. */
  #freed: MapWalk | undefined;
  #freedCount = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
    tables = (tables + 1) | 0;
    this.#multiplier = Math.imul(tables, 0x9e3779b1) | 1;
    this.map = new ByteMap(arena, MEMBER_BYTES, LENGTH);
  }

  /** Members that are not freed yet. */
  get size(): number {
    return this.map.size - this.#freedCount;
  }

  /** Reference of the member's block, or 0. */
  find(member: Member): number {
    const hash = Math.imul(member.hash, this.#multiplier);
    member.needText();
    return this.map.find(member.block, member.offset, member.length, hash);
  }

  /** Adds a member that is known to be absent. */
  insert(member: Member): void {
    const hash = Math.imul(member.hash, this.#multiplier);
    member.needText();
    const { block, length, offset } = member;
    const reference = this.#arena.allocate(MEMBER_BYTES + length);
    const page = this.#arena.pages[pageOf(reference)];
    const at = offsetOf(reference);
    page.view.setInt32(at + LENGTH, length, true);
    copyBytes(page, at + MEMBER_BYTES, block, offset, length);
    this.map.insert(hash, reference);
  }

  /** Removes the member that `find` has just found. */
  removeFound(reference: number): void {
    this.map.removeFound();
    this.#arena.free(reference);
  }

  /** Points a member at the bytes of a block. */
  read(reference: number, member: Member): void {
    const page = this.pageOf(reference);
    const at = offsetOf(reference);
    member.set(page, at + MEMBER_BYTES, page.view.getInt32(at + LENGTH, true));
  }

  pageOf(reference: number): Block {
    return this.#arena.pages[pageOf(reference)];
  }

  /** Frees up to `count` members and, with the last one, the table. Nothing else works after it. */
  freeSome(count: number): void {
    this.#freed ??= new MapWalk();
    const walk = this.#freed;
    for (let left = count; left > 0 && this.map.advance(walk); left--) {
      this.#arena.free(walk.reference);
      this.#freedCount++;
    }
    if (this.size === 0) this.map.release();
  }

  /** Throws when the table is out of order. For tests and fuzzers. */
  verify(): void {
    this.map.verify();
    invariant(this.#freedCount === 0, 'a set that is being freed');
  }
}

/** Length of the bytes of a member's block. */
export function memberLength(page: Block, at: number): number {
  return page.view.getInt32(at + LENGTH, true);
}
