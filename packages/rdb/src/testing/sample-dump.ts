/**
 * For tests: redis-cli commands that fill a redis-server 7.0 with every type in every encoding it
 * can write, and the small thresholds that make the large encodings small.
 */

const integers = [
  '0 1 127 128 -1 -4096 4095 -4097 4096 32767 -32768 32768 -32769 8388607 -8388608 8388608',
  '2147483647 -2147483648 2147483648 9007199254740991 9007199254740993 -9007199254740993',
  '9223372036854775807 -9223372036854775808 9223372036854775808 007 -0',
].join(' ');

const texts = [62, 63, 64, 65, 126, 127, 128, 4095, 4096, 16370, 16378, 16383, 20_000]
  .map((length, index) => String.fromCharCode(97 + index).repeat(length))
  .join(' ');

function range(count: number, item: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => item(index)).join(' ');
}

/** A dump of about 2 KB with most types in it. */
export const smallSample: readonly string[] = [
  'set plain value',
  'set int8 -7',
  'set int16 1000',
  'set int32 100000',
  'set 12345 integer-key',
  `set ${'k'.repeat(100)} long-key`,
  `set lzf ${'ab'.repeat(50)}`,
  'set expiring x px 100000000000',
  `rpush list-packed ${range(8, (index) => `e${index}`)} 1 -70000`,
  'sadd set-ints 1 -2 70000',
  'sadd set-table a b',
  'zadd zset-packed 1 a 2.5 b -inf c',
  'hset hash-packed f v g 10',
  'xadd stream 1-1 field value',
  'xadd stream 2-1 field other extra 7',
  'xgroup create stream group 0',
  'xreadgroup group group consumer count 1 streams stream >',
  'function load "#!lua name=lib\\nredis.register_function(\'f\', function() return 1 end)"',
  'select 9',
  'set other-database x',
];

/** Everything. */
export const fullSample: readonly string[] = [
  ...smallSample,
  'select 0',
  'set empty ""',
  `set long-length ${'0123456789abcdef'.repeat(6000)}`,
  `rpush list-integers ${integers}`,
  `rpush list-texts ${texts}`,
  'config set list-max-listpack-size 3',
  `rpush list-nodes ${range(30, (index) => `node-${index}`)}`,
  'config set list-max-listpack-size -2',
  `rpush list-plain a ${'P'.repeat(10_000)} b`,
  'sadd set-int32 1 100000 -100000',
  'sadd set-int64 1 100000000000 -9223372036854775808',
  `sadd set-large ${range(300, (index) => `member:${index}`)}`,
  `hset hash-integers ${range(20, (index) => `field${index} ${index * 1000}`)}`,
  `hset hash-large ${range(600, (index) => `field:${index} value:${index}`)}`,
  `zadd zset-large ${range(300, (index) => `${index / 7} member:${index}`)} inf top -inf bottom`,
  'zadd zset-scores 3 a 1e300 b 0.1 c -70000 d 9007199254740993 e',
  `pfadd hyperloglog ${range(50, (index) => `x${index}`)}`,
  'setbit bits 100 1',
  'config set stream-node-max-entries 10',
  ...Array.from({ length: 35 }, (_, index) => `xadd stream-large * n ${index} text t${index}`),
  'xgroup create stream-large g1 0',
  'xgroup create stream-large g2 $',
  'xgroup createconsumer stream-large g1 idle',
  'xreadgroup group g1 busy count 12 streams stream-large >',
  'xdel stream 1-1',
];
