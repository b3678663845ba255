import { Block } from '@hashlane/resp';
import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';
import { Engine } from './engine.ts';
import { fuzzKeyspace } from './keyspace.fuzz.ts';

t.test('random operations, expiry and snapshots agree with a Map', async (t) => {
  let expired = 0;
  for (const seed of [1, 2, 3, 4]) expired += fuzzKeyspace(seed, 40_000).expiredKeys;
  t.ok(expired > 100, `${expired} keys expired on the way`);
});

t.test('an idle engine expires keys at their deadline and not before', async (t) => {
  const fixture = new EngineFixture({ now: 1000 });
  fixture.call('SET', 'k', 'v', 'PX', 500);
  fixture.call('SET', 'l', 'v', 'PX', 700);
  t.equal(fixture.engine.nextDeadline(), 1500);
  fixture.advance(499);
  t.equal(fixture.engine.keyspace(0).size, 2);
  fixture.advance(1);
  t.equal(fixture.engine.keyspace(0).size, 1);
  t.equal(fixture.engine.expiredKeys, 1);
  t.equal(fixture.engine.nextDeadline(), 1700);
});

t.test('one cycle expires a bounded number of keys', async (t) => {
  const fixture = new EngineFixture({ now: 1000 });
  for (let i = 0; i < 2500; i++) fixture.call('SET', `k${i}`, 'v', 'PX', 1);
  fixture.engine.setNow(2000);
  t.equal(fixture.engine.tick(), true);
  t.equal(fixture.engine.keyspace(0).size, 1500);
  fixture.advance(0);
  t.equal(fixture.engine.keyspace(0).size, 0);
});

t.test('hits, misses and the access clock', async (t) => {
  const fixture = new EngineFixture({ now: 1_000_000 });
  fixture.call('SET', 'k', 'v');
  fixture.call('GET', 'k');
  fixture.call('GET', 'none');
  t.equal(fixture.engine.keyspaceHits, 1);
  t.equal(fixture.engine.keyspaceMisses, 1);
  fixture.advance(5000);
  t.equal(fixture.call('OBJECT|IDLETIME', 'IDLETIME', 'k'), ':5\r\n');
  fixture.call('TTL', 'k');
  t.equal(fixture.call('OBJECT|IDLETIME', 'IDLETIME', 'k'), ':5\r\n', 'TTL does not touch');
  fixture.call('TOUCH', 'k');
  t.equal(fixture.call('OBJECT|IDLETIME', 'IDLETIME', 'k'), ':0\r\n');
});

t.test('used memory is zero again after everything is deleted', async (t) => {
  const fixture = new EngineFixture();
  const before = fixture.engine.usedMemory;
  for (let i = 0; i < 10_000; i++) fixture.call('SET', `key:${i}`, 'x'.repeat(i % 300));
  t.ok(fixture.engine.usedMemory > before + 1_000_000);
  for (let i = 0; i < 10_000; i++) fixture.call('DEL', `key:${i}`);
  t.equal(fixture.engine.usedMemory, before);
});

t.test('a key found by its bytes in the middle of a block', async (t) => {
  const { engine } = new EngineFixture();
  t.type(engine, Engine);
  const keyspace = engine.keyspace(0);
  const block = Block.of('..key..');
  keyspace.insert(block, 2, 3, 77, 0, 0, false);
  t.not(keyspace.find(Block.of('key'), 0, 3, 77), 0);
  t.equal(keyspace.find(Block.of('kez'), 0, 3, 77), 0);
});
