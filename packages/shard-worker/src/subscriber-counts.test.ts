/** What a shard counts of subscribers, as it is told. */
import t from 'tap';
import { SubscriberCounts } from './subscriber-counts.ts';

t.test('channels, patterns and shard channels', async (t) => {
  const counts = new SubscriberCounts();
  t.equal(counts.receivers('news', false), 0);
  counts.update(
    [
      ['cnews', 2],
      ['pn*', 3],
      ['p*s', 4],
      ['px*', 5],
      ['snews', 6],
    ],
    true,
  );
  t.equal(counts.receivers('news', false), 9);
  t.equal(counts.receivers('nobody', false), 3);
  t.equal(counts.receivers('news', true), 6);
  t.equal(counts.receivers('nobody', true), 0);
});

t.test('changes, and all anew', async (t) => {
  const counts = new SubscriberCounts();
  counts.update(
    [
      ['cnews', 2],
      ['pn*', 3],
    ],
    true,
  );
  counts.update(
    [
      ['cnews', 1],
      ['pn*', 0],
      ['cother', 7],
    ],
    false,
  );
  t.equal(counts.receivers('news', false), 1);
  t.equal(counts.receivers('other', false), 7);
  counts.update([['cnews', 5]], true);
  t.equal(counts.receivers('news', false), 5);
  t.equal(counts.receivers('other', false), 0);
});
