/**
 * DEBUG, as far as it concerns the server and not keys (those rows are core's): levers for tests.
 *
 * Whether a client may pull them is decided before, in the gateway, from enable-debug-command.
 * In Redis DEBUG is one command: a wrong number of arguments is told like an unknown subcommand.
 */

import v8 from 'node:v8';
import { ADMIN, LOADING, NOSCRIPT, STALE } from '@hashlane/core/metadata';
import type { ReplyWriter } from '@hashlane/resp';
import { callOn } from '../coordinator.ts';
import { messageOf } from '../error-message.ts';
import { GATE_LOADING } from '../gate.ts';
import type { Gateway } from '../gateway.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { errorUtf8, integer, replyHelp, texts, utf8 } from './arguments.ts';

type Handler = ServerCommandSpec['handler'];

function replyUnknown({ args, reply }: ServerCall): void {
  const name = args.text(1).slice(0, 128);
  reply.error(`ERR unknown subcommand or wrong number of arguments for '${name}'. Try DEBUG HELP.`);
}

/** A subcommand with exactly `argc` arguments, DEBUG and its own name among them. */
function withCount(argc: number, handler: Handler): Handler {
  return (call) => (call.args.argc === argc ? handler(call) : replyUnknown(call));
}

function replyOk(reply: ReplyWriter): void {
  reply.ok();
}

/** All shards stop for a while; so does the gateway when the shard is in its thread. */
async function sleep({ gateway, args }: ServerCall): Promise<ReplyFunction> {
  const seconds = Number.parseFloat(args.text(2));
  const milliseconds = Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : 0;
  await gateway.shards.all({ type: 'sleep', milliseconds });
  return replyOk;
}

/** Redis has no such command; test suites that also run against others send it after a test. */
function jmap({ gateway, reply }: ServerCall): void {
  gateway.logger.info({ heap: v8.getHeapStatistics() }, 'DEBUG JMAP');
  reply.ok();
}

/** Throws in a shard, which is then restarted from the last snapshot. */
function crashShard({ gateway, args, reply }: ServerCall): void {
  const index = integer(args.text(2));
  const link = index === undefined ? undefined : gateway.shards.links[index];
  if (link === undefined) {
    reply.error('ERR no such shard');
    return;
  }
  reply.ok();
  // Never answered; the link rejects it when the shard is gone.
  link.control({ type: 'crash', reason: 'DEBUG CRASH-SHARD' }).catch(() => {});
}

function log({ gateway, args, reply }: ServerCall): void {
  gateway.logger.warn(`DEBUG LOG: ${utf8(args.text(2))}`);
  reply.ok();
}

function error({ args, reply }: ServerCall): void {
  reply.error(args.text(2));
}

const PROTOCOL_REPLIES: { readonly [kind: string]: ReplyFunction } = {
  string: (reply) => reply.text('Hello World'),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double('3.141'),
  bignum: (reply) => reply.bigNumber('1234567999999999999999999999999999999'),
  null: (reply) => reply.null(),
  array: (reply) => {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set: (reply) => {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map: (reply) => {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib: (reply) => {
    reply.attribute(1);
    if (reply.protocol === 3) {
      reply.text('key-popularity');
      reply.array(2);
      reply.text('key:123');
      reply.integer(90);
    }
    reply.text('Some real reply following the attribute');
  },
  push: (reply) => {
    if (reply.protocol !== 3) {
      reply.error('ERR RESP2 is not supported by this command');
      return;
    }
    reply.push(2);
    reply.text('server-cpu-usage');
    reply.integer(42);
    reply.text('Some real reply following the push reply');
  },
  verbatim: (reply) => reply.verbatim('txt', 'This is a verbatim\nstring'),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

function protocol({ args, reply }: ServerCall): void {
  const kind = args.text(2).toLowerCase();
  if (Object.hasOwn(PROTOCOL_REPLIES, kind)) PROTOCOL_REPLIES[kind](reply);
  else {
    reply.error(
      'ERR Wrong protocol type name. Please use one of the following: ' +
        `${Object.keys(PROTOCOL_REPLIES).join('|')}`,
    );
  }
}

/** Saves, empties and loads the data set; commands get LOADING meanwhile. */
function reload(call: ServerCall): undefined | Promise<ReplyFunction> {
  const words = texts(call, 2).map((word) => word.toLowerCase());
  if (!words.every((word) => ['nosave', 'noflush', 'merge'].includes(word))) {
    call.reply.error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
    return;
  }
  if (words.includes('noflush') || words.includes('merge')) {
    call.reply.error('ERR DEBUG RELOAD NOFLUSH and MERGE are not supported by this server');
    return;
  }
  return reloadSnapshot(call.gateway, !words.includes('nosave'));
}

async function reloadSnapshot(gateway: Gateway, isSaving: boolean): Promise<ReplyFunction> {
  const wasLoading = gateway.gate.has(GATE_LOADING);
  try {
    gateway.gate.set(GATE_LOADING, true);
    if (isSaving) await gateway.snapshots.save();
    const path = gateway.snapshots.existingPath();
    if (path === undefined) return replyReloadFailed('there is no snapshot');
    await flushAll(gateway);
    const checksum = gateway.configuration.values.rdbchecksum;
    const { error: problem } = await gateway.shards.load({ path, checksum });
    await gateway.snapshots.markClean();
    return problem === undefined ? replyOk : replyReloadFailed(problem);
  } catch (problem) {
    return replyReloadFailed(messageOf(problem));
  } finally {
    gateway.gate.set(GATE_LOADING, wasLoading);
  }
}

async function flushAll(gateway: Gateway): Promise<void> {
  const { reply } = gateway;
  const start = reply.position;
  const flushed = gateway.shards.links.map((_, shard) =>
    callOn(gateway, shard, 'FLUSHALL', ['FLUSHALL'], 0, 0),
  );
  // A shard in this thread is done already, and has replied into the gateway's writer.
  if (gateway.shards.inProcess === undefined) await Promise.all(flushed);
  else reply.position = start;
}

function replyReloadFailed(problem: string): ReplyFunction {
  return (reply) =>
    reply.error(errorUtf8(`ERR Error trying to load the RDB dump, check server logs: ${problem}`));
}

function changeReplicationId({ gateway, reply }: ServerCall): void {
  gateway.statistics.changeReplicationId();
  gateway.logger.info('Changing replication IDs after receiving change-repl-id');
  reply.ok();
}

const HELP = [
  'CHANGE-REPL-ID',
  '    Change the replication IDs of the instance.',
  'CRASH-SHARD <index>',
  '    Crash one shard, which is restarted from the last snapshot.',
  'DIGEST',
  '    Output a hex signature representing the current DB content.',
  'DIGEST-VALUE <key> [<key> ...]',
  '    Output a hex signature of the values of all the specified keys.',
  'ERROR <string>',
  '    Return a Redis protocol error with <string> as message. Useful for clients',
  '    unit tests to simulate Redis errors.',
  'JMAP',
  '    Write statistics of the heap to the server log.',
  'LOG <message>',
  '    Write <message> to the server log.',
  'HTSTATS <dbid>',
  '    Return hash table statistics of the specified Redis database.',
  'OBJECT <key>',
  '    Show low level info about `key` and associated value.',
  'POPULATE <count> [<prefix>] [<size>]',
  '    Create <count> string keys named key:<num>. If <prefix> is specified then',
  "    it is used instead of the 'key' prefix.",
  'PROTOCOL <type>',
  '    Reply with a test value of the specified type. <type> can be: string,',
  '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
  '    true, false.',
  'RELOAD [NOSAVE]',
  '    Save the RDB on disk and reload it back to memory.',
  'SET-ACTIVE-EXPIRE <0|1>',
  '    Setting it to 0 disables expiring keys in background when they are not',
  '    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the',
  '    default.',
  'SLEEP <seconds>',
  '    Stop the server for <seconds>. Decimals allowed.',
];

const COMMON = {
  arity: -2,
  flags: ADMIN | NOSCRIPT | LOADING | STALE,
  group: 'server',
  since: '1.0.0',
} as const;

export const debugCommands = [
  {
    ...COMMON,
    name: 'DEBUG',
    handler: replyUnknown,
    syntax: '',
    summary: 'A container for debugging commands.',
    complexity: 'Depends on subcommand.',
  },
  {
    ...COMMON,
    name: 'DEBUG|SLEEP',
    handler: withCount(3, sleep),
    syntax: 'seconds:double',
    summary: 'Stops all shards for a while.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|JMAP',
    handler: withCount(2, jmap),
    syntax: '',
    summary: 'Writes statistics of the heap to the log.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|CRASH-SHARD',
    handler: withCount(3, crashShard),
    syntax: 'index:integer',
    summary: 'Crashes one shard.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|LOG',
    handler: withCount(3, log),
    syntax: 'message',
    summary: 'Writes a message to the log.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|ERROR',
    handler: withCount(3, error),
    syntax: 'message',
    summary: 'Replies an error.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|PROTOCOL',
    handler: withCount(3, protocol),
    syntax: 'type',
    summary: 'Replies a value of a kind.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|RELOAD',
    handler: reload,
    syntax: '[NOSAVE]',
    summary: 'Saves the data set and loads it again.',
    complexity: 'O(N) where N is the total number of keys in all databases',
  },
  {
    ...COMMON,
    name: 'DEBUG|CHANGE-REPL-ID',
    handler: withCount(2, changeReplicationId),
    syntax: '',
    summary: 'Changes the replication ID.',
    complexity: 'O(1)',
  },
  {
    ...COMMON,
    name: 'DEBUG|HELP',
    syntax: '',
    handler: withCount(2, ({ reply }) => replyHelp(reply, 'DEBUG', HELP)),
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
  },
] as const satisfies readonly ServerCommandSpec[];
