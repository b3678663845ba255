/** QueueEvents: every step of a job is told to whoever listens, in order. */
import assert from 'node:assert/strict';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

const NAMES = ['added', 'waiting', 'active', 'progress', 'completed', 'failed', 'delayed'] as const;

export const eventsCases = [
  bullmqCase('the steps of a job come as events, in order', async (scene) => {
    const queue = scene.queue(scene.name('steps'));
    const events = await scene.events(queue);
    const steps: Record<string, string[]> = {};
    for (const name of NAMES) {
      events.on(name, ({ jobId }: { jobId: string }) => {
        steps[jobId] ??= [];
        steps[jobId].push(name);
      });
    }
    const [drained, done] = [new Tally(), new Tally()];
    events.on('drained', () => drained.done('drained'));
    events.on('completed', ({ jobId, returnvalue }) => done.done(`${jobId}: ${returnvalue}`));
    events.on('failed', ({ jobId, failedReason }) => done.done(`${jobId}: ${failedReason}`));
    scene.worker(queue, async (job) => {
      if (job.name === 'bad') throw new Error('no good');
      await job.updateProgress(50);
      return 'fine';
    });
    await queue.add('good', {});
    await done.reached(1);
    await queue.add('bad', {});
    await done.reached(2);
    await queue.add('late', {}, { delay: 20 });
    await done.reached(3);
    assert.deepEqual(done.order, ['1: fine', '2: no good', '3: fine']);
    assert.deepEqual(steps['1'], ['added', 'waiting', 'active', 'progress', 'completed']);
    assert.deepEqual(steps['2'], ['added', 'waiting', 'active', 'failed']);
    const third = ['added', 'delayed', 'waiting', 'active', 'progress', 'completed'];
    assert.deepEqual(steps['3'], third);
    await drained.reached(1);
  }),

  bullmqCase('a listener that comes late reads from where it is told', async (scene) => {
    const queue = scene.queue(scene.name('late'));
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(job.id));
    await queue.addBulk(Array.from({ length: 10 }, () => ({ name: 'n', data: {} })));
    await tally.reached(10);
    const heard = new Tally();
    const late = await scene.events(queue, { lastEventId: '0-0' });
    late.on('completed', ({ jobId }) => heard.done(jobId));
    await heard.reached(10);
    heard.assertOnce([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  }),

  bullmqCase('two listeners hear everything, each by itself', async (scene) => {
    const queue = scene.queue(scene.name('two'));
    const heard = [new Tally(), new Tally()];
    for (const tally of heard) {
      const events = await scene.events(queue);
      events.on('completed', ({ jobId }) => tally.done(jobId));
    }
    scene.worker(queue, async () => undefined, { concurrency: 5 });
    const added = await queue.addBulk(Array.from({ length: 100 }, () => ({ name: 'n', data: {} })));
    for (const tally of heard) {
      await tally.reached(100);
      tally.assertOnce(added.map(({ id }) => id));
    }
  }),

  bullmqCase('what is removed, cleaned and deduplicated is told too', async (scene) => {
    const queue = scene.queue(scene.name('others'));
    const events = await scene.events(queue);
    const heard = new Tally();
    events.on('removed', ({ jobId }) => heard.done(`removed ${jobId}`));
    events.on('cleaned', ({ count }) => heard.done(`cleaned ${count}`));
    events.on('deduplicated', ({ deduplicationId }) => heard.done(`twice ${deduplicationId}`));
    const deduplication = { id: 'mail' };
    await queue.add('n', {}, { deduplication });
    await queue.add('n', {}, { deduplication });
    await queue.remove('1');
    await queue.addBulk(Array.from({ length: 3 }, () => ({ name: 'n', data: {} })));
    assert.equal((await queue.clean(0, 100, 'wait')).length, 3);
    await heard.reached(3);
    heard.assertOnce(['twice mail', 'removed 1', 'cleaned 3']);
  }),

  bullmqCase('many wait for their jobs at once', async (scene) => {
    const queue = scene.queue(scene.name('waiting'));
    const events = await scene.events(queue);
    scene.worker(queue, async (job) => job.data.i * 2, { concurrency: 10 });
    const jobs = await queue.addBulk(
      Array.from({ length: 50 }, (_, i) => ({ name: 'n', data: { i } })),
    );
    const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
    assert.deepEqual(
      results,
      jobs.map((_, i) => 2 * i),
    );
    const never = await queue.add('n', {}, { delay: 3_600_000 });
    await assert.rejects(never.waitUntilFinished(events, 50), /timed out/);
    await waitFor('the counts', async () => (await queue.getCompletedCount()) === 50);
  }),
];
