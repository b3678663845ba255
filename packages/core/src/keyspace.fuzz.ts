/**
 * Random operations on a keyspace against a Map: strings that grow and shrink, deadlines set, moved
 * and dropped, lazy and active expiry, renames by `insertDetached`, with a snapshot now and then.
 *
 * A snapshot walks while the operations go on, on one database or flushed and swapped; the records
 * that a recording codec collects must be the content at the moment it began.
 */
import { Block } from '@hashlane/resp';
import { offsetOf, pageOf } from './arena.ts';
import { Engine } from './engine.ts';
import { STRING, VALUE_LENGTH, valueOffset } from './entry.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { hashBytes } from './hash.ts';
import { invariant } from './invariant.ts';
import type { Keyspace } from './keyspace.ts';
import { RandomSource } from './random-source.ts';
import type { ValueCodec } from './value-codec.ts';

interface Content {
  value: string;
  /** Infinity for none. */
  deadline: number;
}
type Database = Map<string, Content>;

const KEYS = 300;
const DATABASES = 3;

/** Writes records as lines of JSON. */
class RecordingCodec implements ValueCodec {
  #lines: string[] = [];

  appendRecord(keyspace: Keyspace, reference: number): number {
    const key = keyspace.keyOf(reference).latin1Slice();
    const deadline = keyspace.deadlineOf(reference);
    this.#lines.push(JSON.stringify([key, valueText(keyspace, reference), String(deadline)]));
    return this.#lines.length * 10_000;
  }

  takeRecords(): Uint8Array<ArrayBuffer> {
    const bytes = new TextEncoder().encode(this.#lines.map((line) => `${line}\n`).join(''));
    this.#lines = [];
    return bytes;
  }

  encodeValue(): Buffer {
    return Buffer.alloc(0);
  }

  dumpValue(): Buffer {
    return Buffer.alloc(0);
  }

  valueOfDump(): undefined {
    return undefined;
  }

  decodeValue(): number {
    return 0;
  }
}

function valueText(keyspace: Keyspace, reference: number): string {
  const page = keyspace.arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  const at = valueOffset(page, entry);
  return page.bytes.latin1Slice(at, at + page.view.getInt32(entry + VALUE_LENGTH, true));
}

class Run {
  readonly random: RandomSource;
  readonly engine: Engine;
  model: Database[] = Array.from({ length: DATABASES }, () => new Map());
  /** What the running snapshot must hold, and what it has brought. */
  expected: string[] = [];
  recorded: string[] = [];

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.engine = new Engine({ seed, codec: new RecordingCodec(), sink: { late: () => {} } });
    this.engine.setNow(1_000_000);
  }

  database(): number {
    return this.random.below(DATABASES);
  }

  find(database: number, name: string): number {
    const reference = this.engine.keyspace(database).findKey(Buffer.from(name));
    const content = this.live(database, name);
    invariant((reference !== 0) === (content !== undefined), `presence of ${name} differs`);
    if (content === undefined) return 0;
    const keyspace = this.engine.keyspace(database);
    invariant(valueText(keyspace, reference) === content.value, `value of ${name} differs`);
    invariant(keyspace.deadlineOf(reference) === content.deadline, `deadline of ${name} differs`);
    return reference;
  }

  /** The model's content of a key; drops it when it is due. */
  live(database: number, name: string): Content | undefined {
    const content = this.model[database].get(name);
    if (content === undefined || content.deadline > this.engine.now) return content;
    this.model[database].delete(name);
    return undefined;
  }

  insert(database: number, name: string): void {
    const key = Block.of(name);
    const length = name.length;
    const hash = hashBytes(key, 0, length);
    const value = this.value();
    const keyspace = this.engine.keyspace(database);
    const expires = this.random.below(4) === 0;
    const reference = keyspace.insert(key, 0, length, hash, STRING, value.length, expires);
    write(keyspace, reference, value);
    this.model[database].set(name, { value, deadline: Infinity });
  }

  value(): string {
    const most = this.random.below(50) === 0 ? 70_000 : 120;
    return String.fromCharCode(97 + this.random.below(26)).repeat(this.random.below(most));
  }
}

function write(keyspace: Keyspace, reference: number, value: string): void {
  const page = keyspace.arena.pages[pageOf(reference)];
  const entry = offsetOf(reference);
  page.view.setInt32(entry + VALUE_LENGTH, value.length, true);
  page.bytes.latin1Write(value, valueOffset(page, entry));
}

type Operation = (run: Run, database: number, name: string, reference: number) => void;

const overwrite: Operation = (run, database, name, reference) => {
  const keyspace = run.engine.keyspace(database);
  const value = run.value();
  keyspace.willChange(reference);
  const fits = keyspace.valueRoom(reference) >= value.length;
  const target = fits ? reference : keyspace.resizeFound(reference, value.length, 0);
  write(keyspace, target, value);
  run.model[database].set(name, { value, deadline: run.model[database].get(name)!.deadline });
};

const remove: Operation = (run, database, name, reference) => {
  run.engine.keyspace(database).willChange(reference);
  run.engine.keyspace(database).removeFound();
  run.model[database].delete(name);
};

const expire: Operation = (run, database, name, reference) => {
  const deadline = run.engine.now + 1 + run.random.below(3000);
  run.engine.keyspace(database).willChange(reference);
  run.engine.keyspace(database).expireFoundAt(reference, deadline);
  run.model[database].get(name)!.deadline = deadline;
};

const persist: Operation = (run, database, name, reference) => {
  const content = run.model[database].get(name)!;
  run.engine.keyspace(database).willChange(reference);
  const had = run.engine.keyspace(database).persist(reference);
  invariant(had === (content.deadline !== Infinity), 'persist tells the wrong thing');
  content.deadline = Infinity;
};

/** RENAME or MOVE to a free key: the value is handed over. */
const rename: Operation = (run, database, name, reference) => {
  const to = run.database();
  const newName = `k${run.random.below(KEYS)}`;
  if (run.find(to, newName) !== 0) return;
  const keyspace = run.engine.keyspace(database);
  keyspace.willChange(reference);
  const deadline = keyspace.deadlineOf(reference);
  keyspace.findEntry(reference);
  const detached = keyspace.detachFound();
  const key = Block.of(newName);
  const hash = hashBytes(key, 0, newName.length);
  run.engine.keyspace(to).insertDetached(detached, deadline, key, 0, newName.length, hash);
  run.model[to].set(newName, run.model[database].get(name)!);
  run.model[database].delete(name);
};

const OPERATIONS: readonly Operation[] = [
  overwrite,
  overwrite,
  overwrite,
  remove,
  remove,
  expire,
  expire,
  persist,
  rename,
];

function step(run: Run): void {
  const { random, engine } = run;
  const database = run.database();
  const kind = random.below(3000);
  if (kind === 0) flush(run, database);
  else if (kind === 1) flushAll(run);
  else if (kind < 5) swap(run, database, run.database());
  else if (kind < 60) pass(run, random.below(200));
  else if (kind < 300) advanceSnapshot(run);
  else if (kind < 400 && engine.lazyFree.isPending) engine.lazyFree.step();
  else {
    const name = `k${random.below(KEYS)}`;
    const reference = run.find(database, name);
    if (reference === 0) run.insert(database, name);
    else OPERATIONS[random.below(OPERATIONS.length)](run, database, name, reference);
  }
}

function pass(run: Run, milliseconds: number): void {
  run.engine.setNow(run.engine.now + milliseconds);
  if (run.random.below(2) === 0) return;
  while (run.engine.tick());
  for (let database = 0; database < DATABASES; database++) {
    for (const name of [...run.model[database].keys()]) run.live(database, name);
    invariant(run.engine.keyspace(database).size === run.model[database].size, 'size differs');
  }
}

function flush(run: Run, database: number): void {
  run.engine.flush(database);
  run.model[database].clear();
}

function flushAll(run: Run): void {
  run.engine.flushAll();
  for (const database of run.model) database.clear();
}

function swap(run: Run, a: number, b: number): void {
  run.engine.swap(a, b);
  [run.model[a], run.model[b]] = [run.model[b], run.model[a]];
}

function advanceSnapshot(run: Run): void {
  const { snapshot } = run.engine;
  if (!snapshot.isRunning) {
    if (run.random.below(10) === 0) beginSnapshot(run);
    return;
  }
  if (run.random.below(200) === 0) {
    snapshot.abandon();
    run.expected = run.recorded;
  }
  const isAbandoned = run.expected === run.recorded;
  if (snapshot.step(1 + run.random.below(30)) || isAbandoned) return;
  const same = run.recorded.sort().join('\n') === run.expected.sort().join('\n');
  invariant(same, 'the snapshot is not the content at its beginning');
}

function beginSnapshot(run: Run): void {
  run.expected = [];
  run.recorded = [];
  // Keys that are due but still there belong to the snapshot: get rid of them first.
  while (run.engine.tick());
  for (let database = 0; database < DATABASES; database++) {
    for (const [name] of [...run.model[database]]) {
      const content = run.live(database, name);
      if (content === undefined) continue;
      const { value, deadline } = content;
      run.expected.push(`${database} ${JSON.stringify([name, value, String(deadline)])}`);
    }
  }
  const sizes = run.engine.snapshot.begin((database, records) => {
    const lines = new TextDecoder().decode(records).trimEnd().split('\n');
    for (const line of lines) run.recorded.push(`${database} ${line}`);
  });
  const keys = sizes.reduce((sum, [, size]) => sum + size, 0);
  invariant(keys === run.expected.length, 'begin miscounts the keys');
}

export function fuzzKeyspace(seed: number, steps: number): Engine {
  const run = new Run(seed);
  for (let i = 0; i < steps; i++) {
    step(run);
    if (i % 2000 === 0) run.engine.verify();
  }
  while (run.engine.snapshot.step(1000));
  while (run.engine.lazyFree.isPending) run.engine.lazyFree.step();
  run.engine.verify();
  for (let database = 0; database < DATABASES; database++) {
    for (let i = 0; i < KEYS; i++) {
      const reference = run.find(database, `k${i}`);
      if (reference !== 0) remove(run, database, `k${i}`, reference);
    }
  }
  invariant(run.engine.arena.usedBytes === 0, `${run.engine.arena.usedBytes} bytes leaked`);
  return run.engine;
}

runFuzzer(import.meta, 60_000, fuzzKeyspace);
