/**
 * The threads of a server: shards for as long as they live, background tasks on demand.
 *
 * A shard in a thread is one Piscina task; background tasks share a pool of two threads that ends
 * when it is idle. Everything else in this package sees threads through `Threads` alone, so that
 * the simulation (packages/simulation) can run shards in one thread, with ports of its own.
 */
import { realpathSync } from 'node:fs';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { BackgroundTask } from './background-task.ts';
import type { ShardTask } from './messages.ts';

const POOL_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './pool-task.ts' : './pool-task.js',
  import.meta.url,
);

export interface Threads {
  /** May a shard's thread stand still until another one answers? */
  readonly canWait: boolean;
  channel(): { readonly port1: MessagePort; readonly port2: MessagePort };
  /** Runs a shard until it was stopped; rejects when it failed. Takes over the task's port. */
  runShard(task: ShardTask): Promise<void>;
  /** Runs a task and resolves with its result. Takes over the ports. */
  runBackground(task: BackgroundTask, ports: readonly MessagePort[]): Promise<unknown>;
  /** Ends all threads; to be called when the shards have stopped. */
  end(): Promise<void>;
}

export class WorkerThreads implements Threads {
  readonly canWait = true;
  readonly #shards: number;
  #shardPool: Piscina | undefined;
  #backgroundPool: Piscina | undefined;

  constructor(shards: number) {
    this.#shards = shards;
  }

  channel(): MessageChannel {
    return new MessageChannel();
  }

  runShard(task: ShardTask): Promise<void> {
    this.#shardPool ??= new Piscina({
      filename: POOL_FILE.href,
      name: 'runShard',
      minThreads: this.#shards,
      maxThreads: this.#shards,
      // A shard's thread must serve its port: it may not sleep in Atomics.wait between tasks.
      atomics: 'disabled',
      concurrentTasksPerWorker: 1,
    });
    const ports = [task.port, ...task.doors.map(([, port]) => port)];
    return this.#shardPool.run(task, { transferList: ports as never });
  }

  async runBackground(task: BackgroundTask, ports: readonly MessagePort[]): Promise<unknown> {
    try {
      mustHaveWorkingDirectory();
    } catch (error) {
      for (const port of ports) port.close();
      throw error;
    }
    this.#backgroundPool ??= new Piscina({
      filename: POOL_FILE.href,
      name: 'runBackgroundTask',
      minThreads: 0,
      maxThreads: 2,
      idleTimeout: 1000,
      atomics: 'disabled',
    });
    return this.#backgroundPool.run(task, { transferList: ports as never });
  }

  async end(): Promise<void> {
    await this.#shardPool?.destroy();
    await this.#backgroundPool?.destroy();
  }
}

/**
 * Throws when the process's working directory was removed: Node ends the process when a thread
 * starts there.
 */
function mustHaveWorkingDirectory(): void {
  try {
    // process.cwd() would answer from memory.
    realpathSync.native('.');
  } catch (error) {
    throw new Error('no thread can start: the working directory of the process is gone', {
      cause: error,
    });
  }
}
