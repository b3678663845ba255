import t from 'tap';
import { LatencyRecorder, median } from './statistics.ts';

t.test('median', async (t) => {
  t.equal(median([3]), 3);
  t.equal(median([10, 2, 9]), 9, 'sorts as numbers');
  t.equal(median([4, 1, 3, 2]), 2.5);
  t.throws(() => median([]), RangeError);
});

t.test('median leaves its argument alone', async (t) => {
  const values = [3, 1, 2];
  median(values);
  t.same(values, [3, 1, 2]);
});

t.test('percentiles keep three digits', async (t) => {
  const recorder = new LatencyRecorder();
  for (let i = 1; i <= 1_000; i++) recorder.record(i / 100);
  t.equal(recorder.count, 1_000);
  t.ok(Math.abs(recorder.percentileMs(50) - 5) < 0.02);
  t.ok(Math.abs(recorder.percentileMs(99) - 9.9) < 0.02);
  t.ok(Math.abs(recorder.maxMs - 10) < 0.02);
  recorder.record(0);
  t.equal(recorder.count, 1_001, 'a duration too short to be measured counts');
});
