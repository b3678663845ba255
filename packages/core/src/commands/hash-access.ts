/**
 * What every hash command begins and ends with: looking the hash up, its fields, and telling the
 * keyspace what became of it.
 *
 * Fields whose deadline has passed are gone for every command. The engine deletes them on time
 * (`Keyspace.expireDueParts`); a command that comes earlier deletes up to
 * FIELDS_EXPIRED_AT_ONCE_MAX of them when it looks the hash up, so that a million fields of one
 * deadline stall nobody. Of a large hash more may be due: these stay hidden, `hidesDue` says so.
 */
import { errors } from '@hashlane/resp';
import type { CommandContext } from '../command-context.ts';
import { HAS_PART_EXPIRY, HASH, TYPE_MASK } from '../entry.ts';
import '../hash-registration.ts';
import { HASH_BYTES, HASH_PACKED, HASH_WIDE, HashValue } from '../hash-value.ts';
import { type Keyspace, PART_EXPIRERS } from '../keyspace.ts';
import { FIELDS_EXPIRED_AT_ONCE_MAX } from '../limits.ts';
import { ENTRY_OVERHEAD_BYTES_MAX } from '../listpack.ts';

/** The hash of the command that is being executed. */
export const hash = new HashValue();

/** What lookups return after an error reply. */
export const WRONG = -1;

/** The hash holds fields that are due and must be passed over. */
let hidesDue = false;

/** The hash in argument 1 for reading: its entry, 0 when missing, or WRONG after an error reply. */
export function readHash(context: CommandContext): number {
  const reference = context.keyspace.lookupRead(context.request, 1);
  return reference === 0 ? 0 : open(context, reference, FIELDS_EXPIRED_AT_ONCE_MAX);
}

/** The hash in argument 1 for reading, after all fields that are due have been deleted. */
export function readHashWithoutDue(context: CommandContext): number {
  const reference = context.keyspace.lookupRead(context.request, 1);
  return reference === 0 ? 0 : open(context, reference, Infinity);
}

/** The hash in argument 1 for a change: its entry, 0 when missing, or WRONG after an error reply. */
export function writeHash(context: CommandContext): number {
  const reference = context.keyspace.lookupWrite(context.request, 1);
  return reference === 0 ? 0 : open(context, reference, FIELDS_EXPIRED_AT_ONCE_MAX);
}

/** Makes the hash in argument 1, which `writeHash` has not found. */
export function createHash({ keyspace, request }: CommandContext): number {
  const reference = keyspace.insertArgument(request, 1, HASH, HASH_BYTES);
  hash.create(keyspace.arena, reference);
  hidesDue = false;
  return reference;
}

/** The hash in argument 1 for a change, made if it is missing; WRONG after an error reply. */
export function writeOrCreateHash(context: CommandContext): number {
  const reference = writeHash(context);
  return reference === 0 ? createHash(context) : reference;
}

function open(context: CommandContext, reference: number, count: number): number {
  const { keyspace, reply } = context;
  const meta = keyspace.metaOf(reference);
  if ((meta & TYPE_MASK) !== HASH) {
    reply.error(errors.wrongType);
    return WRONG;
  }
  hash.open(keyspace.arena, reference);
  hidesDue = false;
  if ((meta & HAS_PART_EXPIRY) === 0 || !isDue(context, hash.earliest)) return reference;
  return deleteDue(context.keyspace, reference, count) ? reference : 0;
}

/** True when lazy expiry applies to this deadline. */
export function isDue({ keyspace, now }: CommandContext, deadline: number): boolean {
  return deadline <= now && keyspace.host.expiresLazily;
}

/** Deletes fields that are due from the hash just looked up; false when that was all of it. */
function deleteDue(keyspace: Keyspace, reference: number, count: number): boolean {
  const before = hash.count;
  if (PART_EXPIRERS[HASH]?.expireFound(keyspace, reference, count) === before) return false;
  hash.open(keyspace.arena, reference);
  hidesDue = hash.earliest <= keyspace.host.now;
  return true;
}

/** True when some fields must be passed over by whoever walks the hash: `isHidden` of each. */
export function hidesFields(): boolean {
  return hidesDue;
}

/** True when the current field is due. */
export function isHidden({ now }: CommandContext): boolean {
  return hidesDue && hash.deadline() <= now;
}

/** Makes the field in argument `i` the current one; false when it is not there. */
export function findField(context: CommandContext, i: number): boolean {
  const { request } = context;
  if (!hash.find(request.block, request.offset(i), request.length(i))) return false;
  return !isHidden(context);
}

/** Sets the field in argument `i` to argument `j`; true when it is new. */
export function putField(
  context: CommandContext,
  i: number,
  j: number,
  keepsDeadline: boolean,
): boolean {
  const { engine, request } = context;
  if (hidesDue) deleteHidden(context, i);
  return hash.put(
    engine.settings,
    request.block,
    request.offset(i),
    request.length(i),
    request.block,
    request.offset(j),
    request.length(j),
    keepsDeadline,
  );
}

/** Deletes the field in argument `i` when it is due, so that it is not written over. */
export function deleteHidden(context: CommandContext, i: number): void {
  const { keyspace, request } = context;
  if (!hash.find(request.block, request.offset(i), request.length(i))) return;
  if (!isHidden(context)) return;
  hash.remove();
  keyspace.host.partsExpired(1);
}

/** Elements below this take two bytes more as an entry. */
const SHORT_ELEMENT_BYTES = 64;

/** Before the pairs from argument `from` on are put: a hash that they make large becomes so first. */
export function makeRoomForPairs({ engine, request }: CommandContext, from: number): void {
  if (hash.isTable) return;
  let longest = 0;
  let bytes = 0;
  for (let i = from; i < request.argc; i++) {
    const length = request.length(i);
    bytes += length < SHORT_ELEMENT_BYTES ? length + 2 : length + ENTRY_OVERHEAD_BYTES_MAX;
    if (length > longest) longest = length;
  }
  hash.makeRoom(engine.settings, (request.argc - from) >> 1, longest, bytes);
}

/**
 * Ends a change of the hash at `reference`: removes the key when it is empty, and else keeps the
 * keyspace's index of deadlines right.
 */
export function settle({ keyspace }: CommandContext, reference: number): void {
  if (hash.count === 0) {
    keyspace.findEntry(reference);
    keyspace.removeFound();
    return;
  }
  if (hash.form === HASH_PACKED || hash.form === HASH_WIDE) return;
  const { earliest } = hash;
  if (earliest === Infinity && (keyspace.metaOf(reference) & HAS_PART_EXPIRY) === 0) return;
  keyspace.findEntry(reference);
  keyspace.expirePartsFoundAt(reference, earliest);
}
