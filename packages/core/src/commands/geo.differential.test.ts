/**
 * Random searches in indexes of many members against redis-server, byte for byte: positions all over
 * the map and crowded together, many of them equal, so that the order of equal distances shows; and
 * sorted sets whose scores are no positions.
 *
 * By hand, more searches: `node geo.differential.test.ts 100`.
 */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { RandomSource } from '../random-source.ts';
import { type Command, RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';

const MEMBERS = [5, 100, 1500];
const ODD_SCORES = ['-1', '-5.7', '1.9', 'inf', '-inf', '9223372036854775808', '1e300', '4e15'];
const UNITS = ['m', 'km', 'FT', 'mi'];

class Searches {
  readonly #random: RandomSource;
  /** Positions that members have in common. */
  readonly #places: (readonly [string, string])[];
  readonly #members: number;

  constructor(seed: number) {
    this.#random = new RandomSource(seed);
    this.#members = this.#pick(MEMBERS);
    const size = this.#pick([1, 0.1, 0.0001]);
    const places = 1 + this.#random.below(2 * this.#members);
    this.#places = Array.from({ length: places }, () => [
      this.#coordinate(180 * size),
      this.#coordinate(85 * size),
    ]);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.below(list.length)];
  }

  #coordinate(bound: number): string {
    return ((this.#random.unit() * 2 - 1) * bound).toFixed(this.#random.below(12));
  }

  fill(): Command[] {
    const commands: Command[] = [];
    for (let i = 0; i < this.#members; i++) {
      commands.push(['GEOADD', 'g', ...this.#pick(this.#places), `member:${i}`]);
    }
    for (const score of ODD_SCORES) commands.push(['ZADD', 'odd', score, `score:${score}`]);
    for (let i = 0; i < 20; i++) {
      commands.push(['ZADD', 'odd', this.#random.unit() * 2 ** (1 + i * 3), `random:${i}`]);
    }
    return commands;
  }

  command(): Command {
    const key = this.#random.below(8) === 0 ? 'odd' : 'g';
    switch (this.#random.below(7)) {
      case 0:
        return ['GEOPOS', key, this.#member(key), this.#member(key)];
      case 1:
        return ['GEOHASH', key, this.#member(key), this.#member(key)];
      case 2:
        return ['GEODIST', key, this.#member(key), this.#member(key), this.#pick(UNITS)];
      case 3:
        return [
          'GEOSEARCHSTORE',
          'd',
          key,
          ...this.#centre(key),
          ...this.#shape(),
          ...this.#some(),
        ];
      case 4:
        return ['ZRANGE', 'd', 0, -1, 'WITHSCORES'];
      case 5:
        return ['GEORADIUSBYMEMBER_RO', key, this.#member(key), ...this.#circle(), ...this.#all()];
      default:
        return ['GEOSEARCH', key, ...this.#centre(key), ...this.#shape(), ...this.#all()];
    }
  }

  #member(key: string): string {
    if (key === 'odd') return `score:${this.#pick(ODD_SCORES)}`;
    return `member:${this.#random.below(this.#members)}`;
  }

  #centre(key: string): string[] {
    if (this.#random.below(2) === 0) return ['FROMMEMBER', this.#member(key)];
    return ['FROMLONLAT', ...this.#pick(this.#places)];
  }

  #distance(): string {
    return String(this.#random.unit() * 10 ** (1 + this.#random.below(6)));
  }

  #circle(): string[] {
    return [this.#distance(), this.#pick(UNITS)];
  }

  #shape(): string[] {
    if (this.#random.below(2) === 0) return ['BYRADIUS', ...this.#circle()];
    return ['BYBOX', this.#distance(), ...this.#circle()];
  }

  /** Order and number. */
  #some(): string[] {
    const words: string[] = [];
    if (this.#random.below(2) === 0) words.push(this.#pick(['ASC', 'DESC']));
    if (this.#random.below(2) === 0) {
      words.push('COUNT', String(1 + this.#random.below(this.#pick([8, 200]))));
      if (this.#random.below(3) === 0) words.push('ANY');
    }
    return words;
  }

  #all(): string[] {
    const words = this.#some();
    for (const word of ['WITHDIST', 'WITHHASH', 'WITHCOORD']) {
      if (this.#random.below(3) === 0) words.push(word);
    }
    return words;
  }
}

t.setTimeout(600_000);

t.test('random searches', { skip: redisMissing() }, async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const runs = Number(process.argv[2] ?? 4);
  for (let seed = 1; seed <= runs; seed++) {
    const fixture = new EngineFixture();
    fixture.flags = seed % 2 === 0 ? REQUEST_RESP3 : 0;
    const searches = new Searches(seed);
    const commands = searches.fill();
    for (let i = 0; i < 300; i++) commands.push(searches.command());
    await redis.call([['FLUSHALL'], ['HELLO', seed % 2 === 0 ? 3 : 2]]);
    const replies = await redis.call(commands);
    for (const [i, [name, ...args]] of commands.entries()) {
      const reply = fixture.call(String(name), ...args);
      if (reply !== replies[i]) {
        t.equal(reply, replies[i], `seed ${seed}: ${JSON.stringify(commands[i])}`);
        return;
      }
    }
    fixture.engine.verify();
    for (const key of ['g', 'odd', 'd']) fixture.call('DEL', key);
    while (fixture.engine.lazyFree.isPending) fixture.engine.lazyFree.step();
    t.equal(fixture.engine.arena.usedBytes, 0);
  }
});
