/**
 * Random programs of generic commands over several databases against redis-server: every reply, and
 * at the end of each program DEBUG DIGEST of the whole content.
 *
 * Times are whole multiples of a large step, and replies that tell a time are compared roughly,
 * because redis-server's clock runs on.
 */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { RandomSource } from '../random-source.ts';
import { type Command, RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';

const KEYS = ['a', 'b', 'c', 'a-key-with-a-long-name-{tag}', 'list', 'large', '', '\x00\xff'];
const DATABASES = [
  '0',
  '1',
  '2',
  '0',
  '1',
  '2',
  '-1',
  '16',
  'x',
  '4294967296',
  '99999999999999999999',
];
const TIMES = [
  '100000',
  '200000',
  '300000',
  '-1',
  '0',
  '9223372036854775807',
  '9223372036854775',
  '-9223372036854776',
  '9223370399119966',
  '-9223372036854775808',
  '1.5',
  '',
  'x',
  '9223372036854775808',
];
const CONDITIONS = ['NX', 'XX', 'GT', 'LT', 'nx', 'KEEP'];
const PATTERNS = ['*', 'a*', '?', 'list', '[a-c]', '[^a]', 'l*t', '**', '*-{tag}', '\\a', 'none'];
const TIME_TOLERANCE_MS = 50_000;
/** Replies of these are times or depend on them. */
const TELLS_TIME = new Set(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']);
/** Replies of these have no order. */
const UNORDERED = new Set(['KEYS']);

class Programs {
  readonly #random: RandomSource;
  readonly #now: number;

  constructor(seed: number, now: number) {
    this.#random = new RandomSource(seed);
    this.#now = now;
  }

  below(bound: number): number {
    return this.#random.below(bound);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }

  key(): string {
    return this.pick(KEYS);
  }

  some(most: number, make: () => string): string[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  absolute(unitMs: number): string {
    if (this.below(4) === 0) return this.pick(TIMES);
    return String(Math.floor((this.#now + 100_000_000 * (1 + this.below(4))) / unitMs));
  }

  relative(unitMs: number): string {
    if (this.below(4) === 0) return this.pick(TIMES);
    return String((100_000_000 * (1 + this.below(4))) / unitMs);
  }

  conditions(): string[] {
    return this.below(2) === 0 ? [] : this.some(2, () => this.pick(CONDITIONS));
  }

  command(): Command {
    return this.pick(COMMANDS)(this);
  }
}

type Maker = (p: Programs) => Command;

const SETTERS: readonly Maker[] = [
  (p) => ['SET', p.key(), 'v'.repeat(p.below(60))],
  (p) => ['SET', p.key(), p.below(20_000)],
  (p) => ['APPEND', p.key(), 'x'],
  (p) => ['INCRBYFLOAT', p.key(), '1'],
  (p) => ['SET', 'large', 'L'.repeat(60_000 + p.below(20_000))],
  (p) => ['RPUSH', p.key(), ...p.some(5, () => 'e'.repeat(p.below(30))), 'e'],
  (p) => ['RPUSH', 'list', ...p.some(20, () => 'e'.repeat(p.below(3000))), 'e'],
  (p) => ['LPOP', p.key()],
];

const COMMANDS: readonly Maker[] = [
  ...SETTERS,
  (p) => ['SELECT', p.below(3)],
  (p) => [p.pick(['DEL', 'UNLINK', 'EXISTS', 'TOUCH']), p.key(), ...p.some(3, () => p.key())],
  (p) => ['TYPE', p.key()],
  (p) => [p.pick(['RENAME', 'RENAMENX']), p.key(), p.key()],
  (p) => [p.pick(['RENAME', 'RENAMENX']), p.key(), p.key()],
  (p) => ['COPY', p.key(), p.key(), ...(p.below(2) === 0 ? ['REPLACE'] : [])],
  (p) => [
    'COPY',
    p.key(),
    p.key(),
    'DB',
    p.pick(DATABASES),
    ...p.some(2, () => p.pick(['replace', 'db', '1'])),
  ],
  (p) => ['MOVE', p.key(), p.pick(DATABASES)],
  (p) => ['EXPIRE', p.key(), p.relative(1000), ...p.conditions()],
  (p) => ['PEXPIRE', p.key(), p.relative(1), ...p.conditions()],
  (p) => ['EXPIREAT', p.key(), p.absolute(1000), ...p.conditions()],
  (p) => ['PEXPIREAT', p.key(), p.absolute(1), ...p.conditions()],
  (p) => [p.pick([...TELLS_TIME]), p.key()],
  (p) => ['PERSIST', p.key()],
  (p) => ['KEYS', p.pick(PATTERNS)],
  () => ['DBSIZE'],
  (p) => ['OBJECT', p.pick(['REFCOUNT', 'FREQ', 'IDLETIME']), p.key()],
  () => ['OBJECT', 'HELP'],
  (p) => (p.below(5) === 0 ? ['SWAPDB', p.pick(DATABASES), p.pick(DATABASES)] : ['DBSIZE']),
  (p) =>
    p.below(9) === 0 ? ['FLUSHDB', ...p.some(2, () => p.pick(['ASYNC', 'sync', 'x']))] : ['DBSIZE'],
  (p) =>
    p.below(30) === 0 ? ['FLUSHALL', ...p.some(2, () => p.pick(['async', 'SYNC']))] : ['DBSIZE'],
  (p) => ['SCAN', p.pick(['x', ' 1', '1 ', '18446744073709551616', '-']), 'COUNT', '5'],
  (p) => [
    'SCAN',
    '0',
    p.pick(['COUNT', 'MATCH', 'TYPE', 'FOO']),
    p.pick(['0', '-1', 'x', '']),
    'COUNT',
  ],
  (p) => ['SCAN', '0', 'COUNT', p.pick(['0', '-1', 'x', '', '9223372036854775808'])],
  (p) => ['SCAN', p.pick(['0', '', '00', '+0']), 'MATCH', p.pick(PATTERNS), 'COUNT', '1000'],
  (p) => ['SCAN', '0', 'COUNT', '1000', 'TYPE', p.pick(['string', 'LIST', 'set', 'foo'])],
  (p) => ['DEBUG', 'DIGEST-VALUE', ...p.some(3, () => p.key())],
];

/** Calls a command as the gateway would: SELECT, and subcommands by their row's name. */
function callOurs(fixture: EngineFixture, [name, ...args]: Command): string | undefined {
  if (name === 'SELECT') {
    fixture.database = Number(args[0]);
    return '+OK\r\n';
  }
  const isContainer = name === 'OBJECT' || name === 'DEBUG';
  return fixture.call(isContainer ? `${name}|${args[0]}` : String(name), ...args);
}

function normalized([name]: Command, reply: string | undefined): string | undefined {
  if (reply === undefined) return reply;
  const isUnordered = UNORDERED.has(String(name)) || (name === 'SCAN' && reply.startsWith('*2'));
  // Keys hold no line ends, so that the lines of an array may be sorted.
  return isUnordered ? reply.split('\r\n').sort().join('\n') : reply;
}

function isSame(command: Command, ours: string | undefined, theirs: string): boolean {
  const a = normalized(command, ours);
  const b = normalized(command, theirs);
  if (a === b) return true;
  // Redis's copies of a shared integer are not shared; idle times follow its own clock.
  const isObject = command[0] === 'OBJECT' && command[1] !== 'FREQ';
  if (isObject) return a?.[0] === ':' && b?.[0] === ':';
  if (!TELLS_TIME.has(String(command[0])) || a === undefined || b === undefined) return false;
  const [x, y] = [Number(a.slice(1)), Number(b.slice(1))];
  const tolerance = String(command[0]).startsWith('P')
    ? TIME_TOLERANCE_MS
    : TIME_TOLERANCE_MS / 1000;
  // Near the end of time deadlines are rounded to doubles.
  return x >= 0 && y >= 0 && (Math.abs(x - y) < tolerance || x > 9e15);
}

function shown(commands: readonly Command[], upTo: number): string {
  const last = commands.slice(Math.max(0, upTo - 8), upTo + 1);
  return last.map((command) => JSON.stringify(command).slice(0, 160)).join('\n');
}

const missing = redisMissing();

for (const flags of [0, REQUEST_RESP3]) {
  t.test(`random programs, ${flags === 0 ? 'RESP2' : 'RESP3'}`, { skip: missing }, async (t) => {
    const redis = await RedisServer.start('--enable-debug-command', 'yes');
    t.teardown(() => redis.stop());
    for (let seed = 1; seed <= 60; seed++) {
      const now = Date.now();
      const fixture = new EngineFixture({ now });
      fixture.flags = flags;
      const programs = new Programs(seed * 2 + flags, now);
      const commands = Array.from({ length: 300 }, () => programs.command());
      await redis.call([['FLUSHALL'], ['SELECT', 0], ['HELLO', flags === 0 ? 2 : 3]]);
      const replies = await redis.call(commands);
      for (const [i, command] of commands.entries()) {
        const reply = callOurs(fixture, command);
        if (!isSame(command, reply, replies[i])) {
          t.equal(reply, replies[i], `seed ${seed}:\n${shown(commands, i)}`);
          return;
        }
      }
      const [digest] = await redis.call([['DEBUG', 'DIGEST']]);
      const ours = fixture.call('DEBUG|DIGEST', 'DIGEST');
      if (ours !== digest) {
        t.equal(ours, digest, `content after seed ${seed}`);
        return;
      }
      fixture.engine.verify();
    }
    t.pass('18,000 replies are the same');
  });
}
