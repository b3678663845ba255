/**
 * XCLAIM and XAUTOCLAIM: pending entries change hands.
 *
 * Order of the checks, replies and texts are those of Redis 7.2. Both forget pending entries whose
 * entry is no longer in the stream. The consumer is made when it is missing, whether or not it gets
 * anything.
 *
 * XAUTOCLAIM first replies where the next call should go on, which is known last: it collects IDs
 * in tables that are kept, and replies then.
 */
import { errors, invalidStreamOption, noStreamGroup, unknownClaimOption } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { parseBigInteger } from '../number-text.ts';
import type { StreamConsumer, StreamGroup } from '../stream-group.ts';
import { compareIds, replyId, StreamId } from '../stream-id.ts';
import { replyEntry } from '../stream-iterator.ts';
import { NodeEntry } from '../stream-node.ts';
import type { StreamValue } from '../stream-value.ts';
import { bigArgument, numberArgument, printed } from './arguments.ts';
import { type CommandSpec, FAST, keys, WRITE } from './command-spec.ts';
import {
  findGroup,
  intervalStart,
  OpenAggregate,
  obtainConsumer,
  strictId,
  writeStream,
} from './stream-arguments.ts';

const COUNT_DEFAULT = 100;
/** Redis allocates 16 bytes for each. */
const COUNT_MAX = (1n << 63n) / 16n - 1n;
/** XAUTOCLAIM looks at this many pending entries for each that it may claim. */
const ATTEMPTS_PER_ENTRY = 10;

const id = new StreamId();
const from = new StreamId();
const entry = new NodeEntry(new StreamId(), new StreamId());
const claimed = new OpenAggregate();

/** The options of both commands; reused. */
const options = {
  minIdle: 0,
  /** When the entries were delivered, or −1 for now. */
  time: -1,
  /** Number of deliveries to set, or −1 to count one more. */
  retryCount: -1n,
  makesPending: false,
  isIdsOnly: false,
  lastId: new StreamId(),
  /** Arguments 5 … `idsEnd` − 1 are IDs. */
  idsEnd: 0,
  count: COUNT_DEFAULT,
};

/** Reads the idle time in argument 4. Returns an error's text, if any. */
function readMinIdle({ request }: CommandContext, command: string): string | undefined {
  options.time = -1;
  options.retryCount = -1n;
  options.makesPending = false;
  options.isIdsOnly = false;
  options.count = COUNT_DEFAULT;
  const minIdle = numberArgument(request, 4);
  if (Number.isNaN(minIdle)) return invalidStreamOption('min-idle-time', command);
  options.minIdle = Math.max(0, minIdle);
  return undefined;
}

/** The stream and group of a command, in `found`; or an error's text. */
const found = { stream: undefined as StreamValue | undefined };

function findBoth(context: CommandContext): StreamGroup | string {
  const { request } = context;
  const stream = writeStream(context, 1);
  if (stream === undefined) return errors.wrongType;
  const group = stream === null ? undefined : findGroup(context, stream, 2);
  if (stream === null || group === undefined) {
    return noStreamGroup(printed(request, 1), printed(request, 2));
  }
  found.stream = stream;
  return group;
}

// XCLAIM.

/** Reads IDs and options from argument 5 on. Returns an error's text, if any. */
function readClaim(context: CommandContext): string | undefined {
  const { request } = context;
  let i = 5;
  while (i < request.argc && strictId(request, i, id)) i++;
  options.idsEnd = i;
  options.lastId.setLeast();
  while (i < request.argc) {
    const next = readClaimOption(context, i);
    if (typeof next === 'string') return next;
    i = next;
  }
  // A time that has not come yet, or an impossible one, is now.
  if (options.time < 0 || options.time > context.now) options.time = context.now;
  return undefined;
}

/** Reads the option in argument `i`: the number of the next argument, or an error's text. */
function readClaimOption(context: CommandContext, i: number): number | string {
  const { request } = context;
  if (request.is(i, 'FORCE')) {
    options.makesPending = true;
    return i + 1;
  }
  if (request.is(i, 'JUSTID')) {
    options.isIdsOnly = true;
    return i + 1;
  }
  if (i + 1 >= request.argc) return unknownClaimOption(printed(request, i));
  if (request.is(i, 'LASTID')) {
    return strictId(request, i + 1, options.lastId) ? i + 2 : errors.streamInvalidId;
  }
  return readClaimNumber(context, i) ?? i + 2;
}

/** Reads an option with a number. Returns an error's text, if any. */
function readClaimNumber({ now, request }: CommandContext, i: number): string | undefined {
  const isIdle = request.is(i, 'IDLE');
  const isTime = request.is(i, 'TIME');
  if (!isIdle && !isTime && !request.is(i, 'RETRYCOUNT')) {
    return unknownClaimOption(printed(request, i));
  }
  const value = bigArgument(request, i + 1);
  const name = isIdle ? 'IDLE' : isTime ? 'TIME' : 'RETRYCOUNT';
  if (value === undefined) return invalidStreamOption(`${name} option`, 'XCLAIM');
  if (isIdle) options.time = now - Number(value);
  else if (isTime) options.time = Number(value);
  else options.retryCount = value;
  return undefined;
}

function xclaim(context: CommandContext): void {
  const { reply, request } = context;
  const group = findBoth(context);
  const failure =
    typeof group === 'string' ? group : (readMinIdle(context, 'XCLAIM') ?? readClaim(context));
  if (typeof group === 'string' || failure !== undefined) {
    reply.error(failure as string);
    return;
  }
  if (compareIds(options.lastId, group.lastId) > 0) {
    group.lastId.copy(options.lastId);
    context.changed();
  }
  const consumer = obtainConsumer(context, group, 3);
  claimed.begin(reply, options.idsEnd - 5);
  let count = 0;
  for (let i = 5; i < options.idsEnd; i++) {
    strictId(request, i, id);
    if (!claimOne(context, group, consumer)) continue;
    if (options.isIdsOnly) replyId(reply, id);
    else replyEntry(reply, entry);
    count++;
  }
  claimed.end(reply, count);
}

/** Claims the entry `id` for a consumer. When it was, `entry` shows it. */
function claimOne(context: CommandContext, group: StreamGroup, consumer: StreamConsumer): boolean {
  const { now } = context;
  const isThere = (found.stream as StreamValue).find(id, entry);
  const isPending = group.pending.find(id);
  if (!isThere) {
    if (isPending) {
      group.removeRow(id);
      context.changed();
    }
    return false;
  }
  if (isPending) {
    if (options.minIdle > 0 && now - group.rowTime() < options.minIdle) return false;
    group.giveRow(consumer, id);
  } else {
    if (!options.makesPending) return false;
    group.addRow(consumer, id);
    group.setRowCount(0, 1);
  }
  group.setRowTime(options.time);
  if (options.retryCount >= 0n) group.setRowBigCount(options.retryCount);
  else if (!options.isIdsOnly) group.countRow();
  consumer.activeTime = now;
  context.changed();
  return true;
}

// XAUTOCLAIM.

/** IDs, four words each, in a table that grows and is kept. */
class IdList {
  #words = new Int32Array(64);
  size = 0;

  add({ msHigh, msLow, seqHigh, seqLow }: StreamId): void {
    const at = this.size * 4;
    if (at === this.#words.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.#words);
      this.#words = grown;
    }
    const words = this.#words;
    words[at] = msHigh;
    words[at + 1] = msLow;
    words[at + 2] = seqHigh;
    words[at + 3] = seqLow;
    this.size++;
  }

  read(i: number, into: StreamId): StreamId {
    const words = this.#words;
    return into.set(words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]);
  }
}

const taken = new IdList();
const gone = new IdList();

/** Reads the arguments from the fourth on. Returns an error's text, if any. */
function readAutoclaim(context: CommandContext): string | undefined {
  const { request } = context;
  const failure = readMinIdle(context, 'XAUTOCLAIM') ?? intervalStart(request, 5, from);
  if (failure !== undefined) return failure;
  for (let i = 6; i < request.argc; i++) {
    if (request.is(i, 'JUSTID')) {
      options.isIdsOnly = true;
      continue;
    }
    if (!request.is(i, 'COUNT') || i + 1 >= request.argc) return errors.syntax;
    i++;
    const count = parseBigInteger(request.text(i));
    if (count === undefined || count < 1n || count > COUNT_MAX) {
      return errors.streamCountNotPositive;
    }
    options.count = Number(count);
  }
  return undefined;
}

function xautoclaim(context: CommandContext): void {
  const { reply } = context;
  const failure = readAutoclaim(context);
  const group = failure ?? findBoth(context);
  if (typeof group === 'string') {
    reply.error(group);
    return;
  }
  options.time = context.now;
  const consumer = obtainConsumer(context, group, 3);
  claimPending(context, group, consumer);
  reply.array(3);
  if (group.pending.isOnRow) replyId(reply, group.pending.readId(id));
  else replyId(reply, id.setLeast());
  replyTaken(context);
  reply.array(gone.size);
  for (let i = 0; i < gone.size; i++) replyId(reply, gone.read(i, id));
}

/** Claims what is pending from `from` on. The cursor of the group is left where to go on. */
function claimPending(context: CommandContext, group: StreamGroup, consumer: StreamConsumer): void {
  const { now } = context;
  const { pending } = group;
  taken.size = 0;
  gone.size = 0;
  let attempts = options.count * ATTEMPTS_PER_ENTRY;
  pending.seek(from);
  while (pending.isOnRow && attempts > 0 && taken.size + gone.size < options.count) {
    attempts--;
    pending.readId(id);
    if (!(found.stream as StreamValue).has(id)) {
      group.removeRow(id);
      gone.add(id);
      context.changed();
      continue;
    }
    if (options.minIdle === 0 || now - group.rowTime() >= options.minIdle) {
      group.giveRow(consumer, id);
      group.setRowTime(now);
      if (!options.isIdsOnly) group.countRow();
      consumer.activeTime = now;
      taken.add(id);
      context.changed();
    }
    pending.next();
  }
}

function replyTaken({ reply }: CommandContext): void {
  reply.array(taken.size);
  for (let i = 0; i < taken.size; i++) {
    taken.read(i, from);
    if (options.isIdsOnly) replyId(reply, from);
    else if ((found.stream as StreamValue).find(from, entry)) replyEntry(reply, entry);
  }
}

export const streamClaimCommands = [
  {
    name: 'XCLAIM',
    arity: -6,
    flags: WRITE | FAST,
    handler: xclaim,
    keys: keys(1, 1, 'RW update'),
    group: 'stream',
    since: '5.0.0',
    summary:
      'Changes (or acquires) ownership of a message in a consumer group, as if the message was ' +
      'delivered to the specified consumer.',
    complexity: 'O(log N) with N being the number of messages in the PEL of the consumer group.',
    syntax:
      'key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] ' +
      '[RETRYCOUNT count] [FORCE] [JUSTID] [LASTID lastid]',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'XAUTOCLAIM',
    arity: -6,
    flags: WRITE | FAST,
    handler: xautoclaim,
    keys: keys(1, 1, 'RW delete'),
    group: 'stream',
    since: '6.2.0',
    summary:
      'Changes (or acquires) ownership of messages in a consumer group, as if the messages were ' +
      'delivered to the specified consumer.',
    complexity: 'O(1) if COUNT is small.',
    syntax: 'key group consumer min-idle-time start:string [COUNT count] [JUSTID]',
    tips: ['nondeterministic_output'],
  },
] as const satisfies readonly CommandSpec[];
