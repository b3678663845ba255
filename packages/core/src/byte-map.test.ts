import { Block } from '@hashlane/resp';
import t from 'tap';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { fuzzByteMap } from './byte-map.fuzz.ts';
import { ByteMap, MapWalk } from './byte-map.ts';
import { SEGMENT_BITS_MAX } from './limits.ts';
import { RandomSource } from './random-source.ts';

/** A map of 4-byte keys; entries are (key length, key). */
function makeMap() {
  const arena = new Arena();
  const map = new ByteMap(arena, 4, 0);
  const key = Block.allocate(4);
  const insert = (number: number, hash: number): void => {
    const reference = arena.allocate(8);
    const { view } = arena.pages[pageOf(reference)];
    view.setInt32(offsetOf(reference), 4, true);
    view.setInt32(offsetOf(reference) + 4, number, true);
    map.insert(hash, reference);
  };
  const find = (number: number, hash: number): number => {
    key.view.setInt32(0, number, true);
    return map.find(key, 0, 4, hash);
  };
  return { map, insert, find };
}

const mix = (number: number): number => Math.imul(number, 0x9e3779b1);

t.test('random operations agree with a Map', async (t) => {
  for (const seed of [1, 2, 3, 4]) fuzzByteMap(seed, 400_000, 'mixed');
  t.pass('well mixed hashes');
  fuzzByteMap(5, 60_000, 'few-hashes');
  t.pass('few different hashes');
  fuzzByteMap(6, 30_000, 'same-20-bits');
  t.pass('hashes that share 20 bits');
});

t.test('grows by splitting and shrinks to the size of an empty map', async (t) => {
  const { map, insert, find } = makeMap();
  const emptyBytes = map.tableBytes;
  const keys = 300_000;
  for (let i = 0; i < keys; i++) insert(i, mix(i));
  map.verify();
  const { slots, segments, directory } = map.statistics();
  t.ok(segments >= keys / (1 << SEGMENT_BITS_MAX), `${segments} segments`);
  t.ok(slots < keys * 3, `${slots} slots`);
  t.ok(map.tableBytes >= slots * 8 + directory * 8, 'tableBytes counts slots and directory');
  for (let i = 0; i < keys; i++) {
    find(i, mix(i));
    map.removeFound();
  }
  map.verify();
  t.equal(map.tableBytes, emptyBytes);
});

t.test('more keys with one hash prefix than a segment takes', async (t) => {
  const { map, insert, find } = makeMap();
  const hashOf = (i: number): number => 0x12345000 | (i & 0xfff) | 0;
  for (let i = 0; i < 6000; i++) insert(i, hashOf(i));
  for (let i = 0; i < 6000; i += 7) t.not(find(i, hashOf(i)), 0);
  map.verify();
  t.ok(map.statistics().directory <= 1 << 13, 'the directory stays small');
});

t.test('keys that share one hash entirely', async (t) => {
  const { map, insert, find } = makeMap();
  for (let i = 0; i < 5000; i++) insert(i, -1);
  t.not(find(4999, -1), 0);
  t.equal(find(5000, -1), 0);
  let seen = 0;
  for (let cursor = 0; cursor >= 0; ) cursor = map.scan(cursor, 10, () => seen++);
  t.equal(seen, 5000);
});

t.test('a scan returns each key once when nothing changes, in order of hashes', async (t) => {
  const { map, insert } = makeMap();
  for (let i = 0; i < 20_000; i++) insert(i, mix(i));
  const seen: number[] = [];
  let calls = 0;
  for (let cursor = 0; cursor >= 0; calls++) {
    const before = cursor;
    cursor = map.scan(cursor, 10, (_reference, hash) => seen.push(hash >>> 0));
    t.ok(cursor < 0 || cursor > before);
  }
  t.equal(seen.length, 20_000);
  t.equal(new Set(seen).size, 20_000);
  t.ok(calls >= 1000 && calls <= 2001, `${calls} calls of 10`);
});

t.test('the extreme cursors', async (t) => {
  const { map, insert } = makeMap();
  t.equal(
    map.scan(0, 10, () => t.fail('the map is empty')),
    -1,
  );
  insert(1, 0);
  insert(2, -1);
  const seen: number[] = [];
  t.equal(
    map.scan(2 ** 32 - 1, 10, (_reference, hash) => seen.push(hash)),
    -1,
  );
  t.same(seen, [-1]);
});

t.test('random takes every key equally often', async (t) => {
  const source = new RandomSource(7);
  t.equal(makeMap().map.random(source), 0);
  for (const keys of [1, 50, 700, 5000, 20_000]) {
    const { map, insert, find } = makeMap();
    const hashes = Array.from({ length: keys * 3 }, () => source.next() | 0);
    hashes.forEach((hash, number) => {
      insert(number, hash);
    });
    // What random meets is a table that has shrunk.
    for (let number = keys; number < keys * 3; number++) {
      find(number, hashes[number]);
      map.removeFound();
    }
    const draws = keys * 20;
    const taken = new Map<number, number>();
    for (let i = 0; i < draws; i++) {
      const reference = map.random(source);
      taken.set(reference, (taken.get(reference) ?? 0) + 1);
    }
    const expected = draws / keys;
    let chiSquared = (keys - taken.size) * expected;
    for (const count of taken.values()) chiSquared += (count - expected) ** 2 / expected;
    const freedom = keys - 1;
    const limit = freedom + 4 * Math.sqrt(2 * freedom);
    t.ok(chiSquared <= limit, `${keys} keys: chi-squared is ${chiSquared} of at most ${limit}`);
  }
});

t.test('a walk visits every entry once', async (t) => {
  for (const keys of [0, 1, 50, 20_000]) {
    const { map, insert, find } = makeMap();
    const references = new Set<number>();
    for (let i = 0; i < keys; i++) {
      insert(i, mix(i));
      references.add(find(i, mix(i)));
    }
    const walk = new MapWalk();
    for (let round = 0; round < 2; round++) {
      const left = new Set(references);
      let visited = 0;
      for (; map.advance(walk); visited++) left.delete(walk.reference);
      t.same([visited, left.size], [keys, 0]);
      walk.restart();
    }
  }
});
