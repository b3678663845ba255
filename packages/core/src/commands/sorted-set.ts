/**
 * Commands on one sorted set and its members: ZADD and its kind, scores, ranks, counts, random
 * members, ZSCAN. Ranges are in sorted-set-range.ts, pops in sorted-set-pop.ts, unions and the like
 * in sorted-set-algebra.ts.
 *
 * Order of the checks, replies and texts are those of Redis 7.2. One view serves all handlers;
 * nothing is allocated per command but where ZRANDMEMBER draws and ZSCAN collects.
 */
import { errors, wrongArity } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { matchesGlob } from '../glob.ts';
import { RANDOM_REPLY_BYTES_MAX } from '../limits.ts';
import { formatDouble17 } from '../number-text.ts';
import { ZsetValue } from '../zset-value.ts';
import { signedArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import { SCAN_CURSOR_END, type ScanOptions, scanElements } from './scan.ts';
import {
  looksNumeric,
  lookupRead,
  lookupWrite,
  memberRange,
  open,
  openToAdd,
  removeIfEmpty,
  replyPair,
  replyPairsHead,
  replyScore,
  replySpan,
  scoreArgument,
  scoreRange,
  spanOfMembers,
  spanOfScores,
  WRONG,
} from './sorted-set-arguments.ts';

const zset = new ZsetValue();

// ZADD and ZINCRBY.

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
const CH = 16;
const INCR = 32;

/** Options of the ZADD that runs, and where its pairs begin. */
const adding = { options: 0, from: 2 };
/** Scores of its pairs: all are read before anything changes. */
let newScores = new Float64Array(16);

/** The option in argument `i`, or 0. */
function optionAt({ request }: CommandContext, i: number): number {
  if (request.is(i, 'NX')) return NX;
  if (request.is(i, 'XX')) return XX;
  if (request.is(i, 'CH')) return CH;
  if (request.is(i, 'INCR')) return INCR;
  if (request.is(i, 'GT')) return GT;
  return request.is(i, 'LT') ? LT : 0;
}

/** Reads options and scores into `adding` and `newScores`. False after an error reply. */
function addingArguments(context: CommandContext, options: number): boolean {
  const { reply, request } = context;
  adding.options = options;
  adding.from = 2;
  while (adding.from < request.argc && !looksNumeric(context, adding.from)) {
    const option = optionAt(context, adding.from);
    if (option === 0) break;
    adding.options |= option;
    adding.from++;
  }
  const words = request.argc - adding.from;
  if (words === 0 || words % 2 === 1) {
    reply.error(errors.syntax);
    return false;
  }
  const conflict = conflictOf(adding.options, words >> 1);
  if (conflict !== undefined) {
    reply.error(conflict);
    return false;
  }
  return readScores(context, words >> 1);
}

/** Text of the error that these options make together, or undefined. */
function conflictOf(options: number, pairs: number): string | undefined {
  if ((options & (NX | XX)) === (NX | XX)) return errors.zaddNxXx;
  const [isNx, isGt, isLt] = [NX, GT, LT].map((option) => (options & option) !== 0);
  if ((isGt && isNx) || (isLt && isNx) || (isGt && isLt)) return errors.zaddNxGtLt;
  return (options & INCR) !== 0 && pairs > 1 ? errors.zaddIncrPairs : undefined;
}

function readScores(context: CommandContext, pairs: number): boolean {
  if (pairs > newScores.length) newScores = new Float64Array(2 * pairs);
  for (let i = 0; i < pairs; i++) {
    newScores[i] = scoreArgument(context, adding.from + 2 * i, errors.notFloat);
    if (Number.isNaN(newScores[i])) return false;
  }
  return true;
}

const NOT_CHANGED = 0;
const ADDED = 1;
const UPDATED = 2;
/** The sum of two infinities. */
const NOT_A_NUMBER = 3;
/** Nothing done because of the options: ZADD INCR replies null. */
const REFUSED = 4;
/** Score of the member after the last `addPair`. */
let resultingScore = 0;

/** Adds the member in argument `i` to `zset`, or changes its score, as the options have it. */
function addPair({ request }: CommandContext, i: number, score: number): number {
  const { options } = adding;
  if (!zset.find(request.block, request.offset(i), request.length(i))) {
    if ((options & XX) !== 0) return REFUSED;
    resultingScore = score;
    zset.insertMissing(score);
    return ADDED;
  }
  if ((options & NX) !== 0) return REFUSED;
  const old = zset.foundScore;
  resultingScore = (options & INCR) === 0 ? score : old + score;
  if (Number.isNaN(resultingScore)) return NOT_A_NUMBER;
  if ((options & GT) !== 0 && resultingScore <= old) return REFUSED;
  if ((options & LT) !== 0 && resultingScore >= old) return REFUSED;
  if (resultingScore === old) return NOT_CHANGED;
  zset.setFound(resultingScore);
  return UPDATED;
}

function addMembers(context: CommandContext, options: number): void {
  const { reply, request } = context;
  if (!addingArguments(context, options)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  let added = 0;
  let updated = 0;
  let outcome: number = REFUSED;
  const mayBeMade = (adding.options & XX) === 0;
  if (openToAdd(context, zset, reference, mayBeMade, adding.from + 1)) {
    const pairs = (request.argc - adding.from) >> 1;
    for (let i = 0; i < pairs; i++) {
      outcome = addPair(context, adding.from + 2 * i + 1, newScores[i]);
      if (outcome === ADDED) added++;
      else if (outcome === UPDATED) updated++;
    }
  }
  if (added + updated > 0) context.changed(added + updated);
  if ((adding.options & INCR) === 0) {
    reply.integer((adding.options & CH) === 0 ? added : added + updated);
  } else if (outcome === NOT_A_NUMBER) reply.error(errors.scoreNan);
  else if (outcome === REFUSED) reply.null();
  else replyScore(reply, resultingScore);
}

function zadd(context: CommandContext): void {
  addMembers(context, 0);
}

function zincrby(context: CommandContext): void {
  addMembers(context, INCR);
}

// Members.

function zrem(context: CommandContext): void {
  const { reply, request } = context;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  let removed = 0;
  if (reference !== 0) {
    open(context, zset, reference);
    for (let i = 2; i < request.argc && zset.length > 0; i++) {
      if (zset.remove(request.block, request.offset(i), request.length(i))) removed++;
    }
    removeIfEmpty(context, zset);
  }
  if (removed > 0) context.changed(removed);
  reply.integer(removed);
}

function zcard(context: CommandContext): void {
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  context.reply.integer(reference === 0 ? 0 : open(context, zset, reference).length);
}

/** Replies the score of the member in argument `i`, or null. */
function replyScoreOf({ reply, request }: CommandContext, reference: number, i: number): void {
  const isThere = reference !== 0 && zset.find(request.block, request.offset(i), request.length(i));
  if (isThere) replyScore(reply, zset.foundScore);
  else reply.null();
}

function zscore(context: CommandContext): void {
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) open(context, zset, reference);
  replyScoreOf(context, reference, 2);
}

function zmscore(context: CommandContext): void {
  const { reply, request } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) open(context, zset, reference);
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) replyScoreOf(context, reference, i);
}

function rank(context: CommandContext, isReverse: boolean, name: string): void {
  const { reply, request } = context;
  if (request.argc > 4) {
    reply.error(wrongArity(name));
    return;
  }
  const withScore = request.argc === 4;
  if (withScore && !request.is(3, 'WITHSCORE')) {
    reply.error(errors.syntax);
    return;
  }
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  const isThere =
    reference !== 0 &&
    open(context, zset, reference).find(request.block, request.offset(2), request.length(2));
  if (!isThere) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  const score = zset.foundScore;
  const place = zset.rankOfFound();
  if (withScore) reply.array(2);
  reply.integer(isReverse ? zset.length - 1 - place : place);
  if (withScore) replyScore(reply, score);
}

function zrank(context: CommandContext): void {
  rank(context, false, 'zrank');
}

function zrevrank(context: CommandContext): void {
  rank(context, true, 'zrevrank');
}

// Counts.

function zcount(context: CommandContext): void {
  if (!scoreRange(context, 2, 3)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  context.reply.integer(reference === 0 ? 0 : spanOfScores(open(context, zset, reference)));
}

function zlexcount(context: CommandContext): void {
  if (!memberRange(context, 2, 3)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  const { reply } = context;
  reply.integer(reference === 0 ? 0 : spanOfMembers(open(context, zset, reference), false));
}

// Random members.

/** Members with scores may not be more than half of what an integer counts. */
const PAIRS_MAX = 2 ** 62;
/** Bytes of an empty bulk string. */
const BULK_BYTES_MIN = 6;
/** A gap of so many ranks is walked; a wider one is jumped over. */
const WALKED_RANKS_MAX = 16;

function zrandmember(context: CommandContext): void {
  const { reply, request } = context;
  if (request.argc === 2) {
    randomMember(context);
    return;
  }
  const count = signedArgument(context, 2);
  if (Number.isNaN(count)) return;
  const withScores = request.argc === 4 && request.is(3, 'WITHSCORES');
  if (request.argc > 3 && !withScores) {
    reply.error(errors.syntax);
    return;
  }
  if (withScores && Math.abs(count) >= PAIRS_MAX) {
    reply.error(errors.outOfRange);
    return;
  }
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0 || count === 0) {
    reply.array(0);
    return;
  }
  open(context, zset, reference);
  if (count < 0) repeatedMembers(context, -count, withScores);
  else if (count >= zset.length) replySpan(reply, zset, 0, zset.length, false, withScores);
  else distinctMembers(context, count, withScores);
}

function randomMember(context: CommandContext): void {
  const { engine, reply } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  open(context, zset, reference);
  zset.seek(engine.random.below(zset.length));
  zset.replyMember(reply);
}

/** Replies `count` members, each drawn from all. */
function repeatedMembers(context: CommandContext, count: number, withScores: boolean): void {
  const { engine, reply } = context;
  const start = reply.position;
  const most = RANDOM_REPLY_BYTES_MAX / BULK_BYTES_MIN;
  replyPairsHead(reply, Math.min(count, most), withScores);
  for (let i = 0; i < count; i++) {
    // The client may ask for more members than there is memory in the world.
    if (count > most || reply.position - start > RANDOM_REPLY_BYTES_MAX) {
      reply.position = start;
      reply.error(errors.outOfRange);
      return;
    }
    zset.seek(engine.random.below(zset.length));
    replyPair(reply, zset, withScores);
  }
}

/** Replies `count` of the more than `count` members, in their order; all choices equally likely. */
function distinctMembers(context: CommandContext, count: number, withScores: boolean): void {
  const { reply } = context;
  replyPairsHead(reply, count, withScores);
  let at = -1;
  for (const wanted of drawRanks(context, count)) {
    if (at < 0 || wanted - at > WALKED_RANKS_MAX) zset.seek(wanted);
    else for (; at < wanted; at++) zset.stepForward();
    at = wanted;
    replyPair(reply, zset, withScores);
  }
}

/** Distinct ranks in ascending order, by Robert Floyd's algorithm (CACM 30:9, 1987). */
function drawRanks({ engine }: CommandContext, count: number): number[] {
  const drawn = new Set<number>();
  for (let last = zset.length - count; last < zset.length; last++) {
    const drawnRank = engine.random.below(last + 1);
    drawn.add(drawn.has(drawnRank) ? last : drawnRank);
  }
  return [...drawn].sort((a, b) => a - b);
}

// ZSCAN.

function zscan(context: CommandContext): void {
  scanElements(context, lookupRead, replyScan);
}

function replyScan(context: CommandContext, reference: number, options: ScanOptions): void {
  const { reply } = context;
  const { count, cursor, pattern } = options;
  open(context, zset, reference);
  const found: [Buffer, string][] = [];
  const isSmall = zset.packed !== undefined;
  const isAtEnd = cursor >= SCAN_CURSOR_END && !isSmall;
  const next = isAtEnd
    ? -1
    : zset.scan(cursor, count, (score) => {
        const { bytes } = zset.memberBlock;
        const from = zset.memberOffset;
        const end = from + zset.memberLength;
        if (pattern !== undefined && !matchesGlob(pattern, bytes, from, end)) return;
        found.push([Buffer.from(bytes.subarray(from, end)), scannedScore(score, isSmall)]);
      });
  reply.array(2);
  reply.text(next < 0 ? '0' : String(next));
  reply.array(2 * found.length);
  for (const [member, score] of found) {
    reply.buffer(member);
    reply.text(score);
  }
}

/** Redis shows the score of a small set as it lies there: an integer has no exponent. */
function scannedScore(score: number, isSmall: boolean): string {
  if (!isSmall || !Number.isInteger(score) || Math.abs(score) > 2 ** 62) {
    return formatDouble17(score);
  }
  return BigInt(score).toString();
}

const READ = keys(1, 1, 'RO access');
const O_LOG_N = 'O(log(N)) with N being the number of elements in the sorted set.';

export const sortedSetCommands = [
  {
    name: 'ZADD',
    arity: -4,
    flags: WRITE | DENYOOM | FAST,
    handler: zadd,
    keys: keys(1, 1, 'RW update'),
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Add one or more members to a sorted set, or update its score if it already exists',
    complexity:
      'O(log(N)) for each item added, where N is the number of elements in the sorted set.',
    syntax: 'key [NX | XX] [GT | LT] [CH] [INCR] score:double member [score:double member ...]',
  },
  {
    name: 'ZINCRBY',
    arity: 4,
    flags: WRITE | DENYOOM | FAST,
    handler: zincrby,
    keys: keys(1, 1, 'RW access update'),
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Increment the score of a member in a sorted set',
    complexity: 'O(log(N)) where N is the number of elements in the sorted set.',
    syntax: 'key increment:double member',
  },
  {
    name: 'ZREM',
    arity: -3,
    flags: WRITE | FAST,
    handler: zrem,
    keys: keys(1, 1, 'RW delete'),
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Remove one or more members from a sorted set',
    complexity:
      'O(M*log(N)) with N being the number of elements in the sorted set and M the number of ' +
      'elements to be removed.',
    syntax: 'key member [member ...]',
  },
  {
    name: 'ZCARD',
    arity: 2,
    flags: READONLY | FAST,
    handler: zcard,
    keys: keys(1, 1, 'RO'),
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Get the number of members in a sorted set',
    complexity: 'O(1)',
    syntax: 'key',
  },
  {
    name: 'ZSCORE',
    arity: 3,
    flags: READONLY | FAST,
    handler: zscore,
    keys: READ,
    group: 'sorted-set',
    since: '1.2.0',
    summary: 'Get the score associated with the given member in a sorted set',
    complexity: 'O(1)',
    syntax: 'key member',
  },
  {
    name: 'ZMSCORE',
    arity: -3,
    flags: READONLY | FAST,
    handler: zmscore,
    keys: READ,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Get the score associated with the given members in a sorted set',
    complexity: 'O(N) where N is the number of members being requested.',
    syntax: 'key member [member ...]',
  },
  {
    name: 'ZRANK',
    arity: -3,
    flags: READONLY | FAST,
    handler: zrank,
    keys: READ,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Determine the index of a member in a sorted set',
    complexity: 'O(log(N))',
    syntax: 'key member [WITHSCORE]',
  },
  {
    name: 'ZREVRANK',
    arity: -3,
    flags: READONLY | FAST,
    handler: zrevrank,
    keys: READ,
    group: 'sorted-set',
    since: '2.0.0',
    summary:
      'Determine the index of a member in a sorted set, with scores ordered from high to low',
    complexity: 'O(log(N))',
    syntax: 'key member [WITHSCORE]',
  },
  {
    name: 'ZCOUNT',
    arity: 4,
    flags: READONLY | FAST,
    handler: zcount,
    keys: READ,
    group: 'sorted-set',
    since: '2.0.0',
    summary: 'Count the members in a sorted set with scores within the given values',
    complexity: O_LOG_N,
    syntax: 'key min:double max:double',
  },
  {
    name: 'ZLEXCOUNT',
    arity: 4,
    flags: READONLY | FAST,
    handler: zlexcount,
    keys: READ,
    group: 'sorted-set',
    since: '2.8.9',
    summary: 'Count the number of members in a sorted set between a given lexicographical range',
    complexity: O_LOG_N,
    syntax: 'key min max',
  },
  {
    name: 'ZRANDMEMBER',
    arity: -2,
    flags: READONLY,
    handler: zrandmember,
    keys: READ,
    group: 'sorted-set',
    since: '6.2.0',
    summary: 'Get one or multiple random elements from a sorted set',
    complexity: 'O(N) where N is the number of elements returned',
    syntax: 'key [count [WITHSCORES]]',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'ZSCAN',
    arity: -3,
    flags: READONLY,
    handler: zscan,
    keys: READ,
    group: 'sorted-set',
    since: '2.8.0',
    summary: 'Incrementally iterate sorted sets elements and associated scores',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for ' +
      'the cursor to return back to 0. N is the number of elements inside the collection..',
    syntax: 'key cursor [MATCH pattern] [COUNT count]',
    tips: ['nondeterministic_output'],
  },
] as const satisfies readonly CommandSpec[];
