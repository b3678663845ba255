/**
 * Internal commands by which a coordinator carries values between shards, for the commands whose
 * keys are on two of them (RENAME, COPY, LMOVE), and gives elements back that could not be
 * delivered. Clients never see them: the gateway resolves no name with the INTERNAL flag.
 *
 *   RENAME a b    TAKE a ─▶ shard of a     then WRITE b … REPLACE ─▶ shard of b
 *   COPY a b      READ a                   then COPY b … REPLACE or ABSENT
 *   LMOVE a b     TYPE a, TYPE b           then POP a, PUSH b
 *   BLMOVE a b    as LMOVE; when there is nothing AWAIT a, which answers READY when there is, then as
 *                 LMOVE again, then LEAVE, or RESUME if another client was faster
 *
 * A value travels as the bytes of the value codec. Replies are RESP2 whatever the client speaks:
 * the coordinator reads them. None of these commands touches access clocks or hit counters, except
 * that WRITE sets the clock it is given. The order of Redis's checks is the coordinator's: for
 * LMOVE a missing source is null before the destination's type matters.
 */
import { errors } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { databaseDigests } from '../dataset-digest.ts';
import { CLOCK, LIST, TYPE_NAMES } from '../entry.ts';
import { LIST_BYTES, ListValue } from '../list-value.ts';
import { deadlineArgument } from './arguments.ts';
import {
  BLOCKING,
  type CommandSpec,
  DENYOOM,
  INTERNAL,
  keys,
  READONLY,
  WRITE,
} from './command-spec.ts';
import { findArgument, removeArgument } from './generic.ts';

/** Deadline on the wire for "none". */
const NO_DEADLINE = -1;

const list = new ListValue();

function read(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  reply.protocol = 2;
  const reference = findArgument(keyspace, request, 1);
  if (reference === 0) {
    reply.nullArray();
    return;
  }
  const deadline = keyspace.deadlineOf(reference);
  const { view } = keyspace.arena.pages[pageOf(reference)];
  reply.array(3);
  reply.buffer(engine.codec.encodeValue(keyspace, reference, false));
  reply.integer(deadline === Infinity ? NO_DEADLINE : deadline);
  reply.integer(view.getInt32(offsetOf(reference) + CLOCK, true));
}

/** Reads a value and removes its key: nobody can change it on the way. */
function take(context: CommandContext): void {
  read(context);
  if (removeArgument(context.keyspace, context.request, 1)) context.changed();
}

function write(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  reply.protocol = 2;
  if (request.is(4, 'REPLACE')) {
    removeArgument(keyspace, request, 1);
  } else if (findArgument(keyspace, request, 1) !== 0) {
    reply.integer(0);
    return;
  }
  const made = engine.codec.decodeValue(
    keyspace,
    request.block,
    request.offset(1),
    request.length(1),
    keyspace.hashOf(request, 1),
    request.bytes(2),
  );
  if (made === 0) {
    reply.error(errors.badTransfer);
    return;
  }
  if (request.argc > 5) {
    const { view } = keyspace.arena.pages[pageOf(made)];
    view.setInt32(offsetOf(made) + CLOCK, Number(request.text(5)), true);
  }
  const deadline = Number(request.text(3));
  if (deadline !== NO_DEADLINE) {
    keyspace.findEntry(made);
    keyspace.expireFoundAt(made, deadline);
  }
  context.changed();
  reply.integer(1);
}

function remove(context: CommandContext): void {
  const { keyspace, request, reply } = context;
  reply.protocol = 2;
  const isRemoved = removeArgument(keyspace, request, 1);
  if (isRemoved) context.changed();
  reply.integer(isRemoved ? 1 : 0);
}

function type({ keyspace, request, reply }: CommandContext): void {
  const reference = findArgument(keyspace, request, 1);
  reply.simple(reference === 0 ? 'none' : TYPE_NAMES[keyspace.typeOf(reference)]);
}

function types({ keyspace, request, reply }: CommandContext): void {
  reply.array(request.argc - 1);
  for (let i = 1; i < request.argc; i++) {
    const reference = findArgument(keyspace, request, i);
    reply.simple(reference === 0 ? 'none' : TYPE_NAMES[keyspace.typeOf(reference)]);
  }
}

/** Looks at the list in argument 1; false when the key is missing or, after an error, no list. */
function openList(context: CommandContext, reference: number): boolean {
  const { engine, keyspace, reply } = context;
  if (keyspace.typeOf(reference) !== LIST) {
    reply.error(errors.wrongType);
    return false;
  }
  keyspace.willChange(reference);
  list.open(keyspace.arena, reference, engine.settings.listMaxListpackSize);
  return true;
}

function pop(context: CommandContext): void {
  const { keyspace, request, reply } = context;
  reply.protocol = 2;
  const reference = findArgument(keyspace, request, 1);
  if (reference === 0) {
    reply.null();
    return;
  }
  if (!openList(context, reference)) return;
  if (request.is(2, 'LEFT')) list.popHead(reply);
  else list.popTail(reply);
  if (list.length === 0) keyspace.removeFound();
  context.changed();
}

function push(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  reply.protocol = 2;
  let reference = findArgument(keyspace, request, 1);
  if (reference !== 0) {
    if (!openList(context, reference)) return;
  } else {
    reference = keyspace.insertArgument(request, 1, LIST, LIST_BYTES);
    list.open(keyspace.arena, reference, engine.settings.listMaxListpackSize).initialize();
  }
  const isLeft = request.is(2, 'LEFT');
  for (let i = 3; i < request.argc; i++) {
    const offset = request.offset(i);
    const length = request.length(i);
    if (isLeft) list.pushHead(request.block, offset, length);
    else list.pushTail(request.block, offset, length);
  }
  context.changed();
  reply.integer(list.length);
}

function digest({ engine, reply }: CommandContext): void {
  const parts = databaseDigests(engine);
  reply.protocol = 2;
  reply.array(parts.length * 2);
  for (const part of parts) {
    reply.integer(part.database);
    reply.buffer(part.digest);
  }
}

function awaitList(context: CommandContext): void {
  const deadline = deadlineArgument(context, 2);
  if (Number.isNaN(deadline)) return;
  if (context.mayBlock) context.block(1, 1, deadline);
  else context.reply.nullArray();
}

function resume({ engine, request, reply }: CommandContext): void {
  engine.resume(request.connection);
  reply.ok();
}

function leave({ engine, request, reply }: CommandContext): void {
  engine.unblock(request.connection, 'none');
  reply.ok();
}

const INTERNAL_ROW = { group: 'internal', since: '0.1.0', complexity: 'O(N)' } as const;

export const transferCommands = [
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.READ',
    arity: 2,
    flags: INTERNAL | READONLY,
    keys: keys(1, 1, 'RO access'),
    syntax: 'key',
    summary: 'Null, or the encoded value, the deadline in ms or -1, and the access clock.',
    handler: read,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.TAKE',
    arity: 2,
    flags: INTERNAL | WRITE,
    keys: keys(1, 1, 'RM access delete'),
    syntax: 'key',
    summary: 'HASHLANE.READ, and the key is removed.',
    handler: take,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.WRITE',
    arity: -5,
    flags: INTERNAL | WRITE,
    keys: keys(1, 1, 'OW update'),
    syntax: 'key value deadline <REPLACE | ABSENT> [clock]',
    summary: 'Stores an encoded value; 0 when ABSENT was asked for and the key exists, else 1.',
    handler: write,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.COPY',
    arity: 5,
    flags: INTERNAL | WRITE | DENYOOM,
    keys: keys(1, 1, 'OW update'),
    syntax: 'key value deadline <REPLACE | ABSENT>',
    summary: 'HASHLANE.WRITE, refused when there is no room.',
    handler: write,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.DELETE',
    arity: 2,
    flags: INTERNAL | WRITE,
    keys: keys(1, 1, 'RM delete'),
    syntax: 'key',
    summary: 'Removes a key; 1 or 0.',
    handler: remove,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.TYPE',
    arity: 2,
    flags: INTERNAL | READONLY,
    keys: keys(1, 1, 'RO'),
    syntax: 'key',
    summary: 'Type name or none.',
    handler: type,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.TYPES',
    arity: -2,
    flags: INTERNAL | READONLY,
    keys: keys(1, -1, 'RO'),
    syntax: 'key [key ...]',
    summary: 'Type name or none, of each key.',
    handler: types,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.POP',
    arity: 3,
    flags: INTERNAL | WRITE,
    keys: keys(1, 1, 'RW access delete'),
    syntax: 'key <LEFT | RIGHT>',
    summary: 'Takes an element off a list; null when the key is missing.',
    // So that a first try gives way to who waits (REQUEST_GIVES_WAY).
    waitsFor: 'list',
    handler: pop,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.PUSH',
    arity: -4,
    flags: INTERNAL | WRITE,
    keys: keys(1, 1, 'RW insert'),
    syntax: 'key <LEFT | RIGHT> element [element ...]',
    summary: 'Puts elements on a list, one after the other, and returns its length.',
    handler: push,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.AWAIT',
    arity: 3,
    flags: INTERNAL | BLOCKING,
    keys: keys(1, 1, 'RO'),
    syntax: 'key timeout',
    summary: 'Waits until a key is a list, and says READY each time.',
    waitsFor: 'list',
    announces: true,
    handler: awaitList,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.RESUME',
    arity: 1,
    flags: INTERNAL,
    syntax: '',
    summary: 'The connection whose HASHLANE.AWAIT said READY found nothing, and waits on.',
    handler: resume,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.LEAVE',
    arity: 1,
    flags: INTERNAL,
    syntax: '',
    summary: 'The connection no longer waits here; nobody answers it.',
    handler: leave,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.DIGEST',
    arity: 1,
    flags: INTERNAL | READONLY,
    spread: 'every',
    syntax: '',
    summary: 'Database numbers and digests of this shard, for joinDigests.',
    handler: digest,
  },
] as const satisfies readonly CommandSpec[];
