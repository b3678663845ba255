import t from 'tap';
import { fuzzSetValue } from './set-value.fuzz.ts';

void t.test('random changes against a Set', (t) => {
  for (let seed = 1; seed <= 12; seed++) {
    t.doesNotThrow(() => fuzzSetValue(seed, 1000), `seed ${seed}`);
  }
  t.end();
});
