import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';
import { LAZY_FREE_ENTRIES_PER_SLICE } from './limits.ts';

/** A fixture whose key `list` has `nodes` nodes of one element each. */
function withLongList(nodes: number): EngineFixture {
  const fixture = new EngineFixture();
  fixture.engine.settings.listMaxListpackSize = 1;
  for (let i = 0; i < nodes; i++) fixture.call('RPUSH', 'list', `element ${i}`);
  return fixture;
}

t.test('a list of very many nodes is freed in slices after its key is gone', async (t) => {
  const nodes = 2 * LAZY_FREE_ENTRIES_PER_SLICE + 10;
  const fixture = withLongList(nodes);
  const { engine } = fixture;
  const empty = new EngineFixture().engine.usedMemory;
  t.equal(fixture.call('DEL', 'list'), ':1\r\n');
  t.equal(fixture.call('EXISTS', 'list'), ':0\r\n');
  t.equal(engine.lazyFree.pendingKeys, 1);
  const before = engine.usedMemory;
  let steps = 0;
  for (; engine.lazyFree.isPending; steps++) engine.lazyFree.step();
  t.equal(steps, 3);
  t.ok(before > empty);
  t.equal(engine.usedMemory, empty);
  t.equal(engine.lazyFree.freed, 1);
  engine.verify();
});

t.test('a short list is freed at once', async (t) => {
  const fixture = withLongList(10);
  fixture.call('UNLINK', 'list');
  t.equal(fixture.engine.lazyFree.isPending, false);
  t.equal(fixture.engine.arena.usedBytes, 0);
});

t.test('overwriting and expiring a long list frees in slices too', async (t) => {
  const fixture = withLongList(1000);
  fixture.call('SET', 'list', 'string');
  t.equal(fixture.engine.lazyFree.pendingKeys, 1);
  const other = withLongList(1000);
  other.call('PEXPIRE', 'list', 1);
  other.advance(10);
  t.equal(other.engine.lazyFree.pendingKeys, 1);
});

t.test('FLUSHDB beside another database frees its keys in slices', async (t) => {
  const fixture = new EngineFixture();
  for (let i = 0; i < 5000; i++) fixture.call('SET', `k${i}`, 'value');
  fixture.database = 1;
  fixture.call('SET', 'other', 'value');
  const keep = fixture.engine.usedMemory;
  fixture.database = 0;
  t.equal(fixture.call('FLUSHDB'), '+OK\r\n');
  const { engine } = fixture;
  t.equal(engine.lazyFree.pendingKeys, 5000);
  engine.lazyFree.step();
  t.ok(engine.lazyFree.pendingKeys < 5000 && engine.lazyFree.pendingKeys > 0);
  while (engine.lazyFree.isPending) engine.lazyFree.step();
  t.equal(engine.lazyFree.freed, 5000);
  t.ok(engine.usedMemory < keep);
  engine.verify();
  fixture.database = 1;
  t.equal(fixture.call('GET', 'other'), '$5\r\nvalue\r\n');
});

t.test('a list in a flushed database is freed in slices of its own', async (t) => {
  const fixture = withLongList(1000);
  fixture.database = 1;
  fixture.call('SET', 'other', 'value');
  fixture.database = 0;
  fixture.call('FLUSHDB');
  while (fixture.engine.lazyFree.isPending) fixture.engine.lazyFree.step();
  fixture.database = 1;
  fixture.call('DEL', 'other');
  t.equal(fixture.engine.arena.usedBytes, 0);
});
