/**
 * The hash commands of Redis 7.2, on HashValue. Random fields and HSCAN are in hash-scan.ts,
 * deadlines of fields in hash-expiry.ts.
 *
 * Shared bodies first, thin handlers below, the table last. One view is enough: `hash` of
 * hash-access.ts, which says what a command begins and ends with.
 */
import { Block, errors, writeDecimal, wrongArity } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import type { HashSpan, HashValue } from '../hash-value.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../long-double.ts';
import { INT64_MAX, INT64_MIN, parseBigInteger, parseInteger } from '../number-text.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import {
  createHash,
  deleteHidden,
  findField,
  hash,
  hidesFields,
  isHidden,
  makeRoomForPairs,
  putField,
  readHash,
  settle,
  WRONG,
  writeHash,
  writeOrCreateHash,
} from './hash-access.ts';

/** Text of a number that is about to become a value. */
const text = Block.allocate(32);

// Setting.

/** Sets the pairs from argument 2 on; the number of new fields, or WRONG after an error reply. */
function setPairs(context: CommandContext, command: string): number {
  const { reply, request } = context;
  if ((request.argc & 1) !== 0) {
    reply.error(wrongArity(command));
    return WRONG;
  }
  const reference = writeOrCreateHash(context);
  if (reference === WRONG) return WRONG;
  makeRoomForPairs(context, 2);
  let added = 0;
  for (let i = 2; i < request.argc; i += 2) if (putField(context, i, i + 1, false)) added++;
  settle(context, reference);
  context.changed((request.argc - 2) >> 1);
  return added;
}

function hset(context: CommandContext): void {
  const added = setPairs(context, 'hset');
  if (added !== WRONG) context.reply.integer(added);
}

function hmset(context: CommandContext): void {
  if (setPairs(context, 'hmset') !== WRONG) context.reply.ok();
}

function hsetnx(context: CommandContext): void {
  const reference = writeOrCreateHash(context);
  if (reference === WRONG) return;
  if (findField(context, 2)) {
    context.reply.integer(0);
    return;
  }
  makeRoomForPairs(context, 2);
  putField(context, 2, 3, false);
  settle(context, reference);
  context.changed();
  context.reply.integer(1);
}

function hdel(context: CommandContext): void {
  const { reply, request } = context;
  const reference = writeHash(context);
  if (reference === WRONG) return;
  let removed = 0;
  for (let i = 2; reference !== 0 && i < request.argc; i++) {
    if (!findField(context, i)) continue;
    hash.remove();
    removed++;
  }
  if (removed > 0) {
    settle(context, reference);
    context.changed(removed);
  }
  reply.integer(removed);
}

// Counting.

/** The hash of a counter for a change: like `writeHash`, and makes nothing yet. */
function counterSpan(context: CommandContext, reference: number): HashSpan | undefined {
  return reference !== 0 && findField(context, 2) ? hash.valueSpan() : undefined;
}

/**
 * Stores the text of a counter in the field of argument 2, which keeps its deadline. `isFound`: the
 * field is there and was the last one looked for.
 */
function storeCounter(
  context: CommandContext,
  reference: number,
  isFound: boolean,
  value: Block,
  length: number,
): void {
  const { engine, request } = context;
  context.changed();
  if (isFound && hash.replaceValue(engine.settings, value, 0, length)) return;
  const entry = reference === 0 ? createHash(context) : reference;
  if (hidesFields()) deleteHidden(context, 2);
  const offset = request.offset(2);
  hash.put(engine.settings, request.block, offset, request.length(2), value, 0, length, true);
  settle(context, entry);
}

function hincrby(context: CommandContext): void {
  const { reply, request } = context;
  const delta = parseInteger(request.block, request.offset(3), request.length(3));
  const wide = Number.isNaN(delta) ? wideInteger(request.length(3), () => request.text(3)) : 0n;
  if (wide === undefined) {
    reply.error(errors.notInteger);
    return;
  }
  const reference = writeHash(context);
  if (reference === WRONG) return;
  const span = counterSpan(context, reference);
  const value = span === undefined ? 0 : parseInteger(span.block, span.offset, span.length);
  const sum = value + delta;
  // Fifteen digits each at most: the sum is exact.
  if (Number.isNaN(sum)) {
    incrementWide(context, reference, span, Number.isNaN(delta) ? wide : BigInt(delta));
    return;
  }
  storeCounter(context, reference, span !== undefined, text, writeDecimal(text.bytes, 0, sum));
  reply.integer(sum);
}

/** `hincrby` when the value or the increment has more than fifteen digits. */
function incrementWide(
  context: CommandContext,
  reference: number,
  span: HashSpan | undefined,
  delta: bigint,
): void {
  const { reply } = context;
  const value = span === undefined ? 0n : wideInteger(span.length, () => span.text());
  if (value === undefined) {
    reply.error(errors.hashValueNotInteger);
    return;
  }
  const sum = value + delta;
  if (sum > INT64_MAX || sum < INT64_MIN) {
    reply.error(errors.overflow);
    return;
  }
  const length = text.bytes.latin1Write(sum.toString(), 0);
  storeCounter(context, reference, span !== undefined, text, length);
  reply.bigInteger(sum);
}

/** Any 64-bit integer; undefined when the text is none. */
function wideInteger(length: number, read: () => string): bigint | undefined {
  return length > 20 ? undefined : parseBigInteger(read());
}

function hincrbyfloat(context: CommandContext): void {
  const { reply, request } = context;
  const delta = parseLongDouble(request.text(3));
  if (delta === undefined) {
    reply.error(errors.notFloat);
    return;
  }
  if (delta.isInfinite) {
    reply.error(errors.incrementNotFinite);
    return;
  }
  const reference = writeHash(context);
  if (reference === WRONG) return;
  const span = counterSpan(context, reference);
  const old = parseLongDouble(span === undefined ? '0' : span.text());
  if (old === undefined) {
    reply.error(errors.hashValueNotFloat);
    return;
  }
  const sum = addLongDoubles(old, delta);
  if (sum === undefined) {
    reply.error(errors.nanOrInfinity);
    return;
  }
  const digits = formatLongDouble(sum);
  storeCounter(context, reference, span !== undefined, Block.of(digits), digits.length);
  reply.text(digits);
}

// Reading one field.

function hget(context: CommandContext): void {
  const { reply } = context;
  const reference = readHash(context);
  if (reference === WRONG) return;
  if (reference !== 0 && findField(context, 2)) hash.replyValue(reply);
  else reply.null();
}

function hmget(context: CommandContext): void {
  const { reply, request } = context;
  const reference = readHash(context);
  if (reference === WRONG) return;
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    if (reference !== 0 && findField(context, i)) hash.replyValue(reply);
    else reply.null();
  }
}

function hexists(context: CommandContext): void {
  const reference = readHash(context);
  if (reference === WRONG) return;
  context.reply.integer(reference !== 0 && findField(context, 2) ? 1 : 0);
}

function hstrlen(context: CommandContext): void {
  const reference = readHash(context);
  if (reference === WRONG) return;
  const isThere = reference !== 0 && findField(context, 2);
  context.reply.integer(isThere ? hash.valueLength() : 0);
}

function hlen(context: CommandContext): void {
  const reference = readHash(context);
  if (reference === WRONG) return;
  context.reply.integer(reference === 0 ? 0 : hash.count);
}

// Reading all fields.

/** Fields that a walk comes to. */
function visibleFields(context: CommandContext): number {
  if (!hidesFields()) return hash.count;
  let count = 0;
  for (hash.rewind(); hash.advance(); ) if (!isHidden(context)) count++;
  return count;
}

/** Replies one element per field. */
function replyEach(context: CommandContext, write: (value: HashValue) => void): void {
  const reference = readHash(context);
  if (reference === WRONG) return;
  if (reference === 0) {
    context.reply.array(0);
    return;
  }
  context.reply.array(visibleFields(context));
  for (hash.rewind(); hash.advance(); ) if (!isHidden(context)) write(hash);
}

function hkeys(context: CommandContext): void {
  replyEach(context, (value) => value.replyField(context.reply));
}

function hvals(context: CommandContext): void {
  replyEach(context, (value) => value.replyValue(context.reply));
}

function hgetall(context: CommandContext): void {
  const { reply } = context;
  const reference = readHash(context);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.map(0);
    return;
  }
  reply.map(visibleFields(context));
  if (!hidesFields()) {
    hash.replyAll(reply);
    return;
  }
  for (hash.rewind(); hash.advance(); ) {
    if (isHidden(context)) continue;
    hash.replyField(reply);
    hash.replyValue(reply);
  }
}

const HASH_GROUP = { group: 'hash', since: '2.0.0', complexity: 'O(1)' } as const;
const READ = { ...HASH_GROUP, flags: READONLY | FAST, keys: keys(1, 1, 'RO access') } as const;
const READ_LENGTH = { ...HASH_GROUP, flags: READONLY | FAST, keys: keys(1, 1, 'RO') } as const;
const READ_ALL = {
  ...HASH_GROUP,
  flags: READONLY,
  keys: keys(1, 1, 'RO access'),
  complexity: 'O(N) where N is the size of the hash.',
  syntax: 'key',
  tips: ['nondeterministic_output_order'],
} as const;
const SET = {
  ...HASH_GROUP,
  flags: WRITE | DENYOOM | FAST,
  keys: keys(1, 1, 'RW update'),
} as const;

export const hashCommands = [
  {
    ...SET,
    name: 'HSET',
    arity: -4,
    summary: 'Creates or modifies the value of a field in a hash.',
    complexity:
      'O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command ' +
      'is called with multiple field/value pairs.',
    syntax: 'key field value [field value ...]',
    handler: hset,
  },
  {
    ...SET,
    name: 'HMSET',
    arity: -4,
    summary: 'Sets the values of multiple fields.',
    complexity: 'O(N) where N is the number of fields being set.',
    syntax: 'key field value [field value ...]',
    handler: hmset,
  },
  {
    ...SET,
    name: 'HSETNX',
    arity: 4,
    keys: keys(1, 1, 'RW insert'),
    summary: 'Sets the value of a field in a hash only when the field does not exist.',
    syntax: 'key field value',
    handler: hsetnx,
  },
  {
    ...READ,
    name: 'HGET',
    arity: 3,
    summary: 'Returns the value of a field in a hash.',
    syntax: 'key field',
    handler: hget,
  },
  {
    ...READ,
    name: 'HMGET',
    arity: -3,
    summary: 'Returns the values of all given fields in a hash.',
    complexity: 'O(N) where N is the number of fields being requested.',
    syntax: 'key field [field ...]',
    handler: hmget,
  },
  {
    ...READ_ALL,
    name: 'HGETALL',
    arity: 2,
    summary: 'Returns all fields and values in a hash.',
    handler: hgetall,
  },
  {
    ...READ_ALL,
    name: 'HKEYS',
    arity: 2,
    summary: 'Returns all fields in a hash.',
    handler: hkeys,
  },
  {
    ...READ_ALL,
    name: 'HVALS',
    arity: 2,
    summary: 'Returns all values in a hash.',
    handler: hvals,
  },
  {
    ...READ_LENGTH,
    name: 'HLEN',
    arity: 2,
    summary: 'Returns the number of fields in a hash.',
    syntax: 'key',
    handler: hlen,
  },
  {
    ...READ_LENGTH,
    name: 'HSTRLEN',
    arity: 3,
    since: '3.2.0',
    summary: 'Returns the length of the value of a field.',
    syntax: 'key field',
    handler: hstrlen,
  },
  {
    ...READ_LENGTH,
    name: 'HEXISTS',
    arity: 3,
    summary: 'Determines whether a field exists in a hash.',
    syntax: 'key field',
    handler: hexists,
  },
  {
    ...HASH_GROUP,
    name: 'HDEL',
    arity: -3,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW delete'),
    summary: 'Deletes one or more fields and their values from a hash.',
    complexity: 'O(N) where N is the number of fields to be removed.',
    syntax: 'key field [field ...]',
    handler: hdel,
  },
  {
    ...SET,
    name: 'HINCRBY',
    arity: 4,
    keys: keys(1, 1, 'RW access update'),
    summary: 'Increments the integer value of a field in a hash by a number.',
    syntax: 'key field increment:integer',
    handler: hincrby,
  },
  {
    ...SET,
    name: 'HINCRBYFLOAT',
    arity: 4,
    keys: keys(1, 1, 'RW access update'),
    since: '2.6.0',
    summary: 'Increments the floating point value of a field by a number.',
    syntax: 'key field increment:double',
    handler: hincrbyfloat,
  },
] as const satisfies readonly CommandSpec[];
