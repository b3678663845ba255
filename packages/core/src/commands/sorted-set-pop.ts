/**
 * Pops from sorted sets, at once or when there is something: ZPOPMIN, ZPOPMAX, ZMPOP and their
 * blocking forms.
 *
 * Blocking commands try, and block when there is nothing, as with lists (pop-first.ts). Order of the
 * checks, replies and texts are those of Redis 7.2.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { ZsetValue } from '../zset-value.ts';
import { boundedArgument } from './arguments.ts';
import {
  BLOCKING,
  type CommandSpec,
  countedKeys,
  FAST,
  keys,
  MOVABLE_KEYS,
  NOSCRIPT,
  WRITE,
} from './command-spec.ts';
import {
  ANSWERED,
  type Answer,
  blockingPop,
  type End,
  LAST as MAX,
  FIRST as MIN,
  NOTHING,
  popOfMany,
} from './pop-first.ts';
import { lookupWrite, open, replyScore, WRONG } from './sorted-set-arguments.ts';

const zset = new ZsetValue();

const ENDS = ['MIN', 'MAX'] as const;

/**
 * Replies up to `count` members of the set just looked up, from one end on, and removes them.
 * `nests`: each in an array of its own. The arrays' head is the caller's.
 */
function popMembers(context: CommandContext, end: End, count: number, nests: boolean): void {
  const { keyspace, reply } = context;
  const { length } = zset;
  zset.seek(end === MIN ? 0 : length - 1);
  for (let left = count; left > 0; left--) {
    if (nests) reply.array(2);
    zset.replyMember(reply);
    replyScore(reply, zset.score);
    if (left === 1) break;
    if (end === MIN) zset.stepForward();
    else zset.stepBackward();
  }
  // The whole set goes with its key: a large one is freed in slices.
  if (count === length) keyspace.removeFound();
  else zset.removeRange(end === MIN ? 0 : length - count, count);
  context.changed(count);
}

function pop(context: CommandContext, end: End): void {
  const { reply, request } = context;
  if (request.argc > 3) {
    reply.error(errors.syntax);
    return;
  }
  const isCounted = request.argc === 3;
  const count = isCounted ? boundedArgument(context, 2, 0, errors.outOfRangePositive) : 1;
  if (Number.isNaN(count)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0 || count === 0) {
    reply.array(0);
    return;
  }
  const found = Math.min(count, open(context, zset, reference).length);
  const nests = isCounted && reply.protocol === 3;
  reply.array(nests ? found : 2 * found);
  popMembers(context, end, found, nests);
}

function zpopmin(context: CommandContext): void {
  pop(context, MIN);
}

function zpopmax(context: CommandContext): void {
  pop(context, MAX);
}

/**
 * Pops from the first key in arguments `first` … `last` that is a sorted set. `count` of 0 pops one
 * member and replies [key, member, score], otherwise [key, [[member, score], …]].
 */
function popFirst(
  context: CommandContext,
  first: number,
  last: number,
  end: End,
  count: number,
): Answer {
  const { reply, request } = context;
  for (let i = first; i <= last; i++) {
    const reference = lookupWrite(context, i);
    if (reference === WRONG) return ANSWERED;
    if (reference === 0) continue;
    const found = Math.min(Math.max(1, count), open(context, zset, reference).length);
    reply.array(count === 0 ? 3 : 2);
    reply.bulk(request.block, request.offset(i), request.length(i));
    if (count > 0) reply.array(found);
    popMembers(context, end, found, count > 0);
    return ANSWERED;
  }
  return NOTHING;
}

function bzpopmin(context: CommandContext): void {
  blockingPop(context, MIN, popFirst);
}

function bzpopmax(context: CommandContext): void {
  blockingPop(context, MAX, popFirst);
}

function zmpop(context: CommandContext): void {
  popOfMany(context, 1, ENDS, popFirst);
}

function bzmpop(context: CommandContext): void {
  popOfMany(context, 2, ENDS, popFirst);
}

const POPPED = 'RW access delete';
const O_POPPED =
  'O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of ' +
  'elements popped.';
const O_BLOCKING = 'O(log(N)) with N being the number of elements in the sorted set.';
const O_MPOP =
  'O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in ' +
  'the sorted set, and M being the number of elements popped.';

export const sortedSetPopCommands = [
  {
    name: 'ZPOPMIN',
    arity: -2,
    flags: WRITE | FAST,
    handler: zpopmin,
    keys: keys(1, 1, POPPED),
    group: 'sorted-set',
    since: '5.0.0',
    summary: 'Remove and return members with the lowest scores in a sorted set',
    complexity: O_POPPED,
    syntax: 'key [count]',
  },
  {
    name: 'ZPOPMAX',
    arity: -2,
    flags: WRITE | FAST,
    handler: zpopmax,
    keys: keys(1, 1, POPPED),
    group: 'sorted-set',
    since: '5.0.0',
    summary: 'Remove and return members with the highest scores in a sorted set',
    complexity: O_POPPED,
    syntax: 'key [count]',
  },
  {
    name: 'ZMPOP',
    arity: -4,
    flags: WRITE | MOVABLE_KEYS,
    handler: zmpop,
    keys: countedKeys(1, POPPED),
    spread: 'first',
    group: 'sorted-set',
    since: '7.0.0',
    summary: 'Remove and return members with scores in a sorted set',
    complexity: O_MPOP,
    syntax: 'numkeys key [key ...] <MIN | MAX> [COUNT count]',
  },
  {
    name: 'BZPOPMIN',
    arity: -3,
    flags: WRITE | NOSCRIPT | BLOCKING | FAST,
    handler: bzpopmin,
    keys: keys(1, -2, POPPED),
    spread: 'first',
    waitsFor: 'zset',
    group: 'sorted-set',
    since: '5.0.0',
    summary:
      'Remove and return the member with the lowest score from one or more sorted sets, or block ' +
      'until one is available',
    complexity: O_BLOCKING,
    syntax: 'key [key ...] timeout',
  },
  {
    name: 'BZPOPMAX',
    arity: -3,
    flags: WRITE | NOSCRIPT | BLOCKING | FAST,
    handler: bzpopmax,
    keys: keys(1, -2, POPPED),
    spread: 'first',
    waitsFor: 'zset',
    group: 'sorted-set',
    since: '5.0.0',
    summary:
      'Remove and return the member with the highest score from one or more sorted sets, or ' +
      'block until one is available',
    complexity: O_BLOCKING,
    syntax: 'key [key ...] timeout',
  },
  {
    name: 'BZMPOP',
    arity: -5,
    flags: WRITE | BLOCKING | MOVABLE_KEYS,
    handler: bzmpop,
    keys: countedKeys(2, POPPED),
    spread: 'first',
    waitsFor: 'zset',
    group: 'sorted-set',
    since: '7.0.0',
    summary:
      'Remove and return members with scores in a sorted set or block until one is available',
    complexity: O_MPOP,
    syntax: 'timeout numkeys key [key ...] <MIN | MAX> [COUNT count]',
  },
] as const satisfies readonly CommandSpec[];
