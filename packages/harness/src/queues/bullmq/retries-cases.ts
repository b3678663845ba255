/** Jobs that fail: attempts, backoff of each kind, giving up, trying again by hand. */
import assert from 'node:assert/strict';
import { type Job, UnrecoverableError } from 'bullmq';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

/** Due times are whole milliseconds of another clock than the one that measures. */
const SLACK_MS = 2;

/** Times between the attempts of a job, in milliseconds. */
function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}

export const retriesCases = [
  bullmqCase('attempts with a fixed backoff, then completed', async (scene) => {
    const queue = scene.queue(scene.name('fixed'));
    const times: number[] = [];
    const tally = new Tally();
    const worker = scene.worker(queue, async (job) => {
      times.push(performance.now());
      if (job.attemptsMade < 2) throw new Error(`attempt ${job.attemptsMade}`);
    });
    worker.on('completed', (job) => tally.done(job.id));
    await queue.add('try', {}, { attempts: 4, backoff: { type: 'fixed', delay: 60 } });
    await tally.reached(1);
    const job = (await queue.getJob('1')) as Job;
    assert.equal(job.attemptsMade, 3);
    assert.equal(job.stacktrace?.length, 2);
    assert.ok(
      gaps(times).every((gap) => gap >= 60 - SLACK_MS),
      `gaps of ${gaps(times)}`,
    );
  }),

  bullmqCase('exponential and custom backoff grow as they should', async (scene) => {
    const queue = scene.queue(scene.name('growing'));
    const times: Record<string, number[]> = { exponential: [], steps: [] };
    const tally = new Tally();
    const backoffStrategy = (attemptsMade?: number): number => 20 * (attemptsMade ?? 0);
    const worker = scene.worker(
      queue,
      async (job) => {
        times[job.name]?.push(performance.now());
        throw new Error('always');
      },
      { settings: { backoffStrategy }, concurrency: 2 },
    );
    worker.on('failed', (job) => tally.done(`${job?.id}:${job?.attemptsMade}`));
    await queue.add(
      'exponential',
      {},
      { attempts: 4, backoff: { type: 'exponential', delay: 20 } },
    );
    await queue.add('steps', {}, { attempts: 4, backoff: { type: 'custom' } });
    await tally.reached(8);
    tally.assertOnce(['1', '2'].flatMap((id) => [1, 2, 3, 4].map((n) => `${id}:${n}`)));
    const wanted = { exponential: [20, 40, 80], steps: [20, 40, 60] };
    for (const [name, least] of Object.entries(wanted)) {
      const seen = gaps(times[name] ?? []);
      assert.ok(
        seen.every((gap, i) => gap >= (least[i] ?? 0) - SLACK_MS),
        `${name}: gaps of ${seen}`,
      );
    }
    assert.equal(await queue.getFailedCount(), 2);
  }),

  bullmqCase('out of attempts: failed, with its reason and its stack', async (scene) => {
    const queue = scene.queue(scene.name('exhausted'));
    const exhausted = new Tally();
    const events = await scene.events(queue);
    events.on('retries-exhausted', ({ jobId, attemptsMade }) => {
      exhausted.done(`${jobId} after ${attemptsMade}`);
    });
    scene.worker(queue, async (job) => {
      throw new Error(`no luck ${job.attemptsMade}`);
    });
    const job = await queue.add('try', {}, { attempts: 3 });
    await assert.rejects(job.waitUntilFinished(events), /no luck 2/);
    await exhausted.reached(1);
    exhausted.assertOnce(['1 after 3']);
    const failed = (await queue.getFailed())[0] as Job;
    assert.equal(failed.failedReason, 'no luck 2');
    assert.equal(failed.stacktrace?.length, 3);
    assert.equal(await failed.isFailed(), true);
  }),

  bullmqCase('an unrecoverable error ends a job at once', async (scene) => {
    const queue = scene.queue(scene.name('unrecoverable'));
    const tally = new Tally();
    const worker = scene.worker(queue, async () => {
      throw new UnrecoverableError('no use');
    });
    worker.on('failed', (job) => tally.done(job?.id));
    await queue.add('try', {}, { attempts: 5 });
    await queue.add('try', {}, { attempts: 5 });
    await tally.reached(2);
    tally.assertOnce([1, 2]);
    assert.equal(await queue.getFailedCount(), 2);
    assert.equal(await queue.getDelayedCount(), 0);
  }),

  bullmqCase('failed jobs are tried again by hand, one and all', async (scene) => {
    const queue = scene.queue(scene.name('again'));
    let isBroken = true;
    const [failed, completed] = [new Tally(), new Tally()];
    const worker = scene.worker(
      queue,
      async () => {
        if (isBroken) throw new Error('broken');
      },
      { concurrency: 4 },
    );
    worker.on('failed', (job) => failed.done(job?.id));
    worker.on('completed', (job) => completed.done(job.id));
    await queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'try', data: {} })));
    await failed.reached(20);
    isBroken = false;
    await (await queue.getJob('7'))?.retry();
    await completed.reached(1);
    assert.equal(await queue.getFailedCount(), 19);
    await queue.retryJobs({ state: 'failed', count: 5 });
    await completed.reached(20);
    completed.assertOnce(Array.from({ length: 20 }, (_, i) => i + 1));
    await (await queue.getJob('3'))?.retry('completed');
    await completed.reached(21);
    assert.equal(completed.countOf('3'), 2);
    await waitFor(
      'no job failed',
      () => queue.getFailedCount(),
      (count) => count === 0,
    );
  }),
];
