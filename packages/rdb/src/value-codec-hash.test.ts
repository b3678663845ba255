/** Hashes as RDB values: round trips, the formats of other versions, and redis-server. */

import type { EngineFixture } from '@hashlane/core/engine.fixture';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { DUMP_FOOTER_BYTES, writeDumpFooter } from './dump-payload.ts';
import { writeLength } from './length-encoding.ts';
import { ValueType } from './opcodes.ts';
import { putString, ziplist, ziplistText } from './testing/dump-builder.ts';
import { decode, encode, makeEngine, randomBytes, run, seeded } from './testing/engine-values.ts';
import { quoted, RedisProcess, redisMissing, temporaryDirectory } from './testing/redis-process.ts';

const skip = redisMissing();
const NOW = 1_700_000_000_000;

type Pairs = readonly (string | Buffer)[];

function payload(type: ValueType, write: (sink: ByteSink) => void): Buffer {
  const sink = new ByteSink();
  sink.u8(type);
  write(sink);
  return sink.take();
}

/** A listpack of texts and of integers below 128 or (8 bytes) above 2^32. */
function listpack(...elements: (string | number)[]): Buffer {
  const sink = new ByteSink();
  sink.u32le(0);
  sink.u16le(elements.length);
  for (const element of elements) {
    const start = sink.length;
    if (typeof element === 'string') {
      sink.u8(0x80 | element.length);
      sink.latin1(element);
    } else if (element < 128) sink.u8(element);
    else {
      sink.u8(0xf4);
      sink.u64le(element);
    }
    sink.u8(sink.length - start);
  }
  sink.u8(0xff);
  const blob = sink.take();
  blob.writeUInt32LE(blob.length, 0);
  return blob;
}

/** Fields, values and deadlines of a key, sorted. */
function contentOf(fixture: EngineFixture, key: string): string[] {
  const fields = texts(run(fixture, ['HKEYS', key]));
  return fields
    .map((field) => {
      const value = run(fixture, ['HGET', key, field]);
      const deadline = run(fixture, ['HPEXPIRETIME', key, 'FIELDS', '1', field]);
      return JSON.stringify([field, value, deadline]);
    })
    .sort();
}

/** The bulk strings of a flat array. */
function texts(reply: string): string[] {
  const found: string[] = [];
  for (let at = reply.indexOf('\n') + 1; at < reply.length; ) {
    const head = reply.indexOf('\r\n', at);
    const end = head + 2 + Number(reply.slice(at + 1, head));
    found.push(reply.slice(head + 2, end));
    at = end + 2;
  }
  return found;
}

/** Fields and values of a hash of `fields` fields. */
function randomPairs(below: (bound: number) => number, fields: number): Pairs {
  return Array.from({ length: fields }, (_, i) => [
    i % 3 === 0 ? String(i * 1000) : Buffer.concat([Buffer.from(`${i}:`), randomBytes(below)]),
    randomBytes(below),
  ]).flat();
}

/** Hashes of all sizes; every second has deadlines, some of them on every field. */
function fill(fixture: EngineFixture, deadlines: boolean): string[] {
  const below = seeded(11);
  const sizes = [1, 2, 3, 10, 20, 31, 33, 60, 300, 512, 513, 700];
  return sizes.map((size, i) => {
    const key = `hash:${i}`;
    const pairs = randomPairs(below, size);
    run(fixture, ['HSET', key, ...pairs]);
    if (!deadlines) return key;
    const fields = pairs.filter((_, n) => n % 2 === 0 && (i % 2 === 0 || n % 3 === 0));
    for (const field of fields) {
      const deadline = String(NOW + 1 + below(i % 3 === 0 ? 10 : 1_000_000));
      run(fixture, ['HPEXPIREAT', key, deadline, 'FIELDS', '1', field]);
    }
    return key;
  });
}

t.test('hashes come back as they were', async (t) => {
  for (const compression of [true, false]) {
    for (const deadlines of [false, true]) {
      const source = makeEngine(compression);
      const target = makeEngine();
      for (const key of fill(source, deadlines)) {
        if (!decode(target, key, encode(source, key))) t.fail(`${key} was refused`);
        t.same(contentOf(target, key), contentOf(source, key), key);
      }
      source.engine.verify();
      target.engine.verify();
      const theirs = source.engine.nextDeadline();
      t.equal(target.engine.nextDeadline(), theirs, 'the next deadline is known');
      t.equal(theirs === Infinity, !deadlines);
    }
  }
});

t.test('the oldest type that can hold it', async (t) => {
  const fixture = makeEngine(false);
  run(fixture, ['HSET', 'h', 'a', '1']);
  const packed = payload(ValueType.hashListpack, (sink) => putString(sink, listpack('a', 1)));
  t.same(encode(fixture, 'h'), packed, 'listpack');
  const deadline = NOW + 5000;
  run(fixture, ['HPEXPIREAT', 'h', String(deadline), 'FIELDS', '1', 'a']);
  t.same(
    encode(fixture, 'h'),
    payload(ValueType.hashListpackEx, (sink) => {
      sink.u64le(deadline);
      putString(sink, listpack('a', 1, deadline));
    }),
    'with a deadline',
  );
  run(fixture, ['HPERSIST', 'h', 'FIELDS', '1', 'a']);
  t.same(encode(fixture, 'h'), packed, 'without it');
  const long = 'x'.repeat(65);
  run(fixture, ['HSET', 'h', 'a', long]);
  t.same(
    encode(fixture, 'h'),
    payload(ValueType.hash, (sink) => {
      writeLength(sink, 1);
      putString(sink, 'a');
      putString(sink, long);
    }),
    'a table',
  );
  run(fixture, ['HPEXPIREAT', 'h', String(deadline), 'FIELDS', '1', 'a']);
  t.same(
    encode(fixture, 'h'),
    payload(ValueType.hashMetadata, (sink) => {
      sink.u64le(deadline);
      writeLength(sink, 1);
      writeLength(sink, 1);
      putString(sink, 'a');
      putString(sink, long);
    }),
    'a table with a deadline',
  );
});

t.test('formats of other versions', async (t) => {
  const later = NOW + 60_000;
  const zipmap = Buffer.from([2, 1, 97, 1, 0, 49, 2, 98, 98, 3, 1, 118, 118, 118, 0, 0xff]);
  const small = ziplist([
    ziplistText('a'),
    Buffer.from([0xf2]),
    ziplistText('bb'),
    ziplistText('vvv'),
  ]);
  const cases: [string, Buffer, Pairs, number][] = [
    [
      'zipmap',
      payload(ValueType.hashZipmap, (sink) => putString(sink, zipmap)),
      ['a', '1', 'bb', 'vvv'],
      -1,
    ],
    [
      'ziplist',
      payload(ValueType.hashZiplist, (sink) => putString(sink, small)),
      ['a', '1', 'bb', 'vvv'],
      -1,
    ],
    [
      'listpack with integers as text',
      payload(ValueType.hashListpack, (sink) => putString(sink, listpack('12', '7'))),
      ['12', '7'],
      -1,
    ],
    [
      'deadlines before 7.4 was released, packed',
      payload(ValueType.hashListpackExPreGa, (sink) => putString(sink, listpack('a', 'v', later))),
      ['a', 'v'],
      later,
    ],
    [
      'deadlines before 7.4 was released',
      payload(ValueType.hashMetadataPreGa, (sink) => {
        writeLength(sink, 1);
        writeLength(sink, later);
        putString(sink, 'a');
        putString(sink, 'v');
      }),
      ['a', 'v'],
      later,
    ],
    [
      'deadlines',
      payload(ValueType.hashMetadata, (sink) => {
        sink.u64le(later - 10);
        writeLength(sink, 2);
        writeLength(sink, 11);
        putString(sink, 'a');
        putString(sink, 'v');
        writeLength(sink, 0);
        putString(sink, '12');
        putString(sink, '13');
      }),
      ['a', 'v', '12', '13'],
      later,
    ],
  ];
  const fixture = makeEngine();
  for (const [name, bytes, pairs, deadline] of cases) {
    t.ok(decode(fixture, 'h', bytes), name);
    t.same(texts(run(fixture, ['HGETALL', 'h'])), pairs, name);
    const replied = run(fixture, ['HPEXPIRETIME', 'h', 'FIELDS', '1', pairs[0]]);
    t.equal(replied, `*1\r\n:${deadline}\r\n`, name);
    t.equal(fixture.engine.nextDeadline(), deadline < 0 ? Infinity : deadline);
  }
  fixture.engine.verify();
});

t.test('a packed hash beyond the thresholds becomes a table', async (t) => {
  const source = makeEngine();
  const target = makeEngine();
  target.engine.settings.hashMaxListpackEntries = 16;
  for (const key of fill(source, true).slice(0, 9)) {
    t.ok(decode(target, key, encode(source, key)), key);
    t.same(contentOf(target, key), contentOf(source, key), key);
  }
  target.engine.verify();
});

t.test('what is unsound is refused and leaves nothing', async (t) => {
  const later = NOW + 1000;
  const packed = (...elements: (string | number)[]): Buffer =>
    payload(ValueType.hashListpack, (sink) => putString(sink, listpack(...elements)));
  const volatile = (...elements: (string | number)[]): Buffer =>
    payload(ValueType.hashListpackEx, (sink) => {
      sink.u64le(later);
      putString(sink, listpack(...elements));
    });
  const fields = (type: ValueType, ...words: (string | number)[]): Buffer =>
    payload(type, (sink) => {
      if (type === ValueType.hashMetadata) sink.u64le(later);
      for (const word of words) {
        if (typeof word === 'number') writeLength(sink, word);
        else putString(sink, word);
      }
    });
  const many = Array.from({ length: 40 }, (_, i) => [`f${i}`, 'v']).flat();
  const cases: [string, Buffer][] = [
    ['no fields, packed', packed()],
    ['no fields', fields(ValueType.hash, 0)],
    ['a field without value', packed('a', 1, 'b')],
    ['a field twice', packed('a', 1, 'b', 2, 'a', 3)],
    ['a field twice, as number and as text', packed(12, 1, '12', 2)],
    ['a field twice among many', packed(...many, 'f7', 'v')],
    ['a field twice, unpacked', fields(ValueType.hash, 2, 'a', '1', 'a', '2')],
    ['an end too early', fields(ValueType.hash, 2, 'a', '1')],
    ['an end too late', fields(ValueType.hash, 1, 'a', '1', 'b')],
    ['a packed end too late', Buffer.concat([packed('a', 1), Buffer.from([0])])],
    ['a blob that is none', payload(ValueType.hashListpack, (sink) => putString(sink, 'abc'))],
    ['no deadlines', volatile('a', 1)],
    ['a deadline that is a text', volatile('a', 1, 'x')],
    ['deadlines out of order', volatile('a', 1, later + 1, 'b', 1, later)],
    ['a deadline behind none', volatile('a', 1, 0, 'b', 1, later)],
    ['a field with deadline twice', volatile('a', 1, later, 'a', 1, later)],
    ['a deadline too far', fields(ValueType.hashMetadata, 1, 2 ** 49, 'a', '1')],
    ['an unpacked field twice', fields(ValueType.hashMetadata, 2, 1, 'a', '1', 2, 'a', '1')],
    ['no length', payload(ValueType.hashMetadata, (sink) => sink.u64le(later))],
    ['an odd zipmap', payload(ValueType.hashZipmap, (sink) => putString(sink, 'abc'))],
    [
      'a ziplist without the last value',
      payload(ValueType.hashZiplist, (sink) => putString(sink, ziplist([ziplistText('a')]))),
    ],
  ];
  const fixture = makeEngine();
  const { arena } = fixture.engine;
  for (const [name, bytes] of cases) {
    t.equal(decode(fixture, 'h', bytes), false, name);
    t.equal(arena.usedBytes, 0, `${name}: nothing is left`);
    t.equal(arena.structures.size, 0);
  }
  fixture.engine.verify();
});

t.test('no byte of a payload can be changed or left out to harm', async (t) => {
  const fixture = makeEngine(false);
  const below = seeded(5);
  const keys = fill(fixture, true).slice(0, 6);
  const target = makeEngine();
  for (const key of keys) {
    const bytes = encode(fixture, key);
    for (let i = 0; i < 300; i++) {
      const changed = Buffer.from(bytes);
      changed[1 + below(bytes.length - 1)] = below(256);
      const end = below(4) === 0 ? below(bytes.length) : bytes.length;
      if (decode(target, 'h', changed.subarray(0, end))) run(target, ['HGETALL', 'h']);
    }
  }
  target.engine.verify();
  target.call('DEL', 'h');
  t.equal(target.engine.arena.usedBytes, 0);
});

t.test('DUMP and RESTORE, both ways with redis-server', { skip }, async (t) => {
  await using dir = await temporaryDirectory();
  await using redis = await RedisProcess.start(dir.path);
  const fixture = makeEngine();
  const keys = fill(fixture, false);
  const lines = keys.map((key) => {
    const sink = new ByteSink();
    sink.copyFrom(encode(fixture, key));
    writeDumpFooter(sink, 0);
    return `RESTORE ${key} 0 ${quoted(sink.take())}`;
  });
  await redis.script(lines);
  for (const key of keys) {
    t.equal(String(await redis.command('hlen', key)), run(fixture, ['HLEN', key]).slice(1, -2));
    const theirs = await redis.command('dump', key);
    t.ok(decode(fixture, 'copy', theirs.subarray(0, -DUMP_FOOTER_BYTES)), `their ${key}`);
    t.same(contentOf(fixture, 'copy'), contentOf(fixture, key), key);
    const encoding = String(await redis.command('object', 'encoding', key));
    t.equal(texts(`\n${run(fixture, ['OBJECT|ENCODING', 'ENCODING', key])}`)[0], encoding, key);
  }
});
