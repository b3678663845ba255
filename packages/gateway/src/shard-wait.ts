/**
 * One wait of a client in several shards, or in one for a command that goes on in another, and what
 * can become of it.
 *
 *   registering ──all shards have answered──▶ waiting ──the claim's winner answers──▶ over
 *        │                                     │   ▲
 *        │                                READY│   │RESUME: nothing there any more
 *        │                                     ▼   │
 *        └──a key is there──▶ begun anew    attempting ──it was there, or it was the last──▶ over
 *
 * Only a tentative registration (ShardWaits.register) has a first state. BLMOVE attempts always, a pop
 * when its claim is guarded: then no shard serves it by itself, and none ends it. So the end of its
 * time, and CLIENT UNBLOCK, are a last attempt. A wait that is over is forgotten by its shards before
 * its number and its claim word are used again.
 */

import type { Block } from '@hashlane/resp';
import { isNullAt } from '@hashlane/resp';
import type { ReplyReceiver } from '@hashlane/shard-worker';
import { type Connection, NO_SHARD } from './connection.ts';
import { messageOf } from './error-message.ts';
import type { KeyUse } from './isolation.ts';

const PLUS = 43;

/** How a wait can end: with a raw reply, or undefined when there is nobody to answer or nothing. */
export type Ended = (answer: Buffer | undefined) => void;
/** What an attempt has found: the answer, undefined when the command has its reply otherwise. */
export interface Found {
  readonly answer: Buffer | undefined;
}
/** Tries to serve a wait; undefined when there was nothing any more. */
export type Attempt = (wait: Wait) => Promise<Found | undefined>;

/** Who keeps the waits. */
export interface WaitOwner {
  /** All shards forget the wait, then `forgotten` is called. */
  finish(wait: Wait, forgotten?: () => void): void;
  /** An announced wait found nothing: these shards let it wait on. */
  resume(wait: Wait, shards: readonly number[]): void;
  isGuarded(wait: Wait): boolean;
}

/** One wait in several shards, or of one whose command goes on in another. */
export class Wait implements ReplyReceiver {
  readonly readsWriter = false;
  readonly connection: Connection;
  readonly claim: number;
  readonly #owner: WaitOwner;
  readonly #ended: Ended;
  /** Shards that were asked to let it wait. */
  readonly shards: number[] = [];
  /** Number under which shards know it. */
  id = 0;
  isOver = false;
  isClientGone = false;
  attempt: Attempt | undefined;
  isAttempting = false;
  /** Shards that say they could serve it, and hold keys for it. */
  #announcing: number[] = [];
  /** What the client gets if the attempt finds nothing. */
  #ending: Found | undefined;
  /** The shard that has answered, and so forgotten it. */
  servedBy = NO_SHARD;
  /** Its shards have not all said yet whether one of its keys is there; called when they have. */
  registered: (() => void) | undefined;
  /** Answers to the registration that are missing. */
  missing = 0;
  isReadySomewhere = false;
  /** Its time was up before all had answered. */
  hasTimedOut = false;
  /** Begins the command anew: a key was there when it was registered. */
  again: ((mayWait: boolean) => void) | undefined;
  /** Keys of a pop. */
  use: KeyUse | undefined;
  #answer: Buffer | undefined;

  constructor(owner: WaitOwner, connection: Connection, claim: number, ended: Ended) {
    this.#owner = owner;
    this.connection = connection;
    this.claim = claim;
    this.#ended = ended;
  }

  /** What finds nothing now ends the wait. */
  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  end(answer: Buffer | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#answer = answer;
    // An attempt comes to its end first: what it has moved is moved.
    if (!this.isAttempting) this.#settle();
  }

  #settle(): void {
    const ended = (): void => this.#ended(this.#answer);
    // A connection that is being closed is closed when the shards have answered; what it was to get
    // goes back then.
    if (this.isClientGone) this.#owner.finish(this, ended);
    else {
      this.#owner.finish(this);
      ended();
    }
  }

  /** A shard answered at once: it won the claim, or found an error, or had lost (null). */
  receive(source: number, block: Block, start: number, end: number): boolean {
    if (block.bytes[start] === PLUS) this.isReadySomewhere = true;
    // A shard that lost the claim answers null: that says nothing.
    else if (!isNullAt(block.bytes, start)) this.#served(source, block, start, end);
    this.#countAnswer();
    return false;
  }

  blocked(): void {
    this.#countAnswer();
  }

  #countAnswer(): void {
    // Not within the delivery of a batch of replies.
    if (this.registered !== undefined && --this.missing === 0) queueMicrotask(this.registered);
  }

  late(source: number, block: Block, start: number, end: number): boolean {
    if (block.bytes[start] === PLUS) this.#announced(source);
    else if (isNullAt(block.bytes, start)) this.#timedOut(source, block, start, end);
    else this.#served(source, block, start, end);
    return false;
  }

  /** The time is up. That says nothing if there was something to take when it was registered. */
  #timedOut(source: number, block: Block, start: number, end: number): void {
    if (this.isOver) return;
    if (this.registered !== undefined) this.hasTimedOut = true;
    else if (this.isReadySomewhere) queueMicrotask(() => this.beginAgain(false));
    else if (this.#owner.isGuarded(this)) this.endSoon(undefined);
    else this.#served(source, block, start, end);
  }

  /** Ends the wait with `answer`, unless there is something to take. */
  endSoon(answer: Buffer | undefined): void {
    this.#ending ??= { answer };
    this.#try();
  }

  #announced(shard: number): void {
    this.#announcing.push(shard);
    if (this.registered === undefined) this.#try();
  }

  /** All shards let it wait; some may have said already that they could serve it. */
  begin(): void {
    if (this.#announcing.length > 0) this.#try();
  }

  /** Ends the wait without an answer. */
  beginAgain(mayWait: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#owner.finish(this);
    this.again!(mayWait);
  }

  #served(source: number, block: Block, start: number, end: number): void {
    this.servedBy = source;
    this.end(Buffer.from(block.bytes.subarray(start, end)));
  }

  #try(): void {
    if (this.isOver || this.isAttempting || this.attempt === undefined) return;
    this.isAttempting = true;
    this.attempt(this).then(
      (found) => this.#tried(found),
      (error: unknown) => {
        const answer = Buffer.from(`-ERR internal error: ${messageOf(error)}\r\n`);
        this.#tried({ answer });
      },
    );
  }

  #tried(found = this.#ending): void {
    this.isAttempting = false;
    if (found !== undefined) {
      // What was taken is taken, whatever has happened meanwhile.
      this.isOver = true;
      this.#answer = found.answer;
    }
    if (this.isOver) this.#settle();
    else this.#owner.resume(this, this.#announcing.splice(0));
  }
}

/** Counts the shards that have forgotten a wait; then its claim word and number are free again. */
export class Forgetting implements ReplyReceiver {
  readonly readsWriter = false;
  readonly #done: () => void;
  missing: number;

  constructor(missing: number, done: () => void) {
    this.missing = missing;
    this.#done = done;
  }

  receive(_source: number, _block: Block, _start: number, _end: number, count: number): boolean {
    this.missing -= count;
    if (this.missing === 0) this.#done();
    return false;
  }

  blocked(): void {
    throw new Error('forgetting does not block');
  }

  late(): boolean {
    return false;
  }
}
