/**
 * Values of every type in every form they are stored in, with random contents: commands that make
 * them. For tests that carry whole values somewhere (DUMP, COPY over shards, snapshots).
 *
 * A shape whose commands hashlane does not have is left out.
 */
import { COMMAND_METADATA } from '@hashlane/core/metadata';
import type { Argument } from './raw-client.ts';
import type { SeededRandom } from './seeded-random.ts';

type Words = readonly Argument[];
type Shape = (key: string, random: SeededRandom) => Words[];

/** Arguments of one command; more elements come with more commands. */
const ELEMENTS_PER_COMMAND = 500;

function integer(random: SeededRandom): string {
  const bits = random.pick([3, 7, 12, 15, 23, 31, 52]);
  return String((random.below(2 ** 31) % 2 ** bits) * (random.oneIn(2) ? 1 : -1));
}

/** An element as queues and caches hold them: numbers, words, and bytes of all kinds. */
function element(random: SeededRandom, bytesMax: number): Argument {
  if (random.oneIn(3)) return integer(random);
  if (random.oneIn(40)) return '';
  if (random.oneIn(4)) return 'ab'.repeat(random.below(bytesMax / 2));
  return random.bytes(1 + random.below(bytesMax));
}

function score(random: SeededRandom): string {
  if (random.oneIn(20)) return random.pick(['inf', '-inf', '0', '-0', '1e300', '5e-324']);
  return random.oneIn(2) ? integer(random) : String((random.below(2 ** 31) - 2 ** 30) / 1024);
}

/** `count` times what `make` gives, in commands of `name key`. */
function many(
  name: string,
  key: string,
  count: number,
  make: (i: number) => readonly Argument[],
): Words[] {
  const commands: Words[] = [];
  for (let from = 0; from < count; from += ELEMENTS_PER_COMMAND) {
    const length = Math.min(ELEMENTS_PER_COMMAND, count - from);
    const elements = Array.from({ length }, (_, i) => make(from + i)).flat();
    commands.push([name, key, ...elements]);
  }
  return commands;
}

const strings: Readonly<Record<string, Shape>> = {
  'an integer': (key, random) => [['SET', key, integer(random)]],
  'a short string': (key, random) => [['SET', key, random.bytes(random.below(44))]],
  'a long string': (key, random) => [['SET', key, random.bytes(45 + random.below(3000))]],
  'a string that compresses': (key, random) => [['SET', key, 'abcab'.repeat(random.below(9000))]],
  'a large string': (key, random) => [['SET', key, random.bytes(70_000 + random.below(9000))]],
};

function list(count: number, bytesMax: number): Shape {
  return (key, random) =>
    many('RPUSH', key, 1 + random.below(count), () => [element(random, bytesMax)]);
}

const lists: Readonly<Record<string, Shape>> = {
  'a short list': list(20, 40),
  'a long list': list(3000, 60),
  'a list of large elements': list(6, 20_000),
};

function hash(count: number, bytesMax: number): Shape {
  return (key, random) =>
    many('HSET', key, 1 + random.below(count), (i) => [
      random.oneIn(2) ? `field:${i}` : integer(random),
      element(random, bytesMax),
    ]);
}

const hashes: Readonly<Record<string, Shape>> = {
  'a small hash': hash(60, 60),
  'a hash of many fields': hash(1500, 60),
  'a hash with a large value': hash(10, 3000),
};

function integerSet(count: number, bits: number): Shape {
  return (key, random) =>
    many('SADD', key, 1 + random.below(count), () => [
      String((random.below(2 ** 31) - 2 ** 30) * (bits > 31 ? 2 ** 20 : 1) || 7).slice(
        0,
        bits > 15 ? undefined : 4,
      ),
    ]);
}

const sets: Readonly<Record<string, Shape>> = {
  'a set of small integers': integerSet(100, 15),
  'a set of integers': integerSet(400, 31),
  'a set of large integers': integerSet(400, 52),
  'a small set': (key, random) =>
    many('SADD', key, 1 + random.below(60), () => [element(random, 40)]),
  'a large set': (key, random) => many('SADD', key, 600, () => [element(random, 100)]),
  'a large set of integers': (key, random) => many('SADD', key, 900, () => [integer(random)]),
};

function sorted(count: number, bytesMax: number): Shape {
  return (key, random) =>
    many('ZADD', key, 1 + random.below(count), () => [score(random), element(random, bytesMax)]);
}

const sortedSets: Readonly<Record<string, Shape>> = {
  'a small sorted set': sorted(60, 40),
  'a large sorted set': sorted(1000, 60),
  'a sorted set with a large member': sorted(20, 2000),
};

function stream(entries: number): Shape {
  return (key, random) => {
    const commands: Words[] = [];
    for (let i = 1; i <= 1 + random.below(entries); i++) {
      const fields = random.oneIn(4)
        ? [`f${random.below(5)}`, element(random, 40), 'other', '1']
        : ['name', element(random, 40), 'count', integer(random)];
      commands.push(['XADD', key, `${1000 + i * 3}-${random.below(9)}`, ...fields]);
    }
    for (let i = 0; i < entries / 5; i++) {
      commands.push(['XDEL', key, `${1003 + 3 * random.below(entries)}-${random.below(9)}`]);
    }
    commands.push(['XGROUP', 'CREATE', key, 'readers', '0']);
    commands.push(['XGROUP', 'CREATE', key, 'late', '$']);
    commands.push(['XGROUP', 'CREATECONSUMER', key, 'readers', 'idle']);
    // DEBUG DIGEST is over entries and not over times, so that these may differ.
    for (const consumer of ['one', 'two']) {
      const count = String(1 + random.below(entries));
      commands.push(['XREADGROUP', 'GROUP', 'readers', consumer, 'COUNT', count, 'STREAMS', key]);
    }
    return commands.map((words) => (words[0] === 'XREADGROUP' ? [...words, '>'] : words));
  };
}

const streams: Readonly<Record<string, Shape>> = {
  'a short stream': stream(10),
  'a long stream': stream(500),
  'an empty stream': (key) => [['XGROUP', 'CREATE', key, 'g', '$', 'MKSTREAM']],
};

const others: Readonly<Record<string, Shape>> = {
  'a sparse HyperLogLog': (key, random) => many('PFADD', key, 40, () => [element(random, 20)]),
  'a dense HyperLogLog': (key, random) =>
    many('PFADD', key, 4000, (i) => [`e${i}`, integer(random)]),
  bits: (key, random) =>
    Array.from({ length: 30 }, () => ['SETBIT', key, String(random.below(5000)), '1']),
  places: (key, random) =>
    many('GEOADD', key, 40, (i) => [
      String(random.below(360_000) / 1000 - 180),
      String(random.below(160_000) / 1000 - 80),
      `place:${i}`,
    ]),
};

const KNOWN = new Set(COMMAND_METADATA.map(({ name }) => name.split('|')[0]));

function isKnown(shape: Shape, random: SeededRandom): boolean {
  return shape('k', random).every(([name]) => KNOWN.has(String(name)));
}

/** The shapes that this server can make, by name. */
export function valueShapes(random: SeededRandom): ReadonlyMap<string, Shape> {
  const all = { ...strings, ...lists, ...hashes, ...sets, ...sortedSets, ...streams, ...others };
  return new Map(Object.entries(all).filter(([, shape]) => isKnown(shape, random)));
}
