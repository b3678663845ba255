/**
 * SUBSCRIBE, PUBLISH and their relatives: replies and rows; pub-sub.ts does the work.
 *
 * A subscription is confirmed per channel, by a push message in RESP3. Channels are named by bytes,
 * as latin1 strings. Shard channels are those of Redis Cluster; here they are channels of their own
 * without patterns.
 */
import {
  FAST,
  keys,
  LOADING,
  MAY_REPLICATE,
  matchesGlob,
  NOSCRIPT,
  NOT_KEY,
  PUBSUB,
  STALE,
} from '@hashlane/core/metadata';
import { subcommandSyntax } from '@hashlane/resp';
import type { TopicKind } from '../pub-sub.ts';
import type { ServerCall, ServerCommandSpec } from '../server-command.ts';
import { replyHelp, texts } from './arguments.ts';

const PREFIX: { readonly [kind in TopicKind]: string } = { channel: '', pattern: 'p', shard: 's' };

/** Channels and patterns are counted together, shard channels by themselves. */
function countOf({ connection }: ServerCall, kind: TopicKind): number {
  const { subscriptions } = connection;
  if (subscriptions === undefined) return 0;
  if (kind === 'shard') return subscriptions.shard.size;
  return subscriptions.channel.size + subscriptions.pattern.size;
}

function confirm(call: ServerCall, kind: TopicKind, verb: string, name: string | undefined): void {
  const { reply } = call;
  reply.push(3);
  reply.text(PREFIX[kind] + verb);
  if (name === undefined) reply.null();
  else reply.text(name);
  reply.integer(countOf(call, kind));
}

function subscribe(call: ServerCall, kind: TopicKind): void {
  const { gateway, connection } = call;
  for (const name of texts(call, 1)) {
    gateway.pubSub.subscribe(connection, kind, name);
    confirm(call, kind, 'subscribe', name);
  }
}

/** Without names: all of the kind. */
function unsubscribe(call: ServerCall, kind: TopicKind): void {
  const { gateway, connection, args } = call;
  const names = args.argc > 1 ? texts(call, 1) : [...(connection.subscriptions?.[kind] ?? [])];
  for (const name of names) {
    gateway.pubSub.unsubscribe(connection, kind, name);
    confirm(call, kind, 'unsubscribe', name);
  }
  if (names.length === 0) confirm(call, kind, 'unsubscribe', undefined);
}

function publish(
  { gateway, connection, args, reply }: ServerCall,
  kind: 'channel' | 'shard',
): void {
  const { block } = args;
  reply.integer(
    gateway.pubSub.publish(
      kind,
      block,
      args.offset(1),
      args.length(1),
      block,
      args.offset(2),
      args.length(2),
      connection,
    ),
  );
}

function listChannels({ gateway, args, reply }: ServerCall, kind: 'channel' | 'shard'): void {
  if (args.argc > 3) {
    reply.error(subcommandSyntax(args.text(1), 'PUBSUB'));
    return;
  }
  const names = [...gateway.pubSub.names(kind)];
  const pattern = args.argc === 3 ? Buffer.from(args.text(2), 'latin1') : undefined;
  const found =
    pattern === undefined
      ? names
      : names.filter((name) => matchesGlob(pattern, Buffer.from(name, 'latin1')));
  reply.array(found.length);
  for (const name of found) reply.text(name);
}

function countSubscribers(call: ServerCall, kind: 'channel' | 'shard'): void {
  const { gateway, reply } = call;
  const names = texts(call, 2);
  reply.array(2 * names.length);
  for (const name of names) {
    reply.text(name);
    reply.integer(gateway.pubSub.subscribers(kind, name));
  }
}

const HELP = [
  'CHANNELS [<pattern>]',
  "    Return the currently active channels matching a <pattern> (default: '*').",
  'NUMPAT',
  '    Return number of subscriptions to patterns.',
  'NUMSUB [<channel> ...]',
  '    Return the number of subscribers for the specified channels, excluding',
  '    pattern subscriptions(default: no channels).',
  'SHARDCHANNELS [<pattern>]',
  "    Return the currently active shard level channels matching a <pattern> (default: '*').",
  'SHARDNUMSUB [<shardchannel> ...]',
  '    Return the number of subscribers for the specified shard level channel(s)',
];

const SUBSCRIPTION = {
  flags: PUBSUB | NOSCRIPT | LOADING | STALE,
  group: 'pubsub',
  complexity: 'O(N) where N is the number of channels',
} as const;

const PUBLICATION = {
  arity: 3,
  flags: PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE,
  group: 'pubsub',
} as const;

const QUESTION = { flags: PUBSUB | LOADING | STALE, group: 'pubsub' } as const;

export const pubsubCommands = [
  {
    ...SUBSCRIPTION,
    name: 'SUBSCRIBE',
    arity: -2,
    handler: (call) => subscribe(call, 'channel'),
    since: '2.0.0',
    summary: 'Listens for messages published to channels.',
    syntax: 'channel [channel ...]',
  },
  {
    ...SUBSCRIPTION,
    name: 'UNSUBSCRIBE',
    arity: -1,
    handler: (call) => unsubscribe(call, 'channel'),
    since: '2.0.0',
    summary: 'Stops listening to messages posted to channels.',
    syntax: '[channel [channel ...]]',
  },
  {
    ...SUBSCRIPTION,
    name: 'PSUBSCRIBE',
    arity: -2,
    handler: (call) => subscribe(call, 'pattern'),
    since: '2.0.0',
    summary: 'Listens for messages published to channels that match one or more patterns.',
    complexity: 'O(N) where N is the number of patterns',
    syntax: 'pattern [pattern ...]',
  },
  {
    ...SUBSCRIPTION,
    name: 'PUNSUBSCRIBE',
    arity: -1,
    handler: (call) => unsubscribe(call, 'pattern'),
    since: '2.0.0',
    summary: 'Stops listening to messages published to channels that match one or more patterns.',
    complexity: 'O(N) where N is the number of patterns',
    syntax: '[pattern [pattern ...]]',
  },
  {
    ...SUBSCRIPTION,
    name: 'SSUBSCRIBE',
    arity: -2,
    keys: keys(1, -1, NOT_KEY),
    handler: (call) => subscribe(call, 'shard'),
    since: '7.0.0',
    summary: 'Listens for messages published to shard channels.',
    syntax: 'shardchannel [shardchannel ...]',
  },
  {
    ...SUBSCRIPTION,
    name: 'SUNSUBSCRIBE',
    arity: -1,
    keys: keys(1, -1, NOT_KEY),
    handler: (call) => unsubscribe(call, 'shard'),
    since: '7.0.0',
    summary: 'Stops listening to messages posted to shard channels.',
    syntax: '[shardchannel [shardchannel ...]]',
  },
  {
    ...PUBLICATION,
    name: 'PUBLISH',
    handler: (call) => publish(call, 'channel'),
    since: '2.0.0',
    summary: 'Posts a message to a channel.',
    complexity:
      'O(N+M) where N is the number of clients subscribed to the channel and M is the number of ' +
      'subscribed patterns',
    syntax: 'channel message',
  },
  {
    ...PUBLICATION,
    name: 'SPUBLISH',
    keys: keys(1, 1, NOT_KEY),
    handler: (call) => publish(call, 'shard'),
    since: '7.0.0',
    summary: 'Posts a message to a shard channel.',
    complexity: 'O(N) where N is the number of clients subscribed to the shard channel',
    syntax: 'shardchannel message',
  },
  {
    ...QUESTION,
    name: 'PUBSUB|CHANNELS',
    arity: -2,
    handler: (call) => listChannels(call, 'channel'),
    since: '2.8.0',
    summary: 'Returns the active channels.',
    complexity: 'O(N) where N is the number of active channels',
    syntax: '[pattern]',
  },
  {
    ...QUESTION,
    name: 'PUBSUB|NUMSUB',
    arity: -2,
    handler: (call) => countSubscribers(call, 'channel'),
    since: '2.8.0',
    summary: 'Returns a count of subscribers to channels.',
    complexity: 'O(N) where N is the number of requested channels',
    syntax: '[channel [channel ...]]',
  },
  {
    ...QUESTION,
    name: 'PUBSUB|NUMPAT',
    arity: 2,
    handler: ({ gateway, reply }) => reply.integer(gateway.pubSub.count('pattern')),
    since: '2.8.0',
    summary: 'Returns a count of unique pattern subscriptions.',
    complexity: 'O(1)',
    syntax: '',
  },
  {
    ...QUESTION,
    name: 'PUBSUB|SHARDCHANNELS',
    arity: -2,
    handler: (call) => listChannels(call, 'shard'),
    since: '7.0.0',
    summary: 'Returns the active shard channels.',
    complexity: 'O(N) where N is the number of active shard channels',
    syntax: '[pattern]',
  },
  {
    ...QUESTION,
    name: 'PUBSUB|SHARDNUMSUB',
    arity: -2,
    handler: (call) => countSubscribers(call, 'shard'),
    since: '7.0.0',
    summary: 'Returns the count of subscribers of shard channels.',
    complexity: 'O(N) where N is the number of requested shard channels',
    syntax: '[shardchannel [shardchannel ...]]',
  },
  {
    name: 'PUBSUB|HELP',
    categories: '-@pubsub',
    arity: 2,
    flags: LOADING | STALE,
    group: 'pubsub',
    handler: ({ reply }) => replyHelp(reply, 'PUBSUB', HELP),
    since: '6.2.0',
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    syntax: '',
  },
] as const satisfies readonly ServerCommandSpec[];
