/**
 * The part of DEBUG that shards execute. DEBUG SLEEP, RELOAD, JMAP and the like are the gateway's.
 *
 * With several shards: DIGEST is joined from HASHLANE.DIGEST (transfer.ts), HTSTATS and
 * SET-ACTIVE-EXPIRE go to all, and POPULATE, which names keys of any shard, is for one shard only;
 * a gateway in front of several sends the SETs itself.
 */
import { Block, errors } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { databaseDigests, joinDigests, valueDigest } from '../dataset-digest.ts';
import { LIST, STRING, valueOffset } from '../entry.ts';
import { matchesGlob } from '../glob.ts';
import { hashBytes } from '../hash.ts';
import type { Keyspace } from '../keyspace.ts';
import { ListValue } from '../list-value.ts';
import { parseInteger } from '../number-text.ts';
import { encodingOf } from '../value-encoding.ts';
import { ADMIN, type CommandSpec, keys, LOADING, NOSCRIPT, STALE } from './command-spec.ts';
import { findArgument, idleSeconds } from './generic.ts';

/** LRU clocks of Redis have 24 bits. */
const LRU_CLOCK_MASK = 0xffffff;

const list = new ListValue();

function debugObject(context: CommandContext): void {
  const { engine, keyspace, request, reply } = context;
  const reference = findArgument(keyspace, request, 2);
  if (reference === 0) {
    reply.error(errors.noSuchKey);
    return;
  }
  const idle = idleSeconds(engine, keyspace, reference);
  const lru = (engine.accessClock - idle) & LRU_CLOCK_MASK;
  // Without the type byte, as Redis counts.
  const serialized = Math.max(0, engine.codec.encodeValue(keyspace, reference).length - 1);
  reply.simple(
    `Value at:0x${(reference >>> 0).toString(16)} refcount:1 ` +
      `encoding:${encodingOf(engine, keyspace, reference)} serializedlength:${serialized} ` +
      `lru:${lru} lru_seconds_idle:${idle}${quicklistDetail(context, reference)}`,
  );
}

function quicklistDetail({ engine, keyspace }: CommandContext, reference: number): string {
  if (keyspace.typeOf(reference) !== LIST) return '';
  const fill = engine.settings.listMaxListpackSize;
  const { nodes, length, encoding } = list.open(keyspace.arena, reference, fill);
  if (encoding !== 'quicklist') return '';
  let bytes = 0;
  for (let node = list.firstNode(); node !== 0; node = list.nextNode(node)) {
    bytes += list.nodeEnd(node) - list.nodeStart(node);
  }
  return (
    ` ql_nodes:${nodes} ql_avg_node:${(length / nodes).toFixed(2)} ql_listpack_max:${fill}` +
    ` ql_compressed:0 ql_uncompressed_size:${bytes}`
  );
}

function debugSetActiveExpire({ engine, request, reply }: CommandContext): void {
  engine.expiresActively = (Number.parseInt(request.text(2), 10) || 0) !== 0;
  reply.ok();
}

function debugDigest({ engine, reply }: CommandContext): void {
  reply.simple(joinDigests(databaseDigests(engine)));
}

function debugDigestValue({ engine, keyspace, request, reply }: CommandContext): void {
  reply.array(request.argc - 2);
  for (let i = 2; i < request.argc; i++) {
    reply.simple(valueDigest(engine, keyspace, findArgument(keyspace, request, i)));
  }
}

/** A non-negative integer argument, or NaN after an error reply. */
function countArgument({ request, reply }: CommandContext, i: number): number {
  const count = parseInteger(request.block, request.offset(i), request.length(i));
  if (count >= 0) return count;
  reply.error(errors.outOfRangePositive);
  return Number.NaN;
}

function debugPopulate(context: CommandContext): void {
  const { keyspace, request, reply } = context;
  const count = countArgument(context, 2);
  if (Number.isNaN(count)) return;
  const prefix = request.argc > 3 ? request.bytes(3) : Buffer.from('key');
  const size = request.argc > 4 ? countArgument(context, 4) : 0;
  if (Number.isNaN(size)) return;
  for (let i = 0; i < count; i++) addSample(keyspace, prefix, i, size);
  reply.ok();
}

/** Adds `prefix:i` with the value `value:i`, cut or filled with zeros to `size` unless that is 0. */
function addSample(keyspace: Keyspace, prefix: Buffer, i: number, size: number): void {
  const key = new Block(Buffer.concat([prefix, Buffer.from(`:${i}`)]));
  const length = key.bytes.length;
  const hash = hashBytes(key, 0, length);
  if (keyspace.find(key, 0, length, hash) !== 0) return;
  const value = Buffer.from(`value:${i}`);
  const bytes = size === 0 ? value.length : size;
  const reference = keyspace.insert(key, 0, length, hash, STRING, bytes, false);
  const page = keyspace.arena.pages[pageOf(reference)];
  const at = valueOffset(page, offsetOf(reference));
  page.bytes.fill(0, at, at + bytes);
  value.copy(page.bytes, at, 0, Math.min(bytes, value.length));
}

function debugStringmatchLen({ request, reply }: CommandContext): void {
  reply.integer(matchesGlob(request.bytes(2), request.bytes(3)) ? 1 : 0);
}

function debugHtstats(context: CommandContext): void {
  const { engine, reply } = context;
  const index = countArgument(context, 2);
  if (Number.isNaN(index)) return;
  if (index >= engine.settings.databases) {
    reply.error(errors.debugDatabaseOutOfRange);
    return;
  }
  const { map, expiries } = engine.keyspace(index);
  const { slots, segments, directory } = map.statistics();
  reply.verbatim(
    'txt',
    `[Dictionary HT]\n${tableStatistics(slots, map.size)} segments: ${segments}\n` +
      ` directory: ${directory}\n[Expires HT]\n${tableStatistics(expiries.bytes / 16, expiries.size)}`,
  );
}

function tableStatistics(slots: number, elements: number): string {
  const head = 'Hash table 0 stats (main hash table):\n';
  if (elements === 0) return `${head}No stats available for empty dictionaries\n`;
  return `${head} table size: ${slots}\n number of elements: ${elements}\n`;
}

const DEBUG_FLAGS = ADMIN | NOSCRIPT | LOADING | STALE;
const DEBUG_ROW = {
  flags: DEBUG_FLAGS,
  group: 'server',
  since: '1.0.0',
  complexity: 'Depends on subcommand.',
} as const;

export const debugCommands = [
  {
    ...DEBUG_ROW,
    name: 'DEBUG|OBJECT',
    arity: -3,
    keys: keys(2, 2, 'RO'),
    summary: 'Shows low-level information about a key and its value.',
    syntax: 'key',
    handler: debugObject,
  },
  {
    ...DEBUG_ROW,
    name: 'DEBUG|SET-ACTIVE-EXPIRE',
    arity: 3,
    spread: 'every',
    summary: 'Turns the active deletion of expired keys off or on.',
    syntax: 'enabled',
    handler: debugSetActiveExpire,
  },
  {
    ...DEBUG_ROW,
    name: 'DEBUG|DIGEST',
    arity: 2,
    spread: 'every',
    summary: 'Returns a signature of the whole content.',
    syntax: '',
    handler: debugDigest,
  },
  {
    ...DEBUG_ROW,
    name: 'DEBUG|DIGEST-VALUE',
    arity: -2,
    keys: keys(2, -1, 'RO'),
    spread: 'gather',
    summary: "Returns a signature of each key's value.",
    syntax: 'key [key ...]',
    handler: debugDigestValue,
  },
  {
    ...DEBUG_ROW,
    name: 'DEBUG|POPULATE',
    arity: -3,
    summary: 'Creates string keys by number.',
    syntax: 'count [prefix] [size]',
    handler: debugPopulate,
  },
  {
    ...DEBUG_ROW,
    name: 'DEBUG|STRINGMATCH-LEN',
    arity: 4,
    summary: 'Returns 1 when the string matches the glob pattern, else 0.',
    syntax: 'pattern string',
    handler: debugStringmatchLen,
  },
  {
    ...DEBUG_ROW,
    name: 'DEBUG|HTSTATS',
    arity: -3,
    spread: 'every',
    summary: 'Shows how full the tables of a database are.',
    syntax: 'dbid [full]',
    handler: debugHtstats,
  },
] as const satisfies readonly CommandSpec[];
