import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';
import { fuzzWaiters } from './waiters.fuzz.ts';
import type { Claim } from './waiters.ts';

/** Blocks a connection on keys. */
function block(fixture: EngineFixture, connection: number, ...keys: string[]): void {
  fixture.connection = connection;
  fixture.call('BLPOP', ...keys, 0);
}

t.test('random pushes, pops and waits agree with a model of queues', async (t) => {
  for (const seed of [1, 2, 3]) {
    const blocked = fuzzWaiters(seed, 10_000);
    t.ok(blocked > 1000, `${blocked} commands blocked`);
  }
});

t.test('a push of n elements serves n waiters, the longest-waiting first', async (t) => {
  const fixture = new EngineFixture();
  for (const connection of [5, 3, 9]) block(fixture, connection, 'q');
  t.equal(fixture.call('RPUSH', 'q', 'a', 'b'), ':2\r\n');
  t.same(
    fixture.late.map(([connection]) => connection),
    [5, 3],
  );
  t.equal(fixture.engine.waiters.size, 1);
  t.equal(fixture.call('EXISTS', 'q'), ':0\r\n');
});

t.test('a key of another type wakes nobody, the list that replaces it does', async (t) => {
  const fixture = new EngineFixture();
  block(fixture, 7, 'q');
  fixture.call('SET', 'q', 'string');
  t.same(fixture.late, []);
  fixture.call('RPUSH', 'other', 'x');
  fixture.call('RENAME', 'other', 'q');
  t.same(
    fixture.late.map(([connection]) => connection),
    [7],
  );
});

t.test('RENAME, COPY, MOVE and SWAPDB wake who waits for the key', async (t) => {
  const fixture = new EngineFixture();
  const wakes = (connection: number, act: () => void): void => {
    fixture.late.length = 0;
    block(fixture, connection, 'q');
    act();
    t.same(
      fixture.late.map(([c]) => c),
      [connection],
    );
    fixture.call('FLUSHALL');
  };
  wakes(1, () => {
    fixture.call('RPUSH', 'from', 'x');
    fixture.call('RENAME', 'from', 'q');
  });
  wakes(2, () => {
    fixture.call('RPUSH', 'from', 'x');
    fixture.call('COPY', 'from', 'q');
  });
  wakes(3, () => {
    fixture.database = 1;
    fixture.call('RPUSH', 'q', 'x');
    fixture.call('MOVE', 'q', 0);
    fixture.database = 0;
  });
  wakes(4, () => {
    fixture.database = 1;
    fixture.call('RPUSH', 'q', 'x');
    fixture.database = 0;
    fixture.call('SWAPDB', 0, 1);
  });
});

t.test('a waiter whose claim another shard won is dropped and nothing is popped', async (t) => {
  const fixture = new EngineFixture();
  const claim: Claim = { win: () => false };
  fixture.engine.claim = claim;
  block(fixture, 1, 'q');
  fixture.engine.claim = undefined;
  block(fixture, 2, 'q');
  fixture.call('RPUSH', 'q', 'x');
  t.same(
    fixture.late.map(([connection]) => connection),
    [2],
  );
  t.equal(fixture.engine.waiters.size, 0);
});

t.test('FLUSHALL does not end a wait', async (t) => {
  const fixture = new EngineFixture();
  block(fixture, 1, 'q');
  fixture.call('FLUSHALL');
  t.equal(fixture.engine.waiters.size, 1);
  fixture.call('RPUSH', 'q', 'x');
  t.equal(fixture.late.length, 1);
});
