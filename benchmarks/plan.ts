// `npm run plan -- benchmarks/plans/collisions.yaml`: a load plan against a server, in the manner of
// JMeter. docs/plans.md tells how to write one.
//
//   node benchmarks/plan.ts plan.yaml … [--port N [--host H] | --server redis|hashlane [--shards N]
//                           [--isolation MODE]] [--duration 10s] [--threads N] [--seed N]
//                           [-J name=value] [--out folder] [--check]
//
// Without --port a server is started for the run: hashlane with one shard unless told otherwise.
// Reports: the aggregate report goes to standard output, results.jtl and report.html to a folder per
// plan under --out (default .plans/).
//
// Exit code: 0 when all samples were right and nothing was anomalous, 1 when some were not or the
// run failed, 2 on a wrong command line or plan, 130 when interrupted a second time; the first
// interrupt ends the run early and reports what there is.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Contender, contenderNamed, stopChildren, withServers } from './contenders.ts';
import { renderAggregateReport, renderCounts, renderWakeUps } from './plan/aggregate-report.ts';
import { renderHtmlReport } from './plan/html-report.ts';
import { readPlan } from './plan/plan-reader.ts';
import { type PlanResult, runPlan } from './plan/run-plan.ts';
import { PlanError, parseDuration } from './plan/yaml-fields.ts';

const OUT = join(import.meta.dirname, '..', '.plans');
/** Busier than this, the driver measures itself. */
const UTILIZATION_MAX = 0.9;

const HELP = `usage: node benchmarks/plan.ts PLAN.yaml … [options]

  --port N              a server that runs already, with --host H (default 127.0.0.1)
  --server NAME         hashlane (default) or redis, started for the run
  --shards N            of the started hashlane, 0 for none (default 1)
  --isolation MODE      of the started hashlane: locked or lock-free
  --duration TIME       instead of the plan's own durations, e.g. 500ms, 30s
  --threads N           driver threads (default 1)
  --seed N              of random functions and timers (default 1)
  -J NAME=VALUE         a property, for \${__P(NAME,default)}
  --out FOLDER          where reports go: FOLDER/<plan>/results.jtl and report.html
  --check               read the plans, run nothing
`;

interface Options {
  readonly plans: readonly string[];
  readonly port: number | undefined;
  readonly host: string;
  readonly contender: Contender;
  readonly durationMs: number | undefined;
  readonly threads: number;
  readonly seed: number;
  readonly properties: ReadonlyMap<string, string>;
  readonly out: string;
  readonly isCheck: boolean;
}

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      host: { type: 'string', default: '127.0.0.1' },
      server: { type: 'string', default: 'hashlane' },
      shards: { type: 'string', default: '1' },
      isolation: { type: 'string' },
      duration: { type: 'string' },
      threads: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      property: { type: 'string', short: 'J', multiple: true, default: [] },
      out: { type: 'string', default: OUT },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || positionals.length === 0) {
    process.stdout.write(HELP);
    process.exit(values.help ? 0 : 2);
  }
  const durationMs = values.duration === undefined ? undefined : parseDuration(values.duration);
  if (values.duration !== undefined && durationMs === undefined) {
    throw new Error(`--duration ${values.duration} is not a time like 500ms or 30s`);
  }
  return {
    plans: positionals,
    port: values.port === undefined ? undefined : wholeNumber('port', values.port, 1, 65_535),
    host: values.host,
    contender: serverNamed(values.server, values.shards, values.isolation),
    durationMs,
    threads: wholeNumber('threads', values.threads, 1, 64),
    seed: wholeNumber('seed', values.seed, 0, 2 ** 32 - 1),
    properties: new Map(values.property.map(readProperty)),
    out: values.out,
    isCheck: values.check,
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`--${name} ${text} is not a number from ${min} to ${max}`);
}

function readProperty(text: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new Error(`-J ${text}: NAME=VALUE`);
  return [name, value];
}

function serverNamed(name: string, shards: string, isolation: string | undefined): Contender {
  if (name === 'redis') return contenderNamed('redis');
  if (name !== 'hashlane') throw new Error(`--server ${name}: hashlane or redis`);
  const contender = contenderNamed(shards);
  if (isolation === undefined) return contender;
  const argv: Contender['argv'] = (port, dir) => [
    ...contender.argv(port, dir),
    ...['--isolation', isolation],
  ];
  return { ...contender, label: `${contender.label}, ${isolation}`, argv };
}

/** Of a shell: `.plans/collisions` for `benchmarks/plans/collisions.yaml`. */
function folderOf(options: Options, file: string): string {
  return join(options.out, basename(file).replace(/\.ya?ml$/, ''));
}

async function runFile(
  options: Options,
  file: string,
  port: number,
  signal: AbortSignal,
): Promise<boolean> {
  const text = await readFile(file, 'utf8');
  const { properties, seed, durationMs, threads, host } = options;
  const { listeners } = readPlan(text, file, { properties, seed, durationMs });
  const folder = folderOf(options, file);
  if (listeners.html || listeners.jtl !== undefined) await mkdir(folder, { recursive: true });
  const result = await runPlan({
    ...{ text, file, host, port, properties, durationMs, seed, threads, signal },
    jtlPath: join(folder, 'results.jtl'),
    hasProgressBar: true,
  });
  process.stdout.write(renderResult(result));
  if (listeners.html) await writeFile(join(folder, 'report.html'), renderHtmlReport(result));
  if (listeners.html || listeners.jtl !== undefined) console.error(`reports: ${folder}`);
  const areVerified = result.verifications.every(({ failure }) => failure === '');
  return result.total.failures === 0 && result.anomalies.size === 0 && areVerified;
}

function renderResult(result: PlanResult): string {
  const { plan, server, seconds, log, verifications, anomalies, utilization } = result;
  const unmet = verifications.filter(({ failure }) => failure !== '');
  const notes = [
    log.unfinished > 0 ? `${log.unfinished} samples were under way when the run ended` : '',
    utilization > UTILIZATION_MAX
      ? `the driver was ${Math.round(utilization * 100)} % busy: it may be the limit (--threads)`
      : '',
  ];
  const sections = [
    `## ${plan.name}: ${server}, ${seconds.toFixed(1)} s`,
    plan.listeners.aggregate ? renderAggregateReport(log.labels) : '',
    renderWakeUps(log.labels),
    unmet.map(({ name, failure }) => `not as it should be: ${name}: ${failure}`).join('\n'),
    anomalies.size === 0 ? '' : `anomalies:\n${renderCounts(anomalies)}`,
    log.failures.size === 0 ? '' : `failed samples:\n${renderCounts(log.failures)}`,
    notes.filter((note) => note !== '').join('\n'),
  ];
  return `${sections.filter((each) => each !== '').join('\n\n')}\n\n`;
}

async function check(options: Options): Promise<void> {
  for (const file of options.plans) {
    const plan = readPlan(await readFile(file, 'utf8'), file, options);
    const users = plan.groups.reduce((sum, group) => sum + group.users, 0);
    console.log(`${file}: ${plan.name}, ${users} users, labels ${plan.labels.join(', ')}`);
  }
}

/** A plan that is wrong should be found before the first one runs for minutes. */
async function main(options: Options): Promise<boolean> {
  if (options.isCheck) {
    await check(options);
    return true;
  }
  for (const file of options.plans) readPlan(await readFile(file, 'utf8'), file, options);
  const controller = new AbortController();
  process.on('SIGINT', () => (controller.signal.aborted ? process.exit(130) : controller.abort()));
  process.once('SIGTERM', () => process.exit(143));
  process.once('exit', stopChildren);
  let isFine = true;
  for (const file of options.plans) {
    if (controller.signal.aborted) break;
    const run = (port: number) => runFile(options, file, port, controller.signal);
    const wasFine =
      options.port === undefined
        ? await withServers([options.contender], ([server]) => run(server!.port))
        : await run(options.port);
    isFine &&= wasFine;
  }
  return isFine;
}

let options: Options;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}
try {
  process.exitCode = (await main(options)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof PlanError ? 2 : 1;
}
