// Recorded BullMQ calls, sent again as fast as a server takes them, from a client that only compares
// bytes: what a script costs without BullMQ's own cost in the way.
//
// Every round runs the whole recording from an empty database, since each call needs what the ones
// before it left behind. Replies must be those of redis-server, byte by byte. The texts of all
// scripts are loaded first, so that compiling is not in these figures (first-call.ts has it).

import type { Contender, RunningServer } from '../contenders.ts';
import { settle, threadCpuSeconds } from '../process-usage.ts';
import { withClient } from '../resp-client.ts';
import { type BenchContext, measured } from '../suite.ts';
import { flush } from '../throughput.ts';
import type { CallSequence } from './recorded-calls.ts';
import { type Recording, record } from './recording.ts';
import { replay, repliesTo } from './replay.ts';

export const REPLAY_SUITE = 'replay';

/** Steps that are measured; recording.ts makes them. */
export const REPLAY_TESTS: readonly string[] = [
  'addStandardJob',
  'moveToActive',
  'moveToFinished',
  'moveToFinished and fetch next',
  'addDelayedJob',
  'addPrioritizedJob',
];

/** V8 goes on optimising for about as long. */
const WARM_UP_ROUNDS = 2;

export async function runReplaySuite(
  context: BenchContext,
  servers: readonly RunningServer[],
  recorder: Contender,
  jobs: number,
): Promise<void> {
  if (!REPLAY_TESTS.some((test) => context.wants(REPLAY_SUITE, test, null))) return;
  console.error(`recording BullMQ's calls for ${jobs} jobs on ${recorder.label}`);
  const recording = await record(recorder, jobs);
  const reference = servers.find((server) => server.contender.name === recorder.name) ?? servers[0];
  const expected = await repliesOf(reference!.port, recording);
  for (let i = 0; i < WARM_UP_ROUNDS; i++) {
    for (const server of servers) {
      // What fails shows again in the rounds, and is recorded there.
      await runRound(server, recording, expected, () => {}).catch(() => {});
    }
  }
  for (let round = 0; round < context.rounds; round++) {
    for (const server of servers) await measureRound(context, server, recording, expected, round);
  }
}

/** Empties the database and loads the texts of all scripts. */
export async function loadScripts(port: number, { scripts }: Recording): Promise<void> {
  await flush(port);
  await withClient(port, async (client) => {
    for (const text of scripts.values()) await client.request('SCRIPT', 'LOAD', text);
  });
}

/** What the server answers to a recording: a reference for others, or for itself later. */
export async function repliesOf(port: number, recording: Recording): Promise<CallSequence[]> {
  await loadScripts(port, recording);
  const expected: CallSequence[] = [];
  for (const { calls } of recording.steps) expected.push(await repliesTo(port, calls));
  return expected;
}

interface StepCost {
  readonly name: string;
  readonly calls: number;
  readonly seconds: number;
  readonly cpu: number;
}

async function runRound(
  { port, pid }: RunningServer,
  recording: Recording,
  expected: readonly CallSequence[],
  onStep: (cost: StepCost) => void,
): Promise<void> {
  await loadScripts(port, recording);
  for (const [i, { name, calls }] of recording.steps.entries()) {
    if (name !== undefined) await settle(pid);
    const before = threadCpuSeconds(pid);
    const seconds = await replay(port, calls, expected[i]!);
    const cpu = threadCpuSeconds(pid) - before;
    if (name !== undefined) onStep({ name, calls: calls.ends.length, seconds, cpu });
  }
}

/** Steps after one that failed cannot be run, and fail with its error. */
async function measureRound(
  context: BenchContext,
  server: RunningServer,
  recording: Recording,
  expected: readonly CallSequence[],
  round: number,
): Promise<void> {
  const costs = new Map<string, StepCost>();
  let failure: unknown = new Error('not among the recorded calls');
  try {
    await runRound(server, recording, expected, (cost) => costs.set(cost.name, cost));
  } catch (error) {
    failure = error;
  }
  for (const test of REPLAY_TESTS) {
    if (!context.wants(REPLAY_SUITE, test, null)) continue;
    const contender = server.contender.name;
    await measured(
      context,
      { suite: REPLAY_SUITE, test, pipeline: null, contender, round },
      async () => {
        const cost = costs.get(test);
        if (cost === undefined) throw failure;
        return { rps: cost.calls / cost.seconds / 1e3, cpuUs: (cost.cpu / cost.calls) * 1e6 };
      },
    );
  }
}
