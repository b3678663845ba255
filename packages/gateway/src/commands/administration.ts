/**
 * Commands for the server as a whole: TIME, the snapshot commands, SHUTDOWN, LOLWUT.
 *
 * SAVE makes only its own client wait. SHUTDOWN is answered only when the server could not stop.
 */
import {
  ADMIN,
  ALLOW_BUSY,
  FAST,
  LOADING,
  NO_ASYNC_LOADING,
  NO_MULTI,
  NOSCRIPT,
  READONLY,
  STALE,
} from '@hashlane/core/metadata';
import { errors } from '@hashlane/resp';
import { busyError } from '@hashlane/shard-worker';
import { messageOf } from '../error-message.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { HASHLANE_VERSION, REDIS_VERSION } from '../version.ts';
import { errorUtf8, texts } from './arguments.ts';

function time({ reply }: ServerCall): void {
  const microseconds = nowMicroseconds();
  const seconds = Math.floor(microseconds / 1e6);
  reply.array(2);
  reply.text(String(seconds));
  reply.text(String(microseconds - seconds * 1e6));
}

/** Unix time. Date has only milliseconds; the rest comes from the monotonic clock. */
export function nowMicroseconds(): number {
  const wall = Date.now();
  const fine = performance.timeOrigin + performance.now();
  // The system's clock may have been set since the start.
  return Math.floor((Math.abs(fine - wall) < 2 ? fine : wall) * 1000);
}

function save({ gateway }: ServerCall): Promise<ReplyFunction> {
  return gateway.snapshots.save().then(
    () => (reply) => reply.ok(),
    (error: unknown) => (reply) => reply.error(errorUtf8(messageOf(error))),
  );
}

const BACKGROUND_REPLIES = {
  started: 'Background saving started',
  scheduled: 'Background saving scheduled',
} as const;

function bgsave({ gateway, args, reply }: ServerCall): void {
  const isScheduling = args.argc === 2 && args.text(1).toLowerCase() === 'schedule';
  if (args.argc > 1 && !isScheduling) {
    reply.error(errors.syntax);
    return;
  }
  const outcome = gateway.snapshots.startBackground(isScheduling);
  if (outcome === 'busy') reply.error(errors.bgsaveInProgress);
  else reply.simple(BACKGROUND_REPLIES[outcome]);
}

function lastsave({ gateway, reply }: ServerCall): void {
  reply.integer(gateway.snapshots.lastSaveSeconds);
}

function shutdown(call: ServerCall): void {
  const { gateway, connection, reply } = call;
  const words = texts(call, 1).map((word) => word.toLowerCase());
  const has = (word: string): boolean => words.includes(word);
  const isKnown = words.every((word) => ['nosave', 'save', 'now', 'force', 'abort'].includes(word));
  const clashes = (has('save') && has('nosave')) || (has('abort') && words.length > 1);
  if (!isKnown || clashes) {
    reply.error(errors.syntax);
    return;
  }
  if (has('abort')) {
    // A shutdown here waits for nothing that could be called off.
    reply.error('ERR No shutdown in progress.');
    return;
  }
  const save = has('save') ? true : has('nosave') ? false : undefined;
  if (save !== false && gateway.shards.busyShards.size > 0) {
    reply.error(busyError(gateway.shards.busyShards.values()));
    return;
  }
  connection.hold();
  gateway.shutdown({ save, force: has('force') }).catch((error: unknown) => {
    gateway.logger.error({ err: error }, 'SHUTDOWN failed');
    gateway.localReplies.errorApart(connection, 'ERR Errors trying to SHUTDOWN. Check logs.');
    connection.release();
  });
}

/** Lanes of a bathing pool, for a server that hashes keys onto lanes. */
function lolwut({ reply }: ServerCall): void {
  const lanes = ['~ ~  ~ o7 ~  ~ ~ ~', '~  ~ ~  ~ ~ o7  ~ ~', '~ o7 ~  ~ ~  ~  ~ ~'];
  const rope = '-o-o-o-o-o-o-o-o-o-';
  const picture = [rope, ...lanes.flatMap((lane) => [lane, rope])].join('\n');
  const version = `Redis ver. ${REDIS_VERSION} (hashlane ${HASHLANE_VERSION})`;
  reply.verbatim('txt', `${picture}\n\n${version}\n`);
}

const SNAPSHOT = ADMIN | NOSCRIPT | NO_ASYNC_LOADING;

export const administrationCommands = [
  {
    name: 'TIME',
    arity: 1,
    flags: LOADING | STALE | FAST,
    handler: time,
    group: 'server',
    since: '2.6.0',
    summary: 'Returns the server time.',
    complexity: 'O(1)',
    syntax: '',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'SAVE',
    arity: 1,
    flags: SNAPSHOT | NO_MULTI,
    handler: save,
    group: 'server',
    since: '1.0.0',
    summary: 'Synchronously saves the database(s) to disk.',
    complexity: 'O(N) where N is the total number of keys in all databases',
    syntax: '',
  },
  {
    name: 'BGSAVE',
    arity: -1,
    flags: SNAPSHOT,
    handler: bgsave,
    group: 'server',
    since: '1.0.0',
    summary: 'Asynchronously saves the database(s) to disk.',
    complexity: 'O(1)',
    syntax: '[SCHEDULE]',
  },
  {
    name: 'LASTSAVE',
    arity: 1,
    flags: LOADING | STALE | FAST,
    handler: lastsave,
    group: 'server',
    since: '1.0.0',
    summary: 'Returns the Unix timestamp of the last successful save to disk.',
    complexity: 'O(1)',
    syntax: '',
    categories: '@admin @dangerous',
    tips: ['nondeterministic_output'],
  },
  {
    name: 'SHUTDOWN',
    arity: -1,
    flags: ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
    handler: shutdown,
    group: 'server',
    since: '1.0.0',
    summary: 'Synchronously saves the database(s) to disk and shuts down the Redis server.',
    complexity:
      'O(N) when saving, where N is the total number of keys in all databases when saving data, ' +
      'otherwise O(1)',
    syntax: '[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]',
  },
  {
    name: 'LOLWUT',
    arity: -1,
    flags: READONLY | FAST,
    handler: lolwut,
    group: 'server',
    since: '5.0.0',
    summary: 'Displays computer art and the Redis version',
    complexity: 'O(1)',
    syntax: '[VERSION version:integer]',
  },
] as const satisfies readonly ServerCommandSpec[];
