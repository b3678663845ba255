/**
 * A snapshot without fork: the shard's keyspaces as they were at one moment, written out in slices
 * while commands go on.
 *
 * Every entry carries a parity bit. `begin` flips the shard's parity: entries with the old one are
 * not saved yet. The walk visits each keyspace in hash order, encodes entries of the old parity and
 * gives them the new one. A command that is about to change or delete an entry of the old parity
 * has it encoded first (`saveBeforeChange`); entries made meanwhile are born with the new parity
 * and are left out. When the walk ends every entry has the new parity, so there is no set of saved
 * keys to keep, and the next snapshot flips again. An abandoned snapshot still walks to the end
 * without encoding, to restore that invariant.
 *
 * Flushed keyspaces are walked like the others: the walk holds them, under the number they had at
 * the beginning. Cost: one bit test per write while no snapshot runs is saved by `snapshotRuns`.
 */
import { offsetOf, pageOf } from './arena.ts';
import type { Engine } from './engine.ts';
import { META, SNAPSHOT_PARITY } from './entry.ts';
import { invariant } from './invariant.ts';
import type { Keyspace } from './keyspace.ts';
import { SNAPSHOT_CHUNK_BYTES } from './limits.ts';

/** Keys per step when an abandoned walk is finished at once. */
const WALK_REST_KEYS = 10_000;

/** Takes ready-made RDB records of one database. */
export type RecordReceiver = (database: number, records: Uint8Array<ArrayBuffer>) => void;

export class SnapshotWalk {
  readonly #engine: Engine;
  #databases = new Map<Keyspace, number>();
  #queue: Keyspace[] = [];
  #cursor = 0;
  #receiver: RecordReceiver | undefined;
  /** Database of the records that the codec holds. */
  #buffered = -1;
  /** Keys encoded in this snapshot. */
  keysSaved = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    engine.lazyFree.isHeld = (keyspace) => this.#databases.has(keyspace);
  }

  get isRunning(): boolean {
    return this.#queue.length > 0;
  }

  /** Keys at the beginning, per database: [database, keys, keys with a deadline]. */
  begin(receiver: RecordReceiver): [number, number, number][] {
    invariant(this.#receiver === undefined, 'a snapshot runs already');
    // What is left of an abandoned walk only flips parities; it must be over before the next flip.
    while (this.isRunning) this.step(WALK_REST_KEYS);
    const engine = this.#engine;
    engine.snapshotParity ^= SNAPSHOT_PARITY;
    engine.snapshotRuns = true;
    this.#receiver = receiver;
    this.#databases = new Map();
    const sizes: [number, number, number][] = [];
    for (const keyspace of engine.keyspaces()) {
      if (keyspace.size === 0) continue;
      this.#databases.set(keyspace, keyspace.index);
      sizes.push([keyspace.index, keyspace.size, keyspace.expiries.size]);
    }
    this.#queue = [...this.#databases.keys()];
    this.#cursor = 0;
    this.keysSaved = 0;
    if (this.#queue.length === 0) {
      engine.snapshotRuns = false;
      this.#receiver = undefined;
    }
    return sizes;
  }

  /** Walks on past about `keys` keys. True while there is more to do. */
  step(keys: number): boolean {
    const keyspace = this.#queue[0];
    if (keyspace === undefined) return false;
    this.#cursor = keyspace.map.scan(this.#cursor, keys, (reference) => {
      this.#saveIfOld(keyspace, reference);
    });
    if (this.#cursor < 0) {
      this.#queue.shift();
      this.#databases.delete(keyspace);
      this.#cursor = 0;
    }
    if (this.#queue.length > 0) return true;
    this.#emit();
    this.#receiver = undefined;
    this.#engine.snapshotRuns = false;
    return false;
  }

  /** Stops encoding; the walk must still be stepped to its end. */
  abandon(): void {
    this.#receiver = undefined;
    this.#engine.codec.takeRecords();
    this.#buffered = -1;
  }

  /** An entry of the old parity is about to change or go. */
  saveBeforeChange(keyspace: Keyspace, reference: number): void {
    this.#saveIfOld(keyspace, reference);
  }

  #saveIfOld(keyspace: Keyspace, reference: number): void {
    const { view } = keyspace.arena.pages[pageOf(reference)];
    const at = offsetOf(reference) + META;
    const meta = view.getInt32(at, true);
    if ((meta & SNAPSHOT_PARITY) === this.#engine.snapshotParity) return;
    view.setInt32(at, meta ^ SNAPSHOT_PARITY, true);
    if (this.#receiver === undefined) return;
    const database = this.#databases.get(keyspace);
    invariant(database !== undefined, 'an old entry in a keyspace that was walked');
    if (database !== this.#buffered) this.#emit();
    this.#buffered = database;
    this.keysSaved++;
    if (this.#engine.codec.appendRecord(keyspace, reference) >= SNAPSHOT_CHUNK_BYTES) this.#emit();
  }

  #emit(): void {
    if (this.#buffered < 0) return;
    const records = this.#engine.codec.takeRecords();
    if (records.length > 0) this.#receiver?.(this.#buffered, records);
    this.#buffered = -1;
  }
}
