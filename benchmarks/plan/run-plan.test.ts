// Every plan of benchmarks/plans for a fraction of a second, and what a run does with replies that
// are wrong, connections that break and users in several threads.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { contenderNamed, type RunningServer, startServer } from '../contenders.ts';
import { renderHtmlReport } from './html-report.ts';
import { JTL_HEADER } from './jtl.ts';
import { type PlanResult, type RunOptions, runPlan } from './run-plan.ts';

const PLANS = join(import.meta.dirname, '..', 'plans');
const folder = mkdtempSync(join(tmpdir(), 'hashlane-plan-'));
let server: RunningServer;

t.before(async () => {
  server = await startServer(contenderNamed('2'));
});
t.teardown(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server.stop();
});

function run(text: string, options: Partial<RunOptions> = {}): Promise<PlanResult> {
  return runPlan({ text, file: 'test.yaml', host: '127.0.0.1', port: server.port, ...options });
}

const group = (steps: string, more = 'users: 1, loops: 1'): string =>
  `{name: test, setup: [FLUSHALL], groups: [{name: g, ${more}, steps: [${steps}]}]}`;

for (const name of readdirSync(PLANS, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.yaml')) continue;
  t.test(`${name} runs, and nothing fails`, async (t) => {
    const text = readFileSync(join(PLANS, name), 'utf8');
    const result = await run(text, { file: name, durationMs: 120 });
    t.ok(result.total.latency.count > 0, `${result.total.latency.count} samples`);
    t.same([...result.log.failures], []);
    t.same(
      result.verifications.filter(({ failure }) => failure !== ''),
      [],
    );
    t.match(renderHtmlReport(result), /<\/html>\n$/);
  });
}

t.test('the example of docs/plans.md runs', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/plans.md'), 'utf8');
  const [, text = ''] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const { total, log } = await run(text, { durationMs: 200 });
  t.ok(total.latency.count > 0);
  t.same([...log.failures], []);
});

t.test('values go from reply to request; JTL and tallies count', async (t) => {
  const path = join(folder, 'results.jtl');
  const text = `
name: chain
setup: [FLUSHALL, RPUSH list a b c]
groups:
  - name: g
    users: 1
    loops: 4
    steps:
      - {name: pop, command: LPOP list, extract: {job: []}}
      - {name: keep, if: '\${job}', tally: kept, command: 'SET kept:\${job} \${__jm__g__idx}'}
      - {name: idle, unless: '\${job}', command: PING}
verify:
  - {command: MGET kept:a kept:b kept:c, assert: {equals: ['0', '1', '2']}}
  - {command: DBSIZE, assert: {equals: '\${__tally(kept)}'}}
`;
  const result = await run(text, { jtlPath: path });
  t.same(
    result.verifications.map(({ failure }) => failure),
    ['', ''],
  );
  const counts = result.log.labels.map(({ label, latency }) => [label, latency.count]);
  t.same(counts, [
    ['pop', 4],
    ['keep', 3],
    ['idle', 1],
  ]);
  const [head, first, ...rest] = readFileSync(path, 'utf8').trimEnd().split('\n');
  t.equal(`${head}\n`, JTL_HEADER);
  t.match(first, /^\d{13},\d+,pop,OK,OK,g 1-1,text,true,,7,24,1,1,redis:\/\/127/);
  t.equal(rest.length, 7);
});

t.test('wrong replies are failed samples with a reason', async (t) => {
  const steps = [
    '{name: a, command: SET k v, assert: {equals: 7}}',
    '{name: b, command: INCR k}',
    '{name: c, command: INCR k, assert: {error: integer}}',
    '{name: d, command: INCR k, ignore-errors: integer}',
    '{name: e, pipeline: [GET k, INCR k]}',
    '{name: f, command: GET none, assert: {type: string, anomaly: gone}}',
    '{name: h, command: GET k, assert: [{matches: "^v$"}, {length: 1}, {one-of: [v, w]}]}',
  ];
  const { log } = await run(group(steps.join(', ')));
  t.same([...log.failures.keys()].toSorted(), [
    "a: expected '7', found 'OK'",
    'b: ERR value is not an integer or out of range',
    'e: ERR value is not an integer or out of range',
    'f: expected string, found nil',
  ]);
  t.same([...log.anomalies], [['gone', 1]]);
});

t.test('users in two threads share counters, and each has its number', async (t) => {
  const step =
    '{command: "RPUSH seen ${__counter(FALSE)}"}, {command: "SADD users ${__threadNum}"}';
  const verify =
    'verify: [{command: LLEN seen, assert: {equals: 100}}, ' +
    '{command: SCARD users, assert: {equals: 10}}]';
  const text = group(step, 'users: 10, loops: 10').replace(/}$/, `, ${verify}}`);
  const result = await run(text, { threads: 2 });
  t.same(
    result.verifications.map(({ failure }) => failure),
    ['', ''],
  );
  t.equal(result.total.latency.count, 200);
});

t.test('a blocked consumer does not hold up the end', async (t) => {
  const more = 'users: 3, duration: 100ms, grace: 50ms';
  const { log, seconds } = await run(group('BLPOP nothing 0', more));
  t.equal(log.unfinished, 3);
  t.ok(seconds < 5);
});

t.test('a stop from outside ends a run, also a user that thinks', async (t) => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const { total } = await run(group('PING', 'users: 1, duration: 1h, think: 1h'), {
    signal: controller.signal,
  });
  t.equal(total.latency.count, 0);
});

t.test('a connection that breaks is a failed sample, and the user connects anew', async (t) => {
  let connections = 0;
  const breaking = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    // INFO is asked for before the load.
    socket.on('data', () => (connections === 1 ? socket.write('+none\r\n') : socket.destroy()));
  }).listen(0, '127.0.0.1');
  t.teardown(() => breaking.close());
  await new Promise((resolve) => breaking.once('listening', resolve));
  const address = breaking.address();
  const port = typeof address === 'object' ? address!.port : 0;
  const text = group('PING', 'users: 1, loops: 2').replace('setup: [FLUSHALL], ', '');
  const { total, log } = await run(text, { port });
  t.equal(total.failures, 2);
  t.equal(connections, 3);
  t.same([...log.failures.keys()], ['PING: the server closed the connection']);
});

t.test('a setup that the server refuses ends the run', async (t) => {
  const text = group('PING').replace('FLUSHALL', 'NOSUCH');
  await t.rejects(run(text), { message: /setup: NOSUCH: ERR unknown command/ });
});
