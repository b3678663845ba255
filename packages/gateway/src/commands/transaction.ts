/** MULTI, EXEC, DISCARD, WATCH and UNWATCH: what they check; transaction.ts does the work. */
import {
  ALLOW_BUSY,
  FAST,
  keys,
  LOADING,
  NOSCRIPT,
  SKIP_SLOWLOG,
  STALE,
} from '@hashlane/core/metadata';
import { errors } from '@hashlane/resp';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { executeTransaction, Transaction, unwatch, watch } from '../transaction.ts';

function multi({ connection, reply }: ServerCall): void {
  if (connection.transaction !== undefined) {
    reply.error(errors.nestedMulti);
    return;
  }
  connection.transaction = new Transaction();
  reply.ok();
}

function exec({ gateway, connection, args }: ServerCall): void {
  executeTransaction(gateway, connection, args);
}

function discard({ gateway, connection, reply }: ServerCall): void {
  if (connection.transaction === undefined) {
    reply.error(errors.discardWithoutMulti);
    return;
  }
  connection.transaction = undefined;
  unwatch(gateway, connection);
  reply.ok();
}

function watchKeys(call: ServerCall): undefined | Promise<ReplyFunction> {
  const { gateway, connection, args, reply } = call;
  if (connection.transaction !== undefined) {
    reply.error(errors.watchInMulti);
    return undefined;
  }
  const words: Buffer[] = [];
  for (let i = 1; i < args.argc; i++) {
    const from = args.offset(i);
    words.push(Buffer.from(args.block.bytes.subarray(from, from + args.length(i))));
  }
  return watch(gateway, connection, words).then(() => (writer) => writer.ok());
}

function unwatchKeys({ gateway, connection, reply }: ServerCall): void {
  unwatch(gateway, connection);
  reply.ok();
}

const COMMON = {
  flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
  group: 'transactions',
} as const;

export const transactionCommands = [
  {
    ...COMMON,
    name: 'MULTI',
    arity: 1,
    handler: multi,
    isQueued: false,
    since: '1.2.0',
    summary: 'Starts a transaction: the commands that follow are queued until EXEC.',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    ...COMMON,
    flags: NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG,
    name: 'EXEC',
    arity: 1,
    handler: exec,
    isQueued: false,
    since: '1.2.0',
    summary: 'Executes all commands in a transaction.',
    complexity: 'Depends on commands in the transaction',
    syntax: '',
  },
  {
    ...COMMON,
    name: 'DISCARD',
    arity: 1,
    handler: discard,
    isQueued: false,
    since: '2.0.0',
    summary: 'Discards a transaction.',
    complexity: 'O(N), when N is the number of queued commands',
    syntax: '',
  },
  {
    ...COMMON,
    name: 'WATCH',
    arity: -2,
    keys: keys(1, -1, 'RO'),
    handler: watchKeys,
    isQueued: false,
    since: '2.2.0',
    summary: 'Monitors changes to keys to determine the execution of a transaction.',
    complexity: 'O(1) for every key.',
    syntax: 'key [key ...]',
  },
  {
    ...COMMON,
    name: 'UNWATCH',
    arity: 1,
    handler: unwatchKeys,
    since: '2.2.0',
    summary: 'Forgets about the watched keys of a transaction.',
    complexity: 'O(1)',
    syntax: '',
  },
] as const satisfies readonly ServerCommandSpec[];
