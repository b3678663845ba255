import t from 'tap';
import { matchesGlob } from './glob-pattern.ts';

const CASES: ReadonlyArray<readonly [pattern: string, text: string, matches: boolean]> = [
  ['*', '', false],
  ['', '', true],
  ['', 'a', false],
  ['a*c', 'abbbc', true],
  ['a*c', 'abbbd', false],
  ['a**c', 'ac', true],
  ['?', '', false],
  ['??', 'ab', true],
  ['[abc]x', 'bx', true],
  ['[^abc]x', 'bx', false],
  ['[a-c]x', 'bx', true],
  ['[c-a]x', 'bx', true],
  ['[a', 'a', true],
  ['[^', 'a', true],
  ['[]', 'a', false],
  ['[\\]]', ']', true],
  ['a\\*', 'a*', true],
  ['a\\*', 'ab', false],
  ['\\', '\\', true],
  ['*a*b*', 'xxaxxbxx', true],
  ['*maxm*y', 'maxmemory', true],
];

t.test('patterns', async (t) => {
  for (const [pattern, text, matches] of CASES) {
    t.equal(matchesGlob(pattern, text), matches, `${pattern} against ${text}`);
  }
});

t.test('case', async (t) => {
  t.notOk(matchesGlob('MAX*', 'maxmemory'));
  t.ok(matchesGlob('MAX*', 'maxmemory', true));
  t.ok(matchesGlob('[A-M]ax', 'max', true));
  t.notOk(matchesGlob('[\\M]ax', 'max', true), 'an escaped character in brackets keeps its case');
});

t.test('a pattern of stars is not exponential', async (t) => {
  t.notOk(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(5000)));
});
