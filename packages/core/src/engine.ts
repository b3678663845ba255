/**
 * One shard of the keyspace and everything that acts on it: the databases, the command handlers,
 * the waiters, expiry, eviction and the snapshot walk. Synchronous and alone in its thread.
 *
 * The host (a worker thread, the in-process shard, a test or a simulation) owns time, threads and
 * sockets: it sets `now` before a batch, fills `request`, calls `execute`, and reads the reply from
 * `reply`. After each command the engine serves the waiters whose keys became ready; their replies
 * follow in the same writer and are announced through `sink.late`.
 *
 * What it deliberately does not know: connections (a number stands for one), RESP parsing, other
 * shards, clocks and randomness (`now` and the seed come from the host).
 */
import { type Block, errors, ReplyWriter } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { CommandContext } from './command-context.ts';
import { type CommandSpec, DENYOOM } from './commands/command-spec.ts';
import { defaultEngineSettings, type EngineSettings } from './engine-settings.ts';
import { KEY, KEY_LENGTH, TYPE_NAMES } from './entry.ts';
import { Eviction } from './eviction.ts';
import { hashBytes } from './hash.ts';
import { invariant } from './invariant.ts';
import { Keyspace, type KeyspaceHost } from './keyspace.ts';
import { LazyFree } from './lazy-free.ts';
import { EXPIRY_KEYS_PER_CYCLE_MAX, REPLY_BLOCK_BYTES } from './limits.ts';
import { RandomSource } from './random-source.ts';
import {
  REQUEST_DENY_BLOCKING,
  REQUEST_GIVES_WAY,
  REQUEST_NO_TOUCH,
  REQUEST_RESP3,
  REQUEST_TIME_IS_UP,
  REQUEST_WAITS_ONLY,
  Request,
} from './request.ts';
import type { ScriptHost } from './script-host.ts';
import { SnapshotWalk } from './snapshot-walk.ts';
import type { ValueCodec } from './value-codec.ts';
import { type Claim, type Waiter, Waiters, type WaitingKey } from './waiters.ts';
import { Watches } from './watches.ts';

/** Flags of a waiter's request when it runs for the last time. */
const TIME_IS_UP = REQUEST_DENY_BLOCKING | REQUEST_TIME_IS_UP;

/** Receives what does not answer the command that is being executed. */
export interface EngineSink {
  /** The reply of a command that had blocked is in `reply.block` from `start` to `end`. */
  late(connection: number, start: number, end: number): void;
}

/** None of their shards alone serves those who wait for a key in several. */
function guardShared(key: WaitingKey): void {
  if (key.sharedWaiters === 0) return;
  for (let link = key.first; link !== undefined; link = link.next) {
    if (link.waiter.isShared) link.waiter.claim!.guard();
  }
}

export class Engine implements KeyspaceHost {
  arena: Arena;
  readonly reply: ReplyWriter;
  readonly request: Request;
  readonly context: CommandContext;
  readonly waiters = new Waiters();
  readonly settings: EngineSettings;
  readonly eviction: Eviction;
  readonly snapshot: SnapshotWalk;
  readonly lazyFree = new LazyFree();
  readonly random: RandomSource;
  readonly codec: ValueCodec;
  readonly sink: EngineSink;
  /** Executes a command of the table by its number, within another (a transaction). */
  runNested: (command: number) => void = () => {
    throw new Error('the host runs no nested commands');
  };
  /** Runs scripts; set by the host. */
  scripts: ScriptHost | undefined;
  /** Set by the host for a command of a waiter that is registered in several shards. */
  claim: Claim | undefined;

  now = 0;
  accessClock = 0;
  noTouch = false;
  lfu = false;
  expiresLazily = true;
  expiresActively = true;
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  expiredParts = 0;
  snapshotParity = 0;
  #snapshotRuns = false;
  readonly watches = new Watches();
  observesChanges = false;
  /** Changes so far; the snapshot scheduler watches it. */
  dirty = 0;
  commandsProcessed = 0;
  /** Hashes of keys whose waiters are not served now: how often each is held. */
  readonly #held = new Map<number, number>();
  /** Of these, the keys from which somebody who was announced is about to be served. */
  readonly #announced = new Set<number>();
  /** Waiters whose end was put off. */
  readonly #ending: Waiter[] = [];
  /** Keys whose waiters were not served because of that. */
  readonly #postponed: WaitingKey[] = [];
  #keyspaces: (Keyspace | undefined)[] = [];

  constructor(options: {
    sink: EngineSink;
    codec: ValueCodec;
    seed: number;
    settings?: EngineSettings;
    /** Where replies go; a writer of its own by default. */
    reply?: ReplyWriter;
  }) {
    this.sink = options.sink;
    this.codec = options.codec;
    this.settings = options.settings ?? defaultEngineSettings();
    this.arena = new Arena();
    this.reply = options.reply ?? new ReplyWriter(REPLY_BLOCK_BYTES);
    this.request = new Request(this.reply.block, new Int32Array(2));
    this.random = new RandomSource(options.seed);
    this.eviction = new Eviction(this);
    this.snapshot = new SnapshotWalk(this);
    this.context = new CommandContext(this, this.reply, this.request, this.keyspace(0));
  }

  /** The database with this number, made on first use. */
  keyspace(index: number): Keyspace {
    return this.#keyspaces[index] ?? this.#makeKeyspace(index);
  }

  #makeKeyspace(index: number): Keyspace {
    const made = new Keyspace(this, index);
    this.#keyspaces[index] = made;
    return made;
  }

  get snapshotRuns(): boolean {
    return this.#snapshotRuns;
  }

  set snapshotRuns(runs: boolean) {
    this.#snapshotRuns = runs;
    this.#updateObservation();
  }

  #updateObservation(): void {
    this.observesChanges = this.#snapshotRuns || this.watches.size > 0;
  }

  /** Notes that a connection watches a key. */
  watch(connection: number, database: number, key: Buffer, hash: number): void {
    this.watches.watch(connection, database, key, hash);
    this.#updateObservation();
  }

  /** Ends a connection's watching; true when nothing that it watched has changed. */
  releaseWatches(connection: number): boolean {
    const isUnchanged = this.watches.release(connection);
    this.#updateObservation();
    return isUnchanged;
  }

  /** All databases in use, by number. */
  *keyspaces(): Generator<Keyspace> {
    for (const keyspace of this.#keyspaces) if (keyspace !== undefined) yield keyspace;
  }

  /** Bytes of keys, values and tables of this shard: exact sums. */
  get usedMemory(): number {
    return this.arena.usedBytes + this.arena.tableBytes + this.arena.mirrors.bytes;
  }

  /** Sets the time of the commands that follow (ms since the epoch). */
  setNow(now: number): void {
    this.now = now;
    this.accessClock = this.lfu ? this.eviction.freshClock() : Math.floor(now / 1000) | 0;
  }

  /**
   * Executes the command in `request` and serves the waiters it made ready. True when the command
   * replied, false when it blocked (its reply comes later through the sink).
   */
  execute(spec: CommandSpec): boolean {
    const { context, request, reply } = this;
    this.commandsProcessed++;
    reply.protocol = (request.flags & REQUEST_RESP3) !== 0 ? 3 : 2;
    this.noTouch = (request.flags & REQUEST_NO_TOUCH) !== 0;
    context.keyspace = this.#keyspaces[request.database] ?? this.keyspace(request.database);
    if ((spec.flags & DENYOOM) !== 0 && !this.hasRoom()) {
      reply.error(errors.outOfMemory);
      return true;
    }
    context.isBlocked = false;
    if (context.replaced.size !== 0) context.replaced.clear();
    if (this.claim !== undefined) return this.#waitClaimed(spec);
    if (this.#held.size > 0 && this.#givesWay(spec)) return this.#waitClaimed(spec);
    if (this.watches.size === 0) spec.handler(context);
    else this.#handleWatched(spec);
    if (context.isBlocked) {
      this.#addWaiter(spec);
      return false;
    }
    return true;
  }

  /**
   * Executes one command of a script, within the command that runs the script. It has written its
   * reply on return, and may not block. Memory is the caller's to check. The caller restores the
   * context's request, keyspace and protocol after the last one.
   */
  executeNested(spec: CommandSpec, request: Request): void {
    const { context } = this;
    this.commandsProcessed++;
    context.request = request;
    context.keyspace = this.#keyspaces[request.database] ?? this.keyspace(request.database);
    this.reply.protocol = (request.flags & REQUEST_RESP3) !== 0 ? 3 : 2;
    context.isBlocked = false;
    if (this.watches.size === 0) spec.handler(context);
    else this.#handleWatched(spec);
    invariant(!context.isBlocked, 'a command of a script blocks');
  }

  /** Runs a handler; keys that it changes are no longer as their watchers saw them. */
  #handleWatched(spec: CommandSpec): void {
    const { dirty, watches } = this;
    watches.beginCommand();
    spec.handler(this.context);
    watches.endCommand(this.dirty !== dirty);
  }

  /** False when a command that may use more memory must be refused. Evicts keys if it may. */
  hasRoom(): boolean {
    return this.settings.maxMemory === 0 || this.eviction.makeRoom();
  }

  /**
   * Registers a waiter of several shards. It may not take anything before it has won its claim. A
   * command that can tell whether it is ready runs when it is, if it wins, and blocks when it is
   * not. Any other one runs on a database without keys, which makes it block; keys that are there
   * already are ready at once, or with REQUEST_WAITS_ONLY the reply.
   */
  #waitClaimed(spec: CommandSpec): boolean {
    const { claim, context, request } = this;
    const { keyspace } = context;
    if (spec.isReady !== undefined) {
      if (spec.isReady(context) && claim?.win() === false) {
        // Another shard has answered; nobody reads this.
        context.reply.nullArray();
        return true;
      }
      spec.handler(context);
      if (context.isBlocked) this.#addWaiter(spec);
      return !context.isBlocked;
    }
    context.keyspace = new Keyspace(this, request.database);
    spec.handler(context);
    context.keyspace = keyspace;
    if (!context.isBlocked) return true;
    if ((request.flags & REQUEST_WAITS_ONLY) !== 0 && this.#hasBlockedKey(keyspace)) {
      context.isBlocked = false;
      context.reply.simple('READY');
      return true;
    }
    this.#addWaiter(spec);
    for (let i = context.blockedKeysFirst; i <= context.blockedKeysLast; i++) {
      const offset = request.offset(i);
      const length = request.length(i);
      const hash = hashBytes(request.block, offset, length);
      if (keyspace.find(request.block, offset, length, hash) === 0) continue;
      this.waiters.noteReady(keyspace.index, hash, request.block, offset, length);
    }
    return false;
  }

  /** Is a key there that the command blocked on, and free to be taken from? */
  #hasBlockedKey(keyspace: Keyspace): boolean {
    const { context, request } = this;
    for (let i = context.blockedKeysFirst; i <= context.blockedKeysLast; i++) {
      const offset = request.offset(i);
      const length = request.length(i);
      const hash = hashBytes(request.block, offset, length);
      if (this.#held.has(hash)) continue;
      if (keyspace.find(request.block, offset, length, hash) !== 0) return true;
    }
    return false;
  }

  /**
   * A command that waits comes when somebody who waits for one of its keys is being served: it takes
   * its place behind, or finds nothing.
   */
  #givesWay({ waitsFor }: CommandSpec): boolean {
    if (waitsFor === undefined) return false;
    const { connection, flags } = this.request;
    const mayWait = (flags & REQUEST_DENY_BLOCKING) === 0 || (flags & REQUEST_GIVES_WAY) !== 0;
    if (!mayWait || !this.#isHeld(this.request)) return false;
    // Unless it is served itself: the gateway takes for a waiter what it was told of.
    return this.waiters.of(connection)?.isAnnounced !== true;
  }

  /** Serves waiters after `execute`. Cheap when there is nothing to do. */
  serveWaiters(): void {
    if (this.waiters.ready.length !== 0) this.#serveReady();
  }

  #addWaiter(spec: CommandSpec): void {
    const { context, request } = this;
    invariant(this.waiters.of(request.connection) === undefined, 'a connection blocks twice');
    const waiter = this.waiters.add(
      spec,
      request,
      context.blockedKeysFirst,
      context.blockedKeysLast,
      context.blockedUntil,
      this.claim,
      context.replaced,
    );
    // What those before it leave is its own, whatever other shards have.
    if (this.#announced.size > 0 && waiter.isShared && this.#isBehind(waiter)) this.claim!.guard();
  }

  #serveReady(): void {
    const { ready } = this.waiters;
    // Serving may make more keys ready (BLMOVE into a list that somebody waits for).
    for (let i = 0; i < ready.length; i++) {
      ready[i].isReady = false;
      this.#serveKey(ready[i]);
    }
    ready.length = 0;
    if (this.#ending.length !== 0) this.#endLate();
  }

  /** Serves no waiter that has to do with a key of this hash until `letGo`. */
  holdWaiters(hash: number): void {
    this.#held.set(hash, (this.#held.get(hash) ?? 0) + 1);
  }

  /** Ends one `holdWaiters`; who could have been served meanwhile is looked at again. */
  letGo(hash: number): void {
    const left = (this.#held.get(hash) ?? 1) - 1;
    if (left > 0) this.#held.set(hash, left);
    else this.#held.delete(hash);
    for (const key of this.#postponed) this.waiters.noteAgain(key);
    this.#postponed.length = 0;
    // The key of one that ends need not have been ready: the hash of another database's was held.
    for (const { links } of this.#ending) for (const { key } of links) this.waiters.noteAgain(key);
  }

  /** Some waiters are being held back. */
  get holdsWaitersBack(): boolean {
    return this.#held.size > 0;
  }

  #isHeld(request: Request): boolean {
    const { block } = request;
    for (let i = 1; i < request.argc; i++) {
      if (this.#held.has(hashBytes(block, request.offset(i), request.length(i)))) return true;
    }
    return false;
  }

  #serveKey(key: WaitingKey): void {
    let link = key.first;
    while (link !== undefined) {
      const { waiter, next } = link;
      if (this.#held.size > 0 && this.#isHeld(waiter.request)) {
        this.#postponed.push(key);
        if (waiter.isAnnounced && !this.#held.has(key.hash)) this.#holdFor(waiter, key);
        return;
      }
      const keyspace = this.keyspace(key.database);
      const reference = keyspace.find(key.key, 0, key.key.bytes.length, key.hash);
      if (reference === 0 && key.absenceWaiters === 0) return;
      const { noticesAbsence = false, waitsFor } = waiter.spec;
      const isAwaited = reference !== 0 && TYPE_NAMES[keyspace.typeOf(reference)] === waitsFor;
      if (isAwaited || noticesAbsence) this.#serve(waiter, key);
      // It finds the wrong type when it is served, whichever shard has something for it.
      else if (waiter.isShared) waiter.claim!.guard();
      link = next;
    }
  }

  #serve(waiter: Waiter, key: WaitingKey): void {
    if (waiter.spec.announces === true) {
      this.#announce(waiter, key);
      return;
    }
    if (waiter.claim !== undefined) {
      // A claim is won once: who would block again afterwards could never be served any more.
      if (!this.#isReady(waiter)) return;
      if (!waiter.claim.win()) {
        if (waiter.claim.isGuarded()) this.#announce(waiter, key);
        else this.waiters.remove(waiter);
        return;
      }
    }
    this.#runAgain(waiter, waiter.request.flags);
  }

  /** Says that a waiter could be served; the key is held, and its time stands still. */
  #announce(waiter: Waiter, key: WaitingKey): void {
    const { reply, waiters } = this;
    waiter.announced = [];
    waiters.suspendDeadline(waiter);
    this.#holdFor(waiter, key);
    const start = reply.position;
    reply.simple('READY');
    this.sink.late(waiter.request.connection, start, reply.position);
  }

  /**
   * Holds a key for a waiter that was announced. Who waits behind and could be served by other shards
   * may not be, as long as something may be left for it here.
   */
  #holdFor(waiter: Waiter, key: WaitingKey): void {
    waiter.announced!.push(key);
    this.#announced.add(key.hash);
    this.holdWaiters(key.hash);
    guardShared(key);
  }

  /** The waiter of a connection was announced, and there was nothing any more: it waits on. */
  resume(connection: number): void {
    const waiter = this.waiters.of(connection);
    if (waiter === undefined || !waiter.isAnnounced) return;
    this.waiters.resumeDeadline(waiter);
    this.#endAnnouncement(waiter);
  }

  #endAnnouncement(waiter: Waiter): void {
    const { announced } = waiter;
    if (announced === undefined) return;
    waiter.announced = undefined;
    for (const key of announced) {
      this.waiters.noteAgain(key);
      this.#announced.delete(key.hash);
      this.letGo(key.hash);
    }
  }

  /**
   * Keys have appeared here in a step that goes on in other shards: who could be served by these too is
   * served by none of them alone.
   */
  guardReady(): void {
    if (this.waiters.sharedCount === 0) return;
    for (const key of this.waiters.ready) guardShared(key);
  }

  /** Is somebody who was announced about to be served from one of its keys? */
  #isBehind({ links, spec }: Waiter): boolean {
    return spec.isReady === undefined && links.some(({ key }) => this.#announced.has(key.hash));
  }

  /** Would a waiter's handler reply now? */
  #isReady({ request, spec }: Waiter): boolean {
    if (spec.isReady === undefined) return true;
    const { context } = this;
    const { keyspace, request: current } = context;
    context.request = request;
    context.keyspace = this.keyspace(request.database);
    const isReady = spec.isReady(context);
    context.request = current;
    context.keyspace = keyspace;
    return isReady;
  }

  /** Runs a waiter's handler again; a reply goes out as a late one, and the waiter goes. */
  #runAgain(waiter: Waiter, flags: number): void {
    const { context, reply } = this;
    const start = reply.position;
    const protocol = reply.protocol;
    const { keyspace, request } = context;
    waiter.request.flags = flags;
    reply.protocol = (flags & REQUEST_RESP3) !== 0 ? 3 : 2;
    context.request = waiter.request;
    // Whose time is up in the midst of a transaction finds nothing, whatever is there just then.
    const isBlind =
      this.#held.size > 0 && waiter.spec.isReady === undefined && this.#isHeld(waiter.request);
    const { database } = waiter.request;
    context.keyspace = isBlind ? new Keyspace(this, database) : this.keyspace(database);
    context.isBlocked = false;
    if (this.watches.size === 0) waiter.spec.handler(context);
    else this.#handleWatched(waiter.spec);
    const served = !context.isBlocked;
    context.request = request;
    context.keyspace = keyspace;
    context.isBlocked = false;
    reply.protocol = protocol;
    if (!served) return;
    this.waiters.remove(waiter);
    this.sink.late(waiter.request.connection, start, reply.position);
  }

  /** Answers the waiters whose deadline has passed. */
  timeOutWaiters(): void {
    while (this.waiters.earliest() <= this.now) {
      const waiter = this.waiters.earliestWaiter();
      const { claim } = waiter;
      const isBehind = this.#announced.size > 0 && this.#isBehind(waiter);
      if (claim === undefined) {
        if (isBehind) this.#putOff(waiter, 'timeout');
        else this.#runAgain(waiter, waiter.request.flags | TIME_IS_UP);
      } else if (isBehind ? claim.guard() : claim.isGuarded()) {
        this.#sayTimeIsUp(waiter);
      } else if (claim.win()) {
        this.#runAgain(waiter, waiter.request.flags | TIME_IS_UP);
      } else {
        this.waiters.remove(waiter);
      }
    }
  }

  /** The gateway looks for the last time; meanwhile the waiter keeps its place. */
  #sayTimeIsUp(waiter: Waiter): void {
    const { reply, waiters } = this;
    waiters.suspendDeadline(waiter);
    const start = reply.position;
    reply.nullArray();
    this.sink.late(waiter.request.connection, start, reply.position);
  }

  /**
   * Somebody who was announced is about to be served from one of the waiter's keys. On one shard both
   * would have been served when the key appeared, so the waiter's end waits for its turn.
   */
  #putOff(waiter: Waiter, ending: 'timeout' | 'error'): void {
    waiter.ending = ending;
    this.waiters.suspendDeadline(waiter);
    this.#ending.push(waiter);
  }

  /** Ends the waits that were put off, and for which nothing was left. */
  #endLate(): void {
    const { waiters } = this;
    const all = this.#ending.splice(0);
    for (const waiter of all) {
      if (waiters.of(waiter.request.connection) !== waiter) continue;
      if (this.#held.size > 0 && this.#isHeld(waiter.request)) this.#ending.push(waiter);
      else this.#endNow(waiter, waiter.ending!);
    }
    this.serveWaiters();
  }

  #endNow(waiter: Waiter, answer: 'timeout' | 'error' | 'force' | 'none'): void {
    if (answer === 'timeout') {
      this.#runAgain(waiter, waiter.request.flags | TIME_IS_UP);
      return;
    }
    this.waiters.remove(waiter);
    if (answer === 'none') return;
    const start = this.reply.position;
    this.reply.error(answer === 'force' ? errors.unblockedByForce : errors.unblocked);
    this.sink.late(waiter.request.connection, start, this.reply.position);
  }

  /**
   * Ends the wait of a connection. `answer`: 'timeout' answers as if the time were up, 'error' with
   * UNBLOCKED, 'force' with the UNBLOCKED of a shutdown, 'none' silently (the client is gone or
   * another shard served it). True when it waited here and nobody else had claimed it; if those
   * before it are served first, it may still get something.
   */
  unblock(connection: number, answer: 'timeout' | 'error' | 'force' | 'none'): boolean {
    const waiter = this.waiters.of(connection);
    if (waiter === undefined) return false;
    this.#endAnnouncement(waiter);
    if (waiter.claim !== undefined && answer !== 'none' && !waiter.claim.win()) {
      this.waiters.remove(waiter);
      return false;
    }
    if (answer === 'timeout' || answer === 'error') {
      // Its end is near already.
      if (waiter.ending !== undefined) return false;
      if (this.#announced.size > 0 && this.#isBehind(waiter)) {
        this.#putOff(waiter, answer);
        return true;
      }
    }
    this.#endNow(waiter, answer);
    return true;
  }

  /** When the host must call `tick` next (ms since the epoch), or Infinity. */
  nextDeadline(): number {
    let earliest = this.waiters.earliest();
    if (!this.expiresActively) return earliest;
    for (const keyspace of this.#keyspaces) {
      if (keyspace === undefined) continue;
      earliest = Math.min(earliest, keyspace.expiries.earliest(), keyspace.partExpiries.earliest());
    }
    return earliest;
  }

  /** Times out waiters and expires keys, in a bounded slice. True when work is left. */
  tick(): boolean {
    this.timeOutWaiters();
    if (!this.expiresActively) return false;
    let left = EXPIRY_KEYS_PER_CYCLE_MAX;
    for (const keyspace of this.#keyspaces) {
      if (keyspace === undefined) continue;
      if (left > 0) left -= keyspace.expireDue(this.now, left);
      if (left > 0) left -= keyspace.expireDueParts(this.now, left);
    }
    return left <= 0;
  }

  /** Empties one database. `async` only says who asked; freeing is always sliced. */
  flush(index: number): number {
    const keyspace = this.#keyspaces[index];
    if (keyspace === undefined || keyspace.size === 0) return 0;
    const removed = keyspace.size;
    this.waiters.noteDatabaseReady(index);
    this.#touchWatched(index);
    this.#keyspaces[index] = undefined;
    if (this.#isEmpty()) this.#startFreshArena();
    else this.lazyFree.addKeyspace(keyspace);
    this.context.keyspace = this.keyspace(this.request.database);
    return removed;
  }

  /** Empties all databases: a new arena takes the old one's place, whatever its size. */
  flushAll(): number {
    let removed = 0;
    for (const keyspace of this.#keyspaces) {
      if (keyspace === undefined) continue;
      removed += keyspace.size;
      if (keyspace.size > 0) this.waiters.noteDatabaseReady(keyspace.index);
      this.#touchWatched(keyspace.index);
    }
    this.#startFreshArena();
    return removed;
  }

  /** All keys of a database go, or come under another number. */
  #touchWatched(index: number, other = index): void {
    if (this.watches.size === 0) return;
    const keyspaces = [this.keyspace(index), this.keyspace(other)];
    this.watches.touchDatabase(index, (key) => keyspaces.some((each) => each.findKey(key) !== 0));
  }

  #isEmpty(): boolean {
    return this.#keyspaces.every((keyspace) => keyspace === undefined || keyspace.size === 0);
  }

  #startFreshArena(): void {
    // A snapshot goes on in the old one.
    if (!this.snapshot.isRunning) this.arena.release();
    this.arena = new Arena();
    this.#keyspaces = [];
    this.lazyFree.clear();
    this.context.keyspace = this.keyspace(this.request.database);
  }

  /** Exchanges two databases and wakes who waits for a key that is there now. */
  swap(a: number, b: number): void {
    if (a === b) return;
    this.#touchWatched(a, b);
    this.#touchWatched(b, a);
    const first = this.keyspace(a);
    const second = this.keyspace(b);
    first.index = b;
    second.index = a;
    this.#keyspaces[a] = second;
    this.#keyspaces[b] = first;
    this.waiters.noteDatabaseReady(a);
    this.waiters.noteDatabaseReady(b);
    this.context.keyspace = this.keyspace(this.request.database);
  }

  // KeyspaceHost

  get noticesStrings(): boolean {
    return this.waiters.sharedCount !== 0;
  }

  saveBeforeChange(keyspace: Keyspace, reference: number): void {
    this.snapshot.saveBeforeChange(keyspace, reference);
  }

  keyAppeared(keyspace: Keyspace, reference: number, hash: number): void {
    if (this.waiters.keyCount === 0) return;
    const page = keyspace.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    const length = page.view.getInt32(entry + KEY_LENGTH, true);
    this.waiters.noteReady(keyspace.index, hash, page, entry + KEY, length);
  }

  keyChanges(keyspace: Keyspace, hash: number): void {
    if (this.watches.size > 0) this.watches.note(keyspace.index, hash);
  }

  keyExpired(_keyspace: Keyspace, _reference: number): void {
    this.dirty++;
  }

  partsExpired(count: number): void {
    this.expiredParts += count;
    this.dirty += count;
  }

  freeLater(keyspace: Keyspace, reference: number): void {
    this.lazyFree.addEntry(keyspace, reference);
  }

  countAccess(block: Block, entry: number): void {
    this.eviction.countAccess(block, entry);
  }

  decayedCount(clock: number): number {
    return this.eviction.decayedCount(clock);
  }

  /** Throws when any structure is out of order. For tests, fuzzers and DEBUG. */
  verify(): void {
    this.arena.verify();
    for (const keyspace of this.keyspaces()) keyspace.verify();
  }
}
