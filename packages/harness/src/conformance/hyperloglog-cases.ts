/** Conformance of the HyperLogLog commands. */

import { cases } from './conformance-case.ts';

export const hyperLogLogCases = cases(String.raw`
  # PFADD and PFCOUNT
  PFADD k
  GET k
  PFADD k
  PFCOUNT k
  PFADD k a b c d e f g
  PFADD k a b c
  PFCOUNT k
  GET k
  PFADD k ""
  PFCOUNT k
  GET k
  PFCOUNT none
  OBJECT ENCODING k
  EXPIRE k 1000
  PFADD k h
  TTL k
  PFDEBUG DECODE k
  PFDEBUG ENCODING k
  PFADD
  PFCOUNT
  # PFCOUNT of several keys
  PFADD a 1 2 3 4
  PFADD b 3 4 5 6
  PFCOUNT a b
  PFCOUNT a b none
  PFCOUNT none none2
  PFCOUNT a a
  SET s x
  PFCOUNT a s
  RPUSH l x
  PFCOUNT a l
  # PFMERGE
  PFADD a 1 2 3 4
  PFADD b 3 4 5 6
  PFMERGE d a b
  GET d
  PFCOUNT d
  PFMERGE d
  PFMERGE d none
  GET d
  PFMERGE none
  GET none
  PFMERGE a b none
  GET a
  OBJECT ENCODING a
  PFDEBUG TODENSE b
  PFDEBUG TODENSE b
  PFMERGE e a b
  PFDEBUG ENCODING e
  GET e
  PFMERGE b a
  GET b
  SET s x
  PFMERGE a s
  PFMERGE s a
  RPUSH l x
  PFMERGE l a
  PFMERGE a l
  PFMERGE
  # strings that are none
  SET k x
  PFADD k a
  PFCOUNT k
  SET k 123
  PFADD k a
  SET k ""
  PFADD k
  SET k HYLL
  PFCOUNT k
  SET k "HYLL\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
  PFADD k a
  SET k "HYLL\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff"
  PFADD k a
  SET k "HYLL\x01\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x00\x7f\xff"
  PFCOUNT k
  OBJECT ENCODING k
  PFADD k a
  GET k
  PFCOUNT k
  SET k "HYLL\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7f\x7f\xff"
  PFCOUNT k
  SET k "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xfe"
  PFCOUNT k
  PFCOUNT k none
  PFADD k a
  PFMERGE d k
  PFDEBUG GETREG k
  PFDEBUG TODENSE k
  PFDEBUG DECODE k
  RPUSH l x
  PFADD l a
  PFCOUNT l
  PFDEBUG DECODE l
  # PFDEBUG and PFSELFTEST
  PFDEBUG DECODE none
  PFDEBUG NOPE none
  PFADD k a b c
  PFDEBUG NOPE k
  PFDEBUG decode k
  PFDEBUG TODENSE k
  PFDEBUG DECODE k
  PFDEBUG GETREG k
  GET k
  PFDEBUG GETREG
  PFDEBUG GETREG k k
  PFSELFTEST x
`);
