// Throughput, latency and server CPU per operation, with redis-benchmark as the client.
//
// All servers run during the whole suite and are loaded in turn: for a test, every contender is
// prepared and warmed up, then the rounds go A B A B. The number of requests is chosen from
// redis-server's speed (the first contender's) in the warm-up and is the same for all, so that a
// run lasts about two seconds: CPU is read in ticks of 10 ms, and lists grow to the same length.
//
// CPU per operation is what all threads of the server used between just before and just after the
// run, divided by the number of requests. Before a run the server is let settle, so that freeing
// the last test's data is not charged to this one.
//
// LPUSH and RPOP work on one list, as redis-benchmark's own tests do; the _RANDOM pair works on
// 100 k lists. Nothing here spreads the client over threads: redis-benchmark has one core, the
// server what is left.

import { type RunningServer, withServers } from './contenders.ts';
import { cpuSeconds, settle } from './process-usage.ts';
import { measureWithRedisBenchmark } from './redis-benchmark.ts';
import { encodeCommand, pipeline as pipelined, withClient } from './resp-client.ts';
import { type Sample, testLabel } from './results.ts';
import { type BenchContext, measured, type Suite } from './suite.ts';

const SUITE = 'throughput';
const CLIENTS = 50;
const KEYS = 100_000;
const PIPELINES = [1, 16] as const;
/** Elements of the list that LRANGE reads the head of. */
const RANGED_LENGTH = 10_000;
/** Values per LPUSH while a list is filled. */
const FILL_VALUES = 200;
const REQUESTS_MIN = 10_000;
const REQUESTS_MAX = 6_000_000;

export interface ThroughputTest {
  readonly name: string;
  /** Arguments of redis-benchmark after the common ones: `-t x`, or a command. */
  readonly args: readonly string[];
  /** Pipelines to measure it with; both by default. */
  readonly pipelines?: readonly number[];
  /** Values that `__rand_int__` may take; 100 k by default. */
  readonly range?: number;
  /** Pipelines that --quick measures it with. */
  readonly quick?: readonly number[];
  /** Once per server, before the warm-up. */
  prepare?(port: number): Promise<void>;
  /** Before every run, with the number of requests that follow. */
  refill?(port: number, requests: number): Promise<void>;
}

const builtIn = (name: string): readonly string[] => ['-t', name];
const range = (count: number): ThroughputTest => ({
  name: `LRANGE_${count}`,
  args: ['lrange', 'mylist', '0', String(count - 1)],
  prepare: (port) => fillList(port, 'mylist', RANGED_LENGTH),
});

const TESTS: readonly ThroughputTest[] = [
  { name: 'PING_INLINE', args: builtIn('ping_inline') },
  { name: 'PING_MBULK', args: builtIn('ping_mbulk') },
  { name: 'SET', args: builtIn('set'), quick: [1, 16] },
  { name: 'GET', args: builtIn('get'), quick: [16], prepare: fillStrings },
  { name: 'INCR', args: builtIn('incr') },
  { name: 'LPUSH', args: builtIn('lpush'), quick: [16], refill: flush },
  { name: 'RPOP', args: builtIn('rpop'), quick: [16], refill: refillList },
  { name: 'LPUSH_RANDOM', args: ['lpush', 'list:__rand_int__', 'xxx'], refill: flush },
  { name: 'RPOP_RANDOM', args: ['rpop', 'list:__rand_int__'], refill: refillLists },
  range(100),
  { ...range(300), quick: [1] },
  range(500),
  range(600),
  { name: 'MSET', args: builtIn('mset') },
];

export const throughput: Suite = {
  name: SUITE,
  about: 'requests/s, p50, p99 and server CPU per request of single commands (redis-benchmark)',
  run: (context) => runTests(context, SUITE, TESTS),
};

/** Measures each test with every contender in turn, on servers that run for all of them. */
export async function runTests(
  context: BenchContext,
  suite: string,
  tests: readonly ThroughputTest[],
): Promise<void> {
  const wanted = tests.flatMap((test) =>
    (context.quick ? (test.quick ?? []) : (test.pipelines ?? PIPELINES))
      .filter((depth) => context.wants(suite, test.name, depth))
      .map((depth) => ({ test, depth })),
  );
  if (wanted.length === 0) return;
  await withServers(context.contenders, async (servers) => {
    for (const { test, depth } of wanted) {
      if (context.isTooLateFor(testLabel({ test: test.name, pipeline: depth }))) return;
      await runTest(context, suite, servers, test, depth);
    }
  });
}

async function runTest(
  context: BenchContext,
  suite: string,
  servers: readonly RunningServer[],
  test: ThroughputTest,
  depth: number,
): Promise<void> {
  const seconds = context.quick ? 0.5 : 2;
  const failed = new Map<RunningServer, unknown>();
  let requests = 0;
  for (const server of servers) {
    try {
      const rps = await warmUp(server, test, depth, requests);
      requests ||= Math.min(REQUESTS_MAX, Math.max(REQUESTS_MIN, Math.round(rps * seconds)));
    } catch (error) {
      failed.set(server, error);
    }
  }
  for (let round = 0; round < context.rounds; round++) {
    for (const server of servers) {
      const contender = server.contender.name;
      const key = { suite, test: test.name, pipeline: depth, contender, round };
      await measured(context, key, () => {
        if (failed.has(server)) throw failed.get(server);
        return measure(server, test, depth, requests);
      });
    }
  }
}

/** Gives requests per second; a third of a run when the length of a run is known. */
async function warmUp(
  server: RunningServer,
  test: ThroughputTest,
  depth: number,
  requests: number,
): Promise<number> {
  const { port } = server;
  await flush(port);
  await test.prepare?.(port);
  const first = depth === 1 ? 20_000 : 150_000;
  const count = test.name.startsWith('LRANGE') ? 10_000 : first;
  await test.refill?.(port, count);
  const row = await measureWithRedisBenchmark(port, argsOf(test, depth, count));
  const more = Math.round((requests || row.rps) / 3);
  await test.refill?.(port, more);
  return (await measureWithRedisBenchmark(port, argsOf(test, depth, more))).rps;
}

async function measure(
  server: RunningServer,
  test: ThroughputTest,
  depth: number,
  requests: number,
): Promise<Sample['values']> {
  const { port, pid } = server;
  await test.refill?.(port, requests);
  await settle(pid);
  const before = cpuSeconds(pid);
  const row = await measureWithRedisBenchmark(port, argsOf(test, depth, requests));
  const spent = cpuSeconds(pid) - before;
  return {
    rps: row.rps / 1e3,
    cpuUs: (spent / requests) * 1e6,
    p50Ms: row.p50Ms,
    p99Ms: row.p99Ms,
  };
}

function argsOf(test: ThroughputTest, depth: number, requests: number): string[] {
  return [
    ...['-c', String(CLIENTS), '-n', String(requests), '-P', String(depth)],
    ...['-r', String(test.range ?? KEYS), ...test.args],
  ];
}

export async function flush(port: number): Promise<void> {
  await withClient(port, (client) => client.request('FLUSHALL'));
}

/** The key that redis-benchmark makes of `<prefix>:__rand_int__`. */
function keyOf(prefix: string, index: number): string {
  return `${prefix}:${String(index).padStart(12, '0')}`;
}

async function fillStrings(port: number): Promise<void> {
  await withClient(port, (client) =>
    pipelined(client, KEYS, 500, (i) => encodeCommand('SET', keyOf('key', i), 'xxx')),
  );
}

async function fillList(port: number, key: string, length: number): Promise<void> {
  const push = encodeCommand('LPUSH', key, ...Array.from({ length: FILL_VALUES }, () => 'xxx'));
  const count = Math.ceil(length / FILL_VALUES);
  await withClient(port, (client) => pipelined(client, count, 50, () => push));
}

async function refillList(port: number, requests: number): Promise<void> {
  await flush(port);
  await fillList(port, 'mylist', requests + FILL_VALUES);
}

/** Every list gets what it is popped of on average and a margin: few pops find it empty. */
async function refillLists(port: number, requests: number): Promise<void> {
  await flush(port);
  const mean = requests / KEYS;
  const length = Math.ceil(mean + 3 * Math.sqrt(mean)) + 1;
  const values = Array.from({ length }, () => 'xxx');
  await withClient(port, (client) =>
    pipelined(client, KEYS, 100, (i) => encodeCommand('LPUSH', keyOf('list', i), ...values)),
  );
}
