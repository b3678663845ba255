/**
 * Conformance of FUNCTION, FCALL and FCALL_RO: headers of libraries, what their code may do while it
 * is loaded, registration, what functions see when they run, and payloads. All keys have one hash
 * tag. Order of libraries and of a library's functions is open in Redis: where they are listed there
 * is one of each.
 */

import { cases } from './conformance-case.ts';

const ECHO = "redis.register_function('f', function(k, a) return {k, a} end)";

/** Lines that load a library with each of these bodies, and replace what was loaded before. */
function loads(bodies: readonly string[]): string {
  return bodies
    .map((body) => `FUNCTION LOAD REPLACE "#!lua name=lib\\n${body.replaceAll('"', '\\"')}"`)
    .join('\n');
}

/** Lines that call functions without keys or arguments. */
function calls(count: number): string {
  return Array.from({ length: count }, (_, i) => `FCALL f${i + 1} 0`).join('\n');
}

/** A library with functions f1, f2, … of these bodies, and calls of all. */
function each(bodies: readonly string[], head = ''): string {
  const functions = bodies.map(
    (body, i) => `redis.register_function('f${i + 1}', function(keys, args) ${body} end)`,
  );
  return `${loads([[head, ...functions].join('\\n')])}\n${calls(bodies.length)}`;
}

export const functionCases = cases(String.raw`
  # headers of libraries
  FUNCTION FLUSH
  FUNCTION LOAD
  FUNCTION LOAD x
  FUNCTION LOAD x y
  FUNCTION LOAD replace
  FUNCTION LOAD REPLACE REPLACE x
  FUNCTION LOAD ""
  FUNCTION LOAD "#!"
  FUNCTION LOAD "#!lua name=x"
  FUNCTION LOAD "#!\n"
  FUNCTION LOAD "#!lua\n"
  FUNCTION LOAD "#! name=x\n"
  FUNCTION LOAD "#!foo name=x\n"
  FUNCTION LOAD "#!lua name=x name=y\n"
  FUNCTION LOAD "#!lua name=x foo=bar\n"
  FUNCTION LOAD "#!lua foo=bar name=x\n"
  FUNCTION LOAD "#!lua name=x flags=no-writes\n"
  FUNCTION LOAD "#!lua name=\"x y\"\n"
  FUNCTION LOAD "#!lua \"name=x\n"
  FUNCTION LOAD "#!lua name=\n"
  FUNCTION LOAD "#!lua name=a-b\n"
  FUNCTION LOAD "#!lua name=a\n"
  FUNCTION LOAD "#!lua name=a\r\n${ECHO}"
  FUNCTION LOAD "#!LUA \"NAME=b\"\n${ECHO.replace("'f'", "'g'")}"
  FCALL f 1 {t}k a
  FCALL g 0 a
  FUNCTION DELETE a
  FUNCTION LIST WITHCODE
  FUNCTION FLUSH
  # names of libraries and functions
  FUNCTION FLUSH
  FUNCTION LOAD "#!lua name=a\n${ECHO}"
  FUNCTION LOAD "#!lua name=a\n${ECHO}"
  FUNCTION LOAD REPLACE "#!lua name=a\n${ECHO}"
  FUNCTION LOAD "#!lua name=A\n${ECHO}"
  FUNCTION LOAD REPLACE "#!lua name=b\n${ECHO}"
  FUNCTION LOAD REPLACE "#!lua name=b\n${ECHO.replace("'f'", "'F'")}"
  FCALL F 0
  FCALL f 0
  FUNCTION DELETE b
  FUNCTION DELETE A
  FUNCTION DELETE a
  FCALL f 0
  FUNCTION FLUSH
  # a failed LOAD changes nothing
  FUNCTION FLUSH
  FUNCTION LOAD "#!lua name=a\n${ECHO}"
  FUNCTION LOAD REPLACE "#!lua name=a\nredis.register_function('g', function() end) nope()"
  FUNCTION LOAD REPLACE "#!lua name=a\nreturn 1 +"
  FUNCTION LOAD REPLACE "#!lua name=a\n"
  FCALL g 0
  FCALL f 0 x
  FUNCTION LIST
  FUNCTION STATS
  FUNCTION FLUSH
  # what the code of a library may do
  FUNCTION FLUSH
  ${loads([
    'return 1 +',
    'foo()',
    "error('x')",
    "local x = string.format('x')",
    'local x = tostring(1)',
    "redis.call('get', 'x')",
    "redis.pcall('get', 'x')",
    'redis.setresp(3)',
    "redis.sha1hex('x')",
    'x = 1',
    'redis.x = 1',
    'local x = KEYS[1]',
    'local x = _G.x',
    'local x = nil; x()',
    'local x = {}; x.y.z = 1',
    'redis.log()',
    'redis.log(redis.LOG_DEBUG)',
    "redis.log(redis.LOG_DEBUG, 'x')",
    "redis.log('x', 'x')",
    "redis.log(17, 'x')",
  ])}
  FUNCTION LOAD REPLACE "#!lua name=lib\n\x1bLua"
  FUNCTION LOAD REPLACE "#!lua name=lib\n\x7f"
  FUNCTION LOAD REPLACE "#!lua name=lib\n\x00"
  FUNCTION LOAD REPLACE "#!lua name=lib\n\xff"
  FUNCTION LIST
  # callbacks that are none of Lua
  FUNCTION FLUSH
  ${loads(["redis.register_function('f', redis.log)"])}
  FCALL f 0
  FCALL f 0 1 2
  ${loads(["redis.register_function('f', redis.register_function)"])}
  FCALL f 0
  FUNCTION FLUSH
  # where the keys are
  COMMAND GETKEYS FCALL f 1 {t}k
  COMMAND GETKEYS FCALL f 0
  COMMAND GETKEYS FCALL f 3 k
  COMMAND GETKEYS FCALL_RO f x
  COMMAND GETKEYS FCALL f
  COMMAND GETKEYS EVAL x 0
  COMMAND GETKEYS EVALSHA x -1
  COMMAND GETKEYSANDFLAGS FCALL f 2 {t}k {t}l
  COMMAND GETKEYSANDFLAGS FCALL_RO f 0
  # registration
  FUNCTION FLUSH
  ${loads([
    'redis.register_function()',
    'redis.register_function(1)',
    "redis.register_function('x')",
    "redis.register_function('x', 1)",
    'redis.register_function({}, 1)',
    "redis.register_function('a b', function() end)",
    "redis.register_function('', function() end)",
    "redis.register_function('a', function() end, 3)",
    "redis.register_function('a', function() end) redis.register_function('a', function() end)",
    'redis.register_function{}',
    "redis.register_function{function_name = 'x'}",
    'redis.register_function{callback = function() end}',
    'redis.register_function{function_name = {}}',
    'redis.register_function{callback = 1}',
    'redis.register_function{flags = 1}',
    'redis.register_function{flags = {1}}',
    "redis.register_function{flags = {'foo'}}",
    'redis.register_function{flags = {{}}}',
    'redis.register_function{description = {}}',
    'redis.register_function{foo = 1}',
    "redis.register_function{'x'}",
    "redis.register_function{[{}] = 'x'}",
  ])}
  FUNCTION LIST
  # what is known of a function
  FUNCTION FLUSH
  ${loads(["redis.register_function{FUNCTION_NAME = 'x', Callback = function() end, flags = {}}"])}
  FUNCTION LIST
  ${loads(['redis.register_function{function_name = 1, callback = print, description = 2}'])}
  ${loads(['redis.register_function{function_name = 1, callback = function() end, description = 2}'])}
  FUNCTION LIST WITHCODE
  ${loads([
    "redis.register_function{function_name = 'x', callback = function() end, " +
      "description = '', flags = {'ALLOW-STALE', 'no-writes', 'no-writes', nil, 'foo'}}",
  ])}
  FUNCTION LIST
  ${loads([
    "redis.register_function{function_name = 'x', callback = function() end, flags = " +
      "{'allow-cross-slot-keys', 'no-cluster', 'allow-stale', 'allow-oom', 'no-writes'}}",
  ])}
  FUNCTION LIST
  FUNCTION FLUSH
  # LIST
  FUNCTION FLUSH
  FUNCTION LIST
  FUNCTION LIST x
  FUNCTION LIST LIBRARYNAME
  FUNCTION LIST LIBRARYNAME x LIBRARYNAME y
  FUNCTION LIST WITHCODE WITHCODE
  FUNCTION LIST LIBRARYNAME WITHCODE
  FUNCTION LOAD "#!lua name=One\n${ECHO}"
  FUNCTION LOAD "#!lua name=two\n${ECHO.replace("'f'", "'g'")}"
  FUNCTION LIST LIBRARYNAME one
  FUNCTION LIST libraryname O* withcode
  FUNCTION LIST WITHCODE LIBRARYNAME [t]w?
  FUNCTION LIST LIBRARYNAME x*
  FUNCTION STATS
  FUNCTION STATS x
  FUNCTION FLUSH
  # arguments of FCALL
  FUNCTION FLUSH
  ${loads([ECHO])}
  FCALL f
  FCALL f 0
  FCALL F 1 {t}a
  FCALL f 1 {t}a b
  FCALL f 2 {t}a {t}b "" "\x00\xff"
  FCALL f x
  FCALL f 1.5 {t}a
  FCALL f 2 {t}a
  FCALL f -1 {t}a
  FCALL nope x
  FCALL nope 0
  FCALL_RO nope 0
  FCALL_RO f 0
  FUNCTION FLUSH
  # what functions see
  FUNCTION FLUSH
  ${each(
    [
      'count = 1',
      'return x',
      'return KEYS',
      'return ARGV',
      'n = 1',
      'counter = counter + 1 return counter',
      'return {type(keys), type(args)}',
      'keys[1] = 1 keys.x = 2 args.y = 3 return keys',
      'return {type(redis), type(string), type(cjson), type(print)}',
      "return redis.register_function('x', function() end)",
      "return register('x', function() end)",
      "return saved.call('get', 'x')",
      'return saved == redis',
      'return redis.breakpoint()',
      'return redis.replicate_commands()',
      'return redis.debug()',
      'return redis.nope',
      'return KEYS == nil',
      'redis.x = 1',
      'string.x = 1',
      '_G.x = 1',
      "rawset(_G, 'x', 1)",
      'setmetatable(_G, {})',
      "return rawget(_G, 'nope')",
      'return {_G._G == _G, _VERSION}',
      "return loadstring('return redis.sha1hex(1)')()",
      "return select(2, pcall(loadstring('x = 1')))",
    ],
    'local counter = 40 local saved = redis local register = redis.register_function',
  )}
  FCALL f6 0
  FCALL_RO f6 0
  FUNCTION FLUSH
  # locals live as long as the library
  FUNCTION FLUSH
  ${loads(["local n = 0 redis.register_function('f', function() n = n + 1 return n end)"])}
  FCALL f 0
  FCALL f 0
  ${loads(["local n = 0 redis.register_function('f', function() n = n + 1 return n end)"])}
  FCALL f 0
  FLUSHALL
  FCALL f 0
  FUNCTION FLUSH
  # values that functions return
  FUNCTION FLUSH
  ${each([
    'return',
    'return nil',
    'return true',
    'return false',
    'return 1.9',
    "return {1, 'x', {2, nil, 3}}",
    "return redis.status_reply('fine')",
    "return redis.error_reply('MY error')",
    "return {err = 'x'}",
    'return {double = 1.5}',
    'return {map = {a = 1}}',
    'return {set = {a = true}}',
    "redis.setresp(3) return redis.call('hgetall', '{t}none')",
    "return {big_number = '123'}",
  ])}
  # errors of functions
  FUNCTION FLUSH
  ${each([
    "error('boom')",
    "error('boom', 0)",
    "error('boom', 2)",
    "error({err = 'boom'})",
    "error({err = 'MY boom'})",
    'error()',
    'error(12)',
    'local x = nil; return x.y',
    "return redis.call('nosuch')",
    "return redis.call('incr')",
    "return redis.pcall('incr')",
    "redis.call('set', '{t}s', 'x') return redis.call('incr', '{t}s')",
    "return redis.pcall('lpush', '{t}s', 'x')",
    "return redis.call('fcall', 'f1', 0)",
    "return redis.call('function', 'list')",
    "return redis.call('eval', 'return 1', 0)",
    "local ok, e = pcall(error, 'x') return e",
    'return (function() return nope end)()',
  ])}
  # flags
  FUNCTION FLUSH
  ${loads([
    [
      "redis.register_function('set', function(k) return redis.call('set', k[1], 1) end)",
      "redis.register_function{function_name = 'ro', flags = {'no-writes'}, callback = function(k) " +
        "return redis.call('get', k[1]) end}",
      "redis.register_function{function_name = 'wo', flags = {'no-writes'}, callback = function(k) " +
        "return redis.call('set', k[1], 2) end}",
      "redis.register_function{function_name = 'all', flags = {'allow-oom', 'allow-stale', " +
        "'no-cluster', 'allow-cross-slot-keys'}, callback = function(k) " +
        "return redis.call('incr', k[1]) end}",
    ].join('\\n'),
  ])}
  FCALL_RO set 1 {t}k
  FCALL set 1 {t}k
  FCALL_RO ro 1 {t}k
  FCALL ro 1 {t}k
  FCALL_RO wo 1 {t}k
  FCALL wo 1 {t}k
  FCALL_RO all 1 {t}k
  FCALL all 1 {t}k
  FUNCTION FLUSH
  # in transactions
  FUNCTION FLUSH
  MULTI
  FUNCTION LOAD "#!lua name=a\n${ECHO}"
  FCALL f 1 {t}k a
  FUNCTION LOAD "#!lua name=a\n${ECHO}"
  FCALL nope 0
  FUNCTION LIST
  FUNCTION DELETE a
  FCALL f 1 {t}k a
  EXEC
  FUNCTION LIST
  # other databases
  FUNCTION FLUSH
  ${loads(["redis.register_function('f', function(k) return redis.call('incr', k[1]) end)"])}
  SELECT 3
  FCALL f 1 {t}n
  SELECT 0
  FCALL f 1 {t}n
  GET {t}n
  SELECT 3
  GET {t}n
  FUNCTION FLUSH
  # FLUSH, KILL, HELP and their like
  FUNCTION FLUSH
  FUNCTION FLUSH SYNC
  FUNCTION FLUSH async
  FUNCTION FLUSH x
  FUNCTION FLUSH SYNC x
  FUNCTION KILL
  FUNCTION KILL x
  FUNCTION DELETE
  FUNCTION DELETE x
  FUNCTION DUMP x
  FUNCTION HELP
  FUNCTION NOPE
  FUNCTION
  # payloads
  FUNCTION FLUSH
  FUNCTION DUMP
  FUNCTION RESTORE
  FUNCTION RESTORE x
  FUNCTION RESTORE x y z
  FUNCTION RESTORE x y
  FUNCTION RESTORE x FLUSH
  FUNCTION LOAD "#!lua name=a\n${ECHO}"
  FUNCTION RESTORE "\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda" APPEND
  FCALL f 0
  FUNCTION RESTORE "\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda" REPLACE
  FCALL f 0
  FUNCTION RESTORE "\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda" flush
  FCALL f 0
  FUNCTION FLUSH
`);
