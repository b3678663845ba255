/**
 * Pops from lists and moves between them, at once or when there is something.
 *
 * Blocking commands try, and block when there is nothing: the engine runs the same handler again
 * when a key is ready (pop-first.ts). Order of the checks, replies and texts are those of Redis
 * 7.2.
 */
import { type Block, errors, wrongArity } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import type { ListValue } from '../list-value.ts';
import { REQUEST_TIME_IS_UP } from '../request.ts';
import { boundedArgument, deadlineArgument } from './arguments.ts';
import {
  BLOCKING,
  type CommandSpec,
  countedKeys,
  DENYOOM,
  FAST,
  keys,
  MOVABLE_KEYS,
  NOSCRIPT,
  WRITE,
} from './command-spec.ts';
import { removeEmptied } from './generic.ts';
import { insertList, list, lookupWrite, open, openTarget, target, WRONG } from './list-access.ts';
import {
  ANSWERED,
  type Answer,
  blockingPop,
  type End,
  FIRST as LEFT,
  NOTHING,
  popOfMany,
  LAST as RIGHT,
} from './pop-first.ts';

const NO_SIDE = 0;
type Side = End | typeof NO_SIDE;
const SIDES = ['LEFT', 'RIGHT'] as const;

/** LEFT or RIGHT in argument `i`, or NO_SIDE after an error reply. */
function sideArgument(context: CommandContext, i: number): Side {
  if (context.request.is(i, 'LEFT')) return LEFT;
  if (context.request.is(i, 'RIGHT')) return RIGHT;
  context.reply.error(errors.syntax);
  return NO_SIDE;
}

/** Replies one element of `list` and removes it; the key stays. */
function popOne(context: CommandContext, end: End): void {
  if (end === LEFT) list.popHead(context.reply);
  else list.popTail(context.reply);
}

/** Replies an array of up to `count` elements of the list just looked up, and removes them. */
function popMany(context: CommandContext, end: End, count: number): void {
  const elements = Math.min(count, list.length);
  context.reply.array(elements);
  for (let i = 0; i < elements; i++) popOne(context, end);
  context.changed(elements);
  if (list.length === 0) context.keyspace.removeFound();
}

function pop(context: CommandContext, end: End, name: string): void {
  const { request, reply } = context;
  if (request.argc > 3) {
    reply.error(wrongArity(name));
    return;
  }
  if (request.argc === 3) {
    popCounted(context, end);
    return;
  }
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  open(context, reference);
  popOne(context, end);
  context.changed();
  if (list.length === 0) context.keyspace.removeFound();
}

function popCounted(context: CommandContext, end: End): void {
  const count = boundedArgument(context, 2, 0, errors.outOfRangePositive);
  if (Number.isNaN(count)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    context.reply.nullArray();
    return;
  }
  open(context, reference);
  popMany(context, end, count);
}

function lpop(context: CommandContext): void {
  pop(context, LEFT, 'lpop');
}

function rpop(context: CommandContext): void {
  pop(context, RIGHT, 'rpop');
}

/**
 * Pops from the first key in arguments `first` … `last` that is a list. `count` of 0 pops one
 * element and replies [key, element], otherwise [key, [elements]].
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
    open(context, reference);
    reply.array(2);
    reply.bulk(request.block, request.offset(i), request.length(i));
    if (count > 0) {
      popMany(context, end, count);
      return ANSWERED;
    }
    popOne(context, end);
    context.changed();
    if (list.length === 0) context.keyspace.removeFound();
    return ANSWERED;
  }
  return NOTHING;
}

function blpop(context: CommandContext): void {
  blockingPop(context, LEFT, popFirst);
}

function brpop(context: CommandContext): void {
  blockingPop(context, RIGHT, popFirst);
}

function lmpop(context: CommandContext): void {
  popOfMany(context, 1, SIDES, popFirst);
}

function blmpop(context: CommandContext): void {
  popOfMany(context, 2, SIDES, popFirst);
}

// Moves.

/**
 * Moves an element from the list in argument 1 to the one in argument 2 and replies it. Returns
 * NOTHING, without a reply, when the source does not exist.
 */
function move(context: CommandContext, from: End, to: End): Answer {
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
function pushReplied(view: ListValue, block: Block, start: number, end: number, to: End): void {
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

function blockingMove(context: CommandContext, from: End, to: End, timeoutAt: number): void {
  const deadline = deadlineArgument(context, timeoutAt);
  if (Number.isNaN(deadline)) return;
  if (move(context, from, to) === ANSWERED) return;
  if (context.mayBlock) context.block(1, 1, deadline);
  // Redis answers a null array when the time of a blocked client is up, but a null bulk string
  // where it may not block.
  else if ((context.request.flags & REQUEST_TIME_IS_UP) !== 0) context.reply.nullArray();
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

const SOURCE = 'RW access delete';
const POP_KEYS = keys(1, 1, SOURCE);
const MOVE_KEYS = [
  { first: 1, last: 1, step: 1, access: SOURCE },
  { first: 2, last: 2, step: 1, access: 'RW insert' },
] as const;
const SUMMARY_BLMOVE =
  'Pop an element from a list, push it to another list and return it; ' +
  'or block until one is available';
const O_POPPED = 'O(N) where N is the number of elements returned';
const O_MPOP =
  'O(N+M) where N is the number of provided keys and M is the number of elements returned.';

export const listPopCommands = [
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
