import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { stringEncoding } from '../string-value.ts';

const NO_HYPERLOGLOG = '-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const DAMAGED = '-INVALIDOBJ Corrupted HLL object detected\r\n';

function withCall(fixture: EngineFixture) {
  return { engine: fixture.engine, call: fixture.call.bind(fixture) };
}

t.test('changes are counted as in Redis', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  const changes = (...words: [string, ...string[]]): number => {
    const before = engine.dirty;
    call(...words);
    return engine.dirty - before;
  };
  t.equal(changes('PFADD', 'k'), 1, 'the key');
  t.equal(changes('PFADD', 'k'), 0);
  t.equal(changes('PFADD', 'k', 'a', 'b', 'a'), 2, 'elements that raised a register');
  t.equal(changes('PFADD', 'new', 'a', 'b'), 3, 'both');
  t.equal(changes('PFCOUNT', 'k'), 1, 'the count is remembered');
  t.equal(changes('PFCOUNT', 'k'), 0);
  t.equal(changes('PFCOUNT', 'k', 'new'), 0);
  t.equal(changes('PFMERGE', 'sum', 'k', 'new'), 1);
  t.equal(changes('PFDEBUG', 'TODENSE', 'k'), 1);
  t.equal(changes('PFDEBUG', 'GETREG', 'k'), 0);
  t.equal(changes('PFADD', 'k', 'c'), 1);
});

t.test('deadlines stay, encodings become raw, memory comes back', async (t) => {
  const { call, engine } = withCall(new EngineFixture());
  const keyspace = engine.keyspace(0);
  const encoding = (key: string): string =>
    stringEncoding(engine.arena, keyspace.findKey(Buffer.from(key)));
  call('PFADD', 'k', 'a');
  t.equal(encoding('k'), 'raw');
  const value = (call('GET', 'k') ?? '').split('\r\n').slice(1).join('\r\n').slice(0, -2);
  call('SET', 'k', value, 'PX', 1000);
  t.equal(encoding('k'), 'embstr');
  call('PFCOUNT', 'k');
  t.equal(encoding('k'), 'raw');
  for (let i = 0; i < 3000; i++) call('PFADD', 'k', `element ${i}`);
  t.equal(call('PFDEBUG', 'ENCODING', 'k'), '+dense\r\n');
  call('PFMERGE', 'k', 'none');
  t.equal(keyspace.expiries.size, 1);
  engine.verify();
  call('DEL', 'k');
  t.equal(engine.arena.usedBytes, 0);
});

t.test('strings that are no HyperLogLogs', async (t) => {
  const { call } = withCall(new EngineFixture());
  const header = (encoding: number): string =>
    `HYLL${String.fromCharCode(encoding)}${'\0'.repeat(11)}`;
  call('PFADD', 'good', 'a');
  call('RPUSH', 'l', 'a');
  const wrong = ['', 'x', '12345', 'HYLL', `hyll\x01${'\0'.repeat(20)}`, header(2), header(0)];
  for (const value of wrong) {
    call('SET', 'k', value);
    t.equal(call('PFADD', 'k', 'a'), NO_HYPERLOGLOG);
    t.equal(call('PFCOUNT', 'k'), NO_HYPERLOGLOG);
    t.equal(call('PFCOUNT', 'good', 'k'), NO_HYPERLOGLOG);
    t.equal(call('PFMERGE', 'd', 'good', 'k'), NO_HYPERLOGLOG);
    t.equal(call('PFDEBUG', 'DECODE', 'k'), NO_HYPERLOGLOG);
  }
  t.equal(call('PFADD', 'l', 'a'), WRONG_TYPE);
  t.equal(call('PFMERGE', 'l', 'good'), WRONG_TYPE);
  t.equal(call('EXISTS', 'd'), ':0\r\n');
  for (const body of ['', '\x00', '\x7f\xff\x00', '\x7f\xfe', '\x7f\xff\x80']) {
    call('SET', 'k', `${header(1)}${body}`);
    call('SETRANGE', 'k', '15', '\x80');
    t.equal(call('PFCOUNT', 'k'), DAMAGED);
    t.equal(call('PFMERGE', 'd', 'k'), DAMAGED);
    t.equal(call('PFDEBUG', 'GETREG', 'k'), DAMAGED);
    t.equal(call('PFDEBUG', 'TODENSE', 'k'), DAMAGED);
  }
  call('SET', 'k', header(1));
  t.equal(call('PFADD', 'k', 'a'), DAMAGED);
  t.equal(call('PFADD', 'k'), ':0\r\n', 'nothing was looked at');
});
