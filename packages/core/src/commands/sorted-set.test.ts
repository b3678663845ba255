/**
 * What redis-server 7.0 cannot answer (WITHSCORE, negative counts without end), and what is about
 * the structure: memory, waiters, slices, cursors.
 */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { REQUEST_DENY_BLOCKING, REQUEST_RESP3 } from '../request.ts';

const NULL_ARRAY = '*-1\r\n';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function array(...items: string[]): string {
  return `*${items.length}\r\n${items.map(bulk).join('')}`;
}

/** Adds `count` members m0, m1, … with their numbers as scores. */
function fill(fixture: EngineFixture, key: string, count: number): void {
  for (let from = 0; from < count; from += 500) {
    const length = Math.min(500, count - from);
    const pairs = Array.from({ length }, (_, i) => [from + i, `m${from + i}`]).flat();
    fixture.call('ZADD', key, ...pairs);
  }
}

t.test('ranks with scores', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('ZADD', 'z', 1, 'a', 2.5, 'b');
  t.equal(fixture.call('ZRANK', 'z', 'b', 'WITHSCORE'), `*2\r\n:1\r\n${bulk('2.5')}`);
  t.equal(fixture.call('ZREVRANK', 'z', 'a', 'withscore'), `*2\r\n:1\r\n${bulk('1')}`);
  t.equal(fixture.call('ZRANK', 'z', 'none', 'WITHSCORE'), NULL_ARRAY);
  t.equal(fixture.call('ZRANK', 'none', 'a', 'WITHSCORE'), NULL_ARRAY);
  t.equal(fixture.call('ZRANK', 'z', 'a', 'WITHSCORES'), '-ERR syntax error\r\n');
  const arity = "-ERR wrong number of arguments for 'zrank' command\r\n";
  t.equal(fixture.call('ZRANK', 'z', 'a', 'WITHSCORE', 'x'), arity);
  fixture.flags = REQUEST_RESP3;
  t.equal(fixture.call('ZRANK', 'z', 'b', 'WITHSCORE'), '*2\r\n:1\r\n,2.5\r\n');
  t.equal(fixture.call('ZRANK', 'z', 'none', 'WITHSCORE'), '_\r\n');
});

t.test('an emptied set is no key, and leaves nothing', async (t) => {
  const fixture = new EngineFixture();
  const { arena } = fixture.engine;
  const keyspace = fixture.engine.keyspace(0);
  const tables = arena.tableBytes;
  for (const count of [3, 200]) {
    for (const remove of [
      ['ZPOPMIN', 'z', count],
      ['ZREMRANGEBYRANK', 'z', 0, -1],
      ['ZREM', 'z', ...Array.from({ length: count }, (_, i) => `m${i}`)],
      ['ZDIFFSTORE', 'z', 2, 'z', 'z'],
      ['ZRANGESTORE', 'z', 'none', 0, -1],
      ['ZINTERSTORE', 'z', 2, 'z', 'none'],
    ]) {
      fill(fixture, 'z', count);
      fixture.call(...(remove as [string]));
      t.equal(keyspace.size, 0, String(remove.slice(0, 2)));
      t.equal(arena.usedBytes, 0);
      t.equal(arena.tableBytes, tables);
      t.equal(arena.structures.size, 0);
    }
  }
});

t.test('results that are only replied leave nothing', async (t) => {
  const fixture = new EngineFixture();
  fill(fixture, 'a', 300);
  fill(fixture, 'b', 100);
  const { arena } = fixture.engine;
  const used = arena.usedBytes + arena.tableBytes;
  for (const name of ['ZUNION', 'ZINTER', 'ZDIFF', 'ZINTERCARD']) {
    fixture.call(name, 3, 'a', 'b', 'none');
    fixture.call(name, 2, 'a', 'b');
  }
  t.equal(arena.usedBytes + arena.tableBytes, used);
  t.equal(arena.structures.size, 1);
  fixture.engine.verify();
});

t.test('a set of many members is freed in slices', async (t) => {
  const fixture = new EngineFixture();
  const { arena, lazyFree } = fixture.engine;
  fill(fixture, 'z', 5000);
  t.equal(fixture.call('DEL', 'z'), ':1\r\n');
  t.ok(lazyFree.isPending);
  t.ok(arena.usedBytes > 0);
  lazyFree.step();
  t.ok(lazyFree.isPending, 'not all at once');
  while (lazyFree.isPending) lazyFree.step();
  t.equal(arena.usedBytes, 0);
  t.equal(arena.structures.size, 0);
});

t.test('waiters are served in order, and by sorted sets only', async (t) => {
  const fixture = new EngineFixture();
  const wait = (connection: number, ...words: [string, ...(string | number)[]]): void => {
    fixture.connection = connection;
    t.equal(fixture.call(...words), undefined, 'blocks');
  };
  wait(2, 'BZPOPMIN', 'z', 0);
  wait(3, 'BZMPOP', 0, 2, 'y', 'z', 'MAX', 'COUNT', 2);
  fixture.connection = 1;
  fixture.call('RPUSH', 'z', 'a');
  fixture.call('DEL', 'z');
  t.strictSame(fixture.late, [], 'a list is not what they wait for');
  t.equal(fixture.call('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c', 4, 'd'), ':4\r\n');
  t.strictSame(fixture.late, [
    [2, array('z', 'a', '1')],
    [3, `*2\r\n${bulk('z')}*2\r\n${array('d', '4')}${array('c', '3')}`],
  ]);
  t.equal(fixture.call('ZRANGE', 'z', 0, -1), array('b'));
  fixture.late.length = 0;
  fixture.call('DEL', 'z');
  wait(4, 'BZPOPMAX', 'z', 0);
  fixture.connection = 1;
  fixture.call('ZADD', 'other', 7, 'm');
  fixture.call('ZUNIONSTORE', 'z', 1, 'other');
  t.strictSame(fixture.late, [[4, array('z', 'm', '7')]], 'stored sets wake too');
});

t.test('blocking pops time out, and do not wait where that is denied', async (t) => {
  const fixture = new EngineFixture();
  t.equal(fixture.call('BZPOPMIN', 'z', 1), undefined);
  fixture.advance(1001);
  t.strictSame(fixture.late, [[1, NULL_ARRAY]]);
  fixture.flags = REQUEST_DENY_BLOCKING;
  t.equal(fixture.call('BZPOPMIN', 'z', 0), NULL_ARRAY);
  t.equal(fixture.call('BZMPOP', 0, 1, 'z', 'MIN'), NULL_ARRAY);
});

t.test('a scan of a large set sees every member that stays', async (t) => {
  const fixture = new EngineFixture();
  fill(fixture, 'z', 1000);
  const seen = new Set<string>();
  let cursor = '0';
  let round = 0;
  do {
    const lines = (fixture.call('ZSCAN', 'z', cursor, 'COUNT', 20) ?? '').split('\r\n');
    cursor = lines[2];
    const words = lines.slice(4).filter((_, i) => i % 2 === 1);
    for (let i = 0; i < words.length; i += 2) seen.add(words[i]);
    // What comes and goes meanwhile splits and merges segments.
    for (let i = 0; i < 200; i++) fixture.call('ZADD', 'z', -1, `come:${round}:${i}`);
    if (round % 2 === 1) fixture.call('ZREMRANGEBYSCORE', 'z', -1, -1);
    round++;
  } while (cursor !== '0');
  for (let i = 0; i < 1000; i++) if (!seen.has(`m${i}`)) t.fail(`m${i} was not seen`);
  t.ok(round > 10);
});

t.test('random members: all come, distinct ones are distinct', async (t) => {
  const fixture = new EngineFixture();
  fill(fixture, 'z', 300);
  const members = (reply = ''): string[] => reply.split('\r\n').filter((line) => /^m/.test(line));
  const all = new Set<string>();
  for (let i = 0; i < 60; i++) {
    const some = members(fixture.call('ZRANDMEMBER', 'z', 50));
    t.equal(new Set(some).size, 50);
    for (const each of some) all.add(each);
  }
  t.equal(all.size, 300);
  t.equal(members(fixture.call('ZRANDMEMBER', 'z', -1000)).length, 1000);
  t.equal(fixture.call('ZRANDMEMBER', 'z', -9007199254740991), '-ERR value is out of range\r\n');
});

t.test('changes are counted as Redis counts them', async (t) => {
  const fixture = new EngineFixture();
  const changes = (...words: [string, ...(string | number)[]]): number => {
    const before = fixture.engine.dirty;
    fixture.call(...words);
    return fixture.engine.dirty - before;
  };
  t.equal(changes('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c'), 3);
  t.equal(changes('ZADD', 'z', 1, 'a', 5, 'b', 4, 'd'), 2);
  t.equal(changes('ZADD', 'z', 'XX', 1, 'q'), 0);
  t.equal(changes('ZREM', 'z', 'a', 'q'), 1);
  t.equal(changes('ZREMRANGEBYSCORE', 'z', 3, 4), 2);
  t.equal(changes('ZPOPMIN', 'z'), 1);
  t.equal(changes('ZUNIONSTORE', 'z', 1, 'none'), 0);
});
