// One user of a group: a connection, variables of its own, and the group's steps in a loop.
//
//   waits for its place in the ramp-up → once → steps, steps, steps … → gone
//
// A sample is timed from its first write to its last reply. A lost connection is a failed sample,
// and the next sample connects anew. What is still under way when the group's time and its grace
// are over is neither: it is counted as unfinished.
//
// A user looks at the clock and at the common stop flag before each sample; who sleeps is woken by
// the load's sweep (load.ts), which also ends what waits too long.

import type { Reply } from '../resp-client.ts';
import { monotonicMs } from './clock.ts';
import { encode, judge, replyOf, type Verdict } from './exchange.ts';
import type { Condition, Group, Step } from './plan-model.ts';
import { iterationVariable } from './plan-reader.ts';
import { seededRandom } from './random.ts';
import { extract } from './reply-checks.ts';
import type { SampleLog } from './sample-log.ts';
import type { SharedState } from './shared-state.ts';
import type { Scope } from './template.ts';
import { drawPause } from './think-timer.ts';
import { ConnectionError, UserConnection } from './user-connection.ts';

const RECONNECT_PAUSE_MS = 100;
const IDLE_PAUSE_MS = 1;
const UNFINISHED = 'UNFINISHED';

export interface Surroundings {
  readonly host: string;
  readonly port: number;
  readonly log: SampleLog;
  readonly shared: SharedState;
  readonly planVariables: ReadonlyMap<string, string>;
}

export interface Place {
  readonly group: Group;
  readonly groupIndex: number;
  /** From 1, within the group. */
  readonly number: number;
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly seed: number;
}

/** What a sample has come to so far. */
interface Course {
  startMs: number;
  endMs: number;
  sentBytes: number;
  latencyMs: number;
  reply: Reply;
  verdict: Verdict | undefined;
}

export class VirtualUser {
  /** The group's end, or the moment of a stop that came earlier. */
  endAtMs: number;
  readonly group: Group;
  readonly #place: Place;
  readonly #around: Surroundings;
  readonly #scope: Scope;
  #connection: UserConnection | undefined;
  #connectMs = 0;
  #wake: (() => void) | undefined;

  constructor(place: Place, around: Surroundings) {
    this.#place = place;
    this.#around = around;
    this.group = place.group;
    this.endAtMs = place.endAtMs;
    this.#scope = {
      variables: new Map(around.planVariables),
      random: seededRandom(place.seed),
      threadNumber: place.number,
      groupName: place.group.name,
      samplerName: '',
      ownCounters: [],
      shared: around.shared,
    };
  }

  async run(): Promise<void> {
    await this.#pause(this.#place.startAtMs - monotonicMs());
    if (this.#isOver) return;
    const { shared } = this.#around;
    shared.enter(this.#place.groupIndex);
    try {
      const { variables, once, steps, loops } = this.group;
      for (const { name, value } of variables) {
        this.#scope.variables.set(name, value.evaluate(this.#scope));
      }
      const counter = iterationVariable(this.group.name);
      await this.#runSteps(once);
      for (let i = 0; (loops === null || i < loops) && !this.#isOver; i++) {
        this.#scope.variables.set(counter, String(i));
        // Conditions may leave nothing to do, and others have to get their turn.
        if (!(await this.#runSteps(steps))) await this.#pause(IDLE_PAUSE_MS);
      }
    } finally {
      shared.leave(this.#place.groupIndex);
      this.#connection?.destroy(new ConnectionError('the user has left', UNFINISHED));
    }
  }

  /** Ends a pause, for the sweep. */
  wake(): void {
    this.#wake?.();
  }

  /** Gives up on a reply that does not come, for the sweep. */
  giveUp(nowMs: number): void {
    const connection = this.#connection;
    if (connection === undefined || !connection.isBusy) return;
    if (nowMs >= this.endAtMs + this.group.graceMs) {
      connection.destroy(new ConnectionError('no reply before the end', UNFINISHED));
    } else if (nowMs - connection.startedAtMs > this.group.replyTimeoutMs) {
      const limit = this.group.replyTimeoutMs;
      connection.destroy(new ConnectionError(`no reply within ${limit} ms`, 'TIMEOUT'));
    }
  }

  get #isOver(): boolean {
    return this.#around.shared.isStopping || monotonicMs() >= this.endAtMs;
  }

  async #pause(ms: number): Promise<void> {
    if (ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** False when no step had anything to do. */
  async #runSteps(steps: readonly Step[]): Promise<boolean> {
    let hasRun = false;
    for (const step of steps) {
      if (this.#isOver) return true;
      this.#scope.samplerName = step.label;
      if (step.percent < 100 && this.#scope.random() * 100 >= step.percent) continue;
      if (step.condition !== undefined && !this.#holds(step.condition)) continue;
      hasRun = true;
      const think = step.think ?? this.group.think;
      if (think !== undefined) {
        await this.#pause(drawPause(think, this.#scope.random));
        if (this.#isOver) return true;
      }
      await this.#sample(step);
    }
    return hasRun;
  }

  #holds({ value, isWanted }: Condition): boolean {
    const isTrue = !/^(|0|false)$/i.test(value.evaluate(this.#scope).trim());
    return isTrue === isWanted;
  }

  async #sample(step: Step): Promise<void> {
    const timeStamp = Date.now();
    const course: Course = {
      startMs: monotonicMs(),
      endMs: 0,
      sentBytes: 0,
      latencyMs: 0,
      reply: null,
      verdict: undefined,
    };
    let receivedBefore = 0;
    try {
      const connection = await this.#connect();
      receivedBefore = connection.receivedBytes;
      await this.#exchangeAll(step, connection, course);
    } catch (error) {
      if (error instanceof ConnectionError && error.code === UNFINISHED) {
        this.#around.log.unfinished++;
        return;
      }
      course.verdict = verdictOf(error);
      course.endMs = monotonicMs();
    }
    // All parts of a sequence may have been left out.
    if (course.verdict === undefined) return;
    const received = (this.#connection?.receivedBytes ?? receivedBefore) - receivedBefore;
    this.#record(step, course, course.verdict, timeStamp, received);
    if (this.#connection?.isLost !== false) await this.#pause(RECONNECT_PAUSE_MS);
  }

  async #connect(): Promise<UserConnection> {
    if (this.#connection !== undefined && !this.#connection.isLost) return this.#connection;
    const { host, port } = this.#around;
    this.#connection = await UserConnection.open(host, port);
    this.#connectMs = this.#connection.connectMs;
    return this.#connection;
  }

  async #exchangeAll(step: Step, connection: UserConnection, course: Course): Promise<void> {
    for (const exchange of step.exchanges) {
      if (exchange.condition !== undefined && !this.#holds(exchange.condition)) continue;
      const bytes = encode(exchange.commands, this.#scope);
      const replies = await connection.exchange(bytes, exchange.commands.length);
      if (course.verdict === undefined) {
        course.startMs = connection.startedAtMs;
        course.latencyMs = connection.firstByteAtMs - connection.startedAtMs;
      }
      course.sentBytes += bytes.length;
      course.endMs = connection.endedAtMs;
      course.reply = replyOf(exchange, replies);
      course.verdict = judge(exchange, course.reply, this.#scope);
      if (course.verdict.failure !== '') return;
    }
  }

  #record(step: Step, course: Course, verdict: Verdict, timeStamp: number, received: number): void {
    const { log, shared, host, port } = this.#around;
    const isSuccess = verdict.failure === '';
    shared.countSample(isSuccess);
    if (isSuccess && step.tally !== undefined && course.reply !== null) {
      shared.countTally(step.tally);
    }
    log.record({
      labelIndex: step.labelIndex,
      label: step.label,
      startMs: course.startMs,
      endMs: course.endMs,
      timeStamp,
      elapsedMs: course.endMs - course.startMs,
      latencyMs: course.latencyMs,
      idleMs: 0,
      connectMs: this.#connectMs,
      responseCode: verdict.responseCode,
      responseMessage: verdict.responseMessage,
      failureMessage: verdict.failure,
      isSuccess,
      anomaly: verdict.anomaly,
      wakeUpMs: wakeUpMs(step, course),
      bytes: received,
      sentBytes: course.sentBytes,
      threadName: `${this.group.name} ${this.#place.groupIndex + 1}-${this.#place.number}`,
      groupThreads: shared.usersOf(this.#place.groupIndex),
      allThreads: shared.users,
      url: `redis://${host}:${port}`,
    });
    this.#connectMs = 0;
  }
}

/** From the microseconds that stand in the message to the reply that brought it. */
function wakeUpMs(step: Step, course: Course): number | undefined {
  if (step.wakeUp === undefined) return undefined;
  const sentAt = Number(extract(step.wakeUp, course.reply) ?? Number.NaN);
  return Number.isFinite(sentAt) ? Math.max(0, course.endMs - sentAt / 1e3) : undefined;
}

function verdictOf(error: unknown): Verdict {
  const failure = error instanceof Error ? error.message : String(error);
  const responseCode = error instanceof ConnectionError ? error.code : 'PLAN';
  return { failure, responseCode, responseMessage: failure, anomaly: undefined };
}
