/**
 * The conformance matrix: every program of the tables, over shards {0, 1, 4} × {RESP2, RESP3} and
 * with 4 shards × {locked, lock-free}, against redis-server on the same protocol. Once command by
 * command, and once with the whole program in one write, which goes other ways through router and
 * reply order. `CONFORMANCE=whole node conformance.test.ts` has lock-free with fewer shards too.
 */

import t, { type Test } from 'tap';
import { lineOf } from '../command-text.ts';
import { scanKeys } from '../database-walk.ts';
import { witnessCommands } from '../generic-words.ts';
import { TEST_MS_MAX } from '../limits.ts';
import { isSameReply } from '../reply-comparison.ts';
import {
  oracleMissing,
  type RawClient,
  request,
  type ServerProcess,
  startOracle,
  startServer,
  testUnlessMissing,
} from '../tools.ts';
import { bitmapCases } from './bitmap-cases.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { functionCases } from './functions-cases.ts';
import { genericCases } from './generic-cases.ts';
import { geoCases } from './geo-cases.ts';
import { hashCases } from './hash-cases.ts';
import { hyperLogLogCases } from './hyperloglog-cases.ts';
import { listCases } from './list-cases.ts';
import { scriptingCases } from './scripting-cases.ts';
import { setCases } from './set-cases.ts';
import { sortCases } from './sort-cases.ts';
import { sortedSetCases } from './sorted-set-cases.ts';
import { spreadCases } from './spread-cases.ts';
import { streamCases } from './stream-cases.ts';
import { stringCases } from './string-cases.ts';
import { transactionCases } from './transaction-cases.ts';

t.setTimeout(TEST_MS_MAX);

const ALL = [
  ...transactionCases,
  ...stringCases,
  ...bitmapCases,
  ...hyperLogLogCases,
  ...geoCases,
  ...listCases,
  ...hashCases,
  ...setCases,
  ...sortedSetCases,
  ...genericCases,
  ...sortCases,
  ...spreadCases,
  ...streamCases,
  ...scriptingCases,
  ...functionCases,
];
const PROTOCOLS = [2, 3] as const;

async function startOver(client: RawClient, protocol: 2 | 3): Promise<void> {
  await client.text('RESET');
  await client.text('HELLO', protocol);
  await client.text('FLUSHALL');
}

async function oneByOne(client: RawClient, { commands }: ConformanceCase): Promise<string[]> {
  const replies: string[] = [];
  for (const words of commands) {
    const parts = [await client.call(...words)];
    for (const witness of witnessCommands(words)) parts.push(await client.call(...witness));
    replies.push(parts.join(''));
  }
  return replies;
}

function pipelined(client: RawClient, { commands }: ConformanceCase): Promise<string[]> {
  client.send(Buffer.concat(commands.map((words) => request(...words))));
  return client.replies(commands.length);
}

function compare(
  t: Test,
  { name, commands }: ConformanceCase,
  theirs: readonly string[],
  ours: readonly string[],
): void {
  const wrong = commands.flatMap((words, i) =>
    isSameReply(words, theirs[i]!, ours[i]!)
      ? []
      : [
          `${lineOf(words).slice(0, 200)}\n  redis: ${show(theirs[i]!)}\n  here:  ${show(ours[i]!)}`,
        ],
  );
  if (wrong.length === 0) t.pass(name);
  else t.fail(`${name}\n${wrong.join('\n')}`);
}

function show(raw: string): string {
  return JSON.stringify(raw).slice(0, 300);
}

async function runAll(t: Test, server: ServerProcess, oracle: ServerProcess): Promise<void> {
  using here = await server.connect();
  using there = await oracle.connect();
  for (const protocol of PROTOCOLS) {
    for (const [way, run] of [
      ['one by one', oneByOne],
      ['in one write', pipelined],
    ] as const) {
      for (const each of ALL) {
        await Promise.all([startOver(here, protocol), startOver(there, protocol)]);
        const [theirs, ours] = await Promise.all([run(there, each), run(here, each)]);
        const named = { ...each, name: `RESP${protocol}, ${way}: ${each.name}` };
        compare(t, named, theirs, ours);
      }
    }
  }
}

const MATRIX = [
  [0, 'locked'],
  [1, 'locked'],
  [4, 'locked'],
  [4, 'lock-free'],
] as const;
/** With fewer than two shards there is nothing that the modes do differently. */
const REST = [
  [0, 'lock-free'],
  [1, 'lock-free'],
] as const;
const isWhole = process.env.CONFORMANCE === 'whole';

for (const [shards, isolation] of isWhole ? [...MATRIX, ...REST] : MATRIX) {
  testUnlessMissing(t, `${shards} shards, ${isolation}`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards, args: ['--isolation', isolation] });
    await using oracle = await startOracle({ args: ['--hz', '500'] });
    await runAll(t, server, oracle);
  });
}

for (const shards of [0, 1, 4]) {
  void t.test(`a full SCAN, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    const keys = Array.from({ length: 3000 }, (_, i) => `key:${i}`);
    await client.text('MSET', ...keys.flatMap((key) => [key, 'v']));
    for (let i = 0; i < 100; i++) await client.text('RPUSH', `list:${i}`, 'x');
    t.equal((await scanKeys(client, 0)).length, 3100);
    t.equal((await scanKeys(client, 0, 'COUNT', '1000')).length, 3100);
    t.equal((await scanKeys(client, 0, 'COUNT', '1', 'TYPE', 'list')).length, 100);
    t.equal((await scanKeys(client, 0, 'MATCH', 'key:1*')).length, 1111);
    t.strictSame(await scanKeys(client, 1), []);
  });

  void t.test(`SCAN misses nothing while keys come and go, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    using other = await server.connect();
    const stay = Array.from({ length: 500 }, (_, i) => `stay:${i}`);
    await client.text('MSET', ...stay.flatMap((key) => [key, 'v']));
    const found = new Set<string>();
    let cursor = '0';
    let round = 0;
    do {
      const reply = (await client.value('SCAN', cursor, 'COUNT', 20)) as [string, string[]];
      cursor = reply[0];
      for (const key of reply[1]) found.add(key);
      const come = Array.from({ length: 200 }, (_, i) => `come:${round}:${i}`);
      await other.text('MSET', ...come.flatMap((key) => [key, 'v']));
      if (round % 2 === 1) await other.text('DEL', ...come);
      round++;
    } while (cursor !== '0');
    t.ok(
      stay.every((key) => found.has(key)),
      `every key that was there all the time, in ${round} rounds`,
    );
  });
}
