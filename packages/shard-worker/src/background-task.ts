/**
 * The background pool's tasks: writing and loading snapshot files, away from commands.
 *
 * Writing: every shard streams chunks of ready-made RDB records over its own port; the task appends
 * them to one file and returns credit, so that a slow disk slows the walks and not the memory.
 * Loading: the task scans the file, sorts records by shard and streams them, waiting for credit.
 */
import type { MessagePort } from 'node:worker_threads';
import { hashBytes, seedHash } from '@hashlane/core';
import {
  type RawRecord,
  readSnapshot,
  removeStaleTemporaries,
  SnapshotWriter,
} from '@hashlane/rdb';
import { Block } from '@hashlane/resp';
import { LoadChunkWriter } from './load-stream.ts';
import type { SnapshotChunk, SnapshotCredit } from './messages.ts';
import { Router } from './routing.ts';

const LOAD_CHUNK_BYTES = 1 << 20;
/** Chunks on their way to one shard before the scan waits. */
const LOAD_CHUNKS_IN_FLIGHT_MAX = 4;

export interface WriteSnapshotTask {
  readonly kind: 'write-snapshot';
  readonly directory: string;
  readonly fileName: string;
  readonly serverVersion: string;
  readonly createdAtSeconds: number;
  readonly usedMemoryBytes: number;
  readonly checksum: boolean;
  readonly databases: readonly { db: number; keys: number; expires: number }[];
  /** Sources of the libraries of functions, as latin1 text. */
  readonly libraries: readonly string[];
  /** One port per shard. */
  readonly ports: readonly MessagePort[];
}

export interface WriteSnapshotResult {
  /** Size of the file, or undefined when a shard gave up. */
  readonly bytes: number | undefined;
}

export interface LoadSnapshotTask {
  readonly kind: 'load-snapshot';
  readonly path: string;
  readonly seed: number;
  readonly routes: readonly string[];
  readonly shards: number;
  readonly checksum: boolean;
  /** One port per shard; only `only`'s is used when one shard is reloaded. */
  readonly ports: readonly MessagePort[];
  readonly only?: number;
  /** Progress reports as [bytes done, bytes in all]. */
  readonly progress: MessagePort;
}

export interface LoadSnapshotResult {
  readonly records: number;
  readonly bytes: number;
  /** Sources of libraries of functions, as latin1 text. */
  readonly libraries: readonly string[];
  /** Set when the file is damaged: what is wrong and at which byte. */
  readonly error: string | undefined;
}

export type BackgroundTask = WriteSnapshotTask | LoadSnapshotTask;

export function runBackgroundTask(
  task: BackgroundTask,
): Promise<WriteSnapshotResult | LoadSnapshotResult> {
  return task.kind === 'write-snapshot' ? writeSnapshot(task) : loadSnapshot(task);
}

async function writeSnapshot(task: WriteSnapshotTask): Promise<WriteSnapshotResult> {
  await removeStaleTemporaries(task.directory);
  const writer = await SnapshotWriter.open({
    dir: task.directory,
    fileName: task.fileName,
    serverVersion: task.serverVersion,
    createdAtSeconds: task.createdAtSeconds,
    usedMemoryBytes: task.usedMemoryBytes,
    databases: task.databases,
    checksum: task.checksum,
  });
  try {
    for (const source of task.libraries) await writer.appendLibrary(Buffer.from(source, 'latin1'));
    const complete = await Promise.all(task.ports.map((port) => drainShard(port, writer)));
    if (complete.every(Boolean)) return { bytes: await writer.finish() };
    await writer.abort();
    return { bytes: undefined };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    for (const port of task.ports) port.close();
  }
}

/** Appends a shard's chunks until it ends; false when it gave up or its port closed early. */
function drainShard(port: MessagePort, writer: SnapshotWriter): Promise<boolean> {
  return new Promise((resolve, reject) => {
    port.on('message', ({ database, records }: SnapshotChunk) => {
      if (records === undefined) {
        resolve(true);
        return;
      }
      writer.append(database, Buffer.from(records.buffer)).then(() => {
        const credit: SnapshotCredit = { taken: records.length };
        port.postMessage(credit);
      }, reject);
    });
    port.on('close', () => resolve(false));
  });
}

async function loadSnapshot(task: LoadSnapshotTask): Promise<LoadSnapshotResult> {
  seedHash(task.seed);
  const loader = new Loader(task);
  const libraries: string[] = [];
  try {
    const result = await readSnapshot(
      task.path,
      {
        record: (record) => loader.add(record),
        library: (source) => void libraries.push(source.toString('latin1')),
        drained: () => loader.drain(),
        progress: (done, total) => task.progress.postMessage([done, total]),
      },
      { verifyChecksum: task.checksum },
    );
    await loader.finish();
    return { records: result.records, bytes: result.byteCount, libraries, error: undefined };
  } catch (error) {
    loader.abort();
    const message = error instanceof Error ? error.message : String(error);
    return { records: 0, bytes: 0, libraries: [], error: message };
  } finally {
    task.progress.close();
  }
}

/** Sorts records by shard and keeps at most a few chunks per shard on the way. */
class Loader {
  readonly #task: LoadSnapshotTask;
  readonly #router: Router;
  readonly #writers: LoadChunkWriter[];
  readonly #inFlight: number[];
  #wake: (() => void) | undefined;
  #block = Block.allocate(0);

  constructor(task: LoadSnapshotTask) {
    this.#task = task;
    this.#router = new Router(task.shards, task.routes);
    this.#writers = task.ports.map(() => new LoadChunkWriter(LOAD_CHUNK_BYTES + (1 << 16)));
    this.#inFlight = task.ports.map(() => 0);
    task.ports.forEach((port, i) => {
      const credited = (): void => {
        this.#inFlight[i]--;
        this.#wake?.();
      };
      port.on('message', credited);
      // A shard that refused a record closes its port; nothing more is owed to it.
      port.on('close', () => {
        this.#inFlight[i] = Number.NEGATIVE_INFINITY;
        this.#wake?.();
      });
    });
  }

  add(record: RawRecord): void {
    const { only } = this.#task;
    const key = this.#blockOf(record.keyBytes);
    const keyLength = record.keyEnd - record.keyStart;
    const hash = hashBytes(key, record.keyStart, keyLength);
    const shard = this.#router.shardOf(key, record.keyStart, keyLength, hash);
    if (only !== undefined && shard !== only) return;
    const slot = only === undefined ? shard : 0;
    this.#writers[slot].add(record);
    if (this.#writers[slot].bytes >= LOAD_CHUNK_BYTES) this.#send(slot);
  }

  /** Records of one chunk share its buffer, so the block is made once per chunk. */
  #blockOf(bytes: Buffer): Block {
    if (this.#block.bytes !== bytes) this.#block = new Block(bytes);
    return this.#block;
  }

  #send(slot: number): void {
    const chunk = this.#writers[slot].take();
    this.#inFlight[slot]++;
    this.#task.ports[slot].postMessage(chunk, [chunk.records]);
  }

  /** Waits until no shard has too much on its way. */
  async drain(): Promise<void> {
    while (this.#inFlight.some((count) => count > LOAD_CHUNKS_IN_FLIGHT_MAX)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends the rest and tells the shards that it was all. */
  async finish(): Promise<void> {
    for (let slot = 0; slot < this.#writers.length; slot++) {
      if (this.#writers[slot].count > 0) this.#send(slot);
      this.#task.ports[slot].postMessage(null);
    }
  }

  abort(): void {
    for (const port of this.#task.ports) port.postMessage(null);
  }
}
