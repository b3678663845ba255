import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { HashValue } from '../hash-value.ts';
import { REQUEST_RESP3 } from '../request.ts';
import { encodingOf } from '../value-encoding.ts';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function array(...items: string[]): string {
  return `*${items.length}\r\n${items.map(bulk).join('')}`;
}

function encoding(fixture: EngineFixture, key: string): string {
  const keyspace = fixture.engine.keyspace(0);
  return encodingOf(fixture.engine, keyspace, keyspace.findKey(Buffer.from(key)));
}

/** The bulk strings of a flat reply. */
function textsOf(reply: string | undefined): string[] {
  return [...(reply ?? '').matchAll(/\$\d+\r\n(.*)\r\n/g)].map(([, text]) => text);
}

t.test('setting, reading, deleting', async (t) => {
  const fixture = new EngineFixture();
  t.equal(fixture.call('HSET', 'h', 'a', 1, 'b', 'two', 'a', -300), ':2\r\n');
  t.equal(fixture.call('HGETALL', 'h'), array('a', '-300', 'b', 'two'));
  t.equal(fixture.call('HMGET', 'h', 'b', 'none'), `*2\r\n${bulk('two')}$-1\r\n`);
  t.equal(fixture.call('HDEL', 'h', 'a', 'b', 'c'), ':2\r\n');
  t.equal(fixture.engine.keyspace(0).size, 0, 'an empty hash is no key');
  t.equal(fixture.engine.arena.usedBytes, 0);
});

t.test('RESP3 shapes', async (t) => {
  const fixture = new EngineFixture();
  fixture.flags = REQUEST_RESP3;
  t.equal(fixture.call('HGETALL', 'h'), '%0\r\n');
  fixture.call('HSET', 'h', 'a', 1);
  t.equal(fixture.call('HGETALL', 'h'), `%1\r\n${bulk('a')}${bulk('1')}`);
  t.equal(fixture.call('HKEYS', 'h'), array('a'));
  t.equal(fixture.call('HGET', 'h', 'none'), '_\r\n');
  const pair = array('a', '1');
  t.equal(fixture.call('HRANDFIELD', 'h', -2, 'WITHVALUES'), `*2\r\n${pair}${pair}`);
  t.equal(fixture.call('HSCAN', 'h', 0), `*2\r\n${bulk('0')}${pair}`);
});

t.test('thresholds are those of the settings, at the moment of the change', async (t) => {
  const fixture = new EngineFixture();
  const { settings } = fixture.engine;
  settings.hashMaxListpackEntries = 2;
  fixture.call('HSET', 'h', 'a', 1, 'b', 2);
  t.equal(encoding(fixture, 'h'), 'listpack');
  fixture.call('HSET', 'h', 'c', 3);
  t.equal(encoding(fixture, 'h'), 'hashtable');
  fixture.call('HDEL', 'h', 'a', 'b');
  t.equal(encoding(fixture, 'h'), 'hashtable', 'it never goes back');
  fixture.call('HSET', 'same', 'a', 1, 'a', 2, 'a', 3);
  t.equal(encoding(fixture, 'same'), 'hashtable', 'pairs are counted before they are looked at');
  settings.hashMaxListpackValue = 3;
  fixture.call('HSET', 'i', 'abc', 'abc');
  t.equal(encoding(fixture, 'i'), 'listpack');
  fixture.call('HINCRBY', 'i', 'n', 12345);
  t.equal(encoding(fixture, 'i'), 'hashtable');
  fixture.call('DEL', 'h', 'i', 'same');
  t.equal(fixture.engine.arena.usedBytes, 0);
  t.equal(fixture.engine.arena.structures.size, 0);
});

t.test('a large hash', async (t) => {
  const fixture = new EngineFixture();
  const { engine } = fixture;
  const tables = engine.arena.tableBytes;
  const all = new Map<string, string>();
  for (let i = 0; i < 20_000; i++) all.set(`field:${i}`, `value ${i % 70}`.padEnd(i % 90, '.'));
  for (const [field, value] of all) fixture.call('HSET', 'h', field, value);
  t.equal(fixture.call('HLEN', 'h'), ':20000\r\n');
  const texts = textsOf(fixture.call('HGETALL', 'h'));
  t.ok(texts.every((field, i) => i % 2 === 1 || all.get(field) === texts[i + 1]));
  const distinct = textsOf(fixture.call('HRANDFIELD', 'h', 5000));
  t.equal(new Set(distinct).size, 5000);
  t.equal(new Set(textsOf(fixture.call('HRANDFIELD', 'h', 15_000))).size, 15_000);
  t.equal(textsOf(fixture.call('HRANDFIELD', 'h', -100, 'WITHVALUES')).length, 200);
  t.ok(engine.arena.tableBytes > tables, 'tables count as used memory');
  fixture.call('DEL', 'h');
  while (engine.lazyFree.isPending) engine.lazyFree.step();
  t.equal(engine.arena.usedBytes, 0, 'freed in slices');
  t.equal(engine.arena.tableBytes, tables);
  t.equal(engine.arena.structures.size, 0);
});

t.test('a hash among the keys of a flushed database is freed', async (t) => {
  const fixture = new EngineFixture();
  const { engine } = fixture;
  fixture.database = 1;
  fixture.call('SET', 'other', 'v');
  fixture.database = 0;
  const before = engine.arena.usedBytes;
  for (let i = 0; i < 2000; i++) fixture.call('HSET', 'large', `f${i}`, i);
  fixture.call('HSETEX', 'small', 'EX', 100, 'FIELDS', 1, 'f', 'v');
  engine.flush(0);
  while (engine.lazyFree.isPending) engine.lazyFree.step();
  t.equal(engine.arena.usedBytes, before);
  t.equal(engine.arena.structures.size, 0);
});

t.test('HSCAN misses nothing while fields come and go', async (t) => {
  const fixture = new EngineFixture();
  const stay = Array.from({ length: 1000 }, (_, i) => `stay:${i}`);
  fixture.call('HSET', 'h', ...stay.flatMap((field) => [field, 'v']));
  const found = new Set<string>();
  let cursor = '0';
  let round = 0;
  do {
    const [next, ...fields] = textsOf(fixture.call('HSCAN', 'h', cursor, 'COUNT', 100, 'NOVALUES'));
    cursor = next;
    for (const field of fields) found.add(field);
    const come = Array.from({ length: 80 }, (_, i) => `come:${round}:${i}`);
    fixture.call('HSET', 'h', ...come.flatMap((field) => [field, 'v']));
    if (round % 2 === 1) fixture.call('HDEL', 'h', ...come);
    round++;
  } while (cursor !== '0');
  t.ok(
    stay.every((field) => found.has(field)),
    `every field that was there all the time, in ${round} rounds`,
  );
});

t.test('no more random fields with repetition than memory has room for', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('HSET', 'h', 'a', 1);
  t.equal(fixture.call('HRANDFIELD', 'h', -2147483649), '-ERR value is out of range\r\n');
  t.equal(fixture.call('HRANDFIELD', 'h', -1000)?.slice(0, 7), '*1000\r\n');
});

t.test(
  'a table that is filled in a walk of another one has its fields in another order',
  async (t) => {
    const fixture = new EngineFixture();
    const pairs = Array.from({ length: 1000 }, (_, i) => [`field:${i}`, 'v']).flat();
    fixture.call('HSET', 'h', ...pairs);
    fixture.call('HSET', 'copy', ...pairs);
    const [first, second] = ['h', 'copy'].map((key) => String(fixture.call('HKEYS', key)));
    // In the same order a walk would crowd the slots of the other table from one end.
    t.not(first, second);
    t.same(first?.split('\r\n').sort(), second?.split('\r\n').sort());
  },
);

t.test(
  'few fields of which one is long are a hashtable to clients, and packed inside',
  async (t) => {
    const fixture = new EngineFixture();
    const long = 'x'.repeat(300);
    const form = (key: string) => {
      const keyspace = fixture.engine.keyspace(0);
      const reference = keyspace.findKey(Buffer.from(key));
      const { isTable } = new HashValue().open(keyspace.arena, reference);
      return `${encodingOf(fixture.engine, keyspace, reference)} ${isTable ? 'table' : 'packed'}`;
    };
    fixture.call('HSET', 'job', 'name', 'mail', 'data', long, 'delay', 0);
    t.equal(form('job'), 'hashtable packed');
    fixture.call('HDEL', 'job', 'data');
    t.equal(form('job'), 'hashtable packed', 'never listpack again');
    fixture.call('HSET', 'job', long, 'y');
    t.equal(fixture.call('HGET', 'job', long), '$1\r\ny\r\n');
    fixture.call('HSET', 'job', ...Array.from({ length: 60 }, (_, i) => `f${i >> 1}`));
    t.equal(form('job'), 'hashtable table', 'too many fields');

    fixture.call('HSET', 'large', 'a', 'x'.repeat(5000));
    t.equal(form('large'), 'hashtable packed');
    fixture.call('HSET', 'large', 'b', 'x'.repeat(5000));
    t.equal(form('large'), 'hashtable table', 'too many bytes');

    fixture.call('HSET', 'timed', 'a', long, 'b', 2);
    fixture.call('HPEXPIRE', 'timed', 1000, 'FIELDS', 1, 'a');
    t.equal(form('timed'), 'hashtable table', 'a deadline');
    t.match(fixture.call('HPTTL', 'timed', 'FIELDS', 1, 'a'), /^\*1\r\n:\d+\r\n$/);
    t.equal(fixture.call('HGET', 'timed', 'b'), '$1\r\n2\r\n');
    fixture.engine.verify();
  },
);
