/**
 * The statistics of all shards for INFO, without waiting for a shard that is busy.
 *
 * Every shard is asked; one that does not answer within ANSWER_MS_MAX (a long command, DEBUG SLEEP,
 * a restart) is represented by its last answer. A late answer is kept for the next time.
 */
import type { ShardStatistics } from '@hashlane/shard-worker';
import type { Gateway } from '../gateway.ts';

/** What INFO may wait for. */
const ANSWER_MS_MAX = 100;

/** One entry per shard: its statistics now or as last known; undefined if it never answered. */
export async function gatherShardStatistics(
  gateway: Gateway,
): Promise<(ShardStatistics | undefined)[]> {
  const { lastOfShard } = gateway.statistics;
  const asked = gateway.shards.links.map((link, i) =>
    link.control({ type: 'statistics' }).then(
      (answer) => {
        lastOfShard[i] = answer;
      },
      // The shard is down: what it said last stands.
      () => {},
    ),
  );
  // Not until the start is over: INFO answers while a snapshot is being loaded.
  const changes = gateway.snapshots?.changesSinceSave().catch(() => {});
  await settledOrLate(Promise.all([...asked, changes]));
  return gateway.shards.links.map((_, i) => lastOfShard[i]);
}

function settledOrLate(answers: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ANSWER_MS_MAX);
    void answers.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
