/**
 * Random allocations, adoptions and frees in an Arena, against a list of what must be in each block:
 * a pattern of its own, checked when the block is freed.
 */
import { Block } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';

interface Held {
  readonly reference: number;
  readonly size: number;
  readonly pattern: number;
}

export function fuzzArena(seed: number, steps: number): Arena {
  const random = new RandomSource(seed);
  const arena = new Arena();
  const held: Held[] = [];
  for (let step = 0; step < steps; step++) {
    // Phases of growing and of shrinking, so that pages fill and empty.
    const grows = random.below(100) < (Math.floor(step / 5000) % 2 === 0 ? 65 : 30);
    if (grows || held.length === 0) held.push(allocate(arena, random));
    else free(arena, held, random.below(held.length));
    if (step % 10_000 === 0) arena.verify();
  }
  arena.verify();
  while (held.length > 0) free(arena, held, held.length - 1);
  arena.verify();
  invariant(arena.usedBytes === 0, `${arena.usedBytes} bytes are left in use`);
  return arena;
}

function sizeFrom(random: RandomSource): number {
  const kind = random.below(1000);
  if (kind < 800) return random.below(200);
  if (kind < 970) return random.below(5000);
  if (kind < 997) return random.below(65 * 1024);
  return random.below(300_000);
}

function allocate(arena: Arena, random: RandomSource): Held {
  const size = sizeFrom(random);
  const pattern = random.below(256);
  const adopts = random.below(500) === 0;
  const reference = adopts ? arena.adopt(Block.allocate(size)) : arena.allocate(size);
  invariant(reference !== 0, 'reference 0 was handed out');
  invariant(arena.sizeOf(reference) >= size, 'a block is smaller than asked for');
  if (!adopts) invariant(arena.sizeOf(reference) === Arena.roundUp(size), 'roundUp differs');
  const at = offsetOf(reference);
  arena.pages[pageOf(reference)].bytes.fill(pattern, at, at + arena.sizeOf(reference));
  return { reference, size: arena.sizeOf(reference), pattern };
}

function free(arena: Arena, held: Held[], i: number): void {
  const { reference, size, pattern } = held[i];
  held[i] = held[held.length - 1];
  held.pop();
  const { bytes } = arena.pages[pageOf(reference)];
  const at = offsetOf(reference);
  for (let j = at; j < at + size; j++) {
    invariant(bytes[j] === pattern, 'a block was overwritten by another');
  }
  arena.free(reference);
}

runFuzzer(import.meta, 200_000, fuzzArena);
