/**
 * CLIENT PAUSE: commands are put off until the pause ends.
 *
 * A held connection is barred: its command is copied (the shared input block is reused), later
 * input stays unparsed, and when the pause ends the command is dispatched again. Commands that
 * already wait in a shard, and their time-outs, go on as if there were no pause.
 *
 * A second pause can only make the first longer and stricter, as in Redis. While no pause is on,
 * nothing of this is on the path of a command: the gateway's gate is closed by GATE_PAUSED alone.
 */
import { MAY_REPLICATE, WRITE } from '@hashlane/core/metadata';
import type { Block, RequestParser } from '@hashlane/resp';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';
import { GATE_PAUSED } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { copyRequest } from './request-copy.ts';

export type PauseMode = 'write' | 'all';

/** Longest delay that setTimeout takes. */
const TIMER_MS_MAX = 0x7fffffff;

export class ClientPause {
  readonly #gateway: Gateway;
  /** Connections that are held, with their commands, in the order in which they came. */
  readonly #held = new Map<Connection, Block>();
  #mode: PauseMode | undefined;
  #endMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** What is paused now; undefined when nothing is. */
  get mode(): PauseMode | undefined {
    return this.#mode;
  }

  /** Milliseconds until the pause ends. */
  get remainingMs(): number {
    return this.#mode === undefined ? 0 : Math.max(0, this.#endMs - this.#gateway.nowMs());
  }

  get heldCount(): number {
    return this.#held.size;
  }

  isHeld(connection: Connection): boolean {
    return this.#held.has(connection);
  }

  /** Pauses until `endMs` (Unix time). */
  pause(mode: PauseMode, endMs: number): void {
    if (this.#mode !== 'all') this.#mode = mode;
    this.#endMs = Math.max(this.#endMs, endMs);
    this.#gateway.gate.set(GATE_PAUSED, true);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wait = Math.min(Math.max(0, this.#endMs - this.#gateway.nowMs()), TIMER_MS_MAX);
    this.#timer = setTimeout(() => {
      if (this.#gateway.nowMs() < this.#endMs) this.#arm();
      else this.unpause();
    }, wait);
    // A pause alone must not keep a process alive that has nothing else to do.
    this.#timer.unref();
  }

  /** Ends the pause; the held commands run now. */
  unpause(): void {
    if (this.#mode === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#mode = undefined;
    this.#endMs = 0;
    this.#gateway.gate.set(GATE_PAUSED, false);
    const held = [...this.#held];
    this.#held.clear();
    // Not at once: unpause may be called from within a dispatch, which owns the reply writer.
    if (held.length > 0) setImmediate(() => this.#dispatchHeld(held));
  }

  #dispatchHeld(held: readonly (readonly [Connection, Block])[]): void {
    const gateway = this.#gateway;
    gateway.turn.run(() => {
      for (const [connection, command] of held) {
        if (connection.state !== 'open') continue;
        // Released first: the command may bar its connection again.
        connection.release();
        gateway.dispatcher.dispatchAgain(connection, command);
      }
    });
  }

  /** True when the command was put off; it is dispatched again when the pause is over. */
  holds(connection: Connection, entry: CommandEntry, parser: RequestParser): boolean {
    const isHeld = this.#mode === 'all' || (entry.spec.flags & (WRITE | MAY_REPLICATE)) !== 0;
    if (!isHeld) return false;
    this.#held.set(connection, copyRequest(parser));
    connection.commandsProcessed--;
    connection.hold();
    return true;
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    this.#held.delete(connection);
  }
}
