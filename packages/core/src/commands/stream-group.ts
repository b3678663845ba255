/**
 * Consumer groups: XGROUP, XACK, XPENDING. Reading for a group is in stream-read.ts, claiming in
 * stream-claim.ts.
 *
 * Order of the checks, replies and texts are those of Redis 7.2. XGROUP DESTROY wakes those who
 * wait on behalf of the group; they answer NOGROUP.
 */
import { errors, noStreamGroup, noStreamGroupForKey } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import type { IdIndex } from '../id-index.ts';
import type { StreamConsumer, StreamGroup } from '../stream-group.ts';
import { compareIds, replyId, StreamId } from '../stream-id.ts';
import { makeGroup, type StreamValue } from '../stream-value.ts';
import { bigArgument, numberArgument, printed } from './arguments.ts';
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
import {
  DOLLAR,
  findConsumer,
  findGroup,
  insertStream,
  intervalEnd,
  intervalStart,
  isSymbol,
  OpenAggregate,
  readStream,
  replySubcommandSyntax,
  strictId,
  writeStream,
} from './stream-arguments.ts';

const CONTAINER = 'XGROUP';

const id = new StreamId();
const last = new StreamId();
const rows = new OpenAggregate();

// XGROUP.

/** MKSTREAM and ENTRIESREAD; reused. */
const options = { makesStream: false, entriesRead: -1n };

/** Reads the options from argument 5 on; false after an error reply. */
function readOptions(context: CommandContext, mayMake: boolean): boolean {
  const { request, reply } = context;
  options.makesStream = false;
  options.entriesRead = -1n;
  let i = 5;
  while (i < request.argc) {
    if (mayMake && request.is(i, 'MKSTREAM')) {
      options.makesStream = true;
      i++;
      continue;
    }
    if (!request.is(i, 'ENTRIESREAD') || i + 1 >= request.argc) {
      replySubcommandSyntax(context, CONTAINER);
      return false;
    }
    const entriesRead = bigArgument(request, i + 1);
    if (entriesRead === undefined || entriesRead < -1n) {
      reply.error(entriesRead === undefined ? errors.notInteger : errors.streamEntriesRead);
      return false;
    }
    options.entriesRead = entriesRead;
    i += 2;
  }
  return true;
}

/** The stream in argument 2, null when it may be missing and is; undefined after an error reply. */
function streamArgument(
  context: CommandContext,
  mayBeMissing: boolean,
): StreamValue | null | undefined {
  const stream = writeStream(context, 2);
  if (stream === undefined) context.reply.error(errors.wrongType);
  if (stream !== null || mayBeMissing) return stream;
  context.reply.error(errors.streamKeyRequired);
  return undefined;
}

/** The group in argument 3 of a stream that must be there; undefined after an error reply. */
function groupArgument(context: CommandContext): StreamGroup | undefined {
  const stream = streamArgument(context, false);
  if (stream === null || stream === undefined) return undefined;
  const group = findGroup(context, stream, 3);
  if (group === undefined) {
    const { request } = context;
    context.reply.error(noStreamGroupForKey(printed(request, 3), printed(request, 2)));
  }
  return group;
}

/** Reads an ID, or `$` for the last one of a stream. False after an error reply. */
function positionArgument(context: CommandContext, stream: StreamValue | null): boolean {
  const { request, reply } = context;
  if (isSymbol(request, 4, DOLLAR)) {
    if (stream === null) id.setLeast();
    else id.copy(stream.lastId);
    return true;
  }
  if (strictId(request, 4, id)) return true;
  reply.error(errors.streamInvalidId);
  return false;
}

function xgroupCreate(context: CommandContext): void {
  const { reply, request } = context;
  if (!readOptions(context, true)) return;
  const stream = streamArgument(context, options.makesStream);
  if (stream === undefined) return;
  if (request.argc > 8) {
    replySubcommandSyntax(context, CONTAINER);
    return;
  }
  if (!positionArgument(context, stream)) return;
  const target = stream ?? insertStream(context, 2);
  if (findGroup(context, target, 3) !== undefined) {
    reply.error(errors.streamGroupExists);
    return;
  }
  const group = makeGroup(target, request.bytes(3));
  group.lastId.copy(id);
  group.entriesRead.setBig(options.entriesRead);
  context.changed();
  reply.ok();
}

function xgroupSetid(context: CommandContext): void {
  const { reply, request } = context;
  if (!readOptions(context, false)) return;
  const group = groupArgument(context);
  if (group === undefined) return;
  if (request.argc !== 5 && request.argc !== 7) {
    replySubcommandSyntax(context, CONTAINER);
    return;
  }
  if (!readSetid(context)) return;
  group.lastId.copy(id);
  group.entriesRead.setBig(options.entriesRead);
  context.changed();
  reply.ok();
}

/** XGROUP SETID also takes `-` and `+`. */
function readSetid(context: CommandContext): boolean {
  const { request } = context;
  if (isSymbol(request, 4, 45)) id.setLeast();
  else if (isSymbol(request, 4, 43)) id.setGreatest();
  else return positionArgument(context, writeStream(context, 2) ?? null);
  return true;
}

function xgroupDestroy(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const stream = streamArgument(context, false);
  if (stream === undefined || stream === null) return;
  const group = findGroup(context, stream, 3);
  if (group !== undefined) {
    stream.groups.removeFound();
    group.release();
    context.changed();
    const hash = keyspace.hashOf(request, 2);
    const reference = keyspace.find(request.block, request.offset(2), request.length(2), hash);
    keyspace.host.keyAppeared(keyspace, reference, hash);
  }
  reply.integer(group === undefined ? 0 : 1);
}

function xgroupCreateconsumer(context: CommandContext): void {
  const { reply, request } = context;
  const group = groupArgument(context);
  if (group === undefined) return;
  if (findConsumer(context, group, 4) !== undefined) {
    reply.integer(0);
    return;
  }
  group.addConsumer(request.block, request.offset(4), request.length(4), context.now);
  context.changed();
  reply.integer(1);
}

function xgroupDelconsumer(context: CommandContext): void {
  const { reply } = context;
  const group = groupArgument(context);
  if (group === undefined) return;
  const consumer = findConsumer(context, group, 4);
  if (consumer === undefined) {
    reply.integer(0);
    return;
  }
  const pending = consumer.pending.size;
  group.removeConsumer(consumer);
  context.changed();
  reply.integer(pending);
}

const HELP = [
  'XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CREATE <key> <groupname> <id|$> [option]',
  '    Create a new consumer group. Options are:',
  '    * MKSTREAM',
  '      Create the empty stream if it does not exist.',
  '    * ENTRIESREAD entries_read',
  "      Set the group's entries_read counter (internal use).",
  'CREATECONSUMER <key> <groupname> <consumer>',
  '    Create a new consumer in the specified group.',
  'DELCONSUMER <key> <groupname> <consumer>',
  '    Remove the specified consumer.',
  'DESTROY <key> <groupname>',
  '    Remove the specified group.',
  'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
  '    Set the current group ID and entries_read counter.',
  'HELP',
  '    Prints this help.',
];

function xgroupHelp({ reply }: CommandContext): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

// XACK.

function xack(context: CommandContext): void {
  const { reply, request } = context;
  const stream = writeStream(context, 1);
  if (stream === undefined) {
    reply.error(errors.wrongType);
    return;
  }
  const group = stream === null ? undefined : findGroup(context, stream, 2);
  if (group === undefined) {
    reply.integer(0);
    return;
  }
  for (let i = 3; i < request.argc; i++) {
    if (strictId(request, i, id)) continue;
    reply.error(errors.streamInvalidId);
    return;
  }
  let acknowledged = 0;
  for (let i = 3; i < request.argc; i++) {
    strictId(request, i, id);
    if (!group.pending.find(id)) continue;
    group.removeRow(id);
    acknowledged++;
  }
  if (acknowledged > 0) context.changed(acknowledged);
  reply.integer(acknowledged);
}

// XPENDING.

/** The arguments of XPENDING's long form; reused. `consumerAt` is 0 without a consumer. */
const window = { minIdle: 0, count: 0, consumerAt: 0, from: new StreamId(), to: new StreamId() };

/** Reads the arguments from the third on. Returns an error's text, if any. */
function readWindow({ request }: CommandContext): string | undefined {
  const { argc } = request;
  if (argc < 6 || argc > 9) return errors.syntax;
  let at = 3;
  window.minIdle = 0;
  if (request.is(3, 'IDLE')) {
    window.minIdle = numberArgument(request, 4);
    if (Number.isNaN(window.minIdle)) return errors.notInteger;
    if (argc < 8) return errors.syntax;
    at = 5;
  }
  window.count = numberArgument(request, at + 2);
  if (Number.isNaN(window.count)) return errors.notInteger;
  window.consumerAt = at + 3 < argc ? at + 3 : 0;
  return intervalStart(request, at, window.from) ?? intervalEnd(request, at + 1, window.to);
}

function xpending(context: CommandContext): void {
  const { reply, request } = context;
  const isSummary = request.argc === 3;
  const failure = isSummary ? undefined : readWindow(context);
  if (failure !== undefined) {
    reply.error(failure);
    return;
  }
  const stream = readStream(context, 1);
  if (stream === undefined) {
    reply.error(errors.wrongType);
    return;
  }
  const group = stream === null ? undefined : findGroup(context, stream, 2);
  if (group === undefined) reply.error(noStreamGroup(printed(request, 1), printed(request, 2)));
  else if (isSummary) replySummary(context, group);
  else replyWindow(context, group);
}

function replySummary({ reply }: CommandContext, group: StreamGroup): void {
  const { consumers, pending } = group;
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  pending.seekFirst();
  replyId(reply, pending.readId(id));
  pending.seekLast();
  replyId(reply, pending.readId(id));
  rows.begin(reply, consumers.size);
  let count = 0;
  for (const { name, pending: own } of consumers.all) {
    if (own.size === 0) continue;
    reply.array(2);
    reply.bulk(name, 0, name.size);
    reply.text(String(own.size));
    count++;
  }
  rows.end(reply, count);
}

function replyWindow(context: CommandContext, group: StreamGroup): void {
  const { reply } = context;
  let table: IdIndex = group.pending;
  if (window.consumerAt > 0) {
    const consumer = findConsumer(context, group, window.consumerAt);
    if (consumer === undefined) {
      reply.array(0);
      return;
    }
    table = consumer.pending;
  }
  rows.begin(reply, Math.max(0, Math.min(window.count, table.size)));
  let count = 0;
  for (let isRow = table.seek(window.from); isRow && count < window.count; isRow = table.next()) {
    if (compareIds(table.readId(last), window.to) > 0) break;
    if (table !== group.pending) group.pending.find(last);
    const idle = context.now - group.rowTime();
    if (window.minIdle !== 0 && idle < window.minIdle) continue;
    count++;
    replyPending(context, group.rowConsumer(), idle, group.rowCount());
  }
  rows.end(reply, count);
}

/** Replies one row of XPENDING, the one whose ID is in `last`. */
function replyPending(
  { reply }: CommandContext,
  { name }: StreamConsumer,
  idle: number,
  deliveries: bigint,
): void {
  reply.array(4);
  replyId(reply, last);
  reply.bulk(name, 0, name.size);
  reply.integer(Math.max(0, idle));
  reply.bigInteger(BigInt.asIntN(64, deliveries));
}

const GROUP_KEY = keys(2, 2, 'RW insert');

export const streamGroupCommands = [
  {
    name: 'XGROUP|CREATE',
    arity: -5,
    flags: WRITE | DENYOOM,
    handler: xgroupCreate,
    keys: GROUP_KEY,
    group: 'stream',
    since: '5.0.0',
    summary: 'Create a consumer group.',
    complexity: 'O(1)',
    syntax: 'key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]',
  },
  {
    name: 'XGROUP|SETID',
    arity: -5,
    flags: WRITE,
    handler: xgroupSetid,
    keys: keys(2, 2, 'RW update'),
    group: 'stream',
    since: '5.0.0',
    summary: 'Set a consumer group to an arbitrary last delivered ID value.',
    complexity: 'O(1)',
    syntax: 'key group <id | $> [ENTRIESREAD entries-read]',
  },
  {
    name: 'XGROUP|DESTROY',
    arity: 4,
    flags: WRITE,
    handler: xgroupDestroy,
    keys: keys(2, 2, 'RW delete'),
    group: 'stream',
    since: '5.0.0',
    summary: 'Destroy a consumer group.',
    complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
    syntax: 'key group',
  },
  {
    name: 'XGROUP|CREATECONSUMER',
    arity: 5,
    flags: WRITE | DENYOOM,
    handler: xgroupCreateconsumer,
    keys: GROUP_KEY,
    group: 'stream',
    since: '6.2.0',
    summary: 'Create a consumer in a consumer group.',
    complexity: 'O(1)',
    syntax: 'key group consumer',
  },
  {
    name: 'XGROUP|DELCONSUMER',
    arity: 5,
    flags: WRITE,
    handler: xgroupDelconsumer,
    keys: keys(2, 2, 'RW delete'),
    group: 'stream',
    since: '5.0.0',
    summary: 'Delete a consumer from a consumer group.',
    complexity: 'O(1)',
    syntax: 'key group consumer',
  },
  {
    name: 'XGROUP|HELP',
    arity: 2,
    flags: LOADING | STALE,
    handler: xgroupHelp,
    group: 'stream',
    since: '5.0.0',
    summary: 'Show helpful text about the different subcommands',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    name: 'XACK',
    arity: -4,
    flags: WRITE | FAST,
    handler: xack,
    keys: keys(1, 1, 'RW update'),
    group: 'stream',
    since: '5.0.0',
    summary:
      'Marks a pending message as correctly processed, effectively removing it from the pending ' +
      'entries list of the consumer group. Return value of the command is the number of messages ' +
      'successfully acknowledged, that is, the IDs we were actually able to resolve in the PEL.',
    complexity: 'O(1) for each message ID processed.',
    syntax: 'key group id [id ...]',
  },
  {
    name: 'XPENDING',
    arity: -3,
    flags: READONLY,
    handler: xpending,
    keys: keys(1, 1, 'RO access'),
    group: 'stream',
    since: '5.0.0',
    summary:
      'Return information and entries from a stream consumer group pending entries list, that ' +
      'are messages fetched but never acknowledged.',
    complexity:
      'O(N) with N being the number of elements returned, so asking for a small fixed number of ' +
      'entries per call is O(1). O(M), where M is the total number of entries scanned when used ' +
      'with the IDLE filter. When the command returns just the summary and the list of consumers ' +
      'is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every ' +
      'consumer.',
    syntax: 'key group [[IDLE min-idle-time] start:string end:string count [consumer]]',
    tips: ['nondeterministic_output'],
  },
] as const satisfies readonly CommandSpec[];
