/**
 * HyperLogLog commands: PFADD, PFCOUNT, PFMERGE, and what Redis has for their debugging.
 *
 * The values are strings in Redis's format (../hyperloglog.ts). A string that is none is the wrong
 * type; one that looks like one and then is not sound is an error of its own. A string that went
 * through here counts as `raw`, even when only read, as in Redis.
 *
 * Costs: PFADD of a dense value O(1) per element, in place; of a sparse one O(its bytes), at most
 * hll-sparse-max-bytes. PFCOUNT of one key O(1) as long as nothing changed, else 16,384 registers.
 * Nothing is allocated on the V8 heap.
 */
import { errors, unknownPfdebugSubcommand } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { RAW_FORCED } from '../entry.ts';
import {
  cacheCount,
  cachedCount,
  DAMAGED,
  denseRegister,
  HyperLogLogDraft,
  invalidateCount,
  isCountCached,
  isDense,
  isHyperLogLog,
  Pattern,
  RAISED,
  REGISTERS,
  RegisterSet,
  raiseDense,
  sparseText,
  wideCount,
} from '../hyperloglog.ts';
import { selfTest } from '../hyperloglog-self-test.ts';
import { forceRaw, KEEP_DEADLINE, NO_DEADLINE, StringSpan, storeString } from '../string-value.ts';
import { printed } from './arguments.ts';
import {
  ADMIN,
  type CommandSpec,
  DENYOOM,
  FAST,
  keys,
  MAY_REPLICATE,
  READONLY,
  WRITE,
} from './command-spec.ts';

/** Reused by all handlers: none keeps them across a change or a command. */
const span = new StringSpan();
const draft = new HyperLogLogDraft();
const pattern = new Pattern();
const union = new RegisterSet();

/** Locates the HyperLogLog under `reference` in `span`; false with an error replied. */
function locate(context: CommandContext, reference: number): boolean {
  const { keyspace, reply } = context;
  if (!span.locate(keyspace.arena, reference)) {
    reply.error(errors.wrongType);
    return false;
  }
  if (isHyperLogLog(span.block, span.offset, span.length)) return true;
  reply.error(errors.notHyperLogLog);
  return false;
}

function countAsRaw({ keyspace }: CommandContext, reference: number): void {
  if ((keyspace.metaOf(reference) & RAW_FORCED) === 0) forceRaw(keyspace, reference);
}

/** Makes the draft the value of the key in argument `k`, whose entry has just been looked up. */
function storeDraft({ keyspace, request }: CommandContext, k: number, found: number): number {
  const { block, length } = draft;
  const deadline = found === 0 ? NO_DEADLINE : KEEP_DEADLINE;
  const reference = storeString(keyspace, request, k, found, block, 0, length, deadline);
  forceRaw(keyspace, reference);
  draft.finish();
  return reference;
}

function pfadd(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const reference = keyspace.lookupWrite(request, 1);
  let changes = 0;
  if (reference === 0) {
    draft.create();
    changes = 1;
  } else {
    if (!locate(context, reference)) return;
    countAsRaw(context, reference);
    if (isDense(span.block, span.offset)) {
      addDense(context);
      return;
    }
    draft.load(span.block, span.offset, span.length);
  }
  const added = addToDraft(context);
  if (added === -1) {
    // Elements before the one that found the damage stay added.
    if (!draft.isDense) storeDraft(context, 1, reference);
    reply.error(errors.damagedHyperLogLog);
    return;
  }
  changes += added;
  if (changes > 0) {
    invalidateCount(draft.block, 0);
    storeDraft(context, 1, reference);
    context.changed(changes);
  }
  reply.integer(changes > 0 ? 1 : 0);
}

/** Adds the elements to the draft: how many raised a register, or −1 when it is damaged. */
function addToDraft(context: CommandContext): number {
  const { engine, request } = context;
  const { hllSparseMaxBytes } = engine.settings;
  let raised = 0;
  for (let i = 2; i < request.argc; i++) {
    pattern.of(request.block, request.offset(i), request.length(i));
    const outcome = draft.raise(pattern.index, pattern.count, hllSparseMaxBytes);
    if (outcome === DAMAGED) return -1;
    if (outcome === RAISED) raised++;
  }
  return raised;
}

/** PFADD to the dense value in `span`. */
function addDense(context: CommandContext): void {
  const { reply, request } = context;
  const { block, offset } = span;
  let raised = 0;
  for (let i = 2; i < request.argc; i++) {
    pattern.of(request.block, request.offset(i), request.length(i));
    if (raiseDense(block, offset, pattern.index, pattern.count)) raised++;
  }
  if (raised > 0) {
    invalidateCount(block, offset);
    context.changed(raised);
  }
  reply.integer(raised > 0 ? 1 : 0);
}

function pfcount(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  if (request.argc > 2) {
    if (mergeAll(context)) reply.integer(union.count());
    return;
  }
  const reference = keyspace.lookupRead(request, 1);
  if (reference === 0) {
    reply.integer(0);
    return;
  }
  if (!locate(context, reference)) return;
  countAsRaw(context, reference);
  if (isCountCached(span.block, span.offset)) replyCached(context);
  else countAnew(context, reference);
}

function replyCached({ reply }: CommandContext): void {
  const count = cachedCount(span.block, span.offset);
  if (Number.isNaN(count)) reply.bigInteger(wideCount(span.block, span.offset));
  else reply.integer(count);
}

/** Counts the value in `span` and remembers the result in it. */
function countAnew(context: CommandContext, reference: number): void {
  const { keyspace, reply } = context;
  const { block, length, offset } = span;
  union.clear();
  if (!union.merge(block, offset, length)) {
    reply.error(errors.damagedHyperLogLog);
    return;
  }
  const count = union.count();
  keyspace.willChange(reference);
  cacheCount(block, offset, count);
  context.changed();
  reply.integer(count);
}

/** At least one of the values that `mergeAll` merged was dense. */
let anyIsDense = false;

/** The union of all keys in `union`; false with an error replied. */
function mergeAll(context: CommandContext): boolean {
  const { keyspace, reply, request } = context;
  union.clear();
  anyIsDense = false;
  for (let i = 1; i < request.argc; i++) {
    const reference = keyspace.lookupRead(request, i);
    if (reference === 0) continue;
    if (!locate(context, reference)) return false;
    if (isDense(span.block, span.offset)) anyIsDense = true;
    if (!union.merge(span.block, span.offset, span.length)) {
      reply.error(errors.damagedHyperLogLog);
      return false;
    }
  }
  return true;
}

function pfmerge(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  if (!mergeAll(context)) return;
  const reference = keyspace.lookupWrite(request, 1);
  if (reference === 0) {
    draft.create();
  } else {
    span.locate(keyspace.arena, reference);
    draft.load(span.block, span.offset, span.length);
  }
  if (anyIsDense) {
    if (!draft.isDense) draft.promote();
    union.writeDense(draft.block, 0);
  } else {
    raiseToUnion(context);
  }
  invalidateCount(draft.block, 0);
  storeDraft(context, 1, reference);
  context.changed();
  reply.ok();
}

/** One register after the other, so that the sparse form comes out as Redis's. */
function raiseToUnion({ engine }: CommandContext): void {
  const { hllSparseMaxBytes } = engine.settings;
  const { registers } = union;
  for (let i = 0; i < REGISTERS; i++) {
    if (registers[i] !== 0) draft.raise(i, registers[i], hllSparseMaxBytes);
  }
}

// Debugging

function pfselftest({ reply }: CommandContext): void {
  const failure = selfTest();
  if (failure === undefined) reply.ok();
  else reply.error(failure);
}

function pfdebug(context: CommandContext): void {
  const { keyspace, reply, request } = context;
  const reference = keyspace.lookupWrite(request, 2);
  if (reference === 0) {
    reply.error(errors.keyDoesNotExist);
    return;
  }
  if (!locate(context, reference)) return;
  countAsRaw(context, reference);
  if (request.is(1, 'GETREG')) replyRegisters(context, reference);
  else if (request.is(1, 'DECODE')) replyOpcodes(context);
  else if (request.is(1, 'ENCODING')) {
    reply.simple(isDense(span.block, span.offset) ? 'dense' : 'sparse');
  } else if (request.is(1, 'TODENSE')) {
    const wasDense = isDense(span.block, span.offset);
    if (makeDense(context, reference)) reply.integer(wasDense ? 0 : 1);
  } else {
    reply.error(unknownPfdebugSubcommand(printed(request, 1)));
  }
}

/** Makes the value in `span` dense and locates it there; false with an error replied. */
function makeDense(context: CommandContext, reference: number): boolean {
  if (isDense(span.block, span.offset)) return true;
  draft.load(span.block, span.offset, span.length);
  if (!draft.promote()) {
    draft.finish();
    context.reply.error(errors.damagedHyperLogLog);
    return false;
  }
  span.locate(context.keyspace.arena, storeDraft(context, 2, reference));
  context.changed();
  return true;
}

function replyRegisters(context: CommandContext, reference: number): void {
  const { reply } = context;
  if (!makeDense(context, reference)) return;
  reply.array(REGISTERS);
  for (let i = 0; i < REGISTERS; i++) reply.integer(denseRegister(span.block, span.offset, i));
}

function replyOpcodes({ reply }: CommandContext): void {
  const { block, length, offset } = span;
  if (isDense(block, offset)) reply.error(errors.hyperLogLogNotSparse);
  else reply.text(sparseText(block, offset, length));
}

export const hyperLogLogCommands = [
  {
    name: 'PFADD',
    arity: -2,
    flags: WRITE | DENYOOM | FAST,
    keys: keys(1, 1, 'RW insert'),
    group: 'hyperloglog',
    since: '2.8.9',
    summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    complexity: 'O(1) to add every element.',
    syntax: 'key [element [element ...]]',
    handler: pfadd,
  },
  {
    name: 'PFCOUNT',
    arity: -2,
    flags: READONLY | MAY_REPLICATE,
    keys: [
      {
        first: 1,
        last: -1,
        step: 1,
        access: 'RW access',
        notes:
          'RW because it may change the internal representation of the key, and propagate to ' +
          'replicas',
      },
    ],
    spread: 'borrow',
    group: 'hyperloglog',
    since: '2.8.9',
    summary:
      'Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).',
    complexity:
      'O(1) with a very small average constant time when called with a single key. O(N) with N ' +
      'being the number of keys, and much bigger constant times, when called with multiple keys.',
    syntax: 'key [key ...]',
    handler: pfcount,
  },
  {
    name: 'PFMERGE',
    arity: -2,
    flags: WRITE | DENYOOM,
    keys: [...keys(1, 1, 'RW access insert'), ...keys(2, -1, 'RO access')],
    spread: 'borrow',
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Merges one or more HyperLogLog values into a single key.',
    complexity: 'O(N) to merge N HyperLogLogs, but with high constant times.',
    syntax: 'destkey:key [sourcekey:key [sourcekey:key ...]]',
    handler: pfmerge,
  },
  {
    name: 'PFSELFTEST',
    arity: 1,
    flags: ADMIN,
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'An internal command for testing HyperLogLog values.',
    complexity: 'N/A',
    syntax: '',
    handler: pfselftest,
  },
  {
    name: 'PFDEBUG',
    arity: 3,
    flags: WRITE | DENYOOM | ADMIN,
    keys: keys(2, 2, 'RW access'),
    group: 'hyperloglog',
    since: '2.8.9',
    summary: 'Internal commands for debugging HyperLogLog values.',
    complexity: 'N/A',
    syntax: '<GETREG | DECODE | ENCODING | TODENSE> key',
    handler: pfdebug,
  },
] as const satisfies readonly CommandSpec[];
