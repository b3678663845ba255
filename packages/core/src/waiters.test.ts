import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';
import { REQUEST_DENY_BLOCKING, REQUEST_GIVES_WAY } from './request.ts';
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
  const claim: Claim = { win: () => false, guard: () => false, isGuarded: () => false };
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

/** A claim in memory: only the gateway could take it once it is guarded. */
function makeClaim(): Claim & { state: 'open' | 'won' | 'guarded' } {
  return {
    state: 'open',
    win() {
      if (this.state !== 'open') return false;
      this.state = 'won';
      return true;
    },
    guard() {
      if (this.state === 'open') this.state = 'guarded';
      return this.state === 'guarded';
    },
    isGuarded() {
      return this.state === 'guarded';
    },
  };
}

t.test('a waiter whose claim is guarded is announced, with all keys that are there', async (t) => {
  const fixture = new EngineFixture();
  const claim = makeClaim();
  fixture.engine.claim = claim;
  block(fixture, 1, 'q', 'r');
  fixture.engine.claim = undefined;
  block(fixture, 2, 'r');
  claim.guard();
  fixture.call('RPUSH', 'q', 'x');
  fixture.call('RPUSH', 'r', 'y', 'z');
  t.same(fixture.late.splice(0), [[1, '+READY\r\n']], 'once, and nobody is served behind it');
  fixture.connection = 1;
  fixture.call('HASHLANE.RESUME');
  t.same(fixture.late.splice(0), [[1, '+READY\r\n']], 'and again while something is there');
  fixture.flags = REQUEST_DENY_BLOCKING | REQUEST_GIVES_WAY;
  t.equal(fixture.call('BLPOP', 'q', 0), '*2\r\n$1\r\nq\r\n$1\r\nx\r\n', 'its own holds none');
  fixture.connection = 3;
  t.equal(fixture.call('BLPOP', 'r', 0), '*-1\r\n', 'others give way');
  fixture.flags = 0;
  fixture.connection = 1;
  fixture.call('HASHLANE.LEAVE');
  t.same(fixture.late, [[2, '*2\r\n$1\r\nr\r\n$1\r\ny\r\n']]);
  t.notOk(fixture.engine.holdsWaitersBack);
});

t.test(
  'a waiter of several shards is guarded when another type comes, or somebody before it',
  async (t) => {
    const fixture = new EngineFixture();
    const claims = [makeClaim(), makeClaim(), makeClaim()];
    for (const [i, claim] of claims.entries()) {
      fixture.engine.claim = claim;
      if (i === 1) {
        fixture.connection = i;
        fixture.call('HASHLANE.AWAIT', 'r', 0);
      } else {
        block(fixture, i, i === 0 ? 'q' : 'r');
      }
    }
    fixture.engine.claim = undefined;
    fixture.connection = 9;
    fixture.call('SET', 'q', 'v');
    t.same(
      claims.map(({ state }) => state),
      ['guarded', 'open', 'open'],
    );
    fixture.call('RPUSH', 'r', 'x');
    t.same(
      claims.map(({ state }) => state),
      ['guarded', 'open', 'guarded'],
    );
    t.same(fixture.late, [[1, '+READY\r\n']]);
  },
);

t.test(
  'the time of a guarded waiter is up: it is said, and the waiter keeps its place',
  async (t) => {
    const fixture = new EngineFixture();
    const claim = makeClaim();
    fixture.engine.claim = claim;
    fixture.connection = 1;
    fixture.call('BLPOP', 'q', '0.1');
    fixture.engine.claim = undefined;
    claim.guard();
    fixture.advance(200);
    t.same(fixture.late.splice(0), [[1, '*-1\r\n']]);
    t.equal(claim.state, 'guarded');
    fixture.connection = 9;
    fixture.call('RPUSH', 'q', 'x');
    t.same(fixture.late, [[1, '+READY\r\n']]);
  },
);

t.test('FLUSHALL does not end a wait', async (t) => {
  const fixture = new EngineFixture();
  block(fixture, 1, 'q');
  fixture.call('FLUSHALL');
  t.equal(fixture.engine.waiters.size, 1);
  fixture.call('RPUSH', 'q', 'x');
  t.equal(fixture.late.length, 1);
});
