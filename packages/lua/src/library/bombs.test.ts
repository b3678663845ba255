/** Library calls that would take the memory or the time of the whole server: errors of the script. */
import t from 'tap';
import { ScriptInterrupt } from '../errors.ts';
import { createRuntime } from '../runtime.ts';
import type { LuaTable } from '../table.ts';
import type { LuaResult } from '../values.ts';
import { standardLibraries } from './standard-libraries.ts';

const INTERRUPTS = 5;

function run(source: string, turnsMax = Number.POSITIVE_INFINITY): LuaResult {
  let turns = 0;
  const interrupt = (): void => {
    if (++turns > turnsMax) throw new ScriptInterrupt();
  };
  const runtime = createRuntime({ globals: standardLibraries(), interrupt });
  return runtime.compile(source, 'user_script').run([], []);
}

t.test('results that are too long are refused before they are made', async (t) => {
  const calls = [
    "string.rep('x', 2^30)",
    "string.rep('x', 2^31 - 1)",
    "string.gsub(string.rep('x', 2^14), 'x', string.rep('y', 2^16))",
    "string.format('%s%s', big, big)",
    'table.concat({big, big})',
    "table.concat({'a', 'b', 'c'}, big)",
    "struct.pack('c0c0', big, big)",
    'cjson.encode({big, big})',
    'cmsgpack.pack({big, big})',
  ];
  const attempts = calls.map((call) => `select(2, pcall(function() return ${call} end))`);
  const source = `local big = string.rep('x', 2^29 - 64) return {${attempts.join(',')}}`;
  const { array } = run(source) as LuaTable;
  for (const [at, call] of calls.entries()) t.match(array[at], /not enough memory/, call);
});

t.test('counts without content take nothing', async (t) => {
  const message = /Missing bytes in input/;
  for (const type of ['\\221', '\\223', '\\219']) {
    t.throws(() => run(`return cmsgpack.unpack('${type}\\255\\255\\255\\255')`), { message });
  }
  const nested = "return cmsgpack.unpack(string.rep('\\221\\255\\255\\255\\255', 1000))";
  t.throws(() => run(nested), { message });
  t.throws(() => run("return cjson.decode(string.rep('[', 1e6))"), { message: /nested/ });
  t.throws(() => run("cjson.decode_max_depth(1e9) return cjson.decode(string.rep('[', 1e6))"), {
    message: /stack overflow/,
  });
});

t.test('case of a long text, whatever it alternates', async (t) => {
  const source = (name: string): string =>
    `local s = string.${name}(string.rep('aB', 2^23) .. '\\233') return s:sub(1, 2) .. s:sub(-1)`;
  t.equal(run(source('upper')), 'AB\xe9');
  t.equal(run(source('lower')), 'ab\xe9');
});

t.test('work in a library is interrupted', async (t) => {
  for (const source of [
    'local t = {} for i = 1, 60 do t = {t, t} end return cjson.encode(t)',
    'local t = {} t[1] = t t[2] = t t[3] = t return cmsgpack.pack(t)',
    "local s = string.rep('a', 2^16) return string.find(s, '.-.-.-b')",
    "local s = string.rep('\\1', 2^22) return string.gsub(s, '.', '%0%0')",
    'return table.insert({}, -2^31, 1)',
    "local s = string.rep('\\1', 2^12) while true do cmsgpack.unpack(s) end",
    "local s = string.rep('b', 2^12) while true do struct.unpack(s, s) end",
    "return cjson.encode(string.rep('\\1', 2^24))",
    "return cjson.decode('\"' .. string.rep('\\\\n', 2^20) .. '\"')",
    "return string.format('%q', string.rep('\\n', 2^24))",
  ]) {
    t.throws(() => run(source, INTERRUPTS), { name: 'ScriptInterrupt' }, source);
  }
});
