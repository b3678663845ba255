/**
 * Glob patterns as Redis matches them (stringmatch of util.c): `*`, `?`, `[abc]`, `[a-z]`, `[^a]`,
 * and `\` before a character that stands for itself. Over strings, for names of parameters and
 * the like; keys are matched over their bytes in the shards.
 *
 * The idea: every element but `*` takes exactly one character, so only the last `*` ever needs to
 * be tried again, one character further. That makes it a loop without recursion; the worst case is
 * O(pattern × text), never exponential.
 *
 * Redis's oddities are kept: an unclosed `[` closes at the end of the pattern, `[z-a]` means
 * `[a-z]`, a `\` at the very end stands for itself, and inside brackets an escaped character is
 * compared with its case even when case is otherwise ignored. The empty text matches the empty
 * pattern only, not `*`.
 */

/** Whether the whole of `text` matches. Patterns with `ignoreCase` fold ASCII letters only. */
export function matchesGlob(pattern: string, text: string, ignoreCase = false): boolean {
  if (text === '') return pattern === '';
  let at = 0;
  let position = 0;
  let star = -1;
  let starText = 0;
  while (position < text.length) {
    const next = pattern[at] === '*' ? -1 : matchOne(pattern, at, text[position]!, ignoreCase);
    if (pattern[at] === '*') {
      star = ++at;
      starText = position;
    } else if (next !== -1) {
      at = next;
      position++;
    } else if (star !== -1) {
      at = star;
      position = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at >= pattern.length;
}

/** Where the pattern goes on if its element at `at` takes `char`; -1 if it does not. */
function matchOne(pattern: string, at: number, char: string, ignoreCase: boolean): number {
  if (at >= pattern.length) return -1;
  if (pattern[at] === '?') return at + 1;
  if (pattern[at] === '[') return matchClass(pattern, at + 1, char, ignoreCase);
  const literal = pattern[at] === '\\' && at + 1 < pattern.length ? at + 1 : at;
  return fold(pattern[literal]!, ignoreCase) === fold(char, ignoreCase) ? literal + 1 : -1;
}

function matchClass(pattern: string, start: number, char: string, ignoreCase: boolean): number {
  const negated = pattern[start] === '^';
  let at = negated ? start + 1 : start;
  let found = false;
  const folded = fold(char, ignoreCase);
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      at++;
      if (pattern[at] === char) found = true;
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const ends = [fold(pattern[at]!, ignoreCase), fold(pattern[at + 2]!, ignoreCase)].sort();
      if (folded >= ends[0]! && folded <= ends[1]!) found = true;
      at += 2;
    } else if (fold(pattern[at]!, ignoreCase) === folded) {
      found = true;
    }
  }
  // Past a `]` if there is one; an unclosed class ends with the pattern.
  return found === negated ? -1 : Math.min(at + 1, pattern.length);
}

function fold(char: string, ignoreCase: boolean): string {
  return ignoreCase && char >= 'A' && char <= 'Z' ? char.toLowerCase() : char;
}
