import { SET, SetValue } from '@hashlane/core';
import type { EngineFixture } from '@hashlane/core/engine.fixture';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { writeLength } from './length-encoding.ts';
import { ValueType } from './opcodes.ts';
import { putString } from './testing/dump-builder.ts';
import { decode, encode, makeEngine, randomBytes, run, seeded } from './testing/engine-values.ts';

function payload(type: ValueType, write: (sink: ByteSink) => void): Buffer {
  const sink = new ByteSink();
  sink.u8(type);
  write(sink);
  return sink.take();
}

/** Type 2. */
function plainSet(...members: string[]): Buffer {
  return payload(ValueType.set, (sink) => {
    writeLength(sink, members.length);
    for (const member of members) putString(sink, Buffer.from(member, 'latin1'));
  });
}

/** Type 11. */
function intset(width: number, ...values: number[]): Buffer {
  const blob = Buffer.alloc(8 + width * values.length);
  blob.writeUInt32LE(width, 0);
  blob.writeUInt32LE(values.length, 4);
  values.forEach((value, i) => {
    if (width === 8) blob.writeBigInt64LE(BigInt(value), 8 + 8 * i);
    else blob.writeIntLE(value, 8 + width * i, width);
  });
  return payload(ValueType.setIntset, (sink) => putString(sink, blob));
}

/** Type 20, with short strings and integers up to 127. */
function packedSet(...members: (string | number)[]): Buffer {
  const entries = members.flatMap((member) =>
    typeof member === 'number'
      ? [member, 1]
      : [0x80 | member.length, ...Buffer.from(member, 'latin1'), member.length + 1],
  );
  const blob = Buffer.from([0, 0, 0, 0, members.length, 0, ...entries, 0xff]);
  blob.writeUInt32LE(blob.length, 0);
  return payload(ValueType.setListpack, (sink) => putString(sink, blob));
}

/** The members of a key, sorted, and its encoding. */
function setOf(fixture: EngineFixture, key: string): string[] {
  const { engine } = fixture;
  const keyspace = engine.keyspace(0);
  const reference = keyspace.findKey(Buffer.from(key));
  if (keyspace.typeOf(reference) !== SET) throw new Error('not a set');
  const set = new SetValue().open(engine.arena, reference, engine.settings);
  set.verify();
  const members: string[] = [];
  set.scan(0, Infinity, (member) => {
    const { block, length, offset } = member.needText();
    members.push(block.bytes.latin1Slice(offset, offset + length));
  });
  return [set.encoding, ...members.sort()];
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i * 3));
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);

t.test('sets come back as they were, in the form of their members', async (t) => {
  const source = makeEngine();
  const target = makeEngine();
  const below = seeded(3);
  const sets: (string | Buffer)[][] = [
    ['1'],
    ['1', '-40000', '5'],
    ['1', '9223372036854775807', '-9223372036854775808', '9007199254740993'],
    numbers(512),
    numbers(513),
    ['a', '', '12', '-7', '01', '9223372036854775808'],
    names(128),
    names(129),
    ['x'.repeat(64)],
    ['x'.repeat(65), '1'],
    names(20_000),
    ...Array.from({ length: 60 }, () =>
      Array.from({ length: 1 + below(200) }, () => randomBytes(below)),
    ),
  ];
  for (const members of sets) {
    run(source, ['SADD', 'k', ...members]);
    if (!decode(target, 'k', encode(source, 'k'))) t.fail('refused');
    t.same(setOf(target, 'k'), setOf(source, 'k'));
    run(source, ['DEL', 'k']);
  }
  run(target, ['DEL', 'k']);
  while (target.engine.lazyFree.isPending) target.engine.lazyFree.step();
  t.equal(target.engine.arena.usedBytes, 0);
});

t.test('bytes of the forms', async (t) => {
  const fixture = makeEngine(false);
  run(fixture, ['SADD', 'i', '3', '1', '2']);
  t.same(encode(fixture, 'i'), intset(2, 1, 2, 3));
  run(fixture, ['SADD', 'i', '-70000']);
  t.same(encode(fixture, 'i'), intset(4, -70000, 1, 2, 3));
  run(fixture, ['SADD', 'm', 'a', '300']);
  t.equal(encode(fixture, 'm').toString('hex'), '02020161c12c01');
});

t.test('the form follows from members and thresholds', async (t) => {
  const fixture = makeEngine();
  t.ok(decode(fixture, 'k', plainSet('2', '1')));
  t.same(setOf(fixture, 'k'), ['intset', '1', '2']);
  t.ok(decode(fixture, 'k', plainSet('2', 'a', '1')));
  t.same(setOf(fixture, 'k'), ['listpack', '1', '2', 'a']);
  t.ok(decode(fixture, 'k', packedSet('a', 7, 'bc')));
  t.same(setOf(fixture, 'k'), ['listpack', '7', 'a', 'bc']);
  t.ok(decode(fixture, 'k', packedSet(7)));
  t.same(setOf(fixture, 'k'), ['listpack', '7']);
  t.ok(decode(fixture, 'k', intset(8, 1, 2, 3)), 'wider than necessary');
  t.same(setOf(fixture, 'k'), ['intset', '1', '2', '3']);
  const { settings } = fixture.engine;
  settings.setMaxIntsetEntries = 2;
  settings.setMaxListpackEntries = 2;
  for (const bytes of [plainSet('1', '2', '3'), intset(2, 1, 2, 3), packedSet(1, 2, 3)]) {
    t.ok(decode(fixture, 'k', bytes));
    t.same(setOf(fixture, 'k'), ['hashtable', '1', '2', '3']);
  }
});

t.test('unsound sets are refused without a trace', async (t) => {
  const fixture = makeEngine();
  const { engine } = fixture;
  const clean = [engine.arena.usedBytes, engine.arena.tableBytes, engine.arena.structures.size];
  const { settings } = engine;
  for (const most of [128, 2]) {
    settings.setMaxListpackEntries = most;
    const unsound: [string, Buffer][] = [
      ['an empty set', plainSet()],
      ['an empty intset', intset(2)],
      ['an empty listpack', packedSet()],
      ['a string twice', plainSet('a', 'b', 'c', 'b')],
      ['an integer twice', plainSet('1', '2', '1')],
      ['integers out of order', intset(4, 2, 1)],
      ['an integer twice in an intset', intset(2, 1, 1)],
      ['an intset of width 3', intset(3, 1)],
      ['a string twice in a listpack', packedSet('a', 'b', 'c', 'a')],
      ['an integer twice in a listpack', packedSet(1, 2, 3, 1)],
      ['an integer and its text', packedSet('1', 1)],
      ['a byte too many', Buffer.concat([plainSet('a'), Buffer.of(0)])],
      ['a byte after an intset', Buffer.concat([intset(2, 1), Buffer.of(0)])],
    ];
    for (const [name, bytes] of unsound) t.notOk(decode(fixture, 'k', bytes), name);
    for (const whole of [
      plainSet('a', '1', 'x'.repeat(70), 'b'),
      intset(4, 1, 2, 3),
      packedSet('ab', 5, 'c'),
    ]) {
      for (let cut = 1; cut < whole.length; cut++) {
        if (decode(fixture, 'k', whole.subarray(0, cut))) t.fail(`cut at ${cut}`);
      }
    }
  }
  engine.arena.verify();
  t.same([engine.arena.usedBytes, engine.arena.tableBytes, engine.arena.structures.size], clean);
});

t.test('damaged payloads are refused or are sound sets', async (t) => {
  const fixture = makeEngine();
  const { engine } = fixture;
  const below = seeded(9);
  const wholes = [
    plainSet('a', '1', 'x'.repeat(70), 'b'),
    plainSet('1', '200', '70000'),
    intset(4, 1, 2, 3),
    packedSet('ab', 5, 'c'),
  ];
  let accepted = 0;
  for (let i = 0; i < 4000; i++) {
    const bytes = Buffer.from(wholes[below(wholes.length)]);
    for (let changes = 1 + below(2); changes > 0; changes--) {
      bytes[1 + below(bytes.length - 1)] = below(256);
    }
    if (!decode(fixture, 'k', bytes)) continue;
    accepted++;
    setOf(fixture, 'k');
  }
  t.ok(accepted > 100 && accepted < 3900, `${accepted} were sound`);
  fixture.call('DEL', 'k');
  engine.verify();
  t.same([engine.arena.usedBytes, engine.arena.structures.size], [0, 0]);
});
