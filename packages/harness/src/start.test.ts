/** `start()`: what a test of somebody else's program relies on. */

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { type StartOptions, start } from './index.ts';
import { TEST_MS_MAX } from './limits.ts';
import { RawClient } from './raw-client.ts';

t.setTimeout(TEST_MS_MAX);

const KINDS: ReadonlyArray<readonly [name: string, options: StartOptions]> = [
  ['in this process', {}],
  ['in this process with two shards', { shards: 2 }],
  ['as a child process', { process: true, shards: 1 }],
];

for (const [name, options] of KINDS) {
  void t.test(`serves, is emptied, and stops: ${name}`, async (t) => {
    const server = await start(options);
    t.equal(server.url, `redis://127.0.0.1:${server.port}`);
    const client = server.client();
    t.equal(await client.set('key', 'value'), 'OK');
    await client.call('SELECT', '3');
    await client.rpush('list', 'a', 'b');
    t.equal(await server.client({ db: 3 }).llen('list'), 2, 'options reach the client');
    const library = '#!lua name=own\nredis.register_function("f", function() return 1 end)';
    await client.call('FUNCTION', 'LOAD', library);
    t.equal(await client.call('FCALL', 'f', 0), 1);
    const digest = String(await client.script('LOAD', 'return 1'));
    await server.reset();
    t.equal(await client.exists('list'), 0);
    t.strictSame(await client.script('EXISTS', digest), [0], 'scripts are gone');
    t.strictSame(await client.call('FUNCTION', 'LIST'), [], 'functions are gone');
    await client.call('SELECT', '0');
    t.equal(await client.exists('key'), 0, 'keys of all databases are gone');
    t.match(await client.info('server'), new RegExp(`shards:${options.shards ?? 0}\\b`));
    await server.stop();
    t.equal(client.status, 'end', 'the client is closed');
    await server.stop();
    await t.rejects(RawClient.connect(server.port), { code: 'ECONNREFUSED' });
    t.throws(() => server.client(), /stopped/);
  });
}

void t.test('two servers in one process know nothing of each other', async (t) => {
  await using one = await start();
  // What one stores before the other starts must be found after.
  await one.client().set('early', 'one');
  await using other = await start({ shards: 1, config: { databases: 2 } });
  t.equal(await one.client().get('early'), 'one');
  await one.client().set('key', 'one');
  t.equal(await other.client().get('key'), null);
  await other.client().set('key', 'other');
  t.equal(await one.client().get('key'), 'one');
  t.strictSame(await other.client().config('GET', 'databases'), ['databases', '2']);
  t.strictSame(await one.client().config('GET', 'databases'), ['databases', '16']);
  await one.stop();
  t.equal(await other.client().get('key'), 'other', 'one may stop before the other');
});

void t.test('the configuration: password, several words, mistakes', async (t) => {
  const config = { requirepass: 'p@ss word', save: ['60', '1'], maxmemory: '10mb' };
  for (const process of [false, true]) {
    await using server = await start({ config, process });
    t.equal(new URL(server.url).password, 'p%40ss%20word');
    t.strictSame(await server.client().config('GET', 'save'), ['save', '60 1']);
    t.strictSame(await server.client().config('GET', 'maxmemory'), ['maxmemory', '10485760']);
    await server.reset();
    t.match(server.log, process ? /Ready to accept connections/ : /^/);
  }
  const mistakes: StartOptions['config'] = { maxmemroy: '1mb' };
  await t.rejects(start({ config: mistakes }), /maxmemroy.*did you mean 'maxmemory'/);
  await t.rejects(start({ config: mistakes, process: true }), /maxmemroy/);
  await t.rejects(start({ config: { maxmemory: 'much' } }), /maxmemory 'much'/);
});

void t.test('a port that is asked for is used, or refused', async (t) => {
  await using server = await start();
  await t.rejects(start({ port: server.port }), { code: 'EADDRINUSE' });
  const { port } = server;
  await server.stop();
  await using again = await start({ port });
  t.equal(again.port, port);
  t.equal(await again.client().ping(), 'PONG');
});

void t.test('a snapshot that lies in the working directory is left alone', async (t) => {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'hashlane-test-'));
  process.chdir(folder);
  try {
    await using server = await start();
    await server.client().set('key', 'value');
    await server.client().save();
    const [, dir = ''] = (await server.client().config('GET', 'dir')) as string[];
    t.strictSame(readdirSync(dir), ['dump.rdb']);
    t.strictSame(readdirSync(folder), [], 'what SAVE writes is in a directory of its own');
    await server.stop();
    t.notOk(existsSync(dir), 'which goes with the server');
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  }
});

void t.test('it starts in less time than Node itself', async (t) => {
  const ours: number[] = [];
  const nodes: number[] = [];
  // In turn, so that what else the machine does befalls both.
  for (let i = 0; i < 5; i++) {
    let began = performance.now();
    await promisify(execFile)(process.execPath, ['--eval', '0']);
    nodes.push(performance.now() - began);
    began = performance.now();
    await using server = await start();
    await server.client().ping();
    ours.push(performance.now() - began);
  }
  const medians = [ours, nodes].map((times) => times.sort((a, b) => a - b)[2] ?? 0);
  const [our = 0, node = 0] = medians;
  t.ok(our < node, `first reply after ${our.toFixed(1)} ms, Node after ${node.toFixed(1)} ms`);
});

void t.test('no handle is left: the process ends by itself', async (t) => {
  const fixture = join(import.meta.dirname, 'start-exit.fixture.ts');
  const options = { timeout: TEST_MS_MAX / 2 };
  const { stdout } = await promisify(execFile)(process.execPath, [fixture], options);
  const { before, after } = JSON.parse(stdout);
  t.strictSame(after.sort(), before.sort(), 'no socket, timer, port or thread');
});
