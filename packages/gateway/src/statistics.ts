/**
 * Counters of one gateway: what INFO tells of connections, of commands that the gateway answers
 * itself, and of errors. Shards count their own commands; `shard-statistics.ts` adds them up.
 *
 * Cost: `served` is one Map lookup and a few additions, on the path of PING. Everything else runs
 * for errors, for connections that end, or when INFO is asked.
 *
 * Error replies that are written to a ReplyWriter are counted there by their code (the word before
 * the first space); here are those of writers that are gone, and those that nobody was told.
 */
import { randomBytes } from 'node:crypto';
import type { ReplyWriter } from '@hashlane/resp';
import type { ShardStatistics } from '@hashlane/shard-worker';
import type { CommandEntry } from './command-index.ts';
import type { Connection } from './connection.ts';

export interface CommandCounters {
  calls: number;
  microseconds: number;
  /** Refused before they ran. */
  rejected: number;
  /** Ran and replied an error. */
  failed: number;
}

/** Totals of everything at one moment, for rates. */
interface Sample {
  readonly atMs: number;
  readonly commands: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** Per second, since the last INFO that is at least RATE_PERIOD_MS_MIN ago. */
export interface Rates {
  readonly commands: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

const RATE_PERIOD_MS_MIN = 900;
const SAMPLES_MAX = 16;

export class Statistics {
  readonly startedAtMs: number = Date.now();
  /** 40 hexadecimal digits that name this run of the server. */
  readonly runId: string = randomId();
  replicationId: string = randomId();
  connectionsReceived = 0;
  connectionsRejected = 0;
  /** Of connections that are gone. */
  closedInputBytes = 0;
  closedOutputBytes = 0;
  peakMemoryBytes = 0;
  /** The last answer of each shard, for when one is too busy to answer. */
  readonly lastOfShard: (ShardStatistics | undefined)[] = [];
  #commands = new Map<CommandEntry, CommandCounters>();
  /** Pipelines repeat themselves. */
  #lastEntry: CommandEntry | undefined;
  #lastCounters: CommandCounters = { calls: 0, microseconds: 0, rejected: 0, failed: 0 };
  #errors = new Map<string, number>();
  #served = 0;
  #samples: Sample[] = [];

  changeReplicationId(): void {
    this.replicationId = randomId();
  }

  connectionAccepted(): void {
    this.connectionsReceived++;
  }

  connectionRejected(): void {
    this.connectionsRejected++;
  }

  connectionClosed(connection: Connection): void {
    this.closedInputBytes += connection.socket.bytesRead;
    this.closedOutputBytes += connection.socket.bytesWritten;
  }

  /** A command was refused before it ran; undefined for an unknown one. */
  rejected(entry: CommandEntry | undefined): void {
    if (entry !== undefined) this.#countersOf(entry).rejected++;
  }

  /** The gateway ran a command. */
  served(entry: CommandEntry, microseconds: number, failed: boolean): void {
    const counters = this.#countersOf(entry);
    counters.calls++;
    counters.microseconds += microseconds;
    if (failed) counters.failed++;
    this.#served++;
  }

  #countersOf(entry: CommandEntry): CommandCounters {
    if (entry === this.#lastEntry) return this.#lastCounters;
    let counters = this.#commands.get(entry);
    if (counters === undefined) {
      counters = { calls: 0, microseconds: 0, rejected: 0, failed: 0 };
      this.#commands.set(entry, counters);
    }
    this.#lastEntry = entry;
    this.#lastCounters = counters;
    return counters;
  }

  /** Takes over the errors of a writer that is about to go. */
  countErrors(writer: ReplyWriter): void {
    for (const [code, count] of writer.errorCodes) this.#addErrors(code, count);
  }

  /** An error that no writer knows of. */
  error(text: string): void {
    const space = text.indexOf(' ');
    this.#addErrors(space < 0 ? text : text.slice(0, space), 1);
  }

  #addErrors(code: string, count: number): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + count);
  }

  /** Counters of the commands that this gateway ran or refused. */
  get commands(): ReadonlyMap<CommandEntry, CommandCounters> {
    return this.#commands;
  }

  get commandsServed(): number {
    return this.#served;
  }

  /** Errors by code, of this gateway alone. */
  get errors(): ReadonlyMap<string, number> {
    return this.#errors;
  }

  /** Rates since an earlier call, and the totals kept for a later one. */
  rates(commands: number, inputBytes: number, outputBytes: number): Rates {
    const now: Sample = { atMs: performance.now(), commands, inputBytes, outputBytes };
    const before = this.#samples.findLast((s) => now.atMs - s.atMs >= RATE_PERIOD_MS_MIN);
    if (this.#samples.push(now) > SAMPLES_MAX) this.#samples.shift();
    if (before === undefined) return { commands: 0, inputBytes: 0, outputBytes: 0 };
    const perSecond = 1000 / (now.atMs - before.atMs);
    return {
      commands: Math.max(0, Math.round((commands - before.commands) * perSecond)),
      inputBytes: Math.max(0, (inputBytes - before.inputBytes) * perSecond),
      outputBytes: Math.max(0, (outputBytes - before.outputBytes) * perSecond),
    };
  }

  /** CONFIG RESETSTAT. What open connections read and wrote so far is taken off later reports. */
  reset(connections: Iterable<Connection>): void {
    this.connectionsReceived = 0;
    this.connectionsRejected = 0;
    this.closedInputBytes = 0;
    this.closedOutputBytes = 0;
    for (const { socket } of connections) {
      this.closedInputBytes -= socket.bytesRead;
      this.closedOutputBytes -= socket.bytesWritten;
    }
    this.peakMemoryBytes = 0;
    this.#commands = new Map();
    this.#lastEntry = undefined;
    this.#errors = new Map();
    this.#served = 0;
    this.#samples = [];
  }
}

function randomId(): string {
  return randomBytes(20).toString('hex');
}
