/**
 * Commands on keys of any type: delete, exist, rename, copy, move, OBJECT, and whole databases.
 * Expiry is in expiry.ts, KEYS and SCAN in scan.ts, DEBUG in debug.ts.
 *
 * RENAME and MOVE hand the value's descriptor to a new entry and copy no collection. Deleting takes
 * the key away at once; a value of very many blocks is freed in slices afterwards (lazy-free.ts),
 * for DEL as for UNLINK.
 *
 * When the two keys of RENAME, RENAMENX or COPY are on different shards the coordinator does the
 * same with the commands of transfer.ts.
 */
import { errors } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import type { Engine } from '../engine.ts';
import { CLOCK, TYPE_NAMES } from '../entry.ts';
import type { Keyspace } from '../keyspace.ts';
import '../list-slicer.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import type { Request } from '../request.ts';
import { copyValue } from '../value-copy.ts';
import { encodingOf, stringBytes } from '../value-encoding.ts';
import {
  type CommandSpec,
  DENYOOM,
  FAST,
  keys,
  LOADING,
  READONLY,
  STALE,
  WRITE,
} from './command-spec.ts';

/** Redis shares the objects of these integers and shows it in OBJECT REFCOUNT. */
const SHARED_INTEGERS_MAX = 10_000;
const SHARED_REFCOUNT = 2147483647;

/** Entry of the key in argument `i` without touching its access clock or the hit counters, or 0. */
export function findArgument(keyspace: Keyspace, request: Request, i: number): number {
  const hash = keyspace.hashOf(request, i);
  return keyspace.find(request.block, request.offset(i), request.length(i), hash);
}

/** Entry of the key in argument `i`, counted as a read but not touched (EXISTS, TTL, OBJECT). */
export function peekArgument(context: CommandContext, i: number): number {
  const { keyspace, request } = context;
  const reference = findArgument(keyspace, request, i);
  if (reference === 0) context.engine.keyspaceMisses++;
  else context.engine.keyspaceHits++;
  return reference;
}

/** Removes the key in argument `i`; false when there was none. */
export function removeArgument(keyspace: Keyspace, request: Request, i: number): boolean {
  const reference = findArgument(keyspace, request, i);
  if (reference === 0) return false;
  keyspace.willChange(reference);
  keyspace.removeFound();
  return true;
}

/** Removes the key in argument `i` whose value was emptied, after other lookups. */
export function removeEmptied({ keyspace, request }: CommandContext, i: number): void {
  const hash = keyspace.hashOf(request, i);
  keyspace.find(request.block, request.offset(i), request.length(i), hash);
  keyspace.removeFound();
}

/** True when the arguments `i` and `j` are the same bytes. */
function isSameArgument(request: Request, i: number, j: number): boolean {
  return request.bytes(i).equals(request.bytes(j));
}

/** Value of an argument that must be a 32-bit integer, or NaN. */
function int32Argument(request: Request, i: number): number {
  const value = parseInteger(request.block, request.offset(i), request.length(i));
  return value >= -2147483648 && value <= 2147483647 ? value : Number.NaN;
}

/** True when there is a database of this number; an error reply otherwise. */
function isDatabase(context: CommandContext, index: number): boolean {
  if (index >= 0 && index < context.engine.settings.databases) return true;
  context.reply.error(errors.databaseOutOfRange);
  return false;
}

/** The database an argument names, or −1 after an error reply. */
function databaseArgument(context: CommandContext, i: number): number {
  const index = int32Argument(context.request, i);
  if (Number.isNaN(index)) {
    const isInteger = parseBigInteger(context.request.text(i)) !== undefined;
    context.reply.error(isInteger ? errors.databaseNotInt32 : errors.notInteger);
    return -1;
  }
  return isDatabase(context, index) ? index : -1;
}

function del(context: CommandContext): void {
  const { keyspace, request } = context;
  let removed = 0;
  for (let i = 1; i < request.argc; i++) if (removeArgument(keyspace, request, i)) removed++;
  if (removed > 0) context.changed(removed);
  context.reply.integer(removed);
}

function exists(context: CommandContext): void {
  let found = 0;
  for (let i = 1; i < context.request.argc; i++) if (peekArgument(context, i) !== 0) found++;
  context.reply.integer(found);
}

function touch(context: CommandContext): void {
  const { keyspace, request } = context;
  let found = 0;
  for (let i = 1; i < request.argc; i++) if (keyspace.lookupRead(request, i) !== 0) found++;
  context.reply.integer(found);
}

function type(context: CommandContext): void {
  const reference = peekArgument(context, 1);
  context.reply.simple(reference === 0 ? 'none' : TYPE_NAMES[context.keyspace.typeOf(reference)]);
}

/**
 * Moves the entry `reference` of `from` (told of the change already) to the key in argument `i`,
 * which must be absent in `to`.
 */
function moveEntry(
  request: Request,
  from: Keyspace,
  reference: number,
  to: Keyspace,
  i: number,
): void {
  const deadline = from.deadlineOf(reference);
  from.findEntry(reference);
  const detached = from.detachFound();
  const hash = to.hashOf(request, i);
  to.insertDetached(detached, deadline, request.block, request.offset(i), request.length(i), hash);
}

function renameGeneric(context: CommandContext, replaces: boolean): void {
  const { keyspace, request, reply } = context;
  const source = keyspace.lookupWrite(request, 1);
  if (source === 0) {
    reply.error(errors.noSuchKey);
    return;
  }
  if (isSameArgument(request, 1, 2)) {
    if (replaces) reply.ok();
    else reply.integer(0);
    return;
  }
  if (!replaces && findArgument(keyspace, request, 2) !== 0) {
    reply.integer(0);
    return;
  }
  removeArgument(keyspace, request, 2);
  moveEntry(request, keyspace, source, keyspace, 2);
  context.changed();
  if (replaces) reply.ok();
  else reply.integer(1);
}

function rename(context: CommandContext): void {
  renameGeneric(context, true);
}

function renamenx(context: CommandContext): void {
  renameGeneric(context, false);
}

function move(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  const index = databaseArgument(context, 2);
  if (index < 0) return;
  if (index === keyspace.index) {
    reply.error(errors.sameObject);
    return;
  }
  const source = keyspace.lookupWrite(request, 1);
  const target = engine.keyspace(index);
  if (source === 0 || findArgument(target, request, 1) !== 0) {
    reply.integer(0);
    return;
  }
  moveEntry(request, keyspace, source, target, 1);
  context.changed();
  reply.integer(1);
}

interface CopyOptions {
  target: Keyspace;
  replaces: boolean;
}

/** COPY's options from argument 3 on, or undefined after an error reply. */
function copyOptions(context: CommandContext): CopyOptions | undefined {
  const { engine, request } = context;
  const options: CopyOptions = { target: context.keyspace, replaces: false };
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, 'REPLACE')) {
      options.replaces = true;
    } else if (request.is(i, 'DB') && i + 1 < request.argc) {
      const index = databaseArgument(context, ++i);
      if (index < 0) return undefined;
      options.target = engine.keyspace(index);
    } else {
      context.reply.error(errors.syntax);
      return undefined;
    }
  }
  return options;
}

function copy(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  const options = copyOptions(context);
  if (options === undefined) return;
  const { target, replaces } = options;
  if (target === keyspace && isSameArgument(request, 1, 2)) {
    reply.error(errors.sameObject);
    return;
  }
  const source = keyspace.lookupRead(request, 1);
  if (source === 0 || (!replaces && findArgument(target, request, 2) !== 0)) {
    reply.integer(0);
    return;
  }
  removeArgument(target, request, 2);
  copyEntry(engine, keyspace, source, target, request);
  context.changed();
  reply.integer(1);
}

function copyEntry(
  engine: Engine,
  keyspace: Keyspace,
  source: number,
  target: Keyspace,
  request: Request,
): void {
  const deadline = keyspace.deadlineOf(source);
  const made = copyValue(engine, keyspace, source, {
    keyspace: target,
    key: request.block,
    offset: request.offset(2),
    length: request.length(2),
    hash: target.hashOf(request, 2),
  });
  if (deadline === Infinity || made === 0) return;
  target.findEntry(made);
  target.expireFoundAt(made, deadline);
}

function objectEncoding(context: CommandContext): void {
  const { engine, keyspace, reply } = context;
  const reference = peekArgument(context, 2);
  if (reference === 0) reply.null();
  else reply.text(encodingOf(engine, keyspace, reference));
}

function isLfu(engine: Engine): boolean {
  return engine.settings.maxMemoryPolicy.endsWith('lfu');
}

function clockOf(keyspace: Keyspace, reference: number): number {
  return keyspace.arena.pages[pageOf(reference)].view.getInt32(offsetOf(reference) + CLOCK, true);
}

function objectFreq(context: CommandContext): void {
  const { engine, keyspace, reply } = context;
  const reference = peekArgument(context, 2);
  if (reference === 0) reply.null();
  else if (!isLfu(engine)) reply.error(errors.noLfuPolicy);
  else reply.integer(engine.eviction.decayedCount(clockOf(keyspace, reference)));
}

/** Seconds since the last access of an entry, under any policy but LFU. */
export function idleSeconds(engine: Engine, keyspace: Keyspace, reference: number): number {
  return Math.max(0, engine.accessClock - clockOf(keyspace, reference));
}

function objectIdletime(context: CommandContext): void {
  const { engine, keyspace, reply } = context;
  const reference = peekArgument(context, 2);
  if (reference === 0) reply.null();
  else if (isLfu(engine)) reply.error(errors.lfuPolicy);
  else reply.integer(idleSeconds(engine, keyspace, reference));
}

function objectRefcount(context: CommandContext): void {
  const reference = peekArgument(context, 2);
  if (reference === 0) context.reply.null();
  else context.reply.integer(refcount(context, reference));
}

/** What Redis would count: 1, or "shared" for small integers unless a policy needs their clocks. */
function refcount(context: CommandContext, reference: number): number {
  const { engine, keyspace } = context;
  const { maxMemory, maxMemoryPolicy } = engine.settings;
  if (maxMemory > 0 && /l[rf]u$/.test(maxMemoryPolicy)) return 1;
  if (encodingOf(engine, keyspace, reference) !== 'int') return 1;
  const value = Number(stringBytes(keyspace, reference).latin1Slice());
  return value >= 0 && value < SHARED_INTEGERS_MAX ? SHARED_REFCOUNT : 1;
}

const OBJECT_HELP = [
  'OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'ENCODING <key>',
  '    Return the kind of internal representation used in order to store the value',
  '    associated with a <key>.',
  'FREQ <key>',
  '    Return the access frequency index of the <key>. The returned integer is',
  '    proportional to the logarithm of the recent access frequency of the key.',
  'IDLETIME <key>',
  '    Return the idle time of the <key>, that is the approximated number of',
  '    seconds elapsed since the last access to the key.',
  'REFCOUNT <key>',
  '    Return the number of references of the value associated with the specified',
  '    <key>.',
  'HELP',
  '    Prints this help.',
];

function objectHelp({ reply }: CommandContext): void {
  reply.array(OBJECT_HELP.length);
  for (const line of OBJECT_HELP) reply.simple(line);
}

function dbsize(context: CommandContext): void {
  context.reply.integer(context.keyspace.size);
}

function swapdb(context: CommandContext): void {
  const first = int32Argument(context.request, 1);
  const second = int32Argument(context.request, 2);
  if (Number.isNaN(first) || Number.isNaN(second)) {
    const isFirst = Number.isNaN(first);
    context.reply.error(isFirst ? errors.invalidFirstDatabase : errors.invalidSecondDatabase);
    return;
  }
  if (!isDatabase(context, first) || !isDatabase(context, second)) return;
  context.engine.swap(first, second);
  context.changed();
  context.reply.ok();
}

/** False after an error reply: the only argument may be SYNC or ASYNC. */
function flushOptionIsGood({ request, reply }: CommandContext): boolean {
  if (request.argc === 1) return true;
  if (request.argc === 2 && (request.is(1, 'SYNC') || request.is(1, 'ASYNC'))) return true;
  reply.error(errors.syntax);
  return false;
}

function flushdb(context: CommandContext): void {
  if (!flushOptionIsGood(context)) return;
  context.changed(context.engine.flush(context.keyspace.index));
  context.reply.ok();
}

function flushall(context: CommandContext): void {
  if (!flushOptionIsGood(context)) return;
  context.changed(Math.max(1, context.engine.flushAll()));
  context.reply.ok();
}

const SUM_TIPS = ['request_policy:multi_shard', 'response_policy:agg_sum'];
const FLUSH_TIPS = ['request_policy:all_shards', 'response_policy:all_succeeded'];

export const genericCommands = [
  {
    name: 'DEL',
    arity: -2,
    flags: WRITE,
    keys: keys(1, -1, 'RM delete'),
    spread: 'sum',
    group: 'generic',
    since: '1.0.0',
    summary: 'Deletes one or more keys.',
    complexity: 'O(N), N being the number of keys.',
    syntax: 'key [key ...]',
    tips: SUM_TIPS,
    handler: del,
  },
  {
    name: 'UNLINK',
    arity: -2,
    flags: WRITE | FAST,
    keys: keys(1, -1, 'RM delete'),
    spread: 'sum',
    group: 'generic',
    since: '4.0.0',
    summary: 'Asynchronously deletes one or more keys.',
    complexity: 'O(N), N being the number of keys.',
    syntax: 'key [key ...]',
    tips: SUM_TIPS,
    handler: del,
  },
  {
    name: 'EXISTS',
    arity: -2,
    flags: READONLY | FAST,
    keys: keys(1, -1, 'RO'),
    spread: 'sum',
    group: 'generic',
    since: '1.0.0',
    summary: 'Determines whether one or more keys exist.',
    complexity: 'O(N) where N is the number of keys to check.',
    syntax: 'key [key ...]',
    tips: SUM_TIPS,
    handler: exists,
  },
  {
    name: 'TOUCH',
    arity: -2,
    flags: READONLY | FAST,
    keys: keys(1, -1, 'RO'),
    spread: 'sum',
    group: 'generic',
    since: '3.2.1',
    summary:
      'Returns the number of existing keys out of those specified after updating the time ' +
      'they were last accessed.',
    complexity: 'O(N) where N is the number of keys that will be touched.',
    syntax: 'key [key ...]',
    tips: SUM_TIPS,
    handler: touch,
  },
  {
    name: 'TYPE',
    arity: 2,
    flags: READONLY | FAST,
    keys: keys(1, 1, 'RO'),
    group: 'generic',
    since: '1.0.0',
    summary: 'Determines the type of value stored at a key.',
    complexity: 'O(1)',
    syntax: 'key',
    handler: type,
  },
  {
    name: 'RENAME',
    arity: 3,
    flags: WRITE,
    spread: 'move',
    keys: [...keys(1, 1, 'RW access delete'), ...keys(2, 2, 'OW update')],
    group: 'generic',
    since: '1.0.0',
    summary: 'Renames a key and overwrites the destination.',
    complexity: 'O(1)',
    syntax: 'key newkey',
    handler: rename,
  },
  {
    name: 'RENAMENX',
    arity: 3,
    flags: WRITE | FAST,
    spread: 'move',
    keys: [...keys(1, 1, 'RW access delete'), ...keys(2, 2, 'OW insert')],
    group: 'generic',
    since: '1.0.0',
    summary: "Renames a key only when the target key name doesn't exist.",
    complexity: 'O(1)',
    syntax: 'key newkey',
    handler: renamenx,
  },
  {
    name: 'COPY',
    arity: -3,
    flags: WRITE | DENYOOM,
    spread: 'move',
    keys: [...keys(1, 1, 'RO access'), ...keys(2, 2, 'OW update')],
    group: 'generic',
    since: '6.2.0',
    summary: 'Copies the value of a key to a new key.',
    complexity:
      'O(N) worst case for collections, where N is the number of nested items. O(1) for ' +
      'string values.',
    syntax: 'source destination [DB destination-db] [REPLACE]',
    handler: copy,
  },
  {
    name: 'MOVE',
    arity: 3,
    flags: WRITE | FAST,
    keys: keys(1, 1, 'RW access update'),
    group: 'generic',
    since: '1.0.0',
    summary: 'Moves a key to another database.',
    complexity: 'O(1)',
    syntax: 'key db',
    handler: move,
  },
  {
    name: 'OBJECT|ENCODING',
    arity: 3,
    flags: READONLY,
    keys: keys(2, 2, 'RO'),
    group: 'generic',
    since: '2.2.3',
    summary: 'Returns the internal encoding of a Redis object.',
    complexity: 'O(1)',
    syntax: 'key',
    categories: '@keyspace',
    tips: ['nondeterministic_output'],
    handler: objectEncoding,
  },
  {
    name: 'OBJECT|FREQ',
    arity: 3,
    flags: READONLY,
    keys: keys(2, 2, 'RO'),
    group: 'generic',
    since: '4.0.0',
    summary: 'Returns the logarithmic access frequency counter of a Redis object.',
    complexity: 'O(1)',
    syntax: 'key',
    categories: '@keyspace',
    tips: ['nondeterministic_output'],
    handler: objectFreq,
  },
  {
    name: 'OBJECT|IDLETIME',
    arity: 3,
    flags: READONLY,
    keys: keys(2, 2, 'RO'),
    group: 'generic',
    since: '2.2.3',
    summary: 'Returns the time since the last access to a Redis object.',
    complexity: 'O(1)',
    syntax: 'key',
    categories: '@keyspace',
    tips: ['nondeterministic_output'],
    handler: objectIdletime,
  },
  {
    name: 'OBJECT|REFCOUNT',
    arity: 3,
    flags: READONLY,
    keys: keys(2, 2, 'RO'),
    group: 'generic',
    since: '2.2.3',
    summary: 'Returns the reference count of a value of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    categories: '@keyspace',
    tips: ['nondeterministic_output'],
    handler: objectRefcount,
  },
  {
    name: 'OBJECT|HELP',
    arity: 2,
    flags: LOADING | STALE,
    group: 'generic',
    since: '6.2.0',
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    syntax: '',
    categories: '@keyspace',
    handler: objectHelp,
  },
  {
    name: 'DBSIZE',
    arity: 1,
    flags: READONLY | FAST,
    spread: 'every',
    group: 'server',
    since: '1.0.0',
    summary: 'Returns the number of keys in the database.',
    complexity: 'O(1)',
    syntax: '',
    categories: '@keyspace',
    tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
    handler: dbsize,
  },
  {
    name: 'SWAPDB',
    arity: 3,
    flags: WRITE | FAST,
    spread: 'every',
    group: 'server',
    since: '4.0.0',
    summary: 'Swaps two Redis databases.',
    complexity:
      'O(N) where N is the count of clients watching or blocking on keys from both ' + 'databases.',
    syntax: 'index1 index2',
    categories: '@keyspace @dangerous',
    handler: swapdb,
  },
  {
    name: 'FLUSHDB',
    arity: -1,
    flags: WRITE,
    spread: 'every',
    group: 'server',
    since: '1.0.0',
    summary: 'Remove all keys from the current database.',
    complexity: 'O(N) where N is the number of keys in the selected database',
    syntax: '[ASYNC | SYNC]',
    categories: '@keyspace @dangerous',
    tips: FLUSH_TIPS,
    handler: flushdb,
  },
  {
    name: 'FLUSHALL',
    arity: -1,
    flags: WRITE,
    spread: 'every',
    group: 'server',
    since: '1.0.0',
    summary: 'Removes all keys from all databases.',
    complexity: 'O(N) where N is the total number of keys in all databases',
    syntax: '[ASYNC | SYNC]',
    categories: '@keyspace @dangerous',
    tips: FLUSH_TIPS,
    handler: flushall,
  },
] as const satisfies readonly CommandSpec[];
