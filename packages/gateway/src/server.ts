/**
 * Starts and stops a whole server: shards, gateway, listener, snapshot.
 *
 * Start: shards come up, the port is opened (clients get LOADING), the snapshot is loaded, the gate
 * opens. A damaged snapshot ends the start with the byte it is damaged at.
 *
 * Stop: nothing new is accepted and no connection's input is looked at any more; blocked clients
 * are answered; the snapshot is taken (by then everything acknowledged is in the shards, because
 * ports are FIFO); connections are closed when their replies are out; shards end.
 */
import { randomInt } from 'node:crypto';
import {
  defaultEngineSettings,
  type EngineSettings,
  ShardGroup,
  type Threads,
} from '@hashlane/shard-worker';
import { Acceptor } from './acceptor.ts';
import { serverCommands } from './commands/index.ts';
import type { Configuration } from './configuration.ts';
import { GATE_LOADING } from './gate.ts';
import { Gateway } from './gateway.ts';
import type { Logger } from './log.ts';
import { ConfigurationError } from './redis-conf.ts';
import { SnapshotScheduler } from './snapshot-scheduler.ts';

/** Seed of key hashes. One for the process: shards in its threads share the hash function. */
const HASH_SEED = randomInt(2 ** 31);

/** How long connections may take to accept their last replies. */
const LAST_REPLIES_MS = 1000;

export interface RunningServer {
  readonly port: number;
  readonly address: string;
  readonly banner: {
    /** 0 for one shard in the main thread. */
    readonly shards: number;
    /** What was loaded, or undefined. */
    readonly snapshot: string | undefined;
    readonly readyMs: number;
  };
  /** Resolves with the exit code when the server has stopped, whoever asked for it. */
  readonly stopped: Promise<number>;
  /** Stops in order. Rejects, and the server goes on, when the snapshot cannot be written. */
  stop(): Promise<void>;
}

export async function startServer(
  configuration: Configuration,
  logger: Logger,
): Promise<RunningServer> {
  return new Server(configuration, logger).start();
}

class Server {
  readonly #gateway: Gateway;
  readonly #acceptor: Acceptor;
  readonly #configuration: Configuration;
  readonly #logger: Logger;
  readonly #stopped: Promise<number>;
  #setStopped!: (code: number) => void;
  #stopping: Promise<void> | undefined;

  constructor(configuration: Configuration, logger: Logger) {
    this.#configuration = configuration;
    this.#logger = logger;
    this.#gateway = new Gateway(configuration, logger);
    this.#acceptor = new Acceptor(this.#gateway);
    this.#stopped = new Promise((resolve) => {
      this.#setStopped = resolve;
    });
  }

  async start(): Promise<RunningServer> {
    const started = performance.now();
    const gateway = this.#gateway;
    gateway.gate.set(GATE_LOADING, true);
    gateway.shutdown = (options) => this.#stop(options);
    gateway.attach(startShards(gateway, HASH_SEED));
    gateway.snapshots = new SnapshotScheduler(gateway);
    gateway.configurationAttached();
    let snapshot: string | undefined;
    try {
      gateway.listening = await this.#acceptor.listen();
      snapshot = await this.#load();
    } catch (error) {
      this.#acceptor.close();
      await gateway.shards.stop();
      throw error;
    }
    gateway.gate.set(GATE_LOADING, false);
    gateway.snapshots.start();
    const { address, port } = gateway.listening;
    return {
      address,
      port,
      banner: {
        shards: this.#configuration.values.shards,
        snapshot,
        readyMs: performance.now() - started,
      },
      stopped: this.#stopped,
      stop: () => this.#stop({}),
    };
  }

  /** Loads the snapshot if there is one; what the banner says of it. */
  async #load(): Promise<string | undefined> {
    const gateway = this.#gateway;
    const path = gateway.snapshots.existingPath();
    if (path === undefined) return undefined;
    const started = performance.now();
    const { rdbchecksum } = this.#configuration.values;
    const { keys, error } = await gateway.shards.load({
      path,
      checksum: rdbchecksum,
      progress: (done, total) => {
        gateway.loading = { done, total };
      },
    });
    if (error !== undefined) throw new ConfigurationError(`cannot load ${path}: ${error}`);
    await gateway.snapshots.markClean();
    return `${path}, ${keys} keys in ${Math.round(performance.now() - started)} ms`;
  }

  #stop(options: { save?: boolean; force?: boolean }): Promise<void> {
    this.#stopping ??= this.#stopInOrder(options).catch((error: unknown) => {
      this.#stopping = undefined;
      throw error;
    });
    return this.#stopping;
  }

  async #stopInOrder({ save, force }: { save?: boolean; force?: boolean }): Promise<void> {
    const gateway = this.#gateway;
    const isSaving = save ?? this.#configuration.values.save.length > 0;
    this.#acceptor.close();
    gateway.holdAll();
    // A shard with an endless script would not hear of it, and is ended with its waiters.
    await Promise.race([
      Promise.allSettled([gateway.shards.all({ type: 'unblock-all' })]),
      gateway.shards.untilBusy(),
    ]);
    gateway.coordinator.unblockAll();
    if (isSaving) {
      try {
        await gateway.snapshots.saveFinally();
      } catch (error) {
        if (force !== true) {
          gateway.releaseAll();
          await this.#acceptor.listen();
          gateway.snapshots.start();
          throw error;
        }
      }
    }
    gateway.snapshots.stop();
    await gateway.closeAll(LAST_REPLIES_MS);
    await gateway.shards.stop();
    this.#logger.info('hashlane is now ready to exit, bye bye...');
    this.#setStopped(0);
  }
}

/** Levels of redis.log. */
const LOG_METHODS = {
  debug: 'debug',
  verbose: 'debug',
  notice: 'info',
  warning: 'warn',
} as const;

/** Starts the shards that the configuration asks for, reporting to the gateway. */
export function startShards(gateway: Gateway, seed: number, threads?: Threads): ShardGroup {
  const { configuration, logger } = gateway;
  return new ShardGroup({
    shards: configuration.values.shards,
    seed,
    settings: engineSettings(configuration),
    reply: gateway.reply,
    threads,
    receiverOf: (connection) => gateway.receiverOf(connection),
    drained: () => gateway.drained(),
    routes: configuration.values.route,
    otherCommands: serverCommands.map(({ name, arity, flags }) => ({ name, arity, flags })),
    publish: (messages) => gateway.pubSub.publishAll(messages),
    receivers: (channel, isSharded) =>
      gateway.pubSub.receivers(isSharded ? 'shard' : 'channel', channel),
    scriptLog: (level, text) => logger[LOG_METHODS[level]](text),
    scriptBusy: (shard, script) => gateway.scriptBusy(shard, script),
    refused: (name, text) => {
      gateway.statistics.error(text);
      gateway.statistics.rejected(gateway.commands.named(name));
    },
    failed: (shard, reason) => {
      logger.error(`shard ${shard} failed ${reason}`);
      gateway.shardFailed(shard);
    },
    restarted: (shard, keys, error) => {
      if (error === undefined) logger.warn(`shard ${shard} restarted with ${keys} keys`);
      else logger.error(`shard ${shard} restarted, but its snapshot cannot be loaded: ${error}`);
    },
    snapshotPath: () => gateway.snapshots.existingPath(),
  });
}

/** The settings that shards start with. */
function engineSettings({ values }: Configuration): EngineSettings {
  return {
    ...defaultEngineSettings(),
    maxMemory: Number(values.maxmemory),
    maxMemoryPolicy: values.maxmemoryPolicy,
    maxMemorySamples: values.maxmemorySamples,
    lfuLogFactor: values.lfuLogFactor,
    lfuDecayMinutes: values.lfuDecayTime,
    listMaxListpackSize: values.listMaxListpackSize,
    hashMaxListpackEntries: values.hashMaxListpackEntries,
    hashMaxListpackValue: Number(values.hashMaxListpackValue),
    setMaxIntsetEntries: values.setMaxIntsetEntries,
    setMaxListpackEntries: values.setMaxListpackEntries,
    setMaxListpackValue: Number(values.setMaxListpackValue),
    zsetMaxListpackEntries: values.zsetMaxListpackEntries,
    zsetMaxListpackValue: Number(values.zsetMaxListpackValue),
    hllSparseMaxBytes: Number(values.hllSparseMaxBytes),
    streamNodeMaxBytes: Number(values.streamNodeMaxBytes),
    streamNodeMaxEntries: values.streamNodeMaxEntries,
    protoMaxBulkBytes: Number(values.protoMaxBulkLen),
    databases: values.databases,
    scriptKeys: values.scriptKeys,
    busyReplyMs: Number(values.busyReplyThreshold),
    rdbCompression: values.rdbcompression,
  };
}
