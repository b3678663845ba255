/**
 * What one seed is about. A run that does a little of everything seldom does much of anything, so
 * each seed draws which kinds of commands and faults it has, and how many (swarm testing: Groce et
 * al., 2012).
 */

import type { SeededRandom } from '@hashlane/harness/tools';
import { serverCommands } from 'hashlane/parts';
import { SOCKET_BYTES } from './limits.ts';

export interface Profile {
  readonly clients: number;
  /** Requests that a client has under way at most. */
  readonly depth: number;
  readonly lists: readonly string[];
  readonly strings: readonly string[];
  readonly databases: number;
  /** Commands that destroy elements: DEL, SET on a list, RENAME onto one, COPY. */
  readonly destroys: boolean;
  readonly flushes: boolean;
  readonly swaps: boolean;
  readonly blocks: boolean;
  readonly transactions: boolean;
  /**
   * One transaction in four reads all lists at once: who sees an element in none of them, while it
   * moves, is wrong. Not drawn, but chosen with the seed.
   */
  readonly readsAll: boolean;
  readonly kills: boolean;
  /** One operation in so many is followed by a client's end; 0 for none. */
  readonly disconnectsOneIn: number;
  /** One operation in so many is followed by a shard's crash; 0 for none. */
  readonly crashesOneIn: number;
  /** Bytes that the kernel takes for a client that does not read. */
  readonly socketBytes: number;
  readonly protocol3: boolean;
}

const hasTransactions = serverCommands.some(({ name }) => name === 'MULTI');

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

export function drawProfile(random: SeededRandom, transactions = hasTransactions): Profile {
  const destroys = random.oneIn(3);
  const swaps = destroys && random.oneIn(3);
  const crashes = random.oneIn(5);
  return {
    clients: 2 + random.below(6),
    depth: 1 + random.below(4),
    lists: names('list', 2 + random.below(5)),
    strings: names('string', 2 + random.below(5)),
    databases: swaps || random.oneIn(4) ? 2 : 1,
    destroys,
    flushes: destroys && random.oneIn(3),
    swaps,
    blocks: !random.oneIn(4),
    transactions: transactions && random.oneIn(2),
    readsAll: false,
    kills: random.oneIn(3),
    disconnectsOneIn: random.oneIn(2) ? 0 : 10 + random.below(100),
    crashesOneIn: crashes ? 100 + random.below(300) : 0,
    socketBytes: random.oneIn(3) ? 1 + random.below(64) : SOCKET_BYTES,
    protocol3: random.oneIn(3),
  };
}
