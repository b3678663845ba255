/** Commands that the gateway executes for clients, and a shard for its scripts. */
import type { CommandContext, CommandSpec } from '@hashlane/core';
import { FAST, LOADING, MAY_REPLICATE, PUBSUB, STALE } from '@hashlane/core';
import { errors } from '@hashlane/resp';

export interface LocalCommandOptions {
  /** Databases of the server. */
  databases(): number;
  /** Microseconds since the epoch, now. */
  microseconds(): number;
  /** Publishes a message, to a shard channel or any; returns how many get it. */
  publish(channel: string, text: string, isSharded: boolean): number;
}

const ROW = {
  flags: FAST | LOADING | STALE,
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  syntax: '',
  summary: '',
} as const;

const MICROSECONDS_PER_SECOND = 1_000_000;

function ping({ request, reply }: CommandContext): void {
  if (request.argc === 1) reply.simple('PONG');
  else reply.bulk(request.block, request.offset(1), request.length(1));
}

function echo({ request, reply }: CommandContext): void {
  reply.bulk(request.block, request.offset(1), request.length(1));
}

/** For the commands of this script that follow; the client's database stays as it is. */
function select({ request, reply }: CommandContext, databases: number): void {
  const text = request.text(1);
  if (!/^-?\d{1,10}$/.test(text)) {
    reply.error(errors.notInteger);
    return;
  }
  const index = Number(text);
  if (index < 0 || index >= databases) {
    reply.error(errors.databaseOutOfRange);
    return;
  }
  request.database = index;
  reply.ok();
}

const PUBLICATION = { ...ROW, arity: 3, flags: ROW.flags | PUBSUB | MAY_REPLICATE } as const;

function publish(
  { request, reply }: CommandContext,
  options: LocalCommandOptions,
  isSharded: boolean,
): void {
  reply.integer(options.publish(request.text(1), request.text(2), isSharded));
}

export function localCommands(options: LocalCommandOptions): readonly CommandSpec[] {
  return [
    { ...ROW, name: 'PING', arity: -1, handler: ping },
    { ...ROW, name: 'ECHO', arity: 2, handler: echo },
    { ...PUBLICATION, name: 'PUBLISH', handler: (context) => publish(context, options, false) },
    { ...PUBLICATION, name: 'SPUBLISH', handler: (context) => publish(context, options, true) },
    {
      ...ROW,
      name: 'SELECT',
      arity: 2,
      handler: (context) => select(context, options.databases()),
    },
    {
      ...ROW,
      name: 'TIME',
      arity: 1,
      handler: ({ reply }) => {
        const now = options.microseconds();
        reply.array(2);
        reply.text(String(Math.floor(now / MICROSECONDS_PER_SECOND)));
        reply.text(String(now % MICROSECONDS_PER_SECOND));
      },
    },
  ];
}
