/**
 * bits.ts and bit-field.ts against bits one at a time: random strings of 0 to 100 bytes at odd
 * offsets, random ranges and fields. A field operation is also executed the wide way and must come
 * to the same, for all widths.
 */
import { Block } from '@hashlane/resp';
import { FieldOperation, type Overflow } from './bit-field.ts';
import {
  AND,
  BitAccumulator,
  type BitOperation,
  countBitRange,
  findBit,
  OR,
  readField,
  writeField,
} from './bits.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';

const BYTES_MAX = 100;

class BitsFuzz {
  readonly #random: RandomSource;
  readonly #block = Block.allocate(BYTES_MAX + 16);
  readonly #accumulator = new BitAccumulator();
  readonly #narrow = new FieldOperation();
  readonly #wide = new FieldOperation();

  constructor(seed: number) {
    this.#random = new RandomSource(seed);
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      const offset = this.#random.below(8);
      const length = 1 + this.#random.below(BYTES_MAX);
      this.#fill();
      this.#ranges(offset, length);
      this.#fields(offset, length);
      this.#operations(offset);
      this.#combinations();
    }
  }

  /** Mostly runs of equal bytes, so that searches go far. */
  #fill(): void {
    const { bytes } = this.#block;
    const filler = [0, 0xff, 0x55][this.#random.below(3)];
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = this.#random.below(12) === 0 ? this.#random.below(256) : filler;
    }
  }

  #bits(offset: number, length: number): number[] {
    const { bytes } = this.#block;
    return Array.from({ length: length * 8 }, (_, i) => bitOf(bytes, offset, i));
  }

  #ranges(offset: number, length: number): void {
    const bits = this.#bits(offset, length);
    const first = this.#random.below(bits.length);
    const last = first + this.#random.below(bits.length - first);
    const range = bits.slice(first, last + 1);
    const count = countBitRange(this.#block, offset, first, last);
    invariant(count === range.filter((bit) => bit === 1).length, `count ${first} ${last}`);
    for (const bit of [0, 1]) {
      const at = range.indexOf(bit);
      const found = findBit(this.#block, offset, first, last, bit);
      invariant(found === (at < 0 ? -1 : first + at), `find ${bit} in ${first} ${last}: ${found}`);
    }
  }

  #fields(offset: number, length: number): void {
    const bits = this.#bits(offset, length);
    const width = 1 + this.#random.below(46);
    const position = this.#random.below(bits.length);
    const padded = [...bits, ...Array<number>(64).fill(0)];
    const value = numberOf(padded.slice(position, position + width));
    invariant(readField(this.#block, offset, length, position, width) === value, 'read a field');
    if (position + width > bits.length) return;
    const written = this.#random.below(0x7fffffff) % 2 ** width;
    writeField(this.#block, offset, position, width, written);
    const digits = written.toString(2).padStart(width, '0');
    bits.splice(position, width, ...[...digits].map(Number));
    invariant(this.#bits(offset, length).join('') === bits.join(''), 'write a field');
  }

  #operations(offset: number): void {
    const random = this.#random;
    const [narrow, wide] = [this.#narrow, this.#wide];
    narrow.command = random.below(2) === 0 ? 1 : 2;
    narrow.overflow = random.below(3) as Overflow;
    narrow.isSigned = random.below(2) === 0;
    narrow.width = 1 + random.below(narrow.isSigned ? 64 : 63);
    narrow.position = random.below(BYTES_MAX * 8 - 64);
    const size = random.below(50);
    narrow.argument = Math.floor((random.below(1_000_000) / 1_000_000 - 0.5) * 2 ** size);
    Object.assign(wide, narrow, {
      argument: Number.NaN,
      wideArgument: BigInt(narrow.argument),
    });
    const copy = new Block(Buffer.from(this.#block.bytes));
    const fits = narrow.change(this.#block, offset);
    invariant(wide.change(copy, offset) === fits, 'one way fails, the other does not');
    invariant(copy.bytes.equals(this.#block.bytes), `bytes after ${JSON.stringify(narrow.width)}`);
    if (!fits) return;
    invariant(replyOf(narrow) === replyOf(wide), `${replyOf(narrow)} for ${replyOf(wide)}`);
    invariant(narrow.hasChanged === wide.hasChanged, 'one way changes, the other does not');
    const result = replyOf(narrow);
    narrow.get(this.#block, offset, BYTES_MAX);
    if (narrow.command === 2) invariant(replyOf(narrow) === result, 'the sum is not there');
  }

  #combinations(): void {
    const operation = this.#random.below(3) as BitOperation;
    let model: number[] = [];
    const strings = 1 + this.#random.below(4);
    for (let i = 0; i < strings; i++) {
      this.#fill();
      const offset = this.#random.below(8);
      const length = this.#random.below(BYTES_MAX);
      const bytes = [...this.#block.bytes.subarray(offset, offset + length)];
      if (i === 0) {
        this.#accumulator.start(this.#block, offset, length);
        model = bytes;
      } else {
        this.#accumulator.combine(operation, this.#block, offset, length);
        const longest = Math.max(model.length, length);
        model = Array.from({ length: longest }, (_, j) =>
          combined(operation, model[j] ?? 0, bytes[j] ?? 0),
        );
      }
    }
    if (this.#random.below(4) === 0) {
      this.#accumulator.invert();
      model = model.map((byte) => byte ^ 0xff);
    }
    const { block, length } = this.#accumulator;
    invariant(block.bytes.subarray(0, length).equals(Buffer.from(model)), 'combined strings');
    this.#accumulator.finish();
  }
}

function bitOf(bytes: Buffer, offset: number, i: number): number {
  return (bytes[offset + (i >> 3)] >> (7 - (i & 7))) & 1;
}

function numberOf(bits: readonly number[]): number {
  return bits.reduce((value, bit) => value * 2 + bit, 0);
}

function combined(operation: BitOperation, a: number, b: number): number {
  if (operation === AND) return a & b;
  return operation === OR ? a | b : a ^ b;
}

function replyOf(operation: FieldOperation): string {
  return String(Number.isNaN(operation.reply) ? operation.wideReply : operation.reply);
}

export function fuzzBits(seed: number, steps: number): void {
  new BitsFuzz(seed).run(steps);
}

runFuzzer(import.meta, 5000, fuzzBits);
