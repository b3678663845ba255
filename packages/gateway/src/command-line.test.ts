/** The words of the command line, and the executable itself with a stand-in for the server. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Environment } from './command-line.ts';
import { buildConfiguration, parseCommandLine, unknownVariables } from './command-line.ts';

function build(words: readonly string[], environment: Environment = {}) {
  const command = parseCommandLine(words, environment);
  if (command.name !== 'serve') throw new Error(command.name);
  return buildConfiguration(command.serve, environment).values;
}

t.test("Redis's spelling", async (t) => {
  const values = build('--save 20 1 --loglevel warning --requirepass secret'.split(' '));
  t.same(values.save, [{ seconds: 20, changes: 1 }]);
  t.equal(values.loglevel, 'warning');
  t.equal(values.requirepass, 'secret');
  const two = [
    { seconds: 900, changes: 1 },
    { seconds: 300, changes: 10 },
  ];
  t.same(build(['--save', '900 1', '--save', '300 10']).save, two);
  t.same(build(['--save', '900', '1', '300', '10', '--port', '1']).save, two);
  t.same(build(['--save', '']).save, []);
  t.same(build(['--save', '--port', '1']).save, []);
  t.same(build(['--list-max-ziplist-size', '-2', '--port=7001']).port, 7001);
  t.equal(build(['--requirepass=--x=y']).requirepass, '--x=y');
  t.equal(build(['--PORT', '7001']).port, 7001);
  t.equal(build(['--port 7001']).port, 7001);
  t.same(build(['serve', '--bind', '127.0.0.1', '::1']).bind, ['127.0.0.1', '::1']);
});

t.test('file, then environment, then command line', async (t) => {
  const dir = t.testdir({
    'redis.conf': 'port 1\ntimeout 1\nhz 11\nsave 900 1\n',
    'more.conf': 'port 9\n',
  });
  const file = join(dir, 'redis.conf');
  const environment = { HASHLANE_PORT: '2', HASHLANE_TIMEOUT: '2', HASHLANE_REQUIREPASS: '' };
  const values = build([file, '--port', '3', '--save', '20', '1'], environment);
  t.same([values.port, values.timeout, values.hz], [3, 2, 11]);
  t.same(
    values.save.map(({ seconds }) => seconds),
    [900, 20],
    'save lines add up',
  );
  t.same(build([file], { HASHLANE_SAVE: '' }).save, []);
  t.same(build([file], { HASHLANE_SAVE: '5 5' }).save, [{ seconds: 5, changes: 5 }]);
  t.equal(build(['--include', join(dir, 'more.conf')]).port, 9);
});

t.test('environment of Kubernetes', async (t) => {
  t.equal(build([], { HASHLANE_PORT: 'tcp://10.0.0.1:6379' }).port, 6379);
  const names = { HASHLANE_PORT_6379_TCP: '', HASHLANE_SERVICE_HOST: '', HASHLANE_PROT: '' };
  t.same(unknownVariables({ ...names, HASHLANE_MAXMEMORY_POLICY: '' }), ['HASHLANE_PROT']);
});

t.test('mistakes', async (t) => {
  const fails = (words: readonly string[], message: string, environment: Environment = {}) =>
    t.throws(() => build(words, environment), { message }, words.join(' '));
  fails(['--prot', '1'], "--prot: unknown directive 'prot'; did you mean 'port'?");
  fails(['--port', 'x'], "--port: port 'x': argument couldn't be parsed into an integer");
  fails(['--port'], '--port: port: wrong number of arguments');
  fails(['--save', '1'], "--save: save '1': Invalid save parameters");
  fails(['-p', '1'], "unexpected argument '-p'; options start with --");
  fails(['no.conf'], "cannot read the configuration file 'no.conf': no such file");
  fails([], "HASHLANE_HZ: hz 'x': argument couldn't be parsed into an integer", {
    HASHLANE_HZ: 'x',
  });
});

t.test('other commands', async (t) => {
  t.same(parseCommandLine(['--help'], {}), { name: 'help', of: 'serve' });
  t.same(parseCommandLine(['ping', '--help'], {}), { name: 'help', of: 'ping' });
  t.same(parseCommandLine(['-v'], {}), { name: 'version' });
  const ping = { host: '127.0.0.1', port: 7001, timeoutMs: 50, probe: 'live' };
  t.same(parseCommandLine(['ping', '--live', '--timeout', '50'], { HASHLANE_PORT: '7001' }), {
    name: 'ping',
    ping,
  });
  t.throws(() => parseCommandLine(['ping', '--prot', '1'], {}), { message: /^ping: .*--prot/ });
  t.throws(() => parseCommandLine(['ping', '--port', '0'], {}), { message: /between 1 and/ });
});

/**
 * Instead of server.ts: listens, says which port, stops when told to. A `dbfilename` of
 * `stuck.rdb` makes `stop` wait for ever.
 */
const STAND_IN = `
  import { createServer } from 'node:net';
  import { once } from 'node:events';
  export async function startServer({ values }, logger) {
    const listener = createServer().listen(values.port, '127.0.0.1');
    await once(listener, 'listening');
    const { promise, resolve } = Promise.withResolvers();
    const stuck = values.dbfilename === 'stuck.rdb';
    return {
      port: listener.address().port,
      address: '127.0.0.1',
      banner: { shards: values.shards, snapshot: undefined, readyMs: 1.2 },
      stopped: promise,
      stop: async () => { logger.verbose('stopping'); if (!stuck) resolve(0); },
    };
  }`;
const HOOK = `
  import { registerHooks } from 'node:module';
  const url = 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(STAND_IN)});
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === './server.ts' ? { url, shortCircuit: true } : next(specifier, context),
  });`;
const CLI = fileURLToPath(new URL('cli.ts', import.meta.url));

function start(words: readonly string[], environment: Environment = {}) {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const child = spawn(process.execPath, ['--import', hook, CLI, ...words], {
    // Only what is named: a HASHLANE_… of the machine must not decide a test.
    env: { PATH: process.env.PATH, ...environment },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const closed = once(child, 'close').then(([code]) => ({ code: code as number, ...output }));
  return { child, output, closed };
}

type Started = ReturnType<typeof start>;

/** Waits until standard output holds `text`, or the process is gone. */
async function waitFor({ child, output, closed }: Started, text: string): Promise<void> {
  while (!output.stdout.includes(text)) {
    const end = await Promise.race([once(child.stdout, 'data'), closed]);
    if ('code' in end) throw new Error(`ended: ${JSON.stringify(end)}`);
  }
}

const QUIET = ['--save', '', '--port', '0'];

t.test('a start and an end in order', async (t) => {
  const dir = t.testdir({});
  const options = ['--pidfile', 'x.pid', '--dir', dir, '--shards', '2', '--loglevel', 'verbose'];
  const started = start([...QUIET, ...options], { HASHLANE_PROT: '1' });
  await waitFor(started, 'Ready to accept connections');
  const lines = started.output.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.match(lines[0].msg, ` PID: ${started.child.pid}`);
  t.match(started.output.stdout, /shards: 2/);
  t.match(started.output.stdout, /HASHLANE_PROT names no parameter/);
  t.equal(readFileSync(join(dir, 'x.pid'), 'utf8'), `${started.child.pid}\n`);
  started.child.kill('SIGTERM');
  const end = await started.closed;
  t.equal(end.code, 0);
  t.match(end.stdout, /SIGTERM received/);
  t.match(end.stdout, /"level":"verbose".*stopping/, 'the last line is not lost');
  t.throws(() => readFileSync(join(dir, 'x.pid')), { code: 'ENOENT' });
});

t.test('the second SIGINT does not wait', async (t) => {
  const started = start([...QUIET, '--dbfilename', 'stuck.rdb', '--loglevel', 'verbose']);
  await waitFor(started, 'Ready to accept connections');
  started.child.kill('SIGINT');
  await waitFor(started, 'stopping');
  started.child.kill('SIGINT');
  t.equal((await started.closed).code, 1);
});

t.test('a configuration from standard input, a log in a file', async (t) => {
  const dir = t.testdir({});
  const started = start(['-', '--save', '']);
  started.child.stdin.end(`port 0\ndir ${dir}\nlogfile hashlane.log\n`);
  const log = () => {
    try {
      return readFileSync(join(dir, 'hashlane.log'), 'utf8');
    } catch {
      return '';
    }
  };
  const gone = started.closed.then(() => 'gone');
  while (!log().includes('Ready to accept')) {
    if ((await Promise.race([setTimeout(5, 'look again'), gone])) === 'gone') break;
  }
  started.child.kill('SIGTERM');
  t.equal((await started.closed).code, 0);
  t.match(log(), /SIGTERM received/);
});

t.test('what cannot start says why in one line', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const cases: ReadonlyArray<readonly [words: readonly string[], message: RegExp]> = [
    [['--prot', '1'], /^hashlane: --prot: unknown directive/],
    [['--save', '', '--port', String(port)], /^hashlane: port \d+ is in use on 127\.0\.0\.1/],
    // No process can make a file there, not even root's.
    [['--save', '1 1', '--dir', '/proc'], /^hashlane: dir '\/proc' is not writable/],
    [[...QUIET, '--logfile', '/no/such/x.log'], /^hashlane: cannot open the log file/],
    [['ping', '--port', '1'], /^hashlane: 127\.0\.0\.1:1: .*ECONNREFUSED/],
  ];
  for (const [words, message] of cases) {
    const { code, stderr } = await start(words).closed;
    t.equal(code, 1, words.join(' '));
    t.match(stderr, message);
    t.equal(stderr.trim().split('\n').length, 1, 'one line');
  }
});

t.test('help and version', async (t) => {
  const [help, ping, version] = await Promise.all(
    [['--help'], ['ping', '--help'], ['--version']].map((words) => start(words).closed),
  );
  t.match(help!.stdout, /Network:\n\s+--bind /);
  t.match(help!.stdout, /Examples:/);
  t.match(ping!.stdout, /--timeout/);
  t.match(version!.stdout, /^hashlane \d+\.\d+\.\d+ /);
  t.same([help!.code, ping!.code, version!.code], [0, 0, 0]);
});

t.test('ping', async (t) => {
  const replies: Record<string, readonly [ready: number, live: number]> = {
    '+PONG': [0, 0],
    '-NOAUTH Authentication required.': [0, 0],
    '-LOADING Redis is loading the dataset in memory': [1, 0],
  };
  for (const [reply, codes] of Object.entries(replies)) {
    const server = createServer((socket) => socket.end(`${reply}\r\n`)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const ends = await Promise.all(
      ['--ready', '--live'].map((probe) => start(['ping', '--port', String(port), probe]).closed),
    );
    t.same(
      ends.map(({ code }) => code),
      codes,
      reply,
    );
    server.close();
  }
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const { code, stderr } = await start(['ping', '--port', String(port), '--timeout', '20']).closed;
  t.equal(code, 1);
  t.match(stderr, /no answer within 20 ms/);
});
