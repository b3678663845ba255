import t from 'tap';
import { parseBenchmarkCsv } from './redis-benchmark.ts';

const HEAD =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms",' +
  '"p99_latency_ms","max_latency_ms"';

t.test('rows of redis-benchmark 7.0.15', async (t) => {
  const rows = [
    '"SET","123456.79","0.217","0.064","0.215","0.279","0.391","0.639"',
    '"LRANGE_100 (first 100 elements)","76628.35","0.353","0.168","0.335","0.463","0.695","2.5"',
  ];
  t.same(parseBenchmarkCsv(`${HEAD}\n${rows.join('\n')}\n`), [
    { test: 'SET', rps: 123456.79, p50Ms: 0.215, p99Ms: 0.391 },
    { test: 'LRANGE_100 (first 100 elements)', rps: 76628.35, p50Ms: 0.335, p99Ms: 0.695 },
  ]);
});

t.test('warnings before the table are passed over, quotes and commas in a name kept', async (t) => {
  const row = '"set ""a,b"" x","5.00","1","1","2","3","4","5"';
  const rows = parseBenchmarkCsv(`WARNING: Could not fetch server CONFIG\n${HEAD}\n${row}\n`);
  t.same(rows, [{ test: 'set "a,b" x', rps: 5, p50Ms: 2, p99Ms: 4 }]);
});

t.test('columns are found by name', async (t) => {
  const rows = parseBenchmarkCsv(
    '"p99_latency_ms","rps","test","p50_latency_ms"\n"4","3","GET","2"\n',
  );
  t.same(rows, [{ test: 'GET', rps: 3, p50Ms: 2, p99Ms: 4 }]);
});

t.test('what is not a table is refused', async (t) => {
  t.throws(() => parseBenchmarkCsv(''), /no column/);
  t.throws(() => parseBenchmarkCsv('"test","rps"\n"SET","1"\n'), /p50_latency_ms/);
  t.throws(() => parseBenchmarkCsv(`${HEAD}\n"SET","nan","1","1","1","1","1","1"\n`), /number/);
  t.throws(() => parseBenchmarkCsv(`${HEAD}\n"SET","1"\n`), /not a number/);
});
