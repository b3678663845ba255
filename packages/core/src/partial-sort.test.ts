import t from 'tap';
import { PartialSorter } from './partial-sort.ts';
import { RandomSource } from './random-source.ts';

t.test('the first of many, in order', async (t) => {
  const random = new RandomSource(1);
  const sorter = new PartialSorter();
  for (let run = 0; run < 600; run++) {
    const length = random.below(run % 50 === 0 ? 3000 : 100);
    const values = 1 + random.below(2 * length + 1);
    const keys = Float64Array.from({ length }, () => random.below(values) / 8);
    const order = Int32Array.from(keys.keys());
    const wanted = random.below(length + 1);
    const sign = random.below(2) === 0 ? 1 : -1;
    sorter.sort(order, keys, length, wanted, sign);
    const expected = keys.toSorted((a, b) => (a - b) * sign).slice(0, wanted);
    const sorted = Float64Array.from(order.subarray(0, wanted), (i) => keys[i]);
    if (Buffer.compare(Buffer.from(sorted.buffer), Buffer.from(expected.buffer)) !== 0) {
      t.same(sorted, expected, `${wanted} of ${length}`);
    }
    if (new Set(order).size !== length) t.fail('an element is there twice');
  }
  t.pass('600 runs');
});

t.test('what is in order already, and what is all the same', async (t) => {
  const sorter = new PartialSorter();
  for (const keyOf of [(i: number) => i, (i: number) => -i, () => 1, () => Number.NaN]) {
    const keys = Float64Array.from({ length: 500 }, (_, i) => keyOf(i));
    const order = Int32Array.from(keys.keys());
    sorter.sort(order, keys, 500, 10, 1);
    t.equal(new Set(order).size, 500);
    if (keyOf(1) === 1 && keyOf(2) === 2) t.same([...order.subarray(0, 3)], [0, 1, 2]);
    if (keyOf(1) === -1) t.same([...order.subarray(0, 3)], [499, 498, 497]);
  }
});
