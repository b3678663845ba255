/**
 * What random programs say to the commands of a group: keys that lean to its type, weights, and
 * words for arguments of certain names. A group without a row here is not fuzzed.
 *
 * A family of commands adds a row; its argument lists come from the command table's syntax.
 */

import { bitmapWord } from './bitmap-words.ts';
import { fitGenericCommand, genericWord, settleSorted } from './generic-words.ts';
import { geoWord } from './geo-words.ts';
import { randomEvaluation } from './script-words.ts';
import type { SeededRandom } from './seeded-random.ts';
import { fitStreamCommand, STREAM_KEYS, settleConsumers, streamWord } from './stream-words.ts';

export interface Vocabulary {
  /** Keys that most commands of the group are about. */
  readonly keys: readonly string[];
  /** Weights of single commands; the others have 4. */
  readonly weights?: Readonly<Record<string, number>>;
  /**
   * A word for an argument, by its name in the syntax; undefined leaves it to the argument's type.
   */
  readonly word?: (name: string, random: SeededRandom) => string | undefined;
  /** Makes a random command of the group fit to be compared; `another` makes one of others. */
  readonly fit?: (
    words: readonly string[],
    random: SeededRandom,
    another: () => string[],
  ) => string[];
}

export const VOCABULARIES: Readonly<Record<string, Vocabulary>> = {
  string: {
    keys: ['s1', 's2', 's3', '{tag}s'],
    weights: { SET: 10, MSET: 6 },
  },
  list: {
    keys: ['l1', 'l2', 'l3', '{tag}l'],
    weights: {
      BLPOP: 0.5,
      BRPOP: 0.5,
      BLMOVE: 0.5,
      BRPOPLPUSH: 0.5,
      BLMPOP: 0.5,
      RPUSH: 14,
      LPUSH: 14,
    },
  },
  bitmap: {
    keys: ['s1', 's2', 'b1', 'b2', '{tag}b'],
    weights: { BITFIELD: 12, SETBIT: 8 },
    word: bitmapWord,
  },
  geo: {
    keys: ['g1', 'g2', 'g3', '{tag}g'],
    weights: { GEOADD: 30, GEOSEARCH: 12 },
    word: geoWord,
  },
  hyperloglog: {
    keys: ['s1', 'p1', 'p2', 'p3', '{tag}p'],
    weights: { PFADD: 20, PFCOUNT: 8, PFSELFTEST: 0.02, PFDEBUG: 1 },
    word: (name, random) => (name === 'element' ? String(random.below(5000)) : undefined),
  },
  hash: {
    keys: ['h1', 'h2', 'h3', '{tag}h'],
    weights: { HSET: 20, HMSET: 6, HDEL: 6, HINCRBY: 6, HINCRBYFLOAT: 6 },
    word: hashWord,
  },
  set: {
    keys: ['e1', 'e2', 'e3', '{tag}e'],
    weights: { SADD: 24, SREM: 8, SMOVE: 6, SPOP: 2 },
    word: setWord,
  },
  'sorted-set': {
    keys: ['z1', 'z2', 'z3', '{tag}z'],
    weights: {
      ZADD: 40,
      ZINCRBY: 10,
      ZREMRANGEBYRANK: 1,
      ZREMRANGEBYSCORE: 1,
      ZREMRANGEBYLEX: 1,
      BZPOPMIN: 0.5,
      BZPOPMAX: 0.5,
      BZMPOP: 0.5,
    },
    word: zsetWord,
  },
  stream: {
    keys: STREAM_KEYS,
    weights: {
      XADD: 40,
      XREADGROUP: 24,
      XCLAIM: 8,
      XAUTOCLAIM: 6,
      XACK: 6,
      XDEL: 6,
      'XGROUP|CREATE': 16,
      'XGROUP|DESTROY': 1,
      'XGROUP|DELCONSUMER': 2,
      'XGROUP|HELP': 0.2,
      'XINFO|HELP': 0.2,
      XTRIM: 3,
      XSETID: 2,
    },
    word: streamWord,
    fit: fitStreamCommand,
  },
  generic: {
    keys: [],
    weights: {
      SWAPDB: 0.5,
      KEYS: 1,
      RANDOMKEY: 1,
      DEL: 2,
      UNLINK: 2,
      SORT: 20,
      SORT_RO: 8,
      RESTORE: 16,
      'OBJECT|ENCODING': 12,
    },
    word: genericWord,
    fit: fitGenericCommand,
  },
  scripting: {
    keys: [],
    weights: { EVAL: 16, EVALSHA: 5, EVAL_RO: 4, EVALSHA_RO: 1, FCALL: 0.1, FCALL_RO: 0.1 },
    fit: (words, random, another) =>
      words[0]!.startsWith('EVAL') ? randomEvaluation(words[0]!, random, another) : [...words],
  },
  server: {
    keys: [],
    weights: { FLUSHALL: 0.15, FLUSHDB: 0.3, DBSIZE: 1, SWAPDB: 0.5, 'MEMORY|USAGE': 1 },
  },
};

/** Counts of SPOP and SRANDMEMBER; none asks redis-server for more members than there is memory. */
const SET_COUNTS = ['0', '1', '2', '3', '5', '10', '100', '-1', '-3', '-10'];
const ODD_SET_COUNTS = ['x', '', '1.5', '01', '9223372036854775807', '-9223372036854775808'];

/** Fields that hashes have in common; counts as for sets. */
function hashWord(name: string, random: SeededRandom): string | undefined {
  if (name === 'count') return random.pick(random.oneIn(12) ? ODD_SET_COUNTS : SET_COUNTS);
  if (name === 'cursor') return random.oneIn(6) ? undefined : '0';
  if (name !== 'field' || random.oneIn(8)) return undefined;
  if (random.oneIn(3)) return String(random.below(20));
  return random.pick(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h1', 'l1', 's1', '']);
}

/** Members that the sets have in common, among them integers of all widths. */
function setWord(name: string, random: SeededRandom): string | undefined {
  if (name === 'count') return random.pick(random.oneIn(12) ? ODD_SET_COUNTS : SET_COUNTS);
  if (name !== 'member' || random.oneIn(4)) return undefined;
  if (random.oneIn(3)) return random.pick(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  if (random.oneIn(8)) return String(2 ** random.pick([15, 16, 31, 32, 40]) - random.below(3));
  return String(random.below(20));
}

const SCORES = ['0', '1', '2', '3', '-1', '1.5', '0.1', '-2.25', '1e3', '3', '1e17', '7e-9', '-0'];
const ODD_SCORES = [
  'inf',
  '-inf',
  '+inf',
  'nan',
  'x',
  '',
  ' 1',
  '1e400',
  '1e-400',
  '0x1p3',
  '1e308',
];
const MEMBERS = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'aa',
  'ab',
  'abc',
  'A',
  'z',
  '',
  '\x00\xff',
  'k'.repeat(64),
];
const BOUNDS = ['-', '+', '[a', '(a', '[b', '(ab', '[abc', '[', '(', '[5', '(z', '[A'];
const ODD_BOUNDS = ['a', '', '+a', '-inf', '[\xff'];

/**
 * Members that the sets have in common, none so long that it makes a set large: where scores
 * differ, what a range of members of a large set is, is open in Redis. Bounds fit the commands by
 * score as often as those by member.
 */
function zsetWord(name: string, random: SeededRandom): string | undefined {
  if (name === 'count') return random.pick(random.oneIn(12) ? ODD_SET_COUNTS : SET_COUNTS);
  if (name === 'cursor') return random.oneIn(6) ? undefined : '0';
  if (name === 'member') return random.oneIn(3) ? String(random.below(40)) : random.pick(MEMBERS);
  if (/^(score|increment|weight)$/.test(name)) {
    return random.pick(random.oneIn(20) ? ODD_SCORES : SCORES);
  }
  if (!/^(min|max|start|stop)$/.test(name)) return undefined;
  if (random.oneIn(3)) return random.pick(random.oneIn(10) ? ODD_BOUNDS : BOUNDS);
  if (random.oneIn(6)) return `(${random.pick(SCORES)}`;
  return random.oneIn(10) ? random.pick(ODD_SCORES) : String(random.below(12) - 5);
}

/**
 * Commands that follow another one in every program: what is taken at random, or differs between
 * versions, leaves two servers with different data, and these make them equal again.
 */
export function settlingCommands(words: readonly string[]): string[][] {
  if (/^SORT/i.test(words[0] ?? '')) return settleSorted(words);
  const takesAtRandom = words[0]?.toUpperCase() === 'SPOP' && words.length > 1;
  return takesAtRandom ? [['DEL', words[1]!]] : settleConsumers(words);
}
