/**
 * Random programs of string commands against redis-server: every reply, and at the end of each
 * program all values, encodings and deadlines.
 */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { RandomSource } from '../random-source.ts';
import { type Command, RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';
import { StringSpan, stringEncoding } from '../string-value.ts';

const KEYS = ['a', 'b', 'c', '{k}:long-key-name-that-needs-words', 'list', ''];
const INTEGERS = [
  '0',
  '1',
  '-1',
  '9',
  '10',
  '99',
  '-100',
  '1073741823',
  '1073741824',
  '-2147483648',
  '4294967296',
  '999999999999999',
  '1000000000000000',
  '9007199254740993',
  '9223372036854775806',
  '9223372036854775807',
  '-9223372036854775808',
  '-9223372036854775807',
  '9223372036854775808',
  '-0',
  '+1',
  '007',
  ' 5',
  '5 ',
  '1e3',
  '',
];
const FLOATS = [
  '0.1',
  '0.2',
  '3.0e3',
  '-1.5',
  '1e-17',
  '5e-18',
  '1e17',
  '123456789.987654321',
  '.5',
  '5.',
  '1e308',
  '1e4932',
  '-1e4932',
  '1e5000',
  '1e-4940',
  '1e-5000',
  'inf',
  '-Infinity',
  'nan',
  '0x1p-3',
  '0x1.8',
  '0xff',
  '1_0',
  'e5',
  '0.333333333333333333333333',
  '17.00000000000000001',
  '1e',
  '-0.0',
];
/** Whole multiples of these (seconds) are told apart although time passes while the test runs. */
const SECONDS_STEP = 100_000;
const DEADLINE_TOLERANCE_MS = (SECONDS_STEP * 1000) / 4;

class Programs {
  readonly #random: RandomSource;
  readonly #now: number;

  constructor(seed: number, now: number) {
    this.#random = new RandomSource(seed);
    this.#now = now;
  }

  command(): Command {
    const pick = this.#random.below(COMMANDS.length);
    return COMMANDS[pick](this);
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)];
  }

  key(): string {
    return this.pick(KEYS);
  }

  value(): string {
    switch (this.below(10)) {
      case 0:
        return this.pick(INTEGERS);
      case 1:
        return this.pick(FLOATS);
      case 2:
        return this.bytes(this.below(100));
      case 3:
        return this.bytes(40 + this.below(8));
      case 4:
        return this.bytes(this.below(40) === 0 ? 65_300 + this.below(400) : this.below(3000));
      case 5:
        return this.float();
      case 6:
        return this.letters();
      default:
        return String(this.below(2_000_000) - 1_000_000);
    }
  }

  bytes(length: number): string {
    const first = this.below(256);
    return Array.from({ length }, (_, i) => String.fromCharCode((first + i * 7) & 255)).join('');
  }

  letters(): string {
    return Array.from({ length: this.below(24) }, () => 'abcd'[this.below(4)]).join('');
  }

  float(): string {
    const digits = String(this.#random.next()) + String(this.#random.next());
    const at = this.below(digits.length);
    const power = this.below(3) === 0 ? `e${this.below(60) - 40}` : '';
    return `${this.below(2) === 0 ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}${power}`;
  }

  /** A time for EX (seconds), PX, EXAT or PXAT: far ahead, sometimes past or wrong. */
  time(word: string): string {
    if (this.below(6) === 0) {
      return this.pick([
        '0',
        '-1',
        'x',
        '',
        '1.5',
        '9223372036854775807',
        '9223372036854775',
        '9223372036854776',
        '-9223372036854775808',
        '99999999999999999999',
      ]);
    }
    const seconds = SECONDS_STEP * (1 + this.below(50));
    const absolute = Math.floor(this.#now / 1000) + seconds;
    if (word === 'EX') return String(seconds);
    if (word === 'PX') return String(seconds * 1000);
    if (this.below(6) === 0) return this.pick(['1', '1000000']);
    return String(word === 'EXAT' ? absolute : absolute * 1000);
  }

  option(words: readonly string[]): string[] {
    const word = this.pick(words);
    const timed = ['EX', 'PX', 'EXAT', 'PXAT'].includes(word);
    const cased = this.below(4) === 0 ? word.toLowerCase() : word;
    return timed && this.below(20) !== 0 ? [cased, this.time(word)] : [cased];
  }

  options(words: readonly string[], max: number): string[] {
    return Array.from({ length: this.below(max + 1) }, () => this.option(words)).flat();
  }

  index(): string {
    return this.below(12) === 0 ? this.pick(INTEGERS) : String(this.below(60) - 30);
  }
}

const SET_WORDS = ['NX', 'XX', 'GET', 'KEEPTTL', 'EX', 'PX', 'EXAT', 'PXAT', 'PERSIST', 'EXX'];
const GETEX_WORDS = ['PERSIST', 'EX', 'PX', 'EXAT', 'PXAT', 'KEEPTTL', 'NX'];
const LCS_WORDS = ['LEN', 'IDX', 'WITHMATCHLEN', 'MINMATCHLEN'];

function lcsOptions(p: Programs): string[] {
  const words = Array.from({ length: p.below(4) }, () => p.pick(LCS_WORDS));
  return words.flatMap((word) =>
    word === 'MINMATCHLEN' && p.below(10) !== 0 ? [word, String(p.below(5) - 1)] : [word],
  );
}

/** Every string command, some more often. */
const COMMANDS: readonly ((p: Programs) => Command)[] = [
  (p) => ['SET', p.key(), p.value()],
  (p) => ['SET', p.key(), p.value()],
  (p) => ['SET', p.key(), p.letters()],
  (p) => ['SET', p.key(), p.value(), ...p.options(SET_WORDS, 3)],
  (p) => ['SET', p.key(), p.value(), ...p.option(SET_WORDS)],
  (p) => ['GET', p.key()],
  (p) => ['GETEX', p.key(), ...p.options(GETEX_WORDS, 2)],
  (p) => ['GETDEL', p.key()],
  (p) => ['GETSET', p.key(), p.value()],
  (p) => ['GETRANGE', p.key(), p.index(), p.index()],
  (p) => ['SUBSTR', p.key(), p.index(), p.index()],
  (p) => ['SETRANGE', p.key(), p.index(), p.value()],
  (p) => ['SETRANGE', p.key(), String(p.below(300)), p.value()],
  (p) => ['APPEND', p.key(), p.value()],
  (p) => ['APPEND', p.key(), p.value()],
  (p) => ['STRLEN', p.key()],
  (p) => ['INCR', p.key()],
  (p) => ['INCR', p.key()],
  (p) => ['DECR', p.key()],
  (p) => ['INCRBY', p.key(), p.below(2) === 0 ? p.pick(INTEGERS) : p.value()],
  (p) => ['DECRBY', p.key(), p.below(2) === 0 ? p.pick(INTEGERS) : p.value()],
  (p) => ['INCRBYFLOAT', p.key(), p.below(2) === 0 ? p.pick(FLOATS) : p.float()],
  (p) => ['INCRBYFLOAT', p.key(), p.float()],
  (p) => ['MSET', p.key(), p.value(), p.key(), p.value(), ...(p.below(9) === 0 ? ['odd'] : [])],
  (p) => ['MSETNX', p.key(), p.value(), p.key(), p.value(), ...(p.below(9) === 0 ? ['odd'] : [])],
  (p) => ['MGET', p.key(), p.key(), p.key()],
  (p) => ['SETEX', p.key(), p.time('EX'), p.value()],
  (p) => ['PSETEX', p.key(), p.time('PX'), p.value()],
  (p) => ['SETNX', p.key(), p.value()],
  (p) => ['LCS', p.key(), p.key(), ...lcsOptions(p)],
  (p) => ['RPUSH', p.pick(['list', 'a']), 'element'],
];

/** Value, encoding and deadline of each string, as redis-server or the engine tells it. */
interface State {
  readonly key: string;
  readonly value: string | undefined;
  readonly encoding: string | undefined;
  /** ms since the epoch, −1 for none. */
  readonly deadline: number;
}

function engineState(fixture: EngineFixture): State[] {
  const keyspace = fixture.engine.keyspace(0);
  const span = new StringSpan();
  const states: State[] = [];
  for (const key of KEYS) {
    const reference = keyspace.findKey(Buffer.from(key, 'latin1'));
    if (reference === 0 || !span.locate(keyspace.arena, reference)) continue;
    const deadline = keyspace.deadlineOf(reference);
    states.push({
      key,
      value: span.text(),
      encoding: stringEncoding(keyspace.arena, reference),
      deadline: deadline === Infinity ? -1 : deadline,
    });
  }
  return states;
}

async function redisState(redis: RedisServer): Promise<State[]> {
  const states: State[] = [];
  for (const key of KEYS) {
    const [type, value, encoding, deadline] = await redis.call([
      ['TYPE', key],
      ['GET', key],
      ['OBJECT', 'ENCODING', key],
      ['PEXPIRETIME', key],
    ]);
    if (type !== '+string\r\n') continue;
    states.push({
      key,
      value: bulkText(value),
      encoding: bulkText(encoding),
      deadline: Number(deadline.slice(1)),
    });
  }
  return states;
}

function bulkText(reply: string): string {
  return reply.slice(reply.indexOf('\n') + 1, -2);
}

function sameState(ours: State[], theirs: State[]): boolean {
  return (
    ours.length === theirs.length &&
    ours.every((state, i) => {
      const other = theirs[i];
      return (
        state.key === other.key &&
        state.value === other.value &&
        state.encoding === other.encoding &&
        state.deadline < 0 === other.deadline < 0 &&
        // Relative deadlines near the end of time are rounded to doubles.
        Math.abs(state.deadline - other.deadline) < DEADLINE_TOLERANCE_MS
      );
    })
  );
}

function shown(commands: readonly Command[], upTo: number): string {
  const last = commands.slice(Math.max(0, upTo - 6), upTo + 1);
  return last.map((command) => JSON.stringify(command).slice(0, 200)).join('\n');
}

const missing = redisMissing();

for (const flags of [0, REQUEST_RESP3]) {
  t.test(`random programs, ${flags === 0 ? 'RESP2' : 'RESP3'}`, { skip: missing }, async (t) => {
    const redis = await RedisServer.start();
    t.teardown(() => redis.stop());
    for (let seed = 1; seed <= 100; seed++) {
      const now = Date.now();
      const fixture = new EngineFixture({ now });
      fixture.flags = flags;
      const programs = new Programs(seed * 2 + flags, now);
      const commands = Array.from({ length: 300 }, () => programs.command());
      await redis.call([['FLUSHALL'], ['HELLO', flags === 0 ? 2 : 3]]);
      const replies = await redis.call(commands);
      for (const [i, [name, ...args]] of commands.entries()) {
        const reply = fixture.call(String(name), ...args);
        if (reply !== replies[i]) {
          t.equal(reply, replies[i], `seed ${seed}:\n${shown(commands, i)}`);
          return;
        }
      }
      const ours = engineState(fixture);
      const theirs = await redisState(redis);
      if (!sameState(ours, theirs)) {
        t.same(ours, theirs, `state after seed ${seed}`);
        return;
      }
      fixture.engine.verify();
    }
    t.pass('30,000 replies are the same');
  });
}

t.test('sums of floats', { skip: missing }, async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const programs = new Programs(7, 0);
  const fixture = new EngineFixture();
  const commands = Array.from({ length: 10_000 }, (): readonly Command[] => [
    ['SET', 'f', programs.below(3) === 0 ? programs.pick(FLOATS) : programs.float()],
    ['INCRBYFLOAT', 'f', programs.float()],
  ]).flat();
  const replies = await redis.call(commands);
  const wrong = commands.filter(
    ([name, ...args], i) => fixture.call(String(name), ...args) !== replies[i],
  );
  t.same(wrong, []);
});
