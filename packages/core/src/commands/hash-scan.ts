/**
 * Fields of a hash at random and in walks: HRANDFIELD and HSCAN.
 *
 * HSCAN's cursor is a bound of the hashes of fields (see byte-map.ts), so a field that is there all
 * the time is returned, as by SCAN. A packed hash is returned whole.
 *
 * HRANDFIELD without repetition takes each field with the probability that is needed to get as many
 * as asked for (selection sampling, Knuth 3.4.2 S) when these are a third of all or more, or the
 * hash is packed; else it picks until it has enough different ones.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { matchesGlob } from '../glob.ts';
import { RANDOM_REPLY_BYTES_MAX } from '../limits.ts';
import { signedArgument } from './arguments.ts';
import { type CommandSpec, keys, READONLY } from './command-spec.ts';
import { hash, hidesFields, isHidden, readHash, readHashWithoutDue, WRONG } from './hash-access.ts';
import { SCAN_CURSOR_END, type ScanOptions, scanElements } from './scan.ts';

/** Beyond this WITHVALUES would reply more elements than a 64-bit count says. */
const PAIRS_MAX = 2 ** 62;
/** Bytes of the bulk string of an empty field. */
const LEAST_BULK_BYTES = 6;
/** Picks in a packed hash from which on the places of all its fields are noted first. */
const PLACES_NOTED_MIN = 32;

function hrandfield(context: CommandContext): void {
  const { engine, reply, request } = context;
  if (request.argc >= 3) {
    randomFields(context);
    return;
  }
  const reference = readHashWithoutDue(context);
  if (reference === WRONG) return;
  if (reference === 0) {
    reply.null();
    return;
  }
  hash.pick(engine.random);
  hash.replyField(reply);
}

function randomFields(context: CommandContext): void {
  const { reply, request } = context;
  const count = signedArgument(context, 2);
  if (Number.isNaN(count)) return;
  const withValues = request.argc > 3;
  if (request.argc > 4 || (withValues && !request.is(3, 'WITHVALUES'))) {
    reply.error(errors.syntax);
    return;
  }
  if (withValues && Math.abs(count) >= PAIRS_MAX) {
    reply.error(errors.outOfRange);
    return;
  }
  const reference = readHashWithoutDue(context);
  if (reference === WRONG) return;
  if (reference === 0 || count === 0) reply.array(0);
  else if (count < 0) replyRepeated(context, -count, withValues);
  else replyDistinct(context, Math.min(count, hash.count), withValues);
}

/** Begins the reply of `count` fields: flat, or with values an array of pairs in RESP3. */
function replyHead({ reply }: CommandContext, count: number, withValues: boolean): void {
  reply.array(withValues && reply.protocol === 2 ? 2 * count : count);
}

function replyCurrent({ reply }: CommandContext, withValues: boolean): void {
  if (withValues && reply.protocol === 3) reply.array(2);
  hash.replyField(reply);
  if (withValues) hash.replyValue(reply);
}

function replyRepeated(context: CommandContext, count: number, withValues: boolean): void {
  const { engine, reply } = context;
  const start = reply.position;
  // The client may ask for more fields than there is memory in the world.
  const most = RANDOM_REPLY_BYTES_MAX / LEAST_BULK_BYTES;
  replyHead(context, Math.min(count, most), withValues);
  // A packed hash is walked for each pick otherwise.
  const places = hash.isTable || count < PLACES_NOTED_MIN ? [] : allPlaces();
  for (let left = count; left > 0; left--) {
    if (places.length === 0) hash.pick(engine.random);
    else hash.recall(places[engine.random.below(places.length)]);
    replyCurrent(context, withValues);
    if (count > most || reply.position - start > RANDOM_REPLY_BYTES_MAX) {
      reply.position = start;
      reply.error(errors.outOfRange);
      return;
    }
  }
}

function allPlaces(): number[] {
  const places: number[] = [];
  for (hash.rewind(); hash.advance(); ) places.push(hash.place);
  return places;
}

function replyDistinct(context: CommandContext, count: number, withValues: boolean): void {
  const { random } = context.engine;
  replyHead(context, count, withValues);
  if (hash.isTable && count * 3 < hash.count) {
    for (const picked = new Set<number>(); picked.size < count; ) {
      hash.pick(random);
      if (picked.has(hash.place)) continue;
      picked.add(hash.place);
      replyCurrent(context, withValues);
    }
    return;
  }
  let left = hash.count;
  let needed = count;
  for (hash.rewind(); needed > 0 && hash.advance(); left--) {
    if (random.unit() * left >= needed) continue;
    needed--;
    replyCurrent(context, withValues);
  }
}

function hscan(context: CommandContext): void {
  scanElements(context, readHash, replyScan, true);
}

function replyScan(context: CommandContext, _reference: number, options: ScanOptions): void {
  const { reply } = context;
  const { count, cursor, noValues, pattern } = options;
  const found: number[] = [];
  const visit = (): void => {
    if (hidesFields() && isHidden(context)) return;
    if (pattern !== undefined && !fieldMatches(pattern)) return;
    found.push(hash.place);
  };
  const isOver = hash.isTable && cursor >= SCAN_CURSOR_END;
  const next = isOver ? -1 : hash.scan(cursor, count, visit);
  reply.array(2);
  reply.text(next < 0 ? '0' : String(next));
  reply.array(noValues ? found.length : 2 * found.length);
  for (const place of found) {
    hash.recall(place);
    hash.replyField(reply);
    if (!noValues) hash.replyValue(reply);
  }
}

function fieldMatches(pattern: Buffer): boolean {
  const { block, offset, length } = hash.fieldSpan();
  return matchesGlob(pattern, block.bytes, offset, offset + length);
}

export const hashScanCommands = [
  {
    name: 'HRANDFIELD',
    arity: -2,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'hash',
    since: '6.2.0',
    summary: 'Returns one or more random fields from a hash.',
    complexity: 'O(N) where N is the number of fields returned',
    syntax: 'key [count [WITHVALUES]]',
    tips: ['nondeterministic_output'],
    handler: hrandfield,
  },
  {
    name: 'HSCAN',
    arity: -3,
    flags: READONLY,
    keys: keys(1, 1, 'RO access'),
    group: 'hash',
    since: '2.8.0',
    summary: 'Iterates over fields and values of a hash.',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for ' +
      'the cursor to return back to 0. N is the number of elements inside the collection.',
    syntax: 'key cursor [MATCH pattern] [COUNT count] [NOVALUES]',
    tips: ['nondeterministic_output'],
    handler: hscan,
  },
] as const satisfies readonly CommandSpec[];
