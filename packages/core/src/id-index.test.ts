import t from 'tap';
import { fuzzIdIndex } from './id-index.fuzz.ts';

void t.test('random rows against a sorted array', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    t.doesNotThrow(() => fuzzIdIndex(seed, 500), `seed ${seed}`);
  }
  t.end();
});
