/**
 * The commands on one list: pushes, and all that is by index or by value. Pops and moves are in
 * list-pop.ts.
 *
 * Shared bodies first, thin handlers below, the table last. Order of the checks, replies and texts
 * are those of Redis 7.2.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { Needle } from '../listpack.ts';
import { boundedArgument, integerArgument, signedArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import { insertList, list, lookupRead, lookupWrite, open, WRONG } from './list-access.ts';

const needle = new Needle();

// Pushes.

function push(context: CommandContext, toHead: boolean, onlyExisting: boolean): void {
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
    if (toHead) list.pushHead(block, request.offset(i), request.length(i));
    else list.pushTail(block, request.offset(i), request.length(i));
  }
  context.changed(argc - 2);
  reply.integer(list.length);
}

function lpush(context: CommandContext): void {
  push(context, true, false);
}

function rpush(context: CommandContext): void {
  push(context, false, false);
}

function lpushx(context: CommandContext): void {
  push(context, true, true);
}

function rpushx(context: CommandContext): void {
  push(context, false, true);
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

const PUSH_KEYS = keys(1, 1, 'RW insert');
const O_ADDED =
  'O(1) for each element added, so O(N) to add N elements when the command is called with ' +
  'multiple arguments.';

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
] as const satisfies readonly CommandSpec[];
