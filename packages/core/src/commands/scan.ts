/**
 * Walking the keys of a database: KEYS, SCAN and RANDOMKEY.
 *
 * SCAN's cursor is a bound of key hashes (see byte-map.ts), an unsigned 32-bit number in decimal;
 * 0 begins and ends. The gateway puts the shard's number into the cursor that clients see. Keys
 * whose deadline has passed are deleted on the way and not returned, as in Redis.
 *
 * What HSCAN, SSCAN and ZSCAN have in common is here too; their cursors are bounds of the hashes of
 * fields and members.
 */
import { errors } from '@hashlane/resp';
import { offsetOf, pageOf } from '../arena.ts';
import type { CommandContext } from '../command-context.ts';
import { HAS_EXPIRY, KEY, KEY_LENGTH, META, TYPE_NAMES } from '../entry.ts';
import { isLiteralGlob, matchesGlob } from '../glob.ts';
import type { Keyspace } from '../keyspace.ts';
import { parseBigInteger, parseCursor, parseInteger } from '../number-text.ts';
import { type CommandSpec, READONLY } from './command-spec.ts';
import { findArgument } from './generic.ts';

/** Keys per call when COUNT is not given. */
const SCAN_COUNT = 10;
/** One more than the largest cursor: nothing is left to scan from here on. */
export const SCAN_CURSOR_END = 2 ** 32;

/** True when the key of an entry matches; `undefined` matches every key. */
function keyMatches(keyspace: Keyspace, reference: number, pattern: Buffer | undefined): boolean {
  if (pattern === undefined) return true;
  const { bytes, view } = keyspace.arena.pages[pageOf(reference)];
  const from = offsetOf(reference) + KEY;
  const length = view.getInt32(offsetOf(reference) + KEY_LENGTH, true);
  return matchesGlob(pattern, bytes, from, from + length);
}

function isDue(keyspace: Keyspace, reference: number): boolean {
  const { view } = keyspace.arena.pages[pageOf(reference)];
  const meta = view.getInt32(offsetOf(reference) + META, true);
  return (meta & HAS_EXPIRY) !== 0 && keyspace.isExpired(reference);
}

/** Replies the keys of entries as an array. */
function replyKeys({ keyspace, reply }: CommandContext, references: readonly number[]): void {
  reply.array(references.length);
  for (const reference of references) {
    const page = keyspace.arena.pages[pageOf(reference)];
    const entry = offsetOf(reference);
    reply.bulk(page, entry + KEY, page.view.getInt32(entry + KEY_LENGTH, true));
  }
}

/** The pattern in argument `i`, or undefined when it is `*` alone. */
function patternArgument({ request }: CommandContext, i: number): Buffer | undefined {
  const pattern = request.bytes(i);
  return pattern.length === 1 && pattern[0] === 42 ? undefined : pattern;
}

function keysByPattern(context: CommandContext): void {
  const { keyspace, request } = context;
  const pattern = patternArgument(context, 1);
  const found: number[] = [];
  if (pattern !== undefined && isLiteralGlob(pattern)) {
    const reference = findArgument(keyspace, request, 1);
    if (reference !== 0) found.push(reference);
  } else {
    keyspace.map.scan(0, Infinity, (reference) => {
      const isFound = keyMatches(keyspace, reference, pattern) && !isDue(keyspace, reference);
      if (isFound) found.push(reference);
    });
  }
  replyKeys(context, found);
}

export interface ScanOptions {
  /** Bound of hashes where the scan goes on. */
  cursor: number;
  count: number;
  pattern: Buffer | undefined;
  /** Type name in lower case, or undefined for all. */
  type: string | undefined;
  /** Fields without their values. */
  noValues: boolean;
}

/**
 * Options of SCAN and its like from argument `from` on, or undefined after an error reply.
 * `hasTypes`: TYPE is one of them; `hasNoValues`: NOVALUES is.
 */
function scanOptions(
  context: CommandContext,
  from: number,
  cursor: number,
  hasTypes: boolean,
  hasNoValues = false,
): ScanOptions | undefined {
  const { request, reply } = context;
  const options: ScanOptions = {
    cursor,
    count: SCAN_COUNT,
    pattern: undefined,
    type: undefined,
    noValues: false,
  };
  for (let i = from; i < request.argc; i += 2) {
    const hasValue = i + 1 < request.argc;
    if (hasNoValues && request.is(i, 'NOVALUES')) {
      options.noValues = true;
      i--;
    } else if (hasValue && request.is(i, 'COUNT')) {
      const error = readCount(context, i + 1, options);
      if (error !== undefined) {
        reply.error(error);
        return undefined;
      }
    } else if (hasValue && request.is(i, 'MATCH')) {
      options.pattern = patternArgument(context, i + 1);
    } else if (hasTypes && hasValue && request.is(i, 'TYPE')) {
      options.type = request.text(i + 1).toLowerCase();
    } else {
      reply.error(errors.syntax);
      return undefined;
    }
  }
  return options;
}

/** Reads COUNT into the options; an error's text when it is not a positive integer. */
function readCount(
  { request }: CommandContext,
  i: number,
  options: ScanOptions,
): string | undefined {
  const count = parseBigInteger(request.text(i));
  if (count === undefined) return errors.notInteger;
  if (count < 1n) return errors.syntax;
  options.count = Number(count);
  return undefined;
}

/** The hash bound in argument `i`, or −1 when it is no cursor. Bounds above 2^32 are the end. */
function cursorArgument({ request }: CommandContext, i: number): number {
  const cursor = parseInteger(request.block, request.offset(i), request.length(i));
  if (cursor >= 0) return Math.min(cursor, SCAN_CURSOR_END);
  const wide = parseCursor(request.text(i));
  return wide === undefined ? -1 : Math.min(Number(wide), SCAN_CURSOR_END);
}

/**
 * HSCAN, SSCAN and ZSCAN up to where their types part: `replyScan` goes on with the entry that
 * `lookup` found. `lookup` returns 0 for a missing key, and less after an error reply.
 */
export function scanElements(
  context: CommandContext,
  lookup: (context: CommandContext, i: number) => number,
  replyScan: (context: CommandContext, reference: number, options: ScanOptions) => void,
  hasNoValues = false,
): void {
  const { reply } = context;
  const cursor = cursorArgument(context, 2);
  if (cursor < 0) {
    reply.error(errors.invalidCursor);
    return;
  }
  const reference = lookup(context, 1);
  if (reference < 0) return;
  if (reference === 0) {
    reply.array(2);
    reply.text('0');
    reply.array(0);
    return;
  }
  const options = scanOptions(context, 3, cursor, false, hasNoValues);
  if (options !== undefined) replyScan(context, reference, options);
}

function scan(context: CommandContext): void {
  const { keyspace, reply } = context;
  const cursor = cursorArgument(context, 1);
  if (cursor < 0) {
    reply.error(errors.invalidCursor);
    return;
  }
  const options = scanOptions(context, 2, cursor, true);
  if (options === undefined) return;
  const found: number[] = [];
  const due: number[] = [];
  const next =
    cursor >= SCAN_CURSOR_END
      ? -1
      : keyspace.map.scan(cursor, options.count, (reference) => {
          if (!keyMatches(keyspace, reference, options.pattern)) return;
          if (isDue(keyspace, reference)) due.push(reference);
          else if (options.type === undefined) found.push(reference);
          else if (TYPE_NAMES[keyspace.typeOf(reference)] === options.type) found.push(reference);
        });
  reply.array(2);
  reply.text(next < 0 ? '0' : String(next));
  replyKeys(context, found);
  for (const reference of due) keyspace.expireEntry(reference);
}

function randomkey(context: CommandContext): void {
  const { engine, keyspace, reply } = context;
  for (;;) {
    const reference = keyspace.map.random(engine.random);
    if (reference === 0) {
      reply.null();
      return;
    }
    if (!isDue(keyspace, reference)) {
      reply.buffer(keyspace.keyOf(reference));
      return;
    }
    keyspace.expireEntry(reference);
  }
}

export const scanCommands = [
  {
    name: 'KEYS',
    arity: 2,
    flags: READONLY,
    spread: 'every',
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns all key names that match a pattern.',
    complexity:
      'O(N) with N being the number of keys in the database, under the assumption that the key ' +
      'names in the database and the given pattern have limited length.',
    syntax: 'pattern',
    categories: '@dangerous',
    tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
    handler: keysByPattern,
  },
  {
    name: 'SCAN',
    arity: -2,
    flags: READONLY,
    spread: 'every',
    group: 'generic',
    since: '2.8.0',
    summary: 'Iterates over the key names in the database.',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for ' +
      'the cursor to return back to 0. N is the number of elements inside the collection.',
    syntax: 'cursor [MATCH pattern] [COUNT count] [TYPE type]',
    tips: ['nondeterministic_output', 'request_policy:special'],
    handler: scan,
  },
  {
    name: 'RANDOMKEY',
    arity: 1,
    flags: READONLY,
    spread: 'every',
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns a random key name from the database.',
    complexity: 'O(1)',
    syntax: '',
    tips: ['request_policy:all_shards', 'nondeterministic_output'],
    handler: randomkey,
  },
] as const satisfies readonly CommandSpec[];
