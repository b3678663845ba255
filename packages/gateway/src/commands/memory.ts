/**
 * MEMORY's reports over all shards: STATS, DOCTOR and MALLOC-STATS. USAGE and PURGE are core's.
 *
 * Figures are those of INFO: sums of what the arenas hand out, not estimates, and the process's
 * resident size. Fields of Redis that mean nothing here (replication) are 0.
 */
import { formatDouble17, LOADING, STALE } from '@hashlane/core/metadata';
import type { ReplyWriter } from '@hashlane/resp';
import type { ShardStatistics } from '@hashlane/shard-worker';
import type { Gateway } from '../gateway.ts';
import type { ReplyFunction, ServerCall, ServerCommandSpec } from '../server-command.ts';
import { replyHelp } from './arguments.ts';
import { connectionBytes, liveConnections } from './client.ts';
import { gatherShardStatistics } from './shard-statistics.ts';

interface DatabaseTables {
  readonly index: number;
  readonly mainBytes: number;
  readonly expiresBytes: number;
}

/** Where the memory of the server is, in bytes. */
interface MemoryFigures {
  /** Keys, values and tables. */
  readonly dataset: number;
  /** Pages of the arenas, used or not, and tables. */
  readonly held: number;
  readonly clients: number;
  readonly largestClient: number;
  readonly used: number;
  readonly peak: number;
  readonly resident: number;
  readonly keys: number;
  readonly databases: readonly DatabaseTables[];
  /** Sources of scripts, and of libraries of functions. */
  readonly scripts: number;
  readonly functions: number;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function tablesOf(shards: readonly ShardStatistics[]): DatabaseTables[] {
  const tables = new Map<number, DatabaseTables>();
  for (const { index, keys, keyTableBytes, expiryTableBytes } of shards.flatMap(
    (shard) => shard.databases,
  )) {
    if (keys === 0) continue;
    const before = tables.get(index) ?? { index, mainBytes: 0, expiresBytes: 0 };
    tables.set(index, {
      index,
      mainBytes: before.mainBytes + keyTableBytes,
      expiresBytes: before.expiresBytes + expiryTableBytes,
    });
  }
  return [...tables.values()].sort((a, b) => a.index - b.index);
}

async function gatherFigures(gateway: Gateway): Promise<MemoryFigures> {
  const shards = (await gatherShardStatistics(gateway)).filter((shard) => shard !== undefined);
  const clients = [...liveConnections(gateway)].map(connectionBytes);
  const dataset = sum(shards, ({ usedMemory }) => usedMemory);
  const buffers = sum(clients, (bytes) => bytes);
  const used = dataset + buffers;
  const { statistics } = gateway;
  statistics.peakMemoryBytes = Math.max(statistics.peakMemoryBytes, used);
  return {
    dataset,
    held: Math.max(
      dataset,
      sum(shards, ({ heldMemory }) => heldMemory),
    ),
    clients: buffers,
    largestClient: Math.max(0, ...clients),
    used,
    peak: statistics.peakMemoryBytes,
    resident: process.memoryUsage.rss(),
    keys: sum(
      shards.flatMap(({ databases }) => databases),
      ({ keys }) => keys,
    ),
    databases: tablesOf(shards),
    scripts: gateway.shards.scripts.bytes,
    functions: gateway.shards.functions.bytes,
  };
}

// STATS

/** A value of STATS: an integer, or text of a double. */
type Field = readonly [name: string, value: number, isDouble?: boolean];

function percentage(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

function ratio(a: number, b: number): number {
  return b === 0 ? 1 : a / b;
}

function fieldsBefore({
  peak,
  used,
  clients,
  scripts,
  functions,
}: MemoryFigures): readonly Field[] {
  return [
    ['peak.allocated', peak],
    ['total.allocated', used],
    ['startup.allocated', 0],
    ['replication.backlog', 0],
    ['clients.slaves', 0],
    ['clients.normal', clients],
    ['cluster.links', 0],
    ['aof.buffer', 0],
    ['lua.caches', scripts],
    ['functions.caches', functions],
  ];
}

function fieldsAfter(figures: MemoryFigures): readonly Field[] {
  const { clients, dataset, databases, held, keys, peak, resident, used } = figures;
  const tables = sum(databases, ({ mainBytes, expiresBytes }) => mainBytes + expiresBytes);
  const active = held + clients;
  return [
    ['overhead.total', clients + tables],
    ['keys.count', keys],
    ['keys.bytes-per-key', keys === 0 ? 0 : Math.floor(dataset / keys)],
    ['dataset.bytes', Math.max(0, dataset - tables)],
    ['dataset.percentage', percentage(Math.max(0, dataset - tables), used), true],
    ['peak.percentage', percentage(used, peak), true],
    ['allocator.allocated', used],
    ['allocator.active', active],
    ['allocator.resident', resident],
    ['allocator-fragmentation.ratio', ratio(active, used), true],
    ['allocator-fragmentation.bytes', active - used],
    ['allocator-rss.ratio', ratio(resident, active), true],
    ['allocator-rss.bytes', resident - active],
    ['rss-overhead.ratio', 1, true],
    ['rss-overhead.bytes', 0],
    ['fragmentation', ratio(resident, used), true],
    ['fragmentation.bytes', resident - used],
  ];
}

function writeFields(reply: ReplyWriter, fields: readonly Field[]): void {
  for (const [name, value, isDouble] of fields) {
    reply.text(name);
    if (isDouble === true) reply.double(formatDouble17(value));
    else reply.integer(value);
  }
}

async function memoryStats({ gateway }: ServerCall): Promise<ReplyFunction> {
  const figures = await gatherFigures(gateway);
  const before = fieldsBefore(figures);
  const after = fieldsAfter(figures);
  return (reply) => {
    reply.map(before.length + figures.databases.length + after.length);
    writeFields(reply, before);
    for (const { index, mainBytes, expiresBytes } of figures.databases) {
      reply.text(`db.${index}`);
      reply.map(3);
      writeFields(reply, [
        ['overhead.hashtable.main', mainBytes],
        ['overhead.hashtable.expires', expiresBytes],
        ['overhead.hashtable.slot-to-keys', 0],
      ]);
    }
    writeFields(reply, after);
  };
}

// DOCTOR

const MEGABYTE = 1024 * 1024;
/** Below this nothing that could be said would mean anything. */
const DIAGNOSED_BYTES_MIN = 5 * MEGABYTE;
const PEAK_RATIO_MAX = 1.5;
const FRAGMENTATION_RATIO_MAX = 1.4;
/** The runtime's own memory is no finding: only what exceeds it by far. */
const RESIDENT_RATIO_MAX = 2;
const RESIDENT_EXTRA_BYTES_MIN = 300 * MEGABYTE;
const CLIENT_BYTES_MAX = 10 * MEGABYTE;

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

/** What is remarkable about the memory, a sentence each. */
function findings({ held, largestClient, peak, resident, used, dataset }: MemoryFigures): string[] {
  const found: string[] = [];
  if (peak > used * PEAK_RATIO_MAX) {
    found.push(
      `The peak was ${megabytes(peak)}, now ${megabytes(used)} are used: the process may stay as ` +
        'large as it was at the peak. This is harmless unless the memory is wanted elsewhere.',
    );
  }
  if (held > dataset * FRAGMENTATION_RATIO_MAX) {
    found.push(
      `The shards hold pages of ${megabytes(held)} for ${megabytes(dataset)} of data: values of ` +
        'one size have given way to values of another. MEMORY PURGE gives back empty pages; a ' +
        'restart from a snapshot packs all.',
    );
  }
  if (resident > held * RESIDENT_RATIO_MAX && resident - held > RESIDENT_EXTRA_BYTES_MIN) {
    found.push(
      `The process takes ${megabytes(resident)}, of which the shards know ${megabytes(held)}: ` +
        'buffers on their way between threads, or of clients that do not read, make the rest.',
    );
  }
  if (largestClient > CLIENT_BYTES_MAX) {
    found.push(
      `One client has ${megabytes(largestClient)} in its buffers: CLIENT LIST tells which ` +
        '(tot-mem), client-output-buffer-limit bounds it.',
    );
  }
  return found;
}

async function memoryDoctor({ gateway }: ServerCall): Promise<ReplyFunction> {
  const figures = await gatherFigures(gateway);
  const text =
    figures.used < DIAGNOSED_BYTES_MIN
      ? `Only ${megabytes(figures.used)} are used: too little to say anything of it.\n`
      : describe(findings(figures));
  return (reply) => reply.verbatim('txt', text);
}

function describe(found: readonly string[]): string {
  if (found.length === 0) return 'There is nothing remarkable about the memory of this server.\n';
  return found.map((sentence) => ` * ${sentence}\n`).join('');
}

// MALLOC-STATS

async function mallocStats({ gateway }: ServerCall): Promise<ReplyFunction> {
  const shards = await gatherShardStatistics(gateway);
  const { arrayBuffers, external, heapTotal, heapUsed, rss } = process.memoryUsage();
  const lines = [
    `process: resident ${rss}, V8 heap ${heapUsed} of ${heapTotal}, external ${external}, ` +
      `array buffers ${arrayBuffers}`,
    ...shards.map((shard, i) =>
      shard === undefined
        ? `shard ${i}: no answer`
        : `shard ${i}: used ${shard.usedMemory}, pages ${shard.heldMemory}, ` +
          `V8 heap ${shard.heapBytes}`,
    ),
  ];
  return (reply) => reply.verbatim('txt', `${lines.join('\n')}\n`);
}

const HELP = [
  'DOCTOR',
  '    Return memory problems reports.',
  'MALLOC-STATS',
  '    Return internal statistics report from the memory allocator.',
  'PURGE',
  '    Attempt to purge dirty pages for reclamation by the allocator.',
  'STATS',
  '    Return information about the memory usage of the server.',
  'USAGE <key> [SAMPLES <count>]',
  '    Return memory in bytes used by <key> and its value. Nested values are',
  '    sampled up to <count> times (default: 5, 0 means sample all).',
];

const ROW = { arity: 2, flags: 0, group: 'server', since: '4.0.0', syntax: '' } as const;
const REPORT_TIPS = [
  'nondeterministic_output',
  'request_policy:all_shards',
  'response_policy:special',
];

export const memoryCommands = [
  {
    ...ROW,
    name: 'MEMORY|DOCTOR',
    summary: 'Outputs a memory problems report.',
    complexity: 'O(1)',
    tips: REPORT_TIPS,
    handler: memoryDoctor,
  },
  {
    ...ROW,
    name: 'MEMORY|STATS',
    summary: 'Returns details about memory usage.',
    complexity: 'O(1)',
    tips: REPORT_TIPS,
    handler: memoryStats,
  },
  {
    ...ROW,
    name: 'MEMORY|MALLOC-STATS',
    summary: 'Returns the allocator statistics.',
    complexity: 'Depends on how much memory is allocated, could be slow',
    tips: REPORT_TIPS,
    handler: mallocStats,
  },
  {
    ...ROW,
    name: 'MEMORY|HELP',
    flags: LOADING | STALE,
    summary: 'Returns helpful text about the different subcommands.',
    complexity: 'O(1)',
    handler: ({ reply }: ServerCall) => replyHelp(reply, 'MEMORY', HELP),
  },
] as const satisfies readonly ServerCommandSpec[];
