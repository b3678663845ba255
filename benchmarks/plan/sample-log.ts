// Where samples go: figures per label, and lines of the JTL file.
//
// Each thread has one; `toData()` is what it gives away at the end, and `mergeLogs()` makes the
// result of the run from all of them. Samples themselves are not kept: memory does not grow with
// the length of a run.

import { type JtlRow, type JtlSettings, jtlLine } from './jtl.ts';
import { type LatencyData, LatencyStatistics } from './latency-statistics.ts';
import { type SeriesData, TimeSeries } from './time-series.ts';

/** Kinds of failure that are counted apart; the rest is counted together. */
const FAILURES_MAX = 20;
const JTL_CHUNK_CHARACTERS = 64 * 1024;

export interface Sample extends JtlRow {
  readonly labelIndex: number;
  /** Of the monotonic clock. */
  readonly startMs: number;
  readonly endMs: number;
  readonly wakeUpMs: number | undefined;
  readonly anomaly: string | undefined;
}

export class LabelRecord {
  readonly label: string;
  latency = new LatencyStatistics();
  wakeUp = new LatencyStatistics();
  series = new TimeSeries();
  failures = 0;
  bytes = 0;
  sentBytes = 0;
  firstStartMs = Number.POSITIVE_INFINITY;
  lastEndMs = 0;

  constructor(label: string) {
    this.label = label;
  }

  add(other: LabelRecord): void {
    this.latency.add(other.latency);
    this.wakeUp.add(other.wakeUp);
    this.series.add(other.series);
    this.failures += other.failures;
    this.bytes += other.bytes;
    this.sentBytes += other.sentBytes;
    this.firstStartMs = Math.min(this.firstStartMs, other.firstStartMs);
    this.lastEndMs = Math.max(this.lastEndMs, other.lastEndMs);
  }

  static fromData(data: LabelData): LabelRecord {
    const record = new LabelRecord(data.label);
    record.latency = LatencyStatistics.fromData(data.latency);
    record.wakeUp = LatencyStatistics.fromData(data.wakeUp);
    record.series = TimeSeries.fromData(data.series);
    record.failures = data.failures;
    record.bytes = data.bytes;
    record.sentBytes = data.sentBytes;
    record.firstStartMs = data.firstStartMs;
    record.lastEndMs = data.lastEndMs;
    return record;
  }
}

export type Counts = Map<string, number>;

export interface LogData {
  readonly labels: readonly LabelData[];
  readonly failures: Counts;
  readonly anomalies: Counts;
  /** Samples whose replies did not come before the end. */
  readonly unfinished: number;
}

interface LabelData {
  readonly label: string;
  readonly latency: LatencyData;
  readonly wakeUp: LatencyData;
  readonly series: SeriesData;
  readonly failures: number;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly firstStartMs: number;
  readonly lastEndMs: number;
}

export interface MergedLog {
  readonly labels: readonly LabelRecord[];
  readonly failures: Counts;
  readonly anomalies: Counts;
  readonly unfinished: number;
}

export interface JtlSink extends JtlSettings {
  write(lines: string): void;
}

export class SampleLog {
  unfinished = 0;
  readonly #labels: readonly LabelRecord[];
  readonly #failures: Counts = new Map();
  readonly #anomalies: Counts = new Map();
  readonly #startMs: number;
  readonly #jtl: JtlSink | undefined;
  #lines = '';

  constructor(labels: readonly string[], startMs: number, jtl: JtlSink | undefined) {
    this.#labels = labels.map((label) => new LabelRecord(label));
    this.#startMs = startMs;
    this.#jtl = jtl;
  }

  record(sample: Sample): void {
    const label = this.#labels[sample.labelIndex]!;
    const ms = sample.endMs - sample.startMs;
    label.latency.record(ms);
    label.series.record(sample.endMs - this.#startMs, ms, !sample.isSuccess);
    label.bytes += sample.bytes;
    label.sentBytes += sample.sentBytes;
    label.firstStartMs = Math.min(label.firstStartMs, sample.startMs);
    label.lastEndMs = Math.max(label.lastEndMs, sample.endMs);
    if (sample.wakeUpMs !== undefined) label.wakeUp.record(sample.wakeUpMs);
    if (!sample.isSuccess) this.#recordFailure(label, sample);
    if (this.#jtl === undefined || (this.#jtl.isErrorsOnly && sample.isSuccess)) return;
    this.#lines += jtlLine(sample, this.#jtl.isForJMeter2);
    if (this.#lines.length >= JTL_CHUNK_CHARACTERS) this.flush();
  }

  #recordFailure(label: LabelRecord, sample: Sample): void {
    label.failures++;
    if (sample.anomaly !== undefined) countIn(this.#anomalies, sample.anomaly, 1);
    const what = `${sample.label}: ${sample.failureMessage || sample.responseMessage}`;
    const isKnown = this.#failures.has(what) || this.#failures.size < FAILURES_MAX;
    countIn(this.#failures, isKnown ? what : 'others', 1);
  }

  flush(): void {
    if (this.#lines !== '') this.#jtl?.write(this.#lines);
    this.#lines = '';
  }

  toData(): LogData {
    this.flush();
    const labels = this.#labels.map((record) => ({
      ...record,
      latency: record.latency.toData(),
      wakeUp: record.wakeUp.toData(),
      series: record.series.toData(),
    }));
    const { unfinished } = this;
    return { labels, failures: this.#failures, anomalies: this.#anomalies, unfinished };
  }
}

export function countIn(counts: Counts, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** All threads read the same plan, so labels have the same order in all of them. */
export function mergeLogs(logs: readonly LogData[]): MergedLog {
  const labels = (logs[0]?.labels ?? []).map(({ label }) => new LabelRecord(label));
  const failures: Counts = new Map();
  const anomalies: Counts = new Map();
  for (const log of logs) {
    for (const [i, data] of log.labels.entries()) {
      labels[i]!.add(LabelRecord.fromData(data));
    }
    for (const [what, count] of log.failures) countIn(failures, what, count);
    for (const [what, count] of log.anomalies) countIn(anomalies, what, count);
  }
  const unfinished = logs.reduce((sum, log) => sum + log.unfinished, 0);
  return { labels, failures, anomalies, unfinished };
}
