/**
 * Message ports between virtual threads: what was posted arrives in order, at any time later.
 *
 * As with real ports, a transferred buffer is gone for its sender (it is detached), messages wait
 * until the receiver listens, a closed port delivers nothing more, and what was posted before the
 * other side closed still arrives.
 */
import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { Scheduler, Source, Thread } from './scheduler.ts';

export class SimulatedPort extends EventEmitter {
  readonly name: string;
  readonly #scheduler: Scheduler;
  readonly #source: Source;
  peer: SimulatedPort | undefined;
  #thread: Thread | undefined;
  #queue: unknown[] = [];
  #isClosed = false;
  #isPeerClosed = false;

  constructor(scheduler: Scheduler, name: string) {
    super();
    this.name = name;
    this.#scheduler = scheduler;
    const port = this;
    this.#source = {
      name: `port ${name}`,
      get thread() {
        return port.#thread;
      },
      isReady: () => this.#isReady(),
      run: () => this.#deliver(),
    };
    scheduler.add(this.#source);
  }

  #isReady(): boolean {
    return this.#thread !== undefined && (this.#queue.length > 0 || this.#isPeerClosed);
  }

  #deliver(): void {
    if (this.#queue.length === 0) {
      this.close();
      this.emit('close');
      return;
    }
    this.emit('message', this.takeNext());
  }

  /** The message that is delivered next. A broken port in a test takes another one. */
  takeNext(): unknown {
    return this.#queue.shift();
  }

  /** Messages on their way here. */
  get queue(): unknown[] {
    return this.#queue;
  }

  /** Whose thread it is: the one that listens. */
  get thread(): Thread | undefined {
    return this.#thread;
  }

  override on(event: string, listener: (message: never) => void): this {
    if (event === 'message') this.#thread = this.#scheduler.current;
    return super.on(event, listener as (message: unknown) => void);
  }

  postMessage(message: unknown, transfer: readonly unknown[] = []): void {
    const peer = this.peer as SimulatedPort;
    if (this.#isClosed || peer.#isClosed) return;
    peer.#queue.push(carry(message, transfer));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#queue = [];
    this.#scheduler.remove(this.#source);
    if (this.peer !== undefined) this.peer.#isPeerClosed = true;
  }

  ref(): void {}

  unref(): void {}
}

/** What arrives of a message: buffers that were transferred are new ones, the old are detached. */
function carry(message: unknown, transfer: readonly unknown[]): unknown {
  if (message instanceof ArrayBuffer) {
    return transfer.includes(message) ? message.transfer() : message.slice(0);
  }
  const buffers = transfer.filter((each) => each instanceof ArrayBuffer);
  const hasPort = transfer.some((each) => each instanceof SimulatedPort);
  // A message with a port in it has nothing else that could be shared by mistake.
  return hasPort ? message : structuredClone(message, { transfer: buffers });
}

/** Two ends of a channel, as a server's threads see them. */
export function makeChannel(
  scheduler: Scheduler,
  make: (scheduler: Scheduler, name: string) => SimulatedPort,
  name: string,
): { port1: MessagePort; port2: MessagePort } {
  const port1 = make(scheduler, `${name} → gateway`);
  const port2 = make(scheduler, `gateway → ${name}`);
  port1.peer = port2;
  port2.peer = port1;
  return { port1: port1 as unknown as MessagePort, port2: port2 as unknown as MessagePort };
}
