import fc from 'fast-check';
import t from 'tap';
import { ByteSink } from './byte-sink.ts';
import {
  RdbCursor,
  writeAsciiDouble,
  writeBigLength,
  writeBinaryDouble,
  writeIntegerString,
  writeLength,
  writeString,
} from './length-encoding.ts';
import { RdbFormatError } from './rdb-format-error.ts';

function written(write: (sink: ByteSink) => void): Buffer {
  const sink = new ByteSink(1);
  write(sink);
  return sink.take();
}

t.test('lengths take the form Redis gives them', async (t) => {
  const forms: [number, string][] = [
    [0, '00'],
    [63, '3f'],
    [64, '4040'],
    [16383, '7fff'],
    [16384, '8000004000'],
    [0xffff_ffff, '80ffffffff'],
    [0x1_0000_0000, '810000000100000000'],
  ];
  for (const [value, hex] of forms) {
    const bytes = written((sink) => writeLength(sink, value));
    t.equal(bytes.toString('hex'), hex);
    t.equal(new RdbCursor(bytes).length(), value);
    t.equal(new RdbCursor(bytes).bigLength(), BigInt(value));
  }
  const top = written((sink) => writeBigLength(sink, 0xffff_ffff_ffff_ffffn));
  t.equal(new RdbCursor(top).bigLength(), 0xffff_ffff_ffff_ffffn);
  t.throws(() => new RdbCursor(top).length(), RdbFormatError);
  t.throws(() => new RdbCursor(Buffer.from('82', 'hex')).length(), {
    message: 'unknown length encoding 130 at byte 0',
  });
});

t.test('strings take the form Redis gives them', async (t) => {
  const forms: [string, string][] = [
    ['', '00'],
    ['0', 'c000'],
    ['-128', 'c080'],
    ['128', 'c18000'],
    ['-32769', 'c2ff7fffff'],
    ['2147483647', 'c2ffffff7f'],
    ['2147483648', '0a32313437343833363438'],
    ['-0', '022d30'],
    ['007', '03303037'],
    ['+1', '022b31'],
  ];
  for (const [text, hex] of forms) {
    const bytes = Buffer.from(text);
    const form = written((sink) => writeString(sink, bytes, 0, bytes.length, true));
    t.equal(form.toString('hex'), hex, text);
    t.equal(new RdbCursor(form).stringBuffer().toString(), text);
  }
  const long = Buffer.alloc(40, 'a');
  const packed = written((sink) => writeString(sink, long, 0, 40, true));
  t.equal(packed[0], 0xc3);
  t.ok(packed.length < 20);
  t.equal(written((sink) => writeString(sink, long, 0, 40, false)).length, 41);
});

t.test('integers as strings', async (t) => {
  for (const value of [0, -1, 127, 40_000, -3e9, 2n ** 63n - 1n]) {
    const bytes = written((sink) => writeIntegerString(sink, value));
    t.equal(new RdbCursor(bytes).stringBuffer().toString(), value.toString());
  }
});

t.test('any string comes back, compressed or not', async () => {
  const strings = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.integer().map((value) => Buffer.from(String(value))),
    fc.tuple(fc.uint8Array({ maxLength: 9 }), fc.nat(2000)).map(([part, times]) => {
      return Buffer.concat(Array(times).fill(part));
    }),
  );
  fc.assert(
    fc.property(strings, fc.boolean(), (bytes, compress) => {
      const form = written((sink) => {
        sink.latin1('before');
        writeString(sink, bytes, 0, bytes.length, compress);
        sink.latin1('after');
      });
      const cursor = new RdbCursor(form, 6);
      const back = cursor.stringBuffer();
      return back.equals(bytes) && form.toString('latin1', cursor.position) === 'after';
    }),
  );
});

t.test('doubles in both forms', async (t) => {
  const values = [0, -0, 1.5, -1e-300, 1e300, 5e-324, Number.NaN, 1 / 0, -1 / 0];
  for (const value of values) {
    t.same(new RdbCursor(written((sink) => writeBinaryDouble(sink, value))).binaryDouble(), value);
    const text = written((sink) => writeAsciiDouble(sink, value));
    t.ok(Object.is(new RdbCursor(text).asciiDouble(), value), String(value));
  }
  for (const text of ['', ' 1', '0x10', '1e', '--1']) {
    const form = Buffer.from(String.fromCharCode(text.length) + text);
    t.throws(() => new RdbCursor(form).asciiDouble(), RdbFormatError, JSON.stringify(text));
  }
});

t.test('numbers of both byte orders, signed and beyond 32 bits', async (t) => {
  for (const value of [0, 1, -1, 1_700_000_000_123, -1_700_000_000_123, 2 ** 53 - 1]) {
    t.equal(new RdbCursor(written((sink) => sink.u64le(value))).i64le(), value);
    const big = written((sink) => sink.bigU64le(BigInt(value)));
    t.same(
      big,
      written((sink) => sink.u64le(value)),
    );
  }
  t.equal(written((sink) => sink.u64be(2 ** 53 - 1)).toString('hex'), '001fffffffffffff');
  t.equal(written((sink) => sink.u16le(0x1234)).toString('hex'), '3412');
  t.equal(written((sink) => sink.f64le(1)).toString('hex'), '000000000000f03f');
});

t.test('a cut value is an error at its end, and garbage nothing else', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      for (const read of ['string', 'length', 'bigLength', 'asciiDouble', 'i64le'] as const) {
        try {
          new RdbCursor(Buffer.from(bytes))[read]();
        } catch (error) {
          if (!(error instanceof RdbFormatError) || error.offset > bytes.length) throw error;
        }
      }
    }),
  );
});

t.test('a sink grows, is cut, emptied and given away', async (t) => {
  const sink = new ByteSink();
  const bytes = Buffer.alloc(3000, 'x');
  sink.copyFrom(bytes);
  sink.copyFrom(new Uint8Array(bytes), 10, 1000);
  sink.truncate(3500);
  t.equal(sink.view().toString(), 'x'.repeat(3500));
  sink.reset();
  sink.u8(7);
  const taken = sink.take();
  sink.u8(8);
  t.same([...taken], [7]);
});
