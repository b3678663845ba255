import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';
import { COMMANDS } from './index.ts';
import { wireCodec } from './wire-codec.fixture.ts';

const LCS = COMMANDS.findIndex(({ name }) => name === 'LCS');

/** What another shard would lend for a key; it must be there. */
function lent(lender: EngineFixture, key: string): Buffer {
  const reply = lender.call('HASHLANE.LEND', key) ?? '';
  const head = /^\*1\r\n\$\d+\r\n/.exec(reply)?.[0] ?? '';
  return Buffer.from(reply.slice(head.length, -2), 'latin1');
}

t.test('a command runs with a value of another shard, which leaves no trace', async (t) => {
  const home = new EngineFixture({ codec: wireCodec });
  const lender = new EngineFixture({ codec: wireCodec });
  lender.call('SET', 'b', 'mynewtext', 'PX', 5000);
  home.call('SET', 'a', 'ohmytext');
  const { engine } = home;
  const before = [engine.arena.usedBytes, engine.dirty, engine.keyspaceHits];
  const value = lent(lender, 'b');
  const answer = home.call('HASHLANE.BORROW', LCS, 1, 'b', value, 'LCS', 'a', 'b');
  t.equal(answer, '$6\r\nmytext\r\n');
  t.equal(home.call('DBSIZE'), ':1\r\n');
  t.equal(home.call('GET', 'b'), '$-1\r\n');
  const after = [engine.arena.usedBytes, engine.dirty, engine.keyspaceHits];
  t.same(after, [before[0], before[1], Number(before[2]) + 2]);
  home.flags = REQUEST_RESP3;
  const matches = home.call('HASHLANE.BORROW', LCS, 1, 'b', value, 'LCS', 'a', 'b', 'IDX');
  t.match(matches, /^%2\r\n\$7\r\nmatches/, 'RESP3 comes through');
  engine.verify();
});

t.test('missing keys are lent as null, and expired ones are missing', async (t) => {
  const lender = new EngineFixture({ codec: wireCodec });
  lender.call('SET', 'k', 'v', 'PX', 10);
  lender.engine.setNow(lender.engine.now + 11);
  lender.flags = REQUEST_RESP3;
  t.equal(lender.call('HASHLANE.LEND', 'k', 'none'), '*2\r\n$-1\r\n$-1\r\n');
});

t.test('a mistake of the client is replied, and the borrowed keys still go', async (t) => {
  const home = new EngineFixture({ codec: wireCodec });
  const lender = new EngineFixture({ codec: wireCodec });
  lender.call('RPUSH', 'l', 'x');
  const value = lent(lender, 'l');
  t.match(
    home.call('HASHLANE.BORROW', LCS, 1, 'l', value, 'LCS', 'a', 'l'),
    /^-ERR The specified keys must contain string values/,
  );
  t.match(
    home.call('HASHLANE.BORROW', LCS, 1, 'l', 'junk', 'LCS', 'a', 'l'),
    /^-ERR internal error/,
  );
  t.equal(home.call('DBSIZE'), ':0\r\n');
  home.engine.verify();
});

t.test('a snapshot that runs does not see borrowed keys', async (t) => {
  const saved: string[] = [];
  const home = new EngineFixture({
    codec: {
      ...wireCodec,
      appendRecord: (keyspace, reference) => saved.push(String(keyspace.keyOf(reference))),
    },
  });
  const lender = new EngineFixture({ codec: wireCodec });
  lender.call('SET', 'b', 'x');
  home.call('SET', 'a', 'x');
  const { snapshot } = home.engine;
  snapshot.begin(() => {});
  home.call('HASHLANE.BORROW', LCS, 1, 'b', lent(lender, 'b'), 'LCS', 'a', 'b');
  while (snapshot.step(10));
  t.same(saved, ['a']);
});

t.test('nobody who waits is woken by a borrowed key', async (t) => {
  const home = new EngineFixture({ codec: wireCodec });
  const lender = new EngineFixture({ codec: wireCodec });
  lender.call('RPUSH', 'l', 'x');
  home.connection = 9;
  home.call('BLPOP', 'other', 0);
  home.connection = 1;
  home.call('HASHLANE.BORROW', LCS, 1, 'l', lent(lender, 'l'), 'LCS', 'a', 'l');
  t.same(home.late, []);
});
