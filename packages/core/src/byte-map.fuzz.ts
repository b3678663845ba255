/**
 * Random insertions, finds, removals and scans of a ByteMap against a Map, with hashes that the
 * fuzzer chooses: well mixed ones, ones that share their leading bits, and ones that are equal.
 *
 * A scan runs all the while, one call at a time between the other operations; it must return every
 * key that is there from its beginning to its end.
 */
import { Block } from '@hashlane/resp';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { ByteMap } from './byte-map.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';

/** How the hashes of a run are spread. */
export type Spread = 'mixed' | 'same-20-bits' | 'few-hashes';
const SPREADS: readonly Spread[] = ['mixed', 'mixed', 'same-20-bits', 'few-hashes'];

/** Entries of the fuzzer: key length, then the key, a 32-bit number. */
const KEY_BYTES = 4;

class Model {
  readonly arena = new Arena();
  readonly map = new ByteMap(this.arena, 4, 0);
  readonly references = new Map<number, number>();
  readonly keys: number[] = [];
  readonly key = Block.allocate(KEY_BYTES);
  readonly spread: Spread;
  /** Keys present since the running scan began and not returned by it. */
  owed = new Set<number>();
  cursor = 0;

  constructor(spread: Spread) {
    this.spread = spread;
  }

  hash(key: number): number {
    const mixed = Math.imul(key ^ (key >>> 15), 0x85ebca6b);
    if (this.spread === 'same-20-bits') return 0x5a5a5000 | (mixed & 0xfff) | 0;
    if (this.spread === 'few-hashes') return Math.imul(key % 37, 0x9e3779b1);
    return mixed ^ (mixed >>> 13);
  }

  find(key: number): number {
    this.key.view.setInt32(0, key, true);
    return this.map.find(this.key, 0, KEY_BYTES, this.hash(key));
  }

  insert(key: number): void {
    if (this.references.has(key)) return;
    const reference = this.arena.allocate(8);
    const { view } = this.arena.pages[pageOf(reference)];
    view.setInt32(offsetOf(reference), KEY_BYTES, true);
    view.setInt32(offsetOf(reference) + 4, key, true);
    this.map.insert(this.hash(key), reference);
    this.references.set(key, reference);
    this.keys.push(key);
  }

  remove(i: number): void {
    const key = this.keys[i];
    const reference = this.find(key);
    invariant(reference === this.references.get(key), 'a key is not found');
    this.map.removeFound();
    this.arena.free(reference);
    this.references.delete(key);
    this.keys[i] = this.keys[this.keys.length - 1];
    this.keys.pop();
    this.owed.delete(key);
  }

  scanOn(count: number): void {
    this.cursor = this.map.scan(this.cursor, count, (reference, hash) => {
      const key = this.arena.pages[pageOf(reference)].view.getInt32(offsetOf(reference) + 4, true);
      invariant(this.references.get(key) === reference, 'scan returned what is not there');
      invariant(hash === this.hash(key), 'scan returned a wrong hash');
      this.owed.delete(key);
    });
    if (this.cursor >= 0) return;
    invariant(this.owed.size === 0, `scan missed ${this.owed.size} keys`);
    this.cursor = 0;
    this.owed = new Set(this.keys);
  }
}

export function fuzzByteMap(seed: number, steps: number, spread?: Spread): ByteMap {
  const random = new RandomSource(seed);
  const model = new Model(spread ?? SPREADS[random.below(SPREADS.length)]);
  // Keys that collide cost O(keys) each.
  const keysMax = model.spread === 'mixed' ? 1 << (6 + random.below(12)) : 400;
  const phase = 2 * keysMax;
  for (let step = 0; step < steps; step++) {
    const grows = random.below(100) < (Math.floor(step / phase) % 2 === 0 ? 85 : 10);
    const kind = random.below(64);
    if (kind === 0) model.scanOn(1 + random.below(50));
    else if (kind < 8) check(model, random.below(keysMax * 4));
    else if (grows || model.keys.length === 0) model.insert(random.below(keysMax * 4));
    else model.remove(random.below(model.keys.length));
    if (step % 100_000 === 0) model.map.verify();
  }
  finish(model);
  return model.map;
}

function check(model: Model, key: number): void {
  invariant(model.find(key) === (model.references.get(key) ?? 0), 'find differs from the model');
}

function finish(model: Model): void {
  model.map.verify();
  invariant(model.map.size === model.references.size, 'size differs from the model');
  for (const key of model.keys) check(model, key);
  while (model.keys.length > 0) model.remove(model.keys.length - 1);
  model.map.verify();
  invariant(model.map.size === 0, 'keys are left');
}

runFuzzer(import.meta, 400_000, fuzzByteMap);
