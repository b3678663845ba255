/**
 * Arguments that commands of several families have: integers, counts, time-outs.
 *
 * Each reader replies the error itself and then returns NaN, so that a handler checks and returns.
 * Order and texts of the errors are those of Redis 7.2.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { parseSeconds } from '../long-double.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import type { Request } from '../request.ts';

/** Largest relative time that Redis accepts as a timeout, in ms. */
export const TIMEOUT_MAX_MS = 2 ** 63;

const INT64_MIN_TEXT = '-9223372036854775808';
/** Length of the longest text that can be a 64-bit integer. */
const INTEGER_TEXT_MAX = 20;

/** Value of an argument that must be a 64-bit integer, or undefined. */
export function bigArgument(request: Request, i: number): bigint | undefined {
  return request.length(i) > INTEGER_TEXT_MAX ? undefined : parseBigInteger(request.text(i));
}

/** The same as a number, or NaN. Beyond 2^53 it is rounded, which only comparisons may bear. */
export function numberArgument(request: Request, i: number): number {
  const value = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(value)) return value;
  const big = bigArgument(request, i);
  return big === undefined ? Number.NaN : Number(big);
}

/** Integer in argument `i`, or NaN after an error reply. Beyond 2^53 it is rounded. */
export function integerArgument(context: CommandContext, i: number, error: string): number {
  const value = numberArgument(context.request, i);
  if (Number.isNaN(value)) context.reply.error(error);
  return value;
}

/** Integer of at least `least` in argument `i`, or NaN after an error reply. */
export function boundedArgument(
  context: CommandContext,
  i: number,
  least: number,
  error: string,
): number {
  const value = integerArgument(context, i, error);
  if (Number.isNaN(value) || value >= least) return value;
  context.reply.error(error);
  return Number.NaN;
}

/** Integer that may be anything but the least of 64 bits, which cannot be negated. */
export function signedArgument(context: CommandContext, i: number): number {
  if (context.request.length(i) === 20 && context.request.text(i) === INT64_MIN_TEXT) {
    context.reply.error(errors.outOfNegatableRange);
    return Number.NaN;
  }
  return integerArgument(context, i, errors.notInteger);
}

/** Text of an argument up to the first NUL, as Redis prints it in errors. */
export function printed(request: Request, i: number): string {
  const text = request.text(i);
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** Deadline in ms (Infinity for 0) from the seconds in argument `i`, or NaN after an error reply. */
export function deadlineArgument(context: CommandContext, i: number): number {
  const { request, reply } = context;
  let seconds = parseInteger(request.block, request.offset(i), request.length(i));
  if (seconds === 0) return Infinity;
  if (Number.isNaN(seconds)) seconds = parseSeconds(request.text(i));
  if (Number.isNaN(seconds)) {
    reply.error(errors.timeoutNotFloat);
    return Number.NaN;
  }
  const milliseconds = Math.ceil(seconds * 1000);
  if (milliseconds < 0) {
    reply.error(errors.timeoutNegative);
    return Number.NaN;
  }
  if (milliseconds + context.now >= TIMEOUT_MAX_MS) {
    reply.error(errors.timeoutOutOfRange);
    return Number.NaN;
  }
  return milliseconds === 0 ? Infinity : context.now + milliseconds;
}
