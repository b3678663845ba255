import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { FIELDS_EXPIRED_AT_ONCE_MAX } from '../limits.ts';
import { REQUEST_RESP3 } from '../request.ts';
import { encodingOf } from '../value-encoding.ts';
import { fuzzHashExpiry } from './hash-expiry.fuzz.ts';

const NOW = 1_700_000_000_000;
/** Deadlines of fields have 46 bits. */
const DEADLINE_MAX = 2 ** 46 - 1;

function encoding(fixture: EngineFixture, key: string): string {
  const keyspace = fixture.engine.keyspace(0);
  return encodingOf(fixture.engine, keyspace, keyspace.findKey(Buffer.from(key)));
}

void t.test('random commands against a model', (t) => {
  for (let seed = 1; seed <= 15; seed++) {
    t.doesNotThrow(() => fuzzHashExpiry(seed, 1000), `seed ${seed}`);
  }
  t.end();
});

t.test('errors, in their order', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('SET', 's', 'v');
  fixture.call('HSET', 'h', 'f', 'v');
  const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
  const missing = 'ERR Mandatory argument FIELDS is missing or not at the right position';
  const mismatch = 'ERR The `numfields` parameter must match the number of arguments';
  const positive = 'ERR Number of fields must be a positive integer';
  const once = 'ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified';
  const cases: [string, string][] = [
    ['HEXPIRE s x FIELDS 1 f', wrongType],
    ['HEXPIRE h x FIELDS 1 f', 'ERR value is not an integer or out of range'],
    ['HEXPIRE h -1 FIELDS 1 f', 'ERR invalid expire time, must be >= 0'],
    ['HEXPIRE h 70368744178 FIELDS 1 f', "ERR invalid expire time in 'hexpire' command"],
    ['HEXPIRE h 9223372036854775807 FIELDS 1 f', "ERR invalid expire time in 'hexpire' command"],
    [
      `HPEXPIRE h ${DEADLINE_MAX - NOW + 1} FIELDS 1 f`,
      "ERR invalid expire time in 'hpexpire' command",
    ],
    [
      `HPEXPIREAT h ${DEADLINE_MAX + 1} FIELDS 1 f`,
      "ERR invalid expire time in 'hpexpireat' command",
    ],
    ['HEXPIREAT h 70368744178 FIELDS 1 f', "ERR invalid expire time in 'hexpireat' command"],
    ['HEXPIRE h 1 ZZ FIELDS 1 f', missing],
    ['HEXPIRE h 1 NX 1 f f', missing],
    ['HEXPIRE h 1 FIELDS 0 f', 'ERR Parameter `numFields` should be greater than 0'],
    ['HEXPIRE h 1 FIELDS x f', 'ERR Parameter `numFields` should be greater than 0'],
    ['HEXPIRE h 1 FIELDS 2 f', mismatch],
    ['HEXPIRE none 1 FIELDS 1 f g', mismatch],
    ['HTTL s FIELDS 1 f', wrongType],
    ['HTTL h FIELD 1 f', missing],
    ['HTTL h FIELDS 0 f', positive],
    ['HTTL h FIELDS 9223372036854775808 f', positive],
    ['HTTL h FIELDS 9223372036854775807 f', mismatch],
    ['HPERSIST s FIELDS 1 f', wrongType],
    ['HPERSIST h FIELDS 2 f', mismatch],
    ['HGETDEL s FIELDS 1 f', wrongType],
    ['HGETDEL h FIELD 1 f', missing],
    ['HGETDEL h FIELDS -1 f', positive],
    ['HGETDEL h FIELDS 3 f g', mismatch],
    ['HGETEX s FIELDS 1 f', wrongType],
    ['HGETEX h EX x FIELDS 1 f', 'ERR value is not an integer or out of range'],
    ['HGETEX h PX -1 FIELDS 1 f', 'ERR invalid expire time, must be >= 0'],
    [`HGETEX h PXAT ${DEADLINE_MAX + 1} FIELDS 1 f`, "ERR invalid expire time in 'hgetex' command"],
    ['HGETEX h KEEPTTL FIELDS 1 f', missing],
    ['HGETEX h PERSIST EX 10 FIELDS 1 f', missing],
    ['HGETEX h EX 10 FIELDS', positive],
    ['HGETEX h FIELDS 2 f', mismatch],
    ['HSETEX s FIELDS 1 f v', wrongType],
    ['HSETEX h FIELDS 1 f', "ERR wrong number of arguments for 'hsetex' command"],
    ['HSETEX h FIELDS 2 f v', "ERR wrong number of arguments for 'hsetex' command"],
    ['HSETEX h FIELDS x f v', 'ERR invalid number of fields'],
    ['HSETEX h FIELDS 0 f v', 'ERR invalid number of fields'],
    ['HSETEX h NX FIELDS 1 f v', 'ERR unknown argument: NX'],
    ['HSETEX h FNX FXX FIELDS 1 f v', 'ERR Only one of FXX or FNX arguments can be specified'],
    ['HSETEX h EX 1 KEEPTTL FIELDS 1 f v', once],
    ['HSETEX h KEEPTTL PX 1 FIELDS 1 f v', once],
    ['HSETEX s EX -1 FIELDS 1 f v', 'ERR invalid expire time, must be >= 0'],
    ['HSETEX h FNX KEEPTTL EX', once],
    ['HSETEX h FNX EXAT', 'ERR missing expire time'],
  ];
  for (const [line, error] of cases) {
    const [name, ...args] = line.split(' ');
    t.equal(fixture.call(name, ...args), `-${error}\r\n`, line);
  }
  t.equal(fixture.call('HGETALL', 'h'), '*2\r\n$1\r\nf\r\n$1\r\nv\r\n', 'nothing has changed');
});

t.test('replies for fields and keys that are not there', async (t) => {
  const fixture = new EngineFixture();
  for (const name of ['HEXPIRE', 'HPEXPIRE', 'HEXPIREAT', 'HPEXPIREAT']) {
    t.equal(fixture.call(name, 'none', 1, 'FIELDS', 2, 'a', 'b'), '*2\r\n:-2\r\n:-2\r\n', name);
  }
  for (const name of ['HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME', 'HPERSIST']) {
    t.equal(fixture.call(name, 'none', 'FIELDS', 1, 'a'), '*1\r\n:-2\r\n', name);
  }
  for (const name of ['HGETDEL', 'HGETEX']) {
    t.equal(fixture.call(name, 'none', 'FIELDS', 1, 'a'), '*1\r\n$-1\r\n', name);
  }
  t.equal(fixture.call('HSETEX', 'none', 'FXX', 'FIELDS', 1, 'a', 'b'), ':0\r\n');
  fixture.flags = REQUEST_RESP3;
  t.equal(fixture.call('HGETDEL', 'none', 'FIELDS', 1, 'a'), '*1\r\n_\r\n', 'RESP3');
  t.equal(fixture.engine.keyspace(0).size, 0);
  t.equal(fixture.engine.dirty, 0);
});

t.test('changes are counted as Redis counts them', async (t) => {
  const fixture = new EngineFixture();
  const changes = (...words: (string | number)[]): number => {
    const before = fixture.engine.dirty;
    const [name, ...args] = words;
    fixture.call(String(name), ...args);
    return fixture.engine.dirty - before;
  };
  t.equal(changes('HSET', 'h', 'a', 1, 'b', 2, 'a', 3), 3);
  t.equal(changes('HSETNX', 'h', 'a', 1), 0);
  t.equal(changes('HDEL', 'h', 'none'), 0);
  t.equal(changes('HEXPIRE', 'h', 100, 'FIELDS', 3, 'a', 'b', 'c'), 2);
  t.equal(changes('HEXPIRE', 'h', 100, 'NX', 'FIELDS', 1, 'a'), 0);
  t.equal(changes('HPERSIST', 'h', 'FIELDS', 2, 'a', 'b'), 1);
  t.equal(changes('HGETEX', 'h', 'FIELDS', 1, 'a'), 0);
  t.equal(changes('HGETEX', 'h', 'PERSIST', 'FIELDS', 1, 'a'), 0);
  t.equal(changes('HGETEX', 'h', 'EX', 10, 'FIELDS', 2, 'a', 'b'), 2);
  t.equal(changes('HSETEX', 'h', 'EX', 10, 'FIELDS', 2, 'a', 1, 'c', 2), 2);
  t.equal(changes('HGETDEL', 'h', 'FIELDS', 2, 'a', 'none'), 1);
});

t.test('encodings are those of Redis 7.4', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('HSET', 'h', 'a', 1, 'b', 2);
  t.equal(encoding(fixture, 'h'), 'listpack');
  fixture.call('HEXPIRE', 'h', 100, 'FIELDS', 1, 'b');
  t.equal(encoding(fixture, 'h'), 'listpackex');
  fixture.call('HPERSIST', 'h', 'FIELDS', 1, 'b');
  t.equal(encoding(fixture, 'h'), 'listpackex', 'it never goes back');
  fixture.call('HEXPIRE', 'h', 100, 'FIELDS', 1, 'a');
  fixture.call('HSET', 'h', 'c', 'x'.repeat(65));
  t.equal(encoding(fixture, 'h'), 'hashtable');
  t.equal(fixture.call('HTTL', 'h', 'FIELDS', 2, 'a', 'b'), '*2\r\n:100\r\n:-1\r\n');
});

t.test('a hash is gone with its last field, on time and unasked', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('HSETEX', 'h', 'PX', 100, 'FIELDS', 1, 'a', 1);
  fixture.call('HSETEX', 'i', 'PX', 50, 'FIELDS', 2, 'a', 1, 'b', 'y'.repeat(100));
  t.equal(fixture.engine.nextDeadline(), NOW + 50);
  fixture.advance(50);
  t.equal(fixture.engine.keyspace(0).size, 1);
  t.equal(fixture.engine.nextDeadline(), NOW + 100);
  fixture.engine.setNow(NOW + 100);
  t.equal(fixture.call('HLEN', 'h'), ':0\r\n', 'a command that comes earlier does it');
  t.equal(fixture.engine.keyspace(0).size, 0);
  t.equal(fixture.engine.nextDeadline(), Infinity);
  t.equal(fixture.engine.arena.usedBytes, 0);
  t.equal(fixture.engine.expiredParts, 3);
});

t.test('what is due of a large hash is hidden until it is deleted', async (t) => {
  const fixture = new EngineFixture();
  const count = 6 * FIELDS_EXPIRED_AT_ONCE_MAX;
  const pairs = Array.from({ length: count }, (_, i) => [`field:${i}`, i]).flat();
  fixture.call('HSETEX', 'h', 'PX', 100, 'FIELDS', count, ...pairs);
  fixture.call('HSET', 'h', 'stays', 'v');
  fixture.engine.setNow(NOW + 100);
  t.equal(fixture.call('HGETALL', 'h'), '*2\r\n$5\r\nstays\r\n$1\r\nv\r\n');
  const last = pairs[pairs.length - 2];
  t.equal(fixture.engine.expiredParts, FIELDS_EXPIRED_AT_ONCE_MAX);
  t.equal(fixture.call('HSETNX', 'h', last, 'new'), ':1\r\n', 'a hidden field is no field');
  t.equal(fixture.call('HTTL', 'h', 'FIELDS', 1, last), '*1\r\n:-1\r\n');
  t.ok(fixture.engine.expiredParts < count, 'the rest is there, and hidden');
  t.equal(fixture.call('HRANDFIELD', 'h', 10)?.slice(0, 4), '*2\r\n');
  t.equal(fixture.engine.expiredParts, count, 'HRANDFIELD waits for all of it');
  fixture.engine.verify();
});

t.test('active expiry goes on where it was stopped', async (t) => {
  const fixture = new EngineFixture();
  const pairs = Array.from({ length: 2500 }, (_, i) => [`field:${i}`, i]).flat();
  fixture.call('HSETEX', 'h', 'PX', 100, 'FIELDS', 2500, ...pairs);
  fixture.engine.setNow(NOW + 100);
  t.equal(fixture.engine.tick(), true, 'a slice');
  t.equal(fixture.engine.keyspace(0).size, 1);
  while (fixture.engine.tick());
  t.equal(fixture.engine.keyspace(0).size, 0);
});

t.test('without active expiry of keys fields stay too', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('HSETEX', 'h', 'PX', 100, 'FIELDS', 1, 'a', 1);
  fixture.engine.expiresLazily = false;
  fixture.engine.expiresActively = false;
  fixture.advance(200);
  t.equal(fixture.call('HGET', 'h', 'a'), '$1\r\n1\r\n');
});

t.test('a snapshot has the field that expires meanwhile', async (t) => {
  const saved: string[] = [];
  const fixture = new EngineFixture({
    codec: {
      appendRecord: (keyspace, reference) => saved.push(keyspace.keyOf(reference).latin1Slice()),
      takeRecords: () => new Uint8Array(0),
      encodeValue: () => Buffer.alloc(0),
      decodeValue: () => 0,
      dumpValue: () => Buffer.alloc(0),
      valueOfDump: () => undefined,
    },
  });
  fixture.call('HSETEX', 'h', 'PX', 100, 'FIELDS', 1, 'a', 1);
  fixture.call('HSETEX', 'i', 'PX', 100, 'FIELDS', 1, 'a', 1);
  fixture.engine.snapshot.begin(() => {});
  fixture.engine.setNow(NOW + 100);
  fixture.call('HGET', 'h', 'a');
  t.same(saved, ['h'], 'lazily');
  fixture.engine.tick();
  t.same(saved, ['h', 'i'], 'actively');
});
