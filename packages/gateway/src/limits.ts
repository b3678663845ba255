/** All bounds of the gateway, in one place. Units are last in the names. */

/** One read from a socket; the block is shared by all connections. */
export const READ_BYTES = 64 * 1024;
/** Reply writer's block; a block that a slow socket still holds is replaced. */
export const REPLY_BLOCK_BYTES = 128 * 1024;
/** Unsent replies of one connection above which it is not read from until they are sent. */
export const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;
/** Unparsed input of a waiting connection above which it is not read from. */
export const INPUT_WAITING_BYTES_MAX = 1024 * 1024;
/** A buffer for an incomplete request grows at once to at most this; beyond, as bytes arrive. */
export const INPUT_EAGER_BYTES_MAX = 32 * 1024 * 1024;
/** A complete request at least this large, alone in its buffer, is handed over with the buffer. */
export const HANDOVER_BYTES_MIN = 64 * 1024;
/** Size of a new buffer for an incomplete request. */
export const INPUT_BYTES_MIN = 512;
/** Parsers kept for connections in the middle of a request. */
export const SPARE_PARSERS_MAX = 64;
/** Unsent replies are gathered in blocks of this size. */
export const BACKLOG_BLOCK_BYTES = 64 * 1024;
/** Replies that gather during one chunk of input leave when they are more than this. */
export const REPLIES_GATHERED_BYTES_MAX = 1024 * 1024;
/** Requests that shards owe one connection a reply to above which none is sent to them. */
export const OUTSTANDING_MAX = 1024;
/** Objects of commands in parts that are kept for the next ones, and what each may hold on to. */
export const SPARE_PARTS_MAX = 256;
export const SPARE_PARTS_BYTES_MAX = 16 * 1024;
/** Published messages gather in a block of this size. */
export const MESSAGES_BLOCK_BYTES = 64 * 1024;
/** Messages that gather in one turn leave when they are more than this. */
export const MESSAGES_GATHERED_BYTES_MAX = 1024 * 1024;
/** Channels and patterns whose changes are kept for shards; beyond, they are told of all. */
export const CHANGED_TOPICS_MAX = 4096;
/** First size of the queue of a transaction. */
export const TRANSACTION_BYTES_MIN = 512;
/** Input that is collected in one turn of the event loop before it is executed. */
export const TURN_INPUT_BYTES = 64 * 1024;
/** A larger chunk of input is executed at once, where it lies. */
export const TURN_CHUNK_BYTES_MAX = 16 * 1024;
/** Replies of one turn that gather before they are sent; well under REPLY_BLOCK_BYTES. */
export const TURN_REPLIES_BYTES_MAX = 32 * 1024;

/** How often a blocking pop over several shards looks for its first key while others are faster. */
export const FIRST_KEY_TRIES_MAX = 100;
