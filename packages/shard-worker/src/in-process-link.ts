/**
 * A shard in the gateway's own thread: the same engine and the same interface, without a hop.
 *
 * Commands run at once, on the arguments where the parser found them, and reply into the writer
 * that the gateway writes its own replies into. So the replies of one connection's chunk are
 * contiguous and in order, and one socket write sends them: `receive` is not called for them.
 * Late replies (of commands that had blocked) and those to coordinators go through the
 * receiver, as a copy, because they belong elsewhere.
 */
import { type EngineSettings, REQUEST_OWNS_BLOCK } from '@hashlane/core';
import { Block, errors, type ReplyWriter } from '@hashlane/resp';
import type { ControlAnswers, ControlRequest } from './messages.ts';
import { ShardHost } from './shard-host.ts';
import type { ReplyReceiver, RequestArguments, ShardLink } from './shard-link.ts';
import type { ScriptOptions } from './shard-scripts.ts';

export interface InProcessLinkOptions {
  readonly seed: number;
  readonly settings: EngineSettings;
  /** The gateway's writer. */
  readonly reply: ReplyWriter;
  receiverOf(connection: number): ReplyReceiver | undefined;
  /** A command threw; the text names it. */
  failed(reason: string): void;
  /** Command names by number, for the report of a failure. */
  commandName(command: number): string;
  /** For a host that is made now. */
  scripts(): ScriptOptions;
}

export class InProcessLink implements ShardLink {
  readonly index = 0;
  readonly isCongested = false;
  readonly #options: InProcessLinkOptions;
  #host: ShardHost;
  /** What is in the writer up to here is whole. */
  #good = 0;
  /** False between a failure and the end of the reload. */
  #isUp = true;

  constructor(options: InProcessLinkOptions) {
    this.#options = options;
    this.#host = this.#makeHost();
  }

  #makeHost(): ShardHost {
    const { reply, seed, settings } = this.#options;
    const host = new ShardHost({
      index: 0,
      shards: 1,
      seed,
      settings,
      reply,
      scripts: this.#options.scripts(),
      sink: { late: (connection, start, end) => this.#late(connection, start, end) },
    });
    host.onFailure = (error) => this.#fail('background work', error);
    return host;
  }

  /** Sets the time (ms since the epoch); called once per event-loop turn, before its commands. */
  beforeCommands(nowMs: number): void {
    this.#host.engine.setNow(nowMs);
  }

  /** Timers and background work; called at the end of every turn that had commands. */
  afterCommands(): void {
    this.#host.afterBatch();
  }

  submit(
    receiver: ReplyReceiver,
    command: number,
    args: RequestArguments,
    hash: number,
    connection: number,
    database: number,
    flags: number,
    _claim: number,
    ownsBlock: boolean,
  ): void {
    const host = this.#host;
    const { engine } = host;
    const { request, reply } = engine;
    if (!this.#isUp) {
      const from = reply.position;
      reply.error(errors.shardFailed);
      if (!receiver.readsWriter) this.#handOver(receiver, from);
      return;
    }
    request.block = args.block;
    request.spans = args.spans;
    request.base = 0;
    request.origin = args.origin;
    request.argc = args.argc;
    request.hash = hash;
    request.database = database;
    request.connection = connection;
    request.flags = ownsBlock ? flags | REQUEST_OWNS_BLOCK : flags;
    const start = reply.position;
    let isReplied = false;
    try {
      if (!host.execute(command)) receiver.blocked(0);
      else if (!receiver.readsWriter) this.#handOver(receiver, start);
      isReplied = true;
      this.#good = reply.position;
      engine.serveWaiters();
    } catch (error) {
      // Late replies that were handed on before the throw stay.
      reply.position = isReplied ? this.#good : start;
      if (!isReplied) {
        reply.error(errors.shardFailed);
        if (!receiver.readsWriter) this.#handOver(receiver, start);
      }
      this.#fail(this.#options.commandName(command), error);
    }
  }

  /** Takes a reply out of the writer and gives it to a receiver that is no connection. */
  #handOver(receiver: ReplyReceiver, start: number): void {
    const { reply } = this.#options;
    const copy = Buffer.from(reply.block.bytes.subarray(start, reply.position));
    reply.position = start;
    receiver.receive(0, new Block(copy), 0, copy.length, 1, 0);
  }

  /** Takes a late reply out of the writer and hands it on. */
  #late(connection: number, start: number, end: number): void {
    const { reply } = this.#options;
    const copy = Buffer.from(reply.block.bytes.subarray(start, end));
    reply.position = start;
    this.#options.receiverOf(connection)?.late(0, new Block(copy), 0, copy.length);
    this.#good = reply.position;
  }

  #fail(command: string, error: unknown): void {
    this.#isUp = false;
    this.#host.stop();
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.failed(`in ${command}: ${text}`);
  }

  /** An empty engine takes the failed one's place; commands go on failing until `resume`. */
  replaceHost(): void {
    this.#host = this.#makeHost();
  }

  resume(): void {
    this.#isUp = true;
  }

  flush(): void {}

  control<T extends ControlRequest['type']>(
    request: Extract<ControlRequest, { type: T }>,
  ): Promise<ControlAnswers[T]> {
    return new Promise((resolve, reject) => {
      this.#host.beforeBatch();
      try {
        resolve(this.#host.control(request) as ControlAnswers[T]);
      } catch (error) {
        this.#fail(`control message ${request.type}`, error);
        reject(error as Error);
      }
      this.#host.afterBatch();
    });
  }
}
