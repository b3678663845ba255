// `npm run profile`: starts hashlane under a profiler, drives redis-benchmark or BullMQ at it, leaves
// the report in .profiles/ (not in git).
//
//   node benchmarks/profile.ts --tool cpu|clinic-doctor|clinic-flame [--shards N]
//                              [--test set] [--seconds N] [--pipeline N]
//
// cpu            V8's sampling profiler (`node --cpu-prof`): one .cpuprofile per thread, written
//                when the server ends on SIGTERM, worker threads included however they end. A table
//                of self time per thread is printed. The files open in Chrome's developer tools.
// clinic-doctor  event-loop delay, CPU, memory and handles of the process over time, with advice.
// clinic-flame   flame graph of the main thread only: worker threads are not in it, so look at a
//                shard's code with --shards 0, or with --tool cpu.
//
// Clinic comes through npx when it is asked for: it has not been released for years and brings some
// 700 packages, which no other command of this repository should have to install. What works on
// which Node is told in docs/profiling.md.
//
// Clinic puts the server below itself (npx → clinic → node), and it is the server that has to be
// told to end, so that clinic finds it ended and writes its report. It is looked for among the
// descendants of our own child only.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { BULLMQ_LOADS } from './bullmq/profile-load.ts';
import {
  answersPing,
  freePort,
  HASHLANE_CLI,
  hashlaneArgv,
  makeFolder,
  removeFolder,
  spawnChild,
  stopChildren,
  stopChildrenOnSignals,
} from './contenders.ts';
import {
  parseCpuProfile,
  renderSummary,
  summariseCpuProfile,
  threadOfProfile,
} from './cpu-profile-summary.ts';
import { measureWithRedisBenchmark } from './redis-benchmark.ts';

const CLINIC = 'clinic@13.0.0';
const ROOT = join(import.meta.dirname, '..');
const PROFILES = join(ROOT, '.profiles');
/** A clinic report of a long run takes its time, and npx may have to download clinic first. */
const REPORT_TIMEOUT_MS = 300_000;
const START_TIMEOUT_MS = 240_000;
const TOOLS = ['cpu', 'clinic-doctor', 'clinic-flame'] as const;

type Tool = (typeof TOOLS)[number];

interface Options {
  readonly tool: Tool;
  readonly shards: string;
  readonly test: string;
  readonly seconds: number;
  readonly pipeline: number;
}

const HELP = `usage: node benchmarks/profile.ts [options]

  --tool TOOL      ${TOOLS.join(', ')}; default cpu
  --shards N       shards of the server; 0 (default) is the shard in the main thread
  --test NAME      a test of redis-benchmark: set (default), get, incr, lpush, rpop, lrange_300, …,
                   or bullmq (jobs in bulk, 4 workers), bullmq-calls (recorded calls, pipelined)
  --seconds N      about how long the load lasts, 1 to 60; default 5
  --pipeline N     commands in flight per connection, 1 to 1000; default 16
`;

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      tool: { type: 'string', default: 'cpu' },
      shards: { type: 'string', default: '0' },
      test: { type: 'string', default: 'set' },
      seconds: { type: 'string', default: '5' },
      pipeline: { type: 'string', default: '16' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const tool = TOOLS.find((name) => name === values.tool);
  if (tool === undefined) throw new Error(`--tool is one of ${TOOLS.join(', ')}`);
  if (!/^\d{1,3}$/.test(values.shards)) throw new Error(`--shards ${values.shards} is no number`);
  if (!existsSync(HASHLANE_CLI)) throw new Error(`nothing to profile at ${HASHLANE_CLI}`);
  return {
    tool,
    shards: values.shards,
    test: values.test.toLowerCase(),
    seconds: bounded('--seconds', values.seconds, 60),
    pipeline: bounded('--pipeline', values.pipeline, 1_000),
  };
}

function bounded(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new Error(`${flag} ${text} is not a number from 1 to ${max}`);
  }
  return value;
}

async function profile(options: Options): Promise<void> {
  const folder = join(PROFILES, nameOf(options));
  await mkdir(folder, { recursive: true });
  const dir = await makeFolder();
  const port = await freePort();
  const server = [HASHLANE_CLI, ...hashlaneArgv(port, dir, options.shards)];
  const child = startUnder(options.tool, folder, server);
  try {
    await answersPing(port, () => child.exitCode !== null, START_TIMEOUT_MS);
    await drive(port, options);
    await endServer(child, options.tool === 'cpu' ? child.pid! : serverBelow(child.pid!, port));
    console.error(`report: ${folder}`);
    if (options.tool === 'cpu') printSummaries(folder);
  } finally {
    stopChildren();
    await removeFolder(dir);
  }
}

function nameOf({ tool, shards, test, pipeline }: Options): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${tool}-${test}-shards${shards}-P${pipeline}`;
}

function startUnder(tool: Tool, folder: string, server: readonly string[]): ChildProcess {
  const stdio: ['ignore', 'inherit', 'inherit'] = ['ignore', 'inherit', 'inherit'];
  if (tool === 'cpu') {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
    return spawnChild(process.execPath, [...flags, ...server], { stdio });
  }
  const clinic = ['clinic', tool.slice('clinic-'.length), '--open=false', '--dest', folder];
  const args = ['--yes', '-p', CLINIC, '--', ...clinic, '--', process.execPath, ...server];
  // NO_INSIGHT keeps clinic from asking, and waiting for an answer, whether it may send statistics.
  const env = { ...process.env, NO_INSIGHT: '1' };
  return spawnChild('npx', args, { stdio, env }, true);
}

/** A second of warm-up tells the speed, then one run of about the seconds asked for. */
async function drive(port: number, options: Options): Promise<void> {
  const { test, pipeline, seconds } = options;
  const load = BULLMQ_LOADS[test];
  if (load !== undefined) {
    console.error(`${test}: ${await load(port, seconds)} under the profiler`);
    return;
  }
  const common = ['-c', '50', '-P', String(pipeline), '-r', '100000', '-t', test];
  if (test === 'get' || test === 'rpop') {
    const fill = test === 'get' ? 'set' : 'lpush';
    await measureWithRedisBenchmark(port, [...common.slice(0, -1), fill, '-n', '500000']);
  }
  const first = await measureWithRedisBenchmark(port, [...common, '-n', '20000']);
  const requests = Math.max(20_000, Math.round(first.rps * seconds));
  const row = await measureWithRedisBenchmark(port, [...common, '-n', String(requests)]);
  console.error(`${row.test}: ${Math.round(row.rps)} requests/s under the profiler`);
}

/** Ends the server and waits until the profiler above it has written its report. */
async function endServer(child: ChildProcess, server: number): Promise<void> {
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const timer = setTimeout(stopChildren, REPORT_TIMEOUT_MS);
  process.kill(server, 'SIGTERM');
  const [code, signal] = await ended;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the profiled server ended with ${signal ?? code}`);
}

/** The descendant of `ancestor` that is the server: the deepest that was given the port. */
function serverBelow(ancestor: number, port: number): number {
  const parents = parentsOfAll();
  const depthBelow = (pid: number): number => {
    let depth = 0;
    // Bounded: a chain of parents is short, and pids may be reused while we look.
    for (let at = pid; depth < 64; depth++) {
      if (at === ancestor) return depth;
      at = parents.get(at) ?? 0;
      if (at === 0) return -1;
    }
    return -1;
  };
  const found = [...parents.keys()]
    .filter((pid) => argvOf(pid).includes(String(port)))
    .map((pid) => ({ pid, depth: depthBelow(pid) }))
    .filter(({ depth }) => depth >= 0)
    .toSorted((a, b) => b.depth - a.depth)[0];
  if (found === undefined) throw new Error('the profiled server is gone');
  return found.pid;
}

function parentsOfAll(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readProc(name, 'stat');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (stat !== '') parents.set(Number(name), parent);
  }
  return parents;
}

function argvOf(pid: number): string[] {
  return readProc(String(pid), 'cmdline').split('\0');
}

/** A process may end while we look: then there is nothing to read. */
function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

function printSummaries(folder: string): void {
  const base = `${pathToFileURL(ROOT).href}/`;
  const files = readdirSync(folder)
    .map((name) => ({ name, thread: threadOfProfile(name) }))
    .filter((file) => file.thread !== undefined)
    .toSorted((a, b) => a.thread! - b.thread!);
  for (const { name, thread } of files) {
    const text = readFileSync(join(folder, name), 'utf8');
    const title = thread === 0 ? 'main thread' : `worker thread ${thread}`;
    const summary = summariseCpuProfile(parseCpuProfile(text), base);
    process.stdout.write(`\n${renderSummary(title, summary)}`);
  }
}

stopChildrenOnSignals();
try {
  await profile(readOptions());
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
