/**
 * All elements of a list, set or sorted set in its own order, for commands that work on whole
 * collections whatever their type (SORT). Cost: one copy of the elements; not for the hot path.
 */
import { ReplyWriter } from '@hashlane/resp';
import type { Engine } from './engine.ts';
import { LIST, SET, ZSET } from './entry.ts';
import type { Keyspace } from './keyspace.ts';
import { ListValue } from './list-value.ts';
import { parseInteger } from './number-text.ts';
import { SetValue } from './set-value.ts';
import { ZsetValue } from './zset-value.ts';

const SCRATCH_BYTES = 16 * 1024;
/** Memory that stays with the reader: growing anew each time would be half of a SORT's garbage. */
const SCRATCH_BYTES_KEPT = 1024 * 1024;
const SPANS_MIN = 256;
const CR = 13;
const ZERO = 48;

const list = new ListValue();
const set = new SetValue();
const zset = new ZsetValue();

/** True for the types that `ElementSpans` reads. */
export function hasElements(type: number): boolean {
  return type === LIST || type === SET || type === ZSET;
}

/**
 * The elements of one value: their bytes in one block, and where each begins and ends. A reused
 * object: what it holds is good until the next `read`.
 */
export class ElementSpans {
  readonly #writer = new ReplyWriter(SCRATCH_BYTES);
  #starts = new Int32Array(SPANS_MIN);
  #lengths = new Int32Array(SPANS_MIN);
  count = 0;

  /** Reads the elements of an entry of one of these types. */
  read(engine: Engine, keyspace: Keyspace, reference: number): this {
    const { arena } = keyspace;
    const { settings } = engine;
    const writer = this.#writer;
    if (writer.block.bytes.length <= SCRATCH_BYTES_KEPT) writer.position = 0;
    else writer.reset();
    switch (keyspace.typeOf(reference)) {
      case LIST:
        list.open(arena, reference, settings.listMaxListpackSize);
        list.range(writer, 0, list.length);
        break;
      case SET:
        set.open(arena, reference, settings).writeAll(writer);
        break;
      default:
        writeMembers(zset.open(arena, reference, settings), writer);
    }
    this.#findSpans();
    return this;
  }

  /** Takes apart the bulk strings that were written. */
  #findSpans(): void {
    const { block, position } = this.#writer;
    const { view } = block;
    this.count = 0;
    for (let at = 0; at < position; ) {
      let length = 0;
      at = (at + 1) | 0;
      for (let digit = view.getUint8(at); digit !== CR; digit = view.getUint8(at)) {
        length = (length * 10 + digit - ZERO) | 0;
        at = (at + 1) | 0;
      }
      if (this.count === this.#starts.length) this.#grow();
      this.#starts[this.count] = at + 2;
      this.#lengths[this.count] = length;
      this.count++;
      at = (at + length + 4) | 0;
    }
  }

  #grow(): void {
    const starts = new Int32Array(2 * this.count);
    starts.set(this.#starts);
    const lengths = new Int32Array(2 * this.count);
    lengths.set(this.#lengths);
    this.#starts = starts;
    this.#lengths = lengths;
  }

  /** The element as an integer in its shortest form; NaN when it is none. */
  integer(i: number): number {
    return parseInteger(this.#writer.block, this.#starts[i], this.#lengths[i]);
  }

  /** A view of an element. */
  view(i: number): Buffer {
    const start = this.#starts[i];
    return this.#writer.block.bytes.subarray(start, start + this.#lengths[i]);
  }

  /** All elements, in memory of their own. */
  takeAll(): Buffer[] {
    const all = Array.from({ length: this.count }, (_, i) => this.view(i));
    this.#writer.take();
    this.count = 0;
    return all;
  }
}

function writeMembers(members: ZsetValue, writer: ReplyWriter): void {
  for (let isThere = members.seek(0); isThere; isThere = members.stepForward()) {
    members.replyMember(writer);
  }
}
