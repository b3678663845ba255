/**
 * Random pushes, pops and blocked pops through the engine against a model of queues: waiters are
 * served first come first served, none sleeps on a list with elements, time-outs come on time, and
 * every element pushed is delivered once or still stored.
 */
import { EngineFixture } from './engine.fixture.ts';
import { runFuzzer } from './fuzz-run.fixture.ts';
import { invariant } from './invariant.ts';
import { RandomSource } from './random-source.ts';

const KEYS = ['q0', 'q1', 'q2', 'q3'];
const DATABASES = 2;
/** Pushes and blocked moves go to this key too, so that serving one waiter makes another ready. */
const CHAIN = 'q3';

interface Blocked {
  readonly connection: number;
  readonly database: number;
  readonly keys: readonly string[];
  readonly deadline: number;
  /** BLMOVE's destination. */
  readonly target: string | undefined;
}

class Model {
  readonly random: RandomSource;
  readonly fixture: EngineFixture;
  /** Lists by `database:key`; absent when empty. */
  readonly lists = new Map<string, string[]>();
  /** In the order in which they blocked. */
  blocked: Blocked[] = [];
  readonly expectedLate: [number, string][] = [];
  nextElement = 1;
  nextConnection = 1;

  constructor(seed: number) {
    this.random = new RandomSource(seed);
    this.fixture = new EngineFixture({ seed, now: 1_000_000 });
  }

  list(database: number, key: string): string[] {
    return this.lists.get(`${database}:${key}`) ?? [];
  }

  store(database: number, key: string, list: string[]): void {
    if (list.length === 0) this.lists.delete(`${database}:${key}`);
    else this.lists.set(`${database}:${key}`, list);
  }

  /** Serves waiters of keys that became ready, as Redis does: key by key, longest-waiting first. */
  serve(ready: [number, string][]): void {
    for (let i = 0; i < ready.length; i++) {
      const [database, key] = ready[i];
      for (const waiter of this.blocked.filter(
        (b) => b.database === database && b.keys.includes(key),
      )) {
        const list = this.list(database, key);
        if (list.length === 0) break;
        this.blocked = this.blocked.filter((b) => b !== waiter);
        this.deliver(waiter, ready);
      }
    }
  }

  /** Runs the waiter's pop: the first of its keys that has elements. */
  deliver(waiter: Blocked, ready: [number, string][]): void {
    const key = waiter.keys.find((k) => this.list(waiter.database, k).length > 0) ?? '';
    const list = this.list(waiter.database, key);
    const element = list.shift() ?? '';
    this.store(waiter.database, key, list);
    if (waiter.target === undefined) {
      this.expectedLate.push([waiter.connection, bulks([key, element])]);
      return;
    }
    const target = this.list(waiter.database, waiter.target);
    const wasEmpty = target.length === 0;
    target.push(element);
    this.store(waiter.database, waiter.target, target);
    if (wasEmpty) ready.push([waiter.database, waiter.target]);
    this.expectedLate.push([waiter.connection, `$${element.length}\r\n${element}\r\n`]);
  }
}

function bulks(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((w) => `$${w.length}\r\n${w}\r\n`).join('')}`;
}

function push(model: Model, database: number): void {
  const key = KEYS[model.random.below(KEYS.length)];
  const elements = Array.from(
    { length: 1 + model.random.below(3) },
    () => `e${model.nextElement++}`,
  );
  const wasEmpty = model.list(database, key).length === 0;
  model.store(database, key, [...model.list(database, key), ...elements]);
  // A list that existed had no waiters.
  if (wasEmpty) model.serve([[database, key]]);
  model.fixture.call('RPUSH', key, ...elements);
}

function pop(model: Model, database: number): void {
  const key = KEYS[model.random.below(KEYS.length)];
  const list = model.list(database, key);
  if (model.random.below(2) === 0) {
    // Lists must run empty again and again, or nobody ever blocks.
    const existed = model.lists.delete(`${database}:${key}`);
    invariant(model.fixture.call('DEL', key) === `:${existed ? 1 : 0}\r\n`, 'DEL differs');
    return;
  }
  const element = list.shift();
  model.store(database, key, list);
  const expected = element === undefined ? '$-1\r\n' : `$${element.length}\r\n${element}\r\n`;
  invariant(model.fixture.call('LPOP', key) === expected, 'LPOP differs');
}

function block(model: Model, database: number): void {
  const { random, fixture } = model;
  const moves = random.below(4) === 0;
  const count = moves ? 1 : 1 + random.below(3);
  const keys = Array.from({ length: count }, () => KEYS[random.below(KEYS.length)]);
  if (keys.some((key) => model.list(database, key).length > 0)) return;
  const seconds = random.below(3);
  const waiter: Blocked = {
    connection: model.nextConnection++,
    database,
    keys,
    deadline: seconds === 0 ? Infinity : fixture.engine.now + seconds * 1000,
    target: moves ? CHAIN : undefined,
  };
  fixture.connection = waiter.connection;
  const reply = moves
    ? fixture.call('BLMOVE', keys[0], CHAIN, 'LEFT', 'RIGHT', seconds)
    : fixture.call('BLPOP', ...keys, seconds);
  invariant(reply === undefined, 'a blocking command did not block');
  model.blocked.push(waiter);
}

function cancel(model: Model): void {
  if (model.blocked.length === 0) return;
  const [waiter] = model.blocked.splice(model.random.below(model.blocked.length), 1);
  const { engine } = model.fixture;
  if (model.random.below(2) === 0) {
    invariant(engine.unblock(waiter.connection, 'none'), 'a waiter is not known');
    return;
  }
  engine.unblock(waiter.connection, 'error');
  engine.reply.reset();
  model.expectedLate.push([
    waiter.connection,
    '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n',
  ]);
}

function pass(model: Model): void {
  const { fixture } = model;
  const now = fixture.engine.now + model.random.below(1500);
  const due = model.blocked.filter(({ deadline }) => deadline <= now);
  model.blocked = model.blocked.filter(({ deadline }) => deadline > now);
  const before = fixture.late.length;
  fixture.advance(now - fixture.engine.now);
  fixture.engine.reply.reset();
  const timedOut = fixture.late.splice(before);
  // Waiters with one deadline time out in any order.
  // A null array for BLMOVE too, as in Redis.
  const expected = due.map(({ connection }) => `${connection} *-1\r\n`);
  const same =
    timedOut
      .map((late) => late.join(' '))
      .sort()
      .join() === expected.sort().join();
  invariant(same, 'time-outs differ');
}

function swap(model: Model): void {
  for (const key of KEYS) {
    const [a, b] = [model.list(0, key), model.list(1, key)];
    model.store(0, key, b);
    model.store(1, key, a);
  }
  model.fixture.call('SWAPDB', 0, 1);
  // Which key is looked at first after SWAPDB is not specified; avoid waiters that could tell.
}

/** Returns how many commands blocked. */
export function fuzzWaiters(seed: number, steps: number): number {
  const model = new Model(seed);
  for (let step = 0; step < steps; step++) {
    const database = model.random.below(DATABASES);
    model.fixture.database = database;
    const kind = model.random.below(100);
    if (kind < 25) push(model, database);
    else if (kind < 50) pop(model, database);
    else if (kind < 88) block(model, database);
    else if (kind < 94) cancel(model);
    else if (kind < 99) pass(model);
    else if (model.blocked.length === 0) swap(model);
    check(model);
  }
  return model.nextConnection - 1;
}

function check(model: Model): void {
  const { engine, late } = model.fixture;
  const same = JSON.stringify(late) === JSON.stringify(model.expectedLate);
  invariant(
    same,
    `late replies ${JSON.stringify(late)}, not ${JSON.stringify(model.expectedLate)}`,
  );
  late.length = 0;
  model.expectedLate.length = 0;
  invariant(engine.waiters.size === model.blocked.length, 'number of waiters differs');
  const keys = new Set(model.blocked.flatMap((b) => b.keys.map((key) => `${b.database}:${key}`)));
  invariant(engine.waiters.keyCount === keys.size, 'keys that are waited for differ');
  const deadlines = model.blocked.map(({ deadline }) => deadline);
  invariant(engine.waiters.earliest() === Math.min(Infinity, ...deadlines), 'deadline differs');
}

runFuzzer(import.meta, 20_000, fuzzWaiters);
