/** Random additions, changes, moves and removals in an ExpiryIndex against a Map of deadlines. */
import { Arena, offsetOf, pageOf } from './arena.ts';
import { KEY, KEY_LENGTH } from './entry.ts';
import { ExpiryIndex } from './expiry-index.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';

const KEY_BYTES = 4;

class Model {
  readonly arena = new Arena();
  readonly index = new ExpiryIndex(this.arena);
  readonly deadlines = new Map<number, number>();
  readonly references: number[] = [];

  /** A block laid out like an entry that has an expiry slot. */
  entry(): number {
    const reference = this.arena.allocate(KEY + KEY_BYTES + 4);
    const { view } = this.arena.pages[pageOf(reference)];
    view.setInt32(offsetOf(reference) + KEY_LENGTH, KEY_BYTES, true);
    return reference;
  }

  slot(reference: number): number {
    const { view } = this.arena.pages[pageOf(reference)];
    return view.getInt32(offsetOf(reference) + KEY + KEY_BYTES, true);
  }

  add(deadline: number): void {
    const reference = this.entry();
    this.index.add(reference, ~reference, deadline);
    this.deadlines.set(reference, deadline);
    this.references.push(reference);
  }

  remove(i: number): void {
    const reference = this.references[i];
    this.index.remove(this.slot(reference));
    this.deadlines.delete(reference);
    this.references[i] = this.references[this.references.length - 1];
    this.references.pop();
    this.arena.free(reference);
  }

  change(i: number, deadline: number): void {
    const reference = this.references[i];
    this.index.change(this.slot(reference), deadline);
    this.deadlines.set(reference, deadline);
  }

  move(i: number): void {
    const old = this.references[i];
    const slot = this.slot(old);
    const moved = this.entry();
    const { view } = this.arena.pages[pageOf(moved)];
    view.setInt32(offsetOf(moved) + KEY + KEY_BYTES, slot, true);
    this.index.remove(slot);
    this.index.add(moved, ~moved, this.deadlines.get(old) ?? 0);
    this.index.move(this.slot(moved), moved);
    this.deadlines.set(moved, this.deadlines.get(old) ?? 0);
    this.deadlines.delete(old);
    this.references[i] = moved;
    this.arena.free(old);
  }

  check(): void {
    this.index.verify();
    invariant(this.index.size === this.deadlines.size, 'size differs');
    for (const [reference, deadline] of this.deadlines) {
      const slot = this.slot(reference);
      invariant(this.index.deadline(slot) === deadline, 'deadline differs');
      invariant(this.index.reference(slot) === reference, 'reference differs');
      invariant(this.index.hash(slot) === ~reference, 'hash differs');
    }
  }
}

export function fuzzExpiryIndex(seed: number, steps: number): ExpiryIndex {
  const random = new RandomSource(seed);
  const model = new Model();
  for (let step = 0; step < steps; step++) {
    const grows = random.below(100) < (Math.floor(step / 3000) % 2 === 0 ? 70 : 20);
    const deadline = 1e12 + random.below(random.below(2) === 0 ? 10 : 1_000_000);
    const count = model.references.length;
    if (count === 0 || (grows && random.below(2) === 0)) model.add(deadline);
    else if (random.below(3) === 0) model.change(random.below(count), deadline);
    else if (random.below(20) === 0) model.move(random.below(count));
    else if (!grows) model.remove(random.below(count));
    if (step % 1000 === 0) model.check();
  }
  model.check();
  drain(model);
  return model.index;
}

/** Takes the earliest again and again: the order must be that of the deadlines. */
function drain(model: Model): void {
  let last = 0;
  while (model.index.size > 0) {
    const earliest = model.index.earliest();
    invariant(earliest >= last, 'deadlines come out of order');
    last = earliest;
    model.remove(model.references.indexOf(model.index.earliestReference()));
  }
  invariant(model.index.earliest() === Infinity, 'an empty index has a deadline');
}

runFuzzer(import.meta, 50_000, fuzzExpiryIndex);
