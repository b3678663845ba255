import { Block, ReplyWriter } from '@hashlane/resp';
import t from 'tap';
import { EngineFixture } from '../engine.fixture.ts';
import { LIST, STRING } from '../entry.ts';
import type { Keyspace } from '../keyspace.ts';
import { LIST_BYTES, ListValue } from '../list-value.ts';
import { insertString, NO_DEADLINE } from '../string-value.ts';
import type { ValueCodec } from '../value-codec.ts';
import { stringBytes } from '../value-encoding.ts';

/** Strings and lists as a type byte and wire form; stands in for packages/rdb. */
const codec: ValueCodec = {
  appendRecord: () => 0,
  takeRecords: () => new Uint8Array(0),
  encodeValue(keyspace: Keyspace, reference: number): Buffer {
    if (keyspace.typeOf(reference) === STRING) {
      return Buffer.concat([Buffer.from([STRING]), stringBytes(keyspace, reference)]);
    }
    const elements = new ReplyWriter(1000);
    const list = new ListValue().open(keyspace.arena, reference, -2);
    list.range(elements, 0, list.length);
    return Buffer.concat([
      Buffer.from([LIST]),
      elements.block.bytes.subarray(0, elements.position),
    ]);
  },
  decodeValue(
    keyspace: Keyspace,
    key: Block,
    at: number,
    length: number,
    hash: number,
    value: Buffer,
  ): number {
    const block = new Block(value);
    if (value[0] === STRING) {
      return insertString(keyspace, key, at, length, hash, block, 1, value.length - 1, NO_DEADLINE);
    }
    if (value[0] !== LIST) return 0;
    const reference = keyspace.insert(key, at, length, hash, LIST, LIST_BYTES, false);
    const list = new ListValue().open(keyspace.arena, reference, -2);
    list.initialize();
    for (let from = 1; from < value.length; ) {
      const end = value.indexOf('\r\n', from);
      const bytes = Number(value.latin1Slice(from + 1, end));
      list.pushTail(block, end + 2, bytes);
      from = end + bytes + 4;
    }
    return reference;
  },
};

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
  const source = new EngineFixture({ codec });
  const target = new EngineFixture({ codec });
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
  const fixture = new EngineFixture({ codec });
  t.match(fixture.call('HASHLANE.WRITE', 'k', 'junk', -1, 'ABSENT'), /^-ERR internal error/);
  t.equal(fixture.call('EXISTS', 'k'), ':0\r\n');
});

t.test('elements are popped, pushed and given back', async (t) => {
  const fixture = new EngineFixture({ codec });
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
  const fixture = new EngineFixture({ codec });
  fixture.connection = 9;
  fixture.call('BLPOP', 'q', 0);
  fixture.call('HASHLANE.PUSH', 'q', 'LEFT', 'x');
  t.same(fixture.late, [[9, '*2\r\n$1\r\nq\r\n$1\r\nx\r\n']]);
});
