// BullMQ itself: jobs per second, and the server's CPU per job.
//
// A driver process adds jobs and works through them with 4 workers of concurrency 50, on each server
// in turn. The driver spends several times the CPU of any server, so that jobs per second say what
// the driver can do, unless a server is slow; what tells servers apart is their CPU per job. The
// share of time in which the driver was busy is in the report.
//
// A test is: empty the database, open queues, add, open workers, work, count. Only adding and working
// are measured. Flows put parents into one queue and children into another; with several shards the
// two lie on different shards, which is the case that costs most.

import type { RunningServer } from '../contenders.ts';
import { settle, threadCpuSeconds } from '../process-usage.ts';
import type { Sample } from '../results.ts';
import { type BenchContext, measured } from '../suite.ts';
import { flush } from '../throughput.ts';
import { Driver } from './driver-handle.ts';
import type { Addition, DriverRequest, QueueNames } from './driver-messages.ts';
import { queuesApart } from './queue-names.ts';

export const JOB_SUITE = 'jobs';
/** Enough that what runs later has been optimised. */
const WARM_UP_JOBS_MAX = 10_000;

export interface Cost {
  readonly seconds: number;
  readonly cpu: number;
  readonly driverCpu: number;
}

interface JobTest {
  readonly how: Addition;
  /** Names of the results of adding, of working, and of both. */
  readonly added?: string;
  readonly processed?: string;
  readonly whole?: string;
}

export const WHOLE_JOB = 'addBulk + process';

const TESTS: readonly JobTest[] = [
  { how: 'add', added: 'add' },
  { how: 'addBulk', added: 'addBulk', processed: 'process', whole: WHOLE_JOB },
  { how: 'prioritised', whole: 'prioritised' },
  { how: 'delayed', whole: 'delayed' },
  { how: 'flow', whole: 'flow' },
];

export const JOB_TEST_NAMES: readonly string[] = TESTS.flatMap(namesOf);

function namesOf({ added, processed, whole }: JobTest): string[] {
  return [added, processed, whole].filter((name) => name !== undefined);
}

export async function runJobSuite(
  context: BenchContext,
  servers: readonly RunningServer[],
  jobs: number,
): Promise<void> {
  const wanted = TESTS.filter((test) =>
    namesOf(test).some((name) => context.wants(JOB_SUITE, name, null)),
  );
  if (wanted.length === 0) return;
  const driver = new Driver();
  try {
    for (const test of wanted) await runTest(context, servers, driver, test, jobs);
  } finally {
    driver.stop();
  }
}

async function runTest(
  context: BenchContext,
  servers: readonly RunningServer[],
  driver: Driver,
  test: JobTest,
  jobs: number,
): Promise<void> {
  for (const server of servers) {
    // A failure shows again in the rounds, and is recorded there.
    await measure(server, driver, test, Math.min(jobs, WARM_UP_JOBS_MAX)).catch(() =>
      driver.stop(),
    );
  }
  for (let round = 0; round < context.rounds; round++) {
    for (const server of servers) {
      const key = { suite: JOB_SUITE, pipeline: null, contender: server.contender.name, round };
      const outcome = measure(server, driver, test, jobs).catch((error: unknown) => {
        driver.stop();
        return error instanceof Error ? error : new Error(String(error));
      });
      for (const name of namesOf(test)) {
        await measured(context, { ...key, test: name }, async () => {
          const costs = await outcome;
          if (costs instanceof Error) throw costs;
          return valuesOf(costOf(test, name, costs), jobs);
        });
      }
    }
  }
}

interface Costs {
  readonly adding: Cost;
  readonly working: Cost;
}

const NOTHING: Cost = { seconds: 0, cpu: 0, driverCpu: 0 };

function costOf(test: JobTest, name: string, { adding, working }: Costs): Cost {
  if (name === test.added) return adding;
  return name === test.processed ? working : sumOf(adding, working);
}

export function sumOf(one: Cost, other: Cost): Cost {
  return {
    seconds: one.seconds + other.seconds,
    cpu: one.cpu + other.cpu,
    driverCpu: one.driverCpu + other.driverCpu,
  };
}

export function valuesOf({ seconds, cpu, driverCpu }: Cost, jobs: number): Sample['values'] {
  return {
    rps: jobs / seconds / 1e3,
    cpuUs: (cpu / jobs) * 1e6,
    driverBusy: driverCpu / seconds,
  };
}

async function measure(
  server: RunningServer,
  driver: Driver,
  test: JobTest,
  jobs: number,
): Promise<Costs> {
  const { port } = server;
  await flush(port);
  const queues: QueueNames = await queuesApart(server);
  await driver.ask({ kind: 'open', port, queues });
  const adding = await costOfRequest(server, driver, { kind: 'add', how: test.how, jobs });
  let working = NOTHING;
  if (test.whole !== undefined) {
    await driver.ask({ kind: 'workers' });
    working = await costOfRequest(server, driver, { kind: 'process' });
    await driver.ask({ kind: 'verify' });
  }
  await driver.ask({ kind: 'close' });
  return { adding, working };
}

async function costOfRequest(
  { pid }: RunningServer,
  driver: Driver,
  request: DriverRequest,
): Promise<Cost> {
  await settle(pid);
  const before = threadCpuSeconds(pid);
  const { seconds, cpuSeconds: driverCpu } = await driver.ask(request);
  return { seconds, driverCpu, cpu: threadCpuSeconds(pid) - before };
}
