/**
 * XREAD and XREADGROUP: entries of several streams, with waiting.
 *
 * First everything is checked, options, keys, groups and IDs in the order of the arguments; only
 * then streams are read. So the same checks serve `isReady`, by which the engine asks whether a
 * waiter of several shards would get an answer before it claims the right to give one.
 *
 * A command that blocks is run again with its arguments as they were, but for `$`, which is
 * replaced by the last ID of its stream. All readers of a stream are served on each XADD, in the
 * order in which they came; XREADGROUP is also woken when its key or group goes, and answers with
 * the error.
 *
 * As in Redis, a consumer that is not there is made as soon as it asks, whether or not there is
 * anything to read.
 */
import { errors, noStreamGroupToRead, type ReplyWriter, streamsUnbalanced } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { REQUEST_TIME_IS_UP } from '../request.ts';
import type { StreamConsumer, StreamGroup } from '../stream-group.ts';
import { compareIds, replyId, StreamId } from '../stream-id.ts';
import { replyEntry, StreamIterator } from '../stream-iterator.ts';
import { NodeEntry } from '../stream-node.ts';
import type { StreamValue } from '../stream-value.ts';
import { numberArgument, printed, TIMEOUT_MAX_MS } from './arguments.ts';
import {
  BLOCKING,
  type CommandSpec,
  INTERNAL,
  type KeyRange,
  MOVABLE_KEYS,
  READONLY,
  WRITE,
} from './command-spec.ts';
import {
  DOLLAR,
  findGroup,
  GREATER,
  isSymbol,
  OpenAggregate,
  obtainConsumer,
  readStream,
  strictId,
  writeStream,
} from './stream-arguments.ts';

const NO_BLOCK = -1;

/** One stream of a command; reused. */
class Source {
  stream: StreamValue | null = null;
  group: StreamGroup | undefined;
  /** Entries behind this ID are wanted. */
  readonly after = new StreamId();
  /** The argument was `$`. */
  isFromLast = false;
  /** The argument was `>`: entries that no consumer of the group has had. */
  isNew = false;
}

const sources: Source[] = [];

/** What the arguments say; reused. */
const query = {
  isGroup: false,
  /** Deadline in ms since the epoch, Infinity for none, NO_BLOCK without BLOCK. */
  deadline: NO_BLOCK,
  count: Infinity,
  skipsPending: false,
  groupAt: 0,
  /** Argument number of the first key, and how many there are; their IDs follow. */
  keysAt: 0,
  keys: 0,
};

/** Reads the options up to STREAMS. Returns an error's text, if any. */
function readOptions(context: CommandContext, isGroup: boolean): string | undefined {
  const { request } = context;
  query.isGroup = isGroup;
  query.deadline = NO_BLOCK;
  query.count = Infinity;
  query.skipsPending = false;
  query.groupAt = 0;
  let i = 1;
  while (i < request.argc) {
    if (request.is(i, 'STREAMS') && i + 1 < request.argc) return readStreams(context, i + 1);
    const next = readOption(context, i);
    if (typeof next === 'string') return next;
    i = next;
  }
  return errors.syntax;
}

/** Reads the option in argument `i`: the number of the next argument, or an error's text. */
function readOption(context: CommandContext, i: number): number | string {
  const { request } = context;
  const more = request.argc - i - 1;
  if (more >= 1 && request.is(i, 'BLOCK')) {
    return readTimeout(context, numberArgument(request, i + 1)) ?? i + 2;
  }
  if (more >= 1 && request.is(i, 'COUNT')) {
    const count = numberArgument(request, i + 1);
    if (Number.isNaN(count)) return errors.notInteger;
    query.count = count <= 0 ? Infinity : count;
    return i + 2;
  }
  if (more >= 2 && request.is(i, 'GROUP')) {
    if (!query.isGroup) return errors.streamGroupInRead;
    query.groupAt = i + 1;
    return i + 3;
  }
  if (request.is(i, 'NOACK')) {
    if (!query.isGroup) return errors.streamNoackInRead;
    query.skipsPending = true;
    return i + 1;
  }
  return errors.syntax;
}

function readTimeout(context: CommandContext, milliseconds: number): string | undefined {
  if (Number.isNaN(milliseconds)) return errors.timeoutNotInteger;
  if (milliseconds < 0) return errors.timeoutNegative;
  if (milliseconds + context.now >= TIMEOUT_MAX_MS) return errors.timeoutOutOfRange;
  query.deadline = milliseconds === 0 ? Infinity : context.now + milliseconds;
  return undefined;
}

function readStreams({ request }: CommandContext, first: number): string | undefined {
  const rest = request.argc - first;
  if ((rest & 1) === 1) {
    return query.isGroup ? streamsUnbalanced('xreadgroup', '>') : streamsUnbalanced('xread', '$');
  }
  query.keysAt = first;
  query.keys = rest >> 1;
  return query.isGroup && query.groupAt === 0 ? errors.streamGroupMissing : undefined;
}

/** Looks up all streams, groups and IDs. Returns the text of the first error, if any. */
function readSources(context: CommandContext): string | undefined {
  for (let n = 0; n < query.keys; n++) {
    if (n === sources.length) sources.push(new Source());
    const failure = readSource(context, sources[n], query.keysAt + n);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function readSource(context: CommandContext, source: Source, key: number): string | undefined {
  const { request } = context;
  const stream = query.isGroup ? writeStream(context, key) : readStream(context, key);
  if (stream === undefined) return errors.wrongType;
  source.stream = stream;
  source.group = undefined;
  if (query.isGroup) {
    source.group = stream === null ? undefined : findGroup(context, stream, query.groupAt);
    if (source.group === undefined) {
      return noStreamGroupToRead(printed(request, key), printed(request, query.groupAt));
    }
  }
  return readPosition(context, source, key + query.keys);
}

/** Reads the ID in argument `i`. Returns an error's text, if any. */
function readPosition({ request }: CommandContext, source: Source, i: number): string | undefined {
  source.isFromLast = isSymbol(request, i, DOLLAR);
  source.isNew = isSymbol(request, i, GREATER);
  if (source.isFromLast) {
    if (query.isGroup) return errors.streamDollarInGroup;
    if (source.stream === null) source.after.setLeast();
    else source.after.copy(source.stream.lastId);
    return undefined;
  }
  if (source.isNew) {
    source.after.setGreatest();
    return query.isGroup ? undefined : errors.streamGreaterInRead;
  }
  if (!strictId(request, i, source.after)) return errors.streamInvalidId;
  // Redis marks `>` by the greatest ID.
  source.isNew = query.isGroup && source.after.isGreatest;
  return undefined;
}

// Reading.

const iterator = new StreamIterator();
const start = new StreamId();
const greatest = new StreamId().setGreatest();
const pendingId = new StreamId();
const pendingEntry = new NodeEntry(new StreamId(), new StreamId());
const served = new OpenAggregate();
const entries = new OpenAggregate();

/** Points the iterator at the new entries of a source. False when there are none, surely. */
function startNew({ stream, group, after, isNew }: Source): boolean {
  if (stream === null || stream.length === 0) return false;
  start.copy(isNew && group !== undefined ? group.lastId : after);
  if (compareIds(start, stream.lastId) >= 0) return false;
  start.increment();
  iterator.start(stream, start, greatest);
  return true;
}

/** Is there anything to reply for a source? */
function hasAnswer(source: Source): boolean {
  if (source.group !== undefined && !source.isNew) return true;
  return startNew(source) && iterator.next();
}

function replyHead(reply: ReplyWriter, context: CommandContext, key: number): void {
  const { request } = context;
  if (reply.protocol !== 3) reply.array(2);
  reply.bulk(request.block, request.offset(key), request.length(key));
}

/** Replies what a source has: key and entries. False, without a reply, when there is nothing. */
function replySource(context: CommandContext, source: Source, key: number): boolean {
  const { group, stream } = source;
  let consumer: StreamConsumer | undefined;
  if (group !== undefined) consumer = obtainConsumer(context, group, query.groupAt + 1);
  const { reply } = context;
  if (group !== undefined && consumer !== undefined && stream !== null && !source.isNew) {
    replyHead(reply, context, key);
    replyHistory(context, stream, group, consumer, source.after);
    return true;
  }
  if (!startNew(source) || !iterator.next()) return false;
  replyHead(reply, context, key);
  replyNew(context, source, consumer);
  return true;
}

/** Replies the entries that the iterator is about to visit, and delivers them to a consumer. */
function replyNew(
  context: CommandContext,
  { group, stream }: Source,
  consumer: StreamConsumer | undefined,
): void {
  const { now, reply } = context;
  const { count } = query;
  entries.begin(reply, Math.min(count, (stream as StreamValue).length));
  let found = 0;
  do {
    if (group !== undefined && consumer !== undefined) {
      (stream as StreamValue).advanceGroup(group, iterator.id);
      if (!query.skipsPending) {
        group.deliver(consumer, iterator.id, now);
        consumer.activeTime = now;
      }
    }
    iterator.reply(reply);
    found++;
  } while (found < count && iterator.next());
  entries.end(reply, found);
}

/** Replies what is pending for a consumer behind an ID, and counts it as delivered once more. */
function replyHistory(
  { now, reply }: CommandContext,
  stream: StreamValue,
  group: StreamGroup,
  consumer: StreamConsumer,
  after: StreamId,
): void {
  const { pending } = consumer;
  start.copy(after).increment();
  entries.begin(reply, Math.min(query.count, pending.size));
  let found = 0;
  for (let isRow = pending.seek(start); isRow && found < query.count; isRow = pending.next()) {
    pending.readId(pendingId);
    found++;
    if (!stream.find(pendingId, pendingEntry)) {
      reply.array(2);
      replyId(reply, pendingId);
      reply.nullArray();
      continue;
    }
    replyEntry(reply, pendingEntry);
    if (!group.pending.find(pendingId)) continue;
    group.setRowTime(now);
    group.countRow();
  }
  entries.end(reply, found);
}

/** Replies all that there is. False, without a reply, when there is nothing. */
function replySources(context: CommandContext): boolean {
  const { reply } = context;
  const isMap = reply.protocol === 3;
  served.begin(reply, query.keys, isMap);
  let count = 0;
  for (let n = 0; n < query.keys; n++) {
    if (!replySource(context, sources[n], query.keysAt + n)) continue;
    count++;
    if (query.isGroup) context.changed();
  }
  if (count === 0) served.discard(reply);
  else served.end(reply, count);
  return count > 0;
}

function read(context: CommandContext, isGroup: boolean): void {
  const { reply } = context;
  if ((context.request.flags & REQUEST_TIME_IS_UP) !== 0) {
    reply.nullArray();
    return;
  }
  const failure = readOptions(context, isGroup) ?? readSources(context);
  if (failure !== undefined) reply.error(failure);
  else if (!replySources(context)) waitForEntries(context);
}

function waitForEntries(context: CommandContext): void {
  if (query.deadline === NO_BLOCK || !context.mayBlock) {
    context.reply.nullArray();
    return;
  }
  const { keys, keysAt } = query;
  for (let n = 0; n < keys; n++) {
    if (!sources[n].isFromLast) continue;
    context.replaceArgument(keysAt + keys + n, sources[n].after.toString());
  }
  context.block(keysAt, keysAt + keys - 1, query.deadline);
}

/** Would the command be answered now, by entries or by an error? Changes nothing. */
function isReady(context: CommandContext, isGroup: boolean): boolean {
  if ((readOptions(context, isGroup) ?? readSources(context)) !== undefined) return true;
  for (let n = 0; n < query.keys; n++) if (hasAnswer(sources[n])) return true;
  return false;
}

/** Replies OK when the command has no error in it: keys of a command over several shards. */
function check(context: CommandContext): void {
  const failure = readOptions(context, true) ?? readSources(context);
  if (failure === undefined) context.reply.ok();
  else context.reply.error(failure);
}

/** Options before STREAMS take these many arguments, whatever they hold. */
function streamKeys(first: number): readonly KeyRange[] {
  return [
    {
      first,
      last: -1,
      step: 1,
      keyword: 'STREAMS',
      limit: 2,
      access: 'RO access',
      skips: { BLOCK: 1, COUNT: 1, GROUP: 2 },
    },
  ];
}

const SERVED_COST =
  'when the BLOCK option is used, XADD will pay O(M) time in order to serve the M clients ' +
  'blocked on the stream getting new data.';
const CHECKED_KEYS = streamKeys(1);

export const streamReadCommands = [
  {
    name: 'XREAD',
    arity: -4,
    flags: READONLY | BLOCKING | MOVABLE_KEYS,
    handler: (context: CommandContext) => read(context, false),
    isReady: (context: CommandContext) => isReady(context, false),
    keys: streamKeys(1),
    spread: 'streams',
    waitsFor: 'stream',
    group: 'stream',
    since: '5.0.0',
    summary:
      'Return never seen elements in multiple streams, with IDs greater than the ones reported ' +
      'by the caller for each stream. Can block.',
    complexity:
      'For each stream mentioned: O(N) with N being the number of elements being returned, it ' +
      'means that XREAD-ing with a fixed COUNT is O(1). Note that ' +
      SERVED_COST,
    syntax: '[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]',
  },
  {
    name: 'XREADGROUP',
    arity: -7,
    flags: WRITE | BLOCKING | MOVABLE_KEYS,
    handler: (context: CommandContext) => read(context, true),
    isReady: (context: CommandContext) => isReady(context, true),
    keys: streamKeys(4),
    spread: 'streams',
    waitsFor: 'stream',
    noticesAbsence: true,
    group: 'stream',
    since: '5.0.0',
    summary:
      'Return new entries from a stream using a consumer group, or access the history of the ' +
      'pending entries for a given consumer. Can block.',
    complexity:
      'For each stream mentioned: O(M) with M being the number of elements returned. If M is ' +
      'constant (e.g. always asking for the first 10 elements with COUNT), you can consider it ' +
      'O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to ' +
      'serve the N clients blocked on the stream getting new data.',
    syntax:
      'GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] ' +
      'STREAMS key [key ...] id [id ...]',
  },
  {
    name: 'HASHLANE.XCHECK',
    arity: -7,
    flags: READONLY | INTERNAL,
    handler: check,
    keys: CHECKED_KEYS,
    group: 'stream',
    since: '7.2.0',
    summary: 'Tells whether XREADGROUP of these streams would be an error.',
    complexity: 'O(1) for each stream.',
    syntax: 'GROUP group consumer STREAMS key [key ...] id [id ...]',
  },
] as const satisfies readonly CommandSpec[];
