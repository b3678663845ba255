import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { REQUEST_RESP3 } from '../request.ts';

const NOT_INTEGER = '-ERR value is not an integer or out of range\r\n';
const OVERFLOW = '-ERR increment or decrement would overflow\r\n';
const SYNTAX = '-ERR syntax error\r\n';
const TOO_LONG = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const NULL = '$-1\r\n';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

t.test('SET and its conditions', async (t) => {
  const fixture = new EngineFixture();
  t.equal(fixture.call('SET', 'k', 'v', 'XX'), NULL);
  t.equal(fixture.call('SET', 'k', 'v', 'nx'), '+OK\r\n');
  t.equal(fixture.call('SET', 'k', 'w', 'NX'), NULL);
  t.equal(fixture.call('SET', 'k', 'w', 'NX', 'GET'), bulk('v'), 'GET tells, NX still holds');
  t.equal(fixture.call('SET', 'k', 'w', 'XX', 'GET'), bulk('v'));
  t.equal(fixture.call('SET', 'new', 'w', 'GET'), NULL);
  t.equal(fixture.call('GET', 'new'), bulk('w'));
  fixture.flags = REQUEST_RESP3;
  t.equal(fixture.call('GET', 'none'), '_\r\n');
});

t.test('SET: conflicting options', async (t) => {
  const fixture = new EngineFixture();
  const wrong = [
    ['NX', 'XX'],
    ['XX', 'NX'],
    ['EX', '1', 'PX', '1'],
    ['KEEPTTL', 'EX', '1'],
    ['EX'],
    ['EX', '1', 'KEEPTTL'],
    ['PERSIST'],
    ['EXAT', '1', 'PXAT', '1'],
    ['nonsense'],
  ];
  for (const options of wrong) t.equal(fixture.call('SET', 'k', 'v', ...options), SYNTAX);
  t.equal(fixture.call('SET', 'k', 'v', 'EX', 'x', 'EX', '5'), '+OK\r\n', 'the last one counts');
  t.equal(fixture.call('SET', 'k', 'v', 'GET', 'GET', 'NX', 'NX'), bulk('v'));
});

t.test('expire times', async (t) => {
  const fixture = new EngineFixture();
  const { engine } = fixture;
  const invalid = (name: string): string => `-ERR invalid expire time in '${name}' command\r\n`;
  for (const time of ['0', '-1', '9223372036854775807', '9223372036854776']) {
    t.equal(fixture.call('SET', 'k', 'v', 'EX', time), invalid('set'));
    t.equal(fixture.call('SETEX', 'k', time, 'v'), invalid('setex'));
  }
  t.equal(fixture.call('PSETEX', 'k', '9223372036854775807', 'v'), invalid('psetex'));
  t.equal(fixture.call('PSETEX', 'k', 'x', 'v'), NOT_INTEGER);
  t.equal(fixture.call('GETEX', 'k', 'PX', '0'), NULL, 'the key is looked up first');
  fixture.call('SET', 'k', 'v', 'PX', 10);
  t.equal(fixture.call('GETEX', 'k', 'PX', '0'), invalid('getex'));
  t.equal(fixture.call('SET', 'k', 'w', 'KEEPTTL'), '+OK\r\n');
  fixture.advance(9);
  t.equal(fixture.call('GET', 'k'), bulk('w'));
  fixture.advance(1);
  t.equal(fixture.call('GET', 'k'), NULL);
  fixture.call('SET', 'k', 'v');
  t.equal(fixture.call('SET', 'k', 'w', 'GET', 'PXAT', engine.now - 1), bulk('v'));
  t.equal(engine.keyspace(0).size, 0, 'a deadline in the past deletes');
  fixture.call('SET', 'k', 'v');
  t.equal(fixture.call('GETEX', 'k', 'EXAT', '1'), bulk('v'));
  t.equal(engine.keyspace(0).size, 0);
});

t.test('another type', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('RPUSH', 'l', 'x');
  const failing = [
    ['GET', 'l'],
    ['GETDEL', 'l'],
    ['GETEX', 'l'],
    ['GETSET', 'l', 'v'],
    ['SET', 'l', 'v', 'GET'],
    ['STRLEN', 'l'],
    ['APPEND', 'l', 'v'],
    ['SETRANGE', 'l', '0', ''],
    ['GETRANGE', 'l', '0', '1'],
    ['INCR', 'l'],
    ['INCRBY', 'l', '9223372036854775807'],
    ['INCRBYFLOAT', 'l', 'x'],
  ] as const;
  for (const [name, ...args] of failing) t.equal(fixture.call(name, ...args), WRONG_TYPE, name);
  t.equal(fixture.call('MGET', 'l'), '*1\r\n$-1\r\n');
  t.equal(fixture.call('SETNX', 'l', 'v'), ':0\r\n');
  t.equal(fixture.call('SET', 'l', 'v'), '+OK\r\n');
  t.equal(fixture.call('GET', 'l'), bulk('v'));
  fixture.call('GETDEL', 'l');
  t.equal(fixture.engine.arena.usedBytes, 0);
});

t.test('counters up to the borders of 64 bits', async (t) => {
  const fixture = new EngineFixture();
  const count = (value: string, name: string, ...args: string[]): string | undefined => {
    fixture.call('SET', 'n', value);
    return fixture.call(name, 'n', ...args);
  };
  t.equal(count('9', 'INCR'), ':10\r\n');
  t.equal(count('10', 'DECR'), ':9\r\n');
  t.equal(count('0', 'DECR'), ':-1\r\n');
  t.equal(count('-1', 'INCR'), ':0\r\n');
  t.equal(count('5', 'DECRBY', '0'), ':5\r\n');
  t.equal(count('999999999', 'INCR'), ':1000000000\r\n');
  t.equal(count('999999999999999', 'INCR'), ':1000000000000000\r\n');
  t.equal(count('9223372036854775806', 'INCR'), ':9223372036854775807\r\n');
  t.equal(fixture.call('INCR', 'n'), OVERFLOW);
  t.equal(fixture.call('GET', 'n'), bulk('9223372036854775807'));
  t.equal(count('-9223372036854775808', 'DECR'), OVERFLOW);
  t.equal(count('1', 'DECRBY', '-9223372036854775808'), '-ERR decrement would overflow\r\n');
  t.equal(count('-1', 'INCRBY', '-9223372036854775807'), ':-9223372036854775808\r\n');
  for (const value of ['', '01', '+1', ' 1', '1.0', '-', '-0', '9223372036854775808']) {
    t.equal(count(value, 'INCR'), NOT_INTEGER, JSON.stringify(value));
    t.equal(count('1', 'INCRBY', value), NOT_INTEGER, JSON.stringify(value));
  }
  t.equal(fixture.call('INCR', 'fresh'), ':1\r\n');
});

t.test('INCRBYFLOAT', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SET', 'f', '10.50');
  t.equal(fixture.call('INCRBYFLOAT', 'f', '0.1'), bulk('10.6'));
  t.equal(fixture.call('INCRBYFLOAT', 'f', '-5'), bulk('5.6'));
  fixture.call('SET', 'f', '5.0e3', 'PX', 50);
  t.equal(fixture.call('INCRBYFLOAT', 'f', '2.0e2'), bulk('5200'));
  t.equal(fixture.engine.keyspace(0).expiries.size, 1, 'the deadline stays');
  t.equal(fixture.call('INCRBYFLOAT', 'f', 'x'), '-ERR value is not a valid float\r\n');
  t.equal(
    fixture.call('INCRBYFLOAT', 'f', 'inf'),
    '-ERR increment would produce NaN or Infinity\r\n',
  );
});

t.test('ranges', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SET', 'k', 'This is a string');
  t.equal(fixture.call('GETRANGE', 'k', 0, 3), bulk('This'));
  t.equal(fixture.call('GETRANGE', 'k', -3, -1), bulk('ing'));
  t.equal(fixture.call('GETRANGE', 'k', 0, -100), bulk('T'), 'as Redis has it');
  t.equal(fixture.call('GETRANGE', 'k', -1, -5), bulk(''));
  const all = ['-9223372036854775808', '9223372036854775807'];
  t.equal(fixture.call('SUBSTR', 'k', ...all), bulk('This is a string'));
  t.equal(fixture.call('SETRANGE', 'z', 3, 'x'), ':4\r\n');
  t.equal(fixture.call('GET', 'z'), bulk('\0\0\0x'));
  t.equal(fixture.call('SETRANGE', 'none', 3, ''), ':0\r\n');
  t.equal(fixture.call('SETRANGE', 'z', -1, 'x'), '-ERR offset is out of range\r\n');
  t.equal(fixture.call('SETRANGE', 'z', '9223372036854775807', 'x'), TOO_LONG);
  fixture.engine.settings.protoMaxBulkBytes = 10;
  t.equal(fixture.call('SETRANGE', 'z', 10, 'x'), TOO_LONG);
  t.equal(fixture.call('SETRANGE', 'z', 9, 'x'), ':10\r\n');
  t.equal(fixture.call('APPEND', 'z', 'x'), TOO_LONG);
});

t.test('several keys', async (t) => {
  const fixture = new EngineFixture();
  const odd = (name: string): string => `-ERR wrong number of arguments for '${name}' command\r\n`;
  t.equal(fixture.call('MSET', 'a', '1', 'b'), odd('mset'));
  t.equal(fixture.call('MSETNX', 'a', '1', 'b'), odd('msetnx'));
  t.equal(fixture.call('MSET', 'a', '1', 'b', '2', 'a', '3'), '+OK\r\n');
  t.equal(fixture.call('MGET', 'a', 'none', 'b'), `*3\r\n${bulk('3')}${NULL}${bulk('2')}`);
  t.equal(fixture.call('MSETNX', 'c', '1', 'a', '2'), ':0\r\n');
  t.equal(fixture.call('GET', 'c'), NULL);
  t.equal(fixture.call('MSETNX', 'c', '1', 'c', '2'), ':1\r\n');
  t.equal(fixture.call('GET', 'c'), bulk('2'));
});

t.test('LCS', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('MSET', 'a', 'ohmytext', 'b', 'mynewtext');
  t.equal(fixture.call('LCS', 'a', 'b'), bulk('mytext'));
  t.equal(fixture.call('LCS', 'a', 'b', 'LEN'), ':6\r\n');
  const matches = '*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n';
  const idx = ['IDX', 'MINMATCHLEN', '4', 'WITHMATCHLEN'];
  const rest = `${bulk('matches')}${matches}${bulk('len')}:6\r\n`;
  t.equal(fixture.call('LCS', 'a', 'b', ...idx), `*4\r\n${rest}`);
  fixture.flags = REQUEST_RESP3;
  t.equal(fixture.call('LCS', 'a', 'b', ...idx), `%2\r\n${rest}`);
  t.equal(
    fixture.call('LCS', 'a', 'b', 'IDX', 'LEN'),
    '-ERR If you want both the length and indexes, please just use IDX.\r\n',
  );
  t.equal(fixture.call('LCS', 'a', 'none'), bulk(''));
  fixture.call('RPUSH', 'l', 'x');
  t.equal(
    fixture.call('LCS', 'a', 'l', 'nonsense'),
    '-ERR The specified keys must contain string values\r\n',
  );
  fixture.engine.settings.protoMaxBulkBytes = 9 * 10 * 4 - 1;
  t.equal(
    fixture.call('LCS', 'a', 'b'),
    '-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n',
  );
});

t.test('changes are counted', async (t) => {
  const fixture = new EngineFixture();
  const changes = (...command: [string, ...string[]]): number => {
    const before = fixture.engine.dirty;
    fixture.call(...command);
    return fixture.engine.dirty - before;
  };
  t.equal(changes('SET', 'k', '1'), 1);
  t.equal(changes('SET', 'k', '1', 'NX'), 0);
  t.equal(changes('INCR', 'k'), 1);
  t.equal(changes('MSET', 'a', '1', 'b', '2'), 2);
  t.equal(changes('GETEX', 'k'), 0);
  t.equal(changes('GETEX', 'k', 'PERSIST'), 0, 'there was no deadline');
  t.equal(changes('GETEX', 'k', 'EX', '5'), 1);
  t.equal(changes('GETEX', 'k', 'PERSIST'), 1);
  t.equal(changes('GETDEL', 'none'), 0);
  t.equal(changes('GETDEL', 'k'), 1);
});
