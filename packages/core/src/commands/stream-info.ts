/**
 * XINFO: what is known of a stream, its groups and its consumers.
 *
 * The fields are those of Redis 7.2, which has `inactive` and `active-time` beyond 7.0. The number
 * of radix tree nodes is what Redis's tree would have: counted from the directory, O(nodes).
 */
import { errors, noStreamGroupForKey, type ReplyWriter } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { EntryCounter } from '../entry-counter.ts';
import { NEVER, type StreamConsumer, type StreamGroup } from '../stream-group.ts';
import { replyId, StreamId } from '../stream-id.ts';
import { StreamIterator } from '../stream-iterator.ts';
import { radixTreeNodes, type StreamValue } from '../stream-value.ts';
import { numberArgument, printed } from './arguments.ts';
import { type CommandSpec, keys, LOADING, READONLY, STALE } from './command-spec.ts';
import { findGroup, OpenAggregate, readStream, replySubcommandSyntax } from './stream-arguments.ts';

const CONTAINER = 'XINFO';
const COUNT_DEFAULT = 10;

const id = new StreamId();
const least = new StreamId();
const greatest = new StreamId().setGreatest();
const iterator = new StreamIterator();
const entries = new OpenAggregate();
const counter = new EntryCounter();

/** The stream in argument 2, or undefined after an error reply. */
function streamArgument(context: CommandContext): StreamValue | undefined {
  const stream = readStream(context, 2);
  if (stream !== null && stream !== undefined) return stream;
  context.reply.error(stream === null ? errors.noSuchKey : errors.wrongType);
  return undefined;
}

function replyIdField(reply: ReplyWriter, name: string, value: StreamId): void {
  reply.text(name);
  replyId(reply, value);
}

function replyNumberField(reply: ReplyWriter, name: string, value: number): void {
  reply.text(name);
  reply.integer(value);
}

/** How many entries a group has still before it, or null when that cannot be told. */
function replyLag(reply: ReplyWriter, stream: StreamValue, group: StreamGroup): void {
  const { entriesAdded } = stream;
  reply.text('lag');
  if (entriesAdded.isZero) {
    reply.integer(0);
    return;
  }
  counter.copy(group.entriesRead);
  if (!counter.isKnown || stream.hasHolesFrom(group.lastId)) {
    stream.estimateRead(group.lastId, counter);
  }
  if (counter.isKnown) entriesAdded.replyDifference(reply, counter);
  else reply.null();
}

function replyEntriesRead(reply: ReplyWriter, { entriesRead }: StreamGroup): void {
  reply.text('entries-read');
  if (entriesRead.isKnown) entriesRead.reply(reply);
  else reply.null();
}

// XINFO STREAM.

function xinfoStream(context: CommandContext): void {
  const stream = streamArgument(context);
  if (stream === undefined) return;
  const { request } = context;
  const { argc } = request;
  if (argc === 3) {
    replyShort(context, stream);
    return;
  }
  const isFull = (argc === 4 || argc === 6) && request.is(3, 'FULL');
  if (!isFull || (argc === 6 && !request.is(4, 'COUNT'))) {
    replySubcommandSyntax(context, CONTAINER);
    return;
  }
  const count = argc === 6 ? numberArgument(request, 5) : COUNT_DEFAULT;
  if (Number.isNaN(count)) context.reply.error(errors.notInteger);
  else replyFull(context, stream, count < 0 ? COUNT_DEFAULT : count === 0 ? Infinity : count);
}

function replyCommon(reply: ReplyWriter, stream: StreamValue): void {
  replyNumberField(reply, 'length', stream.length);
  replyNumberField(reply, 'radix-tree-keys', stream.nodes.size);
  replyNumberField(reply, 'radix-tree-nodes', radixTreeNodes(stream.nodes));
  replyIdField(reply, 'last-generated-id', stream.lastId);
  replyIdField(reply, 'max-deleted-entry-id', stream.maxDeletedId);
  reply.text('entries-added');
  stream.entriesAdded.reply(reply);
  replyIdField(reply, 'recorded-first-entry-id', stream.firstId);
}

function replyShort({ reply }: CommandContext, stream: StreamValue): void {
  reply.map(10);
  replyCommon(reply, stream);
  replyNumberField(reply, 'groups', stream.groups.size);
  for (const [name, isReverse] of [
    ['first-entry', false],
    ['last-entry', true],
  ] as const) {
    reply.text(name);
    if (iterator.start(stream, least, greatest, isReverse).next()) iterator.reply(reply);
    else reply.null();
  }
}

function replyFull({ reply }: CommandContext, stream: StreamValue, count: number): void {
  reply.map(9);
  replyCommon(reply, stream);
  reply.text('entries');
  iterator.start(stream, least, greatest);
  entries.begin(reply, Math.min(count, stream.length));
  let found = 0;
  while (found < count && iterator.next()) {
    iterator.reply(reply);
    found++;
  }
  entries.end(reply, found);
  reply.text('groups');
  reply.array(stream.groups.size);
  for (const group of stream.groups.all) replyFullGroup(reply, stream, group, count);
}

function replyFullGroup(
  reply: ReplyWriter,
  stream: StreamValue,
  group: StreamGroup,
  count: number,
): void {
  const { consumers, name, pending } = group;
  reply.map(7);
  reply.text('name');
  reply.bulk(name, 0, name.size);
  replyIdField(reply, 'last-delivered-id', group.lastId);
  replyEntriesRead(reply, group);
  replyLag(reply, stream, group);
  replyNumberField(reply, 'pel-count', pending.size);
  reply.text('pending');
  reply.array(Math.min(count, pending.size));
  pending.seekFirst();
  for (let left = Math.min(count, pending.size); left > 0; left--) {
    const consumer = group.rowConsumer();
    reply.array(4);
    replyId(reply, pending.readId(id));
    reply.bulk(consumer.name, 0, consumer.name.size);
    replyDelivery(reply, group);
    pending.next();
  }
  reply.text('consumers');
  reply.array(consumers.size);
  for (const consumer of consumers.all) replyFullConsumer(reply, group, consumer, count);
}

/** Time and count of deliveries of the group's row. */
function replyDelivery(reply: ReplyWriter, group: StreamGroup): void {
  reply.integer(group.rowTime());
  reply.bigInteger(BigInt.asIntN(64, group.rowCount()));
}

function replyFullConsumer(
  reply: ReplyWriter,
  group: StreamGroup,
  consumer: StreamConsumer,
  count: number,
): void {
  const { activeTime, name, pending, seenTime } = consumer;
  reply.map(5);
  reply.text('name');
  reply.bulk(name, 0, name.size);
  replyNumberField(reply, 'seen-time', seenTime);
  replyNumberField(reply, 'active-time', activeTime);
  replyNumberField(reply, 'pel-count', pending.size);
  reply.text('pending');
  reply.array(Math.min(count, pending.size));
  pending.seekFirst();
  for (let left = Math.min(count, pending.size); left > 0; left--) {
    group.pending.find(pending.readId(id));
    reply.array(3);
    replyId(reply, id);
    replyDelivery(reply, group);
    pending.next();
  }
}

// XINFO GROUPS, XINFO CONSUMERS.

function xinfoGroups(context: CommandContext): void {
  const { reply } = context;
  const stream = streamArgument(context);
  if (stream === undefined) return;
  reply.array(stream.groups.size);
  for (const group of stream.groups.all) {
    reply.map(6);
    reply.text('name');
    reply.bulk(group.name, 0, group.name.size);
    replyNumberField(reply, 'consumers', group.consumers.size);
    replyNumberField(reply, 'pending', group.pending.size);
    replyIdField(reply, 'last-delivered-id', group.lastId);
    replyEntriesRead(reply, group);
    replyLag(reply, stream, group);
  }
}

function xinfoConsumers(context: CommandContext): void {
  const { now, reply, request } = context;
  const stream = streamArgument(context);
  if (stream === undefined) return;
  const group = findGroup(context, stream, 3);
  if (group === undefined) {
    reply.error(noStreamGroupForKey(printed(request, 3), printed(request, 2)));
    return;
  }
  reply.array(group.consumers.size);
  for (const { activeTime, name, pending, seenTime } of group.consumers.all) {
    reply.map(4);
    reply.text('name');
    reply.bulk(name, 0, name.size);
    replyNumberField(reply, 'pending', pending.size);
    replyNumberField(reply, 'idle', Math.max(0, now - seenTime));
    replyNumberField(reply, 'inactive', activeTime === NEVER ? NEVER : now - activeTime);
  }
}

const HELP = [
  'XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CONSUMERS <key> <groupname>',
  '    Show consumers of <groupname>.',
  'GROUPS <key>',
  '    Show the stream consumer groups.',
  'STREAM <key> [FULL [COUNT <count>]',
  '    Show information about the stream.',
  'HELP',
  '    Prints this help.',
];

function xinfoHelp({ reply }: CommandContext): void {
  reply.array(HELP.length);
  for (const line of HELP) reply.simple(line);
}

const READ_KEY = keys(2, 2, 'RO access');

export const streamInfoCommands = [
  {
    name: 'XINFO|CONSUMERS',
    arity: 4,
    flags: READONLY,
    handler: xinfoConsumers,
    keys: READ_KEY,
    group: 'stream',
    since: '5.0.0',
    summary: 'List the consumers in a consumer group',
    complexity: 'O(1)',
    syntax: 'key group',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'XINFO|GROUPS',
    arity: 3,
    flags: READONLY,
    handler: xinfoGroups,
    keys: READ_KEY,
    group: 'stream',
    since: '5.0.0',
    summary: 'List the consumer groups of a stream',
    complexity: 'O(1)',
    syntax: 'key',
  },
  {
    name: 'XINFO|STREAM',
    arity: -3,
    flags: READONLY,
    handler: xinfoStream,
    keys: READ_KEY,
    group: 'stream',
    since: '5.0.0',
    summary: 'Get information about a stream',
    complexity: 'O(1)',
    syntax: 'key [FULL [COUNT count]]',
  },
  {
    name: 'XINFO|HELP',
    arity: 2,
    flags: LOADING | STALE,
    handler: xinfoHelp,
    group: 'stream',
    since: '5.0.0',
    summary: 'Show helpful text about the different subcommands',
    complexity: 'O(1)',
    syntax: '',
  },
] as const satisfies readonly CommandSpec[];
