// Bytes per key at 1 M keys of 16 bytes with values of 64 bytes.
//
// Two figures: used_memory of INFO (what the server says its data takes) and the resident set (what
// the machine pays), each as the difference between before and after the load, divided by DBSIZE.
// The server is fresh for every round and has served a little traffic before the first reading, so
// that code, connections and warm-up are not counted as data.
//
// redis-benchmark does the loading: its key is `key:` and 12 digits, 16 bytes, drawn from so wide a
// range that hardly one repeats.

import type { RunningServer } from './contenders.ts';
import { rssBytes, settle } from './process-usage.ts';
import { measureWithRedisBenchmark } from './redis-benchmark.ts';
import { withClient } from './resp-client.ts';
import type { Sample } from './results.ts';
import { measureFresh, type Suite } from './suite.ts';

const KEYS = 1_000_000;
const VALUE_BYTES = 64;
/** random() of redis-benchmark gives 31 bits. */
const KEY_RANGE = 2_000_000_000;

export const memory: Suite = {
  name: 'memory',
  about: 'bytes per key at 1 M keys of 16 B with values of 64 B',
  run: (context) =>
    measureFresh(
      context,
      { suite: 'memory', test: '1M keys 16B+64B', rounds: context.quick ? 1 : 2 },
      (server) => measure(server),
    ),
};

async function measure(server: RunningServer): Promise<Sample['values']> {
  await measureWithRedisBenchmark(server.port, ['-t', 'ping_mbulk', '-n', '20000', '-P', '16']);
  const before = await read(server);
  await loadKeys(server.port, KEYS);
  const after = await read(server);
  const keys = after.keys - before.keys;
  if (keys < KEYS * 0.99) throw new Error(`${keys} keys after loading ${KEYS}`);
  return {
    usedBytesPerKey: (after.used - before.used) / keys,
    rssBytesPerKey: (after.rss - before.rss) / keys,
  };
}

/** Sets about `count` distinct keys of 16 bytes to 64 bytes each, 50 clients, pipeline 16. */
export async function loadKeys(port: number, count: number): Promise<void> {
  const load = ['-t', 'set', '-n', String(count), '-d', String(VALUE_BYTES)];
  const shape = ['-c', '50', '-P', '16', '-r', String(KEY_RANGE)];
  await measureWithRedisBenchmark(port, [...load, ...shape]);
}

async function read(server: RunningServer): Promise<{ used: number; rss: number; keys: number }> {
  await settle(server.pid);
  return withClient(server.port, async (client) => {
    const info = String(await client.request('INFO', 'memory'));
    const used = Number(/^used_memory:(\d+)\r?$/m.exec(info)?.[1]);
    if (!Number.isFinite(used)) throw new Error('no used_memory in INFO memory');
    const keys = Number(await client.request('DBSIZE'));
    return { used, rss: rssBytes(server.pid), keys };
  });
}
