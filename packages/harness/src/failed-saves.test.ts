/**
 * Scripts, functions and transactions while snapshots fail: what is refused, in which words, and what
 * is counted, as redis-server has it.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import {
  type Argument,
  oracleMissing,
  type RawClient,
  type ServerProcess,
  startOracle,
  startServer,
  testUnlessMissing,
  waitFor,
} from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const LIBRARY = `#!lua name=lib
redis.register_function('writes', function(keys) return redis.call('SET', keys[1], '1') end)
redis.register_function('reads', function(keys) return redis.call('GET', keys[1]) end)
redis.register_function{function_name = 'declared', flags = {'no-writes'},
  callback = function(keys) return redis.call('GET', keys[1]) end}
redis.register_function{function_name = 'lies', flags = {'no-writes'},
  callback = function(keys) return redis.call('SET', keys[1], '1') end}`;

const SET = "return redis.call('SET', KEYS[1], '1')";
const GET = "return redis.call('GET', KEYS[1])";
const WRITER = `#!lua\n${SET}`;
const READER = `#!lua flags=no-writes\n${GET}`;
const WRITER_DIGEST = 'WRITER';
const READER_DIGEST = 'READER';
const PLAIN_DIGEST = 'PLAIN';

const FIELDS = '{type(e), e.err, tostring(e.source), tostring(e.line)}';

const REQUESTS: readonly (readonly Argument[])[] = [
  ['SET', 'k', '1'],
  ['GET', 'k'],
  // Without a header a script decides as it runs.
  ['EVAL', SET, 1, 'k'],
  ['EVAL', "return redis.pcall('SET', KEYS[1], '1')", 1, 'k'],
  ['EVAL', `local e = redis.pcall('SET', KEYS[1], '1') return ${FIELDS}`, 1, 'k'],
  ['EVAL', `local _, e = pcall(redis.call, 'SET', KEYS[1], 1) return ${FIELDS}`, 1, 'k'],
  ['EVAL', "redis.pcall('SET', KEYS[1], 1) return redis.call('DEL', KEYS[1])", 1, 'k'],
  ['EVAL', `local name = 'SET' return redis.call(name, KEYS[1], '1')`, 1, 'k'],
  ['EVAL', `redis.setresp(3) ${SET}`, 1, 'k'],
  ['EVAL', GET, 1, 'k'],
  ['EVAL_RO', SET, 1, 'k'],
  ['EVAL_RO', GET, 1, 'k'],
  ['EVALSHA', PLAIN_DIGEST, 1, 'k'],
  ['EVALSHA_RO', PLAIN_DIGEST, 1, 'k'],
  ['EVAL', "return redis.call('PUBLISH', KEYS[1], 'message')", 1, 'k'],
  ['EVAL', "return redis.call('PFCOUNT', KEYS[1])", 1, 'k'],
  ['EVAL', "return redis.call('PING')", 0],
  ['EVAL', "return redis.call('SET', KEYS[1])", 1, 'k'],
  ['EVAL', "return redis.call('NOSUCH', KEYS[1])", 1, 'k'],
  // With one its flags decide before it runs.
  ['EVAL', WRITER, 1, 'k'],
  ['EVAL', `#!lua\n${GET}`, 1, 'k'],
  ['EVAL', READER, 1, 'k'],
  ['EVAL', `#!lua flags=no-writes\n${SET}`, 1, 'k'],
  ['EVAL', `#!lua flags=no-writes,allow-oom\n${GET}`, 1, 'k'],
  ['EVAL', `#!lua flags=allow-oom\n${GET}`, 1, 'k'],
  ['EVAL', `#!lua flags=allow-stale,no-cluster\n${GET}`, 1, 'k'],
  ['EVAL', '#!lua flags=\nreturn 1', 0],
  ['EVAL', '#!lua flags=nosuch\nreturn 1', 0],
  ['EVAL', '#!nosuch\nreturn 1', 0],
  ['EVAL', '#!lua', 0],
  ['EVAL', '#!lua\nthis is no script', 0],
  ['EVAL', '#!lua flags=no-writes\nthis is no script', 0],
  ['EVAL', WRITER, 'x'],
  ['EVAL', READER, 'x'],
  ['EVAL_RO', WRITER, 1, 'k'],
  ['EVAL_RO', READER, 1, 'k'],
  ['EVALSHA', WRITER_DIGEST, 1, 'k'],
  ['EVALSHA', READER_DIGEST, 1, 'k'],
  ['EVALSHA_RO', WRITER_DIGEST, 1, 'k'],
  ['EVALSHA_RO', READER_DIGEST, 1, 'k'],
  ['EVALSHA', 'nosuch', 1, 'k'],
  ['FCALL', 'writes', 1, 'k'],
  ['FCALL', 'reads', 1, 'k'],
  ['FCALL', 'declared', 1, 'k'],
  ['FCALL', 'lies', 1, 'k'],
  ['FCALL_RO', 'writes', 1, 'k'],
  ['FCALL_RO', 'declared', 1, 'k'],
  ['FCALL', 'nosuch', 1, 'k'],
  ['FUNCTION', 'DELETE', 'lib'],
  ['SCRIPT', 'LOAD', '#!lua\nreturn 2'],
  // What is refused is not queued.
  ['MULTI'],
  ['EVAL', WRITER, 1, 'k'],
  ['EXEC'],
  ['MULTI'],
  ['FCALL', 'writes', 1, 'k'],
  ['EXEC'],
  ['MULTI'],
  ['EVAL', SET, 1, 'k'],
  ['EVAL', READER, 1, 'k'],
  ['FCALL', 'declared', 1, 'k'],
  ['EXEC'],
  // Writes that were queued before they are stopped.
  ['CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'],
  ['EVAL', SET, 1, 'k'],
  ['EVAL', WRITER, 1, 'k'],
  ['FCALL', 'writes', 1, 'k'],
  ['MULTI'],
  ['SET', 'k', '2'],
  'stop',
  ['EXEC'],
  'go on',
  ['MULTI'],
  ['EVAL', WRITER, 1, 'k'],
  'stop',
  ['EXEC'],
  'go on',
  ['MULTI'],
  ['EVALSHA', WRITER_DIGEST, 1, 'k'],
  'stop',
  ['EXEC'],
  'go on',
  ['MULTI'],
  ['FCALL', 'writes', 1, 'k'],
  'stop',
  ['EXEC'],
  'go on',
  ['MULTI'],
  ['EVAL', SET, 1, 'k'],
  ['GET', 'k'],
  'stop',
  ['EXEC'],
  'go on',
  ['MULTI'],
  ['CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes'],
  ['EVAL', WRITER, 1, 'k'],
  ['EVAL', SET, 1, 'k'],
  ['EVAL_RO', WRITER, 1, 'k'],
  ['FCALL', 'writes', 1, 'k'],
  ['FCALL_RO', 'writes', 1, 'k'],
  ['FCALL', 'declared', 1, 'k'],
  ['SET', 'k', '3'],
  ['EXEC'],
  ['CONFIG', 'SET', 'save', ''],
  ['EVAL', SET, 1, 'k'],
  ['EVAL', WRITER, 1, 'k'],
  ['CONFIG', 'SET', 'save', '3600 1000'],
  ['EVAL', SET, 1, 'k'],
  ['EVAL', WRITER, 1, 'k'],
].map((each) => (typeof each === 'string' ? [each] : each));

const FILE = 'snapshot.rdb';
const FAILING = ['--save', '3600 1000', '--dbfilename', FILE];

/** Its snapshots cannot be renamed to what is a directory. */
async function failSaves(server: ServerProcess, client: RawClient): Promise<void> {
  const path = join(server.dir, FILE);
  mkdirSync(path);
  writeFileSync(join(path, 'something'), '');
  await client.call('BGSAVE');
  await waitFor(
    'a snapshot that fails',
    () => client.info('rdb_last_bgsave_status'),
    (status) => status === 'err',
  );
}

interface Side {
  readonly client: RawClient;
  /** Another client, which changes the configuration meanwhile. */
  readonly other: RawClient;
  readonly digests: ReadonlyMap<Argument, string>;
}

async function prepare(server: ServerProcess): Promise<Side> {
  const [client, other] = [await server.connect(), await server.connect()];
  await client.text('FUNCTION', 'LOAD', LIBRARY);
  const digests = new Map<Argument, string>();
  const scripts = [
    [WRITER_DIGEST, WRITER],
    [READER_DIGEST, READER],
    [PLAIN_DIGEST, SET],
  ] as const;
  for (const [name, source] of scripts) {
    digests.set(name, await client.text('SCRIPT', 'LOAD', source));
  }
  await failSaves(server, client);
  await client.text('CONFIG', 'RESETSTAT');
  return { client, other, digests };
}

async function run({ client, digests, other }: Side, words: readonly Argument[]): Promise<string> {
  const isStop = words[0] === 'stop';
  if (isStop || words[0] === 'go on') {
    return other.call('CONFIG', 'SET', 'stop-writes-on-bgsave-error', isStop ? 'yes' : 'no');
  }
  return client.call(...words.map((word) => digests.get(word) ?? word));
}

/** Errors by code; calls, rejected and failed ones of what runs scripts. */
async function counted({ client }: Side): Promise<string[]> {
  const text = `${await client.text('INFO', 'errorstats')}${await client.text('INFO', 'commandstats')}`;
  return text
    .split('\r\n')
    .filter((line) => /^(errorstat_|cmdstat_(eval|fcall))/.test(line))
    .map((line) => line.replace(/usec=.*,usec_per_call=[\d.]*,/, ''))
    .sort();
}

/** A server whose snapshot fails does not end when it is asked to. */
function letSave(server: ServerProcess): Disposable {
  return {
    [Symbol.dispose]: () => rmSync(join(server.dir, FILE), { recursive: true, force: true }),
  };
}

for (const shards of [0, 2]) {
  testUnlessMissing(t, `snapshots that fail, ${shards} shards`, oracleMissing(), async (t) => {
    await using oracle = await startOracle({ args: FAILING });
    await using server = await startServer({ shards, args: FAILING });
    using _theirFile = letSave(oracle);
    using _ourFile = letSave(server);
    const theirs = await prepare(oracle);
    const ours = await prepare(server);
    for (const words of REQUESTS) {
      t.equal(await run(ours, words), await run(theirs, words), words.join(' '));
    }
    t.strictSame(await counted(ours), await counted(theirs));
    for (const { client, other } of [theirs, ours]) {
      client[Symbol.dispose]();
      other[Symbol.dispose]();
    }
  });
}

t.test('a script writes to another shard while snapshots fail, and after', async (t) => {
  await using server = await startServer({ shards: 3, args: FAILING });
  using _file = letSave(server);
  using client = await server.connect();
  await failSaves(server, client);
  const script = "for i = 1, 9 do redis.call('SET', 'key:' .. i, i) end return 'done'";
  t.match(await client.call('EVAL', script, '0'), /^-MISCONF /);
  t.match(await client.call('EVAL', script, '1', 'a'), /^-MISCONF /);
  await client.text('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
  t.equal(await client.call('EVAL', script, '1', 'a'), '$4\r\ndone\r\n');
  await client.text('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes');
  t.match(await client.call('EVAL', script, '1', 'a'), /^-MISCONF /);
});
