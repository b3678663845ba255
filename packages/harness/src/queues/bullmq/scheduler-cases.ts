/** Job schedulers: repeatable jobs by interval or by a cron pattern. */
import assert from 'node:assert/strict';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

const HOUR_MS = 3_600_000;

export const schedulerCases = [
  bullmqCase('a scheduler repeats its job up to the limit', async (scene) => {
    const queue = scene.queue(scene.name('every'));
    const tally = new Tally();
    scene.worker(queue, async (job) => {
      assert.deepEqual(job.data, { tick: true });
      tally.done(job.id);
    });
    const began = performance.now();
    const template = { name: 'tick', data: { tick: true } };
    await queue.upsertJobScheduler('clock', { every: 60, limit: 4 }, template);
    await tally.reached(4);
    assert.equal(new Set(tally.order).size, 4, 'each time another job');
    assert.ok(performance.now() - began >= 2 * 60, 'not faster than asked');
    await waitFor('the scheduler to end', async () => (await queue.getDelayedCount()) === 0);
    assert.equal(tally.count, 4);
  }),

  bullmqCase('two workers, one scheduler: one job at a time, none twice', async (scene) => {
    const queue = scene.queue(scene.name('two'));
    const tally = new Tally();
    for (let i = 0; i < 2; i++) scene.worker(queue, async (job) => tally.done(job.id));
    await queue.upsertJobScheduler('clock', { every: 30 }, { name: 'tick' });
    await tally.reached(8);
    assert.equal(await queue.removeJobScheduler('clock'), true);
    assert.equal(new Set(tally.order).size, tally.count);
    await waitFor('nothing to be left', async () => (await queue.getDelayedCount()) === 0);
  }),

  bullmqCase('schedulers are listed, changed and removed', async (scene) => {
    const queue = scene.queue(scene.name('list'));
    const noon = { pattern: '0 0 12 * * *', tz: 'Europe/Berlin' };
    const first = await queue.upsertJobScheduler('noon', noon, {
      name: 'lunch',
      data: { n: 1 },
      opts: { attempts: 3, priority: 2 },
    });
    assert.ok((first.opts.delay ?? 0) > 0);
    await queue.upsertJobScheduler('hourly', { every: HOUR_MS }, { name: 'chime' });
    assert.equal(await queue.getJobSchedulersCount(), 2);
    const ids = (await queue.getJobSchedulers()).map(({ key }) => key);
    assert.deepEqual(ids.sort(), ['hourly', 'noon']);
    const scheduler = await queue.getJobScheduler('noon');
    assert.equal(scheduler?.pattern, noon.pattern);
    assert.equal(scheduler?.tz, noon.tz);
    assert.deepEqual(scheduler?.template?.data, { n: 1 });
    assert.equal(new Date(scheduler?.next ?? 0).getUTCMinutes(), 0);
    await queue.upsertJobScheduler('noon', { pattern: '0 30 13 * * *' }, { data: { n: 2 } });
    const changed = await queue.getJobScheduler('noon');
    assert.equal(changed?.pattern, '0 30 13 * * *');
    assert.deepEqual(changed?.template?.data, { n: 2 });
    assert.equal(await queue.getJobSchedulersCount(), 2, 'changed, not added');
    assert.equal(await queue.removeJobScheduler('noon'), true);
    assert.equal(await queue.removeJobScheduler('noon'), false);
    assert.equal(await queue.getJobSchedulersCount(), 1);
    assert.equal(await queue.getJobScheduler('noon'), undefined);
  }),

  bullmqCase('a pattern of every second fires, and the next one is planned', async (scene) => {
    const queue = scene.queue(scene.name('cron'));
    const tally = new Tally();
    scene.worker(queue, async (job) => tally.done(job.id));
    await queue.upsertJobScheduler('seconds', { pattern: '* * * * * *' }, { name: 'tick' });
    await tally.reached(1);
    const scheduler = await waitFor('the next one', () => queue.getJobScheduler('seconds'));
    assert.ok((scheduler?.next ?? 0) > Date.now() - 1000);
    await queue.removeJobScheduler('seconds');
  }),
];
