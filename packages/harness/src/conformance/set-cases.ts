/** Conformance of the set commands. */

import { cases } from './conformance-case.ts';

const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => from + i).join(' ');
const names = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => `m${from + i}`).join(' ');

export const setCases = cases(String.raw`
  # SADD, SREM, SCARD, SISMEMBER
  SADD s a
  SADD s a b c a
  SADD s "" "x\x00\r\n\xff"
  SCARD s
  SMEMBERS s
  SISMEMBER s a
  SISMEMBER s A
  SISMEMBER s ""
  SISMEMBER s "x\x00\r\n\xff"
  SISMEMBER none a
  SREM s a none a
  SREM s a
  SREM none a
  SCARD s
  SCARD none
  TYPE s
  SREM s b c "" "x\x00\r\n\xff" d e
  EXISTS s
  SADD s
  SADD
  SREM s
  SCARD
  SCARD s t
  SISMEMBER s
  SISMEMBER s a b
  SMEMBERS
  SMEMBERS s t
  SMEMBERS none
  # sets and another type
  SET x v
  SADD x a
  SREM x a
  SCARD x
  SISMEMBER x a
  SMISMEMBER x a
  SMEMBERS x
  SPOP x
  SPOP x 0
  SPOP x 1
  SPOP x -1
  SRANDMEMBER x
  SRANDMEMBER x 0
  SRANDMEMBER x 1
  SSCAN x 0
  SSCAN x 0 COUNT
  SSCAN x y
  SADD s a
  SMOVE x s a
  SMOVE s x a
  SMOVE none x a
  SMOVE x none a
  SINTER x
  SINTER s x
  SINTER none x
  SINTER x none
  SUNION none x
  SDIFF none x
  SDIFF s none x
  SINTERCARD 2 none x
  SINTERSTORE d none x
  SUNIONSTORE d s x
  SDIFFSTORE d x
  EXISTS d
  SINTERSTORE x s s
  TYPE x
  SET x v
  SUNIONSTORE x none
  EXISTS x
  SADD s a
  GET s
  LPUSH s x
  INCR s
  # integers
  SADD i 3 1 2 -5 1 32767 -32768
  SMEMBERS i
  SADD i 32768
  SADD i -32769
  SMEMBERS i
  SADD i 2147483647 2147483648 -2147483649
  SMEMBERS i
  SADD i 9007199254740991 9007199254740992 9007199254740993 -9007199254740993
  SADD i 9223372036854775807 -9223372036854775808
  SMEMBERS i
  OBJECT ENCODING i
  SISMEMBER i 9007199254740992
  SISMEMBER i 9007199254740994
  SISMEMBER i 9223372036854775807
  SISMEMBER i 9223372036854775808
  SISMEMBER i 01
  SISMEMBER i +1
  SISMEMBER i " 1"
  SISMEMBER i 1.0
  SISMEMBER i ""
  SISMEMBER i -5
  SREM i 9223372036854775807 1 01
  SMEMBERS i
  SADD i 9223372036854775808
  SMEMBERS i
  SADD j 01 -0 +1 "1 " 1e3
  SISMEMBER j 1
  SISMEMBER j 0
  SMEMBERS j
  # forms
  SADD i ${numbers(512)}
  OBJECT ENCODING i
  SADD i 512
  OBJECT ENCODING i
  SCARD i
  SISMEMBER i 512
  SISMEMBER i 513
  SMEMBERS i
  SREM i ${numbers(512)}
  SMEMBERS i
  OBJECT ENCODING i
  SADD m ${names(128)}
  SADD m ${names(128, 64)}
  SCARD m
  SMEMBERS m
  OBJECT ENCODING m
  SADD n ${numbers(100)}
  SADD n x
  SADD n ${numbers(100, 50)}
  SCARD n
  SMEMBERS n
  OBJECT ENCODING n
  SADD l ${'y'.repeat(64)}
  SADD l ${'z'.repeat(65)}
  OBJECT ENCODING l
  SMEMBERS l
  SMISMEMBER l ${'y'.repeat(64)} ${'y'.repeat(65)} ${'z'.repeat(65)}
  # SMISMEMBER
  SADD s a 1 2
  SMISMEMBER s a b 1 3 a ""
  SMISMEMBER none a b
  SMISMEMBER s
  # SMOVE
  SADD s a b 1
  SADD t b
  SMOVE s t a
  SMOVE s t b
  SMOVE s t none
  SMEMBERS s
  SMEMBERS t
  SMOVE s u 1
  EXISTS s
  SMEMBERS u
  OBJECT ENCODING u
  SMOVE u u 1
  SMOVE u u 2
  SMOVE none u 1
  SMOVE s t
  EXPIRE t 1000
  SADD s q
  SMOVE s t q
  TTL t
  # SMOVE between neighbours
  SADD {k}s a b 1
  SADD {k}t b
  SMOVE {k}s {k}t a
  SMOVE {k}s {k}t b
  SMOVE {k}s {k}t none
  SMEMBERS {k}s
  SMEMBERS {k}t
  SMOVE {k}s {k}u 1
  EXISTS {k}s
  SMOVE {k}u {k}u 1
  SMOVE {k}none {k}u 1
  SET {k}x v
  SMOVE {k}x {k}u 1
  SMOVE {k}u {k}x 1
  SMOVE {k}none {k}x 1
  # SPOP
  SADD s a
  SPOP s
  EXISTS s
  SPOP s
  SPOP s 0
  SPOP s 3
  SPOP s -1
  SPOP s x
  SPOP s 1 2
  SPOP
  SADD s a b c
  SPOP s 0
  SPOP s 3
  EXISTS s
  SADD s 1 2 3
  SPOP s 100
  EXISTS s
  SADD s a b c d e f g h i j
  SPOP s
  SPOP s 4
  SCARD s
  SADD i ${numbers(300)}
  SPOP i 100
  SCARD i
  DEL i
  SADD i 5 6 7
  SPOP i 9223372036854775807
  SADD l ${'y'.repeat(65)} ${names(300)}
  SPOP l 100
  SCARD l
  SPOP l 200
  SCARD l
  SPOP l 1
  EXISTS l
  # SRANDMEMBER
  SRANDMEMBER none
  SRANDMEMBER none 3
  SRANDMEMBER none -3
  SRANDMEMBER none x
  SRANDMEMBER none 0
  SADD s a
  SRANDMEMBER s
  SRANDMEMBER s 1
  SRANDMEMBER s 5
  SRANDMEMBER s -5
  SRANDMEMBER s 0
  SRANDMEMBER s x
  SRANDMEMBER s 1 2
  SRANDMEMBER s -9223372036854775808
  SRANDMEMBER s 9223372036854775807
  SADD s b c 1 2 3
  SRANDMEMBER s 3
  SRANDMEMBER s 6
  SRANDMEMBER s 7
  SRANDMEMBER s -20
  SADD l ${'y'.repeat(65)} ${names(300)}
  SRANDMEMBER l 3
  SRANDMEMBER l 250
  SRANDMEMBER l 301
  SRANDMEMBER l -400
  SCARD l
  # SINTER, SUNION, SDIFF
  SADD a 1 2 3 4 5 x
  SADD b 3 4 5 6 y
  SADD c 5 x y z
  SINTER a b
  SINTER a b c
  SINTER a
  SINTER a a
  SINTER a none
  SINTER none none2
  SUNION a b c
  SUNION a
  SUNION a a
  SUNION none a
  SUNION none none2
  SUNION a b c a b c a
  SDIFF a b
  SDIFF a b c
  SDIFF a
  SDIFF a a
  SDIFF a b a
  SDIFF a none
  SDIFF none a
  SDIFF a none b none2 c
  SINTER
  SUNION
  SDIFF
  # the same among neighbours
  SADD {k}a 1 2 3 4 5 x
  SADD {k}b 3 4 5 6 y
  SADD {k}c 5 x y z
  SINTER {k}a {k}b
  SINTER {k}a {k}b {k}c
  SINTER {k}a {k}a
  SINTER {k}a {k}none
  SUNION {k}a {k}b {k}c
  SUNION {k}a {k}b {k}c {k}a {k}b {k}c {k}a
  SUNION {k}none {k}a
  SDIFF {k}a {k}b {k}c
  SDIFF {k}a {k}a
  SDIFF {k}a {k}none {k}b {k}none2 {k}c
  SINTERSTORE {k}d {k}a {k}b
  SMEMBERS {k}d
  SUNIONSTORE {k}d {k}d {k}c
  SMEMBERS {k}d
  SDIFFSTORE {k}a {k}a {k}d
  EXISTS {k}a
  SINTERCARD 2 {k}b {k}c
  # SINTERSTORE, SUNIONSTORE, SDIFFSTORE
  SADD a 1 2 3 4 5 x
  SADD b 3 4 5 6 y
  SADD c 5 x y z
  SINTERSTORE d a b
  SMEMBERS d
  OBJECT ENCODING d
  SINTERSTORE d a none
  EXISTS d
  SUNIONSTORE d a b
  SMEMBERS d
  SDIFFSTORE d a b
  SMEMBERS d
  SDIFFSTORE d a a
  EXISTS d
  SDIFFSTORE d none a
  SUNIONSTORE d none
  SINTERSTORE a a c
  SMEMBERS a
  SUNIONSTORE a a b c
  SMEMBERS a
  SDIFFSTORE a b a
  EXISTS a
  SET d v EX 1000
  SUNIONSTORE d b
  TYPE d
  TTL d
  EXPIRE d 1000
  SINTERSTORE d b d
  TTL d
  RPUSH l x
  SDIFFSTORE l b
  TYPE l
  SINTERSTORE d
  SUNIONSTORE
  # many members: both ways of SDIFF
  SADD a ${numbers(300)}
  SADD b ${numbers(300, 100)} x
  SADD c ${names(200)}
  SADD e 1 2 3 m7 m8 x
  SDIFF e a b c
  SDIFF a b c e
  SDIFF a e
  SDIFF b e
  SDIFF b a a e
  SDIFFSTORE d a b e
  OBJECT ENCODING d
  SMEMBERS d
  SDIFFSTORE d b a e
  SMEMBERS d
  SDIFFSTORE d b a c
  SMEMBERS d
  SINTER a b
  SINTER b e
  SINTERSTORE d a b
  OBJECT ENCODING d
  SMEMBERS d
  SINTERSTORE d b a
  OBJECT ENCODING d
  SINTERSTORE d c e
  SMEMBERS d
  SUNION a b c e
  SUNIONSTORE d a e
  SMEMBERS d
  SADD many ${numbers(600)}
  SINTERSTORE d many a
  OBJECT ENCODING d
  SINTERSTORE d many many
  OBJECT ENCODING d
  SUNIONSTORE d many
  OBJECT ENCODING d
  SCARD d
  # SINTERCARD
  SADD a 1 2 3 4
  SADD b 2 3 4 5
  SINTERCARD 2 a b
  SINTERCARD 1 a
  SINTERCARD 2 a a
  SINTERCARD 2 a none
  SINTERCARD 2 a b LIMIT 2
  SINTERCARD 2 a b limit 0
  SINTERCARD 2 a b LIMIT 100
  SINTERCARD 2 a b LIMIT -1
  SINTERCARD 2 a b LIMIT x
  SINTERCARD 2 a b LIMIT
  SINTERCARD 2 a b LIMIT 1 LIMIT 2
  SINTERCARD 2 a b LIMIT 1 x
  SINTERCARD 2 a b x
  SINTERCARD 0 a b
  SINTERCARD -1 a b
  SINTERCARD x a b
  SINTERCARD 3 a b
  SINTERCARD 9223372036854775807 a b
  SINTERCARD 1 a b
  SINTERCARD 1
  SINTERCARD
  # SSCAN
  SSCAN none 0
  SSCAN none x
  SSCAN none 0 BAD
  SADD s a b c 1 2 3
  SSCAN s 0
  SSCAN s 0 MATCH a*
  SSCAN s 0 MATCH [12] COUNT 100
  SSCAN s 0 COUNT 100
  SSCAN s 0 COUNT 0
  SSCAN s 0 COUNT -1
  SSCAN s 0 COUNT x
  SSCAN s 0 COUNT
  SSCAN s 0 MATCH
  SSCAN s 0 TYPE set
  SSCAN s 0 BAD
  SSCAN s x
  SSCAN s ""
  SSCAN s -1
  SSCAN s
  SADD i 3 1 2
  SSCAN i 0 COUNT 1
  SSCAN i 0 MATCH 3
  SADD m ${names(500)}
  SSCAN m 0 COUNT 10000
  SSCAN m 0 COUNT 10000 MATCH m12*
  # copies, renames, deadlines
  SADD s a b 1
  COPY s t
  SADD t c
  SMEMBERS s
  SMEMBERS t
  SADD i 5 6
  COPY i j
  OBJECT ENCODING j
  RENAME i k
  SMEMBERS k
  EXPIRE s 1000
  SADD s z
  SMEMBERS s
  SREM s a b 1 z
  TTL s
  SADD m ${names(300)}
  COPY m n
  SREM n m1
  SCARD m
  SCARD n
  DEL m
  SMEMBERS n
`);
