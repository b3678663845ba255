/**
 * Where the keys of a request are, from its row's key ranges. A request whose key count is not a
 * number, or is too large, has no keys as far as routing goes: its shard will reply the error.
 */
import type { CommandMetadata } from '@hashlane/core/metadata';
import type { RequestParser } from '@hashlane/resp';

/** Number of keys of a request. */
export function keyCount(spec: CommandMetadata, parser: RequestParser): number {
  let count = 0;
  for (const range of spec.keys ?? []) {
    if (range.countAt !== undefined) {
      count += announcedKeys(parser, range.countAt);
    } else {
      const last = range.last < 0 ? parser.argc + range.last : range.last;
      if (last >= range.first) count += Math.floor((last - range.first) / range.step) + 1;
    }
  }
  return count;
}

/** Argument number of key `i`. */
export function keyPosition(spec: CommandMetadata, parser: RequestParser, i: number): number {
  let rest = i;
  for (const range of spec.keys ?? []) {
    if (range.countAt !== undefined) {
      const count = announcedKeys(parser, range.countAt);
      if (rest < count) return range.countAt + 1 + rest;
      rest -= count;
      continue;
    }
    const last = range.last < 0 ? parser.argc + range.last : range.last;
    const count = last < range.first ? 0 : Math.floor((last - range.first) / range.step) + 1;
    if (rest < count) return range.first + rest * range.step;
    rest -= count;
  }
  return -1;
}

function announcedKeys(parser: RequestParser, countAt: number): number {
  if (countAt >= parser.argc) return 0;
  const text = parser.text(countAt);
  if (!/^[0-9]{1,9}$/.test(text)) return 0;
  return Math.min(Number(text), Math.max(0, parser.argc - countAt - 1));
}
