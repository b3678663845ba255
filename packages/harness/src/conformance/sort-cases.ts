/**
 * SORT and SORT_RO. Keys of patterns (`w_1`, `o_1`) are on different shards than the sorted key.
 * Where Redis's order is left to its sorting algorithm or to a hash table, the cases avoid ties.
 * Numbers that no double holds are not here: after one of them redis-server 7.0 finds no number
 * sound any more, because it does not reset errno (core's sort.test.ts has them).
 */

import { cases } from './conformance-case.ts';

export const sortCases = cases(`
  # SORT of a list of numbers
  RPUSH l 3 1 2 10 -5 2.5 0x10 1e2 " 7" inf -inf
  SORT l
  SORT l DESC
  SORT l ASC
  SORT l DESC ASC
  SORT l LIMIT 0 3
  SORT l LIMIT 2 3 DESC
  SORT l LIMIT -5 2
  SORT l LIMIT 3 -1
  SORT l LIMIT 3 0
  SORT l LIMIT 100 5
  SORT l LIMIT 0 100
  SORT l LIMIT 9223372036854775807 1
  SORT l LIMIT 0 9223372036854775807
  SORT l LIMIT 1 2 LIMIT 0 1
  SORT_RO l LIMIT 0 3 DESC
  SORT l ALPHA
  SORT l ALPHA DESC LIMIT 1 3
  # SORT of what are no numbers
  RPUSH l a b c
  SORT l
  SORT_RO l
  SORT l DESC LIMIT 0 1
  SORT l STORE d
  EXISTS d
  SORT l ALPHA
  SORT l ALPHA DESC
  SORT l BY nosort
  SORT l BY nosort DESC
  RPUSH e ""
  SORT e
  RPUSH n nan
  SORT n
  RPUSH t "1 "
  SORT t
  RPUSH z "5\\x00x" 3
  SORT z
  # SORT of equal numbers goes by the elements
  RPUSH l 1.0 1 1.00 01 +1
  SORT l
  SORT l DESC
  # SORT of nothing, and of other types
  SORT none
  SORT none DESC ALPHA GET x_* LIMIT 0 5
  SORT none STORE d
  SORT s
  SET s v
  SORT s
  SORT s STORE d
  SORT_RO s
  SORT s BY nosort
  SORT s NOPE
  # SORT with BY
  RPUSH l a b c d
  MSET w_a 3 w_b 1 w_c 2
  SORT l BY w_*
  SORT l BY w_* DESC
  SORT l BY w_* LIMIT 1 2
  SORT_RO l BY w_* LIMIT 0 2 DESC
  SORT l BY w_* GET #
  SORT l BY w_* GET # GET w_* GET #
  SORT l BY none_*
  SORT l BY w_* ALPHA
  MSET w_a x w_b z w_c y w_d w
  SORT l BY w_*
  SORT l BY w_* ALPHA
  SORT l BY w_* ALPHA DESC
  SORT l BY w_* ALPHA DESC LIMIT 1 2
  SORT l BY w_* BY nosort
  SORT l BY nosort BY w_*
  SORT l BY #
  SORT l BY *_w
  MSET a_w 2 b_w 4 c_w 1 d_w 3
  SORT l BY *_w
  MSET x_a_y 2 x_b_y 4 x_c_y 1 x_d_y 3 x_a_* 1 x_b_* 2 x_c_* 3 x_d_* 4
  SORT l BY x_*_y DESC
  SORT l BY x_*_* DESC
  SORT l BY ""
  SORT l BY * ALPHA
  # SORT with GET
  RPUSH l 3 1 2
  MSET o_1 one o_2 two o_3 three
  SORT l GET o_*
  SORT l GET o_* GET #
  SORT l GET # GET o_* GET none_* GET fixed
  SORT l DESC GET o_* LIMIT 0 2
  SORT l GET o_* LIMIT 5 2
  SORT l BY nosort GET o_*
  SORT l BY nosort GET o_* DESC LIMIT 0 2
  SORT l GET ""
  SORT l GET *
  RPUSH o_2x v
  RPUSH o_4 v
  RPUSH l 4
  SORT l GET o_*
  SORT_RO l GET o_* GET #
  # SORT with fields of hashes
  RPUSH l 3 1 2
  HSET h_1 f one g 30 "" empty
  HSET h_2 f two g 20
  HSET h_3 f three g 10
  SORT l GET h_*->f
  SORT l GET h_*->f GET h_*->g GET h_*->none
  SORT l BY h_*->g
  SORT l BY h_*->g GET h_*->f DESC
  SORT l BY h_*->f ALPHA
  SORT l BY h_*->f
  SORT l GET h_*->
  SORT l GET h_*
  SORT l GET *->f
  MSET h_1-> arrow s_1 v
  SORT l GET h_*->
  SORT l GET s_*->f
  HSET k_1->x f y
  HSET k_1 "x->f" z
  SORT l GET k_*->x->f
  # SORT with STORE
  RPUSH l 3 1 2
  SET d v EX 1000
  SORT l STORE d
  LRANGE d 0 -1
  TTL d
  SORT l DESC STORE e
  LRANGE e 0 -1
  SORT l STORE a STORE b
  EXISTS a
  LRANGE b 0 -1
  MSET o_1 one o_3 three
  SORT l GET o_* GET # STORE c
  LRANGE c 0 -1
  SORT none STORE c
  EXISTS c
  SORT none STORE c
  SORT l LIMIT 5 5 STORE e
  EXISTS e
  SORT l STORE l
  LRANGE l 0 -1
  SORT l BY nosort DESC STORE {l}x
  LRANGE {l}x 0 -1
  RPUSH wrong a b
  SORT wrong STORE d
  LRANGE d 0 -1
  SORT_RO l STORE d
  SORT l BY STORE STORE q
  LRANGE q 0 -1
  SORT l GET STORE
  OBJECT ENCODING d
  # SORT of sets
  SADD s 5 3 9 -1 22
  SORT s
  SORT s DESC LIMIT 1 3
  SORT s STORE d
  LRANGE d 0 -1
  SORT s BY nosort STORE d
  LRANGE d 0 -1
  SORT s BY nosort DESC STORE d
  LRANGE d 0 -1
  SADD t pear apple fig
  SORT t
  SORT t ALPHA
  SORT t BY nosort STORE d
  LRANGE d 0 -1
  SORT t BY nosort DESC LIMIT 1 1 STORE d
  LRANGE d 0 -1
  MSET w_pear 2 w_apple 3 w_fig 1
  SORT t BY w_* GET # GET w_*
  SORT t BY w_* LIMIT 1 1
  # SORT of sorted sets
  ZADD z 3 c 1 a 2 b 5 e 4 d
  SORT z
  SORT z ALPHA
  SORT z ALPHA DESC
  SORT z BY nosort
  SORT z BY nosort DESC
  SORT z BY nosort DESC LIMIT 1 2
  SORT z BY nosort LIMIT 3 10
  SORT z BY nosort LIMIT 1 2 GET #
  SORT z BY nosort LIMIT 1 2 STORE d
  LRANGE d 0 -1
  MSET w_a 5 w_b 4 w_c 3 w_d 2 w_e 1
  SORT z BY w_*
  SORT z BY w_* DESC LIMIT 0 2
  # SORT whose patterns name keys of its own shard, and of others
  RPUSH {a}l 1 2 3
  MSET {a}w_1 3 {a}w_2 1 {a}w_3 2 {b}w_1 1 {b}w_2 3 {b}w_3 2
  HSET {a}o_2 f two
  SORT {a}l BY {a}w_*
  SORT {a}l BY {b}w_*
  SORT {a}l BY {a}w_* GET {a}o_*->f GET # GET {b}w_* LIMIT 0 2
  SORT {a}l BY {a}w_* GET {a}o_*->f GET # DESC
  SORT {a}l BY {a}w_* STORE {a}d
  LRANGE {a}d 0 -1
  SORT {a}l BY {a}w_* STORE {b}d
  LRANGE {b}d 0 -1
  SORT_RO {a}l BY {a}w_* LIMIT 1 1 DESC
  SORT {a}l BY {a}w_* GET
  SORT {a}l BY {a}w_* LIMIT x 1
  # mistakes in SORT
  SORT
  SORT_RO
  RPUSH l 1
  SORT l LIMIT
  SORT l LIMIT 1
  SORT l LIMIT x 1
  SORT l LIMIT 1 x
  SORT l LIMIT 1 9223372036854775808
  SORT l BY
  SORT l GET
  SORT l STORE
  SORT l NOPE
  SORT l ASC NOPE
  SORT_RO l STORE x
  SORT l LIMIT x 1 NOPE
  COMMAND GETKEYS SORT l BY w_* GET o_* STORE d
  COMMAND GETKEYS SORT l STORE a STORE b
  COMMAND GETKEYS SORT l BY STORE LIMIT 0 STORE
  COMMAND GETKEYS SORT l BY STORE STORE x
  COMMAND GETKEYS SORT_RO l BY w_*
`);
