// Durations of one label: exact count, mean, deviation and extremes, percentiles from an HDR
// histogram.
//
// The histogram counts tenths of a microsecond with three significant digits: a percentile is at
// most 0.1 % off, whatever the number of values, in some 50 KB. Mean and deviation are kept apart by
// Welford's method, which stays exact where a sum of squares loses digits. Both can be merged, so
// threads record on their own and the report is about all of them.
//
// A percentile is the smallest value that at least so many per cent do not exceed, and the deviation
// is that of the population: both as in JMeter.
//
// Sources: G. Tene, HdrHistogram; T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a
// pairwise algorithm for computing sample variances" (merging).

import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

const UNITS_PER_MS = 10_000;

/** What crosses threads. */
export interface LatencyData {
  readonly count: number;
  readonly meanMs: number;
  /** Sum of squared differences from the mean. */
  readonly squares: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly histogram: string;
}

export class LatencyStatistics {
  count = 0;
  meanMs = 0;
  minMs = Number.POSITIVE_INFINITY;
  maxMs = 0;
  #squares = 0;
  readonly #histogram: Histogram;

  /** Two digits are enough, and a tenth of the memory, for one second of many. */
  constructor(digits: 2 | 3 = 3) {
    this.#histogram = build({
      lowestDiscernibleValue: 1,
      highestTrackableValue: 2,
      numberOfSignificantValueDigits: digits,
      autoResize: true,
      bitBucketSize: 32,
    });
  }

  record(ms: number): void {
    this.count++;
    const before = ms - this.meanMs;
    this.meanMs += before / this.count;
    this.#squares += before * (ms - this.meanMs);
    if (ms < this.minMs) this.minMs = ms;
    if (ms > this.maxMs) this.maxMs = ms;
    this.#histogram.recordValue(Math.max(1, Math.round(ms * UNITS_PER_MS)));
  }

  get deviationMs(): number {
    return this.count === 0 ? 0 : Math.sqrt(this.#squares / this.count);
  }

  /** percentile in (0, 100]; 0 when there is nothing. */
  percentileMs(percentile: number): number {
    if (this.count === 0) return 0;
    const value = this.#histogram.getValueAtPercentile(percentile) / UNITS_PER_MS;
    return Math.min(this.maxMs, Math.max(this.minMs, value));
  }

  add(other: LatencyStatistics): void {
    if (other.count === 0) return;
    const count = this.count + other.count;
    const apart = other.meanMs - this.meanMs;
    this.#squares += other.#squares + (apart * apart * this.count * other.count) / count;
    this.meanMs += (apart * other.count) / count;
    this.count = count;
    this.minMs = Math.min(this.minMs, other.minMs);
    this.maxMs = Math.max(this.maxMs, other.maxMs);
    this.#histogram.add(other.#histogram);
  }

  toData(): LatencyData {
    const { count, meanMs, minMs, maxMs } = this;
    const histogram = count === 0 ? '' : encodeIntoCompressedBase64(this.#histogram);
    return { count, meanMs, squares: this.#squares, minMs, maxMs, histogram };
  }

  static fromData(data: LatencyData, digits: 2 | 3 = 3): LatencyStatistics {
    const statistics = new LatencyStatistics(digits);
    if (data.count === 0) return statistics;
    statistics.count = data.count;
    statistics.meanMs = data.meanMs;
    statistics.#squares = data.squares;
    statistics.minMs = data.minMs;
    statistics.maxMs = data.maxMs;
    statistics.#histogram.add(decodeFromCompressedBase64(data.histogram, 32));
    return statistics;
  }
}
