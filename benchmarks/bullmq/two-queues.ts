// Two queues, each worked on by long scripts: what a second shard is for.
//
// Two connections send scripts that compute and change a hash and a sorted set of their own queue;
// with several shards the queues lie on different ones. A script takes about a millisecond, so the
// driver and the gateway have next to nothing to do, and on two cores two shards can have one each.
// `gain` is the throughput of a contender against one shard in the same round.

import type { RunningServer } from '../contenders.ts';
import { settle, threadCpuSeconds } from '../process-usage.ts';
import { encodeCommand, withClient } from '../resp-client.ts';
import { type BenchContext, measured } from '../suite.ts';
import { flush } from '../throughput.ts';
import { queueNames } from './queue-names.ts';
import { type CallSequence, sequenceOf } from './recorded-calls.ts';
import { replay, repliesTo } from './replay.ts';

export const TWO_QUEUES_SUITE = 'two-queues';
export const TWO_QUEUES_TEST = 'two queues';
const ONE_SHARD = '1';
const CALLS_PER_QUEUE = 1_000;
const WARM_UP_CALLS = 100;

const TEXT = `local s = tonumber(ARGV[1])
for i = 1, 300 do
  for k = 1, 30 do s = (s * 31 + k) % 1000003 end
  redis.call('HSET', KEYS[1], 'field' .. s % 500, s)
  redis.call('ZADD', KEYS[2], s, 'member' .. s % 500)
end
return s`;

export async function runTwoQueuesSuite(
  context: BenchContext,
  servers: readonly RunningServer[],
): Promise<void> {
  if (!context.wants(TWO_QUEUES_SUITE, TWO_QUEUES_TEST, null)) return;
  for (const server of servers) await measure(server, WARM_UP_CALLS).catch(() => {});
  for (let round = 0; round < context.rounds; round++) {
    let oneShard: number | undefined;
    for (const server of servers) {
      const contender = server.contender.name;
      const key = { suite: TWO_QUEUES_SUITE, test: TWO_QUEUES_TEST, pipeline: null };
      await measured(context, { ...key, contender, round }, async () => {
        const { rps, cpuUs } = await measure(server, CALLS_PER_QUEUE);
        if (contender === ONE_SHARD) oneShard = rps;
        const isMore = Number(contender) > 1 && oneShard !== undefined;
        return { rps, cpuUs, ...(isMore ? { gain: rps / oneShard! } : {}) };
      });
    }
  }
}

async function measure(server: RunningServer, calls: number) {
  const { port, pid } = server;
  await flush(port);
  const sha = await withClient(port, (client) => client.request('SCRIPT', 'LOAD', TEXT));
  const queues = (await queueNames(server, 2)).map((name) => callsOf(name, String(sha), calls));
  // A first pass gives the replies that the measured one is compared with.
  const work: { calls: CallSequence; expected: CallSequence }[] = [];
  for (const own of queues) work.push({ calls: own, expected: await repliesTo(port, own) });
  await settle(pid);
  const before = threadCpuSeconds(pid);
  const startedAt = performance.now();
  await Promise.all(work.map((each) => replay(port, each.calls, each.expected)));
  const seconds = (performance.now() - startedAt) / 1e3;
  const operations = calls * queues.length;
  return {
    rps: operations / seconds / 1e3,
    cpuUs: ((threadCpuSeconds(pid) - before) / operations) * 1e6,
  };
}

function callsOf(queue: string, sha: string, count: number): CallSequence {
  const keys = [`bull:${queue}:hash`, `bull:${queue}:scores`];
  return sequenceOf(
    Array.from({ length: count }, (_, i) =>
      encodeCommand('EVALSHA', sha, String(keys.length), ...keys, String(i)),
    ),
  );
}
