import { Block } from '@hashlane/resp';
import t from 'tap';
import { fuzzBits } from './bits.fuzz.ts';
import { BitAccumulator, OR } from './bits.ts';

t.test('against bits one at a time', async () => {
  for (let seed = 1; seed <= 8; seed++) fuzzBits(seed, 300);
});

t.test('the accumulator gives a large block up', async (t) => {
  const accumulator = new BitAccumulator();
  const kept = accumulator.block.size;
  const large = new Block(Buffer.alloc(1_000_000, 1));
  accumulator.start(large, 0, 10);
  accumulator.combine(OR, large, 0, 1_000_000);
  t.equal(accumulator.length, 1_000_000);
  t.equal(accumulator.block.bytes[999_999], 1);
  accumulator.finish();
  t.equal(accumulator.block.size, kept);
});
