import { Block } from '@hashlane/resp';
import t from 'tap';
import { fuzzArena } from './arena.fuzz.ts';
import { Arena, offsetOf, pageOf } from './arena.ts';
import { ARENA_PAGE_BYTES, ARENA_SLOT_BYTES_MAX, SPARE_PAGES_MAX } from './limits.ts';
import { giveSparePage, releaseSparePages, takeSparePage } from './spare-pages.ts';

t.test('random allocations and frees keep every block as it was written', async (t) => {
  for (const seed of [1, 2, 3]) fuzzArena(seed, 60_000);
  t.pass('no block was overwritten');
});

t.test('reference 0 is never handed out, whatever comes first', async (t) => {
  for (const size of [0, 8, 100, ARENA_SLOT_BYTES_MAX, ARENA_SLOT_BYTES_MAX + 1]) {
    t.not(new Arena().allocate(size), 0, `first block of ${size} bytes`);
  }
  const arena = new Arena();
  t.not(arena.adopt(Block.of('large')), 0);
});

t.test('pages that empty are given back, all but one of a class', async (t) => {
  const arena = new Arena();
  const references = Array.from({ length: 10_000 }, () => arena.allocate(100));
  t.ok(arena.heldBytes > 3 * ARENA_PAGE_BYTES);
  for (const reference of references) arena.free(reference);
  t.equal(arena.heldBytes, ARENA_PAGE_BYTES);
  t.equal(arena.usedBytes, 0);
  arena.verify();
});

t.test('a queue that swings around a page border does not churn pages', async (t) => {
  const arena = new Arena();
  const slots = ARENA_PAGE_BYTES / 64;
  for (let i = 0; i < slots; i++) arena.allocate(64);
  const over = arena.allocate(64);
  const page = arena.pages[pageOf(over)];
  arena.free(over);
  t.equal(arena.pages[pageOf(arena.allocate(64))], page);
});

t.test('an adopted block is the very memory that was given', async (t) => {
  const arena = new Arena();
  const block = Block.of('x'.repeat(100_000));
  const reference = arena.adopt(block);
  t.equal(arena.pages[pageOf(reference)], block);
  t.equal(offsetOf(reference), 0);
  t.equal(arena.usedBytes, 100_000);
  arena.free(reference);
  t.equal(arena.usedBytes, 0);
  t.equal(arena.heldBytes, 0);
});

t.test('references of pages above 2^16 survive their sign', async (t) => {
  const arena = new Arena();
  const small = Block.of('12345678');
  let reference = 0;
  for (let i = 0; i < 70_000; i++) reference = arena.adopt(small);
  t.ok(reference < 0);
  t.equal(pageOf(reference), 70_000);
  const slots = new Int32Array([reference]);
  t.equal(arena.sizeOf(slots[0]), 8);
  arena.free(slots[0]);
  arena.verify();
});

t.test('pages that were given back are used again, up to a number', async (t) => {
  releaseSparePages();
  const arena = new Arena();
  const page = arena.pages[pageOf(arena.allocate(100))];
  arena.adopt(Block.allocate(ARENA_PAGE_BYTES));
  arena.release();
  t.equal(arena.pages.length, 0, 'who still has a reference fails');
  const next = new Arena();
  t.equal(next.pages[pageOf(next.allocate(24))], page, 'for another size too');
  t.not(next.pages[pageOf(next.allocate(32))]?.size, 0);
  t.not(takeSparePage()?.size, ARENA_PAGE_BYTES, 'a block that was taken over is not among them');
  for (let i = 0; i < 2 * SPARE_PAGES_MAX; i++) giveSparePage(Block.allocate(ARENA_PAGE_BYTES));
  for (let i = 0; i < SPARE_PAGES_MAX; i++) t.ok(takeSparePage());
  t.equal(takeSparePage(), undefined);
});
