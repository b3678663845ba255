import t from 'tap';
import { fuzzHashValue } from './hash-value.fuzz.ts';

void t.test('random changes against a map', (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    t.doesNotThrow(() => fuzzHashValue(seed, 600), `seed ${seed}`);
  }
  t.end();
});
