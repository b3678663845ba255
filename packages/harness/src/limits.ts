/** All bounds of the harness, in one place. Units are last in the names. */

/** A server that has not said that it is ready by then will not. */
export const START_MS_MAX = 60_000;
/** A reply that has not come by then will not: the test fails and says what it waited for. */
export const REPLY_MS_MAX = 30_000;
/** Tries of `waitFor`, and the pause between two of them. */
export const WAIT_TRIES = 3000;
export const WAIT_PAUSE_MS = 10;
/** First size of a client's buffer for replies; it doubles when a reply needs more. */
export const REPLY_BUFFER_BYTES = 64 * 1024;
/** A test file by itself; tap's own bound of 30 s is for faster tests. */
export const TEST_MS_MAX = 200_000;
/** What is kept of the log of a server in this process; a test that logs more looks at the start. */
export const LOG_CHARACTERS_MAX = 1024 * 1024;
/** Clients of a server of `start()` that may wait to be let in; the system may allow fewer. */
export const BACKLOG = 4096;
/** A case of a queue library's suite; cases at once in a cell; what a case may wait for jobs. */
export const CASE_MS_MAX = 60_000;
export const CASES_AT_ONCE = 6;
export const QUEUE_WAIT_MS_MAX = 25_000;
/** How long Bee-Queue may wait for jobs that run when it closes. */
export const QUEUE_CLOSE_MS_MAX = 500;
