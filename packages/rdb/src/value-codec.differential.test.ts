/** The value codec against redis-server: DUMP and RESTORE, and snapshot files in both directions. */

import { execFile } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { EngineFixture } from '@hashlane/core/engine.fixture';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { DUMP_FOOTER_BYTES, writeDumpFooter } from './dump-payload.ts';
import { readSnapshot } from './file-reader.ts';
import { SnapshotWriter } from './file-writer.ts';
import { STRING_LZF } from './length-encoding.ts';
import type { RawRecord } from './record-scanner.ts';
import {
  type Command,
  contentOf,
  decode,
  encode,
  makeEngine,
  run,
  sampleCommands,
  seeded,
  verify,
} from './testing/engine-values.ts';
import { quoted, RedisProcess, redisMissing, temporaryDirectory } from './testing/redis-process.ts';

const skip = redisMissing();
/** In the future whatever the clock says: our engine's time is made up, redis-server's is not. */
const DEADLINE = 4_000_000_000_000;

function line(command: Command): string {
  return command.map((word) => quoted(Buffer.from(word as string, 'latin1'))).join(' ');
}

/** A value as DUMP gives it. */
function dumpOf(fixture: EngineFixture, key: string): Buffer {
  const sink = new ByteSink();
  sink.copyFrom(encode(fixture, key));
  writeDumpFooter(sink, 0);
  return sink.take();
}

/** What redis-cli shows of a key: GET's or LRANGE's raw output, and its deadline. */
async function redisContent(redis: RedisProcess, database: number, key: string): Promise<string> {
  const at = ['-n', String(database)];
  const type = String(await redis.command(...at, 'type', key));
  const read = type === 'list' ? ['lrange', key, '0', '-1'] : ['get', key];
  const value = await redis.command(...at, ...read);
  return `${type} ${await redis.command(...at, 'pexpiretime', key)} ${value.toString('latin1')}`;
}

/** The same of a key of ours. */
function ourContent(fixture: EngineFixture, key: string): string {
  const [type, deadline] = contentOf(fixture, key).split('\r\n', 2);
  const reply = contentOf(fixture, key).slice(type.length + deadline.length + 4);
  const value = type === '+list' ? elementsOf(reply).join('\n') : elementsOf(reply)[0];
  return `${type.slice(1)} ${deadline.slice(1)} ${value}`;
}

/** The bulk strings of a RESP reply: one, or an array of them. */
function elementsOf(reply: string): string[] {
  const elements: string[] = [];
  let at = reply.startsWith('*') ? reply.indexOf('\r\n') + 2 : 0;
  while (at < reply.length) {
    const head = reply.indexOf('\r\n', at);
    const end = head + 2 + Number(reply.slice(at + 1, head));
    elements.push(reply.slice(head + 2, end));
    at = end + 2;
  }
  return elements;
}

function keysOf(commands: readonly Command[]): string[] {
  return [...new Set(commands.map(([, key]) => String(key)))];
}

t.test('DUMP and RESTORE', { skip }, async (t) => {
  await using dir = await temporaryDirectory();
  await using redis = await RedisProcess.start(dir.path);
  const fixture = makeEngine();
  const commands = sampleCommands(21, 60);
  for (const command of commands) run(fixture, command);
  await redis.script(commands.map(line));
  const restores: string[] = [];
  for (const key of keysOf(commands)) {
    const theirs = await redis.command('dump', key);
    const ours = dumpOf(fixture, key);
    // Two compressors may find different matches, and nodes are of other sizes.
    if (theirs[0] === 0 && theirs[1] !== STRING_LZF && !ours.equals(theirs)) {
      t.fail(`DUMP of ${key}: ${theirs.toString('hex', 0, 40)}, ${ours.toString('hex', 0, 40)}`);
    }
    const value = theirs.subarray(0, -DUMP_FOOTER_BYTES);
    if (!decode(fixture, `copy of ${key}`, value)) t.fail(`their ${key} was refused`);
    if (contentOf(fixture, `copy of ${key}`) !== contentOf(fixture, key)) {
      t.fail(`their ${key} has other contents here`);
    }
    restores.push(line(['RESTORE', `copy of ${key}`, '0', ours]));
  }
  await redis.script(restores);
  for (const key of keysOf(commands)) {
    const copy = await redisContent(redis, 0, `copy of ${key}`);
    if (copy !== ourContent(fixture, key)) t.fail(`our ${key} has other contents there`);
  }
  verify(fixture);
  t.equal(String(await redis.command('dbsize')), String(2 * keysOf(commands).length));
});

t.test('our snapshot, walked under writes', { skip }, async (t) => {
  await using dir = await temporaryDirectory();
  const fixture = makeEngine();
  const { engine } = fixture;
  const expected = new Map<string, string>();
  for (const database of [0, 3]) {
    fixture.database = database;
    const commands = sampleCommands(31 + database, 50);
    for (const [i, command] of commands.entries()) {
      run(fixture, command);
      if (i % 3 === 0) run(fixture, ['PEXPIREAT', command[1], String(DEADLINE + i)]);
    }
    for (const key of keysOf(commands))
      expected.set(`${database} ${key}`, ourContent(fixture, key));
  }
  const chunks: [number, Buffer][] = [];
  const sizes = engine.snapshot.begin((database, records) => {
    chunks.push([database, Buffer.from(records.buffer)]);
  });
  const below = seeded(41);
  for (let step = 0; engine.snapshot.step(5); step++) {
    fixture.database = below(2) * 3;
    const key = `key:${below(50)}`;
    if (step % 3 === 0) run(fixture, ['DEL', key]);
    else if (step % 3 === 1) run(fixture, ['SET', key, `later ${step}`]);
    else run(fixture, ['SET', `later:${step}`, 'x']);
  }
  verify(fixture);
  const writer = await SnapshotWriter.open({
    dir: dir.path,
    fileName: 'dump.rdb',
    serverVersion: '7.2.0',
    createdAtSeconds: 1_700_000_000,
    usedMemoryBytes: engine.usedMemory,
    databases: sizes.map(([db, keys, expires]) => ({ db, keys, expires })),
  });
  for (const [database, records] of chunks) await writer.append(database, records);
  await writer.finish();

  const check = await promisify(execFile)('redis-check-rdb', [writer.targetPath]);
  t.match(check.stdout, /\\o\/ RDB looks OK! \\o\//);
  t.match(check.stdout, `${expected.size} keys read`);
  await using redis = await RedisProcess.start(dir.path);
  for (const [name, content] of expected) {
    const space = name.indexOf(' ');
    const database = Number(name.slice(0, space));
    const found = await redisContent(redis, database, name.slice(space + 1));
    if (found !== content) t.fail(`${name} differs`);
  }
  const count = async (database: string): Promise<number> =>
    Number(await redis.command('-n', database, 'dbsize'));
  t.equal((await count('0')) + (await count('3')), expected.size);
});

/** Loads a file of redis-server into an engine; returns how many keys there were. */
async function load(fixture: EngineFixture, path: string): Promise<number> {
  let keys = 0;
  const record = (raw: RawRecord): void => {
    fixture.database = raw.db;
    const key = Buffer.from(raw.keyBytes.subarray(raw.keyStart, raw.keyEnd));
    const body = raw.valueBytes.subarray(raw.valueStart, raw.valueEnd);
    const value = Buffer.concat([Buffer.of(raw.type), body]);
    if (!decode(fixture, key, value)) throw new Error(`${key.toString('latin1')} was refused`);
    if (raw.expireAtMs >= 0) run(fixture, ['PEXPIREAT', key, String(raw.expireAtMs)]);
    keys++;
  };
  await readSnapshot(path, { record });
  return keys;
}

t.test("redis-server's snapshot", { skip }, async (t) => {
  await using dir = await temporaryDirectory();
  await using redis = await RedisProcess.start(dir.path);
  const commands = sampleCommands(51, 80);
  const deadlines = keysOf(commands).map((key, i): Command => {
    return ['PEXPIREAT', key, String(i % 2 === 0 ? DEADLINE + i : -1)];
  });
  const expiring = deadlines.filter(([, , at]) => at !== '-1');
  const lines = [...commands, ...expiring].map(line);
  // Small nodes and compressed inner nodes, another database, and a file with access times.
  const settings = ['config set list-max-listpack-size 5', 'config set list-compress-depth 1'];
  await redis.script([...lines, ...settings, 'select 9', ...lines]);
  for (const policy of ['noeviction', 'allkeys-lru', 'allkeys-lfu']) {
    await redis.script([`config set maxmemory-policy ${policy}`, 'save']);
    const path = join(dir.path, `${policy}.rdb`);
    await rename(join(dir.path, 'dump.rdb'), path);
    const fixture = makeEngine();
    t.equal(await load(fixture, path), 2 * keysOf(commands).length, `${policy}: keys`);
    verify(fixture);
    const same = makeEngine();
    for (const command of [...commands, ...expiring]) run(same, command);
    for (const database of [0, 9]) {
      fixture.database = database;
      for (const key of keysOf(commands)) {
        if (contentOf(fixture, key) !== contentOf(same, key)) t.fail(`${policy}: ${key} differs`);
      }
    }
  }
});
