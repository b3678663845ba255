/**
 * Microseconds per call of what BullMQ's scripts do with a job: unpack its arguments, and decode and
 * encode options and data. Inside of a script, as a loop.
 *
 *   node packages/lua/src/library/library.bench.ts
 */
import { Packr } from 'msgpackr';
import { createRuntime } from '../runtime.ts';
import { standardLibraries } from './standard-libraries.ts';

const TURNS = 200_000;
const ROUNDS = 5;

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });
const options = { attempts: 3, delay: 0, backoff: { type: 'exponential', delay: 1000 } };
const argumentsOfJob = ['bull:orders:', '', 'charge', 1_763_700_000_123, null, null, null, null];
const data = JSON.stringify({
  order: 'a3f1-77b2',
  customer: { id: 4711, mail: 'x@example.org' },
  lines: [
    { article: 'cup', count: 2, price: 4.5 },
    { article: 'plate/blue', count: 6, price: 7.25 },
  ],
  express: true,
});

const args = [
  packr.pack(argumentsOfJob).latin1Slice(),
  packr.pack({ ...options, removeOnComplete: { count: 1000 } }).latin1Slice(),
  data,
  JSON.stringify(options),
];

const WORK: Readonly<Record<string, string>> = {
  'cmsgpack.unpack of the arguments': 'cmsgpack.unpack(ARGV[1])',
  'cmsgpack.unpack of the options': 'cmsgpack.unpack(ARGV[2])',
  'cmsgpack.pack of the options': 'cmsgpack.pack(unpacked)',
  'cjson.decode of the options': 'cjson.decode(ARGV[4])',
  'cjson.encode of the options': 'cjson.encode(unpacked)',
  'cjson.decode of 190 bytes of data': 'cjson.decode(ARGV[3])',
  'cjson.encode of the data': 'cjson.encode(decoded)',
};

const runtime = createRuntime({ globals: standardLibraries() });
for (const [name, work] of Object.entries(WORK)) {
  const head = 'local decoded, unpacked = cjson.decode(ARGV[3]), cmsgpack.unpack(ARGV[2])';
  const script = runtime.compile(`${head} for i = 1, ${TURNS} do local x = ${work} end`, 'bench');
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    script.run([], args);
    best = Math.min(best, performance.now() - start);
  }
  console.log(`${((best * 1000) / TURNS).toFixed(3)} µs  ${name}`);
}
