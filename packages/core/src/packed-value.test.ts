import t from 'tap';
import { fuzzPackedValue } from './packed-value.fuzz.ts';

void t.test('random changes against an array', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    t.doesNotThrow(() => fuzzPackedValue(seed, 1000), `seed ${seed}`);
  }
  t.end();
});
