// Names of queues that lie on different shards of a running server.
//
// hashlane puts all keys `bull:<queue>:…` of a queue on one shard, by the hash of `bull:<queue>`: a
// key with that as its hash tag lies on the same shard, so the search for balanced tags does here.

import { findBalancedTags } from '../balanced-tags.ts';
import type { RunningServer } from '../contenders.ts';
import { withClient } from '../resp-client.ts';
import type { QueueNames } from './driver-messages.ts';

const PREFIX = 'bull:';

/** One name for each of `count` queues, in turn on the shards of the server. */
export async function queueNames(server: RunningServer, count: number): Promise<string[]> {
  const shards = Number(server.contender.name);
  if (!(shards > 1)) return Array.from({ length: count }, (_, i) => `queue${i}`);
  const tags = await withClient(server.port, (client) =>
    findBalancedTags(client, shards, count, `${PREFIX}queue`),
  );
  return tags.map((tag) => tag.slice(PREFIX.length));
}

export async function queuesApart(server: RunningServer): Promise<QueueNames> {
  const [main, children] = await queueNames(server, 2);
  return { main: main!, children: children! };
}
