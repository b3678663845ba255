/**
 * Holds what COMMAND tells of our commands against a redis-server 7.0 on this machine: arity,
 * flags, keys, ACL categories, tips and key specifications of every command that both have.
 * Without a redis-server the test is left out, and says so; with CI=true that is a failure.
 *
 * Tolerated: what Redis 7.2 changed (our rows follow 7.2), and notes on key specifications, which
 * are prose. Names that we have and 7.0 has not are listed, so that a misspelt one is found.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { COMMAND_METADATA } from '@hashlane/core/metadata';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import type { Test } from 'tap';
import t from 'tap';
import { Configuration } from '../configuration.ts';
import type { Logger } from '../log.ts';
import { startServer } from '../server.ts';
import { serverCommands } from './index.ts';

/** DEBUG has no subcommands in Redis's table; other names are missing there if they are newer. */
const NOT_IN_REDIS = /^debug\|/;
const NEWER: ReadonlySet<string> = new Set(
  [...COMMAND_METADATA, ...serverCommands]
    .filter(({ since }) => !/^[1-6]\.|^7\.0/.test(since))
    .map(({ name }) => name.toLowerCase()),
);

/** Command and field that 7.2 changed. */
const CHANGED_IN_7_2: ReadonlySet<string> = new Set([
  'command|getkeys arity',
  'command|getkeysandflags arity',
  'config|resetstat tips',
  'config|rewrite tips',
  'zrank arity',
  'zrevrank arity',
]);

const FIELDS = ['arity', 'flags', 'first', 'last', 'step', 'categories', 'tips', 'keys'] as const;

type Reply = string | number | null | Reply[];

/** Sets have no order, and notes are prose. */
function normalised(field: Reply): Reply {
  if (!Array.isArray(field)) return field;
  const parts = field.map(normalised);
  const isKeySpec = parts[0] === 'notes';
  const kept = isKeySpec ? parts.slice(2) : parts;
  const isWords = kept.every((part) => typeof part === 'string');
  return isWords ? kept.sort() : kept;
}

/** All commands and subcommands by name. */
function byName(replies: Reply): Map<string, Reply[]> {
  const found = new Map<string, Reply[]>();
  for (const reply of replies as Reply[][]) {
    found.set(String(reply[0]), reply);
    for (const part of reply[9] as Reply[][]) found.set(String(part[0]), part);
  }
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function commandsOf(t: Test, port: number): Promise<Map<string, Reply[]>> {
  const client = new Redis(port, '127.0.0.1', { protocol: 2 } as object);
  t.teardown(() => client.disconnect());
  return byName((await client.call('COMMAND')) as Reply);
}

async function startRedis(t: Test): Promise<number> {
  const port = await freePort();
  const server = spawn('redis-server', ['--save', '', '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(server, 'exit');
  t.teardown(async () => {
    server.kill('SIGKILL');
    await exited;
  });
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.includes('Ready to accept connections')) break;
  }
  server.stdout.resume();
  return port;
}

const version = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '';
const isThere = version.includes('v=7.0.');
const isRequired = process.env.CI === 'true';
const skip = isThere || isRequired ? false : 'needs redis-server 7.0 for comparison';

t.test('COMMAND beside redis-server', { skip }, async (t) => {
  const configuration = new Configuration();
  const words = [
    ['port', '0'],
    ['bind', '127.0.0.1'],
    ['shards', '0'],
    ['save', ''],
  ];
  configuration.load(words.map((each) => ({ words: each, origin: 'test' })));
  const server = await startServer(configuration, pino({ level: 'silent' }) as unknown as Logger);
  t.teardown(() => server.stop());
  const theirs = await commandsOf(t, await startRedis(t));
  const ours = await commandsOf(t, server.port);
  for (const [name, row] of ours) {
    const other = theirs.get(name);
    if (other === undefined) {
      if (!NEWER.has(name)) t.match(name, NOT_IN_REDIS);
      continue;
    }
    FIELDS.forEach((field, i) => {
      if (CHANGED_IN_7_2.has(`${name} ${field}`)) return;
      t.same(normalised(row[i + 1]), normalised(other[i + 1]), `${name} ${field}`);
    });
  }
});
