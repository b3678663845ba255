import t from 'tap';
import { BARS, judge } from './bars.ts';
import type { Cell } from './results.ts';

function cell(of: Partial<Cell>): Cell {
  const plain = { suite: 'throughput', test: 'SET', pipeline: 16, contender: 'inproc' };
  return { ...plain, metric: 'rps', median: 1_000, ratio: 1.2, rounds: 3, ...of };
}

t.test('a bar is judged by contender and pipeline', async (t) => {
  t.match(judge(cell({})), { isMet: true, bar: '≥ 1.20×' });
  t.match(judge(cell({ ratio: 1.19 })), { isMet: false });
  t.match(judge(cell({ ratio: 1.0, contender: '1' })), { isMet: true });
  t.match(judge(cell({ ratio: 0.9, contender: '1', pipeline: 1 })), { isMet: true });
  t.match(judge(cell({ ratio: 0.91, metric: 'cpuUs' })), { isMet: false, bar: '≤ 0.90×' });
});

t.test('without a bar, or without a ratio, there is no verdict', async (t) => {
  t.equal(judge(cell({ contender: '2' })), undefined);
  t.equal(judge(cell({ test: 'PING_MBULK' })), undefined);
  t.equal(judge(cell({ ratio: null })), undefined);
  t.equal(
    judge(cell({ contender: 'redis', test: 'stall 5M keys', metric: 'stallMaxMs' })),
    undefined,
  );
});

t.test('absolute bars look at the value', async (t) => {
  const stall = {
    test: 'stall 5M keys',
    pipeline: null,
    metric: 'stallMaxMs',
    ratio: 0.5,
  } as const;
  t.match(judge(cell({ ...stall, median: 10 })), { isMet: true, bar: '≤ 10' });
  t.match(judge(cell({ ...stall, median: 10.1 })), { isMet: false });
  const idle = { test: 'idle 10000', pipeline: null, metric: 'kbPerConnection' } as const;
  t.match(judge(cell({ ...idle, median: 21 })), { isMet: false });
});

t.test('every bar has a limit', async (t) => {
  for (const bar of BARS) t.ok(bar.atLeast !== undefined || bar.atMost !== undefined);
});
