/** Rate limits and limits of concurrency, by worker, by hand and for the whole queue. */
import assert from 'node:assert/strict';
import { Worker } from 'bullmq';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

/** Windows begin on the server's clock, in whole milliseconds. */
const SLACK_MS = 10;

export const limitsCases = [
  bullmqCase('a rate limit holds over all workers of a queue', async (scene) => {
    const queue = scene.queue(scene.name('rate'));
    const tally = new Tally();
    const limiter = { max: 4, duration: 150 };
    for (let i = 0; i < 2; i++) {
      scene.worker(queue, async (job) => tally.done(job.id), { limiter, concurrency: 4 });
    }
    const began = performance.now();
    const bulk = Array.from({ length: 12 }, () => ({ name: 'n', data: {} }));
    const added = await queue.addBulk(bulk);
    await tally.reached(12);
    tally.assertOnce(added.map(({ id }) => id));
    const elapsed = performance.now() - began;
    assert.ok(elapsed >= 2 * 150 - SLACK_MS, `12 jobs at 4 per 150 ms took ${elapsed} ms`);
  }),

  bullmqCase('a worker limits its queue by hand', async (scene) => {
    const queue = scene.queue(scene.name('by hand'));
    const tally = new Tally();
    let isLimited = false;
    const limiter = { max: 1, duration: 500 };
    const worker = scene.worker(
      queue,
      async () => {
        if (isLimited) return;
        isLimited = true;
        await queue.rateLimit(120);
        throw Worker.RateLimitError();
      },
      { limiter, autorun: false },
    );
    worker.on('completed', (job) => tally.done(job.id));
    const began = performance.now();
    await queue.add('one', {});
    const running = worker.run();
    await waitFor('the limit', async () => (await queue.getRateLimitTtl()) > 0);
    await tally.reached(1);
    assert.ok(performance.now() - began >= 100, 'waited for the limit to pass');
    assert.equal((await queue.getJob('1'))?.attemptsMade, 1, 'being limited is no attempt');
    await queue.rateLimit(60_000);
    assert.ok((await queue.getRateLimitTtl()) > 50_000);
    assert.equal(await queue.removeRateLimitKey(), 1);
    assert.ok((await queue.getRateLimitTtl()) < 0);
    await worker.close();
    await running;
  }),

  bullmqCase('a global concurrency of one serialises all workers', async (scene) => {
    const queue = scene.queue(scene.name('global'));
    const tally = new Tally();
    await queue.setGlobalConcurrency(1);
    assert.equal(await queue.getGlobalConcurrency(), 1);
    let [running, most] = [0, 0];
    for (let i = 0; i < 3; i++) {
      const process = async (job: { id?: string }): Promise<void> => {
        running++;
        most = Math.max(most, running);
        await queue.getJobCounts();
        running--;
        tally.done(job.id);
      };
      scene.worker(queue, process, { concurrency: 5 });
    }
    const added = await queue.addBulk(Array.from({ length: 30 }, () => ({ name: 'n', data: {} })));
    await tally.reached(30);
    tally.assertOnce(added.map(({ id }) => id));
    assert.equal(most, 1);
    await queue.removeGlobalConcurrency();
    assert.equal(await queue.getGlobalConcurrency(), null);
  }),

  bullmqCase('a global rate limit is kept by workers that know nothing of it', async (scene) => {
    const queue = scene.queue(scene.name('global rate'));
    const tally = new Tally();
    await queue.setGlobalRateLimit(2, 100);
    assert.deepEqual(await queue.getGlobalRateLimit(), { max: 2, duration: 100 });
    scene.worker(queue, async (job) => tally.done(job.id));
    const began = performance.now();
    await queue.addBulk(Array.from({ length: 6 }, () => ({ name: 'n', data: {} })));
    await tally.reached(6);
    const elapsed = performance.now() - began;
    assert.ok(elapsed >= 2 * 100 - SLACK_MS, `6 jobs at 2 per 100 ms took ${elapsed} ms`);
    await queue.removeGlobalRateLimit();
    assert.equal(await queue.getGlobalRateLimit(), null);
  }),
];
