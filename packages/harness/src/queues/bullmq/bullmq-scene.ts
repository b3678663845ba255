/**
 * What a case of BullMQ has at hand: queues, workers and listeners with names, prefix and
 * connections as the cell wants them, all closed when the case ends.
 *
 * Names of queues are the case's own, so cases can share a server. Errors that workers and
 * listeners emit, such as a script that fails, fail the case.
 *
 * With ioredis everything has connections of its own, made by BullMQ. With node-redis all share a
 * client over RESP3, which BullMQ duplicates where a connection is to block.
 */
import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import {
  type ConnectionOptions,
  FlowProducer,
  type Processor,
  Queue,
  QueueEvents,
  type QueueEventsOptions,
  type QueueOptions,
  Worker,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { QueueCase, Site } from '../queue-case.ts';

interface Closable {
  close(): Promise<unknown>;
}

let scenes = 0;

export class BullmqScene implements AsyncDisposable {
  readonly prefix: string;
  readonly site: Site;
  readonly errors: Error[] = [];
  readonly #id = ++scenes;
  readonly #open: Closable[] = [];
  #shared: ReturnType<typeof nodeRedis> | undefined;
  #isClosing = false;
  #redis: Redis | undefined;

  constructor(site: Site) {
    this.site = site;
    this.prefix = site.naming === 'braces' ? '{bull}' : 'bull';
  }

  /** A queue's name of this case alone. */
  name(name: string): string {
    return `${name}-${process.pid}-${this.#id}`;
  }

  connection(): ConnectionOptions {
    if (this.site.client === 'ioredis') return { host: '127.0.0.1', port: this.site.port };
    this.#shared ??= nodeRedis(this.site.port, (error) => this.#failed(error));
    return this.#shared;
  }

  /** A plain client, to look at what BullMQ has written. */
  get redis(): Redis {
    this.#redis ??= new Redis(this.site.port, '127.0.0.1');
    return this.#redis;
  }

  #failed(error: Error): void {
    if (!this.#isClosing) this.errors.push(error);
  }

  #keep<T extends Closable & EventEmitter>(made: T): T {
    // Each job that is waited for listens to its queue.
    made.setMaxListeners(0);
    made.on('error', (error) => this.#failed(error));
    this.#open.push(made);
    return made;
  }

  queue(name: string, options: Partial<QueueOptions> = {}): Queue {
    const base = { connection: this.connection(), prefix: this.prefix };
    return this.#keep(new Queue(name, { ...base, ...options }));
  }

  /** A worker; its processor may be missing, for a case that takes jobs by hand. */
  worker(
    { name }: { readonly name: string },
    processor: Processor | URL | null,
    options: Partial<WorkerOptions> = {},
  ): Worker {
    const base = { connection: this.connection(), prefix: this.prefix };
    return this.#keep(new Worker(name, processor, { ...base, ...options }));
  }

  /** A listener that is connected and has begun to read: what happens from now on is seen. */
  async events(
    { name }: { readonly name: string },
    options: Partial<QueueEventsOptions> = {},
  ): Promise<QueueEvents> {
    const base = { connection: this.connection(), prefix: this.prefix };
    // From the first event on, so that none is missed between connecting and reading.
    const events = new QueueEvents(name, { ...base, lastEventId: '0-0', ...options });
    this.#keep(events);
    await events.waitUntilReady();
    return events;
  }

  flow(): FlowProducer {
    const options = { connection: this.connection(), prefix: this.prefix };
    return this.#keep(new FlowProducer(options));
  }

  /** Workers go first: they still need their queues when they close. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    const isWorker = (each: Closable): boolean => each instanceof Worker;
    await Promise.all(this.#open.filter(isWorker).map((each) => each.close()));
    await Promise.all(this.#open.filter((each) => !isWorker(each)).map((each) => each.close()));
    if (this.#shared?.isOpen) this.#shared.destroy();
    this.#redis?.disconnect();
  }
}

function nodeRedis(port: number, failed: (error: Error) => void) {
  const client = createClient({ socket: { host: '127.0.0.1', port }, RESP: 3 });
  client.on('error', failed);
  client.setMaxListeners(0);
  return client;
}

/** A case that gets a scene, and fails when anything in it reported an error. */
export function bullmqCase(
  name: string,
  body: (scene: BullmqScene) => Promise<void>,
  { isLong = false } = {},
): QueueCase {
  return {
    name: `BullMQ: ${name}`,
    isLong,
    async run(site) {
      await using scene = new BullmqScene(site);
      try {
        await body(scene);
      } catch (error) {
        // What a worker met explains why a case waited in vain.
        throw scene.errors.length === 0 ? error : new AggregateError([error, ...scene.errors]);
      }
      assert.deepEqual(scene.errors, []);
    },
  };
}
