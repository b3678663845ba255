import t from 'tap';
import { Block } from './block.ts';
import { decimalLength, ReplyWriter, writeDecimal } from './reply-writer.ts';

/** What `write` writes, in RESP2 and RESP3. */
function written(write: (reply: ReplyWriter) => void): [string, string] {
  return [2, 3].map((protocol) => {
    const reply = new ReplyWriter(16);
    reply.protocol = protocol;
    write(reply);
    return reply.block.bytes.latin1Slice(0, reply.position);
  }) as [string, string];
}

const VECTORS: [string, (reply: ReplyWriter) => void, string, string?][] = [
  ['ok', (r) => r.ok(), '+OK\r\n'],
  ['simple', (r) => r.simple('PONG'), '+PONG\r\n'],
  ['error', (r) => r.error('ERR no'), '-ERR no\r\n'],
  ['error of two lines', (r) => r.error("ERR unknown 'a\r\nb'"), "-ERR unknown 'a  b'\r\n"],
  ['integer', (r) => r.integer(-12), ':-12\r\n'],
  ['big integer', (r) => r.bigInteger(-9223372036854775808n), ':-9223372036854775808\r\n'],
  ['array', (r) => r.array(100), '*100\r\n'],
  ['empty array', (r) => r.array(0), '*0\r\n'],
  ['map', (r) => r.map(2), '*4\r\n', '%2\r\n'],
  ['set', (r) => r.set(2), '*2\r\n', '~2\r\n'],
  ['push', (r) => r.push(3), '*3\r\n', '>3\r\n'],
  ['attribute', (r) => r.attribute(1), '', '|1\r\n'],
  ['null', (r) => r.null(), '$-1\r\n', '_\r\n'],
  ['null array', (r) => r.nullArray(), '*-1\r\n', '_\r\n'],
  ['true', (r) => r.boolean(true), ':1\r\n', '#t\r\n'],
  ['false', (r) => r.boolean(false), ':0\r\n', '#f\r\n'],
  ['double', (r) => r.double('3.25'), '$4\r\n3.25\r\n', ',3.25\r\n'],
  ['big number', (r) => r.bigNumber('123'), '$3\r\n123\r\n', '(123\r\n'],
  ['verbatim', (r) => r.verbatim('txt', 'a\xff'), '$2\r\na\xff\r\n', '=6\r\ntxt:a\xff\r\n'],
  ['text', (r) => r.text('\xe9\0'), '$2\r\n\xe9\0\r\n'],
  ['empty text', (r) => r.text(''), '$0\r\n\r\n'],
  ['buffer', (r) => r.buffer(Buffer.from('abc')), '$3\r\nabc\r\n'],
  ['raw', (r) => r.raw(Buffer.from(':1\r\n')), ':1\r\n'],
];

for (const [name, write, resp2, resp3 = resp2] of VECTORS) {
  t.test(name, async (t) => {
    t.same(written(write), [resp2, resp3]);
  });
}

t.test('bulk strings of every length around the digits', async (t) => {
  const source = Block.of('x'.repeat(70_000));
  for (const length of [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 9999, 10_000, 65_536, 69_999]) {
    const [resp2] = written((reply) => reply.bulk(source, 1, length));
    t.equal(resp2, `$${length}\r\n${'x'.repeat(length)}\r\n`, `${length} bytes`);
  }
});

t.test('decimals', async (t) => {
  const block = Block.allocate(32);
  const numbers = [0, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 53, -1, -(2 ** 53), 0x3fffffff, 0x40000000];
  for (let power = 1; power <= 1e15; power *= 10) numbers.push(power - 1, power, power + 1, -power);
  // Around multiples of a billion, where the quotient may be rounded up.
  for (let i = 1; i < 9_007_199; i += 65_537) numbers.push(i * 1e9 - 1, i * 1e9, i * 1e9 + 1);
  for (const number of numbers) {
    const end = writeDecimal(block.bytes, 3, number);
    t.equal(block.bytes.latin1Slice(3, end), String(number));
    if (number >= 0 && number < 2 ** 31) t.equal(decimalLength(number), String(number).length);
  }
});

t.test('grows at any fill and keeps what was written', async (t) => {
  for (let fill = 0; fill < 40; fill++) {
    const reply = new ReplyWriter(32);
    reply.raw(Buffer.alloc(fill, 'f'));
    for (const [, write] of VECTORS) write(reply);
    const expected = 'f'.repeat(fill) + VECTORS.map(([, , resp2]) => resp2).join('');
    t.equal(reply.block.bytes.latin1Slice(0, reply.position), expected, `fill ${fill}`);
  }
});

t.test('a block that grew is given up by reset, a block of the right size is kept', async (t) => {
  const reply = new ReplyWriter(64);
  const kept = reply.block;
  reply.ok();
  reply.reset();
  t.equal(reply.block, kept);
  t.equal(reply.position, 0);
  reply.raw(Buffer.alloc(1000));
  reply.reset();
  t.equal(reply.block.bytes.length, 64);
});

t.test('take hands over the block and goes on with another', async (t) => {
  const reply = new ReplyWriter(64);
  reply.ok();
  const next = Block.allocate(10);
  const taken = reply.take(next);
  t.equal(taken.bytes.latin1Slice(0, 5), '+OK\r\n');
  t.equal(reply.block, next);
  t.equal(reply.position, 0);
  t.not(reply.take(), reply.block);
});

t.test('errors are counted', async (t) => {
  const reply = new ReplyWriter(64);
  reply.error('ERR a');
  reply.error('ERR b');
  t.equal(reply.errors, 2);
});
