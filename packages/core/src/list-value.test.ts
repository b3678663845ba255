import { Block, ReplyWriter } from '@hashlane/resp';
import t from 'tap';
import { Arena } from './arena.ts';
import { fuzzListValue } from './list-value.fuzz.ts';
import { LIST_BYTES, ListValue } from './list-value.ts';
import { encodeEntry } from './listpack.ts';

const FILL = -2;

function makeList(fill = FILL) {
  const arena = new Arena();
  const list = new ListValue().openAt(arena, Block.allocate(LIST_BYTES), 0, fill);
  list.initialize();
  const push = (element: string): void => list.pushTail(Block.of(element), 0, element.length);
  const reply = new ReplyWriter(1024);
  const range = (from: number, count: number): string => {
    reply.reset();
    list.range(reply, from, count);
    return reply.block.bytes.latin1Slice(0, reply.position);
  };
  return { arena, list, push, range, reply };
}

t.test('random operations agree with an array', async (t) => {
  for (let seed = 1; seed <= 16; seed++) fuzzListValue(seed, 3000);
  t.pass('16 seeds of 3,000 operations');
});

t.test(
  'a mirror appears at the second read, goes with a change, and serves any span',
  async (t) => {
    const { arena, list, push, range } = makeList();
    for (let i = 0; i < 100; i++) push(`e${i % 10}`);
    const first = range(0, 50);
    t.equal(arena.mirrors.bytes, 0);
    t.equal(range(0, 50), first);
    t.ok(arena.mirrors.bytes > 0);
    t.equal(range(0, 50), first);
    t.equal(range(31, 2), '$2\r\ne1\r\n$2\r\ne2\r\n');
    list.verify();
    push('longer');
    t.equal(arena.mirrors.bytes, 0);
    range(0, 101);
    t.ok(range(0, 101).endsWith('$2\r\ne9\r\n$6\r\nlonger\r\n'));
    t.ok(range(99, 2).endsWith('$2\r\ne9\r\n$6\r\nlonger\r\n'), 'with an index');
    list.trim(0, 0);
    t.equal(arena.mirrors.bytes, 0);
    t.equal(arena.usedBytes, 0);
  },
);

t.test('evicted mirrors are forgotten by their nodes', async (t) => {
  const { arena, list, push, range } = makeList(-5);
  for (let i = 0; i < 12_000; i++) push('z'.repeat(1000) + String(i % 10));
  const all = range(0, 12_000);
  for (let i = 0; i < 3; i++) t.ok(range(0, 12_000) === all);
  list.verify();
  t.ok(arena.mirrors.bytes <= 16 * 1024 * 1024);
});

t.test(
  'small lists are compact, long ones no larger than their entries and a little',
  async (t) => {
    const small = makeList();
    small.push('abc');
    t.ok(small.arena.usedBytes <= 32, `${small.arena.usedBytes} bytes for one element`);
    for (let i = 0; i < 9; i++) small.push('abc');
    t.ok(small.arena.usedBytes <= 80, `${small.arena.usedBytes} bytes for ten elements`);
    for (const [size, entry] of [
      [3, 5],
      [10, 12],
      [20, 22],
    ]) {
      const { arena, push } = makeList();
      for (let i = 0; i < 1000; i++) push('x'.repeat(size));
      const most = 1000 * entry * 1.08;
      t.ok(arena.usedBytes <= most, `${arena.usedBytes} bytes for 1,000 elements of ${size}`);
    }
  },
);

t.test('a queue stays small, and memory follows the length', async (t) => {
  const { arena, list, push, reply } = makeList();
  for (let i = 0; i < 100; i++) push('job');
  for (let i = 0; i < 20_000; i++) {
    push('job');
    reply.reset();
    list.popHead(reply);
  }
  t.equal(list.length, 100);
  t.ok(arena.usedBytes <= 1200, `${arena.usedBytes} bytes for 100 elements`);
  for (let i = 0; i < 20_000; i++) push('job');
  list.trim(10_000, 50);
  t.ok(arena.usedBytes <= 600, `${arena.usedBytes} bytes for 50 elements`);
});

t.test('an element of a megabyte is a plain node between packed ones', async (t) => {
  const { arena, list, push, range } = makeList();
  const large = 'L'.repeat(1 << 20);
  push('a');
  push('b');
  t.ok(list.seek(1));
  list.insertBefore(Block.of(large), 0, large.length);
  t.equal(list.nodes, 3);
  t.ok(list.nodeIsPlain(list.nextNode(list.firstNode())));
  t.ok(range(0, 3) === `$1\r\na\r\n$1048576\r\n${large}\r\n$1\r\nb\r\n`);
  t.ok(list.seek(1));
  list.replace(Block.of('c'), 0, 1);
  t.equal(range(0, 3), '$1\r\na\r\n$1\r\nc\r\n$1\r\nb\r\n');
  t.ok(arena.usedBytes < 200);
  list.verify();
});

t.test('packed entries are taken over, in as many nodes as they need', async (t) => {
  const block = Block.allocate(100_000);
  let end = 0;
  for (let i = 0; i < 10_000; i++) {
    const element = String(i);
    end = encodeEntry(block, end, Block.of(element), 0, element.length);
  }
  const { list, range } = makeList();
  list.appendPacked(block, 0, end, 10_000);
  list.verify();
  t.equal(list.length, 10_000);
  t.ok(list.nodes > 4 && list.nodes < 8, `${list.nodes} nodes`);
  t.equal(range(9998, 2), '$4\r\n9998\r\n$4\r\n9999\r\n');
});
