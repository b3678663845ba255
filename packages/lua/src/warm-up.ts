/**
 * Makes the compiler warm before the first script comes.
 *
 * V8 compiles a function when it is first called and interprets it for a while: the first large
 * script of a process takes several times as long to compile as the same one later. Here small scripts
 * that have every construct of the language, and look as scripts of job queues do, are compiled and
 * run, against a `redis` that does nothing or one of the caller's. What is made is thrown away; no
 * runtime is touched.
 *
 * Cost: some 30 ms of CPU in steps of one to three milliseconds. Whoever calls it takes the steps when
 * there is nothing else to do.
 */
import { BASE_LIBRARY } from './base-library.ts';
import { compileChunk } from './compiler.ts';
import { standardLibraries } from './library/standard-libraries.ts';
import { WARM_UP_ROUNDS } from './limits.ts';
import { LuaTable } from './table.ts';
import type { LuaResult, LuaValue } from './values.ts';

/** Each is a step. */
export const WARM_UP_SCRIPTS: readonly string[] = [
  `--[[
  Moves a job that is done out of the active list, and keeps its result.
]]
local call = redis.call
-- The key of a job.
call('DEL', KEYS[1])
local function keyOf(prefix, id)
  return prefix .. ':' .. id
end
return keyOf(KEYS[1], ARGV[1])
`,
  `local call, keyOf = redis.call, function(prefix, id) return prefix .. ':' .. id end
local function finish(prefix, id, result, options)
  local key = keyOf(prefix, id)
  if call('EXISTS', key) == 1 then
    local removed = call("LREM", prefix .. ':active', -1, id)
    if removed < 1 then
      return -1
    elseif options['keep'] and not options.fail then
      call('HSET', key, 'result', result, 'at', options["at"] or 0, "tries", options.tries + 1)
      call("ZADD", keyOf(prefix, "done"), 12, id)
    else
      call('DEL', key, keyOf(key, 'log'))
    end
    return 0, id
  end
end
return finish(KEYS[1], ARGV[1], ARGV[2], { keep = true, tries = 1, at = 1.5, ['x'] = "y" })
`,
  `local list = {}
for i = 1, 3 do
  list[#list + 1] = { i, i * 2, i / 2, -i, i % 2, i ^ 2, tostring(i) }
end
return list
`,
  `local list, known, count = { { 1, 2 }, { 3, 4 } }, { a = 1 }, 0
for i, each in ipairs(list) do
  for name, value in pairs(known) do
    if value ~= nil and (value == i or value > count) then count = count + value end
  end
  table.insert(list[i], each[1] .. ',' .. string.format('%d', i))
end
do count = count + 1 end
while count < 5 do
  count = count + 1
  if count >= 4 then break end
end
repeat local last = table.remove(list) until #list <= 1 or last == nil
for from = 10, 1, -5 do count = count - from end
return count, (select('#', unpack(list[1])))
`,
  `local options = cjson.decode(ARGV[2])
local packed = cmsgpack.pack({ options.name, 2, true, false, 'x' })
local parts = cmsgpack.unpack(packed)
local id, time, opts = parts[1], tonumber(ARGV[3]) or 0, options['opts'] or {}
local function each(fields, step)
  local at = 0
  return function(...)
    at = at + step
    if fields[at] then return at, fields[at], ... end
  end
end
for at, value in each(parts, 1) do
  if type(value) == "string" and string.sub(value, 1, 1) == 'x' then
    local ok, err = pcall(function() return redis.call('XADD', KEYS[1], '*', "id", value) end)
    if not ok then return redis.error_reply(err) end
  end
end
return { id, time, opts }
`,
  `local opts, parts, time = {}, { function() return 1 end }, 5
function parts.of(self, name) return self[name] end
local text = [[a
b]] .. '\\n\\65' .. 0x10 .. 1e3
local delay = math.max(tonumber(opts.delay or 0), 0) * 0x1000 + math.floor(time / 4096)
return { cjson.encode({ opts = opts, delay = parts:of(2) }), #text + delay, string.find(text, 'b', 1, true) }
`,
  `local call = redis.call
local job, list, set, log = KEYS[1] .. ':1', KEYS[1] .. ':list', KEYS[1] .. ':set', KEYS[1] .. ':log'
call('HSET', job, 'name', 'mail', 'data', '{}', 'tries', 0)
call('HMSET', job, 'at', 1.5)
call('HINCRBY', job, 'tries', 1)
call('HEXISTS', job, 'name')
local name, fields = call('HGET', job, 'name'), call('HMGET', job, 'name', 'none')
call('HGETALL', job)
call('HDEL', job, 'at')
call('LPUSH', list, 1, 2)
call('RPUSH', list, 3)
call('RPOPLPUSH', list, list)
call('LRANGE', list, 0, -1)
call('LREM', list, 1, 2)
call('LLEN', list)
call('LTRIM', list, 0, 5)
call('LPOP', list)
return name, fields
`,
  `local call = redis.call
local lock, wait, set, log = KEYS[1] .. ':lock', KEYS[1] .. ':wait', KEYS[1] .. ':set', KEYS[1] .. ':log'
call('SET', lock, 'token', 'PX', 30000)
local owner, left = call('GET', lock), call('PTTL', lock)
call('INCR', KEYS[1] .. ':id')
call('EXISTS', lock, wait)
call('DEL', lock)
call('ZADD', wait, 1, 'a', 2, 'b')
call('ZCARD', wait)
call('ZSCORE', wait, 'a')
call('ZRANGE', wait, 0, 0, 'WITHSCORES')
call('ZRANGEBYSCORE', wait, 0, 9, 'LIMIT', 0, 10)
call('ZREM', wait, 'b')
call('ZPOPMIN', wait)
call('SADD', set, 'a', 'b')
call('SMEMBERS', set)
call('SCARD', set)
call('SREM', set, 'a')
call('XADD', log, 'MAXLEN', '~', 100, '*', 'event', 'done', 'id', 1)
call('XTRIM', log, 'MAXLEN', '~', 100)
return owner, left
`,
];
const VARIABLE = new Set(['KEYS', 'ARGV']);

/** What the scripts above get from `redis.call`. */
function reply(command: LuaValue): LuaResult {
  return command === 'EXISTS' || command === 'LREM' ? 1 : 'OK';
}

function globals(redis: LuaTable): LuaTable {
  const made = LuaTable.of([...BASE_LIBRARY, ...standardLibraries(), ['redis', redis]]);
  const keys = new LuaTable(['queue']);
  const values = ['1', '{"name":"mail","opts":{"delay":5,"tags":["a",null,1.5]}}', '1700000000000'];
  for (const value of made.hash?.values() ?? [])
    if (value instanceof LuaTable) value.readonly = true;
  made.set('KEYS', keys);
  made.set('ARGV', new LuaTable(values));
  made.readonly = true;
  return made;
}

/** A `redis` without a server. */
function noRedis(): LuaTable {
  return LuaTable.of([
    ['call', reply],
    ['error_reply', (text) => text],
  ]);
}

/** Each turn is a step. `redis` is the scripts' and is theirs to write through. */
export function* warmUp(
  redis: LuaTable = noRedis(),
  rounds: number = WARM_UP_ROUNDS,
): Generator<undefined, void, undefined> {
  const scope = globals(redis);
  yield;
  for (let round = 0; round < rounds; round++) {
    for (const script of WARM_UP_SCRIPTS) {
      // V8 remembers what it has compiled, so no two are the same.
      const { main, release } = compileChunk(`${script}--${round}`, 'warm_up', scope, VARIABLE);
      main();
      release();
      yield;
    }
  }
}
