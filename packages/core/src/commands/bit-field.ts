/**
 * BITFIELD and BITFIELD_RO: several integers of any width in one string, read and changed by one
 * command.
 *
 * The arguments are read twice: first all of them are checked, which also tells whether something is
 * written and how long the string must be; then they are executed one by one. So nothing has to be
 * remembered for the whole command. The arithmetic is in ../bit-field.ts. The key comes to be, and
 * grows, even if every operation then fails to fit, as in Redis.
 */
import { errors } from '@hashlane/resp';
import {
  FAIL,
  FieldOperation,
  GET,
  INCREMENT,
  type Overflow,
  SATURATE,
  SET,
  WRAP,
} from '../bit-field.ts';
import type { CommandContext } from '../command-context.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import type { Request } from '../request.ts';
import { StringSpan } from '../string-value.ts';
import { ADDED, makeBit, readBitOffset, THERE, WRONG } from './bit-string.ts';

const SIGNED_WIDTH_MAX = 64;
const UNSIGNED_WIDTH_MAX = 63;
const HASH_SIGN = 35;
const LETTER_I = 105;
const LETTER_U = 117;

/** Reused: one operation at a time. */
const operation = new FieldOperation();
const span = new StringSpan();

/**
 * Reads the operation at argument `i` into `operation`, OVERFLOW before it included. Returns the
 * argument after it, the end when there is none left (and sets `isOperation`), or −1 with an error
 * replied.
 */
function readOperation(context: CommandContext, i: number): number {
  const { reply, request } = context;
  let at = i;
  isOperation = false;
  while (at < request.argc && request.is(at, 'OVERFLOW') && at + 1 < request.argc) {
    const overflow = overflowAt(request, at + 1);
    if (overflow === -1) {
      reply.error(errors.bitfieldOverflow);
      return -1;
    }
    operation.overflow = overflow;
    at += 2;
  }
  if (at === request.argc) return at;
  const end = commandEnd(request, at);
  if (end === -1) {
    reply.error(errors.syntax);
    return -1;
  }
  isOperation = true;
  return readField(context, at) ? end : -1;
}

/** The last `readOperation` found one before the end. */
let isOperation = false;

function overflowAt(request: Request, i: number): Overflow | -1 {
  if (request.is(i, 'WRAP')) return WRAP;
  if (request.is(i, 'SAT')) return SATURATE;
  return request.is(i, 'FAIL') ? FAIL : -1;
}

/** Sets the operation's command and returns the argument after its last one, or −1. */
function commandEnd(request: Request, i: number): number {
  operation.command = GET;
  if (request.is(i, 'SET')) operation.command = SET;
  else if (request.is(i, 'INCRBY')) operation.command = INCREMENT;
  else if (!request.is(i, 'GET')) return -1;
  const end = i + (operation.command === GET ? 3 : 4);
  return end > request.argc ? -1 : end;
}

/** Type, offset and value of the operation at argument `i`; false with an error replied. */
function readField(context: CommandContext, i: number): boolean {
  const { reply, request } = context;
  if (!readType(request, i + 1)) {
    reply.error(errors.bitfieldType);
    return false;
  }
  const at = i + 2;
  const isCounted = request.length(at) > 0 && request.block.bytes[request.offset(at)] === HASH_SIGN;
  const unit = isCounted ? operation.width : 1;
  operation.position = readBitOffset(context, at, isCounted ? 1 : 0, unit);
  if (Number.isNaN(operation.position)) return false;
  return operation.command === GET || readArgument(context, i + 3);
}

/** A type as `i8` or `u63`; what follows a zero byte does not count, as in Redis. */
function readType(request: Request, i: number): boolean {
  const { block } = request;
  const from = request.offset(i);
  const length = request.length(i);
  const letter = length === 0 ? 0 : block.bytes[from];
  operation.isSigned = letter === LETTER_I;
  if (!operation.isSigned && letter !== LETTER_U) return false;
  let digits = 0;
  while (digits < length - 1 && block.bytes[from + 1 + digits] !== 0) digits++;
  const width = parseInteger(block, from + 1, digits);
  operation.width = width;
  return width >= 1 && width <= (operation.isSigned ? SIGNED_WIDTH_MAX : UNSIGNED_WIDTH_MAX);
}

function readArgument(context: CommandContext, i: number): boolean {
  const { reply, request } = context;
  operation.argument = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(operation.argument)) return true;
  const wide = request.length(i) > 20 ? undefined : parseBigInteger(request.text(i));
  if (wide !== undefined) {
    operation.wideArgument = wide;
    return true;
  }
  reply.error(errors.notInteger);
  return false;
}

export function bitfield(context: CommandContext): void {
  executeAll(context, false);
}

export function bitfieldReadOnly(context: CommandContext): void {
  executeAll(context, true);
}

function executeAll(context: CommandContext, isReadOnly: boolean): void {
  const { reply, request } = context;
  let operations = 0;
  let lastBit = -1;
  operation.overflow = WRAP;
  for (let i = 2; i < request.argc; ) {
    i = readOperation(context, i);
    if (i === -1) return;
    if (!isOperation) continue;
    operations++;
    if (operation.command === GET) continue;
    lastBit = Math.max(lastBit, operation.position + operation.width - 1);
  }
  if (isReadOnly && lastBit !== -1) {
    reply.error(errors.bitfieldReadOnly);
    return;
  }
  const outcome = lastBit === -1 ? locate(context) : makeBit(context, lastBit, span);
  if (outcome === WRONG) return;
  reply.array(operations);
  executeOperations(context, outcome === ADDED);
}

/** Locates the string in `span` for reading, empty without one. */
function locate(context: CommandContext): typeof WRONG | typeof THERE {
  const { keyspace, reply, request } = context;
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) {
    span.length = 0;
    return THERE;
  }
  if (span.locate(keyspace.arena, reference)) return THERE;
  reply.error(errors.wrongType);
  return WRONG;
}

/** The second pass, over arguments that are known to be right. `isAdded`: the string is longer. */
function executeOperations(context: CommandContext, isAdded: boolean): void {
  const { request } = context;
  let changes = 0;
  operation.overflow = WRAP;
  for (let i = 2; i < request.argc; ) {
    i = readOperation(context, i);
    if (isOperation && execute(context) && (isAdded || operation.hasChanged)) changes++;
  }
  if (changes > 0) context.changed(changes);
}

/** Executes `operation` and replies; true when it wrote. */
function execute(context: CommandContext): boolean {
  const { reply } = context;
  const { block, offset } = span;
  const isGet = operation.command === GET;
  if (isGet) {
    operation.get(block, offset, span.length);
  } else if (!operation.change(block, offset)) {
    reply.null();
    return false;
  }
  if (Number.isNaN(operation.reply)) reply.bigInteger(operation.wideReply);
  else reply.integer(operation.reply);
  return !isGet;
}
