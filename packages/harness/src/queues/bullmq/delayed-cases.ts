/** Jobs with a time: delayed ones, and ones whose delay is changed or taken away. */
import assert from 'node:assert/strict';
import { DelayedError, type Job } from 'bullmq';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

const HOUR_MS = 3_600_000;

export const delayedCases = [
  bullmqCase('delayed jobs run when they are due, in that order', async (scene) => {
    const queue = scene.queue(scene.name('due'));
    const tally = new Tally();
    const early: number[] = [];
    scene.worker(queue, async (job) => {
      const lead = job.timestamp + (job.opts.delay ?? 0) - Date.now();
      if (lead > 0) early.push(lead);
      tally.done(job.data.delay);
    });
    const delays = [240, 80, 160, 120, 200, 40];
    await queue.addBulk(
      delays.map((delay) => ({ name: 'later', data: { delay }, opts: { delay } })),
    );
    await tally.reached(delays.length);
    assert.deepEqual(tally.order, ['40', '80', '120', '160', '200', '240']);
    assert.deepEqual(early, [], 'none before its time');
    tally.assertOnce(delays);
  }),

  bullmqCase('many delayed jobs, several workers: once each', async (scene) => {
    const queue = scene.queue(scene.name('many'));
    const tally = new Tally();
    for (let i = 0; i < 3; i++) {
      scene.worker(queue, async (job) => tally.done(job.id), { concurrency: 5 });
    }
    const bulk = Array.from({ length: 200 }, (_, i) => ({
      name: 'later',
      data: {},
      opts: { delay: 20 + ((i * 7) % 100) },
    }));
    const added = await queue.addBulk(bulk);
    await tally.reached(added.length);
    tally.assertOnce(added.map(({ id }) => id));
    assert.equal(await queue.getDelayedCount(), 0);
  }),

  bullmqCase('promoted at once, one and all', async (scene) => {
    const queue = scene.queue(scene.name('promote'));
    const tally = new Tally();
    for (let i = 0; i < 5; i++) await queue.add('later', {}, { delay: HOUR_MS });
    const job = (await queue.getJob('3')) as Job;
    assert.equal(await job.getState(), 'delayed');
    await job.promote();
    assert.equal(await job.getState(), 'waiting');
    scene.worker(queue, async (each) => tally.done(each.id));
    await tally.reached(1);
    assert.deepEqual(tally.order, ['3']);
    await queue.promoteJobs();
    await tally.reached(5);
    tally.assertOnce([1, 2, 3, 4, 5]);
    await assert.rejects((await queue.getJob('1'))?.promote() ?? Promise.resolve(), /delayed/);
  }),

  bullmqCase('a delay is changed, and a worker that waits wakes for it', async (scene) => {
    const queue = scene.queue(scene.name('change'));
    const tally = new Tally();
    const worker = scene.worker(queue, async (job) => tally.done(job.id));
    await worker.waitUntilReady();
    const job = await queue.add('later', {}, { delay: HOUR_MS });
    await job.changeDelay(60);
    await tally.reached(1);
    await assert.rejects(job.changeDelay(10), /not in the delayed state/);
  }),

  bullmqCase('a job puts itself off while it runs', async (scene) => {
    const queue = scene.queue(scene.name('put off'));
    const tally = new Tally();
    const worker = scene.worker(queue, async (job, token) => {
      tally.done(`${job.id}:${job.data.step}`);
      if (job.data.step === 3) return;
      await job.updateData({ step: job.data.step + 1 });
      await job.moveToDelayed(Date.now() + 30, token);
      throw new DelayedError();
    });
    const completed = new Tally();
    worker.on('completed', (job) => completed.done(job.id));
    await queue.add('steps', { step: 1 });
    await completed.reached(1);
    tally.assertOnce(['1:1', '1:2', '1:3']);
  }),
];
