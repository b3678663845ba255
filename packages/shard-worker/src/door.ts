/**
 * How a script on one shard uses keys of another: calls between shards, while both stand still.
 *
 *   shard A, in a script            shard B
 *     takes the token
 *     call ──── port ───────────▶  executes the command at once, and is *held* by A's script:
 *     waits (Atomics)              from now on it does nothing but answer calls
 *       ◀────── port ───────────   reply
 *     …
 *     the script ends ── release ▶ goes on with its own work
 *     gives the token back
 *
 * So other commands see all of a script's writes or none, on every shard it has been to. One script
 * at a time may roam: it has the token, a word in memory that all shards share. Scripts that stay on
 * their shard know nothing of it. A shard that waits, for the token, for a reply or for its release,
 * goes on answering calls.
 *
 * A script that may roam takes the token before it begins: one that has done so for such keys, or of
 * which is not known yet that it never does (roamers.ts). One that was trusted to stay takes it in
 * its midst, when it has touched keys already, which are its own until it ends. If the script with
 * the token needs one of these, the other gives way: it is begun again if it has not written yet, and
 * otherwise its call fails. The script with the token never waits for anybody who waits for it, so
 * there is no circle.
 *
 * A shard that fails bumps its generation: who waits for it gets an error, who is held by its script
 * is free, and so is its token. Ports to the one that takes its place come from the group by such a
 * port, too, because a shard that waits reads no other.
 *
 * Cost: a call takes two messages and two wake-ups of a thread. Own keys cost a look-up in a set.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { errors } from '@hashlane/resp';
import { replyError, ScriptRestart } from '@hashlane/scripting';
import { HashSet } from './hash-set.ts';
import { DOOR_CHECK_MS } from './limits.ts';

/** Words of all shards, ahead of those of each. */
const COMMON_WORDS = 1;
const TOKEN = 0;
const WORDS_PER_SHARD = 2;
const WAKES = 0;
const GENERATION = 1;
const NOBODY = 0;

/** What all shards and the gateway share of doors. */
export class DoorBoard {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #shards: number;

  /** For so many shards, or over the words of another thread. */
  constructor(shards: number | SharedArrayBuffer) {
    this.memory =
      typeof shards === 'number'
        ? new SharedArrayBuffer((COMMON_WORDS + shards * WORDS_PER_SHARD) * 4)
        : shards;
    this.#words = new Int32Array(this.memory);
    this.#shards = (this.#words.length - COMMON_WORDS) / WORDS_PER_SHARD;
  }

  #word(shard: number, word: number): number {
    return COMMON_WORDS + shard * WORDS_PER_SHARD + word;
  }

  /** How often a shard was woken. */
  wakes(shard: number): number {
    return Atomics.load(this.#words, this.#word(shard, WAKES));
  }

  wake(shard: number): void {
    const word = this.#word(shard, WAKES);
    Atomics.add(this.#words, word, 1);
    Atomics.notify(this.#words, word);
  }

  wakeAll(): void {
    for (let shard = 0; shard < this.#shards; shard++) this.wake(shard);
  }

  /** Sleeps until a shard has been woken more often than that, or for a while. */
  sleep(shard: number, wakes: number): void {
    Atomics.wait(this.#words, this.#word(shard, WAKES), wakes, DOOR_CHECK_MS);
  }

  generation(shard: number): number {
    return Atomics.load(this.#words, this.#word(shard, GENERATION));
  }

  /** True when the shard's script has the token now. */
  takeToken(shard: number): boolean {
    return Atomics.compareExchange(this.#words, TOKEN, NOBODY, shard + 1) === NOBODY;
  }

  giveToken(shard: number): void {
    const had = Atomics.compareExchange(this.#words, TOKEN, shard + 1, NOBODY);
    if (had === shard + 1) this.wakeAll();
  }

  /** A shard has failed: nobody need wait for it, or be held by it. */
  fail(shard: number): void {
    Atomics.add(this.#words, this.#word(shard, GENERATION), 1);
    this.giveToken(shard);
    this.wakeAll();
  }
}

/** A command for another shard. */
export interface DoorCall {
  readonly type: 'call';
  readonly number: number;
  /** The caller's, so that a call of one that has failed holds nobody. */
  readonly generation: number;
  readonly command: number;
  readonly database: number;
  readonly flags: number;
  /** (offset, length) of the arguments 1 … n in `bytes`. */
  readonly spans: Int32Array;
  readonly bytes: Uint8Array;
  /** Hashes of its keys. None: it concerns all keys. */
  readonly keys: readonly number[];
}

/** Messages between shards. */
export type DoorMessage =
  | DoorCall
  | { readonly type: 'reply'; readonly number: number; readonly bytes: Uint8Array }
  | { readonly type: 'release' }
  /** From the group, at `GROUP`: a shard was started, and this is a port to it. */
  | {
      readonly type: 'connect';
      readonly shard: number;
      readonly port: MessagePort;
      readonly generation: number;
    };

/** In place of a shard's number: the group that starts them. */
export const GROUP = -1;

export interface DoorOptions {
  readonly index: number;
  readonly board: DoorBoard;
  /** Executes a call on this shard and returns its reply. */
  execute(call: DoorCall): Uint8Array;
  /** Called while this shard's script waits; throws when it must end. */
  check(): void;
  /** True when this shard's script has written nothing. */
  isClean(): boolean;
  /** This shard's script holds another one from now on. */
  holds(): void;
  /** A script of another shard holds this one: it answers nothing but calls until `released`. */
  isHeld(): void;
  /** Calls have been executed outside of a script, and this shard is free again. */
  released(): void;
  failed(error: unknown): void;
}

interface Deferred {
  readonly from: number;
  readonly call: DoorCall;
}

export class Door {
  readonly #options: DoorOptions;
  readonly #board: DoorBoard;
  readonly #index: number;
  readonly #generation: number;
  readonly #ports = new Map<number, { readonly port: MessagePort; readonly generation: number }>();
  /** Shards whose script holds this one, with their generation. */
  readonly #holders = new Map<number, number>();
  /** Keys of this shard that its holder has touched. */
  readonly #holdersKeys = new HashSet();
  /** Calls for keys that this shard's script has touched. */
  #deferred: Deferred[] = [];
  /** Keys of this shard that its script has touched. */
  readonly #touched = new HashSet();
  /** Shards that this shard's script holds, with their generation. */
  readonly #held = new Map<number, number>();
  #isClosed = false;
  #isInScript = false;
  #hasToken = false;
  #hasRoamed = false;
  #number = 0;
  #reply: Uint8Array | undefined;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#board = options.board;
    this.#index = options.index;
    this.#generation = options.board.generation(options.index);
  }

  /** A port to another shard of a generation, in place of an earlier one. */
  connect(peer: number, port: MessagePort, generation: number): void {
    this.#ports.get(peer)?.port.close();
    this.#ports.set(peer, { port, generation });
    port.on('message', (message: DoorMessage) => this.#onMessage(peer, message));
    // The gateway's port is what keeps the thread alive.
    port.unref();
  }

  close(): void {
    this.#isClosed = true;
    for (const { port } of this.#ports.values()) port.close();
  }

  // The script of this shard

  /** A script begins; one that is known to roam waits here for its turn. */
  begin(roams: boolean): void {
    this.#isInScript = true;
    this.#hasRoamed = false;
    if (roams) this.#takeToken();
  }

  /** Has the script used, or wanted to use, keys of other shards? */
  get hasRoamed(): boolean {
    return this.#hasRoamed;
  }

  /** A key of this shard is about to be used by its script. */
  touch(hash: number): void {
    if (this.#holders.size > 0 && this.#holdersKeys.has(hash)) {
      this.#waitUntil(() => this.#holders.size === 0);
    }
    this.#touched.add(hash);
  }

  /** Executes a command on another shard, which stays held until `end`. */
  call(peer: number, call: Omit<DoorCall, 'type' | 'number' | 'generation'>): Uint8Array {
    this.#hasRoamed = true;
    if (!this.#hasToken) this.#takeToken();
    const peerGeneration = this.#board.generation(peer);
    if (this.#ports.get(peer)?.generation !== peerGeneration) throw replyError(errors.shardFailed);
    const number = ++this.#number;
    const isNew = this.#held.get(peer) !== peerGeneration;
    this.#held.set(peer, peerGeneration);
    this.#reply = undefined;
    this.#post(peer, { type: 'call', number, generation: this.#generation, ...call });
    this.#waitUntil(() => {
      if (this.#reply === undefined && this.#board.generation(peer) !== peerGeneration) {
        throw replyError(errors.shardFailed);
      }
      return this.#reply !== undefined;
    });
    if (isNew) this.#options.holds();
    return this.#reply as unknown as Uint8Array;
  }

  /** The shards that stand still for this shard's script. */
  get held(): number[] {
    const alive = [...this.#held].filter(([peer, generation]) => {
      return this.#board.generation(peer) === generation;
    });
    return alive.map(([peer]) => peer);
  }

  #takeToken(): void {
    this.#waitUntil(() => this.#board.takeToken(this.#index));
    this.#hasToken = true;
  }

  /** The script has ended: releases what it holds, and waits until this shard is released. */
  end(): void {
    this.#isInScript = false;
    this.#touched.clear();
    for (const peer of this.#held.keys()) this.#post(peer, { type: 'release' });
    this.#held.clear();
    if (this.#hasToken) {
      this.#hasToken = false;
      this.#board.giveToken(this.#index);
    }
    if (this.#holders.size > 0 || this.#deferred.length > 0) this.#stayHeld();
  }

  #post(peer: number, message: DoorMessage): void {
    this.#ports.get(peer)?.port.postMessage(message);
    this.#board.wake(peer);
  }

  // Calls of other shards

  #onMessage(from: number, message: DoorMessage): void {
    if (this.#isClosed) return;
    try {
      this.#receive(from, message);
      if (this.#holders.size === 0) return;
      this.#stayHeld();
      this.#options.released();
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #receive(from: number, message: DoorMessage): void {
    switch (message.type) {
      case 'call':
        this.#serve(from, message);
        return;
      case 'reply':
        // That of an earlier call, whose script was ended while it waited, is nobody's.
        if (message.number === this.#number) this.#reply = message.bytes;
        return;
      case 'release':
        this.#releaseFrom(from);
        return;
      case 'connect':
        this.connect(message.shard, message.port, message.generation);
    }
  }

  #serve(from: number, call: DoorCall): void {
    if (this.#board.generation(from) !== call.generation) return;
    if (this.#isInScript && this.#hasTouched(call.keys)) {
      this.#deferred.push({ from, call });
      return;
    }
    this.#holders.set(from, call.generation);
    this.#options.isHeld();
    for (const hash of call.keys) this.#holdersKeys.add(hash);
    const bytes = this.#options.execute(call);
    this.#post(from, { type: 'reply', number: call.number, bytes });
  }

  #releaseFrom(shard: number): void {
    this.#holders.delete(shard);
    if (this.#holders.size === 0) this.#holdersKeys.clear();
  }

  #hasTouched(keys: readonly number[]): boolean {
    if (keys.length === 0) return this.#touched.size > 0;
    return keys.some((hash) => this.#touched.has(hash));
  }

  /** Answers calls until no script of another shard holds this one. */
  #stayHeld(): void {
    this.#waitUntil(() => {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const { from, call } of deferred) this.#serve(from, call);
      return this.#holders.size === 0;
    });
  }

  // Waiting

  #waitUntil(isOver: () => boolean): void {
    const board = this.#board;
    for (;;) {
      const wakes = board.wakes(this.#index);
      this.#drain();
      this.#forgetFailed();
      if (isOver()) return;
      if (this.#isInScript) {
        this.#options.check();
        this.#giveWay();
      }
      board.sleep(this.#index, wakes);
    }
  }

  /** The script with the token needs what this shard's script, which waits, has touched. */
  #giveWay(): void {
    if (this.#hasToken || this.#deferred.length === 0) return;
    if (this.#options.isClean()) throw new ScriptRestart();
    throw replyError(errors.scriptCircle);
  }

  /** Takes what has arrived; the event loop, which would, stands still. */
  #drain(): void {
    for (const [peer, { port }] of this.#ports) {
      for (;;) {
        const received = receiveMessageOnPort(port) as { message: DoorMessage } | undefined;
        if (received === undefined) break;
        this.#receive(peer, received.message);
      }
    }
  }

  /** Shards that failed hold nothing any more. */
  #forgetFailed(): void {
    for (const [shard, generation] of this.#holders) {
      if (this.#board.generation(shard) !== generation) this.#releaseFrom(shard);
    }
    const isAlive = ({ from, call }: Deferred): boolean =>
      this.#board.generation(from) === call.generation;
    if (!this.#deferred.every(isAlive)) this.#deferred = this.#deferred.filter(isAlive);
  }
}
