// One monotonic clock for all threads of a run, and for several runs on one machine.
//
// performance.now() counts from the start of its thread; process.hrtime counts from the start of the
// machine, but costs a bigint. So the difference is taken once per thread, and a time that one
// thread wrote into a message means the same in another. JTL files and `${__time}` have the time
// of day instead.

const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export function monotonicMs(): number {
  return performance.now() + OFFSET_MS;
}

/** Whole microseconds, as `${__timeMicros}` puts them into a message. */
export function monotonicMicros(): number {
  return Math.floor(monotonicMs() * 1e3);
}
