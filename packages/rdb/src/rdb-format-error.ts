/**
 * The one error of this package that means "these bytes are not what the RDB format allows".
 *
 * `offset` counts bytes from the beginning of what was being read: the file for the scanner, the
 * payload or blob for the decoders. A decoder that works on a slice does not know where the slice
 * came from; whoever does calls `shifted` to turn a slice's offset into a file's.
 *
 * Faults of the file layer (ENOENT, EIO, ENOSPC) are never wrapped in this class: they are not
 * about the format and surface as they are.
 */
export class RdbFormatError extends Error {
  override readonly name = 'RdbFormatError';
  /** Bytes from the beginning of the input. */
  readonly offset: number;
  readonly #what: string;
  readonly #detail: string;

  /** The message reads `${what} at byte ${offset}` and, when there is a detail, `: ${detail}`. */
  constructor(what: string, offset: number, detail = '') {
    super(`${what} at byte ${offset}${detail === '' ? '' : `: ${detail}`}`);
    this.offset = offset;
    this.#what = what;
    this.#detail = detail;
  }

  /** The same complaint, `byteCount` bytes further on. */
  shifted(byteCount: number): RdbFormatError {
    return new RdbFormatError(this.#what, this.offset + byteCount, this.#detail);
  }
}
