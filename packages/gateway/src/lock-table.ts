/**
 * Locks on keys, shared or exclusive, held for the length of a transaction of several phases.
 *
 *   key ─▶ holders (shared: any number, exclusive: one) and a queue of waiters, first come first served
 *
 * A request stands in the queues of all its keys from the moment it is made, so any two requests
 * stand in the same order wherever they meet: no cycle of waiters can come about. A request that
 * must wait for one key holds the others it was granted.
 *
 * EVERYTHING is a name that every request shares: who asks for it exclusively waits until nothing is
 * held.
 *
 * Cost: one Map operation per key for acquiring and for releasing; nothing for commands that need
 * no lock, beyond asking `size`.
 */
import { invariant } from '@hashlane/core/metadata';

/** Stands for all keys; the name of none, because those begin with a colon. */
export const EVERYTHING = '*';

interface KeyLock {
  /** Number of shared holders, or −1 for an exclusive one. */
  holders: number;
  readonly queue: { readonly lock: Lock; readonly isExclusive: boolean }[];
}

export class Lock {
  /** Name of each key, and whether it is wanted for itself alone. */
  readonly keys: ReadonlyMap<string, boolean>;
  /** Called once, when all keys are held. */
  readonly granted: () => void;
  /** Keys that are not held yet. */
  missing: number;

  constructor(keys: ReadonlyMap<string, boolean>, granted: () => void) {
    this.keys = keys;
    this.granted = granted;
    this.missing = keys.size;
  }

  get isHeld(): boolean {
    return this.missing === 0;
  }
}

/**
 * What a key is called in the table. The database is left out: COPY and MOVE name another one than
 * their connection's, and the same key in two databases is locked together without harm.
 */
export function lockName(key: Buffer): string {
  return `:${key.latin1Slice()}`;
}

/** The key of a name that `lockName` made; undefined for EVERYTHING. */
export function keyNamed(name: string): Buffer | undefined {
  return name === EVERYTHING ? undefined : Buffer.from(name.slice(1), 'latin1');
}

export class LockTable {
  readonly #keys = new Map<string, KeyLock>();
  /** Requests that were made, in all. */
  acquired = 0;
  /** Requests that had to wait. */
  waited = 0;
  /** Sum over all requests of how many stood before it in its fullest queue. */
  contention = 0;

  /** Keys that are held or waited for. */
  get size(): number {
    return this.#keys.size;
  }

  /**
   * Asks for keys by name, `true` for exclusive use. `granted` is called when all are held: within
   * this call when they are free. The lock must be released, once.
   */
  acquire(keys: ReadonlyMap<string, boolean>, granted: () => void): Lock {
    const wanted = new Map(keys);
    if (!wanted.has(EVERYTHING)) wanted.set(EVERYTHING, false);
    const lock = new Lock(wanted, granted);
    this.acquired++;
    let depth = 0;
    for (const [name, isExclusive] of wanted) {
      const key = this.#keys.get(name) ?? { holders: 0, queue: [] };
      this.#keys.set(name, key);
      if (key.queue.length === 0 && take(key, isExclusive)) {
        lock.missing--;
      } else {
        const holders = Math.abs(key.holders);
        depth = Math.max(depth, name === EVERYTHING ? 1 : key.queue.length + holders);
        key.queue.push({ lock, isExclusive });
      }
    }
    this.contention += depth;
    if (lock.isHeld) granted();
    else this.waited++;
    return lock;
  }

  /** Gives back what a lock holds, or waits for, and grants it to those behind. */
  release(lock: Lock): void {
    const wasHeld = lock.isHeld;
    const ready: Lock[] = [];
    for (const [name, isExclusive] of lock.keys) {
      const key = this.#keys.get(name);
      invariant(key !== undefined, 'a lock is released twice');
      const waiting = wasHeld ? -1 : key.queue.findIndex((each) => each.lock === lock);
      if (waiting >= 0) key.queue.splice(waiting, 1);
      else key.holders = isExclusive ? 0 : key.holders - 1;
      this.#grantNext(name, key, ready);
    }
    for (const next of ready) next.granted();
  }

  #grantNext(name: string, key: KeyLock, ready: Lock[]): void {
    while (key.queue.length > 0 && take(key, key.queue[0]!.isExclusive)) {
      const { lock } = key.queue.shift()!;
      if (--lock.missing === 0) ready.push(lock);
    }
    if (key.holders === 0 && key.queue.length === 0) this.#keys.delete(name);
  }

  /** Would a command that uses the key in this way have to wait? */
  isTaken(name: string, isExclusive: boolean): boolean {
    const key = this.#keys.get(name);
    if (key === undefined) return false;
    return isExclusive || key.holders < 0 || key.queue.length > 0;
  }
}

function take(key: KeyLock, isExclusive: boolean): boolean {
  if (isExclusive ? key.holders !== 0 : key.holders < 0) return false;
  key.holders = isExclusive ? -1 : key.holders + 1;
  return true;
}
