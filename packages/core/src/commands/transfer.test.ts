import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { REQUEST_DENY_BLOCKING, REQUEST_GIVES_WAY } from '../request.ts';
import { wireCodec } from './wire-codec.fixture.ts';

/** The three parts of HASHLANE.READ's reply. */
function parts(reply: string | undefined): { value: Buffer; deadline: string; clock: string } {
  const bytes = Buffer.from(reply ?? '', 'latin1');
  const head = /^\*3\r\n\$(\d+)\r\n/.exec(reply ?? '');
  if (head === null) throw new Error(`not a value: ${reply}`);
  const end = head[0].length + Number(head[1]);
  const [deadline, clock] = bytes.latin1Slice(end + 3).split('\r\n:');
  return { value: bytes.subarray(head[0].length, end), deadline, clock: clock.trim() };
}

t.test('a value goes from one shard to another with deadline and clock', async (t) => {
  const source = new EngineFixture({ codec: wireCodec });
  const target = new EngineFixture({ codec: wireCodec });
  source.flags = 1;
  source.call('RPUSH', 'list', 'a', 'b\r\n', '');
  source.call('PEXPIRE', 'list', 5000);
  const { value, deadline, clock } = parts(source.call('HASHLANE.READ', 'list'));
  t.equal(target.call('HASHLANE.WRITE', 'moved', value, deadline, 'ABSENT', clock), ':1\r\n');
  t.equal(target.call('LRANGE', 'moved', 0, -1), '*3\r\n$1\r\na\r\n$3\r\nb\r\n\r\n$0\r\n\r\n');
  t.equal(target.call('PTTL', 'moved'), ':5000\r\n');
  t.equal(target.call('HASHLANE.WRITE', 'moved', value, -1, 'ABSENT'), ':0\r\n');
  t.equal(target.call('HASHLANE.WRITE', 'moved', value, -1, 'REPLACE'), ':1\r\n');
  t.equal(target.call('PTTL', 'moved'), ':-1\r\n');
  t.equal(source.call('HASHLANE.DELETE', 'list'), ':1\r\n');
  t.equal(source.call('HASHLANE.DELETE', 'list'), ':0\r\n');
  t.equal(source.call('HASHLANE.READ', 'list'), '*-1\r\n', 'RESP2 for a RESP3 client');
});

t.test('a value that is not sound is refused', async (t) => {
  const fixture = new EngineFixture({ codec: wireCodec });
  t.match(fixture.call('HASHLANE.WRITE', 'k', 'junk', -1, 'ABSENT'), /^-ERR internal error/);
  t.equal(fixture.call('EXISTS', 'k'), ':0\r\n');
});

t.test('elements are popped, pushed and given back', async (t) => {
  const fixture = new EngineFixture({ codec: wireCodec });
  t.equal(fixture.call('HASHLANE.POP', 'q', 'LEFT'), '$-1\r\n');
  t.equal(fixture.call('HASHLANE.PUSH', 'q', 'RIGHT', 'a'), ':1\r\n');
  t.equal(fixture.call('HASHLANE.PUSH', 'q', 'LEFT', 'b'), ':2\r\n');
  t.equal(fixture.call('HASHLANE.POP', 'q', 'RIGHT'), '$1\r\na\r\n');
  t.equal(fixture.call('HASHLANE.POP', 'q', 'LEFT'), '$1\r\nb\r\n');
  t.equal(fixture.call('HASHLANE.TYPE', 'q'), '+none\r\n');
  fixture.call('SET', 's', 'x');
  t.match(fixture.call('HASHLANE.POP', 's', 'LEFT'), /^-WRONGTYPE/);
  t.match(fixture.call('HASHLANE.PUSH', 's', 'LEFT', 'x'), /^-WRONGTYPE/);
  t.equal(fixture.call('HASHLANE.TYPE', 's'), '+string\r\n');
  fixture.engine.verify();
});

t.test('an element given back wakes who waits', async (t) => {
  const fixture = new EngineFixture({ codec: wireCodec });
  fixture.connection = 9;
  fixture.call('BLPOP', 'q', 0);
  fixture.call('HASHLANE.PUSH', 'q', 'LEFT', 'x');
  t.same(fixture.late, [[9, '*2\r\n$1\r\nq\r\n$1\r\nx\r\n']]);
});

t.test('several elements are all back before anybody who waits gets one', async (t) => {
  const fixture = new EngineFixture({ codec: wireCodec });
  fixture.connection = 9;
  fixture.call('BLPOP', 'q', 0);
  t.equal(fixture.call('HASHLANE.PUSH', 'q', 'LEFT', 'x', 'y', 'z'), ':3\r\n');
  t.same(fixture.late, [[9, '*2\r\n$1\r\nq\r\n$1\r\nz\r\n']]);
});

t.test('who awaits a list is announced, and those behind wait until it is settled', async (t) => {
  const fixture = new EngineFixture();
  const as = (connection: number, ...words: [string, ...(string | number)[]]) => {
    fixture.connection = connection;
    return fixture.call(...words);
  };
  t.equal(as(1, 'HASHLANE.AWAIT', 'q', '0.5'), undefined);
  t.equal(as(2, 'BRPOP', 'q', 0), undefined);
  as(9, 'RPUSH', 'q', 'a', 'b');
  t.same(fixture.late, [[1, '+READY\r\n']]);
  t.equal(as(3, 'BLPOP', 'q', '0.2'), undefined, 'who comes now takes its place behind');
  fixture.flags = REQUEST_DENY_BLOCKING | REQUEST_GIVES_WAY;
  t.equal(as(4, 'BLPOP', 'q', 0), '*-1\r\n', 'and a first try finds nothing');
  t.equal(as(4, 'HASHLANE.POP', 'q', 'LEFT'), '$-1\r\n');
  fixture.flags = 0;
  fixture.advance(300);
  t.same(fixture.late.length, 1, 'whose time is up waits for its turn');
  t.equal(as(5, 'LPOP', 'q'), '$1\r\na\r\n', 'who does not wait is faster');
  as(1, 'HASHLANE.RESUME');
  t.same(fixture.late.splice(1), [[1, '+READY\r\n']], 'there is another');
  fixture.advance(300);
  t.same(fixture.late.length, 1, 'time stands still for it');
  fixture.flags = REQUEST_DENY_BLOCKING;
  t.equal(as(1, 'HASHLANE.POP', 'q', 'LEFT'), '$1\r\nb\r\n');
  fixture.flags = 0;
  as(9, 'RPUSH', 'q', 'c');
  t.same(fixture.late.length, 1, 'nobody is served before it has gone');
  as(1, 'HASHLANE.LEAVE');
  const served = [2, '*2\r\n$1\r\nq\r\n$1\r\nc\r\n'];
  t.same(fixture.late.splice(1), [served, [3, '*-1\r\n']], 'and nothing is left for the last');
  t.equal(fixture.engine.waiters.size, 0);
  t.notOk(fixture.engine.holdsWaitersBack);
});

t.test('the deadline of who was announced holds again when it waits on', async (t) => {
  const fixture = new EngineFixture();
  fixture.call('HASHLANE.AWAIT', 'q', '0.1');
  fixture.connection = 2;
  fixture.call('RPUSH', 'q', 'a');
  fixture.call('LPOP', 'q');
  fixture.advance(200);
  t.same(fixture.late, [[1, '+READY\r\n']]);
  fixture.connection = 1;
  fixture.call('HASHLANE.RESUME');
  fixture.advance(1);
  t.same(fixture.late[1], [1, '*-1\r\n']);
  t.equal(fixture.engine.waiters.size, 0);
});
