/**
 * What the commands on sorted sets share: lookups, scores and ranges out of arguments, scores in
 * replies.
 *
 * Redis reads numbers in two ways. A score, an increment or a weight must be wholly a number within
 * the range of doubles. The ends of a range of scores go through strtod as they are: they end at a
 * zero byte, may begin with white space, may be nothing at all (0), and overflow to infinity.
 */
import { Block, errors, type ReplyWriter, writeDecimal } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { SET, ZSET } from '../entry.ts';
import { formatDouble17, parseFloatText, parsePlainFloat } from '../number-text.ts';
import { type MemberBound, ZSET_BYTES, type ZsetValue } from '../zset-value.ts';

// Lookups. Each returns the entry's reference, 0 when missing, or WRONG after an error reply.

export const WRONG = -1;

function checked(context: CommandContext, reference: number): number {
  if (reference === 0 || context.keyspace.typeOf(reference) === ZSET) return reference;
  context.reply.error(errors.wrongType);
  return WRONG;
}

export function lookupRead(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupRead(context.request, i));
}

export function lookupWrite(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupWrite(context.request, i));
}

/** As `lookupRead`, where a set will do as well. */
export function lookupMembers(context: CommandContext, i: number): number {
  const reference = context.keyspace.lookupRead(context.request, i);
  if (reference !== 0 && context.keyspace.typeOf(reference) === SET) return reference;
  return checked(context, reference);
}

/** Points a view at an entry. */
export function open(context: CommandContext, zset: ZsetValue, reference: number): ZsetValue {
  return zset.open(context.keyspace.arena, reference, context.engine.settings);
}

/**
 * Points a view at the set in argument 1 or, where `reference` is 0, at a new one whose form fits
 * the member in argument `member`. False when none is there and none `mayBeMade`.
 */
export function openToAdd(
  context: CommandContext,
  zset: ZsetValue,
  reference: number,
  mayBeMade: boolean,
  member: number,
): boolean {
  if (reference !== 0) {
    open(context, zset, reference);
    return true;
  }
  if (!mayBeMade) return false;
  const { engine, keyspace, request } = context;
  const made = keyspace.insertArgument(request, 1, ZSET, ZSET_BYTES);
  zset.create(keyspace.arena, made, engine.settings, request.length(member));
  return true;
}

/** Removes the key just looked up if its sorted set was emptied. */
export function removeIfEmpty(context: CommandContext, zset: ZsetValue): void {
  if (zset.length === 0) context.keyspace.removeFound();
}

// Scores.

const DIGIT_0 = 48;
const DIGIT_9 = 57;

/** Score in argument `i`, or NaN after an error reply. */
export function scoreArgument(context: CommandContext, i: number, error: string): number {
  const { request } = context;
  const plain = parsePlainFloat(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(plain)) return plain;
  const text = request.text(i);
  const value = parseFloatText(text);
  const isOverflow = Math.abs(value) === Infinity && !/inf/i.test(text);
  // strtod reports an underflow to zero; what is zero by its digits is none.
  const isUnderflow = value === 0 && /[1-9a-f]/i.test(digitsOf(text));
  if (!Number.isNaN(value) && !isOverflow && !isUnderflow) return value;
  context.reply.error(error);
  return Number.NaN;
}

/** The digits of a number's text before its exponent. */
function digitsOf(text: string): string {
  const hex = /^[+-]?0x([0-9a-f.]*)/i.exec(text);
  return hex === null ? text.replace(/e.*$/i, '') : hex[1];
}

/** True when the argument begins like a number: no option does. */
export function looksNumeric({ request }: CommandContext, i: number): boolean {
  if (request.length(i) === 0) return false;
  const first = request.block.view.getUint8(request.offset(i));
  return first <= DIGIT_9 && (first >= DIGIT_0 || first === 45 || first === 46);
}

/** Room for an integer's text, and of a reply around it. */
const INTEGER_TEXT_BYTES_MAX = 24;
const DOUBLE_REPLY_BYTES_MAX = 32;
const text = Block.allocate(INTEGER_TEXT_BYTES_MAX);

/** Replies a score: a double in RESP3, a bulk string in RESP2. */
export function replyScore(reply: ReplyWriter, score: number): void {
  // −0 has a text of its own.
  if (score < 1 || !Number.isSafeInteger(score)) {
    reply.double(formatDouble17(score));
    return;
  }
  if (reply.protocol !== 3) {
    reply.bulk(text, 0, writeDecimal(text.bytes, 0, score));
    return;
  }
  reply.reserve(DOUBLE_REPLY_BYTES_MAX);
  const { bytes } = reply.block;
  bytes[reply.position] = 44;
  const end = writeDecimal(bytes, reply.position + 1, score);
  bytes[end] = 13;
  bytes[end + 1] = 10;
  reply.position = end + 2;
}

/** Replies the cursor's member and, if asked for, its score: a pair of its own in RESP3. */
export function replyPair(reply: ReplyWriter, zset: ZsetValue, withScores: boolean): void {
  if (withScores && reply.protocol === 3) reply.array(2);
  zset.replyMember(reply);
  if (withScores) replyScore(reply, zset.score);
}

/** Head of an array of `count` members or pairs. */
export function replyPairsHead(reply: ReplyWriter, count: number, withScores: boolean): void {
  reply.array(withScores && reply.protocol !== 3 ? 2 * count : count);
}

/** Replies `count` members from a rank on, upwards or downwards, as an array. */
export function replySpan(
  reply: ReplyWriter,
  zset: ZsetValue,
  rank: number,
  count: number,
  isReverse: boolean,
  withScores: boolean,
): void {
  replyPairsHead(reply, count, withScores);
  if (count <= 0) return;
  zset.seek(rank);
  for (let left = count; ; left--) {
    replyPair(reply, zset, withScores);
    if (left === 1) return;
    if (isReverse) zset.stepBackward();
    else zset.stepForward();
  }
}

// Ranges.

const OPEN_ROUND = 40;
const OPEN_SQUARE = 91;
const PLUS = 43;
const MINUS = 45;

/** The range of scores that `scoreRange` read last. */
export const scores = { least: 0, excludesLeast: false, most: 0, excludesMost: false };

/** Reads the range of scores in the arguments `leastAt` and `mostAt`. False after an error reply. */
export function scoreRange(context: CommandContext, leastAt: number, mostAt: number): boolean {
  scores.least = scoreEnd(context, leastAt);
  scores.excludesLeast = isExclusive(context, leastAt);
  scores.most = scoreEnd(context, mostAt);
  scores.excludesMost = isExclusive(context, mostAt);
  if (!Number.isNaN(scores.least) && !Number.isNaN(scores.most)) return true;
  context.reply.error(errors.rangeNotFloat);
  return false;
}

/** Sets the view's span to the members in the range that `scoreRange` read; returns its length. */
export function spanOfScores(zset: ZsetValue): number {
  return zset.spanByScore(scores.least, scores.excludesLeast, scores.most, scores.excludesMost);
}

function isExclusive({ request }: CommandContext, i: number): boolean {
  return request.length(i) > 0 && request.block.bytes[request.offset(i)] === OPEN_ROUND;
}

function scoreEnd(context: CommandContext, i: number): number {
  const { request } = context;
  const skip = isExclusive(context, i) ? 1 : 0;
  const plain = parsePlainFloat(request.block, request.offset(i) + skip, request.length(i) - skip);
  if (!Number.isNaN(plain)) return plain;
  const [whole] = request.text(i).split('\0', 1);
  const number = isExclusive(context, i) ? whole.slice(1) : whole;
  return number === '' ? 0 : parseFloatText(number.replace(/^[ \t-\r]+/, ''));
}

type MutableBound = { -readonly [field in keyof MemberBound]: MemberBound[field] };

function newBound(): MutableBound {
  return { infinity: 0, block: text, offset: 0, length: 0, isExclusive: false };
}

/** The range of members that `memberRange` read last. */
export const members = { least: newBound(), most: newBound() };

/** Reads the range of members in `leastAt` and `mostAt`. False after an error reply. */
export function memberRange(context: CommandContext, leastAt: number, mostAt: number): boolean {
  const { least, most } = members;
  if (readBound(context, leastAt, least) && readBound(context, mostAt, most)) return true;
  context.reply.error(errors.rangeNotMembers);
  return false;
}

/** Sets the view's span to the members in the range that `memberRange` read; its length. */
export function spanOfMembers(zset: ZsetValue, isReverse: boolean, skip = 0): number {
  return zset.spanByMember(members.least, members.most, isReverse, skip);
}

function readBound({ request }: CommandContext, i: number, bound: MutableBound): boolean {
  const length = request.length(i);
  if (length === 0) return false;
  const { bytes } = request.block;
  const first = bytes[request.offset(i)];
  bound.infinity = 0;
  if (first === PLUS || first === MINUS) {
    bound.infinity = first === PLUS ? 1 : -1;
    return length === 1 || bytes[request.offset(i) + 1] === 0;
  }
  bound.isExclusive = first === OPEN_ROUND;
  bound.block = request.block;
  bound.offset = request.offset(i) + 1;
  bound.length = length - 1;
  return first === OPEN_ROUND || first === OPEN_SQUARE;
}
