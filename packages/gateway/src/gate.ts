/**
 * Why commands may have to be refused or held, as one integer that is 0 nearly always.
 *
 * *Invariant*: a reason is set exactly as long as it lasts, by whoever knows of it; so a command
 * pays one comparison for all of them while there is none.
 */

/** The snapshot is being loaded. */
export const GATE_LOADING = 1;
/** CLIENT PAUSE: see client-pause.ts. */
export const GATE_PAUSED = 2;
/** Snapshots fail, and writes are to stop then. */
export const GATE_MISCONFIGURED = 4;
/** Keys are locked: see isolation.ts. */
export const GATE_LOCKED = 8;
/** A shard is busy with a long script. */
export const GATE_BUSY = 16;

export class Gate {
  /** GATE_* bits; 0 when every command may pass. */
  reasons = 0;

  /** Sets or takes away a reason. */
  set(reason: number, isSet: boolean): void {
    if (isSet) this.reasons |= reason;
    else this.reasons &= ~reason;
  }

  /** Is this one of the reasons now? */
  has(reason: number): boolean {
    return (this.reasons & reason) !== 0;
  }
}
