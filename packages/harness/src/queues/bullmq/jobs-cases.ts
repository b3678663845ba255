/** Jobs and what becomes of them: added one by one or in bulk, processed, once each. */
import assert from 'node:assert/strict';
import type { Job } from 'bullmq';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

const BULK = 400;

export const jobsCases = [
  bullmqCase('a job goes from waiting over active to completed', async (scene) => {
    const queue = scene.queue(scene.name('life'));
    const data = { text: 'ünïcode \u0000 \u{1f600}', list: [1, 2.5, null], deep: { a: [{}] } };
    const added = await queue.add('paint', data);
    assert.equal(added.id, '1');
    assert.equal(await added.getState(), 'waiting');
    assert.equal(await queue.getJobState('1'), 'waiting');
    const seen: unknown[] = [];
    const events = await scene.events(queue);
    scene.worker(queue, async (job) => {
      seen.push(job.data, await job.getState());
      await job.log('first line');
      await job.log('second line');
      await job.updateProgress(40);
      await job.updateProgress({ done: 'nearly' });
      await job.updateData({ ...job.data, extra: true });
      return { colour: 'blue', list: [1, 2] };
    });
    const result = await added.waitUntilFinished(events);
    assert.deepEqual(result, { colour: 'blue', list: [1, 2] });
    assert.deepEqual(seen, [data, 'active']);
    const job = (await queue.getJob('1')) as Job;
    assert.equal(await job.getState(), 'completed');
    assert.deepEqual(job.returnvalue, { colour: 'blue', list: [1, 2] });
    assert.deepEqual(job.data, { ...data, extra: true });
    assert.deepEqual(job.progress, { done: 'nearly' });
    assert.equal(job.attemptsMade, 1);
    assert.ok((job.processedOn ?? 0) >= job.timestamp);
    assert.ok((job.finishedOn ?? 0) >= (job.processedOn ?? 0));
    const { logs, count } = await queue.getJobLogs('1');
    assert.deepEqual({ logs, count }, { logs: ['first line', 'second line'], count: 2 });
    assert.deepEqual(await queue.getJobCounts('completed', 'active', 'waiting'), {
      completed: 1,
      active: 0,
      waiting: 0,
    });
  }),

  bullmqCase('jobs in bulk are processed once each by several workers', async (scene) => {
    const queue = scene.queue(scene.name('bulk'));
    const tally = new Tally();
    for (let i = 0; i < 3; i++) {
      scene.worker(queue, async (job) => tally.done(job.data.number), { concurrency: 10 });
    }
    const bulk = Array.from({ length: BULK }, (_, number) => ({ name: 'n', data: { number } }));
    const added = await queue.addBulk(bulk);
    assert.deepEqual(
      added.map(({ id }) => id),
      Array.from({ length: BULK }, (_, i) => String(i + 1)),
    );
    const single = Array.from({ length: 100 }, (_, i) => queue.add('n', { number: BULK + i }));
    await Promise.all(single);
    await tally.reached(BULK + 100);
    await waitFor(
      'all completed',
      () => queue.getCompletedCount(),
      (n) => n === BULK + 100,
    );
    tally.assertOnce(Array.from({ length: BULK + 100 }, (_, i) => i));
    assert.equal(await queue.getActiveCount(), 0);
    assert.equal(await queue.count(), 0);
  }),

  bullmqCase('jobs leave in the order they came, last ones first with lifo', async (scene) => {
    const queue = scene.queue(scene.name('order'));
    for (const name of ['a', 'b', 'c']) await queue.add(name, {}, { jobId: name });
    for (const name of ['x', 'y']) await queue.add(name, {}, { jobId: name, lifo: true });
    const waiting = await queue.getWaiting();
    assert.deepEqual(
      waiting.map(({ id }) => id),
      ['y', 'x', 'a', 'b', 'c'],
    );
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(job.id));
    await tally.reached(5);
    assert.deepEqual(tally.order, ['y', 'x', 'a', 'b', 'c']);
  }),

  bullmqCase('a job of a known id is added once', async (scene) => {
    const queue = scene.queue(scene.name('ids'));
    const events = await scene.events(queue);
    const duplicated = new Tally();
    events.on('duplicated', ({ jobId }) => duplicated.done(jobId));
    const tally = new Tally();
    for (let i = 0; i < 5; i++) await queue.add('same', { i }, { jobId: 'only' });
    await duplicated.reached(4);
    assert.equal(await queue.getWaitingCount(), 1);
    assert.deepEqual((await queue.getJob('only'))?.data, { i: 0 });
    scene.worker(queue, async (job) => tally.done(job.id));
    await tally.reached(1);
    await queue.add('another', {});
    await tally.reached(2);
    assert.deepEqual(tally.order[0], 'only');
    assert.equal(tally.countOf('only'), 1);
  }),

  bullmqCase('deduplication: once while the first is there, or for a time', async (scene) => {
    const queue = scene.queue(scene.name('deduplication'));
    const deduplication = { id: 'customer1' };
    const first = await queue.add('send', { n: 1 }, { deduplication });
    const second = await queue.add('send', { n: 2 }, { deduplication });
    assert.equal(second.id, first.id);
    assert.equal(await queue.getDeduplicationJobId('customer1'), first.id);
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(job.data.n));
    await tally.reached(1);
    await waitFor('the key to go', async () => {
      return (await queue.getDeduplicationJobId('customer1')) === null;
    });
    await queue.add('send', { n: 3 }, { deduplication });
    await tally.reached(2);
    const throttle = { deduplication: { id: 'customer2', ttl: 60_000 } };
    await queue.add('send', { n: 4 }, throttle);
    await tally.reached(3);
    await queue.add('send', { n: 5 }, throttle);
    assert.equal(await queue.removeDeduplicationKey('customer2'), 1);
    await queue.add('send', { n: 6 }, throttle);
    await tally.reached(4);
    assert.deepEqual(tally.order, ['1', '3', '4', '6']);
  }),

  bullmqCase('finished jobs are kept or removed as asked', async (scene) => {
    const queue = scene.queue(scene.name('keep'));
    const tally = new Tally();
    const worker = scene.worker(queue, async (job) => {
      if (job.data.fails) throw new Error('as asked');
    });
    worker.on('completed', (job) => tally.done(job.id));
    worker.on('failed', (job) => tally.done(job?.id));
    for (let i = 0; i < 10; i++) await queue.add('gone', {}, { removeOnComplete: true });
    for (let i = 0; i < 10; i++) {
      await queue.add('gone', { fails: true }, { removeOnFail: { count: 0 } });
    }
    await tally.reached(20);
    assert.deepEqual(await queue.getJobCounts('completed', 'failed'), { completed: 0, failed: 0 });
    for (let i = 0; i < 10; i++) await queue.add('few', {}, { removeOnComplete: 3 });
    await tally.reached(30);
    assert.deepEqual(
      (await queue.getCompleted()).map(({ id }) => id),
      ['30', '29', '28'],
    );
    const keep = { age: 3600, count: 2 };
    for (let i = 0; i < 5; i++) await queue.add('few', { fails: true }, { removeOnFail: keep });
    await tally.reached(35);
    assert.deepEqual(
      (await queue.getFailed()).map(({ id }) => id),
      ['35', '34'],
    );
    assert.equal(await queue.getJob('1'), undefined);
  }),

  bullmqCase('ranges, counts and removal of jobs in all states', async (scene) => {
    const queue = scene.queue(scene.name('states'));
    for (let i = 0; i < 6; i++) await queue.add('w', { i });
    for (let i = 0; i < 3; i++) await queue.add('d', { i }, { delay: 3_600_000 });
    for (let i = 0; i < 2; i++) await queue.add('p', { i }, { priority: 5 });
    const counts = await queue.getJobCounts();
    assert.equal(counts.waiting, 6);
    assert.equal(counts.delayed, 3);
    assert.equal(counts.prioritized, 2);
    assert.equal(await queue.count(), 11);
    assert.equal(await queue.getJobCountByTypes('waiting', 'delayed'), 9);
    const range = await queue.getJobs(['waiting'], 1, 3, true);
    assert.deepEqual(
      range.map(({ data }) => data.i),
      [1, 2, 3],
    );
    assert.equal((await queue.getJobs()).length, 11);
    assert.equal(await queue.remove('2'), 1);
    assert.equal(await queue.remove('7'), 1);
    assert.equal(await queue.remove('99'), 1);
    assert.deepEqual(
      (await queue.getWaiting()).map(({ id }) => id),
      ['1', '3', '4', '5', '6'],
    );
    assert.equal(await queue.getDelayedCount(), 2);
    const job = await queue.getJob('1');
    await job?.remove();
    assert.equal(await queue.getJobState('1'), 'unknown');
    assert.equal(await queue.getWaitingCount(), 4);
  }),

  bullmqCase('large data goes in and out whole', async (scene) => {
    const queue = scene.queue(scene.name('large'));
    const text = 'large ü '.repeat(30_000);
    const events = await scene.events(queue);
    scene.worker(queue, async (job) => ({ length: job.data.text.length, text: job.data.text }));
    const job = await queue.add('large', { text });
    assert.deepEqual(await job.waitUntilFinished(events), { length: text.length, text });
    await assert.rejects(queue.add('too large', { text }, { sizeLimit: 1000 }), /exceeds/);
  }),

  bullmqCase('jobs taken by hand: lock, token, finish, back to waiting', async (scene) => {
    const queue = scene.queue(scene.name('manual'));
    const worker = scene.worker(queue, null, { lockDuration: 30_000 });
    await queue.add('one', {});
    const job = (await worker.getNextJob('token')) as Job;
    assert.equal(job.id, '1');
    assert.equal(await job.extendLock('token', 60_000), 1);
    await assert.rejects(job.moveToCompleted('x', 'wrong token', false), /[Ll]ock mismatch|lock/);
    await job.moveToWait('token');
    assert.equal(await job.getState(), 'waiting');
    const again = (await worker.getNextJob('token')) as Job;
    await again.moveToCompleted('done', 'token', false);
    assert.equal(await again.getState(), 'completed');
    assert.equal(await worker.getNextJob('token', { block: false }), undefined);
    await queue.add('two', {}, { attempts: 2 });
    const second = (await worker.getNextJob('token')) as Job;
    await second.moveToFailed(new Error('by hand'), 'token', false);
    assert.equal(await second.getState(), 'waiting');
  }),
];
