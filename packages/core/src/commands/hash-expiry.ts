/**
 * Deadlines of single fields: the HEXPIRE and HTTL families and HPERSIST of Redis 7.4, HGETDEL,
 * HGETEX and HSETEX of Redis 8.0.
 *
 * All deadlines are milliseconds since the epoch inside. A field that is given a deadline in the
 * past is deleted at once. Fields that are not there are answered one by one, and a missing key is
 * a hash without fields; so most replies are arrays as long as the list of fields.
 */
import { errors, invalidExpire, unknownArgument, wrongArity } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import {
  createHash,
  findField,
  hash,
  makeRoomForPairs,
  putField,
  readHash,
  settle,
  WRONG,
  writeHash,
} from './hash-access.ts';

/** What HEXPIRE and its like reply for a field. */
const NO_FIELD = -2;
const NO_DEADLINE = -1;
const REFUSED = 0;
const DONE = 1;
const DELETED = 2;

/** Conditions of HEXPIRE. */
const ANY = 0;
const NX = 1;
const XX = 2;
const GT = 3;
const LT = 4;

/** Deadlines of fields have 46 bits in Redis. */
const DEADLINE_MAX = 2 ** 46 - 1;
const SECOND_MS = 1000;

// Arguments.

/** Deadline in ms out of argument `i`, or NaN after an error reply. */
function deadlineArgument(
  { request, reply }: CommandContext,
  i: number,
  unitMs: number,
  base: number,
  command: string,
): number {
  let time = parseInteger(request.block, request.offset(i), request.length(i));
  if (Number.isNaN(time)) {
    const big = request.length(i) > 20 ? undefined : parseBigInteger(request.text(i));
    if (big === undefined) {
      reply.error(errors.notInteger);
      return Number.NaN;
    }
    time = Number(big);
  }
  if (time < 0) {
    reply.error(errors.expireNegative);
    return Number.NaN;
  }
  const isTooFar = unitMs === SECOND_MS && time > Math.floor(DEADLINE_MAX / SECOND_MS);
  if (isTooFar || time * unitMs > DEADLINE_MAX - base) {
    reply.error(invalidExpire(command));
    return Number.NaN;
  }
  return time * unitMs + base;
}

/**
 * Checks `FIELDS numfields field …` at argument `i`. The argument of the first field, or 0 after an
 * error reply; `error` is for a number that is none.
 */
function fieldsArgument({ request, reply }: CommandContext, i: number, error: string): number {
  if (i >= request.argc || !request.is(i, 'FIELDS')) {
    reply.error(errors.fieldsMissing);
    return 0;
  }
  const count = countAt(request, i + 1);
  if (!(count >= 1)) {
    reply.error(error);
    return 0;
  }
  if (count !== request.argc - i - 2) {
    reply.error(errors.fieldCountMismatch);
    return 0;
  }
  return i + 2;
}

/** Integer in argument `i`, NaN for none; beyond 2^53 it is rounded. */
function countAt(request: CommandContext['request'], i: number): number {
  if (i >= request.argc) return Number.NaN;
  const count = parseInteger(request.block, request.offset(i), request.length(i));
  if (!Number.isNaN(count) || request.length(i) > 20) return count;
  const big = parseBigInteger(request.text(i));
  return big === undefined ? Number.NaN : Number(big);
}

/** Replies the same integer for each field from argument `first` on. */
function replyForAll({ request, reply }: CommandContext, first: number, answer: number): void {
  reply.array(request.argc - first);
  for (let i = first; i < request.argc; i++) reply.integer(answer);
}

// HEXPIRE and its like.

function conditionArgument({ request }: CommandContext): number {
  if (request.is(3, 'NX')) return NX;
  if (request.is(3, 'XX')) return XX;
  if (request.is(3, 'GT')) return GT;
  return request.is(3, 'LT') ? LT : ANY;
}

/** Whether the condition lets `deadline` take the place of `current` (Infinity for none). */
function isAllowed(condition: number, deadline: number, current: number): boolean {
  if (condition === NX) return current === Infinity;
  if (condition === XX) return current !== Infinity;
  // No deadline counts as one that never comes.
  if (condition === GT) return current !== Infinity && deadline > current;
  return condition !== LT || deadline < current;
}

/** Gives the current field a deadline, or deletes it when that has passed. */
function expireCurrent({ now }: CommandContext, deadline: number): typeof DONE | typeof DELETED {
  if (deadline > now) {
    hash.setDeadline(deadline);
    return DONE;
  }
  hash.remove();
  return DELETED;
}

function expireField(
  context: CommandContext,
  i: number,
  deadline: number,
  condition: number,
): number {
  if (!findField(context, i)) return NO_FIELD;
  if (!isAllowed(condition, deadline, hash.deadline())) return REFUSED;
  return expireCurrent(context, deadline);
}

function expireGeneric(context: CommandContext, unitMs: number, base: number, name: string): void {
  const { reply, request } = context;
  const reference = writeHash(context);
  if (reference === WRONG) return;
  const deadline = deadlineArgument(context, 2, unitMs, base, name);
  if (Number.isNaN(deadline)) return;
  const condition = conditionArgument(context);
  const at = condition === ANY ? 3 : 4;
  const first = fieldsArgument(context, at, errors.numFieldsNotPositive);
  if (first === 0) return;
  if (reference === 0) {
    replyForAll(context, first, NO_FIELD);
    return;
  }
  reply.array(request.argc - first);
  let changes = 0;
  for (let i = first; i < request.argc; i++) {
    const answer = expireField(context, i, deadline, condition);
    if (answer > REFUSED) changes++;
    reply.integer(answer);
  }
  if (changes === 0) return;
  settle(context, reference);
  context.changed(changes);
}

function hexpire(context: CommandContext): void {
  expireGeneric(context, SECOND_MS, context.now, 'hexpire');
}

function hpexpire(context: CommandContext): void {
  expireGeneric(context, 1, context.now, 'hpexpire');
}

function hexpireat(context: CommandContext): void {
  expireGeneric(context, SECOND_MS, 0, 'hexpireat');
}

function hpexpireat(context: CommandContext): void {
  expireGeneric(context, 1, 0, 'hpexpireat');
}

// HTTL and its like.

function ttlGeneric(context: CommandContext, unitMs: number, base: number): void {
  const { reply, request } = context;
  const reference = readHash(context);
  if (reference === WRONG) return;
  const first = fieldsArgument(context, 2, errors.fieldCountNotPositive);
  if (first === 0) return;
  if (reference === 0) {
    replyForAll(context, first, NO_FIELD);
    return;
  }
  reply.array(request.argc - first);
  for (let i = first; i < request.argc; i++) {
    if (!findField(context, i)) {
      reply.integer(NO_FIELD);
      continue;
    }
    const deadline = hash.deadline();
    // Rounded up: a field that is there has a second left.
    if (deadline === Infinity) reply.integer(NO_DEADLINE);
    else reply.integer(Math.ceil((deadline - base) / unitMs));
  }
}

function httl(context: CommandContext): void {
  ttlGeneric(context, SECOND_MS, context.now);
}

function hpttl(context: CommandContext): void {
  ttlGeneric(context, 1, context.now);
}

function hexpiretime(context: CommandContext): void {
  ttlGeneric(context, SECOND_MS, 0);
}

function hpexpiretime(context: CommandContext): void {
  ttlGeneric(context, 1, 0);
}

function hpersist(context: CommandContext): void {
  const { reply, request } = context;
  const reference = writeHash(context);
  if (reference === WRONG) return;
  const first = fieldsArgument(context, 2, errors.fieldCountNotPositive);
  if (first === 0) return;
  if (reference === 0) {
    replyForAll(context, first, NO_FIELD);
    return;
  }
  reply.array(request.argc - first);
  let isChanged = false;
  for (let i = first; i < request.argc; i++) {
    if (!findField(context, i)) reply.integer(NO_FIELD);
    else if (hash.deadline() === Infinity) reply.integer(NO_DEADLINE);
    else {
      hash.setDeadline(Infinity);
      isChanged = true;
      reply.integer(DONE);
    }
  }
  if (!isChanged) return;
  settle(context, reference);
  context.changed();
}

// Reading or writing together with a deadline.

function hgetdel(context: CommandContext): void {
  const { reply, request } = context;
  const reference = writeHash(context);
  if (reference === WRONG) return;
  const first = fieldsArgument(context, 2, errors.fieldCountNotPositive);
  if (first === 0) return;
  reply.array(request.argc - first);
  let removed = 0;
  for (let i = first; i < request.argc; i++) {
    if (reference === 0 || !findField(context, i)) {
      reply.null();
      continue;
    }
    hash.replyValue(reply);
    hash.remove();
    removed++;
  }
  if (removed === 0) return;
  settle(context, reference);
  context.changed(removed);
}

/** What HGETEX and HSETEX do about deadlines. */
const AS_IS = -1;
const KEEP = -2;

/** Deadline that `EX`, `PX`, `EXAT` or `PXAT` in argument `i` asks for; AS_IS when it is none. */
function namedDeadline(context: CommandContext, i: number, command: string): number {
  const { now, request, reply } = context;
  const isSeconds = request.is(i, 'EX') || request.is(i, 'EXAT');
  if (!isSeconds && !request.is(i, 'PX') && !request.is(i, 'PXAT')) return AS_IS;
  if (i + 1 >= request.argc) {
    reply.error(errors.expireMissing);
    return Number.NaN;
  }
  const base = request.length(i) === 2 ? now : 0;
  return deadlineArgument(context, i + 1, isSeconds ? SECOND_MS : 1, base, command);
}

function hgetex(context: CommandContext): void {
  const { reply, request } = context;
  const reference = writeHash(context);
  if (reference === WRONG) return;
  const isPersist = request.is(2, 'PERSIST');
  const named = isPersist ? Infinity : namedDeadline(context, 2, 'hgetex');
  if (Number.isNaN(named)) return;
  const at = isPersist ? 3 : named === AS_IS ? 2 : 4;
  const first = fieldsArgument(context, at, errors.fieldCountNotPositive);
  if (first === 0) return;
  reply.array(request.argc - first);
  let changes = 0;
  for (let i = first; i < request.argc; i++) {
    if (reference === 0 || !findField(context, i)) {
      reply.null();
      continue;
    }
    hash.replyValue(reply);
    if (named === AS_IS || (isPersist && hash.deadline() === Infinity)) continue;
    expireCurrent(context, named);
    changes++;
  }
  if (changes === 0) return;
  settle(context, reference);
  context.changed(changes);
}

/** Conditions of HSETEX. */
const FNX = 1;
const FXX = 2;

interface HsetexOptions {
  condition: number;
  /** A deadline, KEEP, or AS_IS for none. */
  deadline: number;
  /** Argument of the first field. */
  first: number;
}

/** HSETEX's options, or undefined after an error reply. */
function hsetexOptions(context: CommandContext): HsetexOptions | undefined {
  const { reply, request } = context;
  const options: HsetexOptions = { condition: 0, deadline: AS_IS, first: 0 };
  for (let i = 2; i < request.argc; i++) {
    if (request.is(i, 'FIELDS')) {
      options.first = pairsArgument(context, i);
      return options.first === 0 ? undefined : options;
    }
    const used = readOption(context, i, options);
    if (used === 0) return undefined;
    i += used - 1;
  }
  reply.error(errors.fieldsMissing);
  return undefined;
}

/** Arguments that the option at `i` takes; 0 after an error reply. */
function readOption(context: CommandContext, i: number, options: HsetexOptions): number {
  const { reply, request } = context;
  const isKeep = request.is(i, 'KEEPTTL');
  if (isKeep || isExpireOption(context, i)) {
    if (options.deadline !== AS_IS) {
      reply.error(errors.fieldExpireTwice);
      return 0;
    }
    options.deadline = isKeep ? KEEP : namedDeadline(context, i, 'hsetex');
    if (isKeep) return 1;
    return Number.isNaN(options.deadline) ? 0 : 2;
  }
  if (!request.is(i, 'FNX') && !request.is(i, 'FXX')) {
    reply.error(unknownArgument(request.text(i)));
    return 0;
  }
  if (options.condition !== 0) {
    reply.error(errors.fieldConditionTwice);
    return 0;
  }
  options.condition = request.is(i, 'FNX') ? FNX : FXX;
  return 1;
}

function isExpireOption({ request }: CommandContext, i: number): boolean {
  return (
    request.is(i, 'EX') || request.is(i, 'PX') || request.is(i, 'EXAT') || request.is(i, 'PXAT')
  );
}

/** Argument of the first of the pairs behind `FIELDS` at `i`; 0 after an error reply. */
function pairsArgument({ request, reply }: CommandContext, i: number): number {
  if (i >= request.argc - 3) {
    reply.error(wrongArity('hsetex'));
    return 0;
  }
  const count = countAt(request, i + 1);
  if (!(count >= 1 && count <= 0x7fffffff)) {
    reply.error(errors.fieldCountInvalid);
    return 0;
  }
  if (2 * count !== request.argc - i - 2) {
    reply.error(wrongArity('hsetex'));
    return 0;
  }
  return i + 2;
}

/** Whether the fields are there, or not there, as the condition demands. */
function areAllowed(context: CommandContext, { condition, first }: HsetexOptions): boolean {
  if (condition === 0) return true;
  for (let i = first; i < context.request.argc; i += 2) {
    if (findField(context, i) !== (condition === FXX)) return false;
  }
  return true;
}

function hsetex(context: CommandContext): void {
  const { reply, request } = context;
  const options = hsetexOptions(context);
  if (options === undefined) return;
  const found = writeHash(context);
  if (found === WRONG) return;
  const isAllowedAtAll = found === 0 ? options.condition !== FXX : areAllowed(context, options);
  if (!isAllowedAtAll) {
    reply.integer(0);
    return;
  }
  const reference = found === 0 ? createHash(context) : found;
  const { deadline, first } = options;
  makeRoomForPairs(context, first);
  for (let i = first; i < request.argc; i += 2) {
    putField(context, i, i + 1, deadline !== AS_IS);
    if (deadline < 0) continue;
    findField(context, i);
    expireCurrent(context, deadline);
  }
  settle(context, reference);
  context.changed((request.argc - first) >> 1);
  reply.integer(1);
}

const FIELDS = 'FIELDS numfields field [field ...]';
const EXPIRATION =
  'EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds';
const HASH_GROUP = {
  group: 'hash',
  since: '7.4.0',
  complexity: 'O(N) where N is the number of specified fields',
} as const;
const EXPIRE = {
  ...HASH_GROUP,
  arity: -6,
  flags: WRITE | DENYOOM | FAST,
  keys: keys(1, 1, 'RW update'),
} as const;
const TTL = {
  ...HASH_GROUP,
  arity: -5,
  flags: READONLY | FAST,
  keys: keys(1, 1, 'RO access'),
  syntax: `key ${FIELDS}`,
} as const;

export const hashExpiryCommands = [
  {
    ...EXPIRE,
    name: 'HEXPIRE',
    summary: 'Sets the expiration time of fields in seconds.',
    syntax: `key seconds [NX | XX | GT | LT] ${FIELDS}`,
    handler: hexpire,
  },
  {
    ...EXPIRE,
    name: 'HPEXPIRE',
    summary: 'Sets the expiration time of fields in milliseconds.',
    syntax: `key milliseconds [NX | XX | GT | LT] ${FIELDS}`,
    handler: hpexpire,
  },
  {
    ...EXPIRE,
    name: 'HEXPIREAT',
    summary: 'Sets the expiration time of fields to a Unix timestamp in seconds.',
    syntax: `key unix-time-seconds [NX | XX | GT | LT] ${FIELDS}`,
    handler: hexpireat,
  },
  {
    ...EXPIRE,
    name: 'HPEXPIREAT',
    summary: 'Sets the expiration time of fields to a Unix timestamp in milliseconds.',
    syntax: `key unix-time-milliseconds [NX | XX | GT | LT] ${FIELDS}`,
    handler: hpexpireat,
  },
  {
    ...TTL,
    name: 'HTTL',
    summary: 'Returns the time that fields have left in seconds.',
    tips: ['nondeterministic_output'],
    handler: httl,
  },
  {
    ...TTL,
    name: 'HPTTL',
    summary: 'Returns the time that fields have left in milliseconds.',
    tips: ['nondeterministic_output'],
    handler: hpttl,
  },
  {
    ...TTL,
    name: 'HEXPIRETIME',
    summary: 'Returns the expiration time of fields as Unix timestamps in seconds.',
    handler: hexpiretime,
  },
  {
    ...TTL,
    name: 'HPEXPIRETIME',
    summary: 'Returns the expiration time of fields as Unix timestamps in milliseconds.',
    handler: hpexpiretime,
  },
  {
    ...HASH_GROUP,
    name: 'HPERSIST',
    arity: -5,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW update'),
    summary: 'Removes the expiration time of fields.',
    syntax: `key ${FIELDS}`,
    handler: hpersist,
  },
  {
    ...HASH_GROUP,
    name: 'HGETDEL',
    arity: -5,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW access delete'),
    since: '8.0.0',
    summary: 'Returns the values of fields and deletes the fields.',
    syntax: `key ${FIELDS}`,
    handler: hgetdel,
  },
  {
    ...HASH_GROUP,
    name: 'HGETEX',
    arity: -5,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW access update'),
    since: '8.0.0',
    summary: 'Returns the values of fields, and sets or removes their expiration time.',
    syntax: `key [${EXPIRATION} | PERSIST] ${FIELDS}`,
    handler: hgetex,
  },
  {
    ...EXPIRE,
    name: 'HSETEX',
    since: '8.0.0',
    summary: 'Sets the values of fields, and their expiration time.',
    complexity: 'O(N) where N is the number of fields being set.',
    syntax: `key [FNX | FXX] [${EXPIRATION} | KEEPTTL] FIELDS numfields field value [field value ...]`,
    handler: hsetex,
  },
] as const satisfies readonly CommandSpec[];
