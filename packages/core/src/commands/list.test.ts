import { Block } from '@hashlane/resp';
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { STRING } from '../entry.ts';
import { hashBytes } from '../hash.ts';
import { RandomSource } from '../random-source.ts';
import { type Command, RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { REQUEST_DENY_BLOCKING, REQUEST_RESP3 } from '../request.ts';
import { encodingOf } from '../value-encoding.ts';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function array(...items: string[]): string {
  return `*${items.length}\r\n${items.map(bulk).join('')}`;
}

/** Adds a string without a string command. */
function addString(fixture: EngineFixture, name: string): void {
  const key = Block.of(name);
  const hash = hashBytes(key, 0, name.length);
  fixture.engine.keyspace(fixture.database).insert(key, 0, name.length, hash, STRING, 0, false);
}

function removeKey(fixture: EngineFixture, name: string): void {
  const keyspace = fixture.engine.keyspace(fixture.database);
  keyspace.findKey(Buffer.from(name));
  keyspace.removeFound();
}

function calls(
  fixture: EngineFixture,
  connection: number,
  ...command: Command
): string | undefined {
  fixture.connection = connection;
  const [name, ...args] = command;
  return fixture.call(String(name), ...args);
}

t.test('pushes, pops and reads', async (t) => {
  const fixture = new EngineFixture();
  t.equal(fixture.call('RPUSH', 'l', 'a', 'b', 'c'), ':3\r\n');
  t.equal(fixture.call('LPUSH', 'l', '1', '2'), ':5\r\n');
  t.equal(fixture.call('LRANGE', 'l', 0, -1), array('2', '1', 'a', 'b', 'c'));
  t.equal(fixture.call('LRANGE', 'l', 3, 1), '*0\r\n');
  t.equal(fixture.call('LRANGE', 'l', -100, 100), array('2', '1', 'a', 'b', 'c'));
  t.equal(fixture.call('LPOP', 'l'), bulk('2'));
  t.equal(fixture.call('RPOP', 'l', 2), array('c', 'b'));
  t.equal(fixture.call('LPOP', 'l', 0), '*0\r\n');
  t.equal(fixture.call('LPOP', 'l', 10), array('1', 'a'));
  t.equal(fixture.call('LLEN', 'l'), ':0\r\n');
  t.equal(fixture.engine.keyspace(0).size, 0, 'an empty list is no key');
  t.equal(fixture.engine.arena.usedBytes, 0);
});

t.test('a list moved within itself, of one element', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('RPUSH', 'l', 'only');
  t.equal(fixture.call('LMOVE', 'l', 'l', 'LEFT', 'LEFT'), bulk('only'));
  t.equal(fixture.call('RPOPLPUSH', 'l', 'm'), bulk('only'));
  t.equal(fixture.call('LRANGE', 'm', 0, -1), array('only'));
  t.equal(fixture.call('LLEN', 'l'), ':0\r\n');
  fixture.engine.verify();
});

t.test('encodings and their limits', async (t) => {
  const fixture = new EngineFixture();
  const encoding = (): string => {
    const keyspace = fixture.engine.keyspace(0);
    return encodingOf(fixture.engine, keyspace, keyspace.findKey(Buffer.from('l')));
  };
  fixture.call('RPUSH', 'l', 'a');
  t.equal(encoding(), 'listpack');
  fixture.call('RPUSH', 'l', 'x'.repeat(9000));
  t.equal(encoding(), 'quicklist');
  fixture.call('RPOP', 'l');
  t.equal(encoding(), 'listpack');
  fixture.engine.settings.listMaxListpackSize = 3;
  fixture.call('RPUSH', 'l', 'a', 'b');
  t.equal(encoding(), 'listpack');
  fixture.call('RPUSH', 'l', 'a');
  t.equal(encoding(), 'quicklist');
});

t.test('waiters are served in order, one element each', async (t) => {
  const fixture = new EngineFixture();
  for (const connection of [1, 2, 3]) {
    t.equal(calls(fixture, connection, 'BLPOP', 'a', 'q', 0), undefined);
  }
  t.equal(calls(fixture, 9, 'RPUSH', 'q', 'x', 'y'), ':2\r\n');
  t.same(fixture.late, [
    [1, array('q', 'x')],
    [2, array('q', 'y')],
  ]);
  t.equal(fixture.engine.keyspace(0).size, 0);
  calls(fixture, 9, 'LPUSH', 'a', 'z');
  t.same(fixture.late[2], [3, array('a', 'z')]);
  t.equal(fixture.engine.waiters.size, 0);
  t.equal(fixture.engine.waiters.keyCount, 0);
});

t.test('a chain of BLMOVE is served in one pass', async (t) => {
  const fixture = new EngineFixture();
  calls(fixture, 1, 'BLMOVE', 'b', 'c', 'LEFT', 'RIGHT', 0);
  calls(fixture, 2, 'BRPOPLPUSH', 'a', 'b', 0);
  calls(fixture, 3, 'BLMPOP', 0, 2, 'x', 'c', 'LEFT', 'COUNT', 5);
  t.equal(calls(fixture, 9, 'RPUSH', 'a', 'job'), ':1\r\n');
  t.same(fixture.late, [
    [2, bulk('job')],
    [1, bulk('job')],
    [3, `*2\r\n${bulk('c')}${array('job')}`],
  ]);
  t.equal(fixture.engine.keyspace(0).size, 0);
  fixture.engine.verify();
});

t.test('timeouts', async (t) => {
  const fixture = new EngineFixture();
  calls(fixture, 1, 'BLPOP', 'q', '0.5');
  calls(fixture, 2, 'BLMOVE', 'q', 'r', 'LEFT', 'LEFT', '0.25');
  calls(fixture, 3, 'BLMPOP', '0.001', 1, 'q', 'RIGHT');
  fixture.flags = REQUEST_RESP3;
  calls(fixture, 4, 'BRPOP', 'q', 1);
  fixture.advance(1);
  t.same(fixture.late, [[3, '*-1\r\n']]);
  fixture.advance(249);
  t.same(fixture.late[1], [2, '*-1\r\n'], 'a null array where it had waited');
  fixture.advance(250);
  t.same(fixture.late[2], [1, '*-1\r\n']);
  fixture.advance(500);
  t.same(fixture.late[3], [4, '_\r\n']);
  t.equal(fixture.engine.waiters.size, 0);
  fixture.flags = REQUEST_DENY_BLOCKING;
  t.equal(fixture.call('BLMOVE', 'q', 'r', 'LEFT', 'LEFT', 0), '$-1\r\n');
  t.equal(fixture.call('BLPOP', 'q', 0), '*-1\r\n');
});

t.test('timeouts that no clock reaches', async (t) => {
  const fixture = new EngineFixture();
  // redis 7.0 overflows here and says "negative"; 7.2 has the text for it.
  for (const timeout of ['inf', '1e20', '9223372036854775']) {
    t.equal(fixture.call('BLPOP', 'q', timeout), '-ERR timeout is out of range\r\n', timeout);
  }
  t.equal(fixture.call('BLPOP', 'q', '-inf'), '-ERR timeout is negative\r\n');
  t.equal(fixture.call('BLPOP', 'q', '1000000000'), undefined);
});

t.test(
  'a key of another type does not wake, and is an error when a waiter runs again',
  async (t) => {
    const fixture = new EngineFixture();
    calls(fixture, 1, 'BLPOP', 'q', 0);
    addString(fixture, 'q');
    calls(fixture, 9, 'LLEN', 'other');
    t.same(fixture.late, []);
    t.equal(calls(fixture, 2, 'BLPOP', 'q', 0), WRONG_TYPE);
    removeKey(fixture, 'q');
    calls(fixture, 9, 'RPUSH', 'q', 'x');
    t.same(fixture.late, [[1, array('q', 'x')]]);

    addString(fixture, 'target');
    calls(fixture, 3, 'BLMOVE', 'q', 'target', 'LEFT', 'LEFT', 0);
    calls(fixture, 9, 'RPUSH', 'q', 'y');
    t.same(fixture.late[1], [3, WRONG_TYPE]);
    t.equal(calls(fixture, 9, 'LRANGE', 'q', 0, -1), array('y'), 'the element is still there');
    t.equal(fixture.engine.waiters.size, 0);
  },
);

/** Random programs of list commands, as redis and the engine both get them. */
class Programs {
  readonly random: RandomSource;

  constructor(seed: number) {
    this.random = new RandomSource(seed);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.random.below(items.length)];
  }

  key(): string {
    return this.pick(['k1', 'k2', 'k3', 'k3', 'k4', 'str']);
  }

  element(): string {
    const kind = this.random.below(20);
    if (kind === 0)
      return this.pick(['', '-0', '007', '9223372036854775807', '9223372036854775808']);
    if (kind === 1) return 'x'.repeat(this.random.below(300));
    if (kind === 2) return 'y'.repeat(3000 + this.random.below(10_000));
    return this.pick([
      'a',
      'b',
      'c',
      'foo',
      '1',
      '2',
      '300',
      '-5',
      '70000',
      '-9223372036854775808',
    ]);
  }

  integer(): string {
    if (this.random.below(30) === 0) {
      return this.pick([
        '',
        'x',
        '1.5',
        ' 1',
        '+1',
        '-0',
        '9223372036854775807',
        '9223372036854775808',
        '-9223372036854775807',
        '99999999999999999999999',
      ]);
    }
    return String(this.random.below(30) - 12);
  }

  timeout(): string {
    return this.pick(['0', '0', '0', '0', '1', '0.1', '-1', '-0.0001', 'x', '', 'nan', ' 1']);
  }

  side(): string {
    return this.pick(['LEFT', 'RIGHT', 'left', 'Right', 'LEFT', 'RIGHT', 'LEFT', 'UP']);
  }

  repeat(least: number, most: number, make: () => string): string[] {
    return Array.from({ length: least + this.random.below(most - least + 1) }, make);
  }

  command(): Command {
    const key = (): string => this.key();
    const element = (): string => this.element();
    const name = this.pick([
      'LPUSH',
      'RPUSH',
      'LPUSH',
      'RPUSH',
      'RPUSH',
      'LPUSHX',
      'RPUSHX',
      'LPOP',
      'RPOP',
      'LLEN',
      'LINDEX',
      'LSET',
      'LRANGE',
      'LRANGE',
      'LTRIM',
      'LREM',
      'LINSERT',
      'LPOS',
      'LPOS',
      'LMOVE',
      'RPOPLPUSH',
      'LMPOP',
      'BLPOP',
      'BRPOP',
      'BLMOVE',
      'BRPOPLPUSH',
      'BLMPOP',
    ]);
    switch (name) {
      case 'LPOP':
      case 'RPOP':
        return [name, key(), ...this.repeat(0, 1, () => this.integer())];
      case 'LLEN':
        return [name, key()];
      case 'LINDEX':
        return [name, key(), this.integer()];
      case 'LSET':
      case 'LREM':
        return [name, key(), this.integer(), element()];
      case 'LRANGE':
        return [name, key(), this.integer(), this.integer()];
      case 'LTRIM':
        return this.random.below(3) === 0
          ? [name, key(), this.integer(), this.integer()]
          : [name, key(), this.random.below(2), -1 - this.random.below(2)];
      case 'LINSERT':
        return [name, key(), this.pick(['BEFORE', 'after', 'BEFORE', 'at']), element(), element()];
      case 'LPOS':
        return [name, key(), element(), ...this.options()];
      case 'LMOVE':
        return [name, key(), key(), this.side(), this.side()];
      case 'RPOPLPUSH':
        return [name, key(), key()];
      case 'LMPOP':
        return [name, ...this.popTail()];
      case 'BLPOP':
      case 'BRPOP':
        return [name, ...this.repeat(1, 3, key), this.timeout()];
      case 'BLMOVE':
        return [name, key(), key(), this.side(), this.side(), this.timeout()];
      case 'BRPOPLPUSH':
        return [name, key(), key(), this.timeout()];
      case 'BLMPOP':
        return [name, this.timeout(), ...this.popTail()];
      default:
        return [name, key(), ...this.repeat(1, this.random.below(6) === 0 ? 40 : 3, element)];
    }
  }

  options(): string[] {
    const option = (): string[] => [
      this.pick(['RANK', 'COUNT', 'MAXLEN', 'rank', 'NO']),
      this.integer(),
    ];
    const options = Array.from({ length: this.random.below(4) }, option).flat();
    if (this.random.below(12) === 0) options.pop();
    return options;
  }

  popTail(): string[] {
    const keys = this.repeat(1, 3, () => this.key());
    const numkeys = this.random.below(12) === 0 ? this.integer() : String(keys.length);
    const tail =
      this.random.below(2) === 0 ? [] : [this.pick(['COUNT', 'count', 'x']), this.integer()];
    if (this.random.below(20) === 0) tail.push('COUNT', '1');
    return [numkeys, ...keys, this.side(), ...tail];
  }
}

/** Commands as a client sends them where blocking is not wanted: in a transaction. */
function withoutBlocking(command: Command): Command[] {
  if (!String(command[0]).startsWith('B')) return [command];
  return [['MULTI'], command, ['EXEC']];
}

t.test('random programs answer as redis-server does', { skip: redisMissing() }, async (t) => {
  for (const fill of [-2, 4]) {
    const redis = await RedisServer.start('--list-max-listpack-size', String(fill));
    t.teardown(() => redis.stop());
    for (const flags of [0, REQUEST_RESP3]) {
      const programs = new Programs(fill + flags + 77);
      const fixture = new EngineFixture();
      fixture.flags = flags | REQUEST_DENY_BLOCKING;
      fixture.engine.settings.listMaxListpackSize = fill;
      addString(fixture, 'str');
      await redis.call([['FLUSHALL'], ['HELLO', flags === 0 ? 2 : 3], ['SET', 'str', '']]);
      const commands = Array.from({ length: 6000 }, () => programs.command());
      const replies = await redis.call(commands.flatMap(withoutBlocking));
      let at = 0;
      for (const command of commands) {
        const [name, ...args] = command;
        const got = fixture.call(String(name), ...args);
        const isBlocking = String(name).startsWith('B');
        const expected = isBlocking ? replies[at + 2].replace('*1\r\n', '') : replies[at];
        at += isBlocking ? 3 : 1;
        if (got !== expected) {
          t.equal(got, expected, command.join(' ').slice(0, 200));
          return;
        }
      }
      fixture.engine.verify();
      t.pass(`${commands.length} commands, list-max-listpack-size ${fill}, flags ${flags}`);
    }
  }
});
