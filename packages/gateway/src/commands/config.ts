/**
 * CONFIG: the client's side of Configuration, which knows parameters, values and error texts.
 *
 * A change that shards must know of reaches them before the client is answered; so a CONFIG SET
 * may be answered later. Names and values are UTF-8.
 */
import { ADMIN, LOADING, NOSCRIPT, STALE } from '@hashlane/core/metadata';
import { errors } from '@hashlane/resp';
import type { ShardConfiguration } from '../configuration.ts';
import { followSaves } from '../failed-saves.ts';
import type { Gateway } from '../gateway.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { errorUtf8, replyHelp, replyUtf8, texts, utf8 } from './arguments.ts';

/** Makes changes of the configuration take effect where values are not read when needed. */
export function followConfiguration(gateway: Gateway): void {
  const { configuration } = gateway;
  configuration.onShardChange((values) => {
    // A shard that is down takes the new settings when it is back.
    return gateway.shards.applySettings(shardSettings(values)).then(
      () => undefined,
      () => undefined,
    );
  });
  configuration.onChange('requirepass', ({ requirepass }) => {
    // Connections that are in stay in. Without a password everyone is.
    if (requirepass !== '') return undefined;
    for (const connection of gateway.connections.values()) connection.isAuthenticated = true;
    return undefined;
  });
  configuration.onChange('proto-max-bulk-len', ({ protoMaxBulkLen }) => {
    gateway.parser.bulkBytesMax = Number(protoMaxBulkLen);
    return undefined;
  });
  configuration.onChange(['stop-writes-on-bgsave-error', 'save'], () => {
    followSaves(gateway);
    return undefined;
  });
}

/** What of the configuration engines know, under the names that they know. */
function shardSettings(
  values: ShardConfiguration,
): [name: string, value: string | number | boolean][] {
  return [
    ['maxmemory', Number(values.maxmemory)],
    ['maxmemory-policy', values.maxmemoryPolicy],
    ['maxmemory-samples', values.maxmemorySamples],
    ['lfu-log-factor', values.lfuLogFactor],
    ['lfu-decay-time', values.lfuDecayTime],
    ['list-max-listpack-size', values.listMaxListpackSize],
    ['hash-max-listpack-entries', values.hashMaxListpackEntries],
    ['hash-max-listpack-value', Number(values.hashMaxListpackValue)],
    ['set-max-intset-entries', values.setMaxIntsetEntries],
    ['set-max-listpack-entries', values.setMaxListpackEntries],
    ['set-max-listpack-value', Number(values.setMaxListpackValue)],
    ['zset-max-listpack-entries', values.zsetMaxListpackEntries],
    ['zset-max-listpack-value', Number(values.zsetMaxListpackValue)],
    ['hll-sparse-max-bytes', Number(values.hllSparseMaxBytes)],
    ['stream-node-max-bytes', Number(values.streamNodeMaxBytes)],
    ['stream-node-max-entries', values.streamNodeMaxEntries],
    ['proto-max-bulk-len', Number(values.protoMaxBulkLen)],
    ['databases', values.databases],
    ['rdbcompression', values.rdbcompression],
  ];
}

function configGet(call: ServerCall): void {
  const { gateway, reply } = call;
  const found = gateway.configuration.get(texts(call, 2).map(utf8));
  reply.map(found.length);
  for (const [name, value] of found) {
    replyUtf8(reply, name);
    replyUtf8(reply, value);
  }
}

function configSet(call: ServerCall): undefined | Promise<ReplyFunction> {
  const { gateway, connection, reply } = call;
  const words = texts(call, 2).map(utf8);
  if (words.length % 2 !== 0) {
    reply.error(errors.syntax);
    return;
  }
  const pairs = Array.from(
    { length: words.length / 2 },
    (_, i) => [words[2 * i]!, words[2 * i + 1]!] as const,
  );
  const outcome = gateway.configuration.set(pairs, { local: connection.isLocal });
  if (outcome instanceof Promise) return outcome.then((problem) => replyOutcome(problem));
  replyOutcome(outcome)(reply);
  return undefined;
}

function replyOutcome(problem: string | undefined): ReplyFunction {
  return (reply) => (problem === undefined ? reply.ok() : reply.error(errorUtf8(problem)));
}

function configResetStat({ gateway }: ServerCall): Promise<ReplyFunction> {
  gateway.statistics.reset(gateway.connections.values());
  gateway.reply.errorCodes.clear();
  gateway.shards.scripts.evicted = 0;
  const asked = gateway.shards.all({ type: 'reset-statistics' });
  return asked.then(() => (reply) => reply.ok());
}

function configRewrite({ gateway, reply }: ServerCall): void {
  replyOutcome(gateway.configuration.rewrite())(reply);
}

const HELP = [
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
];

const FLAGS = ADMIN | NOSCRIPT | LOADING | STALE;

export const configCommands = [
  {
    name: 'CONFIG|GET',
    arity: -3,
    flags: FLAGS,
    handler: configGet,
    group: 'server',
    since: '2.0.0',
    summary: 'Returns the effective values of configuration parameters.',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    syntax: 'parameter [parameter ...]',
  },
  {
    name: 'CONFIG|SET',
    arity: -4,
    flags: FLAGS,
    handler: configSet,
    group: 'server',
    since: '2.0.0',
    summary: 'Sets configuration parameters in-flight.',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    syntax: 'parameter value [parameter value ...]',
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  },
  {
    name: 'CONFIG|RESETSTAT',
    arity: 2,
    flags: FLAGS,
    handler: configResetStat,
    group: 'server',
    since: '2.0.0',
    summary: "Resets the server's statistics.",
    complexity: 'O(1)',
    syntax: '',
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  },
  {
    name: 'CONFIG|REWRITE',
    arity: 2,
    flags: FLAGS,
    handler: configRewrite,
    group: 'server',
    since: '2.8.0',
    summary: 'Persists the effective configuration to file.',
    complexity: 'O(1)',
    syntax: '',
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
  },
  {
    name: 'CONFIG|HELP',
    arity: 2,
    flags: LOADING | STALE,
    group: 'server',
    since: '5.0.0',
    handler: ({ reply }: ServerCall) => replyHelp(reply, 'CONFIG', HELP),
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    syntax: '',
  },
] as const satisfies readonly ServerCommandSpec[];
