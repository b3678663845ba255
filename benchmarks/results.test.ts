import t from 'tap';
import { type Sample, summarise, testLabel } from './results.ts';

function sample(contender: string, round: number, rps: number, more: Partial<Sample> = {}): Sample {
  const values = { rps };
  return { suite: 's', test: 'SET', pipeline: 16, contender, round, values, ...more };
}

t.test('the ratio is the median of the ratios within a round', async (t) => {
  // The machine is twice as fast in round 1: medians of absolute values would say 1.5.
  const samples = [
    sample('redis', 0, 100),
    sample('inproc', 0, 120),
    sample('redis', 1, 200),
    sample('inproc', 1, 240),
    sample('inproc', 2, 240),
    sample('redis', 2, 160),
  ];
  const [redis, inproc] = summarise(samples);
  t.match(redis, { contender: 'redis', median: 160, ratio: null, rounds: 3 });
  t.match(inproc, { contender: 'inproc', median: 240, ratio: 1.2, rounds: 3 });
});

t.test('no ratio without the baseline, no cell for an error', async (t) => {
  const failed = sample('2', 0, 0, { values: {}, error: 'died' });
  const cells = summarise([sample('1', 0, 5), failed]);
  t.equal(cells.length, 1);
  t.match(cells[0], { contender: '1', median: 5, ratio: null });
});

t.test('tests and pipelines are kept apart, in the order of their coming', async (t) => {
  const samples = [
    sample('redis', 0, 1, { pipeline: 16 }),
    sample('redis', 0, 2, { pipeline: 1 }),
    sample('redis', 0, 3, { test: 'stall', pipeline: null }),
  ];
  t.same(summarise(samples).map(testLabel), ['SET P16', 'SET P1', 'stall']);
});
