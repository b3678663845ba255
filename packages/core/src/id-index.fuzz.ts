/**
 * Random operations on an IdIndex against a sorted array: rows at the end, at the head, anywhere;
 * IDs of few values, so that they meet, and of all 64 bits. Tables are counted to the byte.
 */
import { Arena } from './arena.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { ID_WORDS, IdIndex } from './id-index.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';
import { compareIds, StreamId } from './stream-id.ts';

interface Row {
  readonly id: StreamId;
  value: number;
}

class Model {
  readonly random: RandomSource;
  readonly arena = new Arena();
  readonly index = new IdIndex(this.arena, 1);
  readonly #scratch = new StreamId();
  rows: Row[] = [];

  constructor(seed: number) {
    this.random = new RandomSource(seed);
  }

  id(): StreamId {
    const { random } = this;
    const words = (): number => (random.below(3) === 0 ? random.next() : random.below(4) - 1);
    const isWide = random.below(4) === 0;
    return isWide
      ? new StreamId().set(words(), words(), words(), words())
      : new StreamId().set(0, random.below(2000), 0, random.below(2));
  }

  /** Number of the first row that is at least `id`. */
  place(id: StreamId): number {
    const at = this.rows.findIndex((row) => compareIds(row.id, id) >= 0);
    return at < 0 ? this.rows.length : at;
  }

  expectRow(row: Row | undefined, isRow: boolean): void {
    invariant(isRow === (row !== undefined), 'a row is there, or not');
    if (row === undefined) return;
    invariant(compareIds(this.index.readId(this.#scratch), row.id) === 0, 'another row');
    invariant(this.index.word(ID_WORDS) === row.value, 'another value');
  }

  insert(id: StreamId): void {
    const at = this.place(id);
    const known = this.rows[at];
    const isKnown = known !== undefined && compareIds(known.id, id) === 0;
    invariant(this.index.find(id) === isKnown, 'find finds what is not there, or misses it');
    if (isKnown) return;
    const value = this.random.next() | 0;
    this.index.insert(id);
    invariant(this.index.word(ID_WORDS) === 0, 'a new row has other words');
    this.index.setWord(ID_WORDS, value);
    this.rows.splice(at, 0, { id, value });
  }

  append(count: number): void {
    for (let i = 0; i < count; i++) {
      const id = new StreamId();
      const last = this.rows.at(-1);
      if (last !== undefined && (last.id.isGreatest || !id.copy(last.id).increment())) return;
      this.index.append(id);
      this.index.setWord(ID_WORDS, i);
      this.rows.push({ id, value: i });
    }
  }

  /** Removes some rows, one after the other, from where the cursor then stands. */
  remove(from: number, count: number): void {
    const first = this.rows[from];
    if (first === undefined) return;
    invariant(this.index.find(first.id), 'a row is missing');
    const most = Math.min(count, this.rows.length - from);
    for (let i = 0; i < most; i++) {
      this.index.remove();
      this.expectRow(this.rows[from + i + 1], this.index.isOnRow);
    }
    this.rows.splice(from, most);
  }

  seek(): void {
    const id = this.id();
    const at = this.place(id);
    this.expectRow(this.rows[at], this.index.seek(id));
    let next = at;
    for (let i = 0; i < 3 && next < this.rows.length; i++) {
      next++;
      this.expectRow(this.rows[next], this.index.next());
    }
    const isHere = this.rows[at] !== undefined && compareIds(this.rows[at].id, id) === 0;
    const floor = isHere ? at : at - 1;
    const isFloor = this.index.seekFloor(id);
    this.expectRow(this.rows[floor], isFloor);
    if (isFloor) this.expectRow(this.rows[floor - 1], this.index.previous());
    this.expectRow(this.rows[0], this.index.seekFirst());
    this.expectRow(this.rows.at(-1), this.index.seekLast());
  }

  step(): void {
    const { random, rows } = this;
    const kind = random.below(100);
    if (kind < 40) this.insert(this.id());
    else if (kind < 60) this.seek();
    else if (kind < 75) this.append(random.below(random.below(6) === 0 ? 400 : 5));
    else if (kind < 85) this.remove(random.below(rows.length + 1), 1);
    else if (kind < 95) this.remove(0, random.below(8));
    else this.remove(random.below(rows.length + 1), random.below(200));
  }
}

export function fuzzIdIndex(seed: number, steps: number): void {
  const model = new Model(seed);
  for (let step = 0; step < steps; step++) {
    model.step();
    if (step % 8 === 0) model.index.verify();
  }
  model.index.verify();
  invariant(model.index.size === model.rows.length, 'the sizes differ');
  if (seed % 2 === 0) model.index.clear();
  else model.remove(0, model.rows.length);
  invariant(model.index.size === 0, 'rows are left');
  invariant(model.arena.tableBytes === 0, `${model.arena.tableBytes} bytes are left`);
}

runFuzzer(import.meta, 2000, fuzzIdIndex);
