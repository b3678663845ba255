import { Block } from '@hashlane/resp';
import t from 'tap';
import { KnownNames } from './known-names.ts';

t.test('a name is the text of its bytes, whatever was there before', async (t) => {
  const names = new KnownNames();
  let seed = 7;
  const below = (bound: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % bound;
  };
  // Few characters and lengths, so that different names meet in one slot.
  for (let i = 0; i < 20_000; i++) {
    const length = below(80);
    const text = Array.from({ length }, () => String.fromCharCode(below(3) * 100)).join('');
    const block = Block.of(`xx${text}yy`);
    if (names.nameAt(block, 2, length) !== text) t.fail(JSON.stringify(text));
  }
  const block = Block.of('bull:queue:active bull:queue:wait');
  t.equal(names.nameAt(block, 0, 17), 'bull:queue:active');
  t.equal(names.nameAt(block, 18, 15), 'bull:queue:wait');
  t.equal(names.nameAt(block, 0, 17), 'bull:queue:active');
});
