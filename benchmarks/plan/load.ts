// The users of one thread, from the first ramp-up to the last reply.
//
// Users are dealt to threads one by one, so each thread has its share of every group. All threads
// begin at one moment of the common clock, which lies a little ahead, so that none is late.

import { performance } from 'node:perf_hooks';
import { monotonicMs } from './clock.ts';
import type { JtlSettings } from './jtl.ts';
import type { Plan } from './plan-model.ts';
import { readPlan } from './plan-reader.ts';
import { seedOf } from './random.ts';
import { type JtlSink, type LogData, SampleLog } from './sample-log.ts';
import { SharedState } from './shared-state.ts';
import { VirtualUser } from './virtual-user.ts';

const SWEEP_MS = 20;

/** What a thread needs to know; it can be sent to one. */
export interface LoadOptions {
  readonly text: string;
  readonly file: string;
  readonly properties: ReadonlyMap<string, string>;
  readonly durationMs: number | undefined;
  readonly seed: number;
  readonly host: string;
  readonly port: number;
  readonly shared: SharedArrayBuffer;
  readonly startAtMs: number;
  readonly threads: number;
  /** From 0. */
  readonly thread: number;
  readonly jtl: JtlSettings | undefined;
}

export interface LoadResult {
  readonly log: LogData;
  /** Share of the time in which the thread was busy, 0 to 1. */
  readonly utilization: number;
}

export async function runLoad(
  options: LoadOptions,
  writeJtl: (lines: string) => void,
): Promise<LoadResult> {
  const plan = readPlan(options.text, options.file, options);
  const jtl: JtlSink | undefined = options.jtl && { ...options.jtl, write: writeJtl };
  const log = new SampleLog(plan.labels, options.startAtMs, jtl);
  const shared = new SharedState(plan, options.shared);
  const users = makeUsers(plan, options, log, shared);
  const before = performance.eventLoopUtilization();
  const sweeper = setInterval(() => sweep(users, shared), SWEEP_MS);
  try {
    await Promise.all(users.map((user) => user.run()));
  } finally {
    clearInterval(sweeper);
  }
  const { utilization } = performance.eventLoopUtilization(before);
  return { log: log.toData(), utilization };
}

function makeUsers(
  plan: Plan,
  options: LoadOptions,
  log: SampleLog,
  shared: SharedState,
): VirtualUser[] {
  const { host, port } = options;
  const planVariables = new Map<string, string>();
  for (const { name, value } of plan.variables) planVariables.set(name, value.constant ?? '');
  const users: VirtualUser[] = [];
  let dealt = 0;
  for (const [groupIndex, group] of plan.groups.entries()) {
    const beginMs = options.startAtMs + group.delayMs;
    for (let number = 1; number <= group.users; number++) {
      if (dealt++ % options.threads !== options.thread) continue;
      const place = {
        group,
        groupIndex,
        number,
        startAtMs: beginMs + (group.rampUpMs * (number - 1)) / group.users,
        endAtMs: beginMs + (group.durationMs ?? Number.POSITIVE_INFINITY),
        seed: seedOf(options.seed, groupIndex, number),
      };
      users.push(new VirtualUser(place, { host, port, log, shared, planVariables }));
    }
  }
  return users;
}

/** Wakes and ends what would go on beyond its time. */
function sweep(users: readonly VirtualUser[], shared: SharedState): void {
  const now = monotonicMs();
  const isStopping = shared.isStopping;
  for (const user of users) {
    if (isStopping) user.endAtMs = Math.min(user.endAtMs, now);
    if (now >= user.endAtMs) user.wake();
    user.giveUp(now);
  }
}
