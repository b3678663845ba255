import { Packr, unpack as unpackOfMsgpackr } from 'msgpackr';
import t from 'tap';
import { LuaError } from '../errors.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../values.ts';
import { cmsgpackLibrary } from './cmsgpack.ts';

const library = cmsgpackLibrary();

function call(name: string, ...args: LuaValue[]): LuaResult {
  return (library.get(name) as LuaFunction)(...args);
}

function failure(name: string, ...args: LuaValue[]): LuaValue {
  try {
    call(name, ...args);
  } catch (error) {
    if (error instanceof LuaError) return error.value;
    throw error;
  }
  return undefined;
}

const bytes = (value: LuaResult): Buffer => Buffer.from(value as string, 'latin1');

t.test('what msgpackr writes, BullMQ way: map16, holes, float64', async (t) => {
  const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true });
  const time = 1_763_700_000_123;
  const job = [
    'bull:q:',
    'id',
    'name',
    time,
    null,
    undefined,
    { attempts: 3, delay: 0.5, ok: true },
    'é',
  ];
  const [table] = call('unpack', packr.pack(job).latin1Slice()) as LuaTable[];
  t.same(table!.array.slice(0, 6), ['bull:q:', 'id', 'name', time, undefined, undefined]);
  const options = table!.get(7) as LuaTable;
  t.same([options.get('attempts'), options.get('delay'), options.get('ok')], [3, 0.5, true]);
  t.equal(table!.get(8), '\xc3\xa9');
});

t.test('what is written here, read by msgpackr', async (t) => {
  const table = LuaTable.of([
    ['list', new LuaTable([1, -1, 127, 128, -33, 65536, 2 ** 32, -(2 ** 31) - 1, 0.5, 0.1])],
    ['text', 'x'.repeat(300)],
    ['empty', new LuaTable()],
    ['yes', true],
  ]);
  t.same(unpackOfMsgpackr(bytes(call('pack', table))), {
    list: [1, -1, 127, 128, -33, 65536, 2 ** 32, -(2 ** 31) - 1, 0.5, 0.1],
    text: 'x'.repeat(300),
    empty: [],
    yes: true,
  });
});

t.test('bytes and offsets', async (t) => {
  t.equal(call('pack', 1, 'a', undefined), '\x01\xa1a\xc0');
  t.same(call('unpack', '\x01\xa1a\xc0'), [1, 'a', undefined]);
  t.same(call('unpack_one', '\x01\x02', 0), [1, 1]);
  t.same(call('unpack_one', '\x01\x02', 1), [-1, 2]);
  t.same(call('unpack_limit', '\x01\x02\x03', 2), [2, 1, 2]);
  t.equal(call('pack', 2 ** 63), '\xca\x5f\0\0\0');
  t.equal(call('pack', -1.1), '\xcb\xbf\xf1\x99\x99\x99\x99\x99\x9a');
});

t.test('bad input is an error of the script', async (t) => {
  t.equal(failure('pack'), "bad argument #0 to '?' (MessagePack pack needs input.)");
  t.equal(failure('unpack', '\xc1'), 'Bad data format in input.');
  t.equal(failure('unpack', '\xdd\xff\xff\xff\xff'), 'Missing bytes in input.');
  t.equal(failure('unpack', '\xdf\xff\xff\xff\xff\x01'), 'Missing bytes in input.');
  t.equal(failure('unpack', '\x81\xc0\x01'), 'table index is nil');
  t.equal(failure('unpack_one', '', 1), 'Start offset 1 greater than input length 0.');
  t.match(failure('unpack_one', 'a', -1), /Invalid request to unpack with offset of -1/);
  t.match(failure('unpack', '\0'.repeat(9000)), /stack overflow/);
});

t.test('what nests deeper than 16 tables is nil', async (t) => {
  let table = new LuaTable();
  for (let depth = 0; depth < 20; depth++) table = new LuaTable([table]);
  t.equal(call('pack', table), `${'\x91'.repeat(16)}\xc0`);
});
