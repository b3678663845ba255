/**
 * The stream commands that are about entries: XADD, XLEN, XRANGE, XREVRANGE, XDEL, XTRIM, XSETID.
 * Reading with XREAD and XREADGROUP is in stream-read.ts, groups in stream-group.ts, claiming in
 * stream-claim.ts, XINFO in stream-info.ts.
 *
 * Order of the checks, replies and texts are those of Redis 7.2. A stream that was emptied stays.
 * XADD makes blocked readers ready each time, also when the key was there before.
 */
import { errors, wrongArity } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { STREAM } from '../entry.ts';
import { compareIds, INVALID, parseId, replyId, SEQUENCE_OPEN, StreamId } from '../stream-id.ts';
import { StreamIterator } from '../stream-iterator.ts';
import { freeStream } from '../stream-slicer.ts';
import { ENTRY_BYTES_MAX, StreamValue } from '../stream-value.ts';
import { bigArgument, numberArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, FAST, keys, READONLY, WRITE } from './command-spec.ts';
import {
  ASTERISK,
  EQUALS,
  insertStream,
  intervalEnd,
  intervalStart,
  isSymbol,
  OpenAggregate,
  readStream,
  strictId,
  TILDE,
  writeStream,
} from './stream-arguments.ts';

/** Without LIMIT, `~` trims this many nodes' worth of entries at most. */
const LIMIT_NODES = 100;
const LIMIT_DEFAULT = 10_000;
const LIMIT_MAX = 1_000_000;

const id = new StreamId();
const from = new StreamId();
const to = new StreamId();
const iterator = new StreamIterator();
const entries = new OpenAggregate();

// XADD, XTRIM.

const NO_ID = 0;
const GIVEN = 1;
const OPEN_SEQUENCE = 2;

/** What the options of XADD and XTRIM say; reused. */
const options = {
  /** Argument number of XADD's ID. */
  idAt: 0,
  idKind: NO_ID as 0 | 1 | 2,
  id: new StreamId(),
  makesNoStream: false,
  isTrimming: false,
  length: -1,
  least: new StreamId(),
  isApproximate: false,
  limit: 0,
  isLimitGiven: false,
};

/** Reads the options of XADD (up to its ID) or XTRIM. Returns an error's text, if any. */
function readOptions(context: CommandContext, isAdding: boolean): string | undefined {
  const { request } = context;
  options.idKind = NO_ID;
  options.makesNoStream = false;
  options.isTrimming = false;
  options.isApproximate = false;
  options.length = -1;
  options.limit = 0;
  options.isLimitGiven = false;
  let i = 2;
  while (i < request.argc) {
    if (isAdding && isSymbol(request, i, ASTERISK)) break;
    const next = readTrimOption(context, i);
    if (typeof next === 'string') return next;
    if (next > 0) {
      i = next;
    } else if (isAdding && request.is(i, 'NOMKSTREAM')) {
      options.makesNoStream = true;
      i++;
    } else if (isAdding) {
      const parsed = parseId(request, i, 0, options.id, 0, true, true);
      if (parsed === INVALID) return errors.streamInvalidId;
      options.idKind = parsed === SEQUENCE_OPEN ? OPEN_SEQUENCE : GIVEN;
      break;
    } else {
      return errors.syntax;
    }
  }
  options.idAt = i;
  return checkTrimOptions(context, isAdding);
}

/**
 * Reads MAXLEN, MINID or LIMIT in argument `i`. Returns the number of the next argument, 0 when it
 * is another one, or an error's text.
 */
function readTrimOption(context: CommandContext, i: number): number | string {
  const { request } = context;
  if (i + 1 >= request.argc) return 0;
  if (request.is(i, 'LIMIT')) {
    const limit = numberArgument(request, i + 1);
    if (Number.isNaN(limit)) return errors.notInteger;
    if (limit < 0) return errors.streamLimitNegative;
    options.limit = limit;
    options.isLimitGiven = true;
    return i + 2;
  }
  const isByLength = request.is(i, 'MAXLEN');
  if (!isByLength && !request.is(i, 'MINID')) return 0;
  if (options.isTrimming) return errors.streamTwoStrategies;
  let at = i + 1;
  options.isApproximate = false;
  if (at + 1 < request.argc) {
    options.isApproximate = isSymbol(request, at, TILDE);
    if (options.isApproximate || isSymbol(request, at, EQUALS)) at++;
  }
  options.isTrimming = true;
  if (!isByLength) return strictId(request, at, options.least) ? at + 1 : errors.streamInvalidId;
  options.length = numberArgument(request, at);
  if (Number.isNaN(options.length)) return errors.notInteger;
  return options.length < 0 ? errors.streamMaxlenNegative : at + 1;
}

function checkTrimOptions(context: CommandContext, isAdding: boolean): string | undefined {
  if (options.limit > 0 && !options.isTrimming) return errors.streamLimitAlone;
  if (!isAdding && !options.isTrimming) return errors.streamNoStrategy;
  if (options.isLimitGiven) return options.isApproximate ? undefined : errors.streamLimitExact;
  if (options.isApproximate) {
    const limit = LIMIT_NODES * context.engine.settings.streamNodeMaxEntries;
    options.limit = limit <= 0 ? LIMIT_DEFAULT : Math.min(limit, LIMIT_MAX);
  }
  return undefined;
}

/** Trims by the options that were read. Returns how many entries went. */
function trim(context: CommandContext, stream: StreamValue): number {
  const { keyspace } = context;
  let graveyard: StreamValue | undefined;
  const removed = stream.trim(options, () => {
    graveyard ??= new StreamValue(keyspace.arena);
    return graveyard;
  });
  if (graveyard !== undefined) freeStream(keyspace, graveyard);
  return removed;
}

/** Leaves the new entry's ID in `id`. False when it would not be greater than the last one. */
function nextId(context: CommandContext, stream: StreamValue): boolean {
  const { lastId } = stream;
  if (options.idKind === NO_ID) {
    id.setTime(context.now);
    if (id.msHigh >>> 0 > lastId.msHigh >>> 0) return true;
    if (id.msHigh === lastId.msHigh && id.msLow >>> 0 > lastId.msLow >>> 0) return true;
    return id.copy(lastId).increment();
  }
  id.copy(options.id);
  const isSameTime = id.msHigh === lastId.msHigh && id.msLow === lastId.msLow;
  if (options.idKind === OPEN_SEQUENCE && isSameTime) {
    // The sequence may not run over into the next millisecond.
    if ((lastId.seqHigh & lastId.seqLow) === -1) return false;
    return id.copy(lastId).increment();
  }
  return compareIds(id, lastId) > 0;
}

/** Bytes of the arguments from `first` on. */
function argumentBytes(context: CommandContext, first: number): number {
  const { request } = context;
  let bytes = 0;
  for (let i = first; i < request.argc; i++) bytes += request.length(i);
  return bytes;
}

function xadd(context: CommandContext): void {
  const { request, reply } = context;
  const failure = readOptions(context, true);
  if (failure !== undefined) {
    reply.error(failure);
    return;
  }
  const first = options.idAt + 1;
  const rest = request.argc - first;
  if (rest < 2 || (rest & 1) === 1) {
    reply.error(wrongArity('xadd'));
    return;
  }
  if (options.idKind === GIVEN && options.id.isLeast) {
    reply.error(errors.streamIdZero);
    return;
  }
  addEntry(context, first, rest >> 1);
}

/** XADD, its arguments being sound. */
function addEntry(context: CommandContext, first: number, fields: number): void {
  const { keyspace, reply, request } = context;
  const reference = keyspace.lookupWrite(request, 1);
  if (reference === 0) {
    if (options.makesNoStream) reply.null();
    else append(context, insertStream(context, 1), first, fields);
    return;
  }
  if (keyspace.typeOf(reference) !== STREAM) {
    reply.error(errors.wrongType);
    return;
  }
  const stream = StreamValue.of(keyspace.arena, reference);
  if (stream.lastId.isGreatest) {
    reply.error(errors.streamExhausted);
    return;
  }
  if (append(context, stream, first, fields)) {
    keyspace.host.keyAppeared(keyspace, reference, keyspace.hashOf(request, 1));
  }
}

/** Appends the entry and trims. False after an error reply. */
function append(
  context: CommandContext,
  stream: StreamValue,
  first: number,
  fields: number,
): boolean {
  const { reply, request } = context;
  if (!nextId(context, stream)) {
    reply.error(errors.streamIdNotGreater);
    return false;
  }
  const bytes = argumentBytes(context, first);
  if (bytes > ENTRY_BYTES_MAX) {
    reply.error(errors.streamEntryTooLarge);
    return false;
  }
  stream.append(id, request, first, fields, bytes, context.engine.settings);
  replyId(reply, id);
  context.changed();
  if (options.isTrimming) trim(context, stream);
  return true;
}

function xtrim(context: CommandContext): void {
  const { reply } = context;
  const failure = readOptions(context, false);
  if (failure !== undefined) {
    reply.error(failure);
    return;
  }
  const stream = writeStream(context, 1);
  if (stream === undefined) {
    reply.error(errors.wrongType);
    return;
  }
  const removed = stream === null ? 0 : trim(context, stream);
  if (removed > 0) context.changed(removed);
  reply.integer(removed);
}

// Others.

function xlen(context: CommandContext): void {
  const stream = readStream(context, 1);
  if (stream === undefined) context.reply.error(errors.wrongType);
  else context.reply.integer(stream === null ? 0 : stream.length);
}

/** `[COUNT count]` from argument 4 on: −1 without it; or an error's text. */
function countOption(context: CommandContext): number | string {
  const { request } = context;
  let count = -1;
  for (let i = 4; i < request.argc; i += 2) {
    if (i + 1 >= request.argc || !request.is(i, 'COUNT')) return errors.syntax;
    count = numberArgument(request, i + 1);
    if (Number.isNaN(count)) return errors.notInteger;
    count = Math.max(0, count);
  }
  return count;
}

function range(context: CommandContext, isReverse: boolean): void {
  const { reply, request } = context;
  const failure =
    intervalStart(request, isReverse ? 3 : 2, from) ?? intervalEnd(request, isReverse ? 2 : 3, to);
  const count = failure ?? countOption(context);
  if (typeof count === 'string') {
    reply.error(count);
    return;
  }
  const stream = readStream(context, 1);
  if (stream === undefined) reply.error(errors.wrongType);
  else if (stream === null) reply.array(0);
  else if (count === 0) reply.nullArray();
  else replyRange(context, stream, count < 0 ? Infinity : count, isReverse);
}

function replyRange(
  { reply }: CommandContext,
  stream: StreamValue,
  count: number,
  isReverse: boolean,
): void {
  iterator.start(stream, from, to, isReverse);
  entries.begin(reply, Math.min(count, stream.length));
  let found = 0;
  while (found < count && iterator.next()) {
    iterator.reply(reply);
    found++;
  }
  entries.end(reply, found);
}

function xrange(context: CommandContext): void {
  range(context, false);
}

function xrevrange(context: CommandContext): void {
  range(context, true);
}

function xdel(context: CommandContext): void {
  const { reply, request } = context;
  const stream = writeStream(context, 1);
  if (stream === undefined) {
    reply.error(errors.wrongType);
    return;
  }
  if (stream === null) {
    reply.integer(0);
    return;
  }
  for (let i = 2; i < request.argc; i++) {
    if (strictId(request, i, id)) continue;
    reply.error(errors.streamInvalidId);
    return;
  }
  let deleted = 0;
  let isFirstGone = false;
  for (let i = 2; i < request.argc; i++) {
    strictId(request, i, id);
    if (!stream.delete(id)) continue;
    deleted++;
    if (compareIds(id, stream.firstId) === 0) isFirstGone = true;
    stream.noteDeleted(id);
  }
  if (deleted > 0) {
    if (isFirstGone || stream.length === 0) stream.updateFirstId();
    context.changed(deleted);
  }
  reply.integer(deleted);
}

/** The options of XSETID; reused. */
const setting = { added: -1n, deleted: new StreamId() };

/** Reads the arguments of XSETID after its key. Returns an error's text, if any. */
function readSetting({ request }: CommandContext): string | undefined {
  setting.added = -1n;
  setting.deleted.setLeast();
  if (!strictId(request, 2, id)) return errors.streamInvalidId;
  for (let i = 3; i < request.argc; i += 2) {
    if (i + 1 >= request.argc) return errors.syntax;
    if (request.is(i, 'ENTRIESADDED')) {
      const added = bigArgument(request, i + 1);
      if (added === undefined) return errors.notInteger;
      if (added < 0n) return errors.streamAddedNegative;
      setting.added = added;
    } else if (request.is(i, 'MAXDELETEDID')) {
      if (!strictId(request, i + 1, setting.deleted)) return errors.streamInvalidId;
      if (compareIds(id, setting.deleted) < 0) return errors.streamIdBelowGivenDeleted;
    } else {
      return errors.syntax;
    }
  }
  return undefined;
}

/** Why a stream cannot have `id` as its last one; an error's text, or undefined. */
function settingFailure(stream: StreamValue): string | undefined {
  if (compareIds(id, stream.maxDeletedId) < 0) return errors.streamIdBelowDeleted;
  if (stream.length === 0) return undefined;
  iterator.start(stream, from.setLeast(), to.setGreatest(), true);
  if (iterator.next() && compareIds(id, iterator.id) < 0) return errors.streamIdBelowTop;
  const isTooFew = setting.added >= 0n && BigInt(stream.length) > setting.added;
  return isTooFew ? errors.streamAddedTooSmall : undefined;
}

function xsetid(context: CommandContext): void {
  const { reply } = context;
  const failure = readSetting(context);
  if (failure !== undefined) {
    reply.error(failure);
    return;
  }
  const stream = writeStream(context, 1);
  if (stream === null || stream === undefined) {
    reply.error(stream === null ? errors.noSuchKey : errors.wrongType);
    return;
  }
  const refusal = settingFailure(stream);
  if (refusal !== undefined) {
    reply.error(refusal);
    return;
  }
  stream.lastId.copy(id);
  if (setting.added >= 0n) stream.entriesAdded.setBig(setting.added);
  if (!setting.deleted.isLeast) stream.maxDeletedId.copy(setting.deleted);
  context.changed();
  reply.ok();
}

const READ_KEY = keys(1, 1, 'RO access');
const TRIM_SYNTAX = '<MAXLEN | MINID> [= | ~] threshold [LIMIT count]';
const O_RANGE =
  'O(N) with N being the number of elements being returned. If N is constant (e.g. always asking ' +
  'for the first 10 elements with COUNT), you can consider it O(1).';

export const streamCommands = [
  {
    name: 'XADD',
    arity: -5,
    flags: WRITE | DENYOOM | FAST,
    handler: xadd,
    keys: [
      {
        first: 1,
        last: 1,
        step: 1,
        access: 'RW update',
        notes: 'UPDATE instead of INSERT because of the optional trimming feature',
      },
    ],
    group: 'stream',
    since: '5.0.0',
    summary: 'Appends a new entry to a stream',
    complexity:
      'O(1) when adding a new entry, O(N) when trimming where N being the number of entries ' +
      'evicted.',
    syntax: `key [NOMKSTREAM] [${TRIM_SYNTAX}] <* | id> field value [field value ...]`,
    tips: ['nondeterministic_output'],
  },
  {
    name: 'XLEN',
    arity: 2,
    flags: READONLY | FAST,
    handler: xlen,
    keys: keys(1, 1, 'RO'),
    group: 'stream',
    since: '5.0.0',
    summary: 'Return the number of entries in a stream',
    complexity: 'O(1)',
    syntax: 'key',
  },
  {
    name: 'XRANGE',
    arity: -4,
    flags: READONLY,
    handler: xrange,
    keys: READ_KEY,
    group: 'stream',
    since: '5.0.0',
    summary: 'Return a range of elements in a stream, with IDs matching the specified IDs interval',
    complexity: O_RANGE,
    syntax: 'key start:string end:string [COUNT count]',
  },
  {
    name: 'XREVRANGE',
    arity: -4,
    flags: READONLY,
    handler: xrevrange,
    keys: READ_KEY,
    group: 'stream',
    since: '5.0.0',
    summary:
      'Return a range of elements in a stream, with IDs matching the specified IDs interval, in ' +
      'reverse order (from greater to smaller IDs) compared to XRANGE',
    complexity: O_RANGE.replace('being returned', 'returned'),
    syntax: 'key end:string start:string [COUNT count]',
  },
  {
    name: 'XDEL',
    arity: -3,
    flags: WRITE | FAST,
    handler: xdel,
    keys: keys(1, 1, 'RW delete'),
    group: 'stream',
    since: '5.0.0',
    summary:
      'Removes the specified entries from the stream. Returns the number of items actually ' +
      'deleted, that may be different from the number of IDs passed in case certain IDs do not ' +
      'exist.',
    complexity: 'O(1) for each single item to delete in the stream, regardless of the stream size.',
    syntax: 'key id [id ...]',
  },
  {
    name: 'XTRIM',
    arity: -4,
    flags: WRITE,
    handler: xtrim,
    keys: keys(1, 1, 'RW delete'),
    group: 'stream',
    since: '5.0.0',
    summary: "Trims the stream to (approximately if '~' is passed) a certain size",
    complexity:
      'O(N), with N being the number of evicted entries. Constant times are very small however, ' +
      'since entries are organized in macro nodes containing multiple entries that can be ' +
      'released with a single deallocation.',
    syntax: `key ${TRIM_SYNTAX}`,
    tips: ['nondeterministic_output'],
  },
  {
    name: 'XSETID',
    arity: -3,
    flags: WRITE | DENYOOM | FAST,
    handler: xsetid,
    keys: keys(1, 1, 'RW update'),
    group: 'stream',
    since: '5.0.0',
    summary: 'An internal command for replicating stream values',
    complexity: 'O(1)',
    syntax: 'key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]',
  },
] as const satisfies readonly CommandSpec[];
