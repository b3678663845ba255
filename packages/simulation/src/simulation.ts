/**
 * One simulated life of a server: a seed draws what it is about (profile.ts), clients send commands
 * until the operations are used up, and checkers watch.
 *
 *   running ──(the epoch's operations are issued)──▶ draining ──(nothing is under way)──▶ reading
 *      ▲                                                                                    │
 *      └──────────(histories and state are judged, a new epoch begins)──────────────────────┘
 *
 * In the midst of it: replies are possible ones and in order, nobody waits for what is there. At
 * rest: elements are delivered once or stored, waiters were served in order, nothing is left of
 * clients that are gone, and in locked mode the history is linearizable. A violation ends the run
 * with a SimulationFailure; the same seed and options come to it again.
 */
import { ReplyError, type ReplyValue } from '@hashlane/harness/tools';
import { Deliveries } from './deliveries.ts';
import {
  EPOCH_OPERATIONS_MAX,
  EPOCH_OPERATIONS_MIN,
  IDLE_EVENTS_MAX,
  LIST_LENGTH_MAX,
  SOCKET_BYTES,
} from './limits.ts';
import { type Judgement, judge, textOf } from './linearizability.ts';
import { BLOCKING, isModelled, nameOf, type State, type Value } from './model.ts';
import { Operation } from './operation.ts';
import { drawProfile, type Profile } from './profile.ts';
import { remainsProblem } from './remains.ts';
import { replyProblem } from './reply-shapes.ts';
import { Scheduler } from './scheduler.ts';
import { Session } from './session.ts';
import { SimulatedServer } from './simulated-server.ts';
import { withVirtualGlobals } from './virtual-globals.ts';
import { orderProblem, sleeperProblem } from './waiting.ts';
import { Workload } from './workload.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly operations: number;
  readonly shards: number;
  readonly isolation: 'locked' | 'lock-free';
  /** Whether the whole history must be linearizable; by default in locked mode. */
  readonly demandsLinearizability?: boolean;
  /** Overrides what the seed draws. */
  readonly profile?: Partial<Profile>;
  /** Breaks something, to see whether the checkers notice. */
  readonly prepare?: (server: SimulatedServer) => void;
  /** Gets a line per event. */
  readonly trace?: (line: string) => void;
}

export interface SimulationResult {
  readonly operations: number;
  readonly events: number;
  /** Of all that happened: equal for equal seeds and options. */
  readonly hash: number;
  readonly profile: Profile;
  /** Windows that the checker of linearizability could not decide within its bound. */
  readonly undecided: number;
}

/** A rule was broken. The message has what is needed to understand it. */
export class SimulationFailure extends Error {
  /** The rule, in a word or two. */
  readonly rule: string;

  constructor(rule: string, text: string) {
    super(`${rule}: ${text}`);
    this.rule = rule;
  }
}

interface Client {
  readonly number: number;
  session: Session;
  /** The second part of a transaction with WATCH comes before anything else. */
  isWatching: boolean;
}

/** Runs one seed. Rejects with a SimulationFailure when a rule is broken. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const scheduler = new Scheduler(options.seed);
  scheduler.trace = options.trace;
  return withVirtualGlobals(scheduler, async (pause) => {
    const rejections: unknown[] = [];
    const reject = (reason: unknown): void => {
      rejections.push(reason);
    };
    process.on('unhandledRejection', reject);
    try {
      return await new Simulation(scheduler, options, rejections).run(pause);
    } finally {
      process.off('unhandledRejection', reject);
    }
  });
}

class Simulation {
  readonly #scheduler: Scheduler;
  readonly #options: SimulationOptions;
  readonly #profile: Profile;
  readonly #server: SimulatedServer;
  readonly #workload: Workload;
  readonly #deliveries = new Deliveries();
  readonly #rejections: readonly unknown[];
  readonly #clients: Client[] = [];
  /** Sessions that their client has left, until the gateway has noticed. */
  readonly #left = new Set<Session>();
  readonly #admin: Session;
  #phase: 'running' | 'draining' | 'reading' | 'ending' = 'running';
  #issued = 0;
  #epochEnd = 0;
  #epoch: Operation[] = [];
  #state: State = new Map();
  #lengths = new Map<string, number>();
  #hasCrashed = false;
  #undecided = 0;
  #lastProgress = 0;
  #nextPort = 10_000;

  constructor(scheduler: Scheduler, options: SimulationOptions, rejections: readonly unknown[]) {
    const { random } = scheduler;
    this.#scheduler = scheduler;
    this.#options = options;
    this.#rejections = rejections;
    this.#profile = { ...drawProfile(random), ...options.profile };
    const { shards, isolation } = options;
    const choice = { seed: random.below(2 ** 30), shards, isolation };
    this.#server = new SimulatedServer(scheduler, choice, options.prepare ?? (() => {}));
    this.#workload = new Workload(random, this.#profile, () => this.#someConnection());
    this.#admin = this.#connect(1 << 20);
    for (let number = 0; number < this.#profile.clients; number++) this.#addClient(number);
    this.#addSources();
    scheduler.afterStep = () => this.#watch();
  }

  async run(pause: (work: () => void) => void): Promise<SimulationResult> {
    const { operations } = this.#options;
    while (this.#issued < operations) {
      await this.#runEpoch(pause);
    }
    await this.#end(pause);
    const { steps, hash } = this.#scheduler;
    return {
      operations: this.#issued,
      events: steps,
      hash,
      profile: this.#profile,
      undecided: this.#undecided,
    };
  }

  // Clients

  #connect(socketBytes: number): Session {
    const events = {
      finished: (operation: Operation) => this.#finished(operation),
      closed: (session: Session, lost: readonly Operation[]) => this.#closed(session, lost),
    };
    return new Session(this.#scheduler, this.#server, events, this.#nextPort++, socketBytes);
  }

  #addClient(number: number): void {
    const session = this.#connect(this.#profile.socketBytes);
    const client: Client = { number, session, isWatching: false };
    this.#clients.push(client);
    this.#greet(client);
    this.#scheduler.add({
      name: `client ${number}`,
      thread: undefined,
      isReady: () => this.#mayIssue(client),
      run: () => this.#issue(client),
    });
  }

  /** Protocol and database of a new connection. */
  #greet(client: Client): void {
    const { random } = this.#scheduler;
    const { databases, protocol3 } = this.#profile;
    if (protocol3 && random.oneIn(2)) this.#send(client, [['HELLO', '3']]);
    const database = random.below(databases);
    if (database > 0) this.#send(client, [['SELECT', String(database)]]);
    client.session.database = database;
  }

  #mayIssue({ session, isWatching }: Client): boolean {
    return (
      this.#phase === 'running' &&
      this.#issued < this.#epochEnd &&
      !isWatching &&
      session.outstanding.length < this.#profile.depth
    );
  }

  #send(
    client: Client,
    requests: readonly (readonly string[])[],
    guard?: Operation['guard'],
  ): Operation {
    const { connection, database } = client.session;
    const operation = new Operation(
      this.#issued++,
      client.number,
      connection,
      database,
      requests,
      guard,
    );
    this.#epoch.push(operation);
    client.session.send(operation);
    return operation;
  }

  #issue(client: Client): void {
    const { random } = this.#scheduler;
    const { disconnectsOneIn, crashesOneIn } = this.#profile;
    const draft = this.#draw();
    const operation = this.#send(client, draft.requests);
    const { watching } = draft;
    if (watching !== undefined) {
      client.isWatching = true;
      const { session } = client;
      operation.replied = (value) => {
        if (client.session !== session) return;
        client.isWatching = false;
        const isText = value === null || typeof value === 'string';
        const guard = isText ? { key: watching.key, value } : undefined;
        this.#send(client, watching.requests, guard);
      };
    }
    if (disconnectsOneIn > 0 && random.oneIn(disconnectsOneIn)) this.#leave(client);
    if (crashesOneIn > 0 && random.oneIn(crashesOneIn)) this.#crash();
  }

  /** A command; one that would make a list too long is drawn again. */
  #draw(): ReturnType<Workload['draw']> {
    for (;;) {
      const draft = this.#workload.draw();
      const [name, key] = draft.requests[0] as readonly string[];
      const isPush = name === 'LPUSH' || name === 'RPUSH';
      const length = isPush ? (this.#lengths.get(key as string) ?? 0) : 0;
      if (length < LIST_LENGTH_MAX) {
        if (isPush) this.#lengths.set(key as string, length + draft.requests[0]!.length - 2);
        return draft;
      }
    }
  }

  /** A client goes away, one way or another, and comes back on a new connection. */
  #leave(client: Client): void {
    const { session } = client;
    if (session.isOver) return;
    const manner = this.#scheduler.random.below(3);
    if (manner === 0) session.socket.finish();
    else if (manner === 1) session.socket.reset();
    else {
      this.#send(client, [['QUIT']]);
      session.socket.finish();
    }
    this.#left.add(session);
    this.#comeBack(client);
  }

  #comeBack(client: Client): void {
    client.isWatching = false;
    client.session = this.#connect(this.#profile.socketBytes);
    this.#greet(client);
  }

  #crash(): void {
    const { random } = this.#scheduler;
    const running = [...this.#server.threads.running.values()];
    if (running.length === 0) return;
    random.pick(running).commandsLeft = random.below(6);
    this.#hasCrashed = true;
  }

  #someConnection(): number {
    return this.#scheduler.random.pick(this.#clients).session.connection;
  }

  #finished(operation: Operation): void {
    // That somebody was unblocked is none, if nobody is.
    const isRescue = operation.client < 0 && this.#phase !== 'reading';
    if (!isRescue) this.#lastProgress = this.#scheduler.steps;
    const problem = replyProblem(operation, this.#profile.crashesOneIn > 0);
    if (problem !== undefined) {
      const same = this.#epoch.filter((each) => each.connection === operation.connection);
      this.#fail('replies', `${problem} to ${operation}; on this connection:\n${same.join('\n')}`);
    }
    operation.replied?.(operation.reply as ReplyValue);
  }

  #closed(session: Session, _lost: readonly Operation[]): void {
    this.#lastProgress = this.#scheduler.steps;
    if (this.#left.delete(session) || this.#phase === 'ending') return;
    const client = this.#clients.find((each) => each.session === session);
    if (client === undefined) this.#fail('connections', 'the administrator was disconnected');
    else this.#comeBack(client);
  }

  // Sources beside the clients

  #addSources(): void {
    this.#scheduler.add({
      name: 'rescue of who waits',
      thread: undefined,
      isReady: () => this.#mayRescue() && this.#waiting() !== undefined,
      run: () => this.#rescue(this.#waiting() as Client),
    });
  }

  /** Nobody is left who might push something. */
  #mayRescue(): boolean {
    if (this.#phase === 'draining') return true;
    return this.#phase === 'running' && !this.#clients.some((client) => this.#mayIssue(client));
  }

  /** A client that waits for ever. */
  #waiting(): Client | undefined {
    return this.#clients.find(({ session }) => {
      const operation = session.outstanding[0];
      return operation !== undefined && operation.blockedAt !== Infinity;
    });
  }

  #rescue(client: Client): void {
    const { random } = this.#scheduler;
    const { connection } = client.session;
    if (this.#profile.disconnectsOneIn > 0 && random.oneIn(3)) {
      this.#leave(client);
      return;
    }
    if (this.#admin.outstanding.length > 0) return;
    const how = random.pick(['TIMEOUT', 'ERROR']);
    this.#ask([['CLIENT', 'UNBLOCK', String(connection), how]]);
  }

  #ask(requests: readonly (readonly string[])[]): Operation {
    const { connection } = this.#admin;
    const operation = new Operation(this.#issued, -1, connection, 0, requests);
    this.#admin.send(operation);
    return operation;
  }

  // Watching

  #fail(rule: string, text: string): never {
    throw new SimulationFailure(rule, `${text}\nprofile: ${JSON.stringify(this.#profile)}`);
  }

  /** After each event. */
  #watch(): void {
    if (this.#rejections.length > 0) {
      this.#fail('unhandled rejection', String((this.#rejections[0] as Error).stack));
    }
    if (this.#server.errors.length > 0)
      this.#fail('logged error', this.#server.errors[0] as string);
    this.#noteBlocked();
    const { current } = this.#scheduler;
    for (const { thread, shard } of this.#server.threads.running.values()) {
      if (thread !== current) continue;
      // In the midst of a transaction of several phases nobody is served, and soon after all are.
      if (shard.host.engine.holdsWaitersBack) continue;
      const problem = sleeperProblem(shard.host.engine, false);
      if (problem !== undefined) this.#fail('sleeping waiter', problem);
    }
  }

  #noteBlocked(): void {
    for (const { session } of this.#clients) this.#noteBlockedIn(session);
    for (const session of this.#left) this.#noteBlockedIn(session);
  }

  #noteBlockedIn(session: Session): void {
    const operation = session.outstanding[0];
    if (operation === undefined || operation.blockedAt !== Infinity) return;
    if (!BLOCKING.has(operation.name) || !session.socket.isReadOut) return;
    const connection = this.#server.gateway.connections.get(session.connection);
    if (connection?.isBlocked) operation.blockedAt = this.#scheduler.steps;
  }

  // Epochs

  async #runEpoch(pause: (work: () => void) => void): Promise<void> {
    const { random } = this.#scheduler;
    const wanted = EPOCH_OPERATIONS_MIN + random.below(EPOCH_OPERATIONS_MAX - EPOCH_OPERATIONS_MIN);
    this.#epochEnd = Math.min(this.#options.operations, this.#issued + wanted);
    this.#phase = 'running';
    await this.#until(pause, () => this.#issued >= this.#epochEnd);
    this.#phase = 'draining';
    await this.#until(pause, () => this.#isAtRest());
    for (const shard of this.#server.threads.running.values()) shard.commandsLeft = Infinity;
    this.#phase = 'reading';
    const answer = this.#ask(this.#readings());
    await this.#until(pause, () => answer.isDone && this.#isAtRest());
    this.#judge(this.#stateOf(answer));
  }

  async #until(pause: (work: () => void) => void, isDone: () => boolean): Promise<void> {
    this.#lastProgress = this.#scheduler.steps;
    const isHung = (): boolean => this.#scheduler.steps - this.#lastProgress > IDLE_EVENTS_MAX;
    const isReached = await this.#scheduler.run(() => isDone() || isHung(), pause);
    if (!isReached || (isHung() && !isDone())) this.#fail('progress', this.#underWay());
  }

  #isAtRest(): boolean {
    if (this.#left.size > 0 || this.#admin.outstanding.length > 0) return false;
    for (const { session } of this.#clients) if (session.outstanding.length > 0) return false;
    return this.#scheduler.isQuiet();
  }

  #underWay(): string {
    const sessions = [...this.#clients.map(({ session }) => session), ...this.#left, this.#admin];
    const operations = sessions.flatMap(({ outstanding }) => outstanding);
    const left = [...this.#left].map(({ connection }) => connection);
    return `nothing goes on, ${this.#phase}; left: ${left.join()}; not answered:\n${operations.join('\n')}`;
  }

  // State

  #keys(): string[] {
    return [...this.#profile.lists, ...this.#profile.strings, 'counter0', 'counter1'];
  }

  #readings(): readonly (readonly string[])[] {
    const readings: (readonly string[])[] = [];
    for (let database = 0; database < this.#profile.databases; database++) {
      readings.push(['SELECT', String(database)]);
      for (const key of this.#keys()) readings.push(['GET', key], ['LRANGE', key, '0', '-1']);
    }
    return readings;
  }

  #stateOf(answer: Operation): State {
    const state = new Map<string, Value>();
    const replies = [...answer.earlierReplies, answer.reply as ReplyValue];
    let database = 0;
    for (const [i, words] of answer.requests.entries()) {
      const reply = replies[i] as ReplyValue;
      const [name, argument] = words as readonly [string, string];
      if (name === 'SELECT') database = Number(argument);
      else if (!(reply instanceof ReplyError) && reply !== null) {
        const isEmpty = Array.isArray(reply) && reply.length === 0;
        if (!isEmpty) state.set(nameOf(database, argument), reply as Value);
      }
    }
    return state;
  }

  // Judging, at rest

  #judge(after: State): void {
    const operations = this.#epoch;
    const before = this.#state;
    this.#epoch = [];
    this.#state = after;
    this.#noteLengths(after);
    const { destroys } = this.#profile;
    const history = (): string => `${operations.join('\n')}`;
    this.#expectNothingLeft();
    if (this.#hasCrashed) {
      this.#deliveries.resetTo(after);
      this.#hasCrashed = false;
      return;
    }
    if (!destroys) {
      const problem = this.#deliveries.check(operations, after, false);
      if (problem !== undefined) this.#fail('delivered once', `${problem}\n${history()}`);
    }
    this.#judgeOrder(operations);
    this.#judgeHistory(operations, before, after);
  }

  #noteLengths(after: State): void {
    this.#lengths = new Map();
    for (const [name, value] of after) {
      const key = name.slice(name.indexOf('/') + 1);
      const length = typeof value === 'string' ? 0 : value.length;
      this.#lengths.set(key, Math.max(this.#lengths.get(key) ?? 0, length));
    }
  }

  #judgeOrder(operations: readonly Operation[]): void {
    const { swaps, destroys, socketBytes } = this.#profile;
    // The reply to a client that reads slowly is seen later than it was made.
    if (swaps || destroys || socketBytes < SOCKET_BYTES) return;
    const { gateway } = this.#server;
    const problem = orderProblem(operations, (key) =>
      gateway.placement.shardOfKey(Buffer.from(key)),
    );
    if (problem !== undefined) this.#fail('order of waiters', problem);
  }

  #judgeHistory(operations: readonly Operation[], before: State, after: State): void {
    const { isolation, demandsLinearizability = isolation === 'locked' } = this.#options;
    if (!demandsLinearizability) return;
    const judged = operations.flatMap((operation) => this.#judgeable(operation));
    const judgement: Judgement = judge(judged, before, after);
    if (judgement.verdict === 'undecided') this.#undecided++;
    if (judgement.verdict !== 'not linearizable') return;
    this.#fail('linearizability', explain(judgement, before, after));
  }

  /** What of an operation the model can judge. */
  #judgeable(operation: Operation): readonly Operation[] {
    if (operation.name === 'WATCH') return [];
    return operation.name === 'MULTI' || isModelled(operation.name) ? [operation] : [];
  }

  #expectNothingLeft(): void {
    const { gateway, threads } = this.#server;
    const live = [this.#admin, ...this.#clients.map(({ session }) => session)];
    const numbers = new Set(live.filter(({ isOver }) => !isOver).map((each) => each.connection));
    const engines = [...threads.running.values()].map(({ shard }) => shard.host.engine);
    const problem =
      remainsProblem(gateway, engines, numbers) ??
      engines.map((engine) => sleeperProblem(engine, true)).find(Boolean);
    if (problem !== undefined) this.#fail('remains', problem);
  }

  // The end

  async #end(pause: (work: () => void) => void): Promise<void> {
    this.#phase = 'ending';
    const { random } = this.#scheduler;
    const sessions = [...this.#clients.map(({ session }) => session), this.#admin];
    for (const { socket } of sessions) {
      if (random.oneIn(2)) socket.finish();
      else socket.reset();
    }
    this.#clients.length = 0;
    const isOver = (): boolean =>
      sessions.every((session) => session.isOver) && this.#scheduler.isQuiet();
    await this.#until(pause, isOver);
    const engines = [...this.#server.threads.running.values()].map(
      ({ shard }) => shard.host.engine,
    );
    const problem = remainsProblem(this.#server.gateway, engines, new Set());
    if (problem !== undefined) this.#fail('remains', problem);
    for (const engine of engines) engine.verify();
  }
}

function explain({ operations, stuck }: Judgement, before: State, after: State): string {
  const place =
    stuck === undefined ? '' : `stuck at ${stuck.operation}\nin ${textOf(stuck.state)}\n`;
  return `no order explains\n${place}${operations.join('\n')}\nbefore: ${textOf(before)}\nafter: ${textOf(after)}`;
}
