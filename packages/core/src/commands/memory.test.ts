import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { COMMANDS } from './index.ts';

type Words = readonly (string | number)[];

const KNOWN = new Set(COMMANDS.map(({ name }) => name));
const KEY_SLOT_BYTES = 8;

/** `count` elements in one command. */
function many(name: string, count: number, make: (i: number) => Words): Words {
  return [name, 'k', ...Array.from({ length: count }, (_, i) => make(i)).flat()];
}

const VALUES: Readonly<Record<string, Words>> = {
  'a short string': ['SET', 'k', 'v'],
  'a large string': ['SET', 'k', 'v'.repeat(100_000)],
  'a list': many('RPUSH', 20, (i) => [`element:${i}`]),
  'a long list': many('RPUSH', 5000, (i) => [`element:${i}`]),
  'a hash': many('HSET', 20, (i) => [`field:${i}`, i]),
  'a large hash': many('HSET', 2000, (i) => [`field:${i}`, `value:${i}`]),
  'a set of integers': many('SADD', 100, (i) => [i]),
  'a set': many('SADD', 100, (i) => [`member:${i}`]),
  'a large set': many('SADD', 2000, (i) => [`member:${i}`]),
  'a sorted set': many('ZADD', 100, (i) => [i, `member:${i}`]),
  'a large sorted set': many('ZADD', 9000, (i) => [(i * 7) % 1000, `member:${i}`]),
};

/** Bytes that the shard uses beside the database's own tables. */
function usedBytes({ engine }: EngineFixture): number {
  const { arena } = engine;
  const { map } = engine.keyspace(0);
  return arena.usedBytes + arena.tableBytes - map.tableBytes;
}

function usage(fixture: EngineFixture, ...options: Words): number {
  const reply = fixture.call('MEMORY|USAGE', 'USAGE', 'k', ...options) ?? '';
  return Number(reply.slice(1));
}

for (const [name, words] of Object.entries(VALUES)) {
  if (!KNOWN.has(String(words[0]))) continue;
  t.test(`${name} takes what MEMORY USAGE says`, async (t) => {
    const fixture = new EngineFixture();
    const before = usedBytes(fixture);
    const [command, ...args] = words;
    fixture.call(String(command), ...args);
    const exact = usedBytes(fixture) - before + KEY_SLOT_BYTES;
    t.equal(usage(fixture), exact, 'by default, for so few');
    t.equal(usage(fixture, 'SAMPLES', 0), exact, 'exactly');
    const sampled = usage(fixture, 'SAMPLES', 5);
    t.ok(Math.abs(sampled - exact) < exact / 3, `${sampled} of ${exact} by five samples`);
    fixture.call('DEL', 'k');
    while (fixture.engine.lazyFree.isPending) fixture.engine.lazyFree.step();
    t.equal(usedBytes(fixture), before);
  });
}

t.test('mistakes', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SET', 'k', 'v');
  const syntax = '-ERR syntax error\r\n';
  t.equal(fixture.call('MEMORY|USAGE', 'USAGE', 'none'), '$-1\r\n');
  t.equal(fixture.call('MEMORY|USAGE', 'USAGE', 'k', 'SAMPLES'), syntax);
  t.equal(fixture.call('MEMORY|USAGE', 'USAGE', 'k', 'NOPE', 1), syntax);
  t.equal(fixture.call('MEMORY|USAGE', 'USAGE', 'k', 'SAMPLES', -1), syntax);
  t.match(fixture.call('MEMORY|USAGE', 'USAGE', 'k', 'SAMPLES', 'x'), /^-ERR value is not an int/);
  t.match(fixture.call('MEMORY|USAGE', 'USAGE', 'k', 'SAMPLES', '9223372036854775807'), /^:\d+/);
});

t.test('PURGE gives back mirrors and empty pages', async (t) => {
  const fixture = new EngineFixture();
  const { arena } = fixture.engine;
  for (let i = 0; i < 40; i++) fixture.call('SET', `k${i}`, 'x'.repeat(300 * i));
  fixture.call('RPUSH', 'l', ...Array.from({ length: 100 }, (_, i) => i));
  for (let i = 0; i < 4; i++) fixture.call('LRANGE', 'l', 0, -1);
  t.ok(arena.mirrors.bytes > 0);
  fixture.call('FLUSHDB');
  fixture.call('RPUSH', 'l', ...Array.from({ length: 100 }, (_, i) => i));
  for (let i = 0; i < 4; i++) fixture.call('LRANGE', 'l', 0, -1);
  for (let i = 0; i < 40; i++) fixture.call('SET', `k${i}`, 'x'.repeat(300 * i));
  for (let i = 0; i < 40; i++) fixture.call('DEL', `k${i}`);
  const { arena: now } = fixture.engine;
  const held = now.heldBytes;
  t.equal(fixture.call('MEMORY|PURGE', 'PURGE'), '+OK\r\n');
  t.equal(now.mirrors.bytes, 0);
  t.ok(now.heldBytes < held);
  now.verify();
  t.match(fixture.call('LRANGE', 'l', 0, 0), /0/);
});
