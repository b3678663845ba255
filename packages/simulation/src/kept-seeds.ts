/**
 * Seeds that found a mistake in the server, each with what it was. A change of the scheduler or the
 * workload gives them another course; they are kept all the same, as the cheapest of samples.
 */
import type { SimulationOptions } from './simulation.ts';

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
];
