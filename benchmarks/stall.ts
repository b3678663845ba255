// The longest time a server keeps a client waiting while 5 M keys are loaded under traffic.
//
// redis-benchmark loads (SET, 64 bytes, 50 clients, pipeline 16); meanwhile one probe in this
// process GETs one key again and again, a millisecond after the last answer. Rehashing, growing an
// arena, collecting garbage: whatever holds the event loop up shows as a long round trip.
//
// What it includes besides the server's stall: the commands queued before the probe's (well under a
// millisecond at pipeline 16), and the scheduler of a machine with more busy threads than cores.
// So redis-server's figure under the same load stands beside it, and so does the longest stall of
// the probe's own event loop. One probe in flight: a long stall is one sample, thus read the
// maximum first and the p99.9 with that in mind. Where allowed (root), the probe asks the scheduler
// for precedence while it measures, so that its own wait for a core is not taken for the server's.

import { setPriority } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningServer } from './contenders.ts';
import { loadKeys } from './memory.ts';
import { encodeCommand, type RespClient, withClient } from './resp-client.ts';
import type { Sample } from './results.ts';
import { LatencyRecorder } from './statistics.ts';
import { measureFresh, type Suite } from './suite.ts';

const KEYS = 5_000_000;
const KEYS_QUICK = 500_000;
const PROBE_INTERVAL_MS = 1;
const PROBE_NICENESS = -10;

export const stall: Suite = {
  name: 'stall',
  about: 'longest wait of a probing client while 5 M keys are loaded',
  run: (context) => {
    const keys = context.quick ? KEYS_QUICK : KEYS;
    const test = { suite: 'stall', test: `stall ${keys / 1e6}M keys` };
    return measureFresh(context, { ...test, rounds: context.quick ? 1 : 2 }, (server) =>
      measure(server, keys),
    );
  },
};

async function measure(server: RunningServer, keys: number): Promise<Sample['values']> {
  return withClient(server.port, async (client) => {
    await client.request('SET', 'probe', 'here');
    const delay = monitorEventLoopDelay({ resolution: 1 });
    await probe(client, sleep(500));
    delay.enable();
    const recorder = await probe(client, loadKeys(server.port, keys));
    delay.disable();
    const loaded = Number(await client.request('DBSIZE'));
    if (loaded < keys * 0.99) throw new Error(`${loaded} keys after loading ${keys}`);
    return {
      stallMaxMs: recorder.maxMs,
      stallP999Ms: recorder.percentileMs(99.9),
      driverStallMs: delay.max / 1e6,
    };
  });
}

/** Probes until the load is done; rejects when either fails. */
async function probe(client: RespClient, load: Promise<void>): Promise<LatencyRecorder> {
  const recorder = new LatencyRecorder();
  const get = encodeCommand('GET', 'probe');
  let isLoading = true;
  // Only now: redis-benchmark has been started by the caller and must not inherit it.
  const hasPrecedence = takePrecedence(PROBE_NICENESS);
  const loaded = load.finally(() => {
    isLoading = false;
    if (hasPrecedence) takePrecedence(0);
  });
  // Its rejection is waited for below; until then it must not count as unhandled.
  loaded.catch(() => {});
  while (isLoading) {
    const sentAt = performance.now();
    await client.requestBytes(get);
    recorder.record(performance.now() - sentAt);
    await sleep(PROBE_INTERVAL_MS);
  }
  await loaded;
  return recorder;
}

function takePrecedence(niceness: number): boolean {
  try {
    setPriority(niceness);
    return true;
  } catch {
    return false;
  }
}
