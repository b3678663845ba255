import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { STRING_LZF, writeLength } from './length-encoding.ts';
import { Opcode, ValueType } from './opcodes.ts';
import { RecordScanner, ScanEvent } from './record-scanner.ts';
import { putString, rdbFile, ziplist, ziplistText } from './testing/dump-builder.ts';
import {
  contentOf,
  decode,
  encode,
  makeEngine,
  run,
  sampleCommands,
  seeded,
  verify,
} from './testing/engine-values.ts';

/** A payload: type byte and what `write` adds. */
function payload(type: ValueType, write: (sink: ByteSink) => void): Buffer {
  const sink = new ByteSink();
  sink.u8(type);
  write(sink);
  return sink.take();
}

/** A listpack of ready-made entries. */
function listpack(count: number, ...entries: number[]): Buffer {
  const blob = Buffer.from([0, 0, 0, 0, count, 0, ...entries, 0xff]);
  blob.writeUInt32LE(blob.length, 0);
  return blob;
}

/** Type 18 with the given nodes. */
function quicklist2(...nodes: [container: number, blob: Buffer][]): Buffer {
  return payload(ValueType.listQuicklist2, (sink) => {
    writeLength(sink, nodes.length);
    for (const [container, blob] of nodes) {
      sink.u8(container);
      putString(sink, blob);
    }
  });
}

t.test('values come back as they were', async (t) => {
  for (const compression of [true, false]) {
    const source = makeEngine(compression);
    const target = makeEngine();
    const plain: string[] = [];
    for (const command of sampleCommands(7, 400)) {
      const key = String(command[1]);
      run(source, command);
      const bytes = encode(source, key);
      if (!decode(target, key, bytes)) t.fail(`${key} was refused`);
      if (contentOf(target, key) !== contentOf(source, key)) plain.push(key);
      if (bytes.buffer.byteLength !== bytes.length) t.fail('encodeValue gave shared memory');
    }
    t.same(plain, [], `contents, compression ${compression}`);
    verify(source);
    verify(target);
  }
});

t.test('strings take the form that Redis gives them', async (t) => {
  const fixture = makeEngine();
  const forms: [string, string][] = [
    ['', '0000'],
    ['0', '00c000'],
    ['-1', '00c0ff'],
    ['-129', '00c17fff'],
    ['40000', '00c2409c0000'],
    ['007', '0003303037'],
    ['abc', '0003616263'],
    ['2147483648', `000a${Buffer.from('2147483648').toString('hex')}`],
  ];
  for (const [text, hex] of forms) {
    run(fixture, ['SET', 'k', text]);
    t.equal(encode(fixture, 'k').toString('hex'), hex, JSON.stringify(text));
  }
  run(fixture, ['SET', 'k', 'x'.repeat(20)]);
  t.equal(encode(fixture, 'k').length, 22, 'up to 20 bytes are left as they are');
  run(fixture, ['SET', 'k', 'x'.repeat(64)]);
  t.equal(encode(fixture, 'k')[1], STRING_LZF);
  const plain = makeEngine(false);
  run(plain, ['SET', 'k', 'x'.repeat(64)]);
  t.equal(encode(plain, 'k').length, 67, 'without compression');
});

t.test('a list is written node by node', async (t) => {
  const fixture = makeEngine(false);
  run(fixture, ['RPUSH', 'l', 'a', '1']);
  const packed = quicklist2([2, listpack(2, 0x81, 0x61, 2, 1, 1)]);
  t.equal(encode(fixture, 'l').toString('hex'), packed.toString('hex'));
  run(fixture, ['RPUSH', 'l', 'x'.repeat(20_000)]);
  const two = quicklist2([2, listpack(2, 0x81, 0x61, 2, 1, 1)], [1, Buffer.alloc(20_000, 'x')]);
  t.ok(encode(fixture, 'l').equals(two), 'with a plain node');
});

t.test('lists of older formats', async (t) => {
  const fixture = makeEngine();
  const blob = ziplist([
    ziplistText('first'),
    Buffer.from([0xfe, 0x85]),
    ziplistText('y'.repeat(300)),
    Buffer.from([0xf1]),
  ]);
  const elements = ['first', '-123', 'y'.repeat(300), '0'];
  const payloads: [string, Buffer][] = [
    ['ziplist', payload(ValueType.listZiplist, (sink) => putString(sink, blob))],
    [
      'quicklist',
      payload(ValueType.listQuicklist, (sink) => {
        writeLength(sink, 3);
        putString(sink, blob);
        putString(sink, ziplist([]));
        putString(sink, blob);
      }),
    ],
    [
      'linked list',
      payload(ValueType.list, (sink) => {
        writeLength(sink, elements.length);
        for (const element of elements) putString(sink, element);
      }),
    ],
    ['quicklist2', quicklist2([2, listpack(0)], [1, Buffer.from('small')])],
  ];
  const expected = [elements, [...elements, ...elements], elements, ['small']];
  for (const [i, [name, bytes]] of payloads.entries()) {
    t.ok(decode(fixture, 'l', bytes), name);
    run(fixture, ['DEL', 'same']);
    run(fixture, ['RPUSH', 'same', ...expected[i]]);
    t.equal(contentOf(fixture, 'l'), contentOf(fixture, 'same'), `${name}: elements`);
  }
  verify(fixture);
});

t.test('what is unsound is refused and leaves nothing', async (t) => {
  const fixture = makeEngine();
  const good = listpack(1, 0x81, 0x61, 2);
  const cases: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['a type that is not known', Buffer.from([ValueType.set, 0])],
    ['no value', Buffer.from([ValueType.string])],
    ['a string too long', Buffer.from([0, 5, 1, 2])],
    ['bytes behind a string', Buffer.from([0, 1, 97, 98])],
    [
      'LZF that promises too much',
      Buffer.from([0, STRING_LZF, 2, 0x80, 0x7f, 0xff, 0xff, 0xff, 0, 0]),
    ],
    ['an unknown string encoding', Buffer.from([0, 0xc7, 0])],
    ['an empty list', quicklist2()],
    ['empty nodes only', quicklist2([2, listpack(0)])],
    ['an unknown container', quicklist2([2, good], [3, good])],
    ['a wrong count', quicklist2([2, good], [2, listpack(2, 0x81, 0x61, 2)])],
    ['a wrong backward size', quicklist2([2, good], [2, listpack(1, 0x81, 0x61, 3)])],
    ['an entry that leaves the node', quicklist2([2, good], [2, listpack(1, 0xbf, 0x61, 3)])],
    ['bytes behind a list', Buffer.concat([quicklist2([2, good]), Buffer.of(0)])],
    ['an empty old list', payload(ValueType.list, (sink) => writeLength(sink, 0))],
    ['a ziplist that is none', payload(ValueType.listZiplist, (sink) => putString(sink, good))],
  ];
  run(fixture, ['SET', 'other', 'x']);
  const used = fixture.engine.arena.usedBytes;
  for (const [name, bytes] of cases) {
    t.notOk(decode(fixture, 'k', bytes), name);
    t.equal(fixture.engine.arena.usedBytes, used, `${name}: memory`);
  }
  t.equal(run(fixture, ['DBSIZE']), ':1\r\n');
  verify(fixture);
});

t.test('cut and flipped payloads never throw', async (t) => {
  const source = makeEngine();
  const packed = makeEngine(false);
  const target = makeEngine();
  const below = seeded(11);
  let accepted = 0;
  const tryOut = (bytes: Buffer): void => {
    const used = target.engine.arena.usedBytes;
    if (decode(target, 'k', bytes)) {
      accepted++;
      contentOf(target, 'k');
      verify(target);
      run(target, ['DEL', 'k']);
    }
    while (target.engine.lazyFree.isPending) target.engine.lazyFree.step();
    if (target.engine.arena.usedBytes !== used) throw new Error('memory is missing');
  };
  for (const command of sampleCommands(3, 120)) {
    const key = String(command[1]);
    for (const fixture of [source, packed]) {
      run(fixture, command);
      const bytes = encode(fixture, key);
      const step = 1 + Math.floor(bytes.length / 60);
      for (let cut = 0; cut < bytes.length; cut += step) {
        if (decode(target, 'k', bytes.subarray(0, cut))) t.fail(`${key} cut at ${cut}`);
      }
      for (let round = 0; round < (bytes.length > 20_000 ? 3 : 25); round++) {
        const flipped = Buffer.from(bytes);
        for (let flips = 1 + below(3); flips > 0; flips--) {
          // The beginning, where lengths are, gets its share.
          const at = below(below(2) === 0 ? Math.min(16, bytes.length) : bytes.length);
          flipped[at] ^= 1 << below(8);
        }
        tryOut(flipped);
      }
    }
  }
  target.engine.arena.verify();
  t.ok(accepted > 100, `${accepted} flips made another sound value`);
});

t.test('records carry deadline, access clock, type, key and value', async (t) => {
  const now = 1_700_000_000_000;
  const fixture = makeEngine();
  const { engine } = fixture;
  const keyspace = engine.keyspace(0);
  const recordOf = (key: string): RecordScanner => {
    engine.codec.appendRecord(keyspace, keyspace.findKey(Buffer.from(key)));
    const records = Buffer.from(engine.codec.takeRecords());
    const scanner = new RecordScanner();
    scanner.feed(rdbFile((sink) => sink.copyFrom(records)));
    t.equal(scanner.next(), ScanEvent.record);
    return scanner;
  };
  run(fixture, ['SET', 'k', 'v']);
  const { record } = recordOf('k');
  t.match(record, { expireAtMs: -1, idleSeconds: -1, frequency: -1, type: ValueType.string });
  run(fixture, ['PEXPIREAT', 'k', '1700000123456']);
  t.equal(recordOf('k').record.expireAtMs, 1_700_000_123_456);
  engine.settings.maxMemoryPolicy = 'allkeys-lru';
  engine.setNow(now + 100_000);
  t.match(recordOf('k').record, { idleSeconds: 100, frequency: -1 });
  engine.settings.maxMemoryPolicy = 'volatile-lfu';
  engine.lfu = true;
  engine.setNow(now);
  run(fixture, ['SET', 'counted', 'v']);
  t.match(recordOf('counted').record, { idleSeconds: -1, frequency: 5 });
  t.equal(Opcode.freq, 249);
});

t.test('records are handed over in memory of their own', async (t) => {
  const fixture = makeEngine();
  const { codec } = fixture.engine;
  const keyspace = fixture.engine.keyspace(0);
  run(fixture, ['SET', 'a', 'one']);
  run(fixture, ['SET', 'b', Buffer.alloc(3_000_000, 'random?')]);
  for (const key of ['a', 'b', 'a']) {
    const reference = keyspace.findKey(Buffer.from(key));
    const buffered = codec.appendRecord(keyspace, reference);
    const between = codec.encodeValue(keyspace, keyspace.findKey(Buffer.from('a')));
    t.equal(between.toString('latin1'), '\0\x03one', 'a value amid records');
    const records = codec.takeRecords();
    t.equal(records.length, buffered);
    t.equal(records.buffer.byteLength, records.length);
    structuredClone(records.buffer, { transfer: [records.buffer] });
    t.equal(records.length, 0, 'the memory has gone');
  }
  t.equal(codec.takeRecords().length, 0);
});

t.test('strings that do not compress cost few tries and are not lost', async (t) => {
  const fixture = makeEngine();
  const { codec } = fixture.engine;
  const keyspace = fixture.engine.keyspace(0);
  const below = seeded(5);
  const noise = (): Buffer => Buffer.from(Array.from({ length: 64 }, () => below(256)));
  for (let i = 0; i < 200; i++) run(fixture, ['SET', `noise:${i}`, noise()]);
  run(fixture, ['SET', 'same', 'x'.repeat(64)]);
  const same = keyspace.findKey(Buffer.from('same'));
  const size = (reference: number): number => {
    codec.appendRecord(keyspace, reference);
    return codec.takeRecords().length;
  };
  const compressed = size(same);
  for (let i = 0; i < 200; i++) size(keyspace.findKey(Buffer.from(`noise:${i}`)));
  const sizes = Array.from({ length: 100 }, () => size(same));
  t.equal(sizes.at(-1), compressed, 'after at most 64 strings one is tried again');
  t.ok(sizes.includes(1 + 5 + 2 + 64), 'some were passed over');
});
