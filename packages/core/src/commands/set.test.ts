/**
 * What the conformance matrix cannot ask redis-server 7.0: the encodings of 7.2, chance, memory, and
 * how the work is cut up. Replies and errors are compared in packages/harness.
 */
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';

const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i);
const names = (count: number, from = 0): string[] => numbers(count, from).map((i) => `member:${i}`);

/** Members of a reply that is an array, a set or one bulk string. */
function membersOf(reply: string | undefined): string[] {
  const lines = (reply ?? '').split('\r\n');
  const members: string[] = [];
  for (let i = reply?.startsWith('$') ? 0 : 1; i + 1 < lines.length; i += 2) {
    members.push(lines[i + 1]);
  }
  return members;
}

function encodingOf(fixture: EngineFixture, key: string): string {
  return membersOf(fixture.call('OBJECT|ENCODING', 'ENCODING', key))[0];
}

/** Used memory of data alone, after everything that was put off. */
function settledBytes({ engine }: EngineFixture): number[] {
  while (engine.lazyFree.isPending) engine.lazyFree.step();
  return [engine.arena.usedBytes, engine.arena.structures.size];
}

t.test('encodings as in Redis 7.2', async (t) => {
  const fixture = new EngineFixture();
  const expect = (key: string, encoding: string, what: string): void => {
    t.equal(encodingOf(fixture, key), encoding, what);
  };
  fixture.call('SADD', 'i', ...numbers(512));
  expect('i', 'intset', 'as many integers as allowed');
  fixture.call('SADD', 'i', 512);
  expect('i', 'hashtable', 'one more integer');
  fixture.call('SREM', 'i', ...numbers(510));
  expect('i', 'hashtable', 'a set never goes back');
  fixture.call('SADD', 'j', ...numbers(513));
  expect('j', 'hashtable', 'too many at once');
  fixture.call('SADD', 'j2', ...Array(513).fill('1'));
  expect('j2', 'hashtable', 'the number of arguments decides, not of members');
  fixture.call('SADD', 'k', ...numbers(100), 'x');
  expect('k', 'listpack', 'integers and text');
  fixture.call('SADD', 'k', ...numbers(128));
  expect('k', 'hashtable', 'more than a listpack may have');
  fixture.call('SADD', 'l', ...numbers(200));
  fixture.call('SADD', 'l', 'x');
  expect('l', 'hashtable', 'text to more integers than a listpack may have');
  fixture.call('SADD', 'm', 'x'.repeat(64), 1);
  expect('m', 'listpack', 'a member of the greatest length');
  fixture.call('SADD', 'm', 'x'.repeat(65));
  expect('m', 'hashtable', 'a longer one');
  fixture.call('SADD', 'n', ...names(129));
  expect('n', 'hashtable', 'too many texts at once');
  fixture.call('SADD', 'o', 'x', ...names(127));
  expect('o', 'listpack', 'as many texts as allowed');
  fixture.call('SADD', 'o', ...names(129));
  expect('o', 'hashtable', 'a large addition converts beforehand');
  fixture.call('SADD', 'q', 1);
  fixture.call('SADD', 'q', ...Array(513).fill('1'));
  expect('q', 'hashtable', 'to an intset too');
});

t.test('encodings of results', async (t) => {
  const fixture = new EngineFixture();
  const stored = (encoding: string, name: string, ...sources: string[]): void => {
    fixture.call(name, 'd', ...sources);
    t.equal(encodingOf(fixture, 'd'), encoding, `${name} ${sources.join(' ')}`);
  };
  fixture.call('SADD', 'few', 1, 2, 3);
  fixture.call('SADD', 'mixed', 1, 2, 'x', 'y');
  fixture.call('SADD', 'many', ...numbers(700));
  fixture.call('SADD', 'some', ...numbers(300));
  fixture.call('SADD', 'texts', ...names(300));
  fixture.call('SADD', 'tail', 'member:1', 'member:2', 'x');
  stored('intset', 'SINTERSTORE', 'few', 'mixed');
  stored('intset', 'SINTERSTORE', 'mixed', 'many');
  stored('intset', 'SINTERSTORE', 'many', 'some');
  stored('hashtable', 'SINTERSTORE', 'many', 'many');
  stored('listpack', 'SINTERSTORE', 'texts', 'tail');
  stored('hashtable', 'SINTERSTORE', 'texts');
  stored('listpack', 'SUNIONSTORE', 'few', 'mixed');
  stored('intset', 'SUNIONSTORE', 'few', 'some');
  stored('hashtable', 'SUNIONSTORE', 'many');
  stored('hashtable', 'SUNIONSTORE', 'some', 'mixed');
  stored('listpack', 'SDIFFSTORE', 'mixed', 'few');
  stored('intset', 'SDIFFSTORE', 'many', 'some');
  fixture.call('SADD', 'y', 'y');
  stored('intset', 'SDIFFSTORE', 'mixed', 'tail', 'y');
});

t.test('a copy has the same encoding', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SADD', 'h', ...names(200), 1);
  fixture.call('SREM', 'h', ...names(200));
  fixture.call('COPY', 'h', 'copy');
  t.equal(encodingOf(fixture, 'copy'), 'hashtable');
  t.equal(fixture.call('SMEMBERS', 'copy'), '*1\r\n$1\r\n1\r\n');
});

t.test('random members are uniform in every form', async (t) => {
  for (const members of [
    numbers(30).map(String),
    names(30),
    [...names(29), 'x'.repeat(70)],
    names(3000),
  ]) {
    const fixture = new EngineFixture({ seed: 5 });
    fixture.call('SADD', 's', ...members);
    const encoding = encodingOf(fixture, 's');
    const rounds = 30_000;
    const ways: [string, number, () => string[]][] = [
      ['SRANDMEMBER', rounds, () => membersOf(fixture.call('SRANDMEMBER', 's'))],
      ['SRANDMEMBER -10', rounds / 10, () => membersOf(fixture.call('SRANDMEMBER', 's', -10))],
      ['SRANDMEMBER 10', rounds / 10, () => membersOf(fixture.call('SRANDMEMBER', 's', 10))],
      ['SRANDMEMBER 25', rounds / 25, () => membersOf(fixture.call('SRANDMEMBER', 's', 25))],
      [
        'SPOP 10',
        rounds / 10,
        () => {
          const popped = membersOf(fixture.call('SPOP', 's', 10));
          fixture.call('SADD', 's', ...popped);
          return popped;
        },
      ],
    ];
    for (const [name, calls, draw] of ways) {
      const counts = new Map<string, number>(members.map((member) => [member, 0]));
      let draws = 0;
      for (let i = 0; i < calls; i++) {
        for (const member of draw()) {
          counts.set(member, (counts.get(member) ?? Number.NaN) + 1);
          draws++;
        }
      }
      const expected = draws / members.length;
      let chiSquared = 0;
      for (const count of counts.values()) chiSquared += (count - expected) ** 2 / expected;
      const freedom = members.length - 1;
      const limit = freedom + 4 * Math.sqrt(2 * freedom);
      t.ok(
        chiSquared < limit,
        `${name}, ${encoding} of ${members.length}: ${chiSquared.toFixed(1)} of ${limit.toFixed(1)}`,
      );
    }
  }
});

t.test('a reply of random members has a bound', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SADD', 's', 'x');
  const before = fixture.engine.reply.errors;
  t.equal(fixture.call('SRANDMEMBER', 's', -100_000_000), '-ERR value is out of range\r\n');
  t.equal(
    fixture.call('SRANDMEMBER', 's', '-9000000000000000000'),
    '-ERR value is out of range\r\n',
  );
  t.equal(fixture.engine.reply.errors - before, 2);
  t.equal(membersOf(fixture.call('SRANDMEMBER', 's', -3)).length, 3);
});

t.test('sets are sets in RESP3', async (t) => {
  const fixture = new EngineFixture();
  fixture.flags = 1;
  fixture.call('SADD', 's', 1);
  t.equal(fixture.call('SMEMBERS', 's'), '~1\r\n$1\r\n1\r\n');
  t.equal(fixture.call('SMEMBERS', 'none'), '~0\r\n');
  t.equal(fixture.call('SINTER', 's', 's'), '~1\r\n$1\r\n1\r\n');
  t.equal(fixture.call('SINTER', 's', 'none'), '~0\r\n');
  t.equal(fixture.call('SRANDMEMBER', 's', 2), '*1\r\n$1\r\n1\r\n');
  t.equal(fixture.call('SPOP', 'none', 2), '~0\r\n');
  t.equal(fixture.call('SPOP', 'none'), '_\r\n');
  t.equal(fixture.call('SPOP', 's', 2), '~1\r\n$1\r\n1\r\n');
});

t.test('changes are counted as in Redis', async (t) => {
  const fixture = new EngineFixture();
  const counts = (changes: number, name: string, ...args: (string | number)[]): void => {
    const before = fixture.engine.dirty;
    fixture.call(name, ...args);
    t.equal(fixture.engine.dirty - before, changes, `${name} ${args.join(' ')}`);
  };
  counts(3, 'SADD', 'a', 1, 2, 3, 1);
  counts(0, 'SADD', 'a', 1);
  counts(2, 'SMOVE', 'a', 'b', 1);
  counts(1, 'SADD', 'b', 2);
  counts(1, 'SMOVE', 'a', 'b', 2);
  counts(0, 'SMOVE', 'a', 'b', 9);
  counts(1, 'SUNIONSTORE', 'd', 'a', 'b');
  counts(1, 'SINTERSTORE', 'd', 'a', 'none');
  counts(0, 'SINTERSTORE', 'd', 'a', 'none');
  counts(1, 'SPOP', 'b');
  counts(1, 'SPOP', 'b', 5);
  counts(0, 'SPOP', 'b');
  counts(1, 'SREM', 'a', 3, 4);
});

t.test('a scan finds what is there all the time', async (t) => {
  const fixture = new EngineFixture();
  const stay = names(1000);
  fixture.call('SADD', 's', ...stay);
  const found = new Set<string>();
  let cursor = '0';
  let round = 0;
  do {
    const reply = fixture.call('SSCAN', 's', cursor, 'COUNT', 20) ?? '';
    const [, , next, head] = reply.split('\r\n');
    for (const member of membersOf(reply.slice(reply.indexOf(head)))) found.add(member);
    cursor = next;
    // Segments split and merge meanwhile.
    fixture.call(round % 2 === 0 ? 'SADD' : 'SREM', 's', ...names(8000, 2000));
    round++;
  } while (cursor !== '0');
  t.ok(stay.every((member) => found.has(member)));
  t.ok(round > 10, `${round} rounds`);
});

t.test('memory comes back, and a large set is freed in slices', async (t) => {
  const fixture = new EngineFixture();
  const clean = settledBytes(fixture);
  const { engine } = fixture;
  for (const members of [numbers(300), names(100), names(100_000)]) {
    for (const end of ['DEL', 'SPOP', 'SREM', 'SET', 'SUNIONSTORE', 'EXPIRE']) {
      fixture.call('SADD', 's', ...members);
      if (end === 'SPOP') fixture.call('SPOP', 's', members.length);
      else if (end === 'SREM') fixture.call('SREM', 's', ...members);
      else if (end === 'SET') fixture.call('SET', 's', 'x');
      else if (end === 'SUNIONSTORE') fixture.call('SUNIONSTORE', 's', 'none');
      else if (end === 'EXPIRE') fixture.call('PEXPIRE', 's', -1);
      const isLarge = members.length > 1000 && end !== 'DEL' && end !== 'SREM';
      if (isLarge) t.ok(engine.lazyFree.isPending, `${end} leaves the rest for later`);
      fixture.call('DEL', 's');
      t.same(settledBytes(fixture), clean, `${end} of ${members.length}`);
    }
  }
  fixture.call('SADD', 'a', ...names(3000));
  fixture.call('SADD', 'b', ...names(3000, 2000));
  const held = settledBytes(fixture);
  for (const name of ['SINTER', 'SUNION', 'SDIFF']) {
    fixture.call(name, 'a', 'b', 'a', 'b', 'b', 'b');
    t.same(settledBytes(fixture), held, `${name} leaves nothing`);
  }
  engine.verify();
});
