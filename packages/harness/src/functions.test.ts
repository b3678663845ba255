/**
 * Functions among the rest of the server, over real sockets: all shards have them, also after a
 * crash; snapshots and payloads exchanged with redis-server; functions that take long; memory. What
 * a function itself means is in the conformance cases.
 */

import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import {
  oracleMissing,
  type RawClient,
  request,
  SeededRandom,
  type ServerProcess,
  startOracle,
  startServer,
  testUnlessMissing,
  toolMissing,
  waitFor,
} from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const KEYS = Array.from({ length: 30 }, (_, i) => `key:${i}`);
const RANDOM_STEPS = 300;
const DEBUG = ['--enable-debug-command', 'yes'];

/** A library with one function that sets a key to `value`. */
function library(name: string, value: string, size = 0): string {
  const set = `redis.call('SET', keys[1], '${value}')`;
  const body = `return function(keys) ${set} return redis.call('GET', keys[1]) end`;
  const padding = `-- ${'padding '.repeat(size)}\n`;
  return `#!lua name=${name}\n${padding}local function make() ${body} end
    redis.register_function{function_name = '${name}_set', callback = make(),
      description = 'sets \xe9', flags = {'allow-oom'}}`;
}

/** A bulk string's bytes. */
function bulk(raw: string): Buffer {
  return Buffer.from(raw.slice(raw.indexOf('\r\n') + 2, -2), 'latin1');
}

/** What a server knows of its libraries, in the order of their names. */
async function libraries(client: RawClient): Promise<string[]> {
  const list = (await client.value('FUNCTION', 'LIST', 'WITHCODE')) as unknown[];
  return list.map((each) => JSON.stringify(each)).sort();
}

/** The same with the functions of each library in the order of their names. */
async function descriptions(client: RawClient): Promise<string[]> {
  const list = (await client.value('FUNCTION', 'LIST', 'WITHCODE')) as unknown[][];
  return list
    .map((each) =>
      JSON.stringify(
        each.map((part) =>
          Array.isArray(part) ? part.map((one) => JSON.stringify(one)).sort() : part,
        ),
      ),
    )
    .sort();
}

/** Calls a function with a key of every shard, and collects the different replies. */
async function callEverywhere(client: RawClient, name: string): Promise<string[]> {
  client.send(Buffer.concat(KEYS.map((key) => request('FCALL', name, 1, key))));
  return [...new Set(await client.replies(KEYS.length))];
}

for (const shards of [0, 3]) {
  void t.test(`every shard has every library, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    using other = await server.connect();
    t.equal(await client.text('FUNCTION', 'LOAD', library('a', 'one')), 'a');
    t.strictSame(await callEverywhere(other, 'a_set'), ['$3\r\none\r\n']);
    // In one write: what follows a change sees it.
    client.send(
      Buffer.concat([
        request('FUNCTION', 'LOAD', 'REPLACE', library('a', 'two')),
        ...KEYS.map((key) => request('FCALL', 'A_SET', 1, key)),
        request('FUNCTION', 'DELETE', 'a'),
        ...KEYS.map((key) => request('FCALL', 'a_set', 1, key)),
      ]),
    );
    const replies = await client.replies(2 + 2 * KEYS.length);
    t.strictSame(
      [...new Set(replies)],
      ['$1\r\na\r\n', '$3\r\ntwo\r\n', '+OK\r\n', '-ERR Function not found\r\n'],
    );
    const loads = await Promise.all(
      [client, other].map((each) => each.call('FUNCTION', 'LOAD', library('b', 'x'))),
    );
    t.equal(loads.filter((reply) => reply.startsWith('$')).length, 1, 'one of two wins');
    await client.text('FLUSHALL');
    t.strictSame(await callEverywhere(other, 'b_set'), ['$1\r\nx\r\n'], 'FLUSHALL keeps them');
  });
}

void t.test('a shard that crashed has the libraries again', async (t) => {
  await using server = await startServer({ shards: 2, args: DEBUG });
  using client = await server.connect();
  await client.text('FUNCTION', 'LOAD', library('a', 'one'));
  await client.text('FUNCTION', 'LOAD', library('gone', 'one'));
  await client.text('FUNCTION', 'DELETE', 'gone');
  for (const shard of [0, 1]) {
    await client.call('DEBUG', 'CRASH-SHARD', shard);
    await waitFor('the shard to be back', async () =>
      (await callEverywhere(client, 'a_set')).every((reply) => !reply.startsWith('-')),
    );
    t.strictSame(await callEverywhere(client, 'a_set'), ['$3\r\none\r\n']);
    t.strictSame(await callEverywhere(client, 'gone_set'), ['-ERR Function not found\r\n']);
  }
  await client.text('FUNCTION', 'LOAD', library('b', 'two'));
  t.strictSame(await callEverywhere(client, 'b_set'), ['$3\r\ntwo\r\n']);
});

// Files and payloads

const NAMES = ['first', 'second', 'third'];

async function loadSome(client: RawClient): Promise<void> {
  for (const [i, name] of NAMES.entries()) {
    await client.text('FUNCTION', 'LOAD', library(name, `value ${i}`, 40 * i));
  }
}

for (const shards of [0, 2]) {
  testUnlessMissing(
    t,
    `snapshots with redis-server, ${shards} shards`,
    oracleMissing() ?? toolMissing('redis-check-rdb'),
    async (t) => {
      const dir = t.testdir({});
      let expected: string[];
      {
        await using server = await startServer({ shards, dir });
        using client = await server.connect();
        await loadSome(client);
        await client.text('SET', 'k', 'v');
        await client.text('SAVE');
        expected = await libraries(client);
        t.equal(expected.length, NAMES.length);
      }
      const check = spawnSync('redis-check-rdb', [join(dir, 'dump.rdb')], { encoding: 'utf8' });
      t.equal(check.status, 0, check.stdout);
      {
        await using oracle = await startOracle({ dir });
        using client = await oracle.connect();
        t.strictSame(await libraries(client), expected, 'redis-server loads ours');
        t.equal(await client.text('FCALL', 'second_set', 1, 'k'), 'value 1');
        await client.text('FUNCTION', 'LOAD', library('fourth', 'value 3'));
        await client.text('SAVE');
        expected = await libraries(client);
      }
      await using server = await startServer({ shards: 2 - shards, dir, args: DEBUG });
      using client = await server.connect();
      t.strictSame(await libraries(client), expected, 'and we load its file');
      t.strictSame(await callEverywhere(client, 'fourth_set'), ['$7\r\nvalue 3\r\n']);
      await client.text('FUNCTION', 'FLUSH');
      await client.text('DEBUG', 'RELOAD', 'NOSAVE');
      t.strictSame(await libraries(client), expected, 'and again');
      await client.text('FUNCTION', 'FLUSH');
      await client.text('DEBUG', 'RELOAD');
      t.strictSame(await libraries(client), [], 'none');
    },
  );

  testUnlessMissing(
    t,
    `payloads with redis-server, ${shards} shards`,
    oracleMissing(),
    async (t) => {
      await using server = await startServer({ shards });
      await using oracle = await startOracle();
      using here = await server.connect();
      using there = await oracle.connect();
      for (const [from, to] of [
        [here, there],
        [there, here],
      ] as const) {
        await Promise.all([from, to].map((client) => client.text('FUNCTION', 'FLUSH')));
        await loadSome(from);
        const payload = bulk(await from.call('FUNCTION', 'DUMP'));
        t.equal(await to.call('FUNCTION', 'RESTORE', payload), '+OK\r\n');
        t.strictSame(await libraries(to), await libraries(from));
        t.equal(await to.text('FCALL', 'third_set', 1, 'k'), 'value 2');
      }
      // One library: then there is one order, and all bytes are the same.
      await Promise.all([here, there].map((client) => client.text('FUNCTION', 'FLUSH')));
      for (const size of [0, 100]) {
        const source = library('only', 'x', size);
        const dumps = [here, there].map(async (client) => {
          await client.text('FUNCTION', 'LOAD', 'REPLACE', source);
          return client.call('FUNCTION', 'DUMP');
        });
        const [ours, theirs] = await Promise.all(dumps);
        t.equal(bulk(ours!).length, bulk(theirs!).length);
      }
    },
  );

  testUnlessMissing(t, `RESTORE beside redis, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    using here = await server.connect();
    using there = await oracle.connect();
    await there.text('FUNCTION', 'LOAD', library('a', 'one'));
    const a = bulk(await there.call('FUNCTION', 'DUMP'));
    await there.text('FUNCTION', 'FLUSH');
    const taken = '#!lua name=b\nredis.register_function("A_set", function() end)';
    await there.text('FUNCTION', 'LOAD', taken);
    const b = bulk(await there.call('FUNCTION', 'DUMP'));
    await there.text('FUNCTION', 'FLUSH');
    await there.text('SET', 'k', 'v');
    const value = bulk(await there.call('DUMP', 'k'));
    const broken = Buffer.from(a);
    broken[3]! ^= 1;
    const later = Buffer.from(a);
    later[later.length - 10] = 99;
    const programs = [
      ['RESTORE', a],
      ['RESTORE', a],
      ['RESTORE', a, 'APPEND'],
      ['RESTORE', a, 'replace'],
      ['RESTORE', b],
      ['RESTORE', b, 'REPLACE'],
      ['LIST'],
      ['RESTORE', b, 'FLUSH'],
      ['LIST'],
      ['RESTORE', value],
      ['RESTORE', value, 'FLUSH'],
      ['RESTORE', broken, 'FLUSH'],
      ['RESTORE', later, 'FLUSH'],
      ['RESTORE', a.subarray(0, 9), 'FLUSH'],
      ['RESTORE', a, 'NOPE'],
      ['LIST'],
    ];
    for (const words of programs) {
      const replies = await Promise.all(
        [there, here].map((client) => client.call('FUNCTION', ...words)),
      );
      t.equal(replies[1], replies[0], words.filter((word) => !Buffer.isBuffer(word)).join(' '));
    }
  });
}

void t.test('a snapshot with a library that does not compile is refused', async (t) => {
  const dir = t.testdir({});
  {
    await using server = await startServer({ dir, args: ['--rdbchecksum', 'no'] });
    using client = await server.connect();
    await client.text('FUNCTION', 'LOAD', library('a', 'one'));
    await client.text('SAVE');
  }
  const path = join(dir, 'dump.rdb');
  const file = readFileSync(path);
  file.write('nofunction', file.indexOf('local function'));
  writeFileSync(path, file);
  await t.rejects(startServer({ dir }), /cannot load .*Error (compiling|registering) function/);
});

void t.test('changes of functions count for save rules', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  await client.text('FUNCTION', 'LOAD', library('a', 'one'));
  await client.text('FUNCTION', 'DELETE', 'a');
  const changes = (wanted: string): Promise<unknown> =>
    // INFO does not wait for a shard that is slow to answer.
    waitFor(
      `${wanted} changes`,
      () => client.info('rdb_changes_since_last_save'),
      (count) => count === wanted,
    );
  await changes('2');
  await client.text('SAVE');
  await changes('0');
  t.pass();
});

// Random programs

/** A library with some of few functions, or with what does not load. */
function randomSource(random: SeededRandom): string {
  const name = `lib${random.below(4)}`;
  if (random.below(8) === 0) return `#!lua name=${name}\nnope()`;
  const functions = Array.from({ length: 1 + random.below(2) }, () => `f${random.below(6)}`);
  const names = [...new Set(functions)].map((each) =>
    random.below(4) === 0 ? each.toUpperCase() : each,
  );
  const calls = names.map(
    (each) => `redis.register_function('${each}', function() return '${name} ${each}' end)`,
  );
  return [`#!lua name=${name}`, ...calls].join('\n');
}

function randomCommand(random: SeededRandom, payloads: readonly Buffer[]): (string | Buffer)[] {
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return ['FUNCTION', 'LOAD', randomSource(random)];
    case 3:
    case 4:
      return ['FUNCTION', 'LOAD', 'REPLACE', randomSource(random)];
    case 5:
      return ['FUNCTION', 'DELETE', `lib${random.below(4)}`];
    case 6: {
      const policy = ['APPEND', 'REPLACE', 'REPLACE', 'FLUSH'][random.below(4)]!;
      return ['FUNCTION', 'RESTORE', payloads[random.below(payloads.length)]!, policy];
    }
    case 7:
      return random.below(6) === 0 ? ['FUNCTION', 'FLUSH'] : ['FUNCTION', 'STATS'];
    default:
      return ['FCALL', `f${random.below(6)}`, '0'];
  }
}

/** Which of several libraries or functions is named first is open. */
function withoutName(reply: string): string {
  return reply.replace(/(Library|Function) \w+ already/, '$1 N already');
}

for (const shards of [0, 2]) {
  testUnlessMissing(t, `random programs, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    using here = await server.connect();
    using there = await oracle.connect();
    const random = new SeededRandom(shards);
    const payloads = [bulk(await there.call('FUNCTION', 'DUMP'))];
    for (let step = 0; step < RANDOM_STEPS; step++) {
      const words = randomCommand(random, payloads);
      const [ours, theirs] = await Promise.all([here, there].map((each) => each.call(...words)));
      if (withoutName(ours!) !== withoutName(theirs!)) {
        t.fail(`${step}: ${words.join(' ')}\nhere: ${ours}\nredis: ${theirs}`);
        return;
      }
      if (step % 10 !== 0) continue;
      // A payload of either: both must take both.
      payloads.push(bulk(await (step % 20 === 0 ? here : there).call('FUNCTION', 'DUMP')));
      if (payloads.length > 8) payloads.shift();
      t.strictSame(await descriptions(here), await descriptions(there), `${step}`);
    }
  });
}

// Functions that take long

const SLOW = `#!lua name=slow
  redis.register_function('loop', function() while true do end end)
  redis.register_function('caught', function()
    while true do pcall(function() while true do end end) end
  end)
  redis.register_function('dirty', function(keys)
    redis.call('SET', keys[1], 'x')
    while true do end
  end)`;
const BUSY = ['--busy-reply-threshold', '100'];
const BUSY_COMMANDS = [
  ['GET', 'k'],
  ['FCALL', 'loop', 0],
  ['SCRIPT', 'KILL'],
  ['SCRIPT', 'EXISTS', 'x'],
  ['FUNCTION', 'LIST'],
  ['FUNCTION', 'DELETE', 'slow'],
  ['FUNCTION', 'LOAD', library('a', 'one')],
  ['SHUTDOWN'],
];

/** Sends a command that does not end, and waits until the server says so. */
async function occupy(busy: RawClient, client: RawClient, words: string[]): Promise<void> {
  busy.send(request(...words));
  // What does not end the one kind tells of the other.
  const other = words[0] === 'EVAL' ? 'FUNCTION' : 'SCRIPT';
  await waitFor('the script to take long', async () => {
    const reply = await client.call(other, 'KILL');
    return !reply.startsWith('-NOTBUSY');
  });
}

/** What a server replies while a function runs, a script runs, and one has written. */
async function whileBusy(server: ServerProcess): Promise<Record<string, string>> {
  using client = await server.connect();
  using busy = await server.connect();
  const replies: Record<string, string> = {};
  const note = async (name: string, ...words: (string | number)[]): Promise<void> => {
    replies[`${name}: ${words.join(' ')}`] = (await client.call(...words)).replace(
      /(duration_ms\r\n:)\d+/,
      '$1N',
    );
  };
  await client.text('FUNCTION', 'LOAD', SLOW);
  await occupy(busy, client, ['FCALL', 'loop', '1', 'k', 'argument']);
  for (const words of BUSY_COMMANDS) await note('function', ...words);
  await note('function', 'FUNCTION', 'STATS');
  await client.text('HELLO', 3);
  await note('RESP3', 'FUNCTION', 'STATS');
  await client.text('HELLO', 2);
  await note('function', 'FUNCTION', 'KILL');
  replies['loop ends'] = await busy.reply();
  await note('idle', 'FUNCTION', 'KILL');
  await occupy(busy, client, ['FCALL', 'caught', '1', 'k']);
  await note('caught', 'FUNCTION', 'KILL');
  replies['caught ends'] = await busy.reply();
  await occupy(busy, client, ['EVAL', 'while true do end', '1', 'k']);
  for (const words of BUSY_COMMANDS) if (words[1] !== 'KILL') await note('script', ...words);
  await note('script', 'FUNCTION', 'KILL');
  await note('script', 'FUNCTION', 'STATS');
  await note('script', 'SCRIPT', 'KILL');
  replies['script ends'] = await busy.reply();
  await note('idle', 'FUNCTION', 'STATS');
  await occupy(busy, client, ['FCALL', 'dirty', '1', 'k']);
  await note('written', 'SCRIPT', 'KILL');
  await note('written', 'FUNCTION', 'KILL');
  client.send(request('SHUTDOWN', 'NOSAVE'));
  return replies;
}

testUnlessMissing(t, 'functions that take long, beside redis', oracleMissing(), async (t) => {
  const server = await startServer({ shards: 1, args: BUSY });
  const oracle = await startOracle({ args: BUSY });
  const [ours, theirs] = await Promise.all([whileBusy(server), whileBusy(oracle)]);
  t.strictSame(ours, theirs);
  t.equal((await server.exited).code, 0, 'SHUTDOWN NOSAVE ends it');
  await oracle.exited;
});

void t.test('other shards go on while a function takes long', async (t) => {
  await using server = await startServer({ shards: 2, args: BUSY });
  using client = await server.connect();
  using busy = await server.connect();
  await client.text('FUNCTION', 'LOAD', SLOW);
  await occupy(busy, client, ['FCALL', 'loop', '1', 'k']);
  client.send(Buffer.concat(KEYS.map((key) => request('GET', key))));
  const replies = await client.replies(KEYS.length);
  t.ok(replies.includes('$-1\r\n'), 'some keys can be read');
  t.equal(await client.text('FUNCTION', 'KILL'), 'OK');
  t.match(await busy.reply(), /^-ERR Script killed by user .* script: loop, on @user_function:2\./);
});

void t.test('in the thread of the gateway a function ends by itself', async (t) => {
  await using server = await startServer({ shards: 0, args: BUSY });
  using client = await server.connect();
  await client.text('FUNCTION', 'LOAD', SLOW);
  t.match(await client.call('FCALL', 'caught', 1, 'k'), /^-ERR .* script: caught/);
  t.equal(await client.call('PING'), '+PONG\r\n');
});

// Loading and memory

testUnlessMissing(t, 'loading that does not end, beside redis', oracleMissing(), async (t) => {
  await using server = await startServer({ shards: 2 });
  await using oracle = await startOracle();
  const replies = [server, oracle].map(async (each) => {
    using client = await each.connect();
    const endless = await client.call('FUNCTION', 'LOAD', '#!lua name=a\nwhile true do end');
    const deep = await client.call(
      'FUNCTION',
      'LOAD',
      '#!lua name=a\nlocal function f() return 1 + f() end\nredis.register_function("f", f) f()',
    );
    return [endless, deep.slice(0, 60), await client.call('FUNCTION', 'LIST')];
  });
  const [ours, theirs] = await Promise.all(replies);
  t.strictSame(ours, theirs);
});

for (const shards of [0, 1, 2]) {
  testUnlessMissing(t, `without memory, ${shards} shards`, oracleMissing(), async (t) => {
    await using server = await startServer({ shards });
    await using oracle = await startOracle();
    const source = `#!lua name=a
      redis.register_function('set', function(keys) return redis.call('SET', keys[1], 1) end)
      redis.register_function{function_name = 'get', flags = {'no-writes'},
        callback = function(keys) return redis.call('GET', keys[1]) end}
      redis.register_function{function_name = 'any', flags = {'allow-oom'},
        callback = function(keys) return redis.call('SET', keys[1], 2) end}`;
    const programs = [
      ['FUNCTION', 'LOAD', source],
      ['SET', 'k', 'value'],
      ['CONFIG', 'SET', 'maxmemory', 1],
      ...['set', 'get', 'any', 'nope'].flatMap((name) => [
        ['FCALL', name, 1, 'k'],
        ['FCALL_RO', name, 1, 'k'],
        ['FCALL', name, 'x'],
      ]),
      ['EVAL', '#!lua\nreturn 1', 0],
      ['EVAL_RO', '#!lua flags=no-writes\nreturn 1', 0],
      ['FUNCTION', 'LOAD', 'REPLACE', source],
      ['FUNCTION', 'LOAD', 'x'],
      ['FUNCTION', 'RESTORE', 'x'],
      ['FUNCTION', 'DELETE', 'none'],
      ['FUNCTION', 'DELETE', 'a'],
      ['FUNCTION', 'FLUSH'],
    ];
    using here = await server.connect();
    using there = await oracle.connect();
    for (const words of programs) {
      const [ours, theirs] = await Promise.all([here, there].map((each) => each.call(...words)));
      t.equal(ours, theirs, words.join(' ').slice(0, 40));
    }
  });
}

/** What a server replies when its snapshots fail. */
async function withoutDisk(server: ServerProcess, breakDisk: () => void): Promise<string[]> {
  using client = await server.connect();
  const source = `#!lua name=a
    redis.register_function('set', function(keys) return redis.call('SET', keys[1], 1) end)
    redis.register_function{function_name = 'get', flags = {'no-writes'},
      callback = function(keys) return redis.call('GET', keys[1]) end}`;
  await client.text('FUNCTION', 'LOAD', source);
  breakDisk();
  await client.call('BGSAVE');
  await waitFor(
    'the failure',
    () => client.info('rdb_last_bgsave_status'),
    (status) => status === 'err',
  );
  const replies: string[] = [];
  for (const words of [
    ['FCALL', 'set', 1, 'k'],
    ['FCALL', 'SET', 1, 'k'],
    ['FCALL_RO', 'set', 1, 'k'],
    ['FCALL', 'get', 1, 'k'],
    ['FCALL_RO', 'get', 1, 'k'],
    ['FCALL', 'nope', 1, 'k'],
    ['FUNCTION', 'LOAD', 'x'],
    ['FUNCTION', 'DELETE', 'x'],
    ['FUNCTION', 'FLUSH'],
    ['FUNCTION', 'LIST', 'LIBRARYNAME', 'x'],
  ]) {
    replies.push(await client.call(...words));
  }
  client.send(request('SHUTDOWN', 'NOSAVE'));
  await server.exited;
  return replies;
}

testUnlessMissing(t, 'without a disk, beside redis', oracleMissing(), async (t) => {
  const dirs = t.testdir({ here: {}, there: {} });
  const [here, there] = [join(dirs, 'here'), join(dirs, 'there')];
  const args = ['--save', '3600 1000'];
  const server = await startServer({ shards: 2, dir: here, args });
  const oracle = await startOracle({ dir: there, args });
  const ours = await withoutDisk(server, () => renameSync(here, `${here}-away`));
  // It is in its directory, wherever that goes.
  const theirs = await withoutDisk(oracle, () => rmSync(there, { recursive: true }));
  t.strictSame(ours, theirs);
});

void t.test('INFO and MEMORY STATS', async (t) => {
  await using server = await startServer({ shards: 2 });
  using client = await server.connect();
  const fields = async (...names: string[]): Promise<number[]> => {
    const values: number[] = [];
    for (const name of names) values.push(Number(await client.info(name)));
    return values;
  };
  const counts = ['number_of_libraries', 'number_of_functions', 'number_of_cached_scripts'];
  t.strictSame(await fields(...counts), [0, 0, 0]);
  await client.text('FUNCTION', 'LOAD', SLOW);
  await client.text('EVAL', 'return 1', 0);
  t.strictSame(await fields(...counts), [1, 3, 1]);
  const [functions, scripts, all] = await fields(
    'used_memory_functions',
    'used_memory_scripts_eval',
    'used_memory_scripts',
  );
  t.ok(functions! >= SLOW.length && functions! < 2 * SLOW.length);
  t.equal(scripts, 'return 1'.length);
  t.equal(all, functions! + scripts!);
  const [ofEval, ofFunctions, total] = await fields(
    'used_memory_vm_eval',
    'used_memory_vm_functions',
    'used_memory_vm_total',
  );
  t.ok(ofEval! > 0 && ofFunctions! > 0);
  t.equal(total, ofEval! + ofFunctions!);
  const stats = (await client.value('MEMORY', 'STATS')) as (string | number)[];
  t.equal(stats[stats.indexOf('functions.caches') + 1], functions);
  t.equal(stats[stats.indexOf('lua.caches') + 1], scripts);
  await client.text('FUNCTION', 'FLUSH');
  t.equal((await fields('used_memory_vm_functions'))[0], 0);
});
