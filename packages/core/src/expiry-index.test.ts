import t from 'tap';
import { Arena } from './arena.ts';
import { fuzzExpiryIndex } from './expiry-index.fuzz.ts';
import { ExpiryIndex } from './expiry-index.ts';

t.test('random operations agree with a Map and drain in order', async (t) => {
  for (const seed of [1, 2, 3]) {
    const index = fuzzExpiryIndex(seed, 20_000);
    t.equal(index.bytes, 16 * 16, 'the arrays shrank with the deadlines');
  }
});

t.test('an index that never had a deadline holds nothing', async (t) => {
  const index = new ExpiryIndex(new Arena());
  t.equal(index.bytes, 0);
  t.equal(index.earliest(), Infinity);
  t.equal(index.averageDeadline(), 0);
});
