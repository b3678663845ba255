/**
 * DUMP and RESTORE: a value as bytes that redis-server takes as well, and back.
 *
 * The bytes are the value codec's, with a version and a checksum behind them. RESTORE with REPLACE
 * takes the old value aside until the new one has proved sound: a payload that is not leaves the
 * key as it was. Cost: O(bytes of the value).
 */
import { errors } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import type { Engine } from '../engine.ts';
import { CLOCK } from '../entry.ts';
import { integerArgument } from './arguments.ts';
import { type CommandSpec, DENYOOM, keys, READONLY, WRITE } from './command-spec.ts';
import { findArgument, removeArgument } from './generic.ts';

const COUNTER_MAX = 255;
/** Greater deadlines are kept as this: no clock will come to it. */
const DEADLINE_MAX_MS = Number.MAX_SAFE_INTEGER;

function dump(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) reply.null();
  else reply.buffer(engine.codec.dumpValue(keyspace, reference));
}

interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  /** Seconds, or −1. */
  idle: number;
  /** LFU counter, or −1. */
  counter: number;
}

/** The value of an option in argument `i` within [0, max], or NaN after an error reply. */
function boundedOption(context: CommandContext, i: number, max: number, text: string): number {
  const value = integerArgument(context, i, errors.notInteger);
  if (Number.isNaN(value) || (value >= 0 && value <= max)) return value;
  context.reply.error(text);
  return Number.NaN;
}

/** Options from argument 4 on, or undefined after an error reply. */
function restoreOptions(context: CommandContext): RestoreOptions | undefined {
  const { request, reply } = context;
  const options = { replaces: false, isAbsolute: false, idle: -1, counter: -1 };
  for (let i = 4; i < request.argc; i++) {
    const hasValue = i + 1 < request.argc;
    if (request.is(i, 'REPLACE')) {
      options.replaces = true;
    } else if (request.is(i, 'ABSTTL')) {
      options.isAbsolute = true;
    } else if (request.is(i, 'IDLETIME') && hasValue && options.counter < 0) {
      options.idle = boundedOption(context, ++i, Infinity, errors.invalidIdleTime);
      if (Number.isNaN(options.idle)) return undefined;
    } else if (request.is(i, 'FREQ') && hasValue && options.idle < 0) {
      options.counter = boundedOption(context, ++i, COUNTER_MAX, errors.invalidFrequency);
      if (Number.isNaN(options.counter)) return undefined;
    } else {
      reply.error(errors.syntax);
      return undefined;
    }
  }
  return options;
}

/** Deadline out of argument 2, Infinity for none, or NaN after an error reply. */
function restoreDeadline(context: CommandContext, isAbsolute: boolean): number {
  const time = boundedOption(context, 2, Infinity, errors.invalidTtl);
  if (time === 0) return Infinity;
  return Math.min(time + (isAbsolute ? 0 : context.now), DEADLINE_MAX_MS);
}

function restore(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  const options = restoreOptions(context);
  if (options === undefined) return;
  if (!options.replaces && findArgument(keyspace, request, 1) !== 0) {
    reply.error(errors.busyKey);
    return;
  }
  const deadline = restoreDeadline(context, options.isAbsolute);
  if (Number.isNaN(deadline)) return;
  const value = engine.codec.valueOfDump(request.bytes(3));
  if (value === undefined) {
    reply.error(errors.badDumpFooter);
    return;
  }
  const old = setAside(context);
  const made = addValue(context, value);
  if (made === 0) {
    if (old !== undefined) putBack(context, old);
    reply.error(errors.badDump);
    return;
  }
  if (old !== undefined) keyspace.freeDetached(old.reference);
  const isPast = deadline <= context.now;
  if (isPast) removeArgument(keyspace, request, 1);
  else finish(context, made, deadline, options);
  // A value that has expired already changes something only by what it replaced.
  if (!isPast || old !== undefined) context.changed();
  reply.ok();
}

function finish(
  context: CommandContext,
  reference: number,
  deadline: number,
  options: RestoreOptions,
): void {
  setClock(context, reference, options);
  if (deadline === Infinity) return;
  context.keyspace.findEntry(reference);
  context.keyspace.expireFoundAt(reference, deadline);
}

/** A key's entry that is in no table, and when it expires. */
interface DetachedEntry {
  readonly reference: number;
  readonly deadline: number;
}

/** Takes the entry of the key in argument 1 out of the keyspace, if there is one. */
function setAside({ keyspace, request }: CommandContext): DetachedEntry | undefined {
  const reference = findArgument(keyspace, request, 1);
  if (reference === 0) return undefined;
  keyspace.willChange(reference);
  const deadline = keyspace.deadlineOf(reference);
  return { reference: keyspace.detachFound(), deadline };
}

function putBack({ keyspace, request }: CommandContext, old: DetachedEntry): void {
  const hash = keyspace.hashOf(request, 1);
  const { block } = request;
  const { reference, deadline } = old;
  keyspace.insertDetached(reference, deadline, block, request.offset(1), request.length(1), hash);
}

/** Adds the key in argument 1 with an encoded value; 0 when that is not sound. */
function addValue({ engine, keyspace, request }: CommandContext, value: Buffer): number {
  return engine.codec.decodeValue(
    keyspace,
    request.block,
    request.offset(1),
    request.length(1),
    keyspace.hashOf(request, 1),
    value,
  );
}

/** Clock word that the options ask for and the policy understands; undefined for a fresh one. */
function clockFor(engine: Engine, { idle, counter }: RestoreOptions): number | undefined {
  if (engine.lfu) return counter < 0 ? undefined : engine.eviction.clockOf(counter);
  return idle < 0 ? undefined : engine.accessClock - Math.min(idle, engine.accessClock);
}

/** Makes an entry as old, or as much used, as the options say. */
function setClock(
  { engine, keyspace }: CommandContext,
  reference: number,
  options: RestoreOptions,
): void {
  const clock = clockFor(engine, options);
  if (clock === undefined) return;
  const { view } = keyspace.arena.pages[pageOf(reference)];
  view.setInt32(offsetOf(reference) + CLOCK, clock, true);
}

export const dumpCommands = [
  {
    name: 'DUMP',
    arity: 2,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'generic',
    since: '2.6.0',
    summary: 'Returns a serialized representation of the value stored at a key.',
    complexity:
      'O(1) to access the key and additional O(N*M) to serialize it, where N is the number of ' +
      'Redis objects composing the value and M their average size. For small string values the ' +
      'time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).',
    syntax: 'key',
    tips: ['nondeterministic_output'],
    handler: dump,
  },
  {
    name: 'RESTORE',
    arity: -4,
    flags: WRITE | DENYOOM,
    keys: keys(1, 1, 'OW update'),
    group: 'generic',
    since: '2.6.0',
    summary: 'Creates a key from the serialized representation of a value.',
    complexity:
      'O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, ' +
      'where N is the number of Redis objects composing the value and M their average size. For ' +
      'small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply ' +
      'O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting ' +
      'values into sorted sets is O(log(N)).',
    syntax:
      'key ttl:integer serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] ' +
      '[FREQ frequency:integer]',
    categories: '@dangerous',
    handler: restore,
  },
] as const satisfies readonly CommandSpec[];
