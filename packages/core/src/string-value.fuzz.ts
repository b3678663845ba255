/**
 * String commands against a Map: values of all sizes that matter to the layout (slots, blocks of
 * their own, blocks taken over), deadlines that pass, and memory that must be all back at the end.
 */

import { EngineFixture } from './engine.fixture.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { ADOPT_BYTES_MIN, ARENA_SLOT_BYTES_MAX } from './limits.ts';
import { parseBigInteger } from './number-text.ts';
import { RandomSource } from './random-source.ts';
import { REQUEST_OWNS_BLOCK } from './request.ts';

interface Expected {
  value: string;
  deadline: number;
}

const SIZES = [0, 1, 3, 16, 44, 45, 100, 1000, 5000, ADOPT_BYTES_MIN, 3 * ADOPT_BYTES_MIN];
const KEYS = 40;
const KEY_BYTES_MAX = 80;

class StringFuzz {
  readonly #random: RandomSource;
  readonly #fixture = new EngineFixture();
  readonly #model = new Map<string, Expected>();

  constructor(seed: number) {
    this.#random = new RandomSource(seed);
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this.#fixture.flags = this.#random.below(2) === 0 ? REQUEST_OWNS_BLOCK : 0;
      this.#step();
      if (i % 500 === 0) this.#fixture.engine.verify();
    }
    this.#checkAll();
    this.#removeAll();
  }

  #step(): void {
    const key = this.#key();
    const steps = [
      () => this.#set(key, this.#value(), Infinity),
      () => this.#set(key, String(this.#random.below(20_000) - 10_000), Infinity),
      () => this.#set(key, this.#value(), this.#deadline()),
      () => this.#keepTtl(key, this.#value()),
      () => this.#append(key, this.#value()),
      () => this.#setRange(key, this.#random.below(2000), this.#value()),
      () => this.#increment(key),
      () => this.#getDelete(key),
      () => this.#getExpire(key),
      () => this.#becomeList(key),
      () => this.#pass(),
      () => this.#check(key),
    ];
    steps[this.#random.below(steps.length)]();
  }

  #key(): string {
    const number = this.#random.below(KEYS);
    return `${number}:`.padEnd((number * 7) % KEY_BYTES_MAX, 'k');
  }

  #value(): string {
    const around = this.#random.below(6) === 0 ? ARENA_SLOT_BYTES_MAX - 100 : 0;
    const isLarge = this.#random.below(10) === 0;
    const size = SIZES[this.#random.below(isLarge ? SIZES.length : 8)];
    const length = around > 0 && isLarge ? around + this.#random.below(120) : size;
    return String.fromCharCode(this.#random.below(256)).repeat(length);
  }

  #deadline(): number {
    return this.#fixture.engine.now + 1 + this.#random.below(3000);
  }

  #call(name: string, ...args: (string | number)[]): string {
    const reply = this.#fixture.call(name, ...args);
    invariant(reply !== undefined, `${name} blocked`);
    return reply;
  }

  #expect(reply: string, expected: string): void {
    invariant(reply === expected, `${reply.slice(0, 80)} for ${expected.slice(0, 80)}`);
  }

  /** What the model holds under a key that is a string: undefined for none or another type. */
  #live(key: string): Expected | undefined {
    const entry = this.#model.get(key);
    if (entry === undefined || entry.deadline > this.#fixture.engine.now) return entry;
    this.#model.delete(key);
    return undefined;
  }

  #set(key: string, value: string, deadline: number): void {
    const options = deadline === Infinity ? [] : ['PXAT', deadline];
    this.#expect(this.#call('SET', key, value, ...options), '+OK\r\n');
    this.#model.set(key, { value, deadline });
  }

  #keepTtl(key: string, value: string): void {
    const deadline = this.#live(key)?.deadline ?? Infinity;
    this.#expect(this.#call('SET', key, value, 'KEEPTTL'), '+OK\r\n');
    this.#model.set(key, { value, deadline });
  }

  #append(key: string, added: string): void {
    const old = this.#live(key) ?? { value: '', deadline: Infinity };
    const value = old.value + added;
    this.#expect(this.#call('APPEND', key, added), `:${value.length}\r\n`);
    this.#model.set(key, { value, deadline: old.deadline });
  }

  #setRange(key: string, offset: number, part: string): void {
    const old = this.#live(key) ?? { value: '', deadline: Infinity };
    const reply = this.#call('SETRANGE', key, offset, part);
    const value =
      part === ''
        ? old.value
        : old.value.slice(0, offset).padEnd(offset, '\0') +
          part +
          old.value.slice(offset + part.length);
    this.#expect(reply, `:${value.length}\r\n`);
    if (value !== '' || this.#model.has(key)) this.#model.set(key, { ...old, value });
  }

  #increment(key: string): void {
    const old = this.#live(key) ?? { value: '0', deadline: Infinity };
    const delta = this.#random.below(5) - 2;
    const reply = this.#call('INCRBY', key, delta);
    const number = parseBigInteger(old.value);
    if (number === undefined) {
      this.#expect(reply, '-ERR value is not an integer or out of range\r\n');
      return;
    }
    const value = String(number + BigInt(delta));
    this.#expect(reply, `:${value}\r\n`);
    this.#model.set(key, { value, deadline: old.deadline });
  }

  #getDelete(key: string): void {
    this.#expect(this.#call('GETDEL', key), bulk(this.#live(key)?.value));
    this.#model.delete(key);
  }

  #getExpire(key: string): void {
    const old = this.#live(key);
    const deadline = this.#random.below(2) === 0 ? Infinity : this.#deadline();
    const options = deadline === Infinity ? ['PERSIST'] : ['PXAT', deadline];
    this.#expect(this.#call('GETEX', key, ...options), bulk(old?.value));
    if (old !== undefined) this.#model.set(key, { value: old.value, deadline });
  }

  /** A list in a string's place, which SET then replaces. */
  #becomeList(key: string): void {
    this.#call('GETDEL', key);
    this.#call('RPUSH', key, 'element', this.#value());
    this.#set(key, this.#value(), this.#random.below(2) === 0 ? Infinity : this.#deadline());
  }

  #pass(): void {
    this.#fixture.advance(this.#random.below(100));
  }

  #check(key: string): void {
    const expected = this.#live(key);
    this.#expect(this.#call('GET', key), bulk(expected?.value));
    const keyspace = this.#fixture.engine.keyspace(0);
    const reference = keyspace.findKey(Buffer.from(key, 'latin1'));
    if (expected === undefined) return;
    invariant(keyspace.deadlineOf(reference) === expected.deadline, `deadline of ${key}`);
  }

  #checkAll(): void {
    for (const key of [...this.#model.keys()]) this.#check(key);
    this.#fixture.engine.verify();
  }

  #removeAll(): void {
    for (const key of [...this.#model.keys()]) this.#getDelete(key);
    const { engine } = this.#fixture;
    engine.verify();
    invariant(engine.keyspace(0).size === 0, 'keys are left');
    invariant(engine.arena.usedBytes === 0, `${engine.arena.usedBytes} bytes are left`);
  }
}

function bulk(value: string | undefined): string {
  return value === undefined ? '$-1\r\n' : `$${value.length}\r\n${value}\r\n`;
}

export function fuzzStrings(seed: number, steps: number): void {
  new StringFuzz(seed).run(steps);
}

runFuzzer(import.meta, 5000, fuzzStrings);
