/**
 * Blocked commands of one shard: who waits for which key, in order, and until when.
 *
 *   waiting keys: Map from key hash ─▶ WaitingKey ─▶ (next with the same hash)
 *                                         │ first … last: links, longest-waiting first
 *   Waiter ◀──────── link ────────────────┘
 *      └─ one link per key; all links go when the waiter is served, times out or is cancelled
 *
 * A waiter keeps a copy of its request. Being ready means that the engine runs the same handler
 * again; there is no second implementation of any pop. A key is ready when it exists with the type
 * the waiter's command waits for.
 *
 * A waiter on keys of several shards is registered in each of them with one shared claim: a shard
 * must win the claim before it may serve, so an element is popped for a waiter at most once.
 *
 * Costs: block, serve, cancel O(keys of the command); a key that appears costs one Map lookup by
 * integer when anybody waits, nothing otherwise; timeouts O(log waiters).
 */
import { Block, copyBytes, equalBytes } from '@hashlane/resp';
import type { CommandSpec } from './commands/command-spec.ts';
import { hashBytes } from './hash.ts';
import { Request } from './request.ts';

/**
 * The right to serve a waiter that is registered in several shards, or to end its wait. A claim that
 * is *guarded* is the gateway's: shards say when they could serve, or when the time is up, and the
 * gateway looks at all keys in their order (Engine.resume).
 */
export interface Claim {
  /** True for the first caller over all shards, false ever after, and when it is guarded. */
  win(): boolean;
  /** Leaves the claim to the gateway, unless it is won; true when it is guarded now. */
  guard(): boolean;
  isGuarded(): boolean;
}

export interface WaitingKey {
  readonly database: number;
  readonly hash: number;
  readonly key: Block;
  first: Link | undefined;
  last: Link | undefined;
  /** How many of those who wait want to know when the key goes. */
  absenceWaiters: number;
  /** How many of those who wait can also be served from keys of other shards. */
  sharedWaiters: number;
  isReady: boolean;
  /** Another key with the same hash. */
  next: WaitingKey | undefined;
}

interface Link {
  readonly waiter: Waiter;
  readonly key: WaitingKey;
  previous: Link | undefined;
  next: Link | undefined;
}

export class Waiter {
  readonly spec: CommandSpec;
  readonly request: Request;
  /** Milliseconds since the epoch, or Infinity. */
  readonly deadline: number;
  readonly claim: Claim | undefined;
  readonly links: Link[] = [];
  /** Place in the deadline heap, or −1. */
  heapIndex = -1;
  /** Keys from which it could be served, as the gateway knows; undefined when there is none. */
  announced: WaitingKey[] | undefined;
  /** How its wait ends when those before it were served and nothing is left. */
  ending: 'timeout' | 'error' | undefined;

  constructor(spec: CommandSpec, request: Request, deadline: number, claim: Claim | undefined) {
    this.spec = spec;
    this.request = request;
    this.deadline = deadline;
    this.claim = claim;
  }

  get isAnnounced(): boolean {
    return this.announced !== undefined;
  }

  /** Pops from whichever of its shards has something. */
  get isShared(): boolean {
    if (this.claim === undefined) return false;
    return this.spec.announces !== true && this.spec.isReady === undefined;
  }
}

export class Waiters {
  readonly #keys = new Map<number, WaitingKey>();
  readonly #byConnection = new Map<number, Waiter>();
  readonly #deadlines: Waiter[] = [];
  /** Keys that became ready and were not looked at yet, in order. */
  readonly ready: WaitingKey[] = [];
  /** Number of keys that somebody waits for. */
  keyCount = 0;
  /** How many can also be served from keys of other shards. */
  sharedCount = 0;

  get size(): number {
    return this.#byConnection.size;
  }

  /**
   * Registers a command that blocked on the keys in arguments `first` … `last`. `replaced` has other
   * texts for some of its arguments.
   */
  add(
    spec: CommandSpec,
    request: Request,
    first: number,
    last: number,
    deadline: number,
    claim?: Claim,
    replaced: ReadonlyMap<number, string> = NOTHING_REPLACED,
  ): Waiter {
    const waiter = new Waiter(spec, copyRequest(request, replaced), deadline, claim);
    for (let i = first; i <= last; i++) this.#link(waiter, i);
    this.#byConnection.set(request.connection, waiter);
    if (waiter.isShared) this.sharedCount++;
    if (deadline !== Infinity) this.#pushDeadline(waiter);
    return waiter;
  }

  /** The waiter of a connection (it has at most one per shard). */
  of(connection: number): Waiter | undefined {
    return this.#byConnection.get(connection);
  }

  /** Takes a waiter off all lists. */
  remove(waiter: Waiter): void {
    const wasThere = this.#byConnection.delete(waiter.request.connection);
    if (wasThere && waiter.isShared) this.sharedCount--;
    for (const link of waiter.links) this.#unlink(link);
    waiter.links.length = 0;
    if (waiter.heapIndex >= 0) this.#removeDeadline(waiter);
  }

  /** Lets a waiter's deadline pass, until `resumeDeadline`. */
  suspendDeadline(waiter: Waiter): void {
    if (waiter.heapIndex >= 0) this.#removeDeadline(waiter);
  }

  resumeDeadline(waiter: Waiter): void {
    if (waiter.deadline !== Infinity) this.#pushDeadline(waiter);
  }

  /** A key appeared, grew or goes: notes it when somebody waits for it. */
  noteReady(database: number, hash: number, block: Block, offset: number, length: number): void {
    const key = this.#find(database, hash, block, offset, length);
    if (key === undefined || key.isReady) return;
    key.isReady = true;
    this.ready.push(key);
  }

  /** Notes a key as ready that was looked at too early. */
  noteAgain(key: WaitingKey): void {
    if (key.isReady) return;
    key.isReady = true;
    this.ready.push(key);
  }

  /** Notes every waited-for key of a database as ready: after SWAPDB, when it is emptied. */
  noteDatabaseReady(database: number): void {
    if (this.keyCount === 0) return;
    for (const first of this.#keys.values()) {
      for (let key: WaitingKey | undefined = first; key !== undefined; key = key.next) {
        if (key.database !== database || key.isReady) continue;
        key.isReady = true;
        this.ready.push(key);
      }
    }
  }

  /** Earliest deadline of a waiter, or Infinity. */
  earliest(): number {
    return this.#deadlines.length === 0 ? Infinity : this.#deadlines[0].deadline;
  }

  /** The waiter whose deadline is earliest. */
  earliestWaiter(): Waiter {
    return this.#deadlines[0];
  }

  /** All waiters, for shutdown. */
  all(): Waiter[] {
    return [...this.#byConnection.values()];
  }

  #find(
    database: number,
    hash: number,
    block: Block,
    offset: number,
    length: number,
  ): WaitingKey | undefined {
    let key = this.#keys.get(hash);
    while (key !== undefined) {
      const isSame =
        key.database === database &&
        key.key.bytes.length === length &&
        equalBytes(key.key, 0, block, offset, length);
      if (isSame) return key;
      key = key.next;
    }
    return undefined;
  }

  #link(waiter: Waiter, i: number): void {
    const { request } = waiter;
    const offset = request.offset(i);
    const length = request.length(i);
    const hash = hashBytes(request.block, offset, length);
    let key = this.#find(request.database, hash, request.block, offset, length);
    if (key === undefined) {
      key = this.#addKey(request.database, hash, request.block, offset, length);
    }
    // BLPOP k k waits once: a second link would serve it twice.
    if (key.last?.waiter === waiter) return;
    const link: Link = { waiter, key, previous: key.last, next: undefined };
    if (key.last === undefined) key.first = link;
    else key.last.next = link;
    key.last = link;
    if (waiter.spec.noticesAbsence === true) key.absenceWaiters++;
    if (waiter.isShared) key.sharedWaiters++;
    waiter.links.push(link);
  }

  #addKey(
    database: number,
    hash: number,
    block: Block,
    offset: number,
    length: number,
  ): WaitingKey {
    const copy = Block.allocate(length);
    copyBytes(copy, 0, block, offset, length);
    const key: WaitingKey = {
      database,
      hash,
      key: copy,
      first: undefined,
      last: undefined,
      absenceWaiters: 0,
      sharedWaiters: 0,
      isReady: false,
      next: this.#keys.get(hash),
    };
    this.#keys.set(hash, key);
    this.keyCount++;
    return key;
  }

  #unlink(link: Link): void {
    const { key } = link;
    if (link.waiter.spec.noticesAbsence === true) key.absenceWaiters--;
    if (link.waiter.isShared) key.sharedWaiters--;
    if (link.previous === undefined) key.first = link.next;
    else link.previous.next = link.next;
    if (link.next === undefined) key.last = link.previous;
    else link.next.previous = link.previous;
    if (key.first === undefined) this.#dropKey(key);
  }

  #dropKey(key: WaitingKey): void {
    this.keyCount--;
    const head = this.#keys.get(key.hash);
    if (head === key) {
      if (key.next === undefined) this.#keys.delete(key.hash);
      else this.#keys.set(key.hash, key.next);
      return;
    }
    let before = head;
    while (before !== undefined && before.next !== key) before = before.next;
    if (before !== undefined) before.next = key.next;
  }

  #pushDeadline(waiter: Waiter): void {
    this.#deadlines.push(waiter);
    this.#rise(this.#deadlines.length - 1, waiter);
  }

  #removeDeadline(waiter: Waiter): void {
    const at = waiter.heapIndex;
    waiter.heapIndex = -1;
    const last = this.#deadlines.pop();
    if (last === undefined || last === waiter) return;
    if (at > 0 && last.deadline < this.#deadlines[(at - 1) >> 1].deadline) this.#rise(at, last);
    else this.#sink(at, last);
  }

  #rise(from: number, waiter: Waiter): void {
    const heap = this.#deadlines;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent].deadline <= waiter.deadline) break;
      heap[at] = heap[parent];
      heap[at].heapIndex = at;
      at = parent;
    }
    heap[at] = waiter;
    waiter.heapIndex = at;
  }

  #sink(from: number, waiter: Waiter): void {
    const heap = this.#deadlines;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && heap[right].deadline < heap[child].deadline) child = right;
      if (heap[child].deadline >= waiter.deadline) break;
      heap[at] = heap[child];
      heap[at].heapIndex = at;
      at = child;
    }
    heap[at] = waiter;
    waiter.heapIndex = at;
  }
}

const NOTHING_REPLACED: ReadonlyMap<number, string> = new Map();

/**
 * A copy of a request with a block and spans of its own. `replaced` has other texts (latin1) for
 * some of its arguments.
 */
export function copyRequest(request: Request, replaced = NOTHING_REPLACED): Request {
  let bytes = 0;
  // Argument 0, the name, has no span in a batch.
  for (let i = 1; i < request.argc; i++) {
    bytes += replaced.get(i)?.length ?? request.length(i);
  }
  const block = Block.allocate(bytes);
  const spans = new Int32Array(2 * request.argc);
  let at = 0;
  for (let i = 1; i < request.argc; i++) {
    const text = replaced.get(i);
    const length = text?.length ?? request.length(i);
    if (text === undefined) copyBytes(block, at, request.block, request.offset(i), length);
    else block.bytes.latin1Write(text, at);
    spans[2 * i] = at;
    spans[2 * i + 1] = length;
    at += length;
  }
  const copy = new Request(block, spans);
  copy.argc = request.argc;
  copy.hash = request.hash;
  copy.database = request.database;
  copy.connection = request.connection;
  copy.flags = request.flags;
  return copy;
}
