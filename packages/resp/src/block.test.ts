import t from 'tap';
import { fuzzBlock } from './block.fuzz.ts';
import { Block, copyBytes, equalBytes } from './block.ts';

t.test('copies and comparisons agree with Buffer', async (t) => {
  fuzzBlock(1, 20_000);
  t.pass('at every alignment');
});

t.test('both views cover the same memory', async (t) => {
  const shared = Buffer.from('0123456789').subarray(3, 7);
  for (const block of [
    new Block(shared),
    Block.allocate(4),
    Block.over(new ArrayBuffer(4)),
    Block.of('3456'),
  ]) {
    block.bytes[1] = 200;
    t.equal(block.view.getUint8(1), 200);
    t.equal(block.view.byteLength, 4);
    t.equal(block.bytes.length, 4);
  }
});

t.test('a latin1 string keeps its bytes', async (t) => {
  t.same([...Block.of('\0\x7f\x80\xff').bytes], [0, 127, 128, 255]);
});

t.test('non-overlapping parts of one block, to its very end', async (t) => {
  const block = Block.of('abcdefghijklmnopqrst');
  copyBytes(block, 10, block, 0, 10);
  t.equal(block.bytes.latin1Slice(), 'abcdefghijabcdefghij');
  t.ok(equalBytes(block, 0, block, 10, 10));
  t.ok(equalBytes(block, 20, block, 20, 0));
});
