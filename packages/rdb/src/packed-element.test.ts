import fc from 'fast-check';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import { verifyDumpFooter, writeDumpFooter } from './dump-payload.ts';
import { readIntset } from './intset.ts';
import { writeLength } from './length-encoding.ts';
import { checkListpack, readListpack } from './listpack.ts';
import { ValueType } from './opcodes.ts';
import { asBytes } from './packed-element.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import { putString, ziplist, ziplistText } from './testing/dump-builder.ts';
import { quoted, RedisProcess, redisMissing, temporaryDirectory } from './testing/redis-process.ts';
import { checkZiplist, readZiplist } from './ziplist.ts';
import { readZipmap } from './zipmap.ts';

const readers = { readListpack, readZiplist, readIntset, readZipmap };
type Reader = (typeof readers)[keyof typeof readers];

/** The elements of a blob that stands between other bytes. */
function elements(read: Reader, blob: Buffer): string[] {
  const framed = Buffer.concat([Buffer.from('***'), blob, Buffer.from('***')]);
  const found: string[] = [];
  const visitor = asBytes((bytes, start, end) => found.push(bytes.toString('latin1', start, end)));
  read(framed, 3, 3 + blob.length, visitor);
  return found;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

// An element of every listpack encoding, laid out by hand from the format's description.
const listpackBlob = bytes(
  '2f000000 0900 00 01 7f 01 c000 02 dfff 02 f10080 03 f2ffff7f 04 f300000080 05 83616263 04' +
    'f40000000000000080 09 ff',
);
const listpackElements = [
  '0',
  '127',
  '0',
  '-1',
  '-32768',
  '8388607',
  '-2147483648',
  'abc',
  '-9223372036854775808',
];

const ziplistBlob = ziplist([
  bytes('f1'),
  bytes('fd'),
  bytes('fe80'),
  bytes('c00080'),
  bytes('f0ffff7f'),
  bytes('d000000080'),
  bytes('e0ffffffffffffff7f'),
  ziplistText(''),
  ziplistText('short'),
  ziplistText('m'.repeat(300)),
  ziplistText('l'.repeat(17_000)),
  ziplistText('after'),
]);
const ziplistElements = [
  '0',
  '12',
  '-128',
  '-32768',
  '8388607',
  '-2147483648',
  '9223372036854775807',
  '',
  'short',
  'm'.repeat(300),
  'l'.repeat(17_000),
  'after',
];

const zipmapBlob = Buffer.concat([
  bytes('02 01 66 01 00 76'),
  bytes('05'),
  Buffer.from('field'),
  // A long value, and two unused bytes behind it.
  bytes('fe 2c010000 02'),
  Buffer.alloc(300, 'v'),
  bytes('0000 ff'),
]);

t.test('listpack', async (t) => {
  t.same(elements(readListpack, listpackBlob), listpackElements);
  t.equal(checkListpack(listpackBlob, 0, listpackBlob.length), 9);
  t.equal(checkListpack(bytes('07000000 0000 ff'), 0, 7), 0);
  const uncounted = Buffer.from(listpackBlob);
  uncounted.writeUInt16LE(0xffff, 4);
  t.equal(checkListpack(uncounted, 0, uncounted.length), 9);
});

t.test('ziplist', async (t) => {
  t.same(elements(readZiplist, ziplistBlob), ziplistElements);
  t.equal(checkZiplist(ziplistBlob, 0, ziplistBlob.length), ziplistElements.length);
  t.same(elements(readZiplist, ziplist([])), []);
});

t.test('intset', async (t) => {
  t.same(elements(readIntset, bytes('02000000 02000000 ffff 0700')), ['-1', '7']);
  t.same(elements(readIntset, bytes('04000000 01000000 00000080')), ['-2147483648']);
  const wide = bytes('08000000 02000000 0000000000000080 ffffffffffffff7f');
  t.same(elements(readIntset, wide), ['-9223372036854775808', '9223372036854775807']);
  t.throws(() => elements(readIntset, bytes('02000000 02000000 0700 0700')), {
    message: 'corrupt intset at byte 13: not in order',
  });
  t.throws(() => elements(readIntset, bytes('08000000 ffffffff')), RdbFormatError);
});

t.test('zipmap', async (t) => {
  t.same(elements(readZipmap, zipmapBlob), ['f', 'v', 'field', 'v'.repeat(300)]);
  t.same(elements(readZipmap, bytes('00 ff')), []);
});

t.test('integers reach the visitor as numbers where they fit', async (t) => {
  const seen: (number | bigint)[] = [];
  readListpack(listpackBlob, 0, listpackBlob.length, {
    bytes: () => {},
    integer: (value) => seen.push(value),
    bigInteger: (value) => seen.push(value),
  });
  t.same(seen.slice(-2), [-2147483648, -(2n ** 63n)]);
});

t.test('corrupt blobs: an RdbFormatError that points into the blob, or nothing', async (t) => {
  const intset = bytes('04000000 03000000 01000000 02000000 03000000');
  const blobs: [Reader, Buffer][] = [
    [readListpack, listpackBlob],
    [readZiplist, ziplist(ziplistElements.slice(0, 9).map(ziplistText))],
    [readZipmap, zipmapBlob],
    [readIntset, intset],
  ];
  for (const [read, blob] of blobs) {
    for (let length = 0; length < blob.length; length++) {
      t.ok(complaint(read, blob.subarray(0, length)), `${read.name} of ${length} bytes`);
    }
    for (let at = 0; at < blob.length; at++) {
      for (let value = 0; value < 256; value++) {
        const broken = Buffer.from(blob);
        broken[at] = value;
        complaint(read, broken);
      }
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (random) => {
        complaint(read, Buffer.from(random));
        // With a header that is right, so that the entries are looked at.
        const blob = Buffer.concat([Buffer.alloc(6), random, bytes('ff')]);
        blob.writeUInt32LE(blob.length, 0);
        complaint(read, blob);
      }),
    );
  }
});

function complaint(read: Reader, blob: Buffer): boolean {
  try {
    elements(read, blob);
    return false;
  } catch (error) {
    if (!(error instanceof RdbFormatError)) throw error;
    if (error.offset < 3 || error.offset > 3 + blob.length) throw error;
    return true;
  }
}

function payload(type: ValueType, write: (sink: ByteSink) => void): Buffer {
  const sink = new ByteSink();
  sink.latin1('in front');
  sink.u8(type);
  write(sink);
  writeDumpFooter(sink, 8);
  return sink.take().subarray(8);
}

t.test('the frame of DUMP', async (t) => {
  const frame = payload(ValueType.string, (sink) => putString(sink, 'value'));
  t.ok(verifyDumpFooter(frame, 0, frame.length));
  for (let at = 0; at < frame.length; at++) {
    const broken = Buffer.from(frame);
    broken[at] ^= 0x40;
    t.notOk(verifyDumpFooter(broken, 0, frame.length), `byte ${at}`);
  }
  t.notOk(verifyDumpFooter(frame, 0, 10));
  frame.fill(0, frame.length - 8);
  t.notOk(verifyDumpFooter(frame, 0, frame.length), 'unlike in files, zero is no checksum');
});

t.test('redis-server reads these blobs as we do', { skip: redisMissing() }, async (t) => {
  await using dir = await temporaryDirectory();
  await using redis = await RedisProcess.start(dir.path);
  const restore = (key: string, type: ValueType, write: (sink: ByteSink) => void) =>
    redis.script([`restore ${key} 0 ${quoted(payload(type, write))}`]);
  await restore('old', ValueType.listZiplist, (sink) => putString(sink, ziplistBlob));
  t.equal(String(await redis.command('lrange', 'old', '0', '-1')), ziplistElements.join('\n'));
  await restore('nodes', ValueType.listQuicklist, (sink) => {
    writeLength(sink, 2);
    putString(sink, ziplistBlob);
    putString(sink, ziplistBlob);
  });
  t.equal(String(await redis.command('llen', 'nodes')), String(ziplistElements.length * 2));
  await restore('new', ValueType.listQuicklist2, (sink) => {
    writeLength(sink, 1);
    writeLength(sink, 2);
    putString(sink, listpackBlob);
  });
  t.equal(String(await redis.command('lrange', 'new', '0', '-1')), listpackElements.join('\n'));
  await restore('hash', ValueType.hashZipmap, (sink) => putString(sink, zipmapBlob));
  t.equal(String(await redis.command('hget', 'hash', 'field')), 'v'.repeat(300));
  const dumped = await redis.command('dump', 'new');
  t.ok(verifyDumpFooter(dumped, 0, dumped.length), 'and its DUMP has a frame that we accept');
});
