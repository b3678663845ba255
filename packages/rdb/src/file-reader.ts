/**
 * Reads a snapshot from a file: drives the scanner with large chunks and hands over the records.
 *
 * The idea: events are plain synchronous calls, so that a million records cost no promise each;
 * after every chunk `drained` is awaited, which is where the receiver holds the reader back and
 * where the event loop gets its turn. While a chunk is being scanned the next one is being read,
 * into a second buffer.
 *
 * Lifetimes: what a handler is given (record, aux, library) is valid until the promise of the
 * following `drained` has resolved; then the chunk's buffer is overwritten. A record with
 * `owned` set is valid for ever.
 *
 * Errors: RdbFormatError with the offset in the file for what is wrong with its contents, the file
 * layer's own error for the rest, and whatever a handler throws. Records delivered before an error
 * stay delivered: a caller that wants all or nothing loads into something it can throw away.
 */

import { diskFiles, type FileLayer, type SnapshotFile } from './file-layer.ts';
import { RdbFormatError } from './rdb-format-error.ts';
import { type RawRecord, RecordScanner, ScanEvent } from './record-scanner.ts';

const CHUNK_BYTES = 1 << 20;

export interface SnapshotHandlers {
  /** The object is reused for the next record. */
  record(record: RawRecord): void;
  aux?(name: Buffer, value: Buffer): void;
  /** Source text of a function library. */
  library?(source: Buffer): void;
  /** Data of a module outside the keyspace was passed over. */
  moduleAux?(moduleName: string): void;
  /** The file announces so many keys for a database. */
  resize?(db: number, keys: number, expires: number): void;
  /** After each chunk: resolve when more may come. */
  drained?(): Promise<void> | void;
  progress?(doneBytes: number, totalBytes: number): void;
}

export interface ReadOptions {
  readonly files?: FileLayer;
  readonly chunkBytes?: number;
  readonly verifyChecksum?: boolean;
  /** True: bytes behind the end are the caller's (an append-only file with an RDB preamble). */
  readonly allowTrailing?: boolean;
}

export interface ReadResult {
  /** RDB version of the file. */
  readonly version: number;
  readonly records: number;
  /** Size of the RDB part; less than the file's only with `allowTrailing`. */
  readonly byteCount: number;
}

/** Reads the whole file; see the head of this module. */
export async function readSnapshot(
  path: string,
  handlers: SnapshotHandlers,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const file = await (options.files ?? diskFiles).open(path, 'r');
  try {
    return await readAll(file, handlers, options);
  } finally {
    await file.close();
  }
}

async function readAll(
  file: SnapshotFile,
  handlers: SnapshotHandlers,
  options: ReadOptions,
): Promise<ReadResult> {
  const totalBytes = (await file.stat()).size;
  const scanner = new RecordScanner({ totalBytes, verifyChecksum: options.verifyChecksum ?? true });
  const chunkBytes = Math.max(1, Math.min(options.chunkBytes ?? CHUNK_BYTES, totalBytes));
  let current = Buffer.allocUnsafeSlow(chunkBytes);
  let spare = Buffer.allocUnsafeSlow(chunkBytes);
  let records = 0;
  let doneBytes = 0;
  let reading = file.read(current, 0, chunkBytes);
  for (;;) {
    const { bytesRead } = await reading;
    if (bytesRead === 0) break;
    const chunk = current.subarray(0, bytesRead);
    [current, spare] = [spare, current];
    reading = file.read(current, 0, chunkBytes);
    // If scanning fails, nobody awaits this read: its own failure must not end the process.
    reading.catch(() => undefined);
    try {
      scanner.feed(chunk);
      records += deliver(scanner, handlers);
      doneBytes += bytesRead;
      handlers.progress?.(doneBytes, totalBytes);
      await handlers.drained?.();
    } catch (error) {
      // The file must not be closed under a read that is on its way.
      await reading.catch(() => undefined);
      throw error;
    }
  }
  scanner.finish();
  const trailing = doneBytes - scanner.offset;
  if (trailing > 0 && options.allowTrailing !== true) {
    throw new RdbFormatError('data behind the end', scanner.offset, `${trailing} bytes`);
  }
  return { version: scanner.version, records, byteCount: scanner.offset };
}

/** Hands over everything in the chunk; returns the number of records. */
function deliver(scanner: RecordScanner, handlers: SnapshotHandlers): number {
  let records = 0;
  for (;;) {
    switch (scanner.next()) {
      case ScanEvent.record:
        records++;
        handlers.record(scanner.record);
        break;
      case ScanEvent.aux:
        handlers.aux?.(scanner.auxName, scanner.auxValue);
        break;
      case ScanEvent.library:
        handlers.library?.(scanner.library);
        break;
      case ScanEvent.moduleAux:
        handlers.moduleAux?.(scanner.moduleName);
        break;
      case ScanEvent.resize:
        handlers.resize?.(scanner.resize.db, scanner.resize.keys, scanner.resize.expires);
        break;
      default:
        return records;
    }
  }
}
