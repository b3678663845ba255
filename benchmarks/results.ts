// What a benchmark run produces: samples, and the summary that tables, chart and bars are made of.
//
// A suite records one Sample per (test, contender, round). summarise() groups them into cells, one
// per (test, contender, metric), and gives each two figures:
//
//   median   the median of the rounds' absolute values
//   ratio    the median over the rounds of (this contender's value / redis-server's value in the
//            same round); null for redis-server itself and where redis-server was not measured
//
// The ratio is taken inside a round because a shared machine drifts from minute to minute: the two
// values of one round were measured seconds apart, two medians of a whole run were not.
//
// A Sample with an error has no values. It makes no cell, but it is kept and reported.

import { median } from './statistics.ts';

/** The contender all ratios are taken against. */
export const BASELINE = 'redis';

interface Metric {
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly digits: number;
}

/** Every figure a suite may record, in the order in which the report shows them. */
export const METRICS = {
  rps: { title: 'Throughput', unit: 'k/s', better: 'higher', digits: 1 },
  cpuUs: { title: 'Server CPU per operation', unit: 'µs', better: 'lower', digits: 2 },
  p50Ms: { title: 'Latency p50', unit: 'ms', better: 'lower', digits: 3 },
  p99Ms: { title: 'Latency p99', unit: 'ms', better: 'lower', digits: 3 },
  usedBytesPerKey: {
    title: 'Memory per key, used_memory',
    unit: 'B',
    better: 'lower',
    digits: 1,
  },
  rssBytesPerKey: {
    title: 'Memory per key, resident set',
    unit: 'B',
    better: 'lower',
    digits: 1,
  },
  usedMb: { title: 'Memory of a dataset, used_memory', unit: 'MB', better: 'lower', digits: 1 },
  serverUs: {
    title: 'Server time per command, as INFO commandstats has it',
    unit: 'µs',
    better: 'lower',
    digits: 2,
  },
  wakeP50Us: { title: 'BRPOP wake-up p50', unit: 'µs', better: 'lower', digits: 0 },
  wakeP99Us: { title: 'BRPOP wake-up p99', unit: 'µs', better: 'lower', digits: 0 },
  stallMaxMs: {
    title: 'Longest probe round trip under load',
    unit: 'ms',
    better: 'lower',
    digits: 2,
  },
  stallP999Ms: {
    title: 'Probe round trip p99.9 under load',
    unit: 'ms',
    better: 'lower',
    digits: 2,
  },
  driverStallMs: {
    title: "Driver's own longest stall meanwhile",
    unit: 'ms',
    better: 'lower',
    digits: 2,
  },
  kbPerConnection: {
    title: 'Resident memory per connection',
    unit: 'KB',
    better: 'lower',
    digits: 2,
  },
  inMs: { title: 'Time in', unit: 'ms', better: 'lower', digits: 0 },
  outMs: { title: 'Time out', unit: 'ms', better: 'lower', digits: 0 },
  messagesPerSecond: { title: 'Messages moved', unit: 'k/s', better: 'higher', digits: 1 },
  firstCallMs: { title: 'First call of a script', unit: 'ms', better: 'lower', digits: 2 },
  gain: { title: 'Throughput against one shard', unit: '×', better: 'higher', digits: 2 },
  driverBusy: {
    title: 'Share of the time in which the driver was busy',
    unit: '',
    better: 'lower',
    digits: 2,
  },
  correct: { title: 'Correct (1 = yes)', unit: '', better: 'higher', digits: 0 },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;

export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

export interface Sample {
  readonly suite: string;
  readonly test: string;
  /** Commands in flight per connection; null where the test has no pipeline. */
  readonly pipeline: number | null;
  readonly contender: string;
  readonly round: number;
  readonly values: Readonly<Partial<Record<MetricName, number>>>;
  readonly error?: string;
}

export interface Cell {
  readonly suite: string;
  readonly test: string;
  readonly pipeline: number | null;
  readonly contender: string;
  readonly metric: MetricName;
  readonly median: number;
  readonly ratio: number | null;
  readonly rounds: number;
}

/** `SET P16`, or `stall` for a test without a pipeline. */
export function testLabel(of: { test: string; pipeline: number | null }): string {
  return of.pipeline === null ? of.test : `${of.test} P${of.pipeline}`;
}

/** Cells in the order in which their tests were first recorded, metrics in the order of METRICS. */
export function summarise(samples: readonly Sample[]): Cell[] {
  const groups = Map.groupBy(samples, (s) => `${s.suite}/${testLabel(s)}`);
  return [...groups.values()].flatMap((group) =>
    METRIC_NAMES.flatMap((metric) => cellsOfMetric(group, metric)),
  );
}

function cellsOfMetric(group: readonly Sample[], metric: MetricName): Cell[] {
  const measured = group.filter((s) => s.values[metric] !== undefined);
  const base = new Map(
    measured.filter((s) => s.contender === BASELINE).map((s) => [s.round, s.values[metric]!]),
  );
  const byContender = Map.groupBy(measured, (s) => s.contender);
  return [...byContender].map(([contender, own]) => {
    const ratios = contender === BASELINE ? [] : ratiosByRound(own, metric, base);
    const { suite, test, pipeline } = own[0]!;
    return {
      suite,
      test,
      pipeline,
      contender,
      metric,
      median: median(own.map((s) => s.values[metric]!)),
      ratio: ratios.length === 0 ? null : median(ratios),
      rounds: own.length,
    };
  });
}

function ratiosByRound(
  own: readonly Sample[],
  metric: MetricName,
  base: ReadonlyMap<number, number>,
): number[] {
  return own.flatMap((s) => {
    const reference = base.get(s.round);
    return reference === undefined || reference === 0 ? [] : [s.values[metric]! / reference];
  });
}
