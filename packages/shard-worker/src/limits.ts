/** All bounds of shard-worker, in one place. Units are last in the names. */

/** Size of a batch buffer; the same buffers go to the shard with requests and back with replies. */
export const BATCH_BYTES = 128 * 1024;
/** A buffer that large replies made grow goes on travelling up to this size. */
export const BATCH_BYTES_MAX = 1024 * 1024;
/** 32-bit words at the start of a batch: headers and spans of requests, or spans of replies. */
export const BATCH_WORDS = 10 * 1024;
/** Offset of the bytes in a batch. */
export const BATCH_DATA_AT = BATCH_WORDS * 4;
/** A request with more bytes, or more arguments, travels as a message of its own. */
export const BATCHED_REQUEST_BYTES_MAX = 32 * 1024;
export const BATCHED_REQUEST_ARGUMENTS_MAX = 2048;
/** Bytes on their way to one shard above which connections stop reading. */
export const IN_FLIGHT_BYTES_MAX = 1024 * 1024;
/** Batch buffers that a link keeps for reuse. */
export const SPARE_BATCHES_MAX = 8;
/** Shards per server: reply order keeps a shard's number in a byte. */
export const SHARDS_MAX = 128;
/** Keys that one snapshot slice visits between batches. */
export const SNAPSHOT_KEYS_PER_SLICE = 500;
/** Bytes of snapshot chunks in flight to the writer above which the walk waits. */
export const SNAPSHOT_BYTES_IN_FLIGHT_MAX = 16 * 1024 * 1024;
/** A timer never sleeps longer, so that a clock that was set back is noticed. */
export const TIMER_MS_MAX = 10_000;

/**
 * In the gateway's thread a script that has written may take so many times busy-reply-threshold
 * before it is ended: nobody could end it otherwise.
 */
export const SCRIPT_OVERTIME = 10;

/** A shard that waits for another one looks this often whether that one still lives. */
export const DOOR_CHECK_MS = 100;

/** Scripts, times the routes of their first keys, of which is known whether they roam. */
export const ROAMERS_MAX = 50_000;

/** A script that has stayed on its shard so often is taken for one that always does. */
export const STAYS_TRUSTED = 64;

/** Scripts that came by EVAL and are kept, the most recently used; as LRU_LIST_LENGTH in Redis 7.4. */
export const EVAL_SCRIPTS_MAX = 500;

/** After its start a thread leaves so much time to those who wait for it, then warms its compiler. */
export const WARM_UP_DELAY_MS = 250;

/** Between two steps of that, for commands. */
export const WARM_UP_PAUSE_MS = 2;

/**
 * Of the requests behind a script that takes long so many can be refused (a bit each in shared memory);
 * those behind them wait. A multiple of 32.
 */
export const REFUSALS_MAX = 32 * 1024;
