/** What a hostile script may try: each must be an error of the script, and the next one runs. */
import t from 'tap';
import { LuaError, positionOf, ScriptInterrupt } from './errors.ts';
import { createRuntime } from './runtime.ts';
import { LuaTable } from './table.ts';

const STEPS_OF_INTERRUPTS = 5;
const INTERRUPTED = { name: 'ScriptInterrupt' };

function run(source: string, turnsMax = 1e6): unknown {
  let turns = 0;
  const runtime = createRuntime({
    globals: [['string', new LuaTable()]],
    interrupt: () => {
      if (++turns > turnsMax) throw new ScriptInterrupt();
    },
  });
  return runtime.compile(source, 'user_script').run([], []);
}

t.test('an endless loop of any kind is interrupted, and pcall does not catch it', async (t) => {
  for (const source of [
    'while true do end',
    'repeat until false',
    'for i = 1, 1/0 do end',
    'for i = 2, 1, 0 do end',
    'for _ in function() return 1 end do end',
    'while true do pcall(function() while true do end end) end',
    'local function f() return pcall(f) end while true do f() end',
    'local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end',
  ]) {
    t.throws(() => run(source, STEPS_OF_INTERRUPTS), INTERRUPTED, source);
  }
});

t.test('what is interrupted has a line', async (t) => {
  for (const [source, line] of [
    ['while true do end', 1],
    ['local function f()\n while true do end\nend\nf()', 1],
    ['local x = {}\nlocal y = x.y while true do y = x.z end', 2],
  ] as const) {
    try {
      run(source, STEPS_OF_INTERRUPTS);
      t.fail(source);
    } catch (error) {
      t.strictSame(positionOf(error as Error), { source: 'user_script', line }, source);
    }
  }
});

t.test('endless recursion is a stack overflow, which pcall catches', async (t) => {
  for (const body of [
    'local function f() return 1 + f() end f()',
    'local t = {} setmetatable(t, {__index = function(t, k) return t[k] end}) return t.x',
    'local t = setmetatable({}, {__call = function(self) return self() + 1 end}) t()',
    'local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t',
    'local function f(...) return f(1, ...) + 1 end f()',
  ]) {
    t.throws(() => run(body), { message: /stack overflow|not enough memory/ }, body);
    const caught = run(`local ok, e = pcall(function() ${body} end) return ok, e, 1 + 1`);
    t.match(caught, [false, /stack overflow|not enough memory/, 2], `caught: ${body}`);
  }
});

t.test('a table that indexes itself is a loop', async (t) => {
  const source = 'local t = {} setmetatable(t, {__index = t}) return t.x';
  t.throws(() => run(source), { message: /loop in gettable/ });
});

t.test('a string of a gigabyte is an error', async (t) => {
  const source = "local s = 'x' for i = 1, 40 do s = s .. s end return #s";
  t.throws(() => run(source), { message: /not enough memory/ });
  t.same(run(`local ok = pcall(function() ${source} end) return ok`), false);
});

t.test('a table bomb ends as an error, not as the end of the process', async (t) => {
  const { array } = new LuaTable();
  t.same(array, []);
  const table = new LuaTable();
  table.array.length = 2 ** 26;
  t.throws(() => table.set(2 ** 26 + 1, 1), { message: /table overflow/ }, 'elements');
  t.throws(() => run('local t = {} for i = 1, 1e9 do t = {t, i} end', 50), INTERRUPTED);
});

t.test('globals and libraries are the same for the next script', async (t) => {
  const runtime = createRuntime({ globals: [['string', LuaTable.of([['len', () => 1]])]] });
  const attempt = (source: string): unknown => runtime.compile(source, 'user_script').run([], []);
  for (const source of [
    'x = 1',
    '_G.x = 1',
    "rawset(_G, 'x', 1)",
    'string.len = nil',
    "rawset(string, 'len', nil)",
    "getmetatable('').__index = nil",
    'getmetatable(_G).__index = nil',
    'setmetatable(_G, nil)',
    'setmetatable(string, {})',
    'pcall = nil',
    "loadstring('x = 1')()",
    'KEYS = nil',
  ]) {
    t.throws(() => attempt(source), { message: /readonly table/ }, source);
  }
  t.throws(() => attempt('return x'), { message: /nonexistent global variable 'x'/ });
  t.equal(attempt("return string.len('abc')"), 1);
  t.same(attempt('KEYS[1] = 1 ARGV.x = 2 return #KEYS'), 1);
  t.same(attempt('return #KEYS'), 0, 'KEYS of one run are not those of the next');
});

t.test('functions of the library leave nothing of JavaScript to reach', async (t) => {
  t.throws(() => run('return pcall.constructor'), { message: /attempt to index global 'pcall'/ });
  t.throws(() => run("return ('x').constructor('return 1')()"), { message: /attempt to call/ });
  t.throws(() => run('local a = pcall return a.__proto__'), {
    message: /attempt to index local 'a'/,
  });
  t.throws(() => run('return arguments'), { message: /nonexistent global/ });
  t.same(run('local eval, await, let = 1, 2, 3 return eval + await + let'), 6);
  t.same(run('return "`\\u0041\\0\\\\"'), '`u0041\0\\');
  t.same(run("return '\u2028*/ //'".replace('\u2028', '\\226')), '\xe2*/ //');
});

t.test('errors tell position and value', async (t) => {
  try {
    run('local x\n\nx.y = 1');
    t.fail('no error');
  } catch (error) {
    t.ok(error instanceof LuaError);
    t.same((error as LuaError).position, { source: 'user_script', line: 3 });
  }
});
