/** The bounds of scripts, in one place. Each is an error of the script, never of the process. */

/** Longest string: what a bulk string may hold in Redis. V8's own limit is a little higher. */
export const STRING_BYTES_MAX = 512 * 1024 * 1024 - 64;

/** Elements of a table's array part. V8 ends the process when an array outgrows 2^27 elements. */
export const ARRAY_ELEMENTS_MAX = 2 ** 26;

/** Other keys of a table. V8 refuses a Map of 2^24. */
export const HASH_KEYS_MAX = 2 ** 24 - 2;

/** Nested calls of Lua functions, as LUAI_MAXCALLS of Lua 5.1; JavaScript's stack may end before. */
export const CALL_DEPTH_MAX = 20_000;

/** Results of `unpack`, as LUAI_MAXCSTACK of Lua 5.1. */
export const UNPACKED_VALUES_MAX = 8000;

/** Nested constructs in a script's source, as LUAI_MAXCCALLS of Lua 5.1. */
export const SYNTAX_LEVELS_MAX = 200;

/** Loop turns, calls and charged work between two looks at the interrupt. */
export const STEPS_PER_CHECK = 20_000;

/** An error that is caught takes some 20 µs, for the stack trace that its position comes from. */
export const STEPS_PER_ERROR = 1000;

/** Bytes of a new string that count as one step. */
export const BYTES_PER_STEP = 64;

/** Share of V8's heap limit from which a script that goes on is told that memory is short. */
export const HEAP_SHARE_MAX = 0.75;
/** Of that V8 may count so much for its young generation; of a small heap half is left anyway. */
export const YOUNG_BYTES = 128 * 1024 * 1024;
export const HEAP_SHARE_LEAST = 0.45;

/** Compiled chunks whose source positions are remembered for messages. */
export const CHUNKS_MAX = 4096;

/** Times that the scripts of warm-up.ts are compiled. */
export const WARM_UP_ROUNDS = 4;
