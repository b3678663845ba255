/**
 * Scripts among the rest of the server, over real sockets: the cache on all shards, memory, pauses,
 * waiters, watches, snapshots, statistics. What a script itself means is in the conformance cases.
 */

import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import { start } from './start.ts';
import {
  oracleMissing,
  RawClient,
  request,
  startOracle,
  startServer,
  testUnlessMissing,
  waitFor,
} from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const KEYS = Array.from({ length: 40 }, (_, i) => `key:${i}`);
const ONE = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db';

type Body = (t: Test, client: RawClient, another: () => Promise<RawClient>) => Promise<void>;

/** Tests by the shards of the server that they run on, one after the other. */
const tests = new Map<number, [name: string, body: Body][]>();

function onServers(shardCounts: readonly number[], name: string, body: Body): void {
  for (const shards of shardCounts) {
    const list = tests.get(shards) ?? [];
    tests.set(shards, list);
    list.push([name, body]);
  }
}

async function sha1(client: RawClient, script: string): Promise<string> {
  return client.text('EVAL', 'return redis.sha1hex(ARGV[1])', 0, script);
}

onServers([0, 1, 4], 'what one EVAL brings, every shard knows', async (t, client, another) => {
  using other = await another();
  for (let round = 0; round < 6; round++) {
    const script = `return {${round}, KEYS[1]}`;
    const digest = await sha1(client, script);
    t.match(await other.call('EVALSHA', digest, 1, KEYS[0]!), /^-NOSCRIPT/);
    // The client that sends the EVAL, behind it in the same write.
    client.send(
      Buffer.concat([
        request('EVAL', script, 1, KEYS[round]!),
        ...KEYS.map((key) => request('EVALSHA', digest, 1, key)),
      ]),
    );
    const replies = await client.replies(1 + KEYS.length);
    other.send(Buffer.concat(KEYS.map((key) => request('EVALSHA', digest, 1, key))));
    const known = await other.replies(KEYS.length);
    const wanted = KEYS.map((key) => `*2\r\n:${round}\r\n$${key.length}\r\n${key}\r\n`);
    t.equal(replies[0], wanted[round], 'EVAL');
    t.same(known, wanted, 'another connection, after the reply');
    // On other shards the pipelined ones may be before the script: Redis's answer then is NOSCRIPT.
    replies.slice(1).forEach((reply, i) => {
      if (reply !== wanted[i]) t.match(reply, /^-NOSCRIPT/, KEYS[i]);
    });
  }
});

onServers([0, 2], 'SCRIPT LOAD, EXISTS and FLUSH', async (t, client, another) => {
  using other = await another();
  t.equal(await client.text('SCRIPT', 'LOAD', 'return 1'), ONE);
  for (const key of KEYS) t.equal(await other.call('EVALSHA', ONE, 1, key), ':1\r\n');
  t.same(await client.value('SCRIPT', 'EXISTS', ONE, 'x', ONE.toUpperCase()), [1, 0, 1]);
  t.equal(await client.info('number_of_cached_scripts'), '1');
  // FLUSHALL leaves scripts alone.
  await client.text('FLUSHALL');
  t.equal(await other.call('EVALSHA', ONE, 0), ':1\r\n');
  await client.text('SCRIPT', 'FLUSH');
  for (const key of KEYS) t.match(await other.call('EVALSHA', ONE, 1, key), /^-NOSCRIPT/);
  t.same(await client.value('SCRIPT', 'EXISTS', ONE), [0]);
  t.equal(await client.info('number_of_cached_scripts'), '0');
  t.match(await client.call('SCRIPT', 'KILL'), /^-NOTBUSY/);
});

onServers([0, 2], 'of many scripts those stay that are used', async (t, client) => {
  const loaded = await client.text('SCRIPT', 'LOAD', "return 'loaded'");
  const promoted = await sha1(client, "return 'promoted'");
  await client.call('EVAL', "return 'promoted'", 0);
  await client.text('SCRIPT', 'LOAD', "return 'promoted'");
  const used = await sha1(client, "return 'used'");
  await client.call('EVAL', "return 'used'", 0);
  const unused = await sha1(client, "return 'unused'");
  await client.call('EVAL', "return 'unused'", 0);
  for (let i = 0; i < 700; i += 20) {
    const scripts = Array.from({ length: 20 }, (_, n) => `return ${i + n}`);
    // All on one shard, where the used one runs as well.
    const evaluations = scripts.map((script) => request('EVAL', script, 1, '{t}'));
    client.send(Buffer.concat([...evaluations, request('EVALSHA', used, 1, '{t}')]));
    const replies = await client.replies(21);
    t.equal(replies[20], '$4\r\nused\r\n', `after ${i} others`);
  }
  t.match(await client.call('EVALSHA', unused, 0), /^-NOSCRIPT/);
  t.match(await client.call('EVALSHA', unused, 1, '{t}'), /^-NOSCRIPT/);
  t.equal(await client.call('EVALSHA', loaded, 1, '{t}'), '$6\r\nloaded\r\n');
  t.equal(await client.call('EVALSHA', promoted, 1, '{t}'), '$8\r\npromoted\r\n');
  // sha1's own script, used, unused and 700 others came by EVAL.
  t.equal(await client.info('number_of_cached_scripts'), '502');
  t.equal(await client.info('evicted_scripts'), '203');
  await client.text('CONFIG', 'RESETSTAT');
  t.equal(await client.info('evicted_scripts'), '0');
  // One that made room is learned again.
  t.equal(await client.call('EVAL', "return 'unused'", 1, '{t}'), '$6\r\nunused\r\n');
  t.equal(await client.call('EVALSHA', unused, 0), '$6\r\nunused\r\n');
});

onServers([2], 'a shard that is started again knows the scripts', async (t, client) => {
  await client.text('SCRIPT', 'LOAD', 'return 1');
  await client.call('DEBUG', 'CRASH-SHARD', 0);
  await waitFor('the shard', async () => {
    client.send(Buffer.concat(KEYS.map((key) => request('EXISTS', key))));
    return (await client.replies(KEYS.length)).every((reply) => !reply.startsWith('-'));
  });
  for (const key of KEYS) t.equal(await client.call('EVALSHA', ONE, 1, key), ':1\r\n');
});

onServers([0, 2], 'short of memory', async (t, client) => {
  const run = (script: string, name = 'EVAL'): Promise<string> =>
    client.call(name, script, 1, '{t}a');
  await client.text('MSET', '{t}a', 'x'.repeat(1000), '{t}z', 'x'.repeat(100_000));
  await client.text('CONFIG', 'SET', 'maxmemory', '2000');
  const write = "return redis.call('SET', KEYS[1], 'y')";
  t.match(await run(write), /^-OOM command not allowed when used memory > 'maxmemory'. script: /);
  t.match(await run("return redis.pcall('SET', KEYS[1], 'y')"), /^-OOM command not allowed/);
  t.equal(await run("return redis.call('STRLEN', KEYS[1])"), ':1000\r\n', 'reads');
  t.equal(await run("redis.call('DEL', KEYS[1]) return 1"), ':1\r\n', 'writes that free memory');
  // A script that has written may go on to its end.
  const goesOn = `redis.call('DEL', KEYS[1]) ${write}`;
  t.equal(await run(goesOn), '+OK\r\n');
  t.match(await run(`#!lua\n${write}`), /^-OOM/);
  t.equal(await run(`#!lua flags=allow-oom\n${write}`), '+OK\r\n');
  t.equal(await run("#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])"), '$1\r\ny\r\n');
  await client.text('CONFIG', 'SET', 'maxmemory', '0');
  t.equal(await run(write), '+OK\r\n');
});

onServers([0, 2], 'memory runs out in the midst of a script', async (t, client) => {
  await client.text('CONFIG', 'SET', 'maxmemory', '3mb');
  const fill = `redis.call('SET', KEYS[1], string.rep('x', 8 * 1024 * 1024))
    return redis.call('RPUSH', KEYS[2], 1)`;
  t.equal(await client.call('EVAL', fill, 2, '{t}a', '{t}b'), ':1\r\n');
  t.match(await client.call('EVAL', fill, 2, '{t}a', '{t}b'), /^-OOM/);
  t.equal(await client.value('LLEN', '{t}b'), 1);
});

onServers([0, 2], 'CLIENT PAUSE WRITE holds scripts that may write', async (t, client, another) => {
  using other = await another();
  using third = await another();
  await client.text('CLIENT', 'PAUSE', 100_000, 'WRITE');
  const held = other.call('EVAL', "return redis.call('INCR', KEYS[1])", 1, 'n');
  const readers = [
    await third.call('EVAL_RO', "return redis.call('GET', KEYS[1])", 1, 'n'),
    await third.call('GET', 'n'),
  ];
  t.same(readers, ['$-1\r\n', '$-1\r\n']);
  await client.text('CLIENT', 'UNPAUSE');
  t.equal(await held, ':1\r\n');
});

onServers([0, 2], 'a script wakes who waits, after it has ended', async (t, client, another) => {
  using list = await another();
  using sorted = await another();
  using stream = await another();
  const waiting = [
    list.call('BLPOP', '{w}l', 0),
    sorted.call('BZPOPMIN', '{w}z', 0),
    stream.call('XREAD', 'BLOCK', 0, 'STREAMS', '{w}x', '$'),
  ];
  await waitFor('three waiters', async () => (await client.info('blocked_clients')) === '3');
  const script = `redis.call('RPUSH', KEYS[1], 'a', 'b') local n = redis.call('LLEN', KEYS[1])
    redis.call('ZADD', KEYS[2], 1, 'm') redis.call('XADD', KEYS[3], '1-1', 'f', 'v') return n`;
  t.equal(await client.call('EVAL', script, 3, '{w}l', '{w}z', '{w}x'), ':2\r\n');
  const [popped, least, read] = await Promise.all(waiting);
  t.equal(popped, '*2\r\n$4\r\n{w}l\r\n$1\r\na\r\n');
  t.equal(least, '*3\r\n$4\r\n{w}z\r\n$1\r\nm\r\n$1\r\n1\r\n');
  t.match(read, /1-1/);
  t.same(await client.value('LRANGE', '{w}l', 0, -1), ['b']);
  // What is gone again at the end of the script wakes nobody.
  const again = list.call('BLPOP', '{w}q', 0);
  await waitFor('a waiter', async () => (await client.info('blocked_clients')) === '1');
  const gone = "redis.call('RPUSH', KEYS[1], 1) redis.call('DEL', KEYS[1])";
  await client.call('EVAL', gone, 1, '{w}q');
  t.equal(await client.info('blocked_clients'), '1');
  await client.text('RPUSH', '{w}q', 'z');
  t.equal(await again, '*2\r\n$4\r\n{w}q\r\n$1\r\nz\r\n');
});

onServers([0, 2], 'a script breaks the WATCH of another client', async (t, client, another) => {
  using other = await another();
  const set = "return redis.call('SET', KEYS[1], 1)";
  for (const [script, isBroken] of [
    [set, true],
    ["return redis.call('GET', KEYS[1])", false],
    ["return redis.pcall('LPUSH', KEYS[1], 1)", false],
    [`${set} .. error('after the write')`, true],
  ] as const) {
    await client.text('WATCH', 'k');
    await other.call('EVAL', script, 1, 'k');
    await client.text('MULTI');
    await client.text('PING');
    const reply = await client.call('EXEC');
    t.equal(reply, isBroken ? '*-1\r\n' : '*1\r\n+PONG\r\n', script);
  }
});

onServers([0, 2], 'time stands still for keys within a script', async (t, client) => {
  // Busy until 30 ms have passed by the clock, and the key of 5 ms is still there.
  const script = `redis.call('SET', KEYS[1], 'v', 'PX', 5)
    local function now() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
    local start = now()
    while now() - start < 30000 do end
    return redis.call('EXISTS', KEYS[1])`;
  t.equal(await client.call('EVAL', script, 1, 'k'), ':1\r\n');
  t.equal(await client.call('EXISTS', 'k'), ':0\r\n');
});

for (const shards of [0, 2]) {
  void t.test(`a snapshot while scripts write, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    const keys = Array.from({ length: 4000 }, (_, i) => `s:${i}`);
    await client.text('MSET', ...keys.flatMap((key) => [key, 'old']));
    const change = `for i = 0, 9 do redis.call('SET', KEYS[1], 'new' .. i) end
      redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], 1, 2)`;
    const changed = keys.filter((_, i) => i % 50 === 0);
    const evaluations = changed.map((key) => request('EVAL', change, 1, key));
    client.send(Buffer.concat([request('BGSAVE'), ...evaluations]));
    const replies = await client.replies(1 + changed.length);
    t.ok(replies.slice(1).every((reply) => reply === ':2\r\n'));
    await waitFor(
      'the snapshot',
      async () => (await client.info('rdb_bgsave_in_progress')) === '0',
    );
    t.equal(await client.info('rdb_last_bgsave_status'), 'ok');
    await using loaded = await startServer({ shards, dir: server.dir });
    using reader = await loaded.connect();
    t.equal(await reader.value('DBSIZE'), keys.length);
    const values = (await reader.value('MGET', ...changed)) as string[];
    t.ok(values.every((value) => value === 'old'));
  });
}

onServers([0, 2], 'CLIENT REPLY OFF and SKIP', async (t, client) => {
  client.send(
    Buffer.concat([
      request('CLIENT', 'REPLY', 'OFF'),
      request('EVAL', "return redis.call('INCR', KEYS[1])", 1, 'n'),
      request('EVAL', "error('x')", 1, 'n'),
      request('CLIENT', 'REPLY', 'ON'),
      request('CLIENT', 'REPLY', 'SKIP'),
      request('EVAL', "return redis.call('INCR', KEYS[1])", 1, 'n'),
      request('EVAL', "return redis.call('INCR', KEYS[1])", 1, 'n'),
    ]),
  );
  t.same(await client.replies(2), ['+OK\r\n', ':3\r\n']);
});

onServers([0, 2], 'a script empties the databases', async (t, client) => {
  await client.text('SET', 'k', 'v');
  const script = `redis.call('FLUSHALL') redis.call('SET', KEYS[1], 'new')
    redis.call('FLUSHDB') redis.call('RPUSH', KEYS[1], 1)
    return redis.call('LLEN', KEYS[1])`;
  t.equal(await client.call('EVAL', script, 1, 'k'), ':1\r\n');
  t.equal(await client.value('DBSIZE'), 1);
  t.equal(await client.text('TYPE', 'k'), 'list');
});

onServers([0, 2], 'large values come and go within scripts', async (t, client) => {
  // What is freed in slices is freed while later scripts run and make it again.
  const script = `for i = 1, 20 do redis.call('ZADD', KEYS[1], i, ARGV[1] .. i) end
    local t = {} for i = 1, 4000 do t[i] = 'member' .. i end
    redis.call('SADD', KEYS[2], unpack(t)) redis.call('RPUSH', KEYS[3], unpack(t))
    redis.call(ARGV[2], KEYS[1], KEYS[2], KEYS[3])
    redis.call('SADD', KEYS[2], unpack(t)) redis.call('UNLINK', KEYS[2])
    return redis.call('SADD', KEYS[2], 'a')`;
  const keys = ['{l}z', '{l}s', '{l}l'];
  client.send(
    Buffer.concat(
      Array.from({ length: 20 }, (_, i) =>
        request('EVAL', script, 3, ...keys, `x${i}`, i % 2 === 0 ? 'DEL' : 'UNLINK'),
      ),
    ),
  );
  const replies = await client.replies(20);
  t.equal(replies[0], ':1\r\n');
  t.same(new Set(replies.slice(1)), new Set([':1\r\n']));
  t.same(await client.value('SMEMBERS', '{l}s'), ['a']);
  t.equal(await client.value('DBSIZE'), 1);
});

/**
 * Calls and failures of commands and of errors. Redis counts as rejected what a script may not call;
 * here only clients are rejected.
 */
async function statistics(client: RawClient, section: string): Promise<string[]> {
  const text = await client.text('INFO', section);
  const lines = text
    .split('\r\n')
    .filter((line) => /^(cmdstat|errorstat)_/.test(line))
    .filter((line) => !/^cmdstat_(config|info)|:calls=0/.test(line));
  return lines.map((line) => line.replace(/,usec.*?(?=,rejected|$)/g, '')).sort();
}

const COUNTED = [
  ["return redis.call('SET', KEYS[1], 'v')"],
  ["redis.call('GET', KEYS[1]) return redis.call('LPUSH', KEYS[1], 1)"],
  ["return redis.pcall('LPUSH', KEYS[1], 1)"],
  ["redis.pcall('LPUSH', KEYS[1], 1) return 1"],
  ["return redis.pcall('NOSUCH')"],
  ["redis.pcall('NOSUCH') return 1"],
  ["redis.call('NOSUCH')"],
  ["return redis.pcall('GET')"],
  ["return redis.pcall('MULTI')"],
  ['return redis.pcall()'],
  ['redis.pcall() return 1'],
  ["return redis.error_reply('MINE x')"],
  ["return {err = 'OURS x'}"],
  ["error('boo')"],
  ["error({err = 'THEIRS x'})"],
  ["pcall(redis.call, 'LPUSH', KEYS[1], 1) return 1"],
  ['retur'],
] as const;

for (const shards of [0, 2]) {
  testUnlessMissing(t, `statistics, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    using here = await server.connect();
    using there = await oracle.connect();
    for (const [script] of COUNTED) {
      for (const client of [here, there]) {
        await client.text('SET', '{t}k', 'v');
        await client.text('CONFIG', 'RESETSTAT');
        await client.call('EVAL', script, 1, '{t}k');
      }
      for (const section of ['commandstats', 'errorstats']) {
        const [ours, theirs] = [await statistics(here, section), await statistics(there, section)];
        t.same(ours, theirs, `${section}: ${script}`);
      }
    }
  });
}

for (const shards of [0, 1, 2]) {
  testUnlessMissing(t, `statistics of EXEC, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    using here = await server.connect();
    using there = await oracle.connect();
    const queued = [['LPUSH', 'k', 1], ['EVAL', "redis.call('NOSUCH')", 0], ['NOSUCH']];
    for (const words of queued) {
      for (const client of [here, there]) {
        await client.text('SET', 'k', 'v');
        await client.text('CONFIG', 'RESETSTAT');
        await client.call('MULTI');
        await client.call(...words);
        await client.call('EXEC');
      }
      for (const section of ['commandstats', 'errorstats']) {
        const [ours, theirs] = [await statistics(here, section), await statistics(there, section)];
        t.same(ours, theirs, `${section}: ${words.join(' ')}`);
      }
    }
  });
}

for (const [shards, list] of tests) {
  void t.test(`${shards} shards`, async (t) => {
    await using server = await start({ shards, config: { 'enable-debug-command': 'yes' } });
    const another = (): Promise<RawClient> => RawClient.connect(server.port);
    for (const [name, body] of list) {
      await server.reset();
      using client = await another();
      await client.text('SCRIPT', 'FLUSH');
      await client.text('CONFIG', 'RESETSTAT');
      await t.test(name, (t) => body(t, client, another));
    }
  });
}
