/**
 * WATCH: which connections want to know whether keys of this shard change.
 *
 * A key is known by its database and 32-bit hash. Two keys with the same hash would be taken for
 * one; the price is a transaction that fails without need, once in 2³² pairs, and its client tries
 * again anyway. The key's bytes are kept too, for what must know whether it exists (FLUSHALL,
 * SWAPDB, deadlines).
 *
 * Which keys a command changes is observed, not declared: the keyspace notes every key that is
 * looked up for writing, added or removed. What a command noted counts when the command turns out to
 * have changed anything (`dirty`); what happens outside of commands (expiry) counts at once.
 *
 * Costs: nothing while nobody watches (`size` is 0); one Map lookup per key that may have changed.
 */

interface WatchedKey {
  readonly database: number;
  readonly hash: number;
  readonly key: Buffer;
  readonly watchers: Set<Watcher>;
}

interface Watcher {
  isDirty: boolean;
  readonly keys: WatchedKey[];
}

export class Watches {
  readonly #watchers = new Map<number, Watcher>();
  readonly #keys = new Map<number, WatchedKey[]>();
  /** (database, hash) of the keys that the command in progress may have changed. */
  readonly #noted: number[] = [];
  #isNoting = false;

  /** Connections that watch keys here. */
  get size(): number {
    return this.#watchers.size;
  }

  watch(connection: number, database: number, key: Buffer, hash: number): void {
    let watcher = this.#watchers.get(connection);
    if (watcher === undefined) {
      watcher = { isDirty: false, keys: [] };
      this.#watchers.set(connection, watcher);
    }
    const watched = this.#keyOf(database, key, hash);
    if (watched.watchers.has(watcher)) return;
    watched.watchers.add(watcher);
    watcher.keys.push(watched);
  }

  #keyOf(database: number, key: Buffer, hash: number): WatchedKey {
    const sameHash = this.#keys.get(hash) ?? [];
    const found = sameHash.find((each) => each.database === database && each.key.equals(key));
    if (found !== undefined) return found;
    const made: WatchedKey = { database, hash, key, watchers: new Set() };
    sameHash.push(made);
    this.#keys.set(hash, sameHash);
    return made;
  }

  /**
   * Ends a connection's watching. True when all it watched is as it was; false also when nothing is
   * known of it (its shard was restarted).
   */
  release(connection: number): boolean {
    const watcher = this.#watchers.get(connection);
    if (watcher === undefined) return false;
    this.#watchers.delete(connection);
    for (const watched of watcher.keys) {
      watched.watchers.delete(watcher);
      if (watched.watchers.size === 0) this.#forget(watched);
    }
    return !watcher.isDirty;
  }

  #forget(watched: WatchedKey): void {
    const others = this.#keys.get(watched.hash)?.filter((each) => each !== watched) ?? [];
    if (others.length === 0) this.#keys.delete(watched.hash);
    else this.#keys.set(watched.hash, others);
  }

  /** Visits what a connection watches. */
  visit(connection: number, visitor: (database: number, key: Buffer) => void): void {
    const watcher = this.#watchers.get(connection);
    for (const { database, key } of watcher?.keys ?? []) visitor(database, key);
  }

  /** A command begins: what is noted from now on waits for `endCommand`. */
  beginCommand(): void {
    this.#noted.length = 0;
    this.#isNoting = true;
  }

  /** The command is done; `changed` says whether it changed anything. */
  endCommand(changed: boolean): void {
    this.#isNoting = false;
    const noted = this.#noted;
    if (changed) {
      for (let i = 0; i < noted.length; i += 2) this.#touch(noted[i], noted[i + 1]);
    }
    noted.length = 0;
  }

  /** A key is about to change, was added or goes. */
  note(database: number, hash: number): void {
    if (this.#isNoting) this.#noted.push(database, hash);
    else this.#touch(database, hash);
  }

  #touch(database: number, hash: number): void {
    for (const watched of this.#keys.get(hash) ?? []) {
      if (watched.database !== database) continue;
      for (const watcher of watched.watchers) watcher.isDirty = true;
    }
  }

  /** Marks the watched keys of a database for which `exists` is true as changed. */
  touchDatabase(database: number, exists: (key: Buffer) => boolean): void {
    for (const sameHash of this.#keys.values()) {
      for (const watched of sameHash) {
        if (watched.database !== database || !exists(watched.key)) continue;
        for (const watcher of watched.watchers) watcher.isDirty = true;
      }
    }
  }
}
