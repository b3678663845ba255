import { Block } from '@hashlane/resp';
import t from 'tap';
import { fuzzHyperLogLog } from './hyperloglog.fuzz.ts';
import { HyperLogLogDraft, Pattern, RegisterSet } from './hyperloglog.ts';
import { selfTest } from './hyperloglog-self-test.ts';

t.test('random changes against arrays', async () => {
  for (let seed = 1; seed <= 6; seed++) fuzzHyperLogLog(seed, 30);
});

t.test('PFSELFTEST', async (t) => {
  t.equal(selfTest(), undefined);
});

t.test('a draft gives a large block up', async (t) => {
  const draft = new HyperLogLogDraft();
  const { size } = draft.block;
  const large = new Block(Buffer.alloc(1_000_000));
  draft.load(large, 0, large.size);
  t.ok(draft.block.size > size);
  draft.finish();
  t.equal(draft.block.size, size);
});

t.test('a hash without a set bit runs to its end', async (t) => {
  // No element with such a hash is known: the run of every element ends before.
  const pattern = new Pattern();
  let longest = 0;
  for (let i = 0; i < 20_000; i++) {
    const element = Block.of(String(i));
    pattern.of(element, 0, element.size);
    longest = Math.max(longest, pattern.count);
  }
  t.ok(longest > 12 && longest < 30, `${longest}`);
});

t.test('full registers are more than can be counted', async (t) => {
  const union = new RegisterSet();
  t.equal(union.count(), 0);
  union.registers.fill(51);
  t.equal(union.count(), Infinity);
});
