// JMeter's aggregate report: a line per label and one for all, as text.
//
// Durations are in milliseconds, with decimals where JMeter has none. Throughput is the number of
// samples over the time from the label's first start to its last end, KB are of 1,024 bytes: both as
// JMeter computes them. Below it stand wake-ups, anomalies and failures, where there are any.

import { renderTable } from '../report.ts';
import { type Counts, LabelRecord } from './sample-log.ts';

/** Figures of one label; durations in milliseconds. */
export interface ReportRow {
  readonly label: string;
  readonly samples: number;
  readonly averageMs: number;
  readonly medianMs: number;
  readonly p90Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly deviationMs: number;
  readonly errorPercent: number;
  readonly perSecond: number;
  readonly receivedKbPerSecond: number;
  readonly sentKbPerSecond: number;
}

export interface WakeUpRow {
  readonly label: string;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export const REPORT_HEAD = [
  'Label',
  '# Samples',
  'Average',
  'Median',
  '90% Line',
  '95% Line',
  '99% Line',
  'Min',
  'Maximum',
  'Std. Dev.',
  'Error %',
  'Throughput',
  'Received KB/sec',
  'Sent KB/sec',
] as const;

export function reportRow(record: LabelRecord): ReportRow {
  const { latency } = record;
  const seconds = Math.max(1e-6, (record.lastEndMs - record.firstStartMs) / 1e3);
  const rate = (amount: number) => (latency.count === 0 ? 0 : amount / seconds);
  return {
    label: record.label,
    samples: latency.count,
    averageMs: latency.meanMs,
    medianMs: latency.percentileMs(50),
    p90Ms: latency.percentileMs(90),
    p95Ms: latency.percentileMs(95),
    p99Ms: latency.percentileMs(99),
    minMs: latency.count === 0 ? 0 : latency.minMs,
    maxMs: latency.maxMs,
    deviationMs: latency.deviationMs,
    errorPercent: latency.count === 0 ? 0 : (100 * record.failures) / latency.count,
    perSecond: rate(latency.count),
    receivedKbPerSecond: rate(record.bytes / 1024),
    sentKbPerSecond: rate(record.sentBytes / 1024),
  };
}

/** All labels as one. */
export function totalOf(labels: readonly LabelRecord[]): LabelRecord {
  const total = new LabelRecord('TOTAL');
  for (const label of labels) total.add(label);
  return total;
}

export function wakeUpRows(labels: readonly LabelRecord[]): WakeUpRow[] {
  return labels
    .filter(({ wakeUp }) => wakeUp.count > 0)
    .map(({ label, wakeUp }) => ({
      label,
      count: wakeUp.count,
      p50Ms: wakeUp.percentileMs(50),
      p99Ms: wakeUp.percentileMs(99),
      p999Ms: wakeUp.percentileMs(99.9),
      maxMs: wakeUp.maxMs,
    }));
}

/** Four digits at most: 0.123, 12.34, 123.4, 12345. */
export function figure(value: number): string {
  const digits = value < 10 ? 3 : value < 100 ? 2 : value < 1_000 ? 1 : 0;
  return value.toFixed(digits);
}

export function cellsOf(row: ReportRow): string[] {
  return [
    row.label,
    String(row.samples),
    ...[row.averageMs, row.medianMs, row.p90Ms, row.p95Ms, row.p99Ms].map(figure),
    ...[row.minMs, row.maxMs, row.deviationMs].map(figure),
    `${row.errorPercent.toFixed(2)}%`,
    `${row.perSecond.toFixed(1)}/sec`,
    row.receivedKbPerSecond.toFixed(2),
    row.sentKbPerSecond.toFixed(2),
  ];
}

/** Labels that had no sample are left out. */
export function renderAggregateReport(labels: readonly LabelRecord[]): string {
  const used = labels.filter(({ latency }) => latency.count > 0);
  const rows = [...used, totalOf(used)].map((record) => cellsOf(reportRow(record)));
  return renderTable(REPORT_HEAD, rows);
}

export const WAKE_UP_HEAD = ['Wake-up', '# Messages', 'p50', 'p99', 'p99.9', 'Maximum'] as const;

export function wakeUpCells(row: WakeUpRow): string[] {
  const times = [row.p50Ms, row.p99Ms, row.p999Ms, row.maxMs];
  return [row.label, String(row.count), ...times.map(figure)];
}

/** Empty when no step has a `wake-up`. */
export function renderWakeUps(labels: readonly LabelRecord[]): string {
  const rows = wakeUpRows(labels);
  return rows.length === 0 ? '' : renderTable(WAKE_UP_HEAD, rows.map(wakeUpCells));
}

/** `count × what`, the most frequent first. */
export function renderCounts(counts: Counts): string {
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([what, count]) => `  ${count} × ${what}`).join('\n');
}
