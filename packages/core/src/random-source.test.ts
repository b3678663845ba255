import t from 'tap';
import { RandomSource } from './random-source.ts';

t.test('the same seed gives the same numbers, another seed others', async (t) => {
  const draw = (seed: number): number[] => {
    const random = new RandomSource(seed);
    return Array.from({ length: 100 }, () => random.next());
  };
  t.same(draw(7), draw(7));
  t.notSame(draw(7), draw(8));
});

t.test('numbers are in range and even', async (t) => {
  for (const seed of [0, 1, -1, 123456789, 2 ** 31, 0.5]) {
    const random = new RandomSource(seed);
    const counts = new Int32Array(10);
    for (let i = 0; i < 20_000; i++) counts[random.below(10)]++;
    for (const count of counts) t.ok(count > 1800 && count < 2200, `seed ${seed}: ${count}`);
    for (let i = 0; i < 1000; i++) {
      const unit = random.unit();
      if (unit < 0 || unit >= 1) t.fail(`unit ${unit}`);
      const wide = random.below(2 ** 32);
      if (wide < 0 || wide >= 2 ** 32 || !Number.isInteger(wide)) t.fail(`below ${wide}`);
    }
  }
});
