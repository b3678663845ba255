import t from 'tap';
import {
  anomaliesOf,
  type IsolationInfo,
  judgeIsolation,
  type Measurement,
  ratioOf,
  renderIsolationChart,
  renderIsolationReport,
} from './isolation-report.ts';

const INFO: IsolationInfo = {
  date: '2026-01-02',
  commit: 'abcdef0',
  node: '26.0.0',
  redis: '7.0.15',
  cpu: 'Some <CPU>',
  cores: 2,
  rounds: 3,
  seconds: 2,
  shards: 2,
  loadBefore: 0.1,
  contenders: ['redis', 'locked', 'lock-free', 'one-shard'].map((name) => ({ name, label: name })),
};

function measured(plan: string, contender: string, round: number, of: Partial<Measurement>) {
  const times = { perSecond: 100, medianMs: 1, p99Ms: 2, cpuUs: 10, shardShare: 0.5, driver: 0.5 };
  return { plan, contender, round, samples: 1_000, anomalies: null, ...times, ...of };
}

/** The machine gets slower from round to round; the ratios do not. */
const MEASUREMENTS: readonly Measurement[] = [100, 50, 20].flatMap((speed, round) => [
  measured('single-key', 'redis', round, { perSecond: speed }),
  measured('single-key', 'locked', round, { perSecond: 0.96 * speed }),
  measured('single-key', 'lock-free', round, { perSecond: speed, cpuUs: 9 }),
  measured('cpu-bound', 'locked', round, { perSecond: 1.5 * speed }),
  measured('cpu-bound', 'one-shard', round, { perSecond: speed }),
  measured('transfers', 'locked', round, { anomalies: 0 }),
  measured('transfers', 'lock-free', round, { anomalies: 4 + round }),
]);

t.test('ratios are taken inside a round', async (t) => {
  t.equal(ratioOf(MEASUREMENTS, 'single-key', 'locked', 'redis'), 0.96);
  t.equal(ratioOf(MEASUREMENTS, 'single-key', 'one-shard', 'redis'), undefined);
});

t.test('anomalies are added up, and undefined where none can be seen', async (t) => {
  t.same(anomaliesOf(MEASUREMENTS, 'transfers', 'lock-free'), { count: 15, samples: 3_000 });
  t.equal(anomaliesOf(MEASUREMENTS, 'single-key', 'locked'), undefined);
});

t.test('verdicts', async (t) => {
  const judged = judgeIsolation(MEASUREMENTS).map(({ what, isMet }) => [what, isMet]);
  t.same(judged, [
    ['single-key: throughput of locked against lock-free', true],
    ['single-key: CPU per sample of locked against lock-free', false],
    ['cpu-bound: throughput of locked against one-shard', false],
    ['anomalies, locked', true],
    ['anomalies, lock-free', true],
  ]);
  const broken = [...MEASUREMENTS, measured('transfers', 'locked', 4, { anomalies: 1 })];
  t.equal(judgeIsolation(broken).find(({ what }) => what === 'anomalies, locked')?.isMet, false);
});

t.test('a failed measurement is told, and is in no figure', async (t) => {
  const error = 'unknown command\nand more';
  const failed = measured('single-key', 'locked', 5, { perSecond: 1e9, error });
  const report = renderIsolationReport(INFO, [...MEASUREMENTS, failed]);
  t.match(report, '* single-key, locked: unknown command\n');
  t.notMatch(report, 'and more');
  t.match(report, /\| single-key +\| +50\.00 \| +48\.00 0\.96× \| +50\.00 1\.00× \| +– \|/);
  t.match(report, /\| transfers +\| +– \| +0 of 3000 \| +15 of 3000 \|/);
});

t.test('the picture has a bar for each figure, and escapes what it is told', async (t) => {
  const svg = renderIsolationChart(INFO, MEASUREMENTS)!;
  t.match(svg, /^<svg [^>]*>/);
  // The card, three in the legend, two ratios to redis-server, two kinds of anomalies.
  t.equal(svg.match(/<rect /g)?.length, 8);
  t.match(svg, '>0.96×<');
  t.match(svg, '>none<');
  t.match(svg, '>500.0<');
  t.match(svg, 'Some &lt;CPU&gt;');
  t.equal(renderIsolationChart(INFO, []), undefined);
});
