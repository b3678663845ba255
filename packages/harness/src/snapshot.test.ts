/**
 * Snapshots of the whole server: written by SAVE, BGSAVE, a save rule and SIGTERM, accepted by
 * redis-check-rdb and redis-server with the same contents, loaded again by any number of shards,
 * refused when damaged, and never worse than the one before.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { walk } from './database-walk.ts';
import { TEST_MS_MAX } from './limits.ts';
import {
  freePort,
  oracleMissing,
  type RawClient,
  request,
  runCommandLine,
  SeededRandom,
  startOracle,
  startServer,
  testUnlessMissing,
  toolMissing,
  waitFor,
} from './tools.ts';

t.setTimeout(TEST_MS_MAX);

/** Strings and lists of all shapes, in four databases. */
async function fill(client: RawClient): Promise<void> {
  const random = new SeededRandom(7);
  for (let db = 0; db < 4; db++) {
    await client.text('SELECT', db);
    for (let i = 0; i < 60; i++) {
      await client.text('SET', `string:${i}`, random.bytes(random.below(200)));
      await client.text(
        'SET',
        `number:${i}`,
        (random.below(2 ** 31) - 2 ** 30) * (i % 3 ? 1 : 9e6),
      );
      const elements = Array.from({ length: 1 + random.below(50) }, (_, j) =>
        j % 3 === 0 ? String(random.below(70_000)) : random.bytes(random.below(100)),
      );
      await client.text('RPUSH', `list:${i}`, ...elements);
    }
    await client.text('PEXPIREAT', 'string:1', 33_000_000_000_123);
    await client.text('PEXPIREAT', 'list:1', 33_000_000_000_456);
    await client.text('SET', '', 'the empty key');
    await client.text('SET', Buffer.from([0, 255, 13, 10]), 'z'.repeat(100_000));
    await client.text('RPUSH', 'long', ...Array.from({ length: 3000 }, (_, i) => `element:${i}`));
    await client.text('RPUSH', 'large', 'x'.repeat(70_000), 'y');
  }
}

for (const shards of [0, 2]) {
  testUnlessMissing(
    t,
    `redis loads what ${shards} shards saved, and back`,
    oracleMissing() ?? toolMissing('redis-check-rdb'),
    async (t) => {
      const dir = t.testdir({});
      await using server = await startServer({ shards, dir });
      using client = await server.connect();
      await fill(client);
      t.equal(await client.call('SAVE'), '+OK\r\n');
      const check = spawnSync('redis-check-rdb', [join(dir, 'dump.rdb')], { encoding: 'utf8' });
      t.equal(check.status, 0, check.stdout);
      const expected = await walk(client, 4);
      await using oracle = await startOracle({ dir });
      using there = await oracle.connect();
      t.strictSame(await walk(there, 4), expected);
      await there.text('SAVE');
      await using again = await startServer({ shards: 1, dir });
      using third = await again.connect();
      t.strictSame(await walk(third, 4), expected, 'and hashlane what redis saved');
    },
  );
}

void t.test('a restart finds everything, with any number of shards', async (t) => {
  const dir = t.testdir({});
  let expected: string[] = [];
  for (const [i, shards] of [0, 2, 1, 4, 0].entries()) {
    await using server = await startServer({ shards, dir, args: ['--save', '3600 1'] });
    using client = await server.connect();
    if (i === 0) await fill(client);
    else t.strictSame(await walk(client, 4), expected, `${shards} shards`);
    await client.text('SELECT', 0);
    await client.text('SET', `start:${i}`, shards);
    expected = await walk(client, 4);
    t.strictSame(await server.stop(), { code: 0, signal: null });
    t.match(server.log, i === 0 ? /snapshot: none loaded/ : /snapshot: .*dump\.rdb, \d+ keys/);
  }
});

void t.test('without save rules SIGTERM writes nothing', async (t) => {
  const dir = t.testdir({});
  await using server = await startServer({ dir });
  using client = await server.connect();
  await client.text('SET', 'k', 'v');
  t.equal((await server.stop()).code, 0);
  t.notOk(existsSync(join(dir, 'dump.rdb')));
});

void t.test('a save rule', async (t) => {
  const dir = t.testdir({});
  await using server = await startServer({ shards: 2, dir, args: ['--save', '1 5'] });
  using client = await server.connect();
  await client.text('MSET', ...Array.from({ length: 20 }, (_, i) => `k${i}`));
  await waitFor('the snapshot', () => existsSync(join(dir, 'dump.rdb')));
  await waitFor(
    'its end',
    () => client.info('rdb_changes_since_last_save'),
    (changes) => changes === '0',
  );
  t.equal(await client.info('rdb_last_bgsave_status'), 'ok');
});

for (const shards of [0, 2]) {
  void t.test(`writes after BGSAVE are not in it, ${shards} shards`, async (t) => {
    const dir = t.testdir({});
    await using server = await startServer({ shards, dir });
    using client = await server.connect();
    const keys = Array.from({ length: 5000 }, (_, i) => `key:${i}`);
    await client.text('MSET', ...keys.flatMap((key) => [key, 'before']));
    for (let i = 0; i < 200; i++) await client.text('RPUSH', `list:${i}`, 'a', 'b');
    // One packet: the snapshot is marked, then everything changes.
    client.send(
      Buffer.concat([
        request('BGSAVE'),
        request('MSET', ...keys.flatMap((key) => [key, 'after'])),
        request('DEL', ...keys.slice(0, 2000)),
        request('SET', 'new', 'x'),
        ...Array.from({ length: 200 }, (_, i) => request('LPOP', `list:${i}`)),
        request('RENAME', 'key:3000', 'renamed'),
        request('SWAPDB', 0, 1),
      ]),
    );
    t.equal(await client.reply(), '+Background saving started\r\n');
    await client.skipReplies(205);
    await waitFor(
      'the end of BGSAVE',
      () => client.info('rdb_bgsave_in_progress'),
      (answer) => answer === '0',
    );
    t.equal(await client.info('rdb_last_bgsave_status'), 'ok');
    await using loaded = await startServer({ shards: 1, dir });
    using second = await loaded.connect();
    t.equal(await second.call('DBSIZE'), ':5200\r\n');
    const values = (await second.value('MGET', ...keys)) as readonly string[];
    t.equal(values.filter((value) => value === 'before').length, 5000);
    t.equal(await second.call('LLEN', 'list:199'), ':2\r\n');
    t.equal(await second.call('EXISTS', 'new', 'renamed'), ':0\r\n');
  });
}

void t.test('a damaged file is refused with its place', async (t) => {
  const dir = t.testdir({});
  {
    await using server = await startServer({ dir });
    using client = await server.connect();
    await fill(client);
    await client.text('SAVE');
  }
  const path = join(dir, 'dump.rdb');
  const good = readFileSync(path);
  const flipped = Buffer.from(good);
  flipped[good.length - 3]! ^= 0x40;
  const middle = Buffer.from(good);
  middle.fill(0xee, 5000, 5100);
  const damaged = [
    ['truncated', good.subarray(0, good.length / 2)],
    ['nearly whole', good.subarray(0, good.length - 1)],
    ['empty', Buffer.alloc(0)],
    ['another format', Buffer.from('This is not a snapshot at all.')],
    ['a wrong checksum', flipped],
    ['rubbish in the middle', middle],
  ] as const;
  for (const [name, bytes] of damaged) {
    writeFileSync(path, bytes);
    for (const shards of ['0', '2']) {
      const port = String(await freePort());
      const args = ['--port', port, '--dir', dir, '--save', '', '--shards', shards];
      const { code, log } = await runCommandLine(args);
      t.equal(code, 1, `${name}: exit code`);
      t.match(log, /byte (offset )?\d+|offset \d+/, `${name}: the place`);
      t.notMatch(log, /\n\s+at /, `${name}: no stack`);
    }
  }
});

/** A server whose snapshots fail for a while, and the state it is in meanwhile. */
async function failingSaves(t: Test, shards: number): Promise<void> {
  const dir = t.testdir({});
  const path = join(dir, 'dump.rdb');
  await using server = await startServer({ shards, dir, args: ['--save', '3600 1000'] });
  using client = await server.connect();
  await client.text('SET', 'k', 'good');
  await client.text('SAVE');
  const before = statSync(path).size;
  // Root may write everywhere: no permission stops it, but a directory that is gone does.
  const away = `${dir}-away`;
  spawnSync('mv', [dir, away]);
  t.match(await client.call('BGSAVE'), /^\+Background saving started/);
  await waitFor(
    'the failure',
    () => client.info('rdb_last_bgsave_status'),
    (status) => status === 'err',
  );
  t.match(await client.call('SET', 'k', 'v'), /^-MISCONF /);
  t.match(await client.call('RPUSH', 'l', 'v'), /^-MISCONF /);
  t.equal(await client.call('GET', 'k'), '$4\r\ngood\r\n', 'reads go on');
  t.match(await client.call('SAVE'), /^-ERR/);
  spawnSync('mv', [away, dir]);
  t.equal(statSync(path).size, before, 'the old file is there');
  t.match(await client.call('BGSAVE'), /^\+Background saving started/);
  await waitFor(
    'success',
    () => client.info('rdb_last_bgsave_status'),
    (status) => status === 'ok',
  );
  t.equal(await client.call('SET', 'k', 'v'), '+OK\r\n');
  await server.stop();
  rmSync(away, { recursive: true, force: true });
}

for (const shards of [0, 2]) {
  void t.test(`a snapshot that fails, ${shards} shards`, (t) => failingSaves(t, shards));
}

void t.test('a server whose working directory was removed lives on', async (t) => {
  const dir = t.testdir({ gone: {} });
  await using server = await startServer({ shards: 2, dir: join(dir, 'gone') });
  using client = await server.connect();
  await client.text('SET', 'k', 'v');
  // Node starts no thread there; what it started would end the process.
  rmSync(server.dir, { recursive: true });
  t.match(await client.call('SAVE'), /^-ERR/);
  t.equal(await client.text('GET', 'k'), 'v');
  await waitFor(
    'the reason in the log',
    async () => server.log,
    (log) => log.includes('the working directory of the process is gone'),
  );
  await client.call('SHUTDOWN', 'NOSAVE').catch(() => {});
  t.strictSame(await server.exited, { code: 0, signal: null });
});
