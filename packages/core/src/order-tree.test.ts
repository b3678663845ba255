import t from 'tap';
import { fuzzOrderTree } from './order-tree.fuzz.ts';

t.test('random operations agree with a sorted array', async (t) => {
  for (let seed = 1; seed <= 12; seed++) fuzzOrderTree(seed, 600);
  t.pass('12 seeds of 600 operations');
});
