import { Block } from '@hashlane/resp';
import t from 'tap';
import { Arena } from './arena.ts';
import { defaultEngineSettings } from './engine-settings.ts';
import { fuzzZsetValue } from './zset-value.fuzz.ts';
import { ZSET_BYTES, ZsetValue } from './zset-value.ts';

function makeZset() {
  const arena = new Arena();
  const settings = defaultEngineSettings();
  const page = Block.allocate(ZSET_BYTES);
  const zset = new ZsetValue().createAt(arena, page, 0, settings);
  const add = (score: number, member: string): boolean =>
    zset.add(score, Block.of(member), 0, member.length);
  return { arena, zset, add };
}

t.test('random operations agree with an array', async (t) => {
  for (let seed = 1; seed <= 16; seed++) fuzzZsetValue(seed, 1000);
  t.pass('16 seeds of 1,000 operations');
});

t.test('a set becomes large at its thresholds, and stays', async (t) => {
  const { arena, zset, add } = makeZset();
  for (let i = 0; i < 128; i++) add(i, `m${i}`);
  t.equal(zset.encoding, 'listpack');
  t.equal(add(0.5, 'm7'), false, 'a change is no reason');
  t.equal(zset.encoding, 'listpack');
  add(128, 'm128');
  t.equal(zset.encoding, 'skiplist');
  zset.verify();
  zset.removeRange(0, 100);
  t.equal(zset.encoding, 'skiplist');
  zset.free();
  t.equal(arena.usedBytes + arena.tableBytes, 0);
  const other = makeZset();
  other.add(1, 'x'.repeat(64));
  t.equal(other.zset.encoding, 'listpack');
  other.add(1, 'x'.repeat(65));
  t.equal(other.zset.encoding, 'skiplist');
});

t.test('a large set takes less than 70 bytes per member of 13', async (t) => {
  const { arena, zset, add } = makeZset();
  for (let i = 0; i < 50_000; i++) add((i * 7919) % 50_000, `member:${100_000 + i}`);
  const bytes = (arena.usedBytes + arena.tableBytes) / zset.length;
  t.ok(bytes < 70, `${bytes} bytes per member`);
  zset.free();
  t.equal(arena.usedBytes + arena.tableBytes, 0);
});
