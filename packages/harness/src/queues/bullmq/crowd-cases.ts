/** Many queues and many workers at once: every job of every queue exactly once. */
import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import type { Site } from '../queue-case.ts';
import { Tally } from '../tally.ts';
import { type BullmqScene, bullmqCase } from './bullmq-scene.ts';

async function crowd(scene: BullmqScene, queues: number, workers: number, jobs: number) {
  const shared = sharedClient(scene.site);
  try {
    const tallies = await Promise.all(
      Array.from({ length: queues }, async (_, i) => {
        const queue = scene.queue(scene.name(`crowd${i}`), shared.options);
        const tally = new Tally();
        for (let w = 0; w < workers; w++) {
          scene.worker(queue, async (job) => tally.done(job.data.i), shared.options);
        }
        const bulk = Array.from({ length: jobs }, (_, n) => ({ name: 'n', data: { i: n } }));
        await queue.addBulk(bulk);
        await tally.reached(jobs);
        return { queue, tally };
      }),
    );
    for (const { queue, tally } of tallies) {
      tally.assertOnce(Array.from({ length: jobs }, (_, i) => i));
      assert.equal(await queue.count(), 0);
    }
  } finally {
    await scene[Symbol.asyncDispose]();
    shared.close();
  }
}

/** Hundreds of clients of node-redis, made at once, keep their process busy until they time out. */
function workersEach({ site }: BullmqScene): number {
  return site.client === 'ioredis' ? 20 : 2;
}

/** One connection for all that does not block, as programs with many queues have it. */
function sharedClient(site: Site) {
  if (site.client !== 'ioredis') return { options: {}, close: () => undefined };
  const connection = new Redis({ port: site.port, maxRetriesPerRequest: null });
  // Every queue and worker listens to it.
  connection.setMaxListeners(0);
  return { options: { connection }, close: () => connection.disconnect() };
}

export const crowdCases = [
  bullmqCase('10 queues with 4 workers each', (scene) => crowd(scene, 10, 4, 30)),
  bullmqCase(
    '50 queues with 20 workers each (2 with node-redis)',
    (scene) => crowd(scene, 50, workersEach(scene), 40),
    {
      isLong: true,
    },
  ),
];
