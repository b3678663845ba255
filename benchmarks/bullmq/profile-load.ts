// BullMQ as the load of `npm run profile`: the same work again until the time is up.
//
// `bullmq` is BullMQ itself, jobs added in bulk and worked through; `bullmq-calls` are its recorded
// calls in long pipelines, where the scripts are nearly all that the server does.

import { contenderNamed } from '../contenders.ts';
import { BASELINE } from '../results.ts';
import { flush } from '../throughput.ts';
import { Driver } from './driver-handle.ts';
import { record } from './recording.ts';
import { replay } from './replay.ts';
import { loadScripts, repliesOf } from './replay-suite.ts';

const JOBS = 10_000;

/** By the name given to --test: each makes load for the seconds given and says what was done. */
export const BULLMQ_LOADS: Readonly<
  Record<string, (port: number, seconds: number) => Promise<string>>
> = { bullmq: workThroughJobs, 'bullmq-calls': replayCalls };

async function workThroughJobs(port: number, seconds: number): Promise<string> {
  const driver = new Driver();
  const queues = { main: 'queue0', children: 'queue1' };
  let jobs = 0;
  try {
    const startedAt = performance.now();
    while (performance.now() - startedAt < seconds * 1e3) {
      await flush(port);
      await driver.ask({ kind: 'open', port, queues });
      await driver.ask({ kind: 'add', how: 'addBulk', jobs: JOBS });
      await driver.ask({ kind: 'workers' });
      await driver.ask({ kind: 'process' });
      await driver.ask({ kind: 'close' });
      jobs += JOBS;
    }
    const rate = (jobs / (performance.now() - startedAt)) * 1e3;
    return `${jobs} jobs, ${Math.round(rate)}/s`;
  } finally {
    driver.stop();
  }
}

async function replayCalls(port: number, seconds: number): Promise<string> {
  const recording = await record(contenderNamed(BASELINE), JOBS);
  const expected = await repliesOf(port, recording);
  let calls = 0;
  let spent = 0;
  while (spent < seconds) {
    await loadScripts(port, recording);
    for (const [i, step] of recording.steps.entries()) {
      spent += await replay(port, step.calls, expected[i]!);
      calls += step.calls.ends.length;
    }
  }
  return `${calls} calls, ${Math.round(calls / spent)}/s`;
}
