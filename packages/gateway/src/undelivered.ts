/**
 * Elements that a blocking pop took for a client that was gone when the reply came: they go back
 * where they were.
 *
 *   BLPOP, BRPOP, BLMPOP          to the end of the list they were taken from, in their order
 *   BZPOPMIN, BZPOPMAX, BZMPOP    with their scores, unless the member is there again
 *
 * BLMOVE has put its element into another list, and XREADGROUP has it among the pending entries:
 * nothing is lost there.
 */

import type { CommandMetadata } from '@hashlane/core/metadata';
import { bulkOf, elementsOf } from '@hashlane/resp';
import { callOn } from './coordinator.ts';
import type { Gateway } from './gateway.ts';
import { addUse, type KeyUse } from './isolation.ts';

export type Side = 'LEFT' | 'RIGHT';

/** The end of the list that a blocking command pops from; undefined when it pops from none. */
export function poppedSide(
  { name }: CommandMetadata,
  args: { readonly argc: number; text(i: number): string },
): Side | undefined {
  if (name === 'BLPOP') return 'LEFT';
  if (name === 'BRPOP') return 'RIGHT';
  if (name !== 'BLMPOP') return undefined;
  const where = 3 + Number(args.text(2));
  const isLeft = where < args.argc && args.text(where).toUpperCase() === 'LEFT';
  return isLeft ? 'LEFT' : 'RIGHT';
}

/**
 * The command that undoes what a reply says was popped, undefined when that is nothing. One command:
 * nobody may take of the elements before all are back.
 */
function undoing(
  spec: CommandMetadata,
  side: Side | undefined,
  reply: Buffer,
): (string | Buffer)[] | undefined {
  const parts = reply[0] === 42 ? elementsOf(reply) : undefined;
  const key = parts === undefined ? undefined : bulkOf(parts[0]!);
  if (parts === undefined || key === undefined) return undefined;
  if (side !== undefined) return ['HASHLANE.PUSH', key, side, ...bulksOf(parts[1]!).reverse()];
  if (spec.waitsFor !== 'zset') return undefined;
  const scored = parts.length === 3 ? [parts.slice(1)] : pairsOf(parts[1]!);
  const pairs = scored.flatMap(([member, score]) => [
    doubleText(score!),
    bulkOf(member!) as Buffer,
  ]);
  return ['ZADD', key, 'NX', ...pairs];
}

/** A bulk string, or the bulk strings of an array. */
function bulksOf(part: Buffer): Buffer[] {
  const all = part[0] === 42 ? (elementsOf(part) ?? []) : [part];
  return all.flatMap((each) => bulkOf(each) ?? []);
}

function pairsOf(part: Buffer): Buffer[][] {
  return (elementsOf(part) ?? []).map((pair) => elementsOf(pair) ?? []);
}

/** A score as text: a bulk string in RESP2, a double (`,1.5`) in RESP3. */
function doubleText(part: Buffer): string | Buffer {
  return part[0] === 44 ? part.latin1Slice(1, part.length - 2) : (bulkOf(part) as Buffer);
}

function useOfKey(key: Buffer): KeyUse {
  const use: KeyUse = new Map();
  addUse(use, key, true);
  return use;
}

/** Gives back what the reply of a blocking command took. */
export function returnElements(
  gateway: Gateway,
  database: number,
  spec: CommandMetadata,
  side: Side | undefined,
  reply: Buffer,
): void {
  const words = undoing(spec, side, Buffer.from(reply));
  if (words === undefined) return;
  const key = words[1] as Buffer;
  // Not at once: an in-process shard is in the middle of serving its waiters.
  queueMicrotask(() => {
    const put = (): void => {
      const shard = gateway.placement.shardOfKey(key);
      void callOn(gateway, shard, words[0] as string, words, database, 0);
    };
    // Like any client's command it does not come in the midst of a transaction.
    if (!gateway.isolation.holds(() => useOfKey(key), put)) put();
  });
}
