/**
 * Random changes of a hash against a Map, in all its forms: small and large thresholds, fields and
 * values from nothing to 100 KB, deadlines set, moved, dropped and passed.
 *
 * Every run ends with the hash freed and the arena as empty as it began, its tables included.
 */
import { Block } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { defaultEngineSettings, type EngineSettings } from './engine-settings.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { HASH_BYTES, HASH_PACKED, type HashForm, HashValue } from './hash-value.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';

interface Content {
  value: string;
  /** Infinity for none. */
  deadline: number;
}

/** hash-max-listpack-entries of a run. */
const THRESHOLDS = [4, 16, 64, 512, 512] as const;

class Model {
  readonly random: RandomSource;
  readonly arena = new Arena();
  readonly descriptor = Block.allocate(HASH_BYTES + 3);
  readonly hash = new HashValue();
  readonly settings: EngineSettings = defaultEngineSettings();
  readonly fields = new Map<string, Content>();
  /** The form that the next `open` is told, as an entry's meta would. */
  form: HashForm = HASH_PACKED;
  readonly names: number;
  now = 1_000_000;

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.settings.hashMaxListpackEntries = THRESHOLDS[this.random.below(THRESHOLDS.length)];
    if (this.random.below(2) === 0) this.settings.hashMaxListpackValue = 1 << 20;
    this.names = [6, 40, 400, 3000][this.random.below(4)];
    this.hash.createAt(this.arena, this.descriptor, 3);
  }

  open(): void {
    this.form = this.hash.form;
    this.hash.openAt(this.arena, this.descriptor, 3, this.form);
  }

  field(): string {
    const n = this.random.below(this.names);
    if (n % 7 === 0) return String(n - 50);
    if (n % 31 === 0) return `${'long field '.repeat(n % 12)}${n}`;
    return n % 5 === 0 ? `f${n}` : `field:${n}`;
  }

  value(): string {
    const { random } = this;
    const kind = random.below(12);
    if (kind < 3) return String(random.below(2) === 0 ? random.below(300) : random.next());
    if (kind < 4) return String(2n ** BigInt(random.below(64)) - 1n);
    if (kind < 5) return ['007', '-0', '', ' 1', '-5000'][random.below(5)];
    if (kind < 10) return 'v'.repeat(random.below(30));
    if (kind < 11) return 'w'.repeat(random.below(200));
    return 'x'.repeat(random.below(random.below(20) === 0 ? 100_000 : 1000));
  }

  find(field: string): boolean {
    return this.hash.find(Block.of(`.${field}`), 1, field.length);
  }

  put(): void {
    const field = this.field();
    const value = this.value();
    const keeps = this.random.below(3) === 0;
    const old = this.fields.get(field);
    const source = Block.of(`.${field}${value}`);
    const { length } = field;
    const isNew = this.hash.put(
      this.settings,
      source,
      1,
      length,
      source,
      1 + length,
      value.length,
      keeps,
    );
    invariant(isNew === (old === undefined), 'put is wrong about what was there');
    this.fields.set(field, { value, deadline: (keeps && old?.deadline) || Infinity });
  }

  remove(): void {
    const field = this.field();
    invariant(this.find(field) === this.fields.has(field), 'find is wrong');
    if (!this.fields.delete(field)) return;
    this.hash.remove();
  }

  expireAt(): void {
    const field = this.field();
    const content = this.fields.get(field);
    invariant(this.find(field) === (content !== undefined), 'find is wrong');
    if (content === undefined) return;
    const isFar = this.random.below(2) === 0;
    const deadline = this.now + 1 + this.random.below(isFar ? 100_000 : 20);
    content.deadline = this.random.below(4) === 0 ? Infinity : deadline;
    this.hash.setDeadline(content.deadline);
  }

  /** Time passes. */
  expire(): void {
    this.now += this.random.below(this.random.below(5) === 0 ? 20_000 : 20);
    const due = [...this.fields].filter(([, { deadline }]) => deadline <= this.now);
    const most = this.random.below(3) === 0 ? 1 + this.random.below(3) : Infinity;
    const expired = this.hash.expireDue(this.now, most);
    invariant(expired === Math.min(most, due.length), `${expired} fields expired`);
    // The earliest went first; of equal ones any.
    const left = new Set<string>();
    for (this.hash.rewind(); this.hash.advance(); ) left.add(this.hash.fieldSpan().text());
    due.sort(([, a], [, b]) => a.deadline - b.deadline);
    const border = due[expired - 1]?.[1].deadline ?? 0;
    for (const [field, { deadline }] of due) {
      if (left.has(field)) invariant(deadline >= border, 'a later field expired first');
      else this.fields.delete(field);
    }
  }

  check(): void {
    const { hash } = this;
    hash.verify();
    this.arena.verify();
    invariant(hash.count === this.fields.size, `counts ${hash.count} of ${this.fields.size}`);
    const deadlines = [...this.fields.values()].map(({ deadline }) => deadline);
    invariant(hash.earliest === Math.min(Infinity, ...deadlines), 'wrong earliest deadline');
    const seen = new Set<string>();
    for (hash.rewind(); hash.advance(); ) {
      const field = hash.fieldSpan().text();
      const content = this.fields.get(field);
      invariant(content?.value === hash.valueSpan().text(), 'wrong value');
      invariant(content.deadline === hash.deadline(), 'wrong deadline');
      invariant(content.value.length === hash.valueLength(), 'wrong length');
      seen.add(field);
    }
    invariant(seen.size === this.fields.size, 'a walk comes to a field twice');
    this.scan();
  }

  /** A scan with a small count finds everything. */
  scan(): void {
    const { hash } = this;
    let found = 0;
    for (let cursor = 0; cursor >= 0; ) {
      cursor = hash.scan(cursor, 5, () => {
        invariant(this.fields.has(hash.fieldSpan().text()), 'a scan finds what is not there');
        found++;
      });
    }
    invariant(found === this.fields.size, 'a scan misses something');
  }

  step(): void {
    const kind = this.random.below(100);
    this.open();
    if (kind < 50) this.put();
    else if (kind < 68) this.remove();
    else if (kind < 85) this.expireAt();
    else if (kind < 95) this.expire();
    else if (this.fields.size > 0) {
      this.hash.pick(this.random);
      invariant(this.fields.has(this.hash.fieldSpan().text()), 'picked what is not there');
    }
  }
}

export function fuzzHashValue(seed: number, steps: number): void {
  const model = new Model(seed);
  for (let step = 0; step < steps; step++) {
    model.step();
    if (step % 16 === 0) model.check();
  }
  model.check();
  const { arena, hash } = model;
  hash.free();
  arena.verify();
  invariant(arena.usedBytes === 0, `${arena.usedBytes} bytes are left`);
  invariant(arena.tableBytes === 0, `${arena.tableBytes} bytes of tables are left`);
  invariant(arena.structures.size === 0, 'a table is left');
}

runFuzzer(import.meta, 1500, fuzzHashValue);
