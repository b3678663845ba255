/**
 * Ranges of sorted sets by rank, score or member: replied, stored or removed.
 *
 * ZRANGE and its older forms are one body, `range`, with a form: what the bounds mean and which
 * way. Whatever they mean, a range becomes a span of ranks (`rangeSpan`), and the rest knows no
 * difference. What is stored is built outside the keyspace first: the destination may be the
 * source.
 *
 * Order of the checks, replies and texts are those of Redis 7.2.
 */
import { Block, errors } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { valueOffset, ZSET } from '../entry.ts';
import { ALWAYS_LARGE, ZSET_BYTES, ZsetValue } from '../zset-value.ts';
import { integerArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, keys, READONLY, WRITE } from './command-spec.ts';
import { removeArgument } from './generic.ts';
import {
  lookupRead,
  lookupWrite,
  memberRange,
  open,
  replySpan,
  scoreRange,
  spanOfMembers,
  spanOfScores,
  WRONG,
} from './sorted-set-arguments.ts';

const zset = new ZsetValue();
const result = new ZsetValue();
const resultDescriptor = Block.allocate(ZSET_BYTES);

/** What the bounds of a range are; ANY is left to options. */
const ANY = 0;
const BY_RANK = 1;
const BY_SCORE = 2;
const BY_MEMBER = 3;

/** Direction of a range; EITHER is left to options. */
const EITHER = 0;
const FORWARD = 1;
const REVERSE = 2;

/** The range of the command that runs. */
const range = {
  kind: ANY,
  direction: EITHER,
  withScores: false,
  /** LIMIT: members to pass over, and to take at most (negative: all). */
  offset: 0,
  limit: -1,
  /** Bounds of a range by rank. */
  start: 0,
  stop: 0,
};

/** Reads the range in arguments `at`, `at` + 1 and the options behind. False after an error. */
function rangeArguments(
  context: CommandContext,
  at: number,
  kind: number,
  direction: number,
  stores: boolean,
): boolean {
  range.kind = kind;
  range.direction = direction;
  range.withScores = false;
  range.offset = 0;
  range.limit = -1;
  if (!rangeOptions(context, at + 2, stores)) return false;
  if (range.kind === ANY) range.kind = BY_RANK;
  const { reply } = context;
  if (range.limit !== -1 && range.kind === BY_RANK) {
    reply.error(errors.rangeLimit);
    return false;
  }
  if (range.withScores && range.kind === BY_MEMBER) {
    reply.error(errors.rangeScoresOfMembers);
    return false;
  }
  return rangeBounds(context, at);
}

/** Reads the options from argument `from` on. False after an error reply. */
function rangeOptions(context: CommandContext, from: number, stores: boolean): boolean {
  const { reply, request } = context;
  const isFreeKind = range.kind === ANY;
  const isFreeDirection = range.direction === EITHER;
  for (let i = from; i < request.argc; i++) {
    if (!stores && request.is(i, 'WITHSCORES')) {
      range.withScores = true;
    } else if (i + 2 < request.argc && request.is(i, 'LIMIT')) {
      range.offset = integerArgument(context, i + 1, errors.notInteger);
      if (Number.isNaN(range.offset)) return false;
      range.limit = integerArgument(context, i + 2, errors.notInteger);
      if (Number.isNaN(range.limit)) return false;
      i += 2;
    } else if (isFreeDirection && request.is(i, 'REV')) {
      range.direction = REVERSE;
    } else if (isFreeKind && range.kind === ANY && request.is(i, 'BYLEX')) {
      range.kind = BY_MEMBER;
    } else if (isFreeKind && range.kind === ANY && request.is(i, 'BYSCORE')) {
      range.kind = BY_SCORE;
    } else {
      reply.error(errors.syntax);
      return false;
    }
  }
  return true;
}

/** Reads the bounds in arguments `at` and `at` + 1, of the kind known by now. */
function rangeBounds(context: CommandContext, at: number): boolean {
  const isReverse = range.direction === REVERSE;
  if (range.kind === BY_RANK) {
    range.start = integerArgument(context, at, errors.notInteger);
    if (Number.isNaN(range.start)) return false;
    range.stop = integerArgument(context, at + 1, errors.notInteger);
    return !Number.isNaN(range.stop);
  }
  // A reverse range names its greater end first.
  const leastAt = isReverse ? at + 1 : at;
  const mostAt = isReverse ? at : at + 1;
  return range.kind === BY_SCORE
    ? scoreRange(context, leastAt, mostAt)
    : memberRange(context, leastAt, mostAt);
}

/** First rank, in the range's direction, and number of the members of `zset` in `range`. */
const span = { rank: 0, count: 0 };

function rangeSpan(): void {
  const isReverse = range.direction === REVERSE;
  const { length } = zset;
  if (range.kind === BY_RANK) {
    const from = Math.max(0, range.start < 0 ? length + range.start : range.start);
    const to = Math.min(length - 1, range.stop < 0 ? length + range.stop : range.stop);
    span.count = Math.max(0, to - from + 1);
    span.rank = isReverse ? length - 1 - from : from;
    return;
  }
  // A negative offset passes over everything, as in Redis.
  const skip = range.offset < 0 ? length : Math.min(length, range.offset);
  if (range.kind === BY_SCORE) {
    spanOfScores(zset);
    span.count = Math.max(0, zset.to - zset.from - skip);
    span.rank = isReverse ? zset.to - 1 - skip : zset.from + skip;
  } else {
    span.count = spanOfMembers(zset, isReverse, skip);
    span.rank = isReverse ? zset.to - 1 : zset.from;
  }
  if (range.limit >= 0) span.count = Math.min(span.count, range.limit);
}

function replyRange(context: CommandContext, kind: number, direction: number): void {
  if (!rangeArguments(context, 2, kind, direction, false)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    context.reply.array(0);
    return;
  }
  open(context, zset, reference);
  rangeSpan();
  const isReverse = range.direction === REVERSE;
  replySpan(context.reply, zset, span.rank, span.count, isReverse, range.withScores);
}

function zrange(context: CommandContext): void {
  replyRange(context, ANY, EITHER);
}

function zrevrange(context: CommandContext): void {
  replyRange(context, BY_RANK, REVERSE);
}

function zrangebyscore(context: CommandContext): void {
  replyRange(context, BY_SCORE, FORWARD);
}

function zrevrangebyscore(context: CommandContext): void {
  replyRange(context, BY_SCORE, REVERSE);
}

function zrangebylex(context: CommandContext): void {
  replyRange(context, BY_MEMBER, FORWARD);
}

function zrevrangebylex(context: CommandContext): void {
  replyRange(context, BY_MEMBER, REVERSE);
}

// Storing.

/**
 * Makes what was built in a descriptor outside the keyspace the value of the key in argument 1, and
 * replies its length. Without members the key goes.
 */
export function storeResult(context: CommandContext, built: ZsetValue, descriptor: Block): void {
  const { keyspace, reply, request } = context;
  const { length } = built;
  const wasThere = removeArgument(keyspace, request, 1);
  if (length === 0) {
    built.free();
    if (wasThere) context.changed();
    reply.integer(0);
    return;
  }
  const reference = keyspace.insertArgument(request, 1, ZSET, ZSET_BYTES);
  const page = keyspace.arena.pages[pageOf(reference)];
  descriptor.bytes.copy(page.bytes, valueOffset(page, offsetOf(reference)), 0, ZSET_BYTES);
  context.changed();
  reply.integer(length);
}

function zrangestore(context: CommandContext): void {
  const { engine, keyspace } = context;
  if (!rangeArguments(context, 3, ANY, EITHER, true)) return;
  const reference = lookupRead(context, 2);
  if (reference === WRONG) return;
  span.count = 0;
  if (reference !== 0) {
    open(context, zset, reference);
    rangeSpan();
  }
  // As in Redis: only of a range by rank is it known in time that it will be large. It shows in the
  // sign of zeros, which a small set does not keep.
  const isLarge = range.kind === BY_RANK && span.count > engine.settings.zsetMaxListpackEntries;
  const limits = isLarge ? ALWAYS_LARGE : engine.settings;
  result.createAt(keyspace.arena, resultDescriptor, 0, limits);
  addSpan();
  storeResult(context, result, resultDescriptor);
}

/** Adds the members of the span to `result`, in the range's direction. */
function addSpan(): void {
  if (span.count <= 0) return;
  zset.seek(span.rank);
  for (let left = span.count; ; left--) {
    zset.locateMember();
    result.add(zset.score, zset.memberBlock, zset.memberOffset, zset.memberLength);
    if (left === 1) return;
    if (range.direction === REVERSE) zset.stepBackward();
    else zset.stepForward();
  }
}

// Removing.

function removeRange(context: CommandContext, kind: number): void {
  range.kind = kind;
  range.direction = FORWARD;
  range.offset = 0;
  range.limit = -1;
  if (!rangeBounds(context, 2)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  const { reply } = context;
  if (reference === 0) {
    reply.integer(0);
    return;
  }
  open(context, zset, reference);
  rangeSpan();
  const { count } = span;
  if (count > 0) {
    // The whole set goes with its key: a large one is freed in slices.
    if (count === zset.length) context.keyspace.removeFound();
    else zset.removeRange(span.rank, count);
    context.changed(count);
  }
  reply.integer(count);
}

function zremrangebyrank(context: CommandContext): void {
  removeRange(context, BY_RANK);
}

function zremrangebyscore(context: CommandContext): void {
  removeRange(context, BY_SCORE);
}

function zremrangebylex(context: CommandContext): void {
  removeRange(context, BY_MEMBER);
}

const READ = keys(1, 1, 'RO access');
const REMOVE = keys(1, 1, 'RW delete');
const O_RETURNED =
  'O(log(N)+M) with N being the number of elements in the sorted set and M the number of ' +
  'elements returned.';
const O_LIMITED =
  'O(log(N)+M) with N being the number of elements in the sorted set and M the number of ' +
  'elements being returned. If M is constant (e.g. always asking for the first 10 elements with ' +
  'LIMIT), you can consider it O(log(N)).';
const O_REMOVED =
  'O(log(N)+M) with N being the number of elements in the sorted set and M the number of ' +
  'elements removed by the operation.';

export const sortedSetRangeCommands = [
  {
    name: 'ZRANGE',
    arity: -4,
    flags: READONLY,
    handler: zrange,
    keys: READ,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Return a range of members in a sorted set',
    complexity: O_RETURNED,
    syntax:
      'key start:string stop:string [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]',
  },
  {
    name: 'ZREVRANGE',
    arity: -4,
    flags: READONLY,
    handler: zrevrange,
    keys: READ,
    group: 'sorted-set',
    since: '1.2.0',
    summary:
      'Return a range of members in a sorted set, by index, with scores ordered from high to low',
    complexity: O_RETURNED,
    syntax: 'key start stop [WITHSCORES]',
  },
  {
    name: 'ZRANGEBYSCORE',
    arity: -4,
    flags: READONLY,
    handler: zrangebyscore,
    keys: READ,
    group: 'sorted-set',
    since: '1.0.5',
    summary: 'Return a range of members in a sorted set, by score',
    complexity: O_LIMITED,
    syntax: 'key min:double max:double [WITHSCORES] [LIMIT offset count]',
  },
  {
    name: 'ZREVRANGEBYSCORE',
    arity: -4,
    flags: READONLY,
    handler: zrevrangebyscore,
    keys: READ,
    group: 'sorted-set',
    since: '2.2.0',
    summary:
      'Return a range of members in a sorted set, by score, with scores ordered from high to low',
    complexity: O_LIMITED,
    syntax: 'key max:double min:double [WITHSCORES] [LIMIT offset count]',
  },
  {
    name: 'ZRANGEBYLEX',
    arity: -4,
    flags: READONLY,
    handler: zrangebylex,
    keys: READ,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Return a range of members in a sorted set, by lexicographical range',
    complexity: O_LIMITED,
    syntax: 'key min max [LIMIT offset count]',
  },
  {
    name: 'ZREVRANGEBYLEX',
    arity: -4,
    flags: READONLY,
    handler: zrevrangebylex,
    keys: READ,
    group: 'sorted-set',
    since: '2.8.9',
    summary:
      'Return a range of members in a sorted set, by lexicographical range, ordered from higher ' +
      'to lower strings.',
    complexity: O_LIMITED,
    syntax: 'key max min [LIMIT offset count]',
  },
  {
    name: 'ZRANGESTORE',
    arity: -5,
    flags: WRITE | DENYOOM,
    handler: zrangestore,
    keys: [
      { first: 1, last: 1, step: 1, access: 'OW update' },
      { first: 2, last: 2, step: 1, access: 'RO access' },
    ],
    spread: 'borrow',
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Store a range of members from sorted set into another key',
    complexity:
      'O(log(N)+M) with N being the number of elements in the sorted set and M the number of ' +
      'elements stored into the destination key.',
    syntax: 'dst:key src:key min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]',
  },
  {
    name: 'ZREMRANGEBYRANK',
    arity: 4,
    flags: WRITE,
    handler: zremrangebyrank,
    keys: REMOVE,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Remove all members in a sorted set within the given indexes',
    complexity: O_REMOVED,
    syntax: 'key start stop',
  },
  {
    name: 'ZREMRANGEBYSCORE',
    arity: 4,
    flags: WRITE,
    handler: zremrangebyscore,
    keys: REMOVE,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Remove all members in a sorted set within the given scores',
    complexity: O_REMOVED,
    syntax: 'key min:double max:double',
  },
  {
    name: 'ZREMRANGEBYLEX',
    arity: 4,
    flags: WRITE,
    handler: zremrangebylex,
    keys: REMOVE,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Remove all members in a sorted set between the given lexicographical range',
    complexity: O_REMOVED,
    syntax: 'key min max',
  },
] as const satisfies readonly CommandSpec[];
