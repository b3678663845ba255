import t from 'tap';
import { BENCH_TEXTS, type RunInfo, renderReport, renderSample, renderTable } from './report.ts';
import { type Sample, summarise } from './results.ts';

const INFO: RunInfo = {
  date: '2026-01-02',
  commit: 'abcdef0',
  node: '26.0.0',
  redis: '7.0.15',
  system: 'Linux 6.1',
  cpu: 'a processor',
  cores: 2,
  memoryGb: 8,
  rounds: 1,
  isQuick: false,
  seconds: 5,
  leftOut: [],
  contenders: [
    { name: 'redis', label: 'redis-server' },
    { name: 'inproc', label: 'in-process' },
  ],
};

const SAMPLE: Omit<Sample, 'contender' | 'values'> = {
  suite: 'throughput',
  test: 'SET',
  pipeline: 16,
  round: 0,
};

t.test('absolute value, ratio and verdict in one cell', async (t) => {
  const samples: Sample[] = [
    { ...SAMPLE, contender: 'redis', values: { rps: 1_000, cpuUs: 1 } },
    { ...SAMPLE, contender: 'inproc', values: { rps: 1_300, cpuUs: 0.95 } },
  ];
  const report = renderReport(INFO, summarise(samples), samples);
  t.match(report, /\| SET P16 \| +1000\.0 \| 1300\.0 1\.30× ✓ \|/);
  t.match(report, /\| SET P16 \| +1\.00 \| 0\.95 0\.95× ✗ \(≤ 0\.90×\) \|/);
  t.match(report, 'Bars met: 1 of 2');
  t.notMatch(report, '## Failed');
});

t.test('failures are told once, and leave a gap in the table', async (t) => {
  const failed: Sample = { ...SAMPLE, contender: 'inproc', values: {}, error: 'ERR x\nmore' };
  const samples: Sample[] = [
    { ...SAMPLE, contender: 'redis', values: { rps: 1_000 } },
    failed,
    { ...failed, round: 1 },
  ];
  const report = renderReport(INFO, summarise(samples), samples);
  t.equal(report.split('* throughput, SET P16, in-process: ERR x\n').length, 2);
  t.match(renderSample(failed), 'failed: ERR x');
});

t.test('columns are padded', async (t) => {
  t.equal(
    renderTable(['a', 'b'], [['long name', '1']]),
    ['| a         |   b |', '| --------- | --: |', '| long name |   1 |'].join('\n'),
  );
});

t.test('another benchmark brings its own title and notes', async (t) => {
  const samples: Sample[] = [{ ...SAMPLE, contender: 'redis', values: { rps: 1 } }];
  const texts = { ...BENCH_TEXTS, title: 'Scripts', notes: ['An operation is a call.'] };
  const report = renderReport(INFO, summarise(samples), samples, texts);
  t.match(report, /^# Scripts\n/);
  t.match(report, 'An operation is a call.');
  t.notMatch(report, 'P16 are');
});
