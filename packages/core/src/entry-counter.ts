/**
 * How many entries a stream has ever had, or a consumer group has read: a 64-bit counter.
 *
 * It is counted up for each entry, so it is a number for as long as that is exact. Only XSETID,
 * ENTRIESREAD and RDB files can make it larger; then it is a bigint, and slow. Like Redis's, it
 * wraps at 64 bits and is shown signed. −1 says that a group's counter is not known.
 */
import type { ReplyWriter } from '@hashlane/resp';

export class EntryCounter {
  #small: number;
  #big: bigint | undefined;

  constructor(value = 0) {
    this.#small = value;
  }

  static readonly UNKNOWN = -1;

  get isKnown(): boolean {
    return this.#big !== undefined || this.#small >= 0;
  }

  get isZero(): boolean {
    return this.#big === undefined && this.#small === 0;
  }

  get value(): bigint {
    return this.#big ?? BigInt(this.#small);
  }

  set(value: number): void {
    this.#small = value;
    this.#big = undefined;
  }

  setBig(value: bigint): void {
    const signed = BigInt.asIntN(64, value);
    const isSmall = signed >= -1n && signed < BigInt(Number.MAX_SAFE_INTEGER);
    this.#small = isSmall ? Number(signed) : 0;
    this.#big = isSmall ? undefined : signed;
  }

  copy(other: EntryCounter): void {
    this.#small = other.#small;
    this.#big = other.#big;
  }

  add(count: number): void {
    if (this.#big === undefined && this.#small + count < Number.MAX_SAFE_INTEGER) {
      this.#small += count;
    } else {
      this.setBig(this.value + BigInt(count));
    }
  }

  reply(reply: ReplyWriter): void {
    if (this.#big === undefined) reply.integer(this.#small);
    else reply.bigInteger(this.#big);
  }

  /** Replies this counter less another one. */
  replyDifference(reply: ReplyWriter, other: EntryCounter): void {
    if (this.#big === undefined && other.#big === undefined)
      reply.integer(this.#small - other.#small);
    else reply.bigInteger(BigInt.asIntN(64, this.value - other.value));
  }
}
