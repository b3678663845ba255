/**
 * Random commands on hashes with deadlines of fields, against a model: what redis-server 7.0, the
 * oracle of the other fuzzers, does not have. Time passes with and without active expiry; keys are
 * renamed, moved, given deadlines of their own and deleted on the way.
 *
 * Every reply is compared. Every run ends with all keys deleted and nothing left in the arena.
 */
import { EngineFixture } from '../engine.fixture.ts';
import { runFuzzer } from '../fuzz-run.fixture.ts';
import { invariant } from '../invariant.ts';
import { RandomSource } from '../random-source.ts';

interface Content {
  value: string;
  /** Infinity for none. */
  deadline: number;
}

const KEYS = ['h', 'i', 'j', 'key with a long name'];
const CONDITIONS = ['', 'NX', 'XX', 'GT', 'LT'] as const;

class Model {
  readonly random: RandomSource;
  readonly fixture: EngineFixture;
  readonly hashes = new Map<string, Map<string, Content>>();

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.fixture = new EngineFixture({ seed, now: 1_000_000 });
    const { settings } = this.fixture.engine;
    settings.hashMaxListpackEntries = [512, 20, 5][this.random.below(3)];
  }

  get now(): number {
    return this.fixture.engine.now;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)];
  }

  key(): string {
    return this.pick(KEYS);
  }

  field(): string {
    const n = this.random.below(30);
    return n % 4 === 0 ? String(n) : `field:${n}`;
  }

  fields(): string[] {
    return Array.from({ length: 1 + this.random.below(4) }, () => this.field());
  }

  value(): string {
    const kind = this.random.below(8);
    if (kind < 3) return String(this.random.below(1000) - 500);
    return 'v'.repeat(this.random.below(kind < 7 ? 20 : 100));
  }

  /** Fields of a key that are not due. */
  hash(key: string): Map<string, Content> {
    const hash = this.hashes.get(key) ?? new Map<string, Content>();
    for (const [field, { deadline }] of hash) if (deadline <= this.now) hash.delete(field);
    return hash;
  }

  store(key: string, hash: Map<string, Content>): void {
    if (hash.size === 0) this.hashes.delete(key);
    else this.hashes.set(key, hash);
  }

  expect(expected: string, ...words: (string | number)[]): void {
    const [name, ...args] = words;
    const got = this.fixture.call(String(name), ...args);
    invariant(got === expected, `${words.join(' ')} replied ${got} instead of ${expected}`);
  }

  put(): void {
    const key = this.key();
    const hash = this.hash(key);
    const before = hash.size;
    const pairs = this.fields().flatMap((field) => [field, this.value()]);
    for (let i = 0; i < pairs.length; i += 2) {
      hash.set(pairs[i], { value: pairs[i + 1], deadline: Infinity });
    }
    this.store(key, hash);
    this.expect(integer(hash.size - before), 'HSET', key, ...pairs);
  }

  /** A deadline as words of an option, near or far, now and then past. */
  expiration(): { words: [string, number]; deadline: number } {
    const { random, now } = this;
    const time = random.below(3) === 0 ? random.below(50) : random.below(20_000);
    const seconds = random.below(20);
    const unit = random.below(4);
    if (unit === 0) return { words: ['EX', seconds], deadline: now + seconds * 1000 };
    if (unit === 1) return { words: ['PX', time], deadline: now + time };
    if (unit === 2) {
      const at = Math.floor(now / 1000) + seconds - 1;
      return { words: ['EXAT', at], deadline: at * 1000 };
    }
    return { words: ['PXAT', now + time - 10], deadline: now + time - 10 };
  }

  setex(): void {
    const key = this.key();
    const hash = this.hash(key);
    const condition = this.pick(['', '', 'FNX', 'FXX']);
    const way = this.random.below(3);
    const { words, deadline } = this.expiration();
    const pairs = this.fields().flatMap((field) => [field, this.value()]);
    const options: (string | number)[] = condition === '' ? [] : [condition];
    if (way === 0) options.push(...words);
    if (way === 1) options.push('KEEPTTL');
    const count = pairs.length / 2;
    const there = pairs.filter((field, i) => i % 2 === 0 && hash.has(field)).length;
    const isRefused = (condition === 'FNX' && there > 0) || (condition === 'FXX' && there < count);
    for (let i = 0; !isRefused && i < pairs.length; i += 2) {
      const kept = way === 1 ? hash.get(pairs[i])?.deadline : undefined;
      const at = way === 0 ? deadline : (kept ?? Infinity);
      hash.set(pairs[i], { value: pairs[i + 1], deadline: at });
      if (at <= this.now) hash.delete(pairs[i]);
    }
    this.store(key, hash);
    this.expect(integer(isRefused ? 0 : 1), 'HSETEX', key, ...options, 'FIELDS', count, ...pairs);
  }

  expire(): void {
    const key = this.key();
    const hash = this.hash(key);
    const condition = this.pick(CONDITIONS);
    const { words, deadline } = this.expiration();
    const name = { EX: 'HEXPIRE', PX: 'HPEXPIRE', EXAT: 'HEXPIREAT', PXAT: 'HPEXPIREAT' }[words[0]];
    const fields = this.fields();
    const answers = fields.map((field) => this.expireField(hash, field, condition, deadline));
    this.store(key, hash);
    const options = condition === '' ? [] : [condition];
    const list = ['FIELDS', fields.length, ...fields];
    this.expect(integers(answers), String(name), key, words[1], ...options, ...list);
  }

  expireField(
    hash: Map<string, Content>,
    field: string,
    condition: string,
    deadline: number,
  ): number {
    const content = hash.get(field);
    if (content === undefined) return -2;
    const current = content.deadline;
    if (condition === 'NX' && current !== Infinity) return 0;
    if ((condition === 'XX' || condition === 'GT') && current === Infinity) return 0;
    if (condition === 'GT' && deadline <= current) return 0;
    if (condition === 'LT' && deadline >= current) return 0;
    content.deadline = deadline;
    if (deadline > this.now) return 1;
    hash.delete(field);
    return 2;
  }

  persist(): void {
    const key = this.key();
    const hash = this.hash(key);
    const fields = this.fields();
    const answers = fields.map((field) => {
      const content = hash.get(field);
      if (content === undefined) return -2;
      if (content.deadline === Infinity) return -1;
      content.deadline = Infinity;
      return 1;
    });
    this.store(key, hash);
    this.expect(integers(answers), 'HPERSIST', key, 'FIELDS', fields.length, ...fields);
  }

  ttl(): void {
    const key = this.key();
    const hash = this.hash(key);
    const fields = this.fields();
    const [name, base, unit] = this.pick([
      ['HTTL', this.now, 1000],
      ['HPTTL', this.now, 1],
      ['HEXPIRETIME', 0, 1000],
      ['HPEXPIRETIME', 0, 1],
    ] as const);
    const answers = fields.map((field) => {
      const deadline = hash.get(field)?.deadline;
      if (deadline === undefined) return -2;
      return deadline === Infinity ? -1 : Math.floor((deadline + unit - 1 - base) / unit);
    });
    this.expect(integers(answers), name, key, 'FIELDS', fields.length, ...fields);
  }

  getex(): void {
    const key = this.key();
    const hash = this.hash(key);
    const way = this.random.below(3);
    const { words, deadline } = this.expiration();
    const fields = this.fields();
    const answers = fields.map((field) => {
      const content = hash.get(field);
      if (content === undefined) return undefined;
      if (way === 1) content.deadline = Infinity;
      if (way === 2) content.deadline = deadline;
      if (content.deadline <= this.now) hash.delete(field);
      return content.value;
    });
    this.store(key, hash);
    const options = [[], ['PERSIST'], words][way];
    this.expect(bulks(answers), 'HGETEX', key, ...options, 'FIELDS', fields.length, ...fields);
  }

  getdel(): void {
    const key = this.key();
    const hash = this.hash(key);
    const fields = this.fields();
    const answers = fields.map((field) => {
      const value = hash.get(field)?.value;
      hash.delete(field);
      return value;
    });
    this.store(key, hash);
    this.expect(bulks(answers), 'HGETDEL', key, 'FIELDS', fields.length, ...fields);
  }

  del(): void {
    const key = this.key();
    const hash = this.hash(key);
    const fields = this.fields();
    const removed = fields.filter((field) => hash.delete(field)).length;
    this.store(key, hash);
    this.expect(integer(removed), 'HDEL', key, ...fields);
  }

  /** HINCRBY keeps the deadline, HSETNX gives none. */
  write(): void {
    const key = this.key();
    const hash = this.hash(key);
    const field = this.field();
    const content = hash.get(field);
    if (this.random.below(2) === 0) {
      if (content === undefined) hash.set(field, { value: 'new', deadline: Infinity });
      this.store(key, hash);
      this.expect(integer(content === undefined ? 1 : 0), 'HSETNX', key, field, 'new');
      return;
    }
    if (content !== undefined && !/^(0|-?[1-9]\d*)$/.test(content.value)) {
      this.expect('-ERR hash value is not an integer\r\n', 'HINCRBY', key, field, 7);
      return;
    }
    const value = Number(content?.value ?? 0) + 7;
    hash.set(field, { value: String(value), deadline: content?.deadline ?? Infinity });
    this.store(key, hash);
    this.expect(integer(value), 'HINCRBY', key, field, 7);
  }

  read(): void {
    const key = this.key();
    const hash = this.hash(key);
    this.store(key, hash);
    const fields = this.fields();
    const values = fields.map((field) => hash.get(field)?.value);
    this.expect(bulks(values), 'HMGET', key, ...fields);
    this.expect(integer(hash.size), 'HLEN', key);
    this.expect(integer(hash.size > 0 ? 1 : 0), 'EXISTS', key);
    const all = this.fixture.call('HGETALL', key) ?? '';
    for (const [field, { value }] of hash) {
      const pair = bulks([field, value]).slice(4);
      invariant(all.includes(pair), `HGETALL ${key} misses ${field}`);
    }
    invariant(all.startsWith(`*${2 * hash.size}\r\n`), `HGETALL ${key} has too many fields`);
  }

  /** What keyspaces do with whole keys. */
  wholeKey(): void {
    const key = this.key();
    const hash = this.hash(key);
    this.store(key, hash);
    // Looking a key up deletes what is due, so that all of them see the same.
    this.expect(integer(hash.size), 'HLEN', key);
    const kind = this.random.below(4);
    if (kind === 0) {
      const target = this.key();
      if (hash.size === 0 || target === key) return;
      this.hashes.delete(key);
      this.hashes.set(target, hash);
      this.expect('+OK\r\n', 'RENAME', key, target);
    } else if (kind === 1) {
      this.expect(integer(hash.size > 0 ? 1 : 0), 'EXPIRE', key, 1_000_000);
    } else if (kind === 2) {
      this.fixture.call('PERSIST', key);
    } else if (this.random.below(4) === 0) {
      this.hashes.delete(key);
      this.expect(integer(hash.size > 0 ? 1 : 0), 'DEL', key);
    }
  }

  pass(): void {
    const { engine } = this.fixture;
    const time = this.random.below(this.random.below(4) === 0 ? 5000 : 30);
    if (this.random.below(2) === 0) this.fixture.advance(time);
    else engine.setNow(engine.now + time);
  }

  step(): void {
    const kind = this.random.below(100);
    if (kind < 20) this.put();
    else if (kind < 30) this.setex();
    else if (kind < 45) this.expire();
    else if (kind < 50) this.persist();
    else if (kind < 57) this.ttl();
    else if (kind < 62) this.getex();
    else if (kind < 66) this.getdel();
    else if (kind < 70) this.del();
    else if (kind < 75) this.write();
    else if (kind < 85) this.read();
    else if (kind < 90) this.wholeKey();
    else this.pass();
  }

  /** The engine knows the earliest deadline of all. */
  check(): void {
    const { engine } = this.fixture;
    engine.verify();
    this.fixture.advance(0);
    let earliest = Infinity;
    for (const key of KEYS) {
      const hash = this.hash(key);
      this.store(key, hash);
      for (const { deadline } of hash.values()) earliest = Math.min(earliest, deadline);
    }
    invariant(engine.keyspace(0).partExpiries.earliest() === earliest, 'wrong earliest deadline');
    invariant(engine.keyspace(0).size === this.hashes.size, 'wrong number of keys');
  }
}

function integer(value: number): string {
  return `:${value}\r\n`;
}

function integers(values: readonly number[]): string {
  return `*${values.length}\r\n${values.map(integer).join('')}`;
}

function bulks(values: readonly (string | undefined)[]): string {
  const texts = values.map((value) =>
    value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`,
  );
  return `*${values.length}\r\n${texts.join('')}`;
}

export function fuzzHashExpiry(seed: number, steps: number): void {
  const model = new Model(seed);
  const { engine } = model.fixture;
  for (let step = 0; step < steps; step++) {
    model.step();
    if (step % 32 === 0) model.check();
  }
  model.check();
  model.fixture.call('DEL', ...KEYS);
  const keyspace = engine.keyspace(0);
  engine.verify();
  invariant(keyspace.partExpiries.size === 0, 'a deadline is left');
  invariant(engine.arena.usedBytes === 0, `${engine.arena.usedBytes} bytes are left`);
  invariant(engine.arena.structures.size === 0, 'a table is left');
  keyspace.release();
}

runFuzzer(import.meta, 2000, fuzzHashExpiry);
