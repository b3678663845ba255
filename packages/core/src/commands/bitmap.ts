/**
 * Bitmap commands: strings seen as rows of bits. SETBIT, GETBIT, BITCOUNT, BITPOS and BITOP;
 * BITFIELD is in bit-field.ts.
 *
 * The work on bits is bits.ts's, how a string grows is string-value.ts's; a handler checks its
 * arguments in Redis 7.2's order and replies. All ranges are turned into ranges of bits, so BYTE and
 * BIT differ in the units of the arguments only. A string that SETBIT or BITOP touched counts as
 * `raw`, whether or not a bit changed, as in Redis.
 *
 * Costs: SETBIT and GETBIT O(1), in place; the rest O(bytes), a word at a time. BITOP allocates
 * nothing on the V8 heap up to 64 KB, and one block beyond.
 */
import { errors } from '@hashlane/resp';
import {
  AND,
  BitAccumulator,
  type BitOperation,
  countBitRange,
  findBit,
  OR,
  XOR,
} from '../bits.ts';
import type { CommandContext } from '../command-context.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import { forceRaw, NO_DEADLINE, StringSpan, storeString } from '../string-value.ts';
import { bitfield, bitfieldReadOnly } from './bit-field.ts';
import { ADDED, makeBit, readBitOffset, WRONG } from './bit-string.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';

/** Reused by all handlers: none keeps it across a change. */
const span = new StringSpan();
const accumulator = new BitAccumulator();

function setbit(context: CommandContext): void {
  const { reply, request } = context;
  const position = readBitOffset(context, 2, 0, 1);
  if (Number.isNaN(position)) return;
  const bit = parseInteger(request.block, request.offset(3), request.length(3));
  if (bit !== 0 && bit !== 1) {
    reply.error(errors.bitValue);
    return;
  }
  const outcome = makeBit(context, position, span);
  if (outcome === WRONG) return;
  const { bytes } = span.block;
  const at = span.offset + Math.floor(position / 8);
  const mask = 0x80 >> (position % 8);
  const byte = bytes[at];
  const old = (byte & mask) === 0 ? 0 : 1;
  if (outcome === ADDED || old !== bit) {
    bytes[at] = bit === 1 ? byte | mask : byte & ~mask;
    context.changed();
  }
  reply.integer(old);
}

function getbit(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const position = readBitOffset(context, 2, 0, 1);
  if (Number.isNaN(position)) return;
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) {
    reply.integer(0);
  } else if (!span.locate(keyspace.arena, reference)) {
    reply.error(errors.wrongType);
  } else {
    const byte = Math.floor(position / 8);
    const isThere = byte < span.length;
    const value = isThere ? span.block.bytes[span.offset + byte] : 0;
    reply.integer((value >> (7 - (position % 8))) & 1);
  }
}

// Ranges

/** A 64-bit integer argument (rounded beyond 2^53), or NaN with an error replied. */
function readIndex(context: CommandContext, i: number): number {
  const { reply, request } = context;
  const value = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(value)) return value;
  const wide = request.length(i) > 20 ? undefined : parseBigInteger(request.text(i));
  if (wide !== undefined) return Number(wide);
  reply.error(errors.notInteger);
  return Number.NaN;
}

/** 1 for BIT, 8 for BYTE or nothing at argument `i`, or 0 with an error replied. */
function readUnit(context: CommandContext, i: number): number {
  const { reply, request } = context;
  if (request.argc <= i || request.is(i, 'BYTE')) return 8;
  if (request.is(i, 'BIT')) return 1;
  reply.error(errors.syntax);
  return 0;
}

/** Bits of the range that `setRange` was given last; empty when `firstBit` is above `lastBit`. */
let firstBit = 0;
let lastBit = -1;

/** `start` and `end` count units of `unit` bits, from the end when negative. */
function setRange(start: number, end: number, unit: number): void {
  const total = (span.length * 8) / unit;
  const first = Math.max(0, start < 0 ? start + total : start);
  const last = Math.min(Math.max(0, end < 0 ? end + total : end), total - 1);
  firstBit = first * unit;
  lastBit = last * unit + unit - 1;
}

function bitcount(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const { argc } = request;
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) {
    reply.integer(0);
    return;
  }
  if (!span.locate(keyspace.arena, reference)) {
    reply.error(errors.wrongType);
    return;
  }
  if (argc === 2) {
    setRange(0, -1, 8);
  } else if (argc === 4 || argc === 5) {
    if (!readCountRange(context)) return;
  } else {
    reply.error(errors.syntax);
    return;
  }
  const isEmpty = firstBit > lastBit;
  reply.integer(isEmpty ? 0 : countBitRange(span.block, span.offset, firstBit, lastBit));
}

/** The range of BITCOUNT; false when a reply was written. */
function readCountRange(context: CommandContext): boolean {
  const start = readIndex(context, 2);
  if (Number.isNaN(start)) return false;
  const end = readIndex(context, 3);
  if (Number.isNaN(end)) return false;
  // Redis looks at the unit only after this.
  if (start < 0 && end < 0 && start > end) {
    context.reply.integer(0);
    return false;
  }
  const unit = readUnit(context, 4);
  if (unit === 0) return false;
  setRange(start, end, unit);
  return true;
}

function bitpos(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const bit = readIndex(context, 2);
  if (Number.isNaN(bit)) return;
  if (bit !== 0 && bit !== 1) {
    reply.error(errors.bitArgument);
    return;
  }
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) {
    reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  if (!span.locate(keyspace.arena, reference)) {
    reply.error(errors.wrongType);
    return;
  }
  if (!readSearchRange(context)) return;
  let position = -1;
  if (firstBit <= lastBit) {
    position = findBit(span.block, span.offset, firstBit, lastBit, bit);
    // Without an end, zeros are taken to follow the string.
    if (position === -1 && bit === 0 && request.argc < 5) position = span.length * 8;
  }
  reply.integer(position);
}

/** The range of BITPOS; false when an error was replied. */
function readSearchRange(context: CommandContext): boolean {
  const { reply, request } = context;
  const { argc } = request;
  if (argc > 6) {
    reply.error(errors.syntax);
    return false;
  }
  const start = argc > 3 ? readIndex(context, 3) : 0;
  if (Number.isNaN(start)) return false;
  const unit = readUnit(context, 5);
  if (unit === 0) return false;
  const end = argc > 4 ? readIndex(context, 4) : -1;
  if (Number.isNaN(end)) return false;
  setRange(start, end, unit);
  return true;
}

// BITOP

const NOT = 3;

/** Operation in argument 1, or −1. */
function readOperation(context: CommandContext): BitOperation | typeof NOT | -1 {
  const { request } = context;
  if (request.is(1, 'AND')) return AND;
  if (request.is(1, 'OR')) return OR;
  if (request.is(1, 'XOR')) return XOR;
  return request.is(1, 'NOT') ? NOT : -1;
}

function bitop(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const operation = readOperation(context);
  if (operation === -1) {
    reply.error(errors.syntax);
    return;
  }
  if (operation === NOT && request.argc !== 4) {
    reply.error(errors.bitopNot);
    return;
  }
  if (!accumulate(context, operation)) return;
  const { length } = accumulator;
  const found = keyspace.lookupWrite(request, 2);
  if (length > 0) {
    const { block } = accumulator;
    const stored = storeString(keyspace, request, 2, found, block, 0, length, NO_DEADLINE);
    forceRaw(keyspace, stored);
    context.changed();
  } else if (found !== 0) {
    keyspace.removeFound();
    context.changed();
  }
  accumulator.finish();
  reply.integer(length);
}

/** Combines the strings of the source keys in the accumulator; false with WRONGTYPE replied. */
function accumulate(context: CommandContext, operation: BitOperation | typeof NOT): boolean {
  const { keyspace, reply, request } = context;
  for (let i = 3; i < request.argc; i++) {
    const reference = keyspace.lookupRead(request, i);
    if (reference === 0) {
      span.length = 0;
    } else if (!span.locate(keyspace.arena, reference)) {
      reply.error(errors.wrongType);
      accumulator.finish();
      return false;
    }
    const { block, length, offset } = span;
    if (i === 3) accumulator.start(block, offset, length);
    else if (operation !== NOT) accumulator.combine(operation, block, offset, length);
  }
  if (operation === NOT) accumulator.invert();
  return true;
}

const FIELD_SYNTAX =
  '<GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] ' +
  '<SET encoding offset value:integer | INCRBY encoding offset increment:integer>>';

export const bitmapCommands = [
  {
    name: 'SETBIT',
    arity: 4,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'RW access update'),
    group: 'bitmap',
    since: '2.2.0',
    summary:
      "Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key offset value:integer',
    handler: setbit,
  },
  {
    name: 'GETBIT',
    arity: 3,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'bitmap',
    since: '2.2.0',
    summary: 'Returns a bit value by offset.',
    complexity: 'O(1)',
    syntax: 'key offset',
    handler: getbit,
  },
  {
    name: 'BITCOUNT',
    arity: -2,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Counts the number of set bits (population counting) in a string.',
    complexity: 'O(N)',
    syntax: 'key [start end [BYTE | BIT]]',
    handler: bitcount,
  },
  {
    name: 'BITPOS',
    arity: -3,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'bitmap',
    since: '2.8.7',
    summary: 'Finds the first set (1) or clear (0) bit in a string.',
    complexity: 'O(N)',
    syntax: 'key bit:integer [start [end [BYTE | BIT]]]',
    handler: bitpos,
  },
  {
    name: 'BITOP',
    arity: -4,
    flags: WRITE | DENYOOM,
    keys: [...keys(2, 2, 'OW update'), ...keys(3, -1, 'RO access')],
    spread: 'borrow',
    group: 'bitmap',
    since: '2.6.0',
    summary: 'Performs bitwise operations on multiple strings, and stores the result.',
    complexity: 'O(N)',
    syntax: '<AND | OR | XOR | NOT> destkey:key key [key ...]',
    handler: bitop,
  },
  {
    name: 'BITFIELD',
    arity: -2,
    flags: WRITE | DENYOOM,
    keys: [
      {
        first: 1,
        last: 1,
        step: 1,
        access: 'RW access update variable_flags',
        notes: 'This command allows both access and modification of the key',
      },
    ],
    group: 'bitmap',
    since: '3.2.0',
    summary: 'Performs arbitrary bitfield integer operations on strings.',
    complexity: 'O(1) for each subcommand specified',
    syntax: `key [${FIELD_SYNTAX} [${FIELD_SYNTAX} ...]]`,
    handler: bitfield,
  },
  {
    name: 'BITFIELD_RO',
    arity: -2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'bitmap',
    since: '6.0.0',
    summary: 'Performs arbitrary read-only bitfield integer operations on strings.',
    complexity: 'O(1) for each subcommand specified',
    syntax: 'key [GET encoding offset [GET encoding offset ...]]',
    handler: bitfieldReadOnly,
  },
] as const satisfies readonly CommandSpec[];
