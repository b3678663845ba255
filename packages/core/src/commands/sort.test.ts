/** What SORT does beside the conformance cases of the harness: its parts for coordinators. */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';

const NOT_DOUBLE = "-ERR One or more scores can't be converted into double\r\n";

function bulks(...words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
}

t.test('numbers that no double holds are none', async (t) => {
  for (const number of ['1e400', '-1e400', '1e-400', '4e-324', 'nan', '1x', ' ', '1 ']) {
    const fixture = new EngineFixture();
    fixture.call('RPUSH', 'l', number, '1');
    t.equal(fixture.call('SORT', 'l'), NOT_DOUBLE, number);
  }
  for (const number of ['0e-400', '', '-0', '\t-1', '0x.8', 'infinity', '2.3e-308']) {
    const fixture = new EngineFixture();
    fixture.call('RPUSH', 'l', number);
    t.equal(fixture.call('SORT', 'l'), bulks(number), number);
  }
});

t.test('a coordinator is told what is missing until it has brought it', async (t) => {
  const home = new EngineFixture();
  home.call('RPUSH', 'l', 'a', 'b', 'c');
  const words = ['SORT', 'l', 'BY', 'w_*', 'GET', 'o_*->f', 'GET', '#', 'LIMIT', '0', '2'];
  const first = home.call('HASHLANE.SORT', 'MORE', 0, ...words);
  t.equal(first, `*2\r\n:0\r\n${bulks('w_a', '', 'w_b', '', 'w_c', '')}`);
  const weights = ['w_a', '', 1, 3, 'w_b', '', 0, '', 'w_c', '', 1, 2];
  const second = home.call('HASHLANE.SORT', 'MORE', 3, ...weights, ...words);
  t.equal(second, `*2\r\n:0\r\n${bulks('o_b', 'f', 'o_c', 'f')}`);
  const all = [...weights, 'o_b', 'f', 1, 'B', 'o_c', 'f', 0, ''];
  home.flags = REQUEST_RESP3;
  const done = home.call('HASHLANE.SORT', 'MORE', 5, ...all, ...words);
  t.equal(done, '*2\r\n:1\r\n*4\r\n$1\r\nB\r\n$1\r\nb\r\n_\r\n$1\r\nc\r\n');
  const final = home.call('HASHLANE.SORT', 'FINAL', 0, ...words);
  t.equal(final, '*2\r\n:1\r\n*4\r\n_\r\n$1\r\na\r\n_\r\n$1\r\nb\r\n');
  t.equal(home.call('HASHLANE.SORT', 'MORE', 0, 'SORT', 'l'), NOT_DOUBLE);
  t.match(home.call('HASHLANE.SORT', 'MORE', 0, 'SORT', 'l', 'NOPE'), /^-ERR syntax error/);
  t.match(home.call('HASHLANE.SORT', 'MORE', 0, 'SORT_RO', 'l', 'STORE', 'x'), /^-ERR syntax/);
});

t.test('values are fetched by key and field', async (t) => {
  const lender = new EngineFixture();
  lender.call('SET', 's', 'x');
  lender.call('RPUSH', 'l', 'x');
  lender.flags = REQUEST_RESP3;
  const reply = lender.call('HASHLANE.FETCH', 's', '', 'l', '', 's', 'f', 'none', '');
  t.equal(reply, '*4\r\n$1\r\nx\r\n$-1\r\n$-1\r\n$-1\r\n');
});

t.test('what is stored counts as changes, takes the deadline away and wakes', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('RPUSH', 'l', '2', '1');
  fixture.call('SET', 'd', 'x', 'EX', 100);
  const { dirty } = fixture.engine;
  t.equal(fixture.call('SORT', 'l', 'STORE', 'd'), ':2\r\n');
  t.equal(fixture.engine.dirty, dirty + 2);
  t.equal(fixture.call('TTL', 'd'), ':-1\r\n');
  t.equal(fixture.call('HASHLANE.STORELIST', 'd'), ':0\r\n');
  t.equal(fixture.engine.dirty, dirty + 3);
  t.equal(fixture.call('HASHLANE.STORELIST', 'd'), ':0\r\n');
  t.equal(fixture.engine.dirty, dirty + 3);
  fixture.connection = 9;
  fixture.call('BLPOP', 'd', 0);
  fixture.connection = 1;
  fixture.call('HASHLANE.STORELIST', 'd', 'x', 'y');
  t.same(fixture.late, [[9, '*2\r\n$1\r\nd\r\n$1\r\nx\r\n']]);
  t.equal(fixture.call('LRANGE', 'd', 0, -1), bulks('y'));
});
