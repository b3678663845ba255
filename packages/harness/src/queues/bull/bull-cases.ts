/** All cases of Bull 4. Smaller than BullMQ's suite: what its older scripts do in another way. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Job } from 'bull';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullCase } from './bull-scene.ts';

const HOUR_MS = 3_600_000;
const PROCESSOR = fileURLToPath(new URL('../sandboxed-processor.cjs', import.meta.url));

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

export const bullCases = [
  bullCase('sandboxed processors', async (scene) => {
    const queue = scene.queue(scene.name('sandbox'));
    const logged = scene.queue(queue.name);
    void queue.process(2, PROCESSOR);
    const jobs = await Promise.all(numbers(4).map((n) => queue.add({ n })));
    const results = await Promise.all(jobs.map((job) => job.finished()));
    assert.deepEqual(
      results.map(({ square }) => square),
      [1, 4, 9, 16],
    );
    assert.ok(results.every(({ pid }) => pid !== process.pid));
    assert.deepEqual((await logged.getJobLogs(jobs[0]!.id)).logs, ['squaring 1']);
    await assert.rejects((await queue.add({ n: 'x' })).finished(), /not a number: x/);
  }),

  bullCase('repeatable jobs, listed and removed', async (scene) => {
    const queue = scene.queue(scene.name('repeat'));
    const tally = new Tally();
    void queue.process('tick', async (job: Job) => tally.done(job.id));
    await queue.add('tick', {}, { repeat: { every: 60, limit: 3 } });
    await queue.add('noon', {}, { repeat: { cron: '0 12 * * *', tz: 'Europe/Berlin' } });
    const listed = await queue.getRepeatableJobs();
    assert.deepEqual(listed.map(({ name }) => name).sort(), ['noon', 'tick']);
    await tally.reached(3);
    assert.equal(new Set(tally.order).size, 3);
    for (const { key } of listed) await queue.removeRepeatableByKey(key);
    assert.equal(await queue.getRepeatableCount(), 0);
  }),

  bullCase('a job goes from waiting over active to completed', async (scene) => {
    const queue = scene.queue(scene.name('life'));
    const job = await queue.add({ text: 'ünïcode \u0000', list: [1, null] });
    assert.equal(await job.getState(), 'waiting');
    void queue.process(async (each: Job) => {
      await each.log('a line');
      await each.progress(42);
      return { from: each.data, state: await each.getState() };
    });
    assert.deepEqual(await job.finished(), { from: job.data, state: 'active' });
    const done = await queue.getJob(job.id);
    assert.equal(await done?.isCompleted(), true);
    assert.equal(await done?.progress(), 42);
    assert.deepEqual((await queue.getJobLogs(job.id)).logs, ['a line']);
    assert.equal((await queue.getJobCounts()).completed, 1);
  }),

  bullCase('jobs in bulk, several workers: once each', async (scene) => {
    const producer = scene.queue(scene.name('bulk'));
    const tally = new Tally();
    for (let i = 0; i < 3; i++) {
      void scene.queue(producer.name).process(10, async (job: Job) => tally.done(job.data.n));
    }
    await producer.addBulk(numbers(300).map((n) => ({ data: { n } })));
    await Promise.all(numbers(50).map((n) => producer.add({ n: 300 + n })));
    await tally.reached(350);
    tally.assertOnce(numbers(350));
    await waitFor('all completed', async () => (await producer.getCompletedCount()) === 350);
    assert.equal(await producer.count(), 0);
  }),

  bullCase('attempts with backoff, then failed, then tried again', async (scene) => {
    const queue = scene.queue(scene.name('retries'));
    const failed = new Tally();
    let isBroken = true;
    const times: number[] = [];
    queue.on('failed', (job) => failed.done(`${job.id}:${job.attemptsMade}`));
    void queue.process(async () => {
      times.push(performance.now());
      if (isBroken) throw new Error('broken');
      return 'mended';
    });
    const job = await queue.add({}, { attempts: 3, backoff: { type: 'exponential', delay: 20 } });
    await assert.rejects(job.finished(), /broken/);
    await failed.reached(3);
    failed.assertOnce(['1:1', '1:2', '1:3']);
    assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 19);
    assert.equal((await queue.getFailed())[0]?.stacktrace.length, 3);
    isBroken = false;
    await job.retry();
    await waitFor('completed', async () => (await queue.getCompletedCount()) === 1);
    assert.equal((await queue.getJob(job.id))?.returnvalue, 'mended');
  }),

  bullCase('delayed jobs run when due; one is promoted', async (scene) => {
    const queue = scene.queue(scene.name('delayed'));
    const tally = new Tally();
    void queue.process(async (job: Job) => tally.done(job.data.delay));
    const late = await queue.add({ delay: HOUR_MS }, { delay: HOUR_MS });
    // All at once: the times are those at which each is added.
    await queue.addBulk([150, 50, 100].map((delay) => ({ data: { delay }, opts: { delay } })));
    await tally.reached(3);
    assert.deepEqual(tally.order, ['50', '100', '150']);
    assert.equal(await late.isDelayed(), true);
    await late.promote();
    await tally.reached(4);
    tally.assertOnce([50, 100, 150, HOUR_MS]);
  }),

  bullCase('priorities', async (scene) => {
    const queue = scene.queue(scene.name('priority'));
    for (const priority of [3, 1, 2, 3, 1]) await queue.add({ priority }, { priority });
    await queue.add({ priority: 'none' }, {});
    const tally = new Tally();
    void queue.process(async (job: Job) => tally.done(job.data.priority));
    await tally.reached(6);
    assert.deepEqual(tally.order, ['1', '1', '2', '3', '3', 'none']);
  }),

  bullCase('a rate limit', async (scene) => {
    const limiter = { max: 3, duration: 120 };
    const queue = scene.queue(scene.name('rate'), { limiter });
    const tally = new Tally();
    void queue.process(5, async (job: Job) => tally.done(job.id));
    const began = performance.now();
    await queue.addBulk(numbers(9).map((n) => ({ data: { n } })));
    await tally.reached(9);
    tally.assertOnce(numbers(9));
    const elapsed = performance.now() - began;
    assert.ok(elapsed >= 2 * 120 - 10, `9 jobs at 3 per 120 ms took ${elapsed} ms`);
  }),

  bullCase('pause and resume, for all and for one worker', async (scene) => {
    const producer = scene.queue(scene.name('pause'));
    const worker = scene.queue(producer.name);
    const tally = new Tally();
    void worker.process(async (job: Job) => tally.done(job.id));
    await producer.add({});
    await tally.reached(1);
    await producer.pause();
    assert.equal(await producer.isPaused(), true);
    for (let i = 0; i < 5; i++) await producer.add({});
    assert.equal(await producer.getPausedCount(), 5);
    assert.equal(tally.count, 1);
    await producer.resume();
    await tally.reached(6);
    await worker.pause(true, true);
    await producer.add({});
    assert.equal(await producer.getWaitingCount(), 1);
    await worker.resume(true);
    await tally.reached(7);
    tally.assertOnce(numbers(7));
  }),

  bullCase('a stalled job goes to another worker', async (scene) => {
    const settings = { lockDuration: 60, stalledInterval: 50 };
    const lost = scene.queue(scene.name('stalled'));
    const job = await lost.add({});
    const taken = await lost.getNextJob();
    assert.equal(taken?.id, job.id);
    // As if its process had gone: the lock is not renewed and runs out.
    await lost.client.pexpire(`${scene.prefix}:${lost.name}:${job.id}:lock`, 1);
    const worker = scene.queue(lost.name, { settings });
    const [stalled, done] = [new Tally(), new Tally()];
    worker.on('stalled', (each) => stalled.done(each.id));
    void worker.process(async (each: Job) => done.done(each.id));
    await done.reached(1);
    done.assertOnce([job.id]);
    await stalled.reached(1);
  }),

  bullCase('events are heard by other instances', async (scene) => {
    const producer = scene.queue(scene.name('events'));
    const listener = scene.queue(producer.name);
    const heard = new Tally();
    listener.on('global:waiting', (id) => heard.done(`${id} waiting`));
    listener.on('global:active', (id) => heard.done(`${id} active`));
    listener.on('global:progress', (id, progress) => heard.done(`${id} at ${progress}`));
    listener.on('global:completed', (id, result) => heard.done(`${id} completed ${result}`));
    listener.on('global:failed', (id, reason) => heard.done(`${id} failed ${reason}`));
    await listener.isReady();
    const worker = scene.queue(producer.name);
    void worker.process(async (job: Job) => {
      if (job.data.fails) throw new Error('as asked');
      await job.progress(10);
      return 'fine';
    });
    // Events are published, not kept, and listening begins some time after `on`.
    const probe = await waitFor('a job whose events are heard', async () => {
      const { id } = await producer.add({});
      const steps = ['waiting', 'active', 'at 10', 'completed "fine"'];
      await waitFor('its end', async () => (await producer.getJob(id))?.isCompleted());
      return steps.every((step) => heard.countOf(`${id} ${step}`) === 1) ? id : undefined;
    });
    const { id } = await producer.add({ fails: true });
    await waitFor('the last event', () => heard.countOf(`${id} failed as asked`) === 1);
    assert.equal(heard.countOf(`${id} waiting`), 1);
    assert.equal(heard.countOf(`${id} active`), 1);
    assert.ok(Number(id) > Number(probe));
  }),

  bullCase('clean, empty, obliterate, and jobs by id', async (scene) => {
    const queue = scene.queue(scene.name('upkeep'));
    const tally = new Tally();
    queue.on('completed', (job) => tally.done(job.id));
    await queue.add({}, { jobId: 'mine' });
    await queue.add({}, { jobId: 'mine' });
    assert.equal(await queue.getWaitingCount(), 1);
    await queue.addBulk(numbers(9).map((n) => ({ data: { n } })));
    void queue.process(5, async () => undefined);
    await tally.reached(10);
    assert.equal((await queue.clean(0, 'completed', 4)).length, 4);
    assert.equal((await queue.clean(0, 'completed')).length, 6);
    await queue.pause();
    await queue.addBulk(numbers(20).map((n) => ({ data: { n } })));
    await queue.add({}, { delay: HOUR_MS });
    const job = await queue.add({}, { jobId: 'gone' });
    await job.remove();
    assert.equal(await queue.getJob('gone'), null);
    assert.equal(await queue.count(), 21);
    await queue.empty();
    assert.equal(await queue.count(), 0);
    const idle = scene.queue(scene.name('idle'));
    await idle.addBulk(numbers(20).map((n) => ({ data: { n } })));
    await idle.add({}, { delay: HOUR_MS });
    await idle.obliterate({ force: true });
    const keys = await idle.client.keys(`${scene.prefix}:${idle.name}:*`);
    assert.deepEqual(keys, []);
  }),

  bullCase('metrics', async (scene) => {
    const queue = scene.queue(scene.name('metrics'), { metrics: { maxDataPoints: 60 } });
    const tally = new Tally();
    queue.on('completed', (job) => tally.done(job.id));
    void queue.process(async () => undefined);
    await queue.addBulk(numbers(8).map((n) => ({ data: { n } })));
    await tally.reached(8);
    assert.equal((await queue.getMetrics('completed')).meta.count, 8);
    assert.equal((await queue.getMetrics('failed')).meta.count, 0);
  }),

  bullCase(
    '20 queues with 5 workers each',
    async (scene) => {
      await Promise.all(
        numbers(20).map(async (q) => {
          const producer = scene.queue(scene.name(`crowd${q}`));
          const tally = new Tally();
          for (let i = 0; i < 5; i++) {
            void scene.queue(producer.name).process(async (job: Job) => tally.done(job.data.n));
          }
          await producer.addBulk(numbers(20).map((n) => ({ data: { n } })));
          await tally.reached(20);
          tally.assertOnce(numbers(20));
        }),
      );
    },
    { isLong: true },
  ),
];
