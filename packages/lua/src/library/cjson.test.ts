import t from 'tap';
import { LuaError } from '../errors.ts';
import { createRuntime } from '../runtime.ts';
import { LuaTable } from '../table.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../values.ts';
import { cjsonLibrary } from './cjson.ts';
import { JSON_NULL } from './json-null.ts';
import { standardLibraries } from './standard-libraries.ts';

const library = cjsonLibrary();

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

t.test('values and texts', async (t) => {
  const fields = LuaTable.of([
    ['a', 1.5],
    [10, 'x'],
  ]);
  const cases: [LuaValue, string][] = [
    [new LuaTable(), '{}'],
    [new LuaTable([1, true, JSON_NULL, undefined, 'x']), '[1,true,null,null,"x"]'],
    [fields, '{"a":1.5,"10":"x"}'],
    ['\x00\b\t\n\f\r\x1f"/\\\x7f\x80', '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\/\\\\\\u007f\x80"'],
    [1e15, '1e+15'],
    [0.1, '0.1'],
    [1 / 3, '0.33333333333333'],
    [undefined, 'null'],
  ];
  for (const [value, text] of cases) t.equal(call('encode', value), text);
  const decoded = call('decode', ' {"a" : [1, -2.5e3, true, null], "b\\u00e9\\ud83d\\ude00": {}} ');
  t.same((decoded as LuaTable).get('a'), new LuaTable([1, -2500, true, JSON_NULL]));
  t.same((decoded as LuaTable).get('b\xc3\xa9\xf0\x9f\x98\x80'), new LuaTable());
  t.equal(call('decode', '"\n\x7f"'), '\n\x7f', 'control characters are let through');
});

t.test('names of JavaScript are keys like others', async (t) => {
  const table = call('decode', '{"__proto__":1,"constructor":{"length":2}}') as LuaTable;
  t.equal(table.get('__proto__'), 1);
  t.equal(table.get('toString'), undefined);
  t.equal(call('encode', table), '{"__proto__":1,"constructor":{"length":2}}');
});

t.test('messages name what was found, and where', async (t) => {
  const cases: [string, string][] = [
    ['', 'Expected value but found T_END at character 1'],
    ['[1,]', 'Expected value but found T_ARR_END at character 4'],
    ['[1 2', 'Expected comma or array end but found T_NUMBER at character 4'],
    ['{"a" 1}', 'Expected colon but found T_NUMBER at character 6'],
    ['{a', 'Expected object key string but found invalid token at character 2'],
    ['{"a":1 "b"', 'Expected comma or object end but found T_STRING at character 8'],
    ['"a\\x"', 'Expected value but found invalid escape code at character 3'],
    ['"\\ud800"', 'Expected value but found invalid unicode escape code at character 2'],
    ['"abc', 'Expected value but found unexpected end of string at character 5'],
    ['"a\0"', 'Expected value but found unexpected end of string at character 3'],
    ['1 true', 'Expected the end but found T_BOOLEAN at character 3'],
    ['a\0', 'JSON parser does not support UTF-16 or UTF-32'],
  ];
  for (const [text, message] of cases) t.equal(failure('decode', text), message, text);
  t.equal(
    failure('decode', '['.repeat(1001)),
    'Found too many nested data structures (1001) at character 1001',
  );
  const circle = new LuaTable();
  circle.set(1, circle);
  t.equal(failure('encode', circle), 'Cannot serialise, excessive nesting (1001)');
  t.equal(
    failure('encode', LuaTable.of([[11, 1]])),
    'Cannot serialise table: excessively sparse array',
  );
  t.equal(failure('encode', Number.NaN), 'Cannot serialise number: must not be NaN or Inf');
});

t.test('settings hold from script to script, and for their library only', async (t) => {
  const runtime = createRuntime({ globals: standardLibraries() });
  const run = (source: string): LuaResult => runtime.compile(source, 'user_script').run([], []);
  t.equal(
    run('local own = cjson.new() own.encode_number_precision(3) return own.encode(1 / 3)'),
    '0.333',
  );
  t.equal(run('return cjson.encode(1 / 3)'), '0.33333333333333');
  run('cjson.encode_sparse_array(true)');
  t.equal(run('return cjson.encode({[11] = 1})'), '{"11":1}');
  const other = createRuntime({ globals: standardLibraries() });
  t.throws(() => other.compile('return cjson.encode({[11] = 1})', 'user_script').run([], []));
  t.equal(run('return tostring(cjson.null) .. type(cjson.null)'), 'userdata: (nil)userdata');
});
