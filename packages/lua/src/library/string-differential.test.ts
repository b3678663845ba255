/** The string library here and in redis-server, on a fixed set of calls. */
import t from 'tap';
import { LuaError } from '../errors.ts';
import { RedisServer, redisMissing } from '../redis-server.fixture.ts';
import { createRuntime } from '../runtime.ts';
import { all } from '../values.ts';
import { stringLibrary } from './string.ts';

const PATTERNS = String.raw`a|.-|(a*)b|%w+|[^%s]+|[%a_]+|^a|a$|()|(a)(b)|(.)%1|%b()|%f[%w]%w+|[a-c]|[]]|[^]]|a)|(a|%|[|%1|x*|[%w-]+|[a-]|.?b|%|b[|%z|$|a$b|^|^$`;
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

function snippets(): string[] {
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

function runHere(call: string): string {
  const runtime = createRuntime({ globals: [['string', stringLibrary()]] });
  const script = runtime.compile(
    `local function run() return ${call} end return pcall(run)`,
    'user_script',
  );
  try {
    const values = all(script.run([], []));
    return values
      .map((value) => (typeof value === 'number' ? String(value) : (value ?? 'nil')))
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
  const calls = snippets();
  const answers = await server.evaluate(calls.map(scriptFor));
  const differences = calls.flatMap((call, at) => {
    const here = runHere(call);
    return here === answers[at] ? [] : [{ call, here, there: answers[at] }];
  });
  t.same(differences, []);
});
