/**
 * One command as the engine sees it: spans into a block, nothing copied and no strings.
 *
 * A Request object is a reused view. `spans` holds (offset, length) pairs, from index `base` on,
 * argument 0 (the command's name) first; offsets are relative to `origin` in `block`. The name's
 * span may be (0, 0): batches do not carry it, because the command is known by its number.
 */
import type { Block } from '@hashlane/resp';

export class Request {
  block: Block;
  spans: Int32Array;
  base = 0;
  origin = 0;
  /** Number of arguments, the command's name included. */
  argc = 0;
  /** Hash of the first key, computed by the router; 0 when the command has no key. */
  hash = 0;
  /** Database number. */
  database = 0;
  /** Identifies the connection, for blocked commands. */
  connection = 0;
  /** REQUEST_* flags below. */
  flags = 0;

  constructor(block: Block, spans: Int32Array) {
    this.block = block;
    this.spans = spans;
  }

  offset(i: number): number {
    return this.spans[this.base + 2 * i] + this.origin;
  }

  length(i: number): number {
    return this.spans[this.base + 2 * i + 1];
  }

  /** Argument as a latin1 string (one character per byte). Not for the hot path. */
  text(i: number): string {
    const from = this.offset(i);
    return this.block.bytes.latin1Slice(from, from + this.length(i));
  }

  /** Copy of an argument. */
  bytes(i: number): Buffer {
    const from = this.offset(i);
    return Buffer.from(this.block.bytes.subarray(from, from + this.length(i)));
  }

  /**
   * True when the argument equals `word` without regard to case. `word` must be upper-case ASCII
   * letters and digits.
   */
  is(i: number, word: string): boolean {
    if (this.length(i) !== word.length) return false;
    const from = this.offset(i);
    const { bytes } = this.block;
    for (let j = 0; j < word.length; j++) {
      const byte = bytes[from + j];
      const upper = byte >= 97 && byte <= 122 ? byte - 32 : byte;
      if (upper !== word.charCodeAt(j)) return false;
    }
    return true;
  }
}

/** The connection speaks RESP3. */
export const REQUEST_RESP3 = 1;
/** A blocking command must answer at once (inside MULTI or a script). */
export const REQUEST_DENY_BLOCKING = 2;
/** The command must not touch the access clock (CLIENT NO-TOUCH). */
export const REQUEST_NO_TOUCH = 4;
/**
 * A try that finds nothing where somebody who waits is being served: it may not be faster than who
 * came before it.
 */
export const REQUEST_GIVES_WAY = 16;
/**
 * A waiter of several shards is registered only where none of its keys is there; where one is, the
 * reply is READY. So who asks can go by the order of the keys.
 */
export const REQUEST_WAITS_ONLY = 32;
/** A waiter's request whose time is up, or that was unblocked as if it were. */
export const REQUEST_TIME_IS_UP = 64;
/** The request's block belongs to this request alone: large values may be taken over from it. */
export const REQUEST_OWNS_BLOCK = 8;
