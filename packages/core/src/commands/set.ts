/**
 * The commands on one set, and SMOVE, on SetValue. Those on several sets are in set-operations.ts.
 *
 * Shared bodies first, thin handlers below, the table last. Order of the checks, replies and texts
 * are those of Redis 7.2. Two views are enough: `set` for the set of a command, `target` for the
 * second of a move; `member` is the member at hand.
 *
 * The order in which members are replied is open in Redis. Here it is ascending for integers in an
 * intset, that of insertion in a listpack, and that of hashes in a hashtable; SPOP and SRANDMEMBER
 * with a count may reply in that order too, but which members they take is uniformly random.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { SET } from '../entry.ts';
import { matchesGlob } from '../glob.ts';
import { RANDOM_REPLY_BYTES_MAX } from '../limits.ts';
import { Member } from '../set-member.ts';
import { SET_BYTES, SetValue, setEncodingFor } from '../set-value.ts';
import { boundedArgument, signedArgument } from './arguments.ts';
import {
  type CommandSpec,
  DENYOOM,
  FAST,
  type KeyRange,
  keys,
  READONLY,
  WRITE,
} from './command-spec.ts';
import { removeEmptied } from './generic.ts';
import { SCAN_CURSOR_END, type ScanOptions, scanElements } from './scan.ts';

const set = new SetValue();
const target = new SetValue();
const member = new Member();

/** `$0`, the empty string, and their line ends. */
const LEAST_BULK_BYTES = 6;

// Lookups. Each returns the entry's reference, 0 when missing, or WRONG after an error reply.

export const WRONG = -1;

function checked(context: CommandContext, reference: number): number {
  if (reference === 0 || context.keyspace.typeOf(reference) === SET) return reference;
  context.reply.error(errors.wrongType);
  return WRONG;
}

export function lookupRead(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupRead(context.request, i));
}

function lookupWrite(context: CommandContext, i: number): number {
  return checked(context, context.keyspace.lookupWrite(context.request, i));
}

function open(context: CommandContext, reference: number): SetValue {
  return set.open(context.keyspace.arena, reference, context.engine.settings);
}

/** Adds the key in argument `i` with an empty set to which `member` and others will be added. */
function insertSet(context: CommandContext, i: number, view: SetValue, members: number): void {
  const { engine, keyspace, request } = context;
  const reference = keyspace.insertArgument(request, i, SET, SET_BYTES);
  const encoding = setEncodingFor(engine.settings, member, members);
  view.initialize(keyspace.arena, reference, engine.settings, encoding);
}

// Members.

function sadd(context: CommandContext): void {
  const { request, reply } = context;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  const { argc } = request;
  if (reference === 0) {
    member.setArgument(request, 2);
    insertSet(context, 1, set, argc - 2);
  } else {
    open(context, reference).expect(argc - 2);
  }
  let added = 0;
  for (let i = 2; i < argc; i++) if (set.add(member.setArgument(request, i))) added++;
  context.changed(added);
  reply.integer(added);
}

function srem(context: CommandContext): void {
  const { keyspace, request, reply } = context;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.integer(0);
    return;
  }
  open(context, reference);
  let removed = 0;
  for (let i = 2; i < request.argc; i++) {
    if (!set.remove(member.setArgument(request, i))) continue;
    removed++;
    if (set.size > 0) continue;
    keyspace.removeFound();
    break;
  }
  context.changed(removed);
  reply.integer(removed);
}

function smove(context: CommandContext): void {
  const { reply, request } = context;
  const source = context.keyspace.lookupWrite(request, 1);
  const destination = context.keyspace.lookupWrite(request, 2);
  if (source === 0) {
    reply.integer(0);
    return;
  }
  if (checked(context, source) === WRONG || checked(context, destination) === WRONG) return;
  member.setArgument(request, 3);
  open(context, source);
  if (source === destination) {
    reply.integer(set.has(member) ? 1 : 0);
    return;
  }
  if (!set.remove(member)) {
    reply.integer(0);
    return;
  }
  let changes = 1;
  if (set.size === 0) removeEmptied(context, 1);
  if (destination === 0) insertSet(context, 2, target, 1);
  else target.open(context.keyspace.arena, destination, context.engine.settings);
  if (target.add(member)) changes++;
  context.changed(changes);
  reply.integer(1);
}

function sismember(context: CommandContext): void {
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  const isMember =
    reference !== 0 && open(context, reference).has(member.setArgument(context.request, 2));
  context.reply.integer(isMember ? 1 : 0);
}

function smismember(context: CommandContext): void {
  const { reply, request } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference !== 0) open(context, reference);
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    reply.integer(reference !== 0 && set.has(member.setArgument(request, i)) ? 1 : 0);
  }
}

function scard(context: CommandContext): void {
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  context.reply.integer(reference === 0 ? 0 : open(context, reference).size);
}

function smembers(context: CommandContext): void {
  const { reply } = context;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.set(0);
    return;
  }
  open(context, reference);
  reply.set(set.size);
  set.writeAll(reply);
}

// Random members.

function spop(context: CommandContext): void {
  const { engine, keyspace, reply, request } = context;
  if (request.argc > 3) {
    reply.error(errors.syntax);
    return;
  }
  if (request.argc === 3) {
    popCounted(context);
    return;
  }
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  open(context, reference).popRandom(reply, engine.random);
  context.changed();
  if (set.size === 0) keyspace.removeFound();
}

function popCounted(context: CommandContext): void {
  const { engine, keyspace, reply } = context;
  const count = boundedArgument(context, 2, 0, errors.outOfRangePositive);
  if (Number.isNaN(count)) return;
  const reference = lookupWrite(context, 1);
  if (reference === WRONG) return;
  if (reference === 0 || count === 0) {
    reply.set(0);
    return;
  }
  const { size } = open(context, reference);
  if (count >= size) {
    reply.set(size);
    set.writeAll(reply);
    keyspace.removeFound();
  } else {
    reply.set(count);
    set.popSample(reply, engine.random, count);
  }
  context.changed(Math.min(count, size));
}

function srandmember(context: CommandContext): void {
  const { engine, reply, request } = context;
  if (request.argc > 3) {
    reply.error(errors.syntax);
    return;
  }
  if (request.argc === 3) {
    drawCounted(context);
    return;
  }
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0) reply.null();
  else open(context, reference).writeRandom(reply, engine.random);
}

function drawCounted(context: CommandContext): void {
  const { engine, reply } = context;
  const count = signedArgument(context, 2);
  if (Number.isNaN(count)) return;
  const reference = lookupRead(context, 1);
  if (reference === WRONG) return;
  if (reference === 0 || count === 0) {
    reply.array(0);
    return;
  }
  const { size } = open(context, reference);
  if (count < 0) {
    drawRepeatedly(context, -count);
  } else if (count >= size) {
    reply.array(size);
    set.writeAll(reply);
  } else {
    reply.array(count);
    set.writeSample(reply, engine.random, count);
  }
}

/** Replies `count` random members of the set, each drawn from all. */
function drawRepeatedly({ engine, reply }: CommandContext, count: number): void {
  const start = reply.position;
  const most = RANDOM_REPLY_BYTES_MAX / LEAST_BULK_BYTES;
  reply.array(Math.min(count, most));
  for (let i = 0; i < count; i++) {
    set.writeRandom(reply, engine.random);
    // The client may ask for more members than there is memory in the world.
    if (count > most || reply.position - start > RANDOM_REPLY_BYTES_MAX) {
      reply.position = start;
      reply.error(errors.outOfRange);
      return;
    }
  }
}

// Scanning.

function sscan(context: CommandContext): void {
  scanElements(context, lookupRead, replyScan);
}

function replyScan(context: CommandContext, reference: number, options: ScanOptions): void {
  const { reply } = context;
  const { count, cursor, pattern } = options;
  const found: Buffer[] = [];
  open(context, reference);
  const isAtEnd = cursor >= SCAN_CURSOR_END && set.encoding === 'hashtable';
  const next = isAtEnd
    ? -1
    : set.scan(cursor, count, (each) => {
        const { block, length, offset } = each.needText();
        const end = offset + length;
        if (pattern !== undefined && !matchesGlob(pattern, block.bytes, offset, end)) return;
        found.push(Buffer.from(block.bytes.subarray(offset, end)));
      });
  reply.array(2);
  reply.text(next < 0 ? '0' : String(next));
  reply.array(found.length);
  for (const bytes of found) reply.buffer(bytes);
}

const MOVE_KEYS: readonly KeyRange[] = [
  { first: 1, last: 1, step: 1, access: 'RW access delete' },
  { first: 2, last: 2, step: 1, access: 'RW insert' },
];

export const setCommands = [
  {
    name: 'SADD',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    handler: sadd,
    keys: keys(1, 1, 'RW insert'),
    group: 'set',
    since: '1.0.0',
    summary: 'Add one or more members to a set',
    complexity:
      'O(1) for each element added, so O(N) to add N elements when the command is called with ' +
      'multiple arguments.',
    syntax: 'key member [member ...]',
  },
  {
    name: 'SREM',
    arity: -3,
    flags: WRITE | FAST,
    handler: srem,
    keys: keys(1, 1, 'RW delete'),
    group: 'set',
    since: '1.0.0',
    summary: 'Remove one or more members from a set',
    complexity: 'O(N) where N is the number of members to be removed.',
    syntax: 'key member [member ...]',
  },
  {
    name: 'SMOVE',
    arity: 4,
    flags: WRITE | FAST,
    handler: smove,
    keys: MOVE_KEYS,
    spread: 'move',
    group: 'set',
    since: '1.0.0',
    summary: 'Move a member from one set to another',
    complexity: 'O(1)',
    syntax: 'source destination member',
  },
  {
    name: 'SISMEMBER',
    arity: 3,
    flags: READONLY | FAST,
    handler: sismember,
    keys: keys(1, 1, 'RO'),
    group: 'set',
    since: '1.0.0',
    summary: 'Determine if a given value is a member of a set',
    complexity: 'O(1)',
    syntax: 'key member',
  },
  {
    name: 'SMISMEMBER',
    arity: -3,
    flags: READONLY | FAST,
    handler: smismember,
    keys: keys(1, 1, 'RO access'),
    group: 'set',
    since: '6.2.0',
    summary: 'Returns the membership associated with the given elements for a set',
    complexity: 'O(N) where N is the number of elements being checked for membership',
    syntax: 'key member [member ...]',
  },
  {
    name: 'SCARD',
    arity: 2,
    flags: READONLY | FAST,
    handler: scard,
    keys: keys(1, 1, 'RO'),
    group: 'set',
    since: '1.0.0',
    summary: 'Get the number of members in a set',
    complexity: 'O(1)',
    syntax: 'key',
  },
  {
    name: 'SPOP',
    arity: -2,
    flags: WRITE | FAST,
    handler: spop,
    keys: keys(1, 1, 'RW access delete'),
    group: 'set',
    since: '1.0.0',
    summary: 'Remove and return one or multiple random members from a set',
    complexity:
      'Without the count argument O(1), otherwise O(N) where N is the value of the passed count.',
    syntax: 'key [count]',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'SRANDMEMBER',
    arity: -2,
    flags: READONLY,
    handler: srandmember,
    keys: keys(1, 1, 'RO access'),
    group: 'set',
    since: '1.0.0',
    summary: 'Get one or multiple random members from a set',
    complexity:
      'Without the count argument O(1), otherwise O(N) where N is the absolute value of the ' +
      'passed count.',
    syntax: 'key [count]',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'SMEMBERS',
    arity: 2,
    flags: READONLY,
    handler: smembers,
    keys: keys(1, 1, 'RO access'),
    group: 'set',
    since: '1.0.0',
    summary: 'Get all the members in a set',
    complexity: 'O(N) where N is the set cardinality.',
    syntax: 'key',
    tips: ['nondeterministic_output_order'],
  },
  {
    name: 'SSCAN',
    arity: -3,
    flags: READONLY,
    handler: sscan,
    keys: keys(1, 1, 'RO access'),
    group: 'set',
    since: '2.8.0',
    summary: 'Incrementally iterate Set elements',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for ' +
      'the cursor to return back to 0. N is the number of elements inside the collection..',
    syntax: 'key cursor [MATCH pattern] [COUNT count]',
    tips: ['nondeterministic_output'],
  },
] as const satisfies readonly CommandSpec[];
