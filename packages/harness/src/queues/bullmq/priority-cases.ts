/** Priorities: smaller numbers first, jobs without one before all, equal ones in their order. */
import assert from 'node:assert/strict';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

export const priorityCases = [
  bullmqCase('prioritised jobs leave by priority and then by age', async (scene) => {
    const queue = scene.queue(scene.name('order'));
    const priorities = [3, 1, 2, 3, 1, 2, 0, 2_097_151, 1];
    await queue.addBulk(
      priorities.map((priority, i) => ({ name: 'p', data: { i, priority }, opts: { priority } })),
    );
    assert.deepEqual(await queue.getCountsPerPriority([0, 1, 2, 3]), { 0: 1, 1: 3, 2: 2, 3: 2 });
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(`${job.data.priority}/${job.data.i}`));
    await tally.reached(priorities.length);
    const sorted = priorities
      .map((priority, i) => ({ priority, i }))
      .sort((a, b) => a.priority - b.priority || a.i - b.i);
    assert.deepEqual(
      tally.order,
      sorted.map(({ priority, i }) => `${priority}/${i}`),
    );
  }),

  bullmqCase('a priority is changed while the job waits', async (scene) => {
    const queue = scene.queue(scene.name('change'));
    const jobs = await queue.addBulk(
      [10, 20, 30, 40].map((priority) => ({ name: 'p', data: {}, opts: { priority } })),
    );
    await jobs[3]?.changePriority({ priority: 1 });
    await jobs[0]?.changePriority({ priority: 25 });
    await jobs[2]?.changePriority({ priority: 0 });
    assert.deepEqual(await queue.getJobCounts('prioritized', 'waiting'), {
      prioritized: 3,
      waiting: 1,
    });
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(job.id));
    await tally.reached(4);
    assert.deepEqual(tally.order, ['3', '4', '2', '1']);
  }),

  bullmqCase('many prioritised and plain jobs, several workers: once each', async (scene) => {
    const queue = scene.queue(scene.name('many'));
    const tally = new Tally();
    for (let i = 0; i < 3; i++) {
      scene.worker(queue, async (job) => tally.done(job.id), { concurrency: 5 });
    }
    const bulk = Array.from({ length: 300 }, (_, i) => ({
      name: 'p',
      data: {},
      opts: i % 3 === 0 ? {} : { priority: 1 + (i % 50) },
    }));
    const added = await queue.addBulk(bulk);
    await tally.reached(bulk.length);
    tally.assertOnce(added.map(({ id }) => id));
  }),

  bullmqCase('a delayed job keeps its priority when it is due', async (scene) => {
    const queue = scene.queue(scene.name('delayed'));
    const low = await queue.add('low', {}, { priority: 9, delay: 3_600_000, jobId: 'low' });
    const high = await queue.add('high', {}, { priority: 2, delay: 3_600_000, jobId: 'high' });
    await low.promote();
    await high.promote();
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(job.id));
    await tally.reached(2);
    assert.deepEqual(tally.order, ['high', 'low']);
  }),
];
