import t from 'tap';
import { EngineFixture } from './engine.fixture.ts';
import { VALUE_APART } from './entry.ts';
import { ADOPT_BYTES_MIN, ARENA_SLOT_BYTES_MAX } from './limits.ts';
import { REQUEST_OWNS_BLOCK } from './request.ts';
import { fuzzStrings } from './string-value.fuzz.ts';
import { StringSpan, stringEncoding } from './string-value.ts';

function referenceOf(fixture: EngineFixture, key: string): number {
  return fixture.engine.keyspace(0).findKey(Buffer.from(key));
}

function encodingOf(fixture: EngineFixture, key: string): string {
  return stringEncoding(fixture.engine.arena, referenceOf(fixture, key));
}

function isApart(fixture: EngineFixture, key: string): boolean {
  return (fixture.engine.keyspace(0).metaOf(referenceOf(fixture, key)) & VALUE_APART) !== 0;
}

t.test('random commands against a map', async () => {
  for (let seed = 1; seed <= 12; seed++) fuzzStrings(seed, 4000);
});

t.test('a value that fits stays in place, others move to a block of their size', async (t) => {
  const fixture = new EngineFixture();
  const { arena } = fixture.engine;
  fixture.call('SET', 'key', 'x'.repeat(100));
  const first = referenceOf(fixture, 'key');
  fixture.call('SET', 'key', 'y'.repeat(100));
  fixture.call('SET', 'key', 'y'.repeat(60));
  t.equal(referenceOf(fixture, 'key'), first, 'more than half of the block is needed');
  fixture.call('SET', 'key', 'y');
  t.not(referenceOf(fixture, 'key'), first, 'the block had become too large');
  t.equal(arena.usedBytes, arena.sizeOf(referenceOf(fixture, 'key')));
});

t.test('appending moves a growing value seldom', async (t) => {
  const fixture = new EngineFixture();
  const { arena } = fixture.engine;
  const span = new StringSpan();
  const places = new Set<number>();
  for (let i = 0; i < 20_000; i++) {
    fixture.call('APPEND', 'key', 'ten bytes.');
    span.locate(arena, referenceOf(fixture, 'key'));
    places.add(arena.pages.indexOf(span.block) * ARENA_SLOT_BYTES_MAX * 4 + span.offset);
  }
  t.equal(span.length, 200_000);
  t.ok(places.size <= 20, `${places.size} places`);
  t.ok(arena.usedBytes < 500_000);
  t.ok(isApart(fixture, 'key'));
  fixture.call('SET', 'key', 'small again');
  t.notOk(isApart(fixture, 'key'));
  t.ok(arena.usedBytes < 100);
});

t.test('a large value is taken over with the block it came in', async (t) => {
  for (const length of [ADOPT_BYTES_MIN - 1, ADOPT_BYTES_MIN, 1 << 20]) {
    const fixture = new EngineFixture();
    const { arena, request } = fixture.engine;
    fixture.flags = REQUEST_OWNS_BLOCK;
    fixture.call('SET', 'key', 'old');
    fixture.call('SET', 'key', 'v'.repeat(length), 'EX', 100);
    const span = new StringSpan();
    span.locate(arena, referenceOf(fixture, 'key'));
    const isShared = span.block.bytes.buffer === request.block.bytes.buffer;
    t.equal(isShared, length >= ADOPT_BYTES_MIN, `${length} bytes`);
    t.equal(span.text(), 'v'.repeat(length));
    t.equal(fixture.engine.keyspace(0).expiries.size, 1);
    fixture.engine.verify();
    fixture.call('GETDEL', 'key');
    t.equal(arena.usedBytes, 0);
  }
});

t.test('several large values in one block are copied', async (t) => {
  const fixture = new EngineFixture();
  fixture.flags = REQUEST_OWNS_BLOCK;
  const large = 'v'.repeat(ADOPT_BYTES_MIN * 2);
  fixture.call('MSET', 'a', large, 'b', large);
  const span = new StringSpan();
  span.locate(fixture.engine.arena, referenceOf(fixture, 'a'));
  t.not(span.block.bytes.buffer, fixture.engine.request.block.bytes.buffer);
  t.equal(fixture.call('GET', 'b'), `$${large.length}\r\n${large}\r\n`);
});

t.test('a key larger than a slot', async (t) => {
  const fixture = new EngineFixture();
  const key = 'k'.repeat(ARENA_SLOT_BYTES_MAX + 1);
  fixture.call('SET', key, 'value');
  fixture.call('APPEND', key, ' and more');
  fixture.call('SET', key, 'other', 'EX', 10);
  t.equal(fixture.call('GET', key), '$5\r\nother\r\n');
  fixture.engine.verify();
  fixture.call('GETDEL', key);
  t.equal(fixture.engine.arena.usedBytes, 0);
});

t.test('encodings', async (t) => {
  const fixture = new EngineFixture();
  const encodingAfter = (...command: [string, ...string[]]): string => {
    fixture.call(...command);
    return encodingOf(fixture, 'k');
  };
  t.equal(encodingAfter('SET', 'k', '9223372036854775807'), 'int');
  t.equal(encodingAfter('SET', 'k', '9223372036854775808'), 'embstr');
  t.equal(encodingAfter('SET', 'k', '-0'), 'embstr');
  t.equal(encodingAfter('SET', 'k', 'x'.repeat(44)), 'embstr');
  t.equal(encodingAfter('SET', 'k', 'x'.repeat(45)), 'raw');
  t.equal(encodingAfter('SET', 'k', '12'), 'int');
  t.equal(encodingAfter('APPEND', 'k', '3'), 'raw');
  t.equal(encodingAfter('INCR', 'k'), 'int');
  t.equal(encodingAfter('SETRANGE', 'k', '0', '5'), 'raw');
  t.equal(encodingAfter('INCRBYFLOAT', 'k', '1'), 'embstr');
  t.equal(encodingAfter('SET', 'k', '1'), 'int');
});

t.test('a SET without a deadline gives the expiry slot back', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SET', 'k', 'v');
  const { arena } = fixture.engine;
  const before = arena.usedBytes;
  fixture.call('SET', 'k', 'v', 'PX', 5);
  fixture.call('SET', 'k', 'v');
  t.equal(fixture.engine.keyspace(0).expiries.size, 0);
  t.equal(arena.usedBytes, before);
  fixture.advance(10);
  t.equal(fixture.call('GET', 'k'), '$1\r\nv\r\n');
});
