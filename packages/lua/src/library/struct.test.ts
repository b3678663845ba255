import t from 'tap';
import { LuaError } from '../errors.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../values.ts';
import { structLibrary } from './struct.ts';

const library = structLibrary();

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

t.test('integers, floats and strings, both ways', async (t) => {
  t.equal(call('pack', '>I2<I2b', 1, 1, -1), '\0\x01\x01\0\xff');
  t.equal(call('pack', '<d', 1), '\0\0\0\0\0\0\xf0\x3f');
  t.equal(call('pack', 'sc0c2', 'a', 'bc', 'def'), 'a\0bcde');
  t.equal(call('pack', '!4BI', 1, 2), '\x01\0\0\0\x02\0\0\0');
  t.same(call('unpack', '>I2<I2b', '\0\x01\x01\0\xff'), [1, 1, -1, 6]);
  t.same(call('unpack', 'Bc0s', '\x02abx\0'), ['ab', 'x', 6]);
  t.same(call('unpack', '>l', '\xff\xff\xff\xff\xff\xff\xff\xfe'), [-2, 9]);
  t.same(call('unpack', 'b', 'ab', 2), [98, 3]);
  t.equal(call('size', '!8bd'), 16);
});

t.test('messages', async (t) => {
  t.equal(failure('pack', 'y', 1), "bad argument #1 to '?' (invalid format option 'y')");
  t.equal(failure('pack', 'i33', 1), 'integral size 33 is larger than limit of 32');
  t.equal(failure('pack', 'i99999999999', 1), 'integral size overflow');
  t.equal(failure('pack', '!3'), 'alignment 3 is not a power of 2');
  t.equal(failure('pack', 'c3', 'ab'), "bad argument #3 to '?' (string too short)");
  t.equal(failure('unpack', 'I', 'abc'), "bad argument #2 to '?' (data string too short)");
  t.equal(
    failure('unpack', 'c2147483647', 'abc'),
    "bad argument #2 to '?' (data string too short)",
  );
  t.equal(failure('unpack', 'c0', 'abc'), "format 'c0' needs a previous size");
  t.equal(failure('unpack', 's', 'abc'), 'unfinished string in data');
  t.equal(failure('unpack', 'b', 'a', 0), "bad argument #3 to '?' (offset must be 1 or greater)");
  t.equal(failure('size', 's'), "bad argument #1 to '?' (option 's' has no fixed size)");
});
