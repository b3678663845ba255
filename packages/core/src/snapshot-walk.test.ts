/** Directed cases; random ones with a model are in keyspace.fuzz.ts. */
import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';
import type { Keyspace } from './keyspace.ts';
import type { ValueCodec } from './value-codec.ts';

/** Records are the keys, one a line. */
function recorder(): { codec: ValueCodec; fixture: EngineFixture; records: string[] } {
  let keys: string[] = [];
  const codec: ValueCodec = {
    appendRecord(keyspace: Keyspace, reference: number): number {
      keys.push(keyspace.keyOf(reference).latin1Slice());
      return keys.length;
    },
    takeRecords() {
      const bytes = new TextEncoder().encode(keys.join(' '));
      keys = [];
      return bytes;
    },
    encodeValue: () => Buffer.alloc(0),
    dumpValue: () => Buffer.alloc(0),
    valueOfDump: () => undefined,
    decodeValue: () => 0,
  };
  return { codec, fixture: new EngineFixture({ codec }), records: [] };
}

t.test('what is written, deleted, renamed or flushed meanwhile is saved as it was', async (t) => {
  const { fixture, records } = recorder();
  for (const key of ['a', 'b', 'c', 'd', 'e']) fixture.call('SET', key, '1');
  const { snapshot } = fixture.engine;
  t.same(
    snapshot.begin((db, bytes) => records.push(`${db}: ${new TextDecoder().decode(bytes)}`)),
    [[0, 5, 0]],
  );
  fixture.call('DEL', 'a');
  fixture.call('APPEND', 'b', 'x');
  fixture.call('RENAME', 'c', 'new');
  fixture.call('SET', 'newer', 'x');
  fixture.call('FLUSHALL');
  fixture.call('SET', 'd', 'x');
  while (snapshot.step(1));
  const keys = records.flatMap((line) => line.slice(3).split(' ')).sort();
  t.same(keys, ['a', 'b', 'c', 'd', 'e']);
  t.equal(snapshot.keysSaved, 5);
  t.equal(snapshot.isRunning, false);
});

t.test('databases keep the numbers they had at the beginning', async (t) => {
  const { fixture, records } = recorder();
  fixture.call('SET', 'zero', '1');
  fixture.database = 1;
  fixture.call('SET', 'one', '1');
  const { snapshot } = fixture.engine;
  snapshot.begin((db, bytes) => records.push(`${db}: ${new TextDecoder().decode(bytes)}`));
  fixture.call('SWAPDB', 0, 1);
  while (snapshot.step(10));
  t.same(records.sort(), ['0: zero', '1: one']);
});

t.test('an abandoned snapshot walks on, and the next one is whole', async (t) => {
  const { fixture, records } = recorder();
  for (let i = 0; i < 1000; i++) fixture.call('SET', `k${i}`, '1');
  const { snapshot } = fixture.engine;
  snapshot.begin(() => t.fail('nothing is received after abandoning'));
  snapshot.step(10);
  snapshot.abandon();
  while (snapshot.step(100));
  snapshot.begin((_db, bytes) => records.push(new TextDecoder().decode(bytes)));
  while (snapshot.step(100));
  t.equal(records.join(' ').split(' ').length, 1000);
});

t.test('a snapshot may begin while the rest of an abandoned one is unwalked', async (t) => {
  const { fixture, records } = recorder();
  const all = Array.from({ length: 200 }, (_, i) => `key:${i}`);
  for (const key of all) fixture.call('SET', key, '1');
  const { snapshot } = fixture.engine;
  snapshot.begin(() => {});
  snapshot.step(10);
  snapshot.abandon();
  t.equal(snapshot.isRunning, true);
  snapshot.begin((_, bytes) => records.push(new TextDecoder().decode(bytes)));
  fixture.call('DEL', ...all.slice(0, 50));
  while (snapshot.step(10));
  t.same(records.flatMap((line) => line.split(' ')).sort(), [...all].sort());
  snapshot.begin(() => {});
  while (snapshot.step(1000));
});

t.test('a snapshot of nothing ends at once', async (t) => {
  const { fixture } = recorder();
  t.same(
    fixture.engine.snapshot.begin(() => t.fail('no records')),
    [],
  );
  t.equal(fixture.engine.snapshotRuns, false);
  t.equal(fixture.engine.snapshot.step(10), false);
});
