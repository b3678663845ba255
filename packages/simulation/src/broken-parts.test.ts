/**
 * The checkers can fail: each test breaks one part of the server on purpose, and some seed among
 * the first few must notice, by a rule that fits.
 */
import t from 'tap';
import type { Profile } from './profile.ts';
import type { Scheduler } from './scheduler.ts';
import { SimulatedPort } from './simulated-port.ts';
import type { SimulatedServer } from './simulated-server.ts';
import { SimulationFailure, type SimulationOptions, simulate } from './simulation.ts';

const SEEDS = 40;
const CALM: Partial<Profile> = { destroys: false, flushes: false, swaps: false, crashesOneIn: 0 };
const WAITING: Partial<Profile> = {
  ...CALM,
  blocks: true,
  kills: false,
  lists: ['list0', 'list1'],
  clients: 6,
  socketBytes: 1 << 16,
};
const QUITTING: Partial<Profile> = { ...WAITING, disconnectsOneIn: 8 };

interface Breakage {
  readonly name: string;
  readonly rules: readonly string[];
  readonly profile: Partial<Profile>;
  readonly isolation?: 'locked' | 'lock-free';
  readonly demandsLinearizability?: boolean;
  readonly prepare?: (server: SimulatedServer) => void;
}

/** Delivers what was sent second before what was sent first. */
class ReorderingPort extends SimulatedPort {
  override takeNext(): unknown {
    return this.queue.pop();
  }
}

/** Forgets one message in a hundred. */
class LosingPort extends SimulatedPort {
  #messages = 0;

  override postMessage(message: unknown, transfer: readonly unknown[] = []): void {
    if (++this.#messages % 100 !== 0) super.postMessage(message, transfer);
  }
}

function withPorts(port: new (scheduler: Scheduler, name: string) => SimulatedPort) {
  return ({ threads }: SimulatedServer): void => {
    threads.makePort = (scheduler, name) => new port(scheduler, name);
  };
}

/** A waiter stays where it is when it was served. */
function serveTwice({ threads }: SimulatedServer): void {
  threads.started = ({ shard }) => {
    const { waiters } = shard.host.engine;
    const remove = waiters.remove.bind(waiters);
    let removals = 0;
    waiters.remove = (waiter) => {
      if (++removals % 10 !== 0) remove(waiter);
    };
  };
}

/** Whoever waits last is served first. */
function serveLastFirst({ threads }: SimulatedServer): void {
  threads.started = ({ shard }) => {
    const { waiters } = shard.host.engine;
    const add = waiters.add.bind(waiters);
    waiters.add = (...args) => {
      const waiter = add(...args);
      for (const link of waiter.links) {
        const { key, previous } = link;
        if (previous === undefined || key.first === undefined) continue;
        previous.next = undefined;
        key.last = previous;
        link.previous = undefined;
        link.next = key.first;
        key.first.previous = link;
        key.first = link;
      }
      return waiter;
    };
  };
}

/** A key that appears is sometimes not noticed. */
function oversleep({ threads }: SimulatedServer): void {
  threads.started = ({ shard }) => {
    const { waiters } = shard.host.engine;
    const noteReady = waiters.noteReady.bind(waiters);
    let notes = 0;
    waiters.noteReady = (...args) => {
      if (++notes % 10 !== 0) noteReady(...args);
    };
  };
}

const BREAKAGES: readonly Breakage[] = [
  {
    name: 'a port that reorders its messages',
    rules: [
      ...['replies', 'progress', 'remains', 'delivered once'],
      ...['unhandled rejection', 'logged error', 'crash'],
    ],
    profile: { ...WAITING, kills: true },
    prepare: withPorts(ReorderingPort),
  },
  {
    name: 'a port that loses a message',
    rules: ['progress', 'replies', 'remains', 'delivered once', 'crash'],
    profile: CALM,
    prepare: withPorts(LosingPort),
  },
  {
    name: 'a waiter that is served twice',
    rules: ['replies', 'crash', 'delivered once', 'remains', 'sleeping waiter', 'progress'],
    profile: WAITING,
    prepare: serveTwice,
  },
  {
    name: 'the last waiter is served first',
    rules: ['order of waiters'],
    profile: { ...WAITING, depth: 1, databases: 1, disconnectsOneIn: 0 },
    prepare: serveLastFirst,
  },
  {
    name: 'a waiter that oversleeps',
    rules: ['sleeping waiter', 'remains'],
    profile: WAITING,
    prepare: oversleep,
  },
  {
    name: 'what a client that is gone was to get is not put back',
    rules: ['delivered once'],
    profile: QUITTING,
    prepare: ({ gateway }) => {
      gateway.returnUndelivered = (connection) => gateway.forget(connection);
    },
  },
  {
    name: 'a connection that is never forgotten',
    rules: ['remains'],
    profile: QUITTING,
    prepare: ({ gateway }) => {
      gateway.forget = () => {};
    },
  },
  {
    name: 'a lock that is not released',
    rules: ['remains', 'progress'],
    profile: { ...CALM, blocks: false },
    prepare: ({ gateway }) => {
      const run = gateway.isolation.run.bind(gateway.isolation);
      let runs = 0;
      gateway.isolation.run = (use, work) => {
        if (++runs % 10 === 0) void run(use, () => new Promise(() => {}));
        return run(use, work);
      };
    },
  },
  {
    name: 'a move that had to wait, without locks',
    rules: ['linearizability'],
    profile: { ...WAITING, transactions: true, readsAll: true, disconnectsOneIn: 0, depth: 1 },
    prepare: ({ gateway }) => {
      const { connections, isolation } = gateway;
      const run = isolation.run.bind(isolation);
      isolation.run = (use, work) => {
        const isSomeoneBlocked = [...connections.values()].some(({ isBlocked }) => isBlocked);
        return isSomeoneBlocked && use.size === 2 ? work() : run(use, work);
      };
    },
  },
  {
    name: 'a waiter that was announced holds nobody back',
    rules: ['order of waiters'],
    profile: { ...WAITING, depth: 1, databases: 1, disconnectsOneIn: 0 },
    prepare: ({ threads }) => {
      threads.started = ({ shard }) => {
        shard.host.engine.holdWaiters = () => {};
      };
    },
  },
  {
    name: 'commands of several phases without locks',
    rules: ['linearizability'],
    profile: { ...CALM, blocks: false, disconnectsOneIn: 0 },
    isolation: 'lock-free',
    demandsLinearizability: true,
  },
];

function optionsOf(breakage: Breakage, seed: number): SimulationOptions {
  const { isolation = 'locked', demandsLinearizability, prepare, profile } = breakage;
  return {
    seed,
    operations: 300,
    shards: 3,
    isolation,
    profile,
    ...(demandsLinearizability !== undefined && { demandsLinearizability }),
    ...(prepare !== undefined && { prepare }),
  };
}

/** The rule that the first failing seed breaks. */
async function brokenRule(breakage: Breakage): Promise<string | undefined> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await simulate(optionsOf(breakage, seed));
    } catch (error) {
      return error instanceof SimulationFailure ? error.rule : 'crash';
    }
  }
  return undefined;
}

for (const breakage of BREAKAGES) {
  t.test(breakage.name, async (t) => {
    const rule = await brokenRule(breakage);
    t.ok(rule !== undefined && breakage.rules.includes(rule), `caught by: ${rule}`);
  });
}
