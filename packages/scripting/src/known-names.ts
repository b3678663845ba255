/**
 * Names of keys as strings that are made once: a queue's scripts are called with the same keys again
 * and again.
 *
 * A direct-mapped cache. What is found is compared by its bytes, which for the names of a queue costs
 * a fraction of making the string anew, and a string that exists has its hash already. The way back,
 * from a known string to its bytes, was tried and costs what writing the string costs.
 */
import { Block, copyBytes, equalBytes } from '@hashlane/resp';
import { KNOWN_NAME_BITS, KNOWN_NAME_BYTES_MAX } from './limits.ts';
import { textAt } from './reply-decoder.ts';

const NAME_BYTES_MIN = 4;
const KNOWN_NAMES = 1 << KNOWN_NAME_BITS;

export class KnownNames {
  readonly #names: string[] = new Array(KNOWN_NAMES).fill('');
  /** Their bytes, KNOWN_NAME_BYTES_MAX apart. */
  readonly #bytes = Block.allocate(KNOWN_NAMES * KNOWN_NAME_BYTES_MAX);

  /** The string of `length` bytes from `at` on. */
  nameAt(block: Block, at: number, length: number): string {
    if (length < NAME_BYTES_MIN || length > KNOWN_NAME_BYTES_MAX) return textAt(block, at, length);
    const { view } = block;
    const slot = slotOf(
      length,
      view.getUint8(at + length - 1),
      view.getUint8(at + length - 3),
      view.getUint8(at + (length >> 1)),
    );
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
function slotOf(length: number, last: number, beforeLast: number, middle: number): number {
  const hash = Math.imul(last | (beforeLast << 8) | (middle << 16) | (length << 24), 0x9e3779b1);
  return hash >>> (32 - KNOWN_NAME_BITS);
}
