/**
 * The few file operations that snapshots need, as an interface, so that tests can put ENOSPC, EIO,
 * short writes and failing renames where they want them.
 */

import { open, readdir, rename, unlink } from 'node:fs/promises';

export interface SnapshotFile {
  /** May write less than asked; the caller goes on behind it. */
  write(buffer: Buffer, offset: number, length: number): Promise<{ bytesWritten: number }>;
  /** Resolves with 0 bytes at the end of the file. */
  read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number }>;
  /** Size in bytes. */
  stat(): Promise<{ size: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileLayer {
  /** `flags` as for open(2) in Node: 'r' and 'wx' are used. */
  open(path: string, flags: string): Promise<SnapshotFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
}

/** The real file system. */
export const diskFiles: FileLayer = { open, rename, unlink, readdir };
