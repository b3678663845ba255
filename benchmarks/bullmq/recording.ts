// Records what BullMQ sends while it adds jobs, takes them and finishes them, as steps that can be
// replayed on an empty database.
//
// The calls are BullMQ's own, with its keys, its MessagePack and its options; only the order is ours:
// one kind of call after the other, each from one connection, so that a replay has one possible
// outcome and each kind can be timed for itself. Nothing is recorded while workers block. Every call
// of a replay does its work again: jobs are added under fresh numbers, taken in that order, and
// finished under the locks they were taken with.
//
//   add 2N   take N   finish N   take 50 and finish N, each finish taking the next job
//   add N delayed to a queue of its own   add N prioritised to another
//
// About 10 seconds and 100 MB with N = 20,000. Nothing of it is written to disk.

import { Job, Queue, Worker } from 'bullmq';
import { type Contender, withServers } from '../contenders.ts';
import { libraryScripts } from './bullmq-scripts.ts';
import { type CallSequence, callsOf, mustBeOf, sequenceOf } from './recorded-calls.ts';
import { type RecordingProxy, startRecordingProxy } from './recording-proxy.ts';

const QUEUE = 'recorded';
const DELAYED_QUEUE = 'recorded-delayed';
const PRIORITISED_QUEUE = 'recorded-prioritised';
/** Jobs that are active at a time where finishing one takes the next. */
const CONCURRENCY = 50;
/** Calls on their way at a time while recording. */
const WINDOW = 500;
/** Locks taken in a recording must not end while it is replayed. */
const LOCK_MS = 24 * 3_600_000;
const DELAY_MS = 24 * 3_600_000;
const PRIORITIES = 100;

export interface RecordedStep {
  /** As shown in tables; undefined for a step that only prepares the next. */
  readonly name: string | undefined;
  readonly calls: CallSequence;
}

export interface Recording {
  /** Texts of the scripts, by hash. */
  readonly scripts: ReadonlyMap<string, Buffer>;
  readonly steps: readonly RecordedStep[];
}

/** What a job carries: some hundred bytes, as a mail or a webhook would. */
export function jobData(index: number): object {
  return {
    id: index,
    user: `user-${index % 1_000}`,
    mail: 'someone@example.com',
    template: 'welcome',
    at: 1_700_000_000_000 + index,
  };
}

/** Records on a server of the given kind (redis-server), which is started for it. */
export function record(contender: Contender, jobs: number): Promise<Recording> {
  return withServers([contender], async ([server]) => {
    const proxy = await startRecordingProxy(server!.port);
    try {
      return await new Recorder(proxy).run(jobs);
    } finally {
      await proxy.close();
    }
  });
}

class Recorder {
  readonly #proxy: RecordingProxy;
  readonly #texts = new Map<string, Buffer>();
  readonly #steps: RecordedStep[] = [];
  readonly #shas = new Map(libraryScripts().map(({ name, sha }) => [name, sha]));

  constructor(proxy: RecordingProxy) {
    this.#proxy = proxy;
  }

  async run(jobs: number): Promise<Recording> {
    const connection = { port: this.#proxy.port, host: '127.0.0.1' };
    const queue = new Queue(QUEUE, { connection });
    const delayed = new Queue(DELAYED_QUEUE, { connection });
    const prioritised = new Queue(PRIORITISED_QUEUE, { connection });
    const worker = new Worker(QUEUE, undefined, {
      connection,
      autorun: false,
      lockDuration: LOCK_MS,
    });
    const all = [queue, delayed, prioritised, worker];
    await Promise.all(all.map((each) => each.waitUntilReady()));
    await Promise.all([queue, delayed, prioritised].map((each) => each.getMeta()));
    try {
      await this.#workThrough(queue, worker, jobs);
      await this.#addOthers(delayed, prioritised, jobs);
    } finally {
      await Promise.all(all.map((each) => each.close()));
    }
    return { scripts: this.#texts, steps: this.#steps };
  }

  async #workThrough(queue: Queue, worker: Worker, jobs: number): Promise<void> {
    this.#take(undefined);
    await inWindows(2 * jobs, (i) => queue.add('mail', jobData(i)));
    this.#take('addStandardJob');
    const active: Job[] = [];
    await inWindows(jobs, async (i) => {
      active.push(mustExist(await worker.getNextJob(`token:${i}`, { block: false })));
    });
    this.#take('moveToActive');
    await inWindows(jobs, (i) => active[i]!.moveToCompleted(RESULT, `token:${i}`, false));
    this.#take('moveToFinished');
    await this.#finishAndFetch(worker, jobs);
  }

  async #finishAndFetch(worker: Worker, jobs: number): Promise<void> {
    let active: Job[] = [];
    for (let i = 0; i < CONCURRENCY; i++) {
      active.push(mustExist(await worker.getNextJob('token', { block: false })));
    }
    this.#take(undefined);
    for (let done = 0; done < jobs - CONCURRENCY; done += active.length) {
      const batch = active.slice(0, jobs - CONCURRENCY - done);
      const next = await Promise.all(
        batch.map((job) => job.moveToCompleted(RESULT, 'token', true)),
      );
      active = next.map((reply) => jobOf(worker, reply));
    }
    this.#take('moveToFinished and fetch next', 'moveToFinished');
  }

  async #addOthers(delayed: Queue, prioritised: Queue, jobs: number): Promise<void> {
    const delay = (i: number) => DELAY_MS + ((i * 7_919) % 1_000_000);
    await inWindows(jobs, (i) => delayed.add('mail', jobData(i), { delay: delay(i) }));
    this.#take('addDelayedJob');
    const priority = (i: number) => 1 + ((i * 31) % PRIORITIES);
    await inWindows(jobs, (i) => prioritised.add('mail', jobData(i), { priority: priority(i) }));
    this.#take('addPrioritizedJob');
  }

  /** Makes a step of what came since the last; commands that are no scripts go before it. */
  #take(name: string | undefined, script = name): void {
    const calls = callsOf(this.#proxy.take(), this.#texts);
    const before = name === undefined ? calls : calls.filter(({ sha }) => sha === undefined);
    if (before.length > 0) this.#addStep(undefined, before);
    if (name === undefined || script === undefined) return;
    const own = calls.filter(({ sha }) => sha !== undefined);
    this.#addStep(name, mustBeOf(this.#shas.get(script) ?? '', script, own));
  }

  #addStep(name: string | undefined, calls: readonly { readonly bytes: Buffer }[]): void {
    this.#steps.push({ name, calls: sequenceOf(calls.map(({ bytes }) => bytes)) });
  }
}

const RESULT = { delivered: true };

function mustExist(job: Job | undefined): Job {
  if (job === undefined) throw new Error('a queue that is being recorded ran out of jobs');
  return job;
}

/** The job that came with the reply of a finished one; its worker knows how long locks last. */
function jobOf(worker: Worker, reply: unknown): Job {
  const [json, id] = Array.isArray(reply) ? reply : [];
  if (typeof id !== 'string') throw new Error('finishing a job brought no next one');
  return Job.fromJSON(worker, json, id);
}

/** Runs `count` calls with at most WINDOW of them on their way, begun in order. */
async function inWindows(count: number, call: (index: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < count; first += WINDOW) {
    const size = Math.min(WINDOW, count - first);
    await Promise.all(Array.from({ length: size }, (_, i) => call(first + i)));
  }
}
