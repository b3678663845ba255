/**
 * Holds a connection back while keys of its command are locked.
 *
 * *Invariant*: a connection that waits here is held, so what its client sends next does not overtake
 * the command; it goes on with it, as in a turn of its own, when the keys are free. One that is gone
 * by then does nothing. What locks are and who takes them is in isolation.ts.
 *
 * Cost: while nothing at all is locked, one look at the gate.
 */
import type { Connection } from './connection.ts';
import { GATE_LOCKED } from './gate.ts';
import type { Gateway } from './gateway.ts';
import type { KeyUse } from './isolation.ts';

export class LockGate {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /**
   * When one of these keys is locked: holds the connection, lets `work` run when the keys are free,
   * and returns true. `use` is asked only if anything is locked.
   */
  holds(connection: Connection, use: () => KeyUse, work: () => void): boolean {
    const { gate, isolation } = this.#gateway;
    if (!gate.has(GATE_LOCKED)) return false;
    if (!isolation.holds(use, () => this.#goOn(connection, work))) return false;
    connection.hold();
    connection.isWaitingForLock = true;
    return true;
  }

  #goOn(connection: Connection, work: () => void): void {
    connection.isWaitingForLock = false;
    if (connection.state === 'closed') return;
    const { turn } = this.#gateway;
    turn.run(() => {
      turn.enter(connection);
      // Released first: the command may bar its connection again.
      connection.release();
      work();
      turn.cut(connection);
    });
  }
}
