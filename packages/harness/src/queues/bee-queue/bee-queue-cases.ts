/** All cases of Bee-Queue: scripts that are loaded once, MULTI, events by pub/sub. */
import assert from 'node:assert/strict';
import type BeeQueue from 'bee-queue';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { beeQueueCase } from './bee-queue-scene.ts';

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** A worker whose jobs fail as often as they say, and who ended how. */
function failing(queue: BeeQueue) {
  const tries: Record<string, number> = {};
  queue.process(5, async ({ data }) => {
    tries[data.name] = (tries[data.name] ?? 0) + 1;
    if (tries[data.name]! <= data.fails) throw new Error('not yet');
  });
  const ended = new Tally();
  queue.on('succeeded', (job) => ended.done(`${job.data.name} succeeded`));
  // Told of every attempt; the last one leaves the job's status so.
  queue.on('failed', (job) => {
    if (job.status === 'failed') ended.done(`${job.data.name} failed`);
  });
  return { tries, ended };
}

export const beeQueueCases = [
  beeQueueCase('a job succeeds; the producer hears of progress and result', async (scene) => {
    const name = scene.name('life');
    const producer = await scene.queue(name, { isWorker: false, getEvents: true });
    const worker = await scene.queue(name, { sendEvents: true });
    worker.process(async (job) => {
      job.reportProgress({ done: 'half' });
      return job.data.n * 2;
    });
    const job = producer.createJob({ n: 21 });
    const heard = new Tally();
    job.on('progress', ({ done }) => heard.done(`progress ${done}`));
    job.on('succeeded', (result) => heard.done(`result ${result}`));
    await job.save();
    await heard.reached(2);
    heard.assertOnce(['progress half', 'result 42']);
    const counts = await producer.checkHealth();
    assert.equal(counts.succeeded, 1);
    assert.equal(counts.active, 0);
    assert.equal((await producer.getJob(job.id)).status, 'succeeded');
  }),

  beeQueueCase('jobs in bulk, several workers: once each', async (scene) => {
    const name = scene.name('bulk');
    const producer = await scene.queue(name, { isWorker: false });
    const tally = new Tally();
    for (let i = 0; i < 3; i++) {
      const worker = await scene.queue(name);
      worker.process(10, async (job) => tally.done(job.data.n));
    }
    const jobs = numbers(300).map((n) => producer.createJob({ n }));
    assert.equal((await producer.saveAll(jobs)).size, 0, 'none failed');
    await Promise.all(numbers(50).map((n) => producer.createJob({ n: 300 + n }).save()));
    await tally.reached(350);
    tally.assertOnce(numbers(350));
    await waitFor('all succeeded', async () => (await producer.checkHealth()).succeeded === 350);
  }),

  beeQueueCase('retries at once, then success or failure', async (scene) => {
    const queue = await scene.queue(scene.name('retries'));
    const { tries, ended } = failing(queue);
    await queue.createJob({ name: 'twice', fails: 2 }).retries(2).save();
    await queue.createJob({ name: 'never', fails: 9 }).retries(2).save();
    await ended.reached(2);
    ended.assertOnce(['twice succeeded', 'never failed']);
    assert.deepEqual(tries, { twice: 3, never: 3 });
  }),

  beeQueueCase('retries with backoff', async (scene) => {
    const queue = await scene.queue(scene.name('backoff'), { activateDelayedJobs: true });
    const { tries, ended } = failing(queue);
    const save = (name: string, fails: number, strategy: string) =>
      queue.createJob({ name, fails }).retries(2).backoff(strategy, 20).save();
    await save('fixed', 1, 'fixed');
    await save('growing', 2, 'exponential');
    await ended.reached(2);
    ended.assertOnce(['fixed succeeded', 'growing succeeded']);
    assert.deepEqual(tries, { fixed: 2, growing: 3 });
  }),

  beeQueueCase('delayed jobs', async (scene) => {
    const name = scene.name('delayed');
    const settings = { activateDelayedJobs: true, delayedDebounce: 10, nearTermWindow: 60_000 };
    const producer = await scene.queue(name, { ...settings, isWorker: false });
    const worker = await scene.queue(name, settings);
    const tally = new Tally();
    const early: number[] = [];
    worker.process(async (job) => {
      if (Date.now() < job.data.due) early.push(job.data.due - Date.now());
      tally.done(job.data.delay);
    });
    for (const delay of [150, 50, 100]) {
      const due = Date.now() + delay;
      await producer.createJob({ delay, due }).delayUntil(due).save();
    }
    await tally.reached(3);
    tally.assertOnce([50, 100, 150]);
    assert.deepEqual(early, []);
  }),

  beeQueueCase('a stalled job is found and done by another worker', async (scene) => {
    const name = scene.name('stalled');
    const lost = await scene.queue(name, { stallInterval: 40 });
    const begun = new Tally();
    lost.process((job) => {
      begun.done(job.id);
      return new Promise(() => undefined);
    });
    await lost.createJob({}).save();
    await begun.reached(1);
    // It neither finishes nor says that it lives.
    await lost.close(1).catch(() => undefined);
    const worker = await scene.queue(name, { stallInterval: 40 });
    const [stalled, done] = [new Tally(), new Tally()];
    worker.on('stalled', (id) => stalled.done(id));
    worker.process(async (job) => done.done(job.id));
    await worker.checkStalledJobs(30);
    await done.reached(1);
    done.assertOnce([1]);
    assert.ok(stalled.count >= 1);
  }),

  beeQueueCase('ids, lists of jobs, removal and destruction', async (scene) => {
    const queue = await scene.queue(scene.name('upkeep'), { isWorker: false });
    const first = await queue.createJob({ n: 1 }).setId('mine').save();
    assert.equal(first.id, 'mine');
    const second = await queue.createJob({ n: 2 }).setId('mine').save();
    assert.equal(second.id, null, 'the id is taken');
    for (const n of numbers(5)) await queue.createJob({ n }).save();
    const waiting = await queue.getJobs('waiting', { start: 0, end: 25 });
    assert.equal(waiting.length, 6);
    assert.deepEqual((await queue.getJob('mine')).data, { n: 1 });
    await queue.removeJob('mine');
    assert.equal(await queue.getJob('mine'), null);
    assert.equal((await queue.checkHealth()).waiting, 5);
    await queue.destroy();
    assert.equal((await queue.checkHealth()).waiting, 0);
  }),
];
