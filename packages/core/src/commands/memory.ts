/**
 * The part of MEMORY that shards execute: USAGE of a key, and PURGE. The reports (STATS, DOCTOR,
 * MALLOC-STATS) are the gateway's, which knows all shards and the connections.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { parseBigInteger, parseInteger } from '../number-text.ts';
import { releaseSparePages } from '../spare-pages.ts';
import { keyBytes } from '../value-memory.ts';
import { type CommandSpec, keys, READONLY } from './command-spec.ts';
import { peekArgument } from './generic.ts';

/** Elements that are looked at unless SAMPLES says otherwise: smaller values are summed exactly. */
const SAMPLES_DEFAULT = 10_000;

/** The value of SAMPLES in argument `i`, Infinity for 0; NaN after an error reply. */
function samplesArgument({ request, reply }: CommandContext, i: number): number {
  const samples = parseInteger(request.block, request.offset(i), request.length(i));
  if (samples >= 0) return samples === 0 ? Infinity : samples;
  const big = Number.isNaN(samples) ? parseBigInteger(request.text(i)) : undefined;
  if (big !== undefined && big > 0n) return Infinity;
  const isNumber = big !== undefined || !Number.isNaN(samples);
  reply.error(isNumber ? errors.syntax : errors.notInteger);
  return Number.NaN;
}

function memoryUsage(context: CommandContext): void {
  const { keyspace, request, reply } = context;
  let samples = SAMPLES_DEFAULT;
  for (let i = 3; i < request.argc; i += 2) {
    if (!request.is(i, 'SAMPLES') || i + 1 === request.argc) {
      reply.error(errors.syntax);
      return;
    }
    samples = samplesArgument(context, i + 1);
    if (Number.isNaN(samples)) return;
  }
  const reference = peekArgument(context, 2);
  if (reference === 0) reply.null();
  else reply.integer(keyBytes(keyspace, reference, samples));
}

/** Gives back what is kept for speed: wire forms of list nodes, and empty pages. */
function memoryPurge({ engine, reply }: CommandContext): void {
  engine.arena.mirrors.dropAll();
  engine.arena.releaseEmptyPages();
  releaseSparePages();
  reply.ok();
}

const MEMORY_ROW = { group: 'server', since: '4.0.0' } as const;

export const memoryCommands = [
  {
    ...MEMORY_ROW,
    name: 'MEMORY|USAGE',
    arity: -3,
    flags: READONLY,
    keys: keys(2, 2, 'RO'),
    complexity: 'O(N) where N is the number of samples.',
    summary: 'Estimates the memory usage of a key.',
    syntax: 'key [SAMPLES count]',
    handler: memoryUsage,
  },
  {
    ...MEMORY_ROW,
    name: 'MEMORY|PURGE',
    arity: 2,
    flags: 0,
    spread: 'every',
    complexity: 'Depends on how much memory is allocated, could be slow',
    summary: 'Asks the allocator to release memory.',
    syntax: '',
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    handler: memoryPurge,
  },
] as const satisfies readonly CommandSpec[];
