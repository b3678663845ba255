/** Conformance of MULTI, EXEC, DISCARD, WATCH and UNWATCH, with keys on one shard and on several. */

import { cases } from './conformance-case.ts';

export const transactionCases = cases(`
  # MULTI and EXEC
  MULTI
  SET a 1
  INCR a
  GET a
  EXEC
  GET a
  EXEC
  MULTI
  EXEC
  DISCARD
  # keys on many shards
  MULTI
  SET a 1
  SET b 2
  SET c 3
  MGET a b c d
  DEL a b
  EXISTS a b c
  MSET d 4 e 5
  EXEC
  MGET a b c d e
  # commands of several phases inside
  MULTI
  RPUSH a 1 2 3
  LMOVE a b LEFT RIGHT
  LMOVE a c LEFT RIGHT
  LRANGE a 0 -1
  RENAME b x
  MSETNX y 1 z 2
  MSETNX y 1 q 2
  COPY c w
  EXISTS a b c w x y z q
  EXEC
  # errors when queued
  MULTI
  NOSUCH a
  SET a 1
  EXEC
  GET a
  MULTI
  GET
  EXEC
  MULTI
  SET a 1
  EXEC a
  EXEC
  # errors when executed go on
  SET s v
  MULTI
  INCR s
  LPUSH s x
  SET t 1
  LPOP s
  EXEC
  GET t
  # blocking commands do not block
  MULTI
  BLPOP none 0
  BLPOP none other 0
  BRPOPLPUSH none other 0
  BLMOVE none another LEFT RIGHT 0
  BLMPOP 0 2 none other LEFT
  EXEC
  # nested, discarded
  MULTI
  MULTI
  WATCH a
  SET a 1
  DISCARD
  GET a
  DISCARD
  EXEC
  # WATCH that nothing disturbs
  SET a 1
  WATCH a b c
  MULTI
  INCR a
  SET b 1
  EXEC
  WATCH a
  UNWATCH
  SET a 5
  MULTI
  GET a
  EXEC
  # WATCH of a key that changes
  WATCH a
  SET a 1
  MULTI
  GET a
  EXEC
  MULTI
  GET a
  EXEC
  WATCH a b
  DEL b
  MULTI
  GET a
  EXEC
  WATCH a
  SET a 1 NX
  MULTI
  GET a
  EXEC
  WATCH a
  EXPIRE a 100
  MULTI
  EXEC
  WATCH none
  DEL none
  MULTI
  PING
  EXEC
  # WATCH and whole databases
  SET a 1
  WATCH a
  FLUSHDB
  MULTI
  PING
  EXEC
  WATCH a
  FLUSHALL
  MULTI
  PING
  EXEC
  SET a 1
  WATCH a
  SWAPDB 0 1
  MULTI
  PING
  EXEC
  SELECT 1
  WATCH b
  SWAPDB 0 1
  MULTI
  PING
  EXEC
  # WATCH across databases
  WATCH a
  SELECT 1
  SET a 1
  MULTI
  PING
  EXEC
  SELECT 0
  WATCH a
  MULTI
  SELECT 1
  SET a 2
  EXEC
  GET a
  SELECT 0
  GET a
  # a discarded transaction ends watching
  WATCH a
  MULTI
  DISCARD
  SET a 1
  MULTI
  PING
  EXEC
  # an aborted transaction ends watching
  WATCH a
  SET a 1
  MULTI
  NOSUCH
  EXEC
  MULTI
  PING
  EXEC
  # connection commands inside
  MULTI
  PING
  PING hello
  ECHO x
  SELECT 3
  SET k 3
  CLIENT GETNAME
  CLIENT SETNAME me
  CLIENT GETNAME
  SELECT 99
  DBSIZE
  EXEC
  GET k
  # RESET within
  MULTI
  SET a 1
  RESET
  EXEC
  GET a
  # arity
  MULTI x
  EXEC x
  DISCARD x
  WATCH
  UNWATCH x
  # not allowed inside
  MULTI
  SAVE
  EXEC
  MULTI
  SHUTDOWN NOSAVE NOW FORCE EXTRA
  EXEC
`);
