/**
 * Frees what was removed but is too large to free at once, slice by slice between batches: flushed
 * keyspaces entry by entry, and structures of very many blocks (a list of a million nodes) block by
 * block. The host calls `step` while `isPending`.
 *
 * Jobs are done in order. Their memory counts as used until it is freed. A flushed keyspace that a
 * snapshot still walks is left alone until the walk is through with it.
 *
 * Cost of a step: at most LAZY_FREE_ENTRIES_PER_SLICE frees, whatever waits.
 */
import { type Arena, offsetOf, pageOf } from './arena.ts';
import { META, TYPE_MASK, valueOffset } from './entry.ts';
import { invariant } from './invariant.ts';
import { type Keyspace, VALUE_SLICERS } from './keyspace.ts';
import { LAZY_FREE_ENTRIES_PER_SLICE } from './limits.ts';

interface FlushedKeyspace {
  readonly keyspace: Keyspace;
  cursor: number;
  keysLeft: number;
}

interface DetachedEntry {
  readonly arena: Arena;
  readonly reference: number;
}

export class LazyFree {
  readonly #keyspaces: FlushedKeyspace[] = [];
  readonly #entries: DetachedEntry[] = [];
  /** Keys freed so far (INFO's lazyfreed_objects). */
  freed = 0;
  /** Keyspaces that a snapshot still walks must not be freed yet. */
  isHeld: (keyspace: Keyspace) => boolean = () => false;

  get isPending(): boolean {
    if (this.#entries.length > 0) return true;
    return this.#keyspaces.length > 0 && !this.isHeld(this.#keyspaces[0].keyspace);
  }

  /** Keys that wait to be freed (INFO's lazyfree_pending_objects). */
  get pendingKeys(): number {
    return this.#keyspaces.reduce((sum, { keysLeft }) => sum + keysLeft, this.#entries.length);
  }

  addKeyspace(keyspace: Keyspace): void {
    this.#keyspaces.push({ keyspace, cursor: 0, keysLeft: keyspace.size });
  }

  /** Takes over an entry that is in no map and whose type has a slicer. */
  addEntry(keyspace: Keyspace, reference: number): void {
    this.#entries.push({ arena: keyspace.arena, reference });
  }

  /** Forgets everything: the arena that held it is gone. */
  clear(): void {
    this.freed += this.pendingKeys;
    this.#keyspaces.length = 0;
    this.#entries.length = 0;
  }

  /** Frees one slice. Must not be called while nothing is pending. */
  step(): void {
    const entry = this.#entries[0];
    if (entry === undefined) this.#stepKeyspace(this.#keyspaces[0]);
    else if (freePartsOf(entry)) {
      this.#entries.shift();
      this.freed++;
    }
  }

  /** Frees entries of a flushed keyspace, in hash order. Nothing looks its keys up any more. */
  #stepKeyspace(job: FlushedKeyspace): void {
    invariant(!this.isHeld(job.keyspace), 'a snapshot walks the keyspace to be freed');
    job.cursor = job.keyspace.map.scan(job.cursor, LAZY_FREE_ENTRIES_PER_SLICE, (reference) => {
      // An entry with a large structure comes back here through addEntry.
      job.keyspace.freeDetached(reference);
      job.keysLeft--;
      this.freed++;
    });
    if (job.cursor >= 0) return;
    job.keyspace.release();
    this.#keyspaces.shift();
  }
}

/** Frees some blocks of an entry's structure, and the entry when none is left: true then. */
function freePartsOf({ arena, reference }: DetachedEntry): boolean {
  const page = arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const slicer = VALUE_SLICERS[page.view.getInt32(entry + META, true) & TYPE_MASK];
  invariant(slicer !== undefined, 'a type without slicer is freed in slices');
  const valueAt = valueOffset(page, entry);
  slicer.freeParts(arena, page, valueAt, LAZY_FREE_ENTRIES_PER_SLICE);
  if (slicer.parts(arena, page, valueAt) > 0) return false;
  arena.free(reference);
  return true;
}
