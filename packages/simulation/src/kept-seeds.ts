/**
 * Seeds that found a mistake in the server, each with what it was. A change of the scheduler or the
 * workload gives them another course; they are kept all the same, as the cheapest of samples.
 */
import type { Profile } from './profile.ts';
import type { SimulationOptions } from './simulation.ts';

/** Two databases that are swapped while clients wait in several shards, and nothing else goes wrong. */
const SWAPPING: Partial<Profile> = {
  clients: 7,
  depth: 1,
  lists: ['list0', 'list1', 'list2'],
  databases: 2,
  destroys: true,
  flushes: false,
  swaps: true,
  blocks: true,
  transactions: true,
  disconnectsOneIn: 0,
  crashesOneIn: 0,
  socketBytes: 1 << 16,
};

interface KeptSeed extends SimulationOptions {
  readonly found: string;
}

export const KEPT_SEEDS: readonly KeptSeed[] = [
  {
    seed: 26,
    operations: 400,
    shards: 4,
    isolation: 'lock-free',
    found: 'a shard that failed answered a client that waited in other shards, a second reply',
  },
  {
    seed: 5,
    operations: 400,
    shards: 4,
    isolation: 'lock-free',
    found: 'the same, for a client that had not waited before',
  },
  {
    seed: 18,
    operations: 400,
    shards: 2,
    isolation: 'lock-free',
    found: "COPY and RENAME took a failing shard's error for a value",
  },
  {
    seed: 51,
    operations: 400,
    shards: 2,
    isolation: 'lock-free',
    found: 'what BLMPOP took for a client that had gone did not come back',
  },
  {
    seed: 1,
    operations: 400,
    shards: 3,
    isolation: 'locked',
    found: 'EXEC sent its commands after another command, of the same turn, had locked their keys',
  },
  {
    seed: 32,
    operations: 400,
    shards: 3,
    isolation: 'locked',
    found: 'FLUSHDB in one EXEC emptied the keyspace in the midst of another',
  },
  {
    seed: 7,
    operations: 11_000,
    shards: 2,
    isolation: 'locked',
    found:
      'EXEC of a client that went while it waited for locks no longer asked what it had watched',
  },
  {
    seed: 60,
    operations: 400,
    shards: 2,
    isolation: 'locked',
    found: 'who waited for a key was served in the midst of an EXEC of several phases',
  },
  {
    seed: 2140,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    found: 'an element that went back came in the midst of an EXEC of several phases',
  },
  {
    seed: 2280,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    found: 'who was unblocked in the midst of an EXEC took what it had pushed',
  },
  {
    seed: 2111,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    found: 'what a wait over several shards got for a client that was just leaving was lost',
  },
  {
    seed: 7,
    operations: 300,
    shards: 2,
    isolation: 'locked',
    found: 'a wait timed out before its shards had said that a key was there',
  },
  {
    seed: 83,
    operations: 300,
    shards: 3,
    isolation: 'locked',
    found: 'a client that had hung up was told that there was nothing, without a look',
  },
  {
    seed: 100,
    operations: 100_000,
    shards: 0,
    isolation: 'lock-free',
    found: 'a client that was served and killed within one turn lost its element',
  },
  {
    seed: 20221,
    operations: 1000,
    shards: 2,
    isolation: 'locked',
    found: 'a pop over several shards passed over a key that was held for somebody else',
  },
  {
    seed: 30379,
    operations: 1000,
    shards: 4,
    isolation: 'locked',
    found: 'EXEC that a shard got in two requests served a waiter between them',
  },
  {
    seed: 20134,
    operations: 1000,
    shards: 3,
    isolation: 'locked',
    found: 'CLIENT UNBLOCK behind outstanding replies got what its target was to get',
  },
  {
    seed: 5091,
    operations: 2000,
    shards: 1,
    isolation: 'locked',
    found: 'elements that went back came one by one, and a waiter got the last of them',
  },
  {
    seed: 30198,
    operations: 1000,
    shards: 4,
    isolation: 'locked',
    found: 'several keys of BLMPOP appeared on several shards while it was registered there',
  },
  {
    seed: 52006,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    profile: SWAPPING,
    found: 'who waited in several shards was served by one of those that SWAPDB gave something',
  },
  {
    seed: 52048,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    profile: SWAPPING,
    found: 'the same with one EXEC that pushed to two of the keys',
  },
  {
    seed: 52030,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    profile: SWAPPING,
    found: 'who waited in several shards was served by another one than that which EXEC kept busy',
  },
  {
    seed: 52079,
    operations: 600,
    shards: 3,
    isolation: 'locked',
    profile: SWAPPING,
    found: 'who waited in several shards was served although one of the keys had become a string',
  },
  {
    seed: 20382,
    operations: 1000,
    shards: 2,
    isolation: 'locked',
    found: 'whose time was up while another client was served from the same list got nothing',
  },
  {
    seed: 41092,
    operations: 1000,
    shards: 4,
    isolation: 'locked',
    found: 'a shard was not told of the end of a BLMOVE that it had said to be late',
  },
  {
    seed: 95135,
    operations: 600,
    shards: 2,
    isolation: 'locked',
    profile: { ...SWAPPING, kills: true },
    found: 'who was unblocked behind two that held the key of another database never ended',
  },
];
