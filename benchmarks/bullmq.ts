// `npm run bench:bullmq`: BullMQ and Lua scripts on hashlane beside redis-server.
//
//   node benchmarks/bullmq.ts [--rounds N] [--jobs N] [--only pattern]
//                             [--contenders redis,inproc,1,2] [--out folder]
//
// Four questions: what a job costs the server when BullMQ itself drives it (job-suite.ts), what
// BullMQ's calls cost without BullMQ (replay-suite.ts), what scripts of our own cost (script-suite.ts,
// first-call.ts), and what a second shard brings (two-queues.ts). Contenders take turns inside each
// test, round after round; ratios are to redis-server in the same round.
//
// Progress goes to standard error, the report to standard output; a whole run also writes
// bullmq.json, bullmq.md and bullmq.svg to benchmarks/results, others where --out says.
//
// Exit code: 0 when everything could be measured, whatever the verdicts on the bars; 1 when a
// measurement failed; 2 on a wrong command line; 130 when interrupted.

import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BULLMQ_VERSION } from './bullmq/bullmq-scripts.ts';
import { FIRST_CALL_SUITE, FIRST_CALL_TESTS, runFirstCallSuite } from './bullmq/first-call.ts';
import { JOB_SUITE, JOB_TEST_NAMES, runJobSuite } from './bullmq/job-suite.ts';
import { REPLAY_SUITE, REPLAY_TESTS, runReplaySuite } from './bullmq/replay-suite.ts';
import { runScriptSuite, SCRIPT_SUITE, SCRIPT_TEST_NAMES } from './bullmq/script-suite.ts';
import { runTwoQueuesSuite, TWO_QUEUES_SUITE, TWO_QUEUES_TEST } from './bullmq/two-queues.ts';
import { renderChart } from './chart.ts';
import {
  type Contender,
  contenderNamed,
  type RunningServer,
  stopChildrenOnSignals,
  withServers,
} from './contenders.ts';
import { type ReportTexts, renderReport, renderSample } from './report.ts';
import { withClient } from './resp-client.ts';
import { BASELINE, type Sample, summarise } from './results.ts';
import { availableContenders, describeRun } from './run-info.ts';
import type { BenchContext } from './suite.ts';

const RESULTS = join(import.meta.dirname, 'results');
const JOBS = 20_000;
const JOBS_MIN = 1_000;
const JOBS_MAX = 200_000;

const HELP = `usage: node benchmarks/bullmq.ts [options]

  --rounds N            rounds of every test, 1 to 50 (default 3)
  --jobs N              jobs of every BullMQ test and of the recording (default ${JOBS})
  --only PATTERN        only tests whose "suite/test" matches the regular expression
  --contenders LIST     redis, inproc (hashlane without threads), 1, 2, … (so many shards),
                        control (a second redis-server: the noise); default redis,inproc,1,2
  --out FOLDER          where bullmq.json, bullmq.md and bullmq.svg go

tests:
${[
  [JOB_SUITE, JOB_TEST_NAMES],
  [REPLAY_SUITE, REPLAY_TESTS],
  [SCRIPT_SUITE, SCRIPT_TEST_NAMES],
  [FIRST_CALL_SUITE, FIRST_CALL_TESTS],
  [TWO_QUEUES_SUITE, [TWO_QUEUES_TEST]],
]
  .flatMap(([suite, tests]) => [...tests!].map((test) => `  ${suite}/${test}`))
  .join('\n')}
`;

interface Options {
  readonly rounds: number;
  readonly jobs: number;
  readonly only: RegExp | undefined;
  readonly contenders: readonly Contender[];
  readonly out: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string' },
      jobs: { type: 'string' },
      only: { type: 'string' },
      contenders: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const { jobs, only, contenders } = values;
  const names = contenders ?? 'redis,inproc,1,2';
  const isWhole = [jobs, only, contenders].every((value) => value === undefined);
  return {
    rounds: wholeNumber('rounds', values.rounds ?? '3', 1, 50),
    jobs: wholeNumber('jobs', jobs ?? String(JOBS), JOBS_MIN, JOBS_MAX),
    only: only === undefined ? undefined : new RegExp(only, 'i'),
    contenders: availableContenders([...new Set(names.split(','))]),
    out: values.out ?? (isWhole ? RESULTS : undefined),
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} ${text} is not a number from ${min} to ${max}`);
}

function textsFor({ jobs }: Options, load: number): ReportTexts {
  const count = jobs.toLocaleString('en-US');
  return {
    title: 'BullMQ and Lua scripts: hashlane beside redis-server',
    notes: [
      '',
      `BullMQ ${BULLMQ_VERSION}, ${count} jobs a test, 4 workers of concurrency 50; prioritised, delayed`,
      'and flow are added in bulk and worked through, a flow with its parents and children in two',
      'queues. An operation is a job in these tests, a call in recorded calls (addStandardJob to',
      'addPrioritizedJob) and short scripts, and a turn of the loop in long ones. Jobs per second say',
      "what the driver can do, the server's CPU per job what the server needs.",
      '',
      `Load average before the run: ${load.toFixed(1)}; above 1 other work took part, and only ratios say`,
      'something.',
    ],
    chartTitle:
      'BullMQ and Lua scripts: ratios of throughput and CPU per operation to redis-server',
    chartHeading: 'BullMQ and Lua scripts beside redis-server (1.0×)',
    chartNote: `BullMQ ${BULLMQ_VERSION}, 4 workers of concurrency 50.`,
  };
}

async function run(options: Options): Promise<boolean> {
  const startedAt = performance.now();
  const [loadBefore = 0] = loadavg();
  const samples: Sample[] = [];
  const context: BenchContext = {
    contenders: options.contenders,
    rounds: options.rounds,
    quick: false,
    wants: (suite, test) => options.only?.test(`${suite}/${test}`) ?? true,
    isTooLateFor: () => false,
    record: (sample) => {
      samples.push(sample);
      console.error(renderSample(sample));
    },
  };
  await withServers(options.contenders, async (all) => {
    const servers = await thoseWithScripts(context, all);
    const contenders = servers.map(({ contender }) => contender);
    await runJobSuite(context, servers, options.jobs);
    await runReplaySuite(context, servers, contenderNamed(BASELINE), options.jobs);
    await runScriptSuite(context, servers);
    await runTwoQueuesSuite(context, servers);
    await runFirstCallSuite({ ...context, contenders });
  });
  const cells = summarise(samples);
  const info = describeRun({ ...options, quick: false }, startedAt, new Set());
  const texts = textsFor(options, loadBefore);
  const report = renderReport(info, cells, samples, texts);
  process.stdout.write(`\n${report}`);
  if (options.out !== undefined) {
    const chart = renderChart(info, cells, texts);
    await save(options.out, report, chart, { ...info, loadBefore, cells, samples });
  }
  return samples.length > 0 && samples.every((sample) => sample.error === undefined);
}

/** A server that knows no EVAL is reported once and takes part in nothing. */
async function thoseWithScripts(
  context: BenchContext,
  servers: readonly RunningServer[],
): Promise<RunningServer[]> {
  const able: RunningServer[] = [];
  for (const server of servers) {
    try {
      await withClient(server.port, (client) => client.request('EVAL', 'return 1', '0'));
      able.push(server);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const key = { suite: SCRIPT_SUITE, test: 'EVAL', pipeline: null, round: 0, values: {} };
      context.record({ ...key, contender: server.contender.name, error: what });
    }
  }
  return able;
}

async function save(
  folder: string,
  report: string,
  chart: string | undefined,
  data: object,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'bullmq.json'), `${JSON.stringify(data, null, 1)}\n`);
  const picture = chart === undefined ? '' : '\n![Ratios to redis-server](bullmq.svg)\n';
  await writeFile(join(folder, 'bullmq.md'), report + picture);
  if (chart !== undefined) await writeFile(join(folder, 'bullmq.svg'), chart);
}

stopChildrenOnSignals();
let options: Options;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
process.exitCode = (await run(options)) ? 0 : 1;
