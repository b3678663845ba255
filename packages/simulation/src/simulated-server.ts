/**
 * A whole server in a simulation: the real gateway, its acceptor and its shards, put together as
 * server.ts does, on simulated sockets and threads. Nothing listens, nothing is loaded or saved.
 */
import type { Socket } from 'node:net';
import { Acceptor, Configuration, Gateway, SnapshotScheduler, startShards } from 'hashlane/parts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedSocket } from './simulated-socket.ts';
import { SimulatedThreads } from './simulated-threads.ts';

export interface ServerChoice {
  readonly seed: number;
  readonly shards: number;
  readonly isolation: 'locked' | 'lock-free';
}

export class SimulatedServer {
  readonly gateway: Gateway;
  readonly threads: SimulatedThreads;
  readonly #acceptor: Acceptor;
  /** What the gateway logged as an error: each is a bug. */
  readonly errors: string[] = [];

  /** `prepare` may break something before the shards start. */
  constructor(
    scheduler: Scheduler,
    choice: ServerChoice,
    prepare: (server: SimulatedServer) => void,
  ) {
    const configuration = new Configuration();
    configuration.load(
      [
        ['shards', String(choice.shards)],
        ['isolation', choice.isolation],
        ['save', ''],
        ['protected-mode', 'no'],
      ].map((words) => ({ words, origin: 'simulation' })),
    );
    this.threads = new SimulatedThreads(scheduler);
    this.gateway = new Gateway(configuration, this.#logger());
    prepare(this);
    const { gateway } = this;
    gateway.snapshots = new SnapshotScheduler(gateway);
    // A file that is not there: a shard that crashed starts without keys.
    gateway.snapshots.existingPath = () => undefined;
    gateway.attach(startShards(gateway, choice.seed, this.threads));
    gateway.configurationAttached();
    this.#acceptor = new Acceptor(gateway);
  }

  #logger(): Gateway['logger'] {
    const silent = (): void => {};
    const error = (details: unknown, text?: string): void => {
      const line =
        typeof details === 'string'
          ? details
          : `${text}: ${String((details as { err?: Error }).err?.stack)}`;
      if (!line.includes('simulated crash')) this.errors.push(line);
    };
    const logger = { error, fatal: error, warn: silent, info: silent, debug: silent };
    return logger as unknown as Gateway['logger'];
  }

  /** Lets a client in; returns the connection's number. */
  accept(socket: SimulatedSocket): number {
    this.#acceptor.accept(socket as unknown as Socket);
    return [...this.gateway.connections.keys()].at(-1) as number;
  }
}
