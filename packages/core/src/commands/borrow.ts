/**
 * Commands that read keys of several shards, in one of these shards: the values of the others' keys
 * are lent to it for the length of the command.
 *
 *   SINTER a b c      a, b on shard 0; c on shard 1
 *
 *     shard 1   LEND c                          ─▶ the value of c, encoded
 *     shard 0   BORROW SINTER c value, a b c    ─▶ adds c, runs SINTER a b c, removes c
 *
 * The borrowed keys lie in the keyspace beside the shard's own under their own names, so the command
 * runs as it would on one shard: its handler is the same and knows nothing of it. They cannot
 * collide with keys of this shard, because they belong to others. Nothing else runs in between:
 * no key expires, none is evicted (room is made before they come), and no snapshot step sees them;
 * they are born with the parity of saved entries, so their removal leaves no record either. Nobody
 * waits for them here: a client that waits for a key waits in the key's own shard. They carry no
 * deadline; one that has passed is missing at the lender already.
 *
 * Only keys that the command does not write may be borrowed. A hit or a miss is counted once, by the
 * handler; the access clock is the lender's to touch.
 *
 * Cost: O(bytes of the values), three copies and an encoding each. The values are not compressed.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { hashBytes } from '../hash.ts';
import { invariant } from '../invariant.ts';
import type { Keyspace } from '../keyspace.ts';
import type { Request } from '../request.ts';
import { type CommandSpec, DENYOOM, INTERNAL, keys, READONLY, WRITE } from './command-spec.ts';
import { findArgument } from './generic.ts';

/** Argument of BORROW at which the borrowed keys begin, each followed by its value. */
const FIRST_BORROWED = 3;

function lend({ engine, keyspace, request, reply }: CommandContext): void {
  reply.protocol = 2;
  reply.array(request.argc - 1);
  for (let i = 1; i < request.argc; i++) {
    const reference = findArgument(keyspace, request, i);
    if (reference === 0) {
      reply.null();
      continue;
    }
    keyspace.touch(reference);
    reply.buffer(engine.codec.encodeValue(keyspace, reference, false));
  }
}

/** Adds the keys in arguments `first` … `end` − 1 with their values; false if one is not sound. */
function addBorrowed({ engine, keyspace, request }: CommandContext, first: number, end: number) {
  for (let i = first; i < end; i += 2) {
    const offset = request.offset(i);
    const length = request.length(i);
    const hash = hashBytes(request.block, offset, length);
    const found = keyspace.map.find(request.block, offset, length, hash);
    invariant(found === 0, 'a key of this shard is borrowed from another');
    const value = spanOf(request, i + 1);
    const { block } = request;
    if (engine.codec.decodeValue(keyspace, block, offset, length, hash, value) === 0) return false;
  }
  return true;
}

/** The bytes of an argument, not copied. */
function spanOf(request: Request, i: number): Buffer {
  const from = request.offset(i);
  return request.block.bytes.subarray(from, from + request.length(i));
}

function removeBorrowed(keyspace: Keyspace, request: Request, first: number, end: number): void {
  const { block } = request;
  for (let i = first; i < end; i += 2) {
    const offset = request.offset(i);
    const length = request.length(i);
    const reference = keyspace.map.find(block, offset, length, hashBytes(block, offset, length));
    // Absent after an unsound value.
    if (reference !== 0) keyspace.removeFound();
  }
}

/** Runs a command of the table with borrowed keys. */
function runWithBorrowed(context: CommandContext, table: readonly CommandSpec[]): void {
  const { engine, keyspace, request, reply } = context;
  const spec = table[Number(request.text(1))];
  const end = FIRST_BORROWED + 2 * Number(request.text(2));
  if ((spec.flags & DENYOOM) !== 0 && !engine.hasRoom()) {
    reply.error(errors.outOfMemory);
    return;
  }
  if (addBorrowed(context, FIRST_BORROWED, end)) runFrom(context, spec, end);
  else reply.error(errors.badTransfer);
  removeBorrowed(keyspace, request, FIRST_BORROWED, end);
}

/** Runs a command whose arguments begin, with its name, at argument `first` of this one. */
function runFrom(context: CommandContext, spec: CommandSpec, first: number): void {
  const { request } = context;
  const { argc, base } = request;
  request.base = base + 2 * first;
  request.argc = argc - first;
  spec.handler(context);
  request.base = base;
  request.argc = argc;
}

const INTERNAL_ROW = { group: 'internal', since: '0.1.0', complexity: 'O(N)' } as const;

/** The rows of this file; `table` has the commands that BORROW runs, by number. */
export function borrowCommands(table: readonly CommandSpec[]): readonly CommandSpec[] {
  return [
    {
      ...INTERNAL_ROW,
      name: 'HASHLANE.LEND',
      arity: -2,
      flags: INTERNAL | READONLY,
      keys: keys(1, -1, 'RO access'),
      syntax: 'key [key ...]',
      summary: 'The encoded values of keys, null for those that are missing.',
      handler: lend,
    },
    {
      ...INTERNAL_ROW,
      name: 'HASHLANE.BORROW',
      arity: -4,
      flags: INTERNAL | WRITE,
      syntax: 'command-number borrowed-keys [key value ...] command [arg ...]',
      summary: 'Runs a command with keys that are there only as long as it runs.',
      handler: (context) => runWithBorrowed(context, table),
    },
  ];
}
