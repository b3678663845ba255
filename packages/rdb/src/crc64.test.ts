import t from 'tap';
import { Crc64, crc64 } from './crc64.ts';

t.test('known vectors', async (t) => {
  t.equal(crc64(Buffer.from('123456789')), 0xe9c6d914c4b8d9can);
  t.equal(crc64(Buffer.alloc(0)), 0n);
});

t.test('agrees with the bit by bit definition, at any length and start', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 70 }, (_, index) => (index * 167 + 13) & 0xff));
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const expected = bitByBit(bytes.subarray(start, end));
      if (crc64(bytes, start, end) !== expected) t.fail(`bytes ${start} to ${end}`);
    }
  }
});

t.test('may be cut anywhere', async (t) => {
  const bytes = Buffer.from('the quick brown fox jumps over the lazy dog');
  for (let cut = 0; cut <= bytes.length; cut++) {
    const crc = new Crc64();
    crc.update(bytes, 0, cut);
    crc.update(bytes, cut);
    if (crc.digest() !== crc64(bytes)) t.fail(`cut at ${cut}`);
    const stored = Buffer.alloc(9);
    stored.writeBigUInt64LE(crc.digest(), 1);
    if (!crc.matches(stored, 1)) t.fail(`stored form of the cut at ${cut}`);
  }
});

function bitByBit(bytes: Buffer): bigint {
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
    }
  }
  return crc;
}
