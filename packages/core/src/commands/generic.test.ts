/** What the comparison with redis-server does not reach: cursors, due keys, sharing of structure. */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';

/** Cursor and keys of a SCAN reply. */
function scanned(reply: string | undefined): { cursor: string; keys: string[] } {
  const lines = (reply ?? '').split('\r\n');
  return { cursor: lines[2], keys: lines.filter((_line, i) => i >= 5 && i % 2 === 1) };
}

t.test('SCAN returns every key that is there throughout, while others come and go', async (t) => {
  const fixture = new EngineFixture();
  for (let i = 0; i < 20_000; i++) fixture.call('SET', `stay:${i}`, 'v');
  const seen = new Set<string>();
  let calls = 0;
  let cursor = '0';
  do {
    const step = scanned(fixture.call('SCAN', cursor, 'COUNT', 100));
    for (const key of step.keys) seen.add(key);
    cursor = step.cursor;
    for (let i = 0; i < 300; i++) fixture.call('SET', `new:${calls}:${i}`, 'v');
    if (calls > 0) for (let i = 0; i < 300; i++) fixture.call('DEL', `new:${calls - 1}:${i}`);
    calls++;
  } while (cursor !== '0');
  let stayed = 0;
  for (const key of seen) if (key.startsWith('stay:')) stayed++;
  t.equal(stayed, 20_000);
});

t.test('SCAN deletes keys that are due and does not return them', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('DEBUG|SET-ACTIVE-EXPIRE', 'SET-ACTIVE-EXPIRE', 0);
  for (let i = 0; i < 10; i++) fixture.call('SET', `k${i}`, 'v', 'PX', i < 5 ? 10 : 100_000);
  fixture.advance(50);
  t.equal(fixture.call('DBSIZE'), ':10\r\n');
  t.equal(scanned(fixture.call('SCAN', 0, 'COUNT', 100)).keys.length, 5);
  t.equal(fixture.call('DBSIZE'), ':5\r\n');
  t.equal(fixture.engine.expiredKeys, 5);
});

t.test('RANDOMKEY skips keys that are due', async (t) => {
  const fixture = new EngineFixture();
  fixture.engine.expiresActively = false;
  t.equal(fixture.call('RANDOMKEY'), '$-1\r\n');
  for (let i = 0; i < 10; i++) fixture.call('SET', `k${i}`, 'v', 'PX', 10);
  fixture.call('SET', 'last', 'v');
  fixture.advance(50);
  t.equal(fixture.call('RANDOMKEY'), '$4\r\nlast\r\n');
});

t.test('a cursor beyond the last hash is the end', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SET', 'k', 'v');
  for (const cursor of ['4294967296', '18446744073709551615', '-1']) {
    t.equal(fixture.call('SCAN', cursor), '*2\r\n$1\r\n0\r\n*0\r\n');
  }
});

t.test('RENAME and MOVE of a large list copy nothing', async (t) => {
  const fixture = new EngineFixture();
  for (let i = 0; i < 20_000; i++) fixture.call('RPUSH', 'list', `element ${i}`);
  const before = fixture.engine.usedMemory;
  fixture.call('RENAME', 'list', 'tsil');
  t.equal(fixture.engine.usedMemory, before);
  fixture.call('MOVE', 'tsil', 3);
  t.equal(fixture.call('EXISTS', 'tsil'), ':0\r\n');
  fixture.database = 3;
  t.equal(fixture.call('LLEN', 'tsil'), ':20000\r\n');
  t.equal(fixture.call('LINDEX', 'tsil', -1), '$13\r\nelement 19999\r\n');
  fixture.engine.verify();
});

t.test('a copy is independent of its source', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('RPUSH', 'list', 'a', 'x'.repeat(70_000), 'b');
  fixture.call('SET', 'string', 's'.repeat(70_000));
  fixture.call('COPY', 'list', 'list2');
  fixture.call('COPY', 'string', 'string2', 'DB', 1);
  fixture.call('DEL', 'list', 'string');
  t.equal(fixture.call('LLEN', 'list2'), ':3\r\n');
  t.equal(fixture.call('LINDEX', 'list2', 1), `$70000\r\n${'x'.repeat(70_000)}\r\n`);
  fixture.database = 1;
  t.equal(fixture.call('STRLEN', 'string2'), ':70000\r\n');
  fixture.engine.verify();
});

t.test('DEBUG OBJECT, POPULATE, STRINGMATCH-LEN and HTSTATS', async (t) => {
  const fixture = new EngineFixture();
  t.equal(fixture.call('DEBUG|POPULATE', 'POPULATE', 100, 'p', 8), '+OK\r\n');
  t.equal(fixture.call('GET', 'p:7'), '$8\r\nvalue:7\0\r\n');
  t.equal(fixture.call('DBSIZE'), ':100\r\n');
  t.match(
    fixture.call('DEBUG|OBJECT', 'OBJECT', 'p:7'),
    /^\+Value at:0x[0-9a-f]+ refcount:1 encoding:embstr serializedlength:\d+ lru:\d+ lru_seconds_idle:0\r\n$/,
  );
  t.equal(fixture.call('DEBUG|OBJECT', 'OBJECT', 'none'), '-ERR no such key\r\n');
  t.equal(fixture.call('DEBUG|STRINGMATCH-LEN', 'STRINGMATCH-LEN', 'a*', 'abc'), ':1\r\n');
  t.equal(fixture.call('DEBUG|STRINGMATCH-LEN', 'STRINGMATCH-LEN', 'b*', 'abc'), ':0\r\n');
  t.match(fixture.call('DEBUG|HTSTATS', 'HTSTATS', 0), /number of elements: 100/);
  t.equal(fixture.call('DEBUG|HTSTATS', 'HTSTATS', 99), '-ERR Out of range database\r\n');
});

t.test('the digest of two shards joins to that of one', async (t) => {
  const { databaseDigests, joinDigests } = await import('../dataset-digest.ts');
  const whole = new EngineFixture();
  const parts = [new EngineFixture(), new EngineFixture()];
  for (let i = 0; i < 50; i++) {
    for (const fixture of [whole, parts[i % 2]]) {
      fixture.database = i % 3;
      fixture.call('RPUSH', `key${i}`, i, 'x');
    }
  }
  const joined = joinDigests(parts.flatMap(({ engine }) => databaseDigests(engine)));
  t.equal(whole.call('DEBUG|DIGEST', 'DIGEST'), `+${joined}\r\n`);
  t.equal(joinDigests([]), '0'.repeat(40));
});
