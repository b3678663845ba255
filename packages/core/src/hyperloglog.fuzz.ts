/**
 * hyperloglog.ts against plain arrays of registers: sparse drafts under random and ascending changes
 * and several bounds, dense ones, unions, and the hash against its definition in bigint. The bytes
 * that Redis would have are compared with redis-server in commands/hyperloglog.differential.test.ts.
 */
import { Block } from '@hashlane/resp';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { denseRegister, HyperLogLogDraft, RAISED, REGISTERS, RegisterSet } from './hyperloglog.ts';
import { invariant } from './invariant.ts';
import { murmurHash64 } from './murmur-hash.ts';
import { RandomSource } from './random-source.ts';

const BOUNDS = [20, 100, 3000, 20_000];
const FACTOR = 0xc6a4a7935bd1e995n;

class HyperLogLogFuzz {
  readonly #random: RandomSource;
  readonly #draft = new HyperLogLogDraft();
  readonly #union = new RegisterSet();

  constructor(seed: number) {
    this.#random = new RandomSource(seed);
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.#hash();
      this.#changes();
    }
  }

  #hash(): void {
    const offset = this.#random.below(8);
    const length = this.#random.below(40);
    const block = Block.allocate(offset + length);
    for (let i = 0; i < block.size; i++) block.bytes[i] = this.#random.below(256);
    const seed = this.#random.next();
    const { high, low } = murmurHash64(block, offset, length, seed | 0);
    const ours = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
    const expected = referenceHash(block.bytes.subarray(offset), BigInt(seed));
    invariant(ours === expected, `hash of ${length} bytes: ${ours} for ${expected}`);
  }

  /** A value under a few hundred changes, stored and loaded now and then. */
  #changes(): void {
    const random = this.#random;
    const draft = this.#draft;
    const registers = new Uint8Array(REGISTERS);
    const bound = BOUNDS[random.below(BOUNDS.length)];
    const isAscending = random.below(2) === 0;
    const near = random.below(2) === 0 ? REGISTERS : 1 + random.below(300);
    let index = 0;
    draft.create();
    for (let i = random.below(600); i > 0; i--) {
      index = isAscending ? index + random.below(9) : random.below(near);
      if (index >= REGISTERS) index = 0;
      const count = 1 + random.below(random.below(400) === 0 ? 51 : 4);
      const isHigher = count > registers[index];
      const outcome = draft.raise(index, count, bound);
      invariant((outcome === RAISED) === isHigher, `register ${index} to ${count}: ${outcome}`);
      registers[index] = Math.max(registers[index], count);
      if (random.below(100) === 0) this.#store();
    }
    if (!draft.isDense) invariant(draft.length <= Math.max(bound, 18), 'above the bound');
    this.#compare(registers);
    invariant(draft.isDense || draft.promote(), 'a sparse value is damaged');
    for (let i = 0; i < 100; i++) {
      const at = random.below(REGISTERS);
      invariant(denseRegister(draft.block, 0, at) === registers[at], `dense register ${at}`);
    }
    this.#compare(registers);
  }

  #store(): void {
    const { block, length } = this.#draft;
    const stored = new Block(Buffer.from(block.bytes.subarray(0, length)));
    this.#draft.finish();
    this.#draft.load(stored, 0, length);
  }

  #compare(registers: Uint8Array): void {
    this.#union.clear();
    const isSound = this.#union.merge(this.#draft.block, 0, this.#draft.length);
    invariant(isSound, 'a value is damaged');
    invariant(Buffer.compare(this.#union.registers, registers) === 0, 'registers differ');
  }
}

function referenceHash(bytes: Buffer, seed: bigint): bigint {
  const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
  const mix = (value: bigint): bigint => value ^ (value >> 47n);
  let hash = seed ^ wrap(BigInt(bytes.length) * FACTOR);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const word = mix(wrap(bytes.readBigUInt64LE(at) * FACTOR));
    hash = wrap((hash ^ wrap(word * FACTOR)) * FACTOR);
  }
  if (at < bytes.length) {
    const rest = Buffer.alloc(8);
    bytes.copy(rest, 0, at);
    hash = wrap((hash ^ rest.readBigUInt64LE(0)) * FACTOR);
  }
  return mix(wrap(mix(hash) * FACTOR));
}

export function fuzzHyperLogLog(seed: number, steps: number): void {
  new HyperLogLogFuzz(seed).run(steps);
}

runFuzzer(import.meta, 100, fuzzHyperLogLog);
