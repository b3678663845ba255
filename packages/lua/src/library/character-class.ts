/**
 * Lua's character classes (`%a`, `[^%d_]`) as tables of 256 bytes, 1 for a member: what C's ctype
 * says in the C locale, where bytes above 127 belong to no class.
 */

/** Members of a class or set, indexed by character code. */
export type CharacterSet = Uint8Array;

const CODES = 256;
const LETTER_BIT = 32;

const RANGES: Readonly<Record<string, string>> = {
  a: 'AZaz',
  c: '\x00\x1f\x7f\x7f',
  d: '09',
  l: 'az',
  p: '!/:@[`{~',
  s: '\t\r  ',
  u: 'AZ',
  w: '09AZaz',
  x: '09AFaf',
  z: '\x00\x00',
};

const classes = new Map<number, CharacterSet>();

function ofRanges(ranges: string): CharacterSet {
  const set = new Uint8Array(CODES);
  for (let at = 0; at < ranges.length; at += 2) {
    set.fill(1, ranges.charCodeAt(at), ranges.charCodeAt(at + 1) + 1);
  }
  return set;
}

/** The set of `%` and this character: a class, its complement for a capital, or the character. */
export function escapedSet(code: number): CharacterSet {
  let set = classes.get(code);
  if (set === undefined) {
    set = makeEscaped(code);
    classes.set(code, set);
  }
  return set;
}

function makeEscaped(code: number): CharacterSet {
  const letter = String.fromCharCode(code | LETTER_BIT);
  const ranges = /[a-z]/i.test(String.fromCharCode(code)) ? RANGES[letter] : undefined;
  if (ranges === undefined) return singleSet(code);
  const set = ofRanges(ranges);
  return (code & LETTER_BIT) === 0 ? complement(set) : set;
}

export function singleSet(code: number): CharacterSet {
  const set = new Uint8Array(CODES);
  set[code] = 1;
  return set;
}

export function complement(set: CharacterSet): CharacterSet {
  return set.map((member) => 1 - member);
}

export const ANY_CHARACTER: CharacterSet = new Uint8Array(CODES).fill(1);
