/**
 * The commands on several sets: intersection, union and difference, replied, counted or stored.
 *
 * Every set of a command gets a view of its own (`sets`, a list that is reused), opened after all
 * keys have been looked up and their types checked. What is replied is written straight into the
 * reply while its length is still unknown, and the head is put before it at the end
 * (`replyAsSet`). What is stored is built as a set with a descriptor outside the keyspace, with the
 * steps of Redis 7.2, so that its encoding is the one Redis would choose, and gets its key last: a
 * destination may be one of the sources.
 *
 * Costs: those of the table's rows. SUNION of many sets and SDIFF that subtracts more than it keeps
 * build a result in the arena, which is freed before the command ends; all else allocates nothing.
 */
import { Block, errors, type ReplyWriter } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { SET, valueOffset } from '../entry.ts';
import { Member } from '../set-member.ts';
import { SET_BYTES, type SetEncoding, SetValue } from '../set-value.ts';
import { boundedArgument } from './arguments.ts';
import {
  type CommandSpec,
  countedKeys,
  DENYOOM,
  type KeyRange,
  keys,
  MOVABLE_KEYS,
  READONLY,
  WRITE,
} from './command-spec.ts';
import { lookupRead, WRONG } from './set.ts';

/** From this many sets on SUNION collects a result instead of looking members up in all sets. */
const COLLECTED_SETS_MIN = 5;

/** References and views of the sets of a command that exist; equally long. */
const references: number[] = [];
const sets: SetValue[] = [];
/** Views that are not in use. */
const spareViews: SetValue[] = [];
/** The reference of the first key, 0 when it is missing. */
let firstReference = 0;

const member = new Member();
const result = new SetValue();
const resultDescriptor = Block.allocate(SET_BYTES);
/** Bytes of a reply's head while it is moved. */
const head = Block.allocate(32);

/**
 * Opens the sets in arguments `first` … `last`, in `sets`. Returns how many of the keys are
 * missing, or WRONG after an error reply.
 */
function openSets(context: CommandContext, first: number, last: number): number {
  const { engine, keyspace } = context;
  closeSets();
  for (let i = first; i <= last; i++) {
    const reference = lookupRead(context, i);
    if (reference === WRONG) return WRONG;
    if (i === first) firstReference = reference;
    if (reference !== 0) references.push(reference);
  }
  for (const reference of references) {
    const view = spareViews.pop() ?? new SetValue();
    sets.push(view.open(keyspace.arena, reference, engine.settings));
  }
  return last - first + 1 - references.length;
}

/** Takes the views back. A command that ended with an error may have left them. */
function closeSets(): void {
  for (let view = sets.pop(); view !== undefined; view = sets.pop()) spareViews.push(view);
  references.length = 0;
}

function bySize(a: SetValue, b: SetValue): number {
  return a.size - b.size;
}

/** True when `member` is in each of the sets from index `from` on. */
function isInAll(from: number): boolean {
  for (let i = from; i < sets.length; i++) if (!sets[i].has(member)) return false;
  return true;
}

/** True when `member` is in one of the sets from index `from` up to `end`. */
function isInAny(from: number, end: number): boolean {
  for (let i = from; i < end; i++) if (sets[i].has(member)) return true;
  return false;
}

// Results.

function replyMember(reply: ReplyWriter): void {
  const { block, length, offset } = member.needText();
  reply.bulk(block, offset, length);
}

/** Makes the `count` elements that were replied from `start` on those of a set. */
function replyAsSet(reply: ReplyWriter, start: number, count: number): void {
  const end = reply.position;
  reply.set(count);
  const { bytes } = reply.block;
  const headBytes = reply.position - end;
  bytes.copy(head.bytes, 0, end, reply.position);
  bytes.copyWithin(start + headBytes, start, end);
  head.bytes.copy(bytes, start, 0, headBytes);
}

function startResult({ engine, keyspace }: CommandContext, encoding: SetEncoding): SetValue {
  return result.initializeAt(keyspace.arena, resultDescriptor, 0, engine.settings, encoding);
}

/** Gives the key in argument 1 the result, or removes it when that is empty. Replies the size. */
function storeResult(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const { size } = result;
  if (size === 0) {
    result.free();
    storeNothing(context);
    return;
  }
  if (keyspace.lookupWrite(request, 1) !== 0) keyspace.removeFound();
  const reference = keyspace.insertArgument(request, 1, SET, SET_BYTES);
  const page = keyspace.arena.pages[pageOf(reference)];
  const at = valueOffset(page, offsetOf(reference));
  resultDescriptor.bytes.copy(page.bytes, at, 0, SET_BYTES);
  context.changed();
  reply.integer(size);
}

function storeNothing(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  if (keyspace.lookupWrite(request, 1) !== 0) {
    keyspace.removeFound();
    context.changed();
  }
  reply.integer(0);
}

// Intersection.

function sinter(context: CommandContext): void {
  const { reply, request } = context;
  const missing = openSets(context, 1, request.argc - 1);
  if (missing === WRONG) return;
  if (missing > 0) {
    reply.set(0);
    return;
  }
  sets.sort(bySize);
  const start = reply.position;
  let count = 0;
  const [smallest] = sets;
  for (smallest.restart(); smallest.next(member); ) {
    if (!isInAll(1)) continue;
    replyMember(reply);
    count++;
  }
  replyAsSet(reply, start, count);
}

function sinterstore(context: CommandContext): void {
  const missing = openSets(context, 2, context.request.argc - 1);
  if (missing === WRONG) return;
  if (missing > 0) {
    storeNothing(context);
    return;
  }
  sets.sort(bySize);
  const [smallest] = sets;
  startResult(context, smallest.encoding === 'intset' ? 'intset' : 'listpack');
  let isAllIntegers = true;
  for (smallest.restart(); smallest.next(member); ) {
    if (!isInAll(1)) continue;
    isAllIntegers &&= member.isInteger;
    result.addAbsent(member);
  }
  if (isAllIntegers && result.size > 0) result.packIntegers();
  storeResult(context);
}

function sintercard(context: CommandContext): void {
  const { reply, request } = context;
  const numkeys = boundedArgument(context, 1, 1, errors.numkeysNotPositive);
  if (Number.isNaN(numkeys)) return;
  if (numkeys > request.argc - 2) {
    reply.error(errors.numkeysTooMany);
    return;
  }
  const limit = limitOption(context, 2 + numkeys);
  if (Number.isNaN(limit)) return;
  const missing = openSets(context, 2, 1 + numkeys);
  if (missing !== WRONG) reply.integer(missing > 0 ? 0 : countCommon(limit));
}

/** `[LIMIT limit]` from argument `from` on: Infinity for none or 0, NaN after an error reply. */
function limitOption(context: CommandContext, from: number): number {
  const { request, reply } = context;
  let limit = 0;
  for (let i = from; i < request.argc; i += 2) {
    if (!request.is(i, 'LIMIT') || i + 1 >= request.argc) {
      reply.error(errors.syntax);
      return Number.NaN;
    }
    limit = boundedArgument(context, i + 1, 0, errors.limitNegative);
    if (Number.isNaN(limit)) return limit;
  }
  return limit === 0 ? Infinity : limit;
}

function countCommon(limit: number): number {
  sets.sort(bySize);
  const [smallest] = sets;
  let count = 0;
  for (smallest.restart(); count < limit && smallest.next(member); ) if (isInAll(1)) count++;
  return count;
}

// Union.

function sunion(context: CommandContext): void {
  const { reply, request } = context;
  if (openSets(context, 1, request.argc - 1) === WRONG) return;
  if (sets.length >= COLLECTED_SETS_MIN) {
    collectUnion(startResult(context, 'hashtable'));
    replyResult(reply);
    return;
  }
  const start = reply.position;
  let count = 0;
  for (let i = 0; i < sets.length; i++) {
    for (sets[i].restart(); sets[i].next(member); ) {
      if (isInAny(0, i)) continue;
      replyMember(reply);
      count++;
    }
  }
  replyAsSet(reply, start, count);
}

function collectUnion(union: SetValue): void {
  for (const view of sets) for (view.restart(); view.next(member); ) union.add(member);
}

function replyResult(reply: ReplyWriter): void {
  reply.set(result.size);
  result.writeAll(reply);
  result.free();
}

function sunionstore(context: CommandContext): void {
  if (openSets(context, 2, context.request.argc - 1) === WRONG) return;
  collectUnion(startResult(context, 'intset'));
  storeResult(context);
}

// Difference.

/**
 * Makes `sets` ready for a difference: the set to subtract from first. True when the result is
 * empty without a look at the members: the first key is missing, or subtracted from itself.
 */
function isEmptyDifference(): boolean {
  return firstReference === 0 || references.indexOf(firstReference, 1) > 0;
}

/**
 * True when looking up each member of the first set in the others is cheaper than removing all
 * members of the others from a copy of it. The former is given a head start of two, as in Redis.
 */
function prefersLookups(): boolean {
  const lookups = (sets[0].size * sets.length) / 2;
  let removals = 0;
  for (const view of sets) removals += view.size;
  return Math.floor(lookups) <= removals;
}

/** Orders the sets to subtract so that the largest, which has most members, is asked first. */
function largestFirst(): void {
  const first = sets.shift() as SetValue;
  sets.sort((a, b) => b.size - a.size);
  sets.unshift(first);
}

/** Collects the difference in `result` by removing from a copy. */
function subtractFromCopy(): void {
  for (let i = 0; i < sets.length; i++) {
    for (sets[i].restart(); sets[i].next(member); ) {
      if (i === 0) result.addAbsent(member);
      else result.remove(member);
    }
    if (result.size === 0) return;
  }
}

function sdiff(context: CommandContext): void {
  const { reply, request } = context;
  if (openSets(context, 1, request.argc - 1) === WRONG) return;
  if (isEmptyDifference()) {
    reply.set(0);
    return;
  }
  if (!prefersLookups()) {
    startResult(context, 'hashtable');
    subtractFromCopy();
    replyResult(reply);
    return;
  }
  largestFirst();
  const start = reply.position;
  let count = 0;
  const [first] = sets;
  for (first.restart(); first.next(member); ) {
    if (isInAny(1, sets.length)) continue;
    replyMember(reply);
    count++;
  }
  replyAsSet(reply, start, count);
}

function sdiffstore(context: CommandContext): void {
  if (openSets(context, 2, context.request.argc - 1) === WRONG) return;
  if (isEmptyDifference()) {
    storeNothing(context);
    return;
  }
  startResult(context, 'intset');
  if (prefersLookups()) {
    largestFirst();
    const [first] = sets;
    for (first.restart(); first.next(member); ) {
      if (!isInAny(1, sets.length)) result.addAbsent(member);
    }
  } else {
    subtractFromCopy();
  }
  storeResult(context);
}

const SOURCES = 'RO access';

function storeKeys(access: string): readonly KeyRange[] {
  return [
    { first: 1, last: 1, step: 1, access },
    { first: 2, last: -1, step: 1, access: SOURCES },
  ];
}

const O_INTER =
  'O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.';
const O_TOTAL = 'O(N) where N is the total number of elements in all given sets.';
const UNORDERED = ['nondeterministic_output_order'];

export const setOperationCommands = [
  {
    name: 'SINTER',
    arity: -2,
    flags: READONLY,
    handler: sinter,
    keys: keys(1, -1, SOURCES),
    spread: 'borrow',
    group: 'set',
    since: '1.0.0',
    summary: 'Intersect multiple sets',
    complexity: O_INTER,
    syntax: 'key [key ...]',
    tips: UNORDERED,
  },
  {
    name: 'SINTERSTORE',
    arity: -3,
    flags: WRITE | DENYOOM,
    handler: sinterstore,
    keys: storeKeys('RW update'),
    spread: 'borrow',
    group: 'set',
    since: '1.0.0',
    summary: 'Intersect multiple sets and store the resulting set in a key',
    complexity: O_INTER,
    syntax: 'destination key [key ...]',
  },
  {
    name: 'SINTERCARD',
    arity: -3,
    flags: READONLY | MOVABLE_KEYS,
    handler: sintercard,
    keys: countedKeys(1, SOURCES),
    spread: 'borrow',
    group: 'set',
    since: '7.0.0',
    summary: 'Intersect multiple sets and return the cardinality of the result',
    complexity: O_INTER,
    syntax: 'numkeys key [key ...] [LIMIT limit:integer]',
  },
  {
    name: 'SUNION',
    arity: -2,
    flags: READONLY,
    handler: sunion,
    keys: keys(1, -1, SOURCES),
    spread: 'borrow',
    group: 'set',
    since: '1.0.0',
    summary: 'Add multiple sets',
    complexity: O_TOTAL,
    syntax: 'key [key ...]',
    tips: UNORDERED,
  },
  {
    name: 'SUNIONSTORE',
    arity: -3,
    flags: WRITE | DENYOOM,
    handler: sunionstore,
    keys: storeKeys('OW update'),
    spread: 'borrow',
    group: 'set',
    since: '1.0.0',
    summary: 'Add multiple sets and store the resulting set in a key',
    complexity: O_TOTAL,
    syntax: 'destination key [key ...]',
  },
  {
    name: 'SDIFF',
    arity: -2,
    flags: READONLY,
    handler: sdiff,
    keys: keys(1, -1, SOURCES),
    spread: 'borrow',
    group: 'set',
    since: '1.0.0',
    summary: 'Subtract multiple sets',
    complexity: O_TOTAL,
    syntax: 'key [key ...]',
    tips: UNORDERED,
  },
  {
    name: 'SDIFFSTORE',
    arity: -3,
    flags: WRITE | DENYOOM,
    handler: sdiffstore,
    keys: storeKeys('OW update'),
    spread: 'borrow',
    group: 'set',
    since: '1.0.0',
    summary: 'Subtract multiple sets and store the resulting set in a key',
    complexity: O_TOTAL,
    syntax: 'destination key [key ...]',
  },
] as const satisfies readonly CommandSpec[];
