/** All bounds of core, in one place. Units are last in the names. */

/** Size of an arena page that is cut into slots. */
export const ARENA_PAGE_BYTES = 256 * 1024;
/** Largest slot; a larger block is a page of its own. */
export const ARENA_SLOT_BYTES_MAX = 64 * 1024;
/** Page numbers have 17 bits. */
export const ARENA_PAGES_MAX = 1 << 17;

/** Slots of a full-grown ByteMap segment (as a power of two). */
export const SEGMENT_BITS_MAX = 12;
/** Slots of a new, empty ByteMap (as a power of two). */
export const SEGMENT_BITS_MIN = 4;
/** Directory depth at which a segment grows instead of splitting: keys that share 24 bits. */
export const DIRECTORY_BITS_MAX = 24;

/** Bytes of the reply block that a shard keeps between batches. */
export const REPLY_BLOCK_BYTES = 64 * 1024;

/** A value at least this large is taken over from the request's buffer instead of copied. */
export const ADOPT_BYTES_MIN = 64 * 1024;

/** Deadlines that one active expiry cycle may delete before it lets requests through. */
export const EXPIRY_KEYS_PER_CYCLE_MAX = 1000;

/** Fields of one hash that a command on it deletes because they are due; the rest it only hides. */
export const FIELDS_EXPIRED_AT_ONCE_MAX = 1000;

/** A value of more blocks than this is freed in slices after its key is gone. */
export const PARTS_FREED_AT_ONCE_MAX = 256;

/** Entries, or blocks of one value, that one slice of lazy freeing takes apart. */
export const LAZY_FREE_ENTRIES_PER_SLICE = 2000;

/** Sampled keys per eviction, as maxmemory-samples' upper bound. */
export const EVICTION_SAMPLES_MAX = 64;

/** Bytes of records after which a snapshot walk sends a chunk on. */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

/** Bytes of derived forms (wire forms of list nodes) that an arena keeps. */
export const MIRROR_BYTES_MAX = 16 * 1024 * 1024;

/** Bytes of a reply of random elements that may repeat, whose number the client chooses freely. */
export const RANDOM_REPLY_BYTES_MAX = 256 * 1024 * 1024;

/** A hash with a long element is kept packed up to so many fields and bytes. */
export const WIDE_FIELDS_MAX = 32;
export const WIDE_BYTES_MAX = 8 * 1024;

/** Pages that a thread keeps for what comes next, 16 MB. */
export const SPARE_PAGES_MAX = 64;
