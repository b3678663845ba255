/**
 * Whether a packed hash that was filled with foreign entries is one that this server could have
 * made. The entries are listpack entries already; packages/rdb has checked that.
 *
 * Cost: O(bytes) for the forms of the entries. That no field is there twice is seen by searching
 * each field while there are few, and by a set of strings beyond.
 */
import { HASH_VOLATILE, type HashValue } from './hash-value.ts';
import { integerAt, isCanonicalEntry, isIntegerEntry, nextEntry } from './listpack.ts';

/** Fields up to which searching each in the packed run is cheaper than a set. */
const SEARCHED_FIELDS_MAX = 32;

/** A hash without fields is not sound. */
export function isSoundPackedHash(hash: HashValue): boolean {
  const { block, count, end, start } = hash.packed;
  const step = hash.form === HASH_VOLATILE ? 3 : 2;
  if (count === 0 || count % step !== 0) return false;
  let last = 0;
  for (let at = start, i = 0; at < end; at = nextEntry(block, at), i++) {
    if (!isCanonicalEntry(block, at)) return false;
    if (i % 3 !== 2 || step === 2) continue;
    const deadline = deadlineAt(hash, at);
    // In ascending order, fields without a deadline last.
    if (!(deadline >= last)) return false;
    last = deadline;
  }
  return hasDifferentFields(hash);
}

/** NaN when the entry is no deadline. */
function deadlineAt({ packed: { block } }: HashValue, at: number): number {
  const value = isIntegerEntry(block, at) ? integerAt(block, at) : Number.NaN;
  return value === 0 ? Infinity : value;
}

function hasDifferentFields(hash: HashValue): boolean {
  if (hash.count > SEARCHED_FIELDS_MAX) {
    const seen = new Set<string>();
    for (hash.rewind(); hash.advance(); ) seen.add(hash.fieldSpan().text());
    return seen.size === hash.count;
  }
  for (hash.rewind(); hash.advance(); ) {
    const { place } = hash;
    const { block, length, offset } = hash.fieldSpan();
    hash.find(block, offset, length);
    if (hash.place !== place) return false;
  }
  return true;
}
