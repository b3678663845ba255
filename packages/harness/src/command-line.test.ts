/** The command line as a user meets it: one line and code 1 for a mistake, the banner, `ping`. */

import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { freePort, runCommandLine, startServer, waitFor } from './tools.ts';

t.setTimeout(TEST_MS_MAX);

/** Lines that are not the log's: what a user reads on the terminal as the reason. */
function complaints(log: string): string[] {
  return log.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":"info"'));
}

void t.test('mistakes', async (t) => {
  await using server = await startServer();
  const used = String(server.port);
  const free = String(await freePort());
  const cases = [
    ['an unknown flag', ['--nope', '1'], /nope/],
    ['a wrong value', ['--port', 'x'], /port/],
    ['a missing value', ['--port'], /port/],
    ['a stray word', ['--port', free, '--save', '', '--shards', 'many'], /shards/],
    ['a file that is not there', ['/nowhere/redis.conf'], /nowhere/],
    ['a port in use', ['--port', used, '--bind', '127.0.0.1', '--save', ''], /port \d+ is in use/],
    ['a directory that is not there', ['--port', free, '--dir', '/nowhere'], /nowhere/],
    ['a directory that is a file', ['--port', free, '--dir', '/dev/null'], /dev\/null/],
    ['an address of others', ['--port', free, '--bind', '192.0.2.1', '--save', ''], /192\.0\.2\.1/],
    ['a wrong rule', ['--port', free, '--save', '1'], /save/],
  ] as const;
  for (const [name, args, text] of cases) {
    const { code, log } = await runCommandLine(args);
    const lines = complaints(log);
    t.equal(code, 1, `${name}: exit code`);
    t.equal(lines.length, 1, `${name}: one line, ${JSON.stringify(lines)}`);
    t.match(lines[0], text, name);
  }
});

void t.test('the banner', async (t) => {
  for (const shards of [0, 2]) {
    await using server = await startServer({ shards });
    t.match(server.log, new RegExp(`PID: ${server.pid}`));
    t.match(server.log, shards === 0 ? /shards: none/ : /shards: 2/);
    t.match(server.log, /snapshot: none loaded/);
    const ready = new RegExp(`Ready to accept connections on 127.0.0.1:${server.port}, in \\d+ ms`);
    t.match(server.log, ready);
    t.strictSame(await server.stop(), { code: 0, signal: null });
    t.match(server.log, /SIGTERM received/);
  }
});

void t.test('SIGTERM answers blocked clients', async (t) => {
  for (const shards of [0, 2]) {
    await using server = await startServer({ shards });
    using one = await server.connect();
    using several = await server.connect();
    one.send('*3\r\n$5\r\nBLPOP\r\n$1\r\na\r\n$1\r\n0\r\n');
    several.send('BLPOP a b c d e f 0\r\n');
    using observer = await server.connect();
    await waitFor(
      'two blocked clients',
      () => observer.info('blocked_clients'),
      (count) => count === '2',
    );
    server.signal('SIGTERM');
    t.match(await one.rest(), /^-UNBLOCKED /);
    t.match(await several.rest(), /^-UNBLOCKED /);
    t.equal((await server.exited).code, 0);
  }
});

void t.test('configuration from the environment', async (t) => {
  await using server = await startServer({ env: { HASHLANE_MAXCLIENTS: '77' } });
  using client = await server.connect();
  t.equal(await client.text('CONFIG', 'GET', 'maxclients'), 'maxclients,77');
});

void t.test('ping', async (t) => {
  await using server = await startServer({ args: ['--requirepass', 'secret'] });
  t.equal((await runCommandLine(['ping', '--port', String(server.port)])).code, 0);
  const env = { HASHLANE_PORT: String(server.port) };
  t.equal((await runCommandLine(['ping', '--live'], env)).code, 0);
  await server.stop();
  const { code, log } = await runCommandLine(['ping'], env);
  t.equal(code, 1);
  t.equal(complaints(log).length, 1, log);
});

void t.test('help and version', async (t) => {
  const help = await runCommandLine(['--help']);
  t.equal(help.code, 0);
  for (const word of ['--port', '--shards', '--save', '--dir', 'ping']) t.match(help.log, word);
  const version = await runCommandLine(['--version']);
  t.equal(version.code, 0);
  t.match(version.log, /^hashlane \d+\.\d+\.\d+/);
});
