/**
 * What commands on bits share: bit offsets as arguments, and strings that are long enough for a bit.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { RAW_FORCED } from '../entry.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import {
  forceRaw,
  growZeros,
  insertZeros,
  STRING_LENGTH_MAX,
  type StringSpan,
} from '../string-value.ts';

/** A field at the last bit offset reaches so many bytes further. */
const FIELD_BYTES_MAX = 8;

/**
 * Bit offset in an argument, after its first `skipped` bytes; NaN with an error replied. `unit` is
 * the width of the fields that the offset counts (BITFIELD's `#`), or 1.
 */
export function readBitOffset(
  context: CommandContext,
  i: number,
  skipped: number,
  unit: number,
): number {
  const { request } = context;
  const length = request.length(i) - skipped;
  let bits = parseInteger(request.block, request.offset(i) + skipped, length) * unit;
  if (Number.isNaN(bits) && length <= 20) {
    const wide = parseBigInteger(request.text(i).slice(skipped));
    // Redis multiplies in 64 bits: what wraps may become valid again.
    if (wide !== undefined) bits = Number(BigInt.asIntN(64, wide * BigInt(unit)));
  }
  const { protoMaxBulkBytes } = context.engine.settings;
  const bytesMax = Math.min(protoMaxBulkBytes, STRING_LENGTH_MAX - FIELD_BYTES_MAX);
  if (bits >= 0 && bits < bytesMax * 8) return bits;
  context.reply.error(errors.bitOffset);
  return Number.NaN;
}

/** Outcomes of `makeBit`: an error was replied; the bit was there; the key or bytes were added. */
export const WRONG = 0;
export const THERE = 1;
export const ADDED = 2;

/**
 * Makes the string of the key in argument 1 long enough for bit `last` (new bits are 0) and locates
 * it in `place`. It counts as `raw` from then on.
 */
export function makeBit(
  context: CommandContext,
  last: number,
  place: StringSpan,
): typeof WRONG | typeof THERE | typeof ADDED {
  const { keyspace, reply, request } = context;
  const { arena } = keyspace;
  const total = Math.floor(last / 8) + 1;
  const reference = keyspace.lookupWrite(request, 1);
  if (reference === 0) {
    place.locate(arena, insertZeros(keyspace, request, 1, total));
    return ADDED;
  }
  if (!place.locate(arena, reference)) {
    reply.error(errors.wrongType);
    return WRONG;
  }
  if (total > place.length) {
    place.locate(arena, growZeros(keyspace, reference, total));
    return ADDED;
  }
  if ((keyspace.metaOf(reference) & RAW_FORCED) === 0) forceRaw(keyspace, reference);
  return THERE;
}
