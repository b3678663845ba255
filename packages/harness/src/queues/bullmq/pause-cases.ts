/** Pausing: a queue for everybody, a worker for itself. */
import assert from 'node:assert/strict';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

export const pauseCases = [
  bullmqCase('a paused queue hands out nothing until it is resumed', async (scene) => {
    const queue = scene.queue(scene.name('queue'));
    const events = await scene.events(queue);
    const states: string[] = [];
    events.on('paused', () => states.push('paused'));
    events.on('resumed', () => states.push('resumed'));
    const tally = new Tally();
    const worker = scene.worker(queue, async (job) => tally.done(job.id));
    await worker.waitUntilReady();
    await queue.add('before', {});
    await tally.reached(1);
    await queue.pause();
    assert.equal(await queue.isPaused(), true);
    for (let i = 0; i < 5; i++) await queue.add('paused', {});
    await queue.add('paused', {}, { priority: 3 });
    await queue.add('paused', {}, { delay: 10 });
    await waitFor('the events', () => states.includes('paused'));
    // Another queue's job, which comes later than these, is processed: so they were not.
    const other = scene.queue(scene.name('other'));
    const later = new Tally();
    scene.worker(other, async (job) => later.done(job.id));
    await other.add('later', {});
    await later.reached(1);
    assert.equal(tally.count, 1);
    await queue.resume();
    assert.equal(await queue.isPaused(), false);
    await tally.reached(8);
    tally.assertOnce([1, 2, 3, 4, 5, 6, 7, 8]);
    await waitFor('the events', () => states.includes('resumed'));
    assert.deepEqual(states, ['paused', 'resumed']);
  }),

  bullmqCase('a paused worker leaves its queue to the others', async (scene) => {
    const queue = scene.queue(scene.name('worker'));
    const [one, other] = [new Tally(), new Tally()];
    const paused = scene.worker(queue, async (job) => one.done(job.id));
    await paused.waitUntilReady();
    await queue.add('first', {});
    await one.reached(1);
    await paused.pause();
    assert.equal(paused.isPaused(), true);
    const second = scene.worker(queue, async (job) => other.done(job.id));
    await queue.addBulk(Array.from({ length: 20 }, () => ({ name: 'n', data: {} })));
    await other.reached(20);
    assert.equal(one.count, 1);
    await second.close();
    paused.resume();
    await queue.add('last', {});
    await one.reached(2);
    assert.deepEqual(one.order, ['1', '22']);
  }),

  bullmqCase('a worker that closes finishes what it has begun', async (scene) => {
    const queue = scene.queue(scene.name('close'));
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const [begun, done] = [new Tally(), new Tally()];
    const worker = scene.worker(
      queue,
      async (job) => {
        begun.done(job.id);
        await gate;
        done.done(job.id);
      },
      { concurrency: 3 },
    );
    await queue.addBulk(Array.from({ length: 5 }, () => ({ name: 'n', data: {} })));
    await begun.reached(3);
    const closing = worker.close();
    open();
    await closing;
    assert.equal(done.count, 3);
    const { completed, waiting, active } = await queue.getJobCounts();
    assert.deepEqual({ completed, waiting, active }, { completed: 3, waiting: 2, active: 0 });
  }),
];
