/** A short run of the traffic fuzzer: the process lives, forgets connections, and does not grow. */

import t from 'tap';
import { TEST_MS_MAX } from '../limits.ts';
import { startServer } from '../tools.ts';
import { fuzzTraffic } from './traffic.fuzz.ts';

t.setTimeout(TEST_MS_MAX);

const GROWTH_BYTES_MAX = 200 * 1024 * 1024;

for (const shards of [0, 2]) {
  void t.test(`mutated traffic, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    await fuzzTraffic(server, 1, 500);
    const before = server.residentBytes;
    for (const seed of [2, 3, 4]) await fuzzTraffic(server, seed, 1000);
    const growth = server.residentBytes - before;
    t.ok(growth < GROWTH_BYTES_MAX, `${Math.round(growth / 1024)} KB more resident memory`);
    t.equal(server.hasExited, false);
    t.notMatch(server.log, /failed|internal error/);
  });
}
