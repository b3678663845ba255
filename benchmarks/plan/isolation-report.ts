// The report of `npm run bench:isolation`: a table per figure, the verdicts, and the picture.
//
// A measurement is one plan on one contender in one round. Figures of a contender are medians over
// the rounds; ratios are taken inside a round, because a shared machine drifts between rounds, and
// the median of those is shown. Anomalies are added up over the rounds.

import { renderTable } from '../report.ts';
import { median } from '../statistics.ts';
import { CARD_STYLE, colorOf, frame, line, rect, text } from '../svg.ts';
import { figure } from './aggregate-report.ts';

export interface Measurement {
  readonly plan: string;
  readonly contender: string;
  readonly round: number;
  readonly samples: number;
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** CPU of all the server's threads per sample. */
  readonly cpuUs: number;
  /** Share of the server's CPU that its worker threads had: shards, without V8's helpers. */
  readonly shardShare: number;
  /** Share of the time in which the driver was busy: near 1 it is the driver that is measured. */
  readonly driver: number;
  /** Null for a plan that cannot see any. */
  readonly anomalies: number | null;
  /** Samples that failed otherwise, or a run that did not come about. */
  readonly error?: string;
}

export interface IsolationInfo {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly redis: string;
  readonly cpu: string;
  readonly cores: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly shards: number;
  /** Load average of the last minute when the run began: what else the machine was doing. */
  readonly loadBefore: number;
  readonly contenders: readonly { readonly name: string; readonly label: string }[];
}

export const BASELINE = 'redis';
export const LOCKED = 'locked';
export const LOCK_FREE = 'lock-free';
export const ONE_SHARD = 'one-shard';

type Figure = 'perSecond' | 'medianMs' | 'p99Ms' | 'cpuUs' | 'shardShare' | 'driver';

/** Median of one figure; undefined where nothing was measured. */
function medianOf(
  measurements: readonly Measurement[],
  plan: string,
  contender: string,
  key: Figure,
): number | undefined {
  const values = goodOnes(measurements, plan, contender).map((each) => each[key]);
  return values.length === 0 ? undefined : median(values);
}

function goodOnes(
  measurements: readonly Measurement[],
  plan: string,
  contender: string,
): Measurement[] {
  return measurements.filter((each) => isOf(each, plan, contender) && each.error === undefined);
}

/** Median over the rounds of one contender's figure against another's in the same round. */
export function ratioOf(
  measurements: readonly Measurement[],
  plan: string,
  contender: string,
  base: string,
  key: Figure = 'perSecond',
): number | undefined {
  const bases = new Map(goodOnes(measurements, plan, base).map((each) => [each.round, each[key]]));
  const ratios = goodOnes(measurements, plan, contender).flatMap((each) => {
    const reference = bases.get(each.round);
    return reference === undefined || reference === 0 ? [] : [each[key] / reference];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

/** Sums over the rounds; undefined for a plan that cannot see any. */
export function anomaliesOf(
  measurements: readonly Measurement[],
  plan: string,
  contender: string,
): { readonly count: number; readonly samples: number } | undefined {
  const own = goodOnes(measurements, plan, contender).filter(({ anomalies }) => anomalies !== null);
  if (own.length === 0) return undefined;
  const count = own.reduce((sum, each) => sum + (each.anomalies ?? 0), 0);
  return { count, samples: own.reduce((sum, each) => sum + each.samples, 0) };
}

export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly bar: string;
  readonly isMet: boolean;
}

interface RatioBar {
  readonly plan: string;
  readonly key: 'perSecond' | 'cpuUs';
  readonly over: string;
  readonly under: string;
  readonly min?: number;
  readonly max?: number;
}

const FIGURE_NAMES = { perSecond: 'throughput', cpuUs: 'CPU per sample' } as const;

/**
 * The bars of the isolation work. A driver on the same cores may be what limits single-key plans,
 * and then their throughput is the same whatever the server does: so its CPU has a bar as well.
 */
const RATIO_BARS: readonly RatioBar[] = [
  { plan: 'single-key', key: 'perSecond', over: LOCKED, under: LOCK_FREE, min: 0.95 },
  { plan: 'single-key', key: 'cpuUs', over: LOCKED, under: LOCK_FREE, max: 1.05 },
  { plan: 'single-key-pipelined', key: 'perSecond', over: LOCKED, under: LOCK_FREE, min: 0.95 },
  { plan: 'single-key-pipelined', key: 'cpuUs', over: LOCKED, under: LOCK_FREE, max: 1.05 },
  { plan: 'mset', key: 'perSecond', over: LOCKED, under: LOCK_FREE, min: 0.5 },
  { plan: 'cpu-bound', key: 'perSecond', over: LOCKED, under: ONE_SHARD, min: 1.7 },
];

function judgeRatio(
  { plan, key, over, under, min = 0, max = Number.POSITIVE_INFINITY }: RatioBar,
  measurements: readonly Measurement[],
): Verdict | undefined {
  const ratio = ratioOf(measurements, plan, over, under, key);
  if (ratio === undefined) return undefined;
  return {
    what: `${plan}: ${FIGURE_NAMES[key]} of ${over} against ${under}`,
    found: `${ratio.toFixed(2)}×`,
    bar: min > 0 ? `≥ ${min}×` : `≤ ${max}×`,
    isMet: ratio >= min && ratio <= max,
  };
}

export function judgeIsolation(measurements: readonly Measurement[]): Verdict[] {
  const ratios = RATIO_BARS.flatMap((bar) => judgeRatio(bar, measurements) ?? []);
  const plans = plansOf(measurements);
  const locked = plans.flatMap((plan) => anomaliesOf(measurements, plan, LOCKED) ?? []);
  const lockFree = plans.flatMap((plan) => anomaliesOf(measurements, plan, LOCK_FREE) ?? []);
  const verdicts = [...ratios];
  if (locked.length > 0) {
    const { count, samples } = total(locked);
    const found = `${count} in ${samples.toLocaleString('en-US')} samples`;
    verdicts.push({ what: 'anomalies, locked', found, bar: 'none', isMet: count === 0 });
  }
  if (lockFree.length > 0) {
    // A plan that sees none anywhere would prove nothing about the locked mode.
    const { count, samples } = total(lockFree);
    const found = `${count} in ${samples.toLocaleString('en-US')} samples`;
    verdicts.push({ what: 'anomalies, lock-free', found, bar: 'some', isMet: count > 0 });
  }
  return verdicts;
}

function total(all: readonly { count: number; samples: number }[]) {
  const sum = (pick: 'count' | 'samples') => all.reduce((found, each) => found + each[pick], 0);
  return { count: sum('count'), samples: sum('samples') };
}

function plansOf(measurements: readonly Measurement[]): string[] {
  return [...new Set(measurements.map(({ plan }) => plan))];
}

/** Markdown, which is also what is printed. */
export function renderIsolationReport(
  info: IsolationInfo,
  measurements: readonly Measurement[],
): string {
  const rounds = `${info.rounds} round${info.rounds === 1 ? '' : 's'}`;
  const head = [
    '# Isolation: locked, lock-free and redis-server side by side',
    '',
    `${info.date}, commit ${info.commit}, Node ${info.node}, redis-server ${info.redis}.`,
    `${info.cpu}, ${info.cores} cores for client and server; hashlane with ${info.shards} shards.`,
    `${rounds} of ${info.seconds} s a plan, one load at a time, contenders in turn. A sample is a`,
    'step of a plan (benchmarks/plans/isolation), which may be several commands. Up to 2 s of each plan',
    'go before on each server, to warm up. Load average before',
    `the run: ${info.loadBefore.toFixed(1)}; above 1 other work took part, and only ratios say something.`,
  ].join('\n');
  const sections = [
    head,
    verdictTable(measurements),
    errors(info, measurements),
    anomalyTable(info, measurements),
    figureTable(info, measurements, 'perSecond', 'Throughput, samples/s'),
    figureTable(info, measurements, 'medianMs', 'Latency, median, ms'),
    figureTable(info, measurements, 'p99Ms', 'Latency, 99 %, ms'),
    figureTable(info, measurements, 'cpuUs', 'Server CPU per sample, µs'),
    figureTable(info, measurements, 'shardShare', "Shard threads' share of the server's CPU"),
    figureTable(info, measurements, 'driver', 'Share of the time in which the driver was busy'),
  ];
  return `${sections.filter((each) => each !== '').join('\n\n')}\n`;
}

function verdictTable(measurements: readonly Measurement[]): string {
  const rows = judgeIsolation(measurements).map(({ what, found, bar, isMet }) => [
    what,
    found,
    bar,
    isMet ? '✓' : '✗',
  ]);
  return rows.length === 0 ? '' : `## Bars\n\n${renderTable(['what', 'found', 'bar', ''], rows)}`;
}

function errors(info: IsolationInfo, measurements: readonly Measurement[]): string {
  const lines = measurements.flatMap(({ plan, contender, error }) =>
    error === undefined ? [] : [`* ${plan}, ${labelOf(info, contender)}: ${error.split('\n')[0]}`],
  );
  return lines.length === 0 ? '' : `## Failed\n\n${[...new Set(lines)].join('\n')}`;
}

function labelOf(info: IsolationInfo, name: string): string {
  return info.contenders.find((each) => each.name === name)?.label ?? name;
}

function anomalyTable(info: IsolationInfo, measurements: readonly Measurement[]): string {
  const rows = plansOf(measurements).flatMap((plan) => {
    const cells = info.contenders.map(({ name }) => {
      const found = anomaliesOf(measurements, plan, name);
      return found === undefined ? '–' : `${found.count} of ${found.samples}`;
    });
    return cells.every((cell) => cell === '–') ? [] : [[plan, ...cells]];
  });
  if (rows.length === 0) return '';
  const head = ['plan', ...info.contenders.map(({ label }) => label)];
  return `## Anomalies, all rounds\n\n${renderTable(head, rows)}`;
}

function figureTable(
  info: IsolationInfo,
  measurements: readonly Measurement[],
  key: Figure,
  title: string,
): string {
  const rows = plansOf(measurements).map((plan) => [
    plan,
    ...info.contenders.map(({ name }) => {
      const value = medianOf(measurements, plan, name, key);
      if (value === undefined) return '–';
      const ratio = ratioOf(measurements, plan, name, BASELINE, key);
      const isCompared = key === 'perSecond' || key === 'cpuUs';
      const hasRatio = isCompared && name !== BASELINE && ratio !== undefined;
      return `${figure(value)}${hasRatio ? ` ${ratio.toFixed(2)}×` : ''}`;
    }),
  ]);
  return `## ${title}\n\n${renderTable(['plan', ...info.contenders.map((c) => c.label)], rows)}`;
}

// The picture: throughput against redis-server on the left, anomalies on the right.

const BAR = { height: 10, gap: 3 };
const ROW_GAP = 12;
const MARGIN = 24;
const LABEL_WIDTH = 144;
const PANEL_WIDTH = 300;
const FIGURE_WIDTH = 64;
const PANEL_GAP = 36;
const HEAD_HEIGHT = 108;
const FOOT_HEIGHT = 36;
const PER_SAMPLES = 100_000;
const TITLE = 'Isolation: throughput and anomalies of locked and lock-free mode';

interface Bars {
  readonly title: string;
  readonly note: string;
  readonly value: (plan: string, contender: string) => number | undefined;
  readonly shown: (value: number) => string;
}

/** Undefined when there is nothing to draw. */
export function renderIsolationChart(
  info: IsolationInfo,
  measurements: readonly Measurement[],
): string | undefined {
  const panels: readonly Bars[] = [
    {
      title: 'Throughput',
      note: '1.0×: redis-server, longer is better',
      value: (plan, contender) => ratioOf(measurements, plan, contender, BASELINE),
      shown: (value) => `${value.toFixed(2)}×`,
    },
    {
      title: `Anomalies in ${PER_SAMPLES.toLocaleString('en-US')} samples`,
      note: 'none is right',
      value: (plan, contender) => {
        const found = anomaliesOf(measurements, plan, contender);
        return found && (PER_SAMPLES * found.count) / Math.max(1, found.samples);
      },
      shown: (value) => (value === 0 ? 'none' : figure(value)),
    },
  ];
  const series = info.contenders.filter(({ name }) => name !== BASELINE);
  const plans = plansOf(measurements).filter((plan) =>
    panels.some(({ value }) => series.some(({ name }) => value(plan, name) !== undefined)),
  );
  if (plans.length === 0) return undefined;
  const rowHeight = series.length * (BAR.height + BAR.gap) + ROW_GAP;
  const width = 2 * MARGIN + LABEL_WIDTH + panels.length * PANEL_WIDTH + PANEL_GAP;
  const height = HEAD_HEIGHT + plans.length * rowHeight + FOOT_HEIGHT;
  const labels = plans.map((plan, i) => {
    const bars = series.filter(({ name }) => measurements.some((m) => isOf(m, plan, name))).length;
    const y = HEAD_HEIGHT + i * rowHeight + (bars * (BAR.height + BAR.gap)) / 2 + 3;
    return text(MARGIN, y, plan, 'ink', { size: 12 });
  });
  const drawn = panels.map((panel, i) => {
    const left = MARGIN + LABEL_WIDTH + i * (PANEL_WIDTH + PANEL_GAP);
    return drawBars(panel, left, plans, series, rowHeight);
  });
  const body = [...drawHead(info, series), ...labels, ...drawn.flat(), drawFoot(info, height)];
  return frame(width, height, TITLE, CARD_STYLE, body);
}

function isOf(measurement: Measurement, plan: string, contender: string): boolean {
  return measurement.plan === plan && measurement.contender === contender;
}

function drawHead(info: IsolationInfo, series: IsolationInfo['contenders']): string[] {
  const out = [
    text(MARGIN, 32, 'Isolation between shards: what it costs, and what it prevents', 'ink', {
      size: 16,
      weight: 600,
    }),
  ];
  let x = MARGIN;
  for (const [i, { label }] of series.entries()) {
    out.push(rect(x, 46, 12, 12, colorOf(i)), text(x + 18, 56.5, label, 'ink', { size: 12 }));
    x += 18 + label.length * 7.5 + 24;
  }
  const rounds = info.rounds === 1 ? 'one round' : `medians of ${info.rounds} rounds`;
  const where = `${rounds}, ${info.cores} cores for client and server`;
  return [...out, text(x, 56.5, where, 'soft', { size: 12 })];
}

function drawFoot(info: IsolationInfo, height: number): string {
  const said = `${info.date}, redis-server ${info.redis}, Node ${info.node}, ${info.cpu}`;
  return text(MARGIN, height - 14, said, 'soft', { size: 11 });
}

function drawBars(
  panel: Bars,
  left: number,
  plans: readonly string[],
  series: IsolationInfo['contenders'],
  rowHeight: number,
): string[] {
  const values = plans.flatMap((plan) =>
    series.flatMap(({ name }) => panel.value(plan, name) ?? []),
  );
  const scale = (PANEL_WIDTH - FIGURE_WIDTH) / Math.max(1, ...values);
  const bottom = HEAD_HEIGHT + plans.length * rowHeight - ROW_GAP + 6;
  const out = [
    text(left, 84, panel.title, 'ink', { size: 13, weight: 600 }),
    text(left + PANEL_WIDTH, 84, panel.note, 'soft', { size: 11, anchor: 'end' }),
    line(left, HEAD_HEIGHT - 6, bottom, 'rule'),
  ];
  if (panel.title.startsWith('Throughput')) {
    out.push(line(left + scale, HEAD_HEIGHT - 6, bottom, 'one'));
  }
  for (const [i, plan] of plans.entries()) {
    for (const [k, { name }] of series.entries()) {
      const value = panel.value(plan, name);
      if (value === undefined) continue;
      const y = HEAD_HEIGHT + i * rowHeight + k * (BAR.height + BAR.gap);
      out.push(rect(left, y, value * scale, BAR.height, colorOf(k)));
      const at = left + value * scale + 5;
      out.push(text(at, y + BAR.height - 1, panel.shown(value), 'figure', { size: 10 }));
    }
  }
  return out;
}
