/**
 * The layout of one keyspace entry: a block in the arena.
 *
 *   byte  0  key length, int32
 *         4  meta, int32: bits 0–3 type, 4–7 encoding, then the flags below
 *         8  access clock, int32: LRU seconds, or LFU counter (low byte) and minutes
 *        12  value length, int32: bytes of a string; of the descriptor for the other types
 *        16  key
 *            expiry slot, int32, when HAS_EXPIRY: index in the keyspace's ExpiryIndex, or −1
 *            value: a string's bytes, or (VALUE_APART) the reference of the block that holds them;
 *                   for the other types the descriptor their structure defines
 *
 * Words are unaligned where the key's length makes them so; DataView does not mind.
 */
import type { Block } from '@hashlane/resp';

export const KEY_LENGTH = 0;
export const META = 4;
export const CLOCK = 8;
export const VALUE_LENGTH = 12;
export const KEY = 16;

/** Types, as numbered in RDB-independent order; `TYPE_NAMES` is what TYPE answers. */
export const STRING = 0;
export const LIST = 1;
export const SET = 2;
export const ZSET = 3;
export const HASH = 4;
export const STREAM = 5;
export type ValueType = 0 | 1 | 2 | 3 | 4 | 5;
export const TYPE_NAMES = ['string', 'list', 'set', 'zset', 'hash', 'stream'] as const;

export const TYPE_MASK = 0x0f;
export const ENCODING_SHIFT = 4;
export const ENCODING_MASK = 0xf0;

/** The entry has an expiry slot. */
export const HAS_EXPIRY = 1 << 8;
/** The string's bytes are in a block of their own. */
export const VALUE_APART = 1 << 9;
/** Parity of the snapshot that has this entry, see snapshot-walk.ts. */
export const SNAPSHOT_PARITY = 1 << 10;
/** The string was modified in place: OBJECT ENCODING answers raw whatever it holds. */
export const RAW_FORCED = 1 << 11;

/**
 * Parts of the value (fields of a hash) have deadlines: the entry is in `Keyspace.partExpiries`,
 * and the word at PART_EXPIRY_SLOT of its descriptor is its slot there.
 */
export const HAS_PART_EXPIRY = 1 << 12;
/** Offset in the descriptor. */
export const PART_EXPIRY_SLOT = 8;

/** Offset of the value from the entry's start. */
export function valueOffset(block: Block, entry: number): number {
  const at = entry + KEY + block.view.getInt32(entry + KEY_LENGTH, true);
  return (block.view.getInt32(entry + META, true) & HAS_EXPIRY) === 0 ? at : at + 4;
}

/** Bytes of an entry's header, key and expiry slot: everything before the value. */
export function headBytes(keyLength: number, meta: number): number {
  return KEY + keyLength + ((meta & HAS_EXPIRY) === 0 ? 0 : 4);
}
