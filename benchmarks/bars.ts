// What the project promises of its speed: the only place where a bar is written down.
//
// A bar is compared with the median of ratios to redis-server (`basis: 'ratio'`) or with the median
// of the absolute values (`basis: 'absolute'`, in the metric's unit, see METRICS). A test, pipeline
// or contender that no bar names is shown without a verdict. `tests` are names of tests, '*' after
// a prefix stands for any ending,
// before a suffix for any beginning.

import type { Cell, MetricName } from './results.ts';

interface Bar {
  readonly tests: readonly string[];
  /** Left out: every pipeline, and tests that have none. */
  readonly pipelines?: readonly number[];
  /** Left out: every contender but redis-server. */
  readonly contenders?: readonly string[];
  readonly metric: MetricName;
  readonly basis: 'ratio' | 'absolute';
  readonly atLeast?: number;
  readonly atMost?: number;
}

const SINGLE_KEY = ['SET', 'GET', 'INCR', 'LPUSH', 'RPOP', 'LPUSH_RANDOM', 'RPOP_RANDOM'];
const LONG_RANGES = ['LRANGE_300', 'LRANGE_600'];
const TYPE_WRITES = ['HSET', 'SADD', 'ZADD', 'ZPOPMIN', 'SPOP', 'XADD'];
const LARGE_ZSET = ['ZADD of 1M', 'ZRANK of 1M', 'ZRANGEBYSCORE of 1M'];
const WHOLE_VALUES = ['HGETALL of 100', 'SMEMBERS of 100', 'ZRANGE of 100'];
/** Bars for scripts are set as speed-ups: the CPU of one operation falls by the same factor. */
const speedUp = (factor: number) => ({ throughputMin: factor, cpuMax: 1 / factor });
const RECORDED_CALLS = ['addStandardJob', 'moveToFinished'];
const NOT_BASELINE = new Set(['redis', 'control']);

function ratioBar(
  tests: readonly string[],
  pipelines: readonly number[] | undefined,
  contender: string,
  limits: { throughputMin: number; cpuMax: number },
): Bar[] {
  const where = { tests, contenders: [contender], basis: 'ratio' as const };
  const at = pipelines === undefined ? where : { ...where, pipelines };
  return [
    { ...at, metric: 'rps', atLeast: limits.throughputMin },
    { ...at, metric: 'cpuUs', atMost: limits.cpuMax },
  ];
}

export const BARS: readonly Bar[] = [
  ...ratioBar(SINGLE_KEY, [16], 'inproc', { throughputMin: 1.2, cpuMax: 0.9 }),
  ...ratioBar(SINGLE_KEY, [16], '1', { throughputMin: 1.0, cpuMax: 1.15 }),
  ...ratioBar(SINGLE_KEY, [1], 'inproc', { throughputMin: 1.0, cpuMax: 1.25 }),
  ...ratioBar(SINGLE_KEY, [1], '1', { throughputMin: 0.9, cpuMax: 1.6 }),
  ...ratioBar(LONG_RANGES, undefined, 'inproc', { throughputMin: 1.0, cpuMax: 0.5 }),
  ...ratioBar(LONG_RANGES, undefined, '1', { throughputMin: 1.0, cpuMax: 0.5 }),
  ...ratioBar(['MSET'], [16], 'inproc', { throughputMin: 1.0, cpuMax: 1.0 }),
  {
    tests: TYPE_WRITES,
    pipelines: [16],
    contenders: ['1'],
    metric: 'rps',
    basis: 'ratio',
    atLeast: 1.0,
  },
  { tests: LARGE_ZSET, metric: 'rps', basis: 'ratio', atLeast: 0.8 },
  { tests: WHOLE_VALUES, metric: 'rps', basis: 'ratio', atLeast: 1.2 },
  { tests: ['*of 20,000'], metric: 'serverUs', basis: 'absolute', atMost: 20 },
  { tests: ['memory*'], metric: 'usedMb', basis: 'ratio', atMost: 1.0 },
  { tests: ['1M keys*'], metric: 'usedBytesPerKey', basis: 'ratio', atMost: 0.75 },
  { tests: ['1M keys*'], metric: 'rssBytesPerKey', basis: 'ratio', atMost: 0.75 },
  { tests: ['BRPOP 1000 blocked'], metric: 'wakeP99Us', basis: 'ratio', atMost: 1.5 },
  { tests: ['stall 5M keys'], metric: 'stallMaxMs', basis: 'absolute', atMost: 10 },
  { tests: ['idle*', 'blocked*'], metric: 'kbPerConnection', basis: 'absolute', atMost: 20 },
  {
    tests: ['addBulk + process'],
    contenders: ['inproc'],
    metric: 'cpuUs',
    basis: 'ratio',
    atMost: 0.6,
  },
  { tests: ['addBulk + process'], contenders: ['1'], metric: 'cpuUs', basis: 'ratio', atMost: 0.9 },
  ...ratioBar(RECORDED_CALLS, undefined, 'inproc', speedUp(1.8)),
  ...ratioBar(['HSET ZADD LPUSH RPOP'], undefined, 'inproc', speedUp(2.5)),
  ...ratioBar(['arithmetic*'], undefined, 'inproc', speedUp(2)),
  { tests: ['first call*'], metric: 'firstCallMs', basis: 'absolute', atMost: 5 },
  { tests: ['two queues'], contenders: ['2'], metric: 'gain', basis: 'absolute', atLeast: 1.7 },
  { tests: ['*'], metric: 'correct', basis: 'absolute', atLeast: 1 },
];

export interface Verdict {
  readonly isMet: boolean;
  /** The bar in words: `≥ 1.20×`, `≤ 10`. */
  readonly bar: string;
}

/** The verdict on a cell, or undefined if no bar is set for it. */
export function judge(cell: Cell, bars: readonly Bar[] = BARS): Verdict | undefined {
  if (NOT_BASELINE.has(cell.contender)) return undefined;
  const bar = bars.find((candidate) => appliesTo(candidate, cell));
  const value = bar?.basis === 'ratio' ? cell.ratio : cell.median;
  if (bar === undefined || value === null) return undefined;
  const isMet = value >= (bar.atLeast ?? -Infinity) && value <= (bar.atMost ?? Infinity);
  return { isMet, bar: describe(bar) };
}

function appliesTo(bar: Bar, cell: Cell): boolean {
  if (bar.metric !== cell.metric || !bar.tests.some((name) => matches(name, cell.test))) {
    return false;
  }
  if (bar.contenders !== undefined && !bar.contenders.includes(cell.contender)) return false;
  if (bar.pipelines === undefined) return true;
  return cell.pipeline !== null && bar.pipelines.includes(cell.pipeline);
}

function matches(pattern: string, test: string): boolean {
  if (pattern.startsWith('*')) return test.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? test.startsWith(pattern.slice(0, -1)) : test === pattern;
}

function describe(bar: Bar): string {
  const unit = bar.basis === 'ratio' ? '×' : '';
  const write = (limit: number) => (bar.basis === 'ratio' ? limit.toFixed(2) : String(limit));
  const parts: string[] = [];
  if (bar.atLeast !== undefined) parts.push(`≥ ${write(bar.atLeast)}${unit}`);
  if (bar.atMost !== undefined) parts.push(`≤ ${write(bar.atMost)}${unit}`);
  return parts.join(' and ');
}
