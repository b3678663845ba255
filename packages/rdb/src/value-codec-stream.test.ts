/** Streams in the codec: beside redis-server, in the older and newer types, and damaged. */

import type { EngineFixture } from '@hashlane/core/engine.fixture';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { DUMP_FOOTER_BYTES, writeDumpFooter } from './dump-payload.ts';
import { writeLength } from './length-encoding.ts';
import { ValueType } from './opcodes.ts';
import { putString } from './testing/dump-builder.ts';
import {
  type Command,
  decode,
  encode,
  makeEngine,
  randomBytes,
  run,
  seeded,
} from './testing/engine-values.ts';
import { quoted, RedisProcess, redisMissing, temporaryDirectory } from './testing/redis-process.ts';

const skip = redisMissing();
const FULL = ['FULL', 'COUNT', '0'];
const GREATEST = '18446744073709551615';

/** A stream of random entries, some deleted and trimmed, as the commands that make it. */
function entryCommands(key: string, seed: number): Command[] {
  const below = seeded(seed);
  const commands: Command[] = [];
  let time = below(3) === 0 ? 1_700_000_000_000 : 1;
  const entries = 1 + below(below(4) === 0 ? 400 : 60);
  for (let i = 0; i < entries; i++) {
    time += below(3);
    const fields = 1 + below(3);
    const pairs: Buffer[] = [];
    for (let field = 0; field < fields; field++) {
      const isUsual = below(4) > 0;
      pairs.push(isUsual ? Buffer.from(`field ${field}`) : randomBytes(below), randomBytes(below));
    }
    commands.push(['XADD', key, `${time}-${2 * i}`, ...pairs]);
    if (below(6) === 0) commands.push(['XDEL', key, `${time}-${2 * i}`]);
    if (below(20) === 0) commands.push(['XTRIM', key, 'MAXLEN', String(below(i + 2))]);
  }
  if (below(3) === 0) commands.push(['XADD', key, `${GREATEST}-7`, 'a', 'b']);
  return commands;
}

/** Groups, consumers and pending entries on top. */
function groupCommands(key: string, seed: number): Command[] {
  const below = seeded(seed);
  const commands: Command[] = [];
  for (const group of ['g', 'a group of a long name', '12'].slice(0, below(4))) {
    commands.push(['XGROUP', 'CREATE', key, group, '0']);
    // redis-server 7.0 makes no consumer that gets nothing.
    for (const consumer of ['consumer 0', 'consumer 1', 'consumer 2', 'idle']) {
      commands.push(['XGROUP', 'CREATECONSUMER', key, group, consumer]);
    }
    for (let i = below(6); i > 0; i--) {
      const consumer = `consumer ${below(3)}`;
      const count = String(1 + below(20));
      commands.push(['XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', key, '>']);
      commands.push(['XACK', key, group, '1-0', '1-2', '2-4']);
    }
    if (below(2) === 0) commands.push(['XGROUP', 'SETID', key, group, '5-5', 'ENTRIESREAD', '3']);
  }
  return commands;
}

function runAll(fixture: EngineFixture, commands: readonly Command[]): void {
  for (const [name, ...args] of commands) {
    const isPart = name === 'XGROUP' || name === 'XINFO';
    run(fixture, [isPart ? `${name}|${String(args[0])}` : name, ...args]);
  }
}

function infoOf(fixture: EngineFixture, key: string): string {
  return run(fixture, ['XINFO|STREAM', 'STREAM', key, ...FULL]);
}

/** Without the times, which are those of two servers. */
function withoutTimes(info: string): string {
  const active = /(\$11\r\n)?active-time[\r\n]+\S+[\r\n]+/g;
  return info.replace(active, '').replace(/\b1[6-9]\d{11}\b(?!-)/g, 'a time');
}

function line(command: Command): string {
  return command.map((word) => quoted(Buffer.from(word as string, 'latin1'))).join(' ');
}

function dumpOf(fixture: EngineFixture, key: string): Buffer {
  const sink = new ByteSink();
  sink.copyFrom(encode(fixture, key));
  writeDumpFooter(sink, 0);
  return sink.take();
}

t.test('DUMP and RESTORE beside redis-server', { skip }, async (t) => {
  await using dir = await temporaryDirectory();
  await using redis = await RedisProcess.start(dir.path);
  await redis.script(['config set rdbcompression no', 'config set stream-node-max-entries 20']);
  const fixture = makeEngine(false);
  fixture.engine.settings.streamNodeMaxEntries = 20;
  const keys = Array.from({ length: 8 }, (_, i) => `stream:${i}`);
  const making = keys.map((key, i) => entryCommands(key, i));
  for (const commands of making) runAll(fixture, commands);
  await redis.script(making.flat().map(line));
  const restores: string[] = [];
  for (const [i, key] of keys.entries()) {
    const theirs = await redis.command('dump', key);
    t.ok(dumpOf(fixture, key).equals(theirs), `DUMP of ${key} is the same, byte for byte`);
    const groups = groupCommands(key, i);
    runAll(fixture, groups);
    await redis.script(groups.map(line));
    const value = (await redis.command('dump', key)).subarray(0, -DUMP_FOOTER_BYTES);
    t.ok(decode(fixture, `${key}:copy`, value), `their ${key} is taken`);
    t.equal(
      withoutTimes(infoOf(fixture, `${key}:copy`)),
      withoutTimes(infoOf(fixture, key)),
      `their ${key} is the same here`,
    );
    restores.push(line(['RESTORE', `${key}:copy`, '0', dumpOf(fixture, key)]));
  }
  await redis.script(restores);
  for (const key of keys) {
    const theirs = String(await redis.command('xinfo', 'stream', key, ...FULL));
    const ours = String(await redis.command('xinfo', 'stream', `${key}:copy`, ...FULL));
    t.equal(withoutTimes(ours), withoutTimes(theirs), `our ${key} is the same there`);
  }
  t.equal(String(await redis.command('dbsize')), String(2 * keys.length));
  t.same(
    await redis.command('debug', 'digest-value', keys[3]),
    await redis.command('debug', 'digest-value', `${keys[3]}:copy`),
  );
});

t.test('values come back as they were, and leave nothing', (t) => {
  const fixture = makeEngine();
  const { arena } = fixture.engine;
  for (let seed = 100; seed < 115; seed++) {
    const commands = [...entryCommands('s', seed), ...groupCommands('s', seed)];
    runAll(fixture, commands);
    const info = infoOf(fixture, 's');
    if (!decode(fixture, 'copy', encode(fixture, 's'))) t.fail(`${seed} was refused`);
    // The active time is not in type 19: the seen time is taken.
    const shown = (text: string): string => text.replace(/active-time\r\n:\S+/g, '');
    t.equal(shown(infoOf(fixture, 'copy')), shown(info), `seed ${seed}`);
    run(fixture, ['DEL', 's', 'copy']);
    while (fixture.engine.lazyFree.isPending) fixture.engine.lazyFree.step();
    t.equal(arena.usedBytes, 0);
    t.equal(arena.structures.size, 0);
  }
  fixture.engine.verify();
  t.end();
});

/** Type, nodes and length of a stream of one node with the entries 5-1 and 7-0 (deleted). */
function beginStream(type: ValueType): ByteSink {
  const sink = new ByteSink();
  sink.u8(type);
  writeLength(sink, 1);
  const id = Buffer.alloc(16);
  id[7] = 5;
  id[15] = 1;
  putString(sink, id);
  const entries = [1, 1, 1, 1, 1, 1, 0x81, 0x66, 2, 0, 1];
  // The flags, the ID's deltas, a value, and the number of elements.
  entries.push(2, 1, 0, 1, 0, 1, 0x81, 0x76, 2, 4, 1);
  entries.push(3, 1, 2, 1, 0xdf, 0xff, 2, 0x81, 0x77, 2, 4, 1);
  const node = Buffer.from([0, 0, 0, 0, 15, 0, ...entries, 0xff]);
  node.writeUInt32LE(node.length, 0);
  putString(sink, node);
  writeLength(sink, 1);
  writeLength(sink, 7);
  writeLength(sink, 0);
  return sink;
}

function putPending(sink: ByteSink, ms: number, seq: number, deliveries: number): void {
  const id = Buffer.alloc(16);
  id[7] = ms;
  id[15] = seq;
  sink.copyFrom(id);
  if (deliveries === 0) return;
  sink.u64le(1_600_000_000_000);
  writeLength(sink, deliveries);
}

t.test('type 15 has no counters: they follow from the entries', (t) => {
  const sink = beginStream(ValueType.streamListpacks);
  writeLength(sink, 1);
  putString(sink, Buffer.from('g'));
  writeLength(sink, 7);
  writeLength(sink, 0);
  writeLength(sink, 0);
  writeLength(sink, 0);
  const fixture = makeEngine();
  t.ok(decode(fixture, 's', sink.take()));
  const info = infoOf(fixture, 's');
  t.match(info, 'entries-added\r\n:1\r\n');
  t.match(info, 'recorded-first-entry-id\r\n$3\r\n5-1\r\n');
  t.match(info, 'entries-read\r\n:1\r\n$3\r\nlag\r\n:0\r\n');
  t.equal(run(fixture, ['XRANGE', 's', '-', '+']).includes('5-1'), true);
  t.end();
});

function stream21(owner: number): Buffer {
  const sink = beginStream(ValueType.streamListpacks3);
  for (const part of [5, 1, 7, 0]) writeLength(sink, part);
  writeLength(sink, 2);
  writeLength(sink, 1);
  putString(sink, Buffer.from('g'));
  for (const part of [5, 1, 1]) writeLength(sink, part);
  writeLength(sink, 1);
  putPending(sink, 5, 1, 3);
  writeLength(sink, 1);
  putString(sink, Buffer.from('alice'));
  sink.u64le(1_600_000_000_001);
  sink.u64le(1_600_000_000_002);
  writeLength(sink, 1);
  putPending(sink, owner, 1, 0);
  return sink.take();
}

t.test('type 21 has the active time of consumers', (t) => {
  const fixture = makeEngine();
  t.ok(decode(fixture, 's', stream21(5)));
  const info = infoOf(fixture, 's');
  t.match(info, 'seen-time\r\n:1600000000001\r\n$11\r\nactive-time\r\n:1600000000002\r\n');
  t.match(info, ':1600000000000\r\n:3\r\n');
  t.match(info, 'max-deleted-entry-id\r\n$3\r\n7-0\r\n');
  const before = fixture.engine.arena.tableBytes;
  t.notOk(decode(fixture, 'other', stream21(6)), 'a pending entry that the group lacks');
  t.equal(fixture.engine.arena.tableBytes, before);
  t.end();
});

t.test('damaged payloads', (t) => {
  const fixture = makeEngine(false);
  const { engine } = fixture;
  const below = seeded(77);
  let accepted = 0;
  for (let seed = 200; seed < 210; seed++) {
    runAll(fixture, [...entryCommands('s', seed), ...groupCommands('s', seed)]);
    const payload = encode(fixture, 's');
    run(fixture, ['DEL', 's']);
    const empty = engine.arena.usedBytes;
    const tables = engine.arena.tableBytes;
    for (let i = 0; i < 80; i++) {
      const damaged = Buffer.from(payload);
      // The head and the tail are where the counts are.
      const at = 1 + below(below(2) === 0 ? damaged.length - 1 : Math.min(60, damaged.length - 1));
      damaged[at] = below(256);
      const whole = below(5) === 0 ? damaged.subarray(0, at) : damaged;
      if (decode(fixture, 's', whole)) {
        accepted++;
        run(fixture, ['XRANGE', 's', '-', '+']);
        infoOf(fixture, 's');
        encode(fixture, 's');
        run(fixture, ['DEL', 's']);
      }
      if (engine.arena.usedBytes !== empty) t.fail(`seed ${seed}, ${i}: blocks are left`);
      if (engine.arena.tableBytes !== tables) t.fail(`seed ${seed}, ${i}: tables are left`);
    }
  }
  t.ok(accepted > 0, 'what changes a value alone is accepted');
  engine.verify();
  t.end();
});
