/** Emptying a queue in part or whole: drain, clean, obliterate, events that are trimmed. */
import assert from 'node:assert/strict';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

const HOUR_MS = 3_600_000;

export const upkeepCases = [
  bullmqCase('drain removes what waits, and delayed jobs when asked', async (scene) => {
    const queue = scene.queue(scene.name('drain'));
    await queue.addBulk(Array.from({ length: 50 }, () => ({ name: 'w', data: {} })));
    await queue.addBulk(
      Array.from({ length: 50 }, () => ({ name: 'p', data: {}, opts: { priority: 2 } })),
    );
    await queue.addBulk(
      Array.from({ length: 20 }, () => ({ name: 'd', data: {}, opts: { delay: HOUR_MS } })),
    );
    await queue.drain();
    assert.equal(await queue.count(), 20);
    assert.equal(await queue.getDelayedCount(), 20);
    assert.equal(await queue.getJob('1'), undefined, 'the jobs themselves are gone');
    await queue.drain(true);
    assert.equal(await queue.count(), 0);
  }),

  bullmqCase('clean removes old jobs of one state, up to a limit', async (scene) => {
    const queue = scene.queue(scene.name('clean'));
    const tally = new Tally();
    const worker = scene.worker(
      queue,
      async (job) => {
        if (job.data.fails) throw new Error('as asked');
      },
      { concurrency: 5 },
    );
    worker.on('completed', (job) => tally.done(job.id));
    worker.on('failed', (job) => tally.done(job?.id));
    const bulk = Array.from({ length: 40 }, (_, i) => ({
      name: 'n',
      data: { fails: i % 2 === 0 },
    }));
    await queue.addBulk(bulk);
    await tally.reached(40);
    await worker.close();
    assert.deepEqual(await queue.clean(HOUR_MS, 100, 'completed'), [], 'none is that old');
    assert.equal((await queue.clean(0, 5, 'completed')).length, 5);
    const counts = () => queue.getJobCounts('completed', 'failed');
    assert.deepEqual(await counts(), { completed: 15, failed: 20 });
    assert.equal((await queue.clean(0, 0, 'failed')).length, 20);
    assert.deepEqual(await counts(), { completed: 15, failed: 0 });
    await queue.addBulk(
      Array.from({ length: 10 }, () => ({ name: 'd', data: {}, opts: { delay: HOUR_MS } })),
    );
    await queue.addBulk(Array.from({ length: 10 }, () => ({ name: 'w', data: {} })));
    assert.equal((await queue.clean(0, 100, 'delayed')).length, 10);
    assert.equal((await queue.clean(0, 100, 'wait')).length, 10);
    assert.equal(await queue.count(), 0);
  }),

  bullmqCase('obliterate leaves no key; it refuses while jobs run', async (scene) => {
    const queue = scene.queue(scene.name('obliterate'));
    const worker = scene.worker(queue, null);
    await queue.addBulk(Array.from({ length: 30 }, () => ({ name: 'w', data: {} })));
    await queue.addBulk(
      Array.from({ length: 30 }, () => ({ name: 'd', data: {}, opts: { delay: HOUR_MS } })),
    );
    const job = await worker.getNextJob('token');
    await job?.log('a line');
    await assert.rejects(queue.obliterate(), /active jobs/);
    await queue.resume();
    await queue.obliterate({ force: true, count: 7 });
    const pattern = `${scene.prefix}:${queue.name}:*`;
    await waitFor('the keys to go', async () => (await scene.redis.keys(pattern)).length === 0);
    const again = await queue.add('w', {});
    assert.equal(again.id, '1', 'ids begin anew');
  }),

  bullmqCase('events are kept up to a length, and trimmed by hand', async (scene) => {
    const queue = scene.queue(scene.name('events'), { streams: { events: { maxLen: 50 } } });
    // Whoever adds a job before the queue has written its settings gets the default, for good.
    await waitFor('the settings', async () => (await queue.getMeta()).maxLenEvents === 50);
    await queue.addBulk(Array.from({ length: 300 }, () => ({ name: 'w', data: {} })));
    const length = () => scene.redis.xlen(`${scene.prefix}:${queue.name}:events`);
    assert.ok((await length()) < 300, `${await length()} of 600 events are kept`);
    await queue.trimEvents(5);
    assert.ok((await length()) <= 100);
    await queue.removeOrphanedJobs();
    assert.equal(await queue.count(), 300);
  }),
];
