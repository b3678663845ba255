/**
 * Counters: INCR, DECR, INCRBY, DECRBY and INCRBYFLOAT.
 *
 * Three ways, from the hottest on: up to nine digits are changed where they lie; up to fifteen are
 * numbers; anything else of 64 bits is a bigint. All are exact.
 */
import { Block, decimalLength, errors, writeDecimal } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../long-double.ts';
import { INT64_MAX, INT64_MIN, parseBigInteger, parseInteger } from '../number-text.ts';
import { forbidInteger, KEEP_DEADLINE, storeString } from '../string-value.ts';
import { bigArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, FAST, keys, WRITE } from './command-spec.ts';
import { locateFound, scratch, span } from './string-access.ts';

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
  const wide = bigArgument(request, 2);
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

export const stringCounterCommands = [
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
] as const satisfies readonly CommandSpec[];
