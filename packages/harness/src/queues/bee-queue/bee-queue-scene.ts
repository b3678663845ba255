/** What a case of Bee-Queue has at hand: queues that are closed when the case ends. */
import assert from 'node:assert/strict';
import BeeQueue, { type QueueSettings } from 'bee-queue';
import { QUEUE_CLOSE_MS_MAX } from '../../limits.ts';
import type { QueueCase, Site } from '../queue-case.ts';

let scenes = 0;

export class BeeQueueScene implements AsyncDisposable {
  readonly errors: Error[] = [];
  readonly #site: Site;
  readonly #id = ++scenes;
  readonly #open: BeeQueue[] = [];
  #isClosing = false;

  constructor(site: Site) {
    this.#site = site;
  }

  /** A queue's name of this case alone. */
  name(name: string): string {
    return `${name}-${process.pid}-${this.#id}`;
  }

  /**
   * A queue that is connected and has loaded its scripts. What goes by pub/sub, events and news of
   * delayed jobs, is off unless the case turns it on.
   */
  async queue(name: string, settings: QueueSettings = {}): Promise<BeeQueue> {
    const redis = { host: '127.0.0.1', port: this.#site.port };
    const prefix = this.#site.naming === 'braces' ? '{bq}' : 'bq';
    const quiet = { getEvents: false, sendEvents: false };
    const queue = new BeeQueue(name, { redis, prefix, ...quiet, ...settings });
    queue.setMaxListeners(0);
    queue.on('error', (error) => {
      if (!this.#isClosing) this.errors.push(error);
    });
    this.#open.push(queue);
    return queue.ready();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled(this.#open.map((queue) => queue.close(QUEUE_CLOSE_MS_MAX)));
  }
}

/** A case that gets a scene, and fails when a queue of it reported an error. */
export function beeQueueCase(
  name: string,
  body: (scene: BeeQueueScene) => Promise<void>,
): QueueCase {
  return {
    name: `Bee-Queue: ${name}`,
    async run(site) {
      await using scene = new BeeQueueScene(site);
      try {
        await body(scene);
      } catch (error) {
        throw scene.errors.length === 0 ? error : new AggregateError([error, ...scene.errors]);
      }
      assert.deepEqual(scene.errors, []);
    },
  };
}
