/**
 * Where a value, or an opcode's operands, ends: the structure of every item of an RDB file, and a
 * walker that passes over an item without decoding it.
 *
 * The idea: what follows a type byte is built from five kinds of piece (a length, a string, a
 * text double, a run of fixed size, a module's tagged pieces) and from loops whose count stands in
 * the file. `layouts` says so, one row per type byte. Each row is flattened at import into a small
 * program, and the walker runs it:
 *
 *     hash = key, loop(field, value)   →   STRING · LOOP exit · STRING · STRING · NEXT body · DONE
 *
 * Because the walker's whole state is a program counter, a position and at most three loop
 * counters, it can stop wherever the bytes run out and go on when more have come. A value of a
 * million elements that arrives in a thousand chunks is walked once.
 *
 * Invariant: after `walk` returns false, `position` is the beginning of the first piece that was
 * not whole, and `needed` is the least end of buffer with which the walker gets past it.
 *
 * Cost: a few ns per piece, strings are skipped by their length. Every turn of a loop consumes at
 * least one byte, so a corrupt count ends with the input and never in a hang.
 *
 * Not here: whether the contents make sense (listpacks, LZF, duplicates): that is the decoders'.
 *
 * Source: rdbLoadObject and rdbLoadRioWithLoadingCtx of Redis 7.4, rdb.h.
 */

import { LENGTH_32, LENGTH_64, STRING_INT32, STRING_LZF } from './length-encoding.ts';
import { Opcode, ValueType } from './opcodes.ts';
import { RdbFormatError } from './rdb-format-error.ts';

const DONE = 0;
const LENGTH = 1;
const STRING = 2;
const DOUBLE = 3;
const MODULE = 4;
/** The next cell is the number of bytes. */
const FIXED = 5;
/** The next cell is where the program goes on when the count is zero. */
const LOOP = 6;
/** The next cell is the first cell of the loop's body. */
const NEXT = 7;

const TWO_32 = 0x1_0000_0000;

type Layout = readonly (number | Loop)[];

interface Loop {
  readonly body: Layout;
}

function loop(...body: Layout): Loop {
  return { body };
}

const ids = (count: number): Layout => Array.from({ length: count * 2 }, () => LENGTH);

/** `generation`: 1, 2 or 3, as in the type's name. */
function streamLayout(generation: number): Layout {
  const pending = loop(FIXED, 16, FIXED, 8, LENGTH);
  const times = generation >= 3 ? [FIXED, 8, FIXED, 8] : [FIXED, 8];
  const consumer = loop(STRING, ...times, loop(FIXED, 16));
  const entriesRead = generation >= 2 ? [LENGTH] : [];
  return [
    loop(STRING, STRING),
    LENGTH,
    ...ids(1),
    // First ID, greatest deleted ID, entries ever added.
    ...(generation >= 2 ? [...ids(2), LENGTH] : []),
    loop(STRING, ...ids(1), ...entriesRead, pending, consumer),
  ];
}

/** What follows the key. Type 6 is absent: its end cannot be found without the module. */
const valueLayouts: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [ValueType.string, [STRING]],
  [ValueType.list, [loop(STRING)]],
  [ValueType.set, [loop(STRING)]],
  [ValueType.zset, [loop(STRING, DOUBLE)]],
  [ValueType.hash, [loop(STRING, STRING)]],
  [ValueType.zset2, [loop(STRING, FIXED, 8)]],
  [ValueType.module2, [LENGTH, MODULE]],
  [ValueType.hashZipmap, [STRING]],
  [ValueType.listZiplist, [STRING]],
  [ValueType.setIntset, [STRING]],
  [ValueType.zsetZiplist, [STRING]],
  [ValueType.hashZiplist, [STRING]],
  [ValueType.listQuicklist, [loop(STRING)]],
  [ValueType.streamListpacks, streamLayout(1)],
  [ValueType.hashListpack, [STRING]],
  [ValueType.zsetListpack, [STRING]],
  [ValueType.listQuicklist2, [loop(LENGTH, STRING)]],
  [ValueType.streamListpacks2, streamLayout(2)],
  [ValueType.setListpack, [STRING]],
  [ValueType.streamListpacks3, streamLayout(3)],
  [ValueType.hashMetadataPreGa, [loop(LENGTH, STRING, STRING)]],
  [ValueType.hashListpackExPreGa, [STRING]],
  [ValueType.hashMetadata, [FIXED, 8, loop(LENGTH, STRING, STRING)]],
  [ValueType.hashListpackEx, [FIXED, 8, STRING]],
]);

const opcodeLayouts: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [Opcode.slotInfo, [LENGTH, LENGTH, LENGTH]],
  [Opcode.function2, [STRING]],
  [Opcode.moduleAux, [LENGTH, LENGTH, LENGTH, MODULE]],
  [Opcode.idle, [LENGTH]],
  [Opcode.freq, [FIXED, 1]],
  [Opcode.aux, [STRING, STRING]],
  [Opcode.resizeDb, [LENGTH, LENGTH]],
  [Opcode.expireTimeMs, [FIXED, 8]],
  [Opcode.expireTime, [FIXED, 4]],
  [Opcode.selectDb, [LENGTH]],
  [Opcode.eof, []],
]);

/** A flattened layout; opaque to everyone but the walker. */
export type Program = readonly number[];

/** By type byte: what follows it in a file. A value's program begins with the key. */
export const itemPrograms: readonly (Program | undefined)[] = Array.from(
  { length: 256 },
  (_, type) => {
    const value = valueLayouts.get(type);
    const layout = value === undefined ? opcodeLayouts.get(type) : [STRING, ...value];
    return layout === undefined ? undefined : compile(layout);
  },
);

function compile(layout: Layout): Program {
  const program: number[] = [];
  append(layout);
  program.push(DONE);
  return program;

  // Recursion over the table above, three deep; never over input.
  function append(steps: Layout): void {
    for (const step of steps) {
      if (typeof step === 'number') {
        program.push(step);
        continue;
      }
      program.push(LOOP, 0);
      const body = program.length;
      append(step.body);
      program.push(NEXT, body);
      program[body - 1] = program.length;
    }
  }
}

/** Passes over one item at a time; see the head of this file. */
export class ItemWalker {
  /** Where the walk stands, in the buffer of the latest call. */
  position = 0;
  /** After a short walk: the least end of buffer that gets it further. */
  needed = 0;
  /** After a short walk: whether the item ends at `needed`, so far as is known now. */
  neededIsFinal = false;
  #program: Program = [DONE];
  #counter = 0;
  readonly #counts = new Float64Array(4);
  #depth = -1;
  /** The value of the length read last. */
  #length = 0;

  begin(program: Program, position: number): void {
    this.#program = program;
    this.position = position;
    this.#counter = 0;
    this.#depth = -1;
  }

  /**
   * Goes on through buffer[position, end). Returns true when the item is whole; `position` is
   * then its end. `base` is the offset of buffer[0] in the input, for errors.
   *
   * Between two calls the caller may move the bytes to another buffer, if it moves `position`
   * with them.
   */
  walk(buffer: Buffer, end: number, base: number): boolean {
    const program = this.#program;
    const counts = this.#counts;
    let counter = this.#counter;
    for (;;) {
      const step = program[counter];
      // The end of the piece at `position`; beyond `end` when the piece is not whole.
      let next: number;
      switch (step) {
        case DONE:
          this.#counter = counter;
          return true;
        case NEXT:
          if (--counts[this.#depth] > 0) counter = program[counter + 1];
          else {
            this.#depth--;
            counter += 2;
          }
          continue;
        case STRING:
          next = this.#skipString(buffer, this.position, end, base);
          break;
        case DOUBLE:
          next = this.#skipDouble(buffer, this.position, end);
          break;
        case FIXED:
          next = this.position + program[counter + 1];
          break;
        case MODULE:
          next = this.#skipModulePiece(buffer, this.position, end, base);
          break;
        default:
          next = this.#skipLength(buffer, this.position, end, base);
      }
      if (next > end) return this.#short(counter, next);
      this.position = next;
      if (step === LOOP) counter = this.#enterLoop(counter);
      else if (step === FIXED) counter += 2;
      // A module's pieces go on until the one that says "end", whose tag is 0.
      else if (step !== MODULE || this.#length === 0) counter++;
    }
  }

  #short(counter: number, needed: number): boolean {
    const program = this.#program;
    const width = program[counter] === FIXED ? 2 : 1;
    this.#counter = counter;
    this.needed = needed;
    this.neededIsFinal = program[counter] === STRING && program[counter + width] === DONE;
    return false;
  }

  #enterLoop(counter: number): number {
    if (this.#length === 0) return this.#program[counter + 1];
    this.#counts[++this.#depth] = this.#length;
    return counter + 2;
  }

  #skipLength(buffer: Buffer, at: number, end: number, base: number): number {
    if (at >= end) return at + 1;
    const first = buffer[at];
    if (first < 0x40) {
      this.#length = first;
      return at + 1;
    }
    if (first < 0x80) {
      if (at + 2 <= end) this.#length = ((first & 0x3f) << 8) | buffer[at + 1];
      return at + 2;
    }
    if (first === LENGTH_32) {
      if (at + 5 <= end) this.#length = buffer.readUInt32BE(at + 1);
      return at + 5;
    }
    if (first !== LENGTH_64) {
      throw new RdbFormatError(`unknown length encoding ${first}`, base + at);
    }
    if (at + 9 <= end) {
      this.#length = buffer.readUInt32BE(at + 1) * TWO_32 + buffer.readUInt32BE(at + 5);
    }
    return at + 9;
  }

  #skipString(buffer: Buffer, at: number, end: number, base: number): number {
    if (at >= end) return at + 1;
    const first = buffer[at];
    if (first < 0xc0) {
      const body = this.#skipLength(buffer, at, end, base);
      return body > end ? body : body + this.#length;
    }
    if (first <= STRING_INT32) return at + 1 + (1 << (first - 0xc0));
    if (first !== STRING_LZF) {
      throw new RdbFormatError(`unknown string encoding ${first}`, base + at);
    }
    const plainSize = this.#skipLength(buffer, at + 1, end, base);
    if (plainSize > end) return plainSize;
    const compressed = this.#length;
    const body = this.#skipLength(buffer, plainSize, end, base);
    return body > end ? body : body + compressed;
  }

  #skipDouble(buffer: Buffer, at: number, end: number): number {
    if (at >= end) return at + 1;
    const byteCount = buffer[at];
    return byteCount >= 253 ? at + 1 : at + 1 + byteCount;
  }

  /** Leaves the piece's tag in #length. */
  #skipModulePiece(buffer: Buffer, at: number, end: number, base: number): number {
    const body = this.#skipLength(buffer, at, end, base);
    if (body > end) return body;
    const tag = this.#length;
    let next: number;
    if (tag === 0) next = body;
    else if (tag === 1 || tag === 2) next = this.#skipLength(buffer, body, end, base);
    else if (tag === 3) next = body + 4;
    else if (tag === 4) next = body + 8;
    else if (tag === 5) next = this.#skipString(buffer, body, end, base);
    else throw new RdbFormatError(`unknown module piece ${tag}`, base + at);
    this.#length = tag;
    return next;
  }
}
