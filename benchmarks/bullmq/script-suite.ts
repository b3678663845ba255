// Scripts of our own: what a call costs, what the library costs, and what a long script costs.
//
// Short ones are EVALSHA, pipelined from one connection, as recorded calls are; an operation is a
// call. Long ones are single calls of a script that loops, and an operation is what their loop does
// once (1,000 turns where a turn is next to nothing). Every script's reply must be redis-server's.

import type { RunningServer } from '../contenders.ts';
import { settle, threadCpuSeconds } from '../process-usage.ts';
import { encodeCommand, withClient } from '../resp-client.ts';
import { type BenchContext, measured } from '../suite.ts';
import { flush } from '../throughput.ts';
import { type CallSequence, sequenceOf } from './recorded-calls.ts';
import { replay, repliesTo } from './replay.ts';

export const SCRIPT_SUITE = 'scripts';

interface ScriptTest {
  readonly name: string;
  readonly text: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
  readonly calls: number;
  /** Operations in a call; 1 when left out. */
  readonly operations?: number;
}

/** {"id":12345,"name":"welcome","to":["a@example.com","b@example.com"],"attempts":3} */
const PACKED = Buffer.from(
  '84a26964cd3039a46e616d65a777656c636f6d65a2746f92ad61406578616d706c652e636f6d' +
    'ad62406578616d706c652e636f6da8617474656d70747303',
  'hex',
);

const HASH_FIELDS = 20;

const TESTS: readonly ScriptTest[] = [
  { name: 'return 1', text: 'return 1', keys: [], args: [], calls: 400_000 },
  {
    name: 'one INCR',
    text: "return redis.call('INCR', KEYS[1])",
    keys: ['counter'],
    args: [],
    calls: 300_000,
  },
  {
    name: 'loop of 1,000',
    text: 'local s = 0 for i = 1, 1000 do s = (s * 3 + i) % 1000003 end return s',
    keys: [],
    args: [],
    calls: 60_000,
  },
  {
    name: '20 HSET, HGETALL',
    text: `for i = 1, ${HASH_FIELDS} do redis.call('HSET', KEYS[1], 'field' .. i, ARGV[1] .. i) end
return redis.call('HGETALL', KEYS[1])`,
    keys: ['hash'],
    args: ['value'],
    calls: 25_000,
  },
  {
    name: 'cmsgpack to cjson',
    text: 'return cjson.encode(cmsgpack.unpack(ARGV[1]).to)',
    keys: [],
    args: [PACKED],
    calls: 150_000,
  },
  {
    name: 'HSET ZADD LPUSH RPOP',
    text: `for i = 1, tonumber(ARGV[1]) do
  redis.call('HSET', KEYS[1], 'field' .. i % 1000, i)
  redis.call('ZADD', KEYS[2], i, 'member' .. i % 1000)
  redis.call('LPUSH', KEYS[3], i)
  redis.call('RPOP', KEYS[3])
end
return redis.call('HLEN', KEYS[1]) + redis.call('ZCARD', KEYS[2])`,
    keys: ['{loop}:hash', '{loop}:zset', '{loop}:list'],
    args: ['200000'],
    calls: 1,
    operations: 200_000,
  },
  {
    name: 'arithmetic, 1,000 turns',
    text: `local s = 0
for i = 1, tonumber(ARGV[1]) do
  s = (s * 3 + i) % 1000003
  if s % 2 == 0 then s = s + 1 end
end
return s`,
    keys: [],
    args: ['20000000'],
    calls: 1,
    operations: 20_000,
  },
];

export const SCRIPT_TEST_NAMES: readonly string[] = TESTS.map(({ name }) => name);

export async function runScriptSuite(
  context: BenchContext,
  servers: readonly RunningServer[],
): Promise<void> {
  for (const test of TESTS) {
    if (context.wants(SCRIPT_SUITE, test.name, null)) await runTest(context, servers, test);
  }
}

async function runTest(
  context: BenchContext,
  servers: readonly RunningServer[],
  test: ScriptTest,
): Promise<void> {
  // The replies of the first server, which is redis-server if it takes part, are expected of all.
  let expected: CallSequence | undefined;
  const calls = new Map<RunningServer, CallSequence>();
  for (const server of servers) {
    try {
      const own = await load(server.port, test);
      calls.set(server, own);
      const replies = await repliesTo(server.port, own);
      expected ??= replies;
    } catch {
      // Shows again in the rounds, and is recorded there.
    }
  }
  for (let round = 0; round < context.rounds; round++) {
    for (const server of servers) {
      const contender = server.contender.name;
      const key = { suite: SCRIPT_SUITE, test: test.name, pipeline: null, contender, round };
      await measured(context, key, async () => {
        const own = calls.get(server) ?? (await load(server.port, test));
        return measure(server, test, own, expected ?? (await repliesTo(server.port, own)));
      });
    }
  }
}

async function load(port: number, { text, keys, args, calls }: ScriptTest): Promise<CallSequence> {
  await flush(port);
  const sha = await withClient(port, (client) => client.request('SCRIPT', 'LOAD', text));
  const call = encodeCommand('EVALSHA', String(sha), String(keys.length), ...keys, ...args);
  return sequenceOf(Array.from({ length: calls }, () => call));
}

async function measure(
  { port, pid }: RunningServer,
  test: ScriptTest,
  calls: CallSequence,
  expected: CallSequence,
) {
  await flush(port);
  await settle(pid);
  const before = threadCpuSeconds(pid);
  const seconds = await replay(port, calls, expected);
  const cpu = threadCpuSeconds(pid) - before;
  const operations = test.calls * (test.operations ?? 1);
  return { rps: operations / seconds / 1e3, cpuUs: (cpu / operations) * 1e6 };
}
