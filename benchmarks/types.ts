// Hashes, sets, sorted sets and streams: throughput of single commands, server time on large values,
// and memory of whole datasets.
//
// `types` drives redis-benchmark as throughput.ts does. `large-values` asks each single-element
// command of a value of 20,000 elements a few thousand times and reads the server's own figure
// (usec_per_call of INFO commandstats): a command that is not O(1) or O(log n) shows there, whatever
// the network costs. `datasets` loads a fresh server and reads used_memory.

import { settle } from './process-usage.ts';
import {
  encodeCommand,
  pipeline as pipelined,
  type RespClient,
  withClient,
} from './resp-client.ts';
import { measureFresh, type Suite } from './suite.ts';
import { flush, runTests, type ThroughputTest } from './throughput.ts';

const MILLION = 1_000_000;
/** Commands in flight while a server is filled. */
const FILL_DEPTH = 500;

/** Fills a server with `count` commands. */
async function fill(port: number, count: number, make: (i: number) => Buffer): Promise<void> {
  await withClient(port, (client) => pipelined(client, count, FILL_DEPTH, make));
}

/** redis-benchmark's own element names. */
function element(i: number): string {
  return `element:${String(i).padStart(12, '0')}`;
}

async function fillMembers(port: number, command: string, requests: number): Promise<void> {
  await flush(port);
  const score = command === 'ZADD' ? (i: number) => [String(i)] : () => [];
  const key = command === 'ZADD' ? 'myzset' : 'myset';
  await fill(port, requests, (i) => encodeCommand(command, key, ...score(i), element(i)));
}

const sortedSetOf = (members: number) => async (port: number) => {
  await flush(port);
  await fill(port, members, (i) => encodeCommand('ZADD', 'big', String(i), element(i)));
};

function rankTest(members: number, name: string): ThroughputTest {
  return {
    name: `ZRANK of ${name}`,
    args: ['zrank', 'big', 'element:__rand_int__'],
    range: members,
    pipelines: [16],
    prepare: sortedSetOf(members),
  };
}

const TESTS: readonly ThroughputTest[] = [
  { name: 'HSET', args: ['-t', 'hset'], quick: [16] },
  { name: 'SADD', args: ['-t', 'sadd'] },
  { name: 'SPOP', args: ['-t', 'spop'], refill: (port, n) => fillMembers(port, 'SADD', n) },
  { name: 'ZADD', args: ['-t', 'zadd'], quick: [16] },
  { name: 'ZPOPMIN', args: ['-t', 'zpopmin'], refill: (port, n) => fillMembers(port, 'ZADD', n) },
  { name: 'XADD', args: ['xadd', 'stream', '*', 'field', 'value'], refill: flush, quick: [16] },
  rankTest(1_000, '1k'),
  rankTest(10_000, '10k'),
  rankTest(100_000, '100k'),
  rankTest(MILLION, '1M'),
  {
    name: 'ZADD of 1M',
    args: ['zadd', 'big', '__rand_int__', 'element:__rand_int__'],
    range: MILLION,
    pipelines: [16],
    prepare: sortedSetOf(MILLION),
  },
  {
    name: 'ZRANGEBYSCORE of 1M',
    args: ['zrangebyscore', 'big', '__rand_int__', '+inf', 'LIMIT', '0', '100'],
    range: MILLION,
    pipelines: [16],
    prepare: sortedSetOf(MILLION),
  },
  {
    name: 'HGETALL of 100',
    args: ['hgetall', 'hash'],
    prepare: (port) =>
      fill(port, 100, (i) => encodeCommand('HSET', 'hash', `field:${i}`, `v:${i}`)),
  },
  {
    name: 'SMEMBERS of 100',
    args: ['smembers', 'set'],
    prepare: (port) => fill(port, 100, (i) => encodeCommand('SADD', 'set', `member:${i}`)),
  },
  {
    name: 'ZRANGE of 100',
    args: ['zrange', 'zset', '0', '99', 'WITHSCORES'],
    prepare: (port) =>
      fill(port, 100, (i) => encodeCommand('ZADD', 'zset', String(i), `member:${i}`)),
  },
];

export const types: Suite = {
  name: 'types',
  about: 'requests/s and server CPU of commands on hashes, sets, sorted sets and streams',
  run: (context) => runTests(context, 'types', TESTS),
};

const LARGE = 20_000;
const CALLS = 2_000;

interface LargeValue {
  readonly type: string;
  readonly fill: (i: number) => Buffer;
  /** Single-element commands, by the name that commandstats has. */
  readonly commands: readonly (readonly [name: string, make: (i: number) => string[]])[];
}

/** Spread over the value, and the same for every server. */
const spread = (i: number): number => (i * 7919) % LARGE;

const LARGE_VALUES: readonly LargeValue[] = [
  {
    type: 'hash',
    fill: (i) => encodeCommand('HSET', 'v', element(i), String(i)),
    commands: [
      ['hget', (i) => ['HGET', 'v', element(spread(i))]],
      ['hset', (i) => ['HSET', 'v', element(spread(i)), 'other']],
      ['hincrby', (i) => ['HINCRBY', 'v', `n${i}`, '1']],
      ['hrandfield', () => ['HRANDFIELD', 'v']],
      ['hdel', (i) => ['HDEL', 'v', element(spread(i))]],
    ],
  },
  {
    type: 'set',
    fill: (i) => encodeCommand('SADD', 'v', element(i)),
    commands: [
      ['sismember', (i) => ['SISMEMBER', 'v', element(spread(i))]],
      ['sadd', (i) => ['SADD', 'v', `new${i}`]],
      ['srandmember', () => ['SRANDMEMBER', 'v']],
      ['srem', (i) => ['SREM', 'v', element(spread(i))]],
      ['spop', () => ['SPOP', 'v']],
    ],
  },
  {
    type: 'zset',
    fill: (i) => encodeCommand('ZADD', 'v', String(i), element(i)),
    commands: [
      ['zscore', (i) => ['ZSCORE', 'v', element(spread(i))]],
      ['zrank', (i) => ['ZRANK', 'v', element(spread(i))]],
      ['zadd', (i) => ['ZADD', 'v', String(i * 7), element(spread(i))]],
      ['zincrby', (i) => ['ZINCRBY', 'v', '5', element(spread(i))]],
      ['zpopmin', () => ['ZPOPMIN', 'v']],
      ['zrem', (i) => ['ZREM', 'v', element(spread(i))]],
    ],
  },
  {
    type: 'list',
    fill: (i) => encodeCommand('RPUSH', 'v', element(i)),
    commands: [
      ['lindex', (i) => ['LINDEX', 'v', String(spread(i))]],
      ['lset', (i) => ['LSET', 'v', String(spread(i)), 'other']],
      ['lpush', () => ['LPUSH', 'v', 'x']],
      ['rpop', () => ['RPOP', 'v']],
    ],
  },
];

/** Microseconds per call of each command, by the server's own count. */
async function timeCommands(client: RespClient, value: LargeValue): Promise<Map<string, number>> {
  await client.request('FLUSHALL');
  await pipelined(client, LARGE, FILL_DEPTH, value.fill);
  await client.request('CONFIG', 'RESETSTAT');
  for (const [, make] of value.commands) {
    await pipelined(client, CALLS, 20, (i) => encodeCommand(...make(i)));
  }
  const info = String(await client.request('INFO', 'commandstats'));
  const times = new Map<string, number>();
  for (const [name] of value.commands) {
    const line = new RegExp(`^cmdstat_${name}:.*usec_per_call=([\\d.]+)`, 'm').exec(info);
    if (line === null) throw new Error(`no ${name} in INFO commandstats`);
    times.set(name, Number(line[1]));
  }
  return times;
}

export const largeValues: Suite = {
  name: 'large-values',
  about: 'server time of single-element commands on values of 20,000 elements',
  async run(context) {
    for (const value of LARGE_VALUES) {
      const worst = { suite: 'large-values', test: `slowest on a ${value.type} of 20,000` };
      await measureFresh(context, { ...worst, rounds: 1 }, (server) =>
        withClient(server.port, async (client) => {
          // The first pass is for the compilers.
          await timeCommands(client, value);
          const times = await timeCommands(client, value);
          return { serverUs: Math.max(...times.values()) };
        }),
      );
    }
  },
};

interface Dataset {
  readonly name: string;
  readonly count: number;
  readonly make: (i: number) => Buffer;
}

const DATASETS: readonly Dataset[] = [
  {
    name: 'memory of 100k hashes of 10 fields',
    count: 100_000,
    make: (i) =>
      encodeCommand(
        ...['HSET', `hash:${i}`],
        ...Array.from({ length: 10 }, (_, j) => [`field${j}`, `value${j}`]).flat(),
      ),
  },
  {
    name: 'memory of 10k lists of 1,000',
    count: 100_000,
    make: (i) =>
      encodeCommand(
        ...['RPUSH', `list:${i % 10_000}`],
        ...Array.from({ length: 100 }, (_, j) => `element:${j}`),
      ),
  },
  {
    name: 'memory of a sorted set of 1M',
    count: MILLION,
    make: (i) => encodeCommand('ZADD', 'zset', String(i), element(i)),
  },
  {
    name: 'memory of a stream of 1M',
    count: MILLION,
    make: (i) =>
      encodeCommand('XADD', 'stream', `${1000 + i}-0`, 'id', String(i), 'to', 'you', 'at', 'noon'),
  },
];

export const datasets: Suite = {
  name: 'datasets',
  about: 'used_memory of hashes, lists, a sorted set and a stream',
  async run(context) {
    for (const { name, count, make } of DATASETS) {
      await measureFresh(context, { suite: 'datasets', test: name, rounds: 1 }, (server) =>
        withClient(server.port, async (client) => {
          const before = await usedMemory(client);
          await pipelined(client, count, FILL_DEPTH, make);
          await settle(server.pid);
          return { usedMb: ((await usedMemory(client)) - before) / 2 ** 20 };
        }),
      );
    }
  },
};

async function usedMemory(client: RespClient): Promise<number> {
  const info = String(await client.request('INFO', 'memory'));
  return Number(/^used_memory:(\d+)\r?$/m.exec(info)?.[1]);
}
