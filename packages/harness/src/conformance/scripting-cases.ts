/**
 * Conformance of EVAL, EVALSHA and SCRIPT: conversions both ways, errors and their texts, what
 * scripts may call. All keys have one hash tag. Texts of errors contain a script's digest, so a
 * script here is the same text on both servers.
 *
 * Tables of RESP3 have one field here: with more, the order is Lua's.
 */

import { cases } from './conformance-case.ts';

export const scriptingCases = cases(String.raw`
  # values to replies
  EVAL "return 1" 0
  EVAL "return 'text'" 0
  EVAL "return nil" 0
  EVAL "return" 0
  EVAL "" 0
  EVAL "return true" 0
  EVAL "return false" 0
  EVAL "return {1, 2, {3, 'x', {}}}" 0
  EVAL "return {1, 2, nil, 3}" 0
  EVAL "return {nil, 1}" 0
  EVAL "return {1, false, true, 2}" 0
  EVAL "return {a = 1}" 0
  EVAL "return {1, 2, a = 1}" 0
  EVAL "return print" 0
  EVAL "return {print, 1}" 0
  EVAL "return {}, 1" 0
  EVAL "return 1, 2, 3" 0
  EVAL "return {KEYS, ARGV}" 2 {t}a {t}b c d
  EVAL "return {#KEYS, #ARGV, KEYS[3], ARGV[3]}" 2 {t}a {t}b c d
  # numbers to replies
  EVAL "return {1.9, -1.9, 0.5, -0.5, -0, 3.0000001}" 0
  EVAL "return {2 ^ 31, 2 ^ 32, 2 ^ 53, 2 ^ 53 + 2, -2 ^ 53}" 0
  EVAL "return {2 ^ 62, -2 ^ 63, 2 ^ 63 - 1024}" 0
  EVAL "return {2 ^ 63, 2 ^ 64, 1e300, -1e300, 1 / 0, -1 / 0, 0 / 0}" 0
  EVAL "return tonumber('0x10')" 0
  EVAL "return 1e15 + 0.5" 0
  # typed tables to replies
  EVAL "return {ok = 'fine'}" 0
  EVAL "return {ok = 'two\r\nlines'}" 0
  EVAL "return {ok = 'up to\\0here'}" 0
  EVAL "return {ok = 12}" 0
  EVAL "return {ok = true}" 0
  EVAL "return {ok = {}}" 0
  EVAL "return {err = 'boo'}" 0
  EVAL "return {err = 'CODE boo'}" 0
  EVAL "return {err = '-CODE boo'}" 0
  EVAL "return {err = 'two\r\nlines'}" 0
  EVAL "return {err = 'up to\\0here'}" 0
  EVAL "return {err = 12}" 0
  EVAL "return {err = 'x', ok = 'y'}" 0
  EVAL "return {1, {ok = 'fine'}, {err = 'E boo'}, 2}" 0
  EVAL "return {double = 3.5}" 0
  EVAL "return {double = 0.1}" 0
  EVAL "return {double = 1 / 0}" 0
  EVAL "return {double = -1 / 0}" 0
  EVAL "return {double = 1e300}" 0
  EVAL "return {double = -0.0}" 0
  EVAL "return {double = 'x'}" 0
  EVAL "return {map = {a = 1}}" 0
  EVAL "return {map = {a = {1, {b = 2}, {map = {c = 3}}}}}" 0
  EVAL "return {map = {}}" 0
  EVAL "return {map = 1}" 0
  EVAL "return {map = {[3] = false}}" 0
  EVAL "return {set = {a = true}}" 0
  EVAL "return {set = {[7] = 0}}" 0
  EVAL "return {set = {}}" 0
  EVAL "return {set = 'x'}" 0
  EVAL "return {big_number = '123456789012345678901234567890'}" 0
  EVAL "return {big_number = '12\r\n34'}" 0
  EVAL "return {big_number = {}}" 0
  EVAL "return {verbatim_string = {format = 'txt', string = 'some text'}}" 0
  EVAL "return {verbatim_string = {format = 'longer', string = 'x'}}" 0
  EVAL "return {verbatim_string = {string = 'x'}}" 0
  EVAL "return {verbatim_string = 'x'}" 0
  # booleans of a script that chose RESP3
  EVAL "redis.setresp(3) return {true, false}" 0
  EVAL "redis.setresp(3) return true" 0
  EVAL "redis.setresp(3) return false" 0
  EVAL "redis.setresp(3) return {false, nil, 1}" 0
  EVAL "redis.setresp(3) redis.setresp(2) return {true, false}" 0
  EVAL "return {true, false}" 0
  EVAL "redis.setresp(3) error({err = 'X'})" 0
  EVAL "return redis.setresp(3)" 0
  EVAL "redis.setresp(4)" 0
  EVAL "redis.setresp('3') return true" 0
  EVAL "redis.setresp('x')" 0
  EVAL "redis.setresp()" 0
  EVAL "redis.setresp(2, 3)" 0
  # replies to values, RESP2
  RPUSH {t}l a b
  HSET {t}h f v
  SADD {t}s m
  ZADD {t}z 1.5 m
  SET {t}n 5
  EVAL "return {redis.call('GET', KEYS[1])}" 1 {t}none
  EVAL "return redis.call('GET', KEYS[1]) == false" 1 {t}none
  EVAL "return type(redis.call('GET', KEYS[1]))" 1 {t}n
  EVAL "return type(redis.call('INCR', KEYS[1]))" 1 {t}n
  EVAL "return type(redis.call('SET', KEYS[1], 1).ok)" 1 {t}n
  EVAL "return redis.call('SET', KEYS[1], 1)" 1 {t}n
  EVAL "return redis.call('LRANGE', KEYS[1], 0, -1)" 1 {t}l
  EVAL "return redis.call('HGETALL', KEYS[1])" 1 {t}h
  EVAL "return redis.call('SMEMBERS', KEYS[1])" 1 {t}s
  EVAL "return redis.call('ZSCORE', KEYS[1], 'm')" 1 {t}z
  EVAL "return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')" 1 {t}z
  EVAL "return redis.call('HMGET', KEYS[1], 'f', 'g', 'f')" 1 {t}h
  EVAL "return #redis.call('HMGET', KEYS[1], 'f', 'g', 'f')" 1 {t}h
  EVAL "return redis.call('LPOP', KEYS[1], 5)" 1 {t}none
  EVAL "return redis.call('BLPOP', KEYS[1], 0)" 1 {t}none
  EVAL "return redis.call('BLPOP', KEYS[1], 0)" 1 {t}l
  EVAL "return redis.call('TYPE', KEYS[1])" 1 {t}l
  EVAL "return redis.call('TYPE', KEYS[1])['ok']" 1 {t}l
  # replies to values, RESP3
  HSET {t}h f v
  SADD {t}s m
  ZADD {t}z 1.5 m
  EVAL "redis.setresp(3) return redis.call('HGETALL', KEYS[1])" 1 {t}h
  EVAL "redis.setresp(3) return redis.call('HGETALL', KEYS[1]).map.f" 1 {t}h
  EVAL "redis.setresp(3) return redis.call('HGETALL', KEYS[1])" 1 {t}none
  EVAL "redis.setresp(3) return redis.call('SMEMBERS', KEYS[1])" 1 {t}s
  EVAL "redis.setresp(3) return redis.call('SMEMBERS', KEYS[1]).set.m" 1 {t}s
  EVAL "redis.setresp(3) return redis.call('ZSCORE', KEYS[1], 'm')" 1 {t}z
  EVAL "redis.setresp(3) return redis.call('ZSCORE', KEYS[1], 'm').double * 2" 1 {t}z
  EVAL "redis.setresp(3) return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')" 1 {t}z
  EVAL "redis.setresp(3) return type(redis.call('ZSCORE', KEYS[1], 'n'))" 1 {t}z
  EVAL "redis.setresp(3) return {redis.call('GET', KEYS[1]), 1}" 1 {t}none
  EVAL "redis.setresp(3) return redis.call('HMGET', KEYS[1], 'g', 'f')" 1 {t}h
  EVAL "redis.setresp(3) return redis.call('HMGET', KEYS[1], 'f', 'g')" 1 {t}h
  EVAL "redis.setresp(3) local r = redis.call('HMGET', KEYS[1], 'g', 'f') return {type(r[1]), r[2]}" 1 {t}h
  EVAL "redis.setresp(3) return redis.call('ZADD', KEYS[1], 'INCR', 1, 'm')" 1 {t}z
  EVAL "redis.setresp(3) return redis.call('ZADD', KEYS[1], 'NX', 'INCR', 1, 'm')" 1 {t}z
  EVAL "redis.setresp(3) return redis.call('INCRBYFLOAT', KEYS[1], 1.5)" 1 {t}f
  # arguments of commands
  EVAL "redis.call('SET', KEYS[1], 3.5) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 0.1) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 1e300) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 1e15) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 2 ^ 53) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 2 ^ 53 + 2) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 2 ^ 63) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], -2 ^ 63) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 1 / 0) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], -1 / 0) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 0 / 0) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 1 / 3) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 7034182736454321.0) return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], '') return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SET', KEYS[1], 'a\\0b\\r\\n\\255') return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "return #ARGV[1]" 0 "\x00\xff\r\n"
  EVAL "return ARGV[1]" 0 "\x00\xff\r\n"
  EVAL "return redis.call('SET', KEYS[1], true)" 1 {t}k
  EVAL "return redis.call('SET', KEYS[1], nil)" 1 {t}k
  EVAL "return redis.call('SET', KEYS[1], {})" 1 {t}k
  EVAL "return redis.call({})" 0
  EVAL "return redis.call()" 0
  EVAL "return redis.call(1)" 0
  EVAL "return redis.call('')" 0
  EVAL "return redis.call('set', KEYS[1])" 1 {t}k
  EVAL "return redis.call('Set', KEYS[1], 'x', 'EX', 100)" 1 {t}k
  # integers beyond 2^53
  SET {t}i 9223372036854775806
  EVAL "return redis.call('INCR', KEYS[1])" 1 {t}i
  EVAL "return string.format('%.17g', redis.call('DECR', KEYS[1]))" 1 {t}i
  EVAL "return tostring(redis.call('DECR', KEYS[1]))" 1 {t}i
  SET {t}i 9007199254740992
  EVAL "return redis.call('INCR', KEYS[1])" 1 {t}i
  EVAL "return string.format('%.17g', redis.call('INCR', KEYS[1]))" 1 {t}i
  # errors of commands
  SET {t}s v
  EVAL "return redis.call('LPUSH', KEYS[1], 1)" 1 {t}s
  EVAL "return redis.pcall('LPUSH', KEYS[1], 1)" 1 {t}s
  EVAL "return redis.pcall('LPUSH', KEYS[1], 1).err" 1 {t}s
  EVAL "local e = redis.pcall('LPUSH', KEYS[1], 1) return {e.ignore_error_stats_update, e.ok}" 1 {t}s
  EVAL "local ok, e = pcall(redis.call, 'LPUSH', KEYS[1], 1) return {ok, type(e), e.err}" 1 {t}s
  EVAL "local ok, e = pcall(redis.call, 'NOSUCH') return {ok, type(e), e.err}" 0
  EVAL "local ok, e = pcall(redis.call) return {ok, type(e), e.err, e.ignore_error_stats_update}" 0
  EVAL "return redis.pcall('NOSUCH')" 0
  EVAL "return {1, redis.pcall('NOSUCH'), 2}" 0
  EVAL "return redis.call('NOSUCH')" 0
  EVAL "\n\nreturn redis.call('NOSUCH')" 0
  EVAL "local function f() return redis.call('NOSUCH') end\nreturn f()" 0
  EVAL "local e = redis.pcall('NOSUCH') error(e)" 0
  EVAL "local e = redis.pcall('LPUSH', KEYS[1], 1) error(e)" 1 {t}s
  EVAL "local e = redis.pcall('INCR', KEYS[1]) return e" 1 {t}s
  EVAL "return redis.call('GET')" 0
  EVAL "return redis.pcall('GET')" 0
  EVAL "redis.call('SET', KEYS[1], 1) redis.call('LPUSH', KEYS[1], 1)" 1 {t}s
  GET {t}s
  # errors of the script
  EVAL "error('boo')" 0
  EVAL "error('boo', 0)" 0
  EVAL "error('boo', 2)" 0
  EVAL "error({err = 'MY boo'})" 0
  EVAL "error({err = 'boo'})" 0
  EVAL "error({err = 'a\\0b'})" 0
  EVAL "error('a\\0b')" 0
  EVAL "error('two\\r\\nlines')" 0
  EVAL "error()" 0
  EVAL "error(12)" 0
  EVAL "local t = nil return t.x" 0
  EVAL "return 1 + {}" 0
  EVAL "return nosuch" 0
  EVAL "x = 1" 0
  EVAL "return #5" 0
  EVAL "retur" 0
  EVAL "return 'unfinished" 0
  EVAL "for" 0
  EVAL "local ok, e = pcall(error, {err = 'X y'}) return e" 0
  EVAL "local ok, e = pcall(error, 'text') return {ok, e}" 0
  EVAL "local ok, e = pcall(function() local t = nil return t.x end) return e" 0
  EVAL "assert(false)" 0
  EVAL "assert(false, 'because')" 0
  EVAL "assert(nil, {err = 'X because'})" 0
  # error_reply, status_reply
  EVAL "return redis.error_reply('boo')" 0
  EVAL "return redis.error_reply('-boo')" 0
  EVAL "return redis.error_reply('CODE boo')" 0
  EVAL "return redis.error_reply('-CODE boo')" 0
  EVAL "return redis.error_reply('')" 0
  EVAL "return redis.error_reply('a\\0b')" 0
  EVAL "return redis.error_reply('x\\r\\ny z')" 0
  EVAL "return redis.error_reply()" 0
  EVAL "return redis.error_reply(1)" 0
  EVAL "return redis.error_reply('a', 'b')" 0
  EVAL "return redis.error_reply('boo').err" 0
  EVAL "return redis.status_reply('fine')" 0
  EVAL "return redis.status_reply('')" 0
  EVAL "return redis.status_reply('x\\r\\ny')" 0
  EVAL "return redis.status_reply()" 0
  EVAL "return redis.status_reply({})" 0
  # other functions of redis
  EVAL "return redis.sha1hex('')" 0
  EVAL "return redis.sha1hex('abc\\255')" 0
  EVAL "return redis.sha1hex(12)" 0
  EVAL "return redis.sha1hex()" 0
  EVAL "return redis.log()" 0
  EVAL "return redis.log(1)" 0
  EVAL "return redis.log('a', 'b')" 0
  EVAL "return redis.log(9, 'b')" 0
  EVAL "return redis.replicate_commands()" 0
  EVAL "return redis.set_repl(redis.REPL_ALL)" 0
  EVAL "return redis.set_repl(9)" 0
  EVAL "return redis.breakpoint()" 0
  EVAL "return redis.acl_check_cmd('SET', 'a', 'b')" 0
  EVAL "return redis.acl_check_cmd('SUT')" 0
  EVAL "redis.call = 1" 0
  EVAL "rawset(redis, 'x', 1)" 0
  EVAL "setmetatable(redis, {})" 0
  EVAL "return getmetatable(redis)" 0
  # what scripts may not call
  EVAL "return redis.call('EVAL', 'return 1', 0)" 0
  EVAL "return redis.call('EVALSHA', 'x', 0)" 0
  EVAL "return redis.call('SCRIPT', 'FLUSH')" 0
  EVAL "return redis.call('MULTI')" 0
  EVAL "return redis.call('EXEC')" 0
  EVAL "return redis.call('WATCH', KEYS[1])" 1 {t}a
  EVAL "return redis.call('CLIENT', 'KILL', 'x')" 0
  EVAL "return redis.call('SHUTDOWN')" 0
  EVAL "return redis.call('SAVE')" 0
  EVAL "return redis.call('CLIENT')" 0
  EVAL "return redis.call('OBJECT', 'NOSUCH', 'x')" 0
  EVAL "return redis.call('OBJECT')" 0
  # commands of the connection
  EVAL "return redis.call('PING')" 0
  EVAL "return redis.call('PING', 'x')" 0
  EVAL "return redis.call('ECHO', 'x')" 0
  EVAL "return #redis.call('TIME')" 0
  # SELECT in a script
  EVAL "redis.call('SELECT', 3) return redis.call('SET', KEYS[1], 'three')" 1 {t}k
  GET {t}k
  SELECT 3
  GET {t}k
  EVAL "return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "redis.call('SELECT', 0) return redis.call('GET', KEYS[1])" 1 {t}k
  GET {t}k
  EVAL "return redis.call('SELECT', 99)" 0
  EVAL "return redis.call('SELECT', 'x')" 0
  EVAL "redis.call('SELECT', 1) error('out')" 0
  GET {t}k
  # number of keys
  EVAL "return 1" -1
  EVAL "return 1" x
  EVAL "return 1" 2 a
  EVAL "return 1" ""
  EVAL "return 1" 1.0
  EVAL "return 1" 99999999999999999999
  EVAL "return 1"
  EVAL
  EVALSHA x
  EVAL_RO "return 1"
  EVAL "return #KEYS" 3 {t}a {t}b {t}c
  EVAL "return #ARGV" 0 a b c
  # digests
  EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
  EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
  EVALSHA abc 0
  EVALSHA "" 0
  SCRIPT LOAD "return {'loaded', KEYS, ARGV}"
  SCRIPT LOAD "return 'one two three'"
  SCRIPT LOAD "retur"
  SCRIPT LOAD "return nosuch"
  SCRIPT LOAD
  SCRIPT LOAD a b
  SCRIPT EXISTS
  SCRIPT EXISTS ffffffffffffffffffffffffffffffffffffffff x
  SCRIPT KILL
  SCRIPT FLUSH NOW
  SCRIPT FLUSH SYNC ASYNC
  SCRIPT NOSUCH
  SCRIPT
  # a digest that is known, in any case
  EVAL "return 1" 0
  EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
  EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0
  EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
  SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db E0E1F9FABFC9D4800C877A703B823AC0578FF8DB
  SCRIPT FLUSH ASYNC
  EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
  SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db
  EVAL "return 1" 0
  SCRIPT FLUSH
  EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
  # read-only
  SET {t}k v
  EVAL_RO "return redis.call('GET', KEYS[1])" 1 {t}k
  EVAL_RO "return redis.call('SET', KEYS[1], 'w')" 1 {t}k
  EVAL_RO "return redis.pcall('SET', KEYS[1], 'w')" 1 {t}k
  EVAL_RO "return redis.call('PFCOUNT', KEYS[1])" 1 {t}none
  EVAL_RO "return redis.call('EXPIRE', KEYS[1], 100)" 1 {t}k
  EVAL_RO "return redis.call('GETEX', KEYS[1])" 1 {t}k
  EVAL_RO "return redis.call('SET')" 1 {t}k
  GET {t}k
  # first line
  EVAL "#!lua\nreturn 1" 0
  EVAL "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])" 1 {t}k
  EVAL "#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 1)" 1 {t}k
  EVAL "#!lua flags=no-writes,allow-stale\nreturn 2" 0
  EVAL "#!lua flags=\nreturn 3" 0
  EVAL "#!lua flags=,\nreturn 3" 0
  EVAL "#!lua  flags=no-writes\nreturn 4" 0
  EVAL "#!lua flags=foo\nreturn 1" 0
  EVAL "#!lua flags=no-writes,foo\nreturn 1" 0
  EVAL "#!lua foo=bar\nreturn 1" 0
  EVAL "#!lua name=bar\nreturn 1" 0
  EVAL "#!lua flags\nreturn 1" 0
  EVAL "#!foo\nreturn 1" 0
  EVAL "#!\nreturn 1" 0
  EVAL "#!LUA\nreturn 1" 0
  EVAL "#!lua \"flags=no-writes\"\nreturn 1" 0
  EVAL "#!lua 'flags=no-writes'\nreturn 1" 0
  EVAL "#!lua\tflags=no-writes\r\nreturn 1" 0
  EVAL "#!lua flags=\"no-writes\"\nreturn 1" 0
  EVAL "#!lua FLAGS=no-writes\nreturn 1" 0
  EVAL "#!lua flags=no-writes flags=allow-oom\nreturn 1" 0
  EVAL "#!lua \"x\nreturn 1" 0
  EVAL "#!lua x=1 \"\nreturn 1" 0
  EVAL "#!lua" 0
  EVAL "#!lua flags=no-writes" 0
  EVAL " #!lua\nreturn 1" 0
  EVAL "#!lua\nerror('on line two')" 0
  EVAL "#!lua\nretur" 0
  EVAL_RO "#!lua\nreturn 1" 0
  EVAL_RO "#!lua flags=no-writes\nreturn 1" 0
  EVAL_RO "#!lua flags=allow-oom\nreturn 1" 0
  # a script is one command for who waits and who watches
  MULTI
  EVAL "redis.call('SET', KEYS[1], 'x') return redis.call('GET', KEYS[1])" 1 {t}k
  EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
  EVAL "retur" 0
  EVAL "return redis.call('LPUSH', KEYS[1], 1)" 1 {t}k
  INCR {t}n
  EXEC
  GET {t}n
  WATCH {t}k
  EVAL "return redis.call('SET', KEYS[1], 'y')" 1 {t}k
  MULTI
  PING
  EXEC
  WATCH {t}k
  EVAL "return redis.call('GET', KEYS[1])" 1 {t}k
  MULTI
  PING
  EXEC
  # streams
  XADD {t}x 1-1 a 1
  EVAL "return redis.call('XREAD', 'STREAMS', KEYS[1], 0)" 1 {t}x
  EVAL "return redis.call('XREAD', 'COUNT', 1, 'STREAMS', KEYS[1], '$')" 1 {t}x
  EVAL "return redis.call('XREAD', 'x', 'STREAMS', KEYS[1], '$')" 1 {t}x
  EVAL "redis.setresp(3) return redis.call('XREAD', 'STREAMS', KEYS[1], 0)" 1 {t}x
  XGROUP CREATE {t}x g 0
  EVAL "return redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', KEYS[1], '>')" 1 {t}x
  EVAL "return redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', KEYS[1], '>')" 1 {t}x
  EVAL "return redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', KEYS[1], 0)" 1 {t}x
  EVAL "return redis.call('XREADGROUP', 'GROUP', 'h', 'c', 'STREAMS', KEYS[1], 0)" 1 {t}x
  EVAL "return redis.call('XADD', KEYS[1], 'MAXLEN', 1, '2-1', 'b', 2)" 1 {t}x
  EVAL "return redis.call('XRANGE', KEYS[1], '-', '+')" 1 {t}x
  # moves that find nothing
  RPUSH {t}l a
  EVAL "return {redis.call('BLMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT', 0)}" 2 {t}none {t}l
  EVAL "return {redis.call('BRPOPLPUSH', KEYS[1], KEYS[2], 0)}" 2 {t}none {t}l
  EVAL "redis.setresp(3) return {type(redis.call('BLMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT', 0))}" 2 {t}none {t}l
  EVAL "return redis.call('BLMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT', 0)" 2 {t}l {t}m
  EVAL "return redis.call('BLMPOP', 0, 1, KEYS[1], 'LEFT')" 1 {t}m
  EVAL "return redis.call('BZPOPMIN', KEYS[1], 0)" 1 {t}m
  EVAL "return redis.call('BLPOP', KEYS[1], 'x')" 1 {t}m
  # many arguments
  EVAL "local t = {} for i = 1, 7000 do t[i] = i end return redis.call('RPUSH', KEYS[1], unpack(t))" 1 {t}l
  EVAL "local r = redis.call('LRANGE', KEYS[1], 0, -1) return {#r, r[1], r[7000]}" 1 {t}l
  EVAL "return redis.call('DEL', KEYS[1])" 1 {t}l
  EVAL "return #redis.call('MGET', unpack(KEYS))" 3 {t}a {t}b {t}c
  # large values
  EVAL "redis.call('SET', KEYS[1], string.rep('x', 1048576)) return redis.call('STRLEN', KEYS[1])" 1 {t}b
  EVAL "return #redis.call('GET', KEYS[1])" 1 {t}b
  EVAL "redis.call('APPEND', KEYS[1], redis.call('GET', KEYS[1])) return #redis.call('GET', KEYS[1])" 1 {t}b
  EVAL "return redis.sha1hex(redis.call('GET', KEYS[1]))" 1 {t}b
  DEL {t}b
  # libraries that reply
  EVAL "return cjson.encode({1, 'a', {b = false}})" 0
  EVAL "return cjson.decode(ARGV[1])" 0 "[1, \"a\", null, [2]]"
  EVAL "return cmsgpack.unpack(cmsgpack.pack({1, 'a', {2}}))" 0
  EVAL "return bit.band(0xff, 0x0f)" 0
  EVAL "return struct.pack('>I2', 258)" 0
  EVAL "return cjson.decode('[')" 0
  # a key that expires within a script stays until it ends
  EVAL "redis.call('SET', KEYS[1], 'v', 'PX', 1) local t = redis.call('TIME') return redis.call('EXISTS', KEYS[1])" 1 {t}e
  EVAL "redis.call('SET', KEYS[1], 'v') return redis.call('PEXPIREAT', KEYS[1], 1)" 1 {t}e
  EXISTS {t}e
`);
