/**
 * Memory for keys and values outside the V8 heap: pages cut into slabs of size classes.
 *
 *   reference (32 bits) = page number (17 bits) | offset in the page in 8-byte granules (15 bits)
 *
 *   page, 256 KB, one size class      block larger than 64 KB
 *   ┌──────┬──────┬──────┬─ ─ ─┐      ┌───────────────────────────┐
 *   │ slot │ free │ slot │     │      │ a page of its own, offset 0│
 *   └──────┴──────┴──────┴─ ─ ─┘      └───────────────────────────┘
 *
 * A free slot holds the offset of the next free slot of its page. Each class keeps a doubly linked
 * list of pages with room and allocates from the first; a page without used slots is given back
 * (one is kept per class, so that a queue that swings around a page border does not churn).
 * Page 0 is never handed out: reference 0 means "none".
 *
 * Costs: allocate and free are O(1). 5 M keys of 96 bytes are 1,900 pages, which is all that the
 * garbage collector sees of them. `usedBytes` is the exact sum of the slots and large blocks in
 * use; it counts what a block occupies (its class), not what was asked for.
 *
 * A reference stays valid until it is freed: nothing moves. Callers hold no Block across a free.
 */
import { Block } from '@hashlane/resp';
import { invariant } from './invariant.ts';
import { ARENA_PAGE_BYTES, ARENA_PAGES_MAX, ARENA_SLOT_BYTES_MAX } from './limits.ts';
import { MIRROR_SLOT, MirrorTable } from './mirror-table.ts';
import { giveSparePage, takeSparePage } from './spare-pages.ts';
import { StructureTable } from './structure-table.ts';

const GRANULE_BITS = 3;
const OFFSET_BITS = 15;
const OFFSET_MASK = (1 << OFFSET_BITS) - 1;
/** Class number of a page that is one large block. */
const LARGE = 255;
const NO_PAGE = -1;

/** Slot sizes: steps of 8 up to 128, then 8 sizes per doubling, up to ARENA_SLOT_BYTES_MAX. */
const CLASS_BYTES: Int32Array = slotSizes();
/** Size class by granules, for sizes up to 1 KB. */
const SMALL_CLASS: Uint8Array = smallClasses();

function slotSizes(): Int32Array {
  const sizes: number[] = [];
  for (let size = 8; size <= 128; size += 8) sizes.push(size);
  for (let step = 16; sizes[sizes.length - 1] < ARENA_SLOT_BYTES_MAX; step *= 2) {
    for (let i = 0; i < 8; i++) sizes.push(sizes[sizes.length - 1] + step);
  }
  return Int32Array.from(sizes.filter((size) => size <= ARENA_SLOT_BYTES_MAX));
}

function smallClasses(): Uint8Array {
  const classes = new Uint8Array(1024 / 8 + 1);
  for (let granules = 0, c = 0; granules < classes.length; granules++) {
    while (CLASS_BYTES[c] < granules * 8) c++;
    classes[granules] = c;
  }
  return classes;
}

function classOf(size: number): number {
  if (size <= 1024) return SMALL_CLASS[(size + 7) >> 3];
  let low = SMALL_CLASS[128];
  let high = CLASS_BYTES.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (CLASS_BYTES[middle] < size) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Stands in `pages` for page 0 and for pages that were given back. */
const NO_MEMORY = Block.allocate(0);

export class Arena {
  /** Blocks of the pages by page number; `pages[reference >>> 15]`. */
  readonly pages: Block[] = [NO_MEMORY];
  /** Bytes of all slots and large blocks in use. */
  usedBytes = 0;
  /** Bytes of all pages held, used or not. */
  heldBytes = 0;
  /** Bytes of hash tables and other structures beside the pages; who makes them counts them. */
  tableBytes = 0;
  /** Objects of large values, by the slot in their descriptor. */
  readonly structures = new StructureTable();
  /** Derived forms of blocks whose header has a slot for one. */
  readonly mirrors = new MirrorTable((owner) => {
    this.pages[pageOf(owner)].view.setInt32(offsetOf(owner) + MIRROR_SLOT, 0, true);
  });

  #classes = new Uint8Array(64);
  /** Offset in granules of the first free slot of a page, or −1. */
  #freeSlot = new Int32Array(64);
  /** Granules from the page's start that were never handed out begin here. */
  #fresh = new Int32Array(64);
  #usedSlots = new Int32Array(64);
  #next = new Int32Array(64);
  #previous = new Int32Array(64);
  readonly #roomy = new Int32Array(CLASS_BYTES.length).fill(NO_PAGE);
  readonly #freePages: number[] = [];

  /** Reference of a block of at least `size` bytes; its content is undefined. */
  allocate(size: number): number {
    if (size > ARENA_SLOT_BYTES_MAX) return this.adopt(Block.allocate(size));
    const c = classOf(size);
    let page = this.#roomy[c];
    if (page === NO_PAGE) page = this.#addPage(c);
    this.usedBytes += CLASS_BYTES[c];
    this.#usedSlots[page]++;
    const granules = CLASS_BYTES[c] >> GRANULE_BITS;
    let slot = this.#freeSlot[page];
    if (slot !== -1) {
      this.#freeSlot[page] = this.pages[page].view.getInt32(slot << GRANULE_BITS, true);
    } else {
      slot = this.#fresh[page];
      this.#fresh[page] = slot + granules;
    }
    if (this.#isFull(page, granules)) this.#unlink(page, c);
    return (page << OFFSET_BITS) | slot;
  }

  /**
   * Takes over a block as it is, as a page of its own. Used for large values that arrived in a
   * buffer of their own, so that they are not copied.
   */
  adopt(block: Block): number {
    const page = this.#takePageNumber();
    this.pages[page] = block;
    this.#classes[page] = LARGE;
    this.usedBytes += block.bytes.length;
    this.heldBytes += block.bytes.length;
    return page << OFFSET_BITS;
  }

  /** Gives a block back. The reference must come from this arena and be in use. */
  free(reference: number): void {
    const page = reference >>> OFFSET_BITS;
    const c = this.#classes[page];
    if (c === LARGE) {
      this.usedBytes -= this.pages[page].bytes.length;
      this.#dropPage(page);
      return;
    }
    const granules = CLASS_BYTES[c] >> GRANULE_BITS;
    const slot = reference & OFFSET_MASK;
    const wasFull = this.#isFull(page, granules);
    this.usedBytes -= CLASS_BYTES[c];
    this.pages[page].view.setInt32(slot << GRANULE_BITS, this.#freeSlot[page], true);
    this.#freeSlot[page] = slot;
    this.#usedSlots[page]--;
    if (wasFull) this.#link(page, c);
    if (this.#usedSlots[page] === 0 && (this.#next[page] !== NO_PAGE || this.#roomy[c] !== page)) {
      this.#unlink(page, c);
      this.#dropPage(page);
    }
  }

  /** Gives back all pages, whatever is in them. The arena is of no use after that. */
  release(): void {
    for (let page = 1; page < this.pages.length; page++) {
      if (this.#classes[page] !== LARGE) giveSparePage(this.pages[page]);
    }
    // Who still uses a reference shall fail, and not see what others write.
    this.pages.length = 0;
  }

  /** Gives back the empty pages that were kept for what comes next, one per size class. */
  releaseEmptyPages(): void {
    for (let c = 0; c < CLASS_BYTES.length; c++) {
      let page = this.#roomy[c];
      while (page !== NO_PAGE && this.#usedSlots[page] > 0) page = this.#next[page];
      if (page === NO_PAGE) continue;
      this.#unlink(page, c);
      this.#dropPage(page);
    }
  }

  /** Bytes that the block of a reference can hold. */
  sizeOf(reference: number): number {
    const page = reference >>> OFFSET_BITS;
    const c = this.#classes[page];
    return c === LARGE ? this.pages[page].bytes.length : CLASS_BYTES[c];
  }

  /** Bytes that a block of `size` bytes would occupy. */
  static roundUp(size: number): number {
    return size > ARENA_SLOT_BYTES_MAX ? size : CLASS_BYTES[classOf(size)];
  }

  #isFull(page: number, granules: number): boolean {
    return (
      this.#freeSlot[page] === -1 && this.#fresh[page] + granules > ARENA_PAGE_BYTES >> GRANULE_BITS
    );
  }

  #addPage(c: number): number {
    const page = this.#takePageNumber();
    this.pages[page] = takeSparePage() ?? Block.allocate(ARENA_PAGE_BYTES);
    this.heldBytes += ARENA_PAGE_BYTES;
    this.#classes[page] = c;
    this.#freeSlot[page] = -1;
    this.#fresh[page] = 0;
    this.#usedSlots[page] = 0;
    this.#link(page, c);
    return page;
  }

  #dropPage(page: number): void {
    const block = this.pages[page];
    this.heldBytes -= block.bytes.length;
    if (this.#classes[page] !== LARGE) giveSparePage(block);
    this.pages[page] = NO_MEMORY;
    this.#freePages.push(page);
  }

  #takePageNumber(): number {
    const reused = this.#freePages.pop();
    if (reused !== undefined) return reused;
    const page = this.pages.length;
    invariant(page < ARENA_PAGES_MAX, 'the arena of one shard is full');
    if (page === this.#classes.length) this.#growTables();
    return page;
  }

  #growTables(): void {
    const length = this.#classes.length * 2;
    const grow = (old: Int32Array): Int32Array<ArrayBuffer> => {
      const table = new Int32Array(length);
      table.set(old);
      return table;
    };
    const classes = new Uint8Array(length);
    classes.set(this.#classes);
    this.#classes = classes;
    this.#freeSlot = grow(this.#freeSlot);
    this.#fresh = grow(this.#fresh);
    this.#usedSlots = grow(this.#usedSlots);
    this.#next = grow(this.#next);
    this.#previous = grow(this.#previous);
  }

  #link(page: number, c: number): void {
    const first = this.#roomy[c];
    this.#next[page] = first;
    this.#previous[page] = NO_PAGE;
    if (first !== NO_PAGE) this.#previous[first] = page;
    this.#roomy[c] = page;
  }

  #unlink(page: number, c: number): void {
    const next = this.#next[page];
    const previous = this.#previous[page];
    if (previous === NO_PAGE) this.#roomy[c] = next;
    else this.#next[previous] = next;
    if (next !== NO_PAGE) this.#previous[next] = previous;
  }

  /** Walks all tables and throws when a count or link is wrong. For tests and fuzzers. */
  verify(): void {
    let used = 0;
    let held = 0;
    const free = new Set(this.#freePages);
    for (let page = 1; page < this.pages.length; page++) {
      if (free.has(page)) continue;
      held += this.pages[page].bytes.length;
      const c = this.#classes[page];
      if (c === LARGE) used += this.pages[page].bytes.length;
      else used += this.#verifySlab(page, c);
    }
    invariant(used === this.usedBytes, `usedBytes ${this.usedBytes}, counted ${used}`);
    invariant(held === this.heldBytes, `heldBytes ${this.heldBytes}, counted ${held}`);
  }

  #verifySlab(page: number, c: number): number {
    const granules = CLASS_BYTES[c] >> GRANULE_BITS;
    let free = 0;
    for (let slot = this.#freeSlot[page]; slot !== -1; free++) {
      invariant(slot % granules === 0 && slot < this.#fresh[page], `free slot ${slot} is wild`);
      slot = this.pages[page].view.getInt32(slot << GRANULE_BITS, true);
    }
    const handedOut = this.#fresh[page] / granules;
    invariant(handedOut - free === this.#usedSlots[page], `page ${page} miscounts its slots`);
    const isRoomy = this.#roomy[c] === page || this.#next[this.#previous[page]] === page;
    invariant(this.#isFull(page, granules) || isRoomy, `page ${page} has room and is in no list`);
    return this.#usedSlots[page] * CLASS_BYTES[c];
  }
}

/** Page number of a reference. */
export function pageOf(reference: number): number {
  return reference >>> OFFSET_BITS;
}

/** Byte offset of a reference within its page. */
export function offsetOf(reference: number): number {
  return (reference & OFFSET_MASK) << GRANULE_BITS;
}
