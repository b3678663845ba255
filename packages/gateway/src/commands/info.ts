/**
 * INFO: sections of `name:value` lines that tools parse.
 *
 * Sections, names and formats are Redis 7.2's, with only what has a meaning here; what does not
 * exist (replicas, AOF, modules) is reported as absent where tools look for it. Our own are
 * `hashlane_version`, `node_version` and the section `Shards`, which is in `everything` and by
 * name only.
 *
 * Memory: `used_memory` is what the shards account for, exactly, plus the buffers of connections;
 * `used_memory_rss` is the whole process, with its JavaScript heaps.
 *
 * INFO answers while a shard is busy: with what was known of it last (shard-statistics.ts). A
 * command whose keys are on several shards counts once in commandstats for each of them.
 */
import os from 'node:os';
import { COMMAND_METADATA, INTERNAL, LOADING, STALE } from '@hashlane/core/metadata';
import type { ShardStatistics } from '@hashlane/shard-worker';
import type { Connection } from '../connection.ts';
import { GATE_LOADING } from '../gate.ts';
import type { Gateway } from '../gateway.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { HASHLANE_VERSION, REDIS_VERSION } from '../version.ts';
import { nowMicroseconds } from './administration.ts';
import { texts } from './arguments.ts';
import { connectionBytes, isWaiting, liveConnections } from './client.ts';
import { gatherShardStatistics } from './shard-statistics.ts';

type Lines = readonly (readonly [name: string, value: string | number])[];

/** What sections are made from. */
interface Snapshot {
  readonly gateway: Gateway;
  /** One per shard; undefined for one that has never answered. */
  readonly shards: readonly (ShardStatistics | undefined)[];
}

interface Section {
  readonly title: string;
  /** Part of INFO without arguments. */
  readonly isDefault: boolean;
  readonly needsShards: boolean;
  readonly lines: (snapshot: Snapshot) => Lines;
}

function sumOf({ shards }: Snapshot, field: NumberField): number {
  return shards.reduce((sum, shard) => sum + (shard?.[field] ?? 0), 0);
}

type NumberField = {
  [Name in keyof ShardStatistics]: ShardStatistics[Name] extends number ? Name : never;
}[keyof ShardStatistics];

function yes(condition: boolean): number {
  return condition ? 1 : 0;
}

/** `1.50K`, as Redis prints sizes for people. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)}B`;
  const unit = Math.min(5, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(2)}${'BKMGTP'[unit]}`;
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function server({ gateway }: Snapshot): Lines {
  const { configuration, statistics, listening } = gateway;
  const uptime = Math.floor((Date.now() - statistics.startedAtMs) / 1000);
  return [
    ['redis_version', REDIS_VERSION],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', 0],
    ['redis_mode', 'standalone'],
    ['hashlane_version', HASHLANE_VERSION],
    ['node_version', process.versions.node],
    ['os', `${os.type()} ${os.release()} ${os.machine()}`],
    ['arch_bits', 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', statistics.runId],
    ['tcp_port', listening.port],
    ['server_time_usec', nowMicroseconds()],
    ['uptime_in_seconds', uptime],
    ['uptime_in_days', Math.floor(uptime / 86400)],
    ['hz', configuration.values.hz],
    ['configured_hz', configuration.values.hz],
    ['lru_clock', nowSeconds() & 0xffffff],
    ['executable', process.argv[1] ?? process.execPath],
    ['config_file', configuration.file ?? ''],
    ['io_threads_active', 0],
    ['shards', configuration.values.shards],
  ];
}

function clients({ gateway }: Snapshot): Lines {
  const all = [...liveConnections(gateway)];
  const blocked = all.filter(isWaiting).length;
  return [
    ['connected_clients', all.length],
    ['cluster_connections', 0],
    ['maxclients', gateway.configuration.values.maxclients],
    ['client_recent_max_input_buffer', maximum(all.map((each) => each.inputBytes))],
    ['client_recent_max_output_buffer', maximum(all.map((each) => each.outputBytes))],
    ['blocked_clients', blocked],
    ['tracking_clients', 0],
    ['pubsub_clients', all.filter((each) => each.subscriptions !== undefined).length],
    ['clients_in_timeout_table', 0],
  ];
}

function maximum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}

function memory(snapshot: Snapshot): Lines {
  const { configuration, statistics } = snapshot.gateway;
  const dataset = sumOf(snapshot, 'usedMemory');
  const held = sumOf(snapshot, 'heldMemory');
  let buffers = 0;
  for (const connection of liveConnections(snapshot.gateway)) {
    buffers += connectionBytes(connection);
  }
  const used = dataset + buffers;
  statistics.peakMemoryBytes = Math.max(statistics.peakMemoryBytes, used);
  const peak = statistics.peakMemoryBytes;
  const rss = process.memoryUsage.rss();
  const limit = Number(configuration.values.maxmemory);
  const share = (part: number, whole: number): string =>
    `${((100 * part) / Math.max(1, whole)).toFixed(2)}%`;
  return [
    ['used_memory', used],
    ['used_memory_human', humanBytes(used)],
    ['used_memory_rss', rss],
    ['used_memory_rss_human', humanBytes(rss)],
    ['used_memory_peak', peak],
    ['used_memory_peak_human', humanBytes(peak)],
    ['used_memory_peak_perc', share(used, peak)],
    ['used_memory_overhead', buffers],
    ['used_memory_startup', 0],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', share(dataset, used)],
    ['allocator_allocated', used],
    ['allocator_active', held + buffers],
    ['allocator_resident', rss],
    ['total_system_memory', os.totalmem()],
    ['total_system_memory_human', humanBytes(os.totalmem())],
    ...scriptMemory(snapshot),
    ['maxmemory', limit],
    ['maxmemory_human', humanBytes(limit)],
    ['maxmemory_policy', configuration.values.maxmemoryPolicy],
    ['allocator_frag_ratio', (Math.max(held + buffers, used) / Math.max(1, used)).toFixed(2)],
    ['allocator_frag_bytes', Math.max(0, held - dataset)],
    ['mem_fragmentation_ratio', (rss / Math.max(1, used)).toFixed(2)],
    ['mem_fragmentation_bytes', rss - used],
    ['mem_not_counted_for_evict', 0],
    ['mem_replication_backlog', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', buffers],
    ['mem_aof_buffer', 0],
    ['mem_allocator', 'hashlane-arena'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', sumOf(snapshot, 'lazyFreePending')],
    ['lazyfreed_objects', sumOf(snapshot, 'lazyFreed')],
  ];
}

/** Sources of scripts and libraries, and the JavaScript that they became in the shards. */
function scriptMemory(snapshot: Snapshot): Lines {
  const { functions, scripts } = snapshot.gateway.shards;
  const scriptCode = sumOf(snapshot, 'scriptCodeLength');
  const functionCode = sumOf(snapshot, 'functionCodeLength');
  const sources = scripts.bytes + functions.bytes;
  return [
    ['used_memory_lua', scriptCode],
    ['used_memory_vm_eval', scriptCode],
    ['used_memory_lua_human', humanBytes(scriptCode)],
    ['used_memory_scripts_eval', scripts.bytes],
    ['number_of_cached_scripts', scripts.size],
    ['number_of_functions', functions.functionCount],
    ['number_of_libraries', functions.libraries.length],
    ['used_memory_vm_functions', functionCode],
    ['used_memory_vm_total', scriptCode + functionCode],
    ['used_memory_vm_total_human', humanBytes(scriptCode + functionCode)],
    ['used_memory_functions', functions.bytes],
    ['used_memory_scripts', sources],
    ['used_memory_scripts_human', humanBytes(sources)],
  ];
}

/** Lines that are there only while a snapshot is being loaded. */
function loadingLines({ gateway }: Snapshot): Lines {
  if (!gateway.gate.has(GATE_LOADING)) return [];
  const { done, total } = gateway.loading;
  const elapsed = Math.max(0.001, (Date.now() - gateway.statistics.startedAtMs) / 1000);
  const remaining = done === 0 ? 1 : Math.max(0, Math.round((elapsed * (total - done)) / done));
  return [
    ['loading_start_time', Math.floor(gateway.statistics.startedAtMs / 1000)],
    ['loading_total_bytes', total],
    ['loading_loaded_bytes', done],
    ['loading_loaded_perc', ((100 * done) / Math.max(1, total)).toFixed(2)],
    ['loading_eta_seconds', remaining],
  ];
}

function persistence(snapshot: Snapshot): Lines {
  const { gateway } = snapshot;
  const { snapshots } = gateway;
  const keys = snapshot.shards.flatMap((shard) => shard?.databases ?? []);
  const total = keys.reduce((sum, database) => sum + database.keys, 0);
  const started = snapshots.startedAtSeconds;
  return [
    ['loading', yes(gateway.gate.has(GATE_LOADING))],
    ['async_loading', 0],
    ['current_cow_peak', 0],
    ['current_cow_size', 0],
    ['current_cow_size_age', 0],
    ['current_fork_perc', '0.00'],
    ['current_save_keys_processed', snapshots.isRunning ? sumOf(snapshot, 'snapshotKeysSaved') : 0],
    ['current_save_keys_total', snapshots.isRunning ? total : 0],
    ['rdb_changes_since_last_save', snapshots.changes],
    ['rdb_bgsave_in_progress', yes(snapshots.isRunning)],
    ['rdb_last_save_time', snapshots.lastSaveSeconds],
    ['rdb_last_bgsave_status', snapshots.lastStatus],
    ['rdb_last_bgsave_time_sec', snapshots.lastDurationSeconds],
    ['rdb_current_bgsave_time_sec', snapshots.isRunning ? nowSeconds() - started : -1],
    ['rdb_saves', snapshots.saves],
    ['rdb_last_cow_size', 0],
    ['aof_enabled', 0],
    ['aof_rewrite_in_progress', 0],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_rewrite_time_sec', -1],
    ['aof_current_rewrite_time_sec', -1],
    ['aof_last_bgrewrite_status', 'ok'],
    ['aof_last_write_status', 'ok'],
    ['aof_last_cow_size', 0],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ...loadingLines(snapshot),
  ];
}

/** Error replies by code, of the gateway and all shards. */
function errorCounts({ gateway, shards }: Snapshot): Map<string, number> {
  const counts = new Map(gateway.statistics.errors);
  const add = (code: string, count: number): void => {
    counts.set(code, (counts.get(code) ?? 0) + count);
  };
  for (const [code, count] of gateway.reply.errorCodes) add(code, count);
  // A shard in this thread counts in the gateway's own writer.
  if (gateway.shards.inProcess !== undefined) return counts;
  for (const [code, count] of shards.flatMap((shard) => shard?.errors ?? [])) add(code, count);
  return counts;
}

function stats(snapshot: Snapshot): Lines {
  const { pubSub, shards, statistics } = snapshot.gateway;
  const { scripts } = shards;
  let inputBytes = statistics.closedInputBytes;
  let outputBytes = statistics.closedOutputBytes;
  for (const { socket } of liveConnections(snapshot.gateway)) {
    inputBytes += socket.bytesRead;
    outputBytes += socket.bytesWritten;
  }
  const commands = sumOf(snapshot, 'commandsProcessed') + statistics.commandsServed;
  const rates = statistics.rates(commands, inputBytes, outputBytes);
  const errorReplies = [...errorCounts(snapshot).values()].reduce((a, b) => a + b, 0);
  return [
    ['total_connections_received', statistics.connectionsReceived],
    ['total_commands_processed', commands],
    ['instantaneous_ops_per_sec', rates.commands],
    ['total_net_input_bytes', inputBytes],
    ['total_net_output_bytes', outputBytes],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', (rates.inputBytes / 1024).toFixed(2)],
    ['instantaneous_output_kbps', (rates.outputBytes / 1024).toFixed(2)],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', statistics.connectionsRejected],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_keys', sumOf(snapshot, 'expiredKeys')],
    ['expired_subkeys', sumOf(snapshot, 'expiredParts')],
    ['script_foreign_keys', sumOf(snapshot, 'scriptForeignKeys')],
    ['evicted_keys', sumOf(snapshot, 'evictedKeys')],
    ['evicted_clients', 0],
    ['evicted_scripts', scripts.evicted],
    ['keyspace_hits', sumOf(snapshot, 'keyspaceHits')],
    ['keyspace_misses', sumOf(snapshot, 'keyspaceMisses')],
    ['pubsub_channels', pubSub.count('channel')],
    ['pubsub_patterns', pubSub.count('pattern')],
    ['pubsubshard_channels', pubSub.count('shard')],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', 0],
    ['slave_expires_tracked_keys', 0],
    ['tracking_total_keys', 0],
    ['tracking_total_items', 0],
    ['tracking_total_prefixes', 0],
    ['unexpected_error_replies', 0],
    ['total_error_replies', errorReplies],
    ['dump_payload_sanitizations', 0],
  ];
}

/** What keeps commands over several shards apart: see isolation.ts. */
function isolation({ gateway }: Snapshot): Lines {
  const { mode, statistics } = gateway.isolation;
  return [
    ['isolation', mode],
    ['multi_shard_transactions', statistics.transactions],
    ['lock_waits', statistics.waits],
    ['lock_conflicts', statistics.conflicts],
    ['avg_lock_contention', statistics.averageContention.toFixed(3)],
    ['locked_keys', statistics.lockedKeys],
    ['clients_waiting_for_lock', liveCount(gateway, (each) => each.isWaitingForLock)],
  ];
}

function liveCount(gateway: Gateway, isMeant: (connection: Connection) => boolean): number {
  let count = 0;
  for (const connection of liveConnections(gateway)) if (isMeant(connection)) count++;
  return count;
}

function replication({ gateway }: Snapshot): Lines {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', gateway.statistics.replicationId],
    ['master_replid2', '0'.repeat(40)],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', Number(gateway.configuration.values.replBacklogSize)],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ];
}

/** CPU of one thread; not known to older versions of Node. */
type ThreadCpuUsage = () => { user: number; system: number };

function cpu(): Lines {
  const { user, system } = process.cpuUsage();
  const seconds = (microseconds: number): string => (microseconds / 1e6).toFixed(6);
  const { threadCpuUsage } = process as { threadCpuUsage?: ThreadCpuUsage };
  const thread = threadCpuUsage?.call(process);
  return [
    ['used_cpu_sys', seconds(system)],
    ['used_cpu_user', seconds(user)],
    ['used_cpu_sys_children', '0.000000'],
    ['used_cpu_user_children', '0.000000'],
    ...(thread === undefined
      ? []
      : ([
          ['used_cpu_sys_main_thread', seconds(thread.system)],
          ['used_cpu_user_main_thread', seconds(thread.user)],
        ] as const)),
  ];
}

interface CommandTotals {
  calls: number;
  microseconds: number;
  rejected: number;
  failed: number;
}

function commandstats({ gateway, shards }: Snapshot): Lines {
  const totals = new Map<string, CommandTotals>();
  const totalsOf = (name: string): CommandTotals => {
    const found = totals.get(name) ?? { calls: 0, microseconds: 0, rejected: 0, failed: 0 };
    totals.set(name, found);
    return found;
  };
  for (const [entry, counters] of gateway.statistics.commands) {
    const total = totalsOf(entry.lowerName);
    total.calls += counters.calls;
    total.microseconds += counters.microseconds;
    total.rejected += counters.rejected;
    total.failed += counters.failed;
  }
  for (const [number, calls, microseconds, failed] of shards.flatMap((s) => s?.commands ?? [])) {
    const spec = COMMAND_METADATA[number];
    if ((spec.flags & INTERNAL) !== 0) continue;
    const total = totalsOf(spec.name.toLowerCase());
    total.calls += calls;
    total.microseconds += microseconds;
    total.failed += failed;
  }
  return [...totals].map(([name, total]) => [`cmdstat_${name}`, describeTotals(total)] as const);
}

function describeTotals({ calls, microseconds, rejected, failed }: CommandTotals): string {
  const mean = calls === 0 ? 0 : microseconds / calls;
  return (
    `calls=${calls},usec=${Math.round(microseconds)},usec_per_call=${mean.toFixed(2)},` +
    `rejected_calls=${rejected},failed_calls=${failed}`
  );
}

function errorstats(snapshot: Snapshot): Lines {
  return [...errorCounts(snapshot)].map(
    ([code, count]) => [`errorstat_${code}`, `count=${count}`] as const,
  );
}

interface DatabaseTotals {
  keys: number;
  expires: number;
  /** Sum over the keys that expire of their time to live, in ms. */
  ttl: number;
}

function keyspace({ shards }: Snapshot): Lines {
  const databases = new Map<number, DatabaseTotals>();
  for (const { index, keys, expires, averageTtl } of shards.flatMap((s) => s?.databases ?? [])) {
    const total = databases.get(index) ?? { keys: 0, expires: 0, ttl: 0 };
    total.keys += keys;
    total.expires += expires;
    total.ttl += expires * averageTtl;
    databases.set(index, total);
  }
  return [...databases]
    .filter(([, { keys }]) => keys > 0)
    .sort(([a], [b]) => a - b)
    .map(([index, { keys, expires, ttl }]) => {
      const average = expires === 0 ? 0 : Math.round(ttl / expires);
      return [`db${index}`, `keys=${keys},expires=${expires},avg_ttl=${average}`] as const;
    });
}

function shardLines({ shards }: Snapshot): Lines {
  return shards.map((shard, i) => {
    if (shard === undefined) return [`shard${i}`, 'status=unknown'] as const;
    const keys = shard.databases.reduce((sum, database) => sum + database.keys, 0);
    const fields: Lines = [
      ['keys', keys],
      ['commands', shard.commandsProcessed],
      ['used_memory', shard.usedMemory],
      ['held_memory', shard.heldMemory],
      ['heap_bytes', shard.heapBytes],
      ['blocked_clients', shard.blockedClients],
      ['lazyfree_pending', shard.lazyFreePending],
    ];
    return [`shard${i}`, fields.map(([name, value]) => `${name}=${value}`).join(',')] as const;
  });
}

const SECTIONS: { readonly [name: string]: Section } = {
  server: { title: 'Server', isDefault: true, needsShards: false, lines: server },
  clients: { title: 'Clients', isDefault: true, needsShards: false, lines: clients },
  memory: { title: 'Memory', isDefault: true, needsShards: true, lines: memory },
  persistence: { title: 'Persistence', isDefault: true, needsShards: true, lines: persistence },
  stats: { title: 'Stats', isDefault: true, needsShards: true, lines: stats },
  isolation: { title: 'Isolation', isDefault: true, needsShards: false, lines: isolation },
  replication: { title: 'Replication', isDefault: true, needsShards: false, lines: replication },
  cpu: { title: 'CPU', isDefault: true, needsShards: false, lines: cpu },
  modules: { title: 'Modules', isDefault: true, needsShards: false, lines: () => [] },
  commandstats: {
    title: 'Commandstats',
    isDefault: false,
    needsShards: true,
    lines: commandstats,
  },
  errorstats: { title: 'Errorstats', isDefault: true, needsShards: true, lines: errorstats },
  latencystats: { title: 'Latencystats', isDefault: false, needsShards: false, lines: () => [] },
  cluster: {
    title: 'Cluster',
    isDefault: true,
    needsShards: false,
    lines: () => [['cluster_enabled', 0]],
  },
  keyspace: { title: 'Keyspace', isDefault: true, needsShards: true, lines: keyspace },
  shards: { title: 'Shards', isDefault: false, needsShards: true, lines: shardLines },
};

/** The sections that INFO's arguments ask for, in the order of the table. */
function chooseSections(words: readonly string[]): Section[] {
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  const has = (name: string): boolean => wanted.has(name);
  return Object.entries(SECTIONS)
    .filter(([name, { isDefault }]) => {
      if (has(name) || has('everything')) return true;
      if (has('all') && name !== 'modules' && name !== 'shards') return true;
      return isDefault && (words.length === 0 || has('default'));
    })
    .map(([, section]) => section);
}

function writeInfo(sections: readonly Section[], snapshot: Snapshot): ReplyFunction {
  const text = sections
    .map(({ title, lines }) => {
      const body = lines(snapshot).map(([name, value]) => `${name}:${value}\r\n`);
      return `# ${title}\r\n${body.join('')}`;
    })
    .join('\r\n');
  return (reply) => reply.verbatim('txt', Buffer.from(text, 'utf8').toString('latin1'));
}

function info(call: ServerCall): undefined | Promise<ReplyFunction> {
  const { gateway, reply } = call;
  const sections = chooseSections(texts(call, 1));
  if (!sections.some(({ needsShards }) => needsShards)) {
    writeInfo(sections, { gateway, shards: [] })(reply);
    return;
  }
  return gatherShardStatistics(gateway).then((shards) => writeInfo(sections, { gateway, shards }));
}

export const infoCommands = [
  {
    name: 'INFO',
    arity: -1,
    flags: LOADING | STALE,
    handler: info,
    group: 'server',
    since: '1.0.0',
    summary: 'Returns information and statistics about the server.',
    complexity: 'O(1)',
    syntax: '[section [section ...]]',
    categories: '@dangerous',
    tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
  },
] as const satisfies readonly ServerCommandSpec[];
