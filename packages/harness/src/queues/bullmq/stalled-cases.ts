/** Jobs whose worker is gone: found, handed out again, given up after a number of times. */
import assert from 'node:assert/strict';
import type { Job } from 'bullmq';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

export const stalledCases = [
  bullmqCase('a job of a worker that is gone goes to another', async (scene) => {
    const queue = scene.queue(scene.name('gone'));
    const events = await scene.events(queue);
    const [stalled, done] = [new Tally(), new Tally()];
    events.on('stalled', ({ jobId }) => stalled.done(jobId));
    // It takes two jobs, and neither finishes them nor renews its locks.
    const lost = scene.worker(queue, null, { lockDuration: 60 });
    await queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'n', data: {} })));
    for (const token of ['a', 'b']) assert.ok(await lost.getNextJob(token));
    assert.equal(await queue.getActiveCount(), 2);
    scene.worker(queue, async (job) => done.done(job.id), { stalledInterval: 50 });
    await done.reached(5);
    await stalled.reached(2);
    stalled.assertOnce([1, 2]);
    done.assertOnce([1, 2, 3, 4, 5]);
    assert.equal((await queue.getJob('1'))?.stalledCounter, 1);
  }),

  bullmqCase('a job that stalls too often has failed', async (scene) => {
    const queue = scene.queue(scene.name('too often'));
    const failed = new Tally();
    const lost = scene.worker(queue, null, { lockDuration: 40 });
    await queue.add('n', {});
    assert.ok(await lost.getNextJob('a'));
    const options = { stalledInterval: 40, maxStalledCount: 0 };
    const worker = scene.worker(queue, async () => undefined, options);
    worker.on('failed', (job) => failed.done(job?.id));
    await failed.reached(1);
    const job = (await queue.getJob('1')) as Job;
    assert.equal(await job.getState(), 'failed');
    assert.match(job.failedReason, /stalled more than allowable limit/);
  }),

  bullmqCase('a worker that is slow but alive keeps its job', async (scene) => {
    const queue = scene.queue(scene.name('slow'));
    const events = await scene.events(queue);
    const [stalled, done, renewed] = [new Tally(), new Tally(), new Tally()];
    events.on('stalled', ({ jobId }) => stalled.done(jobId));
    // Generous, for a machine on which timers are late: what stalls here has lost its lock.
    const options = { lockDuration: 1000, lockRenewTime: 60, stalledInterval: 50 };
    for (let i = 0; i < 2; i++) {
      const worker = scene.worker(
        queue,
        async (job) => {
          await renewed.reached(4);
          done.done(job.id);
        },
        options,
      );
      worker.on('locksRenewed', () => renewed.done(renewed.count));
    }
    await queue.add('n', {});
    await done.reached(1);
    done.assertOnce([1]);
    assert.equal(stalled.count, 0);
  }),
];
