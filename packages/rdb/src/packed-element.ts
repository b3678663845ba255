/**
 * What the readers of the packed formats (listpack, ziplist, intset, zipmap) say to whoever walks
 * them: each element is either a span of bytes or an integer, since the formats store decimal
 * strings as integers where they can.
 */

/** Receives the elements in order. Spans are valid as long as the blob is. */
export interface ElementVisitor {
  bytes(buffer: Buffer, start: number, end: number): void;
  /** A safe integer. */
  integer(value: number): void;
  /** An integer beyond 2^53. */
  bigInteger(value: bigint): void;
}

/**
 * For those who want every element as bytes: integers arrive in decimal form, in a scratch buffer
 * that the next integer overwrites.
 */
export function asBytes(
  visit: (buffer: Buffer, start: number, end: number) => void,
): ElementVisitor {
  // "-9223372036854775808" has 20 characters.
  const scratch = Buffer.allocUnsafe(20);
  const decimal = (value: number | bigint): void => {
    visit(scratch, 0, scratch.write(value.toString(), 0, 'latin1'));
  };
  return { bytes: visit, integer: decimal, bigInteger: decimal };
}

/** Reads the signed 64-bit little-endian integer at `at` and passes it on. */
export function visitInt64(buffer: Buffer, at: number, visitor: ElementVisitor): void {
  const value = buffer.readBigInt64LE(at);
  const rounded = Number(value);
  if (Number.isSafeInteger(rounded)) visitor.integer(rounded);
  else visitor.bigInteger(value);
}
