/**
 * When snapshots are taken, and what is known of the last one: save rules, SAVE, BGSAVE, shutdown.
 *
 * One snapshot runs at a time. The shards mark and stream it (ShardGroup.save); commands go on
 * meanwhile, also during SAVE, whose client alone waits. A failed snapshot leaves the old file and,
 * with stop-writes-on-bgsave-error, closes the gate for writes until one succeeds.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errors } from '@hashlane/resp';
import type { SaveOptions } from '@hashlane/shard-worker';
import { messageOf } from './error-message.ts';
import { followSaves } from './failed-saves.ts';
import type { Gateway } from './gateway.ts';
import { REDIS_VERSION } from './version.ts';

const CHECK_MS = 1000;
/** After a failure save rules wait this long before they try again, as in Redis. */
const RETRY_SECONDS = 5;

export class SnapshotScheduler {
  readonly #gateway: Gateway;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isScheduled = false;
  /** Changes counted by the shards when the last good snapshot was marked. */
  #savedChanges = 0;
  #lastChanges = 0;
  /** Unix time of the last good snapshot, or of the start. */
  lastSaveSeconds = nowSeconds();
  lastStatus: 'ok' | 'err' = 'ok';
  /** −1 before the first. */
  lastDurationSeconds = -1;
  startedAtSeconds = -1;
  /** Snapshots taken since the start. */
  saves = 0;
  #lastTrySeconds = 0;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Begins to watch the save rules. */
  start(): void {
    this.#timer = setInterval(() => void this.#check(), CHECK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get path(): string {
    const { dbfilename, dir } = this.#gateway.configuration.values;
    return join(dir, dbfilename);
  }

  /** Changes since the last good snapshot, as of the last count of the shards. */
  get changes(): number {
    return Math.max(0, this.#lastChanges - this.#savedChanges);
  }

  async changesSinceSave(): Promise<number> {
    await this.#countChanges();
    return this.changes;
  }

  async #countChanges(): Promise<void> {
    // Before the wait: changes of functions are counted here, and those of keys in the shards.
    const { changes } = this.#gateway.shards.functions;
    const shards = await this.#gateway.shards.all({ type: 'statistics' });
    this.#lastChanges = shards.reduce((sum, shard) => sum + shard.dirty, changes);
  }

  /** What is in memory now is what is in the file (after loading). */
  async markClean(): Promise<void> {
    await this.#countChanges();
    this.#savedChanges = this.#lastChanges;
    this.lastSaveSeconds = nowSeconds();
  }

  async #check(): Promise<void> {
    const rules = this.#gateway.configuration.values.save;
    if (rules.length === 0 || this.isRunning) return;
    try {
      await this.#countChanges();
    } catch {
      return; // A shard is down; its supervisor says so.
    }
    const elapsed = nowSeconds() - this.lastSaveSeconds;
    const due = rules.find((rule) => this.changes >= rule.changes && elapsed > rule.seconds);
    if (due === undefined || this.isRunning) return;
    if (this.lastStatus === 'err' && nowSeconds() - this.#lastTrySeconds < RETRY_SECONDS) return;
    this.#gateway.logger.info(`${due.changes} changes in ${due.seconds} seconds. Saving...`);
    this.startBackground(false);
  }

  /**
   * BGSAVE. 'busy' when a snapshot runs and `schedule` was not asked for; 'scheduled' when it will
   * be taken after the running one.
   */
  startBackground(schedule: boolean): 'started' | 'busy' | 'scheduled' {
    if (this.#running !== undefined) {
      if (!schedule) return 'busy';
      this.#isScheduled = true;
      return 'scheduled';
    }
    this.#run().catch(() => {});
    return 'started';
  }

  /** SAVE: resolves when the file is in place; rejects with an error reply's text. */
  save(): Promise<void> {
    if (this.#running !== undefined) return Promise.reject(new Error(errors.bgsaveInProgress));
    return this.#run();
  }

  /** The snapshot at shutdown: waits for a running one first. */
  async saveFinally(): Promise<void> {
    this.stop();
    this.#isScheduled = false;
    await this.#running?.catch(() => {});
    await this.#run();
  }

  #run(): Promise<void> {
    const running = this.#take().finally(() => {
      this.#running = undefined;
      if (!this.#isScheduled) return;
      this.#isScheduled = false;
      this.startBackground(false);
    });
    this.#running = running;
    return running;
  }

  /**
   * Marks the snapshot and counts changes in the same turn, so both see the same moment; and at one
   * at which no transaction over several shards is half done, nor a script.
   */
  #mark(options: SaveOptions): Promise<{ counting: Promise<void>; saving: Promise<number> }> {
    const { isolation, scriptGate, shards } = this.#gateway;
    return scriptGate.run(async (leave) => {
      const { counting, marking, saving } = await isolation.runAtOnce(undefined, async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const running = shards.save({ ...options, marked: resolve });
        running.catch(() => resolve());
        return { counting: this.#countChanges(), marking: promise, saving: running };
      });
      void marking.then(leave);
      await marking;
      return { counting, saving };
    });
  }

  async #take(): Promise<void> {
    const { configuration, logger } = this.#gateway;
    const { dbfilename, dir, rdbchecksum } = configuration.values;
    const started = performance.now();
    this.startedAtSeconds = nowSeconds();
    this.#lastTrySeconds = this.startedAtSeconds;
    try {
      const { counting, saving } = await this.#mark({
        directory: dir,
        fileName: dbfilename,
        serverVersion: REDIS_VERSION,
        createdAtSeconds: this.startedAtSeconds,
        checksum: rdbchecksum,
      });
      saving.catch(() => {});
      await counting;
      const marked = this.#lastChanges;
      const bytes = await saving;
      this.#savedChanges = marked;
      this.lastSaveSeconds = nowSeconds();
      this.saves++;
      this.#ended('ok', started);
      logger.info(
        `DB saved on disk: ${bytes} bytes in ${Math.round(performance.now() - started)} ms`,
      );
    } catch (error) {
      this.#ended('err', started);
      logger.error(`Background saving error: ${messageOf(error)}`);
      throw new Error('ERR saving failed, see the log', { cause: error });
    } finally {
      this.startedAtSeconds = -1;
    }
  }

  #ended(status: 'ok' | 'err', started: number): void {
    this.lastStatus = status;
    this.lastDurationSeconds = Math.round((performance.now() - started) / 1000);
    followSaves(this.#gateway);
  }

  /** Path of the last snapshot, when there is one. */
  existingPath(): string | undefined {
    return existsSync(this.path) ? this.path : undefined;
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
