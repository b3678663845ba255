/**
 * The rules of waiting: who came first is served first, and nobody waits for what is there.
 */
import { type Engine, TYPE_NAMES } from '@hashlane/core';
import { ReplyError } from '@hashlane/harness/tools';
import { BLOCKING, keysOf, nameOf } from './model.ts';
import type { Operation } from './operation.ts';

/** The key that a waiting command was served from; undefined when it was not. */
function servedFrom(operation: Operation): string | undefined {
  const { reply, words, database, name } = operation;
  if (!operation.isDone || reply === null || reply instanceof ReplyError) return undefined;
  if (name === 'BLMOVE') return nameOf(database, words[1] as string);
  return nameOf(database, (reply as readonly string[])[0] as string);
}

/** Keys that the command waits for. */
function waitedFor({ words, database, name }: Operation): readonly string[] {
  const keys = keysOf(words, database) as readonly string[];
  return name === 'BLMOVE' ? keys.slice(0, 1) : keys;
}

/**
 * Waiters of a key are served in the order in which they came. Judged for commands that wait in one
 * shard: of others the winner of the claim is decided elsewhere, and its reply may come later. The
 * problem's text, or undefined.
 */
export function orderProblem(
  operations: readonly Operation[],
  shardOf: (key: string) => number,
): string | undefined {
  const isOnOneShard = (operation: Operation): boolean => {
    const shards = waitedFor(operation).map((key) => shardOf(key.slice(key.indexOf('/') + 1)));
    return new Set(shards).size === 1;
  };
  const waits = operations.filter(
    (each) => BLOCKING.has(each.name) && each.blockedAt !== Infinity && isOnOneShard(each),
  );
  for (const later of waits) {
    const key = servedFrom(later);
    if (key === undefined) continue;
    const passed = waits.find(
      (earlier) =>
        earlier.blockedAt < later.invokedAt &&
        earlier.isDone &&
        earlier.repliedAt > later.repliedAt &&
        waitedFor(earlier).includes(key),
    );
    if (passed !== undefined) return `${later}\n  was served before\n${passed}`;
  }
  return undefined;
}

/**
 * A waiter that sleeps although its key is there. After each batch of a shard none may; of waiters
 * in several shards (`claimed`) this holds only at rest, as another shard may just have served them.
 */
export function sleeperProblem(engine: Engine, claimed: boolean): string | undefined {
  for (const waiter of engine.waiters.all()) {
    if (waiter.claim !== undefined && !claimed) continue;
    for (const { key } of waiter.links) {
      const keyspace = engine.keyspace(key.database);
      const reference = keyspace.find(key.key, 0, key.key.bytes.length, key.hash);
      if (reference === 0) continue;
      if (TYPE_NAMES[keyspace.typeOf(reference)] !== waiter.spec.waitsFor) continue;
      const name = key.key.bytes.latin1Slice();
      const { connection } = waiter.request;
      return `connection ${connection} sleeps in ${waiter.spec.name} on ${name}, which is there`;
    }
  }
  return undefined;
}
