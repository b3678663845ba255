/**
 * Random changes of a packed value against an array of strings. Every run ends with the value freed
 * and the arena empty.
 */
import { Block } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { elementLength, Needle, writeWire } from './listpack.ts';
import { PACKED_BYTES, PackedValue } from './packed-value.ts';
import { RandomSource } from './random-source.ts';

/** Elements in the model at which removals become likelier than insertions. */
const ELEMENTS_LIKELY_MAX = 40;

function elementAt(value: PackedValue, at: number): string {
  const wire = Block.allocate(elementLength(value.block, at) + 64);
  const end = writeWire(wire, 0, value.block, at);
  return wire.bytes.latin1Slice(wire.bytes.indexOf('\n') + 1, end - 2);
}

export function fuzzPackedValue(seed: number, steps: number): void {
  const random = new RandomSource(seed);
  const arena = new Arena();
  const page = Block.allocate(PACKED_BYTES + 5);
  const value = new PackedValue();
  value.openAt(arena, page, 5).initialize();
  const model: string[] = [];
  const needle = new Needle();
  const element = (): string => {
    const kind = random.below(6);
    if (kind < 2) return 'abcdefgh'.slice(random.below(8));
    if (kind < 4) return String(random.below(100_000) - 50_000);
    if (kind < 5) return String(2n ** BigInt(random.below(64)) - 1n);
    return 'x'.repeat(random.below(random.below(8) === 0 ? 5000 : 100));
  };
  for (let step = 0; step < steps; step++) {
    value.openAt(arena, page, 5);
    const text = element();
    const source = Block.of(`..${text}`);
    const index = random.below(model.length + 1);
    const at = value.seek(index);
    const removes = random.below(2 * ELEMENTS_LIKELY_MAX) < model.length;
    if (index < model.length && removes) {
      const entries = Math.min(model.length - index, 1 + random.below(3));
      const next = value.remove(at, entries);
      model.splice(index, entries);
      invariant(next === value.seek(index), 'remove returns the wrong position');
    } else if (index < model.length && random.below(3) === 0) {
      const next = value.replace(at, source, 2, text.length);
      model[index] = text;
      invariant(next === value.seek(index + 1), 'replace returns the wrong position');
    } else {
      const next = value.insert(at, source, 2, text.length);
      model.splice(index, 0, text);
      invariant(next === value.seek(index + 1), 'insert returns the wrong position');
    }
    value.openAt(arena, page, 5);
    value.verify();
    invariant(value.count === model.length, 'wrong count');
    const found = value.find(needle.set(source, 2, text.length), 1);
    const place = model.indexOf(text);
    invariant(found === (place < 0 ? -1 : value.seek(place)), 'find finds the wrong entry');
    if (step % 50 !== 0) continue;
    let position = value.start;
    for (const expected of model) {
      invariant(elementAt(value, position) === expected, 'wrong element');
      position = value.next(position);
    }
  }
  value.free();
  invariant(arena.usedBytes === 0, 'memory is left');
  arena.verify();
}

runFuzzer(import.meta, 2000, fuzzPackedValue);
