/**
 * Names of keys as strings that are made once: a queue's scripts are called with the same keys again
 * and again.
 *
 * A direct-mapped cache. What is found is compared by its bytes, which for the names of a queue costs
 * a sixth of making the string anew, and a string that exists has its hash already.
 */
import { Block, copyBytes, equalBytes } from '@hashlane/resp';
import { KNOWN_NAME_BYTES_MAX, KNOWN_NAMES } from './limits.ts';
import { textAt } from './reply-decoder.ts';

export class KnownNames {
  readonly #names: string[] = new Array(KNOWN_NAMES).fill('');
  /** Their bytes, KNOWN_NAME_BYTES_MAX apart. */
  readonly #bytes = Block.allocate(KNOWN_NAMES * KNOWN_NAME_BYTES_MAX);

  /** The string of `length` bytes from `at` on. */
  nameAt(block: Block, at: number, length: number): string {
    if (length < 4 || length > KNOWN_NAME_BYTES_MAX) return textAt(block, at, length);
    const slot = slotOf(block, at, length);
    const known = this.#names[slot]!;
    const place = slot * KNOWN_NAME_BYTES_MAX;
    if (known.length === length && equalBytes(this.#bytes, place, block, at, length)) return known;
    const name = textAt(block, at, length);
    this.#names[slot] = name;
    copyBytes(this.#bytes, place, block, at, length);
    return name;
  }
}

/** From the middle and the end, where the names of a queue's keys differ. */
function slotOf({ view }: Block, at: number, length: number): number {
  const end = view.getInt32(at + length - 4, true);
  const middle = view.getInt32(at + ((length - 4) >> 1), true);
  const hash = Math.imul(end, 0x9e3779b1) ^ Math.imul(middle, 0x85ebca6b) ^ length;
  return (hash ^ (hash >>> 15)) & (KNOWN_NAMES - 1);
}
