/**
 * Lists in isolation: nanoseconds per push, pop and ranged element, bytes per list.
 * `node packages/core/src/list-value.bench.ts`
 */
import { Block, ReplyWriter } from '@hashlane/resp';
import { Arena } from './arena.ts';
import { LIST_BYTES, ListValue } from './list-value.ts';

const FILL = -2;
const reply = new ReplyWriter(64 * 1024);
const element = Block.of('xxx');

function makeList(arena: Arena): ListValue {
  const list = new ListValue().openAt(arena, Block.allocate(LIST_BYTES), 0, FILL);
  list.initialize();
  return list;
}

/** Best of five rounds, in ns per operation. */
function measure(name: string, operations: number, run: () => void): void {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = process.hrtime.bigint();
    run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / operations);
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(1)} ns`);
}

function benchEnds(): void {
  const list = makeList(new Arena());
  const n = 1_000_000;
  measure('LPUSH', n, () => {
    for (let i = 0; i < n; i++) list.pushHead(element, 0, 3);
  });
  measure('RPUSH', n, () => {
    for (let i = 0; i < n; i++) list.pushTail(element, 0, 3);
  });
  measure('RPOP', n, () => {
    for (let i = 0; i < n; i++) {
      reply.position = 0;
      list.popTail(reply);
    }
  });
  measure('LPOP', n, () => {
    for (let i = 0; i < n; i++) {
      reply.position = 0;
      list.popHead(reply);
    }
  });
  const queue = makeList(new Arena());
  for (let i = 0; i < 100; i++) queue.pushTail(element, 0, 3);
  measure('LPUSH and RPOP of a queue of 100', n, () => {
    for (let i = 0; i < n; i++) {
      reply.position = 0;
      queue.pushHead(element, 0, 3);
      queue.popTail(reply);
    }
  });
}

function benchRanges(): void {
  const list = makeList(new Arena());
  for (let i = 0; i < 100_000; i++) list.pushHead(element, 0, 3);
  for (const count of [100, 300, 500, 600]) {
    const n = 20_000;
    measure(`LRANGE ${count}, through a mirror`, n, () => {
      for (let i = 0; i < n; i++) {
        reply.position = 0;
        list.range(reply, 0, count);
      }
    });
    measure(`LRANGE ${count}, encoded each time`, n, () => {
      for (let i = 0; i < n; i++) {
        reply.position = 0;
        list.popHead(reply);
        list.pushHead(element, 0, 3);
        list.range(reply, 0, count);
      }
    });
  }
}

function benchSmallLists(): void {
  const arena = new Arena();
  const lists = Array.from({ length: 100_000 }, () => makeList(arena));
  for (let length = 1; length <= 10; length++) {
    const start = process.hrtime.bigint();
    for (const list of lists) list.pushHead(element, 0, 3);
    const ns = Number(process.hrtime.bigint() - start) / lists.length;
    const bytes = arena.usedBytes / lists.length;
    console.log(`100,000 lists of ${length}: ${ns.toFixed(0)} ns per push, ${bytes} bytes a list`);
  }
}

function benchMemory(): void {
  for (const size of [3, 10, 20]) {
    const arena = new Arena();
    const source = Block.of('x'.repeat(size));
    for (let i = 0; i < 200; i++) {
      const list = makeList(arena);
      for (let j = 0; j < 1000; j++) list.pushTail(source, 0, size);
    }
    const bytes = (arena.usedBytes / 200).toFixed(0);
    console.log(`1,000 elements of ${size} bytes: ${bytes} bytes a list`);
  }
}

benchEnds();
benchRanges();
benchSmallLists();
benchMemory();
