/**
 * Random programs of HyperLogLog commands against redis-server: every reply, and the bytes of each
 * value after every few commands. The bound of sparse values is low, so that many become dense;
 * some values are put together from random opcodes, whole or damaged, or spoilt byte by byte.
 *
 * By hand, more and longer programs: `node hyperloglog.differential.test.ts 1000`.
 */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { RandomSource } from '../random-source.ts';
import { type Command, RedisServer, redisMissing } from '../redis-server.fixture.ts';

const KEYS = ['a', 'b', 'c', 'd'];
const SPARSE_BOUNDS = [0, 30, 100, 400, 3000, 100_000];
const REGISTERS = 16384;

class Programs {
  readonly #random: RandomSource;

  constructor(seed: number) {
    this.#random = new RandomSource(seed);
  }

  bound(): number {
    return SPARSE_BOUNDS[this.#random.below(SPARSE_BOUNDS.length)];
  }

  command(): Command {
    const random = this.#random;
    const choice = random.below(20);
    if (choice < 9) return ['PFADD', this.#key(), ...this.#elements()];
    if (choice < 11) return ['PFCOUNT', this.#key()];
    if (choice < 13) return ['PFCOUNT', ...this.#keys()];
    if (choice < 15) return ['PFMERGE', ...this.#keys()];
    if (choice === 15) return ['SET', this.#key(), this.#crafted()];
    if (choice === 16) return this.#spoil();
    if (choice === 17) return random.below(3) === 0 ? this.#debug() : ['GET', this.#key()];
    if (choice === 18) return ['OBJECT', 'ENCODING', this.#key()];
    return random.below(4) === 0 ? ['DEL', this.#key()] : ['GET', this.#key()];
  }

  #key(): string {
    return KEYS[this.#random.below(KEYS.length)];
  }

  #keys(): string[] {
    return Array.from({ length: 1 + this.#random.below(4) }, () => this.#key());
  }

  #elements(): string[] {
    const count = this.#random.below(this.#random.below(5) === 0 ? 200 : 5);
    return Array.from({ length: count }, () => this.#element());
  }

  #element(): string {
    const text = String(this.#random.below(2 ** 32));
    return text.repeat(1 + this.#random.below(3)).slice(0, this.#random.below(25));
  }

  #debug(): Command {
    const words = ['DECODE', 'encoding', 'TODENSE', 'GETREG', 'nonsense'];
    return ['PFDEBUG', words[this.#random.below(words.length)], this.#key()];
  }

  /** One byte of a value becomes another, in its header or behind. */
  #spoil(): Command {
    const at = this.#random.below(this.#random.below(2) === 0 ? 16 : 60);
    return ['SETRANGE', this.#key(), at, String.fromCharCode(this.#random.below(256))];
  }

  /** A header and random opcodes, which mostly cover all registers. */
  #crafted(): string {
    const random = this.#random;
    const count = Array.from({ length: 8 }, () => random.below(256));
    const header = [...Buffer.from('HYLL'), 1, random.below(2), 0, random.below(3)];
    const body: number[] = [];
    let left = REGISTERS;
    const most = 1 + random.below(200);
    while (left > 0 && body.length < most) left -= this.#opcode(body, left);
    if (left > 0 && random.below(8) !== 0) putZeros(body, left, random.below(2) === 0);
    if (random.below(20) === 0) body.push(random.below(256));
    return Buffer.from([...header, ...count, ...body]).latin1Slice();
  }

  /** Adds a run of at most `left` registers and returns how many. */
  #opcode(body: number[], left: number): number {
    const random = this.#random;
    if (random.below(2) === 0) {
      const length = Math.min(left, 1 + random.below(4));
      body.push(0x80 | (random.below(3) << 2) | (random.below(9) << 2) | (length - 1));
      return length;
    }
    const isLong = random.below(4) === 0;
    const length = Math.min(left, 1 + random.below(isLong ? 3000 : 64));
    putZeros(body, length, random.below(3) === 0);
    return length;
  }
}

/** `isLong`: in the long form although the short one would do. */
function putZeros(body: number[], length: number, isLong: boolean): void {
  if (length > 64 || isLong) body.push(0x40 | ((length - 1) >> 8), (length - 1) & 0xff);
  else body.push(length - 1);
}

function shown(commands: readonly Command[], upTo: number): string {
  const last = commands.slice(Math.max(0, upTo - 6), upTo + 1);
  return last.map((command) => JSON.stringify(command).slice(0, 300)).join('\n');
}

/** Row of the table for a command, and its arguments. */
function call(fixture: EngineFixture, [name, ...args]: Command): string | undefined {
  return fixture.call(name === 'OBJECT' ? 'OBJECT|ENCODING' : String(name), ...args);
}

/**
 * True when the last opcode of a value lacks its second byte. Redis reads and writes the byte behind
 * the value then, which is nobody's: such a program ends here.
 */
function isTorn(fixture: EngineFixture, key: string): boolean {
  const reply = Buffer.from(fixture.call('GET', key) ?? '', 'latin1');
  const value = reply.subarray(reply.indexOf('\n') + 1, -2);
  if (value.length < 16 || value[4] !== 1) return false;
  let at = 16;
  while (at < value.length) at += (value[at] & 0xc0) === 0x40 ? 2 : 1;
  return at > value.length;
}

t.setTimeout(600_000);

const missing = redisMissing();

t.test('random programs', { skip: missing }, async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const programs = Number(process.argv[2] ?? 20);
  for (let seed = 1; seed <= programs; seed++) {
    const fixture = new EngineFixture();
    const random = new Programs(seed);
    const commands = Array.from({ length: 300 }, () => random.command());
    const bound = random.bound();
    fixture.engine.settings.hllSparseMaxBytes = bound;
    await redis.call([['FLUSHALL'], ['CONFIG', 'SET', 'hll-sparse-max-bytes', bound]]);
    commands.push(...KEYS.map((key) => ['GET', key]), ...KEYS.map((key) => ['PFCOUNT', key]));
    const replies = await redis.call(commands);
    for (const [i, command] of commands.entries()) {
      const reply = call(fixture, command);
      if (reply !== replies[i]) {
        t.equal(reply, replies[i], `seed ${seed}, bound ${bound}:\n${shown(commands, i)}`);
        return;
      }
      const isSpoilt = command[0] === 'SET' || command[0] === 'SETRANGE';
      if (isSpoilt && isTorn(fixture, String(command[1]))) break;
    }
    fixture.engine.verify();
    for (const key of KEYS) fixture.call('DEL', key);
    t.equal(fixture.engine.arena.usedBytes, 0);
  }
});
