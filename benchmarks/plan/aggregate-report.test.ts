// The figures of the report against ones that were worked out by hand, and the JTL file against
// the columns of JMeter's manual.

import t from 'tap';
import { renderAggregateReport, reportRow, totalOf, wakeUpRows } from './aggregate-report.ts';
import { JTL_COLUMNS, JTL_HEADER, JTL_HEADER_2, type JtlRow, jtlLine } from './jtl.ts';
import { LatencyStatistics } from './latency-statistics.ts';
import { renderProgress } from './progress-bar.ts';
import { mergeLogs, type Sample, SampleLog } from './sample-log.ts';
import { TimeSeries } from './time-series.ts';

function sample(of: Partial<Sample>): Sample {
  const { startMs = 0, endMs = 1 } = of;
  return {
    ...{ labelIndex: 0, label: 'a', startMs, endMs, wakeUpMs: undefined, anomaly: undefined },
    ...{ timeStamp: 1_700_000_000_000, elapsedMs: endMs - startMs, latencyMs: 0, connectMs: 0 },
    ...{ responseCode: 'OK', responseMessage: 'OK', failureMessage: '', isSuccess: true },
    ...{ threadName: 'g 1-1', bytes: 0, sentBytes: 0, groupThreads: 1, allThreads: 1, idleMs: 0 },
    url: 'redis://127.0.0.1:1',
    ...of,
  };
}

/** Within a thousandth, which is what three digits promise. */
function isNear(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) <= wanted / 1_000;
}

t.test('1 ms to 100 ms, in two threads', async (t) => {
  const logs = [1, 2].map(() => new SampleLog(['a', 'b'], 0, undefined));
  // 1 to 100, odd ones in one thread, each beginning at n × 10 ms: from 10 ms to 1,100 ms in all.
  for (let n = 1; n <= 100; n++) {
    const isSuccess = n > 3;
    const times = { startMs: 10 * n, endMs: 11 * n };
    logs[n % 2]!.record(sample({ ...times, isSuccess, bytes: 1024, sentBytes: 512 }));
  }
  const { labels } = mergeLogs(logs.map((log) => structuredClone(log.toData())));
  const row = reportRow(labels[0]!);
  t.equal(row.samples, 100);
  t.ok(isNear(row.averageMs, 50.5));
  t.ok(isNear(row.medianMs, 50));
  t.ok(isNear(row.p90Ms, 90));
  t.ok(isNear(row.p95Ms, 95));
  t.ok(isNear(row.p99Ms, 99));
  t.equal(row.minMs, 1);
  t.equal(row.maxMs, 100);
  // Of 1 … n: √((n² − 1) / 12).
  t.ok(isNear(row.deviationMs, Math.sqrt(9_999 / 12)));
  t.equal(row.errorPercent, 3);
  t.ok(isNear(row.perSecond, 100 / 1.09));
  t.ok(isNear(row.receivedKbPerSecond, 100 / 1.09));
  t.ok(isNear(row.sentKbPerSecond, 50 / 1.09));
});

t.test(
  'the total is one of samples, not of labels; a label without samples has no line',
  async (t) => {
    const log = new SampleLog(['a', 'b', 'none'], 0, undefined);
    for (let i = 0; i < 3; i++) log.record(sample({ startMs: 100, endMs: 102 }));
    log.record(sample({ labelIndex: 1, label: 'b', startMs: 104, endMs: 110 }));
    const { labels } = mergeLogs([log.toData()]);
    const total = reportRow(totalOf(labels));
    t.match(total, { samples: 4, averageMs: 3, minMs: 2, maxMs: 6 });
    t.ok(isNear(total.perSecond, 400));
    const [head, , ...lines] = renderAggregateReport(labels).split('\n');
    t.match(
      head,
      /^\| Label +\| # Samples \| Average \| Median \| 90% Line \| 95% Line \| 99% Line/,
    );
    t.same(
      lines.map((line) => line.split('|')[1]!.trim()),
      ['a', 'b', 'TOTAL'],
    );
    t.match(lines[1], /\| b +\| +1 \| +6\.000 \|/);
  },
);

t.test('wake-ups, failures and anomalies are counted apart', async (t) => {
  const log = new SampleLog(['a'], 0, undefined);
  for (let ms = 1; ms <= 1_000; ms++) log.record(sample({ wakeUpMs: ms }));
  const bad = { isSuccess: false, failureMessage: 'too few', anomaly: 'half-seen' };
  log.record(sample(bad));
  log.record(sample(bad));
  for (let i = 0; i < 30; i++) {
    log.record(sample({ isSuccess: false, failureMessage: `kind ${i}` }));
  }
  const merged = mergeLogs([log.toData()]);
  const [row] = wakeUpRows(merged.labels);
  t.equal(row!.count, 1_000);
  t.ok(isNear(row!.p50Ms, 500) && isNear(row!.p99Ms, 990) && isNear(row!.p999Ms, 999));
  t.same([...merged.anomalies], [['half-seen', 2]]);
  t.equal(merged.failures.get('a: too few'), 2);
  t.equal(merged.failures.get('others'), 11);
});

t.test('statistics survive merging in any order', async (t) => {
  const values = Array.from({ length: 1_000 }, (_, i) => ((i * 7919) % 1_000) / 10 + 0.1);
  const [all, left, right] = [1, 2, 3].map(() => new LatencyStatistics());
  for (const [i, value] of values.entries()) {
    all!.record(value);
    (i % 3 === 0 ? left! : right!).record(value);
  }
  left!.add(LatencyStatistics.fromData(right!.toData()));
  left!.add(new LatencyStatistics());
  t.equal(left!.count, all!.count);
  t.ok(isNear(left!.meanMs, all!.meanMs));
  t.ok(isNear(left!.deviationMs, all!.deviationMs));
  for (const p of [50, 90, 99, 100]) t.equal(left!.percentileMs(p), all!.percentileMs(p));
});

t.test('a long run fits into the series, and series of other widths join', async (t) => {
  const [long, short] = [new TimeSeries(), new TimeSeries()];
  for (let second = 0; second < 600; second++) long.record(second * 1e3, 1, second % 10 === 0);
  for (let second = 0; second < 10; second++) short.record(second * 1e3, 2, false);
  short.add(TimeSeries.fromData(structuredClone(long.toData())));
  t.equal(short.widthMs, 4_000);
  t.equal(short.buckets.length, 150);
  const sum = (pick: 'count' | 'failures') =>
    short.buckets.reduce((total, bucket) => total + (bucket?.[pick] ?? 0), 0);
  t.equal(sum('count'), 610);
  t.equal(sum('failures'), 60);
  t.equal(short.buckets[0]!.count, 8, 'four seconds of both');
});

t.test('JTL: the columns of the manual, in its order, then variables in quotes', async (t) => {
  // User's manual, "CSV Log format", with the spelling that JMeter writes; URL and what is behind
  // it are optional, and the order of what is there is fixed.
  const manual = [
    ...['timeStamp', 'elapsed', 'label', 'responseCode', 'responseMessage', 'threadName'],
    ...['dataType', 'success', 'failureMessage', 'bytes', 'sentBytes', 'grpThreads'],
    ...['allThreads', 'URL', 'Filename', 'Latency', 'Encoding', 'SampleCount', 'ErrorCount'],
    ...['Hostname', 'IdleTime', 'Connect'],
  ];
  const places = JTL_COLUMNS.map((column) => manual.indexOf(column));
  t.notOk(places.includes(-1), 'no column that JMeter does not know');
  t.same(
    places,
    places.toSorted((a, b) => a - b),
  );
  t.equal(JTL_HEADER, `${JTL_COLUMNS.join(',')},"elapsedMicros"\n`);
});

t.test('JTL: a line has a value for each column', async (t) => {
  const row: JtlRow = sample({
    label: 'fetch, "first"',
    threadName: 'workers 1-7',
    startMs: 5,
    endMs: 17.3456,
    latencyMs: 12.2,
    connectMs: 0.6,
    isSuccess: false,
    responseCode: 'WRONGTYPE',
    responseMessage: 'WRONGTYPE x',
    failureMessage: 'one\r\ntwo',
    ...{ bytes: 30, sentBytes: 20, groupThreads: 3, allThreads: 9 },
  });
  const wanted =
    '1700000000000,12,"fetch, ""first""",WRONGTYPE,WRONGTYPE x,workers 1-7,text,false,' +
    '"one two",30,20,3,9,redis://127.0.0.1:1,12,0,1,12346\n';
  t.equal(jtlLine(row), wanted);
  t.equal(jtlLine(row, true), wanted.replace(',30,20,', ',30,'), 'as JMeter 2 has it');
  t.equal(JTL_HEADER_2.split(',').length, JTL_HEADER.split(',').length - 1);
});

t.test('progress in one line', async (t) => {
  const progress = { name: 'p', elapsedMs: 2_500, lengthMs: 5_000, users: 50, samples: 12_345 };
  const line = renderProgress({ ...progress, failures: 1, perSecond: 4_938.2 });
  t.equal(
    line,
    `p ${'█'.repeat(12)}${'░'.repeat(12)}  50%  2.5 s  50 users  12,345 samples  4,938/s  1 failed`,
  );
});
