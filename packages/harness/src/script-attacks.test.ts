/**
 * What a hostile script may do to a server: each attack ends as an error of its own, and the server,
 * its shard and the next script are as they were. The language's own bounds have their tests in
 * packages/lua; here they meet threads, clients and SCRIPT KILL.
 */

import t, { type Test } from 'tap';
import { TEST_MS_MAX } from './limits.ts';
import {
  type Argument,
  parseReply,
  type RawClient,
  type ServerProcess,
  startServer,
  waitFor,
} from './tools.ts';

t.setTimeout(TEST_MS_MAX);

const LOOP = 'while true do end';
const WRITES = "redis.call('SET', KEYS[1], 'written')";
const BUSY_MS = '50';

/** The server is well: other shards, the shard of the key, scripts, and the key's value. */
async function isWell(t: Test, server: ServerProcess, what: string): Promise<void> {
  using client = await server.connect();
  t.equal(server.hasExited, false, `${what}: alive`);
  const keys = Array.from({ length: 8 }, (_, i) => `well:${i}`);
  for (const key of keys) {
    const script = "return redis.call('GET', KEYS[1])";
    const replies = [await client.call('SET', key, 'v'), await client.call('EVAL', script, 1, key)];
    t.same(replies, ['+OK\r\n', '$1\r\nv\r\n'], `${what}: ${key}`);
  }
  t.notMatch(server.log, /internal error|restarted/, `${what}: no shard failed`);
}

/** Attacks that end by themselves, with what their reply begins with. */
const ATTACKS: readonly (readonly [what: string, script: string, reply: RegExp])[] = [
  ['endless recursion', 'local function f() return 1 + f() end return f()', /stack overflow/],
  [
    'recursion by metatables',
    'local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x',
    /stack overflow/,
  ],
  [
    'recursion with commands',
    "local function f() redis.call('INCR', KEYS[1]) return 1 + f() end return f()",
    /stack overflow/,
  ],
  [
    'a command below many protected calls',
    "local t = {} for i = 1, 3000 do t[i] = pcall end t[3001] = redis.call t[3002] = 'INCR' t[3003] = KEYS[1] return select('#', unpack(t)) + select('#', pcall(unpack(t)))",
    /^:|stack overflow/,
  ],
  [
    'recursion in a sort',
    'local function f(a, b) table.sort({3, 1, 2}, f) return a < b end f(1, 2)',
    /stack overflow|invalid order/,
  ],
  ['string bomb', "local s = 'x' for i = 1, 40 do s = s .. s end return #s", /not enough memory/],
  ['string.rep', "return #string.rep('x', 1e10)", /not enough memory|too large/],
  [
    'concatenated list',
    "local t = {} for i = 1, 1200 do t[i] = string.rep('x', 1e6) end return #table.concat(t)",
    /not enough memory|too/,
  ],
  [
    'a string too long for a reply',
    "return string.rep('x', 512 * 1024 * 1024)",
    /not enough memory|too/,
  ],
  ['a table that contains itself', 'local t = {} t[1] = t return t', /reached lua stack limit/],
  [
    'a map that contains itself',
    'local t = {} t.map = {a = t} return t',
    /reached lua stack limit/,
  ],
  [
    'cjson.encode of depth',
    'local t = {} for i = 1, 2000 do t = {t} end return cjson.encode(t)',
    /excessive|nest/,
  ],
  ['cjson.encode of a cycle', 'local t = {} t[1] = t return cjson.encode(t)', /excessive|nest/],
  ['cjson.decode of depth', "return cjson.decode(string.rep('[', 100000))", /too many nested/],
  ['cmsgpack.pack of a cycle', 'local t = {} t[1] = t return #cmsgpack.pack(t)', /^:/],
  ['cmsgpack.unpack of depth', "return cmsgpack.unpack(string.rep('\\145', 100000))", /^-ERR/],
  [
    'a script within a script',
    "return redis.call('EVAL', 'return 1', 0)",
    /not allowed from script/,
  ],
  ['FCALL within a script', "return redis.call('FCALL', 'f', 0)", /not allowed from script/],
  ['sleeping', "return redis.call('DEBUG', 'SLEEP', 100)", /^-ERR/],
  ['blocking', "return {redis.call('BLMOVE', KEYS[1], KEYS[1], 'LEFT', 'LEFT', 0)}", /^-ERR|^\*/],
  ['waiting', "return {redis.call('XREAD', 'BLOCK', 0, 'STREAMS', KEYS[1] .. 'x', '$')}", /^\*/],
  ['too many results', 'return unpack({}, 1, 1e8)', /too many results/],
  ['too many arguments', "return redis.call('SADD', unpack({}, 1, 1e7))", /too many results/],
  ['load of binary code', "return tostring(loadstring('\\27Lua'))", /nil/],
  ['deep source', `return ${'('.repeat(10_000)}1${')'.repeat(10_000)}`, /Error compiling/],
  [
    'many functions',
    `${'local f = function() '.repeat(300)}${'end '.repeat(300)}`,
    /Error compiling/,
  ],
  ['print and io', "return type(rawget(_G, 'io')) .. type(rawget(_G, 'require'))", /nilnil/],
  ['os', "local s = '' for k in pairs(os) do s = s .. k end return s", /^\$5\r\nclock/],
  ['dofile', "return tostring(rawget(_G, 'dofile')) .. tostring(rawget(_G, 'loadfile'))", /nilnil/],
];

/** Changes that must not outlive a script. */
const CHANGES = [
  'x = 1',
  '_G.x = 1',
  "rawset(_G, 'x', 1)",
  'redis.call = nil',
  "rawset(redis, 'call', nil)",
  'setmetatable(redis, {__index = function() return 1 end})',
  'setmetatable(_G, nil)',
  "getmetatable(_G).__index = function() return 'evil' end",
  "getmetatable('').__index = function() return 'evil' end",
  'string.format = nil',
  'table.insert = nil',
  'cjson.encode = nil',
  'math.random = nil',
  'pcall = nil',
  "setmetatable('', {})",
  'setfenv(1, {})',
  'KEYS = nil',
  "loadstring('y = 1')()",
  'redis.__proto__ = {}',
  "_G['__proto__'] = {x = 1}",
  "_G['constructor'] = 1",
];

const UNCHANGED = `return {tostring(rawget(_G, 'x')), type(redis.call), type(redis.pcall), type(string.format),
  type(table.insert), type(cjson.encode), type(math.random), type(pcall), ('a'):upper(),
  tostring(rawget(_G, 'y')), tostring(rawget(_G, '__proto__')), tostring(rawget(_G, 'constructor')),
  tostring(rawget(redis, '__proto__')), tostring(({}).__proto__), tostring(({}).constructor),
  tostring(({}).toString), #KEYS}`;

/** Words of JavaScript as keys of tables, fields, members. */
const NAMES = `local t = {} local names = {'__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length',
    'prototype', 'valueOf', '__defineGetter__'}
  for i, name in ipairs(names) do t[name] = i redis.call('HSET', KEYS[1], name, i) end
  for i, name in ipairs(names) do assert(t[name] == i and redis.call('HGET', KEYS[1], name) == tostring(i)) end
  local copy = cjson.decode(cjson.encode(t)) for i, name in ipairs(names) do assert(copy[name] == i) end
  copy = cmsgpack.unpack(cmsgpack.pack(t)) for i, name in ipairs(names) do assert(copy[name] == i) end
  return #names`;

for (const shards of [0, 2]) {
  void t.test(`attacks that end by themselves, ${shards} shards`, async (t) => {
    await using server = await startServer({ shards });
    using client = await server.connect();
    for (const [what, script, wanted] of ATTACKS) {
      t.match(await client.call('EVAL', script, 1, '{a}'), wanted, what);
    }
    await isWell(t, server, 'after all');
    t.equal(await client.call('EVAL', NAMES, 1, '{names}'), ':8\r\n', 'names of JavaScript');
    const before = await client.call('EVAL', UNCHANGED, 0);
    t.same(parseReply(before), [
      ...['nil', ...new Array(7).fill('function'), 'A'],
      ...new Array(7).fill('nil'),
      0,
    ]);
    for (const script of CHANGES) {
      t.match(await client.call('EVAL', script, 0), /^-ERR/, script);
      t.equal(await client.call('EVAL', UNCHANGED, 0), before, `after ${script}`);
    }
    // KEYS may be changed, until the end of the script.
    await client.call('EVAL', "KEYS[1] = 'x' ARGV.y = 1 table.insert(KEYS, 2)", 1, 'k');
    t.equal(await client.call('EVAL', UNCHANGED, 0), before);
    await isWell(t, server, 'after changes');
  });
}

async function untilBusy(server: ServerProcess, args: readonly Argument[]): Promise<RawClient> {
  const looping = await server.connect();
  looping.send(Buffer.from(requestText(args), 'latin1'));
  await waitFor('a slow script', () => server.log.includes('Slow script detected'));
  return looping;
}

function requestText(args: readonly Argument[]): string {
  return [`*${args.length}`, ...args.flatMap((arg) => [`$${String(arg).length}`, arg]), ''].join(
    '\r\n',
  );
}

const SLOW = ['--busy-reply-threshold', BUSY_MS];

void t.test('an endless loop in a worker: BUSY, and SCRIPT KILL', async (t) => {
  await using server = await startServer({ shards: 2, args: SLOW });
  for (const loop of [
    LOOP,
    'while true do pcall(function() while true do end end) end',
    "string.find(string.rep('a', 50), string.rep('a*', 30) .. 'b') while true do end",
    'local function f() return pcall(f) end while true do f() end',
    "while true do redis.call('GET', KEYS[1]) end",
    "while true do pcall(redis.call, 'NOSUCH') end",
    'while true do local t = {} for i = 1, 1000 do t[i] = {i} end end',
    "while true do local s = string.rep('x', 100000) end",
  ]) {
    server.log = '';
    using looping = await untilBusy(server, ['EVAL', loop, 1, '{a}']);
    using client = await server.connect();
    t.match(await client.call('GET', '{a}'), /^-BUSY/, loop);
    t.match(await client.call('EVAL', 'return 1', 1, '{a}'), /^-BUSY/);
    t.equal(await client.call('PING'), '+PONG\r\n');
    t.equal(await client.call('SCRIPT', 'KILL'), '+OK\r\n');
    t.match(await looping.reply(), /^-ERR (Error running script.*)?Script killed by user/);
    t.match(await client.call('SCRIPT', 'KILL'), /^-NOTBUSY/);
  }
  await isWell(t, server, 'after loops');
});

void t.test(
  'a loop that has written cannot be killed, but the server can be stopped',
  async (t) => {
    await using server = await startServer({ shards: 2, args: SLOW });
    using _looping = await untilBusy(server, ['EVAL', `${WRITES} ${LOOP}`, 1, '{a}']);
    using client = await server.connect();
    t.match(await client.call('SCRIPT', 'KILL'), /^-UNKILLABLE/);
    t.match(await client.call('GET', '{a}'), /^-BUSY/);
    client.send(requestText(['SHUTDOWN', 'NOSAVE']));
    const { code } = await server.exited;
    t.equal(code, 0);
  },
);

void t.test("in the gateway's thread a loop ends by itself", async (t) => {
  await using server = await startServer({ shards: 0, args: SLOW });
  using client = await server.connect();
  for (const loop of [
    LOOP,
    'while true do pcall(function() while true do end end) end',
    "return string.find(string.rep('a', 50), string.rep('a*', 30) .. 'b')",
    `${WRITES} ${LOOP}`,
    "while true do redis.pcall('INCR', KEYS[1]) end",
  ]) {
    t.match(await client.call('EVAL', loop, 1, '{a}'), /^-ERR Script stopped/, loop);
  }
  t.equal(await client.call('GET', '{a}'), '$7\r\nwritten\r\n');
  await isWell(t, server, 'after loops');
});

for (const shards of [0, 2]) {
  void t.test(`memory that scripts take, ${shards} shards`, async (t) => {
    await using server = await startServer({
      shards,
      args: ['--busy-reply-threshold', '60000'],
      env: { NODE_OPTIONS: '--max-old-space-size=128' },
    });
    using client = await server.connect();
    for (const bomb of [
      'local t = {} for i = 1, 1e9 do t = {t, i} end',
      "local t = {} for i = 1, 1e9 do t[i] = 'x' .. i end",
      'local t = {} for i = 1, 1e9 do t[i .. ""] = {} end',
    ]) {
      t.match(await client.call('EVAL', bomb, 1, '{a}'), /not enough memory|overflow/, bomb);
    }
    await isWell(t, server, 'after bombs');
  });
}
