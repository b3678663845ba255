/** For tests: the real file system, with one fault in it. */

import { diskFiles, type FileLayer, type SnapshotFile } from '../file-layer.ts';

export type Step = 'open' | 'write' | 'read' | 'sync' | 'close' | 'rename' | 'syncDirectory';

export function fault(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

export interface Fault {
  readonly step: Step;
  /** How often the step succeeds before. */
  readonly after: number;
  readonly error: Error;
}

/**
 * Fails the given step, and writes and reads at most `bytesMax` bytes at a time. `done` collects
 * the names of the steps in order.
 */
export function faultyFiles(
  options: { readonly fault?: Fault; readonly bytesMax?: number },
  done: Step[] = [],
): FileLayer {
  let left = options.fault?.after ?? 0;
  const bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY;
  const step = (name: Step): void => {
    done.push(name);
    if (options.fault?.step === name && left-- <= 0) throw options.fault.error;
  };
  const wrap = (file: SnapshotFile, isDirectory: boolean): SnapshotFile => ({
    write: async (buffer, offset, length) => {
      step('write');
      return file.write(buffer, offset, Math.min(length, bytesMax));
    },
    read: async (buffer, offset, length) => {
      step('read');
      return file.read(buffer, offset, Math.min(length, bytesMax));
    },
    stat: () => file.stat(),
    sync: async () => {
      step(isDirectory ? 'syncDirectory' : 'sync');
      await file.sync();
    },
    close: async () => {
      // As in close(2), the file is closed even where an error is reported.
      await file.close();
      if (!isDirectory) step('close');
    },
  });
  return {
    ...diskFiles,
    open: async (path, flags) => {
      if (flags === 'wx') step('open');
      const file = await diskFiles.open(path, flags);
      return wrap(file, flags === 'r' && !path.endsWith('.rdb'));
    },
    rename: async (from, to) => {
      step('rename');
      await diskFiles.rename(from, to);
    },
  };
}
