// Median, and a latency recorder over Node's own HDR histogram (node:perf_hooks), which costs
// constant memory however many values it takes and keeps three significant digits.

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** The middle value, or the mean of the two middle ones. Throws RangeError on an empty list. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of nothing');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Takes durations in milliseconds (differences of performance.now()), tells percentiles. */
export class LatencyRecorder {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: 3 });

  record(durationMs: number): void {
    // The histogram takes integers from 1 up: nanoseconds lose nothing.
    this.#histogram.record(Math.max(1, Math.round(durationMs * 1e6)));
  }

  get count(): number {
    return this.#histogram.count;
  }

  /** percentile in (0, 100]; milliseconds. */
  percentileMs(percentile: number): number {
    return this.#histogram.percentile(percentile) / 1e6;
  }

  get maxMs(): number {
    return this.#histogram.max / 1e6;
  }
}
