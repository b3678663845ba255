import { existsSync } from 'node:fs';
import t from 'tap';
import {
  cpuSeconds,
  parseCpuSeconds,
  parseRssBytes,
  parseThreadCpuSeconds,
  rssBytes,
  threadCpuSeconds,
} from './process-usage.ts';

const STAT =
  '42 (a (b) c) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 7 7 20 0 11 0 900 1000 200 18446744';

t.test('user and system ticks, whatever the name of the executable', async (t) => {
  t.equal(parseCpuSeconds(STAT), 4);
  t.throws(() => parseCpuSeconds('42 (x) S 1'));
});

t.test('resident set', async (t) => {
  t.equal(parseRssBytes('VmPeak:\t 9 kB\nVmRSS:\t   12 kB\nRssAnon:\t 1 kB\n'), 12_288);
  t.throws(() => parseRssBytes('Name:\tx\n'));
});

const skip = existsSync('/proc/self/stat') ? false : 'no /proc on this system';
t.test('of this process', { skip }, async (t) => {
  t.ok(cpuSeconds(process.pid) >= 0);
  t.ok(rssBytes(process.pid) > 1e6);
});

t.test("threads' CPU in nanoseconds, as the kernel writes it", async (t) => {
  t.equal(parseThreadCpuSeconds('1500000000 3919990 17\n'), 1.5);
  t.throws(() => parseThreadCpuSeconds(''), /not a schedstat/);
});

t.test('of the threads of this process', { skip }, async (t) => {
  const before = threadCpuSeconds(process.pid);
  const startedAt = performance.now();
  while (performance.now() - startedAt < 50);
  t.ok(threadCpuSeconds(process.pid) > before);
});
