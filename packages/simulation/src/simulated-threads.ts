/**
 * Shards in virtual threads, in place of worker threads: the real ShardThread on a simulated port.
 *
 * A shard may be made to crash between two messages or in the midst of a batch, when some of its
 * commands were executed and none is answered. As with a real thread, what it posted before is
 * delivered, and its end becomes known to the gateway some time later.
 */
import type { Threads } from '@hashlane/shard-worker';
import { type BackgroundTask, type ShardTask, ShardThread } from '@hashlane/shard-worker/parts';
import { type Scheduler, type Source, Thread } from './scheduler.ts';
import { makeChannel, SimulatedPort } from './simulated-port.ts';

/** A shard that runs. */
export interface RunningShard {
  readonly index: number;
  readonly thread: Thread;
  readonly shard: ShardThread;
  /** Commands until it crashes; Infinity when it does not. */
  commandsLeft: number;
}

export class SimulatedThreads implements Threads {
  readonly canWait = false;
  readonly #scheduler: Scheduler;
  readonly running = new Map<number, RunningShard>();
  /** Makes the ports; a test of the checkers puts broken ones in their place. */
  makePort: (scheduler: Scheduler, name: string) => SimulatedPort = (scheduler, name) =>
    new SimulatedPort(scheduler, name);
  /** Called with each shard that starts; a test breaks it there. */
  started: (running: RunningShard) => void = () => {};
  #channels = 0;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  channel(): ReturnType<Threads['channel']> {
    return makeChannel(this.#scheduler, this.makePort, `channel ${this.#channels++}`);
  }

  runShard(task: ShardTask): Promise<void> {
    const scheduler = this.#scheduler;
    const thread = new Thread(`shard ${task.index}`);
    scheduler.addThread(thread);
    const before = scheduler.current;
    scheduler.current = thread;
    const shard = new ShardThread(task);
    scheduler.current = before;
    const running: RunningShard = { index: task.index, thread, shard, commandsLeft: Infinity };
    this.running.set(task.index, running);
    crashWhenDue(running);
    this.started(running);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        scheduler.removeThread(thread);
        if (this.running.get(task.index) === running) this.running.delete(task.index);
        this.#tellGateway(`end of ${thread.name}`, settle);
      };
      shard.finished.then(
        () => end(resolve),
        (error) => end(() => reject(error)),
      );
    });
  }

  #tellGateway(name: string, settle: () => void): void {
    const scheduler = this.#scheduler;
    const source: Source = {
      name,
      thread: scheduler.gateway,
      isReady: () => true,
      run: () => {
        scheduler.remove(source);
        settle();
      },
    };
    scheduler.add(source);
  }

  runBackground(task: BackgroundTask): Promise<unknown> {
    return Promise.reject(new Error(`no ${task.kind} in a simulation`));
  }

  async end(): Promise<void> {}
}

function crashWhenDue(running: RunningShard): void {
  const { host } = running.shard;
  const execute = host.execute.bind(host);
  host.execute = (command) => {
    if (running.commandsLeft-- <= 0) throw new Error('simulated crash');
    return execute(command);
  };
}
