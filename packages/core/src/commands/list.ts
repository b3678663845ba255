/**
 * The list commands, on ListValue.
 *
 * Shared bodies first, thin handlers below, the table last. Blocking commands try, and block when
 * there is nothing: the engine runs the same handler again when a key is ready, so that there is
 * one implementation of each pop. Order of the checks, replies and texts are those of Redis 7.2.
 *
 * Two views are enough: `list` for the one list of a command, `target` for the second of a move.
 * A handler that must remove a key which it emptied relies on the place of the last lookup; where
 * another lookup came in between, it finds the key again (`removeEmptied`).
 */
import { type Block, errors, wrongArity } from '@hashlane/resp';
import type { Arena } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { LIST } from '../entry.ts';
import { LIST_BYTES, ListValue } from '../list-value.ts';
import { Needle } from '../listpack.ts';
import { parseBigInteger, parseFloatText, parseInteger } from '../number-text.ts';
import {
  BLOCKING,
  type CommandSpec,
  countedKeys,
  DENYOOM,
  FAST,
  keys,
  MOVABLE_KEYS,
  NOSCRIPT,
  READONLY,
  WRITE,
} from './command-spec.ts';

const list = new ListValue();
const target = new ListValue();
const needle = new Needle();

/** Largest relative time that Redis accepts as a timeout, in ms. */
const TIMEOUT_MAX_MS = 2 ** 63;
const INT64_MIN_TEXT = '-9223372036854775808';

/** What OBJECT ENCODING answers for the list of a keyspace entry. */
export function listEncoding(
  arena: Arena,
  reference: number,
  listMaxListpackSize: number,
): 'listpack' | 'quicklist' {
  return target.open(arena, reference, listMaxListpackSize).encoding;
}

// Arguments.

/** Integer in argument `i`, or NaN after an error reply. Beyond 2^53 it is rounded. */
export function integerArgument(context: CommandContext, i: number, error: string): number {
  const { request } = context;
  const value = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(value)) return value;
  const big = request.length(i) > 20 ? undefined : parseBigInteger(request.text(i));
  if (big !== undefined) return Number(big);
  context.reply.error(error);
  return Number.NaN;
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

const NO_SIDE = 0;
const LEFT = 1;
const RIGHT = 2;
type Side = 0 | 1 | 2;

/** LEFT or RIGHT in argument `i`, or NO_SIDE after an error reply. */
function sideArgument(context: CommandContext, i: number): Side {
  if (context.request.is(i, 'LEFT')) return LEFT;
  if (context.request.is(i, 'RIGHT')) return RIGHT;
  context.reply.error(errors.syntax);
  return NO_SIDE;
}

/** Deadline in ms (Infinity for 0) from the seconds in argument `i`, or NaN after an error reply. */
export function deadlineArgument(context: CommandContext, i: number): number {
  const { request, reply } = context;
  let seconds = parseInteger(request.block, request.offset(i), request.length(i));
  if (seconds === 0) return Infinity;
  if (Number.isNaN(seconds)) seconds = parseFloatText(request.text(i));
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

// Lookups. Each returns the entry's reference, 0 when missing, or WRONG after an error reply.

const WRONG = -1;

function checked(context: CommandContext, reference: number): number {
  if (reference === 0 || context.keyspace.typeOf(reference) === LIST) return reference;
  context.reply.error(errors.wrongType);
  return WRONG;
}

function lookupRead(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupRead(context.request, i));
}

function lookupWrite(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupWrite(context.request, i));
}

function open(context: CommandContext, reference: number): ListValue {
  const { engine, keyspace } = context;
  return list.open(keyspace.arena, reference, engine.settings.listMaxListpackSize);
}

function openTarget(context: CommandContext, reference: number): ListValue {
  const { engine, keyspace } = context;
  return target.open(keyspace.arena, reference, engine.settings.listMaxListpackSize);
}

/** Adds the key in argument `i` with an empty list. */
function insertList(context: CommandContext, i: number, view: ListValue): ListValue {
  const { engine, keyspace, request } = context;
  const reference = keyspace.insertArgument(request, i, LIST, LIST_BYTES);
  view.open(keyspace.arena, reference, engine.settings.listMaxListpackSize).initialize();
  return view;
}

/** Removes the key in argument `i` whose list was emptied, after other lookups. */
function removeEmptied(context: CommandContext, i: number): void {
  const { keyspace, request } = context;
  const hash = keyspace.hashOf(request, i);
  keyspace.find(request.block, request.offset(i), request.length(i), hash);
  keyspace.removeFound();
}

// Pushes.

function push(context: CommandContext, side: Side, onlyExisting: boolean): void {
  const { request, reply } = context;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    if (onlyExisting) {
      reply.integer(0);
      return;
    }
    insertList(context, 1, list);
  } else {
    open(context, reference);
  }
  const { argc, block } = request;
  for (let i = 2; i < argc; i++) {
    if (side === LEFT) list.pushHead(block, request.offset(i), request.length(i));
    else list.pushTail(block, request.offset(i), request.length(i));
  }
  context.changed(argc - 2);
  reply.integer(list.length);
}

function lpush(context: CommandContext): void {
  push(context, LEFT, false);
}

function rpush(context: CommandContext): void {
  push(context, RIGHT, false);
}

function lpushx(context: CommandContext): void {
  push(context, LEFT, true);
}

function rpushx(context: CommandContext): void {
  push(context, RIGHT, true);
}

function linsert(context: CommandContext): void {
  const { request, reply } = context;
  const isAfter = request.is(2, 'AFTER');
  if (!isAfter && !request.is(2, 'BEFORE')) {
    reply.error(errors.syntax);
    return;
  }
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.integer(0);
    return;
  }
  open(context, reference);
  needle.set(request.block, request.offset(3), request.length(3));
  let isHere = list.seek(0);
  while (isHere && !list.matches(needle)) isHere = list.stepForward();
  if (!isHere) {
    reply.integer(-1);
    return;
  }
  if (isAfter) list.insertAfter(request.block, request.offset(4), request.length(4));
  else list.insertBefore(request.block, request.offset(4), request.length(4));
  context.changed();
  reply.integer(list.length);
}

// Pops.

/** Replies one element of `list` and removes it; the key stays. */
function popOne(context: CommandContext, side: Side): void {
  if (side === LEFT) list.popHead(context.reply);
  else list.popTail(context.reply);
}

/** Replies an array of up to `count` elements of the list just looked up, and removes them. */
function popMany(context: CommandContext, side: Side, count: number): void {
  const elements = Math.min(count, list.length);
  context.reply.array(elements);
  for (let i = 0; i < elements; i++) popOne(context, side);
  context.changed(elements);
  if (list.length === 0) context.keyspace.removeFound();
}

function pop(context: CommandContext, side: Side, name: string): void {
  const { request, reply } = context;
  if (request.argc > 3) {
    reply.error(wrongArity(name));
    return;
  }
  if (request.argc === 3) {
    popCounted(context, side);
    return;
  }
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  open(context, reference);
  popOne(context, side);
  context.changed();
  if (list.length === 0) context.keyspace.removeFound();
}

function popCounted(context: CommandContext, side: Side): void {
  const count = boundedArgument(context, 2, 0, errors.outOfRangePositive);
  if (Number.isNaN(count)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    context.reply.nullArray();
    return;
  }
  open(context, reference);
  popMany(context, side, count);
}

function lpop(context: CommandContext): void {
  pop(context, LEFT, 'lpop');
}

function rpop(context: CommandContext): void {
  pop(context, RIGHT, 'rpop');
}

/** Nothing was found yet: neither an element to pop nor a key of another type. */
const NOTHING = 0;
const ANSWERED = 1;

/**
 * Pops from the first key in arguments `first` … `last` that is a list. `count` of 0 pops one
 * element and replies [key, element], otherwise [key, [elements]].
 */
function popFirst(
  context: CommandContext,
  first: number,
  last: number,
  side: Side,
  count: number,
): typeof NOTHING | typeof ANSWERED {
  const { reply, request } = context;
  for (let i = first; i <= last; i++) {
    const reference = lookupWrite(context, i);
    if (reference === WRONG) return ANSWERED;
    if (reference === 0) continue;
    open(context, reference);
    reply.array(2);
    reply.bulk(request.block, request.offset(i), request.length(i));
    if (count > 0) {
      popMany(context, side, count);
      return ANSWERED;
    }
    popOne(context, side);
    context.changed();
    if (list.length === 0) context.keyspace.removeFound();
    return ANSWERED;
  }
  return NOTHING;
}

function blockingPop(context: CommandContext, side: Side): void {
  const last = context.request.argc - 2;
  const deadline = deadlineArgument(context, last + 1);
  if (Number.isNaN(deadline)) return;
  if (popFirst(context, 1, last, side, 0) === ANSWERED) return;
  if (context.mayBlock) context.block(1, last, deadline);
  else context.reply.nullArray();
}

function blpop(context: CommandContext): void {
  blockingPop(context, LEFT);
}

function brpop(context: CommandContext): void {
  blockingPop(context, RIGHT);
}

/** LMPOP and BLMPOP, whose number of keys is in argument `countAt`; a timeout is in argument 1. */
function popOfMany(context: CommandContext, countAt: number, isBlocking: boolean): void {
  const { request, reply } = context;
  const numkeys = boundedArgument(context, countAt, 1, errors.numkeysNotPositive);
  if (Number.isNaN(numkeys)) return;
  const sideAt = countAt + numkeys + 1;
  if (sideAt >= request.argc) {
    reply.error(errors.syntax);
    return;
  }
  const side = sideArgument(context, sideAt);
  if (side === NO_SIDE) return;
  const count = popCountOption(context, sideAt + 1);
  if (Number.isNaN(count)) return;
  const deadline = isBlocking ? deadlineArgument(context, 1) : Infinity;
  if (Number.isNaN(deadline)) return;
  if (popFirst(context, countAt + 1, sideAt - 1, side, count) === ANSWERED) return;
  if (isBlocking && context.mayBlock) context.block(countAt + 1, sideAt - 1, deadline);
  else reply.nullArray();
}

/** `[COUNT count]` from argument `from` on: 1 without it, NaN after an error reply. */
function popCountOption(context: CommandContext, from: number): number {
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

function lmpop(context: CommandContext): void {
  popOfMany(context, 1, false);
}

function blmpop(context: CommandContext): void {
  popOfMany(context, 2, true);
}

// Moves.

/**
 * Moves an element from the list in argument 1 to the one in argument 2 and replies it. Returns
 * NOTHING, without a reply, when the source does not exist.
 */
function move(context: CommandContext, from: Side, to: Side): typeof NOTHING | typeof ANSWERED {
  const source = lookupWrite(context, 1);
  if (source === WRONG) return ANSWERED;
  if (source === 0) return NOTHING;
  const destination = lookupWrite(context, 2);
  if (destination === WRONG) return ANSWERED;
  open(context, source);
  if (destination === 0) insertList(context, 2, target);
  else openTarget(context, destination);
  const { reply } = context;
  const start = reply.position;
  popOne(context, from);
  pushReplied(target, reply.block, start, reply.position, to);
  if (list.length === 0) removeEmptied(context, 1);
  context.changed();
  return ANSWERED;
}

/** Pushes the bulk string that a reply has from `start` to `end`: the element that was popped. */
function pushReplied(view: ListValue, block: Block, start: number, end: number, to: Side): void {
  let data = start + 1;
  while (block.bytes[data] !== 10) data++;
  data++;
  if (to === LEFT) view.pushHead(block, data, end - 2 - data);
  else view.pushTail(block, data, end - 2 - data);
}

function moveNow(context: CommandContext, from: Side, to: Side): void {
  if (from === NO_SIDE || to === NO_SIDE) return;
  if (move(context, from, to) === NOTHING) context.reply.null();
}

function lmove(context: CommandContext): void {
  const from = sideArgument(context, 3);
  if (from === NO_SIDE) return;
  moveNow(context, from, sideArgument(context, 4));
}

function rpoplpush(context: CommandContext): void {
  moveNow(context, RIGHT, LEFT);
}

function blockingMove(context: CommandContext, from: Side, to: Side, timeoutAt: number): void {
  const deadline = deadlineArgument(context, timeoutAt);
  if (Number.isNaN(deadline)) return;
  if (move(context, from, to) === ANSWERED) return;
  if (context.mayBlock) context.block(1, 1, deadline);
  // Redis answers a null array when the time of a blocked client is up, but a null bulk string
  // where it may not block. A request that is not the engine's own belongs to a waiter.
  else if (context.request !== context.engine.request) context.reply.nullArray();
  else context.reply.null();
}

function blmove(context: CommandContext): void {
  const from = sideArgument(context, 3);
  if (from === NO_SIDE) return;
  const to = sideArgument(context, 4);
  if (to !== NO_SIDE) blockingMove(context, from, to, 5);
}

function brpoplpush(context: CommandContext): void {
  blockingMove(context, RIGHT, LEFT, 3);
}

// By index.

function llen(context: CommandContext): void {
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  context.reply.integer(reference === 0 ? 0 : open(context, reference).length);
}

function lindex(context: CommandContext): void {
  const { reply } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  const index = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(index)) return;
  const { length } = open(context, reference);
  const at = index < 0 ? length + index : index;
  if (at < 0 || at >= length) reply.null();
  else list.replyAt(reply, at);
}

function lset(context: CommandContext): void {
  const { request, reply } = context;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.error(errors.noSuchKey);
    return;
  }
  const index = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(index)) return;
  const { length } = open(context, reference);
  if (!list.seek(index < 0 ? length + index : index)) {
    reply.error(errors.indexOutOfRange);
    return;
  }
  list.replace(request.block, request.offset(3), request.length(3));
  context.changed();
  reply.ok();
}

function lrange(context: CommandContext): void {
  const { reply } = context;
  const start = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(start)) return;
  const stop = integerArgument(context, 3, errors.notInteger);
  if (Number.isNaN(stop)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.array(0);
    return;
  }
  const { length } = open(context, reference);
  const from = start < 0 ? Math.max(0, length + start) : start;
  const to = Math.min(length - 1, stop < 0 ? length + stop : stop);
  const count = Math.max(0, to - from + 1);
  reply.array(count);
  if (count > 0) list.range(reply, from, count);
}

function ltrim(context: CommandContext): void {
  const { reply } = context;
  const start = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(start)) return;
  const stop = integerArgument(context, 3, errors.notInteger);
  if (Number.isNaN(stop)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) {
    const { length } = open(context, reference);
    const from = Math.min(length, start < 0 ? Math.max(0, length + start) : start);
    const to = Math.min(length - 1, stop < 0 ? length + stop : stop);
    const keep = Math.max(0, to - from + 1);
    if (keep === 0) context.keyspace.removeFound();
    else list.trim(from, keep);
    context.changed(length - keep);
  }
  reply.ok();
}

// By value.

function lrem(context: CommandContext): void {
  const { request, reply } = context;
  const count = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(count)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.integer(0);
    return;
  }
  const { length } = open(context, reference);
  const most = count === 0 ? length : Math.min(length, Math.abs(count));
  needle.set(request.block, request.offset(3), request.length(3));
  const removed = list.remove(needle, most, count < 0);
  if (removed > 0) context.changed(removed);
  if (list.length === 0) context.keyspace.removeFound();
  reply.integer(removed);
}

/** LPOS's options; reused. `count` is −1 when not given. */
const search = { rank: 1, count: -1, maxlen: 0 };

/** Reads LPOS's options. False after an error reply. */
function searchOptions(context: CommandContext): boolean {
  const { request, reply } = context;
  search.rank = 1;
  search.count = -1;
  search.maxlen = 0;
  for (let i = 3; i < request.argc; i += 2) {
    const hasValue = i + 1 < request.argc;
    if (hasValue && request.is(i, 'RANK')) {
      search.rank = signedArgument(context, i + 1);
      if (search.rank === 0) reply.error(errors.rankZero);
      if (search.rank === 0 || Number.isNaN(search.rank)) return false;
    } else if (hasValue && request.is(i, 'COUNT')) {
      search.count = boundedArgument(context, i + 1, 0, errors.countNegative);
      if (Number.isNaN(search.count)) return false;
    } else if (hasValue && request.is(i, 'MAXLEN')) {
      search.maxlen = boundedArgument(context, i + 1, 0, errors.maxlenNegative);
      if (Number.isNaN(search.maxlen)) return false;
    } else {
      reply.error(errors.syntax);
      return false;
    }
  }
  return true;
}

function lpos(context: CommandContext): void {
  const { request, reply } = context;
  if (!searchOptions(context)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) {
    open(context, reference);
    needle.set(request.block, request.offset(2), request.length(2));
  }
  if (search.count < 0) {
    const found = reference === 0 ? [] : searchPositions(1);
    if (found.length === 0) reply.null();
    else reply.integer(found[0]);
    return;
  }
  const found = reference === 0 ? [] : searchPositions(search.count);
  reply.array(found.length);
  for (const position of found) reply.integer(position);
}

/** Up to `most` (0: all) positions of the needle in `list`, by rank and maxlen of `search`. */
function searchPositions(most: number): number[] {
  const { length } = list;
  const found: number[] = [];
  const isForward = search.rank > 0;
  let skip = Math.abs(search.rank) - 1;
  const limit = search.maxlen === 0 ? length : Math.min(length, search.maxlen);
  let isHere = list.seek(isForward ? 0 : length - 1);
  for (let i = 0; isHere && i < limit; i++) {
    if (list.matches(needle)) {
      if (skip > 0) skip--;
      else if (found.push(isForward ? i : length - 1 - i) === most) break;
    }
    isHere = isForward ? list.stepForward() : list.stepBackward();
  }
  return found;
}

const SOURCE = 'RW access delete';
const POP_KEYS = keys(1, 1, SOURCE);
const PUSH_KEYS = keys(1, 1, 'RW insert');
const MOVE_KEYS = [
  { first: 1, last: 1, step: 1, access: SOURCE },
  { first: 2, last: 2, step: 1, access: 'RW insert' },
] as const;
const SUMMARY_BLMOVE =
  'Pop an element from a list, push it to another list and return it; ' +
  'or block until one is available';
const O_ADDED =
  'O(1) for each element added, so O(N) to add N elements when the command is called with ' +
  'multiple arguments.';
const O_POPPED = 'O(N) where N is the number of elements returned';
const O_MPOP =
  'O(N+M) where N is the number of provided keys and M is the number of elements returned.';

export const listCommands = [
  {
    name: 'LPUSH',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    handler: lpush,
    keys: PUSH_KEYS,
    group: 'list',
    since: '1.0.0',
    summary: 'Prepend one or multiple elements to a list',
    complexity: O_ADDED,
    syntax: 'key element [element ...]',
  },
  {
    name: 'RPUSH',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    handler: rpush,
    keys: PUSH_KEYS,
    group: 'list',
    since: '1.0.0',
    summary: 'Append one or multiple elements to a list',
    complexity: O_ADDED,
    syntax: 'key element [element ...]',
  },
  {
    name: 'LPUSHX',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    handler: lpushx,
    keys: PUSH_KEYS,
    group: 'list',
    since: '2.2.0',
    summary: 'Prepend an element to a list, only if the list exists',
    complexity: O_ADDED,
    syntax: 'key element [element ...]',
  },
  {
    name: 'RPUSHX',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    handler: rpushx,
    keys: PUSH_KEYS,
    group: 'list',
    since: '2.2.0',
    summary: 'Append an element to a list, only if the list exists',
    complexity: O_ADDED,
    syntax: 'key element [element ...]',
  },
  {
    name: 'LPOP',
    arity: -2,
    flags: WRITE | FAST,
    handler: lpop,
    keys: POP_KEYS,
    group: 'list',
    since: '1.0.0',
    summary: 'Remove and get the first elements in a list',
    complexity: O_POPPED,
    syntax: 'key [count]',
  },
  {
    name: 'RPOP',
    arity: -2,
    flags: WRITE | FAST,
    handler: rpop,
    keys: POP_KEYS,
    group: 'list',
    since: '1.0.0',
    summary: 'Remove and get the last elements in a list',
    complexity: O_POPPED,
    syntax: 'key [count]',
  },
  {
    name: 'LLEN',
    arity: 2,
    flags: READONLY | FAST,
    handler: llen,
    keys: keys(1, 1, 'RO'),
    group: 'list',
    since: '1.0.0',
    summary: 'Get the length of a list',
    complexity: 'O(1)',
    syntax: 'key',
  },
  {
    name: 'LINDEX',
    arity: 3,
    flags: READONLY,
    handler: lindex,
    keys: keys(1, 1, 'RO access'),
    group: 'list',
    since: '1.0.0',
    summary: 'Get an element from a list by its index',
    complexity:
      'O(N) where N is the number of elements to traverse to get to the element at index. ' +
      'This makes asking for the first or the last element of the list O(1).',
    syntax: 'key index',
  },
  {
    name: 'LSET',
    arity: 4,
    flags: WRITE | DENYOOM,
    handler: lset,
    keys: keys(1, 1, 'RW update'),
    group: 'list',
    since: '1.0.0',
    summary: 'Set the value of an element in a list by its index',
    complexity:
      'O(N) where N is the length of the list. Setting either the first or the last element ' +
      'of the list is O(1).',
    syntax: 'key index element',
  },
  {
    name: 'LRANGE',
    arity: 4,
    flags: READONLY,
    handler: lrange,
    keys: keys(1, 1, 'RO access'),
    group: 'list',
    since: '1.0.0',
    summary: 'Get a range of elements from a list',
    complexity:
      'O(S+N) where S is the distance of start offset from HEAD for small lists, from ' +
      'nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the ' +
      'specified range.',
    syntax: 'key start stop',
  },
  {
    name: 'LTRIM',
    arity: 4,
    flags: WRITE,
    handler: ltrim,
    keys: keys(1, 1, 'RW delete'),
    group: 'list',
    since: '1.0.0',
    summary: 'Trim a list to the specified range',
    complexity: 'O(N) where N is the number of elements to be removed by the operation.',
    syntax: 'key start stop',
  },
  {
    name: 'LREM',
    arity: 4,
    flags: WRITE,
    handler: lrem,
    keys: keys(1, 1, 'RW delete'),
    group: 'list',
    since: '1.0.0',
    summary: 'Remove elements from a list',
    complexity: 'O(N+M) where N is the length of the list and M is the number of elements removed.',
    syntax: 'key count element',
  },
  {
    name: 'LINSERT',
    arity: 5,
    flags: WRITE | DENYOOM,
    handler: linsert,
    keys: keys(1, 1, 'RW insert'),
    group: 'list',
    since: '2.2.0',
    summary: 'Insert an element before or after another element in a list',
    complexity:
      'O(N) where N is the number of elements to traverse before seeing the value pivot. ' +
      'This means that inserting somewhere on the left end on the list (head) can be ' +
      'considered O(1) and inserting somewhere on the right end (tail) is O(N).',
    syntax: 'key <BEFORE | AFTER> pivot element',
  },
  {
    name: 'LPOS',
    arity: -3,
    flags: READONLY,
    handler: lpos,
    keys: keys(1, 1, 'RO access'),
    group: 'list',
    since: '6.0.6',
    summary: 'Return the index of matching elements on a list',
    complexity:
      'O(N) where N is the number of elements in the list, for the average case. When ' +
      'searching for elements near the head or the tail of the list, or when the MAXLEN ' +
      'option is provided, the command may run in constant time.',
    syntax: 'key element [RANK rank] [COUNT num-matches] [MAXLEN len]',
  },
  {
    name: 'LMOVE',
    arity: 5,
    flags: WRITE | DENYOOM,
    handler: lmove,
    keys: MOVE_KEYS,
    spread: 'move',
    group: 'list',
    since: '6.2.0',
    summary: 'Pop an element from a list, push it to another list and return it',
    complexity: 'O(1)',
    syntax: 'source destination <LEFT | RIGHT> <LEFT | RIGHT>',
  },
  {
    name: 'RPOPLPUSH',
    arity: 3,
    flags: WRITE | DENYOOM,
    handler: rpoplpush,
    keys: MOVE_KEYS,
    spread: 'move',
    group: 'list',
    since: '1.2.0',
    summary: 'Remove the last element in a list, prepend it to another list and return it',
    complexity: 'O(1)',
    syntax: 'source destination',
  },
  {
    name: 'LMPOP',
    arity: -4,
    flags: WRITE | MOVABLE_KEYS,
    handler: lmpop,
    keys: countedKeys(1, SOURCE),
    spread: 'first',
    group: 'list',
    since: '7.0.0',
    summary: 'Pop elements from a list',
    complexity: O_MPOP,
    syntax: 'numkeys key [key ...] <LEFT | RIGHT> [COUNT count]',
  },
  {
    name: 'BLPOP',
    arity: -3,
    flags: WRITE | NOSCRIPT | BLOCKING,
    handler: blpop,
    keys: keys(1, -2, SOURCE),
    spread: 'first',
    waitsFor: 'list',
    group: 'list',
    since: '2.0.0',
    summary: 'Remove and get the first element in a list, or block until one is available',
    complexity: 'O(N) where N is the number of provided keys.',
    syntax: 'key [key ...] timeout',
  },
  {
    name: 'BRPOP',
    arity: -3,
    flags: WRITE | NOSCRIPT | BLOCKING,
    handler: brpop,
    keys: keys(1, -2, SOURCE),
    spread: 'first',
    waitsFor: 'list',
    group: 'list',
    since: '2.0.0',
    summary: 'Remove and get the last element in a list, or block until one is available',
    complexity: 'O(N) where N is the number of provided keys.',
    syntax: 'key [key ...] timeout',
  },
  {
    name: 'BLMOVE',
    arity: 6,
    flags: WRITE | DENYOOM | NOSCRIPT | BLOCKING,
    handler: blmove,
    keys: MOVE_KEYS,
    spread: 'move',
    waitsFor: 'list',
    group: 'list',
    since: '6.2.0',
    summary: SUMMARY_BLMOVE,
    complexity: 'O(1)',
    syntax: 'source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout',
  },
  {
    name: 'BRPOPLPUSH',
    arity: 4,
    flags: WRITE | DENYOOM | NOSCRIPT | BLOCKING,
    handler: brpoplpush,
    keys: MOVE_KEYS,
    spread: 'move',
    waitsFor: 'list',
    group: 'list',
    since: '2.2.0',
    summary: SUMMARY_BLMOVE,
    complexity: 'O(1)',
    syntax: 'source destination timeout',
  },
  {
    name: 'BLMPOP',
    arity: -5,
    flags: WRITE | BLOCKING | MOVABLE_KEYS,
    handler: blmpop,
    keys: countedKeys(2, SOURCE),
    spread: 'first',
    waitsFor: 'list',
    group: 'list',
    since: '7.0.0',
    summary: 'Pop elements from a list, or block until one is available',
    complexity: O_MPOP,
    syntax: 'timeout numkeys key [key ...] <LEFT | RIGHT> [COUNT count]',
  },
] as const satisfies readonly CommandSpec[];
