/**
 * What the pops from the first of several keys share, of lists and of sorted sets: BLPOP, BZPOPMIN
 * and their like, LMPOP, ZMPOP and their blocking forms.
 *
 * A blocking command tries, and blocks when there is nothing: the engine runs the same handler
 * again when a key is ready, so that there is one implementation of each pop. Order of the checks,
 * replies and texts are those of Redis 7.2.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { boundedArgument, deadlineArgument } from './arguments.ts';

/** Nothing was found yet: neither something to pop nor a key of another type. */
export const NOTHING = 0;
export const ANSWERED = 1;
export type Answer = typeof NOTHING | typeof ANSWERED;

/** The end that is popped: LEFT or MIN, RIGHT or MAX. */
export const FIRST = 1;
export const LAST = 2;
export type End = typeof FIRST | typeof LAST;

/** How a type pops from its first key in arguments `first` … `last`; a `count` of 0 pops one. */
export type PopFirst = (
  context: CommandContext,
  first: number,
  last: number,
  end: End,
  count: number,
) => Answer;

/** BLPOP and its like: keys from argument 1 on, and a timeout. */
export function blockingPop(context: CommandContext, end: End, popFirst: PopFirst): void {
  const last = context.request.argc - 2;
  const deadline = deadlineArgument(context, last + 1);
  if (Number.isNaN(deadline)) return;
  if (popFirst(context, 1, last, end, 0) === ANSWERED) return;
  if (context.mayBlock) context.block(1, last, deadline);
  else context.reply.nullArray();
}

/**
 * LMPOP and its like. The number of keys is in argument `countAt`; before it, in argument 1, a
 * blocking one has its timeout. `ends`: the words for FIRST and LAST.
 */
export function popOfMany(
  context: CommandContext,
  countAt: 1 | 2,
  ends: readonly [string, string],
  popFirst: PopFirst,
): void {
  const { request, reply } = context;
  const numkeys = boundedArgument(context, countAt, 1, errors.numkeysNotPositive);
  if (Number.isNaN(numkeys)) return;
  const endAt = countAt + numkeys + 1;
  if (endAt >= request.argc || (!request.is(endAt, ends[0]) && !request.is(endAt, ends[1]))) {
    reply.error(errors.syntax);
    return;
  }
  const end = request.is(endAt, ends[0]) ? FIRST : LAST;
  const count = countOption(context, endAt + 1);
  if (Number.isNaN(count)) return;
  const isBlocking = countAt === 2;
  const deadline = isBlocking ? deadlineArgument(context, 1) : Infinity;
  if (Number.isNaN(deadline)) return;
  if (popFirst(context, countAt + 1, endAt - 1, end, count) === ANSWERED) return;
  if (isBlocking && context.mayBlock) context.block(countAt + 1, endAt - 1, deadline);
  else reply.nullArray();
}

/** `[COUNT count]` from argument `from` on: 1 without it, NaN after an error reply. */
function countOption(context: CommandContext, from: number): number {
  const { request, reply } = context;
  let count = 0;
  for (let i = from; i < request.argc; i += 2) {
    if (count !== 0 || !request.is(i, 'COUNT') || i + 1 >= request.argc) {
      reply.error(errors.syntax);
      return Number.NaN;
    }
    count = boundedArgument(context, i + 1, 1, errors.countNotPositive);
    if (Number.isNaN(count)) return count;
  }
  return count === 0 ? 1 : count;
}
