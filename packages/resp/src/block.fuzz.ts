/**
 * copyBytes and equalBytes against Buffer's own, at every alignment and many lengths, with guards
 * around the target. By hand: `node packages/resp/src/block.fuzz.ts [seed] [runs]`.
 */
import { Block, copyBytes, equalBytes } from './block.ts';

const SIZE = 700;
const GUARD = 0xa5;

/** A small generator of its own: resp depends on nothing. */
function numbers(seed: number): (bound: number) => number {
  let state = seed | 1;
  return (bound) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b1;
    return ((state ^ (state >>> 13)) >>> 0) % bound;
  };
}

export function fuzzBlock(seed: number, steps: number): void {
  const below = numbers(seed);
  const source = Block.allocate(SIZE);
  for (let i = 0; i < SIZE; i++) source.bytes[i] = below(256);
  for (let step = 0; step < steps; step++) {
    const length = below(4) === 0 ? below(300) : below(40);
    checkCopy(source, below(SIZE - length), 8 + below(300), length);
    checkEqual(source, below(SIZE - length), below(300), length, below);
  }
}

function checkCopy(source: Block, from: number, to: number, length: number): void {
  const target = Block.allocate(SIZE);
  target.bytes.fill(GUARD);
  const expected = Buffer.from(target.bytes);
  source.bytes.copy(expected, to, from, from + length);
  copyBytes(target, to, source, from, length);
  if (!target.bytes.equals(expected)) throw new Error(`copy ${from} ${to} ${length}`);
}

function checkEqual(
  source: Block,
  from: number,
  to: number,
  length: number,
  below: (bound: number) => number,
): void {
  const other = Block.allocate(SIZE);
  source.bytes.copy(other.bytes, to, from, from + length);
  if (!equalBytes(source, from, other, to, length))
    throw new Error(`equal ${from} ${to} ${length}`);
  if (length === 0) return;
  const at = to + below(length);
  other.bytes[at] ^= 1 << below(8);
  if (equalBytes(source, from, other, to, length))
    throw new Error(`differ at ${at - to}/${length}`);
}

if (import.meta.main) {
  const first = Number(process.argv[2] ?? 1);
  const runs = Number(process.argv[3] ?? 20);
  for (let seed = first; seed < first + runs; seed++) fuzzBlock(seed, 20_000);
  console.log(`${runs} runs from seed ${first} found nothing`);
}
