// How long a client waits for the first call of BullMQ's largest script: text sent, compiled, run.
//
// The script finishes a job and takes the next one. On a server that has just been started ("cold":
// not one script has run in it), on one that was started a second ago (not one script either, but it
// has had time), and on one that has seen BullMQ's other scripts ("warm"). The jobs are put there
// with plain commands, and the call is EVAL with the whole text, as a client library sends it the
// first time.

import { setTimeout } from 'node:timers/promises';
import type { RunningServer } from '../contenders.ts';
import { type RespClient, withClient } from '../resp-client.ts';
import type { Sample } from '../results.ts';
import { type BenchContext, measureFresh } from '../suite.ts';
import { type LibraryScript, libraryScripts, pack } from './bullmq-scripts.ts';

export const FIRST_CALL_SUITE = 'first-call';
const COLD = 'first call, cold';
const IDLE = 'first call, a second after the start';
const WARM = 'first call, warm';
export const FIRST_CALL_TESTS: readonly string[] = [COLD, IDLE, WARM];

const LARGEST = 'moveToFinished';
const TOKEN = 'token';
const PREFIX = 'bull:first:';
/** In the order of the script's KEYS; without the prefix. */
const KEYS = [
  ...['wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused'],
  ...['meta', 'pc', 'completed', '1', 'metrics:completed', 'marker'],
];
const OPTIONS = {
  ...{ token: TOKEN, name: null, keepJobs: { count: -1 }, limiter: null, lockDuration: 30_000 },
  ...{ attempts: 0, maxMetricsSize: '', fpof: false, cpof: false, idof: false, rdof: false },
};
/** A server that is idle has to be woken by the system first; that is not the script's. */
const PINGS = 50;
const IDLE_MS = 1000;

export async function runFirstCallSuite(context: BenchContext): Promise<void> {
  const { rounds } = context;
  const suite = FIRST_CALL_SUITE;
  const scripts = libraryScripts();
  const largest = scripts.find(({ name }) => name === LARGEST)!;
  const others = scripts.filter(({ name }) => name !== LARGEST);
  await measureFresh(context, { suite, test: COLD, rounds }, (server) =>
    measure(server, largest, []),
  );
  await measureFresh(context, { suite, test: IDLE, rounds }, async (server) => {
    await setTimeout(IDLE_MS);
    return measure(server, largest, []);
  });
  await measureFresh(context, { suite, test: WARM, rounds }, (server) =>
    measure(server, largest, others),
  );
}

function measure(
  { port }: RunningServer,
  largest: LibraryScript,
  before: readonly LibraryScript[],
): Promise<Sample['values']> {
  return withClient(port, async (client) => {
    for (const script of before) await callInVain(client, script);
    await client.request('FLUSHALL');
    await addTwoJobs(client);
    for (let i = 0; i < PINGS; i++) await client.request('PING');
    const command = ['EVAL', largest.text, String(KEYS.length), ...KEYS.map((key) => PREFIX + key)];
    const args = ['1', '1700000000000', 'returnvalue', '{}', 'completed', '1', PREFIX];
    const startedAt = performance.now();
    const reply = await client.request(...command, ...args, pack(OPTIONS), '');
    const firstCallMs = performance.now() - startedAt;
    if (!Array.isArray(reply) || reply[1] !== '2') {
      throw new Error(`${LARGEST} answered ${JSON.stringify(reply)} instead of the next job`);
    }
    return { firstCallMs };
  });
}

function refuseUnknown(error: Error): void {
  if (/unknown command/i.test(error.message)) throw error;
}

/** Compiles the script and begins it: most of them find their arguments missing. */
async function callInVain(client: RespClient, { text, keys }: LibraryScript): Promise<void> {
  const names = Array.from({ length: keys }, (_, i) => `${PREFIX}${i}`);
  await client.request('EVAL', text, String(keys), ...names).catch(refuseUnknown);
}

/** One that is active under a lock, one that waits. */
async function addTwoJobs(client: RespClient): Promise<void> {
  for (const id of ['1', '2']) {
    const fields = ['name', 'mail', 'data', '{}', 'opts', '{}', 'timestamp', '1', 'priority', '0'];
    await client.request('HSET', PREFIX + id, ...fields);
  }
  await client.request('LPUSH', `${PREFIX}active`, '1');
  await client.request('LPUSH', `${PREFIX}wait`, '2');
  await client.request('SET', `${PREFIX}1:lock`, TOKEN, 'PX', '30000');
}
