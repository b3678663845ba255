/**
 * Keeps scripts and commands over several shards apart, on servers with more than one shard.
 *
 * Both are one step to everybody else, by different means: a command's parts are sent in one turn,
 * and the order of the ports does the rest (isolation.ts); a script stops the shards that it uses
 * (shard-worker's door.ts) and takes no part in the order of the ports. So that neither sees half of
 * the other, they are not on their way at the same time: scripts among themselves are, and so are
 * commands. Who comes while the others are on their way waits for these, and whoever comes after it
 * waits behind it, so both get their turns.
 *
 * Commands on one shard know nothing of it. What is on its way is counted by connection: one counts
 * from its first script, or command over several shards, until it is owed nothing.
 */
import type { Block, RequestParser } from '@hashlane/resp';
import type { Connection } from './connection.ts';
import type { Gateway } from './gateway.ts';
import { copyRequest } from './request-copy.ts';

export type GateKind = 'script' | 'command';

const OTHER: { readonly [kind in GateKind]: GateKind } = { script: 'command', command: 'script' };

/** Who waits: a connection with a command, or something of the gateway's own. */
interface Held {
  readonly connection: Connection | undefined;
  /** `isAdmitted`: its turn has come. */
  readonly run: (isAdmitted: boolean) => void;
}

export class ScriptGate {
  readonly #gateway: Gateway;
  /** Off where scripts stay on their shards, or nothing is kept apart. */
  isNeeded = false;
  readonly #inside = { script: 0, command: 0 };
  readonly #held: { readonly [kind in GateKind]: Held[] } = { script: [], command: [] };
  /** Connections whose command is dispatched again after it was held. */
  readonly #admitted = new Set<Connection>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** False when the command was put off; it is dispatched again when its turn has come. */
  enters(connection: Connection, kind: GateKind, parser: RequestParser): boolean {
    if (!this.isNeeded || connection.replyMode !== 'on') return true;
    if (!this.#admitted.delete(connection) && !this.#isOpen(kind, connection.gateKind)) {
      this.#hold(connection, kind, copyRequest(parser));
      return false;
    }
    if (connection.gateKind === undefined) {
      connection.gateKind = kind;
      this.#inside[kind]++;
    }
    return true;
  }

  #isOpen(kind: GateKind, already: GateKind | undefined): boolean {
    const other = OTHER[kind];
    if (this.#held[other].length > 0) return false;
    return already === kind || this.#inside[other] === 0;
  }

  #hold(connection: Connection, kind: GateKind, command: Block): void {
    connection.commandsProcessed--;
    connection.hold();
    connection.isWaitingAtGate = true;
    this.#held[kind].push({
      connection,
      run: (isAdmitted) => {
        // Released first: the command may bar its connection again.
        connection.isWaitingAtGate = false;
        connection.release();
        if (isAdmitted) this.#admitted.add(connection);
        this.#gateway.dispatcher.dispatchAgain(connection, command);
        this.#admitted.delete(connection);
      },
    });
  }

  /** Runs something of the gateway's own as a command; it calls `leave` when it has been sent. */
  async run<T>(work: (leave: () => void) => Promise<T>): Promise<T> {
    if (!this.isNeeded || this.#isOpen('command', undefined)) {
      this.#inside.command++;
    } else {
      await new Promise<void>((resolve) => {
        // Counts at once: those who wait behind it are let in before an await goes on.
        const enter = (): void => {
          this.#inside.command++;
          resolve();
        };
        this.#held.command.push({ connection: undefined, run: enter });
      });
    }
    let isInside = true;
    const leave = (): void => {
      if (isInside) this.#leave('command');
      isInside = false;
    };
    return work(leave).finally(leave);
  }

  /** A connection is owed nothing, or gone. */
  settled(connection: Connection): void {
    const kind = connection.gateKind;
    if (kind === undefined) return;
    connection.gateKind = undefined;
    this.#leave(kind);
  }

  #leave(kind: GateKind): void {
    this.#inside[kind]--;
    if (this.#inside[kind] > 0) return;
    const next = this.#held[OTHER[kind]];
    if (next.length === 0) {
      // Nobody of the other kind waits: those of this kind need not either.
      this.#runSoon(kind);
      return;
    }
    this.#runSoon(OTHER[kind]);
  }

  /** Lets those of a kind go that wait now; never from within another dispatch. */
  #runSoon(kind: GateKind): void {
    const waiting = this.#held[kind].splice(0);
    if (waiting.length === 0) return;
    // They count from now on, so that nobody of the other kind comes in between.
    this.#inside[kind]++;
    setImmediate(() => {
      this.#gateway.turn.run(() => {
        for (const { connection, run } of waiting) if (connection?.state !== 'closed') run(true);
      });
      this.#leave(kind);
    });
  }

  /**
   * A shard is busy: commands that wait for its script are dispatched again, to be refused. Those
   * that are not take their places behind the others.
   */
  retryCommands(): void {
    const held = this.#held.command;
    const waiting = held.filter(({ connection }) => connection !== undefined);
    if (waiting.length === 0) return;
    const own = held.filter(({ connection }) => connection === undefined);
    held.splice(0, held.length, ...own);
    setImmediate(() => {
      this.#gateway.turn.run(() => {
        for (const { connection, run } of waiting) if (connection?.state !== 'closed') run(false);
      });
    });
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    for (const held of [this.#held.script, this.#held.command]) {
      const at = held.findIndex((each) => each.connection === connection);
      if (at >= 0) held.splice(at, 1);
    }
    if (connection.outstanding === 0) this.settled(connection);
  }
}
