/**
 * Holds the parameter table, the texts of CONFIG SET, CONFIG REWRITE and glob patterns against a
 * redis-server 7.0 on this machine. Without one the tests are left out, and say so; with CI=true
 * that is a failure.
 *
 * `CONFIG GET *` of Redis is in the order of a hash with a random seed, so order is not compared.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import t from 'tap';
import { Configuration } from './configuration.ts';
import { PARAMETERS } from './configuration-parameters.ts';
import { matchesGlob } from './glob-pattern.ts';
import { parseConfiguration, readConfigurationFile } from './redis-conf.ts';

/** In the table but not in Redis 7.0: ours, and what 7.2 added. */
const OURS = ['shards', 'isolation', 'route', 'script-keys'];
const NEWER = [
  'cluster-announce-human-nodename',
  'locale-collate',
  'max-new-connections-per-cycle',
  'max-new-tls-connections-per-cycle',
  'set-max-listpack-entries',
  'set-max-listpack-value',
];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A redis-server of our own, with a client; both are gone when the test ends. */
async function startRedis(t: Test, args: readonly string[]): Promise<Redis> {
  const port = await freePort();
  const server = spawn('redis-server', [...args, '--port', String(port), '--bind', '127.0.0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes('Ready to accept connections')) break;
  }
  server.stdout.resume();
  const redis = new Redis(port, '127.0.0.1');
  t.teardown(async () => {
    redis.disconnect();
    server.kill('SIGKILL');
    await exited;
  });
  return redis;
}

async function configGet(redis: Redis, pattern: string): Promise<Map<string, string>> {
  const reply = (await redis.call('CONFIG', 'GET', pattern)) as unknown;
  // RESP3 gives a map (an array of pairs or an object), RESP2 a flat array.
  if (!Array.isArray(reply)) return new Map(Object.entries(reply as Record<string, string>));
  const flat = reply.flat() as string[];
  return new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1]!] as const] : [])));
}

async function configSet(redis: Redis, words: readonly string[]): Promise<string> {
  try {
    await redis.call('CONFIG', 'SET', ...words);
    return 'OK';
  } catch (error) {
    return (error as Error).message;
  }
}

function pairsOf(words: readonly string[]): Array<[string, string]> {
  return words.flatMap(
    (word, i): Array<[string, string]> => (i % 2 === 0 ? [[word, words[i + 1]!]] : []),
  );
}

const installed = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
const isRedis70 = / v=7\.0\./.test(installed.stdout ?? '');

if (!isRedis70) {
  const why = installed.error
    ? 'redis-server is not installed'
    : `found ${installed.stdout.trim()}`;
  if (process.env.CI === 'true') t.fail(`needs redis-server 7.0: ${why}`);
  else t.pass(`LEFT OUT: comparison with redis-server 7.0: ${why}`);
} else {
  t.test('names and defaults', compareDefaults);
  t.test('texts of CONFIG SET', compareSet);
  t.test('CONFIG REWRITE', compareRewrite);
  t.test('glob patterns', compareGlobs);
}

async function compareDefaults(t: Test): Promise<void> {
  const dir = t.testdir({});
  const redis = await startRedis(t, ['--dir', dir]);
  const theirs = await configGet(redis, '*');
  const configuration = new Configuration();
  const ours = new Map(configuration.get(['*']));
  // What startRedis sets itself.
  for (const name of ['port', 'bind', 'dir']) theirs.set(name, ours.get(name)!);
  const added = [...ours.keys()].filter((name) => !theirs.has(name)).sort();
  t.same(added, [...OURS, ...NEWER].sort(), 'names Redis has not');
  for (const [name, value] of theirs) t.equal(ours.get(name), value, name);
  const hidden = PARAMETERS.filter((row) => 'hidden' in row).map(({ name }) => name);
  for (const name of hidden) {
    t.same([...(await configGet(redis, name))], configuration.get([name]), name);
  }
}

/** Values that are tried on every parameter that can be set. */
const VALUES = [
  ...['', 'x', '-1', '0', '1', '5', '8', '50', '99', '101', '1000', '65536', '1048576'],
  ...['2147483648', '4294967296', '9223372036854775807', '9223372036854775808'],
  ...['18446744073709551615', '18446744073709551616', '1.5', '007', ' 1', '1 ', '+1', '0x10'],
  ...['1k', '1kb', '3MB', '2gb', '1tb', '7%', '0%', '101%', '-1%', '1e2'],
  ...['yes', 'no', 'NO', 'local', 'everysec', 'Volatile-TTL', 'resetchannels', 'swapdb', 'IP'],
  ...['relative', 'save now', 'now save', 'save nosave', 'default', 'a b', 'a/b', 'dump-2.rdb'],
  ...['900 1', '900 1 300 10', '900', '900 1 ', '900  1', '0 1', '1 -1', '50 99.99 100.0', '100.1'],
  ...['KEA', 'g$lshzxeKEtmdn', 'Kx', 'AKEmn', 'Km', '1 2 3', '1 2 3000', '-100 0 100'],
  ...['normal 1mb 1kb 3', 'SLAVE 1 2 3', 'replica 5 6 7 pubsub 1 1 1', 'master 1 1 1'],
  ...['normal 1 1', 'normal x 1 1', 'normal 1 1 -1', '{title} x', '{foo}', '{title', 'a.b-c'],
];

/**
 * Parameters whose check in Redis depends on the machine or acts at once, or where hashlane says
 * something else on purpose.
 */
const NOT_COMPARED = new Set([
  ...['port', 'bind', 'maxclients', 'dir', 'oom-score-adj', 'oom-score-adj-values', 'appendonly'],
  ...['requirepass', 'loglevel', 'activedefrag', 'jemalloc-bg-thread', 'watchdog-period'],
  ...['crash-log-enabled', 'maxmemory', 'maxmemory-clients', 'repl-backlog-size', 'timeout'],
  ...['set-proc-title', 'client-query-buffer-limit', 'proto-max-bulk-len', 'aof-disable-auto-gc'],
]);

async function compareSet(t: Test): Promise<void> {
  const redis = await startRedis(t, ['--save', '', '--enable-protected-configs', 'yes']);
  const configuration = new Configuration();
  configuration.load(parseConfiguration('save ""\nenable-protected-configs yes', 'test'));
  const names = configuration.get(['*']).map(([name]) => name);
  const skipped = (name: string) =>
    NOT_COMPARED.has(name) || OURS.includes(name) || NEWER.includes(name) || /^tls-/.test(name);
  for (const name of names.filter((each) => !skipped(each))) {
    t.same(await setAll(redis, name, VALUES), setAllHere(configuration, name, VALUES), name);
  }
  for (const words of SET_COMMANDS) {
    const here = configuration.set(pairsOf(words)) ?? 'OK';
    t.equal(here, await configSet(redis, words), words.join(' '));
  }
}

const SET_COMMANDS = [
  ['nope', '1'],
  ['timeout', '1', 'nope', '1'],
  ['nope', '1', 'databases', '1'],
  ['databases', '1', 'nope', '1'],
  ['timeout', '1', 'TIMEOUT', '2'],
  ['timeout', '1', 'hz', 'x'],
  ['HZ', 'x'],
  ['replica-priority', '1', 'slave-priority', '2'],
  ['maxclients', '0'],
  ['maxclients', '-1'],
  ['client-query-buffer-limit', '1'],
  ['proto-max-bulk-len', '1'],
  ['maxmemory-clients', '101%'],
  ['maxmemory-clients', 'x'],
  ['maxmemory', '-1'],
  ['timeout', 'x'],
];

/** For each value what CONFIG SET says and, if it was taken, what CONFIG GET says then. */
async function setAll(redis: Redis, name: string, values: readonly string[]): Promise<string[]> {
  const outcomes: string[] = [];
  for (const value of values) {
    const outcome = await configSet(redis, [name, value]);
    const now = outcome === 'OK' ? (await configGet(redis, name)).get(name) : outcome;
    outcomes.push(`${value} → ${now}`);
  }
  return outcomes;
}

function setAllHere(configuration: Configuration, name: string, values: readonly string[]) {
  return values.map((value) => {
    const outcome = configuration.set([[name, value]]) ?? configuration.get([name])[0]![1];
    return `${value} → ${outcome}`;
  });
}

async function compareRewrite(t: Test): Promise<void> {
  const dir = t.testdir({ theirs: {}, ours: {} });
  const text = [
    '# a comment',
    'save 900 1',
    'save 300 10',
    '',
    'Timeout 7',
    `dir ${dir}`,
    'requirepass ""',
    'hash-max-listpack-entries 9',
    'maxmemory 3000kb',
    'client-output-buffer-limit slave 1mb 1mb 1',
    'notify-keyspace-events "Kx"',
    'slave-priority 3',
    '',
  ].join('\n');
  const [theirs, ours] = [join(dir, 'theirs', 'redis.conf'), join(dir, 'ours', 'redis.conf')];
  for (const path of [theirs, ours]) writeFileSync(path, text);
  const redis = await startRedis(t, [theirs]);
  const configuration = new Configuration();
  configuration.load(readConfigurationFile(ours));
  const { port } = redis.options;
  configuration.load(parseConfiguration(`port ${port}\nbind 127.0.0.1`, 'command line'));
  configuration.file = ours;
  const changes = ['save', '60 5', 'timeout', '0', 'masterauth', 'a "b"\té', 'hz', '50'];
  t.equal(await configSet(redis, changes), 'OK');
  t.equal(configuration.set(pairsOf(changes)), undefined);
  await redis.call('CONFIG', 'REWRITE');
  t.equal(configuration.rewrite(), undefined);
  t.same(splitAtSignature(ours), splitAtSignature(theirs));
}

const SIGNATURE = '# Generated by CONFIG REWRITE\n';

/** What was there in its order, but for an empty last line of Redis; what was appended sorted. */
function splitAtSignature(path: string): unknown {
  const [kept = '', appended = ''] = readFileSync(path, 'utf8').split(SIGNATURE);
  // `latency-tracking-info-percentiles` and `user` are written by Redis without need.
  const lines = appended.split('\n').filter((line) => line !== '' && !line.startsWith('user '));
  return { kept: kept.trimEnd(), appended: lines.sort() };
}

/**
 * Short random patterns over few letters meet every rule and each other. No empty key: KEYS takes
 * `*` for all keys without matching.
 */
async function compareGlobs(t: Test): Promise<void> {
  const redis = await startRedis(t, ['--save', '']);
  let seed = 42;
  const pick = (letters: string) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return letters[(seed >>> 16) % letters.length]!;
  };
  const word = (letters: string, length: number) =>
    Array.from({ length }, () => pick(letters)).join('');
  const keys = Array.from({ length: 60 }, (_, i) => word('abc-]\\^[*', 1 + (i % 5)));
  await redis.mset(keys.flatMap((key) => [key, '']));
  for (let i = 0; i < 1500; i++) {
    const pattern = word('aabc**?[[]^-\\', 1 + (i % 8));
    const theirs = (await redis.keys(pattern)).sort();
    const ours = [...new Set(keys)].filter((key) => matchesGlob(pattern, key)).sort();
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) t.same(ours, theirs, pattern);
  }
  t.pass('1500 patterns compared');
}
