/**
 * What a case of Bull 4 has at hand. Bull brings an ioredis of its own and opens up to three
 * connections for each queue: for commands, for blocking, and for events.
 */
import assert from 'node:assert/strict';
import Bull, { type Queue, type QueueOptions } from 'bull';
import type { QueueCase, Site } from '../queue-case.ts';

let scenes = 0;

export class BullScene implements AsyncDisposable {
  readonly prefix: string;
  readonly errors: Error[] = [];
  readonly #site: Site;
  readonly #id = ++scenes;
  readonly #open: Queue[] = [];
  #isClosing = false;

  constructor(site: Site) {
    this.#site = site;
    this.prefix = site.naming === 'braces' ? '{bull}' : 'bull';
  }

  /** A queue's name of this case alone. */
  name(name: string): string {
    return `${name}-${process.pid}-${this.#id}`;
  }

  /** A queue, which in Bull is the producer, the worker and the listener. */
  queue(name: string, options: QueueOptions = {}): Queue {
    const redis = { host: '127.0.0.1', port: this.#site.port };
    const queue = new Bull(name, { redis, prefix: this.prefix, ...options });
    queue.setMaxListeners(0);
    queue.on('error', (error) => {
      if (!this.#isClosing) this.errors.push(error);
    });
    this.#open.push(queue);
    return queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    // Without waiting for jobs that never end; what a case waits for is over by now.
    await Promise.all(this.#open.map((queue) => queue.close(true)));
  }
}

/** A case that gets a scene, and fails when a queue of it reported an error. */
export function bullCase(
  name: string,
  body: (scene: BullScene) => Promise<void>,
  { isLong = false } = {},
): QueueCase {
  return {
    name: `Bull: ${name}`,
    isLong,
    async run(site) {
      await using scene = new BullScene(site);
      try {
        await body(scene);
      } catch (error) {
        throw scene.errors.length === 0 ? error : new AggregateError([error, ...scene.errors]);
      }
      assert.deepEqual(scene.errors, []);
    },
  };
}
