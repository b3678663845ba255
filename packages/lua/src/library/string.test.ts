import t from 'tap';
import { LuaError } from '../errors.ts';
import { STRING_BYTES_MAX } from '../limits.ts';
import type { LuaFunction, LuaResult, LuaValue } from '../values.ts';
import { stringLibrary } from './string.ts';

const library = stringLibrary();

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

t.test('classes, sets, repetitions, captures and anchors', async (t) => {
  t.same(call('find', 'hello world', 'o w'), [5, 7]);
  t.same(call('find', 'a.b', '.', 2, true), [2, 2]);
  t.same(call('match', 'key = value', '^(%w+)%s*=%s*(%w+)$'), ['key', 'value']);
  t.same(call('match', 'hello', '()ll()'), [3, 5]);
  t.same(call('match', 'f(a(b)c)d', '%b()'), ['(a(b)c)']);
  t.same(call('gsub', 'THE (quick) fox', '%f[%a]%a+', 'x'), ['x (x) x', 3]);
  t.same(call('match', 'abcabc', '(abc)%1'), ['abc']);
  t.same(call('match', 'x]y', '[]]'), [']']);
  t.same(call('match', '<a><b>', '<(.-)>'), ['a']);
});

t.test('malformed patterns are errors when they are reached, and only then', async (t) => {
  t.equal(failure('find', 'a', '%'), "malformed pattern (ends with '%')");
  t.equal(failure('find', 'a', '[a'), "malformed pattern (missing ']')");
  t.equal(failure('find', 'a', '(a'), 'unfinished capture');
  t.equal(failure('match', 'a', 'a)'), 'invalid pattern capture');
  t.equal(failure('find', 'a', '%1'), 'invalid capture index');
  t.equal(failure('find', 'a', '%fa'), "missing '[' after '%f' in pattern");
  t.equal(failure('find', 'a', '%ba'), 'unbalanced pattern');
  t.equal(failure('find', 'a', '()'.repeat(33)), 'too many captures');
  t.equal(failure('find', 'a', `${'a?'.repeat(5000)}`), undefined);
  t.equal(failure('find', 'a'.repeat(5000), `${'a?'.repeat(5000)}`), 'pattern too complex');
  t.equal(call('find', 'a', 'b['), undefined);
});

t.test('gsub takes text, tables and functions', async (t) => {
  t.same(call('gsub', 'abc', '%w', '%0%0', 2), ['aabbc', 2]);
  t.same(call('gsub', 'abc', '', '-'), ['-a-b-c-', 4]);
  t.same(
    call('gsub', 'hello', 'l', (x) => (x === 'l' ? 'L' : undefined)),
    ['heLLo', 2],
  );
  t.same(call('gsub', '^a', '^%^', 'b'), ['ba', 1]);
  t.equal(
    failure('gsub', 'a', 'a', () => true),
    'invalid replacement value (a boolean)',
  );
});

t.test('format rounds halves to even, as C', async (t) => {
  const cases: [string, LuaValue, string][] = [
    ['%.0f', 0.5, '0'],
    ['%.0f', 2.5, '2'],
    ['%.1f', 0.25, '0.2'],
    ['%.0e', 25, '2e+01'],
    ['%.2g', 1.25, '1.2'],
    ['%.3f', 1e22, '10000000000000000000000.000'],
    ['%5.1f|', -0.04, ' -0.0|'],
    ['%#x', 255, '0xff'],
    ['%x', -1, 'ffffffffffffffff'],
    ['%+05d', 42, '+0042'],
    ['%q', 'a"\\\n\r\0', '"a\\"\\\\\\\n\\r\\000"'],
    ['%.3s', 'abcdef', 'abc'],
    ['%s', 'a\0b', 'a'],
    ['%c', 65, 'A'],
    ['%.14g', 2 ** 53, '9.007199254741e+15'],
    ['%.17g', 0.1, '0.10000000000000001'],
  ];
  for (const [format, value, text] of cases) t.equal(call('format', format, value), text, format);
  t.equal(failure('format', '%d'), "bad argument #2 to '?' (no value)");
  t.equal(failure('format', '%y', 1), "invalid option '%y' to 'format'");
});

t.test('bytes stay bytes, and long results are refused before they are made', async (t) => {
  t.equal(call('upper', 'aé\xff'), 'Aé\xff');
  t.equal(call('reverse', 'a\xffb'), 'b\xffa');
  t.same(call('byte', 'abc', 1, -1), [97, 98, 99]);
  t.equal(call('sub', 'hello', -3, -2), 'll');
  t.equal(failure('rep', 'ab', STRING_BYTES_MAX), 'not enough memory');
  t.equal(failure('char', 256), "bad argument #1 to '?' (invalid value)");
});
