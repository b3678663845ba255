/**
 * `start()`: a server of its own for a test, in this process or as a child process.
 *
 * In this process it is the same code as `hashlane` on the command line, with sockets and, with
 * `shards`, with threads; only signals, the configuration file and the environment are left out. So
 * a test measures and breaks what production runs, and one process may have any number of them.
 * It shares the event loop with the test: one that blocks the loop for long blocks the server too,
 * and should ask for `process: true`.
 *
 * Nothing is left behind: the port is a free one, the directory (a snapshot is written only when
 * asked for) is a temporary one that `stop` removes, clients made by `client` are closed, and after
 * `stop` no handle keeps the process alive. A child process dies with this one at the latest.
 *
 * Cost: 5 to 30 ms in this process. With `shards` it is not more, but the first command waits until
 * the threads have loaded their code, 100 to 250 ms. A child process takes 200 to 300 ms.
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildConfiguration, createLogger, startServer } from 'hashlane';
import { Redis, type RedisOptions } from 'ioredis';
import { BACKLOG, LOG_CHARACTERS_MAX } from './limits.ts';
import { RawClient } from './raw-client.ts';
import { startServer as startProcess } from './server-process.ts';

export interface StartOptions {
  /** Threads that hold keys; 0, the default, holds them in the thread that serves the sockets. */
  readonly shards?: number;
  /** Port of 127.0.0.1; 0, the default, is any free one. */
  readonly port?: number;
  /** True: a child process instead of this one. */
  readonly process?: boolean;
  /**
   * Parameters by the names of redis.conf, such as `{ maxmemory: '100mb' }`. What takes several
   * words there takes an array: `{ save: ['60', '1'] }`.
   */
  readonly config?: Readonly<Record<string, string | number | readonly string[]>>;
}

export interface TestServer extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`, with the password when there is one. */
  readonly url: string;
  readonly port: number;
  /** What the server has logged so far; JSON, one event per line. */
  readonly log: string;
  /**
   * A new ioredis client of this server, which `stop` closes; closing it earlier is fine. BullMQ's
   * workers want `{ maxRetriesPerRequest: null }`. Throws when the server was stopped.
   */
  client(options?: RedisOptions): Redis;
  /**
   * Empties the server: keys of all databases, scripts, functions. Connections stay, and so do
   * parameters that were changed. Rejects with the server's text when it refuses.
   */
  reset(): Promise<void>;
  /**
   * Closes the clients and stops the server: who is blocked is answered, replies are sent, nothing
   * is saved unless `config` has `save`. Safe to call again.
   */
  stop(): Promise<void>;
}

/**
 * Starts a server and resolves when it serves. Rejects when a parameter is wrong (the text names
 * it), or when the port is taken (`EADDRINUSE`); then nothing is left of it.
 */
export async function start(options: StartOptions = {}): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), 'hashlane-'));
  try {
    const running = await (options.process ? startChild : startHere)(options, dir);
    return new StartedServer(running, options, dir);
  } catch (error) {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/** What the two ways to run have in common. */
interface Running {
  readonly port: number;
  readonly log: () => string;
  readonly stop: () => Promise<unknown>;
}

type Words = readonly [name: string, ...values: string[]];

/** The directives of a server, defaults first: later ones win. */
function directives({ shards = 0, config = {} }: StartOptions, dir: string): Words[] {
  const defaults: Words[] = [
    ['bind', '127.0.0.1'],
    ['shards', String(shards)],
    ['dir', dir],
  ];
  if (!('save' in config)) defaults.push(['save', '']);
  // A test that connects a thousand clients in one turn of the loop lets nobody in meanwhile.
  defaults.push(['tcp-backlog', String(BACKLOG)]);
  const own = Object.entries(config).map(
    ([name, value]): Words => [name, ...(Array.isArray(value) ? value : [String(value)])],
  );
  return [...defaults, ...own];
}

async function startHere(options: StartOptions, dir: string): Promise<Running> {
  const words = [...directives(options, dir), ['port', String(options.port ?? 0)]];
  const origin = 'config of start()';
  const configuration = buildConfiguration(
    { file: undefined, directives: words.map((each) => ({ words: each, origin })) },
    {},
  );
  let log = '';
  const logger = await createLogger(configuration, {
    write: (line) => {
      if (log.length < LOG_CHARACTERS_MAX) log += line;
    },
  });
  const server = await startServer(configuration, logger);
  return { port: server.port, log: () => log, stop: () => server.stop() };
}

async function startChild(options: StartOptions, dir: string): Promise<Running> {
  const args = directives(options, dir).flatMap(([name, ...values]) => [`--${name}`, ...values]);
  const { port, shards } = options;
  const server = await startProcess({ dir, port: port === 0 ? undefined : port, shards, args });
  return { port: server.port, log: () => server.log, stop: () => server.stop() };
}

class StartedServer implements TestServer {
  readonly url: string;
  readonly port: number;
  readonly #running: Running;
  readonly #password: string | undefined;
  readonly #dir: string;
  readonly #clients = new Set<Redis>();
  #stopping: Promise<void> | undefined;

  constructor(running: Running, { config }: StartOptions, dir: string) {
    const password = config?.requirepass;
    this.#running = running;
    this.#password = password === undefined || password === '' ? undefined : String(password);
    this.#dir = dir;
    this.port = running.port;
    const login = this.#password === undefined ? '' : `:${encodeURIComponent(this.#password)}@`;
    this.url = `redis://${login}127.0.0.1:${running.port}`;
  }

  get log(): string {
    return this.#running.log();
  }

  client(options: RedisOptions = {}): Redis {
    if (this.#stopping !== undefined) throw new Error('the server was stopped');
    const { port } = this;
    const client = new Redis({ port, host: '127.0.0.1', password: this.#password, ...options });
    this.#clients.add(client);
    client.once('end', () => this.#clients.delete(client));
    return client;
  }

  async reset(): Promise<void> {
    using client = await RawClient.connect(this.port);
    if (this.#password !== undefined) await client.text('AUTH', this.#password);
    for (const what of ['FLUSHALL', 'SCRIPT FLUSH', 'FUNCTION FLUSH']) {
      await client.text(...what.split(' '));
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const closed = [...this.#clients].map(closeClient);
    await this.#running.stop();
    await Promise.all(closed);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Ends a client for good, and resolves when its socket is closed, if it has one. */
async function closeClient(client: Redis): Promise<void> {
  const isConnected = client.status === 'ready' || client.status === 'connect';
  const ended = isConnected ? once(client, 'end') : undefined;
  client.disconnect();
  await ended;
}
