/**
 * Scores in the packed form of sorted sets: as Redis writes them into its listpacks, an integer
 * where the score is one of up to 62 bits (−0 becomes 0 there), else text of 17 digits, which reads
 * back as the same double.
 */
import { Block, writeDecimal } from '@hashlane/resp';
import { bigIntegerAt, integerAt, isIntegerEntry, stringLength, stringOffset } from './listpack.ts';
import { formatDouble17 } from './number-text.ts';

/** Up to here Redis writes an integral score as an integer: 2^62. */
const INTEGER_MAX = 2 ** 62;
/** Room for any score's text. */
const TEXT_BYTES_MAX = 40;

/** A score as text: `block` from its beginning, `length` bytes. One score at a time. */
export const scoreText = { block: Block.allocate(TEXT_BYTES_MAX), length: 0 };

/** Puts the text of a score's packed entry into `scoreText`. */
export function setScoreText(score: number): void {
  const { bytes } = scoreText.block;
  if (Number.isSafeInteger(score)) {
    scoreText.length = writeDecimal(bytes, 0, score);
    return;
  }
  const isInteger = Number.isInteger(score) && Math.abs(score) <= INTEGER_MAX;
  const text = isInteger ? BigInt(score).toString() : formatDouble17(score);
  scoreText.length = bytes.latin1Write(text, 0);
}

/** The score of the packed entry at `at`; NaN when its text is no number. */
export function packedScore(block: Block, at: number): number {
  if (isIntegerEntry(block, at)) {
    const value = integerAt(block, at);
    return Number.isNaN(value) ? Number(bigIntegerAt(block, at)) : value;
  }
  const from = stringOffset(block, at);
  const text = block.bytes.latin1Slice(from, from + stringLength(block, at));
  if (text === 'inf') return Infinity;
  return text === '-inf' ? -Infinity : Number(text);
}
