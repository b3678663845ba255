// The suites of bench:bullmq against the tables they have to agree with, and their arithmetic.

import t from 'tap';
import { judge } from '../bars.ts';
import type { Cell, MetricName } from '../results.ts';
import { libraryScripts, pack } from './bullmq-scripts.ts';
import { FIRST_CALL_TESTS } from './first-call.ts';
import { JOB_TEST_NAMES, sumOf, valuesOf } from './job-suite.ts';
import { REPLAY_TESTS } from './replay-suite.ts';
import { SCRIPT_TEST_NAMES } from './script-suite.ts';
import { TWO_QUEUES_TEST } from './two-queues.ts';

const TESTS = [
  ...[...JOB_TEST_NAMES, ...REPLAY_TESTS, ...SCRIPT_TEST_NAMES, ...FIRST_CALL_TESTS],
  TWO_QUEUES_TEST,
];

/** Tests whose figure at the limit is met and beyond it is not. */
function judged(contender: string, metric: MetricName, good: number, bad: number): string[] {
  const isMet = (test: string, value: number) => {
    const cell: Cell = {
      ...{ suite: 'x', test, pipeline: null, contender, metric, rounds: 1 },
      ...{ median: value, ratio: value },
    };
    return judge(cell)?.isMet;
  };
  return TESTS.filter((test) => isMet(test, good) === true && isMet(test, bad) === false);
}

t.test('the bars of the design are set, on names that are measured', async (t) => {
  t.same(judged('inproc', 'cpuUs', 0.6, 0.61), ['addBulk + process']);
  t.same(judged('1', 'cpuUs', 0.9, 0.91), ['addBulk + process']);
  t.same(judged('inproc', 'rps', 1.8, 1.79), ['addStandardJob', 'moveToFinished']);
  t.same(judged('inproc', 'cpuUs', 0.5555, 0.56), ['addStandardJob', 'moveToFinished']);
  t.same(judged('inproc', 'rps', 2.5, 2.49), ['HSET ZADD LPUSH RPOP']);
  t.same(judged('inproc', 'rps', 2, 1.99), ['arithmetic, 1,000 turns']);
  t.same(judged('inproc', 'firstCallMs', 5, 5.01), FIRST_CALL_TESTS);
  t.same(judged('2', 'gain', 1.7, 1.69), ['two queues']);
});

t.test('names of tests are unique', async (t) => {
  t.equal(new Set(TESTS).size, TESTS.length);
});

t.test('cost per job', async (t) => {
  const whole = sumOf(
    { seconds: 1, cpu: 0.3, driverCpu: 0.5 },
    { seconds: 3, cpu: 0.9, driverCpu: 2.5 },
  );
  t.match(valuesOf(whole, 16_384), { rps: 4.096, driverBusy: 0.75 });
  t.equal(valuesOf(whole, 20_000).cpuUs?.toFixed(6), '60.000000');
});

t.test("BullMQ's scripts are where they are looked for", async (t) => {
  const scripts = libraryScripts();
  const largest = scripts.toSorted((a, b) => b.text.length - a.text.length)[0];
  t.equal(largest?.name, 'moveToFinished', 'the first call is that of the largest');
  for (const name of new Set(REPLAY_TESTS.map((test) => test.split(' ')[0]))) {
    t.ok(
      scripts.some((script) => script.name === name && script.keys > 0),
      name,
    );
  }
  // As in a recorded call: BullMQ writes the sizes of maps in 16 bits.
  t.same(pack({ a: null }), Buffer.from([0xde, 0, 1, 0xa1, 0x61, 0xc0]));
});
