/**
 * Which scripts use keys of other shards, by script and by the route of the first key (a script of
 * BullMQ serves many queues, and few of them have parents in other queues).
 *
 * Nothing is known of a script that has not run here: it is taken for one that roams until it has
 * stayed often enough.
 */
import { ROAMERS_MAX } from './limits.ts';

/** In place of a count: the script has used other shards. */
export const ROAMS = Number.NEGATIVE_INFINITY;

/** How often a script has run and stayed on its shard, or ROAMS. */
export interface Stays {
  count: number;
}

export class Roamers {
  readonly #scripts = new Map<string, Map<number, Stays>>();
  #size = 0;

  staysOf(script: string, route: number): Stays {
    const found = this.#scripts.get(script)?.get(route);
    return found ?? this.#add(script, route);
  }

  #add(script: string, route: number): Stays {
    // What is forgotten is learned again.
    if (this.#size >= ROAMERS_MAX) {
      this.#scripts.clear();
      this.#size = 0;
    }
    let routes = this.#scripts.get(script);
    if (routes === undefined) {
      routes = new Map();
      this.#scripts.set(script, routes);
    }
    const stays = { count: 0 };
    routes.set(route, stays);
    this.#size++;
    return stays;
  }
}
