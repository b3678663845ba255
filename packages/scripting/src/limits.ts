/** The bounds of this package, in one place. */

/** Arguments up to this length are written character by character. */
export const SHORT_ARGUMENT_BYTES = 6;

/** Two to this power names of keys are kept as strings. */
export const KNOWN_NAME_BITS = 10;

/** Longer names are not kept. */
export const KNOWN_NAME_BYTES_MAX = 64;

/** Slots of Lua's stack that the nested tables of a reply may take. */
export const REPLY_STACK_SLOTS = 7995;

/** Bytes of the block that a command's arguments are written to; it grows. */
export const ARGUMENT_BYTES = 64 * 1024;

/** A block that a large argument made larger than this is given up. */
export const ARGUMENT_BYTES_KEPT = 1024 * 1024;

/** Places in the cache of scripts by the first bytes of their name; a power of two. */
export const RECENT_SCRIPTS = 256;

/** What one call of a command counts for in a script's countdown of steps. */
export const STEPS_PER_CALL = 10;

/** Different spellings of command names that are remembered. */
export const COMMAND_NAMES_MAX = 1024;

/** What the code of a library may take when it is loaded, in milliseconds. */
export const LOAD_MS_MAX = 500;

/** A script that is used is reported again when so many others were learned since. */
export const LEARNED_PER_REPORT = 16;
