/** What scripts return, as replies: for clients and for scripts in RESP2 and in RESP3. */
import { LuaTable, type LuaValue } from '@hashlane/lua';
import { ReplyWriter } from '@hashlane/resp';
import t from 'tap';
import { commandError } from './error-table.ts';
import { REPLY_STACK_SLOTS } from './limits.ts';
import { encodeReply } from './reply-encoder.ts';

function encoded(value: LuaValue, client: 2 | 3, script: 2 | 3 = 2): string {
  const reply = new ReplyWriter(64);
  reply.protocol = client;
  encodeReply(reply, value, script);
  return reply.block.bytes.latin1Slice(0, reply.position);
}

const list = (...values: LuaValue[]): LuaTable => new LuaTable(values);
const table = (...entries: [string, LuaValue][]): LuaTable => LuaTable.of(entries);

void t.test('numbers are cut to 64-bit integers', (t) => {
  for (const [value, wanted] of [
    [1.9, '1'],
    [-1.9, '-1'],
    [-0.5, '0'],
    [-0, '0'],
    [2 ** 31, '2147483648'],
    [2 ** 53, '9007199254740992'],
    [2 ** 53 + 2, '9007199254740994'],
    [-(2 ** 53), '-9007199254740992'],
    [2 ** 63 - 1024, '9223372036854774784'],
    [-(2 ** 63), '-9223372036854775808'],
    [2 ** 63, '-9223372036854775808'],
    [1e300, '-9223372036854775808'],
    [Number.POSITIVE_INFINITY, '-9223372036854775808'],
    [Number.NEGATIVE_INFINITY, '-9223372036854775808'],
    [Number.NaN, '-9223372036854775808'],
  ] as const) {
    t.equal(encoded(value, 2), `:${wanted}\r\n`, String(value));
    t.equal(encoded(value, 3, 3), `:${wanted}\r\n`, String(value));
  }
  t.end();
});

void t.test('booleans and nothing, by client and by script', (t) => {
  const values = [true, false, undefined, () => undefined];
  const wanted = {
    '2 2': [':1\r\n', '$-1\r\n', '$-1\r\n', '$-1\r\n'],
    '3 2': [':1\r\n', '_\r\n', '_\r\n', '_\r\n'],
    '2 3': [':1\r\n', ':0\r\n', '$-1\r\n', '$-1\r\n'],
    '3 3': ['#t\r\n', '#f\r\n', '_\r\n', '_\r\n'],
  };
  for (const client of [2, 3] as const) {
    for (const script of [2, 3] as const) {
      const replies = values.map((value) => encoded(value, client, script));
      t.strictSame(replies, wanted[`${client} ${script}`], `client ${client}, script ${script}`);
    }
  }
  t.end();
});

void t.test('tables are arrays up to their first nil', (t) => {
  t.equal(encoded(list(), 2), '*0\r\n');
  t.equal(encoded(list(1, 'a\0\xff', list(2)), 2), '*3\r\n:1\r\n$3\r\na\0\xff\r\n*1\r\n:2\r\n');
  t.equal(encoded(list(1, undefined, 3), 2), '*1\r\n:1\r\n');
  t.equal(encoded(list(undefined, 2), 2), '*0\r\n');
  t.equal(encoded(list(1, false, 3), 2), '*3\r\n:1\r\n$-1\r\n:3\r\n');
  t.equal(encoded(table(['a', 1]), 2), '*0\r\n');
  t.end();
});

void t.test('tables that stand for something else', (t) => {
  const verbatim = table(['format', 'txt'], ['string', 'hi']);
  for (const [value, resp2, resp3] of [
    [table(['err', 'X y']), '-X y\r\n', '-X y\r\n'],
    [table(['err', 'a\r\nb\0c']), '-a  b\r\n', '-a  b\r\n'],
    [table(['ok', 'fine']), '+fine\r\n', '+fine\r\n'],
    [table(['ok', 'a\r\nb\0c']), '+a  b\r\n', '+a  b\r\n'],
    [table(['ok', 'y'], ['err', 'X']), '-X\r\n', '-X\r\n'],
    [table(['ok', 12]), '*0\r\n', '*0\r\n'],
    [table(['double', 0.1]), '$19\r\n0.10000000000000001\r\n', ',0.10000000000000001\r\n'],
    [table(['double', Number.POSITIVE_INFINITY]), '$3\r\ninf\r\n', ',inf\r\n'],
    [table(['map', table(['a', 1])]), '*2\r\n$1\r\na\r\n:1\r\n', '%1\r\n$1\r\na\r\n:1\r\n'],
    [table(['map', list()]), '*0\r\n', '%0\r\n'],
    [table(['set', table(['a', true])]), '*1\r\n$1\r\na\r\n', '~1\r\n$1\r\na\r\n'],
    [table(['big_number', '12\r\n']), '$4\r\n12  \r\n', '(12  \r\n'],
    [table(['verbatim_string', verbatim]), '$2\r\nhi\r\n', '=6\r\ntxt:hi\r\n'],
    [table(['verbatim_string', 'x']), '*0\r\n', '*0\r\n'],
  ] as const) {
    t.equal(encoded(value, 2), resp2);
    t.equal(encoded(value, 3), resp3);
  }
  t.end();
});

void t.test('an error of a command is not counted again', (t) => {
  const reply = new ReplyWriter(64);
  encodeReply(reply, list(commandError('WRONGTYPE x'), table(['err', 'MINE y'])), 2);
  t.strictSame([...reply.errorCodes], [['MINE', 1]]);
  t.equal(reply.errors, 2);
  t.end();
});

void t.test('as deep as the stack of Lua in Redis, and no deeper', (t) => {
  let value: LuaValue = 'in';
  for (let i = 0; i < REPLY_STACK_SLOTS; i++) value = list(value);
  const text = encoded(value, 2);
  t.equal(text, `${'*1\r\n'.repeat(REPLY_STACK_SLOTS)}$2\r\nin\r\n`);
  t.match(encoded(list(value), 2), /-ERR reached lua stack limit\r\n$/);
  const cycle = list();
  cycle.set(1, cycle);
  t.match(encoded(cycle, 2), /^(\*1\r\n)+-ERR reached lua stack limit\r\n$/);
  t.end();
});
