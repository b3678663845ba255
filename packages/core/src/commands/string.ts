/**
 * String commands: SET and GET with their options, counters, ranges, and LCS.
 *
 * How the bytes are kept is string-value.ts's business; a handler here reads arguments, checks them
 * in Redis's order (which decides the error a client sees), and replies. SET, GET and INCR are the
 * server's hottest code: one lookup, no allocation, and the plain form of SET leaves before any
 * option is looked at.
 *
 * Two things differ from Redis on purpose and cannot be seen in replies: a SET with a deadline that
 * has passed deletes the key at once (Redis leaves it to lazy expiry), and LCS with LEN keeps two
 * rows of its table instead of all.
 */
import {
  Block,
  copyBytes,
  decimalLength,
  errors,
  invalidExpire,
  writeDecimal,
  wrongArity,
} from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { commonBytes, commonLength, commonRuns, commonTable } from '../common-subsequence.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../long-double.ts';
import { INT64_MAX, INT64_MIN, parseBigInteger, parseInteger } from '../number-text.ts';
import type { Request } from '../request.ts';
import {
  forbidInteger,
  growFound,
  KEEP_DEADLINE,
  NO_DEADLINE,
  STRING_LENGTH_MAX,
  StringSpan,
  storeArgument,
  storeString,
} from '../string-value.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';

/** Reused by all handlers: none keeps it across a change. */
const span = new StringSpan();
/** New values are written here before they are stored. */
const scratch = Block.allocate(64);

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

/** A 64-bit integer argument as a number (rounded beyond 2^53), or NaN with an error replied. */
function readInteger(context: CommandContext, i: number): number {
  const { request } = context;
  const value = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(value)) return value;
  const wide = readWide(request, i);
  if (wide === undefined) {
    context.reply.error(errors.notInteger);
    return Number.NaN;
  }
  return Number(wide);
}

/** A 64-bit integer argument of any size, or undefined. */
function readWide(request: Request, i: number): bigint | undefined {
  return request.length(i) > 20 ? undefined : parseBigInteger(request.text(i));
}

function getrange(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  let start = readInteger(context, 2);
  if (Number.isNaN(start)) return;
  let end = readInteger(context, 3);
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
  const wide = Number.isNaN(time) ? readWide(request, i) : BigInt(time);
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

/** Locates the found string in `span` (empty without one); false with WRONGTYPE replied. */
function locateFound(context: CommandContext, reference: number): boolean {
  if (reference === 0) {
    span.length = 0;
    return true;
  }
  if (span.locate(context.keyspace.arena, reference)) return true;
  context.reply.error(errors.wrongType);
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
  const offset = readInteger(context, 2);
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

// Counting

function incr(context: CommandContext): void {
  increment(context, 1);
}

function decr(context: CommandContext): void {
  increment(context, -1);
}

function incrby(context: CommandContext): void {
  incrementByArgument(context, 1);
}

function decrby(context: CommandContext): void {
  incrementByArgument(context, -1);
}

function incrementByArgument(context: CommandContext, sign: 1 | -1): void {
  const { reply, request } = context;
  const delta = parseInteger(request.block, request.offset(2), request.length(2));
  if (!Number.isNaN(delta)) {
    increment(context, sign * delta);
    return;
  }
  const wide = readWide(request, 2);
  if (wide === undefined) reply.error(errors.notInteger);
  else if (sign < 0 && wide === INT64_MIN) reply.error(errors.decrementOverflow);
  else incrementWide(context, context.keyspace.lookupWrite(request, 1), BigInt(sign) * wide);
}

/** `delta` and (else the wide way is taken) the value have at most 15 digits: sums are exact. */
function increment(context: CommandContext, delta: number): void {
  const { keyspace, reply, request } = context;
  const reference = keyspace.lookupWrite(request, 1);
  let value = 0;
  if (reference !== 0) {
    if (!span.locate(keyspace.arena, reference)) {
      reply.error(errors.wrongType);
      return;
    }
    if (span.isPlain && incrementInPlace(context, delta)) return;
    value = parseInteger(span.block, span.offset, span.length);
    if (Number.isNaN(value)) {
      incrementWide(context, reference, BigInt(delta));
      return;
    }
  }
  value += delta;
  const length = writeDecimal(scratch.bytes, 0, value);
  storeString(keyspace, request, 1, reference, scratch, 0, length, KEEP_DEADLINE);
  context.changed();
  reply.integer(value);
}

/**
 * The hot way of a counter: up to nine digits, before and after, and as many of them. False when
 * that does not hold; nothing has been done then.
 */
function incrementInPlace(context: CommandContext, delta: number): boolean {
  const { block, offset, length } = span;
  const old = parseDigits(block, offset, length);
  const value = (old + delta) | 0;
  // Other sums than of such numbers would wrap around or change their length.
  if (old < 0 || value !== old + delta || value < 0 || decimalLength(value) !== length)
    return false;
  writeDecimal(block.bytes, offset, value);
  context.changed();
  context.reply.integer(value);
  return true;
}

/** Value of one to nine digits without a leading zero ("0" alone is fine), or −1. */
function parseDigits(block: Block, offset: number, length: number): number {
  if (length === 0 || length > 9) return -1;
  const { bytes } = block;
  let value = 0;
  for (let i = 0; i < length; i = (i + 1) | 0) {
    const digit = (bytes[(offset + i) | 0] - 48) | 0;
    if (digit < 0 || digit > 9) return -1;
    value = (Math.imul(value, 10) + digit) | 0;
  }
  return bytes[offset] === 48 && length > 1 ? -1 : value;
}

/** The same over the whole range of 64 bits. */
function incrementWide(context: CommandContext, reference: number, delta: bigint): void {
  const { keyspace, reply, request } = context;
  if (!locateFound(context, reference)) return;
  const old = readFoundInteger(reference);
  if (old === undefined) {
    reply.error(errors.notInteger);
    return;
  }
  const value = old + delta;
  if (value > INT64_MAX || value < INT64_MIN) {
    reply.error(errors.overflow);
    return;
  }
  const length = scratch.bytes.latin1Write(value.toString(), 0);
  storeString(keyspace, request, 1, reference, scratch, 0, length, KEEP_DEADLINE);
  context.changed();
  reply.bigInteger(value);
}

function readFoundInteger(reference: number): bigint | undefined {
  if (reference === 0) return 0n;
  return span.length > 20 ? undefined : parseBigInteger(span.text());
}

function incrbyfloat(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const found = keyspace.lookupWrite(request, 1);
  if (!locateFound(context, found)) return;
  const old = parseLongDouble(found === 0 ? '0' : span.text());
  const delta = old === undefined ? undefined : parseLongDouble(request.text(2));
  if (old === undefined || delta === undefined) {
    reply.error(errors.notFloat);
    return;
  }
  const sum = addLongDoubles(old, delta);
  if (sum === undefined) {
    reply.error(errors.nanOrInfinity);
    return;
  }
  const text = Block.of(formatLongDouble(sum));
  const { length } = text.bytes;
  const reference = storeString(keyspace, request, 1, found, text, 0, length, KEEP_DEADLINE);
  forbidInteger(keyspace, reference);
  context.changed();
  reply.bulk(text, 0, length);
}

// Longest common subsequence

interface LcsOptions {
  idx: boolean;
  len: boolean;
  withMatchLen: boolean;
  minMatchLen: number;
}

/** Options from argument 3 on, or undefined with an error replied. */
function readLcsOptions(context: CommandContext): LcsOptions | undefined {
  const { reply, request } = context;
  const options = { idx: false, len: false, withMatchLen: false, minMatchLen: 0 };
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, 'IDX')) options.idx = true;
    else if (request.is(i, 'LEN')) options.len = true;
    else if (request.is(i, 'WITHMATCHLEN')) options.withMatchLen = true;
    else if (request.is(i, 'MINMATCHLEN') && i + 1 < request.argc) {
      const bytes = readInteger(context, ++i);
      if (Number.isNaN(bytes)) return undefined;
      options.minMatchLen = Math.max(0, bytes);
    } else {
      reply.error(errors.syntax);
      return undefined;
    }
  }
  if (!options.idx || !options.len) return options;
  reply.error(errors.lcsLenAndIdx);
  return undefined;
}

/** Bytes of the string in argument `i` (empty without one), or undefined for another type. */
function lcsInput(context: CommandContext, i: number): Buffer | undefined {
  const { keyspace, request } = context;
  const reference = keyspace.lookupRead(request, i);
  if (reference === 0) return Buffer.alloc(0);
  if (!span.locate(keyspace.arena, reference)) return undefined;
  return span.block.bytes.subarray(span.offset, span.offset + span.length);
}

function lcs(context: CommandContext): void {
  const { reply } = context;
  const a = lcsInput(context, 1);
  const b = lcsInput(context, 2);
  if (a === undefined || b === undefined) {
    reply.error(errors.lcsTypes);
    return;
  }
  const options = readLcsOptions(context);
  if (options === undefined) return;
  if ((a.length + 1) * (b.length + 1) * 4 > context.engine.settings.protoMaxBulkBytes) {
    reply.error(errors.lcsTooLarge);
    return;
  }
  if (options.len) {
    reply.integer(commonLength(a, b));
    return;
  }
  const table = commonTable(a, b);
  if (options.idx) replyMatches(context, a, b, table, options);
  else reply.buffer(commonBytes(a, b, table));
}

function replyMatches(
  context: CommandContext,
  a: Buffer,
  b: Buffer,
  table: Uint32Array,
  options: LcsOptions,
): void {
  const { reply } = context;
  const runs = commonRuns(a, b, table);
  const matches = runs.filter((run) => run.length >= options.minMatchLen);
  reply.map(2);
  reply.text('matches');
  reply.array(matches.length);
  for (const match of matches) {
    reply.array(options.withMatchLen ? 3 : 2);
    replyRange(context, match.inA, match.length);
    replyRange(context, match.inB, match.length);
    if (options.withMatchLen) reply.integer(match.length);
  }
  reply.text('len');
  reply.integer(table[table.length - 1]);
}

function replyRange(context: CommandContext, first: number, length: number): void {
  context.reply.array(2);
  context.reply.integer(first);
  context.reply.integer(first + length - 1);
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
    name: 'INCR',
    arity: 2,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '1.0.0',
    summary:
      'Increments the integer value of a key by one. Uses 0 as initial value if the key ' +
      "doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key',
    handler: incr,
  },
  {
    name: 'DECR',
    arity: 2,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '1.0.0',
    summary:
      'Decrements the integer value of a key by one. Uses 0 as initial value if the key ' +
      "doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key',
    handler: decr,
  },
  {
    name: 'INCRBY',
    arity: 3,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '1.0.0',
    summary:
      'Increments the integer value of a key by a number. Uses 0 as initial value if the ' +
      "key doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key increment:integer',
    handler: incrby,
  },
  {
    name: 'DECRBY',
    arity: 3,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '1.0.0',
    summary:
      'Decrements a number from the integer value of a key. Uses 0 as initial value if ' +
      "the key doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key decrement:integer',
    handler: decrby,
  },
  {
    name: 'INCRBYFLOAT',
    arity: 3,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'string',
    since: '2.6.0',
    summary:
      'Increment the floating point value of a key by a number. Uses 0 as initial value ' +
      "if the key doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key increment:double',
    handler: incrbyfloat,
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
  {
    name: 'LCS',
    arity: -3,
    flags: READONLY,
    keys: keys(1, 2, 'RO access'),
    spread: 'borrow',
    group: 'string',
    since: '7.0.0',
    summary: 'Finds the longest common substring.',
    complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
    syntax: 'key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]',
    handler: lcs,
  },
] as const satisfies readonly CommandSpec[];
