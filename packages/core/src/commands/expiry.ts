/**
 * Deadlines of keys: the EXPIRE and TTL families and PERSIST.
 *
 * All deadlines are milliseconds since the epoch inside. EXPIRE with a deadline that has passed
 * deletes the key, as in Redis. Times beyond ±2^53 ms (the year 287,396) are checked for 64-bit
 * overflow as Redis does and then kept to the nearest double.
 */
import { errors, invalidExpire, unsupportedOption } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { INT64_MAX, INT64_MIN, parseBigInteger, parseInteger } from '../number-text.ts';
import { printed } from './arguments.ts';
import { type CommandSpec, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import { peekArgument } from './generic.ts';

/** Conditions of EXPIRE. */
const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;

/** Below this many seconds or milliseconds no sum of times leaves ±2^53. */
const PLAIN_TIME_MAX = 4e12;

/** Condition flags from argument 3 on, or −1 after an error reply. */
function conditions({ request, reply }: CommandContext): number {
  let flags = 0;
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, 'NX')) flags |= NX;
    else if (request.is(i, 'XX')) flags |= XX;
    else if (request.is(i, 'GT')) flags |= GT;
    else if (request.is(i, 'LT')) flags |= LT;
    else {
      reply.error(unsupportedOption(printed(request, i)));
      return -1;
    }
  }
  if ((flags & NX) !== 0 && flags !== NX) {
    reply.error(errors.expireOptionsNx);
    return -1;
  }
  if ((flags & GT) !== 0 && (flags & LT) !== 0) {
    reply.error(errors.expireOptionsGtLt);
    return -1;
  }
  return flags;
}

/** Deadline in ms out of argument 2, or NaN after an error reply. */
function deadlineArgument(
  { request, reply }: CommandContext,
  unitMs: number,
  base: number,
  command: string,
): number {
  const time = parseInteger(request.block, request.offset(2), request.length(2));
  if (Math.abs(time) <= PLAIN_TIME_MAX) return time * unitMs + base;
  const big = parseBigInteger(request.text(2));
  if (big === undefined) {
    reply.error(errors.notInteger);
    return Number.NaN;
  }
  const scaled = big * BigInt(unitMs);
  if (scaled > INT64_MAX || scaled < INT64_MIN || scaled > INT64_MAX - BigInt(base)) {
    reply.error(invalidExpire(command));
    return Number.NaN;
  }
  return Number(scaled + BigInt(base));
}

/** Whether the conditions let `deadline` take the place of `current` (Infinity for none). */
function isAllowed(flags: number, deadline: number, current: number): boolean {
  if ((flags & NX) !== 0 && current !== Infinity) return false;
  if ((flags & XX) !== 0 && current === Infinity) return false;
  // No deadline counts as one that never comes.
  if ((flags & GT) !== 0 && deadline <= current) return false;
  return (flags & LT) === 0 || deadline < current;
}

function expireGeneric(context: CommandContext, unitMs: number, base: number, name: string): void {
  const { keyspace, request, reply } = context;
  const flags = conditions(context);
  if (flags < 0) return;
  const deadline = deadlineArgument(context, unitMs, base, name);
  if (Number.isNaN(deadline)) return;
  const reference = keyspace.lookupWrite(request, 1);
  if (reference === 0 || !isAllowed(flags, deadline, keyspace.deadlineOf(reference))) {
    reply.integer(0);
    return;
  }
  if (deadline <= context.now) keyspace.removeFound();
  else keyspace.expireFoundAt(reference, deadline);
  context.changed();
  reply.integer(1);
}

function expire(context: CommandContext): void {
  expireGeneric(context, 1000, context.now, 'expire');
}

function pexpire(context: CommandContext): void {
  expireGeneric(context, 1, context.now, 'pexpire');
}

function expireat(context: CommandContext): void {
  expireGeneric(context, 1000, 0, 'expireat');
}

function pexpireat(context: CommandContext): void {
  expireGeneric(context, 1, 0, 'pexpireat');
}

/** Replies −2 for no key, −1 for no deadline, else (deadline − base) in the unit, rounded. */
function replyDeadline(context: CommandContext, unitMs: number, base: number): void {
  const { keyspace, reply } = context;
  const reference = peekArgument(context, 1);
  if (reference === 0) {
    reply.integer(-2);
    return;
  }
  const deadline = keyspace.deadlineOf(reference);
  if (deadline === Infinity) {
    reply.integer(-1);
    return;
  }
  const time = Math.max(0, deadline - base);
  replyTime(context, unitMs === 1 ? time : Math.floor((time + 500) / unitMs));
}

function replyTime({ reply }: CommandContext, time: number): void {
  if (time <= Number.MAX_SAFE_INTEGER) reply.integer(time);
  else reply.bigInteger(BigInt(time) > INT64_MAX ? INT64_MAX : BigInt(time));
}

function ttl(context: CommandContext): void {
  replyDeadline(context, 1000, context.now);
}

function pttl(context: CommandContext): void {
  replyDeadline(context, 1, context.now);
}

function expiretime(context: CommandContext): void {
  replyDeadline(context, 1000, 0);
}

function pexpiretime(context: CommandContext): void {
  replyDeadline(context, 1, 0);
}

function persist(context: CommandContext): void {
  const { keyspace, request, reply } = context;
  const reference = keyspace.lookupWrite(request, 1);
  if (reference === 0 || !keyspace.persist(reference)) {
    reply.integer(0);
    return;
  }
  context.changed();
  reply.integer(1);
}

export const expiryCommands = [
  {
    name: 'EXPIRE',
    arity: -3,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW update'),
    group: 'generic',
    since: '1.0.0',
    summary: 'Sets the expiration time of a key in seconds.',
    complexity: 'O(1)',
    syntax: 'key seconds [NX | XX | GT | LT]',
    handler: expire,
  },
  {
    name: 'PEXPIRE',
    arity: -3,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW update'),
    group: 'generic',
    since: '2.6.0',
    summary: 'Sets the expiration time of a key in milliseconds.',
    complexity: 'O(1)',
    syntax: 'key milliseconds [NX | XX | GT | LT]',
    handler: pexpire,
  },
  {
    name: 'EXPIREAT',
    arity: -3,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW update'),
    group: 'generic',
    since: '1.2.0',
    summary: 'Sets the expiration time of a key to a Unix timestamp.',
    complexity: 'O(1)',
    syntax: 'key unix-time-seconds [NX | XX | GT | LT]',
    handler: expireat,
  },
  {
    name: 'PEXPIREAT',
    arity: -3,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW update'),
    group: 'generic',
    since: '2.6.0',
    summary: 'Sets the expiration time of a key to a Unix milliseconds timestamp.',
    complexity: 'O(1)',
    syntax: 'key unix-time-milliseconds [NX | XX | GT | LT]',
    handler: pexpireat,
  },
  {
    name: 'TTL',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns the expiration time in seconds of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    tips: ['nondeterministic_output'],
    handler: ttl,
  },
  {
    name: 'PTTL',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'generic',
    since: '2.6.0',
    summary: 'Returns the expiration time in milliseconds of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    tips: ['nondeterministic_output'],
    handler: pttl,
  },
  {
    name: 'EXPIRETIME',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'generic',
    since: '7.0.0',
    summary: 'Returns the expiration time of a key as a Unix timestamp.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: expiretime,
  },
  {
    name: 'PEXPIRETIME',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO access'),
    group: 'generic',
    since: '7.0.0',
    summary: 'Returns the expiration time of a key as a Unix milliseconds timestamp.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: pexpiretime,
  },
  {
    name: 'PERSIST',
    arity: 2,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW update'),
    group: 'generic',
    since: '2.2.0',
    summary: 'Removes the expiration time of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: persist,
  },
] as const satisfies readonly CommandSpec[];
