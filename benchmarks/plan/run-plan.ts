// One run of one plan: setup, the load in one or several threads, verification, the result.
//
//   read ─▶ setup commands ─▶ threads run the groups ─▶ verify commands ─▶ result
//                               │ JTL lines                 │ anomalies
//                               ▼ as they come              ▼
//
// With one thread the load runs in this one; with more, in worker threads and this one only watches.

import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Worker } from 'node:worker_threads';
import type { Reply } from '../resp-client.ts';
import { totalOf } from './aggregate-report.ts';
import { monotonicMs } from './clock.ts';
import { encode, judge, replyOf } from './exchange.ts';
import { JTL_HEADER, JTL_HEADER_2 } from './jtl.ts';
import { type LoadOptions, type LoadResult, runLoad } from './load.ts';
import type { ThreadMessage } from './load-thread.ts';
import type { Plan, Verification } from './plan-model.ts';
import { readPlan } from './plan-reader.ts';
import { ProgressBar } from './progress-bar.ts';
import { seededRandom } from './random.ts';
import { type Check, textOf, valueAt } from './reply-checks.ts';
import { type Counts, countIn, type LabelRecord, type MergedLog, mergeLogs } from './sample-log.ts';
import { SharedState } from './shared-state.ts';
import type { Scope } from './template.ts';
import { UserConnection } from './user-connection.ts';

/** Threads have to be up and to have read the plan before the common start. */
const START_DELAY_MS = 50;
const START_DELAY_PER_THREAD_MS = 200;
const SETUP_BATCH = 500;

export interface RunOptions {
  readonly text: string;
  /** For messages. */
  readonly file: string;
  readonly host: string;
  readonly port: number;
  readonly properties?: ReadonlyMap<string, string>;
  readonly durationMs?: number | undefined;
  readonly seed?: number;
  readonly threads?: number;
  /** Where the JTL file goes, if the plan wants one. */
  readonly jtlPath?: string | undefined;
  readonly hasProgressBar?: boolean;
  /** Called when the setup is done, before the load. */
  readonly onReady?: () => void;
  /** Ends the run early; reports are made of what there is. */
  readonly signal?: AbortSignal;
}

export interface VerificationResult {
  readonly name: string;
  /** Empty when all is well. */
  readonly failure: string;
}

export interface PlanResult {
  readonly plan: Plan;
  readonly server: string;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly threads: number;
  /** Of the busiest driver thread, 0 to 1. */
  readonly utilization: number;
  readonly log: MergedLog;
  readonly total: LabelRecord;
  readonly verifications: readonly VerificationResult[];
  /** Those of samples and those of the verification. */
  readonly anomalies: Counts;
}

/** Throws PlanError for a wrong plan, and when the server is not there or refuses the setup. */
export async function runPlan(options: RunOptions): Promise<PlanResult> {
  const { text, file, host, port, durationMs, threads = 1 } = options;
  const properties = options.properties ?? new Map<string, string>();
  const seed = options.seed ?? 1;
  const plan = readPlan(text, file, { properties, seed, durationMs });
  const shared = new SharedState(plan);
  const server = await prepare(plan, host, port, shared);
  options.onReady?.();
  const startAtMs = monotonicMs() + START_DELAY_MS + START_DELAY_PER_THREAD_MS * (threads - 1);
  const common = { text, file, properties, durationMs, seed, host, port, threads, startAtMs };
  const jtlPath = plan.listeners.jtl === undefined ? undefined : options.jtlPath;
  const jtl = jtlPath === undefined ? undefined : plan.listeners.jtl;
  const header = jtl?.isForJMeter2 ? JTL_HEADER_2 : JTL_HEADER;
  const load = { ...common, shared: shared.buffer, jtl };
  const stop = () => shared.requestStop();
  options.signal?.addEventListener('abort', stop);
  const startedAt = new Date();
  using _bar = options.hasProgressBar ? new ProgressBar(plan.name, lengthOf(plan), shared) : null;
  let results: LoadResult[];
  try {
    results = await withJtl(jtlPath, header, (write) => runThreads(load, write));
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
  const log = mergeLogs(results.map((result) => result.log));
  const anomalies: Counts = new Map(log.anomalies);
  const verifications = await verify(plan, host, port, shared, anomalies);
  const total = totalOf(log.labels);
  return {
    plan,
    server,
    startedAt,
    seconds: total.latency.count === 0 ? 0 : (total.lastEndMs - total.firstStartMs) / 1e3,
    threads,
    utilization: Math.max(...results.map((result) => result.utilization)),
    log,
    total,
    verifications,
    anomalies,
  };
}

/** Null when loops decide. */
function lengthOf(plan: Plan): number | null {
  const lengths = plan.groups.map(({ delayMs, durationMs }) =>
    durationMs === null ? null : delayMs + durationMs,
  );
  return lengths.includes(null) ? null : Math.max(...lengths.map((length) => length ?? 0));
}

async function withJtl<T>(
  path: string | undefined,
  header: string,
  work: (write: (lines: string) => void) => Promise<T>,
): Promise<T> {
  if (path === undefined) return work(() => {});
  const stream = createWriteStream(path);
  const done = finished(stream);
  stream.write(header);
  try {
    return await work((lines) => stream.write(lines, 'latin1'));
  } finally {
    stream.end();
    await done;
  }
}

type Load = Omit<LoadOptions, 'thread'>;

function runThreads(load: Load, write: (lines: string) => void): Promise<LoadResult[]> {
  if (load.threads === 1) return Promise.all([runLoad({ ...load, thread: 0 }, write)]);
  const threads = Array.from({ length: load.threads }, (_, thread) =>
    runThread({ ...load, thread }, write),
  );
  return Promise.all(threads);
}

function runThread(options: LoadOptions, write: (lines: string) => void): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./load-thread.ts', import.meta.url), {
      workerData: options,
    });
    worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'jtl') write(message.lines);
      else resolve(message.result);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a load thread ended with code ${code}`)));
  });
}

/** Runs the setup; gives name and version of the server. */
async function prepare(
  plan: Plan,
  host: string,
  port: number,
  shared: SharedState,
): Promise<string> {
  const connection = await UserConnection.open(host, port);
  try {
    const scope = scopeOf(plan, shared);
    for (const { command, repeat, ignoredErrors } of plan.setup) {
      for (let done = 0; done < repeat; done += SETUP_BATCH) {
        const count = Math.min(SETUP_BATCH, repeat - done);
        let bytes = '';
        for (let i = 0; i < count; i++) bytes += encode([command], scope);
        const replies = await connection.exchange(bytes, count);
        const error = replies.find((reply) => reply instanceof Error);
        if (error instanceof Error && ignoredErrors?.test(error.message) !== true) {
          throw new Error(`setup: ${command.name}: ${error.message}`);
        }
      }
    }
    const info = (await connection.exchange('*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n', 1))[0];
    return describeServer(textOf(info ?? null));
  } finally {
    connection.destroy(new Error('done'));
  }
}

function describeServer(info: string): string {
  const own = /^hashlane_version:(.*)$/m.exec(info)?.[1];
  if (own !== undefined) return `hashlane ${own.trim()}`;
  const redis = /^redis_version:(.*)$/m.exec(info)?.[1];
  return redis === undefined ? 'unknown server' : `redis-server ${redis.trim()}`;
}

function scopeOf(plan: Plan, shared: SharedState): Scope {
  return {
    variables: new Map(plan.variables.map(({ name, value }) => [name, value.constant ?? ''])),
    random: seededRandom(0),
    threadNumber: 0,
    groupName: '',
    samplerName: '',
    ownCounters: [],
    shared,
  };
}

async function verify(
  plan: Plan,
  host: string,
  port: number,
  shared: SharedState,
  anomalies: Counts,
): Promise<VerificationResult[]> {
  if (plan.verify.length === 0) return [];
  const connection = await UserConnection.open(host, port);
  try {
    const scope = scopeOf(plan, shared);
    const results: VerificationResult[] = [];
    for (const item of plan.verify)
      results.push(await verifyOne(item, connection, scope, anomalies));
    return results;
  } finally {
    connection.destroy(new Error('done'));
  }
}

async function verifyOne(
  { name, exchange }: Verification,
  connection: UserConnection,
  scope: Scope,
  anomalies: Counts,
): Promise<VerificationResult> {
  const bytes = encode(exchange.commands, scope);
  const reply = replyOf(exchange, await connection.exchange(bytes, exchange.commands.length));
  const { failure, anomaly } = judge(exchange, reply, scope);
  if (failure !== '' && anomaly !== undefined) {
    const check = exchange.checks.find((each) => each.anomaly === anomaly);
    countIn(anomalies, anomaly, check === undefined ? 1 : distance(check, reply, scope));
  }
  return { name, failure };
}

/** How many things are missing or too many: the difference of two numbers, else one. */
function distance(check: Check, reply: Reply, scope: Scope): number {
  const value = valueAt(reply, check.at);
  for (const condition of check.conditions) {
    const wanted =
      condition.kind === 'sum'
        ? condition.wanted
        : condition.kind === 'equals'
          ? condition.wanted[0]
          : undefined;
    if (wanted === undefined) continue;
    const found = Array.isArray(value)
      ? value.reduce((sum: number, each) => sum + Number(textOf(each)), 0)
      : Number(textOf(value));
    const apart = Math.abs(Number(wanted.evaluate(scope)) - found);
    if (apart > 0) return apart;
  }
  return 1;
}
