// Runs BullMQ as an application would, in a process of its own: what it spends does not count as the
// server's, and its garbage collections do not fall into the benchmark.
//
// Does one request after the other, as they come over the IPC channel, and answers each with the
// time it took. Ends when the channel closes.

import { FlowProducer, Queue, Worker } from 'bullmq';
import type { Addition, DriverReply, DriverRequest, QueueNames } from './driver-messages.ts';
import { jobData } from './recording.ts';

const WORKERS = 4;
const CONCURRENCY = 50;
/** Calls of add on their way. */
const ADD_WINDOW = 100;
const BULK = 500;
const PRIORITIES = 100;
/** Delayed jobs come due within so long after they were added. */
const DELAY_SPREAD_MS = 1_000;
const CHILDREN_PER_FLOW = 4;
/** Without a completed job for so long, some are lost. */
const SILENCE_MS = 20_000;

class Bench {
  readonly #port: number;
  readonly #names: QueueNames;
  readonly #queues: readonly Queue[];
  readonly #flows: FlowProducer;
  #workers: Worker[] = [];
  /** How often each job was processed, by the number in its data. */
  #processed = new Uint8Array(0);
  #completed = 0;
  #onCompleted: () => void = () => {};
  #onError: (error: Error) => void = () => {};
  #failure: Error | undefined;

  constructor(port: number, names: QueueNames) {
    this.#port = port;
    this.#names = names;
    const connection = this.#connection();
    this.#queues = [names.main, names.children].map((name) => new Queue(name, { connection }));
    this.#flows = new FlowProducer({ connection });
    const fail = (error: Error) => this.#fail(error);
    for (const queue of this.#queues) queue.on('error', fail);
    this.#flows.on('error', fail);
  }

  async open(): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.waitUntilReady()));
    // The first call sends what every queue sends once.
    await Promise.all(this.#queues.map((queue) => queue.getMeta()));
  }

  async add(how: Addition, jobs: number): Promise<void> {
    this.#processed = new Uint8Array(jobs);
    if (how === 'add') await this.#addSingly(jobs);
    else if (how === 'flow') await this.#addFlows(jobs);
    else await this.#addInBulk(how, jobs);
  }

  async #addSingly(jobs: number): Promise<void> {
    for (let first = 0; first < jobs; first += ADD_WINDOW) {
      const size = Math.min(ADD_WINDOW, jobs - first);
      await Promise.all(
        Array.from({ length: size }, (_, i) => this.#queues[0]!.add('mail', jobData(first + i))),
      );
    }
  }

  async #addInBulk(how: Addition, jobs: number): Promise<void> {
    for (let first = 0; first < jobs; first += BULK) {
      const size = Math.min(BULK, jobs - first);
      const bulk = Array.from({ length: size }, (_, i) => ({
        name: 'mail',
        data: jobData(first + i),
        opts: optionsOf(how, first + i),
      }));
      await this.#queues[0]!.addBulk(bulk);
    }
  }

  /** A parent in the main queue for every four jobs in the other; all of them count. */
  async #addFlows(jobs: number): Promise<void> {
    const size = CHILDREN_PER_FLOW + 1;
    const perBulk = Math.floor(BULK / size);
    const flow = (index: number) => ({
      name: 'parent',
      queueName: this.#names.main,
      data: jobData(index * size),
      children: Array.from({ length: CHILDREN_PER_FLOW }, (_, i) => ({
        name: 'child',
        queueName: this.#names.children,
        data: jobData(index * size + 1 + i),
      })),
    });
    const flows = Math.floor(jobs / size);
    this.#processed = new Uint8Array(flows * size);
    for (let first = 0; first < flows; first += perBulk) {
      const count = Math.min(perBulk, flows - first);
      await this.#flows.addBulk(Array.from({ length: count }, (_, i) => flow(first + i)));
    }
  }

  async openWorkers(isFlow: boolean): Promise<void> {
    this.#workers = Array.from({ length: WORKERS }, (_, i) => {
      const name = isFlow && i % 2 === 1 ? this.#names.children : this.#names.main;
      const worker = new Worker(
        name,
        async (job) => {
          this.#processed[job.data.id]!++;
          return { delivered: true };
        },
        { connection: this.#connection(), autorun: false, concurrency: CONCURRENCY },
      );
      worker.on('completed', () => this.#onCompleted());
      worker.on('failed', (_job, error) => this.#fail(error));
      worker.on('error', (error) => this.#fail(error));
      return worker;
    });
    await Promise.all(this.#workers.map((worker) => worker.waitUntilReady()));
  }

  process(): Promise<void> {
    const jobs = this.#processed.length;
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => {
        reject(new Error(`${jobs - this.#completed} of ${jobs} jobs were not completed`));
      }, SILENCE_MS);
      this.#completed = 0;
      this.#onCompleted = () => {
        silence.refresh();
        if (++this.#completed < jobs) return;
        clearTimeout(silence);
        resolve();
      };
      this.#onError = (error) => {
        clearTimeout(silence);
        reject(error);
      };
      for (const worker of this.#workers) worker.run().catch(this.#onError);
    });
  }

  async verify(): Promise<void> {
    const wrong = this.#processed.findIndex((count) => count !== 1);
    if (wrong >= 0) {
      throw new Error(`job ${wrong} was processed ${this.#processed[wrong]} times, not once`);
    }
    const counts = await Promise.all(this.#queues.map((queue) => queue.getJobCounts()));
    const completed = counts.reduce((sum, count) => sum + (count.completed ?? 0), 0);
    if (completed !== this.#processed.length) {
      throw new Error(`${completed} jobs completed instead of ${this.#processed.length}`);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await Promise.all([...this.#queues, this.#flows].map((each) => each.close()));
  }

  #connection() {
    // A server that is gone stays gone: waiting for it would end in a time-out only.
    const retryStrategy = () => null;
    return { port: this.#port, host: '127.0.0.1', maxRetriesPerRequest: null, retryStrategy };
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#onError(error);
  }
}

function optionsOf(how: Addition, index: number): { priority?: number; delay?: number } {
  if (how === 'prioritised') return { priority: 1 + ((index * 31) % PRIORITIES) };
  if (how === 'delayed') return { delay: 1 + ((index * 7_919) % DELAY_SPREAD_MS) };
  return {};
}

let bench: Bench | undefined;
let isFlow = false;

async function serve(request: DriverRequest): Promise<void> {
  if (request.kind === 'open') {
    bench = new Bench(request.port, request.queues);
    return bench.open();
  }
  if (bench === undefined) throw new Error(`${request.kind} before open`);
  switch (request.kind) {
    case 'add':
      isFlow = request.how === 'flow';
      return bench.add(request.how, request.jobs);
    case 'workers':
      return bench.openWorkers(isFlow);
    case 'process':
      return bench.process();
    case 'verify':
      return bench.verify();
    case 'close':
      return bench.close();
  }
}

process.on('message', async (request: DriverRequest) => {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let error: string | undefined;
  try {
    await serve(request);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  const { user, system } = process.cpuUsage(cpu);
  const reply: DriverReply = {
    seconds: (performance.now() - startedAt) / 1e3,
    cpuSeconds: (user + system) / 1e6,
    ...(error === undefined ? {} : { error }),
  };
  process.send?.(reply);
});
process.once('disconnect', () => process.exit(0));
