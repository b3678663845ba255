import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { STRING_LENGTH_MAX } from '../string-value.ts';

const OFFSET = '-ERR bit offset is not an integer or out of range\r\n';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

t.test('a string grows with its last bit, and all memory comes back', async (t) => {
  const fixture = new EngineFixture();
  const { engine } = fixture;
  t.equal(fixture.call('SETBIT', 'k', '7', '1'), ':0\r\n');
  t.equal(fixture.call('GET', 'k'), bulk('\x01'));
  t.equal(fixture.call('SETBIT', 'k', '100', '0'), ':0\r\n');
  t.equal(fixture.call('GET', 'k'), bulk(`\x01${'\0'.repeat(12)}`));
  for (const position of [5000, 600_000, 3_000_000]) {
    fixture.call('SETBIT', 'k', position, '1');
    t.equal(fixture.call('STRLEN', 'k'), `:${(position >> 3) + 1}\r\n`);
    t.equal(fixture.call('GETBIT', 'k', position), ':1\r\n');
  }
  t.equal(fixture.call('BITCOUNT', 'k'), ':4\r\n');
  t.equal(fixture.call('SETBIT', 'large', '80000000', '1'), ':0\r\n');
  t.equal(fixture.call('BITPOS', 'large', '1'), ':80000000\r\n');
  t.equal(fixture.call('BITOP', 'XOR', 'sum', 'k', 'large'), ':10000001\r\n');
  t.equal(fixture.call('BITCOUNT', 'sum'), ':5\r\n');
  engine.verify();
  for (const key of ['k', 'large', 'sum']) fixture.call('DEL', key);
  t.equal(engine.arena.usedBytes, 0);
});

t.test('a new bitmap has no room to spare, a growing one has', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  call('SETBIT', 'k', '8000000', '1');
  t.ok(engine.arena.usedBytes < 1_000_100);
  let moves = 0;
  let used = engine.arena.usedBytes;
  for (let position = 8_000_008; position < 8_100_000; position += 8) {
    call('SETBIT', 'k', position, '1');
    if (engine.arena.usedBytes !== used) moves++;
    used = engine.arena.usedBytes;
  }
  t.equal(moves, 1);
});

function withCall(fixture: EngineFixture) {
  return { engine: fixture.engine, call: fixture.call.bind(fixture) };
}

t.test('offsets end at proto-max-bulk-len', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  t.equal(call('SETBIT', 'k', '4294967296', '1'), OFFSET);
  t.equal(call('GETBIT', 'k', '4294967295'), ':0\r\n');
  t.equal(call('GETBIT', 'k', '4294967296'), OFFSET);
  engine.settings.protoMaxBulkBytes = 2;
  t.equal(call('SETBIT', 'k', '15', '1'), ':0\r\n');
  t.equal(call('SETBIT', 'k', '16', '1'), OFFSET);
  t.equal(call('BITFIELD', 'k', 'SET', 'u8', '15', '255'), '*1\r\n:128\r\n', 'only the first bit');
  t.equal(call('BITFIELD', 'k', 'GET', 'u8', '#2'), OFFSET);
  engine.settings.protoMaxBulkBytes = 8 * STRING_LENGTH_MAX;
  t.equal(call('GETBIT', 'k', (STRING_LENGTH_MAX - 8) * 8), OFFSET, 'lengths have 31 bits');
});

t.test('changes are counted as in Redis', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  const changes = (...words: [string, ...string[]]): number => {
    const before = engine.dirty;
    call(...words);
    return engine.dirty - before;
  };
  t.equal(changes('SETBIT', 'k', '9', '0'), 1, 'the key is new');
  t.equal(changes('SETBIT', 'k', '9', '0'), 0);
  t.equal(changes('SETBIT', 'k', '9', '1'), 1);
  t.equal(changes('SETBIT', 'k', '99', '0'), 1, 'it is longer');
  t.equal(changes('BITFIELD', 'k', 'GET', 'u8', '0'), 0);
  t.equal(changes('BITFIELD', 'k', 'SET', 'u8', '0', '0', 'SET', 'u8', '0', '1'), 1);
  t.equal(changes('BITFIELD', 'n', 'SET', 'u8', '0', '0', 'SET', 'u8', '0', '0'), 2);
  t.equal(changes('BITFIELD', 'm', 'OVERFLOW', 'FAIL', 'SET', 'u8', '0', '256'), 0);
  t.equal(call('STRLEN', 'm'), ':1\r\n', 'there, all the same');
  t.equal(changes('BITOP', 'AND', 'none', 'nothing'), 0);
  t.equal(changes('BITOP', 'AND', 'k', 'nothing'), 1);
});

t.test('another type', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  call('RPUSH', 'l', 'x');
  const failing = [
    ['SETBIT', 'l', '0', '1'],
    ['GETBIT', 'l', '0'],
    ['BITCOUNT', 'l'],
    ['BITPOS', 'l', '1'],
    ['BITOP', 'OR', 'd', 's', 'l'],
    ['BITFIELD', 'l'],
    ['BITFIELD', 'l', 'SET', 'u1', '0', '1'],
    ['BITFIELD_RO', 'l', 'GET', 'u1', '0'],
  ] as const;
  for (const [name, ...args] of failing) t.equal(call(name, ...args), WRONG_TYPE, name);
  call('SET', 's', 'x');
  t.equal(call('BITOP', 'NOT', 'l', 's'), ':1\r\n', 'a destination may be of any type');
  t.equal(call('GET', 'l'), bulk('\x87'));
  call('DEL', 'l');
  call('DEL', 's');
  t.equal(engine.arena.usedBytes, 0);
});
