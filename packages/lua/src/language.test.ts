/**
 * The language: a corpus of small programs with what redis-server answers, compared with the real one
 * where it is installed; random programs; first lines of error messages.
 */
import t from 'tap';
import { compare, compareRandom, runHere } from './differential.fuzz.ts';
import { RedisServer, redisMissing } from './redis-server.fixture.ts';

const RANDOM_PROGRAMS = 1500;

/** Programs whose results must equal redis-server's. */
const CORPUS: readonly string[] = [
  "return 1 + 2, 'a' .. 1, 7 / 2, 5 % -3, -5 % 3, 2 ^ 10, -2 ^ 2, 1e15, 1e14, 2 ^ 53, 0.1",
  // Functions that are made once for all runs, and those that may not be.
  'local n = 0 local function f() n = n + 1 return n end f() return f()',
  'local function f(i) if i == 0 then return "end" end return f(i - 1) end local function g(x) return f(x) .. x end return g(3)',
  'local function f() return 1 end local a = f local function f() return a() + 1 end return f(), a()',
  'local t, n = {}, 0 for i = 1, 3 do local function f() end t[f] = i end for _ in pairs(t) do n = n + 1 end return n',
  'local function f() return 1 end f = function() return 2 end return f()',
  'local function f() return KEYS, ARGV, #KEYS end return f()',
  'local function f(...) local function g(...) return select("#", ...) end return g(...), g(1, ...) end return f(1, 2)',
  'local function f() return x() end local function x() return 1 end return pcall(f)',
  'local type, call = type, pcall local function f(g, ...) return type(g), call(type, ...) end return f(type, 1), f(call, nil)',
  'local type = type if type then local function f() return type(type) end return f(), type == f end',
  "return 10 == '10', 1 < 2, 'a' < 'b', 'a' < 'B', 'Z' < 'a', not nil, 1 and 2, nil or false, false and 1",
  "return '10' + 5, '0x10' * 1, ' 3 ' - 1, 10 .. 20, -'2', '1e1' / 1",
  'local t = {} for i = 1, 3 do t[i] = function() i = i + 1 return i end end return t[1](), t[1](), t[2]()',
  'local a, b, c = (function(...) return ... end)(1, nil, 3) return a, b, c, select("#", (function() end)())',
  'local function f(...) return select("#", ...), ... end return f(f(f(nil, nil)))',
  'local r = {} for k, v in ipairs({5, 6, nil, 7}) do r[#r + 1] = k .. ":" .. v end return r',
  'local n = 0 for k, v in pairs({1, 2, x = 3, [10] = 4}) do n = n + v end return n',
  'local r = {} for i = 10, 1, -3 do r[#r + 1] = i end for i = 1, 0 do r[1] = 0 end return r',
  'local r = {} for i = 0.1, 1, 0.1 do r[#r + 1] = i end return r, #r',
  "for i = '1', 2 do return i end",
  "for i = 1, 'x' do end",
  'local i = 0 repeat local j = i i = i + 1 until j >= 3 while true do i = i - 1 if i < -3 then break end end return i',
  'local t = {n = 0} function t:inc(k) self.n = self.n + k return self end return t:inc(2):inc(3).n',
  'local a = {} a.x, a.y = 1, 2 a.x, a.y = a.y, a.x return a',
  'local i, a = 1, {} i, a[i] = i + 1, 20 return i, a',
  'return {[1] = 1, [1] = 2}, {[1] = 5, 9, [1] = 6}, {[1] = 1, [2] = 2, [1] = 3}',
  'return #{1, 2, nil, 4}, #{1, nil, 3, nil}, #{nil, nil, 3}, #{n = 1}, #"abc", #{nil}, #{nil, 2}',
  'local t = {1, 2, 3, 4} t[#t] = nil t[#t] = nil t[3] = "x" return t, #t',
  'local t = {} for i = 10, 1, -1 do t[i] = i end return #t, t',
  'local t = {1, 2, 3, a = 1, b = 2} for k in pairs(t) do t[k] = nil end return next(t), #t',
  'local t = {1, 2, x = 3} local k, n = nil, 0 repeat k = next(t, k) if k then n = n + 1 t[k] = nil end until not k return n, t',
  "local t = {[1] = 'a', 'b'} return t",
  'return [[\nlong\nstring]], [==[a]]b]==], "\\65\\066\\n\\z"',
  'return 0x10, 0xff, 1e2, .5, 3., 1e-2 -- comment\n, 4 --[[ long\ncomment ]] , 5',
  'local x return x.y',
  'local x = {} return x.y.z',
  'local x = {} return x.y[1].z',
  'local x = {} x.f()',
  'local x = {} x:f()',
  'local x = {} x[1]()',
  'local x = 5 x()',
  'local x = 5\nx\n.y\n.z()',
  'local x = {}\nreturn 1 +\nx',
  'local x = {} return "a" .. x',
  'local x = {} return "a" .. (1 .. x.y)',
  'local x return -x',
  'local x = true return #x',
  'return {} < {}, 1',
  "return 1 < '2'",
  'return nil > 1',
  'return function() end <= 1',
  'local t = {} t[nil] = 1',
  'local t = {} t[0 / 0] = 1',
  "local a = 'x' a.y = 1",
  'return undefinedGlobal',
  'newGlobal = 1',
  '_G.newGlobal = 1',
  "rawset(_G, 'x', 1)",
  'setmetatable(_G, {})',
  'getmetatable(_G).__index = nil',
  "error('text')",
  "error('text', 0)",
  "local function f() error('text', 2) end\nf()",
  'error({code = 1})',
  "error({err = 'text'})",
  'return tostring(1 / 0), 2.5e14, 1e14 + 0.5, 99999999999999.5, 0.1 + 0.2, 1 / 3, 1e-5, 123456.789e3',
  "return 2.5e14 .. '', 99999999999999.5 .. '', (1 / 3) .. '', 1e-5 .. '', 12345678901234.5 .. ''",
  'error()',
  'error(nil)',
  'error(12)',
  'return pcall(error)',
  "return pcall(error, 'x', 1)",
  "return pcall(error, 'x', 2)",
  "return xpcall(function() error('a') end, function(e) return e .. '!' end)",
  'return xpcall(function() return 1, 2 end, function() end)',
  'return pcall(pcall, error, 1)',
  'assert(false)',
  "assert(nil, 'message')",
  "return assert(1, 'x', 3)",
  "return select(2, 'a', 'b', 'c'), select(-1, 'a', 'b')",
  'return pcall(select, 0)',
  'return select("x")',
  "return tonumber('10', 2), tonumber('zz', 36), tonumber('8', 8), tonumber(''), tonumber('1 2'), tonumber('0x'), tonumber({} and nil)",
  "return tonumber('ff', 16), tonumber('0xff', 16), tonumber(10, 16), tonumber('-7', 10), tonumber(true)",
  'return tostring(nil), tostring(true), tostring(1e100), tostring(-0.0), tostring(123456789012345)',
  "return tostring(setmetatable({}, {__tostring = function() return 'T' end}))",
  'return unpack({1, 2, 3}, 2), unpack({1, 2, 3}, 2, 5)',
  'return pcall(unpack, {}, 1, 8000)',
  'return select("#", unpack({}, 1, 7990))',
  "return type(nil), type(1), type('x'), type({}), type(type), type(true)",
  'return rawequal({}, {}), rawequal(1, 1), rawget({5}, 1), rawset({}, 1, 2)',
  'return pcall(setmetatable, 1)',
  'return pcall(setmetatable, {}, 1)',
  "return getmetatable(setmetatable({}, {__metatable = 'locked'}))",
  'return pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})',
  "return setmetatable({}, {__index = function(_, k) return k .. '!' end}).abc",
  'local base = {x = 1} local d = setmetatable({}, {__index = base}) return d.x, d.y',
  'local log = {} local t = setmetatable({}, {__newindex = function(_, k, v) log[k] = v end}) t.a = 1 return rawget(t, "a"), log',
  "local m = {__add = function(a, b) return 'add' end, __concat = function() return 'cat' end, __unm = function() return 'unm' end} local t = setmetatable({}, m) return t + 1, 1 + t, t .. 'x', 'x' .. t, 1 .. t, -t",
  'local m = {__eq = function() return true end, __lt = function() return true end, __le = function() return false end} local a, b = setmetatable({}, m), setmetatable({}, m) return a == b, a ~= b, a < b, a <= b, a > b, a >= b',
  'local t = setmetatable({}, {__call = function(self, a, b) return b, a end}) return t(1, 2)',
  'local t = setmetatable({}, {__len = function() return 7 end}) return #t',
  'local t = setmetatable({}, {__lt = function() return true end}) return t <= t',
  "return loadstring('return 1, 2')()",
  "return loadstring('return +')",
  "return loadstring('error(1, 1)', '=chunk')",
  "return pcall(loadstring('local x\\nreturn x.y', '=chunk'))",
  "return pcall(loadstring('return nil + 1'))",
  "local n = 0 return load(function() n = n + 1 return ({'return ', '42'})[n] end)()",
  'local function f() return 1 + f() end return f()',
  'return (function(a, b, ...) return a, b, select("#", ...) end)(1)',
  'local t = {f = function(...) return ... end} return t.f(1, 2), (t.f(1, 2)), {t.f(1, 2), t.f(1, 2)}',
  'local a <const> = 1',
  'goto x',
  'return x y',
  'return 1 +',
  'for',
  'for i',
  'for i = 1',
  'if x',
  'if true then',
  'local function',
  'return {1, 2',
  'f(',
  "return 'abc",
  "return 'abc\n'",
  'return [[abc',
  'break',
  'return 3x',
  'local a = 1 $ 2',
  'x = = 1',
  '(1).x = 2 + ',
  'f() = 1',
  'local function f() return ... end',
  'if true then\n\nreturn 1\n',
  // Locals that are known to be functions, and such that only look like it.
  'local p, t = pcall, tostring p(t) return p(error, t(1)), t(2)',
  'local t = tostring t = nil return t(1)',
  'local f = function() return 1 end local function g() f = 5 end g() return f()',
  'local function f() return 1 end f = nil return pcall(f), f()',
  'local function f(n) if n == 0 then return 0 end return f(n - 1) end return f(10)',
  'local t = tostring do local t = 1 return t(1) end',
  // Lines of statements that lie on one, and of such that do not.
  'local x\nlocal y = 1 + x',
  'local x\nlocal y = 1 +\n2 + x',
  'local a, b = {}\na.x = a.y +\n(1 ..\n b.z)',
  'local x\nif 1 == 2 then\nelseif x.y then\nend',
  'local x\nif 1 == 2\nthen\nelseif\nx.y then\nend',
  'local x\nreturn\nx.y',
  'local x\nreturn 1, function() end, x.y, function()\nend',
  'local x\nwhile\nx\n.y do end',
  'local x\nlocal f = function() return x.y end\n\nreturn f()',
  'local x\nlocal f = function()\nreturn x.y end\nf()\n',
  'tostring(\n1)\ntostring(1, function()\nend,\n(nil).x)',
  'local x = 1 local y = 2 x() y()',
];

t.test('constructor, __proto__ and other names of JavaScript are data', async (t) => {
  const program = `local t = {} local names = {'__proto__', 'constructor', 'prototype', 'toString', 'length'}
    for _, name in ipairs(names) do if t[name] ~= nil then return name end t[name] = name end
    return t.__proto__, t.constructor, t.prototype, t.toString, t.length`;
  t.equal(
    runHere(program),
    'boolean:true string:__proto__ string:constructor string:prototype string:toString string:length',
  );
  t.match(runHere('local f = function() end return f.constructor'), /attempt to index local 'f'/);
  t.match(runHere("return ('').constructor"), /nil:nil/);
  t.match(
    runHere('return KEYS.constructor, ARGV.__proto__, _G == _G.constructor'),
    /nonexistent global/,
  );
  t.match(runHere('return this'), /nonexistent global variable 'this'/);
  t.match(runHere('return meter, LuaTable'), /nonexistent global variable 'meter'/);
});

t.test('a chunk nested too deeply is an error of the script', async (t) => {
  t.match(runHere(`return ${'('.repeat(5000)}1${')'.repeat(5000)}`), /too many syntax levels/);
  t.match(runHere(`return ${'{'.repeat(5000)}${'}'.repeat(5000)}`), /too many syntax levels/);
  t.match(runHere(`return ${'-'.repeat(1)}${'not '.repeat(5000)}1`), /too many syntax levels/);
  t.match(runHere(`return 1${' + x'.repeat(20_000)}`), /too complex|nonexistent global/);
});

t.test('as redis-server has it', { skip: redisMissing() }, async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  t.same(await compare(server, CORPUS), [], `${CORPUS.length} programs of the corpus`);
  t.same(await compareRandom(server, 1, RANDOM_PROGRAMS), [], `${RANDOM_PROGRAMS} random programs`);
});
