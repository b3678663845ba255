/** Conformance of the list commands, and of the blocking ones where they find something. */

import { cases } from './conformance-case.ts';

export const listCases = cases(String.raw`
  # LPUSH, RPUSH, LRANGE
  LPUSH l a
  LPUSH l b c
  RPUSH l x "" "a\x00b"
  LRANGE l 0 -1
  LRANGE l 1 2
  LRANGE l -2 -1
  LRANGE l -100 100
  LRANGE l 5 3
  LRANGE l 100 200
  LRANGE l -1 -2
  LRANGE none 0 -1
  LRANGE l a 1
  LRANGE l 0 b
  LRANGE l 9223372036854775808 1
  LRANGE l -9223372036854775808 9223372036854775807
  LLEN l
  LLEN none
  TYPE l
  LPUSH l
  RPUSH
  LRANGE l 0
  # push to another type
  SET s v
  LPUSH s a
  RPUSH s a
  LPUSHX s a
  LLEN s
  LRANGE s 0 -1
  LINDEX s 0
  LSET s 0 x
  LTRIM s 0 1
  LREM s 0 x
  LINSERT s BEFORE a b
  LPOS s a
  LPOP s
  RPOP s 2
  LPOP s 0
  LMPOP 1 s LEFT
  # LPUSHX, RPUSHX
  LPUSHX l a
  RPUSHX l a
  EXISTS l
  RPUSH l m
  LPUSHX l a b
  RPUSHX l y z
  LRANGE l 0 -1
  # LPOP, RPOP
  RPUSH l a b c d e f g
  LPOP l
  RPOP l
  LPOP l 2
  RPOP l 2
  LPOP l 0
  LPOP l -1
  LPOP l x
  LPOP l 1.5
  LPOP l 1 2
  LPOP l 100
  EXISTS l
  LPOP l
  LPOP l 0
  RPOP l 3
  RPOP l -3
  LPOP l 9223372036854775807
  # LINDEX, LSET
  RPUSH l a b c
  LINDEX l 0
  LINDEX l -1
  LINDEX l 3
  LINDEX l -4
  LINDEX l x
  LINDEX none 0
  LINDEX none x
  LSET l 0 A
  LSET l -1 C
  LSET l 3 x
  LSET l -4 x
  LSET l x y
  LSET none 0 y
  LSET none x y
  LRANGE l 0 -1
  # LTRIM
  RPUSH l a b c d e
  LTRIM l 1 -2
  LRANGE l 0 -1
  LTRIM l 0 0
  LRANGE l 0 -1
  LTRIM l 5 1
  EXISTS l
  LTRIM l 0 1
  LTRIM l x 1
  LTRIM l 0 y
  # LREM
  RPUSH l a b a c a d a
  LREM l 1 a
  LRANGE l 0 -1
  LREM l -1 a
  LRANGE l 0 -1
  LREM l 0 a
  LRANGE l 0 -1
  LREM l 0 none
  LREM none 0 x
  LREM l x a
  LREM l -9223372036854775807 b
  LREM l 0 c
  LREM l 0 d
  EXISTS l
  # LREM: numbers and text
  RPUSH l 1 01 +1 1.0 -1 12345678901234567890 1
  LREM l 0 1
  LRANGE l 0 -1
  LREM l 0 01
  LREM l 0 12345678901234567890
  LRANGE l 0 -1
  # LINSERT
  RPUSH l a b c b
  LINSERT l BEFORE b x
  LINSERT l AFTER b y
  LINSERT l after c z
  LINSERT l BEFORE none q
  LINSERT none BEFORE a b
  LINSERT l MIDDLE a b
  LINSERT none MIDDLE a b
  LRANGE l 0 -1
  LINSERT l BEFORE a
  # LPOS
  RPUSH l a b c 1 2 3 c c
  LPOS l c
  LPOS l none
  LPOS none c
  LPOS l c RANK 2
  LPOS l c RANK -1
  LPOS l c RANK 4
  LPOS l c COUNT 0
  LPOS l c COUNT 2
  LPOS l c RANK -1 COUNT 2
  LPOS l c RANK -1 COUNT 0 MAXLEN 2
  LPOS l c MAXLEN 1
  LPOS l c MAXLEN 3
  LPOS l c MAXLEN 0
  LPOS l none COUNT 0
  LPOS none c COUNT 0
  LPOS l c RANK 0
  LPOS l c COUNT -1
  LPOS l c MAXLEN -1
  LPOS l c RANK x
  LPOS l c RANK -9223372036854775808
  LPOS l c RANK
  LPOS l c NOPE 1
  LPOS l c RANK 9223372036854775808
  LPOS l 1
  # LMOVE, RPOPLPUSH
  RPUSH a 1 2 3
  LMOVE a b LEFT RIGHT
  LMOVE a b RIGHT LEFT
  LRANGE a 0 -1
  LRANGE b 0 -1
  LMOVE a b left left
  EXISTS a
  LMOVE a b LEFT LEFT
  LMOVE none b LEFT LEFT
  LMOVE b b LEFT RIGHT
  LRANGE b 0 -1
  LMOVE b b LEFT LEFT
  LMOVE b b UP RIGHT
  LMOVE b b LEFT DOWN
  LMOVE none none2 UP DOWN
  RPOPLPUSH b a
  RPOPLPUSH b b
  LRANGE b 0 -1
  RPOPLPUSH none a
  SET s v
  RPOPLPUSH a s
  RPOPLPUSH s a
  RPOPLPUSH none s
  LMOVE a s LEFT LEFT
  LMOVE s s LEFT LEFT
  LRANGE a 0 -1
  RPOPLPUSH a
  LMOVE a b LEFT
  # a single element goes round
  RPUSH l x
  LMOVE l l LEFT RIGHT
  RPOPLPUSH l l
  LRANGE l 0 -1
  # LMPOP
  RPUSH a 1 2 3
  RPUSH b 4 5
  LMPOP 2 none a LEFT
  LMPOP 2 a b RIGHT COUNT 5
  LMPOP 2 a b RIGHT COUNT 1
  LMPOP 2 none none2 LEFT
  LMPOP 0 a LEFT
  LMPOP -1 a LEFT
  LMPOP x a LEFT
  LMPOP 2 a LEFT
  LMPOP 1 a b LEFT
  LMPOP 1 b UP
  LMPOP 1 b LEFT COUNT
  LMPOP 1 b LEFT COUNT 0
  LMPOP 1 b LEFT COUNT -1
  LMPOP 1 b LEFT COUNT x
  LMPOP 1 b LEFT COUNT 1 COUNT 1
  LMPOP 1 b LEFT NOPE
  LMPOP 99999999999999999999 b LEFT
  LMPOP 1 b left count 10
  EXISTS b
  SET s v
  RPUSH l x
  LMPOP 2 s l LEFT
  LMPOP 2 none s LEFT
  LMPOP 1
  # blocking commands that find something
  RPUSH l a b c d e f g h
  BLPOP l 0
  BRPOP l 0
  BLPOP none l 1.5
  BRPOP none none2 l 0
  BLMOVE l m LEFT RIGHT 0
  BRPOPLPUSH l m 0
  BLMPOP 0 1 l LEFT
  BLMPOP 0 2 none l RIGHT COUNT 10
  LRANGE m 0 -1
  EXISTS l
  # blocking commands: mistakes
  BLPOP l -1
  BLPOP l x
  BLPOP l ""
  BLPOP l nan
  BLPOP l inf
  BLPOP l 1e400
  BLPOP l 1e5000
  BLPOP l 1e-5000
  BLPOP l 99999999999999999999
  BLPOP l 9223372036854775.808
  BLPOP l 0x1
  BLPOP l
  BRPOP l -0.5
  BLMOVE l m LEFT RIGHT x
  BLMOVE l m UP RIGHT 0
  BLMOVE l m UP RIGHT x
  BLMOVE l m LEFT RIGHT -1
  BRPOPLPUSH l m x
  BRPOPLPUSH l m -1
  BLMPOP x 1 l LEFT
  BLMPOP 0 0 l LEFT
  BLMPOP 0 2 l LEFT
  BLMPOP -1 1 l LEFT
  BLMPOP 0 1 l UP
  BLMPOP 0 1 l LEFT COUNT 0
  BLMPOP x 0 l UP
  SET s v
  BLPOP s 0
  BLPOP none s 0
  BLMOVE s m LEFT LEFT 0
  BRPOPLPUSH s m 0
  BLMPOP 0 1 s LEFT
  RPUSH l a
  BLMOVE l s LEFT LEFT 0
  BLPOP s l 0
  # blocking commands that time out
  BLPOP none 0.01
  BRPOP none none2 0.01
  BLMOVE none l LEFT LEFT 0.01
  BRPOPLPUSH none l 0.01
  BLMPOP 0.01 1 none LEFT
  BLMPOP 0.01 2 none none2 LEFT COUNT 3
  # a long list
  RPUSH l ${Array.from({ length: 400 }, (_, i) => `element:${i}`).join(' ')}
  LLEN l
  LINDEX l 200
  LRANGE l 190 210
  LSET l 200 changed
  LINSERT l BEFORE element:300 inserted
  LPOS l element:399
  LREM l 0 element:100
  LTRIM l 50 -50
  LRANGE l 0 -1
  OBJECT ENCODING l
  # long elements
  RPUSH l ${'a'.repeat(9000)} b ${'c'.repeat(9000)}
  LRANGE l 0 -1
  LSET l 1 ${'d'.repeat(9000)}
  LPOP l
  LREM l 0 ${'d'.repeat(9000)}
  LLEN l
  # integers in lists
  RPUSH l 0 127 128 -4096 4095 32767 -32769 8388607 2147483648 9223372036854775807
  RPUSH l -9223372036854775808 9223372036854775808 007 -0 1e5
  LRANGE l 0 -1
  LPOS l 127
  LPOS l 9223372036854775807
  OBJECT ENCODING l
`);
