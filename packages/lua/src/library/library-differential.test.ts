/** The libraries here and in redis-server, on a fixed set of calls. */
import t from 'tap';
import { LuaError } from '../errors.ts';
import { numberToText } from '../number-text.ts';
import { RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { createRuntime } from '../runtime.ts';
import { all } from '../values.ts';
import { compareCalls, compareRandomCalls } from './library.fuzz.ts';
import { ScriptRandom } from './math.ts';
import { standardLibraries } from './standard-libraries.ts';

const PATTERNS = `a|.-|(a*)b|%w+|[^%s]+|[%a_]+|^a|a$|()|(a)(b)|(.)%1|%b()|%f[%w]%w+|[a-c]|[]]|[^]]|a)|(a|%|[|%1|x*|[%w-]+|[a-]|.?b|%|b[|%z|$|a$b|^|^$`;
const SUBJECTS = ['', 'abc', 'aab(b)c d', 'a]b^c$', 'one two_three 4-5'];
const FORMATS = ['d', '5d', '-5d|', '+.3d', 'x', '#o', 'u', 'f', '.0f', '10.2f', 'e', '.1E', 'g'];
const NUMBERS = [
  '0',
  '-0',
  '0.5',
  '2.5',
  '-1',
  '1e15',
  '123456.75',
  '1e100',
  '2^63',
  '1e-5',
  '1/0',
];

function stringCalls(): string[] {
  const calls: string[] = [];
  for (const pattern of PATTERNS.split('|')) {
    for (const subject of SUBJECTS) {
      const both = `${JSON.stringify(subject)}, [==[${pattern}]==]`;
      calls.push(`string.find(${both})`, `string.match(${both}, 2)`, `string.match(${both}, -3)`);
      calls.push(`string.gsub(${both}, '<%0>')`, `string.gsub(${both}, '%1', 1)`);
    }
  }
  for (const format of [...FORMATS, '.10g', '.3g', '#.3g', '05.1f', 's', '.2s', '5s', 'q', 'y']) {
    for (const number of NUMBERS) calls.push(`string.format('%${format}', ${number})`);
  }
  calls.push("string.byte('abc', -2, 9)", "string.byte('abc', 0)", 'string.char(65, 300)');
  calls.push("string.sub('hello', 2)", "string.sub('hello', -9, -2)", "string.sub('x', 3)");
  calls.push(
    "string.rep('ab', 3)",
    "string.rep('ab', -1)",
    'string.rep({}, 1)',
    'string.rep(1.5, 2)',
  );
  calls.push("string.upper('aZ1')", 'string.reverse(123)', 'string.len()', "string.find('a')");
  calls.push("string.gsub('abc', 'b', {b = 1})", "string.gsub('abc', '%w', {}, 1)");
  calls.push("string.gsub('abc', 'b', print)", "string.gsub('a', 'a', function() return {} end)");
  return calls;
}

/** One text of all results; numbers as they print. */
const scriptFor = (call: string): string =>
  `local function run() return ${call} end local function show(...) local r = {} ` +
  "for i = 1, select('#', ...) do r[i] = tostring((select(i, ...))) end " +
  "return table.concat(r, '|') end return show(pcall(run))";

const BIT_OPERATIONS = [
  'band',
  'bor',
  'bxor',
  'lshift',
  'rshift',
  'arshift',
  'rol',
  'ror',
  'tohex',
];
const OPERANDS = ['0', '-1', '1.5', '2.5', '2^31', '-2^31-1', '1e15', '33', '255', "'7'", '{}'];

function bitCalls(): string[] {
  const calls = ['bit.band()', 'bit.bor(1,2,4,8)'];
  for (const left of OPERANDS) {
    calls.push(
      `bit.bnot(${left})`,
      `bit.bswap(${left})`,
      `bit.tobit(${left})`,
      `bit.tohex(${left})`,
    );
    for (const right of OPERANDS) {
      for (const name of BIT_OPERATIONS) calls.push(`bit.${name}(${left}, ${right})`);
    }
  }
  return calls;
}

function tableCalls(): string[] {
  const calls: string[] = [];
  const after = (text: string): string =>
    `(function() local t = {5,3,8,1,9,2,7} ${text} return table.concat(t, ',') end)()`;
  for (const position of ['', '1, ', '4, ', '8, ', '20, ', '0, ', '-2, ', 'nil, ']) {
    calls.push(after(`table.insert(t, ${position}6)`));
  }
  for (const position of ['', ', 1', ', 4', ', 7', ', 8', ', 0', ', {}']) {
    calls.push(after(`local v = table.remove(t${position}) t[#t + 1] = v`));
  }
  for (const order of ['a < b', 'a > b', 'true', 'false', 'a <= b', 'a % 3 < b % 3']) {
    calls.push(after(`table.sort(t, function(a, b) return ${order} end)`));
  }
  calls.push(after('table.sort(t)'), after('table.sort(t, 1)'));
  calls.push("table.sort({3, 2, 'x'})", 'table.sort({{}, {}})', "table.sort({'b', 1, 'a'})");
  calls.push(
    '(function() local t = {} for i = 1, 200 do t[i] = {i * 37 % 17, i} end ' +
      'table.sort(t, function(a, b) return a[1] < b[1] end) local r = "" ' +
      'for i = 1, 200 do r = r .. t[i][2] .. "," end return r end)()',
  );
  calls.push('table.concat({1,2,{}})', "table.concat({1,2,3}, '-', 2, 3)", 'table.concat({}, {})');
  calls.push('table.concat({1,2}, "", 1, 3)', 'table.getn({1,2})', 'table.setn({}, 1)');
  calls.push('table.maxn({1,2,[10.5]=1})', 'table.foreach({1,2}, function(k, v) return v end)');
  calls.push('table.foreachi({1,2}, function(k, v) if k == 2 then return v end end)');
  calls.push(
    'table.insert({})',
    'table.insert(1, 2)',
    'table.remove({})',
    'table.insert({}, 1, 2, 3)',
  );
  calls.push('table.foreach({})', 'table.maxn()', 'table.insert(string, 1)');
  return calls;
}

function mathCalls(): string[] {
  const calls = ['math.random()', 'math.random(10)', 'math.random(5, 9)', 'math.random(0)'];
  calls.push('math.random(3, 2)', 'math.random(1, 2, 3)', 'math.randomseed(7) or math.random()');
  calls.push('math.max()', 'math.max(1, 5, 3)', "math.min(1, '0.5')", 'math.pi', 'math.huge');
  const names = 'abs ceil floor sqrt exp log log10 sin cos tan asin acos atan sinh cosh tanh';
  for (const number of ['0', '-0', '0.5', '-1.5', '10', '2^60', '1e-310', '-1/0', '{}']) {
    for (const name of `${names} frexp modf deg rad`.split(' ')) {
      calls.push(`math.${name}(${number})`);
    }
    for (const name of ['fmod', 'pow', 'atan2', 'ldexp']) calls.push(`math.${name}(${number}, 3)`);
  }
  return calls;
}

/** One for all calls, as in redis-server. */
const random = new ScriptRandom();

function runHere(call: string): string {
  const runtime = createRuntime({ globals: standardLibraries(random) });
  const script = runtime.compile(
    `local function run() return ${call} end return pcall(run)`,
    'user_script',
  );
  try {
    const values = all(script.run([], []));
    return values
      .map((value) => (typeof value === 'number' ? numberToText(value) : (value ?? 'nil')))
      .join('|');
  } catch (error) {
    if (error instanceof LuaError) return `-${String(error.value)}`;
    throw error;
  } finally {
    script.release();
  }
}

t.test('results and errors are those of redis-server', { skip: redisMissing() }, async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  const calls = [...stringCalls(), ...bitCalls(), ...tableCalls(), ...mathCalls()];
  const answers = await server.evaluate(calls.map(scriptFor));
  const differences = calls.flatMap((call, at) => {
    const here = runHere(call).replaceAll('-nan', 'nan');
    return here === answers[at]!.replaceAll('-nan', 'nan')
      ? []
      : [{ call, here, there: answers[at] }];
  });
  t.same(differences, []);
});

const RANDOM_CALLS = 400;

const FIXED_CALLS = [
  'cjson.encode()',
  'cjson.encode(1, 2)',
  'cjson.decode(5)',
  'cjson.decode({})',
  'cjson.decode()',
  "cjson.encode_sparse_array(true, 'x')",
  'cjson.encode_sparse_array(true, 1, -1)',
  'cjson.encode_sparse_array(1)',
  "cjson.encode_sparse_array('on')",
  'cjson.encode_max_depth(2^31)',
  'cjson.encode_max_depth(1, 2)',
  "cjson.decode_invalid_numbers('null')",
  'pcall(cjson.encode_number_precision, 15)',
  'cjson.encode({[1e10] = 1, [2e10] = 2})',
  'cjson.encode({[{}] = 1})',
  'cjson.new(1)._NAME, cjson._VERSION, tostring(cjson.null), cjson.null == cjson.new().null',
  "cjson.decode(string.rep('[', 1001))",
  'cmsgpack.pack()',
  'cmsgpack.unpack()',
  'cmsgpack.unpack_limit("a")',
  'cmsgpack.unpack_limit(1, -1)',
  'cmsgpack.unpack_one("abc", 9)',
  'cmsgpack.unpack_one({})',
  'cmsgpack.unpack(string.rep("a", 7000)) == 97',
  'cmsgpack.unpack(string.rep("a", 9000))',
  'cmsgpack.unpack("\\220\\255\\255a")',
  '#cmsgpack.pack(string.rep("a", 65536))',
  'cmsgpack._NAME, cmsgpack._VERSION, cmsgpack._COPYRIGHT, cmsgpack._DESCRIPTION',
  'cmsgpack.unpack(cmsgpack.pack({{{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}}}))',
  'struct.pack()',
  'struct.pack({})',
  "struct.pack('i')",
  "struct.pack('i', {})",
  "struct.unpack('i')",
  "struct.unpack('i', 'abcd', 0)",
  "struct.unpack('i', 'abcd', -3)",
  "struct.unpack(string.rep('b', 9000), string.rep('a', 9000))",
  ...[7995, 7996, 7997, 7998].map(
    (count) => `select('#', struct.unpack(string.rep('b', ${count}), string.rep('a', ${count})))`,
  ),
  ...[7999, 8000].map((count) => `select('#', cmsgpack.unpack(string.rep('a', ${count})))`),
  "struct.unpack('dc0', struct.pack('d', -1) .. 'abc')",
  "struct.unpack('sc0', '2\\0abc')",
  'struct.size()',
  "struct.size('c2147483648')",
];

t.test('cjson, cmsgpack and struct as in redis-server', { skip: redisMissing() }, async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  t.same(await compareCalls(server, FIXED_CALLS), []);
  for (const library of ['cjson', 'cmsgpack', 'struct']) {
    t.same(await compareRandomCalls(server, library, RANDOM_CALLS), [], `${library}, random`);
  }
});

/** `os` is from later versions; coroutines and the handler of its own are left out here. */
t.test('the libraries hold what they hold in redis-server', { skip: redisMissing() }, async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  for (const [name, table] of standardLibraries()) {
    if (name === 'os') continue;
    const script = `local r = {} for k in pairs(${name}) do r[#r + 1] = k end table.sort(r) return table.concat(r, ' ')`;
    const [names] = await server.evaluate([script]);
    t.equal([...table.hash!.keys()].map(String).sort().join(' '), names, name);
  }
});
