// Hash tags that lie evenly on the shards of a running hashlane.
//
// Which shard a key is on depends on a seed that each server draws at its start, and no command
// tells. What can be seen is whether two keys are apart: RENAME from one to the other then is a
// transaction over several shards, which INFO counts.

import type { RespClient } from './resp-client.ts';

const CANDIDATES_MAX = 1_000;

/**
 * `count` tags, `prefix` and a number each: the first lies on one shard, the second on another, and
 * so on in turn.
 */
export async function findBalancedTags(
  client: RespClient,
  shards: number,
  count: number,
  prefix = 't',
): Promise<string[]> {
  const wanted = Math.ceil(count / shards);
  /** Tags that lie on the same shard. */
  const groups: string[][] = [];
  for (let i = 0; i < CANDIDATES_MAX; i++) {
    const tag = `${prefix}${i}`;
    let group: string[] | undefined;
    for (const each of groups) {
      if (await areTogether(client, each[0]!, tag)) {
        group = each;
        break;
      }
    }
    if (group === undefined) groups.push([tag]);
    else group.push(tag);
    if (groups.length === shards && groups.every(({ length }) => length >= wanted)) {
      return Array.from({ length: count }, (_, k) => groups[k % shards]![Math.floor(k / shards)]!);
    }
  }
  throw new Error(`${CANDIDATES_MAX} tags do not lie on ${shards} shards`);
}

async function areTogether(client: RespClient, one: string, other: string): Promise<boolean> {
  const before = await transactionsOf(client);
  await client.request('SET', `{${one}}probe`, '');
  await client.request('RENAME', `{${one}}probe`, `{${other}}probe`);
  await client.request('DEL', `{${other}}probe`);
  return (await transactionsOf(client)) === before;
}

/** The server's count of transactions over several shards. */
export async function transactionsOf(client: RespClient): Promise<number> {
  const info = String(await client.request('INFO', 'isolation'));
  const found = /^multi_shard_transactions:(\d+)/m.exec(info);
  if (found === null) throw new Error('INFO has no multi_shard_transactions');
  return Number(found[1]);
}
