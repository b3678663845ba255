/** What keyspaces must know of hashes: how they are freed, and how their fields expire. */
import type { Block } from '@hashlane/resp';
import type { Arena } from './arena.ts';
import { HASH } from './entry.ts';
import { freeHashParts, HASH_VOLATILE, HashValue, hashParts } from './hash-value.ts';
import { type Keyspace, PART_EXPIRERS, VALUE_FREERS, VALUE_SLICERS } from './keyspace.ts';

/** Not the commands' view: fields expire in the midst of a command too. */
const hash = new HashValue();

VALUE_FREERS[HASH] = (arena, block, valueAt) => freeHashParts(arena, block, valueAt, Infinity);
VALUE_SLICERS[HASH] = { parts: hashParts, freeParts: freeHashParts };
PART_EXPIRERS[HASH] = { earliest, expireFound };

/** Only asked for hashes that have deadlines: a packed one is in its volatile form. */
function earliest(arena: Arena, block: Block, valueAt: number): number {
  return hash.openAt(arena, block, valueAt, HASH_VOLATILE).earliest;
}

function expireFound(keyspace: Keyspace, reference: number, count: number): number {
  keyspace.willChange(reference);
  hash.open(keyspace.arena, reference);
  const expired = hash.expireDue(keyspace.host.now, count);
  keyspace.host.partsExpired(expired);
  if (hash.count === 0) keyspace.removeFound();
  else keyspace.expirePartsFoundAt(reference, hash.earliest);
  return expired;
}
