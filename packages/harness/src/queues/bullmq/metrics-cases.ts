/** What BullMQ tells of a queue: metrics per minute, connected workers, Prometheus text. */
import assert from 'node:assert/strict';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

export const metricsCases = [
  bullmqCase('metrics count what was completed and what failed', async (scene) => {
    const queue = scene.queue(scene.name('metrics'));
    const tally = new Tally();
    const worker = scene.worker(
      queue,
      async (job) => {
        if (job.data.fails) throw new Error('as asked');
      },
      { metrics: { maxDataPoints: 60 } },
    );
    worker.on('completed', (job) => tally.done(job.id));
    worker.on('failed', (job) => tally.done(job?.id));
    const bulk = Array.from({ length: 30 }, (_, i) => ({
      name: 'n',
      data: { fails: i % 3 === 0 },
    }));
    await queue.addBulk(bulk);
    await tally.reached(30);
    const completed = await queue.getMetrics('completed');
    assert.equal(completed.meta.count, 20);
    assert.equal((await queue.getMetrics('failed')).meta.count, 10);
    assert.ok(Array.isArray(completed.data));
    const text = await queue.exportPrometheusMetrics({ place: 'here' });
    assert.match(text, /bullmq_job_count\{[^}]*state="completed"[^}]*place="here"[^}]*\} 20/);
  }),

  bullmqCase('workers and listeners are found in the list of clients', async (scene) => {
    const queue = scene.queue(scene.name('clients'));
    for (const name of ['anna', 'bert']) {
      await scene.worker(queue, async () => undefined, { name }).waitUntilReady();
    }
    const workers = await waitFor(
      'two workers',
      () => queue.getWorkers(),
      (found) => found.length === 2,
    );
    assert.match(workers[0]?.addr ?? '', /^127\.0\.0\.1:/);
    assert.equal(await queue.getWorkersCount(), 2);
    const meta = await queue.getMeta();
    assert.match(String(meta.version), /^bullmq/);
  }),
];
