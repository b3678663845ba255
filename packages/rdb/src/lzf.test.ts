import fc from 'fast-check';
import t from 'tap';
import { lzfCompress, lzfDecompress } from './lzf.ts';
import { RdbFormatError } from './rdb-format-error.ts';

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.integer({ min: 1, max: 400 })), {
    maxLength: 8,
  })
  .map((parts) => Buffer.concat(parts.flatMap(([part, times]) => Array(times).fill(part))));

function roundTrip(input: Buffer): Buffer {
  const packed = Buffer.alloc(input.length * 2 + 16);
  const size = lzfCompress(input, 0, input.length, packed, 3, packed.length);
  const plain = Buffer.alloc(input.length + 2);
  lzfDecompress(packed, 3, 3 + size, plain, 1, 1 + input.length);
  return plain.subarray(1, 1 + input.length);
}

t.test('what is compressed comes out again', async () => {
  fc.assert(fc.property(repetitive, (input) => roundTrip(input).equals(input)));
});

t.test('repetition gets small, and noise is refused', async (t) => {
  const packed = Buffer.alloc(4096);
  const zeros = Buffer.alloc(100_000);
  t.ok(lzfCompress(zeros, 0, zeros.length, packed, 0, packed.length) < 1200);
  const counting = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  t.equal(lzfCompress(counting, 0, 256, packed, 0, 252), 0);
});

t.test('decodes what liblzf wrote', async (t) => {
  // Taken from DUMP of redis-server 7.0.15.
  const vectors: [string, string][] = [
    ['016161e01b00016161', 'a'.repeat(40)],
    ['076162636465666761e01706016667', 'abcdefg'.repeat(6)],
  ];
  for (const [hex, text] of vectors) {
    const packed = Buffer.from(hex, 'hex');
    const plain = Buffer.alloc(text.length);
    lzfDecompress(packed, 0, packed.length, plain, 0, plain.length);
    t.equal(plain.toString(), text);
  }
});

t.test('corrupt input: an error of the right kind, or other bytes, and always an end', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(600), (bytes, size) => {
      try {
        lzfDecompress(bytes, 0, bytes.length, Buffer.alloc(size), 0, size);
      } catch (error) {
        if (!(error instanceof RdbFormatError)) throw error;
      }
    }),
  );
});
