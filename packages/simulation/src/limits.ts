/** All bounds of the simulation, in one place. Units are last in the names. */

/** Virtual time begins here (ms since the epoch). */
export const START_MS = 1_700_000_000_000;
/** Microseconds that one event takes, at most. */
export const EVENT_US_MAX = 40;
/** Once in so many events time jumps ahead, and by at most so much. */
export const JUMP_EVENTS = 150;
export const JUMP_MS_MAX = 12;
/** Events after which sources are weighed anew: who is slow now was quick before. */
export const REGIME_EVENTS = 400;
/** A slow source is chosen 2^this times less often than a quick one, at most. */
export const SLOWNESS_MAX = 7;
/** Events without a pause for the real event loop. */
export const EVENTS_PER_TURN = 2000;
/** Events without an operation coming to its end before a run counts as hung. */
export const IDLE_EVENTS_MAX = 200_000;
/** Operations between two moments at which everything is at rest and checked. */
export const EPOCH_OPERATIONS_MIN = 20;
export const EPOCH_OPERATIONS_MAX = 120;
/** Configurations that the linearizability checker looks at per window before it gives up. */
export const CONFIGURATIONS_MAX = 20_000;
/** Elements in one list above which no more are pushed to it. */
export const LIST_LENGTH_MAX = 40;
/** Bytes that the kernel takes for a client that reads as it should. */
export const SOCKET_BYTES = 64 * 1024;

/** For all tests of a file: other tests run beside them. */
export const TEST_MS_MAX = 180_000;
