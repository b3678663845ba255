// `redis-benchmark -t get,set,incr,lrange -n 100000 -q`, as a first user would type it, must end
// with code 0 and warn of nothing (it warns when CONFIG GET does not answer as Redis does).

import type { RunningServer } from './contenders.ts';
import { runRedisBenchmark } from './redis-benchmark.ts';
import type { Sample } from './results.ts';
import { measureFresh, type Suite } from './suite.ts';

const ARGS = ['-t', 'get,set,incr,lrange', '-n', '100000', '-q'];

export const plainRun: Suite = {
  name: 'plain',
  about: 'redis-benchmark -t get,set,incr,lrange -n 100000 -q runs without a warning',
  run: async (context) => {
    if (context.quick) return;
    await measureFresh(context, { suite: 'plain', test: 'no warning', rounds: 1 }, measure);
  },
};

async function measure(server: RunningServer): Promise<Sample['values']> {
  const { stdout, stderr, code } = await runRedisBenchmark(server.port, ARGS);
  const complaint = /^.*(warning|error|could not).*$/im.exec(`${stderr}\n${stdout}`)?.[0];
  if (code !== 0 || complaint !== undefined) {
    throw new Error(`redis-benchmark ended with ${code}: ${complaint ?? stderr.trim()}`);
  }
  return { correct: 1 };
}
