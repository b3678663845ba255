/**
 * Derived forms of arena blocks, kept while they are useful: for example the RESP wire form of a
 * list node that is read again and again, so that LRANGE is a memory copy.
 *
 * An owner stores the slot number (1 and up; 0 means none) in its own header and drops the mirror
 * before it changes or frees the block. The table is bounded by bytes: when full, the mirrors made
 * longest ago go first, and `onDrop` is told so that the owner's slot can be cleared.
 */
import type { Block } from '@hashlane/resp';
import { MIRROR_BYTES_MAX } from './limits.ts';

/** Where the header of a block that may have a mirror keeps the slot: int32 at this offset. */
export const MIRROR_SLOT = 16;

interface Mirror {
  readonly block: Block;
  readonly owner: number;
}

export class MirrorTable {
  readonly #mirrors = new Map<number, Mirror>();
  readonly #onDrop: (owner: number) => void;
  #nextSlot = 1;
  bytes = 0;

  /** `onDrop` gets the owner's reference when its mirror is evicted; it must clear the slot. */
  constructor(onDrop: (owner: number) => void) {
    this.#onDrop = onDrop;
  }

  get(slot: number): Block | undefined {
    return this.#mirrors.get(slot)?.block;
  }

  /** Keeps a mirror for the block `owner` and returns its slot. */
  add(owner: number, block: Block): number {
    this.bytes += block.bytes.length;
    const slot = this.#nextSlot;
    this.#nextSlot = slot === 0x7fffffff ? 1 : slot + 1;
    this.#mirrors.set(slot, { block, owner });
    while (this.bytes > MIRROR_BYTES_MAX && this.#mirrors.size > 1) this.#dropOldest();
    return slot;
  }

  /** Forgets a mirror; the owner clears its slot itself. */
  drop(slot: number): void {
    const mirror = this.#mirrors.get(slot);
    if (mirror === undefined) return;
    this.bytes -= mirror.block.bytes.length;
    this.#mirrors.delete(slot);
  }

  /** Forgets all mirrors. */
  dropAll(): void {
    while (this.#mirrors.size > 0) this.#dropOldest();
  }

  #dropOldest(): void {
    const [slot, { owner }] = this.#mirrors.entries().next().value as [number, Mirror];
    this.drop(slot);
    this.#onDrop(owner);
  }
}
