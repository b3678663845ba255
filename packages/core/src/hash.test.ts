import { Block } from '@hashlane/resp';
import t from 'tap';
import { hashBytes, seedHash, shardOfHash } from './hash.ts';

const hash = (text: string): number => hashBytes(Block.of(text), 0, text.length);

t.test('the place of a key does not change its hash', async (t) => {
  const text = 'some key of 21 bytes.';
  for (let length = 0; length <= text.length; length++) {
    const key = text.slice(0, length);
    const padded = Block.of(`xxx${key}yyyyyyyy`);
    t.equal(hashBytes(padded, 3, length), hash(key), `${length} bytes`);
  }
});

t.test('is an int32 and differs with the length of zeros', async (t) => {
  const zeros = Block.of('\0'.repeat(64));
  const seen = new Set<number>();
  for (let length = 0; length <= 64; length++) {
    const value = hashBytes(zeros, 0, length);
    t.equal(value, value | 0);
    seen.add(value);
  }
  t.equal(seen.size, 65);
});

t.test('numbered keys spread evenly over the high bits and over shards', async (t) => {
  const keys = 100_000;
  const high = new Int32Array(256);
  const shards = new Int32Array(3);
  const seen = new Set<number>();
  for (let i = 0; i < keys; i++) {
    const value = hash(`key:${i}`);
    seen.add(value);
    high[value >>> 24]++;
    shards[shardOfHash(value, 3)]++;
  }
  // Birthday bound: about 1.2 collisions are expected among 100,000 of 2^32.
  t.ok(keys - seen.size < 10, `${keys - seen.size} collisions`);
  const expected = keys / 256;
  for (const count of high) t.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected));
  for (const count of shards) t.ok(Math.abs(count - keys / 3) < 1000);
});

t.test('every bit of the key changes about half of the hash', async (t) => {
  const key = Block.of('0123456789abcdef');
  const base = hashBytes(key, 0, 16);
  for (let bit = 0; bit < 128; bit++) {
    key.bytes[bit >> 3] ^= 1 << (bit & 7);
    const changed = (hashBytes(key, 0, 16) ^ base) >>> 0;
    key.bytes[bit >> 3] ^= 1 << (bit & 7);
    const ones = changed.toString(2).replaceAll('0', '').length;
    t.ok(ones >= 5 && ones <= 27, `bit ${bit} changes ${ones} bits`);
  }
});

t.test('the seed changes the hashes', async (t) => {
  const before = hash('key');
  seedHash(12345);
  const after = hash('key');
  seedHash(12345);
  t.not(after, before);
  t.equal(hash('key'), after);
});
