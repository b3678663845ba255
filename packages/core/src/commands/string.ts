/**
 * String commands: SET and GET with their options, and ranges. Counters are in string-counter.ts,
 * LCS in string-lcs.ts.
 *
 * How the bytes are kept is string-value.ts's business; a handler here reads arguments, checks them
 * in Redis's order (which decides the error a client sees), and replies. SET and GET are the server's
 * hottest code: one lookup, no allocation, and the plain form of SET leaves before any option is
 * looked at.
 *
 * One thing differs from Redis on purpose: a SET with a deadline that has passed deletes the key at
 * once (Redis leaves it to lazy expiry).
 */
import { copyBytes, errors, invalidExpire, wrongArity } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { INT64_MAX, parseInteger } from '../number-text.ts';
import type { Request } from '../request.ts';
import {
  growFound,
  KEEP_DEADLINE,
  NO_DEADLINE,
  STRING_LENGTH_MAX,
  storeArgument,
  storeString,
} from '../string-value.ts';
import { bigArgument, integerArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import { locateFound, scratch, span } from './string-access.ts';

// Reading

/** Replies the value found under `reference`: null when there is none; false on a wrong type. */
function replyValue(context: CommandContext, reference: number): boolean {
  const { reply } = context;
  if (reference === 0) {
    reply.null();
    return true;
  }
  if (!span.locate(context.keyspace.arena, reference)) {
    reply.error(errors.wrongType);
    return false;
  }
  reply.bulk(span.block, span.offset, span.length);
  return true;
}

function get(context: CommandContext): void {
  replyValue(context, context.keyspace.lookupRead(context.request, 1));
}

function mget(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const last = request.argc - 1;
  reply.array(last);
  for (let i = 1; i <= last; i++) {
    const reference = keyspace.lookupRead(request, i);
    if (reference !== 0 && span.locate(keyspace.arena, reference)) {
      reply.bulk(span.block, span.offset, span.length);
    } else {
      reply.null();
    }
  }
}

function strlen(context: CommandContext): void {
  const reference = context.keyspace.lookupRead(context.request, 1);
  if (reference === 0) context.reply.integer(0);
  else if (span.locate(context.keyspace.arena, reference)) context.reply.integer(span.length);
  else context.reply.error(errors.wrongType);
}

function getrange(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  let start = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(start)) return;
  let end = integerArgument(context, 3, errors.notInteger);
  if (Number.isNaN(end)) return;
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) {
    reply.text('');
    return;
  }
  if (!span.locate(keyspace.arena, reference)) {
    reply.error(errors.wrongType);
    return;
  }
  const { length } = span;
  const isReversed = start < 0 && end < 0 && start > end;
  if (start < 0) start = Math.max(0, start + length);
  // An end before the first byte means the first byte, as in Redis.
  if (end < 0) end = Math.max(0, end + length);
  end = Math.min(end, length - 1);
  if (isReversed || start > end) reply.text('');
  else reply.bulk(span.block, span.offset + start, end - start + 1);
}

// Setting

const NX = 1 << 0;
const XX = 1 << 1;
const GET = 1 << 2;
const KEEPTTL = 1 << 3;
const PERSIST = 1 << 4;
const EX = 1 << 5;
const PX = 1 << 6;
const EXAT = 1 << 7;
const PXAT = 1 << 8;
const TIMED = EX | PX | EXAT | PXAT;
/** At most one of these; each may be repeated. */
const EXPIRATION = TIMED | KEEPTTL | PERSIST;
const SET_OPTIONS = NX | XX | GET | KEEPTTL | TIMED;
const GETEX_OPTIONS = PERSIST | TIMED;

const OPTION_WORDS: readonly (readonly [string, number])[] = [
  ['EX', EX],
  ['PX', PX],
  ['NX', NX],
  ['XX', XX],
  ['GET', GET],
  ['KEEPTTL', KEEPTTL],
  ['EXAT', EXAT],
  ['PXAT', PXAT],
  ['PERSIST', PERSIST],
];

/** Argument number of the time that `readOptions` found last, or 0. */
let timeArgument = 0;

/** Option flags from argument `first` on, or −1 for a syntax error. Sets `timeArgument`. */
function readOptions(request: Request, first: number, allowed: number): number {
  let options = 0;
  timeArgument = 0;
  for (let i = first; i < request.argc; i++) {
    const option = optionAt(request, i) & allowed;
    if (option === 0 || (conflicts(option) & options) !== 0) return -1;
    if ((option & TIMED) !== 0) {
      if (++i === request.argc) return -1;
      timeArgument = i;
    }
    options |= option;
  }
  return options;
}

function optionAt(request: Request, i: number): number {
  for (const [word, option] of OPTION_WORDS) if (request.is(i, word)) return option;
  return 0;
}

function conflicts(option: number): number {
  if (option === NX) return XX;
  if (option === XX) return NX;
  return (option & EXPIRATION) === 0 ? 0 : EXPIRATION & ~option;
}

/**
 * Deadline (ms since the epoch) out of argument `i`, in the unit that `options` name; NaN with an
 * error replied. Deadlines beyond 2^53 are rounded.
 */
function readDeadline(context: CommandContext, i: number, options: number, name: string): number {
  const { request } = context;
  const unitMs = (options & (EX | EXAT)) === 0 ? 1 : 1000;
  const start = (options & (EX | PX)) === 0 ? 0 : context.now;
  const time = parseInteger(request.block, request.offset(i), request.length(i));
  if (time > 0) return time * unitMs + start;
  const wide = Number.isNaN(time) ? bigArgument(request, i) : BigInt(time);
  if (wide === undefined) {
    context.reply.error(errors.notInteger);
    return Number.NaN;
  }
  const deadline = wide * BigInt(unitMs) + BigInt(start);
  if (wide <= 0n || deadline > INT64_MAX) {
    context.reply.error(invalidExpire(name));
    return Number.NaN;
  }
  return Number(deadline);
}

function set(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  if (request.argc === 3) {
    storeArgument(keyspace, request, 1, 2, keyspace.lookupWrite(request, 1), NO_DEADLINE);
    context.changed();
    reply.ok();
    return;
  }
  const options = readOptions(request, 3, SET_OPTIONS);
  if (options === -1) {
    reply.error(errors.syntax);
    return;
  }
  const outcome = setGeneric(context, options, 2, 'set');
  if (outcome === FAILED || (options & GET) !== 0) return;
  if (outcome === DONE) reply.ok();
  else reply.null();
}

/** Outcomes of `setGeneric`: an error was replied; a condition was not met; the value is set. */
const FAILED = 0;
const UNMET = 1;
const DONE = 2;

/** The body of the SET family. Replies errors and, with GET, the old value; nothing else. */
function setGeneric(
  context: CommandContext,
  options: number,
  valueArgument: number,
  name: string,
): number {
  const { keyspace, request } = context;
  let deadline = (options & KEEPTTL) === 0 ? NO_DEADLINE : KEEP_DEADLINE;
  if ((options & TIMED) !== 0) {
    deadline = readDeadline(context, timeArgument, options, name);
    if (Number.isNaN(deadline)) return FAILED;
  }
  const reference = keyspace.lookupWrite(request, 1);
  if ((options & GET) !== 0 && !replyValue(context, reference)) return FAILED;
  if ((options & (reference === 0 ? XX : NX)) !== 0) return UNMET;
  if (deadline !== KEEP_DEADLINE && deadline <= context.now) {
    if (reference !== 0) keyspace.removeFound();
  } else {
    storeArgument(keyspace, request, 1, valueArgument, reference, deadline);
  }
  context.changed();
  return DONE;
}

function setnx(context: CommandContext): void {
  context.reply.integer(setGeneric(context, NX, 2, 'setnx') === DONE ? 1 : 0);
}

function setex(context: CommandContext): void {
  timeArgument = 2;
  if (setGeneric(context, EX, 3, 'setex') === DONE) context.reply.ok();
}

function psetex(context: CommandContext): void {
  timeArgument = 2;
  if (setGeneric(context, PX, 3, 'psetex') === DONE) context.reply.ok();
}

function getset(context: CommandContext): void {
  const { keyspace, request } = context;
  const reference = keyspace.lookupWrite(request, 1);
  if (!replyValue(context, reference)) return;
  storeArgument(keyspace, request, 1, 2, reference, NO_DEADLINE);
  context.changed();
}

function getdel(context: CommandContext): void {
  const { keyspace } = context;
  const reference = keyspace.lookupRead(context.request, 1);
  if (!replyValue(context, reference) || reference === 0) return;
  keyspace.willChange(reference);
  keyspace.removeFound();
  context.changed();
}

function getex(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const options = readOptions(request, 2, GETEX_OPTIONS);
  if (options === -1) {
    reply.error(errors.syntax);
    return;
  }
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0 || !span.locate(keyspace.arena, reference)) {
    replyValue(context, reference);
    return;
  }
  let deadline = KEEP_DEADLINE;
  if ((options & TIMED) !== 0) {
    deadline = readDeadline(context, timeArgument, options, 'getex');
    if (Number.isNaN(deadline)) return;
  }
  replyValue(context, reference);
  if (options === 0) return;
  keyspace.willChange(reference);
  if (deadline === KEEP_DEADLINE) {
    if (!keyspace.persist(reference)) return;
  } else if (deadline <= context.now) {
    keyspace.removeFound();
  } else {
    keyspace.expireFoundAt(reference, deadline);
  }
  context.changed();
}

function mset(context: CommandContext): void {
  if (!hasPairs(context, 'mset')) return;
  storePairs(context);
  context.reply.ok();
}

function msetnx(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  if (!hasPairs(context, 'msetnx')) return;
  for (let i = 1; i < request.argc; i += 2) {
    if (keyspace.lookupWrite(request, i) !== 0) {
      reply.integer(0);
      return;
    }
  }
  storePairs(context);
  reply.integer(1);
}

function hasPairs(context: CommandContext, name: string): boolean {
  if ((context.request.argc & 1) === 1) return true;
  context.reply.error(wrongArity(name));
  return false;
}

function storePairs(context: CommandContext): void {
  const { keyspace, request } = context;
  const { argc } = request;
  for (let i = 1; i < argc; i += 2) {
    const reference = keyspace.lookupWrite(request, i);
    storeArgument(keyspace, request, i, i + 1, reference, NO_DEADLINE);
  }
  context.changed(argc >> 1);
}

// Changing in place

/** Replies an error and answers false when a string of this length is not allowed. */
function mayHaveLength(context: CommandContext, length: number): boolean {
  const limit = Math.min(context.engine.settings.protoMaxBulkBytes, STRING_LENGTH_MAX);
  if (length <= limit) return true;
  context.reply.error(errors.stringTooLong);
  return false;
}

function append(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const reference = keyspace.lookupWrite(request, 1);
  if (!locateFound(context, reference)) return;
  const length = span.length;
  const added = request.length(2);
  if (reference === 0) {
    storeArgument(keyspace, request, 1, 2, 0, NO_DEADLINE);
  } else {
    if (!mayHaveLength(context, length + added)) return;
    span.locate(keyspace.arena, growFound(keyspace, reference, length + added));
    copyBytes(span.block, span.offset + length, request.block, request.offset(2), added);
  }
  context.changed();
  reply.integer(length + added);
}

function setrange(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const offset = integerArgument(context, 2, errors.notInteger);
  if (Number.isNaN(offset)) return;
  if (offset < 0) {
    reply.error(errors.offsetOutOfRange);
    return;
  }
  const reference = keyspace.lookupWrite(request, 1);
  if (!locateFound(context, reference)) return;
  const length = span.length;
  const added = request.length(3);
  if (added === 0) {
    reply.integer(length);
    return;
  }
  if (!mayHaveLength(context, offset + added)) return;
  const total = Math.max(length, offset + added);
  span.locate(keyspace.arena, growArgument(context, reference, total));
  const { block } = span;
  if (offset > length) block.bytes.fill(0, span.offset + length, span.offset + offset);
  copyBytes(block, span.offset + offset, request.block, request.offset(3), added);
  context.changed();
  reply.integer(total);
}

/** Makes the string of the key in argument 1 `total` bytes long, adding the key if need be. */
function growArgument(context: CommandContext, found: number, total: number): number {
  const { keyspace, request } = context;
  if (found !== 0) return growFound(keyspace, found, total);
  const reference = storeString(keyspace, request, 1, 0, scratch, 0, 0, NO_DEADLINE);
  keyspace.map.findReference(keyspace.hashOf(request, 1), reference);
  return growFound(keyspace, reference, total);
}

export const stringCommands = [
  {
    name: 'SET',
    arity: -3,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'RW access update variable_flags'),
    group: 'string',
    since: '1.0.0',
    summary:
      'Sets the string value of a key, ignoring its type. The key is created if it ' +
      "doesn't exist.",
    complexity: 'O(1)',
    syntax:
      'key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds ' +
      '| PXAT unix-time-milliseconds | KEEPTTL]',
    handler: set,
  },
  {
    name: 'GET',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the string value of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: get,
  },
  {
    name: 'GETEX',
    arity: -2,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '6.2.0',
    summary: 'Returns the string value of a key after setting its expiration time.',
    complexity: 'O(1)',
    syntax:
      'key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT ' +
      'unix-time-milliseconds | PERSIST]',
    handler: getex,
  },
  {
    name: 'GETDEL',
    arity: 2,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW access delete'),
    group: 'string',
    since: '6.2.0',
    summary: 'Returns the string value of a key after deleting the key.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: getdel,
  },
  {
    name: 'GETSET',
    arity: 3,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the previous string value of a key after setting it to a new value.',
    complexity: 'O(1)',
    syntax: 'key value',
    handler: getset,
  },
  {
    name: 'GETRANGE',
    arity: 4,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'string',
    since: '2.4.0',
    summary: 'Returns a substring of the string stored at a key.',
    complexity:
      'O(N) where N is the length of the returned string. The complexity is ultimately ' +
      'determined by the returned length, but because creating a substring from an ' +
      'existing string is very cheap, it can be considered O(1) for small strings.',
    syntax: 'key start end',
    handler: getrange,
  },
  {
    name: 'SUBSTR',
    arity: 4,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'string',
    since: '1.0.0',
    summary: 'Returns a substring from a string value.',
    complexity:
      'O(N) where N is the length of the returned string. The complexity is ultimately ' +
      'determined by the returned length, but because creating a substring from an ' +
      'existing string is very cheap, it can be considered O(1) for small strings.',
    syntax: 'key start end',
    handler: getrange,
  },
  {
    name: 'SETRANGE',
    arity: 4,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'RW update'),
    group: 'string',
    since: '2.2.0',
    summary:
      'Overwrites a part of a string value with another by an offset. Creates the key if ' +
      "it doesn't exist.",
    complexity:
      'O(1), not counting the time taken to copy the new string in place. Usually, this ' +
      'string is very small so the amortized complexity is O(1). Otherwise, complexity ' +
      'is O(M) with M being the length of the value argument.',
    syntax: 'key offset value',
    handler: setrange,
  },
  {
    name: 'APPEND',
    arity: 3,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW insert'),
    group: 'string',
    since: '2.0.0',
    summary: "Appends a string to the value of a key. Creates the key if it doesn't exist.",
    complexity:
      'O(1). The amortized time complexity is O(1) assuming the appended value is small ' +
      'and the already present value is of any size, since the dynamic string library ' +
      'used by Redis will double the free space available on every reallocation.',
    syntax: 'key value',
    handler: append,
  },
  {
    name: 'STRLEN',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO'),
    group: 'string',
    since: '2.2.0',
    summary: 'Returns the length of a string value.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: strlen,
  },
  {
    name: 'MSET',
    arity: -3,
    flags: WRITE | DENYOOM,
    keys: keys(1, -1, 'OW update', 2),
    spread: 'all-ok',
    group: 'string',
    since: '1.0.1',
    summary: 'Atomically creates or modifies the string values of one or more keys.',
    complexity: 'O(N) where N is the number of keys to set.',
    syntax: 'key value [key value ...]',
    tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    handler: mset,
  },
  {
    name: 'MSETNX',
    arity: -3,
    flags: WRITE | DENYOOM,
    keys: keys(1, -1, 'OW insert', 2),
    spread: 'absent-all',
    group: 'string',
    since: '1.0.1',
    summary:
      'Atomically modifies the string values of one or more keys only when all keys ' +
      "don't exist.",
    complexity: 'O(N) where N is the number of keys to set.',
    syntax: 'key value [key value ...]',
    tips: ['request_policy:multi_shard', 'response_policy:agg_min'],
    handler: msetnx,
  },
  {
    name: 'MGET',
    arity: -2,
    flags: READONLY | FAST,
    keys: keys(1, -1, 'RO access'),
    spread: 'gather',
    group: 'string',
    since: '1.0.0',
    summary: 'Atomically returns the string values of one or more keys.',
    complexity: 'O(N) where N is the number of keys to retrieve.',
    syntax: 'key [key ...]',
    tips: ['request_policy:multi_shard'],
    handler: mget,
  },
  {
    name: 'SETEX',
    arity: 4,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'OW update'),
    group: 'string',
    since: '2.0.0',
    summary:
      "Sets the string value and expiration time of a key. Creates the key if it doesn't " +
      'exist.',
    complexity: 'O(1)',
    syntax: 'key seconds value',
    handler: setex,
  },
  {
    name: 'PSETEX',
    arity: 4,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'OW update'),
    group: 'string',
    since: '2.6.0',
    summary:
      'Sets both string value and expiration time in milliseconds of a key. The key is ' +
      "created if it doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key milliseconds value',
    handler: psetex,
  },
  {
    name: 'SETNX',
    arity: 3,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'OW insert'),
    group: 'string',
    since: '1.0.0',
    summary: "Set the string value of a key only when the key doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key value',
    handler: setnx,
  },
] as const satisfies readonly CommandSpec[];
