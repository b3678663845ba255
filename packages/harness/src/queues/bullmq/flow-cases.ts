/** Flows: parents that wait for children in other queues, and what a failing child means. */
import assert from 'node:assert/strict';
import { type FlowJob, type Job, WaitingChildrenError } from 'bullmq';
import { waitFor } from '../../wait-for.ts';
import { Tally } from '../tally.ts';
import { type BullmqScene, bullmqCase } from './bullmq-scene.ts';

const CHILDREN = 12;

/** A tree with children in queues of their own, and what its workers did. */
function household(scene: BullmqScene) {
  const names = ['parents', 'children', 'toys'] as const;
  const queues = names.map((name) => scene.queue(scene.name(name)));
  const [parents, children, toys] = queues as [
    (typeof queues)[0],
    (typeof queues)[0],
    (typeof queues)[0],
  ];
  return { parents, children, toys, tally: new Tally() };
}

export const flowCases = [
  bullmqCase(
    'a parent runs after its children in other queues, with their results',
    async (scene) => {
      const { parents, children, toys, tally } = household(scene);
      const events = await scene.events(parents);
      scene.worker(toys, async (job) => {
        tally.done(`toy ${job.data.i}`);
        return job.data.i;
      });
      scene.worker(
        children,
        async (job) => {
          const values = Object.values(await job.getChildrenValues<number>());
          assert.equal(values.length, 2, 'both toys are there');
          tally.done(`child ${job.data.i}`);
          return values[0]! + values[1]!;
        },
        { concurrency: 4 },
      );
      scene.worker(parents, async (job) => {
        const values = Object.values(await job.getChildrenValues<number>());
        tally.done('parent');
        return values.reduce((a, b) => a + b);
      });
      const toy = (i: number): FlowJob => ({ name: 'toy', queueName: toys.name, data: { i } });
      const { job, children: nodes } = await scene.flow().add({
        name: 'parent',
        queueName: parents.name,
        children: Array.from({ length: CHILDREN }, (_, i) => ({
          name: 'child',
          queueName: children.name,
          data: { i },
          children: [toy(2 * i), toy(2 * i + 1)],
        })),
      });
      assert.equal(nodes?.length, CHILDREN);
      const sum = (2 * CHILDREN * (2 * CHILDREN - 1)) / 2;
      assert.equal(await job.waitUntilFinished(events), sum);
      tally.assertOnce([
        'parent',
        ...Array.from({ length: CHILDREN }, (_, i) => `child ${i}`),
        ...Array.from({ length: 2 * CHILDREN }, (_, i) => `toy ${i}`),
      ]);
      assert.equal(tally.order.at(-1), 'parent');
      assert.deepEqual(await job.getDependenciesCount(), {
        failed: 0,
        ignored: 0,
        processed: CHILDREN,
        unprocessed: 0,
      });
    },
  ),

  bullmqCase('a flow is read back as a tree, and removed with its children', async (scene) => {
    const { parents, children } = household(scene);
    const flow = scene.flow();
    const child = (i: number): FlowJob => ({
      name: 'child',
      queueName: children.name,
      data: { i },
      opts: { jobId: `c${i}` },
    });
    const { job } = await flow.add({
      name: 'parent',
      queueName: parents.name,
      children: [child(1), child(2), child(3)],
    });
    assert.equal(await job.getState(), 'waiting-children');
    const tree = await flow.getFlow({ queueName: parents.name, id: job.id ?? '' });
    const ids = tree.children?.map(({ job: { id } }) => id).sort();
    assert.deepEqual(ids, ['c1', 'c2', 'c3']);
    assert.equal((await job.getDependencies()).unprocessed?.length, 3);
    const one = (await children.getJob('c1')) as Job;
    assert.equal(one.parentKey, `${scene.prefix}:${parents.name}:${job.id}`);
    await one.remove();
    assert.equal((await job.getDependencies()).unprocessed?.length, 2);
    await job.remove();
    assert.equal(await children.count(), 0, 'the children went with it');
    assert.equal(await parents.getWaitingChildrenCount(), 0);
  }),

  bullmqCase('several flows in bulk, each done once', async (scene) => {
    const { parents, children, tally } = household(scene);
    for (let i = 0; i < 2; i++) {
      scene.worker(children, async (job) => tally.done(`child ${job.data.i}`), { concurrency: 5 });
      scene.worker(parents, async (job) => tally.done(`parent ${job.data.i}`), { concurrency: 5 });
    }
    const flows = Array.from({ length: 20 }, (_, i) => ({
      name: 'parent',
      queueName: parents.name,
      data: { i },
      children: [3 * i, 3 * i + 1, 3 * i + 2].map((n) => ({
        name: 'child',
        queueName: children.name,
        data: { i: n },
      })),
    }));
    await scene.flow().addBulk(flows);
    await tally.reached(80);
    tally.assertOnce([
      ...Array.from({ length: 20 }, (_, i) => `parent ${i}`),
      ...Array.from({ length: 60 }, (_, i) => `child ${i}`),
    ]);
  }),

  bullmqCase('a failing child fails its parent, or not, as asked', async (scene) => {
    const { parents, children } = household(scene);
    scene.worker(children, async (job) => {
      if (job.name === 'bad') throw new Error('bad child');
      return 'good';
    });
    const [done, failed] = [new Tally(), new Tally()];
    const seen: Record<string, unknown> = {};
    const worker = scene.worker(parents, async (job) => {
      seen[job.name] = {
        ignored: Object.values(await job.getIgnoredChildrenFailures()),
        values: Object.values(await job.getChildrenValues()),
      };
    });
    worker.on('completed', (job) => done.done(job.name));
    worker.on('failed', (job) => failed.done(job?.name));
    const family = (name: string, opts: FlowJob['opts']): FlowJob => ({
      name,
      queueName: parents.name,
      children: [
        { name: 'good', queueName: children.name },
        { name: 'bad', queueName: children.name, opts: { ...opts, attempts: 1 } as object },
      ],
    });
    const flow = scene.flow();
    await flow.add(family('failed', { failParentOnFailure: true }));
    await flow.add(family('ignored', { ignoreDependencyOnFailure: true }));
    await flow.add(family('removed', { removeDependencyOnFailure: true }));
    const { job: stuck } = await flow.add(family('stuck', {}));
    await done.reached(2);
    await failed.reached(1);
    done.assertOnce(['ignored', 'removed']);
    failed.assertOnce(['failed']);
    assert.deepEqual(seen.ignored, { ignored: ['bad child'], values: ['good'] });
    assert.deepEqual(seen.removed, { ignored: [], values: ['good'] });
    const parent = (await parents.getFailed())[0];
    assert.match(parent?.failedReason ?? '', /child .* failed/);
    await waitFor(
      'the children',
      () => children.getFailedCount(),
      (count) => count === 4,
    );
    assert.equal(await stuck.getState(), 'waiting-children');
  }),

  bullmqCase('a parent goes on while a child has failed, and drops the others', async (scene) => {
    const { parents, children } = household(scene);
    const done = new Tally();
    scene.worker(children, async (job) => {
      if (job.name === 'bad') throw new Error('bad child');
    });
    scene.worker(parents, async (job) => {
      const failures = await job.getFailedChildrenValues();
      await job.removeUnprocessedChildren();
      done.done(Object.keys(failures).length === 0 ? 'no failure seen' : 'went on');
    });
    await scene.flow().add({
      name: 'parent',
      queueName: parents.name,
      children: [
        { name: 'late', queueName: children.name, opts: { delay: 3_600_000 } },
        { name: 'bad', queueName: children.name, opts: { continueParentOnFailure: true } },
      ],
    });
    await done.reached(1);
    assert.equal(await children.getDelayedCount(), 0, 'the late child was dropped');
  }),

  bullmqCase('a job adds children to itself and waits for them', async (scene) => {
    const { parents, children, tally } = household(scene);
    const events = await scene.events(parents);
    scene.worker(children, async (job) => tally.done(`child ${job.data.i}`));
    scene.worker(parents, async (job, token) => {
      if (job.data.step === 2) return Object.keys(await job.getChildrenValues()).length;
      const parent = { id: job.id ?? '', queue: job.queueQualifiedName };
      for (let i = 0; i < 3; i++) await children.add('child', { i }, { parent });
      await job.updateData({ step: 2 });
      const waits = await job.moveToWaitingChildren(token ?? '');
      if (waits) throw new WaitingChildrenError();
      return Object.keys(await job.getChildrenValues()).length;
    });
    const job = await parents.add('parent', { step: 1 });
    assert.equal(await job.waitUntilFinished(events), 3);
    tally.assertOnce(['child 0', 'child 1', 'child 2']);
  }),
];
