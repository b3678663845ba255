// CPU time and resident memory of another process, read from Linux's /proc.
//
// utime and stime in /proc/<pid>/stat are sums over all threads of the process, those that have
// ended included, in clock ticks. A tick is 10 ms on every Linux that Node runs on (USER_HZ is 100
// in the kernel's interface whatever its internal rate), so a run has to last seconds, not
// milliseconds, for the difference of two readings to mean something.
// /proc/<pid>/task/<tid>/schedstat has nanoseconds, but only of threads that are still there: for
// short runs of servers whose threads live as long as the run.
// Source of the formats: proc_pid_stat(5), proc_pid_status(5), the kernel's sched-stats.rst.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const TICK_SECONDS = 0.01;

/** Seconds of CPU (user + system) in the text of a /proc/<pid>/stat. */
export function parseCpuSeconds(stat: string): number {
  // The second field is the executable's name in parentheses and may hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  if (!Number.isFinite(utime + stime)) throw new Error('not the text of /proc/<pid>/stat');
  return (utime + stime) * TICK_SECONDS;
}

/** Bytes of VmRSS in the text of a /proc/<pid>/status. */
export function parseRssBytes(status: string): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (found === null) throw new Error('no VmRSS in /proc/<pid>/status');
  return Number(found[1]) * 1024;
}

export function cpuSeconds(pid: number): number {
  return parseCpuSeconds(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

/** Seconds of CPU in the text of a thread's schedstat. */
export function parseThreadCpuSeconds(schedstat: string): number {
  const nanoseconds = Number(schedstat.split(' ')[0]);
  if (schedstat === '' || !Number.isFinite(nanoseconds)) throw new Error('not a schedstat');
  return nanoseconds / 1e9;
}

/** As cpuSeconds(), to the microsecond, of the threads that live. */
export function threadCpuSeconds(pid: number): number {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).reduce((sum, thread) => {
    return sum + parseThreadCpuSeconds(readFileSync(`${folder}/${thread}/schedstat`, 'latin1'));
  }, 0);
}

/** Seconds of CPU of a process's worker threads: those that Node names so, not V8's helpers. */
export function workerSeconds(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
    if (stat.includes('(WorkerThread)')) sum += parseCpuSeconds(stat);
  }
  return sum;
}

export function rssBytes(pid: number): number {
  return parseRssBytes(readFileSync(`/proc/${pid}/status`, 'latin1'));
}

/**
 * Waits until the process is nearly idle (at most one tick in 100 ms), so that what it still does
 * for the last load (freeing, rehashing, collecting) is not charged to the next. Gives up after
 * timeoutMs: a process that is never idle is charged for it.
 */
export async function settle(pid: number, timeoutMs = 5_000): Promise<void> {
  const rounds = Math.ceil(timeoutMs / 100);
  let before = cpuSeconds(pid);
  for (let i = 0; i < rounds; i++) {
    await sleep(100);
    const now = cpuSeconds(pid);
    if (now - before <= TICK_SECONDS * 1.5) return;
    before = now;
  }
}
