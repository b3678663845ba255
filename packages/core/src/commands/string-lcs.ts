/**
 * LCS, the longest common subsequence of two strings.
 *
 * One thing differs from Redis on purpose and cannot be seen in replies: with LEN two rows of the
 * table are kept instead of all.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { commonBytes, commonLength, commonRuns, commonTable } from '../common-subsequence.ts';
import { integerArgument } from './arguments.ts';
import { type CommandSpec, keys, READONLY } from './command-spec.ts';
import { span } from './string-access.ts';

interface LcsOptions {
  idx: boolean;
  len: boolean;
  withMatchLen: boolean;
  minMatchLen: number;
}

/** Options from argument 3 on, or undefined with an error replied. */
function readLcsOptions(context: CommandContext): LcsOptions | undefined {
  const { reply, request } = context;
  const options = { idx: false, len: false, withMatchLen: false, minMatchLen: 0 };
  for (let i = 3; i < request.argc; i++) {
    if (request.is(i, 'IDX')) options.idx = true;
    else if (request.is(i, 'LEN')) options.len = true;
    else if (request.is(i, 'WITHMATCHLEN')) options.withMatchLen = true;
    else if (request.is(i, 'MINMATCHLEN') && i + 1 < request.argc) {
      const bytes = integerArgument(context, ++i, errors.notInteger);
      if (Number.isNaN(bytes)) return undefined;
      options.minMatchLen = Math.max(0, bytes);
    } else {
      reply.error(errors.syntax);
      return undefined;
    }
  }
  if (!options.idx || !options.len) return options;
  reply.error(errors.lcsLenAndIdx);
  return undefined;
}

/** Bytes of the string in argument `i` (empty without one), or undefined for another type. */
function lcsInput(context: CommandContext, i: number): Buffer | undefined {
  const { keyspace, request } = context;
  const reference = keyspace.lookupRead(request, i);
  if (reference === 0) return Buffer.alloc(0);
  if (!span.locate(keyspace.arena, reference)) return undefined;
  return span.block.bytes.subarray(span.offset, span.offset + span.length);
}

function lcs(context: CommandContext): void {
  const { reply } = context;
  const a = lcsInput(context, 1);
  const b = lcsInput(context, 2);
  if (a === undefined || b === undefined) {
    reply.error(errors.lcsTypes);
    return;
  }
  const options = readLcsOptions(context);
  if (options === undefined) return;
  if ((a.length + 1) * (b.length + 1) * 4 > context.engine.settings.protoMaxBulkBytes) {
    reply.error(errors.lcsTooLarge);
    return;
  }
  if (options.len) {
    reply.integer(commonLength(a, b));
    return;
  }
  const table = commonTable(a, b);
  if (options.idx) replyMatches(context, a, b, table, options);
  else reply.buffer(commonBytes(a, b, table));
}

function replyMatches(
  context: CommandContext,
  a: Buffer,
  b: Buffer,
  table: Uint32Array,
  options: LcsOptions,
): void {
  const { reply } = context;
  const runs = commonRuns(a, b, table);
  const matches = runs.filter((run) => run.length >= options.minMatchLen);
  reply.map(2);
  reply.text('matches');
  reply.array(matches.length);
  for (const match of matches) {
    reply.array(options.withMatchLen ? 3 : 2);
    replyRange(context, match.inA, match.length);
    replyRange(context, match.inB, match.length);
    if (options.withMatchLen) reply.integer(match.length);
  }
  reply.text('len');
  reply.integer(table[table.length - 1]);
}

function replyRange(context: CommandContext, first: number, length: number): void {
  context.reply.array(2);
  context.reply.integer(first);
  context.reply.integer(first + length - 1);
}

export const stringLcsCommands = [
  {
    name: 'LCS',
    arity: -3,
    flags: READONLY,
    keys: keys(1, 2, 'RO access'),
    spread: 'borrow',
    group: 'string',
    since: '7.0.0',
    summary: 'Finds the longest common substring.',
    complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
    syntax: 'key1:key key2:key [LEN] [IDX] [MINMATCHLEN min-match-len:integer] [WITHMATCHLEN]',
    handler: lcs,
  },
] as const satisfies readonly CommandSpec[];
