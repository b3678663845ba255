/**
 * Commands with many keys, so that on a server with shards the keys lie apart. `a` … `h` and `k:0` …
 * are on different shards with near certainty, whatever the seed of the hash is; keys with the same
 * tag (`{t}1`, `{t}2`) are always together, and go the other way through the router.
 */

import { cases } from './conformance-case.ts';

const NAMES = 'a b c d e f g h'.split(' ');
const MANY = Array.from({ length: 60 }, (_, i) => `k:${i}`);
const pairs = (names: readonly string[]) => names.map((name) => `${name} v${name}`).join(' ');
const all = NAMES.join(' ');
const many = MANY.join(' ');

export const spreadCases = cases(`
  # MSET and MGET over shards
  MSET ${pairs(MANY)}
  MGET ${many} none
  DBSIZE
  MGET none1 none2 none3 none4 none5
  MSET a 1 b 2 a 3 b 4 c 5 a 6
  MGET a b c
  MSET {t}1 x {t}2 y
  MGET {t}1 {t}2 a
  # counting over shards
  MSET ${pairs(NAMES)}
  EXISTS ${all} none a a
  TOUCH ${all} none h h
  DEL a b none a
  UNLINK c d none d
  EXISTS ${all}
  DBSIZE
  # MSETNX over shards
  MSETNX ${pairs(NAMES)}
  MSETNX x 1 y 2 z 3 w 4 a 5
  EXISTS x y z w
  MSETNX x 1 y 2 z 3 x 4
  MGET x y z
  RPUSH l e
  MSETNX n1 1 n2 2 n3 3 l 4
  EXISTS n1 n2 n3
  # MSET over other types and deadlines
  RPUSH a x
  SET b v EX 1000
  RPUSH c x
  MSET ${pairs(NAMES)}
  TYPE a
  TTL b
  MGET ${all}
  # MGET with other types
  RPUSH a x
  SET b v
  RPUSH c x
  MGET ${all}
  # RENAME over shards
  SET a v EX 1000
  ${NAMES.slice(1)
    .map((name, i) => `RENAME ${NAMES[i]} ${name}`)
    .join('\n  ')}
  GET h
  TTL h
  DBSIZE
  RPUSH l 1 2 3
  ${NAMES.map((name, i) => `RENAME ${i === 0 ? 'l' : NAMES[i - 1]} ${name}`).join('\n  ')}
  LRANGE h 0 -1
  TTL h
  RENAME none a
  RENAME none h
  DBSIZE
  # RENAMENX over shards
  MSET a 1 b 2 c 3
  RENAMENX a b
  RENAMENX a c
  RENAMENX a d
  RENAMENX d e
  RENAMENX e f
  RENAMENX none a
  MGET ${all}
  # COPY over shards
  SET a v PX 1000000
  COPY a b
  COPY a c
  COPY a d
  COPY a e
  COPY a b
  RPUSH l 1 2 3
  COPY l b
  COPY l b REPLACE
  COPY l c REPLACE
  COPY l d REPLACE
  RPUSH b 4
  LRANGE l 0 -1
  LRANGE b 0 -1
  TTL c
  TTL e
  COPY l x DB 3
  COPY a y DB 3
  COPY a z DB 99
  COPY none q
  COPY a q NOPE
  SELECT 3
  LRANGE x 0 -1
  TTL y
  # LMOVE over shards
  RPUSH a 1 2 3 4 5 6 7 8
  ${NAMES.slice(1)
    .map((name) => `LMOVE a ${name} LEFT RIGHT`)
    .join('\n  ')}
  ${NAMES.slice(1)
    .map((name) => `RPOPLPUSH ${name} a`)
    .join('\n  ')}
  LRANGE a 0 -1
  LMOVE none a LEFT LEFT
  LMOVE a b RIGHT RIGHT
  LMOVE a c RIGHT LEFT
  LMOVE a d UP LEFT
  SET s v
  SET s2 v
  SET s3 v
  LMOVE a s LEFT LEFT
  LMOVE a s2 LEFT LEFT
  LMOVE a s3 LEFT LEFT
  LMOVE s a LEFT LEFT
  LMOVE s2 a LEFT LEFT
  RPOPLPUSH none s
  RPOPLPUSH none s2
  LRANGE a 0 -1
  # LMOVE of the last element over shards
  RPUSH a x
  LMOVE a b LEFT LEFT
  LMOVE b c LEFT LEFT
  LMOVE c d LEFT LEFT
  DBSIZE
  LRANGE d 0 -1
  # LMPOP over shards
  RPUSH h 1 2 3
  RPUSH e 4 5
  LMPOP 8 ${all} LEFT
  LMPOP 8 ${all} RIGHT COUNT 10
  LMPOP 8 ${all} RIGHT COUNT 1
  LMPOP 8 ${all} RIGHT COUNT 10
  LMPOP 8 ${all} LEFT
  SET c v
  RPUSH h x
  LMPOP 8 ${all} LEFT
  LMPOP 2 h c LEFT
  LMPOP 9 ${all} LEFT
  LMPOP 8 ${all} UP
  LMPOP 8 ${all} LEFT COUNT 0
  # blocking pops over shards that find something
  RPUSH h 1 2 3 4 5 6
  BLPOP ${all} 0
  BRPOP ${all} 0
  BLMPOP 0 8 ${all} LEFT COUNT 2
  BLMOVE h a LEFT LEFT 0
  BRPOPLPUSH h b 0
  RPUSH g first
  RPUSH c second
  BLPOP g c 0
  BLPOP ${all} 0
  BLPOP ${all} 0
  BLPOP ${all} 0
  DBSIZE
  BLPOP ${all} 0.01
  BLMPOP 0.01 8 ${all} LEFT
  BLMOVE a b LEFT LEFT 0.01
  BLMOVE c d LEFT LEFT 0.01
  SET d v
  RPUSH h x
  BLPOP ${all} 0
  BLPOP h d 0
  BLPOP ${all} -1
  BLPOP ${all} x
  BLPOP ${all} 1e400
  BLPOP ${all} 1e5000
  # LCS over shards
  MSET a ohmytext b mynewtext c mytext d next
  LCS a b
  LCS a c LEN
  LCS a d IDX
  LCS b c IDX WITHMATCHLEN
  LCS b none
  LCS c none2 LEN
  LCS a b LEN IDX
  LCS a b NOPE
  RPUSH l x
  RPUSH l2 x
  LCS a l
  LCS a l2
  LCS l b
  # set operations over shards
  SADD a 1 2 3 x
  SADD b 2 3 4 x
  SADD c 3 4 5 x
  SADD d 10 20 30
  SINTER a b c
  SINTER a b none
  SINTER none a
  SINTER a a a
  SUNION a b c none
  SDIFF a b c
  SDIFF none a
  SDIFF a none b
  SINTERCARD 3 a b c
  SINTERCARD 2 a b LIMIT 1
  SINTERCARD 2 a none
  SINTERCARD 0 a
  SINTERCARD 3 a b
  SINTERCARD 2 a b LIMIT -1
  SINTERCARD 2 a b NOPE
  SINTERSTORE e a b
  SMEMBERS e
  SUNIONSTORE f a b c d
  SCARD f
  SDIFFSTORE g a b c
  SMEMBERS g
  SINTERSTORE f a d
  EXISTS f
  SUNIONSTORE a a b
  SCARD a
  SDIFFSTORE b a b
  SMEMBERS b
  SUNIONSTORE h none1 none2
  SET h v EX 1000
  SUNIONSTORE h c d
  TTL h
  TYPE h
  SINTERSTORE h none1 c
  EXISTS h
  SET s v
  SINTER a s
  SINTER s a
  SINTER none s
  SUNION a s
  SDIFF s a
  SDIFF a s
  SINTERCARD 2 a s
  SINTERSTORE q a s
  SUNIONSTORE q s a
  SDIFFSTORE s a b
  TYPE s
  SUNIONSTORE l
  SUNION
  DBSIZE
  # SMOVE over shards
  SADD a 1 2 3
  ${NAMES.slice(1)
    .map((name, i) => `SMOVE ${NAMES[i]} ${name} 1`)
    .join('\n  ')}
  SMEMBERS h
  SMOVE a none1 9
  SMOVE none1 a 9
  SMOVE none1 none2 9
  SMOVE a b 2
  SMOVE a b 2
  SADD a 2
  SMOVE a b 2
  SMOVE a c 3
  EXISTS a
  SET s v
  SET s2 v
  SMOVE b s 2
  SMOVE b s2 2
  SMOVE s b 2
  SMOVE s2 b 2
  SMOVE none s 2
  SMOVE none s2 2
  SMEMBERS b
  SMOVE a b
  # sorted set operations over shards
  ZADD a 1 x 2 y 3 z
  ZADD b 10 y 20 z 30 w
  ZADD c 100 z 200 w
  SADD d x w
  ZUNION 3 a b c WITHSCORES
  ZINTER 3 a b c WITHSCORES
  ZINTER 2 a b WEIGHTS 2 3 AGGREGATE MAX WITHSCORES
  ZDIFF 2 a b WITHSCORES
  ZDIFF 2 none a
  ZINTERCARD 2 a b
  ZINTERCARD 2 a b LIMIT 1
  ZUNION 2 a d WITHSCORES
  ZUNIONSTORE e 3 a b c
  ZRANGE e 0 -1 WITHSCORES
  ZINTERSTORE f 2 a b AGGREGATE MIN
  ZRANGE f 0 -1 WITHSCORES
  ZDIFFSTORE g 2 b c
  ZRANGE g 0 -1 WITHSCORES
  ZUNIONSTORE a 2 a b
  ZRANGE a 0 -1 WITHSCORES
  ZINTERSTORE h 2 none1 none2
  EXISTS h
  ZRANGESTORE h a 1 2
  ZRANGE h 0 -1 WITHSCORES
  ZRANGESTORE h none 0 -1
  EXISTS h
  ZRANGESTORE b a 20 +inf BYSCORE LIMIT 0 1
  ZRANGE b 0 -1 WITHSCORES
  SET s v
  ZUNION 2 a s
  ZUNIONSTORE s 1 a
  TYPE s
  SET s v
  ZINTERSTORE q 2 a s
  ZRANGESTORE q s 0 -1
  ZMPOP 3 none a b MIN
  ZMPOP 3 none b a MAX COUNT 2
  ZMPOP 2 none s MIN
  BZPOPMIN none a b 0
  BZPOPMAX c a b 0
  BZMPOP 0 3 none b a MIN COUNT 5
  BZPOPMIN none1 none2 none3 0.01
  BZPOPMIN none s a 0
  DBSIZE
  # bitmaps over shards
  MSET a foobar b abcdef c zz
  BITOP AND d a b
  GET d
  BITOP OR e a b c none
  GET e
  BITOP XOR a a b
  GET a
  BITOP NOT f c
  GET f
  BITOP NOT g none
  EXISTS g
  BITOP AND g none1 none2
  EXISTS g
  RPUSH l x
  BITOP OR h a l
  BITOP NOT l a
  TYPE l
  # HyperLogLogs over shards
  PFADD a 1 2 3 4
  PFADD b 3 4 5 6
  PFADD c x
  PFCOUNT a b c none
  PFMERGE d a b
  PFCOUNT d
  PFMERGE a b c
  PFCOUNT a
  PFMERGE e
  PFCOUNT e
  SET s v
  PFCOUNT a s
  PFMERGE a s
  PFMERGE s a
  # streams over shards
  XADD a 1-1 f v
  XADD b 2-1 f v
  XADD c 3-1 f v
  XREAD COUNT 10 STREAMS a b c none 0 0 0 0
  XREAD STREAMS a b c 1-1 2-1 3-0
  XREAD STREAMS none1 none2 none3 0 0 0
  XGROUP CREATE a g 0
  XGROUP CREATE b g 0
  XREADGROUP GROUP g me STREAMS a b > >
  XREADGROUP GROUP g me STREAMS a b > >
  XREADGROUP GROUP g me STREAMS a b c > > >
  COPY a d
  XRANGE d - +
  RENAME b e
  XRANGE e - +
  # places over shards
  GEOADD a 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
  GEOSEARCHSTORE b a FROMLONLAT 15 37 BYRADIUS 200 km ASC
  ZRANGE b 0 -1
  GEOSEARCHSTORE c a FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
  ZCARD c
  GEORADIUS a 15 37 200 km STORE d
  ZRANGE d 0 -1
  GEORADIUS a 15 37 200 km STORE e STOREDIST f
  EXISTS e f
  GEORADIUSBYMEMBER a Palermo 200 km STORE g
  ZRANGE g 0 -1
  GEOSEARCHSTORE h none FROMLONLAT 15 37 BYRADIUS 200 km
  # copies and renames of all types over shards
  HSET a f v g 1
  ${NAMES.slice(1)
    .map((name, i) => `RENAME ${NAMES[i]} ${name}`)
    .join('\n  ')}
  HGET h g
  SADD set 1 2 3
  ${NAMES.map((name) => `COPY set ${name} REPLACE`).join('\n  ')}
  SCARD a
  SCARD h
  ZADD zset 1 x 2 y
  ${NAMES.map((name) => `COPY zset ${name} REPLACE`).join('\n  ')}
  ZSCORE d y
  PFADD hll a b c
  COPY hll a REPLACE
  COPY hll b REPLACE
  PFCOUNT a b
  # everything at once over shards
  MSET ${pairs(MANY)}
  RPUSH list x
  DBSIZE
  KEYS k:1*
  KEYS *
  RANDOMKEY
  SWAPDB 0 1
  DBSIZE
  SELECT 1
  DBSIZE
  MGET ${many}
  MOVE k:1 0
  MOVE k:2 0
  FLUSHDB
  DBSIZE
  SELECT 0
  DBSIZE
  FLUSHALL
  DBSIZE
  KEYS *
  RANDOMKEY
  # mistakes over shards
  DEL
  MSET a 1 b
  MSETNX a 1 b
  MGET
  SWAPDB 0 99
  SWAPDB x y
  FLUSHALL NOPE
  FLUSHDB NOPE
  KEYS
  DBSIZE x
  RANDOMKEY x
  SCAN 0 COUNT 0
  SCAN x
  LMPOP 3 a b LEFT
  BLMPOP 0 3 a b LEFT
`);
