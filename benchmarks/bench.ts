// `npm run bench`: hashlane beside redis-server on this machine, in one table and one picture.
//
//   node benchmarks/bench.ts [--quick] [--only pattern] [--contenders redis,inproc,1,2]
//                            [--rounds N] [--out folder]
//
// Suites run one after another and contenders take turns inside them: there is never more than one
// load on the machine. Progress goes to standard error, the report to standard output, and
// latest.json, latest.md and latest.svg to the folder given with --out (default
// benchmarks/results). A part of a run (--only, --quick) writes there only if told to by --out, so
// that the committed results are always those of a whole run.
//
// Exit code: 0 when everything could be measured, whatever the verdicts on the bars; 1 when a
// measurement failed; 2 on a wrong command line; 130 when interrupted.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bigValue } from './big-value.ts';
import { renderChart } from './chart.ts';
import { connections } from './connections.ts';
import { type Contender, stopChildrenOnSignals } from './contenders.ts';
import { memory } from './memory.ts';
import { plainRun } from './plain-run.ts';
import { queueDelivery } from './queue-delivery.ts';
import { renderReport, renderSample } from './report.ts';
import { type Sample, summarise, testLabel } from './results.ts';
import { availableContenders, describeRun } from './run-info.ts';
import { stall } from './stall.ts';
import type { BenchContext, Suite } from './suite.ts';
import { throughput } from './throughput.ts';
import { datasets, largeValues, types } from './types.ts';
import { wakeUp } from './wake-up.ts';

const SUITES: readonly Suite[] = [
  throughput,
  types,
  largeValues,
  datasets,
  wakeUp,
  memory,
  stall,
  connections,
  queueDelivery,
  bigValue,
  plainRun,
];
/** What --quick runs: it has to end within a minute. */
const QUICK_SUITES: readonly Suite[] = [throughput, types, wakeUp, memory, queueDelivery];
/** When --quick begins to leave tests out, so that it ends in time on a slow machine too. */
const QUICK_LIMIT_MS = 45_000;
const RESULTS = join(import.meta.dirname, 'results');

const HELP = `usage: node benchmarks/bench.ts [options]

  --quick               a minute: fewer tests, shorter runs, in-process and one shard
  --only PATTERN        only tests whose "suite/test" matches the regular expression,
                        e.g. --only '/SET P16', --only stall, --only 'wake-up'
  --contenders LIST     redis, inproc (hashlane without threads), 1, 2, … (hashlane with so many
                        shards), control (a second redis-server: the noise); default
                        redis,inproc,1,2
  --rounds N            rounds of every test, 1 to 50; default 3, 1 with --quick
  --out FOLDER          where latest.json, latest.md and latest.svg go

suites:
${SUITES.map((suite) => `  ${suite.name.padEnd(12)} ${suite.about}`).join('\n')}
`;

interface Options {
  readonly quick: boolean;
  readonly only: RegExp | undefined;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  readonly out: string | undefined;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const names = values.contenders ?? (values.quick ? 'redis,inproc,1' : 'redis,inproc,1,2');
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) {
    throw new Error(`--rounds ${values.rounds} is not a number from 1 to 50`);
  }
  const isWhole = !values.quick && values.only === undefined && values.contenders === undefined;
  return {
    quick: values.quick,
    only: values.only === undefined ? undefined : new RegExp(values.only, 'i'),
    contenders: availableContenders([...new Set(names.split(','))]),
    rounds,
    out: values.out ?? (isWhole ? RESULTS : undefined),
  };
}

async function run(options: Options): Promise<boolean> {
  const startedAt = performance.now();
  const samples: Sample[] = [];
  const leftOut = new Set<string>();
  const context: BenchContext = {
    contenders: options.contenders,
    rounds: options.rounds,
    quick: options.quick,
    wants: (suite, test, pipeline) =>
      options.only?.test(`${suite}/${testLabel({ test, pipeline })}`) ?? true,
    isTooLateFor: (test) => {
      const isLate = options.quick && performance.now() - startedAt > QUICK_LIMIT_MS;
      if (isLate) leftOut.add(test);
      return isLate;
    },
    record: (sample) => {
      samples.push(sample);
      console.error(renderSample(sample));
    },
  };
  for (const suite of options.quick ? QUICK_SUITES : SUITES) await suite.run(context);
  const cells = summarise(samples);
  const info = describeRun(options, startedAt, leftOut);
  const report = renderReport(info, cells, samples);
  process.stdout.write(`\n${report}`);
  if (options.out !== undefined) {
    await save(options.out, report, renderChart(info, cells), { ...info, cells, samples });
  }
  return samples.length > 0 && samples.every((sample) => sample.error === undefined);
}

async function save(
  folder: string,
  report: string,
  chart: string | undefined,
  data: object,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'latest.json'), `${JSON.stringify(data, null, 1)}\n`);
  const picture = chart === undefined ? '' : '\n![Ratios to redis-server](latest.svg)\n';
  await writeFile(join(folder, 'latest.md'), report + picture);
  if (chart !== undefined) await writeFile(join(folder, 'latest.svg'), chart);
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
