// What happened when: samples, failures and latencies of one label over the time of a run.
//
// A run of unknown length fits into at most BUCKETS_MAX buckets: when one more would be needed,
// neighbours are joined and the width doubles. Widths are powers of two times the first, so the
// series of several threads join at the widest.

import { type LatencyData, LatencyStatistics } from './latency-statistics.ts';

const FIRST_WIDTH_MS = 250;
const BUCKETS_MAX = 240;

export interface Bucket {
  count: number;
  failures: number;
  readonly latency: LatencyStatistics;
}

export interface SeriesData {
  readonly widthMs: number;
  readonly buckets: readonly (BucketData | null)[];
}

interface BucketData {
  readonly count: number;
  readonly failures: number;
  readonly latency: LatencyData;
}

export class TimeSeries {
  widthMs = FIRST_WIDTH_MS;
  #buckets: (Bucket | undefined)[] = [];

  /** Buckets from the start of the run on; undefined where nothing ended. */
  get buckets(): readonly (Bucket | undefined)[] {
    return this.#buckets;
  }

  /** `atMs` counts from the start of the run. */
  record(atMs: number, ms: number, isFailure: boolean): void {
    const bucket = this.#bucketAt(Math.floor(Math.max(0, atMs) / this.widthMs), atMs);
    bucket.count++;
    if (isFailure) bucket.failures++;
    bucket.latency.record(ms);
  }

  #bucketAt(index: number, atMs: number): Bucket {
    let at = index;
    while (at >= BUCKETS_MAX) {
      this.#halve();
      at = Math.floor(atMs / this.widthMs);
    }
    this.#buckets[at] ??= { count: 0, failures: 0, latency: new LatencyStatistics(2) };
    return this.#buckets[at]!;
  }

  #halve(): void {
    const joined: (Bucket | undefined)[] = [];
    for (let i = 0; i < this.#buckets.length; i++) {
      const bucket = this.#buckets[i];
      if (bucket === undefined) continue;
      const target = joined[i >> 1];
      if (target === undefined) joined[i >> 1] = bucket;
      else addBucket(target, bucket);
    }
    this.#buckets = joined;
    this.widthMs *= 2;
  }

  add(other: TimeSeries): void {
    while (this.widthMs < other.widthMs) this.#halve();
    while (other.widthMs < this.widthMs) other.#halve();
    for (let i = 0; i < other.#buckets.length; i++) {
      const bucket = other.#buckets[i];
      if (bucket !== undefined) addBucket(this.#bucketAt(i, i * this.widthMs), bucket);
    }
  }

  toData(): SeriesData {
    const buckets = Array.from(this.#buckets, (bucket) =>
      bucket === undefined
        ? null
        : { count: bucket.count, failures: bucket.failures, latency: bucket.latency.toData() },
    );
    return { widthMs: this.widthMs, buckets };
  }

  static fromData(data: SeriesData): TimeSeries {
    const series = new TimeSeries();
    series.widthMs = data.widthMs;
    series.#buckets = data.buckets.map((bucket) =>
      bucket === null
        ? undefined
        : { ...bucket, latency: LatencyStatistics.fromData(bucket.latency, 2) },
    );
    return series;
  }
}

function addBucket(target: Bucket, bucket: Bucket): void {
  target.count += bucket.count;
  target.failures += bucket.failures;
  target.latency.add(bucket.latency);
}
