/**
 * Writes a snapshot: one RDB file made of chunks of ready-made records.
 *
 *     REDIS0010 ┼ aux fields ┼ SELECTDB, RESIZEDB ┼ chunk ┼ chunk ┼ SELECTDB ┼ chunk ┼ … ┼ EOF ┼ CRC
 *
 * A chunk is a concatenation of whole records (expiry, type, key, value) of one database. Chunks
 * of several shards may come in any order; the database is selected anew wherever it changes.
 * RESIZEDB, a hint for the loader's tables, stands where a database is selected first.
 *
 * The idea that keeps the last good snapshot: everything goes to `temp-<pid>-<n>.rdb` beside the
 * target; `finish` writes the end, syncs the file, renames it over the target and syncs the
 * directory, in this order. Until the rename has happened the old file is untouched, and any
 * failure, or `abort`, removes the temporary file.
 *
 * States:  open ──finish──▶ finished        open ──abort──▶ aborted
 *            └───any error──▶ failed (every later call rejects with the first error)
 *
 * Calls may overlap: they are carried out in the order in which they were made. A chunk must not
 * change until its `append` has resolved. Memory: one buffer (1 MB); a chunk as large as that is
 * written from where it is.
 *
 * A crash leaves a temporary file behind: `removeStaleTemporaries` clears those up at the start.
 *
 * Source: rdbSaveRio and rdbSave of Redis 7.0.
 */

import { basename, join } from 'node:path';
import { ByteSink } from './byte-sink.ts';
import { Crc64 } from './crc64.ts';
import { diskFiles, type FileLayer, type SnapshotFile } from './file-layer.ts';
import { writeLibrary } from './function-payload.ts';
import { writeLength, writeString } from './length-encoding.ts';
import { Opcode, RDB_VERSION_DEFAULT } from './opcodes.ts';

const BUFFER_BYTES = 1 << 20;
const TEMPORARY = /^temp-(\d+)-\d+\.rdb$/;

export interface DatabaseSize {
  readonly db: number;
  readonly keys: number;
  /** How many of the keys have an expiry. */
  readonly expires: number;
}

export interface SnapshotOptions {
  readonly dir: string;
  /** Name of the finished file within `dir`. */
  readonly fileName: string;
  /** What the file says about its writer (aux field redis-ver). */
  readonly serverVersion: string;
  /** Unix time in seconds. */
  readonly createdAtSeconds: number;
  readonly usedMemoryBytes: number;
  /** Whether the file is the base of an append-only log (aux field aof-base). */
  readonly aofBase?: boolean;
  /** 10 unless the records need a newer one. */
  readonly rdbVersion?: number;
  /** Further aux fields, in order. */
  readonly aux?: readonly (readonly [name: string, value: string])[];
  /** Sizes for RESIZEDB; a database that is not listed gets none. */
  readonly databases?: readonly DatabaseSize[];
  /** False: write a checksum of 0, as with `rdbchecksum no`. */
  readonly checksum?: boolean;
  readonly files?: FileLayer;
  readonly bufferBytes?: number;
}

type State = 'open' | 'finished' | 'failed' | 'aborted';

/** Numbers the temporary files of this thread; other threads are told apart by flag 'wx'. */
let temporariesMade = 0;

export class SnapshotWriter {
  readonly temporaryPath: string;
  readonly targetPath: string;
  readonly #options: SnapshotOptions;
  readonly #files: FileLayer;
  readonly #file: SnapshotFile;
  readonly #buffer: Buffer;
  readonly #header = new ByteSink(512);
  readonly #crc: Crc64 | undefined;
  readonly #sized = new Set<number>();
  #buffered = 0;
  #bytesWritten = 0;
  #db = -1;
  #state: State = 'open';
  #error: unknown;
  /** Settles, never rejecting, when the calls made so far have been carried out. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(options: SnapshotOptions, temporaryPath: string, file: SnapshotFile) {
    this.#options = options;
    this.#files = options.files ?? diskFiles;
    this.#file = file;
    this.#buffer = Buffer.allocUnsafeSlow(options.bufferBytes ?? BUFFER_BYTES);
    this.#crc = (options.checksum ?? true) ? new Crc64() : undefined;
    this.temporaryPath = temporaryPath;
    this.targetPath = join(options.dir, options.fileName);
  }

  /** Creates the temporary file. Rejects with the file layer's error (ENOENT, EACCES, ENOSPC). */
  static async open(options: SnapshotOptions): Promise<SnapshotWriter> {
    const files = options.files ?? diskFiles;
    for (;;) {
      const path = join(options.dir, `temp-${process.pid}-${temporariesMade++}.rdb`);
      try {
        const file = await files.open(path, 'wx');
        const writer = new SnapshotWriter(options, path, file);
        writer.#writePreamble();
        return writer;
      } catch (error) {
        // Another thread of this process, or a process of the same id before it, has that name.
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  /** Bytes of the file so far, buffered ones included. */
  get byteCount(): number {
    return this.#bytesWritten + this.#buffered + this.#header.length;
  }

  /** Adds whole records of database `db`; resolves when `records` may be reused. */
  append(db: number, records: Buffer): Promise<void> {
    return this.#enqueue(async () => {
      if (db !== this.#db) this.#selectDb(db);
      await this.#flushHeader();
      await this.#put(records);
    });
  }

  /** Adds a function library (FUNCTION LOAD's source text). */
  appendLibrary(source: Buffer): Promise<void> {
    return this.#enqueue(async () => {
      writeLibrary(this.#header, source, false);
      await this.#flushHeader();
    });
  }

  /**
   * Completes the file and puts it in the target's place; resolves with its size in bytes. After
   * a failure the temporary file is gone; the old file is untouched unless it was only the
   * directory's sync that failed, when the new one may or may not survive a crash.
   */
  async finish(): Promise<number> {
    await this.#enqueue(async () => {
      this.#header.u8(Opcode.eof);
      await this.#flushHeader();
      await this.#flush();
      await this.#writeChecksum();
      await this.#file.sync();
      await this.#file.close();
      await this.#files.rename(this.temporaryPath, this.targetPath);
      this.#state = 'finished';
      await this.#syncDirectory();
    });
    return this.#bytesWritten;
  }

  /** Gives up: removes the temporary file. Does nothing after `finish` or a failure. */
  async abort(): Promise<void> {
    const before = this.#tail;
    this.#tail = before.then(async () => {
      if (this.#state !== 'open') return;
      this.#state = 'aborted';
      this.#error = new Error('the snapshot was aborted');
      await this.#discard();
    });
    await this.#tail;
  }

  /** Carries out `work` after everything asked for before; a failure ends the writer. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(async () => {
      if (this.#state !== 'open') throw this.#error ?? new Error('the snapshot is finished');
      try {
        await work();
      } catch (error) {
        this.#error = error;
        const renamed = (this.#state as State) === 'finished';
        this.#state = 'failed';
        if (!renamed) await this.#discard();
        throw error;
      }
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }

  /** Closes and removes the temporary file, whatever state it is in. */
  async #discard(): Promise<void> {
    // The error that led here is the one worth telling; a second one would hide it.
    await this.#file.close().catch(() => undefined);
    await this.#files.unlink(this.temporaryPath).catch(() => undefined);
  }

  #writePreamble(): void {
    const options = this.#options;
    const version = options.rdbVersion ?? RDB_VERSION_DEFAULT;
    this.#header.latin1(`REDIS${String(version).padStart(4, '0')}`);
    this.#writeAux('redis-ver', options.serverVersion);
    this.#writeAux('redis-bits', '64');
    this.#writeAux('ctime', String(Math.floor(options.createdAtSeconds)));
    this.#writeAux('used-mem', String(Math.floor(options.usedMemoryBytes)));
    this.#writeAux('aof-base', options.aofBase === true ? '1' : '0');
    for (const [name, value] of options.aux ?? []) this.#writeAux(name, value);
  }

  #writeAux(name: string, value: string): void {
    const text = Buffer.from(name + value);
    const nameBytes = Buffer.byteLength(name);
    this.#header.u8(Opcode.aux);
    writeString(this.#header, text, 0, nameBytes, false);
    writeString(this.#header, text, nameBytes, text.length, false);
  }

  #selectDb(db: number): void {
    this.#db = db;
    this.#header.u8(Opcode.selectDb);
    writeLength(this.#header, db);
    const size = this.#options.databases?.find((candidate) => candidate.db === db);
    if (size === undefined || this.#sized.has(db)) return;
    this.#sized.add(db);
    this.#header.u8(Opcode.resizeDb);
    writeLength(this.#header, size.keys);
    writeLength(this.#header, size.expires);
  }

  async #flushHeader(): Promise<void> {
    if (this.#header.length === 0) return;
    const header = this.#header.take();
    await this.#put(header);
  }

  /** Through the buffer, unless `bytes` is as large as the buffer itself. */
  async #put(bytes: Buffer): Promise<void> {
    if (this.#buffered + bytes.length > this.#buffer.length) await this.#flush();
    if (bytes.length >= this.#buffer.length) {
      await this.#write(bytes, bytes.length);
      return;
    }
    bytes.copy(this.#buffer, this.#buffered);
    this.#buffered += bytes.length;
  }

  async #flush(): Promise<void> {
    const byteCount = this.#buffered;
    this.#buffered = 0;
    await this.#write(this.#buffer, byteCount);
  }

  async #writeChecksum(): Promise<void> {
    const checksum = Buffer.alloc(8);
    checksum.writeBigUInt64LE(this.#crc?.digest() ?? 0n);
    await this.#write(checksum, checksum.length);
  }

  async #write(bytes: Buffer, byteCount: number): Promise<void> {
    this.#crc?.update(bytes, 0, byteCount);
    let done = 0;
    while (done < byteCount) {
      const { bytesWritten } = await this.#file.write(bytes, done, byteCount - done);
      // A disk that takes nothing and reports nothing would keep us here for ever.
      if (bytesWritten <= 0) throw new Error(`no progress in writing ${this.temporaryPath}`);
      done += bytesWritten;
      this.#bytesWritten += bytesWritten;
    }
  }

  /** Makes the rename itself durable. Windows has no such thing. */
  async #syncDirectory(): Promise<void> {
    if (process.platform === 'win32') return;
    const directory = await this.#files.open(this.#options.dir, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/**
 * Removes the temporary files that crashed processes left in `dir`; returns their names. To be
 * called before the first snapshot of this process. Files of living processes stay.
 */
export async function removeStaleTemporaries(
  dir: string,
  files: FileLayer = diskFiles,
): Promise<string[]> {
  const removed: string[] = [];
  for (const name of await files.readdir(dir)) {
    const pid = Number(TEMPORARY.exec(basename(name))?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await files.unlink(join(dir, name));
    removed.push(name);
  }
  return removed;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
