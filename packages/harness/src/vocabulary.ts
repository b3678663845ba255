/**
 * What random programs say to the commands of a group: keys that lean to its type, weights, and
 * words for arguments of certain names. A group without a row here is not fuzzed.
 *
 * A family of commands adds a row; its argument lists come from the command table's syntax.
 */

import { bitmapWord } from './bitmap-words.ts';
import type { SeededRandom } from './seeded-random.ts';

export interface Vocabulary {
  /** Keys that most commands of the group are about. */
  readonly keys: readonly string[];
  /** Weights of single commands; the others have 4. */
  readonly weights?: Readonly<Record<string, number>>;
  /**
   * A word for an argument, by its name in the syntax; undefined leaves it to the argument's type.
   */
  readonly word?: (name: string, random: SeededRandom) => string | undefined;
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
  generic: {
    keys: [],
    weights: {
      SWAPDB: 0.5,
      KEYS: 1,
      RANDOMKEY: 1,
      DEL: 2,
      UNLINK: 2,
    },
  },
  server: {
    keys: [],
    weights: { FLUSHALL: 0.15, FLUSHDB: 0.3, DBSIZE: 1, SWAPDB: 0.5 },
  },
};
