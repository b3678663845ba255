// `npm run bench:isolation`: what isolation between shards costs, and what goes wrong without it.
//
//   node benchmarks/isolation.ts [--rounds N] [--duration 2s] [--shards N] [--only pattern]
//                                [--out folder]
//   node benchmarks/isolation.ts --operations N [--duration 20s] [--shards 4] [--out folder]
//
// The second form is one long search for anomalies, isolation-campaign.ts.
//
// The plans of benchmarks/plans/isolation run on redis-server and on hashlane in both modes, in
// turn, round after round; the plan that is bound by the server's CPU also on one shard. Some plans
// look for anomalies: halves of a command over two shards that a reader sees, updates that get lost,
// locks with two holders. With one gateway thread and ports that keep their order a command that is
// posted to all its shards at once is seen whole in either mode, so the plans use the commands that
// take several rounds: LMOVE, RENAME, MSETNX, and EXEC after WATCH.
//
// Progress goes to standard error, the report to standard output; a whole run also writes
// isolation.json, isolation.md and isolation.svg to benchmarks/results, others where --out says.
//
// Exit code: 0 when all could be measured, whatever the verdicts; 1 when not; 2 on a wrong command
// line; 130 when interrupted.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Contender,
  contenderNamed,
  type RunningServer,
  stopChildrenOnSignals,
  withServers,
} from './contenders.ts';
import { runCampaign, tagProperties } from './isolation-campaign.ts';
import { figure, reportRow } from './plan/aggregate-report.ts';
import {
  BASELINE,
  type IsolationInfo,
  LOCK_FREE,
  LOCKED,
  type Measurement,
  ONE_SHARD,
  renderIsolationChart,
  renderIsolationReport,
} from './plan/isolation-report.ts';
import { type PlanResult, runPlan } from './plan/run-plan.ts';
import { parseDuration } from './plan/yaml-fields.ts';
import { cpuSeconds, settle, workerSeconds } from './process-usage.ts';

const PLANS = join(import.meta.dirname, 'plans', 'isolation');
const RESULTS = join(import.meta.dirname, 'results');
/** In the order of the report. */
const PLAN_NAMES = [
  ...['transfers', 'half-seen-renames', 'lost-updates', 'two-holders'],
  ...['single-key', 'single-key-pipelined', 'mset', 'cpu-bound'],
];
/** Of each plan on each server, unmeasured. */
const WARM_UP_MS = 2_000;
/** The bar: so many without an anomaly. */
const CAMPAIGN_OPERATIONS = 10_000_000;
/** The one plan that more shards are for. */
const ONE_SHARD_PLANS = new Set(['cpu-bound']);

const HELP = `usage: node benchmarks/isolation.ts [options]

  --rounds N            rounds of every plan, 1 to 50 (default 5)
  --duration TIME       of a plan on one server (default 2s)
  --shards N            of hashlane (default 2)
  --only PATTERN        only plans whose name matches the regular expression
  --out FOLDER          where isolation.json, isolation.md and isolation.svg go
  --operations N        looks for anomalies in so many transactions over several shards, in rounds
                        of --duration (default 20s) on --shards (default 4), and nothing else

plans: ${PLAN_NAMES.join(', ')}
`;

interface Options {
  readonly rounds: number;
  readonly durationMs: number;
  readonly shards: number;
  readonly plans: readonly string[];
  readonly out: string | undefined;
  /** Transactions of a campaign. */
  readonly operations: number | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      duration: { type: 'string' },
      shards: { type: 'string' },
      operations: { type: 'string' },
      only: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const isCampaign = values.operations !== undefined;
  const durationMs = parseDuration(values.duration ?? (isCampaign ? '20s' : '2s'));
  if (!durationMs) throw new Error(`--duration ${values.duration} is not a time like 500ms or 2s`);
  const only = new RegExp(values.only ?? '', 'i');
  const { duration, rounds, only: named } = values;
  const isWhole = [duration, rounds, named, values.operations].every((each) => each === undefined);
  return {
    rounds: wholeNumber('rounds', values.rounds ?? '5', 50),
    durationMs,
    shards: wholeNumber('shards', values.shards ?? (isCampaign ? '4' : '2'), 64),
    operations: isCampaign ? wholeNumber('operations', values.operations ?? '', 1e9) : undefined,
    plans: PLAN_NAMES.filter((name) => only.test(name)),
    out: values.out ?? (isWhole ? RESULTS : undefined),
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`--${name} ${text} is not a number from 1 to ${max}`);
}

function contendersFor({ shards }: Options): Contender[] {
  const mode = (isolation: string): Contender => {
    const base = contenderNamed(String(shards));
    const argv: Contender['argv'] = (port, dir) => [
      ...base.argv(port, dir),
      ...['--isolation', isolation],
    ];
    return { ...base, name: isolation, label: isolation, argv };
  };
  const oneShard = { ...contenderNamed('1'), name: ONE_SHARD, label: 'one shard' };
  return [contenderNamed(BASELINE), mode(LOCKED), mode(LOCK_FREE), oneShard];
}

async function measure(
  server: RunningServer,
  plan: string,
  round: number,
  options: Options,
): Promise<Measurement> {
  const key = { plan, contender: server.contender.name, round };
  const times = { perSecond: 0, medianMs: 0, p99Ms: 0, cpuUs: 0, shardShare: 0, driver: 0 };
  const nothing = { ...times, samples: 0, anomalies: null };
  try {
    await settle(server.pid);
    const file = join(PLANS, `${plan}.yaml`);
    const text = readFileSync(file, 'utf8');
    const { durationMs } = options;
    const seed = round + 1;
    const address = { host: '127.0.0.1', port: server.port };
    const shards = shardsOf(server.contender, options);
    const isSpread = shards > 1 && text.includes('__P(tag0,');
    const properties = isSpread ? await tagProperties(server.port, shards) : new Map();
    let [cpuBefore, workersBefore] = [0, 0];
    const onReady = (): void => {
      cpuBefore = cpuSeconds(server.pid);
      workersBefore = workerSeconds(server.pid);
    };
    const result = await runPlan({ text, file, ...address, properties, durationMs, seed, onReady });
    const spent = cpuSeconds(server.pid) - cpuBefore;
    const shardShare = (workerSeconds(server.pid) - workersBefore) / Math.max(0.01, spent);
    const { samples, perSecond, medianMs, p99Ms } = reportRow(result.total);
    const cpuUs = (spent / Math.max(1, samples)) * 1e6;
    const driver = result.utilization;
    const figures = { samples, perSecond, medianMs, p99Ms, cpuUs, shardShare, driver };
    const error = mishapOf(result);
    const anomalies = text.includes('anomaly:') ? countAnomalies(result) : null;
    return { ...key, ...figures, anomalies, ...(error === undefined ? {} : { error }) };
  } catch (error) {
    return { ...key, ...nothing, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Worker shards of a contender; 0 for redis-server. */
function shardsOf({ name }: Contender, { shards }: Options): number {
  if (name === BASELINE) return 0;
  return name === ONE_SHARD ? 1 : shards;
}

function countAnomalies({ anomalies }: PlanResult): number {
  return [...anomalies.values()].reduce((sum, count) => sum + count, 0);
}

/** What makes a measurement worthless: failures that are not the anomalies it looks for. */
function mishapOf({ log, total, verifications, anomalies }: PlanResult): string | undefined {
  const seen = [...log.anomalies.values()].reduce((sum, count) => sum + count, 0);
  if (total.failures > seen) {
    const [what] = [...log.failures].toSorted(([, a], [, b]) => b - a)[0] ?? ['unknown'];
    return `${total.failures - seen} samples failed, most of them: ${what}`;
  }
  if (log.unfinished > 0) return `${log.unfinished} samples without a reply at the end`;
  const unmet = verifications.find(({ failure }) => failure !== '');
  if (unmet !== undefined && anomalies.size === 0) return `${unmet.name}: ${unmet.failure}`;
  return total.latency.count === 0 ? 'no samples' : undefined;
}

function outputOf(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', cwd: import.meta.dirname }).trim();
  } catch {
    return '';
  }
}

function describeRun(
  options: Options,
  contenders: readonly Contender[],
  loadBefore: number,
): IsolationInfo {
  const redis = /v=([\d.]+)/.exec(outputOf('redis-server', ['--version']))?.[1] ?? 'unknown';
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: outputOf('git', ['rev-parse', '--short', 'HEAD']) || 'unknown',
    node: process.versions.node,
    redis,
    cpu: cpus()[0]?.model ?? 'unknown processor',
    cores: cpus().length,
    rounds: options.rounds,
    seconds: options.durationMs / 1e3,
    shards: options.shards,
    loadBefore,
    contenders: contenders.map(({ name, label }) => ({ name, label })),
  };
}

async function run(options: Options): Promise<boolean> {
  const wanted = contendersFor(options).filter(
    ({ name }) => name !== ONE_SHARD || options.plans.some((plan) => ONE_SHARD_PLANS.has(plan)),
  );
  const measurements: Measurement[] = [];
  const warmUp = { ...options, durationMs: Math.min(WARM_UP_MS, options.durationMs) };
  const [loadBefore = 0] = loadavg();
  await withServers(wanted, async (servers) => {
    for (const plan of options.plans) {
      const runs = servers.filter(
        ({ contender }) => contender.name !== ONE_SHARD || ONE_SHARD_PLANS.has(plan),
      );
      // What V8 compiles in the first seconds of a plan is not charged to the first round.
      for (const server of runs) await measure(server, plan, 0, warmUp);
      for (let round = 0; round < options.rounds; round++) {
        for (const server of runs) {
          const found = await measure(server, plan, round, options);
          measurements.push(found);
          console.error(renderMeasurement(found));
        }
      }
    }
  });
  const info = describeRun(options, wanted, loadBefore);
  const report = renderIsolationReport(info, measurements);
  process.stdout.write(`\n${report}`);
  if (options.out !== undefined) await save(options.out, info, measurements, report);
  return measurements.length > 0 && measurements.every(({ error }) => error === undefined);
}

/** The search for anomalies; its report goes with the others when it has been as long as the bar. */
function search(operations: number): Promise<boolean> {
  const { shards, durationMs } = options;
  const base = contenderNamed(String(shards));
  const { commit, cores, cpu, date, node } = describeRun(options, [], 0);
  const [load = 0] = loadavg();
  const head =
    `${date}, commit ${commit}, Node ${node}, ${cpu}, ${cores} cores, ${shards} shards; ` +
    `load average before the run: ${load.toFixed(1)}.`;
  const folder = options.out ?? (operations >= CAMPAIGN_OPERATIONS ? RESULTS : undefined);
  return runCampaign({ operations, shards, durationMs }, base, head, folder);
}

function renderMeasurement(found: Measurement): string {
  const { plan, contender, round, perSecond, medianMs, p99Ms, cpuUs, anomalies, error } = found;
  const who = `${plan.padEnd(20)} round ${round + 1}  ${contender.padEnd(10)}`;
  if (error !== undefined) return `${who} failed: ${error}`;
  const times = `p50 ${figure(medianMs)} ms, p99 ${figure(p99Ms)} ms`;
  const seen = anomalies === null ? '' : `, ${anomalies} anomalies`;
  return `${who} ${Math.round(perSecond)}/s, ${times}, CPU ${figure(cpuUs)} µs${seen}`;
}

async function save(
  folder: string,
  info: IsolationInfo,
  measurements: readonly Measurement[],
  report: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const chart = renderIsolationChart(info, measurements);
  const data = JSON.stringify({ ...info, measurements }, null, 1);
  await writeFile(join(folder, 'isolation.json'), `${data}\n`);
  const picture = chart === undefined ? '' : '\n![Throughput and anomalies](isolation.svg)\n';
  await writeFile(join(folder, 'isolation.md'), report + picture);
  if (chart !== undefined) await writeFile(join(folder, 'isolation.svg'), chart);
}

stopChildrenOnSignals();
let options: Options;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
const { operations } = options;
process.exitCode = (await (operations === undefined ? run(options) : search(operations))) ? 0 : 1;
