/**
 * The shard's part of MULTI/EXEC: a row of commands executed back to back, and watched keys.
 *
 *   HASHLANE.EXEC <W | N> count  (head arg …) × count
 *
 * `head` stands where a command's name would be: its number in the table and its argument count, two
 * 32-bit words. The commands are executed in place, on the arguments where they lie. Waiters are
 * served after the last one. With W the connection's watched keys must be as they were: otherwise
 * the reply is null and nothing runs.
 *
 * A transaction of several phases holds the waiters of its keys back with HASHLANE.HOLD: they are
 * served after it, as after any other.
 *
 * Blocking commands answer as if their time were up, as in Redis.
 */
import type { CommandContext } from '../command-context.ts';
import { hashBytes } from '../hash.ts';
import { REQUEST_DENY_BLOCKING, REQUEST_OWNS_BLOCK } from '../request.ts';
import { type CommandSpec, INTERNAL, keys, READONLY, WRITE } from './command-spec.ts';

/** Argument at which the commands begin. */
const FIRST_COMMAND = 3;

/** Ends the connection's watching; true when what it watched is as it was. */
function isUnchanged({ engine, request }: CommandContext): boolean {
  // A key whose deadline has passed is gone, whether or not anybody has looked.
  engine.watches.visit(request.connection, (database, key) => {
    engine.keyspace(database).findKey(key);
  });
  // What that deleted counts now, not at the end of this command.
  engine.watches.endCommand(true);
  engine.watches.beginCommand();
  return engine.releaseWatches(request.connection);
}

function exec(context: CommandContext): void {
  const { engine, request, reply } = context;
  if (request.is(1, 'W') && !isUnchanged(context)) {
    reply.nullArray();
    return;
  }
  const { argc, base, flags, hash } = request;
  reply.array(Number(request.text(2)));
  request.flags = (flags | REQUEST_DENY_BLOCKING) & ~REQUEST_OWNS_BLOCK;
  request.hash = 0;
  for (let at = FIRST_COMMAND; at < argc; at += request.argc) {
    request.base = base + 2 * at;
    const head = request.offset(0);
    request.argc = request.block.view.getInt32(head + 4, true);
    engine.runNested(request.block.view.getInt32(head, true));
  }
  request.argc = argc;
  request.base = base;
  request.flags = flags;
  request.hash = hash;
}

function watch({ engine, keyspace, request, reply }: CommandContext): void {
  for (let i = 1; i < request.argc; i++) {
    const offset = request.offset(i);
    const length = request.length(i);
    const hash = hashBytes(request.block, offset, length);
    // One that is due goes now: it is missing at the time of WATCH.
    keyspace.find(request.block, offset, length, hash);
    engine.watch(request.connection, keyspace.index, request.bytes(i), hash);
  }
  reply.ok();
}

function unwatch(context: CommandContext): void {
  context.reply.integer(isUnchanged(context) ? 1 : 0);
}

function hold({ engine, request, reply }: CommandContext): void {
  for (let i = 1; i < request.argc; i++) {
    engine.holdWaiters(hashBytes(request.block, request.offset(i), request.length(i)));
  }
  reply.ok();
}

function letGo({ engine, request, reply }: CommandContext): void {
  for (let i = 1; i < request.argc; i++) {
    engine.letGo(hashBytes(request.block, request.offset(i), request.length(i)));
  }
  reply.ok();
}

const INTERNAL_ROW = { group: 'internal', since: '0.1.0', complexity: 'O(N)' } as const;

export const transactionCommands = [
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.EXEC',
    arity: -3,
    flags: INTERNAL | WRITE,
    syntax: 'W-or-N count head [arg ...]',
    summary: 'Executes commands back to back and replies an array of their replies.',
    handler: exec,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.WATCH',
    arity: -2,
    flags: INTERNAL | READONLY,
    keys: keys(1, -1, 'RO'),
    syntax: 'key [key ...]',
    summary: 'Notes that a connection wants to know whether these keys change.',
    handler: watch,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.UNWATCH',
    arity: 1,
    flags: INTERNAL | READONLY,
    syntax: '',
    summary: 'Ends the watching of a connection; 1 when nothing it watched here changed, else 0.',
    handler: unwatch,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.HOLD',
    arity: -2,
    flags: INTERNAL,
    keys: keys(1, -1, 'RO'),
    syntax: 'key [key ...]',
    summary: 'Serves nobody who waits for these keys, or would write them, until HASHLANE.LET.',
    handler: hold,
  },
  {
    ...INTERNAL_ROW,
    name: 'HASHLANE.LET',
    arity: -2,
    flags: INTERNAL,
    keys: keys(1, -1, 'RO'),
    syntax: 'key [key ...]',
    summary: 'Ends HASHLANE.HOLD of these keys, and serves who waited.',
    handler: letGo,
  },
] as const satisfies readonly CommandSpec[];
