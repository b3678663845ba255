import t from 'tap';
import { Arena } from './arena.ts';
import { EngineFixture } from './engine.fixture.ts';
import { ID_WORDS, IdIndex } from './id-index.ts';
import { StreamId } from './stream-id.ts';
import { fuzzStreamValue } from './stream-value.fuzz.ts';
import { radixTreeNodes, StreamValue } from './stream-value.ts';

void t.test('random entries, trims and groups against an array', (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    t.doesNotThrow(() => fuzzStreamValue(seed, 500), `seed ${seed}`);
  }
  t.end();
});

function treeOf(...ids: readonly (readonly [number, number])[]): number {
  const nodes = new IdIndex(new Arena(), 0);
  for (const [ms, seq] of ids) nodes.append(new StreamId().set(0, ms, 0, seq));
  return radixTreeNodes(nodes);
}

void t.test('nodes of a radix tree of IDs', (t) => {
  t.equal(treeOf(), 1);
  t.equal(treeOf([1, 0]), 2);
  t.equal(treeOf([1, 0], [1, 1]), 4, 'a branch in the last byte: no chain behind it');
  t.equal(treeOf([1, 0], [2, 0]), 6, 'a branch in the midst: a chain and a leaf each');
  t.equal(treeOf([1, 0], [1, 1], [2, 0]), 8);
  t.end();
});

function contentOf(fixture: EngineFixture): StreamValue {
  const keyspace = fixture.engine.keyspace(0);
  return StreamValue.of(keyspace.arena, keyspace.findKey(Buffer.from('s')));
}

void t.test('nodes are cut to their size, but the last one', (t) => {
  const fixture = new EngineFixture();
  for (let i = 1; i <= 250; i++) fixture.call('XADD', 's', `${i}-0`, 'field', `value ${i}`);
  const { nodes, arena } = contentOf(fixture);
  t.equal(nodes.size, 3);
  nodes.seekFirst();
  t.ok(arena.sizeOf(nodes.word(ID_WORDS)) < 2500);
  nodes.seekLast();
  t.equal(arena.sizeOf(nodes.word(ID_WORDS)), 4096);
  contentOf(fixture).verify();
  t.end();
});

void t.test('trimming a long stream leaves the freeing to slices', (t) => {
  const fixture = new EngineFixture();
  fixture.engine.settings.streamNodeMaxEntries = 2;
  for (let i = 1; i <= 4000; i++) fixture.call('XADD', 's', `${i}-0`, 'f', 'v');
  const { lazyFree, arena } = fixture.engine;
  const before = arena.usedBytes;
  t.equal(fixture.call('XTRIM', 's', 'MAXLEN', 10), ':3990\r\n');
  t.equal(lazyFree.isPending, true);
  t.ok(arena.usedBytes > before / 2, 'not freed yet');
  while (lazyFree.isPending) lazyFree.step();
  contentOf(fixture).verify();
  t.equal(contentOf(fixture).nodes.size, 5);
  t.ok(arena.usedBytes < 8000, 'freed: but for the last node, which has room');
  t.equal(fixture.call('XTRIM', 's', 'MINID', 5000), ':10\r\n');
  t.equal(fixture.call('XLEN', 's'), ':0\r\n');
  t.equal(fixture.call('TYPE', 's'), '+stream\r\n', 'an empty stream stays');
  t.equal(fixture.call('DEL', 's'), ':1\r\n');
  t.equal(arena.usedBytes, 0);
  t.equal(arena.structures.size, 0);
  t.end();
});

void t.test('deleting a long stream leaves the freeing to slices', (t) => {
  const fixture = new EngineFixture();
  const { lazyFree, arena } = fixture.engine;
  const empty = arena.tableBytes;
  fixture.engine.settings.streamNodeMaxEntries = 1;
  fixture.call('XGROUP|CREATE', 'CREATE', 's', 'g', 0, 'MKSTREAM');
  for (let i = 1; i <= 3000; i++) fixture.call('XADD', 's', `${i}-0`, 'f', 'v');
  fixture.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
  t.equal(fixture.call('DEL', 's'), ':1\r\n');
  t.ok(arena.usedBytes > 0);
  while (lazyFree.isPending) lazyFree.step();
  t.equal(arena.usedBytes, 0);
  t.equal(arena.structures.size, 0);
  t.ok(arena.tableBytes <= empty + 1000, 'only the table of keys may have grown');
  t.end();
});
