import { ZSET, ZsetValue } from '@hashlane/core';
import type { EngineFixture } from '@hashlane/core/engine.fixture';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { writeAsciiDouble, writeBinaryDouble, writeLength } from './length-encoding.ts';
import { ValueType } from './opcodes.ts';
import { putString, ziplist, ziplistText } from './testing/dump-builder.ts';
import { decode, encode, makeEngine, randomBytes, run, seeded } from './testing/engine-values.ts';

type Pair = readonly [member: string, score: number];

function payload(type: ValueType, write: (sink: ByteSink) => void): Buffer {
  const sink = new ByteSink();
  sink.u8(type);
  write(sink);
  return sink.take();
}

/** Type 3 or 5. */
function plainZset(type: 3 | 5, ...pairs: Pair[]): Buffer {
  return payload(type, (sink) => {
    writeLength(sink, pairs.length);
    for (const [member, score] of pairs) {
      putString(sink, Buffer.from(member, 'latin1'));
      if (type === ValueType.zset) writeAsciiDouble(sink, score);
      else writeBinaryDouble(sink, score);
    }
  });
}

/** Type 17, of short strings. */
function packedZset(...elements: string[]): Buffer {
  const entries = elements.flatMap((text) => [
    0x80 | text.length,
    ...Buffer.from(text, 'latin1'),
    text.length + 1,
  ]);
  const blob = Buffer.from([0, 0, 0, 0, elements.length, 0, ...entries, 0xff]);
  blob.writeUInt32LE(blob.length, 0);
  return payload(ValueType.zsetListpack, (sink) => putString(sink, blob));
}

/** Type 12. */
function oldZset(...elements: string[]): Buffer {
  const blob = ziplist(elements.map(ziplistText));
  return payload(ValueType.zsetZiplist, (sink) => putString(sink, blob));
}

/** Encoding and pairs of a key, in order. */
function zsetOf(fixture: EngineFixture, key: string): (string | number)[] {
  const { engine } = fixture;
  const keyspace = engine.keyspace(0);
  const reference = keyspace.findKey(Buffer.from(key));
  if (keyspace.typeOf(reference) !== ZSET) throw new Error('not a sorted set');
  const zset = new ZsetValue().open(engine.arena, reference, engine.settings);
  zset.verify();
  const found: (string | number)[] = [zset.encoding];
  for (let isHere = zset.seek(0); isHere; isHere = zset.stepForward()) {
    zset.locateMember();
    const { memberBlock, memberLength, memberOffset } = zset;
    found.push(memberBlock.bytes.latin1Slice(memberOffset, memberOffset + memberLength));
    found.push(zset.score);
  }
  return found;
}

const SCORES = ['0', '-0', '1', '-7', '1.5', '0.1', '1e17', '1e300', '5e-324', 'inf', '-inf'];

t.test('sorted sets come back as they were', async (t) => {
  const source = makeEngine();
  const target = makeEngine();
  const below = seeded(3);
  for (const count of [1, 2, 20, 128, 129, 2000, ...Array.from({ length: 40 }, () => below(200))]) {
    for (let i = 0; i <= count; i++) {
      const score = below(2) === 0 ? SCORES[below(SCORES.length)] : String(below(4000) / 16);
      run(source, ['ZADD', 'k', score, below(3) === 0 ? randomBytes(below) : `m${i}`]);
    }
    if (!decode(target, 'k', encode(source, 'k'))) t.fail('refused');
    t.same(zsetOf(target, 'k'), zsetOf(source, 'k'));
    run(source, ['DEL', 'k']);
  }
  run(target, ['DEL', 'k']);
  while (target.engine.lazyFree.isPending) target.engine.lazyFree.step();
  t.equal(target.engine.arena.usedBytes, 0);
});

t.test('bytes of the forms', async (t) => {
  const fixture = makeEngine(false);
  run(fixture, ['ZADD', 'k', '1', 'a', '2.5', 'b']);
  const entries = '816102010181620283322e3504';
  t.equal(encode(fixture, 'k').toString('hex'), `1114140000000400${entries}ff`);
  fixture.engine.settings.zsetMaxListpackEntries = 1;
  run(fixture, ['ZADD', 'k', '0', 'c']);
  // From the highest score down.
  t.same(encode(fixture, 'k'), plainZset(5, ['b', 2.5], ['a', 1], ['c', 0]));
});

t.test('all forms are read, in any order of pairs', async (t) => {
  const fixture = makeEngine();
  const expected = ['c', -Infinity, 'a', 1, 'b', 2.5];
  const wholes = [
    plainZset(3, ['a', 1], ['c', -Infinity], ['b', 2.5]),
    plainZset(5, ['b', 2.5], ['a', 1], ['c', -Infinity]),
    packedZset('b', '2.5', 'c', '-inf', 'a', '1'),
    oldZset('c', '-inf', 'a', '1', 'b', '2.5'),
  ];
  for (const bytes of wholes) {
    t.ok(decode(fixture, 'k', bytes));
    t.same(zsetOf(fixture, 'k'), ['listpack', ...expected]);
  }
  fixture.engine.settings.zsetMaxListpackEntries = 2;
  for (const bytes of wholes) {
    t.ok(decode(fixture, 'k', bytes));
    t.same(zsetOf(fixture, 'k'), ['skiplist', ...expected]);
  }
});

t.test('a large set keeps the sign of zero, a small one has none', async (t) => {
  const fixture = makeEngine();
  const pairs = Array.from({ length: 128 }, (_, i): Pair => [`m${i}`, i]);
  t.ok(decode(fixture, 'k', plainZset(5, ['zero', -0], ...pairs)));
  t.equal(run(fixture, ['ZSCORE', 'k', 'zero']), '$2\r\n-0\r\n');
  t.ok(decode(fixture, 'k', plainZset(5, ['zero', -0], ...pairs.slice(1))));
  t.equal(run(fixture, ['ZSCORE', 'k', 'zero']), '$1\r\n0\r\n');
});

t.test('unsound sorted sets are refused without a trace', async (t) => {
  const fixture = makeEngine();
  const { engine } = fixture;
  const clean = [engine.arena.usedBytes, engine.arena.tableBytes, engine.arena.structures.size];
  for (const most of [128, 1]) {
    engine.settings.zsetMaxListpackEntries = most;
    const unsound: [string, Buffer][] = [
      ['no members', plainZset(5)],
      ['an empty listpack', packedZset()],
      ['a member twice', plainZset(5, ['a', 1], ['b', 2], ['a', 3])],
      ['a member twice in a listpack', packedZset('a', '1', 'b', '2', 'a', '3')],
      ['a member twice in a ziplist', oldZset('a', '1', 'a', '1')],
      ['no score', packedZset('a', '1', 'b')],
      ['a score that is none', packedZset('a', 'x')],
      ['a score that is not a number', plainZset(5, ['a', Number.NaN])],
      ['a score that is not a number, as text', plainZset(3, ['a', Number.NaN])],
      ['nan in a listpack', packedZset('a', 'nan')],
      ['a byte too many', Buffer.concat([plainZset(5, ['a', 1]), Buffer.of(0)])],
    ];
    for (const [name, bytes] of unsound) t.notOk(decode(fixture, 'k', bytes), name);
    for (const whole of [
      plainZset(3, ['a', 1], ['x'.repeat(70), 2], ['7', 1e300]),
      plainZset(5, ['a', 1], ['x'.repeat(70), 2], ['7', 0.1]),
      packedZset('ab', '5', 'c', '7.5'),
      oldZset('ab', '5', 'c', '7.5'),
    ]) {
      for (let cut = 1; cut < whole.length; cut++) {
        if (decode(fixture, 'k', whole.subarray(0, cut))) t.fail(`cut at ${cut}`);
      }
    }
  }
  engine.arena.verify();
  t.same([engine.arena.usedBytes, engine.arena.tableBytes, engine.arena.structures.size], clean);
});

t.test('damaged payloads are refused or are sound sorted sets', async (t) => {
  const fixture = makeEngine();
  const { engine } = fixture;
  const below = seeded(9);
  const wholes = [
    plainZset(3, ['a', 1], ['x'.repeat(70), 2], ['7', 1e300]),
    plainZset(5, ['a', 1], ['b', 2], ['7', 0.1]),
    packedZset('ab', '5', 'c', '7.5', 'd', '9'),
    oldZset('ab', '5', 'c', '7.5'),
  ];
  let accepted = 0;
  for (let i = 0; i < 4000; i++) {
    const bytes = Buffer.from(wholes[below(wholes.length)]);
    for (let changes = 1 + below(2); changes > 0; changes--) {
      bytes[1 + below(bytes.length - 1)] = below(256);
    }
    if (!decode(fixture, 'k', bytes)) continue;
    accepted++;
    zsetOf(fixture, 'k');
  }
  t.ok(accepted > 100 && accepted < 3900, `${accepted} were sound`);
  fixture.call('DEL', 'k');
  engine.verify();
  t.same([engine.arena.usedBytes, engine.arena.structures.size], [0, 0]);
});
