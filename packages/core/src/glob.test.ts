/** Glob patterns: examples, a hostile pattern, and random ones against redis-server's KEYS. */
import t from 'tap';
import { isLiteralGlob, matchesGlob } from './glob.ts';
import { RandomSource } from './random-source.ts';
import { RedisServer, redisMissing } from './redis-server.fixture.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const matches = (pattern: string, text: string): boolean =>
  matchesGlob(bytes(pattern), bytes(text));

t.test('examples', async (t) => {
  for (const [pattern, text] of [
    ['*', 'a'],
    ['a*c', 'abbc'],
    ['a?c', 'abc'],
    ['[a-c]x', 'bx'],
    ['[c-a]x', 'bx'],
    ['[^a]', 'b'],
    ['\\*', '*'],
    ['a\\', 'a\\'],
    ['[abc', 'c'],
    ['[^', 'a'],
    ['**a**', 'xax'],
    ['', ''],
    ['[\\]]', ']'],
    ['[a-]', '^'],
    ['*a*b*c*', '1a2b3c4'],
  ])
    t.ok(matches(pattern, text), `${pattern} matches ${text}`);
  for (const [pattern, text] of [
    ['*', ''],
    ['a', ''],
    ['', 'a'],
    ['a*c', 'abb'],
    ['?', ''],
    ['?', 'ab'],
    ['[^a]', 'a'],
    ['[]', ']'],
    ['\\*', 'a'],
    ['[a-c]', 'd'],
  ])
    t.notOk(matches(pattern, text), `${pattern} does not match ${text}`);
});

t.test('a span of a larger text', async (t) => {
  t.ok(matchesGlob(bytes('b*'), bytes('abcd'), 1, 3));
  t.notOk(matchesGlob(bytes('*d'), bytes('abcd'), 1, 3));
});

t.test('literal patterns', async (t) => {
  t.ok(isLiteralGlob(bytes('key:1]-^')));
  for (const pattern of ['*', 'a?', '[a]', '\\a']) t.notOk(isLiteralGlob(bytes(pattern)));
});

t.test('a hostile pattern costs no more than pattern times text', async (t) => {
  t.notOk(matches('a*'.repeat(50_000), `${'a'.repeat(20)}b`.repeat(20).slice(0, 300)));
  t.notOk(matches(`${'*?'.repeat(2000)}x`, 'a'.repeat(3000)));
  t.ok(matches(`${'*a'.repeat(1000)}*`, 'a'.repeat(3000)));
});

t.test('random patterns against redis-server', { skip: redisMissing() }, async (t) => {
  const redis = await RedisServer.start();
  t.teardown(() => redis.stop());
  const random = new RandomSource(1);
  const word = (alphabet: string, most: number): string =>
    Array.from(
      { length: random.below(most + 1) },
      () => alphabet[random.below(alphabet.length)],
    ).join('');
  const texts = [...new Set(Array.from({ length: 300 }, () => word('abcd-^]\\[*\xe9\x80', 5)))];
  await redis.call(texts.map((text) => ['SET', text, '1']));
  // KEYS has a short cut for "*" alone, which matches the empty key too.
  const patterns = Array.from({ length: 3000 }, () => word('ab*?[]^-\\c\xe9\x80d', 8));
  const replies = await redis.call(patterns.map((pattern) => ['KEYS', pattern]));
  const wrong: string[] = [];
  for (const [i, pattern] of patterns.entries()) {
    const theirs = replies[i]
      .split('\r\n')
      .filter((_line, j) => j > 0 && j % 2 === 0)
      .sort();
    const ours = texts.filter((text) => pattern === '*' || matches(pattern, text)).sort();
    if (
      ours.join('\n') !== theirs.slice(0, ours.length).join('\n') ||
      replies[i].slice(1).split('\r')[0] !== String(ours.length)
    )
      wrong.push(pattern);
  }
  t.same(wrong, []);
});
