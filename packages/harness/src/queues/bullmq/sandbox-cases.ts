/** Processors in files of their own: in a child process, and in a thread. */
import assert from 'node:assert/strict';
import { Tally } from '../tally.ts';
import { bullmqCase } from './bullmq-scene.ts';

const PROCESSOR = new URL('../sandboxed-processor.cjs', import.meta.url);

export const sandboxCases = [false, true].map((useWorkerThreads) =>
  bullmqCase(
    `sandboxed processors in ${useWorkerThreads ? 'threads' : 'child processes'}`,
    async (scene) => {
      const queue = scene.queue(scene.name('sandbox'));
      const events = await scene.events(queue);
      const progress = new Tally();
      events.on('progress', ({ jobId, data }) => progress.done(`${jobId} at ${data}`));
      scene.worker(queue, PROCESSOR, { useWorkerThreads, concurrency: 2 });
      const jobs = await queue.addBulk(
        Array.from({ length: 6 }, (_, n) => ({ name: 'square', data: { n } })),
      );
      const results = await Promise.all(jobs.map((job) => job.waitUntilFinished(events)));
      assert.deepEqual(
        results.map(({ square }) => square),
        [0, 1, 4, 9, 16, 25],
      );
      assert.ok(results.every(({ pid }) => useWorkerThreads === (pid === process.pid)));
      await progress.reached(6);
      progress.assertOnce(jobs.map(({ id }) => `${id} at 50`));
      assert.deepEqual((await queue.getJobLogs('1')).logs, ['squaring 0']);
      const bad = await queue.add('square', { n: 'three' });
      await assert.rejects(bad.waitUntilFinished(events), /not a number: three/);
    },
  ),
);
