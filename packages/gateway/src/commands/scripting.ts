/**
 * SCRIPT: what the server knows of scripts. Compiling is left to a shard; what it learns comes back
 * to the group's store, which tells the other shards (shard-worker's script-store.ts).
 */
import { ALLOW_BUSY, LOADING, NOSCRIPT, STALE } from '@hashlane/core/metadata';
import { errors } from '@hashlane/resp';
import { killScripts } from '../busy-scripts.ts';
import { callOn } from '../coordinator.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { replyHelp } from './arguments.ts';

/** The shard that compiles. */
const COMPILING_SHARD = 0;

function load({ gateway, args }: ServerCall): Promise<ReplyFunction> {
  const from = args.offset(2);
  const source = Buffer.from(args.block.bytes.subarray(from, from + args.length(2)));
  return callOn(gateway, COMPILING_SHARD, 'HASHLANE.SCRIPT', ['', source], 0, 0).then(
    (answer) => (reply) => reply.raw(answer),
  );
}

function exists({ gateway, args, reply }: ServerCall): void {
  reply.array(args.argc - 2);
  for (let i = 2; i < args.argc; i++) {
    reply.integer(gateway.shards.scripts.has(args.text(i).toLowerCase()) ? 1 : 0);
  }
}

function flush({ gateway, args, reply }: ServerCall): void {
  const mode = args.argc === 3 ? args.text(2).toUpperCase() : 'SYNC';
  if (args.argc > 3 || (mode !== 'SYNC' && mode !== 'ASYNC')) {
    reply.error(errors.scriptFlushOption);
    return;
  }
  gateway.shards.scripts.flush();
  reply.ok();
}

function kill({ gateway, reply }: ServerCall): void {
  const problem = killScripts(gateway.shards, 'script');
  if (problem === undefined) reply.ok();
  else reply.error(problem);
}

function debug({ args, reply }: ServerCall): void {
  const mode = args.text(2).toUpperCase();
  if (mode === 'NO') reply.ok();
  else if (mode === 'YES' || mode === 'SYNC') reply.error(errors.scriptDebugger);
  else reply.error(errors.scriptDebugOption);
}

const HELP = [
  'DEBUG (YES|SYNC|NO)',
  '    Set the debug mode for subsequent scripts executed.',
  'EXISTS <sha1> [<sha1> ...]',
  '    Return information about the existence of the scripts in the script cache.',
  'FLUSH [ASYNC|SYNC]',
  '    Flush the Lua scripts cache. Very dangerous on replicas.',
  '    When called without the optional mode argument, the behavior is determined by the',
  '    lazyfree-lazy-user-flush configuration directive. Valid modes are:',
  '    * ASYNC: Asynchronously flush the scripts cache.',
  '    * SYNC: Synchronously flush the scripts cache.',
  'KILL',
  '    Kill the currently executing Lua script.',
  'LOAD <script>',
  '    Load a script into the scripts cache without executing it.',
];

const ROW = { flags: NOSCRIPT, group: 'scripting', complexity: 'O(1)' } as const;
const TO_ALL = ['request_policy:all_nodes', 'response_policy:all_succeeded'];

export const scriptingCommands = [
  {
    ...ROW,
    name: 'SCRIPT|LOAD',
    arity: 3,
    flags: NOSCRIPT | STALE,
    since: '2.6.0',
    summary: 'Loads a server-side Lua script to the script cache.',
    complexity: 'O(N) with N being the length in bytes of the script body.',
    syntax: 'script',
    tips: TO_ALL,
    handler: load,
  },
  {
    ...ROW,
    name: 'SCRIPT|EXISTS',
    arity: -3,
    since: '2.6.0',
    summary: 'Determines whether server-side Lua scripts exist in the script cache.',
    complexity: 'O(N) with N being the number of scripts to check.',
    syntax: 'sha1 [sha1 ...]',
    tips: ['request_policy:all_shards', 'response_policy:agg_logical_and'],
    handler: exists,
  },
  {
    ...ROW,
    name: 'SCRIPT|FLUSH',
    arity: -2,
    since: '2.6.0',
    summary: 'Removes all server-side Lua scripts from the script cache.',
    complexity: 'O(N) with N being the number of scripts in cache',
    syntax: '[ASYNC | SYNC]',
    tips: TO_ALL,
    handler: flush,
  },
  {
    ...ROW,
    name: 'SCRIPT|KILL',
    arity: 2,
    flags: NOSCRIPT | ALLOW_BUSY,
    since: '2.6.0',
    summary: 'Terminates a server-side Lua script during execution.',
    syntax: '',
    tips: ['request_policy:all_shards', 'response_policy:one_succeeded'],
    handler: kill,
  },
  {
    ...ROW,
    name: 'SCRIPT|DEBUG',
    arity: 3,
    since: '3.2.0',
    summary: 'Sets the debug mode of server-side Lua scripts.',
    syntax: '<YES | SYNC | NO>',
    handler: debug,
  },
  {
    ...ROW,
    name: 'SCRIPT|HELP',
    arity: 2,
    flags: LOADING | STALE,
    since: '5.0.0',
    summary: 'Returns helpful text about the different subcommands.',
    syntax: '',
    handler: ({ reply }) => replyHelp(reply, 'SCRIPT', HELP),
  },
] as const satisfies readonly ServerCommandSpec[];
