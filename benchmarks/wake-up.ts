// How long a blocked BRPOP takes to get what another client pushes.
//
// N consumers each block on a queue of their own. The producer pushes to one queue at a time, going
// round; the latency is from the LPUSH's write to the consumer's data event, both in this process
// on one clock. One push is in flight at a time, so the figure is the wake-up itself, and the
// number of consumers shows whether waking one costs more when many wait.
//
//   producer  LPUSH ────▶┐              ┌─▶ PING (barrier) ─▶ next LPUSH
//   server               └─ wake ─▶┐    │
//   consumer                        └▶ delivery, BRPOP again
//
// The barrier matters: a PING that is answered after the new BRPOP was written tells that the
// server has read that BRPOP, so the next push to the same queue finds its consumer blocked.
// Rounds alternate between servers that all run.

import { type RunningServer, withServers } from './contenders.ts';
import { connectClient, encodeCommand, type RespClient } from './resp-client.ts';
import type { Sample } from './results.ts';
import { LatencyRecorder } from './statistics.ts';
import { measured, type Suite } from './suite.ts';

const SUITE = 'wake-up';
const CONSUMERS = [1, 50, 1_000] as const;
const DELIVERY_TIMEOUT_MS = 10_000;

/** Consumers that have asked and are waiting; the warm-up leaves them so. */
const blocked = new WeakSet<RespClient>();

export const wakeUp: Suite = {
  name: SUITE,
  about: 'latency from LPUSH to the delivery to a blocked BRPOP, 1, 50 and 1,000 consumers',
  async run(context) {
    const counts = CONSUMERS.filter((n) => context.wants(SUITE, testName(n), null));
    if (counts.length === 0) return;
    const wakes = context.quick ? 1_000 : 10_000;
    await withServers(context.contenders, async (servers) => {
      for (const consumers of counts) {
        if (context.isTooLateFor(testName(consumers))) return;
        for (let round = 0; round < context.rounds; round++) {
          for (const server of servers) {
            const key = { suite: SUITE, test: testName(consumers), pipeline: null, round };
            await measured(context, { ...key, contender: server.contender.name }, () =>
              measure(server, consumers, wakes),
            );
          }
        }
      }
    });
  },
};

function testName(consumers: number): string {
  return `BRPOP ${consumers} blocked`;
}

async function measure(
  server: RunningServer,
  consumers: number,
  wakes: number,
): Promise<Sample['values']> {
  const clients: RespClient[] = [];
  try {
    for (let i = 0; i <= consumers; i++) clients.push(await connectClient(server.port));
    const recorder = new LatencyRecorder();
    const warmUps = Math.ceil(wakes / 10);
    await wake(clients, warmUps, new LatencyRecorder());
    await wake(clients, wakes, recorder);
    return {
      wakeP50Us: recorder.percentileMs(50) * 1e3,
      wakeP99Us: recorder.percentileMs(99) * 1e3,
    };
  } finally {
    for (const client of clients) client.destroy();
  }
}

/** The first client produces, the others consume; all consumers stay blocked at the end. */
async function wake(
  clients: readonly RespClient[],
  wakes: number,
  recorder: LatencyRecorder,
): Promise<void> {
  const [producer, ...consumers] = clients as [RespClient, ...RespClient[]];
  const ping = encodeCommand('PING');
  const pops = consumers.map((_, i) => encodeCommand('BRPOP', `queue:${i}`, '0'));
  const pushes = consumers.map((_, i) => encodeCommand('LPUSH', `queue:${i}`, 'message'));
  let pushedAt = 0;
  let settleDelivery: (error?: Error) => void = () => {};
  consumers.forEach((consumer, i) => {
    // A consumer that a former call left blocked must not ask twice.
    const isBlocked = blocked.has(consumer);
    consumer.onReply = (reply) => {
      if (reply instanceof Error || reply === null) {
        settleDelivery(reply ?? new Error('BRPOP ended without a message'));
        return;
      }
      recorder.record(performance.now() - pushedAt);
      consumer.send(pops[i]!);
      settleDelivery();
    };
    if (!isBlocked) consumer.send(pops[i]!);
    blocked.add(consumer);
  });
  await producer.requestBytes(ping);
  for (let n = 0; n < wakes; n++) {
    const delivery = withTimeout((done) => {
      settleDelivery = done;
    });
    const target = n % consumers.length;
    pushedAt = performance.now();
    const pushed = producer.requestBytes(pushes[target]!);
    await Promise.all([delivery, pushed]);
    await producer.requestBytes(ping);
  }
}

function withTimeout(start: (done: (error?: Error) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`no delivery within ${DELIVERY_TIMEOUT_MS} ms`));
    const timer = setTimeout(late, DELIVERY_TIMEOUT_MS);
    start((error) => {
      clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}
