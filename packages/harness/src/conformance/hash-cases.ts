/**
 * Conformance of the hash commands that redis-server 7.0 has; deadlines of fields, which it has
 * not, are in core's commands/hash-expiry.test.ts.
 */

import { cases } from './conformance-case.ts';

const FIELDS = Array.from({ length: 600 }, (_, i) => `field:${i} ${i * i - 1000}`);
const LONG = 'x'.repeat(65);

export const hashCases = cases(String.raw`
  # HSET, HMSET, HSETNX
  HSET h a 1
  HSET h a 2 b 3 a 4
  HSET h a
  HSET h a 1 b
  HSET h
  HMSET h c 5 d 6
  HMSET h c
  HMSET h c 1 d
  HSETNX h a x
  HSETNX h e 7
  HSETNX h e
  HSETNX new f v
  HGETALL h
  HLEN h
  TYPE h
  OBJECT ENCODING h
  HSET h "" "" "a\x00b" "\x00\r\n\xff"
  HGET h ""
  HGET h "a\x00b"
  HSTRLEN h "a\x00b"
  # reads of what is not there
  HGET none f
  HMGET none a b
  HGETALL none
  HKEYS none
  HVALS none
  HLEN none
  HSTRLEN none f
  HEXISTS none f
  HDEL none f
  HRANDFIELD none
  HRANDFIELD none 3
  HRANDFIELD none -3 WITHVALUES
  HSCAN none 0
  HSCAN none 0 COUNT 0
  HSCAN none 0 NOPE
  HSCAN none x
  HSET h f v
  HGET h none
  HMGET h none f none
  HSTRLEN h none
  HEXISTS h none
  HEXISTS h f
  HGET h
  HGET h f g
  HMGET h
  # another type
  SET s v
  HSET s f v
  HMSET s f v
  HSET s f
  HSETNX s f v
  HGET s f
  HMGET s f
  HGETALL s
  HKEYS s
  HVALS s
  HLEN s
  HSTRLEN s f
  HEXISTS s f
  HDEL s f
  HINCRBY s f 1
  HINCRBY s f x
  HINCRBYFLOAT s f 1
  HINCRBYFLOAT s f x
  HRANDFIELD s
  HRANDFIELD s 1
  HRANDFIELD s x
  HSCAN s 0
  HSCAN s 0 COUNT x
  HSCAN s x
  HSET h f v
  GET h
  LPUSH h x
  # HDEL
  HSET h a 1 b 2 c 3
  HDEL h a none a
  HDEL h
  HGETALL h
  HDEL h b c d
  EXISTS h
  # HINCRBY
  HINCRBY h n 5
  HINCRBY h n -7
  HINCRBY h n 0
  HINCRBY h n 1.5
  HINCRBY h n x
  HINCRBY h n ""
  HINCRBY h n 9223372036854775808
  HINCRBY h n 9223372036854775807
  HINCRBY h n 9223372036854775807
  HGET h n
  HSET h n 9223372036854775806
  HINCRBY h n 1
  HINCRBY h n 1
  HSET h n -9223372036854775808
  HINCRBY h n -1
  HINCRBY h n 9223372036854775807
  HSET h n 1000000000000000
  HINCRBY h n 1000000000000000
  HSET h t text f 1.5 z 007 e ""
  HINCRBY h t 1
  HINCRBY h f 1
  HINCRBY h z 1
  HINCRBY h e 1
  HINCRBY h
  HINCRBY h n
  HGETALL h
  # HINCRBYFLOAT
  HINCRBYFLOAT h f 0.1
  HINCRBYFLOAT h f 0.2
  HINCRBYFLOAT h f -5
  HINCRBYFLOAT h f 3.0e3
  HINCRBYFLOAT h f 1e-17
  HINCRBYFLOAT h f x
  HINCRBYFLOAT h f ""
  HINCRBYFLOAT h f nan
  HINCRBYFLOAT h f inf
  HINCRBYFLOAT h f -inf
  HSET h t text i 10 big 1e4930 inf inf
  HINCRBYFLOAT h t 1
  HINCRBYFLOAT h i 1.5
  HINCRBYFLOAT h i 0.5
  HINCRBY h i 1
  HINCRBYFLOAT h inf 1
  HINCRBYFLOAT h none 1e4933
  HGET h i
  OBJECT ENCODING h
  HINCRBYFLOAT h big 0
  OBJECT ENCODING h
  # HSTRLEN of all kinds of values
  HSET h a 1 b -128 c 4096 d 9223372036854775807 e text f ""
  HSTRLEN h a
  HSTRLEN h b
  HSTRLEN h c
  HSTRLEN h d
  HSTRLEN h e
  HSTRLEN h f
  # HRANDFIELD
  HSET h a 1
  HRANDFIELD h
  HRANDFIELD h 1
  HRANDFIELD h 5
  HRANDFIELD h -3
  HRANDFIELD h -3 WITHVALUES
  HRANDFIELD h 1 withvalues
  HRANDFIELD h 0
  HRANDFIELD h 0 WITHVALUES
  HSET h b 2 c 3
  HRANDFIELD h 3
  HRANDFIELD h 10 WITHVALUES
  HRANDFIELD h 2
  HRANDFIELD h -10 WITHVALUES
  HRANDFIELD h x
  HRANDFIELD h 1.5
  HRANDFIELD h 1 VALUES
  HRANDFIELD h 1 WITHVALUES x
  HRANDFIELD h x VALUES
  HRANDFIELD h 9223372036854775807
  HRANDFIELD h 9223372036854775808
  HRANDFIELD h -9223372036854775808
  HRANDFIELD h 4611686018427387904 WITHVALUES
  HRANDFIELD h -4611686018427387904 WITHVALUES
  HRANDFIELD h 9223372036854775807 WITHVALUES
  # HSCAN of a small hash
  HSET h a 1 b 2 ab 3
  HSCAN h 0
  HSCAN h 0 COUNT 1
  HSCAN h 0 MATCH a*
  HSCAN h 0 MATCH none COUNT 10
  HSCAN h 0 COUNT 0
  HSCAN h 0 COUNT x
  HSCAN h 0 COUNT
  HSCAN h 0 MATCH
  HSCAN h 0 TYPE hash
  HSCAN h 0 NOPE
  HSCAN h
  HSCAN h x
  HSCAN h -1
  HSCAN h ""
  HSCAN h 1e3
  HSCAN h 18446744073709551616
  # a large hash, by its fields
  HSET h ${FIELDS.slice(0, 500).join(' ')}
  OBJECT ENCODING h
  HSET h ${FIELDS.slice(500).join(' ')}
  OBJECT ENCODING h
  HLEN h
  HGETALL h
  HKEYS h
  HVALS h
  HGET h field:0
  HGET h field:599
  HGET h field:600
  HMGET h field:77 none field:500
  HSTRLEN h field:599
  HINCRBY h field:3 1000000
  HINCRBYFLOAT h field:4 0.5
  HSETNX h field:5 x
  HDEL h field:6 field:7 field:8 none
  HEXISTS h field:6
  HRANDFIELD h 1000 WITHVALUES
  HSCAN h 0 COUNT 100000
  DEBUG DIGEST-VALUE h
  DEBUG DIGEST
  COPY h copy
  HGETALL copy
  OBJECT ENCODING copy
  RENAME h renamed
  HLEN renamed
  DEL renamed
  EXISTS renamed
  # a large hash, by a long value, and by a long field
  HSET h a ${'x'.repeat(64)}
  OBJECT ENCODING h
  HSET h a ${LONG}
  OBJECT ENCODING h
  HSET h a short
  OBJECT ENCODING h
  HSETNX n ${LONG} v
  OBJECT ENCODING n
  HINCRBY i ${LONG} 1
  OBJECT ENCODING i
  HGETALL i
  HINCRBYFLOAT f ${LONG} 1.5
  HGETALL f
  HSTRLEN h a
  HDEL n ${LONG}
  EXISTS n
  # digests, deadlines, COPY, RENAME, MOVE
  HSET h a 1 b 2
  DEBUG DIGEST-VALUE h none
  DEBUG DIGEST
  EXPIRE h 1000
  TTL h
  HSET h c 3
  TTL h
  COPY h g
  TTL g
  HGETALL g
  RENAME g i
  HGETALL i
  MOVE i 1
  SELECT 1
  HGETALL i
  HDEL i a b c
  DBSIZE
  SELECT 0
  SORT none
  COPY h s
  SET h string
  GET h
  # COMMAND
  COMMAND GETKEYS HSET h a 1
  COMMAND GETKEYS HSCAN h 0
  COMMAND GETKEYS HRANDFIELD h
`);
