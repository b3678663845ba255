/**
 * The commands that simulated clients send: queues, strings, commands over several keys, and
 * transactions when the server has them. Pushed elements are unique over the whole run, so that
 * each can be followed.
 */
import type { SeededRandom } from '@hashlane/harness/tools';
import type { Profile } from './profile.ts';

export type Requests = readonly (readonly string[])[];

/** A transaction that was prepared by WATCH and GET of a key: what to send when GET has replied. */
export interface Watching {
  readonly key: string;
  readonly requests: Requests;
}

export interface Draft {
  readonly requests: Requests;
  readonly watching: Watching | undefined;
}

export class Workload {
  readonly #random: SeededRandom;
  readonly #profile: Profile;
  /** Connection number of some client, for CLIENT KILL and UNBLOCK. */
  readonly #someConnection: () => number;
  #elements = 0;

  constructor(random: SeededRandom, profile: Profile, someConnection: () => number) {
    this.#random = random;
    this.#profile = profile;
    this.#someConnection = someConnection;
  }

  /** What a client sends next. */
  draw(): Draft {
    const random = this.#random;
    if (this.#profile.transactions && random.oneIn(6)) return this.#transaction();
    return { requests: [this.#command(true)], watching: undefined };
  }

  #transaction(): Draft {
    const random = this.#random;
    const { lists, readsAll } = this.#profile;
    if (readsAll && random.oneIn(4)) {
      const readings = lists.map((list) => ['LRANGE', list, '0', '-1']);
      return { requests: [['MULTI'], ...readings, ['EXEC']], watching: undefined };
    }
    const commands: (readonly string[])[] = [];
    const count = 1 + random.below(4);
    while (commands.length < count) {
      commands.push(this.#command(false));
    }
    if (random.oneIn(2)) {
      return { requests: [['MULTI'], ...commands, ['EXEC']], watching: undefined };
    }
    const key = this.#string();
    return {
      requests: [
        ['WATCH', key],
        ['GET', key],
      ],
      watching: { key, requests: [['MULTI'], ...commands, ['EXEC']] },
    };
  }

  #list(): string {
    return this.#random.pick(this.#profile.lists);
  }

  #string(): string {
    return this.#random.pick(this.#profile.strings);
  }

  #value(): string {
    return `v${this.#elements++}`;
  }

  #element(): string {
    return `e${this.#elements++}`;
  }

  #side(): string {
    return this.#random.pick(['LEFT', 'RIGHT']);
  }

  /** Seconds; 0 waits for ever. */
  #timeout(): string {
    const random = this.#random;
    return random.oneIn(3) ? '0' : String((1 + random.below(60)) / 1000);
  }

  /** Some keys, each once. */
  #several(keys: readonly string[]): string[] {
    const count = 1 + this.#random.below(Math.min(4, keys.length));
    const chosen = new Set<string>();
    while (chosen.size < count) chosen.add(this.#random.pick(keys));
    return [...chosen];
  }

  #command(mayControl: boolean): readonly string[] {
    const { blocks, destroys, flushes, kills, swaps } = this.#profile;
    const random = this.#random;
    if (mayControl && kills && random.oneIn(25)) return this.#control();
    if (mayControl && random.oneIn(20)) return ['ECHO', `echo ${this.#elements++}`];
    if (flushes && random.oneIn(80)) return [random.pick(['FLUSHALL', 'FLUSHDB'])];
    if (swaps && mayControl && random.oneIn(80)) return ['SWAPDB', '0', '1'];
    if (destroys && random.oneIn(6)) return this.#destruction();
    if (random.oneIn(3)) return this.#onStrings();
    if (blocks && random.oneIn(3)) return this.#blocking();
    return this.#onLists();
  }

  #control(): readonly string[] {
    const id = String(this.#someConnection());
    if (this.#random.oneIn(3)) return ['CLIENT', 'KILL', 'ID', id];
    return ['CLIENT', 'UNBLOCK', id, this.#random.pick(['TIMEOUT', 'ERROR'])];
  }

  #destruction(): readonly string[] {
    const random = this.#random;
    const list = this.#list();
    const other = this.#list();
    switch (random.below(6)) {
      case 0:
        return ['DEL', ...this.#several(this.#profile.lists)];
      case 1:
        return ['SET', list, this.#value()];
      case 2:
        return ['RENAME', list, other];
      case 3:
        return ['RENAMENX', list, other];
      case 4:
        return ['COPY', list, other, ...(random.oneIn(2) ? ['REPLACE'] : [])];
      default:
        return ['LPUSH', this.#string(), this.#element()];
    }
  }

  #onStrings(): readonly string[] {
    const random = this.#random;
    const { strings } = this.#profile;
    const pairs = (): string[] => this.#several(strings).flatMap((key) => [key, this.#value()]);
    switch (random.below(10)) {
      case 0:
        return ['SET', this.#string(), this.#value()];
      case 1:
        return ['MSET', ...pairs()];
      case 2:
        return ['MGET', ...this.#several(strings)];
      case 3:
        return ['MSETNX', ...pairs()];
      case 4:
        return ['DEL', ...this.#several(strings)];
      case 5:
        return ['EXISTS', ...this.#several(strings)];
      case 6:
        return [random.pick(['RENAME', 'RENAMENX']), this.#string(), this.#string()];
      case 7:
        return ['COPY', this.#string(), this.#string(), ...(random.oneIn(2) ? ['REPLACE'] : [])];
      case 8:
        return ['INCR', `counter${random.below(2)}`];
      default:
        return ['GET', this.#string()];
    }
  }

  #onLists(): readonly string[] {
    const random = this.#random;
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3: {
        const elements = Array.from({ length: 1 + random.below(3) }, () => this.#element());
        return [random.pick(['LPUSH', 'RPUSH']), this.#list(), ...elements];
      }
      case 4:
        return ['LMOVE', this.#list(), this.#list(), this.#side(), this.#side()];
      case 5:
        return ['RPOPLPUSH', this.#list(), this.#list()];
      case 6: {
        const keys = this.#several(this.#profile.lists);
        const count = random.oneIn(2) ? ['COUNT', String(1 + random.below(3))] : [];
        return ['LMPOP', String(keys.length), ...keys, this.#side(), ...count];
      }
      case 7:
        return random.oneIn(2) ? ['LLEN', this.#list()] : ['LRANGE', this.#list(), '0', '-1'];
      default:
        return [random.pick(['LPOP', 'RPOP']), this.#list()];
    }
  }

  #blocking(): readonly string[] {
    const random = this.#random;
    const timeout = this.#timeout();
    switch (random.below(5)) {
      case 0:
        return ['BLMOVE', this.#list(), this.#list(), this.#side(), this.#side(), timeout];
      case 1: {
        const keys = this.#several(this.#profile.lists);
        const count = random.oneIn(2) ? ['COUNT', String(1 + random.below(3))] : [];
        return ['BLMPOP', timeout, String(keys.length), ...keys, this.#side(), ...count];
      }
      default: {
        const keys = random.oneIn(2) ? [this.#list()] : this.#several(this.#profile.lists);
        return [random.pick(['BLPOP', 'BRPOP']), ...keys, timeout];
      }
    }
  }
}
