/**
 * Redis's glob patterns over bytes (`KEYS`, `SCAN MATCH`, `CONFIG GET`): `*`, `?`, `[abc]`,
 * `[^a-z]`, `\x`. Written as a loop with one remembered `*`, so that a hostile pattern costs
 * O(pattern × text) and no recursion.
 *
 * Behaviour follows Redis's stringmatchlen, oddities included: an unclosed class ends with the
 * pattern, a trailing backslash matches itself, an empty text matches only the empty pattern, and
 * the bounds of a range are signed bytes (as Redis has them where C's char is signed).
 */

/** True when the bytes `from` … `to` − 1 of `text` match the pattern as a whole. */
export function matchesGlob(
  pattern: Uint8Array,
  text: Uint8Array,
  from = 0,
  to = text.length,
): boolean {
  if (from === to) return pattern.length === 0;
  let p = 0;
  let t = from;
  let starPattern = -1;
  let starText = from;
  while (t < to) {
    if (p < pattern.length && pattern[p] === 42) {
      starPattern = ++p;
      starText = t;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text[t]) : -1;
    if (next >= 0) {
      p = next;
      t++;
    } else if (starPattern >= 0) {
      p = starPattern;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === 42) p++;
  return p === pattern.length;
}

/** True when a pattern has no special byte and so matches exactly itself. */
export function isLiteralGlob(pattern: Uint8Array): boolean {
  for (const byte of pattern) {
    if (byte === 42 || byte === 63 || byte === 91 || byte === 92) return false;
  }
  return true;
}

/** Matches one byte against the pattern element at `p`: index after it, or −1. */
function matchOne(pattern: Uint8Array, p: number, byte: number): number {
  switch (pattern[p]) {
    case 63:
      return p + 1;
    case 91:
      return matchClass(pattern, p + 1, byte);
    case 92:
      if (p + 1 < pattern.length) return pattern[p + 1] === byte ? p + 2 : -1;
      return byte === 92 ? p + 1 : -1;
    default:
      return pattern[p] === byte ? p + 1 : -1;
  }
}

function matchClass(pattern: Uint8Array, start: number, byte: number): number {
  let p = start;
  const isNegated = pattern[p] === 94;
  if (isNegated) p++;
  let isMatch = false;
  for (;;) {
    if (p >= pattern.length) break;
    if (pattern[p] === 92 && p + 1 < pattern.length) {
      p++;
      if (pattern[p] === byte) isMatch = true;
    } else if (pattern[p] === 93) {
      break;
    } else if (p + 2 < pattern.length && pattern[p + 1] === 45) {
      if (isInRange(pattern[p], pattern[p + 2], byte)) isMatch = true;
      p += 2;
    } else if (pattern[p] === byte) {
      isMatch = true;
    }
    p++;
  }
  const end = Math.min(p + 1, pattern.length);
  return isMatch !== isNegated ? end : -1;
}

/** `a-c` and `c-a` are the same range. */
function isInRange(a: number, b: number, byte: number): boolean {
  const first = signed(a);
  const last = signed(b);
  const value = signed(byte);
  return first <= last ? value >= first && value <= last : value >= last && value <= first;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}
