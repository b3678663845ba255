/**
 * What keeps commands over several shards apart, in one of two modes chosen at the start.
 *
 * All commands go through one gateway, and its ports to the shards are FIFO. So two commands that
 * meet on several shards meet in the same order on each of them, namely the order in which the
 * gateway sent them: a command whose parts are all sent in one turn (MSET, MGET, DEL, FLUSHALL,
 * EXEC of single-shard commands) is atomic and strictly serializable without any lock, in both
 * modes. What is left are commands of several phases, which read in one shard before they write in
 * another: RENAME, LMOVE, MSETNX, ZUNIONSTORE, EXEC of such commands or with watched keys.
 *
 *   locked      a command of several phases locks its keys here, in the gateway; whatever else
 *               uses one of these keys is held back until the locks are released. Other keys of the
 *               same shards go on. Nothing is locked on the way of a single-shard command: while
 *               no lock is held, it pays nothing, otherwise a look-up per key
 *   lock-free   nothing is held back; a reader may see one shard's part before another's
 *
 * Held back means barred: the connection's later commands wait too, so its order stays.
 */
import {
  type CommandMetadata,
  isReadOnly,
  type KeyFinder,
  type KeyRange,
  MAY_REPLICATE,
  NOT_KEY,
  WRITE,
} from '@hashlane/core/metadata';
import type { RequestParser } from '@hashlane/resp';
import type { Coordinated } from './coordinator.ts';
import { GATE_LOCKED } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { EVERYTHING, type Lock, LockTable, lockName } from './lock-table.ts';

/** Names of keys as the lock table has them, `true` for those that may be written. */
export type KeyUse = Map<string, boolean>;

export interface Isolation {
  readonly mode: 'locked' | 'lock-free';
  /** Runs a transaction of several phases with its keys to itself. */
  run<T>(use: KeyUse, work: () => Promise<T>): Promise<T>;
  /** The same without promises; `work` must call `leave`, once, and not before it has returned. */
  enter(use: KeyUse, work: (leave: () => void) => void): void;
  /**
   * Runs what is sent in one turn: at once, unless one of its keys is locked. Undefined stands for
   * all keys of all shards.
   */
  runAtOnce<T>(use: KeyUse | undefined, work: () => Promise<T>): Promise<T>;
  /** True when one of these keys is locked: `work` will run when they are free. */
  holds(use: () => KeyUse, work: () => void): boolean;
  readonly statistics: IsolationStatistics;
}

export interface IsolationStatistics {
  /** Transactions of several phases over several shards. */
  transactions: number;
  /** Of these, how many had to wait for a lock. */
  waits: number;
  /** Single commands that were held back by a lock. */
  conflicts: number;
  /** Requests before one in the queue it had to stand in, on average over all requests. */
  averageContention: number;
  /** Keys that are locked now. */
  lockedKeys: number;
}

class LockFreeIsolation implements Isolation {
  readonly mode = 'lock-free';
  #transactions = 0;

  run<T>(_use: KeyUse, work: () => Promise<T>): Promise<T> {
    this.#transactions++;
    return work();
  }

  enter(_use: KeyUse, work: (leave: () => void) => void): void {
    this.#transactions++;
    work(() => {});
  }

  runAtOnce<T>(_use: KeyUse | undefined, work: () => Promise<T>): Promise<T> {
    return work();
  }

  holds(): boolean {
    return false;
  }

  get statistics(): IsolationStatistics {
    return {
      transactions: this.#transactions,
      waits: 0,
      conflicts: 0,
      averageContention: 0,
      lockedKeys: 0,
    };
  }
}

class LockedIsolation implements Isolation {
  readonly mode = 'locked';
  readonly #gateway: Gateway;
  readonly #table = new LockTable();
  #transactions = 0;
  #waits = 0;
  #conflicts = 0;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  run<T>(use: KeyUse, work: () => Promise<T>): Promise<T> {
    this.#transactions++;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const lock = this.#acquire(use, () => {
      work()
        .then(resolve, reject)
        .finally(() => this.#release(lock));
    });
    if (!lock.isHeld) this.#waits++;
    return promise;
  }

  enter(use: KeyUse, work: (leave: () => void) => void): void {
    this.#transactions++;
    const lock = this.#acquire(use, () => work(() => this.#release(lock)));
    if (!lock.isHeld) this.#waits++;
  }

  runAtOnce<T>(use: KeyUse | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#table.size === 0) return work();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const start = (): void => void work().then(resolve, reject);
    if (use === undefined) {
      this.#conflicts++;
      const lock = this.#acquire(new Map([[EVERYTHING, true]]), () => {
        start();
        queueMicrotask(() => this.#release(lock));
      });
    } else if (!this.holds(() => use, start)) {
      start();
    }
    return promise;
  }

  holds(use: () => KeyUse, work: () => void): boolean {
    const wanted = use();
    let isTaken = false;
    for (const [name, isExclusive] of wanted) {
      if (this.#table.isTaken(name, isExclusive)) isTaken = true;
    }
    if (!isTaken) return false;
    this.#conflicts++;
    const lock = this.#acquire(wanted, () => {
      work();
      // What it sent is ahead of whatever the next holder sends.
      queueMicrotask(() => this.#release(lock));
    });
    return true;
  }

  #acquire(use: KeyUse, granted: () => void): Lock {
    this.#gateway.gate.set(GATE_LOCKED, true);
    return this.#table.acquire(use, granted);
  }

  #release(lock: Lock): void {
    this.#table.release(lock);
    if (this.#table.size === 0) this.#gateway.gate.set(GATE_LOCKED, false);
  }

  get statistics(): IsolationStatistics {
    const { acquired, contention, size } = this.#table;
    return {
      transactions: this.#transactions,
      waits: this.#waits,
      conflicts: this.#conflicts,
      averageContention: acquired === 0 ? 0 : contention / acquired,
      // One name stands for all keys.
      lockedKeys: Math.max(0, size - 1),
    };
  }
}

export function createIsolation(mode: 'locked' | 'lock-free', gateway: Gateway): Isolation {
  return mode === 'locked' ? new LockedIsolation(gateway) : new LockFreeIsolation();
}

/** How a coordinated command uses its keys. */
export function useOf({ isWritten, keys, words }: Coordinated): KeyUse {
  const use: KeyUse = new Map();
  keys.forEach((position, i) => {
    addUse(use, words[position]!, isWritten[i]!);
  });
  return use;
}

/** Adds what a command does with its keys; `keys` finds them. */
export function addUseOf(
  use: KeyUse,
  keys: KeyFinder,
  spec: CommandMetadata,
  parser: RequestParser,
): void {
  const count = keys.find(spec, parser);
  const isWrite = (spec.flags & (WRITE | MAY_REPLICATE)) !== 0;
  for (let i = 0; i < count; i++) {
    const position = keys.positions[i];
    const from = parser.offset(position);
    const key = parser.block.bytes.subarray(from, from + parser.length(position));
    const range = (spec.keys as readonly KeyRange[])[keys.ranges[i]];
    if (range.access === NOT_KEY) continue;
    addUse(use, key, isWrite && !isReadOnly(range));
  }
}

/** Adds a key; who writes it anywhere needs it alone. */
export function addUse(use: KeyUse, key: Buffer, isWritten: boolean): void {
  const name = lockName(key);
  use.set(name, isWritten || use.get(name) === true);
}
